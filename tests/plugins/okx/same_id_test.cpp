// Whichever way shows a close, it is the same close: the plugin against the simulated venue, live and from history.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/okx/rows.hpp"
#include "plugins/okx/world.hpp"
#include "support/seed.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

using Closes = std::map<std::string, SeenClose>;
constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;

Closes by_id(const Bench& b) {
  Closes out;
  for (const SeenClose& c : b.closes) {
    CHECK_FALSE(out.contains(c.id));  // an instance says each close once
    out[c.id] = c;
  }
  return out;
}

void check_equal(const Closes& got, const Closes& want) {
  REQUIRE(got.size() == want.size());
  for (const auto& [id, c] : want) {
    INFO(id);
    REQUIRE(got.contains(id));
    const SeenClose& o = got.at(id);
    CHECK(o.pnl == c.pnl);
    CHECK(o.pnl_raw == c.pnl_raw);
    CHECK(o.fee == c.fee);
    CHECK(o.closed_ms == c.closed_ms);
    CHECK(o.side == c.side);
    CHECK(o.symbol == c.symbol);
    CHECK(o.entry == c.entry);
    CHECK(o.exit == c.exit);
    CHECK(o.size == c.size);
    CHECK(o.currency == c.currency);
    CHECK(o.funding == c.funding);
    CHECK(o.flags == c.flags);
    CHECK(o.hold == c.hold);
  }
}

/// What the simulator says it gave out.
void check_log(World& w, const Closes& got) {
  const auto log = w.log();
  CHECK(got.size() == log.size());
  for (const auto& [id, row] : log) {
    INFO(id);
    REQUIRE(got.contains(id));
    CHECK(got.at(id).pnl == anduin::sim::text_at(row, "pnl"));
    CHECK(got.at(id).side == anduin::sim::text_at(row, "side"));
    CHECK(got.at(id).currency == anduin::sim::text_at(row, "currency"));
    CHECK(got.at(id).closed_ms == anduin::sim::int_at(row, "closedAt", 0));
  }
}

Closes from_history(World& w, std::int64_t settle_from_ms, const std::string& watermark = {}) {
  World::Live late(w, json::object(), settle_from_ms, watermark, 0);
  w.advance(30'000);
  return by_id(late.bench);
}

}  // namespace

TEST_CASE("stream and history agree on every kind of close (lessons 5, 6, 12, 15)") {
  const std::map<std::string, json> kinds{
      {"full", json::object()},
      {"short", {{"side", "short"}, {"pnl", "-12.5"}}},
      {"partial", {{"partial", true}}},
      {"flip", {{"flip", true}}},
      {"liquidation", {{"liquidation", true}, {"pnl", "-30"}}},
      {"adl", {{"adl", true}}},
      {"hedge long", {{"hedge", true}}},
      {"hedge short", {{"hedge", true}, {"side", "short"}}},
      {"inverse", {{"symbol", "BTCUSD"}, {"size", "1000"}, {"pnl", "0.0001"}, {"fee", "0.00001"}}}};
  for (const auto& [name, arguments] : kinds) {
    DYNAMIC_SECTION(name) {
      World w;
      const std::int64_t begin = w.now_ms();
      World::Live live(w, json::object(), begin - kHour, "", 0);
      w.advance(1'000);
      CHECK(live.bench.statuses.back().state == "ready");
      for (int i = 0; i < 2; ++i) {  // twice: the posId comes again, the lifetime does not
        w.close(arguments);
        w.advance(2'000);
      }
      const Closes streamed = by_id(live.bench);
      CHECK(streamed.size() == 2);
      for (const auto& [id, c] : streamed) CHECK(c.origin == "stream");
      check_log(w, streamed);
      check_equal(from_history(w, begin - kHour), streamed);
    }
  }
}

TEST_CASE("two closes in one millisecond are two closes (lessons 7, 8)") {
  World w;
  const std::int64_t begin = w.now_ms();
  World::Live live(w, json::object(), begin - kHour, "", 0);
  w.advance(1'000);
  w.close({{"pnl", "1"}});
  w.close({{"pnl", "-2"}});
  w.close({{"pnl", "3"}, {"symbol", "ETHUSDT"}});
  w.advance(5'000);
  const Closes streamed = by_id(live.bench);
  CHECK(streamed.size() == 3);
  check_log(w, streamed);
  check_equal(from_history(w, begin - kHour), streamed);
}

TEST_CASE("a close whose row shows late is asked for until it does (quiet for up to 5 s)") {
  World w;
  World::Live live(w, json::object(), w.now_ms() - kHour, "", 0);
  w.control("visibility", {{"random", true}});
  w.advance(1'000);
  for (int i = 0; i < 12; ++i) {
    w.close({{"pnl", std::to_string(i)}, {"side", i % 2 == 0 ? "long" : "short"}});
    w.advance(700);
  }
  w.advance(12'000);
  check_log(w, by_id(live.bench));
}

TEST_CASE("forty closes at once cost a few requests, not forty times seven") {
  World w;
  World::Live live(w, json::object(), w.now_ms() - kHour, "", 0);
  w.advance(15'000);
  const std::size_t before = live.bench.requests.size();
  for (int i = 0; i < 40; ++i)
    w.close({{"hedge", i % 2 == 0}, {"side", i % 3 == 0 ? "short" : "long"}, {"pnl", std::to_string(i)}});
  w.advance(3'000);
  check_log(w, by_id(live.bench));
  CHECK(live.bench.requests.size() - before < 10);
}

TEST_CASE("closes during a disconnect are found (lessons 20, 21, 24)") {
  World w;
  const std::int64_t begin = w.now_ms();
  World::Live live(w, json::object(), begin - kHour, "", 0);
  w.advance(1'000);
  w.close({{"pnl", "1"}});
  w.advance(2'000);
  w.control("open", {{"symbol", "ETHUSDT"}, {"side", "long"}, {"size", "1"}});
  w.advance(100);
  w.close({{"pnl", "2"}, {"drop", true}});
  w.close({{"pnl", "3"}, {"symbol", "ETHUSDT"}, {"size", "1"}, {"silent", true}});
  w.advance(30'000);
  CHECK(live.bench.statuses.back().state == "resync");
  w.connect(live);
  w.advance(15'000);
  CHECK(live.bench.statuses.back().state == "ready");
  CHECK(w.sim.simulator.venue().topics(live.conns.begin()->second).size() == 2);  // subscribed again, after a new login
  const Closes got = by_id(live.bench);
  CHECK(got.size() == 3);
  check_log(w, got);
  check_equal(from_history(w, begin - kHour), got);
}

TEST_CASE("a lost push costs a minute and no close (lesson 27)") {
  World w;
  World::Live live(w, json::object(), w.now_ms() - kHour, "", 0);
  w.advance(1'000);
  w.control("open", {{"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.1"}});
  w.advance(6'000);
  w.close({{"silent", true}});
  w.advance(20'000);  // no longer told: the history is looked at before its turn
  CHECK(live.bench.closes.size() == 1);
  w.close({{"symbol", "SOLUSDT"}, {"silent", true}});  // never told at all
  w.advance(61'000);
  CHECK(live.bench.closes.size() == 2);
  check_log(w, by_id(live.bench));
}

TEST_CASE("a reduced position and moved margin are no closes (lessons 5, 9, 11)") {
  World w;
  World::Live live(w, json::object(), w.now_ms() - kHour, "", 0);
  w.advance(1'000);
  w.control("reduce", {{"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.2"}, {"pnl", "4"}});
  w.control("transfer", {{"symbol", "ETHUSDT"}, {"side", "short"}, {"size", "1"}});
  w.advance(40'000);
  CHECK(live.bench.closes.empty());
  CHECK(live.bench.warnings.empty());
  w.close({{"size", "0.2"}, {"pnl", "4"}});
  w.advance(3'000);
  REQUIRE(live.bench.closes.size() == 1);
  CHECK(live.bench.closes[0].pnl == "4");
  check_log(w, by_id(live.bench));
}

TEST_CASE("restart with a watermark of a week ago, of today, or none: the same closes (lessons 18, 19)") {
  World w;
  const std::int64_t now = w.now_ms();
  for (int day = 6; day >= 0; --day)
    w.close({{"pnl", std::to_string(day)}, {"silent", true}, {"closedAt", now - day * kDay - 60'000}});
  const Closes all = from_history(w, now - 30 * kDay);
  CHECK(all.size() == 7);
  check_log(w, all);
  check_equal(from_history(w, now - 30 * kDay, "v1 swap=" + std::to_string(now - 7 * kDay)), all);
  for (int i = 0; i < 20; ++i)
    check_equal(from_history(w, now - 30 * kDay, "v1 swap=" + std::to_string(now - 7 * kDay)), all);
  const Closes recent = from_history(w, now - 30 * kDay, "v1 swap=" + std::to_string(now - 30'000));
  CHECK_FALSE(recent.empty());  // the overlap, and what shares its page: repeats, which the host knows
  for (const auto& [id, c] : recent) CHECK(all.contains(id));
  CHECK(from_history(w, now - 3 * kDay).size() == 3);  // what was closed before the account settles is left alone
}

TEST_CASE("0, 1, 100, 101 and 250 rows (lesson 3)") {
  for (const int count : {0, 1, 100, 101, 250}) {
    DYNAMIC_SECTION(count << " rows") {
      World w;
      const std::int64_t begin = w.now_ms();
      for (int i = 0; i < count; ++i) {
        w.close({{"pnl", std::to_string(i)}, {"silent", true}});
        if (i % 3 == 2) w.advance(50);
      }
      w.advance(2'000);
      World::Live live(w, json::object(), begin - kHour, "", 0);
      w.advance(10'000);
      CHECK(live.bench.closes.size() == static_cast<std::size_t>(count));
      check_log(w, by_id(live.bench));
      REQUIRE_FALSE(live.bench.coverage.empty());
      CHECK(live.bench.coverage.front().proven);
      CHECK(live.bench.coverage.front().from_ms == begin - kHour);
      CHECK(live.bench.errors.empty());
    }
  }
}

TEST_CASE("a random day: closes of every kind, cuts, late rows, refusals") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  World w;
  const std::int64_t begin = w.now_ms();
  World::Live live(w, json::object(), begin - kHour, "", 0);
  w.control("visibility", {{"random", true}});
  for (int i = 0; i < 120; ++i) {
    json a{{"pnl", std::to_string(static_cast<int>(random() % 200) - 100)}, {"side", random() % 2 ? "long" : "short"}};
    static const char* const kSymbols[] = {"BTCUSDT", "ETHUSDT", "SOLUSDT"};
    a["symbol"] = kSymbols[random() % 3];
    a["size"] = a["symbol"] == "BTCUSDT" ? "0.5" : "40";
    static const char* const kFlags[] = {"partial", "flip", "liquidation", "adl", "hedge", "silent", "drop"};
    if (random() % 2) a[kFlags[random() % 7]] = true;
    w.close(a);
    if (random() % 10 == 0) w.control("error", {{"code", "50011"}, {"count", 2}, {"path", "positions-history"}});
    if (random() % 15 == 0) w.control("error", {{"code", "503"}, {"count", 1}});
    if (random() % 20 == 0) w.control("drop", {{"part", "private"}});
    w.advance(static_cast<std::int64_t>(random() % 4'000));
    if (live.conns.empty()) w.connect(live);
  }
  w.control("visibility");
  w.control("error", {{"count", 0}});  // refusals add up faster than a minute's pause between requests uses them up
  w.advance(130'000);
  const Closes got = by_id(live.bench);
  CHECK(got.size() == 120);
  check_log(w, got);
  check_equal(from_history(w, begin - kHour), got);
}
