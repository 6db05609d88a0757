// The same close from the stream and from history: equal ids, amounts, times and sides, whatever kind it is and
// whatever happened in between. Method: the host's own runner and the simulated venue on one clock; one instance
// streams, one that has no socket reads history, both are compared with what the simulator says it gave out.
#include <catch2/catch.hpp>

#include "plugins/htx/world.hpp"

using namespace anduin::test;
using Options = HtxWorld::LiveOptions;

namespace {

/// Long enough for a login, a sweep of all contracts and the late rows.
constexpr std::int64_t kSettledMs = 20'000;
constexpr std::int64_t kHourMs = 3'600'000;

Options history_only(const std::string& watermark = {}, std::int64_t settle_from_ms = 0) {
  Options o;
  o.sockets = false;
  o.watermark = watermark;
  o.settle_from_ms = settle_from_ms;
  return o;
}

void check_same(HtxWorld& w, const HtxWorld::Live& live) {
  const auto given = w.given();
  CHECK(live.told() == given);
  CHECK(live.conflicts.empty());
  for (const auto& [id, c] : live.closes) {
    CHECK(c.position.hold_reason.empty());
    CHECK(c.position.currency == "USDT");
  }
}

}  // namespace

TEST_CASE("same id: every kind of close, live and from history, lesson 7 and lesson 15") {
  const std::string shape =
      GENERATE(R"({})", R"({"numeric_ids":true})", R"({"cancel":"said"})", R"({"cancel":"unsaid"})",
               R"({"liquidation":"details"})", R"({"margin_mode":"isolated"})");
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  REQUIRE(live->ready);
  w.control("orders", shape);
  const std::string flip = w.close(R"({"flip":true,"pnl":"12.5","size":"0.004"})");
  for (const char* kind :
       {R"({})", R"({"side":"short","pnl":"-3.25"})", R"({"partial":true,"symbol":"ETHUSDT","size":"1"})",
        R"({"hedge":true,"side":"short"})", R"({"hedge":true,"pnl":"-1"})", R"({"liquidation":true,"pnl":"-43"})",
        R"({"adl":true,"symbol":"SOLUSDT","size":"3"})",
        R"({"flip":true,"side":"short","pnl":"-7","symbol":"XRPUSDT","size":"50"})",
        R"({"size":"0.001","pnl":"0.000000001","fee":"0.00000000000000001"})"})
    (void)w.close(kind);
  w.advance(kSettledMs);
  check_same(w, *live);
  CHECK(live->closes.at(flip).position.size == anduin::Decimal::of("4"));  // contracts of the part that was closed
  CHECK_FALSE(live->closes.at(flip).position.size_derived);
  auto history = w.start(history_only());
  w.advance(kSettledMs);
  check_same(w, *history);
  for (const auto& [id, c] : history->closes) {
    const auto& mine = c.position;
    const auto& other = live->closes.at(id).position;
    CHECK(mine.symbol == other.symbol);
    CHECK(mine.exit_price == other.exit_price);
    if (!mine.size_derived) {
      CHECK(mine.size == other.size);
      CHECK(mine.entry_price == other.entry_price);
    }
  }
  CHECK(history->unproven.empty());
}

TEST_CASE("same id: two closes in one millisecond are two, in the order of their ids, lesson 7") {
  HtxWorld w;
  const std::int64_t at = w.sim.clock.wall_ms() - 60'000;
  const std::string when = R"(,"silent":true,"closedAt":)" + std::to_string(at) + "}";
  const std::string second = w.close(R"({"id":"1600000000000009999","pnl":"2")" + when);
  const std::string first = w.close(R"({"id":"1600000000000009001","pnl":"1")" + when);
  auto history = w.start(history_only());
  w.advance(kSettledMs);
  check_same(w, *history);
  CHECK(history->order == std::vector<std::string>{first, second});
}

TEST_CASE("same id: a close during a disconnect, and one that cuts the sockets, lesson 21") {
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  (void)w.close(R"({"drop":true})");
  (void)w.close(R"({"silent":true,"symbol":"ETHUSDT","size":"2","pnl":"-9"})");
  (void)w.close(R"({"silent":true,"flip":true,"pnl":"3"})");
  CHECK_FALSE(live->ready);
  w.advance(2 * kSettledMs);
  CHECK(live->ready);
  check_same(w, *live);
}

TEST_CASE("same id: frames that come twice and out of order, lesson 14 and lesson 20") {
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  for (int i = 0; i < 8; ++i) {
    w.control(i % 2 == 0 ? "duplicate" : "reorder", R"({"count":7})");
    (void)w.close(R"({"pnl":")" + std::to_string(i) + R"(.5"})");
    w.advance(200);
  }
  w.advance(kSettledMs);
  check_same(w, *live);
  w.control("drop", R"({"part":"private"})");  // the venue repeats old orders on a fresh subscription
  w.advance(kSettledMs);
  check_same(w, *live);
}

TEST_CASE("same id: restart with a stale watermark, and with the last one, lesson 8, lesson 18 and lesson 19") {
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  const std::string stale = live->watermark;
  REQUIRE(stale.starts_with("v1 orders="));
  for (int i = 0; i < 5; ++i) (void)w.close("{}");
  w.advance(400'000);  // a sweep
  const std::string fresh = live->watermark;
  CHECK(fresh != stale);
  live.reset();
  (void)w.close(R"({"silent":true,"pnl":"77"})");
  for (const std::string& from : {stale, fresh, std::string("v9 nonsense")}) {
    auto again = w.start(history_only(from));
    w.advance(kSettledMs);
    CHECK(again->conflicts.empty());
    if (from != fresh) check_same(w, *again);
    CHECK(std::any_of(again->closes.begin(), again->closes.end(),
                      [](const auto& c) { return c.second.position.pnl == anduin::Decimal(77); }));
  }
}

TEST_CASE("same id: 0, 1, 100, 101 and 250 closes in one window, lesson 3") {
  const int n = GENERATE(0, 1, 100, 101, 250);
  HtxWorld w;
  const std::int64_t start = w.sim.clock.wall_ms() - 1'800'000;
  for (int i = 0; i < n; ++i)
    (void)w.close(R"({"silent":true,"size":"0.001","pnl":")" + std::to_string(i + 1) + R"(","closedAt":)" +
                  std::to_string(start + i / 3) + "}");
  auto history = w.start(history_only());
  w.advance(60'000);  // the read limit is the venue's
  CHECK(history->closes.size() == static_cast<std::size_t>(n));
  check_same(w, *history);
  CHECK(history->unproven.empty());
  CHECK_FALSE(history->proven.empty());
  CHECK(std::is_sorted(history->order.begin(), history->order.end(), [&](const std::string& a, const std::string& b) {
    return history->closes.at(a).position.closed_ms < history->closes.at(b).position.closed_ms;
  }));
}

TEST_CASE("same id: an outage of three weeks is read from order history, in windows, lesson 2") {
  HtxWorld w;
  const std::int64_t now = w.sim.clock.wall_ms();
  w.control("orders", R"({"age_ms":100000000})");  // placed 28 hours before they were filled
  for (int day = 1; day <= 21; day += 2)
    (void)w.close(R"({"silent":true,"pnl":")" + std::to_string(day) + R"(","closedAt":)" +
                  std::to_string(now - day * 24 * kHourMs) + "}");
  auto history = w.start(history_only("v1 orders=" + std::to_string(now - 22 * 24 * kHourMs), now - 40 * 24 * kHourMs));
  w.advance(120'000);
  check_same(w, *history);
  CHECK(history->unproven.empty());
}

TEST_CASE("same id: what is older than ninety days cannot be proven, and is said, lesson 16") {
  HtxWorld w;
  const std::int64_t now = w.sim.clock.wall_ms(), from = now - 100 * 24 * kHourMs;
  auto history = w.start(history_only({}, from));
  w.advance(300'000);
  REQUIRE(history->unproven.size() == 1);
  CHECK(history->unproven[0].first == from);
  CHECK(std::abs(history->unproven[0].second - (now - 90 * 24 * kHourMs)) <= 2 * kHourMs);
  CHECK_FALSE(history->proven.empty());
}

TEST_CASE("same id: the venue limits, settles, fails and shows rows late, lesson 34") {
  HtxWorld w;
  w.control("limits", R"({"read":12})");
  w.control("settlement", R"({"ms":20000})");
  w.control("visibility", R"({"random":true})");
  auto live = w.start();
  for (int i = 0; i < 12; ++i) {
    (void)w.close(R"({"silent":)" + std::string(i % 2 == 0 ? "true" : "false") + R"(,"pnl":")" + std::to_string(i + 1) +
                  R"("})");
    w.control("error", R"({"code":")" +
                           std::string(i % 3 == 0   ? "1032"
                                       : i % 3 == 1 ? "429"
                                                    : "500") +
                           R"(","count":2,"path":"/v5/"})");
    w.advance(4'000);
  }
  w.advance(700'000);
  check_same(w, *live);
  CHECK(live->ready);
  CHECK(live->unproven.empty());
}

TEST_CASE("same id: a rewritten close is a conflict that the host sees, not a second close") {
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  const std::string id = w.close("{}");
  (void)w.close(R"({"id":")" + id + R"(","pnl":"99"})");
  w.advance(1'000);
  CHECK(live->closes.size() == 1);
  REQUIRE_FALSE(live->conflicts.empty());
  CHECK(live->conflicts[0] == id);
}

TEST_CASE("same id: orders without a closing time have the same one on every way: when they were placed") {
  HtxWorld w;
  auto live = w.start();
  w.advance(kSettledMs);
  w.control("orders", R"({"empty_times":true})");
  for (int i = 0; i < 4; ++i) (void)w.close(R"({"pnl":")" + std::to_string(i) + R"(.25"})");
  w.advance(kSettledMs);
  auto history = w.start(history_only());
  w.advance(kSettledMs);
  CHECK(live->closes.size() == 4);
  CHECK(history->told() == live->told());
}
