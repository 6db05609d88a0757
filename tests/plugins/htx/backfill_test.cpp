// History by hand: what is asked, what is split, what is waited for, and what is not proven.
#include <catch2/catch.hpp>

#include "plugins/htx/bench.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::uint32_t kPrivate = 1;
constexpr std::int64_t kNow = Bench::kStartMs, kHourMs = 3'600'000, kDayMs = 24 * kHourMs;

std::int64_t number(const SentRequest& r, const char* name) { return std::stoll(r.query(name)); }

}  // namespace

TEST_CASE("three days are read from executions: one question a contract, signed in the order of names") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001"), contract("ETH-USDT", "0.01"), contract("BTC-USDT-251226", "1")},
           kNow - kDayMs);
  const auto asked = b.open_requests(kDetails);
  REQUIRE(asked.size() == 2);
  CHECK(b.open_requests(kHistory).empty());
  const SentRequest& r = asked[0];
  CHECK(number(r, "start_time") == kNow - kDayMs);
  CHECK(number(r, "end_time") == kNow);
  CHECK(r.query("limit") == "100");
  CHECK(r.rate == "read");
  CHECK(r.sign == "rest");
  const std::string names =
      "?AccessKeyId={{key|pct}}&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={{ts_iso_s|pct}}&contract_"
      "code=";
  CHECK(r.target.find(names) != std::string::npos);
  CHECK(r.target.ends_with("&Signature={{sig|pct}}"));
  b.empty_history();
  REQUIRE(b.coverage.size() == 1);
  CHECK(b.coverage[0].proven);
  CHECK(b.watermarks.back() == "v1 orders=" + std::to_string(kNow));
}

TEST_CASE("older windows ask order history in both margin modes, 48 hours at most, and reach back for old orders") {
  Bench b(true, {{"order_age_h", 72}});
  b.log_in({contract("BTC-USDT", "0.001")}, kNow - 10 * kDayMs);
  std::int64_t earliest = kNow, windows = 0;
  for (bool more = true; more;) {
    more = false;
    for (const char* path : {kHistory, kDetails})
      for (const SentRequest& r : b.open_requests(path)) {
        if (path == std::string(kHistory)) {
          ++windows;
          CHECK(number(r, "end_time") - number(r, "start_time") <= 2 * kDayMs);
          CHECK((r.query("margin_mode") == "cross" || r.query("margin_mode") == "isolated"));
          CHECK(r.query("state") == "filled%2Cpartially_canceled%2Ccanceled");
          earliest = std::min(earliest, number(r, "start_time"));
        }
        b.answer(r, page({}));
        more = true;
      }
  }
  CHECK(earliest == kNow - 13 * kDayMs);
  CHECK(windows % 2 == 0);
  CHECK(b.coverage.back().to_ms == kNow);
}

TEST_CASE("a full answer is asked for again in halves, a full millisecond is not proven, lesson 3") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001")}, kNow - 8);
  std::vector<json> full;
  for (int i = 0; i < 100; ++i) full.push_back(execution(std::to_string(i), "1", kNow - 4, "1", "0"));
  std::size_t questions = 0;
  for (; !b.open_requests(kDetails).empty() && questions < 50; ++questions) {
    const SentRequest r = b.open_requests(kDetails)[0];
    const bool hit = number(r, "start_time") <= kNow - 4 && number(r, "end_time") >= kNow - 4;
    b.answer(r, hit ? page(full) : page({}));
  }
  CHECK(questions > 5);
  for (const SentRequest& r : b.open_requests(kOrder)) b.answer(r, page({order("1", kNow - 4)}));
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].reason.find("one millisecond") != std::string::npos);
}

TEST_CASE("a contract that HTX no longer knows is not proven, costs no other, and is not waited for, lesson 38") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001"), contract("LUNA-USDT", "1")});
  for (const SentRequest& r : b.open_requests(kDetails))
    b.answer(r, r.query("contract_code") == "LUNA-USDT" ? refusal(1014, "This contract doesnt exist.") : page({}));
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
  CHECK(b.coverage[0].reason.find("LUNA-USDT") != std::string::npos);
  CHECK_FALSE(b.watermarks.empty());
  CHECK(b.statuses.back().state == "ready");
  const auto sweep = [&] {
    b.advance(301'000);
    std::size_t asked = 0;
    for (const SentRequest& r : b.open_requests(kDetails)) {
      const bool gone = r.query("contract_code") == "LUNA-USDT";
      asked += gone ? 1U : 0U;
      b.answer(r, gone ? refusal(1014) : page({}));
    }
    return asked;
  };
  CHECK(sweep() == 1);  // it is listed still
  b.advance(3'600'000);
  b.answer(kContracts, contracts());  // and now it is not
  (void)sweep();
  CHECK(sweep() == 0);
  CHECK(b.coverage.back().proven);
}

TEST_CASE("an answer that is empty because it failed is never nothing there, lesson 2 and lesson 17") {
  Bench b(true);
  b.log_in();
  const std::string body =
      GENERATE(R"({"code":1079,"message":"In settlement."})", R"({"code":200,"message":"Success","ts":1})",
               R"({"code":200,"data":{"list":[]},"ts":1})", "<html>",
               R"({"status":"error","err_code":1003,"err_msg":"redis"})", "");
  b.answer(kDetails, body);
  CHECK(b.coverage.empty());
  CHECK(b.watermarks.empty());
  b.advance(2'000);
  REQUIRE(b.open_requests(kDetails).size() == 1);
  b.empty_history();
  REQUIRE_FALSE(b.coverage.empty());
  CHECK(b.coverage[0].proven);
  CHECK(b.coverage[0].from_ms == kNow - kHourMs);
}

TEST_CASE("an order that rests after trades holds the cursor until it is over, lesson 5") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001")}, kNow - kHourMs);
  const json resting = with(with(order("1", kNow - 600'000), "state", "partially_filled"), "trade_volume", "2");
  b.answer(kDetails, page({execution("e1", "1", kNow - 600'000, "2", "0.2")}));
  b.answer(kOrder, page({resting}));
  CHECK(b.closes.empty());
  CHECK(b.watermarks.back() == "v1 orders=" + std::to_string(kNow - 600'001));
  b.frame(kPrivate, pushed("orders", with(order("1", kNow), "cancel_volume", nullptr)));
  REQUIRE(b.closes.size() == 1);
  b.advance(11'000);  // the sweep for late rows
  for (int i = 0; i < 3 && !b.open_requests(kDetails).empty(); ++i)
    b.answer(kDetails, page({execution("e1", "1", kNow - 600'000, "2", "0.2")}));
  CHECK(b.open_requests(kOrder).empty());  // emitted already
  CHECK(std::stoll(b.watermarks.back().substr(10)) > kNow);
}

TEST_CASE("executions without an order are waited for ten seconds, then they are the close, lesson 9 and lesson 15") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001")}, kNow - kHourMs);
  const std::vector<json> rows{execution("e1", "1600000000000000999", kNow - 100, "1", "-10"),
                               execution("e2", "1600000000000000999", kNow - 90, "3", "-33"),
                               execution("e1", "1600000000000000999", kNow - 100, "1", "-10")};  // a page told twice
  const auto answer_all = [&] {
    for (bool more = true; more;) {
      more = false;
      for (const SentRequest& r : b.open_requests(kDetails)) b.answer(r, page(rows)), more = true;
      for (const SentRequest& r : b.open_requests(kOrder)) b.answer(r, refusal(1061)), more = true;
    }
  };
  answer_all();
  CHECK(b.closes.empty());
  CHECK(b.watermarks.back() == "v1 orders=" + std::to_string(kNow - 101));
  for (int i = 0; i < 8; ++i) {
    b.advance(2'100);
    answer_all();
  }
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].pnl == "-43");
  CHECK(b.closes[0].size == "4");
  CHECK(b.closes[0].fee == "0.2");
  CHECK(b.closes[0].closed_ms == kNow - 90);
  CHECK(b.closes[0].origin == "history");
}

TEST_CASE("one-way executions: what earned or lost was closed, as far as that can be told") {
  Bench b(true);
  b.log_in({contract("BTC-USDT", "0.001")}, kNow - kHourMs);
  std::vector<json> rows;
  for (const auto& [id, volume, profit] : {std::tuple{"e1", "2", "0.4"}, std::tuple{"e2", "3", "0"}}) {
    rows.push_back(execution(id, "7", kNow - 60'000, volume, profit));
    rows.back()["position_side"] = "both";
  }
  b.answer(kDetails, page(rows));
  b.answer(kOrder, refusal(1061));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].size == "2");
  CHECK((b.closes[0].flags & AND_CLOSE_SIZE_DERIVED) != 0);
  CHECK_FALSE(b.closes[0].entry);
}

TEST_CASE("a liquidation or a deleveraging looks into history at once, and again when rows are late, lesson 15") {
  const std::string event = GENERATE("liquidation", "adl");
  Bench b(true);
  b.log_in();
  b.empty_history();
  b.advance(11'000);
  b.empty_history();
  b.frame(kPrivate, pushed("positions", json::array(), kNow, event));
  REQUIRE(b.open_requests(kDetails).size() == 1);
  b.empty_history();
  b.advance(10'100);
  CHECK(b.open_requests(kDetails).size() == 1);
}

TEST_CASE("a failed commit reads everything again from the durable cursor, lesson 19") {
  Bench b(true);
  b.log_in();
  b.answer(kDetails, page({execution("e1", "1", kNow - 60'000)}));
  b.answer(kOrder, page({order("1", kNow - 60'000)}));
  CHECK(b.closes.size() == 1);
  b.cursor("");
  b.answer(kDetails, page({execution("e1", "1", kNow - 60'000)}));
  b.answer(kOrder, page({order("1", kNow - 60'000)}));
  CHECK(b.closes.size() == 2);
  CHECK(b.closes[0].id == b.closes[1].id);
}

TEST_CASE("one row that cannot be read is reported, makes its window unproven, and costs no other, lesson 10") {
  Bench b(true);
  b.log_in();
  std::vector<json> rows{execution("e1", "1", kNow - 60'000),
                         execution("e2", "", kNow - 50'000),
                         json("text"),
                         json(nullptr),
                         with(execution("e3", "3", kNow - 40'000), "trade_price", "much"),
                         execution("e4", "4", kNow - 30'000)};
  b.answer(kDetails, page(rows));
  for (const SentRequest& r : b.open_requests(kOrder)) b.answer(r, page({order(r.query("order_id"), kNow - 30'000)}));
  CHECK(b.closes.size() == 2);
  CHECK(b.errors.size() == 4);
  REQUIRE(b.coverage.size() == 1);
  CHECK_FALSE(b.coverage[0].proven);
}

TEST_CASE("windows wait for the list of contracts, and a list that fails is asked for again") {
  Bench b(true);
  b.start();
  CHECK(b.open_requests(kDetails).empty());
  b.answer(kContracts, "", 502);
  b.advance(1'100);
  b.answer(kContracts, contracts());
  CHECK(b.open_requests(kDetails).size() == 1);
}
