// The vault contract as configuration: signatures in, calldata out; logs and reverts back in our own words.
// Immutable after create(), any thread; probe() talks to a node and follows that node's thread rule.
#pragma once
#include <map>

#include "chain/abi.hpp"
#include "chain/node.hpp"

namespace anduin {
class Random;
}

namespace anduin::chain {

/// Values are the action numbers of the batch layout.
enum class Action : std::uint8_t { kCredit = 0, kSeize = 1, kSeizeCapped = 2 };
const char* to_string(Action a);  ///< "credit", "seize", "seize_capped"

struct VaultItem {
  Action action = Action::kCredit;
  Address user;
  U256 amount;  ///< token units, > 0
  Hash ref_id;
  bool operator==(const VaultItem&) const = default;
};

enum class RevertClass : std::uint8_t {
  kDuplicateRefId,
  kInsufficientCollateral,
  kInsufficientPool,
  kPaused,
  kMissingRole,
  kBadItem,  ///< the item itself is refused (ZeroAmount, ZeroUser, BadAction): a person must look
  kOther,    ///< another configured error, Error(string), Panic, unknown bytes
  kNoData,   ///< reverted (or answered) without data
};
const char* to_string(RevertClass c);
/// The names of to_string(RevertClass), for configuration.
std::optional<RevertClass> parse_revert_class(std::string_view text);

struct VaultRevert {
  RevertClass what = RevertClass::kNoData;
  abi::Revert revert;
  [[nodiscard]] std::string to_string() const;
};

/// An event's signature text and which parameter (by name) plays which role. An empty signature: no such
/// event.
struct EventSpec {
  std::string signature;
  std::string user = "user", amount = "amount", seized = {}, ref_id = "refId";
};

/// Every text is configuration with the default of the reference vault; empty = the vault does not have it.
struct VaultAbi {
  std::string credit = "creditPnl(address,uint256,bytes32)";
  std::string seize = "seizeCollateral(address,uint256,bytes32)";
  std::string seize_capped = "seizeCollateralCapped(address,uint256,bytes32)";
  std::string used_ref_ids = "usedRefIds(bytes32)";
  std::string token = "token()";        ///< the collateral token; empty: `token_address` must be given
  std::string decimals = "decimals()";  ///< asked of the token
  std::string batch = "batchSettle((uint8,address,uint256,bytes32)[])";
  std::string try_batch = "tryBatchSettle((uint8,address,uint256,bytes32)[])";
  EventSpec credited = {"PnlCredited(address indexed user,uint256 amount,bytes32 indexed refId)"};
  EventSpec seized = {
      "CollateralSeized(address indexed user,uint256 requested,uint256 seized,bytes32 indexed refId)",
      "user", "requested", "seized", "refId"};
  std::string skipped =
      "SettlementSkipped(bytes32 indexed refId,bytes reason)";  ///< parameters refId, reason by place
  std::map<std::string, RevertClass> errors = default_errors();
  std::optional<Address> token_address;

  static std::map<std::string, RevertClass> default_errors();
};

/// What the chain says happened to one refId.
struct VaultEvent {
  bool credit = false;
  Address user;
  U256 requested;  ///< token units asked for; for a credit what was credited
  U256 moved;      ///< token units really moved: equal to requested except for a capped seizure
  Hash ref_id;
  std::uint64_t block_number = 0;
  Hash block_hash, transaction_hash;
  bool operator==(const VaultEvent&) const = default;
};

struct SkippedItem {
  Hash ref_id;
  VaultRevert reason;
};

/// What probe() found; everything a start-up report shows.
struct VaultFacts {
  std::uint64_t chain_id = 0;
  Address token;
  unsigned decimals = 0;
  std::optional<VaultRevert>
      credit_revert;  ///< why a one-unit credit would fail now; nothing = it would pass
  [[nodiscard]] bool role_missing() const {
    return credit_revert && credit_revert->what == RevertClass::kMissingRole;
  }
};

class Vault {
 public:
  /// kBadRequest, naming the setting, when a text is no signature, a role names no parameter, types do not
  /// fit, or the address is zero.
  static Result<Vault> create(const Address& address, const VaultAbi& abi = {});

  [[nodiscard]] const Address& address() const { return address_; }
  /// False: the configuration has no event that proves user and amount (amount_proof: none).
  [[nodiscard]] bool proves_amount() const { return credited_.has_value() && seized_.has_value(); }
  [[nodiscard]] bool can(Action action) const;
  [[nodiscard]] bool has_batch(bool tolerant) const { return (tolerant ? try_batch_ : batch_).has_value(); }

  /// Calldata of one item. kBadRequest when the vault lacks the function, the amount is zero or the user is
  /// zero.
  [[nodiscard]] Result<Bytes> settle_call(const VaultItem& item) const;
  [[nodiscard]] Result<Bytes> batch_call(std::span<const VaultItem> items, bool tolerant) const;
  [[nodiscard]] Bytes used_ref_ids_call(const Hash& ref_id) const;

  /// usedRefIds at a block. kProtocol when the answer is not one ABI bool (an empty answer means: no
  /// contract there).
  Result<bool> used(Node& node, const Hash& ref_id, const BlockId& at) const;
  /// The same for several, in order.
  Result<std::vector<bool>> used(Node& node, std::span<const Hash> ref_ids, const BlockId& at) const;
  /// Whether the contract answers to the configured batch function: an eth_call of an empty batch. A contract that
  /// swallows unknown calls would say yes; its items then never get an event and wait for a person.
  Result<bool> probe_batch(Node& node, const Address& caller, bool tolerant) const;

  /// Nothing when the log is not of this vault or not one of the two settlement events. An event with our
  /// topic but a shape we cannot read is kProtocol: never guess about money.
  [[nodiscard]] Result<std::optional<VaultEvent>> parse_event(const Log& log) const;
  [[nodiscard]] Result<std::optional<SkippedItem>> parse_skipped(const Log& log) const;
  /// Filter for the settlement events of one refId or, without one, of all. One filter for each event (0, 1
  /// or 2), because the refId may stand at different places.
  [[nodiscard]] std::vector<LogFilter> event_filters(std::uint64_t from_block, std::uint64_t to_block,
                                                     const std::optional<Hash>& ref_id = {}) const;
  /// All settlement events in a block range, by block. The caller keeps windows small (RPC limits).
  Result<std::vector<VaultEvent>> events(Node& node, std::uint64_t from_block, std::uint64_t to_block,
                                         const std::optional<Hash>& ref_id = {}) const;

  [[nodiscard]] VaultRevert decode_revert(std::span<const std::uint8_t> data) const;

  /// Start-up probes, in this order, first failure returned as kBadRequest: chain id, code at the address,
  /// usedRefIds(0) answers 32 bytes, the token has code, its decimals. The role probe (an eth_call of a
  /// one-unit credit of `signer` to itself on a random refId) never fails the probe: its revert is reported
  /// in the facts.
  Result<VaultFacts> probe(Node& node, std::uint64_t chain_id, unsigned decimals, const Address& signer,
                           Random& random) const;

 private:
  struct Event {
    abi::Signature signature;
    std::size_t user = 0, amount = 0, ref_id = 0;
    std::optional<std::size_t> seized;
  };
  Vault() = default;
  static Result<std::optional<Event>> make_event(const EventSpec& spec, const char* setting);
  [[nodiscard]] Result<std::optional<VaultEvent>> parse_as(const Event& event, bool credit,
                                                           const Log& log) const;
  Result<Bytes> call_for_data(Node& node, const Address& from, const Address& to, const Bytes& data,
                              const char* what) const;
  Result<Address> token_of(Node& node, const Address& from) const;
  Result<unsigned> decimals_of(Node& node, const Address& from, const Address& token) const;
  Result<std::optional<VaultRevert>> try_credit(Node& node, const Address& signer, Random& random) const;

  Address address_;
  std::optional<Address> token_address_;
  std::optional<abi::Signature> credit_, seize_, seize_capped_, token_, batch_, try_batch_, skipped_;
  abi::Signature used_ref_ids_, decimals_;
  std::optional<Event> credited_, seized_;
  std::vector<abi::Signature> errors_;
  std::map<std::string, RevertClass> error_classes_;  ///< by canonical signature
};

}  // namespace anduin::chain
