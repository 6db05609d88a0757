#include "simulation/venue.hpp"

#include "settle/ref_id.hpp"

namespace anduin::simulation {
namespace {

/// Six to sixteen closes fill a storm of 120 rounds with a few in flight at a time.
constexpr std::uint64_t kClosesMin = 6, kClosesSpread = 11;

Expected make_close(std::uint64_t seed, std::size_t i, SeededRandom& dice) {
  Expected e;
  e.account = dice.below(std::size(kAccounts));
  ClosedPosition& c = e.close;
  c.venue = "Bybit";
  c.account = kAccounts[e.account].name;
  c.id = "close-" + std::to_string(seed) + "-" + std::to_string(i);
  c.symbol = c.native_symbol = "BTCUSDT";
  c.currency = c.fee_currency = "USDT";
  // In cents, never the same twice: a wrong amount must not look right by chance.
  auto cents = static_cast<std::int64_t>(1 + i * 20'000 + dice.below(10'000));
  const bool credit = dice.below(2) == 0;
  if (dice.below(16) == 0) cents = 0;
  e.item.action = credit ? chain::Action::kCredit
                  : kAccounts[e.account].capped ? chain::Action::kSeizeCapped
                                                : chain::Action::kSeize;
  e.item.amount = chain::U256(static_cast<std::uint64_t>(cents)) * 10'000;
  c.pnl = Decimal(credit ? cents : -cents, -2);
  c.pnl_text = c.pnl.to_string();
  e.held = cents != 0 && dice.below(6) == 0;
  e.approve = dice.below(3) != 0;
  if (e.held) c.hold_reason = "split: the venue states this figure in parts";
  e.item.ref_id = *settle::ref_id(c.venue, c.id);
  return e;
}

}  // namespace

ScriptedVenue::ScriptedVenue(std::uint64_t seed, SeededRandom& dice, std::int64_t now_ms,
                             const std::vector<chain::Address>& users) {
  const std::size_t count = kClosesMin + dice.below(kClosesSpread);
  for (std::size_t i = 0; i < count; ++i) {
    closes_.push_back(make_close(seed, i, dice));
    Expected& e = closes_.back();
    e.item.user = users[e.account];
    e.close.closed_ms = now_ms + static_cast<std::int64_t>(i) * 500 + static_cast<std::int64_t>(dice.below(400));
  }
}

std::optional<std::size_t> ScriptedVenue::happen() {
  if (all_happened()) return std::nullopt;
  return happened_++;
}

std::vector<ClosedPosition> ScriptedVenue::history(std::size_t account, std::size_t from) const {
  std::vector<ClosedPosition> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < happened_ && out.size() < kPage; ++i) {
    if (closes_[i].account != account || at++ < from) continue;
    out.push_back(closes_[i].close);
    out.back().origin = Origin::kHistory;
  }
  return out;
}

Expected* ScriptedVenue::any(SeededRandom& dice) {
  return happened_ == 0 ? nullptr : &closes_[dice.below(happened_)];
}

}  // namespace anduin::simulation
