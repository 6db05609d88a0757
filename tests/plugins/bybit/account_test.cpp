// Login, the execution stream, the wallet, and what Bybit's error codes lead to.
#include <catch2/catch.hpp>

#include "plugins/bybit/bench.hpp"
#include "plugins/bybit/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::uint32_t kPrivate = 1;
const json kLinear{{"market", json::array({"linear"})}};

void know_clock(Bench& b) {
  for (int i = 0; i < 3; ++i) b.answer(kTime, time_answer(b.now_ms));
}

/// To the point where the socket streams.
void log_in(Bench& b) {
  know_clock(b);
  b.connect();
  b.frame(kPrivate, R"({"success":true,"ret_msg":"","op":"auth","conn_id":"c"})");
  b.frame(kPrivate, R"({"success":true,"ret_msg":"","op":"subscribe","req_id":"execution","conn_id":"c"})");
  b.frame(kPrivate, R"({"success":true,"ret_msg":"","op":"subscribe","req_id":"wallet","conn_id":"c"})");
}

}  // namespace

TEST_CASE("login: the clock first, then auth, then two subscriptions, then ready") {
  Bench b(true);
  b.start();
  CHECK(b.dialled == std::vector<std::uint32_t>{kPrivate});
  b.connect();
  CHECK(b.endpoints.at(kPrivate) == "private");
  CHECK(b.frames.empty());  // the stamp of the login would be a guess
  know_clock(b);
  CHECK(b.clocks.size() == 3);
  REQUIRE(b.frames.size() == 1);
  CHECK(b.frames[0].sign == "ws");
  CHECK(b.frames[0].text == R"({"op":"auth","args":["{{key|json}}","{{ts_ms+10000}}","{{sig}}"]})");
  SECTION("accepted, spelled the old way") { b.frame(kPrivate, R"({"success":true,"ret_msg":"","op":"auth","conn_id":"c"})"); }
  SECTION("accepted, spelled the new way") { b.frame(kPrivate, R"({"op":"auth","retCode":0,"retMsg":"OK","connId":"c"})"); }
  REQUIRE(b.frames.size() == 3);
  CHECK(json::parse(b.frames[1].text).at("args") == json::array({"execution"}));
  CHECK(json::parse(b.frames[2].text).at("args") == json::array({"wallet"}));
  CHECK(b.statuses.empty());
  b.frame(kPrivate, R"({"success":true,"ret_msg":"","op":"subscribe","req_id":"execution"})");
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].feed == "positions");
  CHECK(b.statuses[0].state == "ready");
  b.frame(kPrivate, R"({"req_id":"t","op":"pong","args":["1675418560633"],"conn_id":"c"})");
  b.frame(kPrivate, R"({"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"})");
  b.advance(30'000);
  CHECK(b.redialled.empty());
  CHECK(b.errors.empty());
  b.closed(kPrivate, "cut");
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("a login does not wait for ever: neither for the clock nor for its answer") {
  Bench b(true);
  b.start();
  b.connect();
  b.advance(5'500);
  REQUIRE(b.frames.size() == 1);
  b.advance(10'500);
  CHECK(b.redialled == std::vector<std::uint32_t>{kPrivate});
}

TEST_CASE("a refused login is said in one sentence and not repeated") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  int code = AND_OK;
  std::string wanted;
  SECTION("unknown key") {
    code = b.frame(kPrivate, R"({"op":"auth","success":false,"retCode":10003,"retMsg":"Invalid apikey","connId":"c"})");
    wanted = "endpoints";
  }
  SECTION("wrong secret") {
    code = b.frame(kPrivate, R"({"op":"auth","success":false,"retCode":10004,"retMsg":"sign","connId":"c"})");
    wanted = "secret";
  }
  SECTION("expired key") {
    code = b.frame(kPrivate, R"({"op":"auth","success":false,"retCode":33004,"retMsg":"Your api key has expired."})");
    wanted = "make a new one";
  }
  CHECK(code == AND_E_AUTH);
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].state == "failed");
  CHECK(b.statuses[0].detail.find(wanted) != std::string::npos);
  CHECK(b.redialled.empty());
}

TEST_CASE("a login stamp that came too late is a matter of clocks, once") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  const std::string late = R"({"success":false,"ret_msg":"Params Error: expires","op":"auth","conn_id":"c"})";
  CHECK(b.frame(kPrivate, late) == AND_OK);
  CHECK(b.redialled.size() == 1);
  CHECK(b.open_requests(kTime).size() == 1);
  b.closed(kPrivate);
  know_clock(b);
  b.opened(kPrivate);
  CHECK(b.frame(kPrivate, late) == AND_E_AUTH);
}

TEST_CASE("a refused subscription is named, history goes on") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  b.frame(kPrivate, R"({"success":true,"op":"auth"})");
  b.frame(kPrivate, R"({"success":false,"ret_msg":"handler not found","op":"subscribe","req_id":"wallet"})");
  CHECK(b.errors.size() == 1);
  CHECK(b.redialled.empty());
  b.frame(kPrivate, R"({"success":false,"ret_msg":"handler not found","op":"subscribe","req_id":"execution"})");
  CHECK(b.redialled.size() == 1);
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("every execType: only fills that close a contract's position are closes") {
  Bench b(true);
  b.start();
  const auto push = [&](const json& item) { return b.frame(kPrivate, pushed({item})); };
  int n = 0;
  for (const char* type : {"Trade", "AdlTrade", "BustTrade", "BlockTrade", "Settle", "Delivery"}) {
    push(with(execution(std::to_string(++n), b.now_ms), "execType", type));
    CHECK(b.closes.size() == static_cast<std::size_t>(n));
  }
  for (const char* type : {"Funding", "MovePosition", "FutureSpread", "CorporateAction", "UNKNOWN"})
    push(with(execution(std::to_string(++n), b.now_ms), "execType", type));
  for (const char* closed : {"0", "", "0.000"}) push(with(execution(std::to_string(++n), b.now_ms), "closedSize", closed));
  push(without(execution(std::to_string(++n), b.now_ms), "closedSize"));
  push(with(execution(std::to_string(++n), b.now_ms), "category", "spot"));
  push(with(execution(std::to_string(++n), b.now_ms), "category", "option"));
  CHECK(b.closes.size() == 6);
  CHECK(b.errors.empty());
  push(with(execution(std::to_string(++n), b.now_ms), "execType", "Novelty"));  // new kinds are announced: never in silence
  CHECK(b.closes.size() == 6);
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("Novelty") != std::string::npos);
}

TEST_CASE("one bad item costs the others nothing, and history is looked at") {
  Bench b(true, kLinear);
  b.start();
  b.answer(kExecutions, page({}));
  const std::vector<std::string> needed{"side", "execTime", "orderId", "execId", "symbol", "execType"};
  for (const std::string& member : needed) {
    for (const bool blank : {false, true}) {
      const json bad = blank ? with(execution("bad", b.now_ms), member, "") : without(execution("bad", b.now_ms), member);
      b.closes.clear();
      b.errors.clear();
      CHECK(b.frame(kPrivate, pushed({execution("1", b.now_ms), bad, execution("2", b.now_ms)})) == AND_OK);
      CHECK(b.closes.size() == 2);
      CHECK(b.errors.size() == 1);
    }
  }
  b.advance(2'500);
  CHECK(b.open_requests(kExecutions).size() == 1);
}

TEST_CASE("any other member may be missing or blank: the close comes, or waits for the log") {
  const json sample = execution("1", Bench::kStartMs);
  for (const auto& item : sample.items()) {
    const std::string& member = item.key();
    if (member == "side" || member == "execTime" || member == "orderId" || member == "execId" || member == "symbol" ||
        member == "execType" || member == "closedSize")
      continue;
    for (const bool blank : {false, true}) {
      DYNAMIC_SECTION(member << (blank ? " blank" : " missing")) {
        Bench b(true, kLinear);
        b.start();
        json row = blank ? with(execution("1", b.now_ms), member, "") : without(execution("1", b.now_ms), member);
        json frame = json::parse(pushed({row}));
        frame["topic"] = member == "category" ? "execution.linear" : "execution";
        b.frame(kPrivate, frame.dump());
        CHECK(b.errors.empty());
        if (b.closes.empty()) b.answer(kLog, page({log_row("1", "5")}));
        REQUIRE(b.closes.size() == 1);
        CHECK(b.closes[0].pnl == "5");
        CHECK(b.closes[0].fee == "0.03");
        CHECK(b.closes[0].exit == "100");
        CHECK(b.closes[0].currency == "USDT");
        CHECK(b.closes[0].fee_currency == "USDT");
      }
    }
  }
}

TEST_CASE("a fill that turns the position pays only for the part that closed") {
  Bench b(true);
  b.start();
  json flip = with(execution("1", b.now_ms), "execQty", "0.8");
  flip["execFee"] = "-0.16";  // a rebate stays one
  b.frame(kPrivate, pushed({flip}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].size == "0.5");
  CHECK(b.closes[0].fee == "-0.1");
  CHECK(b.closes[0].fee_raw.empty());
  CHECK(b.closes[0].hold.empty());
  b.frame(kPrivate, pushed({with(execution("2", b.now_ms), "execQty", "0.4")}));
  CHECK_FALSE(b.closes.at(1).hold.empty());
}

TEST_CASE("currencies: by the symbol's spelling, USDC is held, another fee coin is named") {
  Bench b(true);
  b.start();
  const auto close = [&](const char* category, const char* symbol) {
    static int n = 0;
    json row = with(with(execution(std::to_string(++n), b.now_ms), "category", category), "symbol", symbol);
    row["feeCurrency"] = "";
    b.frame(kPrivate, pushed({row}));
    return b.closes.back();
  };
  CHECK(close("linear", "BTCUSDT").currency == "USDT");
  CHECK(close("linear", "BTCUSDT").fee_currency == "USDT");
  CHECK(close("linear", "BTCUSDT-26DEC25").currency == "USDT");
  CHECK(close("inverse", "BTCUSD").currency == "BTC");
  CHECK(close("inverse", "BTCUSDH26").currency == "BTC");
  CHECK(close("inverse", "BTCUSD").hold.empty());
  CHECK(close("linear", "BTCPERP").currency == "USDC");
  CHECK(close("linear", "BTC-26DEC25").currency == "USDC");
  CHECK(close("linear", "BTCPERP").hold.find("8 hours") != std::string::npos);
  b.frame(kPrivate, pushed({with(execution("mnt", b.now_ms), "feeCurrency", "MNT")}));
  CHECK(b.closes.back().fee_currency == "MNT");
}

TEST_CASE("an account of one market leaves the other alone") {
  Bench b(true, kLinear);
  b.start();
  for (int i = 0; i < 2; ++i)
    b.frame(kPrivate, pushed({with(with(execution("1", b.now_ms), "category", "inverse"), "symbol", "BTCUSD")}));
  CHECK(b.closes.empty());
  CHECK(b.warnings.size() == 1);  // but says so
  CHECK(b.open_requests(kExecutions).size() == 1);
}

TEST_CASE("requests: signed, with the window of the option, the path and the query as they are signed") {
  json o = kLinear;
  o["recv_window_ms"] = 20'000;
  Bench b(true, o);
  b.start();
  const auto key = b.open_requests(kKey).at(0);
  CHECK(key.target == kKey);
  CHECK(key.sign == "rest");
  CHECK(json::parse(key.args) == json{{"recv_window", 20'000}});
  CHECK(key.headers.find("X-BAPI-API-KEY: {{key}}\n") != std::string::npos);
  CHECK(key.headers.find("X-BAPI-TIMESTAMP: {{ts_ms}}\n") != std::string::npos);
  CHECK(key.headers.find("X-BAPI-RECV-WINDOW: {{arg.recv_window}}\n") != std::string::npos);
  CHECK(key.headers.find("X-BAPI-SIGN: {{sig}}\n") != std::string::npos);
  CHECK(b.open_requests(kTime).at(0).sign.empty());
}

TEST_CASE("errors by class: clock, rate, ban, server, refusal") {
  Bench b(true, kLinear);
  b.start();
  know_clock(b);
  const auto asked = [&] { return b.open_requests(kExecutions).size(); };

  SECTION("a wrong clock is learned and the request sent once more") {
    b.answer(kExecutions, refusal(10002, "invalid request, please check your server timestamp"));
    CHECK(b.open_requests(kTime).size() == 1);
    b.advance(1'100);
    CHECK(asked() == 1);
    CHECK(b.statuses.empty());
  }
  SECTION("rate limits wait until the venue says") {
    b.answer(kExecutions, refusal(10006, "Too many visits!"), 200, "",
             {{"x-bapi-limit-reset-timestamp", std::to_string(b.now_ms + 3'000)}});
    b.advance(2'900);
    CHECK(asked() == 0);
    b.advance(200);
    CHECK(asked() == 1);
    b.answer(kExecutions, "", 429);
    b.advance(2'100);
    CHECK(asked() == 1);
  }
  SECTION("HTTP 403 stops for ten minutes") {
    b.answer(kExecutions, "access too frequent", 403);
    CHECK(b.warnings.size() == 1);
    CHECK(b.statuses.back().state == "resync");
    b.advance(600'000);
    CHECK(asked() == 0);
    b.advance(6'000);
    CHECK(asked() == 1);
  }
  SECTION("server trouble: ever later, then visible, then well again") {
    for (const std::int64_t wait : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000, 60'000}) {
      b.answer(kExecutions, refusal(10016, "Server error"));
      b.advance(wait - 1);
      CHECK(asked() == 0);
      b.advance(1);
      CHECK(asked() == 1);
    }
    CHECK(b.statuses.size() == 1);
    CHECK(b.statuses[0].state == "resync");
    CHECK(b.coverage.empty());
  }
  SECTION("no answer, no JSON, no list: errors all, never an empty history") {
    b.answer(kExecutions, "", AND_HTTP_TRANSPORT);
    b.advance(1'000);
    b.answer(kExecutions, "<html>");
    b.advance(2'000);
    b.answer(kExecutions, R"({"retCode":0,"retMsg":"OK","result":{}})");
    b.advance(4'000);
    b.answer(kExecutions, R"({"retCode":0,"retMsg":"OK","result":{"list":null}})");
    CHECK(b.coverage.empty());
    CHECK(b.watermarks.empty());
    b.advance(8'000);
    b.answer(kExecutions, page({}));
    CHECK(b.coverage.size() == 1);
  }
  SECTION("a refused key stops everything for five minutes") {
    CHECK(b.answer(kExecutions, refusal(10005, "Permission denied")) == AND_E_AUTH);
    CHECK(b.statuses.back().detail.find("/v5/execution/list") != std::string::npos);
    CHECK(b.answer(kKey, refusal(10003)) == AND_OK);  // said once
    b.advance(290'000);
    CHECK(b.open.empty());
    b.advance(12'000);
    CHECK(asked() == 1);
  }
  SECTION("a key that may not ask about itself is unknown, not refused") {
    CHECK(b.answer(kKey, refusal(10005)) == AND_OK);
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].uid.empty());
    CHECK(b.accounts[0].can_trade == AND_TRI_UNKNOWN);
  }
}

TEST_CASE("a key is asked about at start, at every login and every day") {
  Bench b(true, kLinear);
  b.start();
  CHECK(b.requests.size() == 3);  // time, key, executions
  b.answer(kKey, R"({"retCode":0,"result":{"readOnly":1,"userID":7,"uta":0,"permissions":null}})");
  CHECK(b.warnings.size() == 1);  // not a unified account
  CHECK(b.accounts.at(0).uid == "7");
  log_in(b);
  CHECK(b.open_requests(kKey).size() == 1);
  b.answer(kKey, R"({"retCode":0,"result":{"readOnly":0,"permissions":{"Wallet":[]}}})");
  CHECK(b.accounts.at(1).can_trade == AND_TRI_UNKNOWN);  // empty is not "nothing"
  CHECK(b.accounts.at(1).ip_bound == AND_TRI_UNKNOWN);
  b.advance(24LL * 3'600'000 + 1'000);
  CHECK(b.open_requests(kKey).size() == 1);
}

TEST_CASE("balances: the account's figures, else those of each coin, else nothing and why") {
  Bench b(true);
  b.start();
  const auto wallet = [](const std::string& total, const Rows& coins) {
    return page({json{{"totalEquity", total}, {"totalAvailableBalance", ""}, {"coin", coins}}});
  };
  const json usdt{{"coin", "USDT"}, {"equity", "100"}, {"walletBalance", "90"}, {"totalPositionIM", "10"},
                  {"totalOrderIM", "5"}, {"locked", "1"}, {"bonus", "4"}};
  b.query_balance();
  b.query_balance();  // one question at a time
  REQUIRE(b.open_requests(kWallet).size() == 1);
  CHECK(b.open_requests(kWallet)[0].target == "/v5/account/wallet-balance?accountType=UNIFIED");
  b.answer(kWallet, wallet("3", {usdt, with(with(usdt, "coin", "BTC"), "totalOrderIM", "")}));
  REQUIRE(b.balances.size() == 1);
  CHECK(b.balances[0].currency == "USDT");
  CHECK(b.balances[0].total == "100");
  CHECK(b.balances[0].available == "70");
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("BTC") != std::string::npos);
  b.query_balance();
  b.answer(kWallet, refusal(10005));
  CHECK(b.statuses.back().feed == "balance");
  CHECK(b.statuses.back().state == "failed");
  CHECK(b.statuses.back().detail.find("wallet") != std::string::npos);
}

TEST_CASE("frames that are no JSON, or none of ours, harm nothing") {
  Bench b(true);
  b.start();
  CHECK(b.frame(kPrivate, "") == AND_E_PROTOCOL);
  CHECK(b.frame(kPrivate, R"({"topic":"execution","data":)") == AND_E_PROTOCOL);
  CHECK(b.frame(kPrivate, R"([1])") == AND_OK);
  CHECK(b.frame(kPrivate, R"({"topic":"execution","data":7})") == AND_OK);
  CHECK(b.frame(kPrivate, R"({"topic":"order","data":[{"orderId":"1"}]})") == AND_OK);
  CHECK(b.frame(kPrivate, pushed({execution("1", b.now_ms)})) == AND_OK);
  CHECK(b.closes.size() == 1);
}
