#include "settle/slot_logic.hpp"

#include <algorithm>
#include <charconv>

namespace anduin::settle {
namespace {

/// A fee may be this many times what the chain asks for now; above it we wait (settlement.md section 10).
constexpr unsigned kFeeCeilingFactor = 5;
constexpr std::uint64_t kDepthMax = 10'000;

U256 ceiling(const chain::FeeSuggestion& s, const FeeLimits& limits) {
  const U256 five = (s.base_fee_next * 2 + std::max(s.tip, limits.tip_floor)) * kFeeCeilingFactor;
  return limits.max_fee_ceiling == 0 ? five : std::min(five, limits.max_fee_ceiling);
}

U256 step_up(const U256& old) { return (old * 9 + 7) / 8 + 1; }

bool event_matches(chain::Action action, const Address& user, const U256& units,
                   const chain::VaultEvent& e) {
  if (e.user != user || e.requested != units || e.credit != (action == chain::Action::kCredit))
    return false;
  return action == chain::Action::kSeizeCapped ? e.moved <= units : e.moved == units;
}

const char* blocked_reason(chain::RevertClass c) {
  switch (c) {
    case chain::RevertClass::kInsufficientCollateral:
      return "InsufficientCollateral: the user's vault balance is too low";
    case chain::RevertClass::kInsufficientPool:
      return "InsufficientPool: the vault's pool cannot pay";
    case chain::RevertClass::kPaused:
      return "Paused: the vault is paused";
    case chain::RevertClass::kMissingRole:
      return "MissingRole: the signer may not settle on this vault";
    case chain::RevertClass::kBadItem:
      return "BadItem: the vault refuses this item";
    default:
      return nullptr;
  }
}

}  // namespace

Result<FinalityRule> FinalityRule::parse(std::string_view text) {
  if (text == "finalized") return FinalityRule{};
  if (text == "safe") return FinalityRule{Kind::kSafe, 0};
  constexpr std::string_view kPrefix = "depth:";
  if (text.starts_with(kPrefix)) {
    const auto digits = text.substr(kPrefix.size());
    std::uint64_t depth = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), depth);
    if (ec == std::errc() && end == digits.data() + digits.size() && depth >= 1 && depth <= kDepthMax) {
      return FinalityRule{Kind::kDepth, depth};
    }
  }
  return Error{ErrorKind::kBadRequest, "settled_at",
               "'" + std::string(text) + "' is none of finalized, safe, depth:N (N from 1 to 10000)"};
}

std::uint64_t settled_height(const FinalityRule& rule, const Heights& h) {
  switch (rule.kind) {
    case FinalityRule::Kind::kFinalized:
      return h.finalized;
    case FinalityRule::Kind::kSafe:
      return h.safe;
    case FinalityRule::Kind::kDepth:
      return h.head > rule.depth ? h.head - rule.depth : 0;
  }
  return h.finalized;
}

SlotMove next_move(const SlotFacts& f) {
  if (f.sighting) {
    // Two looks at the same block before it counts: the first one records it.
    const bool seen_before = f.state == SlotState::kMined && f.block_hash == f.sighting->block_hash;
    if (!seen_before) return SlotMove::kMined;
    return f.sighting->block_number <= f.settled_height ? SlotMove::kFinal : SlotMove::kWait;
  }
  // An unanswered question is no absence.
  if (!f.all_looked_up) return SlotMove::kWait;
  if (f.state == SlotState::kMined) return SlotMove::kUnmined;
  if (f.orphaned) return SlotMove::kWait;  // the node is between two branches: ask again
  if (f.finalized_nonce > f.nonce) return f.absent_before ? SlotMove::kLost : SlotMove::kSuspect;
  return SlotMove::kWait;
}

Fees fresh_fees(const chain::FeeSuggestion& s, const FeeLimits& limits) {
  Fees out;
  out.tip = std::max(s.tip, limits.tip_floor);
  out.max_fee = s.base_fee_next * 2 + out.tip;
  if (limits.max_fee_ceiling != 0) out.max_fee = std::min(out.max_fee, limits.max_fee_ceiling);
  out.tip = std::min(out.tip, out.max_fee);
  return out;
}

std::optional<Fees> bumped_fees(const Fees& old, const chain::FeeSuggestion& s, const FeeLimits& limits) {
  const Fees fresh = fresh_fees(s, limits);
  Fees out{std::max(fresh.max_fee, step_up(old.max_fee)), std::max(fresh.tip, step_up(old.tip))};
  out.max_fee = std::max(out.max_fee, out.tip);
  if (out.max_fee > ceiling(s, limits)) return std::nullopt;
  return out;
}

AfterSend after_send(chain::SendClass what, std::size_t attempts) {
  switch (what) {
    case chain::SendClass::kUnderpriced:
      return AfterSend::kBump;
    case chain::SendClass::kReplaceUnderpriced:
      // With several attempts the one in the pool may be ours: outbid it. With one, a stranger's holds the
      // nonce.
      return attempts > 1 ? AfterSend::kBump : AfterSend::kAlarm;
    case chain::SendClass::kInsufficientFunds:
      return AfterSend::kHold;
    case chain::SendClass::kPermanent:
      return AfterSend::kAbandon;
    case chain::SendClass::kAccepted:
    case chain::SendClass::kAlreadyKnown:
    case chain::SendClass::kNonceConsumed:
    case chain::SendClass::kNonceGap:
    case chain::SendClass::kRevert:
    case chain::SendClass::kPoolFull:
    case chain::SendClass::kUnknown:
      break;
  }
  return AfterSend::kTrack;
}

ItemVerdict judge_item(chain::Action action, const Address& user, const U256& units, const ItemFacts& f) {
  if (f.used) {
    if (f.event && event_matches(action, user, units, *f.event)) {
      return {f.own_slot ? State::kSettled : State::kAlreadySettled,
              f.own_slot ? "" : "settled by another transaction", f.event->moved};
    }
    if (f.event) {
      return {State::kConflict,
              "the vault has settled this refId with another user or amount: " + f.event->requested.str() +
                  " units for " + f.event->user.to_string(),
              f.event->moved};
    }
    if (!f.amount_provable)
      return {State::kAlreadySettled, "amount_proof: none; the vault has no event to compare", {}};
    return {State::kConflict, "the vault says this refId is used, but shows no event of it", {}};
  }
  if (f.event && f.own_slot) {
    return {State::kConflict, "the vault shows an event, but says this refId is unused", f.event->moved};
  }
  if (f.why) {
    if (const char* reason = blocked_reason(*f.why)) return {State::kBlocked, reason, {}};
  }
  if (f.slots_used >= kSlotsPerItemMax) {
    return {State::kBlocked,
            "failed in " + std::to_string(f.slots_used) + " transactions without a known reason",
            {}};
  }
  return {State::kQueued, "not settled by that transaction; sent again", {}};
}

}  // namespace anduin::settle
