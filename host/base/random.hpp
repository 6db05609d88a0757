// Chance as the host sees it: jitter, fresh ids, entropy for plugins. Not for keys.
// SystemRandom is safe from any thread; SeededRandom belongs to one thread.
#pragma once
#include <cstdint>
#include <random>

namespace anduin {

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, bound); bound > 0. The modulo bias is below 2^-32 for the bounds in use.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    thread_local std::mt19937_64 engine{(std::uint64_t{std::random_device{}()} << 32U) ^ std::random_device{}()};
    return engine();
  }
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace anduin
