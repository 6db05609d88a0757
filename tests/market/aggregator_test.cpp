#include "market/aggregator.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace anduin;
using namespace anduin::market;

namespace {

Instrument instrument(std::string venue, InstrumentKind kind = InstrumentKind::kSpot,
                      std::string market = "spot") {
  Instrument i;
  i.venue = std::move(venue);
  i.market = std::move(market);
  i.native = "BTCUSDT";
  i.kind = kind;
  return i;
}

/// A clock, an aggregator of BTCUSDT and what it told.
struct Room {
  ManualClock clock;
  Aggregator aggregator;
  std::vector<PriceEvent> events;

  explicit Room(GateOptions options = {}) : aggregator(clock, options) {
    aggregator.subscribe([this](const PriceEvent& e) { events.push_back(e); });
  }
  Aggregator::Feed& feed(std::string venue, InstrumentKind kind = InstrumentKind::kSpot) {
    return *aggregator.feed(instrument(std::move(venue), kind), "BTCUSDT").value();
  }
  void quote(Aggregator::Feed& f, const char* bid, const char* ask, std::int64_t lag_ms = 20) {
    aggregator.update(f, Quote{Decimal::of(bid), Decimal::of(ask), clock.wall_ms() - lag_ms,
                               clock.mono_ns(), clock.wall_ms()});
  }
  AggregatedPrice now() { return aggregator.get("BTCUSDT").value(); }
  Out out(std::size_t i) { return now().venues.at(i).out; }
};

std::string text(const std::optional<Decimal>& d) { return d ? d->to_string() : "none"; }

}  // namespace

TEST_CASE("the seed's example: highest bid, lowest ask, their spread, every venue") {
  Room room;
  auto& bybit = room.feed("Bybit", InstrumentKind::kLinearPerpetual);
  auto& kraken = room.feed("Kraken");
  room.quote(bybit, "43250.5", "43251.0");
  room.quote(kraken, "43249.8", "43252.3", 10);
  const auto p = room.now();
  CHECK(text(p.best_bid) == "43250.5");
  CHECK(text(p.best_ask) == "43251");
  CHECK(text(p.spread) == "0.5");
  CHECK(text(p.median_mid) == "43250.9");
  CHECK(p.standing == Standing::kUnconfirmed);
  CHECK(p.timestamp == room.clock.wall_ms() - 10);
  CHECK(p.mixed_kinds);
  CHECK_FALSE(p.crossed);
  REQUIRE(p.venues.size() == 2);
  CHECK(p.venues[0].venue == "Bybit");
  CHECK(p.venues[0].kind == InstrumentKind::kLinearPerpetual);
  CHECK(p.venues[1].ask == Decimal::of("43252.3"));
  CHECK(p.venues[1].out == Out::kIn);
  CHECK(room.events.size() == 2);
  CHECK(room.events.back().bid == Decimal::of("43250.5"));
  CHECK(room.events.back().sequence == 2);
  CHECK_FALSE(room.events.back().best_changed);  // Kraken's quote lies around Bybit's
  CHECK_FALSE(room.aggregator.get("ETHUSDT"));
}

TEST_CASE("prices closer than a binary float can tell are ordered exactly") {
  Room room;
  const char* tails[] = {"1", "3", "2"};
  int i = 0;
  for (const auto* venue : {"A", "B", "C"}) {
    const std::string tail = tails[i++];
    room.quote(room.feed(venue), ("50000.00000000000" + tail).c_str(),
               ("50001.00000000000" + tail).c_str());
  }
  CHECK(text(room.now().best_bid) == "50000.000000000003");
  CHECK(text(room.now().best_ask) == "50001.000000000001");
}

TEST_CASE("venues that cross each other are normal") {
  Room room;
  auto& a = room.feed("Bybit");
  auto& b = room.feed("Kraken");
  room.quote(a, "100.2", "100.3");
  room.quote(b, "100", "100.1");
  const auto p = room.now();
  CHECK(text(p.best_bid) == "100.2");
  CHECK(text(p.best_ask) == "100.1");
  CHECK(text(p.spread) == "-0.1");
  CHECK(p.crossed);
}

TEST_CASE("a quote of exactly 30 s is in, one nanosecond more is out") {
  Room room;
  auto& a = room.feed("Bybit");
  auto& b = room.feed("Kraken");
  room.quote(a, "100", "101");
  room.clock.advance_ms(10'000);
  room.quote(b, "99", "102");
  room.clock.advance_ms(20'000);
  CHECK(room.out(0) == Out::kIn);
  CHECK(room.now().venues[0].age_ms == 30'000);
  room.aggregator.expire();
  CHECK(room.events.size() == 2);

  // The boundary itself, on the hot path: Kraken's next quote arrives 30 s and 1 ns after Bybit's.
  Quote late{Decimal::of("99"), Decimal::of("102"), 0, room.clock.mono_ns(), room.clock.wall_ms()};
  room.aggregator.update(b, late);
  CHECK(room.events.back().bid == Decimal(100));
  late.received_mono_ns += 1;
  room.aggregator.update(b, late);
  CHECK(room.events.back().bid == Decimal(99));
  CHECK(room.events.back().best_changed);

  room.clock.advance_ms(1);
  CHECK(room.out(0) == Out::kStale);
  CHECK(room.out(1) == Out::kIn);
}

TEST_CASE("staleness shows without any further quote, once") {
  Room room;
  auto& a = room.feed("Bybit");
  room.quote(a, "100", "101");
  room.clock.advance_ms(30'001);
  room.aggregator.expire();
  REQUIRE(room.events.size() == 2);
  CHECK(room.events.back().standing == Standing::kNone);
  CHECK_FALSE(room.events.back().has_price());
  CHECK(room.events.back().best_changed);
  room.aggregator.expire();
  CHECK(room.events.size() == 2);
  CHECK(text(room.now().best_bid) == "none");
  // The venue confirms its quote: it is a price again.
  room.aggregator.confirm(a, room.clock.mono_ns(), room.clock.wall_ms());
  CHECK(room.events.size() == 3);
  CHECK(room.events.back().bid == Decimal(100));
}

TEST_CASE("a snapshot that sees staleness first does not swallow the event") {
  Room room;
  auto& a = room.feed("Bybit");
  room.quote(a, "100", "101");
  room.clock.advance_ms(30'001);
  CHECK(room.out(0) == Out::kStale);
  room.aggregator.expire();
  CHECK(room.events.size() == 2);
}

TEST_CASE("a venue that disconnects leaves at once and comes back with its next quote") {
  Room room;
  auto& a = room.feed("Bybit");
  auto& b = room.feed("Kraken");
  room.quote(a, "100", "101");
  room.quote(b, "99", "102");
  room.aggregator.disconnect("Bybit");
  REQUIRE(room.events.size() == 3);
  CHECK(room.events.back().bid == Decimal(99));
  CHECK(room.out(0) == Out::kDisconnected);
  room.aggregator.disconnect("Bybit");
  CHECK(room.events.size() == 3);
  room.aggregator.disconnect("Kraken", "futures");  // another market of it
  CHECK(room.out(1) == Out::kIn);
  room.quote(a, "100", "101", 9'000);  // the new connection has another lag, which is learned anew
  CHECK(room.out(0) == Out::kIn);
  room.aggregator.remove(b, Out::kWithdrawn);
  CHECK(room.out(1) == Out::kWithdrawn);
  room.aggregator.remove(b, Out::kFrozen);
  room.quote(b, "99", "102");
  CHECK(room.out(1) == Out::kFrozen);
}

TEST_CASE("absolute gate: locked is a price, crossed and non-positive ones are not") {
  Room room;
  auto& a = room.feed("Bybit");
  room.quote(a, "100", "100");
  CHECK(room.out(0) == Out::kIn);
  room.quote(a, "100.00000001", "100");
  CHECK(room.out(0) == Out::kCrossed);
  CHECK(room.events.back().standing == Standing::kNone);
  for (const auto& [bid, ask] :
       {std::pair{"0", "1"}, {"-1", "1"}, {"1", "0"}, {"1", "1e16"}, {"1e-21", "1"}, {"1e-900", "1e900"}}) {
    CAPTURE(bid, ask);
    room.quote(a, bid, ask);
    CHECK(room.out(0) == Out::kNotPrice);
  }
  const auto entry = room.now().venues[0];
  CHECK(entry.accepted == 1);
  CHECK(entry.refused[static_cast<std::size_t>(Out::kCrossed)] == 1);
  CHECK(entry.refused[static_cast<std::size_t>(Out::kNotPrice)] == 6);
  room.quote(a, "99.5", "100");
  CHECK(room.out(0) == Out::kIn);
}

TEST_CASE("a late feed, a wide spread, a spike and an outlier each name their gate") {
  Room room;
  auto& a = room.feed("Bybit");
  auto& b = room.feed("Kraken");
  auto& c = room.feed("OKX");
  for (int i = 0; i < 60; ++i) {
    room.clock.advance_ms(100);
    for (auto* f : {&a, &b, &c}) room.quote(*f, i % 2 == 0 ? "50000" : "50000.2", "50001");
  }
  CHECK(room.now().standing == Standing::kConfirmed);
  room.quote(a, "50000", "50001", 3'000);
  CHECK(room.out(0) == Out::kVenueTime);
  room.quote(a, "49000", "51000");
  CHECK(room.out(0) == Out::kSpread);
  room.quote(a, "50100", "50101");
  CHECK(room.out(0) == Out::kOwnHistory);
  CHECK(room.now().standing == Standing::kUnconfirmed);
  room.quote(a, "50100", "50101");
  room.quote(a, "50100", "50101");  // released by its own history, still alone against two
  CHECK(room.out(0) == Out::kCrossVenue);
  const auto p = room.now();
  CHECK(p.standing == Standing::kConfirmed);
  CHECK(text(p.best_bid) == "50000.2");
  CHECK(p.venues[0].refused[static_cast<std::size_t>(Out::kCrossVenue)] == 1);
  CHECK(p.venues[0].refused[static_cast<std::size_t>(Out::kOwnHistory)] == 2);
}

TEST_CASE("a jump that stands is let in by expire() after the hold time") {
  Room room;
  auto& a = room.feed("Bybit");
  for (int i = 0; i < 60; ++i) {
    room.clock.advance_ms(100);
    room.quote(a, i % 2 == 0 ? "50000" : "50000.2", "50001");
  }
  room.quote(a, "51000", "51001");
  CHECK(room.out(0) == Out::kOwnHistory);
  room.clock.advance_ms(1'999);
  room.aggregator.expire();
  CHECK(room.out(0) == Out::kOwnHistory);
  room.clock.advance_ms(1);
  room.aggregator.expire();
  CHECK(room.events.back().bid == Decimal(51000));
  CHECK(room.out(0) == Out::kIn);
}

TEST_CASE("no majority: disputed, and no price is offered") {
  Room room;
  for (const auto& [venue, bid, ask] : {std::tuple{"A", "100", "100.1"},
                                        {"B", "100", "100.1"},
                                        {"C", "110", "110.1"},
                                        {"D", "110", "110.1"}}) {
    room.quote(room.feed(venue), bid, ask);
  }
  const auto p = room.now();
  CHECK(p.standing == Standing::kDisputed);
  CHECK(text(p.best_bid) == "none");
  CHECK(text(p.median_mid) == "none");
  CHECK_FALSE(room.events.back().has_price());
  CHECK(room.out(0) == Out::kCrossVenue);
  room.quote(room.feed("E"), "100", "100.1");
  CHECK(room.now().standing == Standing::kConfirmed);
  CHECK(text(room.now().best_bid) == "100");
}

TEST_CASE("one market of a venue per symbol, and a bound on venues") {
  Room room;
  auto& first = room.feed("Bybit");
  CHECK(&room.feed("Bybit") == &first);
  const auto second =
      room.aggregator.feed(instrument("Bybit", InstrumentKind::kLinearPerpetual, "linear"), "BTCUSDT");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().kind == ErrorKind::kBadRequest);
  CHECK(room.aggregator.feed(instrument("Bybit", InstrumentKind::kLinearPerpetual, "linear"), "BTCUSDC")
            .has_value());
  for (int i = 1; i < 16; ++i) room.feed("V" + std::to_string(i));
  CHECK_FALSE(room.aggregator.feed(instrument("one too many"), "BTCUSDT").has_value());
  CHECK(room.aggregator.symbols() == std::vector<std::string>{"BTCUSDT", "BTCUSDC"});
  room.quote(first, "1", "2");
  CHECK_THROWS(room.aggregator.subscribe([](const PriceEvent&) {}));
}

TEST_CASE("an update by names reaches the same feed") {
  Room room;
  room.feed("Bybit");
  PriceUpdate u;
  u.venue = "Bybit";
  u.symbol = "BTCUSDT";
  u.market = "spot";
  u.bid = 100;
  u.ask = 101;
  u.received_mono_ns = room.clock.mono_ns();
  u.received_ms = room.clock.wall_ms();
  CHECK(room.aggregator.update(u));
  CHECK(room.events.back().timestamp == room.clock.wall_ms());  // no usable venue time: ours
  u.market = "linear";
  CHECK_FALSE(room.aggregator.update(u));
  u.symbol = "ETHUSDT";
  CHECK_FALSE(room.aggregator.update(u));
}

TEST_CASE("several threads update one symbol, sequences are unique and the end state is right") {
  ManualClock clock;
  GateOptions options;
  options.own_history_sds = 0;
  options.cross_mads = 0;
  Aggregator aggregator(clock, options);
  std::atomic<std::uint64_t> told{0}, sum{0};
  aggregator.subscribe([&](const PriceEvent& e) {
    told.fetch_add(1);
    sum.fetch_add(e.sequence);
  });
  constexpr int kThreads = 4, kUpdates = 20'000;
  std::vector<Aggregator::Feed*> feeds;
  for (int i = 0; i < kThreads; ++i)
    feeds.push_back(aggregator.feed(instrument("V" + std::to_string(i)), "BTCUSDT").value());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kUpdates; ++i) {
        Quote q{Decimal(1'000 + t + i % 10), Decimal(1'020 + t), 0, clock.mono_ns(), clock.wall_ms()};
        aggregator.update(*feeds[static_cast<std::size_t>(t)], q);
        if (i % 1'000 == 0) (void)aggregator.get("BTCUSDT");
      }
    });
  }
  for (auto& t : threads) t.join();
  const std::uint64_t n = std::uint64_t{kThreads} * kUpdates;
  CHECK(told.load() == n);
  CHECK(sum.load() == n * (n + 1) / 2);
  const auto p = *aggregator.get("BTCUSDT");
  CHECK(text(p.best_bid) == "1012");
  CHECK(text(p.best_ask) == "1020");
}
