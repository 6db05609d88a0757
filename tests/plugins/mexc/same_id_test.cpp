// Whichever way shows a close, it is the same close: the plugin in the host's own runner against the simulated venue.
// One instance streams, one without a socket reads history, both are compared with what the simulator says it gave out.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "plugins/support/venue_world.hpp"
#include "support/seed.hpp"

using namespace anduin::test;
using Options = VenueWorld::LiveOptions;

namespace {

constexpr std::int64_t kSettledMs = 20'000;  // a login, the late rows, a chase or two
constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

struct World : VenueWorld {
  explicit World(int accounts = 1) : VenueWorld("mexc", accounts) {}
  [[nodiscard]] std::int64_t now_ms() const { return sim.clock.wall_ms(); }
};

Options history_only(const std::string& watermark = {}, std::int64_t settle_from_ms = 0) {
  Options o;
  o.sockets = false;
  o.watermark = watermark;
  o.settle_from_ms = settle_from_ms;
  return o;
}

void check_same(World& w, const VenueWorld::Live& live) {
  CHECK(live.told() == w.given());
  CHECK(live.conflicts.empty());
  CHECK(live.emissions == live.closes.size());  // an instance says each close once
  for (const auto& [id, c] : live.closes) CHECK(c.position.hold_reason.empty());
}

void check_history(World& w, const VenueWorld::Live& live, std::int64_t settle_from_ms = 0) {
  auto history = w.start(history_only({}, settle_from_ms));
  w.advance(kSettledMs);
  check_same(w, *history);
  for (const auto& [id, c] : history->closes) {
    INFO(id);
    REQUIRE(live.closes.contains(id));
    const auto &mine = c.position, &other = live.closes.at(id).position;
    CHECK(mine.native_symbol == other.native_symbol);
    CHECK(mine.currency == other.currency);
    CHECK(mine.size == other.size);
    CHECK(mine.entry_price == other.entry_price);
    CHECK(mine.exit_price == other.exit_price);
    CHECK(mine.inside == other.inside);
  }
  CHECK(history->unproven.empty());
}

}  // namespace

TEST_CASE("stream and history agree on every kind of close (lessons 5, 6, 12, 15)") {
  for (const char* kind :
       {R"({})", R"({"side":"short","pnl":"-3.25"})", R"({"flip":true})", R"({"liquidation":true,"pnl":"-43"})",
        R"({"adl":true})", R"({"hedge":true})", R"({"hedge":true,"side":"short"})",
        R"({"symbol":"BTCUSD","size":"1000","pnl":"0.0001","fee":"0.00001"})", R"({"symbol":"BTCUSDC"})"}) {
    DYNAMIC_SECTION(kind) {
      World w;
      auto live = w.start();
      w.advance(1'000);
      CHECK(live->ready);
      for (int i = 0; i < 2; ++i) {
        (void)w.close(kind);
        w.advance(3'000);
      }
      w.advance(kSettledMs);
      CHECK(live->closes.size() >= 1);
      check_same(w, *live);
      check_history(w, *live);
    }
  }
}

TEST_CASE("what a position earned in parts is one close, under one id (lessons 9, 11)") {
  World w;
  auto live = w.start();
  w.advance(1'000);
  const std::string part = w.close(R"({"partial":true,"pnl":"1","size":"0.01"})");
  w.advance(kSettledMs);
  CHECK(live->closes.empty());
  CHECK(w.close(R"({"pnl":"2","size":"0.01"})") == part);
  w.advance(kSettledMs);
  REQUIRE(live->closes.size() == 1);
  CHECK(live->closes.at(part).position.pnl == anduin::Decimal(3));
  CHECK(live->closes.at(part).position.size == anduin::Decimal(100));  // contracts
  check_same(w, *live);
}

TEST_CASE("closes in one millisecond are several, and cost a few requests (lessons 7, 8)") {
  World w;
  auto live = w.start();
  w.advance(1'000);
  for (int i = 0; i < 5; ++i) (void)w.close(R"({"pnl":")" + std::to_string(i) + R"("})");
  (void)w.close(R"({"symbol":"ETHUSDT","size":"1"})");
  w.advance(kSettledMs);
  CHECK(live->closes.size() == 6);
  check_same(w, *live);
  check_history(w, *live);
}

TEST_CASE("rows that show one to five seconds late are asked for until they do") {
  World w;
  auto live = w.start();
  w.control("visibility", R"({"random":true})");
  w.advance(1'000);
  for (int i = 0; i < 12; ++i) {
    (void)w.close(R"({"side":")" + std::string(i % 2 == 0 ? "long" : "short") + R"(","pnl":")" + std::to_string(i) +
                  R"("})");
    w.advance(700);
  }
  w.advance(kSettledMs);
  check_same(w, *live);
}

TEST_CASE("a close during a disconnect is found after it (lessons 20, 21)") {
  for (const char* by : {"close", "open"}) {
    DYNAMIC_SECTION("history filtered by the time of the " << by) {
      World w;
      w.control("shape", R"({"by":")" + std::string(by) + R"("})");
      w.control("age", R"({"ms":)" + std::to_string(9 * kDayMs) + "}");
      auto live = w.start();
      w.advance(1'000);
      (void)w.close("{}");
      w.advance(5'000);
      (void)w.close(R"({"side":"short","pnl":"-7","drop":true})");
      w.advance(kSettledMs);
      (void)w.close(R"({"symbol":"ETHUSDT","size":"1"})");
      w.advance(kSettledMs);
      CHECK(live->closes.size() == 3);
      check_same(w, *live);
      check_history(w, *live);
    }
  }
}

TEST_CASE("a lost push costs a minute and no close (lesson 27)") {
  World w;
  auto live = w.start();
  w.advance(kSettledMs);
  (void)w.close(R"({"silent":true})");
  w.advance(80'000);
  CHECK(live->closes.size() == 1);
  check_same(w, *live);
}

TEST_CASE("restart with a stale watermark, of today or none: the same closes (lessons 18, 19)") {
  World w;
  const std::int64_t now = w.now_ms();
  for (int day = 6; day >= 0; --day)
    (void)w.close(R"({"silent":true,"pnl":")" + std::to_string(day) + R"(","closedAt":)" +
                  std::to_string(now - day * kDayMs - 60'000) + "}");
  w.advance(2'000);
  for (const std::int64_t age : {std::int64_t{0}, 7 * kDayMs, 20 * kDayMs}) {
    auto live = w.start(history_only(age == 0 ? "" : "v1 positions=" + std::to_string(now - age), now - 30 * kDayMs));
    w.advance(kSettledMs);
    check_same(w, *live);
    CHECK(live->watermark > "v1 positions=" + std::to_string(now));
  }
  auto recent = w.start(history_only("v1 positions=" + std::to_string(now - 30'000), now - 30 * kDayMs));
  w.advance(kSettledMs);
  CHECK(recent->closes.size() == 1);
}

TEST_CASE("duplicated and overtaken frames, and a history of two shapes, change nothing (lessons 13, 14)") {
  World w;
  auto live = w.start();
  w.advance(1'000);
  for (int i = 0; i < 10; ++i) {
    w.control("duplicate", R"({"count":3})");
    w.control("reorder", R"({"count":2})");
    w.control("shape",
              i % 2 == 0 ? R"({"history":"object","fee":"positive"})" : R"({"history":"list","fee":"negative"})");
    (void)w.close(R"({"flip":)" + std::string(i % 3 == 0 ? "true" : "false") + R"(,"side":")" +
                  (i % 2 == 0 ? "long" : "short") + R"("})");
    w.advance(2'000);
  }
  w.advance(80'000);
  check_same(w, *live);
  check_history(w, *live);
}

TEST_CASE("two accounts of one venue hear and read only their own") {
  World w(2);
  auto first = w.start();
  Options o;
  o.who = 1;
  auto second = w.start(o);
  w.advance(1'000);
  (void)w.close(R"({"account":"mexc-1"})");
  (void)w.close(R"({"account":"mexc-2","side":"short"})");
  w.advance(kSettledMs);
  CHECK(first->closes.size() == 1);
  CHECK(second->closes.size() == 1);
  REQUIRE(first->accounts.size() >= 1);
  REQUIRE(second->accounts.size() >= 1);
  CHECK(first->accounts[0].uid != second->accounts[0].uid);
  first->query_balance();
  w.advance(1'000);
  CHECK_FALSE(first->balances.empty());
}

TEST_CASE("prices of the simulated venue, a quiet contract, a delisted one, and a skewed clock") {
  World w;
  Options o;
  o.account = false;
  auto live = w.start(o);
  live->subscribe({"BTC_USDT", "ETH_USDT", "BTC_USD", "SOL_USDT"});
  w.advance(2'000);
  CHECK(live->ready);
  CHECK(live->tops.size() == 4);
  w.control("price", R"({"symbol":"BTCUSDT","bid":"75480","ask":"75481.2"})");
  w.control("delist", R"({"symbol":"SOLUSDT"})");
  w.control("quiet", R"({"symbol":"ETHUSDT","ms":5000})");
  w.advance(3'000);
  CHECK(live->tops.at("BTC_USDT") == std::pair<std::string, std::string>{"75480", "75481.2"});
  w.control("drop", R"({"part":"public"})");
  w.advance(90'000);  // dialled again, pinged, and streaming
  const std::size_t before = live->prices;
  w.advance(2'000);
  CHECK(live->prices > before + 10);
  w.control("skew", R"({"ms":-60000})");
  auto account = w.start();
  w.advance(kSettledMs);
  CHECK(account->ready);
  (void)w.close("{}");
  w.advance(kSettledMs);
  CHECK(account->closes.size() == 1);
}

TEST_CASE("a hundred closes of every kind with faults of every kind: none lost, none twice (lesson 2)") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  World w;
  const std::int64_t begin = w.now_ms();
  auto live = w.start();
  w.advance(1'000);
  w.control("visibility", R"({"random":true})");
  static const char* const kFlags[] = {"partial", "flip", "liquidation", "adl", "hedge", "silent", "drop"};
  static const char* const kSymbols[] = {"BTCUSDT", "ETHUSDT", "BTCUSD", "XRPUSDT"};
  for (int i = 0; i < 100; ++i) {
    std::string a = R"({"size":"100","side":")" + std::string(random() % 2 == 0 ? "long" : "short") +
                    R"(","symbol":")" + kSymbols[random() % 4] + R"(","pnl":")" +
                    std::to_string(static_cast<int>(random() % 2'000) - 1'000) + "\"";
    if (random() % 2 == 0) a += ",\"" + std::string(kFlags[random() % 7]) + "\":true";
    (void)w.close(a + "}");
    if (random() % 10 == 0) w.control("error", R"({"code":"9999","count":2,"path":"history_positions"})");
    if (random() % 15 == 0) w.control("error", R"({"code":"503"})");
    if (random() % 15 == 0) w.control("error", R"({"code":"510","count":3})");
    if (random() % 20 == 0) w.control("drop", R"({"part":"private"})");
    w.advance(static_cast<std::int64_t>(random() % 4'000));
  }
  w.control("error", R"({"count":0})");
  w.advance(200'000);
  check_same(w, *live);
  check_history(w, *live, begin - kHourMs);
}
