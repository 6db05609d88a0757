// Time as the host sees it. Every component takes a Clock&, so that a simulation can own time.
// Implementations are safe to call from any thread and outlive all users.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace anduin {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Monotonic nanoseconds; only differences mean anything. For timers, staleness and latencies.
  [[nodiscard]] virtual std::uint64_t mono_ns() const = 0;
  /// Milliseconds since the Unix epoch, UTC. Recorded, never used to measure a duration.
  [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::uint64_t mono_ns() const override {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::steady_clock::now().time_since_epoch()).count());
  }
  [[nodiscard]] std::int64_t wall_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch()).count();
  }
};

/// For tests and simulations: stands still until moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t wall_ms = 1'700'000'000'000) : wall_ms_(wall_ms) {}
  [[nodiscard]] std::uint64_t mono_ns() const override { return mono_ns_; }
  [[nodiscard]] std::int64_t wall_ms() const override { return wall_ms_; }
  void advance_ms(std::int64_t ms) {
    mono_ns_ += static_cast<std::uint64_t>(ms) * 1'000'000U;
    wall_ms_ += ms;
  }
  void set_wall_ms(std::int64_t ms) { wall_ms_ = ms; }

 private:
  std::atomic<std::uint64_t> mono_ns_ = 1'000'000'000;
  std::atomic<std::int64_t> wall_ms_;
};

}  // namespace anduin
