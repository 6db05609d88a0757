// The decisions of the submitter without any I/O: when a slot is mined, final, lost, resent, bumped.
// Pure functions over plain values, any thread.
#pragma once
#include <optional>
#include <string>

#include "chain/node.hpp"
#include "settle/types.hpp"

namespace anduin::settle {

/// vaults.<name>.settled_at
struct FinalityRule {
  enum class Kind : std::uint8_t { kFinalized, kSafe, kDepth };
  Kind kind = Kind::kFinalized;
  std::uint64_t depth = 0;  ///< blocks on top, for kDepth
  /// "finalized", "safe", "depth:N" with N in 1..10000. kBadRequest otherwise.
  static Result<FinalityRule> parse(std::string_view text);
};

struct Heights {
  std::uint64_t head = 0, safe = 0, finalized = 0;
};

/// Highest block that counts as settled.
std::uint64_t settled_height(const FinalityRule& rule, const Heights& heights);

/// One of our attempts in a block that was canonical when we looked.
struct Sighting {
  Hash attempt;
  Hash block_hash;
  std::uint64_t block_number = 0;
  bool success = false;
};

struct SlotFacts {
  SlotState state = SlotState::kReserved;
  Hash block_hash;                   ///< as the ledger has it
  std::optional<Sighting> sighting;  ///< from this look
  bool all_looked_up = false;        ///< every attempt's receipt was asked for, without an error
  bool orphaned = false;             ///< a receipt names a block that is not canonical
  std::uint64_t nonce = 0;
  std::uint64_t finalized_nonce = 0;  ///< read before the receipts
  std::uint64_t settled_height = 0;
  bool absent_before = false;  ///< an earlier look, kSecondLookBlocks ago, found the same absence
};

enum class SlotMove : std::uint8_t {
  kWait,     ///< nothing new
  kMined,    ///< record the block
  kUnmined,  ///< it was mined and is not any more: resend
  kFinal,    ///< judge the items
  kSuspect,  ///< the nonce is gone at finalized and nothing of ours is there: look again later
  kLost,     ///< the same after the second look: the slot is over
};
SlotMove next_move(const SlotFacts& facts);

/// Two looks at an absence must be this many blocks apart when there is one endpoint (settlement.md section
/// 11).
inline constexpr std::uint64_t kSecondLookBlocks = 2;

struct Fees {
  U256 max_fee, tip;  ///< wei
  bool operator==(const Fees&) const = default;
};
struct FeeLimits {
  U256 max_fee_ceiling = 0;    ///< wei, 0 = only the factor below
  U256 tip_floor = 1'000'000;  ///< wei; what Base nodes customarily ask for
};
/// maxFee = 2 x base + tip, under the ceiling.
Fees fresh_fees(const chain::FeeSuggestion& s, const FeeLimits& limits);
/// Both fees: max(fresh, ceil(old x 9/8) + 1): exactly +10 % is refused by reth. Nothing when that is above
/// the ceiling, min(configured, 5 x fresh): keep resending the same bytes and say so.
std::optional<Fees> bumped_fees(const Fees& old, const chain::FeeSuggestion& s, const FeeLimits& limits);

/// What a send answer asks us to do. It never decides an outcome.
enum class AfterSend : std::uint8_t {
  kTrack,
  kBump,
  kAlarm,
  kAbandon,  ///< these bytes can never be mined: a no-op at the same nonce
  kHold,     ///< no gas money: resend after the top-up
};
AfterSend after_send(chain::SendClass what, std::size_t attempts);

/// What the chain says about one item whose slot is over.
struct ItemFacts {
  bool used = false;                       ///< usedRefIds at the settled block
  std::optional<chain::VaultEvent> event;  ///< of this refId, at or below the settled block
  bool own_slot = false;                   ///< the event is in our own slot's transaction
  std::optional<chain::RevertClass> why;   ///< when the transaction failed and a replay told the reason
  int slots_used = 0;
  bool amount_provable = true;  ///< the vault has events with user and amount
};
struct ItemVerdict {
  State to = State::kBlocked;
  std::string reason;
  std::optional<U256> onchain_units;
};
ItemVerdict judge_item(chain::Action action, const Address& user, const U256& units,
                       const ItemFacts& facts);

/// An item that failed in this many slots waits for a person instead of burning gas for ever.
inline constexpr int kSlotsPerItemMax = 5;

}  // namespace anduin::settle
