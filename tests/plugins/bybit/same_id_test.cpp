// Whichever way shows a close, it is the same close: the plugin in the host's own runner against the simulated venue.
// One instance streams, one without a socket reads history, both are compared with what the simulator says it gave out.
#include <catch2/catch.hpp>
#include <random>

#include "plugins/support/venue_world.hpp"
#include "support/seed.hpp"

using namespace anduin::test;
using Options = VenueWorld::LiveOptions;

namespace {

constexpr std::int64_t kSettledMs = 30'000;  // a login, the late rows, the log that lags
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

Options history_only(const std::string& watermark = {}, std::int64_t settle_from_ms = 0) {
  Options o;
  o.sockets = false;
  o.watermark = watermark;
  o.settle_from_ms = settle_from_ms;
  return o;
}

void check_same(VenueWorld& w, const VenueWorld::Live& live) {
  CHECK(live.told() == w.given());
  CHECK(live.conflicts.empty());
}

/// A fresh instance reads what the other one heard.
void check_history(VenueWorld& w, const VenueWorld::Live& live, std::int64_t settle_from_ms = 0) {
  auto history = w.start(history_only({}, settle_from_ms));
  w.advance(kSettledMs);
  check_same(w, *history);
  CHECK(history->told() == live.told());
  CHECK(history->unproven.empty());
}

}  // namespace

TEST_CASE("same id: every kind of close, live and from history (lessons 5, 6, 15)") {
  for (const char* kind :
       {R"({})", R"({"side":"short","pnl":"-3.25"})", R"({"flip":true})", R"({"liquidation":true,"pnl":"-43"})", R"({"adl":true})",
        R"({"partial":true})", R"({"hedge":true})", R"({"fills":3})", R"({"missingPnl":true})",
        R"({"symbol":"BTCUSD","size":"1000","pnl":"0.0001","fee":"0.00001"})"}) {
    DYNAMIC_SECTION(kind) {
      VenueWorld w("bybit");
      auto live = w.start();
      w.advance(2'000);
      (void)w.close(kind);
      w.advance(kSettledMs);
      CHECK(live->closes.size() >= 1);
      check_same(w, *live);
      check_history(w, *live);
    }
  }
}

TEST_CASE("same id: closes in one millisecond are several (lessons 7, 8)") {
  VenueWorld w("bybit");
  auto live = w.start();
  w.advance(2'000);
  for (int i = 0; i < 3; ++i) (void)w.close(R"({"pnl":")" + std::to_string(i) + R"("})");
  (void)w.close(R"({"symbol":"ETHUSDT","size":"1"})");
  w.advance(kSettledMs);
  CHECK(live->closes.size() == 4);
  check_same(w, *live);
  check_history(w, *live);
}

TEST_CASE("same id: closes during a disconnect, and one that only history shows (lessons 20, 21)") {
  VenueWorld w("bybit");
  auto live = w.start();
  w.advance(2'000);
  (void)w.close("{}");
  (void)w.close(R"({"side":"short","pnl":"-7","drop":true})");
  (void)w.close(R"({"silent":true})");
  w.advance(2 * kSettledMs);
  CHECK(live->closes.size() == 3);
  check_same(w, *live);
  check_history(w, *live);
}

TEST_CASE("same id: 0, 1, 100, 101 and 250 rows, and a restart with a stale watermark (lessons 3, 18, 19)") {
  for (const int rows : {0, 1, 100, 101, 250}) {
    DYNAMIC_SECTION(rows) {
      VenueWorld w("bybit");
      const std::int64_t now = w.sim.clock.wall_ms();
      for (int i = 0; i < rows; ++i)
        (void)w.close(R"({"silent":true,"pnl":")" + std::to_string(i) + R"(","closedAt":)" + std::to_string(now - 600'000 + i) + "}");
      w.advance(kSettledMs);
      for (const std::string& watermark : {std::string(), "v1 linear=" + std::to_string(now - 10 * kDayMs) + " inverse=0"}) {
        auto history = w.start(history_only(watermark, now - 20 * kDayMs));
        w.advance(kSettledMs);
        CHECK(history->closes.size() == static_cast<std::size_t>(rows));
        check_same(w, *history);
      }
    }
  }
}

TEST_CASE("same id: forty closes with faults of every kind: none lost, none twice (lessons 2, 13, 14)") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  VenueWorld w("bybit");
  const std::int64_t begin = w.sim.clock.wall_ms();
  auto live = w.start();
  w.advance(2'000);
  w.control("visibility", R"({"random":true})");
  static const char* const kFlags[] = {"partial", "flip", "liquidation", "adl", "hedge", "silent", "drop", "missingPnl"};
  for (int i = 0; i < 40; ++i) {
    std::string a = R"({"side":")" + std::string(random() % 2 == 0 ? "long" : "short") + R"(","symbol":")" +
                    (random() % 2 == 0 ? "BTCUSDT" : "ETHUSDT") + R"(","pnl":")" + std::to_string(static_cast<int>(random() % 2'000) - 1'000) + "\"";
    if (random() % 2 == 0) a += ",\"" + std::string(kFlags[random() % 8]) + "\":true";
    (void)w.close(a + "}");
    if (random() % 8 == 0) w.control("duplicate", R"({"count":3})");
    if (random() % 8 == 0) w.control("reorder", R"({"count":2})");
    if (random() % 10 == 0) w.control("error", R"({"code":"10016","count":2})");
    if (random() % 15 == 0) w.control("error", R"({"code":"10006"})");
    if (random() % 15 == 0) (void)w.sim.control("drop");  // right after another one nothing may be open
    w.advance(static_cast<std::int64_t>(random() % 4'000));
  }
  w.control("error", R"({"count":0})");
  w.advance(400'000);
  check_same(w, *live);
  check_history(w, *live, begin - 3'600'000);
}
