// From a frame, or from looking, to the row and to its currency; what is proven, and what holds the cursor back.
#include <catch2/catch.hpp>
#include <set>

#include "plugins/mexc/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000, kHourMs = 3'600'000;

/// Answers every open question about history with these rows; contracts by their names.
void answer_all(Bench& b, const json& rows) {
  for (auto asked = b.open_requests(kHistory); !asked.empty(); asked = b.open_requests(kHistory)) {
    b.answer(asked[0], ok(asked[0].query("page_num") == "1" ? rows : json::array()));
    answer_contracts(b);
  }
}

std::int64_t number(const std::string& text) { return std::stoll(text); }

/// Rows `from`..`to` of a history of so many, newest first.
json page_of(int count, int page, std::int64_t newest_ms) {
  json rows = json::array();
  for (int i = (page - 1) * 100; i < std::min(page * 100, count); ++i)
    rows.push_back(row(1'000 + count - i, newest_ms - i * 1'000));
  return rows;
}

}  // namespace

TEST_CASE("a frame leads to its row: asked for soon, then more slowly, with the times of its position") {
  Bench b(true);
  b.start();
  log_in(b);
  answer_all(b, json::array());
  const json frame = with(row(7, b.now_ms - 5), "createTime", b.now_ms - 3 * kDayMs);
  b.frame(kConn, pushed(frame));
  b.frame(kConn, pushed(frame));  // it may come twice
  CHECK(b.closes.empty());
  b.advance(350);
  REQUIRE(b.open_requests(kHistory).size() == 1);
  const SentRequest first = b.open_requests(kHistory)[0];
  CHECK(first.query("symbol") == "BTC_USDT");
  CHECK(number(first.query("start_time")) <= b.now_ms - 3 * kDayMs);
  CHECK(number(first.query("end_time")) >= b.now_ms);
  CHECK(first.target.find("?end_time=") != std::string::npos);  // in the order that is signed
  CHECK(first.target.find("&symbol=") > first.target.find("&start_time="));
  CHECK(first.sign == "rest");
  b.answer(first, ok(json::array({with(row(7, b.now_ms), "state", 2)})));  // taken over: not its end
  CHECK(b.closes.empty());
  b.advance(800);
  REQUIRE(b.open_requests(kHistory).size() == 1);
  const std::int64_t closed = b.now_ms / 1000 * 1000;
  b.answer(kHistory, ok(json::array({row(8, closed - 1'000), row(7, closed)})));
  CHECK(b.closes.empty());  // the currency is asked for
  answer_contracts(b);
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[0].id == "8");  // oldest first
  const SeenClose& c = b.closes[1];
  CHECK(c.id == "7");
  CHECK(c.closed_ms == closed);
  CHECK(c.currency == "USDT");
  CHECK(c.size == "2");
  CHECK(c.pnl == "0.25");
  CHECK(c.funding == "-0.25");  // what it holds besides prices
  CHECK(c.origin == "history");
  b.frame(kConn, pushed(frame));
  b.advance(59'000);
  CHECK(b.warnings.empty());
}

TEST_CASE("a row that does not show holds the cursor back, is complained of, and not for ever") {
  Bench b(true);
  b.start();
  log_in(b);
  answer_all(b, json::array());
  b.advance(5'000);
  const std::int64_t closed = b.now_ms - 100;
  b.frame(kConn, pushed(row(7, closed)));
  for (int i = 0; i < 130; ++i) {
    b.advance(1'000);
    answer_all(b, json::array());
  }
  CHECK(b.warnings.size() == 1);
  REQUIRE_FALSE(b.watermarks.empty());
  CHECK(number(b.watermarks.back().substr(b.watermarks.back().find('=') + 1)) < closed);
  for (int i = 0; i < 70; ++i) {
    b.advance(60'000);
    answer_all(b, json::array());
  }
  CHECK(b.warnings.size() == 2);
  CHECK(number(b.watermarks.back().substr(b.watermarks.back().find('=') + 1)) > closed);
  bool unproven = false;
  for (const SeenCoverage& c : b.coverage)
    unproven = unproven || (!c.proven && c.from_ms <= closed && c.to_ms >= closed);
  CHECK(unproven);
}

TEST_CASE("0, 1, 100, 101 and 250 rows, in either shape, duplicated and reordered: each close once (lessons 16, 17)") {
  for (const int count : {0, 1, 100, 101, 250}) {
    for (const bool object : {false, true}) {
      DYNAMIC_SECTION(count << (object ? " rows in pages" : " rows in lists")) {
        Bench b(true);
        b.start();
        const std::int64_t newest = b.now_ms - 60'000;
        for (auto asked = b.open_requests(kHistory); !asked.empty(); asked = b.open_requests(kHistory)) {
          const int page = std::stoi(asked[0].query("page_num"));
          json rows = page_of(count, page, newest);
          if (page > 1) rows.push_back(row(1'000 + count, newest));  // what came meanwhile pushed one to this page
          std::reverse(rows.begin(), rows.end());
          if (!object)
            b.answer(asked[0], ok(rows));
          else
            b.answer(asked[0], ok(json{{"pageSize", 100},
                                       {"totalCount", count},
                                       {"totalPage", (count + 99) / 100},
                                       {"currentPage", page},
                                       {"resultList", rows}}));
          answer_contracts(b);
        }
        std::set<std::string> ids;
        std::int64_t last = 0;
        for (const SeenClose& c : b.closes) {
          CHECK(ids.insert(c.id).second);
          CHECK(c.closed_ms >= last);
          last = c.closed_ms;
        }
        CHECK(ids.size() == static_cast<std::size_t>(count));
        CHECK(b.watermarks.size() == 1);
        CHECK(b.coverage.back().proven);
      }
    }
  }
}

TEST_CASE("windows of thirty days, not beyond ninety, what is older is said to be unproven (lesson 19)") {
  Bench b(true);
  b.start(Bench::kStartMs - 200 * kDayMs);
  std::int64_t reached = 0;
  int windows = 0;
  for (auto asked = b.open_requests(kHistory); !asked.empty(); asked = b.open_requests(kHistory)) {
    const std::int64_t from = number(asked[0].query("start_time")), to = number(asked[0].query("end_time"));
    CHECK(from > b.now_ms - 90 * kDayMs);
    CHECK(to - from <= 90 * kDayMs);
    CHECK(to > reached);
    reached = to;
    ++windows;
    b.answer(asked[0], ok(json::array()));
  }
  CHECK(windows == 3);
  CHECK(reached >= b.now_ms);
  REQUIRE_FALSE(b.coverage.empty());
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].from_ms == Bench::kStartMs - 200 * kDayMs);
}

TEST_CASE("catching up looks for positions that were opened long before, while the socket tells of ends, it does not") {
  Bench b(true, {{"position_days", 20}});
  b.start(Bench::kStartMs - kHourMs, "v1 positions=" + std::to_string(Bench::kStartMs - 60'000));
  SentRequest asked = b.open_requests(kHistory).at(0);
  CHECK(number(asked.query("start_time")) <= b.now_ms - 20 * kDayMs);
  answer_all(b, json::array());
  log_in(b);
  asked = b.open_requests(kHistory).at(0);
  CHECK(number(asked.query("start_time")) <= b.now_ms - 20 * kDayMs);
  // Rows from before what is proven are not told again.
  const std::int64_t now = b.now_ms / 1000 * 1000;
  answer_all(b, json::array({row(9, now - 1'000), row(8, now - 5 * kDayMs)}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "9");
  b.advance(10'500);
  answer_all(b, json::array());
  b.advance(60'000);
  asked = b.open_requests(kHistory).at(0);
  CHECK(number(asked.query("start_time")) > b.now_ms - 2 * kHourMs);
  answer_all(b, json::array());
  b.closed(kConn);
  b.opened(kConn);
  b.frame(kConn, kLoggedIn);
  asked = b.open_requests(kHistory).at(0);
  CHECK(number(asked.query("start_time")) <= b.now_ms - 20 * kDayMs);
}

TEST_CASE("the currency is the catalogue's, a contract that has left it is held, one that fails is asked again") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  b.answer(kHistory, ok(json::array({row(1, now - 3'000, "AAA_USD"), row(2, now - 2'000, "GONE_USDT"),
                                     row(3, now - 1'000, "AAA_USD")})));
  REQUIRE(b.open_requests(kDetail).size() == 1);
  CHECK(b.open_requests(kDetail)[0].query("symbol") == "AAA_USD");
  CHECK(b.open_requests(kDetail)[0].sign.empty());
  b.answer(kDetail, failure(9999));
  b.advance(1'500);
  b.answer(kDetail, ok(contract("BBB_USD", "BBB")));  // another one: never believed
  b.advance(3'000);
  b.answer(kDetail, ok(contract("AAA_USD", "AAA")));
  REQUIRE(b.open_requests(kDetail).size() == 1);
  CHECK(b.open_requests(kDetail)[0].query("symbol") == "GONE_USDT");
  CHECK(b.closes.empty());
  b.answer(kDetail, failure(1001, "Contract does not exist!"));
  REQUIRE(b.closes.size() == 3);
  CHECK(b.closes[0].currency == "AAA");
  CHECK(b.closes[0].hold.empty());
  CHECK(b.closes[1].currency == "USDT");
  CHECK_FALSE(b.closes[1].hold.empty());
  CHECK(b.watermarks.size() == 1);
  for (const SeenStatus& s : b.statuses) CHECK(s.state != "resync");
  b.advance(61'000);
  b.answer(kHistory, ok(json::array({row(2, now - 2'000, "GONE_USDT"), row(3, now - 1'000, "AAA_USD")})));
  CHECK(b.closes.size() == 3);
  CHECK(b.open_requests(kDetail).empty());
}

TEST_CASE("an account of one market leaves the other's closes alone, and says so once") {
  Bench b(true, {{"market", json::array({"linear"})}});
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  answer_all(b, json::array({row(1, now - 1'000, "BTC_USD"), row(2, now - 2'000, "ETH_USD"), row(3, now - 3'000)}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "3");
  CHECK(b.closes[0].market == "linear");
  CHECK(b.warnings.size() == 1);
  log_in(b);
  b.frame(kConn, pushed(row(1, now - 1'000, "BTC_USD")));
  for (int i = 0; i < 130; ++i) {
    b.advance(1'000);
    answer_all(b, json::array({row(1, now - 1'000, "BTC_USD")}));
  }
  CHECK(b.warnings.size() == 1);
  CHECK(b.closes.size() == 1);
}

TEST_CASE("a row that cannot be read spoils the proof, and costs no other row") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  b.answer(kHistory, ok(json::array({row(1, now - 1'000), without(row(2, now - 2'000), "realised"),
                                     without(row(3, now), "updateTime"), with(row(4, now - 3'000), "realised", "much"),
                                     row(5, now - 4'000)})));
  answer_contracts(b);
  CHECK(b.closes.size() == 2);
  CHECK(b.errors.size() == 3);
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
}

TEST_CASE("a row that says another result is told again, once: the host sees the conflict (lesson 15)") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  answer_all(b, json::array({row(1, now - 1'000)}));
  for (int i = 0; i < 3; ++i) {
    b.advance(61'000);
    answer_all(b, json::array({with(row(1, now - 1'000), "realised", i == 0 ? 0.25 : 0.26)}));
  }
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[0].pnl == "0.25");
  CHECK(b.closes[1].pnl == "0.26");
}

TEST_CASE("the sign of the fee has changed once: neither sign enters the pnl (lesson 40)") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  answer_all(b, json::array({row(1, now - 2'000), with(row(2, now - 1'000), "fee", 0.25),
                             without(row(3, now), "closeProfitLoss")}));
  REQUIRE(b.closes.size() == 3);
  CHECK(b.closes[0].funding == b.closes[1].funding);
  CHECK(b.closes[0].pnl == b.closes[1].pnl);
  CHECK_FALSE(b.closes[2].funding.has_value());
}

TEST_CASE("whether funding is inside the pnl was never seen: a row that shows it is not is spoken of once") {
  Bench b(true);
  b.start();
  const std::int64_t now = b.now_ms / 1000 * 1000;
  const json inside = with(with(row(1, now - 3'000), "holdFee", -0.05), "realised", 0.2);
  const json outside = with(row(2, now - 2'000), "holdFee", -0.05);
  answer_all(b, json::array({inside}));
  CHECK(b.warnings.empty());
  b.advance(61'000);
  answer_all(b, json::array({outside, with(row(3, now - 1'000), "holdFee", 0.05)}));
  CHECK(b.closes.size() == 3);
  CHECK(b.warnings.size() == 1);
}

TEST_CASE("a failed page is never an empty one") {
  Bench b(true);
  b.start();
  b.answer(kHistory, ok(page_of(250, 1, b.now_ms - 60'000)));
  b.answer(kHistory, failure(9999));
  CHECK(b.watermarks.empty());
  b.advance(1'500);
  CHECK(b.open_requests(kHistory).at(0).query("page_num") == "2");
  b.answer(kHistory, R"({"success":true,"code":0,"data":{}})");
  b.advance(5'000);
  CHECK(b.open_requests(kHistory).at(0).query("page_num") == "2");
  b.answer(kHistory, failure(600, "Parameter error"));
  CHECK(b.statuses.back().state == "resync");
  CHECK(b.watermarks.empty());
  b.advance(6'000);
  CHECK(b.open_requests(kHistory).at(0).query("page_num") == "1");  // the whole window anew
}
