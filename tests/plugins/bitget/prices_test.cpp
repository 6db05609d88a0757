// Prices, subscriptions and instrument lists of the public side.
#include <algorithm>
#include <catch2/catch.hpp>

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

const json kLinear{{"market", json::array({"linear"})}};

json options(const std::string& channel, const std::string& dialect = "v3") {
  return {{"price_channel", channel}, {"dialect", dialect}, {"market", json::array({"linear"})}};
}
std::string push(const std::string& symbol, const std::string& bids, const std::string& asks,
                 const std::string& topic = "books1", std::int64_t previous = 0,
                 std::int64_t sequence = 1'304'314'508'780'744'705, const std::string& action = "snapshot") {
  return R"({"data":[{"a":)" + asks + R"(,"b":)" + bids + R"(,"checksum":0,"pseq":)" + ms(previous) + R"(,"seq":)" +
         ms(sequence) + R"(,"ts":"1767225600000"}],"arg":{"instType":"usdt-futures","symbol":")" + symbol +
         R"(","topic":")" + topic + R"("},"action":")" + action + R"(","ts":1767225600001})";
}
std::string top(const std::string& symbol, const std::string& bids = R"([["90000.1","0.3"]])",
                const std::string& asks = R"([["90000.2","0.4"]])") {
  return push(symbol, bids, asks);
}
std::string ack(const std::string& symbol, const std::string& topic = "books1") {
  return R"({"event":"subscribe","arg":{"instType":"usdt-futures","topic":")" + topic + R"(","symbol":")" + symbol +
         R"("}})";
}
json args_of(const SentFrame& f) { return json::parse(f.text).at("args"); }

json contract(const std::string& symbol, const std::string& base, const std::string& category = "USDT-FUTURES") {
  const std::string quote = category == "COIN-FUTURES" ? "USD" : category == "USDC-FUTURES" ? "USDC" : "USDT";
  return {
      {"symbol", symbol},     {"category", category},     {"baseCoin", base},          {"quoteCoin", quote},
      {"isRwa", "NO"},        {"priceMultiplier", "0.1"}, {"symbolType", "perpetual"}, {"quantityMultiplier", "0.0001"},
      {"pricePrecision", "1"}};
}

void subscribe(Bench& b, const std::vector<std::string>& symbols) {
  b.start();
  b.connect();
  b.symbols(symbols);
}

}  // namespace

TEST_CASE("books1: each frame is the whole quote, one side or a crossed top takes it away (lessons 9, 31)") {
  Bench b(false, kLinear);
  subscribe(b, {"BTCUSDT"});
  b.frame(kConn, ack("BTCUSDT"));
  b.frame(kConn, top("BTCUSDT"));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].bid == "90000.1");
  CHECK(b.prices[0].ask == "90000.2");
  CHECK(b.prices[0].bid_size == "0.3");
  CHECK(b.prices[0].ask_size == "0.4");
  CHECK(b.prices[0].venue_ms == 1'767'225'600'000);  // the engine's, not the sender's
  CHECK(b.statuses.back().state == "ready");
  SECTION("an empty side") { b.frame(kConn, top("BTCUSDT", "[]")); }
  SECTION("null for the other") { b.frame(kConn, top("BTCUSDT", R"([["90000.1","3"]])", "null")); }
  SECTION("crossed") { b.frame(kConn, top("BTCUSDT", R"([["90001","3"]])")); }
  SECTION("locked") { b.frame(kConn, top("BTCUSDT", R"([["90000.2","3"]])")); }
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].withdrawn);
  b.frame(kConn, top("BTCUSDT", "[]"));
  CHECK(b.prices.size() == 2);  // said once
  b.frame(kConn, top("BTCUSDT"));
  CHECK(b.prices.size() == 3);
  CHECK(b.errors.empty());
}

TEST_CASE("one connection a product, each asked in its own words, v2 writes other names") {
  Bench v3(false), v2(false, {{"dialect", "v2"}});
  for (Bench* b : {&v3, &v2}) {
    b->start();
    b->answer(kInstruments, good(json::array({contract("BTCUSDT", "BTC")})), 200, "USDT-FUTURES");
    b->answer(kInstruments, good(json::array({contract("BTCPERP", "BTC", "USDC-FUTURES")})), 200, "USDC-FUTURES");
    b->answer(kInstruments, good(json::array({contract("BTCUSD", "BTC", "COIN-FUTURES")})), 200, "COIN-FUTURES");
    b->connect();
    b->symbols({"BTCUSDT", "BTCPERP", "BTCUSD"});
    REQUIRE(b->frames.size() == 3);
    CHECK(b->endpoints.at(kConn) == (b == &v3 ? "public.v3" : "public.v2"));
    CHECK(b->instruments.size() == 3);
  }
  CHECK(v3.frames[1].connection == 2);
  CHECK(args_of(v3.frames[1])[0] == json{{"instType", "usdc-futures"}, {"topic", "books1"}, {"symbol", "BTCPERP"}});
  CHECK(args_of(v2.frames[2])[0] == json{{"instType", "COIN-FUTURES"}, {"channel", "books1"}, {"instId", "BTCUSD"}});
  v2.frame(3, R"({"action":"snapshot","arg":{"instType":"COIN-FUTURES","channel":"books1","instId":"BTCUSD"},"data":)"
              R"([{"asks":[["100","0.5"]],"bids":[["99","2"]],"checksum":0,"seq":1,"ts":"5"}],"ts":6})");
  REQUIRE(v2.prices.size() == 1);
  CHECK(v2.prices[0].bid_size == "198");  // coins of an inverse contract, in its dollars
  CHECK(v2.prices[0].ask_size == "50");
}

TEST_CASE("spot and a contract of one name are two instruments, tickers of spot are refused") {
  Bench b(false, {{"market", json::array({"linear", "spot"})}});
  b.start();
  b.answer(kInstruments, good(json::array({contract("BTCUSDT", "BTC")})), 200, "USDT-FUTURES");
  b.answer(kInstruments, good(json::array({contract("BTCUSDT", "BTC", "SPOT")})), 200, "SPOT");
  REQUIRE(b.instruments.size() == 2);
  CHECK(b.instruments[0].id != b.instruments[1].id);
  b.connect();
  b.symbols({"BTCUSDT"});
  b.frame(1, top("BTCUSDT"));
  b.frame(
      3,
      R"({"arg":{"instType":"spot","topic":"books1","symbol":"BTCUSDT"},"action":"snapshot","data":[{"a":[["7","1"]],"b":[["6","1"]],"ts":"5"}]})");
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[0].instrument != b.prices[1].instrument);
  CHECK(Bench(false, {{"market", json::array({"spot"})}, {"price_channel", "ticker"}}).create_code == AND_E_CONFIG);
}

TEST_CASE("books: a snapshot, changes that name the one before, and only a broken symbol begins anew (lesson 30)") {
  Bench b(false, options("books"));
  subscribe(b, {"BTCUSDT", "ETHUSDT"});
  const std::int64_t s = 1'304'314'508'780'744'705;
  const auto book = [&](const std::string& symbol, const std::string& bids, const std::string& asks,
                        std::int64_t previous, std::int64_t sequence, const std::string& action = "update") {
    b.frame(kConn, push(symbol, bids, asks, "books", previous, sequence, action));
  };
  book("BTCUSDT", R"([["100","1"],["99","2"]])", R"([["101","1"],["102","5"]])", 0, s, "snapshot");
  book("ETHUSDT", R"([["10","1"]])", R"([["11","1"]])", 0, s, "snapshot");
  book("BTCUSDT", R"([["100","0"]])", "[]", s - 5, s + 3);  // the first contains the snapshot's number
  CHECK(b.prices.back().bid == "99");
  CHECK(b.prices.back().bid_size == "2");
  book("BTCUSDT", "[]", R"([["100.5","4"]])", s + 3, s + 9);
  CHECK(b.prices.back().ask == "100.5");
  const std::size_t before = b.prices.size(), sent = b.frames.size();
  SECTION("a change is lost") { book("BTCUSDT", "[]", R"([["100.4","4"]])", s + 10, s + 11); }
  SECTION("the numbers begin anew") { book("BTCUSDT", "[]", R"([["100.4","4"]])", 0, 7); }
  SECTION("a number that a double could not tell from the right one") { book("BTCUSDT", "[]", "[]", s + 10, s + 11); }
  REQUIRE(b.prices.size() == before + 1);
  CHECK(b.prices.back().withdrawn);
  CHECK(b.prices.back().symbol == "BTCUSDT");
  REQUIRE(b.frames.size() == sent + 2);  // unsubscribed and subscribed: a new snapshot
  CHECK(args_of(b.frames.back()).size() == 1);
  book("ETHUSDT", R"([["10.5","1"]])", "[]", s, s + 1);
  CHECK(b.prices.back().symbol == "ETHUSDT");
  CHECK_FALSE(b.prices.back().withdrawn);
  book("BTCUSDT", "[]", R"([["100.3","4"]])", s + 11, s + 12);  // nothing until the snapshot
  CHECK(b.prices.back().symbol == "ETHUSDT");
  book("BTCUSDT", R"([["98","1"]])", R"([["99","1"]])", 0, s + 20, "snapshot");
  CHECK(b.prices.back().bid == "98");
  CHECK(b.statuses.back().state == "ready");
}

TEST_CASE("tickers of both dialects, books5: the best level, the sender's time where there is no other") {
  Bench v3(false, options("ticker")), v2(false, options("ticker", "v2")), five(false, options("books5", "v2"));
  for (Bench* b : {&v3, &v2, &five}) subscribe(*b, {"BTCUSDT"});
  v3.frame(kConn,
           R"({"action":"snapshot","arg":{"instType":"usdt-futures","topic":"ticker","symbol":"BTCUSDT"},"data":)"
           R"([{"bid1Price":"99999","ask1Size":"188.3","bid1Size":"186.1","ask1Price":"100000"}],"ts":1695715383039})");
  REQUIRE(v3.prices.size() == 1);
  CHECK(v3.prices[0].bid_size == "186.1");
  CHECK(v3.prices[0].venue_ms == 1'695'715'383'039);
  v3.frame(kConn,
           R"({"action":"snapshot","arg":{"instType":"usdt-futures","topic":"ticker","symbol":"BTCUSDT"},"data":)"
           R"([{"bid1Price":"","ask1Size":"1","bid1Size":"","ask1Price":"100000"}],"ts":1695715383040})");
  CHECK(v3.prices.back().withdrawn);
  v2.frame(
      kConn,
      R"({"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"ticker","instId":"BTCUSDT"},"data":)"
      R"([{"instId":"BTCUSDT","bidPr":"27000","askPr":"27000.5","bidSz":"2.71","askSz":"8.76","ts":"7"}],"ts":9})");
  REQUIRE(v2.prices.size() == 1);
  CHECK(v2.prices[0].venue_ms == 7);
  five.frame(
      kConn,
      R"({"action":"snapshot","arg":{"instType":"USDT-FUTURES","channel":"books5","instId":"BTCUSDT"},"data":)"
      R"([{"asks":[["27000.5","8"],["27001.0","4"]],"bids":[["27000.0","2"],["26999.5","1"]],"ts":"7"}],"ts":9})");
  REQUIRE(five.prices.size() == 1);
  CHECK(five.prices[0].ask_size == "8");
}

TEST_CASE("twenty symbols a message of at most 4,096 bytes, all are asked again after a reconnect (lesson 24)") {
  Bench b(false, kLinear);
  std::vector<std::string> names;
  for (int i = 0; i < 45; ++i) names.push_back("ALONGERNAME" + std::to_string(i) + "USDT");
  subscribe(b, names);
  REQUIRE(b.frames.size() == 3);
  for (const SentFrame& f : b.frames) CHECK(f.text.size() < 4'096);
  b.closed(kConn);
  b.opened(kConn);
  CHECK(b.frames.size() == 6);
  CHECK(args_of(b.frames[5]).size() == 5);
}

TEST_CASE(
    "a refused symbol is named and costs no other, with arg, with its name in the text, or asked again (lessons 25, "
    "26)") {
  Bench b(false, kLinear);
  subscribe(b, {"BTCUSDT", "NOPEUSDT"});
  b.frame(kConn, ack("BTCUSDT"));
  SECTION("with arg, the code as text") {
    b.frame(
        kConn,
        R"({"event":"error","arg":{"instType":"usdt-futures","topic":"books1","symbol":"NOPEUSDT"},"code":"30001","msg":"doesn't exist"})");
  }
  SECTION("without arg, the code as number") {
    b.frame(
        kConn,
        R"({"event":"error","code":30001,"msg":"instType:usdt-futures,channel:books1,symbol:NOPEUSDT doesn't exist"})");
  }
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("NOPEUSDT") != std::string::npos);
  const std::size_t sent = b.frames.size();
  b.frame(kConn, top("BTCUSDT"));
  CHECK(b.prices.size() == 1);
  b.advance(30'000);
  CHECK(b.frames.size() == sent);  // refused is answered
  b.answer(kInstruments, good(json::array({contract("NOPEUSDT", "NOPE")})), 200, "USDT-FUTURES");
  CHECK(b.frames.size() == sent + 1);  // it may have been listed since
}

TEST_CASE("a subscription without an answer is repeated, then said, an ack of another symbol is not its (lesson 26)") {
  Bench b(false, kLinear);
  subscribe(b, {"BTCUSDT", "ETHUSDT"});
  b.frame(kConn, ack("BTCUSDT"));
  b.frame(kConn, ack("BTCUSDT", "ticker"));
  b.advance(10'100);
  REQUIRE(b.frames.size() == 2);
  CHECK(args_of(b.frames[1]).size() == 1);
  CHECK(args_of(b.frames[1])[0].at("symbol") == "ETHUSDT");
  b.advance(10'100);
  CHECK(b.errors.size() == 1);
}

TEST_CASE("a malformed row of the list is reported, the others are there, a failing list is asked again (lesson 38)") {
  Bench b(false, kLinear);
  b.start();
  b.answer(kInstruments, refusal("40808"), 400, "USDT-FUTURES");
  b.advance(1'100);
  json bad = contract("BADUSDT", "BAD"), strange = contract("ODDUSDT", "ODD"), stock = contract("TSLAUSDT", "TSLA");
  bad.erase("baseCoin");
  strange["symbolType"] = "option";
  stock["isRwa"] = "YES";
  const json lot = contract("1000BONKUSDT", "1000BONK");
  b.answer(kInstruments, good(json::array({bad, strange, contract("BTCUSDT", "BTC"), lot, stock})), 200,
           "USDT-FUTURES");
  CHECK(b.errors.size() == 3);
  REQUIRE(b.instruments.size() == 3);
  CHECK((b.instruments[0].flags & AND_INSTRUMENT_NO_CANONICAL) == 0);
  CHECK((b.instruments[1].flags & AND_INSTRUMENT_NO_CANONICAL) != 0);  // a lot of a thousand is not the coin
  CHECK((b.instruments[2].flags & AND_INSTRUMENT_NO_CANONICAL) != 0);  // nor is a stock
  CHECK(b.statuses.empty());
  b.answer(kInstruments, good(json::array()), 200, "USDC-FUTURES");
  CHECK(b.statuses.back().feed == "instruments");
}

TEST_CASE("too many requests: a while, then five minutes of rest (lesson 34)") {
  Bench b(false, {{"market", json::array({"inverse"})}});
  b.start();
  for (int i = 0; i < 3; ++i) {
    b.answer(kInstruments, refusal("429", "Too Many Requests"), 429);
    b.advance(5'000);
    REQUIRE(b.open_requests(kInstruments).size() == 1);
  }
  b.answer(kInstruments, refusal("429", "Too Many Requests"), 429);
  b.advance(299'000);
  CHECK(b.open_requests(kInstruments).empty());
  b.advance(2'000);
  CHECK(b.open_requests(kInstruments).size() == 1);
}

TEST_CASE("after 23 hours another connection is ready before the old one goes") {
  Bench b(false, kLinear);
  subscribe(b, {"BTCUSDT"});
  b.frame(kConn, ack("BTCUSDT"));
  b.frame(kConn, top("BTCUSDT"));
  b.advance(23LL * 3'600'000 + 1'000);
  REQUIRE(std::find(b.dialled.begin(), b.dialled.end(), 101U) != b.dialled.end());
  const auto gone = [&] { return std::find(b.dropped.begin(), b.dropped.end(), kConn) != b.dropped.end(); };
  CHECK_FALSE(gone());
  b.opened(101);
  b.frame(kConn, top("BTCUSDT"));
  b.frame(101, ack("BTCUSDT"));
  b.frame(101, top("BTCUSDT", R"([["90000","1"]])"));
  CHECK(gone());
  CHECK(b.prices.back().bid == "90000");
}
