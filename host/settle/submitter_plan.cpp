// Sending: what is due again, and what new rows become slots.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter.hpp"

namespace anduin::settle {
namespace {

/// Estimates are exact for the state they saw; others may change it before the block. Never higher:
/// builders reserve the limit (settlement.md section 10).
constexpr std::uint64_t kGasNumerator = 12, kGasDenominator = 10;
constexpr std::uint64_t kMs = 1'000'000;
/// BLOCKED items looked at in one probe.
constexpr std::size_t kProbeMax = 64;

bool concerns_vault(chain::RevertClass c) {
  return c == chain::RevertClass::kInsufficientPool || c == chain::RevertClass::kPaused ||
         c == chain::RevertClass::kMissingRole;
}

}  // namespace

chain::VaultItem Submitter::vault_item(const QueuedItem& item) const {
  return {item.action, item.user, item.units, item.ref_id};
}

Result<void> Submitter::resend(Slot& slot, const View& view) {
  ++status_.resends;
  return broadcast(slot, view);
}

Result<void> Submitter::bump(Slot& slot, const View& view) {
  slot.bump_now = false;
  if (slot.row.attempts.size() >= options_.attempts_max) {
    slot.attempt_head = view.head.number;  // as late as a new attempt would be: not every round
    return resend(slot, view);
  }
  if (const auto fees = fresh(); !fees) return fees.error();
  const AttemptRow& last = slot.row.attempts.back();
  const auto fees = bumped_fees({last.max_fee, last.tip}, *fees_, options_.fees);
  if (!fees) {
    note("nonce " + std::to_string(slot.row.nonce) +
         ": the fee ceiling is reached, sending the same bytes again");
    slot.attempt_head = view.head.number;
    return resend(slot, view);
  }
  ++status_.bumps;
  if (auto made = sign_slot(slot, *fees, last.noop || !slot.abandon.empty()); !made) return made.error();
  return broadcast(slot, view);
}

Submitter::Due Submitter::due(const Slot& slot, const chain::Block& head, bool lowest) const {
  if (slot.row.state == SlotState::kMined) return Due::kNothing;
  if (slot.row.state == SlotState::kReserved) return Due::kSign;
  if (!slot.abandon.empty() && !slot.row.attempts.back().noop) return Due::kBump;
  if (slot.sent_mono_ns == 0) return Due::kSend;
  const bool late =
      lowest && slot.attempt_head != 0 && head.number >= slot.attempt_head + options_.bump_blocks;
  if (slot.bump_now || late) return Due::kBump;
  const bool missed =
      head.number >= slot.sent_head + options_.resend_blocks ||
      clock_.mono_ns() - slot.sent_mono_ns >= static_cast<std::uint64_t>(options_.resend_ms) * kMs;
  return missed ? Due::kResend : Due::kNothing;
}

bool Submitter::anything_due(const chain::Block& head) const {
  bool lowest = true;
  for (const auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;
    if (due(slot, head, lowest) != Due::kNothing) return true;
    lowest = false;
  }
  return false;
}

// Lowest nonce first: a pool keeps later ones waiting for it. Only the lowest open one is worth a higher
// fee.
Result<void> Submitter::send_due(const View& view) {
  bool lowest = true;
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;
    Result<void> done;
    switch (due(slot, view.head, lowest)) {
      case Due::kNothing:
        break;
      case Due::kSign: {
        const auto fees = fresh();
        done = fees ? sign_slot(slot, *fees, false) : Result<void>(fees.error());
        if (done) done = broadcast(slot, view);
        break;
      }
      case Due::kSend:
        done = broadcast(slot, view);
        break;
      case Due::kResend:
        done = resend(slot, view);
        break;
      case Due::kBump:
        done = bump(slot, view);
        break;
    }
    lowest = false;
    if (!done) {
      if (done.error().kind == ErrorKind::kFatal) return done.error();
      note(done.error(), slot.row.items.empty() ? nullptr : &slot.row.items.front());
      return {};  // what is behind it waits: nonces go out in order
    }
  }
  return {};
}

Result<bool> Submitter::can_pay(std::uint64_t gas_limit) {
  const auto fees = fresh();
  if (!fees) return fees.error();
  if (!balance_) {
    const auto balance = node_.balance(key_.signer, chain::Tag::kLatest);
    if (!balance) return balance.error();
    balance_ = *balance;
  }
  U256 need = fees->max_fee * gas_limit;
  for (const auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined || slot.row.attempts.empty()) continue;
    need += slot.row.attempts.back().max_fee * slot.row.attempts.back().gas_limit;
  }
  if (need <= *balance_) return true;
  note("signer " + key_.signer.to_string() + " needs " + (need - *balance_).str() + " wei more for gas");
  return false;
}

Result<void> Submitter::launch(const std::vector<QueuedItem>& items, const Call& call, std::uint64_t gas_limit,
                               const View& view) {
  const auto fees = fresh();
  if (!fees) return fees.error();
  auto row = ledger_.reserve(key_, vault_.address(), items, call, gas_limit);
  if (!row) return row.error();
  slots_.push_back(Slot{std::move(*row), 0, 0, 0, {}, false, {}});
  Slot& slot = slots_.back();
  if (auto made = sign_slot(slot, *fees, false); !made) return made.error();
  return broadcast(slot, view);
}

Result<void> Submitter::resolve_used(const QueuedItem& item, const View& view) {
  const auto facts = facts_of(item, view, nullptr);
  if (!facts) return facts.error();
  if (!facts->used) {
    waiting_[item.id] = view.head.number;  // used at the head, not yet at the settled block
    return {};
  }
  const ItemVerdict v = judge_item(item.action, item.user, item.units, *facts);
  if (auto kept = ledger_.move_item(key_, vault_.address(),
                                    {item.ref_id, item.state, v.to, v.reason, v.onchain_units});
      !kept) {
    return kept.error();
  }
  if (v.to == State::kAlreadySettled) {
    ++status_.settled;
    spdlog::info("vault {}: ALREADY_SETTLED {} id {} ref {}", options_.vault_name, item.venue,
                 item.position_id, item.ref_id.to_string());
  } else {
    note(std::string(to_string(v.to)) + ": " + v.reason, &item);
  }
  return {};
}

Result<Submitter::Planned> Submitter::handle_revert(const QueuedItem& item,
                                                    const chain::VaultRevert& revert, const View& view) {
  if (revert.what == chain::RevertClass::kDuplicateRefId) {
    if (auto r = resolve_used(item, view); !r) return r.error();
    return Planned::kSkipped;
  }
  const bool user_in_flight = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& s) {
    return std::any_of(s.row.items.begin(), s.row.items.end(),
                       [&](const QueuedItem& other) { return other.user == item.user; });
  });
  if (revert.what == chain::RevertClass::kInsufficientCollateral && user_in_flight) {
    waiting_[item.id] = view.head.number;  // a credit on its way may cover it
    return Planned::kSkipped;
  }
  const std::string reason = revert.to_string();
  if (auto kept =
          ledger_.move_item(key_, vault_.address(), {item.ref_id, item.state, State::kBlocked, reason, {}});
      !kept) {
    return kept.error();
  }
  note("BLOCKED: " + reason, &item);
  if (!concerns_vault(revert.what)) return Planned::kSkipped;
  plan_paused_until_ns_ = clock_.mono_ns() + static_cast<std::uint64_t>(options_.probe_blocked_ms) * kMs;
  return Planned::kStop;
}

Result<Submitter::Planned> Submitter::plan_item(const QueuedItem& item, const View& view) {
  const auto used = vault_.used(node_, item.ref_id, chain::Tag::kLatest);
  if (!used) return used.error();
  if (*used) {
    if (auto r = resolve_used(item, view); !r) return r.error();
    return Planned::kSkipped;
  }
  const auto calldata = vault_.settle_call(vault_item(item));
  if (!calldata) return calldata.error();
  const Call inner{vault_.address(), *calldata};
  auto gas = node_.estimate_gas(executor_.caller(), inner.to, inner.calldata);
  if (!gas) return gas.error();
  if (const auto* reverted = std::get_if<chain::CallResult>(&*gas)) {
    return handle_revert(item, vault_.decode_revert(reverted->data), view);
  }
  const auto outer = wrap(inner, view);
  if (!outer) return outer.error();
  if (*outer != inner) {
    gas = node_.estimate_gas(key_.signer, outer->to, outer->calldata);
    if (!gas) return gas.error();
    if (const auto* reverted = std::get_if<chain::CallResult>(&*gas)) {
      return Error{ErrorKind::kRetryable, options_.vault_name,
                   "the executor's call would revert: " + vault_.decode_revert(reverted->data).to_string()};
    }
  }
  const std::uint64_t limit =
      std::min(std::get<std::uint64_t>(*gas) * kGasNumerator / kGasDenominator, options_.gas_limit_max);
  const auto paid = can_pay(limit);
  if (!paid) return paid.error();
  if (!*paid) return Planned::kStop;
  if (auto r = launch({item}, *outer, limit, view); !r) return r.error();
  return Planned::kLaunched;
}

Result<Call> Submitter::wrap(const Call& inner, const View& view) {
  std::vector<const SlotRow*> open;
  for (const auto& slot : slots_) open.push_back(&slot.row);
  return executor_.wrap(inner, {node_, view.head, view.settled_id, open});
}

/// Mined slots left the pool; they count only where the executor says so.
bool Submitter::has_room() const {
  const InFlight bound = executor_.in_flight();
  const auto open = std::count_if(slots_.begin(), slots_.end(), [&](const Slot& s) {
    return bound.until_final || s.row.state != SlotState::kMined;
  });
  return static_cast<std::size_t>(open) < std::min(bound.max, options_.in_flight_max);
}

Result<void> Submitter::plan(const View& view, bool& more) {
  if (clock_.mono_ns() < plan_paused_until_ns_ || !has_room()) return {};
  // Rows that were put off stay in front of the queue: look past them.
  auto items =
      ledger_.queued(options_.chain_id, vault_.address(), options_.in_flight_max + waiting_.size());
  if (!items) return items.error();
  status_.queued = items->size();
  std::size_t put_off = 0;
  for (const auto& item : *items) {
    if (!has_room()) return {};
    const auto waits = waiting_.find(item.id);
    if (waits != waiting_.end()) {
      ++put_off;
      if (waits->second == view.head.number) continue;
      waiting_.erase(waits);
    }
    const auto planned = plan_item(item, view);
    if (!planned) return planned.error();
    if (*planned == Planned::kStop) return {};
  }
  if (items->size() > put_off && items->size() >= options_.in_flight_max + put_off) more = true;
  return {};
}

Result<void> Submitter::probe_blocked() {
  probe_due_ns_ = clock_.mono_ns() + static_cast<std::uint64_t>(options_.probe_blocked_ms) * kMs;
  auto items = ledger_.blocked(options_.chain_id, vault_.address(), kProbeMax);
  if (!items) return items.error();
  for (const auto& item : *items) {
    if (item.slots_used >= kSlotsPerItemMax) continue;  // that one waits for a person
    const auto calldata = vault_.settle_call(vault_item(item));
    if (!calldata) continue;
    const auto gas = node_.estimate_gas(executor_.caller(), vault_.address(), *calldata);
    if (!gas) return gas.error();
    if (const auto* reverted = std::get_if<chain::CallResult>(&*gas)) {
      // A duplicate is resolved by the plan, which asks the settled block.
      if (vault_.decode_revert(reverted->data).what != chain::RevertClass::kDuplicateRefId) continue;
    }
    if (auto kept = ledger_.move_item(key_, vault_.address(),
                                      {item.ref_id, State::kBlocked, State::kQueued, "would pass now", {}});
        !kept) {
      return kept.error();
    }
  }
  return {};
}

}  // namespace anduin::settle
