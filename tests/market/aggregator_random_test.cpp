// A million random quotes, disconnects and pauses against the plainest possible computation of the same
// rules.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "base/random.hpp"
#include "market/aggregator.hpp"

using namespace anduin;
using namespace anduin::market;

namespace {

constexpr std::size_t kVenues = 8;
constexpr std::uint64_t kStaleNs = 30'000'000'000;

struct PlainVenue {
  bool present = false;
  Decimal bid, ask;
  std::uint64_t received_ns = 0;
};

struct PlainBest {
  Standing standing = Standing::kNone;
  Decimal bid, ask;
  std::size_t in = 0;
};

double about(const Decimal& d) {
  return static_cast<double>(static_cast<std::int64_t>(d.mantissa())) / std::pow(10.0, -d.exp10());
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.size() % 2 == 1 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

PlainBest plain(const std::vector<PlainVenue>& venues, std::uint64_t now, const GateOptions& o) {
  std::vector<PlainVenue> fresh;
  std::vector<double> mids;
  for (const auto& v : venues) {
    if (!v.present || v.ask < v.bid || now - v.received_ns > kStaleNs) continue;
    fresh.push_back(v);
    mids.push_back((about(v.bid) + about(v.ask)) / 2);
  }
  PlainBest best;
  if (fresh.empty()) return best;
  const double centre = median(mids);
  double limit = INFINITY;
  if (fresh.size() >= 3) {
    std::vector<double> deviations;
    for (const double m : mids) deviations.push_back(std::abs(m - centre));
    const double floor = o.cross_bp_floor * (centre * 1e-4);
    limit = std::min(std::max(o.cross_mads * (1.4826 * median(deviations)), floor),
                     o.cross_bp_max * (centre * 1e-4));
  }
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (std::abs(mids[i] - centre) > limit) continue;
    if (best.in == 0 || fresh[i].bid > best.bid) best.bid = fresh[i].bid;
    if (best.in == 0 || fresh[i].ask < best.ask) best.ask = fresh[i].ask;
    ++best.in;
  }
  best.standing = fresh.size() >= 3 && 2 * best.in <= fresh.size() ? Standing::kDisputed
                  : fresh.size() >= 3                              ? Standing::kConfirmed
                                                                   : Standing::kUnconfirmed;
  return best;
}

/// The same value in one of several spellings: 100.10 and 100.1 must be one price.
Decimal spelled(std::int64_t cents, std::uint64_t how) {
  switch (how % 3) {
    case 0:
      return Decimal(cents, -2);
    case 1:
      return Decimal(Decimal::Mantissa(cents) * 1'000'000, -8);
    default:
      return Decimal(cents, -2).normalized();
  }
}

}  // namespace

TEST_CASE("a million random updates equal a brute-force reference") {
  const char* fixed = std::getenv("ANDUIN_SEED");
  const std::uint64_t seed = fixed != nullptr ? std::strtoull(fixed, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << seed << "\n";
  CAPTURE(seed);
  SeededRandom random(seed);

  GateOptions options;
  options.own_history_sds = 0;  // these two have memory of their own and tests of their own
  options.spread_median_factor = 0;
  options.spread_bp_max = 0;
  ManualClock clock;
  Aggregator aggregator(clock, options);
  PriceEvent last;
  aggregator.subscribe([&](const PriceEvent& e) { last = e; });
  std::vector<Aggregator::Feed*> feeds;
  std::vector<PlainVenue> venues(kVenues);
  for (std::size_t i = 0; i < kVenues; ++i) {
    Instrument instrument;
    instrument.venue = "V" + std::to_string(i);
    feeds.push_back(aggregator.feed(instrument, "BTCUSDT").value());
  }

  std::int64_t level = 5'000'000;  // cents
  for (int round = 0; round < 1'000'000; ++round) {
    clock.advance_ms(
        static_cast<std::int64_t>(random.below(1'000) == 0 ? random.below(40'000) : random.below(50)));
    const std::size_t i = random.below(kVenues);
    PlainVenue& v = venues[i];
    const std::uint64_t dice = random.below(100);
    if (dice == 0) {
      v.present = false;
      aggregator.remove(*feeds[i]);
    } else if (dice == 1) {
      aggregator.expire();
    } else {
      level = std::max<std::int64_t>(1'000, level + static_cast<std::int64_t>(random.below(201)) - 100);
      // Mostly near the level, sometimes an outlier, sometimes a second cluster that contests the majority.
      std::int64_t cents = level + static_cast<std::int64_t>(random.below(2'000));
      if (dice < 6) cents += level / 10;
      if (dice < 12 && i % 2 == 0) cents += level / 20;
      const auto width = static_cast<std::int64_t>(random.below(500)) - (dice == 20 ? 600 : 0);
      v = PlainVenue{true, spelled(cents, random.next()), spelled(cents + width, random.next()),
                     clock.mono_ns()};
      aggregator.update(*feeds[i], Quote{v.bid, v.ask, 0, clock.mono_ns(), clock.wall_ms()});
    }
    const PlainBest expected = plain(venues, clock.mono_ns(), options);
    if (dice == 0) aggregator.expire();  // the others may have become stale meanwhile
    const bool equal = last.standing == expected.standing &&
                       (!last.has_price() || (last.bid == expected.bid && last.ask == expected.ask &&
                                              last.venues_in == expected.in));
    if (!equal) {
      CAPTURE(round, i, dice, last.bid.to_string(), expected.bid.to_string(), last.ask.to_string(),
              expected.ask.to_string());
      CAPTURE(to_string(last.standing), to_string(expected.standing), expected.in, last.venues_in);
      REQUIRE(equal);
    }
  }
}
