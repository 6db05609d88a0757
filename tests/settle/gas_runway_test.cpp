#include "settle/gas_runway.hpp"

#include <catch2/catch.hpp>

using namespace anduin;
using namespace anduin::settle;

namespace {
constexpr std::uint64_t kMinute = 60'000'000'000;
}

TEST_CASE("gas runway: hours at the measured rate, top-ups apart", "[gas]") {
  GasRunway runway;
  CHECK_FALSE(runway.hours());
  chain::U256 balance = 100'000;
  for (std::uint64_t minute = 0; minute <= 60; ++minute) {
    runway.note(minute * kMinute, balance);
    if (minute < kRunwayMeasuredMinutesMin) CHECK_FALSE(runway.hours());
    if (minute < 60) balance -= 100;
  }
  // 6,000 in an hour, 94,000 left.
  CHECK(runway.hours() == 15);
  runway.note(60 * kMinute + 1, balance + 600'000);
  CHECK(runway.hours() == 115);
}

TEST_CASE("gas runway: nothing spent is no rate, and yesterday does not count", "[gas]") {
  GasRunway runway;
  for (std::uint64_t minute = 0; minute < 100; ++minute) runway.note(minute * kMinute, 1'000'000);
  CHECK_FALSE(runway.hours());
  runway.note(100 * kMinute, 500'000);
  REQUIRE(runway.hours());
  CHECK(*runway.hours() == 1);
  for (std::uint64_t minute = 101; minute < 1'700; ++minute) runway.note(minute * kMinute, 500'000);
  CHECK_FALSE(runway.hours());
}
