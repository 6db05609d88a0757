#include "venue/backoff.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace {
using namespace anduin::venue;
using anduin::ManualClock;
using anduin::SeededRandom;
}  // namespace

TEST_CASE("delays grow to the cap with full jitter and never end") {
  ManualClock clock;
  SeededRandom random(7);
  std::vector<std::int64_t> least(8, 1'000'000), most(8, 0);
  for (int round = 0; round < 3000; ++round) {
    Backoff backoff(clock, random);
    for (std::size_t i = 0; i < most.size(); ++i) {
      const std::int64_t d = backoff.next_ms();
      least[i] = std::min(least[i], d);
      most[i] = std::max(most[i], d);
    }
  }
  const std::vector<std::int64_t> tops{1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
  for (std::size_t i = 0; i < tops.size(); ++i) {
    CHECK(most[i] <= tops[i]);
    CHECK(most[i] > tops[i] * 95 / 100);  // the whole range is used
    CHECK(least[i] >= 100);
    CHECK(least[i] < 100 + tops[i] / 20);
  }
  Backoff backoff(clock, random);
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t d = backoff.next_ms();
    REQUIRE((d >= 100 && d <= 30'000));
  }
  CHECK(backoff.attempt() == 100'000);
}

TEST_CASE("a connection that lived resets, one that only opened does not") {
  ManualClock clock;
  SeededRandom random(1);
  Backoff backoff(clock, random);
  for (int i = 0; i < 6; ++i) static_cast<void>(backoff.next_ms());
  backoff.opened();
  clock.advance_ms(29'999);
  backoff.closed();
  CHECK(backoff.attempt() == 6);
  backoff.opened();
  clock.advance_ms(30'000);
  backoff.closed();
  CHECK(backoff.attempt() == 0);
  CHECK(backoff.next_ms() <= 1000);
  backoff.closed();  // a close without an open: nothing
  CHECK(backoff.attempt() == 1);
}
