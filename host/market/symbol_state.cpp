#include "market/symbol_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace anduin::market {
namespace {

/// Within these, sums and differences of prices always fit the 38 digits of a Decimal.
constexpr double kPriceMax = 1e15;
constexpr std::int32_t kPriceExponentMin = -20;
/// Two prices whose binary floats differ by more than this share of them are ordered by the floats; the
/// conversion is good to 1e-14. Closer ones are compared exactly.
constexpr double kSureShare = 1e-9;

constexpr std::array kTenthPowers{1e0,  1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7, 1e-8,
                                  1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16};

/// Exact order of two prices, by their statistics where those are far enough apart.
bool less(const Decimal& a, double about_a, const Decimal& b, double about_b) {
  const double difference = about_a - about_b;
  const double unsure = kSureShare * about_b;
  if (difference < -unsure) return true;
  if (difference > unsure) return false;
  return a < b;
}

}  // namespace

double statistic(const Decimal& d) {
  const auto narrow = static_cast<std::int64_t>(d.mantissa());
  const auto decimals = static_cast<std::uint32_t>(-d.exp10());
  if (narrow == d.mantissa() && decimals < kTenthPowers.size()) {
    return static_cast<double>(narrow) * kTenthPowers[decimals];
  }
  return d.to_double_for_statistics();
}

/// Gates 1 to 3 on the quote that has just been stored in slot i.
Out Aggregator::Symbol::own_gates(std::size_t i, const Quote& quote, const GateOptions& options) {
  if (quote.bid.sign() <= 0 || quote.ask.sign() <= 0) return Out::kNotPrice;
  if (std::min(quote.bid.exp10(), quote.ask.exp10()) < kPriceExponentMin) return Out::kNotPrice;
  if (!(about_bid[i] < kPriceMax && about_ask[i] < kPriceMax)) return Out::kNotPrice;
  if (less(quote.ask, about_ask[i], quote.bid, about_bid[i])) return Out::kCrossed;
  Slot& slot = slots[i];
  if (!slot.time.passes(quote.venue_ms, quote.received_ms, options)) return Out::kVenueTime;
  const double per_bp = 1e4 / mid[i];
  if (!slot.spread.passes((about_ask[i] - about_bid[i]) * per_bp, quote.received_mono_ns, options))
    return Out::kSpread;
  if (!slot.history.passes(mid[i], per_bp, slot.tick, quote.received_mono_ns, options))
    return Out::kOwnHistory;
  return Out::kIn;
}

/// Staleness and the cross-venue gate over all feeds, then the best prices.
void Aggregator::Symbol::evaluate(std::uint64_t at_ns, const GateOptions& options) {
  const std::uint64_t stale_ns = static_cast<std::uint64_t>(options.stale_after_ms) * kNsPerMs;
  std::uint32_t mask = 0, fresh_count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (own[i] == Out::kOwnHistory) {
      const std::uint64_t hold_ns = static_cast<std::uint64_t>(options.own_history_hold_ms) * kNsPerMs;
      if (at_ns >= slots[i].history.waiting_since_ns() + hold_ns) {
        slots[i].history.accept(mid[i], received_ns[i]);  // it has stood long enough to be the price
        own[i] = Out::kIn;
      }
    }
    const bool stale = at_ns > received_ns[i] + stale_ns;
    final[i] = own[i] == Out::kIn && stale ? Out::kStale : own[i];
    const auto bit = static_cast<std::uint32_t>(final[i] == Out::kIn);
    mask |= bit << i;
    fresh_count += bit;
  }
  in_mask = fresh_mask = mask;
  in = fresh = static_cast<std::uint8_t>(fresh_count);
  standing = fresh == 0 ? Standing::kNone : fresh < 3 ? Standing::kUnconfirmed : Standing::kConfirmed;
  if (fresh >= 3 && !nobody_can_be_out(options)) compare_venues(options);
  choose_best();
}

/// All mids lie within the floor of each other, so also within it of their median: no need to know it.
bool Aggregator::Symbol::nobody_can_be_out(const GateOptions& options) const {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool counts = (fresh_mask >> i & 1U) != 0;
    low = std::min(low, counts ? mid[i] : low);
    high = std::max(high, counts ? mid[i] : high);
  }
  return options.cross_mads <= 0 || high - low <= options.cross_bp_floor * 1e-4 * low;
}

void Aggregator::Symbol::compare_venues(const GateOptions& options) {
  std::array<double, kFeedsPerSymbolMax> mids;
  std::size_t n = 0;
  for (std::uint32_t left = fresh_mask; left != 0; left &= left - 1) {
    const double m = mid[static_cast<std::size_t>(__builtin_ctz(left))];
    std::size_t at = n++;
    for (; at > 0 && mids[at - 1] > m; --at) mids[at] = mids[at - 1];
    mids[at] = m;
  }
  const CrossVerdict verdict = cross_venue(std::span(mids.data(), n), options);
  for (std::uint32_t left = fresh_mask; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(left));
    if (std::abs(mid[i] - verdict.median) <= verdict.limit) continue;
    final[i] = Out::kCrossVenue;
    in_mask &= ~(1U << i);
    --in;
  }
  if (verdict.disputed) standing = Standing::kDisputed;
}

/// Without a branch per venue: the best statistic first, then those so close to it that only exact order
/// can tell.
void Aggregator::Symbol::choose_best() {
  newest_ms = 0;
  if (in_mask == 0) return;
  if ((in_mask & (in_mask - 1)) == 0) {  // one venue is in
    best_bid = best_ask = static_cast<std::size_t>(__builtin_ctz(in_mask));
    newest_ms = std::max<std::int64_t>(stamp_ms[best_bid], 0);
    return;
  }
  double top = 0, bottom = std::numeric_limits<double>::infinity();
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool counts = (in_mask >> i & 1U) != 0;
    newest = std::max(newest, counts ? stamp_ms[i] : newest);
    top = std::max(top, counts ? about_bid[i] : top);
    bottom = std::min(bottom, counts ? about_ask[i] : bottom);
  }
  newest_ms = newest;
  const double bid_from = top * (1 - kSureShare), ask_to = bottom * (1 + kSureShare);
  std::uint32_t bids = 0, asks = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bids |= static_cast<std::uint32_t>(about_bid[i] >= bid_from) << i;
    asks |= static_cast<std::uint32_t>(about_ask[i] <= ask_to) << i;
  }
  bids &= in_mask;
  asks &= in_mask;
  best_bid = static_cast<std::size_t>(__builtin_ctz(bids));
  for (bids &= bids - 1; bids != 0; bids &= bids - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(bids));
    if (bid[best_bid] < bid[i]) best_bid = i;
  }
  best_ask = static_cast<std::size_t>(__builtin_ctz(asks));
  for (asks &= asks - 1; asks != 0; asks &= asks - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(asks));
    if (ask[i] < ask[best_ask]) best_ask = i;
  }
}

/// What subscribers are told now, made in one piece: it is copied nowhere.
PriceEvent Aggregator::Symbol::tell(std::int64_t received_ms) {
  const Decimal now_bid = has_price() ? bid[best_bid] : Decimal(), now_ask = has_price() ? ask[best_ask] : Decimal();
  const bool best_changed = standing != told_standing || !same(now_bid, told_bid) || !same(now_ask, told_ask);
  told_standing = standing;
  told_mask = in_mask;
  told_bid = now_bid;
  told_ask = now_ask;
  return {.symbol = name,
          .symbol_id = id,
          .sequence = ++sequence,
          .standing = standing,
          .best_changed = best_changed,
          .venues_in = in,
          .venues_fresh = fresh,
          .bid = now_bid,
          .ask = now_ask,
          .timestamp = newest_ms,
          .received_ms = received_ms,
          .received_mono_ns = now_ns};
}

}  // namespace anduin::market
