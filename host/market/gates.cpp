#include "market/gates.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace anduin::market {
namespace {

/// Makes the median absolute deviation comparable to a standard deviation of normal noise.
constexpr double kMadScale = 1.4826;
constexpr double kBp = 1e-4;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The median of |mids - centre| for sorted mids: both sides are sorted already, so the smallest half is
/// merged.
double median_deviation(std::span<const double> mids, double centre) {
  const std::size_t n = mids.size();
  std::size_t right =
      static_cast<std::size_t>(std::lower_bound(mids.begin(), mids.end(), centre) - mids.begin());
  std::size_t left = right;  // next on the left is left - 1
  double before = 0, current = 0;
  for (std::size_t taken = 0; taken <= n / 2; ++taken) {
    const double from_left = left > 0 ? centre - mids[left - 1] : kInfinity;
    const double from_right = right < n ? mids[right] - centre : kInfinity;
    before = current;
    if (from_left <= from_right) {
      current = from_left;
      --left;
    } else {
      current = from_right;
      ++right;
    }
  }
  return n % 2 == 1 ? current : (before + current) / 2;
}

}  // namespace

const char* to_string(Out out) {
  switch (out) {
    case Out::kIn:
      return "in";
    case Out::kNoQuote:
      return "no_quote";
    case Out::kDisconnected:
      return "disconnected";
    case Out::kWithdrawn:
      return "withdrawn";
    case Out::kStale:
      return "stale";
    case Out::kNotPrice:
      return "not_price";
    case Out::kCrossed:
      return "crossed";
    case Out::kVenueTime:
      return "venue_time";
    case Out::kSpread:
      return "spread";
    case Out::kOwnHistory:
      return "own_history";
    case Out::kCrossVenue:
      return "cross_venue";
    case Out::kFrozen:
      return "frozen";
  }
  return "unknown";
}

bool VenueTimeGate::passes(std::int64_t venue_ms, std::int64_t received_ms, const GateOptions& options) {
  if (venue_ms == 0 || options.venue_time_departure_ms == 0) return true;
  const auto lag = static_cast<double>(received_ms - venue_ms);
  const auto limit = static_cast<double>(options.venue_time_departure_ms);
  if (!learned_) {
    learned_ = true;
    base_ms_ = lag;
    last_received_ms_ = received_ms;
    return true;
  }
  const std::int64_t elapsed = std::max<std::int64_t>(0, received_ms - last_received_ms_);
  last_received_ms_ = received_ms;
  if (std::abs(base_ms_) > kRecordingMs) {
    base_ms_ = lag;
    return true;
  }
  if (lag < base_ms_ - limit) {
    // Earlier than this connection ever was: one bad stamp, or the venue's clock was set.
    if (++early_in_a_row_ < kEarlyStrikes) return false;
    base_ms_ = lag;
    early_in_a_row_ = 0;
    return true;
  }
  early_in_a_row_ = 0;
  base_ms_ = std::min(lag, base_ms_ + kRisePerMs * static_cast<double>(elapsed));
  return lag - base_ms_ <= limit;
}

void SpreadGate::sample(double spread_bp) {
  const auto value = static_cast<float>(spread_bp);
  const auto end = sorted_.begin() + static_cast<std::ptrdiff_t>(count_);
  if (count_ == kSamples) {
    const auto old = std::lower_bound(sorted_.begin(), end, ring_[next_]);
    std::copy(old + 1, end, old);
    --count_;
  }
  const auto now_end = sorted_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto place = std::upper_bound(sorted_.begin(), now_end, value);
  std::copy_backward(place, now_end, now_end + 1);
  *place = value;
  ++count_;
  ring_[next_] = value;
  next_ = (next_ + 1) % kSamples;
}

bool SpreadGate::passes(double spread_bp, std::uint64_t mono_ns, const GateOptions& options) {
  if (options.spread_bp_max > 0 && spread_bp > options.spread_bp_max) return false;
  if (options.spread_median_factor <= 0) return true;
  bool ok = true;
  if (count_ >= kWarmUp && spread_bp > options.spread_bp_floor) {
    ok = spread_bp <= options.spread_median_factor * static_cast<double>(sorted_[count_ / 2]);
  }
  // Refused ones are sampled too: a market that stays wide is let in again when the median has moved.
  if (count_ == 0 || mono_ns >= last_sample_ns_ + kSampleEveryNs) {
    sample(spread_bp);
    last_sample_ns_ = mono_ns;
  }
  return ok;
}

void OwnHistoryGate::learn(double move_bp) {
  const double square = move_bp * move_bp;
  // The plain mean while warming up: an EWMA from zero would call every early move a jump.
  if (learned_ < kWarmUp) {
    ++learned_;
    variance_bp2_ += (square - variance_bp2_) / learned_;
  } else {
    variance_bp2_ = kLambda * variance_bp2_ + (1 - kLambda) * square;
  }
}

void OwnHistoryGate::accept(double mid, std::uint64_t mono_ns) {
  level_ = mid;
  last_ns_ = mono_ns;
  strikes_ = 0;
}

bool OwnHistoryGate::passes(double mid, double per_bp, double tick, std::uint64_t mono_ns,
                            const GateOptions& options) {
  if (options.own_history_sds <= 0) return true;
  if (level_ == 0 || mono_ns > last_ns_ + kGapNs) {
    accept(mid, mono_ns);
    return true;
  }
  const double move_bp = std::abs(mid - level_) * per_bp;
  if (learned_ >= kWarmUp) {
    const double floor = std::max(tick * per_bp, options.own_history_bp_floor);
    // Squares first: most moves are far inside, and a square root is not needed to see that.
    const double sds = options.own_history_sds;
    if (move_bp > floor && move_bp * move_bp > sds * sds * variance_bp2_) {
      if (strikes_ == 0) waiting_since_ns_ = mono_ns;
      const bool held_out =
          mono_ns >=
          waiting_since_ns_ + static_cast<std::uint64_t>(options.own_history_hold_ms) * 1'000'000U;
      // Learned clipped, refused or not: one spike hardly widens the limit, a livelier market does within a
      // dozen.
      learn(std::max(floor, kClipShare * sds * std::sqrt(variance_bp2_)));
      if (++strikes_ < options.own_history_strikes && !held_out) return false;
      accept(mid, mono_ns);
      return true;
    }
  }
  learn(move_bp);
  accept(mid, mono_ns);
  return true;
}

CrossVerdict cross_venue(std::span<const double> mids, const GateOptions& options) {
  CrossVerdict verdict;
  verdict.limit = kInfinity;
  const std::size_t n = mids.size();
  if (n == 0) return verdict;
  verdict.median = n % 2 == 1 ? mids[n / 2] : (mids[n / 2 - 1] + mids[n / 2]) / 2;
  if (n < 3 || options.cross_mads <= 0) return verdict;
  const double bp = verdict.median * kBp;
  const double floor = options.cross_bp_floor * bp;
  const double reach = std::max(mids[n - 1] - verdict.median, verdict.median - mids[0]);
  if (reach <= floor) return verdict;  // nobody can be out: the usual case
  const double mad = kMadScale * median_deviation(mids, verdict.median);
  verdict.limit =
      std::min(std::max(options.cross_mads * mad, floor), std::max(options.cross_bp_max * bp, floor));
  const auto inside = std::count_if(mids.begin(), mids.end(), [&](double mid) {
    return std::abs(mid - verdict.median) <= verdict.limit;
  });
  verdict.disputed = 2 * static_cast<std::size_t>(inside) <= n;
  return verdict;
}

}  // namespace anduin::market
