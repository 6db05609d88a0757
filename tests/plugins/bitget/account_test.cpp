// The account: its generation, the login, subscriptions, balance, key rights, refusals.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

const json kAuto{{"market", json::array({"linear"})}};

/// The socket is open, the clock known, the login accepted.
void log_in(Bench& b) {
  b.connect();
  for (int i = 0; i < 3; ++i) b.answer(kTime, good({{"serverTime", ms(b.now_ms)}}));
  REQUIRE(b.frames.size() == 1);
  CHECK(b.frames[0].sign == "ws");
  b.frame(kConn, kLoggedIn);
}
json args_of(const SentFrame& f) { return json::parse(f.text).at("args"); }

}  // namespace

TEST_CASE("the generation is asked before anything else, and decides what is dialled, asked and read") {
  for (const bool unified : {true, false}) {
    DYNAMIC_SECTION(unified) {
      Bench b(true, kAuto);
      b.start();
      b.connect();
      CHECK(b.opens.empty());
      CHECK(b.requests.size() == 2);  // that, and the time
      b.answer(kAssets, unified ? good({{"assets", json::array()}}) : refusal("40084"), unified ? 200 : 400);
      REQUIRE(b.opens.size() == 1);
      CHECK(b.opens[0].endpoint == (unified ? "private.v3" : "private.v2"));
      CHECK(b.open_requests(unified ? kV3Key : kV2Key).size() == 1);
      CHECK(b.open_requests(unified ? kV3History : kV2History).size() == 2);  // USDT and USDC
      CHECK(b.errors.empty());
      CHECK(b.statuses.empty());
    }
  }
}

TEST_CASE("a venue that does not say is asked again, loudly, nothing is guessed") {
  Bench b(true, kAuto);
  b.start();
  b.answer(kAssets, refusal("40014", "Incorrect permissions"), 400);
  CHECK(b.errors.size() == 1);
  CHECK(b.errors[0].find("private_dialect") != std::string::npos);
  CHECK(b.statuses.back().state == "resync");
  b.advance(30'100);
  b.answer(kAssets, refusal("40084"), 400);
  CHECK(b.open_requests(kV2Key).size() == 1);
}

TEST_CASE("the user upgrades his account: it is followed once, and back and forth is for a person (lesson 17)") {
  Bench b(true, kAuto);
  b.start();
  b.answer(kAssets, refusal("40084"), 400);
  b.connect();
  b.answer(kV2History, v2_page({}), 200, "USDT-FUTURES");
  b.answer(kV2History, refusal("40085", "You are in Unified Account mode"), 400, "USDC-FUTURES");
  CHECK(b.warnings.size() == 1);
  b.advance(100);
  CHECK(b.redialled == std::vector<std::uint32_t>{kConn});
  CHECK(b.open_requests(kV3Key).size() == 1);
  CHECK(b.open_requests(kV3History).size() == 1);  // the other sweep waits for its turn
  b.answer(kV2Key, refusal("40085"), 400);         // asked before the change
  CHECK(b.accounts.empty());
  SECTION("the new generation answers") {
    b.answer(kV3History, v3_page({v3_row("77", b.now_ms - 5'000)}));
    b.advance(5'100);
    b.answer(kV3History, v3_page({}));
    CHECK(b.closes.size() == 1);
    CHECK(std::any_of(b.coverage.begin(), b.coverage.end(), [](const SeenCoverage& c) { return !c.proven; }));
  }
  SECTION("it refuses as well") {
    CHECK(b.answer(kV3History, refusal("40084"), 400) == AND_E_AUTH);
    CHECK(b.statuses.back().state == "failed");
    CHECK(b.statuses.back().detail.find("private_dialect") != std::string::npos);
  }
}

TEST_CASE("the upgrade shows on the socket first: what v2 refuses there is forgotten with v2") {
  Bench b(true, kAuto);
  b.start();
  b.answer(kAssets, refusal("40084"), 400);
  log_in(b);
  for (const char* type : {"USDT-FUTURES", "USDC-FUTURES"})
    b.frame(kConn, R"({"event":"error","arg":{"instType":")" + std::string(type) +
                       R"(","channel":"positions-history","instId":"default"},"code":30001,"msg":"doesn't exist"})");
  CHECK(b.statuses.back().state == "resync");
  b.answer(kV2History, refusal("40085"), 400);
  b.advance(100);
  b.closed(kConn);
  b.frames.clear();
  b.connect();
  CHECK(b.opens.back().endpoint == "private.v3");
  b.frame(kConn, kLoggedIn);
  b.frame(kConn, kV3Ack);
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("a generation that is set by hand is not left: the refusal ends the account with a sentence") {
  Bench b(true, kClassic);
  b.start();
  CHECK(b.answer(kV2History, refusal("40085"), 400) == AND_E_AUTH);
  CHECK(b.statuses.back().detail.find("uta") != std::string::npos);
}

TEST_CASE("classic: login in seconds, then closes and balance of each product, ready when all are answered") {
  Bench b(true, {{"private_dialect", "classic"}});
  b.start();
  log_in(b);
  CHECK(b.frames[0].text.find("{{ts_s}}") != std::string::npos);
  REQUIRE(b.frames.size() == 2);
  CHECK(args_of(b.frames[1]).size() == 6);
  CHECK(b.frames[1].text.size() < 4'096);
  CHECK(args_of(b.frames[1])[1] == json{{"instType", "USDT-FUTURES"}, {"channel", "account"}, {"coin", "default"}});
  b.frame(kConn, v2_ack("USDT-FUTURES"));
  b.frame(kConn, v2_ack("USDC-FUTURES"));
  CHECK(b.statuses.empty());
  SECTION("all are accepted") {
    b.frame(kConn, v2_ack("COIN-FUTURES"));
    CHECK(b.statuses.back().state == "ready");
    b.closed(kConn);
    CHECK(b.statuses.back().state == "resync");
  }
  SECTION("the last is refused: there is nothing to listen to but for the others (lesson 25)") {
    b.frame(
        kConn,
        R"({"event":"error","arg":{"instType":"COIN-FUTURES","channel":"positions-history","instId":"default"},"code":30001,"msg":"doesn't exist"})");
    CHECK(b.redialled.size() == 1);
    CHECK(b.statuses.back().state == "resync");
  }
}

TEST_CASE("classic: a refused product costs no other, and the feed says so (lesson 25)") {
  Bench b(true, {{"private_dialect", "classic"}});
  b.start();
  log_in(b);
  b.frame(
      kConn,
      R"({"event":"error","arg":{"instType":"COIN-FUTURES","channel":"positions-history","instId":"default"},"code":30001,"msg":"doesn't exist"})");
  b.frame(kConn, v2_ack("USDT-FUTURES"));
  b.frame(kConn, v2_ack("USDC-FUTURES"));
  CHECK(b.statuses.back().state == "resync");
  CHECK(b.redialled.empty());
  b.frame(kConn, v2_ack("COIN-FUTURES"));  // asked again by nobody, but it may come late
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("unified: position and account, without an answer the socket is dialled anew") {
  Bench b(true, kUnified);
  b.start();
  log_in(b);
  CHECK(args_of(b.frames[1]).size() == 2);
  SECTION("acknowledged") {
    b.frame(kConn, kV3Ack);
    CHECK(b.statuses.back().state == "ready");
    b.advance(20'000);
    CHECK(b.redialled.empty());
  }
  SECTION("silence") {
    b.advance(10'100);
    CHECK(b.redialled == std::vector<std::uint32_t>{kConn});
  }
}

TEST_CASE("login codes: key, passphrase, signature end with advice, load and clock are tried again (lesson 36)") {
  for (const auto& [code, word] : std::map<std::string, std::string>{
           {"30011", "key"}, {"30012", "passphrase"}, {"30015", "secret"}, {"30005", "secret"}, {"30099", "login"}}) {
    DYNAMIC_SECTION(code) {
      Bench b(true, kClassic);
      b.start();
      b.connect();
      b.advance(5'100);
      CHECK(b.frame(kConn, R"({"event":"error","code":)" + code + R"(,"msg":"error"})") == AND_E_AUTH);
      CHECK(b.statuses.back().state == "failed");
      CHECK(b.statuses.back().detail.find(word) != std::string::npos);
    }
  }
  Bench b(true, kClassic);
  b.start();
  b.connect();
  b.advance(5'100);
  SECTION("too many requests") {
    CHECK(b.frame(kConn, R"({"event":"error","code":"30006","msg":"too many"})") == AND_OK);
    CHECK(b.redialled.size() == 1);
  }
  SECTION("a stamp outside the window: the clock is asked, then it is the host's") {
    for (int i = 0; i < 3; ++i) b.answer(kTime, refusal("45001"), 400);
    CHECK(b.frame(kConn, R"({"event":"error","code":30014,"msg":"expired"})") == AND_OK);
    CHECK(b.redialled.size() == 1);
    CHECK(b.open_requests(kTime).size() == 1);
    b.opened(kConn);
    b.advance(5'100);
    CHECK(b.frame(kConn, R"({"event":"error","code":30014,"msg":"expired"})") == AND_E_AUTH);
    CHECK(b.statuses.back().detail.find("clock") != std::string::npos);
  }
}

TEST_CASE("answers by code, whatever the status: keys end, releases and load are waited out (lessons 34, 36)") {
  Bench b(true, kUnified);
  b.start();
  const auto usdt = [&] {
    for (const SentRequest& r : b.open_requests(kV3History))
      if (r.query("category") == "USDT-FUTURES") return std::optional(r);
    return std::optional<SentRequest>();
  };
  for (const char* code : {"45001", "40725", "40808", "40015", "40200", "25001"}) {
    b.answer(*usdt(), refusal(code), 400);
    CHECK_FALSE(usdt());
    b.advance(61'000);
    REQUIRE(usdt());
  }
  CHECK(b.statuses.back().state == "resync");  // behind, and said so
  b.answer(*usdt(), v3_page({}));
  for (const char* code : {"40009", "40012", "40037", "40014"}) {
    Bench c(true, kUnified);
    c.start();
    CHECK(c.answer(kV3History, refusal(code), 401) == AND_E_AUTH);
    CHECK(c.statuses.back().state == "failed");
  }
}

TEST_CASE("a key that may not ask about itself: its rights stay unknown, closes go on") {
  Bench b(true, kClassic);
  b.start();
  CHECK(b.answer(kV2Key, refusal("40014", "need spot read"), 400) == AND_OK);
  REQUIRE(b.accounts.size() == 1);
  CHECK(b.accounts[0].can_trade == AND_TRI_UNKNOWN);
  Bench c(true, kUnified);
  c.start();
  c.answer(kV3Key, good({{"uid", "1"},
                         {"userId", "2"},
                         {"permType", "read-only"},
                         {"permissions", json::array({"uta_trade"})},
                         {"ips", ""}}));
  REQUIRE(c.accounts.size() == 1);
  CHECK(c.accounts[0].uid.empty());  // two users: whose?
  CHECK(c.errors.size() == 1);
}

TEST_CASE("balance: of every product of a classic account, of all coins of a unified one, unread ones are named") {
  Bench b(true, kClassic);
  b.start();
  b.query_balance();
  b.answer(kClassicBalance,
           good(json::array(
               {{{"marginCoin", "USDT"}, {"accountEquity", "10.5"}, {"available", "9"}, {"unrealizedPL", ""}}})),
           200, "USDT");
  b.answer(kClassicBalance, good(json::array({{{"marginCoin", "USDC"}, {"accountEquity", ""}, {"available", "9"}}})),
           200, "USDC");
  REQUIRE(b.balances.size() == 1);
  CHECK(b.balances[0].total == "10.5");
  CHECK(b.errors.size() == 1);
  Bench u(true, kUnified);
  u.start();
  u.query_balance();
  CHECK(u.answer(kAssets, refusal("40014"), 400) == AND_OK);
  CHECK(u.statuses.back().feed == "balance");
  CHECK(u.statuses.back().state == "failed");
}

TEST_CASE("options that cannot work are refused") {
  CHECK(Bench(true, {{"market", json::array({"spot"})}}).create_code == AND_E_CONFIG);
  CHECK(Bench(true, {{"market", json::array()}}).create_code == AND_E_CONFIG);
}
