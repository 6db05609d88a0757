// Prices, funding rates, subscriptions and instrument lists of the public side.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::uint32_t kNext = 101;  // the connection that replaces kConn
const std::string kBtc = "BTC-USDT-SWAP", kEth = "ETH-USDT-SWAP";

json channel(const std::string& name) { return {{"price_channel", name}}; }

std::string push(const std::string& name, const std::string& inst, const std::string& bids, const std::string& asks,
                 const std::string& more = R"("seqId":5)", const std::string& action = "") {
  return R"({"arg":{"channel":")" + name + R"(","instId":")" + inst + R"("},)" +
         (action.empty() ? "" : R"("action":")" + action + R"(",)") + R"("data":[{"asks":)" + asks + R"(,"bids":)" +
         bids + R"(,"ts":"1767225600000",)" + more + "}]}";
}
std::string bbo(const std::string& inst, const std::string& bids = R"([["90000","3","0","1"]])",
                const std::string& asks = R"([["90000.1","4","0","2"]])") {
  return push("bbo-tbt", inst, bids, asks);
}
std::string book(const std::string& bids, const std::string& asks, std::int64_t previous, std::int64_t sequence,
                 const std::string& inst = kBtc) {
  return push("books", inst, bids, asks, "\"prevSeqId\":" + ms(previous) + ",\"seqId\":" + ms(sequence),
              previous == -1 ? "snapshot" : "update");
}
std::string ack(const std::string& inst, const std::string& name = "bbo-tbt") {
  return R"({"id":"s1","event":"subscribe","arg":{"channel":")" + name + R"(","instId":")" + inst +
         R"("},"connId":"a4d3ae55"})";
}
json args_of(const SentFrame& f) { return json::parse(f.text).at("args"); }

json swap_row(const std::string& inst, const std::string& type = "linear") {
  return {{"instId", inst},  {"instType", "SWAP"}, {"ctType", type},      {"ctVal", "0.01"},
          {"ctMult", "1"},   {"ctValCcy", "BTC"},  {"settleCcy", "USDT"}, {"tickSz", "0.1"},
          {"state", "live"}, {"baseCcy", ""},      {"quoteCcy", ""}};
}

void subscribe(Bench& b, const std::vector<std::string>& symbols) {
  b.start();
  b.connect();
  b.symbols(symbols);
}

}  // namespace

TEST_CASE("bbo-tbt: each frame is the whole quote, one side or a crossed top takes it away (lessons 9, 31)") {
  Bench b(false);
  subscribe(b, {kBtc});
  b.frame(kConn, bbo(kBtc));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == kBtc);
  CHECK(b.prices[0].bid == "90000");
  CHECK(b.prices[0].ask == "90000.1");
  CHECK(b.prices[0].bid_size == "3");
  CHECK(b.prices[0].ask_size == "4");
  CHECK(b.prices[0].venue_ms == 1'767'225'600'000);
  CHECK(b.statuses.back().feed == "prices");
  CHECK(b.statuses.back().state == "ready");
  SECTION("an empty side") { b.frame(kConn, bbo(kBtc, "[]")); }
  SECTION("the other side") { b.frame(kConn, bbo(kBtc, R"([["90000","3","0","1"]])", "[]")); }
  SECTION("crossed before the opening") { b.frame(kConn, bbo(kBtc, R"([["90001","3","0","1"]])")); }
  SECTION("locked") { b.frame(kConn, bbo(kBtc, R"([["90000.1","3","0","1"]])")); }
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].withdrawn);
  b.frame(kConn, bbo(kBtc, "[]"));
  CHECK(b.prices.size() == 2);  // said once
  b.frame(kConn, bbo(kBtc));
  CHECK(b.prices.size() == 3);
  CHECK(b.errors.empty());
}

TEST_CASE("members in another order, several rows, frames of other channels, pongs") {
  Bench b(false);
  subscribe(b, {kBtc});
  b.frame(
      kConn,
      R"({"data":[{"seqId":1,"ts":"7","bids":[["1","1","0","1"]],"asks":[["2","1","0","1"]]},)"
      R"({"ts":"8","bids":[["1.5","1","0","1"]],"asks":[["2","1","0","1"]]}],"arg":{"instId":"BTC-USDT-SWAP","channel":"bbo-tbt"}})");
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[0].venue_ms == 7);
  CHECK(b.prices[1].bid == "1.5");
  b.frame(kConn, push("tickers", kBtc, "[]", "[]"));
  b.frame(kConn, R"({"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"px":"5"}]})");
  CHECK(b.frame(kConn, "pong") == AND_OK);
  CHECK(b.frame(kConn, R"({"event":"channel-conn-count","channel":"x","connCount":"2","connId":"a"})") == AND_OK);
  CHECK(b.prices.size() == 2);
  CHECK(b.errors.empty());
}

TEST_CASE("tickers: an empty side is none, not zero (lesson 32)") {
  Bench b(false, channel("tickers"));
  subscribe(b, {kBtc});
  const auto ticker = [&](const std::string& bid, const std::string& ask) {
    b.frame(
        kConn,
        R"({"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"",)"
        R"("askPx":")" +
            ask + R"(","askSz":"","bidPx":")" + bid + R"(","bidSz":"5","ts":"1597026383085"}]})");
  };
  ticker("8888.88", "9999.99");
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].ask_size == "0");
  ticker("", "9999.99");
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].withdrawn);
}

TEST_CASE("books: a chain of changes, zero deletes, equal ids are a heartbeat, a reset is legal (lesson 31)") {
  Bench b(false, channel("books"));
  subscribe(b, {kBtc});
  b.frame(kConn, book(R"([["100","1","0","1"],["99","2","0","1"]])", R"([["101","1","0","1"]])", -1, 10));
  b.frame(kConn, book(R"([["100","0","0","0"]])", "[]", 10, 17));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].bid == "99");
  b.frame(kConn, book("[]", "[]", 17, 17));
  b.frame(kConn, book(R"([["98","1","0","1"]])", "[]", 17, 3));  // after maintenance
  b.frame(kConn, book("[]", R"([["100.5","1","0","1"]])", 3, 5));
  CHECK(b.prices.back().ask == "100.5");
  CHECK(b.errors.empty());
  CHECK(b.frames.size() == 1);
}

TEST_CASE("books: a lost change makes one symbol invalid and is asked for anew (lesson 30)") {
  Bench b(false, channel("books"));
  subscribe(b, {kBtc, kEth});
  for (const std::string& inst : {kBtc, kEth}) {
    b.frame(kConn, ack(inst, "books"));
    b.frame(kConn, book(R"([["100","1","0","1"]])", R"([["101","1","0","1"]])", -1, 10, inst));
  }
  b.frame(kConn, book(R"([["99","1","0","1"]])", "[]", 12, 13));
  REQUIRE(b.prices.size() == 3);
  CHECK(b.prices[2].withdrawn);
  CHECK(b.prices[2].symbol == kBtc);
  REQUIRE(b.frames.size() == 3);
  CHECK(json::parse(b.frames[1].text).at("op") == "unsubscribe");
  CHECK(json::parse(b.frames[2].text).at("op") == "subscribe");
  CHECK(args_of(b.frames[2])[0].at("instId") == kBtc);
  b.frame(kConn, book(R"([["99","2","0","1"]])", "[]", 13, 14));
  b.frame(kConn, book(R"([["99","2","0","1"]])", "[]", 10, 11, kEth));
  CHECK(b.prices.size() == 4);
  CHECK(b.prices[3].symbol == kEth);
  b.frame(kConn, book(R"([["98","1","0","1"]])", R"([["101","1","0","1"]])", -1, 20));
  CHECK(b.prices.size() == 5);
  CHECK(b.prices[4].bid == "98");
}

TEST_CASE(
    "subscriptions: price and funding of a swap, one frame for many, a refused one costs only itself (lessons 25, "
    "26)") {
  Bench b(false);
  subscribe(b, {kBtc, "NOPE-USDT-SWAP", "BTC-USDT"});
  REQUIRE(b.frames.size() == 1);
  const json args = args_of(b.frames[0]);
  CHECK(args.size() == 5);  // spot has no funding
  const std::string id = json::parse(b.frames[0].text).at("id");
  CHECK(id.size() <= 32);
  b.frame(kConn, ack(kBtc));
  b.frame(kConn,
          failure(60018, "Wrong URL or channel:bbo-tbt,instId:NOPE-USDT-SWAP doesn't exist. Please use the correct URL",
                  id));
  b.frame(kConn, failure(60018, "Wrong URL or channel:funding-rate,instId:NOPE-USDT-SWAP doesn't exist.", id));
  b.frame(kConn, ack("BTC-USDT"));
  CHECK(b.errors.size() == 2);
  CHECK(b.errors[0].find("NOPE-USDT-SWAP") != std::string::npos);
  b.advance(30'000);
  CHECK(b.frames.size() == 1);  // nothing is silent
  b.frame(kConn, bbo(kBtc));
  CHECK(b.prices.size() == 1);
}

TEST_CASE("an error that names nothing fails its request: each of its topics is asked alone") {
  Bench b(false, {{"funding", "off"}});
  subscribe(b, {kBtc, kEth});
  b.frame(kConn, failure(60012, "Invalid request", json::parse(b.frames[0].text).at("id")));
  REQUIRE(b.frames.size() == 3);
  CHECK(args_of(b.frames[1]).size() == 1);
  CHECK(args_of(b.frames[2]).size() == 1);
}

TEST_CASE("an unanswered subscription is asked again, then said (lesson 26)") {
  Bench b(false);
  subscribe(b, {kBtc});
  b.advance(11'000);
  CHECK(b.frames.size() == 2);
  b.advance(11'000);
  CHECK(b.frames.size() == 3);
  REQUIRE_FALSE(b.errors.empty());
  CHECK(b.errors.back().find("does not answer") != std::string::npos);
}

TEST_CASE("after a reconnect everything is subscribed again (lesson 24)") {
  Bench b(false);
  subscribe(b, {kBtc, kEth});
  b.frame(kConn, bbo(kBtc));
  b.closed(kConn);
  b.symbols({"SOL-USDT-SWAP"}, {kEth});
  const std::size_t before = b.frames.size();
  b.connect();
  REQUIRE(b.frames.size() == before + 1);
  std::vector<std::string> wanted;
  for (const json& a : args_of(b.frames.back()))
    if (a.at("channel") == "bbo-tbt") wanted.push_back(a.at("instId"));
  std::sort(wanted.begin(), wanted.end());
  CHECK(wanted == std::vector<std::string>{kBtc, "SOL-USDT-SWAP"});
}

TEST_CASE("pongs go on, one symbol says nothing: it alone is withdrawn and asked for anew (lessons 27, 28, 29)") {
  Bench b(false);
  subscribe(b, {kBtc, kEth});
  for (const std::string& inst : {kBtc, kEth}) {
    b.frame(kConn, ack(inst));
    b.frame(kConn, bbo(inst));
  }
  const auto passes = [&](int seconds) {
    for (int i = 0; i < seconds; i += 5) {
      b.advance(5'000);
      b.frame(kConn, "pong");
      if (i % 60 == 0) b.frame(kConn, bbo(kEth));
    }
  };
  passes(60);
  CHECK(b.frames.size() == 1);
  passes(60);
  REQUIRE(b.frames.size() >= 3);
  CHECK(args_of(b.frames[1])[0].at("instId") == kBtc);
  const auto gone = std::count_if(b.prices.begin(), b.prices.end(), [](const SeenPrice& p) { return p.withdrawn; });
  CHECK(gone == 1);
  CHECK(b.redialled.empty());
  b.frame(kConn, bbo(kBtc));
  CHECK_FALSE(b.prices.back().withdrawn);
}

TEST_CASE("a notice of an upgrade: the next connection is ready before the old one goes") {
  Bench b(false);
  subscribe(b, {kBtc});
  b.frame(kConn, ack(kBtc));
  b.frame(kConn, bbo(kBtc));
  b.frame(
      kConn,
      R"({"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a"})");
  REQUIRE(b.dialled.back() == kNext);
  b.connect();
  CHECK(b.frames.back().connection == kNext);
  CHECK(b.dropped.empty());
  b.frame(kConn, bbo(kBtc, R"([["90000.05","1","0","1"]])"));
  CHECK(b.prices.back().bid == "90000.05");
  b.frame(kNext, bbo(kBtc, R"([["89999","1","0","1"]])"));
  CHECK(b.prices.back().bid == "89999");
  CHECK(b.dropped == std::vector<std::uint32_t>{kConn});
}

TEST_CASE("funding rates are events of their own") {
  Bench b(false);
  subscribe(b, {kBtc});
  const auto funding = [&](const std::string& rate, const std::string& next) {
    return b.frame(
        kConn,
        R"({"arg":{"channel":"funding-rate","instId":"BTC-USDT-SWAP"},"data":[{"formulaType":"withRate","fundingRate":")" +
            rate + R"(","fundingTime":"1700726400000","instId":"BTC-USDT-SWAP","instType":"SWAP","nextFundingRate":")" +
            next + R"(","nextFundingTime":"1700755200000","ts":"1700724675402"}]})");
  };
  CHECK(funding("-0.0001875391284828", "") == AND_OK);
  CHECK(funding("0.00027815", "0.00017") == AND_OK);
  REQUIRE(b.fundings.size() == 2);
  CHECK(b.fundings[0].symbol == kBtc);
  CHECK(b.fundings[0].rate == "-0.0001875391284828");
  CHECK_FALSE(b.fundings[0].next_rate);
  CHECK(b.fundings[0].due_ms == 1'700'726'400'000);
  CHECK(b.fundings[0].venue_ms == 1'700'724'675'402);
  CHECK(b.fundings[1].next_rate == "0.00017");
  CHECK(b.prices.empty());
  funding("", "");
  CHECK(b.errors.size() == 1);
  CHECK(b.fundings.size() == 2);
}

TEST_CASE("instruments: contract sizes, one bad row, another's answer, a failing list (lessons 33, 38)") {
  Bench b(false);
  b.start();
  CHECK(b.open_requests(kInstruments).at(0).query("instType") == "SWAP");
  const json spot{{"instId", "BTC-USDT"}, {"instType", "SPOT"}, {"baseCcy", "BTC"}, {"quoteCcy", "USDT"}};
  b.answer(kInstruments, page({spot}));
  CHECK(b.instruments.empty());
  b.advance(1'500);
  b.answer(kInstruments, refusal(50001, "down"), 503);
  b.advance(4'000);
  json bad = swap_row("BAD-USDT-SWAP"), odd = swap_row("ODD-USDT-SWAP", "quanto"),
       inverse = swap_row("BTC-USD-SWAP", "inverse");
  bad["ctVal"] = "";
  inverse["ctVal"] = "100";
  inverse["settleCcy"] = "BTC";
  json scaled = swap_row("SOL-USDT-SWAP");
  scaled["ctMult"] = "10";
  b.answer(kInstruments, page({bad, swap_row(kBtc), odd, inverse, scaled, swap_row("noname")}));
  REQUIRE(b.instruments.size() == 3);
  CHECK(b.instruments[0].native == kBtc);
  CHECK(b.instruments[0].base == "BTC");
  CHECK(b.instruments[0].quote == "USDT");
  CHECK(b.instruments[0].contract_size == "0.01");
  CHECK(b.instruments[0].kind == AND_KIND_LINEAR_PERPETUAL);
  CHECK(b.instruments[0].market == "linear");
  CHECK(b.instruments[1].kind == AND_KIND_INVERSE_PERPETUAL);
  CHECK(b.instruments[1].contract_size == "100");
  CHECK(b.instruments[1].settle == "BTC");
  CHECK(b.instruments[2].contract_size == "0.1");
  CHECK(b.errors.size() == 5);
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("markets and demo: lists that are asked for, rows that are kept, the header") {
  Bench spot(false, {{"market", json::array({"spot"})}});
  spot.start();
  REQUIRE(spot.open.size() == 1);
  CHECK(spot.open[0].query("instType") == "SPOT");
  CHECK(spot.open[0].headers.empty());
  Bench linear(false, {{"market", json::array({"linear"})}, {"demo", "yes"}});
  linear.start();
  CHECK(linear.open.at(0).headers == "x-simulated-trading: 1\n");
  linear.answer(kInstruments, page({swap_row(kBtc), swap_row("BTC-USD-SWAP", "inverse")}));
  CHECK(linear.instruments.size() == 1);
  CHECK(Bench(false, {{"market", json::array()}}).create_code == AND_E_CONFIG);
}

TEST_CASE("the recording of 2022 ends on the tops of its README") {
  ANDUIN_NEED_SHARED();
  const std::map<std::string, std::vector<std::string>> tops{
      {"BTC-USDT", {"30236.1", "0.18050747", "30236.2", "0.001"}},
      {"UNI-USD-SWAP", {"5.137", "20", "5.145", "50"}},
      {"BTC-USD-220527", {"30229.4", "2", "30238.8", "3"}}};
  const std::map<std::string, std::size_t> changes{{"BTC-USDT", 23}, {"UNI-USD-SWAP", 26}, {"BTC-USD-220527", 83}};
  Bench b(false, channel("books"));
  b.start();
  b.connect();
  std::ifstream in(*shared_dir() / "captures/okx/okx_public_20220513.jsonl");
  std::size_t frames = 0;
  for (std::string line; std::getline(in, line);) {
    const json l = json::parse(line);
    if (l.at("dir") != "in") continue;
    ++frames;
    CHECK(b.frame(kConn, l.at("text")) == AND_OK);
  }
  CHECK(frames == 410);
  CHECK(b.errors.empty());
  for (const auto& [symbol, top] : tops) {
    INFO(symbol);
    std::vector<SeenPrice> of;
    for (const SeenPrice& p : b.prices)
      if (p.symbol == symbol && (of.empty() || of.back().bid != p.bid || of.back().ask != p.ask)) of.push_back(p);
    CHECK(of.size() == changes.at(symbol));
    const auto last =
        std::find_if(b.prices.rbegin(), b.prices.rend(), [&](const SeenPrice& p) { return p.symbol == symbol; });
    CHECK(std::vector<std::string>{last->bid, last->bid_size, last->ask, last->ask_size} == top);
  }
}
