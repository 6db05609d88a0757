#include "venue/clock_skew.hpp"

#include <cstdlib>

namespace anduin::venue {
namespace {

constexpr std::uint64_t kRoundTripMaxNs = 1'000'000'000;  // venues/keys.md section 4
constexpr std::size_t kPointsMax = 8;             // recent ones: three reads at start, then one at a time
constexpr std::int64_t kDriftPerMillion = 100;    // twice what quartz clocks are sold with
constexpr std::int64_t kStepMinMs = 250;          // slewing moves 0.5 ms a second: less is no jump
constexpr std::int64_t kSampleEveryMs = 600'000;  // drift adds 60 ms until then

std::int64_t to_ms(std::uint64_t ns) { return static_cast<std::int64_t>(ns / 1'000'000U); }

}  // namespace

ClockSkew::ClockSkew(Clock& clock)
    : clock_(&clock), wall_minus_mono_ms_(clock.wall_ms() - to_ms(clock.mono_ns())) {}

ClockSkew::Verdict ClockSkew::add(const Sample& s) {
  if (s.venue_ms <= 0 || s.received_mono_ns < s.sent_mono_ns) return Verdict::kInvalid;
  const std::uint64_t trip_ns = s.received_mono_ns - s.sent_mono_ns;
  if (trip_ns > kRoundTripMaxNs) return Verdict::kTooSlow;
  const bool advanced = !last_read_ms_ || s.venue_ms > *last_read_ms_;
  last_read_ms_ = s.venue_ms;  // also of a dropped read, so that a venue clock set back is followed
  if (!advanced) return Verdict::kNotAdvanced;
  if (distrusted_) points_.clear();
  distrusted_ = false;
  const std::int64_t resolution = s.resolution_ms;
  // Truncated times are early by half a unit on average; the error is half the trip and half a unit, both
  // rounded up.
  const std::int64_t half_trip_ms = static_cast<std::int64_t>((trip_ns / 2 + 999'999U) / 1'000'000U);
  points_.push_back(
      {s.sent_mono_ns + trip_ns / 2, s.venue_ms + resolution / 2, half_trip_ms + (resolution + 1) / 2});
  if (points_.size() > kPointsMax) points_.pop_front();
  return Verdict::kAccepted;
}

std::int64_t ClockSkew::bound_at(const Point& p, std::uint64_t mono_ns) {
  const std::int64_t age_ms = mono_ns > p.mono_ns ? to_ms(mono_ns - p.mono_ns) : 0;
  return p.bound_ms + age_ms * kDriftPerMillion / 1'000'000;
}

const ClockSkew::Point* ClockSkew::best() const {
  if (points_.empty()) return nullptr;
  const std::uint64_t newest = points_.back().mono_ns;  // all bounds grow alike: one moment orders them for ever
  const Point* out = nullptr;
  for (const Point& p : points_)
    if (out == nullptr || bound_at(p, newest) <= bound_at(*out, newest)) out = &p;
  return out;
}

std::int64_t ClockSkew::now_ms() const { return points_.empty() ? clock_->wall_ms() : now_ms(clock_->mono_ns()); }

std::int64_t ClockSkew::now_ms(std::uint64_t mono_ns) const {
  const Point* p = best();
  if (p == nullptr) return clock_->wall_ms();
  return p->venue_ms + (mono_ns >= p->mono_ns ? to_ms(mono_ns - p->mono_ns) : -to_ms(p->mono_ns - mono_ns));
}

std::optional<ClockSkew::Estimate> ClockSkew::estimate() const {
  const Point* p = best();
  if (p == nullptr) return std::nullopt;
  return Estimate{now_ms() - clock_->wall_ms(), bound_at(*p, clock_->mono_ns())};
}

std::int64_t ClockSkew::take_step_ms() {
  const std::int64_t difference = clock_->wall_ms() - to_ms(clock_->mono_ns());
  const std::int64_t step = difference - wall_minus_mono_ms_;
  wall_minus_mono_ms_ = difference;
  if (std::llabs(step) < kStepMinMs) return 0;
  distrusted_ = true;
  return step;
}

bool ClockSkew::wants_sample() const {
  if (points_.empty() || distrusted_) return true;
  return to_ms(clock_->mono_ns() - points_.back().mono_ns) >= kSampleEveryMs;
}

}  // namespace anduin::venue
