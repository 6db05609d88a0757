// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IToken, UnifiedAccountVault} from "./UnifiedAccountVault.sol";

/// The reference vault without its guard: it settles a refId as often as it is told to. Exactly-once against this vault
/// is proof that the sender does not lean on the contract.
contract UnifiedAccountVaultNoDuplicateCheck is UnifiedAccountVault {
    constructor(IToken token_, address admin, address settler) UnifiedAccountVault(token_, admin, settler) {}

    function _refusesUsedRefIds() internal pure override returns (bool) {
        return false;
    }
}
