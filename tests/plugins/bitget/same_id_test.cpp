// Whichever way shows a close, it is the same close: the plugin in the host's own runner against the simulated venue,
// live and from history, unified and classic.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "plugins/support/venue_world.hpp"
#include "support/seed.hpp"

using namespace anduin;
using namespace anduin::test;

namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr std::size_t kUnifiedAccount = 0, kClassicAccount = 1;
const std::string kNames[] = {"bitget-1", "bitget-2"};

std::string of(std::size_t who, const std::string& more) {
  return R"({"account":")" + kNames[who] + R"(")" + (more.empty() ? "" : "," + more) + "}";
}

VenueWorld::LiveOptions live_options(std::size_t who) {
  VenueWorld::LiveOptions o;
  o.who = who;
  return o;
}
VenueWorld::LiveOptions history_only(std::size_t who, std::int64_t from_ms, const std::string& watermark = {}) {
  VenueWorld::LiveOptions o;
  o.who = who;
  o.sockets = false;
  o.settle_from_ms = from_ms;
  o.watermark = watermark;
  return o;
}

/// Every figure that the host sees.
std::string all_of(const venue::CloseReport& c) {
  const ClosedPosition& p = c.position;
  const auto text = [](const std::optional<Decimal>& d) { return d ? d->to_string() : std::string("-"); };
  return close_text(p.id, p.side == Side::kLong ? "long" : "short", p.pnl, p.fee, p.closed_ms) + " " +
         text(p.entry_price) + " " + text(p.exit_price) + " " + text(p.size) + " " + p.currency;
}

void check_same(VenueWorld::Live& a, VenueWorld::Live& b) {
  REQUIRE(a.closes.size() == b.closes.size());
  for (const auto& [id, close] : a.closes) {
    INFO(id);
    REQUIRE(b.closes.contains(id));
    CHECK(all_of(close) == all_of(b.closes.at(id)));
  }
}

/// What history alone shows.
void check_history(VenueWorld& w, std::size_t who, VenueWorld::Live& live) {
  auto late = w.start(history_only(who, w.sim.clock.wall_ms() - 3'600'000));
  w.advance(20'000);
  check_same(live, *late);
  CHECK(late->conflicts.empty());
}

}  // namespace

TEST_CASE("stream and history agree on every kind of close (lessons 4, 5, 6, 12, 15)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    for (const char* more :
         {"", R"("side":"short","pnl":"-12.5")", R"("partial":true)", R"("flip":true)",
          R"("liquidation":true,"pnl":"-3")", R"("adl":true)", R"("hedge":true)", R"("hedge":true,"side":"short")",
          R"("symbol":"BTCUSD","pnl":"0.0001","fee":"0.00001")", R"("symbol":"BTCPERP")"}) {
      DYNAMIC_SECTION(kNames[who] << " " << more) {
        VenueWorld w("bitget", 2);
        auto live = w.start(live_options(who));
        w.advance(15'000);
        CHECK(live->ready);
        for (int i = 0; i < 2; ++i) {
          w.close(of(who, more));
          w.advance(2'000);
        }
        CHECK(live->told() == w.given());
        CHECK(live->order.size() == 2);
        CHECK(live->errors.empty());
        check_history(w, who, *live);
        CHECK(live->conflicts.empty());
      }
    }
  }
}

TEST_CASE("two closes in one millisecond are two closes (lessons 7, 8)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    w.close(of(who, R"("pnl":"1","hedge":true)"));
    w.close(of(who, R"("pnl":"-2","hedge":true,"side":"short")"));
    w.close(of(who, R"("pnl":"3","symbol":"ETHUSDT")"));
    w.advance(3'000);
    CHECK(live->told() == w.given());
    CHECK(live->told().size() == 3);
    check_history(w, who, *live);
  }
}

TEST_CASE("a close whose row shows late is asked for until it does, with the same figures") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    w.control("visibility", R"({"random":true})");
    for (int i = 0; i < 12; ++i) {
      w.close(of(who,
                 R"("pnl":")" + std::to_string(i) + R"(","symbol":")" + (i % 2 == 0 ? "BTCUSDT" : "ETHUSDT") + R"(")"));
      w.advance(700);
    }
    w.advance(15'000);
    CHECK(live->told() == w.given());
    CHECK(live->conflicts.empty());
    w.control("visibility");
    check_history(w, who, *live);
  }
}

TEST_CASE("closes during a disconnect are found (lessons 20, 21, 24)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    w.close(of(who, R"("pnl":"1")"));
    w.advance(2'000);
    w.close(of(who, R"("pnl":"2","drop":true)"));
    w.close(of(who, R"("pnl":"3","symbol":"ETHUSDT","silent":true)"));
    w.advance(60'000);
    CHECK(live->ready);
    CHECK(live->told() == w.given());
    CHECK(live->told().size() == 3);
    check_history(w, who, *live);
  }
}

TEST_CASE("a lost push costs a minute and no close (lesson 27)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    w.close(of(who, R"("silent":true)"));
    w.advance(62'000);
    CHECK(live->told() == w.given());
  }
}

TEST_CASE("restart with a watermark of a week ago, of today, or none: the same closes (lessons 18, 19)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    const std::int64_t now = w.sim.clock.wall_ms();
    for (int day = 60; day >= 0; day -= 10)
      w.close(of(who, R"("silent":true,"pnl":")" + std::to_string(day) + R"(","closedAt":)" +
                          std::to_string(now - day * kDay - 60'000)));
    w.advance(1'000);
    auto all = w.start(history_only(who, now - 80 * kDay));
    w.advance(20'000);
    CHECK(all->told() == w.given());
    CHECK(all->unproven.empty());
    auto stale = w.start(history_only(who, now - 80 * kDay, "v1 usdt=" + std::to_string(now - 35 * kDay)));
    w.advance(20'000);
    CHECK(stale->closes.size() >= 4);
    for (const auto& [id, close] : stale->closes) CHECK(all_of(close) == all_of(all->closes.at(id)));
    w.control("visibility", R"({"filter":"opening"})");  // the other meaning that startTime may have
    auto other = w.start(history_only(who, now - 80 * kDay));
    w.advance(20'000);
    check_same(*all, *other);
  }
}

TEST_CASE("0, 1, 100, 101 and 250 rows through the host's limits (lesson 3)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    for (const int rows : {0, 1, 100, 101, 250}) {
      DYNAMIC_SECTION(kNames[who] << " " << rows << " rows") {
        VenueWorld w("bitget", 2);
        for (int i = 0; i < rows; ++i) {
          w.close(of(who, R"("silent":true,"pnl":")" + std::to_string(i) + R"(")"));
          if (i % 3 == 2) w.advance(20);
        }
        w.advance(1'000);
        auto late = w.start(history_only(who, w.sim.clock.wall_ms() - 3'600'000));
        w.advance(20'000);
        CHECK(late->told() == w.given());
        CHECK(late->errors.empty());
        CHECK_FALSE(late->proven.empty());
      }
    }
  }
}

TEST_CASE("the account is upgraded while it runs: the other API is used, and nothing is lost or told twice") {
  VenueWorld w("bitget", 2);
  auto live = w.start(live_options(kClassicAccount));
  w.advance(15'000);
  w.close(of(kClassicAccount, R"("pnl":"1")"));
  w.advance(2'000);
  w.control("generation", R"({"account":"bitget-2","to":"uta"})");
  w.control("drop", R"({"part":"private"})");
  w.close(of(kClassicAccount, R"("pnl":"2")"));
  w.advance(180'000);
  w.close(of(kClassicAccount, R"("pnl":"3")"));
  w.advance(5'000);
  CHECK(live->ready);
  CHECK(live->told() == w.given());
  CHECK(live->conflicts.empty());
  CHECK_FALSE(live->unproven.empty());  // what was closed before the change may not be shown
}

TEST_CASE("a changed row is a visible conflict, a repeated push is not (lesson 14)") {
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    const std::string id = w.close(of(who, R"("pnl":"1")"));
    w.advance(2'000);
    w.close(of(who, R"("pnl":"6","id":")" + id + R"(")"));
    w.advance(62'000);
    CHECK(live->conflicts.empty());
    w.close(of(who, R"("pnl":"6","rewrite":true,"id":")" + id + R"(")"));
    w.advance(62'000);
    CHECK(live->conflicts == std::vector<std::string>{id});
  }
}

TEST_CASE("a random hour: closes of every kind, cuts, late rows, refusals") {
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    VenueWorld w("bitget", 2);
    auto live = w.start(live_options(who));
    w.advance(15'000);
    w.control("visibility", R"({"random":true})");
    for (int i = 0; i < 60; ++i) {
      static const char* const kSymbols[] = {"BTCUSDT", "ETHUSDT", "BTCPERP", "BTCUSD"};
      static const char* const kFlags[] = {"partial", "flip", "liquidation", "adl", "hedge", "silent", "drop"};
      std::string more = R"("size":"2","fee":"0.1","pnl":"0.)" + std::to_string(random() % 900 + 1) + R"(","side":")" +
                         (random() % 2 ? "long" : "short") + R"(","symbol":")" + kSymbols[random() % 4] + R"(")";
      if (random() % 2) more += std::string(",\"") + kFlags[random() % 7] + "\":true";
      w.close(of(who, more));
      if (random() % 10 == 0) w.control("error", R"({"code":"429","count":2,"path":"history-position"})");
      if (random() % 15 == 0) w.control("error", R"({"code":"503","count":1})");
      if (random() % 20 == 0) w.control("drop", R"({"part":"private"})");
      w.advance(static_cast<std::int64_t>(random() % 4'000));
    }
    w.control("visibility");
    w.control("error", R"({"count":0})");
    w.advance(400'000);  // longer than a ban
    CHECK(live->told() == w.given());
    CHECK(live->conflicts.empty());
    check_history(w, who, *live);
  }
}

TEST_CASE("prices of both dialects against the simulated venue, and balances") {
  for (const char* dialect : {"v3", "v2"}) {
    for (const char* channel : {"books1", "books5", "books", "ticker"}) {
      DYNAMIC_SECTION(dialect << " " << channel) {
        VenueWorld w("bitget", 2);
        VenueWorld::LiveOptions o;
        o.account = false;
        o.options = {{"dialect", dialect}, {"price_channel", channel}};
        auto live = w.start(o);
        w.advance(1'000);
        live->subscribe({"BTCUSDT", "BTCPERP", "BTCUSD"});
        w.advance(3'000);
        CHECK(live->tops.size() == 3);
        CHECK(live->prices > 20);
        CHECK(live->errors.empty());
        if (std::string(channel) != "books") continue;
        w.control("gap");
        w.advance(1'000);
        w.control("restart");
        w.advance(5'000);
        CHECK(live->errors.size() >= 3);  // said, and asked anew
        CHECK(live->ready);
      }
    }
  }
  VenueWorld w("bitget", 2);
  for (const std::size_t who : {kUnifiedAccount, kClassicAccount}) {
    auto live = w.start(live_options(who));
    w.advance(10'000);
    const std::size_t pushed = live->balances.size();
    CHECK(pushed >= 4);  // with the subscription
    live->query_balance();
    w.advance(2'000);
    CHECK(live->balances.size() >= pushed + 4);
    REQUIRE_FALSE(live->accounts.empty());
  }
}
