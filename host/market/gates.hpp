// The gates between a venue's quote and the aggregate, each O(1) per quote and each counted: absolute,
// venue time, spread, own history, and across venues. All numbers here are statistics in binary floats:
// they decide whether a quote counts, never what it is. Thread: a gate belongs to one feed and is used
// under that symbol's lock.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace anduin::market {

/// Why a venue's quote is not in the aggregate. The order is the order of the gates.
enum class Out : std::uint8_t {
  kIn,            ///< it is in
  kNoQuote,       ///< nothing received yet
  kDisconnected,  ///< the connection is down
  kWithdrawn,     ///< the venue took its quote back (a one-sided book, a halt)
  kStale,         ///< received longer ago than `stale_after_ms`
  kNotPrice,      ///< absolute: not above zero, or beyond 1e15 or finer than 20 decimals
  kCrossed,       ///< absolute: bid above ask (bid = ask, a locked market, is allowed)
  kVenueTime,     ///< venue time departs from what this connection has shown by more than the limit
  kSpread,        ///< wider than both the absolute and the learned limit
  kOwnHistory,    ///< jumped away from this feed's own recent prices
  kCrossVenue,    ///< too far from the median of the other venues
  kFrozen,        ///< the instrument's identity is in doubt
};
inline constexpr std::size_t kOutCount = 12;

/// A short stable word ("stale", "cross_venue"): used in JSON, logs and metrics.
[[nodiscard]] const char* to_string(Out out);

/// Settings of the pipeline's `aggregator:`. Changes take effect at a restart. bp = 1/10,000 of the price.
struct GateOptions {
  /// A quote received longer ago than this is out; at exactly this age it is still in. 100..3,600,000 ms.
  std::int64_t stale_after_ms = 30'000;
  /// Departure of a quote's venue time from the lag learned for its connection, either way. 0 = off.
  std::int64_t venue_time_departure_ms = 2'000;
  /// A spread wider than this is never a price, whatever the venue usually shows. 0 = off.
  double spread_bp_max = 1'000;
  /// Spread guard: limit = max(spread_median_factor * rolling median, spread_bp_floor). 0 = off.
  double spread_median_factor = 10;
  double spread_bp_floor = 50;
  /// Own history: limit = max(own_history_sds * EWMA sd, tick, own_history_bp_floor). 0 = off.
  double own_history_sds = 6;
  double own_history_bp_floor = 0.3;
  /// A jump is taken as genuine after this many quotes in a row beyond the limit, or once the quote has
  /// stood for `own_history_hold_ms`, whichever comes first.
  int own_history_strikes = 3;
  std::int64_t own_history_hold_ms = 2'000;
  /// Across venues: limit = min(max(cross_mads * scaled MAD, cross_bp_floor), cross_bp_max) around the
  /// median mid, with three or more fresh venues. If no strict majority is within it, the symbol is
  /// disputed. cross_mads 0 = off.
  double cross_mads = 3.5;
  double cross_bp_floor = 5;
  double cross_bp_max = 100;
};

/// Learns the lag of one connection (receive time minus venue time) and says when a quote departs from it.
/// The smallest lag seen is the base; it rises by kRisePerMs so that a venue whose clock was set is let in
/// again. A base beyond kRecordingMs means that a recording is playing: its pace is not ours, so nothing is
/// refused.
class VenueTimeGate {
 public:
  void reset() { *this = {}; }
  /// venue_ms 0 = not said, passes.
  [[nodiscard]] bool passes(std::int64_t venue_ms, std::int64_t received_ms, const GateOptions& options);
  [[nodiscard]] std::int64_t base_lag_ms() const { return static_cast<std::int64_t>(base_ms_); }

 private:
  static constexpr double kRisePerMs = 0.01;       ///< 5 s of excess lag are forgiven after five minutes
  static constexpr double kRecordingMs = 600'000;  ///< no live venue is ten minutes off
  static constexpr int kEarlyStrikes =
      5;  ///< that many in a row are the venue's new clock, not a bad stamp
  double base_ms_ = 0;
  std::int64_t last_received_ms_ = 0;
  int early_in_a_row_ = 0;
  bool learned_ = false;
};

/// Limit on the spread from a rolling median: kSamples samples, at most one every kSampleEveryMs.
class SpreadGate {
 public:
  void reset() { *this = {}; }
  [[nodiscard]] bool passes(double spread_bp, std::uint64_t mono_ns, const GateOptions& options);

 private:
  static constexpr std::size_t kSamples = 31;
  static constexpr std::size_t kWarmUp = 8;  ///< fewer samples than this set no limit
  static constexpr std::uint64_t kSampleEveryNs = 100'000'000;
  void sample(double spread_bp);

  std::array<float, kSamples> ring_{}, sorted_{};
  std::size_t count_ = 0, next_ = 0;
  std::uint64_t last_sample_ns_ = 0;
};

/// EWMA of this feed's own moves with a tick-size floor and a three-strike release.
class OwnHistoryGate {
 public:
  void reset() { *this = {}; }
  /// `per_bp` is 10,000 / mid, which the caller has anyway; `tick` is the instrument's, 0 = not known.
  [[nodiscard]] bool passes(double mid, double per_bp, double tick, std::uint64_t mono_ns,
                            const GateOptions& options);
  /// True while a refused quote waits; at `release_due_ns` the feed may be let in again by accept().
  [[nodiscard]] bool waiting() const { return strikes_ != 0; }
  [[nodiscard]] std::uint64_t waiting_since_ns() const { return waiting_since_ns_; }
  /// The standing quote has held out: it is the new level.
  void accept(double mid, std::uint64_t mono_ns);

 private:
  static constexpr double kLambda = 0.94;
  static constexpr double kClipShare =
      0.5;                            ///< of the limit: the most that one jump counts in the variance
  static constexpr int kWarmUp = 20;  ///< moves before the sd means anything
  static constexpr std::uint64_t kGapNs = 10'000'000'000;  ///< after this silence any level is a new start
  void learn(double move_bp);

  double level_ = 0, variance_bp2_ = 0;
  std::uint64_t last_ns_ = 0, waiting_since_ns_ = 0;
  int learned_ = 0, strikes_ = 0;
};

/// The verdict across venues over mids sorted ascending.
struct CrossVerdict {
  double median = 0;
  double limit = 0;  ///< absolute distance from the median that is still in; infinity = nobody is refused
  bool disputed = false;  ///< no strict majority within the limit
};
/// Fewer than three mids: nobody is refused and the price is unconfirmed.
[[nodiscard]] CrossVerdict cross_venue(std::span<const double> sorted_mids, const GateOptions& options);

}  // namespace anduin::market
