// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IToken {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// The reference vault of the tests, the demo and the documentation: what settlement needs of a vault and no more.
/// Users' collateral and the pool that pays profits are an internal ledger over one token balance; a settlement moves
/// units between the two and never moves tokens. A refId settles once, whatever the action.
contract UnifiedAccountVault {
    bytes32 public constant ADMIN_ROLE = keccak256("ADMIN_ROLE");
    bytes32 public constant SETTLER_ROLE = keccak256("SETTLER_ROLE");

    uint8 private constant CREDIT = 0;
    uint8 private constant SEIZE = 1;
    uint8 private constant SEIZE_CAPPED = 2;

    struct Settlement {
        uint8 action;
        address user;
        uint256 amount;
        bytes32 refId;
    }

    IToken public immutable token;
    bool public paused;
    uint256 public pool;
    mapping(bytes32 role => mapping(address account => bool)) public hasRole;
    mapping(address user => uint256) public collateral;
    mapping(bytes32 refId => bool) public usedRefIds;

    event Deposited(address indexed user, uint256 amount);
    event PoolFunded(address indexed from, uint256 amount);
    event PausedSet(bool paused);
    event RoleSet(bytes32 indexed role, address indexed account, bool enabled);
    event PnlCredited(address indexed user, uint256 amount, bytes32 indexed refId);
    event CollateralSeized(address indexed user, uint256 requested, uint256 seized, bytes32 indexed refId);
    event SettlementSkipped(bytes32 indexed refId, bytes reason);

    error DuplicateRefId();
    error InsufficientCollateral(address user, uint256 available, uint256 requested);
    error InsufficientPool(uint256 available, uint256 requested);
    error MissingRole(address account, bytes32 role);
    error Paused();
    error ZeroAmount();
    error ZeroUser();
    error BadAction(uint8 action);

    constructor(IToken token_, address admin, address settler) {
        token = token_;
        _setRole(ADMIN_ROLE, admin, true);
        _setRole(SETTLER_ROLE, settler, true);
    }

    modifier only(bytes32 role) {
        if (!hasRole[role][msg.sender]) revert MissingRole(msg.sender, role);
        _;
    }

    modifier whenRunning() {
        if (paused) revert Paused();
        _;
    }

    // Administration and funding

    function setRole(bytes32 role, address account, bool enabled) external only(ADMIN_ROLE) {
        _setRole(role, account, enabled);
    }

    function setPaused(bool paused_) external only(ADMIN_ROLE) {
        paused = paused_;
        emit PausedSet(paused_);
    }

    function deposit(uint256 amount) external {
        depositFor(msg.sender, amount);
    }

    /// The caller pays, the user owns.
    function depositFor(address user, uint256 amount) public {
        if (user == address(0)) revert ZeroUser();
        token.transferFrom(msg.sender, address(this), amount);
        collateral[user] += amount;
        emit Deposited(user, amount);
    }

    function fundPool(uint256 amount) external {
        token.transferFrom(msg.sender, address(this), amount);
        pool += amount;
        emit PoolFunded(msg.sender, amount);
    }

    // Settlement

    function creditPnl(address user, uint256 amount, bytes32 refId) external only(SETTLER_ROLE) whenRunning {
        _credit(user, amount, refId);
    }

    function seizeCollateral(address user, uint256 amount, bytes32 refId) external only(SETTLER_ROLE) whenRunning {
        _seize(user, amount, refId, false);
    }

    /// Takes what is there, up to the amount. The refId is used even when nothing was left to take.
    function seizeCollateralCapped(address user, uint256 amount, bytes32 refId)
        external
        only(SETTLER_ROLE)
        whenRunning
        returns (uint256 seized)
    {
        return _seize(user, amount, refId, true);
    }

    /// All or nothing.
    function batchSettle(Settlement[] calldata items) external only(SETTLER_ROLE) whenRunning {
        for (uint256 i = 0; i < items.length; ++i) _settle(items[i]);
    }

    /// Item by item: one that fails leaves an event with its reason and no other trace.
    function tryBatchSettle(Settlement[] calldata items) external only(SETTLER_ROLE) whenRunning {
        for (uint256 i = 0; i < items.length; ++i) {
            try this.selfSettle(items[i]) {}
            catch (bytes memory reason) {
                emit SettlementSkipped(items[i].refId, reason);
            }
        }
    }

    /// For tryBatchSettle alone: only a call can be undone item by item.
    function selfSettle(Settlement calldata item) external {
        if (msg.sender != address(this)) revert MissingRole(msg.sender, SETTLER_ROLE);
        _settle(item);
    }

    function _settle(Settlement calldata item) private {
        if (item.action == CREDIT) _credit(item.user, item.amount, item.refId);
        else if (item.action == SEIZE) _seize(item.user, item.amount, item.refId, false);
        else if (item.action == SEIZE_CAPPED) _seize(item.user, item.amount, item.refId, true);
        else revert BadAction(item.action);
    }

    function _credit(address user, uint256 amount, bytes32 refId) private {
        _begin(user, amount, refId);
        uint256 available = pool;
        if (available < amount) revert InsufficientPool(available, amount);
        unchecked {
            pool = available - amount;
        }
        collateral[user] += amount;
        emit PnlCredited(user, amount, refId);
    }

    function _seize(address user, uint256 amount, bytes32 refId, bool capped) private returns (uint256 seized) {
        _begin(user, amount, refId);
        uint256 available = collateral[user];
        seized = amount;
        if (available < amount) {
            if (!capped) revert InsufficientCollateral(user, available, amount);
            seized = available;
        }
        unchecked {
            collateral[user] = available - seized;
        }
        pool += seized;
        emit CollateralSeized(user, amount, seized, refId);
    }

    function _begin(address user, uint256 amount, bytes32 refId) private {
        if (user == address(0)) revert ZeroUser();
        if (amount == 0) revert ZeroAmount();
        if (_refusesUsedRefIds() && usedRefIds[refId]) revert DuplicateRefId();
        usedRefIds[refId] = true;
    }

    function _refusesUsedRefIds() internal pure virtual returns (bool) {
        return true;
    }

    function _setRole(bytes32 role, address account, bool enabled) private {
        hasRole[role][account] = enabled;
        emit RoleSet(role, account, enabled);
    }
}
