#include "market/gates.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

using namespace anduin::market;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr double kPrice = 50'000;

double moved_bp(double bp) { return kPrice * (1 + bp / 1e4); }

CrossVerdict cross(std::vector<double> mids, GateOptions options = {}) {
  std::sort(mids.begin(), mids.end());
  return cross_venue(mids, options);
}
std::size_t inside(const std::vector<double>& mids, const CrossVerdict& v) {
  return static_cast<std::size_t>(
      std::count_if(mids.begin(), mids.end(), [&](double m) { return std::abs(m - v.median) <= v.limit; }));
}

/// A feed whose moves are +-0.1 bp, long enough to have been learned.
struct WarmHistory {
  OwnHistoryGate gate;
  GateOptions options;
  std::uint64_t now = 1'000 * kMs;
  WarmHistory() {
    for (int i = 0; i < 100; ++i) REQUIRE(step(i % 2 == 0 ? 0 : 0.1));
  }
  bool step(double bp, std::uint64_t after_ms = 100) {
    now += after_ms * kMs;
    return gate.passes(moved_bp(bp), 1e4 / moved_bp(bp), 0, now, options);
  }
};

}  // namespace

TEST_CASE("every reason has its own word") {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < kOutCount; ++i) words.emplace_back(to_string(static_cast<Out>(i)));
  std::sort(words.begin(), words.end());
  CHECK(std::adjacent_find(words.begin(), words.end()) == words.end());
  CHECK(std::find(words.begin(), words.end(), "unknown") == words.end());
}

TEST_CASE("venue time is gated on departure from what the connection has shown") {
  VenueTimeGate gate;
  const GateOptions options;
  std::int64_t now = 1'700'000'000'000;
  const auto at = [&](std::int64_t lag, std::int64_t after = 100) {
    now += after;
    return gate.passes(now - lag, now, options);
  };
  SECTION("a steady lag passes, whatever it is; 2 s more do not, and they come back") {
    for (const std::int64_t lag : {0, 80, 5'000, -3'000}) {
      gate.reset();
      CAPTURE(lag);
      for (int i = 0; i < 10; ++i) CHECK(at(lag));
      CHECK(at(lag + 2'000));
      CHECK_FALSE(at(lag + 2'050));
      CHECK(at(lag + 10));
    }
  }
  SECTION("a late feed stays out, and is forgiven after minutes only") {
    CHECK(at(50));
    int refused = 0;
    while (!at(5'050) && refused < 100'000) ++refused;
    CHECK(refused * 100 > 250'000);
    CHECK(refused * 100 < 350'000);
  }
  SECTION("one stamp from the future is refused and does not become the base") {
    CHECK(at(50));
    CHECK_FALSE(at(-60'000));
    CHECK(at(50));
    CHECK(at(60));
  }
  SECTION("a venue that set its clock forward is believed after five in a row") {
    CHECK(at(50));
    for (int i = 0; i < 4; ++i) CHECK_FALSE(at(-5'000));
    CHECK(at(-5'000));
    CHECK(at(-4'990));
    CHECK(std::abs(gate.base_lag_ms() + 5'000) < 10);
  }
  SECTION("a recording plays at any pace") {
    std::int64_t recorded = now - 86'400'000LL * 900;
    for (int i = 0; i < 1'000; ++i) {
      now += 10;
      recorded += 100;  // ten times as fast
      CHECK(gate.passes(recorded, now, options));
    }
    for (int i = 0; i < 1'000; ++i) {
      now += 100;
      recorded += 10;
      CHECK(gate.passes(recorded, now, options));
    }
  }
  SECTION("no venue time, or switched off") {
    CHECK(at(50));
    CHECK(gate.passes(0, now, options));
    GateOptions off;
    off.venue_time_departure_ms = 0;
    CHECK(gate.passes(now - 50'000, now, off));
  }
}

TEST_CASE(
    "spread guard: absolute limit at once, learned limit after a warm-up, releases a market that stays "
    "wide") {
  SpreadGate gate;
  GateOptions options;
  std::uint64_t now = 1'000 * kMs;
  const auto at = [&](double bp) {
    now += 100 * kMs;
    return gate.passes(bp, now, options);
  };
  CHECK_FALSE(at(1'000.5));
  CHECK(at(1'000));
  gate.reset();
  for (int i = 0; i < 7; ++i) CHECK(at(900));
  gate.reset();
  for (int i = 0; i < 40; ++i) REQUIRE(at(1));
  CHECK(at(50));        // the floor of the limit
  CHECK_FALSE(at(51));  // ten times the median would be 10
  int refused = 0;
  while (!at(200) && refused < 1'000) ++refused;
  CHECK(refused <= 20);  // the median of 31 samples has moved
  CHECK(refused >= 10);

  SECTION("an illiquid market sets its own limit") {
    gate.reset();
    for (int i = 0; i < 40; ++i) REQUIRE(at(60));
    CHECK(at(600));
    CHECK_FALSE(at(601));
  }
  SECTION("samples are taken by time: a burst of frames does not move the median") {
    gate.reset();
    for (int i = 0; i < 40; ++i) REQUIRE(at(1));
    for (int i = 0; i < 1'000; ++i) CHECK_FALSE(gate.passes(300, now + 1, options));
  }
}

TEST_CASE("the rolling median of the spread equals a sorted window") {
  SpreadGate gate;
  GateOptions options;
  options.spread_bp_max = 0;
  options.spread_bp_floor = 0;
  options.spread_median_factor = 1;  // passes exactly what is not above the median
  std::vector<double> window;
  std::uint64_t now = 0;
  std::uint32_t state = 12345;
  for (int i = 0; i < 5'000; ++i) {
    state = state * 1664525U + 1013904223U;
    const double spread = static_cast<double>((state >> 16U) % 64U);
    now += 100 * kMs;
    std::vector<double> sorted(
        window.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(window.size(), 31)), window.end());
    std::sort(sorted.begin(), sorted.end());
    const bool expected = sorted.size() < 8 || spread == 0 || spread <= sorted[sorted.size() / 2];
    REQUIRE(gate.passes(spread, now, options) == expected);
    window.push_back(spread);
  }
}

TEST_CASE("own history: spikes are refused, a genuine shift is in on its third quote") {
  WarmHistory feed;
  CHECK_FALSE(feed.step(20));
  CHECK(feed.gate.waiting());
  CHECK(feed.step(0.1));  // the spike is gone
  CHECK_FALSE(feed.gate.waiting());
  CHECK_FALSE(feed.step(5));
  CHECK(feed.step(0));

  CHECK_FALSE(feed.step(20));
  CHECK_FALSE(feed.step(20.1));
  CHECK(feed.step(20));
  CHECK(feed.step(20.1));
}

TEST_CASE("own history: floor, tick, hold and silence") {
  WarmHistory feed;
  SECTION("moves under the floor pass however quiet the feed was") {
    WarmHistory still;
    for (int i = 0; i < 200; ++i) REQUIRE(still.step(0));
    CHECK(still.step(0.29));
    for (int i = 0; i < 200; ++i) REQUIRE(still.step(0.29));
    CHECK_FALSE(still.step(0.29 + 0.35));
  }
  SECTION("one tick is never a jump") {
    WarmHistory still;
    for (int i = 0; i < 200; ++i) REQUIRE(still.step(0));
    still.now += 100 * kMs;
    CHECK(still.gate.passes(moved_bp(10), 1e4 / moved_bp(10), kPrice * 10.1e-4, still.now, still.options));
  }
  SECTION("a quote that is repeated after the hold time is genuine") {
    CHECK_FALSE(feed.step(20));
    CHECK(feed.step(20, 2'000));
  }
  SECTION("after ten seconds of silence any level is a new start") { CHECK(feed.step(500, 10'001)); }
  SECTION("a livelier market is learned within a few releases") {
    int refused = 0;
    for (int i = 0; i < 300; ++i) {
      if (!feed.step(i % 2 == 0 ? 0 : 8)) ++refused;
    }
    CHECK(refused > 0);
    CHECK(refused < 30);
  }
  SECTION("off") {
    feed.options.own_history_sds = 0;
    CHECK(feed.step(5'000));
  }
}

TEST_CASE("across venues: one far off is out, healthy noise is in") {
  const std::vector<double> five{moved_bp(-1), moved_bp(0), moved_bp(0.5), moved_bp(1), moved_bp(50)};
  const auto v = cross(five);
  CHECK_FALSE(v.disputed);
  CHECK(inside(five, v) == 4);
  CHECK(std::abs(five[4] - v.median) > v.limit);

  const std::vector<double> three{moved_bp(0), moved_bp(0), moved_bp(50)};
  CHECK(inside(three, cross(three)) == 2);
  const std::vector<double> calm{moved_bp(-4), moved_bp(0), moved_bp(4), moved_bp(4.9)};
  CHECK(inside(calm, cross(calm)) == 4);
}

TEST_CASE("across venues: two against one stand, two against two are disputed, two alone are not judged") {
  const std::vector<double> pairs{moved_bp(0), moved_bp(0.1), moved_bp(300), moved_bp(300.1)};
  CHECK(cross(pairs).disputed);
  const std::vector<double> apart{moved_bp(0), moved_bp(300), moved_bp(-300)};
  CHECK(cross(apart).disputed);
  const std::vector<double> two{moved_bp(0), moved_bp(5'000)};
  const auto v = cross(two);
  CHECK_FALSE(v.disputed);
  CHECK(std::isinf(v.limit));
  CHECK(inside({}, cross({})) == 0);
}

TEST_CASE("the scaled MAD is the one of the definition") {
  GateOptions options;
  options.cross_bp_floor = 0;
  options.cross_bp_max = 1e9;
  std::uint32_t state = 99;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<double> mids(3 + static_cast<std::size_t>(round % 14));
    for (double& m : mids) {
      state = state * 1664525U + 1013904223U;
      m = 1'000 + static_cast<double>((state >> 12U) % 50U);
    }
    std::sort(mids.begin(), mids.end());
    const auto median = [](std::vector<double> v) {
      std::sort(v.begin(), v.end());
      return v.size() % 2 == 1 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
    };
    const double centre = median(mids);
    std::vector<double> deviations;
    for (const double m : mids) deviations.push_back(std::abs(m - centre));
    const auto v = cross_venue(mids, options);
    REQUIRE(v.median == centre);
    if (mids.front() == mids.back()) continue;
    REQUIRE(v.limit == Approx(3.5 * 1.4826 * median(deviations)).margin(1e-12));
  }
}
