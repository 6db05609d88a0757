// One close has one id, one amount and one time, whichever way it is learned: live, in the history of a fresh instance,
// after a disconnect, after a restart with a stale watermark. Against the simulated venue; pages by hand.
#include <catch2/catch.hpp>

#include "plugins/kucoin/sim_bridge.hpp"

using anduin::test::Bench;
using anduin::test::closed_row;
using anduin::test::SimBridge;
using nlohmann::json;
namespace t = anduin::test;

namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

/// What a fresh instance finds in history alone.
std::vector<std::string> from_history(SimBridge& v) {
  v.hold_back = true;
  v.restart();
  v.advance(1'000);
  return v.emitted();
}

}  // namespace

TEST_CASE("the same closes live and from history: whole, partial, flipped, liquidated, hedged, adl, inverse") {
  SimBridge v;
  v.sim.control("visibility", R"({"random":true})");
  v.restart();
  v.advance(1'000);
  const auto close = [&](const std::string& more) {
    v.close(R"({"size":"0.01",)" + more + "}");
    v.advance(7'000);
  };
  close(R"("symbol":"BTCUSDT","side":"long","pnl":"5.5","fee":"0.3")");
  close(R"("symbol":"BTCUSDT","side":"short","pnl":"-2","partial":true)");
  close(R"("symbol":"BTCUSDT","side":"short","pnl":"-1.5")");
  close(R"("symbol":"ETHUSDT","side":"long","pnl":"4","flip":true)");
  close(R"("symbol":"ETHUSDT","side":"short","pnl":"1")");
  close(R"("symbol":"ETHUSDT","side":"long","pnl":"3","flip":true)");
  close(R"("symbol":"ETHUSDT","side":"long","pnl":"2")");
  close(R"("symbol":"SOLUSDT","side":"long","pnl":"-7","liquidation":true)");
  close(R"("symbol":"SOLUSDT","side":"long","pnl":"-8","liquidation":true)");
  close(R"("symbol":"BTCUSDT","side":"long","pnl":"1","hedge":true)");
  close(R"("symbol":"BTCUSDT","side":"short","pnl":"2","hedge":true)");
  close(R"("symbol":"BTCUSDT","side":"short","pnl":"3","adl":true)");
  v.close(R"({"symbol":"BTCUSD","side":"long","size":"100","pnl":"0.00001234"})");
  v.advance(10'000);
  const auto live = v.emitted(), given = v.given();
  CHECK(given.size() == 13);
  CHECK(live == given);
  for (const auto& c : v.plugin->closes) CHECK(c.hold.empty());
  CHECK(from_history(v) == given);
}

TEST_CASE("lesson 7: two closes of one millisecond are two ids, in one order on every way") {
  SimBridge v;
  v.restart();
  v.advance(500);
  v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1"})");
  v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"2"})");
  v.close(R"({"symbol":"ETHUSDT","side":"long","size":"0.01","pnl":"1"})");
  v.advance(5'000);
  CHECK(v.emitted() == v.given());
  CHECK(v.given().size() == 3);
  const auto order = v.plugin->ids();
  (void)from_history(v);
  CHECK(v.plugin->ids() == order);
}

TEST_CASE("lesson 21: what closes while nobody listens comes with the next connect") {
  SimBridge v;
  v.restart();
  v.advance(500);
  v.hold_back = true;
  v.cut();
  for (int i = 0; i < 3; ++i) {
    v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1"})");
    v.advance(2'000);
  }
  CHECK(v.emitted().empty());
  v.hold_back = false;
  v.advance(1'000);
  CHECK(v.emitted() == v.given());
}

TEST_CASE("silent closes, that no frame tells of, come with the next look") {
  SimBridge v;
  v.restart();
  v.advance(500);
  v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1","silent":true})");
  v.advance(61'000);
  CHECK(v.emitted() == v.given());
}

TEST_CASE("lesson 19: a restart with a stale watermark finds all since then, and ids do not depend on the run") {
  SimBridge v;
  v.restart();
  v.advance(500);
  v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1"})");
  v.advance(2'000);
  REQUIRE_FALSE(v.plugin->watermarks.empty());
  const std::string watermark = v.plugin->watermarks.back();
  for (int i = 0; i < 5; ++i) {
    v.close(R"({"symbol":"ETHUSDT","side":"short","size":"0.1","pnl":"-1"})");
    v.advance(61'000);
  }
  const auto all = v.given();
  CHECK(v.emitted() == all);
  for (int run = 0; run < 20; ++run) {
    v.restart(watermark);
    v.advance(500);
    CHECK(v.emitted() == all);  // the first too: ten minutes are read again, the ledger knows it
  }
}

TEST_CASE("lesson 3: 0, 1, 100, 101, 199, 200, 201 and 250 rows are all read") {
  for (const int count : {0, 1, 100, 101, 199, 200, 201, 250, 401}) {
    SimBridge v;
    v.sim.control("visibility", R"({"history_ms":0})");
    for (int i = 0; i < count; ++i) {
      v.sim.clock.advance_ms(i % 3);
      v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1"})");
    }
    INFO(count);
    CHECK(from_history(v) == v.given());
    CHECK(v.given().size() == static_cast<std::size_t>(count));
    CHECK(v.plugin->errors.empty());
  }
}

TEST_CASE("a rewritten row is told again, so that the host can see the difference, a repeated one is not") {
  SimBridge v;
  v.sim.control("visibility", R"({"history_ms":0})");
  v.restart();
  v.advance(500);
  const std::string id = v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1"})");
  v.advance(130'000);
  CHECK(v.plugin->ids() == std::vector<std::string>{id});
  v.close(R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"2","id":")" + id +
          R"(","rewrite":true,"silent":true})");
  v.advance(61'000);
  REQUIRE(v.plugin->closes.size() == 2);
  CHECK(v.plugin->closes[1].id == id);
  CHECK(v.plugin->closes[1].pnl == "2");
}

// -- pages by hand --------------------------------------------------------------------------------------------------

TEST_CASE("duplicate and reordered pages: each row once, oldest first") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms;
  b.answer(t::kHistory, t::page({closed_row("3", now - 3), closed_row("1", now - 9), closed_row("2", now - 5)}, 1, 3));
  CHECK(b.closes.empty());  // a window counts when all its pages are there
  b.answer(t::kHistory, t::page({closed_row("2", now - 5), closed_row("5", now - 1), closed_row("10", now - 9)}, 2, 3));
  b.answer(t::kHistory, t::page({closed_row("4", now - 2)}, 3, 3));
  CHECK(b.ids() == std::vector<std::string>{"1", "10", "2", "3", "4", "5"});
  CHECK(b.order.back() == "watermark");
}

TEST_CASE("more rows than one step may emit: the window is read in halves") {
  Bench b(true);
  b.start();
  const auto first = b.open_requests(t::kHistory).at(0);
  const std::int64_t from = std::stoll(first.query("from")), to = std::stoll(first.query("to"));
  int pages = 0;
  for (; b.open_requests(t::kHistory).at(0).query("to") == first.query("to"); ++pages) {
    t::Rows rows;
    for (int i = 0; i < 200; ++i) rows.push_back(closed_row(std::to_string(pages * 200 + i + 1), to - pages));
    b.answer(t::kHistory, t::page(rows, pages + 1, 100));
    REQUIRE(pages < 100);
  }
  CHECK(b.closes.empty());
  CHECK(b.open_requests(t::kHistory).at(0).query("from") == std::to_string(from));
  CHECK(b.open_requests(t::kHistory).at(0).query("to") == std::to_string(from + (to - from) / 2));
}

TEST_CASE("a page that fails is asked again, a window is never half read") {
  Bench b(true);
  b.start();
  for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
  b.answer(t::kHistory, t::page({closed_row("2", b.now_ms - 5)}, 1, 2));
  b.answer(t::kHistory, t::refusal("500000"), 500);
  CHECK(b.closes.empty());
  CHECK(b.watermarks.empty());
  b.advance(1'000);
  REQUIRE(b.open_requests(t::kHistory).size() == 1);
  CHECK(b.open_requests(t::kHistory)[0].query("pageId") == "2");
  b.answer(t::kHistory, t::page({closed_row("1", b.now_ms - 9'000)}, 2, 2));
  CHECK(b.ids() == std::vector<std::string>{"1", "2"});
}

TEST_CASE("lesson 2: sixty days in windows of a week without holes, what is older than believed is not proven") {
  Bench b(true, {{"history_days", 60}});
  b.start(Bench::kStartMs - 100 * kDayMs);
  std::int64_t expected = Bench::kStartMs - 60 * kDayMs;
  int windows = 0;
  for (; !b.open_requests(t::kHistory).empty(); ++windows) {
    const auto ask = b.open_requests(t::kHistory).at(0);
    const std::int64_t from = std::stoll(ask.query("from")), to = std::stoll(ask.query("to"));
    CHECK(from == expected);
    CHECK(to - from <= 7 * kDayMs);
    CHECK(ask.query("symbol").empty());
    CHECK(ask.query("limit") == "200");
    expected = to;
    b.answer(t::kHistory, t::page({}));
  }
  CHECK(windows == 9);
  CHECK(expected == Bench::kStartMs);
  REQUIRE(b.coverage.size() == 10);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].to_ms == Bench::kStartMs - 60 * kDayMs);
  CHECK(b.coverage[0].reason.find("history_days") != std::string::npos);
  for (std::size_t i = 1; i < b.coverage.size(); ++i) CHECK(b.coverage[i].proven);
}

TEST_CASE("lessons 13 to 15: liquidation and adl settle, what nobody has seen is held, with the reason") {
  const auto hold = [](json row) {
    Bench b(true);
    b.start();
    b.answer(t::kHistory, t::page({std::move(row)}));
    REQUIRE(b.closes.size() == 1);
    return b.closes[0].hold;
  };
  const json row = closed_row("1", Bench::kStartMs - 1'000, "0.51214413");
  CHECK(hold(row).empty());
  CHECK(hold(t::with(row, "type", "LIQUID_LONG")).empty());
  CHECK(hold(t::with(row, "type", "ADL_LONG")).empty());
  CHECK_FALSE(hold(t::with(row, "type", "SETTLE_LONG")).empty());
  CHECK_FALSE(hold(t::with(row, "withdrawPnl", "0.1")).empty());
  json sum = row;
  sum.update(
      {{"realisedGrossCost", "-0.5837"}, {"tradeFee", "0.03766066"}, {"fundingFee", "-0.03389521"}, {"tax", "0.0"}});
  CHECK(hold(sum).empty());
  CHECK_FALSE(hold(t::with(sum, "fundingFee", "0.03389521")).empty());
  CHECK_FALSE(hold(t::with(sum, "pnl", "0.51")).empty());
}

TEST_CASE("a row of another user id than those before it is held") {
  Bench b(true);
  b.start();
  b.answer(t::kHistory,
           t::page({closed_row("1", b.now_ms - 9), t::with(closed_row("2", b.now_ms - 5), "userId", "other")}));
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[0].hold.empty());
  CHECK(b.closes[1].hold.find("other") != std::string::npos);
}

TEST_CASE("lesson 40: exponents, long decimals and signed fees keep every digit") {
  Bench b(true);
  b.start();
  b.answer(t::kHistory, t::page({t::with(closed_row("1", b.now_ms - 9), "pnl", "-1.0000003793999999"),
                                 t::with(closed_row("2", b.now_ms - 8), "pnl", "1.2e-7"),
                                 t::with(closed_row("3", b.now_ms - 7), "pnl", "-4.069805E-4"),
                                 t::with(closed_row("4", b.now_ms - 6), "pnl", "0e-8")}));
  REQUIRE(b.closes.size() == 4);
  CHECK(b.closes[0].pnl == "-1.0000003793999999");
  CHECK(b.closes[1].pnl == "0.00000012");
  CHECK(b.closes[2].pnl == "-0.0004069805");
  CHECK(b.closes[3].pnl == "0");
  CHECK(b.closes[2].pnl_raw == "-4.069805E-4");
}

TEST_CASE("a commit that failed: all is told again from the durable cursor") {
  Bench b(true);
  b.live();
  b.advance(60'000);
  b.answer(t::kHistory, t::page({closed_row("1", b.now_ms - 1'000)}));
  CHECK(b.closes.size() == 1);
  b.cursor("v1 futures=" + std::to_string(b.now_ms - 3'600'000));
  b.answer(t::kHistory, t::page({closed_row("1", b.now_ms - 1'000)}));
  CHECK(b.closes.size() == 2);
}
