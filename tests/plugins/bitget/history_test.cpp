// Closes: what the stream announces, the record that is settled, the history and what moves the cursor.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kDay = 86'400'000;
const json kClassicCoin{{"private_dialect", "classic"}, {"market", json::array({"inverse"})}};
const json kUnifiedCoin{{"private_dialect", "uta"}, {"market", json::array({"inverse"})}};

std::size_t asked(const Bench& b, const char* path) { return b.open_requests(path).size(); }

/// Nothing waits: both histories were read, the socket streams.
void settle_down(Bench& b, bool unified) {
  const char* path = unified ? kV3History : kV2History;
  b.start();
  b.connect();
  b.advance(6'000);
  b.frame(kConn, kLoggedIn);
  for (const char* type : {"USDT-FUTURES", "USDC-FUTURES"}) b.frame(kConn, unified ? kV3Ack : v2_ack(type));
  for (int i = 0; i < 2; ++i) {
    while (asked(b, path) > 0) b.answer(path, unified ? v3_page({}) : v2_page({}));
    b.advance(11'000);
  }
  while (asked(b, path) > 0) b.answer(path, unified ? v3_page({}) : v2_page({}));
  REQUIRE(b.statuses.back().state == "ready");
}

}  // namespace

TEST_CASE("classic: a push is settled with the figures of its record, not with its own sum") {
  Bench b(true, kClassic);
  settle_down(b, false);
  b.frame(kConn, pushed_closes({v2_push("123", b.now_ms - 50, "6.00000001")}));  // rounded elsewhere
  CHECK(b.closes.empty());
  b.advance(310);
  REQUIRE(asked(b, kV2History) == 1);
  b.answer(kV2History, v2_page({}));  // not shown yet
  b.advance(710);
  b.answer(kV2History, v2_page({v2_row("123", b.now_ms - 1'070)}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "123");
  CHECK(b.closes[0].pnl_raw == "4.995");
  CHECK(b.closes[0].funding == "-1.005");
  CHECK(b.closes[0].origin == "stream");
  const std::size_t before = b.requests.size();
  b.frame(kConn, pushed_closes({v2_push("123", b.now_ms - 50)}));  // told again
  b.advance(25'000);
  CHECK(b.closes.size() == 1);
  CHECK(b.requests.size() == before);
}

TEST_CASE("classic: without a record the push is settled after 15 minutes, a record that only rounds changes nothing") {
  Bench b(true, kClassic);
  settle_down(b, false);
  const std::int64_t closed = b.now_ms - 50;
  b.frame(kConn, pushed_closes({v2_push("123", closed, "6.00000001")}));
  b.advance(899'900);
  CHECK(b.closes.empty());
  CHECK(b.watermarks.back() < "v1 usdt=" + ms(closed));  // it holds the cursor
  b.advance(200);
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].pnl == "4.99500001");
  CHECK(b.warnings.size() == 2);  // late, and then that
  b.advance(60'000);
  REQUIRE(asked(b, kV2History) > 0);
  while (asked(b, kV2History) > 0) b.answer(kV2History, v2_page({v2_row("123", closed)}));
  CHECK(b.closes.size() == 1);
  Bench c(true, kClassic);
  settle_down(c, false);
  const std::int64_t then = c.now_ms - 50;
  c.frame(kConn, pushed_closes({v2_push("9", then, "7")}));
  c.advance(900'100);
  REQUIRE(c.closes.size() == 1);
  c.advance(60'000);
  c.answer(kV2History, v2_page({v2_row("9", then)}), 200, "USDT-FUTURES");
  CHECK(c.closes.size() == 2);  // another result: the host sees the conflict
}

TEST_CASE(
    "unified: `ended` is a trigger, symbol, side and time of opening find the row, repeats ask nothing (lessons 9, "
    "12)") {
  Bench b(true, kUnified);
  settle_down(b, true);
  const std::int64_t opened = b.now_ms - 5'000;
  b.frame(kConn, pushed_positions({v3_position(opened, "0.06")}));
  b.advance(1'000);
  CHECK(asked(b, kV3History) == 0);
  b.frame(kConn, pushed_positions({v3_position(opened, "0")}));
  b.frame(kConn, pushed_positions({v3_position(opened, "0")}));
  b.advance(310);
  REQUIRE(asked(b, kV3History) == 1);
  CHECK(b.open_requests(kV3History)[0].target == std::string(kV3History) + "?category=USDT-FUTURES&limit=100");
  b.answer(kV3History, v3_page({v3_row("5", b.now_ms, opened), v3_row("4", b.now_ms - 100'000)}));
  REQUIRE(b.closes.size() == 2);  // the other one was not known either
  CHECK(b.closes[0].id == "4");
  CHECK(b.closes[0].origin == "history");
  CHECK(b.closes[1].origin == "stream");
  const std::size_t before = b.requests.size();
  b.frame(kConn, pushed_positions({v3_position(opened, "0")}));  // five seconds later
  b.advance(15'000);
  CHECK(b.requests.size() == before);
}

TEST_CASE("unified: a turned position and one opened again end the lifetime before, without a zero") {
  Bench b(true, kUnified);
  settle_down(b, true);
  const std::int64_t first = b.now_ms - 9'000, second = b.now_ms - 1'000;
  b.frame(kConn, pushed_positions({v3_position(first, "0.06")}));
  SECTION("turned") { b.frame(kConn, pushed_positions({v3_position(second, "0.01", "short")})); }
  SECTION("opened again") { b.frame(kConn, pushed_positions({v3_position(second, "0.06")})); }
  b.advance(310);
  REQUIRE(asked(b, kV3History) == 1);
  b.answer(kV3History, v3_page({v3_row("5", second, first)}));
  CHECK(b.closes.size() == 1);
  CHECK(b.closes[0].origin == "stream");
}

TEST_CASE("hedge: both sides of one symbol live and end by themselves (lesson 6)") {
  Bench b(true, kUnified);
  settle_down(b, true);
  const std::int64_t opened = b.now_ms - 9'000;
  b.frame(kConn, pushed_positions({v3_position(opened, "0.06", "long", "hedge_mode"),
                                   v3_position(opened + 1, "2", "short", "hedge_mode")}));
  b.advance(1'000);
  CHECK(asked(b, kV3History) == 0);
  b.frame(kConn, pushed_positions({v3_position(opened + 1, "0", "short", "hedge_mode")}));
  b.advance(310);
  json row = v3_row("6", b.now_ms, opened + 1);
  row["posSide"] = "short";
  b.answer(kV3History, v3_page({row}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].side == "short");
}

TEST_CASE("unified: an announcement without a row holds the cursor for an hour, then a person is told (lesson 16)") {
  Bench b(true, kUnified);
  settle_down(b, true);
  const std::int64_t then = b.now_ms;
  b.frame(kConn, pushed_positions({v3_position(then - 5'000, "0")}));
  for (int i = 0; i < 62; ++i) {
    while (asked(b, kV3History) > 0) b.answer(kV3History, v3_page({}));
    b.advance(60'000);
    if (i == 50) CHECK(b.watermarks.back().find("usdt=" + ms(then)) == std::string::npos);
  }
  while (asked(b, kV3History) > 0) b.answer(kV3History, v3_page({}));
  CHECK(b.closes.empty());
  CHECK(std::any_of(b.warnings.begin(), b.warnings.end(),
                    [](const std::string& w) { return w.find("within an hour") != std::string::npos; }));
  const std::string mark = b.watermarks.back();
  CHECK(std::stoll(mark.substr(mark.find("usdt=") + 5)) > then);
}

TEST_CASE("0, 1, 100, 101 and 250 rows: all pages, then all closes, oldest first (lesson 3)") {
  for (const bool unified : {true, false}) {
    for (const int rows : {0, 1, 100, 101, 250}) {
      DYNAMIC_SECTION((unified ? "unified " : "classic ") << rows << " rows") {
        const char* path = unified ? kV3History : kV2History;
        Bench b(true, unified ? kUnifiedCoin : kClassicCoin);
        b.start();
        const auto row = [&](int i) {
          const std::string id = std::to_string(1'337'392'973'074'800'656 + i);
          json r = unified ? v3_row(id, b.now_ms - 1'000 - i / 2) : v2_row(id, b.now_ms - 1'000 - i / 2);
          r["symbol"] = "BTCUSD";
          r["marginCoin"] = "BTC";
          return r;
        };
        for (int at = 0;; at += 100) {
          Rows list;
          for (int i = at; i < std::min(at + 100, rows); ++i) list.push_back(row(i));
          REQUIRE(asked(b, path) == 1);
          if (at > 0)
            CHECK(b.open_requests(path)[0].query(unified ? "cursor" : "idLessThan") == std::to_string(7'000 - at));
          const std::string next = list.empty() ? "" : std::to_string(7'000 - at - 100);
          CHECK(b.closes.empty());
          b.answer(path, unified ? v3_page(list, next) : v2_page(list, next));
          if (list.empty()) break;
        }
        REQUIRE(b.closes.size() == static_cast<std::size_t>(rows));
        for (std::size_t i = 1; i < b.closes.size(); ++i) CHECK(b.closes[i - 1].closed_ms <= b.closes[i].closed_ms);
        CHECK(b.order.back() == "watermark");
        CHECK(b.watermarks == std::vector<std::string>{"v1 coin=" + ms(Bench::kStartMs)});
        CHECK(b.coverage.back().proven);
      }
    }
  }
}

TEST_CASE("queries name their parameters in order, for the signature is over that") {
  Bench b(true, kClassicCoin);
  b.start();
  CHECK(b.open_requests(kV2History)[0].target == std::string(kV2History) + "?limit=100&productType=COIN-FUTURES");
  b.answer(kV2History, v2_page({v2_row("5", b.now_ms - 1'000)}, "777"));
  CHECK(b.open_requests(kV2History)[0].target ==
        std::string(kV2History) + "?idLessThan=777&limit=100&productType=COIN-FUTURES");
  b.answer(kV2History, v2_page({v2_row("4", b.now_ms - 8 * kDay)}, "666"));  // beyond the begin
  CHECK(asked(b, kV2History) == 0);
}

TEST_CASE("rows in another order, twice, over two pages: each close once, and the reading goes on (lessons 7, 8)") {
  Bench b(true, kClassic);
  b.start();
  const std::int64_t now = b.now_ms;
  b.answer(kV2History,
           v2_page({v2_row("3", now - 3'000), v2_row("9", now - 9 * kDay), v2_row("1", now - 1'000),
                    v2_row("3", now - 3'000)},
                   "50"),
           200, "USDT");
  REQUIRE(b.open_requests(kV2History).size() == 2);  // one old row does not end it
  b.answer(kV2History, v2_page({v2_row("1", now - 1'000), v2_row("2", now - 1'000)}, "40"), 200, "idLessThan=50");
  b.answer(kV2History, v2_page({}), 200, "idLessThan=40");
  std::vector<std::string> ids;
  for (const SeenClose& c : b.closes) ids.push_back(c.id);
  CHECK(ids == std::vector<std::string>{"9", "3", "1", "2"});
}

TEST_CASE("a failed page is never a partial success, a repeated cursor and strange cursors fail (lesson 2)") {
  Bench b(true, kClassic);
  b.start();
  b.answer(kV2History, v2_page({v2_row("1", b.now_ms - 5'000)}, "50"), 200, "USDT");
  SECTION("the cursor repeats") {
    b.answer(kV2History, v2_page({v2_row("2", b.now_ms - 6'000)}, "50"), 200, "idLessThan");
  }
  SECTION("the request is refused") { b.answer(kV2History, refusal("40019"), 400, "idLessThan"); }
  CHECK(b.closes.size() >= 1);  // what was read is true
  CHECK(b.watermarks.empty());
  CHECK(b.errors.size() == 1);
  b.advance(5'100);
  CHECK(b.open_requests(kV2History).back().target == std::string(kV2History) + "?limit=100&productType=USDT-FUTURES");
  b.answer(b.open_requests(kV2History).back(),
           v2_page({v2_row("1", b.now_ms - 10'100), v2_row("2", b.now_ms - 11'100)}));
  CHECK(b.closes.size() == 2);
  CHECK(b.watermarks.size() == 1);
}

TEST_CASE("a row without an id is never settled, it and other bad rows spoil the proof only (lessons 10, 13)") {
  for (const char* member : {"positionId", "netProfit", "utime", "holdSide", "marginCoin", "symbol"}) {
    DYNAMIC_SECTION(member) {
      Bench b(true, kClassicCoin);
      b.start();
      const json bad = member == std::string("positionId") ? with(v2_row("8", b.now_ms - 3'000), member, json())
                                                           : without(v2_row("8", b.now_ms - 3'000), member);
      b.answer(kV2History, v2_page({bad, v2_row("7", b.now_ms - 4'000)}));
      REQUIRE(b.closes.size() == 1);
      CHECK(b.closes[0].id == "7");
      CHECK(b.errors.size() == 1);
      CHECK_FALSE(b.coverage.back().proven);
    }
  }
}

TEST_CASE(
    "optional figures may be absent or empty, a result that is no sum of its parts is for a person (lessons 10, 14)") {
  Bench b(true, kClassicCoin);
  b.start();
  json row = v2_row("1", b.now_ms - 3'000);
  for (const char* member : {"openAvgPrice", "closeAvgPrice", "closeTotalPos"}) row[member] = "";
  const json odd = with(v2_row("2", b.now_ms - 2'000), "netProfit", "40");
  b.answer(kV2History, v2_page({odd, row}));
  REQUIRE(b.closes.size() == 2);
  CHECK_FALSE(b.closes[0].entry.has_value());
  CHECK(b.closes[0].hold.empty());
  CHECK(b.closes[1].hold.find("netProfit") != std::string::npos);
}

TEST_CASE("inverse: coins become dollars by the price of the opening, and that is said (lesson 33)") {
  Bench b(true, kUnifiedCoin);
  b.start();
  json row = v3_row("1", b.now_ms - 3'000);
  row.update({{"symbol", "BTCUSD"}, {"marginCoin", "BTC"}, {"category", "COIN-FUTURES"}});
  b.answer(kV3History, v3_page({row}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].size == "5400");
  CHECK(b.closes[0].flags == AND_CLOSE_SIZE_DERIVED);
  CHECK(b.closes[0].market == "inverse");
  CHECK(b.closes[0].currency == "BTC");
}

TEST_CASE("history older than 90 days is not proven, older windows of a unified account have at most 30 days") {
  Bench b(true, kUnifiedCoin);
  b.start(b.now_ms - 200 * kDay);
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].to_ms == b.now_ms - 89 * kDay);
  std::int64_t from = b.coverage[0].to_ms;
  for (int window = 0; window < 2; ++window) {
    const SentRequest r = b.open_requests(kV3History).at(0);
    CHECK(std::stoll(r.query("startTime")) == from);
    CHECK(std::stoll(r.query("endTime")) - from < 30 * kDay);
    CHECK(r.target.find("category=COIN-FUTURES&endTime=") != std::string::npos);
    from = std::stoll(r.query("endTime"));
    b.answer(r, v3_page({}));
  }
  CHECK(b.open_requests(kV3History).at(0).query("startTime").empty());  // near to now: all there is
  b.answer(kV3History, v3_page({}));
  CHECK(b.watermarks.back() == "v1 coin=" + ms(b.now_ms));
  Bench c(true, kClassicCoin);
  c.start(c.now_ms - 80 * kDay);
  CHECK(c.open_requests(kV2History).at(0).target.find("startTime") == std::string::npos);
  c.answer(kV2History, v2_page({}));  // one reading covers all windows
  CHECK(c.watermarks.back() == "v1 coin=" + ms(c.now_ms));
}

TEST_CASE(
    "restart with a stored cursor: an overlap is read again, a hundred restarts give one set of ids (lessons 18, 19)") {
  std::vector<std::string> first;
  for (int restart = 0; restart < 100; ++restart) {
    Bench b(true, kClassicCoin);
    b.start(b.now_ms - 30 * kDay, "v1 coin=" + ms(b.now_ms - 7 * kDay));
    b.answer(
        kV2History,
        v2_page({v2_row("3", b.now_ms - 1'000), v2_row("2", b.now_ms - 1'000), v2_row("1", b.now_ms - 6 * kDay)}, "1"));
    b.answer(kV2History, v2_page({v2_row("0001", b.now_ms - 8 * kDay)}, "0"));
    std::vector<std::string> ids;
    for (const SeenClose& c : b.closes) ids.push_back(c.id + c.pnl_raw + ms(c.closed_ms));
    if (restart == 0) first = ids;
    CHECK(ids == first);
    CHECK(asked(b, kV2History) == 0);
  }
  CHECK(first.size() == 4);
}

TEST_CASE("a failed commit: all is read again from the durable cursor") {
  Bench b(true, kClassicCoin);
  b.start();
  b.answer(kV2History, v2_page({v2_row("3", b.now_ms - 1'000)}));
  CHECK(b.closes.size() == 1);
  b.cursor("");
  b.answer(kV2History, v2_page({v2_row("3", b.now_ms - 1'000)}));
  CHECK(b.closes.size() == 2);
}

TEST_CASE("a push that cannot be read costs no other row, and history is looked at soon") {
  Bench b(true, kClassic);
  settle_down(b, false);
  b.frame(kConn, pushed_closes({without(v2_push("1", b.now_ms), "posId"), v2_push("2", b.now_ms),
                                with(v2_push("3", b.now_ms), "settleFee", "")}));
  CHECK(b.errors.size() == 2);
  b.advance(2'100);
  CHECK(asked(b, kV2History) >= 1);
}
