// Prices: the plugin under the host's runner against the simulated venue, and single frames by hand.
#include <catch2/catch.hpp>

#include "plugins/htx/bench.hpp"
#include "plugins/htx/world.hpp"

using namespace anduin::test;
using nlohmann::json;
namespace sim = anduin::sim;

namespace {

constexpr std::uint32_t kPublic = 1;

HtxWorld::LiveOptions prices_with(const std::string& channel) {
  HtxWorld::LiveOptions o;
  o.account = false;
  o.options["price_channel"] = channel;
  return o;
}

std::string bbo(const std::string& native, std::int64_t version, const std::string& bid, const std::string& ask) {
  return R"({"ch":"market.)" + native + R"(.bbo","ts":5,"tick":{"mrid":1,"bid":)" + bid + R"(,"ask":)" + ask +
         R"(,"ts":4,"version":)" + std::to_string(version) + "}}";
}

/// A public bench that streams one contract.
struct Streaming {
  explicit Streaming(const std::vector<std::string>& names = {"BTC-USDT"}, json options = json::object())
      : b(false, std::move(options)) {
    std::vector<json> rows;
    for (const std::string& name : names) rows.push_back(contract(name, "0.001"));
    b.start();
    b.answer(kContracts, contracts(rows));
    b.connect();
    b.symbols(names);
  }
  Bench b;
};

}  // namespace

TEST_CASE("both channels end on the market's own top, through gzip, repeats, older versions and missing sides") {
  const std::string channel = GENERATE("bbo", "depth.step0");
  HtxWorld w;
  auto live = w.start(prices_with(channel));
  live->subscribe({"BTC-USDT", "ETH-USDT"});
  w.advance(30'000);
  CHECK(live->ready);
  CHECK(live->prices > 100);
  CHECK(live->errors.empty());
  for (const auto& [symbol, bid, ask] :
       {std::tuple{"BTCUSDT", "64000.5", "64001"}, std::tuple{"ETHUSDT", "3000.11", "3000.12"}})
    w.control("price", json{{"symbol", symbol}, {"bid", bid}, {"ask", ask}}.dump());
  w.advance(2'000);
  CHECK(live->tops.at("BTC-USDT") == std::pair<std::string, std::string>("64000.5", "64001"));
  CHECK(live->tops.at("ETH-USDT") == std::pair<std::string, std::string>("3000.11", "3000.12"));
}

TEST_CASE(
    "pings are answered for ever, and a cut or silent socket is dialled and subscribed anew, lesson 24 and lesson 27") {
  HtxWorld w;
  auto live = w.start(prices_with("bbo"));
  live->subscribe({"BTC-USDT"});
  w.advance(120'000);
  CHECK(w.sim.simulator.connections() == 1);
  CHECK(sim::int_at(w.control("stats"), "opened", 0) == 1);
  w.control("drop", R"({"part":"public"})");
  w.advance(5'000);
  w.control("mute", R"({"part":"public","text":"bbo","ms":40000})");  // pings go on, data does not; lesson 28
  w.advance(30'000);
  CHECK(sim::int_at(w.control("stats"), "opened", 0) >= 3);
  w.advance(60'000);
  const std::size_t before = live->prices;
  w.advance(2'000);
  CHECK(live->prices > before);
  const sim::Json sockets = w.control("stats")["sockets"];
  REQUIRE(sockets.size() == 1);
  CHECK(sockets[0]["topics"].dump() == R"(["market.BTC-USDT.bbo"])");
}

TEST_CASE("a contract that HTX refuses costs no other, is named, and asked for again, lesson 25 and lesson 38") {
  HtxWorld w;
  auto live = w.start(prices_with("bbo"));
  live->subscribe({"LUNA-USDT", "BTC-USDT", "NOPE-USDT"});
  w.advance(5'000);
  CHECK(live->tops.contains("BTC-USDT"));
  REQUIRE(live->errors.size() == 2);
  CHECK(live->errors[0].find("market.LUNA-USDT.bbo") != std::string::npos);
  CHECK(live->errors[1].find("bad-request") != std::string::npos);
  w.advance(3'700'000);
  CHECK(live->errors.size() == 4);  // once an hour, with the list
}

TEST_CASE("acknowledgements: by id, late, missing, and data before them, lesson 26") {
  Streaming s;
  Bench& b = s.b;
  REQUIRE(b.frames.size() == 1);
  SECTION("no answer: asked again, then named") {
    b.advance(10'500);
    CHECK(b.frames.size() == 2);
    b.advance(10'500);
    REQUIRE(b.errors.size() == 1);
    CHECK(b.errors[0].find("does not answer") != std::string::npos);
  }
  SECTION("data stands for the answer") {
    b.frame(kPublic, bbo("BTC-USDT", 7, "[1,1]", "[2,1]"));
    b.advance(30'000);
    CHECK(b.frames.size() == 1);
    CHECK(b.errors.empty());
  }
  SECTION("another request's answer is not ours") {
    b.frame(kPublic, R"({"id":"s99","status":"ok","subbed":"market.BTC-USDT.bbo","ts":1})");
    b.advance(10'500);
    CHECK(b.frames.size() == 2);
  }
}

TEST_CASE(
    "sides: absent and null are no news, an empty list is no quote, zero and crossed are none, lesson 31 and lesson "
    "32") {
  Streaming s;
  Bench& b = s.b;
  b.frame(kPublic, bbo("BTC-USDT", 1, "[13064,38]", "[13072.3,205]"));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].bid_size == "38");
  CHECK(b.prices[0].venue_ms == 4);
  for (const char* side : {"null", "\"\""}) {
    b.frame(kPublic, bbo("BTC-USDT", 2, side, "[13072.3,205]"));
    b.frame(kPublic, bbo("BTC-USDT", 2, "[13064,38]", side));
  }
  b.frame(kPublic, R"({"ch":"market.BTC-USDT.bbo","ts":5,"tick":{"version":3,"ts":4}})");
  CHECK(b.prices.size() == 1);
  b.frame(kPublic, bbo("BTC-USDT", 4, "[]", "[13072.3,205]"));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].withdrawn);
  b.frame(kPublic, bbo("BTC-USDT", 5, "[1,1]", "[2,1]"));
  b.frame(kPublic, bbo("BTC-USDT", 6, "[3,1]", "[2,1]"));
  CHECK(b.prices.back().withdrawn);
  CHECK(b.errors.empty());
}

TEST_CASE("versions order a connection's quotes, and start anew with the next one") {
  Streaming s;
  Bench& b = s.b;
  b.frame(kPublic, bbo("BTC-USDT", 10, "[1,1]", "[2,1]"));
  b.frame(kPublic, bbo("BTC-USDT", 9, "[5,1]", "[6,1]"));
  b.frame(kPublic, bbo("BTC-USDT", 10, "[1.5,1]", "[2,1]"));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].bid == "1.5");
  b.closed(kPublic);
  b.opened(kPublic);
  b.frame(kPublic, bbo("BTC-USDT", 3, "[7,1]", "[8,1]"));
  CHECK(b.prices.back().bid == "7");
}

TEST_CASE("a whole book: the best of any order, empty levels left out, the time no order") {
  Streaming s({"BTC-USDT"}, {{"price_channel", "depth.step0"}});
  Bench& b = s.b;
  const auto book = [&](const std::string& bids, const std::string& asks) {
    return b.frame(kPublic, R"({"ch":"market.BTC-USDT.depth.step0","tick":{"mrid":1,"bids":)" + bids + R"(,"asks":)" +
                                asks + R"(,"ts":9,"version":1645289384},"ts":10})");
  };
  book("[[1,5],[3,1],[2,4]]", "[[9,1],[7,2],[8,3]]");
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].bid == "3");
  CHECK(b.prices[0].ask == "7");
  book("[[4,0],[3.5,1]]", "[[7,2]]");
  CHECK(b.prices[1].bid == "3.5");
  book("[[1.0E-8,1]]", "[[2E-8,1]]");
  CHECK(b.prices[2].bid == "0.00000001");
  book("[]", "[[7,2]]");
  CHECK(b.prices.back().withdrawn);
}

TEST_CASE(
    "the list: a bad row costs no other, a failure is asked again, delivery contracts are not served, lesson 38") {
  Bench b(false);
  b.start();
  b.answer(kContracts, "", 500);
  b.advance(1'500);
  b.answer(kContracts, R"({"status":"error","err_code":1032,"err_msg":"slow down"})");
  b.advance(3'000);
  json no_size = contract("XRP-USDT", "10"), zero = contract("SOL-USDT", "0");
  no_size.erase("contract_size");
  b.answer(kContracts,
           contracts({contract("BTC-USDT", "0.001"), no_size, zero, json::object(), contract("BTC-USDT-251226", "1"),
                      contract("1000PEPE-USDT", "1"), contract("ETH-USDT", "0.01")}));
  std::vector<std::string> names;
  for (const auto& i : b.instruments) names.push_back(i.native);
  CHECK(names == std::vector<std::string>{"BTC-USDT", "1000PEPE-USDT", "ETH-USDT"});
  CHECK((b.instruments[1].flags & AND_INSTRUMENT_NO_CANONICAL) != 0);
  CHECK(b.errors.size() == 5);  // two answers, three rows
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].state == "ready");
}

TEST_CASE("subscriptions: one a frame, none twice, gone when nobody wants them") {
  Streaming s({"BTC-USDT", "ETH-USDT"});
  Bench& b = s.b;
  REQUIRE(b.frames.size() == 2);
  b.symbols({"BTC-USDT"});
  CHECK(b.frames.size() == 2);
  b.symbols({}, {"ETH-USDT"});
  CHECK(json::parse(b.frames[2].text).at("unsub") == "market.ETH-USDT.bbo");
  b.frame(kPublic, bbo("ETH-USDT", 5, "[1,1]", "[2,1]"));
  CHECK(b.prices.empty());
  CHECK(b.opens.at(0).decode == AND_DECODE_GZIP);
  b.symbols({}, {"BTC-USDT"});
  CHECK(b.dropped.size() == 1);
}

TEST_CASE("options that cannot work are refused at the start") {
  CHECK(Bench(false, {{"price_channel", "detail"}}).create_code == AND_E_CONFIG);
}
