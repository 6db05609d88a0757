#include "market/rates.hpp"

namespace anduin::market {

RateJournal::Journal& RateJournal::journal(std::string_view symbol) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = journals_.find(symbol); found != journals_.end()) return *found->second;
  }
  const std::unique_lock lock(mutex_);
  auto& owned = journals_[std::string(symbol)];
  if (owned == nullptr) owned = std::make_unique<Journal>();
  return *owned;
}

void RateJournal::on_price(const PriceEvent& event) {
  Journal& j = journal(event.symbol);
  const std::lock_guard lock(j.mutex);
  Entry& last = j.ring[j.newest];
  if (j.count != 0 && event.sequence < last.sequence) return;  // overtaken by another thread's event
  const bool same_grain = j.count != 0 && last.usable == event.has_price() &&
                          event.received_ms / kGrainMs == last.at_ms / kGrainMs;
  if (!same_grain && j.count != 0) j.newest = (j.newest + 1) % kEntries;
  if (!same_grain && j.count < kEntries) ++j.count;
  j.ring[j.newest] = Entry{event.received_ms, event.sequence, event.has_price(), event.bid};
}

std::optional<UsdPrice> RateJournal::price(std::string_view symbol, std::int64_t at_ms,
                                           std::int64_t age_max_ms) const {
  const Journal* j = nullptr;
  {
    const std::shared_lock lock(mutex_);
    const auto found = journals_.find(symbol);
    if (found == journals_.end()) return std::nullopt;
    j = found->second.get();
  }
  const std::lock_guard lock(j->mutex);
  for (std::size_t back = 0; back < j->count; ++back) {
    const Entry& e = j->ring[(j->newest + kEntries - back) % kEntries];
    if (e.at_ms > at_ms) continue;
    if (!e.usable || at_ms - e.at_ms > age_max_ms) return std::nullopt;
    return UsdPrice{e.bid, e.at_ms, std::string(symbol)};
  }
  return std::nullopt;
}

std::optional<UsdPrice> RateJournal::usd_price(std::string_view currency, std::int64_t at_ms,
                                               std::int64_t age_max_ms) const {
  for (const std::string_view dollar : {"USD", "USDT", "USDC"}) {
    if (dollar == currency) continue;
    if (auto found = price(std::string(currency) + std::string(dollar), at_ms, age_max_ms)) return found;
  }
  return std::nullopt;
}

}  // namespace anduin::market
