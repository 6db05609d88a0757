// The settlement bridge: a position close becomes a settlement action. `assess` is the pure rule that the
// ledger applies inside its durable write; SettlementBridge is the seed's interface over it with its own
// memory. Thread: assess from any thread; a SettlementBridge belongs to one thread. The RateSource must
// outlive both.
#pragma once
#include <functional>
#include <unordered_set>
#include <vector>

#include "settle/money.hpp"
#include "settle/ref_id.hpp"

namespace anduin::settle {

struct BridgeOptions {
  PnlMode pnl = PnlMode::kNet;               ///< bridge.pnl
  bool capped_seizure = false;               ///< bridge.capped_seizure; an account may differ
  RefIdHash ref_id = RefIdHash::kKeccak256;  ///< bridge.ref_id
  unsigned token_decimals = 6;               ///< proven equal to the token's by the start-up probe
  bool check_plausibility = true;
  std::optional<Decimal> item_limit_usd;  ///< a single close above this is held; nothing = no limit
};

/// How far a row's figures could be checked.
enum class Verified : std::uint8_t { kOk, kUnverified, kFailed };

/// What is to become of a close, before anything is known about earlier ones with the same id.
struct Assessment {
  chain::Hash ref_id;
  Valuation value;  ///< action is empty for zero; kSeizeCapped where the account says so
  Verified verified = Verified::kUnverified;
  std::string hold;  ///< not empty: QUARANTINED with this reason
};

/// kBadRequest when the id can have no refId (the close is REJECTED).
Result<Assessment> assess(const ClosedPosition& close, const BridgeOptions& options, bool capped,
                          const RateSource* rates, std::int64_t now_ms);

/// The seed's SettlementAction.
struct SettlementAction {
  chain::Action type = chain::Action::kCredit;
  chain::Address user;
  Decimal amount;  ///< dollars, a magnitude, before truncation to units
  U256 units;
  chain::Hash ref_id;
  ClosedPosition position;
};

/// mapPositionToSettlement, batchMapPositions, isProcessed of the seed. A position maps to an action once;
/// zero, held and already processed ones map to nothing.
class SettlementBridge {
 public:
  /// Asked besides the bridge's own memory; lets the durable ledger answer for what earlier processes did.
  using Known = std::function<bool(const chain::Hash& ref_id)>;
  explicit SettlementBridge(BridgeOptions options = {}, const RateSource* rates = nullptr,
                            Known known = {});

  /// kBadRequest: the id or the amount is malformed. Nothing: no action (zero, held, or seen before).
  Result<std::optional<SettlementAction>> map_position_to_settlement(
      const ClosedPosition& position, const chain::Address& user, std::optional<bool> capped_seizure = {});
  /// The actions of those that have one, in order. The first malformed position is an error and nothing is
  /// remembered.
  Result<std::vector<SettlementAction>> batch_map_positions(const std::vector<ClosedPosition>& positions,
                                                            const chain::Address& user,
                                                            std::optional<bool> capped_seizure = {});
  [[nodiscard]] bool is_processed(std::string_view venue, std::string_view position_id) const;

 private:
  BridgeOptions options_;
  const RateSource* rates_;
  Known known_;
  std::unordered_set<std::string> processed_;  ///< raw refId bytes
};

}  // namespace anduin::settle
