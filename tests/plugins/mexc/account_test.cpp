// Login, pushes, balance, the key, and what MEXC's error codes lead to.
#include <catch2/catch.hpp>

#include "plugins/mexc/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

json open_position(std::int64_t id) { return with(with(row(id, Bench::kStartMs), "state", 1), "holdVol", 2); }

}  // namespace

TEST_CASE("login: the clock first, accepted it streams at once, and a filter leaves the rest out") {
  Bench b(true);
  b.start();
  CHECK(b.dialled == std::vector<std::uint32_t>{kConn});
  b.connect();
  CHECK(b.endpoints.at(kConn) == "private");
  CHECK(b.frames.empty());  // the stamp of the login would be a guess
  know_clock(b);
  CHECK(b.clocks.size() == 3);
  REQUIRE(b.frames.size() == 1);
  CHECK(b.frames[0].sign == "ws");
  CHECK(b.frames[0].text ==
        R"({"method":"login","param":{"apiKey":"{{key|json}}","signature":"{{sig}}","reqTime":"{{ts_ms}}"}})");
  b.frame(kConn, kLoggedIn);
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].feed == "positions");
  CHECK(b.statuses[0].state == "ready");
  REQUIRE(b.frames.size() == 2);
  b.frame(kConn, R"({"channel":"rs.personal.filter","data":"success","ts":1})");
  for (int i = 0; i < 2; ++i) b.frame(kConn, R"({"channel":"pong","data":1587453241453,"ts":1587453241453})");
  b.advance(30'000);
  CHECK(b.redialled.empty());
  CHECK(b.errors.empty());
  b.closed(kConn, "cut");
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("a login without an answer is dialled anew") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  b.advance(10'500);
  CHECK(b.redialled == std::vector<std::uint32_t>{kConn});
}

TEST_CASE("a refused login: the key in one sentence, the clock once, and words that tell nothing are left to REST") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  const auto refuse = [&](const std::string& text) {
    return b.frame(kConn, json{{"channel", "rs.error"}, {"data", text}, {"ts", 1}}.dump());
  };
  SECTION("a wrong secret") {
    CHECK(refuse("Signature verification failed!") == AND_E_AUTH);
    CHECK(b.statuses.back().state == "failed");
    CHECK(b.redialled.empty());
  }
  SECTION("as the answer of the login itself") {
    CHECK(b.frame(kConn, R"({"channel":"rs.login","data":"Invalid apiKey","ts":"1"})") == AND_E_AUTH);
  }
  SECTION("the time") {
    CHECK(refuse("Invalid request time") == AND_OK);
    CHECK(b.redialled.size() == 1);
    CHECK(b.open_requests(kPing).size() == 1);
    b.closed(kConn);
    know_clock(b);
    b.opened(kConn);
    CHECK(refuse("Invalid request time") == AND_E_AUTH);
  }
  SECTION("nobody knows what") {
    CHECK(refuse("system busy") == AND_OK);
    CHECK(b.redialled.size() == 1);
    CHECK(b.errors.size() == 1);
  }
}

TEST_CASE("what each code of the contract API leads to (lessons 34, 36)") {
  const auto after = [](const std::string& answer, int status = 200) {
    auto b = std::make_unique<Bench>(true);
    b->start();
    const int code = b->answer(kHistory, answer, status);
    return std::pair(code, std::move(b));
  };
  for (const int fatal : {401, 402, 406, 602, 701, 702, 703, 704}) {
    INFO(fatal);
    const auto [code, b] = after(failure(fatal, "the venue's words"));
    CHECK(code == AND_E_AUTH);
    CHECK(b->statuses.back().state == "failed");
    CHECK(b->statuses.back().detail.find("(MEXC " + std::to_string(fatal) + ": the venue's words)") !=
          std::string::npos);
    b->advance(120'000);
    CHECK(b->open_requests(kHistory).empty());  // a person has to act
  }
  for (const std::string& passing :
       {failure(500), failure(501), failure(9999), failure(510), std::string("<html>busy</html>"), std::string("{}")}) {
    INFO(passing);
    const auto [code, b] = after(passing);
    CHECK(code == AND_OK);
    b->advance(2'000);
    CHECK(b->open_requests(kHistory).size() == 1);
  }
  const auto [late_code, late] = after(failure(513));
  CHECK(late_code == AND_OK);
  CHECK(late->open_requests(kPing).size() >= 1);
  late->advance(1'500);
  CHECK(late->open_requests(kHistory).size() == 1);
  const auto [http, limited] = after("<html></html>", 429);
  limited->advance(2'000);
  CHECK(limited->open_requests(kHistory).size() == 1);
  const auto [ban_code, banned] = after("<html></html>", 403);
  banned->advance(60'000);
  CHECK(banned->open_requests(kHistory).empty());
  CHECK(banned->statuses.back().state == "resync");
}

TEST_CASE("a signature that one call dislikes says nothing of a key that has signed well (quirk 6)") {
  Bench b(true);
  b.start();
  log_in(b);
  b.query_balance();
  CHECK(b.answer(kAssets, failure(602, "Signature verification failed!")) == AND_OK);
  CHECK(b.statuses.back().feed == "balance");
  CHECK(b.statuses.back().state == "failed");
  CHECK(b.answer(kHistory, failure(602, "Signature verification failed!")) == AND_OK);
  CHECK(b.statuses.back().state == "resync");  // seen, and tried again
  b.advance(6'000);
  CHECK(b.open_requests(kHistory).size() == 1);
  b.answer(kHistory, ok(json::array()));
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("an envelope that contradicts itself is not believed") {
  Bench b(true);
  b.start();
  b.answer(kHistory, R"({"success":false,"code":0,"data":[]})");
  CHECK(b.watermarks.empty());
  b.advance(2'000);
  CHECK(b.open_requests(kHistory).size() == 1);
}

TEST_CASE("the key: what it may do and whose it is, or that nobody knows") {
  Bench b(true);
  b.start();
  const SentRequest asked = b.open_requests(kKeyInfo).at(0);
  CHECK(asked.target ==
        std::string(kKeyInfo) + "?accessKey={{key|pct}}&timestamp={{ts_ms-100}}&recvWindow=5000&signature={{sig}}");
  CHECK(asked.sign == "spot");
  CHECK(asked.headers == "X-MEXC-APIKEY: {{key}}\n");
  SECTION("a right that nobody knows is a right to trade; an expired key tells nothing") {
    b.answer(kKeyInfo, R"({"permissions":"SPOT_ACCOUNT_READ,MOON_LANDING","ipWhiteList":"*","status":"VALID"})");
    b.answer(kUid, R"({"uid":209302839})");
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].uid == "209302839");
    CHECK(b.accounts[0].can_trade == AND_TRI_YES);
    CHECK(b.accounts[0].can_withdraw == AND_TRI_NO);
    CHECK(b.accounts[0].ip_bound == AND_TRI_NO);
    CHECK(b.accounts[0].expires_ms == 0);
  }
  SECTION("no right to ask, or no such call: unknown, and closes do without") {
    const bool there = GENERATE(true, false);
    if (there)
      b.answer(kKeyInfo, R"({"code":700007,"msg":"No permission to access the endpoint."})", 403);
    else
      b.answer(kKeyInfo, "<html>404</html>", 404);
    b.answer(kUid, R"({"code":700007,"msg":"No permission to access the endpoint."})", 403);
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].uid.empty());
    CHECK(b.accounts[0].can_trade == AND_TRI_UNKNOWN);
    for (const SeenStatus& s : b.statuses) CHECK(s.feed != "positions");
  }
  SECTION("a key that the spot API does not know") {
    CHECK(b.answer(kKeyInfo, R"({"code":10072,"msg":"Api key info invalid"})", 400) == AND_E_AUTH);
  }
  SECTION("the spot API's own code for a wrong time") {
    CHECK(b.answer(kKeyInfo, R"({"code":700003,"msg":"Timestamp for this request is outside of the recvWindow."})",
                   400) == AND_OK);
    b.advance(1'500);
    CHECK(b.open_requests(kKeyInfo).size() == 1);
  }
}

TEST_CASE("balance: REST has the equity, a push is a hint to ask for it") {
  Bench b(true);
  b.start();
  log_in(b);
  const std::string push =
      R"({"channel":"push.personal.asset","data":{"currency":"USDT","positionMargin":5,"frozenBalance":1,"availableBalance":9,"bonus":0},"ts":1})";
  for (int i = 0; i < 3; ++i) b.frame(kConn, push);
  CHECK(b.balances.empty());
  b.advance(2'500);
  REQUIRE(b.open_requests(kAssets).size() == 1);
  const auto asset = [](const std::string& currency, const std::string& equity) {
    return json{{"currency", currency}, {"equity", json::parse(equity)}, {"availableBalance", json::parse(equity)}};
  };
  b.answer(kAssets, ok(json::array({asset("USDT", "17"), asset("BTC", "0"), asset("MX", "0.5")})));
  REQUIRE(b.balances.size() == 2);
  CHECK(b.balances[0].total == "17");
  CHECK(b.balances[1].currency == "MX");
  b.query_balance();
  b.answer(kAssets, ok(json::array({asset("USDT", "0")})));
  REQUIRE(b.balances.size() == 3);
  CHECK(b.balances[2].total == "0");
  CHECK(b.frame(kConn, R"({"channel":"push.personal.asset","data":{"currency":"USDT","availableBalance":9}})") ==
        AND_E_PROTOCOL);
  CHECK(b.redialled.empty());
}

TEST_CASE(
    "positions that are open, reduced or taken over are no closes, though they have a result (lessons 5, 9, 12)") {
  Bench b(true);
  b.start();
  log_in(b);
  const std::size_t before = b.requests.size();
  b.frame(kConn, pushed(open_position(7)));
  b.frame(kConn, pushed(with(open_position(7), "closeVol", 6)));
  b.frame(kConn, pushed(with(open_position(7), "state", 2)));
  b.advance(5'000);
  CHECK(b.requests.size() == before);
  CHECK(b.errors.empty());
}

TEST_CASE("a position frame that cannot be read makes us look into history") {
  Bench b(true);
  b.start();
  b.answer(kHistory, ok(json::array()));
  log_in(b);
  b.answer(kHistory, ok(json::array()));
  for (const json& bad : {with(row(7, b.now_ms), "state", 4), without(row(7, b.now_ms), "positionId"),
                          with(row(7, b.now_ms), "holdVol", 1), with(row(7, b.now_ms), "positionType", 3),
                          without(row(7, b.now_ms), "symbol")}) {
    const std::size_t errors = b.errors.size();
    CHECK(b.frame(kConn, pushed(bad)) == AND_OK);
    CHECK(b.errors.size() == errors + 1);
    b.advance(2'500);
    REQUIRE(b.open_requests(kHistory).size() == 1);
    b.answer(kHistory, ok(json::array()));
  }
  CHECK(b.closes.empty());
}
