// The seed of a randomized test: ANDUIN_SEED where a run is repeated, a fresh one otherwise. Print it on
// failure.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <random>

namespace anduin::test {

inline std::uint64_t fresh_seed() {
  if (const char* given = std::getenv("ANDUIN_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

}  // namespace anduin::test
