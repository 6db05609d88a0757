#include "settle/recovery.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "settle/slot_logic.hpp"

namespace anduin::settle {

Result<bool> Recovery::step(const SignerKey& key, const chain::Block& settled, const chain::BlockId& settled_id) {
  if (!vault_.proves_amount()) {  // a vault without events shows nothing; usedRefIds is asked for each row
    read_to_ = settled.number;
    return true;
  }
  if (!read_to_) {
    if (auto begun = begin(key, settled); !begun) return begun.error();
  }
  for (int i = 0; i < kWindowsPerStep && *read_to_ < settled.number; ++i) {
    const std::uint64_t low = *read_to_ + 1, high = std::min(settled.number, low + options_.window_blocks - 1);
    const auto events = vault_.events(node_, low, high);
    if (!events) return events.error();
    // Reading again is harmless, so that an empty window needs no write of its own.
    if (!events->empty() || high >= kept_to_ + kBlocksPerWrite) {
      const auto waiting = ledger_.record_scan(key, vault_.address(), *events, high + 1);
      if (!waiting) return waiting.error();
      kept_to_ = high;
      if (auto done = settle_waiting(key, *waiting, *events, settled_id); !done) return done.error();
    }
    read_to_ = high;
  }
  const auto foreign = ledger_.foreign_events(options_.chain_id, vault_.address());
  if (!foreign) return foreign.error();
  foreign_ = *foreign;
  return *read_to_ >= settled.number;
}

/// Where the ledger left off. One that never used this vault has missed nothing: it begins at what is settled now.
Result<void> Recovery::begin(const SignerKey& key, const chain::Block& settled) {
  const auto from = ledger_.scan_from(options_.chain_id, vault_.address());
  if (!from) return from.error();
  const std::uint64_t next = *from ? **from : settled.number + 1;
  if (!*from) {
    if (auto kept = ledger_.record_scan(key, vault_.address(), {}, next); !kept) return kept.error();
  }
  kept_to_ = next - std::min<std::uint64_t>(next, 1);
  read_to_ = kept_to_;
  return {};
}

// The same judgement as for a transaction of ours: used at the settled block, and an event with equal user and amount.
Result<void> Recovery::settle_waiting(const SignerKey& key, const std::vector<QueuedItem>& items,
                                      const std::vector<chain::VaultEvent>& events, const chain::BlockId& settled_id) {
  for (const auto& item : items) {
    const auto used = vault_.used(node_, item.ref_id, settled_id);
    if (!used) return used.error();
    if (!*used) continue;  // the event is of a vault that says otherwise: the plan asks again
    ItemFacts facts;
    facts.used = true;
    facts.slots_used = item.slots_used;
    const auto event = std::find_if(events.begin(), events.end(), [&](const auto& e) { return e.ref_id == item.ref_id; });
    if (event == events.end()) continue;
    facts.event = *event;
    const ItemVerdict v = judge_item(item.action, item.user, item.units, facts);
    auto kept = ledger_.move_item(key, vault_.address(), {item.ref_id, item.state, v.to, v.reason, v.onchain_units});
    if (!kept) return kept.error();
    ++recovered_;
    spdlog::warn("vault {}: found on the chain: {} {} id {} ref {} {}", vault_.address().to_string(), to_string(v.to), item.venue,
                 item.position_id, item.ref_id.to_string(), v.reason);
  }
  return {};
}

}  // namespace anduin::settle
