// When to connect again: capped exponential delays with full jitter, for ever. One thread.
#pragma once
#include <cstdint>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace anduin::venue {

class Backoff {
 public:
  struct Options {
    std::int64_t first_ms = 1'000;  ///< upper bound of the first delay
    std::int64_t max_ms = 30'000;   ///< upper bound of every delay
    std::int64_t floor_ms = 100;    ///< lower bound: a refusing port must not be tried in a busy loop
    std::int64_t alive_ms =
        30'000;  ///< a connection that lived so long makes the next delay a first one again
  };
  Backoff(Clock& clock, Random& random) : Backoff(clock, random, Options{}) {}
  Backoff(Clock& clock, Random& random, Options options)
      : clock_(&clock), random_(&random), options_(options) {}

  /// Milliseconds to wait before the next attempt; grows with every call until opened() and a while.
  [[nodiscard]] std::int64_t next_ms();
  void opened();
  void closed();
  /// Attempts since the last connection that lived.
  [[nodiscard]] std::uint32_t attempt() const { return attempt_; }

 private:
  Clock* clock_;
  Random* random_;
  Options options_;
  std::uint32_t attempt_ = 0;
  std::uint64_t opened_mono_ns_ = 0;
  bool open_ = false;
};

}  // namespace anduin::venue
