// Login, the channel positions, the balance, and what OKX's error codes lead to.
#include <catch2/catch.hpp>

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

void know_clock(Bench& b) {
  for (int i = 0; i < 3; ++i)
    b.answer(kTime, json{{"code", "0"}, {"msg", ""}, {"data", {{{"ts", ms(b.now_ms)}}}}}.dump());
}

/// To the point where the socket streams.
void log_in(Bench& b) {
  know_clock(b);
  b.connect();
  b.frame(kConn, kLoggedIn);
  b.frame(kConn, kSubscribed);
}

std::size_t looks(const Bench& b) {
  return static_cast<std::size_t>(std::count_if(b.requests.begin(), b.requests.end(), [](const SentRequest& r) {
    return r.path() == kHistory && r.target.find("posId") != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("login: the clock first, then login, and only then two subscriptions (lesson 24)") {
  Bench b(true);
  b.start();
  b.connect();
  CHECK(b.endpoints.at(kConn) == "private");
  CHECK(b.frames.empty());  // the stamp of the login would be a guess
  know_clock(b);
  CHECK(b.clocks.size() == 3);
  REQUIRE(b.frames.size() == 1);
  CHECK(b.frames[0].sign == "ws");
  CHECK(json::parse(b.frames[0].text).at("args")[0].at("passphrase") == "{{passphrase|json}}");
  b.frame(kConn, kLoggedIn);
  REQUIRE(b.frames.size() == 3);
  CHECK(json::parse(b.frames[1].text).at("args")[0] == json{{"channel", "positions"}, {"instType", "SWAP"}});
  CHECK(json::parse(b.frames[2].text).at("args")[0].at("channel") == "account");
  CHECK(b.statuses.empty());
  b.frame(kConn, kSubscribed);
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].state == "ready");
  b.frame(kConn, R"({"event":"channel-conn-count","channel":"positions","connCount":"2","connId":"a4d3ae55"})");
  b.frame(kConn, R"({"event":"a-novelty","connId":"a4d3ae55"})");
  b.frame(kConn, pushed({}));  // the first push of an account without positions
  b.frame(kConn, "pong");
  b.advance(30'000);
  CHECK(b.redialled.empty());
  CHECK(b.errors.empty());
  b.closed(kConn, "cut");
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("a login does not wait for ever: neither for the clock nor for its answer") {
  Bench b(true);
  b.start();
  b.connect();
  b.advance(5'500);
  REQUIRE(b.frames.size() == 1);
  b.advance(10'500);
  CHECK(b.redialled == std::vector<std::uint32_t>{kConn});
}

TEST_CASE("a refused login is said in one sentence and not repeated") {
  const std::map<int, std::string> sentences{
      {60005, "check the account's key"}, {60007, "secret"}, {60024, "passphrase"}, {60032, "endpoints"}};
  for (const auto& [code, wanted] : sentences) {
    DYNAMIC_SECTION(code) {
      Bench b(true);
      b.start();
      know_clock(b);
      b.connect();
      CHECK(b.frame(kConn, failure(code, "Login failed")) == AND_E_AUTH);
      REQUIRE(b.statuses.size() == 1);
      CHECK(b.statuses[0].state == "failed");
      CHECK(b.statuses[0].detail.find(wanted) != std::string::npos);
      CHECK(b.redialled.empty());
      const std::size_t asked = b.requests.size();
      b.advance(60'000);
      CHECK(b.requests.size() <= asked + 1);  // the key is not hammered
    }
  }
}

TEST_CASE("a login stamp outside the window asks the clock once (lesson 36), a vague refusal is tried three times") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  SECTION("clock") {
    CHECK(b.frame(kConn, failure(60006, "Timestamp request expired")) == AND_OK);
    CHECK(b.redialled.size() == 1);
    CHECK(b.open_requests(kTime).size() == 1);
    b.closed(kConn);
    know_clock(b);
    b.opened(kConn);
    CHECK(b.frame(kConn, failure(60006, "Timestamp request expired")) == AND_E_AUTH);
  }
  SECTION("vague") {
    for (int i = 0; i < 3; ++i) {
      CHECK(b.frame(kConn, failure(60009, "Login failed.")) == AND_OK);
      b.closed(kConn);
      b.opened(kConn);
    }
    CHECK(b.frame(kConn, failure(60009, "Login failed.")) == AND_E_AUTH);
  }
  SECTION("trouble of the venue") {
    for (int i = 0; i < 9; ++i) CHECK(b.frame(kConn, failure(63999, "Internal error")) == AND_OK);
  }
}

TEST_CASE("pushes that name another account than the key's are noticed") {
  Bench b(true);
  b.start();
  log_in(b);
  b.frame(kConn, pushed({}));
  CHECK(b.warnings.empty());  // nobody knows yet whose key it is
  for (const char* uid : {"77982378738415879", "5"}) {
    b.answer(
        kConfig,
        json{{"code", "0"}, {"data", {{{"uid", uid}, {"mainUid", uid}, {"perm", "read_only"}}}}, {"msg", ""}}.dump());
    b.frame(kConn, pushed({}));
    b.frame(kConn, pushed({}));
  }
  CHECK(b.warnings.size() == 1);
}

TEST_CASE("rights of a key: what is not known counts as trading, what is not said is unknown") {
  struct Case {
    const char *rights, *ip;
    std::uint32_t trade, withdraw, bound;
  };
  for (const Case& c : {Case{"read_only", "", AND_TRI_NO, AND_TRI_NO, AND_TRI_NO},
                        Case{"read_only,trade", "1.2.3.4", AND_TRI_YES, AND_TRI_NO, AND_TRI_YES},
                        Case{"withdraw,read_only", "0.0.0.0/0", AND_TRI_NO, AND_TRI_YES, AND_TRI_NO},
                        Case{"read_only,novelty", "*,1.2.3.4/8", AND_TRI_YES, AND_TRI_NO, AND_TRI_YES},
                        Case{"", "", AND_TRI_UNKNOWN, AND_TRI_UNKNOWN, AND_TRI_NO}}) {
    INFO(c.rights);
    Bench b(true);
    b.start();
    const json row{{"uid", "9"}, {"mainUid", "8"}, {"perm", c.rights}, {"ip", c.ip}};
    b.answer(kConfig, json{{"code", "0"}, {"data", {row}}, {"msg", ""}}.dump());
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].uid == "9");
    CHECK(b.accounts[0].can_trade == c.trade);
    CHECK(b.accounts[0].can_transfer == c.trade);
    CHECK(b.accounts[0].can_withdraw == c.withdraw);
    CHECK(b.accounts[0].ip_bound == c.bound);
    CHECK(b.accounts[0].sub_account == AND_TRI_YES);
  }
}

TEST_CASE("a refused or ended channel is named, history goes on") {
  Bench b(true);
  b.start();
  know_clock(b);
  b.connect();
  b.frame(kConn, kLoggedIn);
  SECTION("account") {
    b.frame(kConn, failure(60018, "Wrong URL or channel", "account"));
    CHECK(b.redialled.empty());
    CHECK(b.errors.size() == 1);
    return;
  }
  SECTION("positions") { b.frame(kConn, failure(60011, "Please log in", "positions")); }
  SECTION("the thirty-first connection") {
    b.frame(kConn, kSubscribed);
    b.frame(kConn,
            R"({"event":"channel-conn-count-error","channel":"positions","connCount":"30","connId":"a4d3ae55"})");
  }
  CHECK(b.redialled.size() == 1);
  CHECK(b.statuses.back().state == "resync");
  CHECK(b.open_requests(kHistory).size() == 1);
}

TEST_CASE("a notice of an upgrade: the next private connection takes over before the old one goes") {
  Bench b(true);
  b.start();
  log_in(b);
  b.frame(kConn, R"({"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a"})");
  REQUIRE(b.dialled.size() == 2);
  const std::uint32_t next = b.dialled[1];
  b.opened(next);
  b.frame(next, kLoggedIn);
  CHECK(b.dropped.empty());
  b.frame(next, kSubscribed);
  CHECK(b.dropped == std::vector<std::uint32_t>{kConn});
  for (const SeenStatus& s : b.statuses) CHECK(s.state == "ready");
}

TEST_CASE("pushes: what ends a lifetime, and what does not (lessons 9, 11)") {
  Bench b(true);
  b.start();
  log_in(b);
  const auto push = [&](const std::string& pos, std::int64_t opened = 1'000) {
    b.frame(kConn, pushed({position("7", opened, pos)}));
    b.advance(350);
    return looks(b);
  };
  SECTION("growing, shrinking, told again: nothing") {
    for (const char* pos : {"10", "20", "5", "5", "0.1"}) CHECK(push(pos) == 0);
  }
  SECTION("zero, without ever having been open") { CHECK(push("0") == 1); }
  SECTION("turned without a zero") {
    CHECK(push("10") == 0);
    CHECK(push("-10", 2'000) == 1);
  }
  SECTION("turned under the same cTime") {
    CHECK(push("10") == 0);
    CHECK(push("-10") == 1);
  }
  SECTION("another lifetime, same side") {
    CHECK(push("10") == 0);
    CHECK(push("10", 2'000) == 1);
  }
  SECTION("zero and open again: moved margin") {
    CHECK(push("10") == 0);
    CHECK(push("0") == 1);
    b.answer(kHistory, page({}), 200, "posId");
    const std::size_t before = push("10");
    b.advance(60'000);
    CHECK(looks(b) == before);
  }
  CHECK(b.closes.empty());
  CHECK(b.errors.empty());
}

TEST_CASE("optional fields blank or gone: the row is read or named, the others of the push are (lesson 10)") {
  const json whole = position("8", 1'000, "10");
  for (const auto& item : whole.items()) {
    const std::string& member = item.key();
    for (const bool blank : {false, true}) {
      DYNAMIC_SECTION(member << (blank ? " blank" : " gone")) {
        Bench b(true);
        b.start();
        log_in(b);
        const json bad = blank ? with(whole, member, "") : without(whole, member);
        CHECK(b.frame(kConn, pushed({bad, position("9", 1'000, "0")})) == AND_OK);
        b.advance(350);
        CHECK(looks(b) == 1);
        const bool needed = member == "posId" || member == "cTime" || member == "pos";
        CHECK(b.errors.size() == (needed ? 1U : 0U));
      }
    }
  }
}

TEST_CASE("the asking for a row goes on after 0.3, 1, 2, 4, 8, 16 and 31 s, then with the history, the cursor waits") {
  Bench b(true);
  b.start(Bench::kStartMs - 3'600'000);
  log_in(b);
  while (!b.open_requests(kHistory).empty()) b.answer(kHistory, page({}));
  b.advance(15'000);
  while (!b.open_requests(kHistory).empty()) b.answer(kHistory, page({}));
  const std::size_t marks = b.watermarks.size();
  b.frame(kConn, pushed({position("7", b.now_ms - 5'000, "0")}));
  const std::int64_t told = b.now_ms;
  for (int i = 0; i < 90; ++i) {
    b.advance(1'000);
    while (!b.open_requests(kHistory).empty()) b.answer(kHistory, page({}));
  }
  CHECK(looks(b) == 7);
  CHECK(b.warnings.size() == 1);
  for (std::size_t i = marks; i < b.watermarks.size(); ++i)
    CHECK(std::stoll(b.watermarks[i].substr(b.watermarks[i].find('=') + 1)) < told);
  b.advance(60'000);
  b.answer(kHistory, page({closed_row("7", told - 5'000, told)}));
  CHECK(b.closes.size() == 1);
  b.answer(kHistory, page({}));
  CHECK(std::stoll(b.watermarks.back().substr(b.watermarks.back().find('=') + 1)) > told);
}

TEST_CASE("balance: empty fields are absent, a coin without figures is named (lesson 10)") {
  Bench b(true);
  b.start();
  const auto wallet = [](const json& details) {
    return json{{"code", "0"}, {"msg", ""}, {"data", {{{"adjEq", ""}, {"details", details}, {"totalEq", "1"}}}}}.dump();
  };
  b.query_balance();
  b.answer(kBalance, wallet({{{"ccy", "USDT"}, {"eq", "10"}, {"availEq", ""}, {"availBal", "9"}},
                             {{"ccy", "BTC"}, {"eq", ""}, {"availEq", "1"}, {"availBal", "1"}},
                             {{"ccy", "ETH"}, {"eq", "2"}, {"availEq", "1.5"}, {"availBal", "1"}}}));
  REQUIRE(b.balances.size() == 2);
  CHECK(b.balances[0].available == "9");
  CHECK(b.balances[1].currency == "ETH");
  CHECK(b.balances[1].available == "1.5");
  CHECK(b.errors.size() == 1);
  b.query_balance();
  b.answer(kBalance, refusal(50120, "no permission"));
  CHECK(b.statuses.back().feed == "balance");
  CHECK(b.statuses.back().state == "failed");
}

TEST_CASE(
    "requests: signed, each in its own budget, refused keys end in one sentence (keys of another region or of demo)") {
  Bench b(true, {{"demo", "yes"}});
  b.start();
  const SentRequest r = b.open_requests(kHistory).at(0);
  CHECK(r.sign == "rest");
  CHECK(r.rate == "history");
  CHECK(r.headers.find("x-simulated-trading: 1\n") != std::string::npos);
  CHECK(b.open_requests(kConfig).at(0).rate == "config");
  CHECK(b.answer(kHistory, refusal(50101, "APIKey does not match current environment."), 401) == AND_E_AUTH);
  CHECK(b.statuses.back().state == "failed");
  CHECK(b.statuses.back().detail.find("demo") != std::string::npos);
}

TEST_CASE("rate refusals wait and are repeated, in a body or in a status (lesson 34)") {
  Bench b(true);
  b.start();
  SECTION("code and status") { CHECK(b.answer(kHistory, refusal(50011, "Too Many Requests"), 429) == AND_OK); }
  SECTION("status alone") { CHECK(b.answer(kHistory, "", 429) == AND_OK); }
  SECTION("code with HTTP 200") { CHECK(b.answer(kHistory, refusal(50061), 200) == AND_OK); }
  SECTION("a gateway's page") { CHECK(b.answer(kHistory, "<html>", 502) == AND_OK); }
  SECTION("no JSON") { CHECK(b.answer(kHistory, "{\"code\":", 200) == AND_OK); }
  SECTION("no data") { CHECK(b.answer(kHistory, R"({"code":"0","msg":""})", 200) == AND_OK); }
  CHECK(b.open_requests(kHistory).empty());
  CHECK(b.watermarks.empty());
  b.advance(1'500);
  CHECK(b.open_requests(kHistory).size() == 1);
}

TEST_CASE("an account of one market leaves the other alone, and says so") {
  Bench b(true, {{"market", json::array({"linear"})}});
  b.start(0);
  json inverse = with(closed_row("5", b.now_ms - 9'000, b.now_ms - 8'000), "instId", "BTC-USD-SWAP");
  inverse["ccy"] = "BTC";
  b.answer(kHistory, page({inverse, closed_row("6", b.now_ms - 9'000, b.now_ms - 7'000)}));
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id.starts_with("6-"));
  CHECK(b.warnings.size() == 1);
  CHECK(Bench(true, {{"market", json::array({"spot"})}}).create_code == AND_E_CONFIG);
}
