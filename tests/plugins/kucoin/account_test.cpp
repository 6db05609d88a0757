// An account: token, greeting, what triggers a look into the history, balances, refusals. Numbers in the names are rows
// of the lessons that other systems paid for.
#include <catch2/catch.hpp>

#include "plugins/kucoin/bench.hpp"

using anduin::test::Bench;
using anduin::test::closed_row;
using anduin::test::position_frame;
using anduin::test::with;
using nlohmann::json;
namespace t = anduin::test;

namespace {

constexpr std::int64_t kNow = Bench::kStartMs, kOpened = kNow - 3'600'000;

struct Live : Bench {
  explicit Live(json options = json::object()) : Bench(true, std::move(options)) {
    live();
    requests.clear();
  }
  /// The looks into the history of one symbol that are open.
  [[nodiscard]] std::size_t looks() const {
    const auto all = open_requests(t::kHistory);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const auto& r) { return !r.query("symbol").empty(); }));
  }
  void answer_look(const t::Rows& rows) { answer(t::kHistory, t::page(rows), 200, "symbol="); }
};

}  // namespace

TEST_CASE("the private socket: a signed token, a welcome, two topics, then history") {
  Bench b(true);
  b.start();
  for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
  CHECK(b.clocks.size() == 3);
  b.connect();
  const auto asked = b.open_requests(t::kPrivateToken);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].method == "POST");
  CHECK(asked[0].endpoint == "rest");
  CHECK(asked[0].sign == "rest");
  CHECK(asked[0].rate == "connect");
  CHECK(asked[0].headers.find("KC-API-PASSPHRASE: {{sig.passphrase}}\n") != std::string::npos);
  CHECK(asked[0].headers.find("KC-API-KEY-VERSION: 3\n") != std::string::npos);
  b.answer(t::kPrivateToken, t::token_answer());
  b.opened(1);
  CHECK(b.frames.empty());
  b.frame(1, R"({"id":"x","type":"welcome"})");
  REQUIRE(b.frames.size() == 2);
  CHECK(json::parse(b.frames[0].text) == json{{"id", "positions"},
                                              {"type", "subscribe"},
                                              {"topic", "/contract/positionAll"},
                                              {"privateChannel", true},
                                              {"response", true}});
  CHECK(json::parse(b.frames[1].text).at("topic") == "/contractAccount/wallet");
  b.frame(1, R"({"id":"wallet","type":"ack"})");
  for (const auto& s : b.statuses) CHECK(s.feed != "positions");
  b.frame(1, R"({"id":"positions","type":"ack"})");
  CHECK(b.statuses.back().feed == "positions");
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("a welcome that comes before the clock is known is not lost, one that never comes dials again") {
  Bench b(true);
  b.start();
  b.connect();
  b.answer(t::kPrivateToken, t::token_answer());
  b.opened(1);
  b.frame(1, R"({"id":"x","type":"welcome"})");
  CHECK(b.frames.empty());
  for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
  CHECK(b.frames.size() == 2);
  Bench c(true);
  c.start();
  for (int i = 0; i < 3; ++i) c.answer(t::kTime, t::reply(c.now_ms));
  c.connect();
  c.answer(t::kPrivateToken, t::token_answer());
  c.opened(1);
  c.advance(10'000);
  CHECK(c.redialled == std::vector<std::uint32_t>{1});
}

TEST_CASE("lesson 22: an expired token is never used again") {
  Live b;
  b.frame(1, R"({"id":"x","type":"error","code":401,"data":"token is expired"})");
  CHECK(b.redialled == std::vector<std::uint32_t>{1});
  b.closed(1);
  b.go("next");
  CHECK(b.opens.back().url.find("token=next&") != std::string::npos);
}

TEST_CASE("a token that is refused: the key ends it, the clock is asked once, trouble passes") {
  const auto after = [](const std::string& body, int status) {
    auto b = std::make_unique<Bench>(true);
    b->start();
    for (int i = 0; i < 3; ++i) b->answer(t::kTime, t::reply(b->now_ms));
    b->connect();
    const int code = b->answer(t::kPrivateToken, body, status);
    return std::pair{std::move(b), code};
  };
  for (const char* code : {"400001", "400003", "400004", "400005", "400006", "400007", "400008", "400009", "411100"}) {
    const auto [b, result] = after(t::refusal(code, "venue words"), 401);
    INFO(code);
    CHECK(result == AND_E_AUTH);
    REQUIRE_FALSE(b->statuses.empty());
    CHECK(b->statuses.back().state == "failed");
    CHECK(b->statuses.back().detail.find("venue words") != std::string::npos);
    CHECK(b->statuses.back().detail.find(code) != std::string::npos);
  }
  const auto [clock, clock_result] = after(t::refusal("400002"), 401);
  CHECK(clock_result == AND_OK);
  CHECK(clock->open_requests(t::kTime).size() == 1);
  CHECK(clock->redialled.size() == 1);
  for (const auto& [body, status] : {std::pair{t::refusal("500000"), 500},
                                     {t::refusal("429000"), 429},
                                     {std::string("<html>1015"), 429},
                                     {std::string("<html>"), 502},
                                     {t::refusal("400100"), 200}}) {
    const auto [b, result] = after(body, status);
    CHECK(result == AND_OK);
    CHECK(b->redialled.size() == 1);
  }
}

TEST_CASE("a closed position is looked for at 0.3, 1, 2 s and on, until its row shows, its id and pnl are the row's") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 10, true));
  b.advance(1'000);
  CHECK(b.looks() == 0);
  b.frame(1, position_frame(kOpened, kNow + 500, 0, false));
  CHECK(b.closes.empty());
  b.advance(299);
  CHECK(b.looks() == 0);
  b.advance(1);
  REQUIRE(b.looks() == 1);
  const auto ask = b.open_requests(t::kHistory).at(0);
  CHECK(ask.query("symbol") == "XBTUSDTM");
  CHECK(ask.query("from") == std::to_string(kNow + 500 - 60'000));
  CHECK(ask.query("limit") == "200");
  CHECK(ask.query("pageId") == "1");
  b.answer_look({});
  b.advance(700);
  b.answer_look({closed_row("500000000026809668", kNow + 500, "0.51", kOpened)});
  b.advance(60'000);
  CHECK(b.looks() == 0);
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "500000000026809668");
  CHECK(b.closes[0].pnl == "0.51");
  CHECK(b.closes[0].origin == "history");
}

TEST_CASE("lesson 5: a partial reduce is no close, whatever it has earned") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 10, true));
  json reduce = json::parse(position_frame(kOpened, kNow + 1, 5, true));
  reduce["data"]["realisedPnl"] = 3.5;
  b.frame(1, reduce.dump());
  b.advance(59'000);
  CHECK(b.looks() == 0);
  CHECK(b.closes.empty());
}

TEST_CASE("a flip ends a cycle without saying so: by the sign, or by the opening time alone") {
  for (const int lots : {-4, 4}) {
    Live b;
    b.frame(1, position_frame(kOpened, kNow, 10, true));
    b.frame(1, position_frame(kNow + 1, kNow + 1, lots, true));
    b.advance(300);
    REQUIRE(b.looks() == 1);
    b.answer_look({closed_row("7", kNow + 1, "5", kOpened)});
    b.advance(59'000);
    CHECK(b.looks() == 0);
    CHECK(b.ids() == std::vector<std::string>{"7"});
  }
}

TEST_CASE("lesson 12: two lifecycles of one symbol are two closes, a late frame of the first asks for nothing") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 0, false));
  b.advance(300);
  b.answer_look({closed_row("1", kNow, "5", kOpened)});
  b.frame(1, position_frame(kNow + 1'000, kNow + 1'000, 3, true));
  b.frame(1, position_frame(kNow + 1'000, kNow + 2'000, 0, false));
  b.advance(300);
  b.answer_look({closed_row("2", kNow + 2'000, "6", kNow + 1'000), closed_row("1", kNow, "5", kOpened)});
  b.frame(1, position_frame(kOpened, kNow, 0, false));
  b.frame(1, position_frame(kNow + 1'000, kNow + 2'000, 0, false));
  b.advance(50'000);
  CHECK(b.looks() == 0);
  CHECK(b.ids() == std::vector<std::string>{"1", "2"});
}

TEST_CASE("lesson 6: hedge sides are positions of their own") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 10, true, "LONG"));
  b.frame(1, position_frame(kOpened + 5, kNow, -10, true, "SHORT"));
  b.advance(1'000);
  CHECK(b.looks() == 0);
  b.frame(1, position_frame(kOpened + 5, kNow + 1, 0, false, "SHORT"));
  b.frame(1, position_frame(kOpened, kNow + 1, 0, false, "LONG"));
  b.advance(300);
  CHECK(b.looks() == 2);
  const auto row = with(with(closed_row("9", kNow + 1, "-2", kOpened + 5), "type", "CLOSE_SHORT"), "side", "SHORT");
  b.answer_look({row});
  b.answer_look({closed_row("8", kNow + 1, "3", kOpened), row});
  b.advance(40'000);
  CHECK(b.looks() == 0);
  REQUIRE(b.closes.size() == 2);
  CHECK(b.closes[0].side == "short");
  CHECK(b.closes[1].side == "long");
}

TEST_CASE(
    "lessons 9 to 11: noise and frames that lack what only some positions have trigger nothing and break nothing") {
  Live b;
  const auto send = [&](const json& data, const char* subject = "position.change") {
    b.frame(1,
            json{{"topic", "/contract/positionAll"}, {"type", "message"}, {"subject", subject}, {"data", data}}.dump());
  };
  send({{"markPrice", 7947.83}, {"currentTimestamp", kNow}, {"changeReason", "markPriceChange"}});
  send({{"markPrice", 1},
        {"symbol", "XBTUSDTM"},
        {"changeReason", "markPriceChange"},
        {"currentQty", 0},
        {"isOpen", false}});
  send({{"fundingTime", kNow}, {"qty", 100}, {"fundingFee", -296}, {"settleCurrency", "XBT"}}, "position.settlement");
  send({{"symbol", "XBTUSDTM"}, {"riskLimitLevel", 2}, {"success", true}}, "position.adjustRiskLimit");
  send({{"symbol", "XBTUSDTM"}, {"changeReason", "marginChange"}});
  send({{"symbol", "XBTUSDTM"}, {"currentQty", -20}, {"openingTimestamp", kOpened}});
  b.advance(1'000);
  CHECK(b.looks() == 0);
  send({{"symbol", "XBTUSDTM"}, {"isOpen", false}});  // all but that is optional
  b.advance(300);
  CHECK(b.looks() == 1);
  // Without any time: one look, however often it is said.
  for (int i = 0; i < 3; ++i) send({{"symbol", "ETHUSDTM"}, {"isOpen", false}, {"currentTimestamp", kNow + i}});
  b.advance(300);
  CHECK(b.looks() == 2);
  CHECK(b.errors.empty());
  send({{"symbol", "XBTUSDTM"}, {"currentQty", "many"}});
  CHECK(b.errors.size() == 1);
  b.requests.clear();
  b.advance(2'000);
  CHECK(std::any_of(b.requests.begin(), b.requests.end(),
                    [](const auto& r) { return r.query("symbol").empty(); }));  // a sweep
}

TEST_CASE("a row that shows another opening time than the socket is found by its closing time, and said") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 0, false));
  b.advance(300);
  b.answer_look({closed_row("old", kNow - 59'000, "1", kOpened - 5)});
  CHECK(b.warnings.size() == 1);
  CHECK(b.ids() == std::vector<std::string>{"old"});
  b.advance(50'000);
  CHECK(b.looks() == 0);
}

TEST_CASE("a row that never shows: alarm, the cursor waits for an hour, then moves on unproven") {
  Live b;
  b.advance(1'000);
  b.frame(1, position_frame(kOpened, b.now_ms, 0, false));
  const std::int64_t closed = b.now_ms;
  const auto pass = [&](std::int64_t ms) {
    for (; ms > 0; ms -= 1'000) {
      b.advance(1'000);
      b.settle_history();
    }
  };
  pass(120'000);
  CHECK(b.warnings.size() == 1);
  REQUIRE_FALSE(b.watermarks.empty());
  CHECK(b.watermarks.back() == "v1 futures=" + std::to_string(closed - 1));
  pass(3'600'000);
  CHECK(b.warnings.size() == 2);
  CHECK(b.watermarks.back() != "v1 futures=" + std::to_string(closed - 1));
  CHECK(std::count_if(b.coverage.begin(), b.coverage.end(), [](const auto& c) { return !c.proven; }) == 1);
  pass(60'000);
  CHECK(b.coverage.back().proven);
}

TEST_CASE("lesson 33: the last lots of the stream stand in where the row tells no size, never part of the money") {
  Live b;
  b.frame(1, position_frame(kOpened, kNow, 12, true));
  b.frame(1, position_frame(kOpened, kNow + 1, 0, false));
  b.advance(300);
  b.answer_look({with(with(closed_row("1", kNow + 1, "-5", kOpened), "openPrice", nullptr), "closePrice", nullptr)});
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].size == "12");
  CHECK((b.closes[0].flags & (AND_CLOSE_SIZE_IN_BASE | AND_CLOSE_SIZE_DERIVED)) == 0);
  CHECK_FALSE(b.closes[0].entry.has_value());
}

TEST_CASE("balances: one call a currency, XBT is BTC, overtaken wallet frames are dropped, failures are said") {
  Live b(json{{"balance", {"USDT", "XBT"}}});
  b.query_balance();
  b.query_balance();  // one is under way
  b.answer(t::kOverview,
           t::reply({{"accountEquity", 394.439280806}, {"availableBalance", 290.326799096}, {"currency", "USDT"}}), 200,
           "currency=USDT");
  b.answer(t::kOverview, t::reply({{"accountEquity", 1.2e-7}, {"availableBalance", 0}, {"currency", "XBT"}}), 200,
           "currency=XBT");
  REQUIRE(b.balances.size() == 2);
  CHECK(b.balances[0].total == "394.439280806");
  CHECK(b.balances[1].currency == "BTC");
  CHECK(b.balances[1].total == "0.00000012");
  const auto wallet = [&](const char* version, const char* equity) {
    b.frame(1,
            json{{"topic", "/contractAccount/wallet"},
                 {"type", "message"},
                 {"subject", "walletBalance.change"},
                 {"data", {{"currency", "USDT"}, {"equity", equity}, {"availableBalance", "1"}, {"version", version}}}}
                .dump());
  };
  wallet("1337", "10");
  wallet("999", "9");
  wallet("1338", "11");
  REQUIRE(b.balances.size() == 4);
  CHECK(b.balances[3].total == "11");
  b.query_balance();
  b.answer(t::kOverview, t::refusal("400007"), 400);
  CHECK(b.statuses.back().feed == "balance");
  CHECK(b.statuses.back().state == "failed");
}

TEST_CASE("history that the key may not read ends the account with words that say what to do") {
  Bench b(true);
  b.start();
  const int code = b.answer(t::kHistory, t::refusal("400007", "Access denied, require more permission."), 400);
  CHECK(code == AND_E_AUTH);
  CHECK(b.statuses.back().detail.find("allow_trading_key") != std::string::npos);
}

TEST_CASE(
    "lesson 34: the stated time is waited for, without one it is overload, the network's ban closes the address") {
  const auto next_look_after = [](const std::string& body, const json& headers) {
    Bench b(true);
    b.start();
    for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
    b.answer(t::kHistory, body, 429, {}, headers);
    std::int64_t waited = 0;
    for (; b.open_requests(t::kHistory).empty() && waited < 120'000; waited += 50) b.advance(50);
    return waited;
  };
  CHECK(next_look_after(t::refusal("429000"), {{"gw-ratelimit-reset", "7000"}}) == 7'050);
  CHECK(next_look_after(t::refusal("429000"), json::object()) == 1'000);
  CHECK(next_look_after("<html>1015", json::object()) == 30'000);
  CHECK(next_look_after(t::refusal("500000"), json::object()) == 1'000);
}

TEST_CASE("lesson 36: a stamp that is refused asks the clock and tries once more") {
  Live b;
  b.advance(60'000);
  b.answer(t::kHistory, t::refusal("400002", "Invalid KC-API-TIMESTAMP"), 401);
  CHECK(b.open_requests(t::kTime).size() == 1);
  CHECK(b.open_requests(t::kHistory).empty());
  b.advance(1'000);
  CHECK(b.open_requests(t::kHistory).size() == 1);
}

TEST_CASE(
    "a topic that is refused: the wallet's is reported, the positions' dials again and says that history alone is "
    "read") {
  Bench b(true);
  b.start();
  for (int i = 0; i < 3; ++i) b.answer(t::kTime, t::reply(b.now_ms));
  b.go();
  b.frame(1, R"({"id":"wallet","type":"error","code":404,"data":"topic does not exist"})");
  CHECK(b.redialled.empty());
  CHECK(b.errors.size() == 1);
  b.frame(1, R"({"id":"positions","type":"error","code":403,"data":"login is required"})");
  CHECK(b.redialled == std::vector<std::uint32_t>{1});
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("the private socket is replaced before its day is over, the new one first") {
  Live b;
  b.advance(23LL * 3600 * 1000 - 1);
  CHECK(b.dialled.size() == 1);
  b.advance(1);
  REQUIRE(b.dialled.size() == 2);
  const std::uint32_t second = b.dialled[1];
  b.dialled = {second};
  b.endpoints.clear();
  b.go("second");
  CHECK(b.dropped.empty());
  b.frame(second, R"({"id":"positions","type":"ack"})");
  CHECK(b.dropped == std::vector<std::uint32_t>{1});
}

TEST_CASE("an account of one market leaves the other's closes out, and says so once") {
  Live b(json{{"market", {"linear"}}});
  b.advance(60'000);
  auto inverse = with(with(closed_row("2", kNow, "0.001"), "symbol", "XBTUSDM"), "settleCurrency", "XBT");
  b.answer(t::kHistory, t::page({inverse, with(inverse, "closeId", "3"), closed_row("1", kNow)}));
  CHECK(b.ids() == std::vector<std::string>{"1"});
  CHECK(b.warnings.size() == 1);
}
