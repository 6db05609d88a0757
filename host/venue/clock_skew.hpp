// The venue's time, from answers to time requests: anchored to the monotonic clock, so that a step of the
// local wall clock does not move it. One thread at a time (the instance's).
#pragma once
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace anduin::venue {

class ClockSkew {
 public:
  explicit ClockSkew(Clock& clock);

  struct Sample {
    std::uint64_t sent_mono_ns = 0, received_mono_ns = 0;
    std::int64_t venue_ms = 0;
    std::uint32_t resolution_ms = 1;  ///< the venue truncates to this: 1000 for whole seconds
  };
  enum class Verdict : std::uint8_t {
    kAccepted,
    kTooSlow,      ///< the round trip is over a second: it says nothing
    kNotAdvanced,  ///< the same venue time as the read before: an answer from a cache
    kInvalid,      ///< received before sent, or a venue time that is none
  };
  Verdict add(const Sample& sample);

  struct Estimate {
    std::int64_t offset_ms = 0;  ///< venue time minus local wall time, now
    std::int64_t bound_ms = 0;   ///< the error is at most this, as long as no edge cache lies
  };
  /// Nothing before the first accepted sample.
  [[nodiscard]] std::optional<Estimate> estimate() const;
  /// The venue's time now; the local wall clock before the first sample.
  [[nodiscard]] std::int64_t now_ms() const;
  /// The same at a monotonic time that was read already; for hot paths.
  [[nodiscard]] std::int64_t now_ms(std::uint64_t mono_ns) const;

  /// How far the wall clock jumped against the monotonic one since the last call; 0 = it did not. After a
  /// jump (a step, or the machine slept) a fresh sample is wanted.
  std::int64_t take_step_ms();
  /// True before the first sample, after a jump and when the samples are old.
  [[nodiscard]] bool wants_sample() const;
  /// The venue refused a time stamp: what is known is not good enough.
  void distrust() { distrusted_ = true; }

 private:
  struct Point {
    std::uint64_t mono_ns;  ///< when the venue's clock showed `venue_ms`: middle of the round trip
    std::int64_t venue_ms;
    std::int64_t bound_ms;
  };
  [[nodiscard]] const Point* best() const;
  [[nodiscard]] static std::int64_t bound_at(const Point& p, std::uint64_t mono_ns);

  Clock* clock_;
  std::deque<Point> points_;
  std::optional<std::int64_t> last_read_ms_;
  std::int64_t wall_minus_mono_ms_;
  bool distrusted_ = false;
};

}  // namespace anduin::venue
