// Sending: what of the open slots is due again.
#include <algorithm>

#include "settle/submitter_look.hpp"

namespace anduin::settle {

Result<void> Submitter::resend(Slot& slot, const View& view) {
  ++status_.resends;
  return broadcast(slot, view);
}

Result<void> Submitter::bump(Slot& slot, const View& view) {
  slot.bump_now = false;
  const AttemptRow& last = slot.row.attempts.back();
  // Giving a payload up is no competition of fees: it happens once, whatever the bounds say.
  const bool give_up = !slot.abandon.empty() && !last.noop;
  if (!give_up && slot.row.attempts.size() >= options_.attempts_max) {
    slot.attempt_head = view.head.number;  // as late as a new attempt would be: not every round
    return resend(slot, view);
  }
  const auto now = fresh();
  if (!now) return now.error();
  auto fees = bumped_fees({last.max_fee, last.tip}, *fees_, options_.fees);
  if (!fees && give_up) fees = Fees{std::max(now->max_fee, last.max_fee), std::max(now->tip, last.tip)};
  if (!fees) {
    note("nonce " + std::to_string(slot.row.nonce) +
         ": the fee ceiling is reached, sending the same bytes again");
    slot.attempt_head = view.head.number;
    return resend(slot, view);
  }
  ++status_.bumps;
  if (auto made = sign_slot(slot, *fees, last.noop || give_up); !made) return made.error();
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
      clock_.mono_ns() - slot.sent_mono_ns >= static_cast<std::uint64_t>(options_.resend_ms) * kNsPerMs;
  return missed ? Due::kResend : Due::kNothing;
}

// Only the lowest ones: a pool keeps no more of one sender, and all of them wait for the first.
bool Submitter::anything_due(const chain::Block& head) const {
  std::size_t open = 0;
  for (const auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;
    if (open == options_.in_flight_max) return false;
    if (due(slot, head, open == 0) != Due::kNothing) return true;
    ++open;
  }
  return false;
}

Result<void> Submitter::do_due(Slot& slot, Due what, const View& view) {
  if (what == Due::kNothing) return {};
  if (auto r = whole(slot); !r) return r.error();
  switch (what) {
    case Due::kNothing: break;
    case Due::kSign: {
      const auto fees = fresh();
      if (!fees) return fees.error();
      if (auto made = sign_slot(slot, *fees, false); !made) return made.error();
      return broadcast(slot, view);
    }
    case Due::kSend: return broadcast(slot, view);
    case Due::kResend: return resend(slot, view);
    case Due::kBump: return bump(slot, view);
  }
  return {};
}

// Lowest nonce first: a pool keeps later ones waiting for it. Only the lowest open one is worth a higher
// fee.
Result<void> Submitter::send_due(const View& view) {
  std::size_t open = 0;
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;
    if (open == options_.in_flight_max) break;
    const auto done = do_due(slot, due(slot, view.head, open == 0), view);
    ++open;
    if (!done) {
      if (done.error().kind == ErrorKind::kFatal) return done.error();
      note(done.error(), slot.row.items.empty() ? nullptr : &slot.row.items.front());
      return {};  // what is behind it waits: nonces go out in order
    }
  }
  return {};
}

Result<void> Submitter::launch(const std::vector<QueuedItem>& items, const Call& call, std::uint64_t gas_limit,
                               const View& view) {
  const auto fees = fresh();
  if (!fees) return fees.error();
  auto row = ledger_.reserve(key_, vault_.address(), items, call, gas_limit);
  if (!row) return doubt(row.error());
  slots_.push_back(Slot{std::move(*row)});
  Slot& slot = slots_.back();
  if (auto made = sign_slot(slot, *fees, false); !made) return made.error();
  return broadcast(slot, view);
}

}  // namespace anduin::settle
