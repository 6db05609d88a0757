// Planning: which QUEUED rows become the next slots.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// Batches looked at in one round, the most that may be under way; then receipts and resends have their turn.
constexpr int kBatchesPerRound = 16;
/// Rows of the queue read at once, and how far one batch looks past rows that wait.
constexpr std::size_t kPage = 200;
constexpr int kPagesPerBatch = 20;
/// BLOCKED items looked at in one probe.
constexpr std::size_t kProbeMax = 64;
/// Polls while something is under way and more waits: a block makes room.
constexpr std::int64_t kBusyPollMs = 50;

}  // namespace

std::int64_t Submitter::pause_ms(std::int64_t poll_ms) const {
  std::int64_t out = poll_ms;
  if (status_.queued > 0 && !slots_.empty()) out = std::min(out, kBusyPollMs);
  if (window_until_ns_ != 0) {
    const std::uint64_t now = clock_.mono_ns();
    const std::uint64_t left = window_until_ns_ > now ? (window_until_ns_ - now) / kNsPerMs + 1 : 0;
    out = std::min(out, static_cast<std::int64_t>(left));
  }
  return std::max<std::int64_t>(out, 0);
}

Result<Call> Submitter::wrap(std::span<const Call> inner, const View& view) {
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

// Order: rows come by closed_at; one that is put off and holds its account keeps all later ones of it back, in this
// batch and in the next. A BLOCKED row holds nobody: a person or the vault decides about it.
Result<std::vector<QueuedItem>> Submitter::next_batch(const View& view, QueuePlace& after) {
  std::vector<QueuedItem> out;
  const std::size_t want = batch_limit();
  for (int page = 0; page < kPagesPerBatch; ++page) {
    const auto rows = ledger_.queued(options_.chain_id, vault_.address(), kPage, after);
    if (!rows) return rows.error();
    for (const auto& row : *rows) {
      after = {row.closed_ms, row.id};
      if (const auto it = waiting_.find(row.id); it != waiting_.end()) {
        if (it->second.head == view.head.number) {
          if (it->second.holds_account) held_accounts_.insert(account_of(row));
          continue;
        }
        waiting_.erase(it);
      }
      if (held_accounts_.contains(account_of(row))) continue;
      if (!same_again_.empty() && !same_again_.contains(row.id)) continue;
      out.push_back(row);
      if (out.size() == want) return out;
    }
    if (rows->size() < kPage) break;
  }
  if (out.empty()) same_again_.clear();  // nothing of it is QUEUED any more
  return out;
}

/// The first close of a batch waits a moment for others: one transaction instead of several.
bool Submitter::waits_for_company(std::size_t items) {
  if (options_.batch_window_ms == 0 || batch_limit() == 1 || items >= batch_limit() || !same_again_.empty())
    return false;
  const std::uint64_t now = clock_.mono_ns();
  if (window_until_ns_ == 0)
    window_until_ns_ = now + static_cast<std::uint64_t>(options_.batch_window_ms) * kNsPerMs;
  return now < window_until_ns_;
}

Result<void> Submitter::plan(const View& view, bool& more) {
  held_accounts_.clear();
  if (clock_.mono_ns() < plan_paused_until_ns_ || !has_room()) return {};
  // A nonce that nobody has signed yet: a second one would help nobody.
  if (std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.row.state == SlotState::kReserved; }))
    return {};
  if (auto r = learn_form(); !r) return r.error();
  QueuePlace after;
  for (int batches = 0; has_room(); ++batches) {
    auto items = next_batch(view, after);
    if (!items) return items.error();
    if (items->empty()) {
      window_until_ns_ = 0;
      return {};
    }
    if (batches == kBatchesPerRound) {
      more = true;
      return {};
    }
    if (waits_for_company(items->size())) return {};
    const auto planned = plan_batch(std::move(*items), after, view);
    if (!planned) return planned.error();
    if (*planned == Planned::kStop) return {};
  }
  return {};
}

Result<Submitter::Planned> Submitter::plan_batch(std::vector<QueuedItem> items, QueuePlace& after,
                                                 const View& view) {
  if (auto r = drop_used(items, view); !r) return r.error();
  const auto sifted = sift(items, view);
  if (!sifted || *sifted == Planned::kStop) return sifted;
  if (items.empty()) return Planned::kSkipped;
  Offer offer;
  const auto offered = make_offer(items, offer, view);
  after = {items.back().closed_ms, items.back().id};  // what was cut from the end comes next
  if (!offered || *offered != Planned::kGo) return offered;
  const auto paid = can_pay(offer.gas_limit, offer.call.calldata.size());
  if (!paid) return paid.error();
  if (!*paid) return Planned::kStop;
  window_until_ns_ = 0;
  if (auto r = launch(items, offer.call, offer.gas_limit, view); !r) return r.error();
  return Planned::kGo;
}

/// Calldata, the executor's call around it, and a gas limit under its bound: fewer items where it would be above.
Result<Submitter::Planned> Submitter::make_offer(std::vector<QueuedItem>& items, Offer& out, const View& view) {
  while (true) {
    const std::size_t before = items.size();
    const auto inner = inner_calls(items);
    if (!inner) {
      if (before > 1 || inner.error().kind != ErrorKind::kBadRequest) return inner.error();
      return refuse_item(items.front(), inner.error().text);  // the vault has no function for it
    }
    auto priced = price(items, executor_.caller(), inner->front(), out.gas_limit, view);
    if (!priced || *priced != Planned::kGo) return priced;
    // Of packed calls the first stands for all until the executor has put them together.
    if (inner->size() > 1) items.resize(std::min(items.size(), options_.gas_limit_max / std::max<std::uint64_t>(1, out.gas_limit)));
    if (items.size() != before) continue;
    auto outer = wrap(*inner, view);
    if (!outer) {
      for (const auto& item : items) same_again_.insert(item.id);
      return outer.error();
    }
    same_again_.clear();
    if (*outer != inner->front()) {
      priced = price(items, key_.signer, *outer, out.gas_limit, view);
      if (!priced || *priced != Planned::kGo) return priced;
      if (items.size() != before) continue;
    }
    out.call = std::move(*outer);
    return Planned::kGo;
  }
}

Result<Submitter::Planned> Submitter::price(std::vector<QueuedItem>& items, const Address& from, const Call& call,
                                            std::uint64_t& limit, const View& view) {
  const auto gas = node_.estimate_gas(from, call.to, call.calldata);
  if (!gas) return gas.error();
  if (const auto* reverted = std::get_if<chain::CallResult>(&*gas)) {
    const auto why = vault_.decode_revert(reverted->data);
    if (call.to == vault_.address() && items.size() == 1) return handle_revert(items.front(), why, {}, view);
    if (items.size() > 1) smaller_batches(items.size());
    return Error{ErrorKind::kRetryable, options_.vault_name,
                 "the transaction of " + std::to_string(items.size()) +
                     " settlements would revert: " + why.to_string() + (reverted->message.empty() ? "" : ", ") +
                     reverted->message};
  }
  const std::uint64_t estimate = std::get<std::uint64_t>(*gas);
  limit = gas_limit_for(estimate);
  if (limit > options_.gas_limit_max && items.size() > 1) {
    items.resize(std::min(items.size() - 1, fitting(items.size(), limit, options_.gas_limit_max)));
    batch_cap_ = items.size();
    return Planned::kGo;
  }
  if (estimate > options_.gas_limit_max) {
    return refuse_item(items.front(), "needs " + std::to_string(estimate) + " gas, gas_limit_max is " +
                                          std::to_string(options_.gas_limit_max));
  }
  limit = std::min(limit, options_.gas_limit_max);
  return Planned::kGo;
}

Result<Submitter::Planned> Submitter::refuse_item(const QueuedItem& item, const std::string& why) {
  auto kept = ledger_.move_item(key_, vault_.address(), {item.ref_id, item.state, State::kBlocked, why, {}});
  if (!kept) return doubt(kept.error());
  note("BLOCKED: " + why, &item);
  return Planned::kSkipped;
}

Result<void> Submitter::probe_blocked() {
  probe_due_ns_ = clock_.mono_ns() + static_cast<std::uint64_t>(options_.probe_blocked_ms) * kNsPerMs;
  // From where the last one ended, so that hopeless ones in front starve nobody.
  auto items = ledger_.blocked(options_.chain_id, vault_.address(), kProbeMax, probed_);
  if (!items) return items.error();
  probed_ = items->size() < kProbeMax ? QueuePlace{} : QueuePlace{items->back().closed_ms, items->back().id};
  for (const auto& item : *items) {
    if (item.slots_used >= kSlotsPerItemMax) continue;  // that one waits for a person
    const auto calldata = payload({item});
    if (!calldata) continue;
    const auto gas = node_.estimate_gas(executor_.caller(), vault_.address(), *calldata);
    if (!gas) return gas.error();
    if (const auto* reverted = std::get_if<chain::CallResult>(&*gas)) {
      // A duplicate is resolved by the plan, which asks the settled block.
      if (vault_.decode_revert(reverted->data).what != chain::RevertClass::kDuplicateRefId) continue;
    } else if (std::get<std::uint64_t>(*gas) > options_.gas_limit_max) {
      continue;
    }
    if (auto kept = ledger_.move_item(key_, vault_.address(),
                                      {item.ref_id, State::kBlocked, State::kQueued, "would pass now", {}});
        !kept) {
      return doubt(kept.error());
    }
  }
  return {};
}

}  // namespace anduin::settle
