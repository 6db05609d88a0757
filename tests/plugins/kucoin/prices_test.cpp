// The public side: tokens, welcomes, subscriptions, tickerV2 and level2Depth5, contracts. Numbers in the names are rows
// of the lessons that other systems paid for.
#include <catch2/catch.hpp>

#include "plugins/kucoin/bench.hpp"

using anduin::test::Bench;
using nlohmann::json;
namespace t = anduin::test;

namespace {

const std::string kXbt = "/contractMarket/tickerV2:XBTUSDTM";

json ticker(const std::string& symbol, std::int64_t sequence, const json& bid, const json& ask) {
  return {{"topic", "/contractMarket/tickerV2:" + symbol},
          {"type", "message"},
          {"subject", "tickerV2"},
          {"sn", sequence},
          {"data",
           {{"symbol", symbol},
            {"sequence", sequence},
            {"bestBidSize", 5044},
            {"bestBidPrice", bid},
            {"bestAskPrice", ask},
            {"bestAskSize", 73},
            {"ts", 1'746'270'500'123'456'789}}}};
}
std::string tick(std::int64_t sequence, const std::string& bid = "100", const std::string& ask = "101") {
  return ticker("XBTUSDTM", sequence, bid, ask).dump();
}
json contract(const std::string& symbol, bool inverse = false) {
  return {{"symbol", symbol},
          {"type", "FFWCSX"},
          {"baseCurrency", "XBT"},
          {"quoteCurrency", inverse ? "USD" : "USDT"},
          {"settleCurrency", inverse ? "XBT" : "USDT"},
          {"multiplier", inverse ? -1.0 : 0.001},
          {"lotSize", 1},
          {"tickSize", 0.1},
          {"isInverse", inverse},
          {"status", "Open"},
          {"expireDate", nullptr}};
}
json sent(const Bench& b, std::size_t i) { return json::parse(b.frames.at(i).text); }

/// Two symbols of the linear market on an open, greeted connection.
struct Live : Bench {
  explicit Live(json options = json::object()) : Bench(false, with_linear(std::move(options))) {
    start();
    symbols({"XBTUSDTM", "ETHUSDTM"});
    go();
  }
  static json with_linear(json o) {
    o["market"] = json::array({"linear"});
    return o;
  }
};

}  // namespace

TEST_CASE("a connection begins with a token, a welcome, and only then subscribes") {
  Bench b(false, {{"market", {"linear"}}});
  b.start();
  b.symbols({"XBTUSDTM", "ETHUSDTM"});
  b.connect();
  CHECK(b.opens.empty());
  b.answer(t::kPublicToken, t::token_answer("a=b_c-d.e=="));
  REQUIRE(b.opens.size() == 1);
  CHECK(b.opens[0].endpoint == "public");
  CHECK(b.opens[0].url == "wss://ws-api-futures.kucoin.com/?token=a%3Db_c-d.e%3D%3D&connectId=anduin-1-1");
  b.opened(1);
  CHECK(b.frames.empty());
  b.frame(1, R"({"id":"anduin-1-1","type":"welcome"})");
  REQUIRE(b.frames.size() == 1);
  CHECK(sent(b, 0).at("topic").get<std::string>().size() == kXbt.size() + 9);
  CHECK(sent(b, 0).at("type") == "subscribe");
  CHECK(sent(b, 0).at("id").is_string());
}

TEST_CASE("lesson 22: every dial asks for a new token, and the answer to an older question opens nothing") {
  Live b;
  CHECK(b.requests.size() == 2);  // the contracts and one token
  for (int loss = 0; loss < 5; ++loss) {
    b.closed(1, "401 token is expired");
    b.go("T" + std::to_string(loss));
    CHECK(b.opens.back().url.find("token=T" + std::to_string(loss)) != std::string::npos);
  }
  CHECK(b.opens.size() == 6);
  b.closed(1);
  b.connect();
  b.connect();  // the host asks again before the first answer is there
  const auto asked = b.open_requests(t::kPublicToken);
  REQUIRE(asked.size() == 2);
  b.answer(asked[0], t::token_answer("old"));
  CHECK(b.opens.size() == 6);
  b.answer(asked[1], t::token_answer("new"));
  CHECK(b.opens.size() == 7);
}

TEST_CASE("no token, no server, no JSON, a server that never greets: dialled again") {
  for (const std::string& body :
       {t::refusal("500000"), t::reply({{"token", ""}, {"instanceServers", json::array()}}),
        t::reply({{"token", "x"}, {"instanceServers", json::array()}}), std::string("<html>"), t::refusal("400100")}) {
    Bench b(false, {{"market", {"linear"}}});
    b.start();
    b.connect();
    b.answer(t::kPublicToken, body);
    CHECK(b.opens.empty());
    CHECK(b.redialled == std::vector<std::uint32_t>{1});
    CHECK(b.errors.size() == 1);
  }
  Bench b(false, {{"market", {"linear"}}});
  b.start();
  b.connect();
  b.answer(t::kPublicToken, t::token_answer());
  b.opened(1);
  b.advance(9'999);
  CHECK(b.redialled.empty());
  b.advance(1);
  CHECK(b.redialled.size() == 1);
}

TEST_CASE("a token that is refused on the socket leads to a new one, other refusals cost a topic") {
  Live b;
  b.frame(1, R"({"id":"x","type":"error","code":401,"data":"token is invalid"})");
  CHECK(b.redialled == std::vector<std::uint32_t>{1});
  Live c;
  c.frame(1,
          json{{"id", sent(c, 0).at("id")}, {"type", "error"}, {"code", 404}, {"data", "topic does not exist"}}.dump());
  REQUIRE(c.frames.size() == 3);  // lesson 25: taken apart, so that only the bad one is lost
  c.frame(1, json{{"id", sent(c, 1).at("id")}, {"type", "ack"}}.dump());
  c.frame(1,
          json{{"id", sent(c, 2).at("id")}, {"type", "error"}, {"code", 404}, {"data", "topic does not exist"}}.dump());
  CHECK(c.redialled.empty());
  REQUIRE(c.errors.size() == 1);
  CHECK(c.errors[0].find(sent(c, 2).at("topic").get<std::string>()) == 0);
}

TEST_CASE("lesson 26: too many at once is asked again later, an answer to another question changes nothing") {
  Live b;
  b.frame(1, json{{"id", sent(b, 0).at("id")}, {"type", "error"}, {"code", 509}, {"data", "exceed permits per second"}}
                 .dump());
  b.frame(1, R"({"id":"somebody","type":"ack"})");
  CHECK(b.frames.size() == 1);
  CHECK(b.redialled.empty());
  b.advance(10'000);
  REQUIRE(b.frames.size() == 3);
  CHECK(sent(b, 1).at("topic").get<std::string>().find(',') == std::string::npos);
}

TEST_CASE("lesson 24: after a reconnect what is wanted is subscribed, and nothing else") {
  Live b;
  b.symbols({"SOLUSDTM"}, {"ETHUSDTM"});
  b.closed(1);
  b.frames.clear();
  b.go();
  REQUIRE(b.frames.size() == 1);
  const std::string topic = sent(b, 0).at("topic");
  CHECK((topic == kXbt + ",SOLUSDTM" || topic == "/contractMarket/tickerV2:SOLUSDTM,XBTUSDTM"));
}

TEST_CASE("a hundred topics a frame, three hundred a connection, and what is beyond is said by name") {
  Bench b(false, {{"market", {"linear"}}});
  b.start();
  std::vector<std::string> many;
  for (int i = 0; i < 301; ++i) many.push_back("C" + std::to_string(i) + "USDTM");
  b.symbols(many);
  b.go();
  CHECK(b.frames.size() == 3);
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("C300USDTM") != std::string::npos);
}

TEST_CASE("prices as text, number and padded, sizes in lots, nanoseconds") {
  Live b;
  b.frame(1, ticker("XBTUSDTM", 1, "86454.50000", 86454.6).dump());
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == "XBTUSDTM");
  CHECK(b.prices[0].bid == "86454.5");
  CHECK(b.prices[0].ask == "86454.6");
  CHECK(b.prices[0].bid_size == "5044");
  CHECK(b.prices[0].ask_size == "73");
  CHECK(b.prices[0].venue_ms == 1'746'270'500'123);
  CHECK(b.statuses.back().feed == "prices");
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("a frame that was overtaken is dropped, gaps are none, a new connection counts from anew") {
  Live b;
  b.frame(1, tick(100));
  b.frame(1, tick(250, "102", "103"));
  b.frame(1, tick(249, "100", "101"));
  CHECK(b.prices.size() == 2);
  b.frame(1, tick(250, "102", "104"));
  CHECK(b.prices.size() == 3);
  b.closed(1);
  b.go();
  b.frame(1, tick(7));
  CHECK(b.prices.size() == 4);
  CHECK(b.errors.empty());
}

TEST_CASE("lessons 31 and 32: an empty side, a missing one, a locked or crossed top are no quote") {
  Live b;
  json gone = ticker("XBTUSDTM", 2, "100", "101"), null = ticker("XBTUSDTM", 4, nullptr, "101");
  gone.at("data").erase("bestAskPrice");
  b.frame(1, tick(1));
  b.frame(1, gone.dump());
  b.frame(1, tick(3));
  b.frame(1, null.dump());
  b.frame(1, tick(5, "101", "101"));
  b.frame(1, tick(6));
  b.frame(1, tick(7, "102", "101"));
  b.frame(1, tick(8, "0", "101"));
  std::string seen;
  for (const auto& p : b.prices) seen += p.withdrawn ? 'w' : 'p';
  CHECK(seen == "pwpwpw");
}

TEST_CASE("lesson 27: an acknowledged symbol that stays silent is named after fifteen seconds, the others live") {
  Live b;
  b.frame(1, json{{"id", sent(b, 0).at("id")}, {"type", "ack"}}.dump());
  b.frame(1, tick(1));
  b.advance(14'999);
  CHECK(b.errors.empty());
  b.advance(1);
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("ETHUSDTM") != std::string::npos);
  CHECK(b.redialled.empty());
}

TEST_CASE("lessons 28 and 29: pings are answered by the host, and a pong is no data") {
  for (const json& e : Bench::manifest().at("endpoints")) {
    if (e.at("kind") != "ws") continue;
    CHECK(e.at("ping").at("every_ms") <= 15'000);
    CHECK(e.at("idle_ms") >= 25'000);
    CHECK_FALSE(e.contains("liveness"));  // public: data; private: a missing pong ends it
  }
  Live b;
  b.frame(1, R"({"id":"ping","type":"pong","timestamp":1790113097236506})");
  CHECK(b.prices.empty());
  CHECK(b.errors.empty());
}

TEST_CASE("a day before a connection ends another takes over, and no quote is lost in between") {
  Live b;
  b.frame(1, tick(1));
  b.frame(1, ticker("ETHUSDTM", 1, "10", "11").dump());
  b.advance(23LL * 3600 * 1000);
  REQUIRE(b.dialled.size() == 2);
  const std::uint32_t second = b.dialled[1];
  CHECK(b.dropped.empty());
  b.prices.clear();
  const auto before = b.frames.size();
  // Only the new connection is due: the old one is open.
  b.dialled = {second};
  b.endpoints.clear();
  b.go("second");
  REQUIRE(b.opens.back().connection == second);
  CHECK(b.frames.size() > before);
  b.frame(second, ticker("XBTUSDTM", 5, "200", "201").dump());
  CHECK(b.prices.empty());  // the old one is in use until the new one knows all
  b.frame(1, tick(4, "199", "200"));
  CHECK(b.prices.size() == 1);
  b.frame(second, ticker("ETHUSDTM", 5, "20", "21").dump());
  CHECK(b.dropped == std::vector<std::uint32_t>{1});
  REQUIRE(b.prices.size() == 3);
  for (const auto& p : b.prices) CHECK_FALSE(p.withdrawn);
}

TEST_CASE("level2Depth5: the first level of each side, an empty side is no quote") {
  Live b(json{{"price_channel", "level2Depth5"}});
  CHECK(sent(b, 0).at("topic").get<std::string>().starts_with("/contractMarket/level2Depth5:"));
  const auto level = [](const json& price, int size) { return json::array({price, size}); };
  const auto depth = [](const json& bids, const json& asks, std::int64_t sequence) {
    return json{
        {"topic", "/contractMarket/level2Depth5:XBTUSDTM"},
        {"type", "message"},
        {"subject", "level2"},
        {"sn", 1},
        {"data",
         {{"bids", bids}, {"sequence", sequence}, {"timestamp", 1731680019100}, {"ts", 1731680019100}, {"asks", asks}}}}
        .dump();
  };
  b.frame(1, depth(json::array({level("89720.9", 513), level("89720.8", 12)}),
                   json::array({level(89721, 906), level("89721.1", 203)}), 10));
  b.frame(1, depth(json::array(), json::array({level("89721", 906)}), 11));
  b.frame(1, depth(json::array({level("89720", 1)}), json::array({level("89721", 2)}), 9));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[0].bid == "89720.9");
  CHECK(b.prices[0].ask == "89721");
  CHECK(b.prices[0].bid_size == "513");
  CHECK(b.prices[0].venue_ms == 1'731'680'019'100);
  CHECK(b.prices[1].withdrawn);
}

TEST_CASE("frames of other channels and of the level feed make no price") {
  Live b;
  b.frame(1, json{{"topic", "/contractMarket/level2:XBTUSDTM"},
                  {"type", "message"},
                  {"subject", "level2"},
                  {"data", {{"sequence", 1}, {"change", "39069.0,buy,23960"}, {"timestamp", 1}}}}
                 .dump());
  b.frame(1, json{{"topic", "/contractMarket/ticker:XBTUSDTM"},
                  {"type", "message"},
                  {"subject", "ticker"},
                  {"data", {{"symbol", "XBTUSDTM"}, {"bestBidPrice", "1"}, {"bestAskPrice", "2"}}}}
                 .dump());
  CHECK(b.prices.empty());
  CHECK(b.errors.empty());
}

TEST_CASE("lesson 33: a lot is the multiplier, one dollar for inverse contracts, lotSize is only the step of orders") {
  Bench b(false);
  b.start();
  json dated = contract("XBTMZ26", true);
  dated["type"] = "FFICSX";
  dated["expireDate"] = 1'798'185'600'000;
  json leaving = contract("OLDUSDTM");
  leaving["expireDate"] = 1'798'185'600'000;
  b.answer(t::kContracts, t::reply({contract("XBTUSDTM"), contract("XBTUSDM", true), dated, leaving}));
  REQUIRE(b.instruments.size() == 4);
  CHECK(b.instruments[0].contract_size == "0.001");
  CHECK(b.instruments[0].market == "linear");
  CHECK(b.instruments[0].tick == "0.1");
  CHECK(b.instruments[1].contract_size == "1");
  CHECK(b.instruments[1].market == "inverse");
  CHECK(b.instruments[1].settle == "XBT");
  CHECK(b.instruments[2].kind == AND_KIND_INVERSE_DATED);
  CHECK(b.instruments[2].flags == AND_INSTRUMENT_NO_CANONICAL);
  CHECK(b.instruments[3].kind == AND_KIND_LINEAR_PERPETUAL);
}

TEST_CASE("lesson 38: a contract that cannot be read costs itself, a failing list is asked again and said") {
  Bench b(false);
  b.start();
  json strange = contract("WHATUSDTM"), bare = contract("BAREUSDTM"), zero = contract("ZEROUSDTM");
  strange["type"] = "FFQQQQ";
  bare.erase("settleCurrency");
  zero["multiplier"] = 0;
  b.answer(t::kContracts, t::reply({strange, bare, zero, contract("XBTUSDTM")}));
  CHECK(b.instruments.size() == 1);
  CHECK(b.errors.size() == 3);
  CHECK(b.statuses.at(0).state == "ready");
  Bench c(false);
  c.start();
  for (const auto& [body, status] :
       {std::pair{std::string("{}"), 502}, {t::reply("nothing"), 200}, {t::refusal("500000"), 500}}) {
    c.answer(t::kContracts, body, status);
    c.advance(60'000);
  }
  CHECK(c.statuses.at(0).state == "resync");
  c.answer(t::kContracts, t::reply(json::array({contract("XBTUSDTM")})));
  CHECK(c.statuses.back().state == "ready");
}

TEST_CASE("linear and inverse contracts have a connection each, with neither wanted there is none") {
  Bench b(false);
  b.start();
  b.answer(t::kContracts, t::reply({contract("XBTUSDTM"), contract("XBTUSDM", true)}));
  b.symbols({"XBTUSDTM", "XBTUSDM"});
  b.go();
  REQUIRE(b.frames.size() == 2);
  CHECK(sent(b, 0).at("topic") == kXbt);
  CHECK(sent(b, 1).at("topic") == "/contractMarket/tickerV2:XBTUSDM");
  CHECK(b.frames[0].connection != b.frames[1].connection);
  b.symbols({}, {"XBTUSDM"});
  CHECK(b.dropped == std::vector<std::uint32_t>{2});
}

TEST_CASE("options that cannot be are named") {
  for (const json& options :
       {json{{"price_channel", "ticker"}}, json{{"market", {"spot"}}}, json{{"market", json::array()}}})
    CHECK(Bench(false, options).create_code == AND_E_CONFIG);
  CHECK(Bench(true, {{"balance", json::array()}}).create_code == AND_E_CONFIG);
}
