// Whichever way shows a close, it is the same close, on spot and on futures: the plugin in the host's own runner against
// the simulated venue. One instance streams, one without a socket reads history, both are compared with what the
// simulator says it gave out.
#include <catch2/catch.hpp>
#include <random>

#include "plugins/support/venue_world.hpp"
#include "support/seed.hpp"

using namespace anduin::test;
using Options = VenueWorld::LiveOptions;

namespace {

constexpr std::int64_t kSettledMs = 90'000;  // a login, the second look, reads that keep their distance
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

/// One of the two products: the simulator's accounts have one each.
struct World : VenueWorld {
  explicit World(std::string market_) : VenueWorld("kraken", 2), market(std::move(market_)) {
    const auto& all = sim.simulator.venue().accounts();
    while (all[who].market != market) ++who;
    symbol = market == "spot" ? "BTCUSD" : "PF_XBTUSD";
  }
  [[nodiscard]] Options live() const {
    Options o;
    o.who = who;
    o.options = {{"market", {market}}};
    return o;
  }
  [[nodiscard]] Options history_only(std::int64_t settle_from_ms = 0) const {
    Options o = live();
    o.sockets = false;
    o.settle_from_ms = settle_from_ms;
    return o;
  }
  std::string close(const std::string& more) {
    anduin::sim::Json order{{"account", sim.simulator.venue().accounts()[who].name}, {"symbol", symbol}, {"size", "0.01"}};
    order.update(*anduin::sim::parse_exact(more));
    return VenueWorld::close(order.dump());
  }
  std::string market, symbol;
  std::size_t who = 0;
};

void check_same(World& w, const VenueWorld::Live& live) {
  CHECK(live.told() == w.given());
  CHECK(live.conflicts.empty());
}

void check_history(World& w, const VenueWorld::Live& live, std::int64_t settle_from_ms = 0) {
  auto history = w.start(w.history_only(settle_from_ms));
  w.advance(kSettledMs);
  check_same(w, *history);
  CHECK(history->told() == live.told());
}

}  // namespace

TEST_CASE("same id: every kind of close, live and from history (lessons 5, 6, 15)") {
  for (const char* market : {"spot", "futures"})
    for (const char* kind : {R"({})", R"({"side":"short","pnl":"-3.25"})", R"({"flip":true})", R"({"liquidation":true,"pnl":"-43"})",
                             R"({"partial":true})"}) {
      DYNAMIC_SECTION(market << " " << kind) {
        World w(market);
        auto live = w.start(w.live());
        w.advance(5'000);
        (void)w.close(kind);
        w.advance(kSettledMs);
        CHECK(live->closes.size() >= 1);
        check_same(w, *live);
        check_history(w, *live);
      }
    }
}

TEST_CASE("same id: closes in one millisecond, and during a disconnect (lessons 7, 8, 20, 21)") {
  for (const char* market : {"spot", "futures"}) {
    DYNAMIC_SECTION(market) {
      World w(market);
      auto live = w.start(w.live());
      w.advance(5'000);
      for (int i = 1; i <= 3; ++i) (void)w.close(R"({"pnl":")" + std::to_string(i) + R"("})");
      w.advance(kSettledMs);
      CHECK(live->closes.size() == 3);
      (void)w.close(R"({"side":"short","pnl":"-7","drop":true})");
      (void)w.close(R"({"silent":true})");
      w.advance(2 * kSettledMs);
      CHECK(live->closes.size() == 5);
      check_same(w, *live);
      check_history(w, *live);
    }
  }
}

TEST_CASE("same id: 0, 1, 100, 101 and 250 rows of history (lessons 3, 18, 19)") {
  for (const char* market : {"spot", "futures"})
    for (const int rows : {0, 1, 100, 101, 250}) {
      DYNAMIC_SECTION(market << " " << rows) {
        World w(market);
        const std::int64_t now = w.sim.clock.wall_ms();
        for (int i = 1; i <= rows; ++i)
          (void)w.close(R"({"silent":true,"pnl":")" + std::to_string(i) + R"(","closedAt":)" + std::to_string(now - 600'000 + i) + "}");
        w.advance(kSettledMs);
        for (int restart = 0; restart < 2; ++restart) {
          auto history = w.start(w.history_only(now - 20 * kDayMs));
          w.advance(4 * kSettledMs);  // the venue's counters let a page go every few seconds
          CHECK(history->closes.size() == static_cast<std::size_t>(rows));
          check_same(w, *history);
        }
      }
    }
}

TEST_CASE("same id: thirty closes with faults of every kind: none lost, none twice (lessons 2, 13, 14)") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  for (const char* market : {"spot", "futures"}) {
    DYNAMIC_SECTION(market) {
      std::mt19937_64 random(seed);
      World w(market);
      const std::int64_t begin = w.sim.clock.wall_ms();
      auto live = w.start(w.live());
      w.advance(5'000);
      static const char* const kFlags[] = {"partial", "flip", "liquidation", "silent", "drop"};
      for (int i = 0; i < 30; ++i) {
        std::string a = R"({"side":")" + std::string(random() % 2 == 0 ? "long" : "short") + R"(","pnl":")" +
                        std::to_string(static_cast<int>(random() % 400) + 1) + "\"";
        if (random() % 2 == 0) a += ",\"" + std::string(kFlags[random() % 5]) + "\":true";
        (void)w.close(a + "}");
        if (random() % 8 == 0) w.control("duplicate", R"({"count":3})");
        if (random() % 12 == 0) (void)w.sim.control("drop");  // right after another one nothing may be open
        w.advance(static_cast<std::int64_t>(random() % 6'000));
      }
      w.advance(600'000);
      check_same(w, *live);
      check_history(w, *live, begin - 3'600'000);
    }
  }
}
