// Books, tickers, subscriptions and instrument lists of the public side.
#include <catch2/catch.hpp>

#include <fstream>
#include <set>

#include "plugins/bybit/bench.hpp"
#include "support/shared.hpp"

using anduin::test::Bench;
using nlohmann::json;

namespace {

constexpr std::uint32_t kLinear = 1, kInverse = 2, kSpot = 3;

json options(const std::string& channel, json market = json::array({"linear"})) {
  return {{"price_channel", channel}, {"market", std::move(market)}};
}

std::string book(const std::string& topic, const std::string& type, const std::string& bids, const std::string& asks,
                 std::int64_t u, std::int64_t cts = 1'700'000'000'001) {
  return R"({"topic":")" + topic + R"(","type":")" + type + R"(","ts":1700000000002,"data":{"s":"X","b":)" + bids +
         R"(,"a":)" + asks + R"(,"u":)" + std::to_string(u) + R"(,"seq":7},"cts":)" + std::to_string(cts) + "}";
}

std::vector<std::string> topics_of(const std::string& frame) { return json::parse(frame).at("args"); }

std::string ack(const std::string& frame, bool success, const std::string& text = "") {
  return json{{"success", success}, {"ret_msg", text}, {"conn_id", "c"}, {"req_id", json::parse(frame).at("req_id")},
              {"op", "subscribe"}}
      .dump();
}

std::string list_answer(const std::string& category, const std::vector<json>& rows, const std::string& next = "") {
  return json{{"retCode", 0}, {"retMsg", "OK"},
              {"result", {{"category", category}, {"list", rows}, {"nextPageCursor", next}}}}
      .dump();
}

json row(const std::string& symbol, const std::string& base, const std::string& quote = "USDT") {
  return {{"symbol", symbol},  {"contractType", "LinearPerpetual"}, {"status", "Trading"}, {"baseCoin", base},
          {"quoteCoin", quote}, {"settleCoin", quote},               {"priceFilter", {{"tickSize", "0.1"}}}};
}

/// Replays a capture through the prices instance, each frame to the connection of its URL.
void play(Bench& b, const std::string& file, const std::string& url, std::uint32_t connection) {
  std::ifstream in(*anduin::test::shared_dir() / "captures/bybit" / file);
  std::string line;
  while (std::getline(in, line)) {
    const json l = json::parse(line);
    if (l.at("kind") != "ws" || l.at("dir") != "in" || (!url.empty() && l.at("url") != url)) continue;
    CHECK(b.frame(connection, l.at("text")) == AND_OK);
  }
}

}  // namespace

TEST_CASE("depth 1: snapshots, key order, repeats, one-sided and crossed tops") {
  Bench b(false, options("orderbook.1"));
  b.start();
  b.connect();
  b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["32499.10","0.5"]])", R"([["32499.27","0.011534"]])", 873489));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == "BTCUSDT");
  CHECK(b.prices[0].bid == "32499.1");
  CHECK(b.prices[0].ask == "32499.27");
  CHECK(b.prices[0].bid_size == "0.5");
  CHECK(b.prices[0].venue_ms == 1'700'000'000'001);  // the engine's time, not the gateway's
  CHECK(b.statuses.back().feed == "prices");
  CHECK(b.statuses.back().state == "ready");

  SECTION("ts before type, data before topic, no cts") {
    b.frame(kLinear, R"({"data":{"u":5,"a":[["3","1"]],"b":[["2","1"]],"s":"E"},"ts":1700000000009,"type":"snapshot","topic":"orderbook.1.E"})");
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].bid == "2");
    CHECK(b.prices[1].venue_ms == 1'700'000'000'009);
  }
  SECTION("the same snapshot again is a sign of life") {
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["32499.10","0.5"]])", R"([["32499.27","0.011534"]])", 873489));
    CHECK(b.prices.size() == 2);
  }
  SECTION("a delta leaves a missing side as it is, size 0 deletes") {
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "delta", "[]", R"([["32499.20","0.01"],["32499.27","0"]])", 873490));
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].bid == "32499.1");
    CHECK(b.prices[1].ask == "32499.2");
  }
  SECTION("an old delta is dropped; u = 1 starts anew whatever the type says") {
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "delta", R"([["1","1"]])", "[]", 873000));
    CHECK(b.prices.size() == 1);
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "delta", R"([["10","1"]])", R"([["11","1"]])", 1));
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].bid == "10");
  }
  SECTION("an empty side withdraws, once; the next whole snapshot quotes again") {
    for (int i = 0; i < 2; ++i)
      b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", "[]", R"([["32499.27","1"]])", 873500 + i));
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].withdrawn);
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["1","1"]])", R"([["2","1"]])", 873503));
    CHECK_FALSE(b.prices.at(2).withdrawn);
  }
  SECTION("locked and crossed tops are never published") {
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["5","1"]])", R"([["5","1"]])", 873500));
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["6","1"]])", R"([["5","1"]])", 873501));
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].withdrawn);
  }
  SECTION("a malformed frame is reported and costs nothing else") {
    const auto bad = [&](const std::string& f) { CHECK(b.frame(kLinear, f) == AND_E_PROTOCOL); };
    bad(book("orderbook.1.BTCUSDT", "snapshot", R"([["x","1"]])", "[]", 873500));
    bad(book("orderbook.1.BTCUSDT", "snapshot", R"([["","1"]])", "[]", 873500));
    bad(book("orderbook.1.BTCUSDT", "snapshot", R"([["1"]])", "[]", 873500));
    bad(book("orderbook.1.BTCUSDT", "snapshot", R"([["-1","1"]])", "[]", 873500));
    bad(book("orderbook.1.BTCUSDT", "snapshot", R"([["1","-1"]])", "[]", 873500));
    bad(book("orderbook.1.BTCUSDT", "image", R"([["1","1"]])", "[]", 873500));
    bad(R"({"topic":"orderbook.1.BTCUSDT","type":)");
    bad("");
    bad("[1,2");
    CHECK(b.prices.size() == 1);
    b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["1","1"]])", R"([["2","1"]])", 873503));
    CHECK(b.prices.size() == 2);
  }
  SECTION("blank and null members that we can do without") {
    b.frame(kLinear, R"({"topic":"orderbook.1.B","ts":"","cts":null,"type":"snapshot","data":{"s":"","b":[["1","1"]],"a":[["2","1"]],"u":"","seq":null}})");
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].venue_ms == 0);
  }
  SECTION("other channels and other depths are not ours") {
    b.frame(kLinear, book("orderbook.50.BTCUSDT", "snapshot", R"([["1","1"]])", R"([["2","1"]])", 5));
    b.frame(kLinear, R"({"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[{"p":"1"}]})");
    CHECK(b.prices.size() == 1);
    CHECK(b.errors.empty());
  }
}

TEST_CASE("a lost delta voids one symbol until its new snapshot") {
  Bench b(false, options("orderbook.50"));
  b.start();
  b.answer("/v5/market/instruments-info", list_answer("linear", {row("A1USDT", "A1"), row("B1USDT", "B1")}));
  b.symbols({"A1USDT", "B1USDT"});
  b.connect();
  const auto both = [&](const std::string& type, std::int64_t u) {
    for (const char* s : {"A1USDT", "B1USDT"})
      b.frame(kLinear, book("orderbook.50." + std::string(s), type, R"([["10","1"]])", R"([["11","1"]])", u));
  };
  both("snapshot", 100);
  both("delta", 101);
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", R"([["10","2"]])", "[]", 101));  // delivered twice
  REQUIRE(b.prices.size() == 4);
  const std::size_t sent = b.frames.size();
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", R"([["10","3"]])", "[]", 103));
  REQUIRE(b.prices.size() == 5);
  CHECK(b.prices[4].withdrawn);
  CHECK(b.prices[4].symbol == "A1USDT");
  REQUIRE(b.frames.size() == sent + 2);
  CHECK(json::parse(b.frames[sent].text).at("op") == "unsubscribe");
  CHECK(topics_of(b.frames[sent].text) == std::vector<std::string>{"orderbook.50.A1USDT"});
  CHECK(json::parse(b.frames[sent + 1].text).at("op") == "subscribe");
  CHECK(b.statuses.back().state == "resync");
  // Nothing of it in between, the other symbol goes on.
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", R"([["10","4"]])", "[]", 104));
  b.frame(kLinear, book("orderbook.50.B1USDT", "delta", R"([["10","4"]])", "[]", 102));
  REQUIRE(b.prices.size() == 6);
  CHECK(b.prices[5].symbol == "B1USDT");
  b.frame(kLinear, book("orderbook.50.A1USDT", "snapshot", R"([["9","4"]])", R"([["12","1"]])", 110));
  CHECK(b.prices.back().symbol == "A1USDT");
  CHECK(b.prices.back().bid == "9");
  // A snapshot that never comes is asked for again.
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", "[]", "[]", 112));
  std::size_t asked = b.frames.size();
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", "[]", "[]", 113));
  CHECK(b.frames.size() == asked);
  b.advance(2'000);  // the second time within two minutes: after a pause
  CHECK(b.frames.size() == asked + 2);
  b.now_ms += 11'000;
  b.frame(kLinear, book("orderbook.50.A1USDT", "delta", "[]", "[]", 114));
  asked = b.frames.size();
  b.advance(4'000);
  CHECK(b.frames.size() >= asked + 2);
}

TEST_CASE("a book that stays crossed is asked for again") {
  Bench b(false, options("orderbook.50"));
  b.start();
  b.symbols({"A1USDT"});
  b.connect();
  b.frame(kLinear, book("orderbook.50.A1USDT", "snapshot", R"([["10","1"]])", R"([["11","1"]])", 100));
  const std::size_t sent = b.frames.size();
  for (int i = 1; i <= 30; ++i) b.frame(kLinear, book("orderbook.50.A1USDT", "delta", R"([["12","1"]])", "[]", 100 + i));
  CHECK(b.prices.size() == 2);
  CHECK(b.prices[1].withdrawn);
  CHECK(b.frames.size() == sent + 2);
}

TEST_CASE("gaps may be told to mean nothing") {
  json o = options("orderbook.200");
  o["book_gap"] = "ignore";
  Bench b(false, o);
  b.start();
  b.connect();
  b.frame(kLinear, book("orderbook.200.A1USDT", "snapshot", R"([["10","1"]])", R"([["11","1"]])", 100));
  b.frame(kLinear, book("orderbook.200.A1USDT", "delta", R"([["10.5","1"]])", "[]", 150));
  CHECK(b.prices.size() == 2);
}

TEST_CASE("tickers merge what deltas leave out") {
  Bench b(false, options("tickers"));
  b.start();
  b.connect();
  const auto ticker = [&](const std::string& type, const std::string& members) {
    return b.frame(kLinear, R"({"topic":"tickers.BTCUSDT","type":")" + type + R"(","data":{"symbol":"BTCUSDT")" + members +
                                R"(},"cs":1,"ts":1760325052630})");
  };
  ticker("snapshot", R"(,"bid1Price":"17215.50","bid1Size":"84.489")");
  CHECK(b.prices.empty());  // a side never seen is absent, not zero
  ticker("delta", R"(,"ask1Price":"17216.00","ask1Size":"83.020")");
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].bid == "17215.5");
  CHECK(b.prices[0].venue_ms == 1'760'325'052'630);
  ticker("delta", R"(,"lastPrice":"1")");
  CHECK(b.prices.size() == 2);
  ticker("delta", R"(,"bid1Price":"")");
  CHECK(b.prices.back().withdrawn);
  CHECK(ticker("delta", R"(,"bid1Price":"abc")") == AND_E_PROTOCOL);
  CHECK(Bench(false, options("tickers", json::array({"spot"}))).create_code == AND_E_CONFIG);
}

TEST_CASE("instrument lists: pages, bad rows, retries") {
  Bench b(false);
  b.start();
  REQUIRE(b.open_requests("/v5/market/instruments-info").size() == 2);
  json bad = row("BADUSDT", "BAD");
  bad.erase("baseCoin");
  b.answer("/v5/market/instruments-info", list_answer("linear", {row("BTCUSDT", "BTC"), bad, 7, row("SHIB1000USDT", "SHIB1000")}, "a%3Db"),
           200, "category=linear");
  CHECK(b.instruments.size() == 2);
  CHECK(b.errors.size() == 2);
  CHECK(b.errors[0].find("BADUSDT") != std::string::npos);
  CHECK((b.instruments[1].flags & AND_INSTRUMENT_NO_CANONICAL) != 0);
  // The cursor is opaque: it is encoded once more.
  REQUIRE(b.open.back().query("cursor") == "a%253Db");
  b.answer("/v5/market/instruments-info", list_answer("linear", {row("1INCHUSDT", "1INCH"), row("1000PEPEUSDT", "1000PEPE")}), 200, "cursor");
  CHECK((b.instruments[2].flags & AND_INSTRUMENT_NO_CANONICAL) == 0);
  CHECK((b.instruments[3].flags & AND_INSTRUMENT_NO_CANONICAL) != 0);
  CHECK(b.statuses.empty());
  // A failed list is asked again, ever later, and is never an empty one.
  b.answer("/v5/market/instruments-info", R"({"retCode":10016,"retMsg":"busy","result":{}})", 200, "category=inverse");
  CHECK(b.open.empty());
  b.advance(1'000);
  b.answer("/v5/market/instruments-info", R"({"retCode":0,"retMsg":"OK","result":{}})", 200, "category=inverse");
  b.advance(2'000);
  b.answer("/v5/market/instruments-info", "<html>", 502, "category=inverse");
  CHECK(b.statuses.back().state == "resync");
  b.advance(4'000);
  b.answer("/v5/market/instruments-info", "Access too frequent", 403, "category=inverse");
  b.advance(600'000);
  CHECK(b.open.empty());  // ten minutes of silence
  b.advance(6'000);
  b.answer("/v5/market/instruments-info", list_answer("inverse", {}), 200, "category=inverse");
  CHECK(b.statuses.back().feed == "instruments");
  CHECK(b.statuses.back().state == "ready");
  b.advance(3'600'000);
  CHECK(b.open_requests("/v5/market/instruments-info").size() == 2);  // new contracts every hour
}

TEST_CASE("one name in two categories is two instruments") {
  Bench b(false, options("orderbook.1", json::array({"linear", "spot"})));
  b.start();
  json spot = row("BTCUSDT", "BTC");
  spot.erase("contractType");
  spot.erase("settleCoin");
  b.answer("/v5/market/instruments-info", list_answer("linear", {row("BTCUSDT", "BTC")}), 200, "linear");
  b.answer("/v5/market/instruments-info", list_answer("spot", {spot}), 200, "spot");
  REQUIRE(b.instruments.size() == 2);
  CHECK(b.instruments[0].id != b.instruments[1].id);
  CHECK(b.instruments[1].kind == AND_KIND_SPOT);
  b.connect();
  b.frame(kLinear, book("orderbook.1.BTCUSDT", "snapshot", R"([["10","1"]])", R"([["11","1"]])", 100));
  b.frame(2, book("orderbook.1.BTCUSDT", "snapshot", R"([["20","1"]])", R"([["21","1"]])", 100));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[0].instrument == b.instruments[0].id);
  CHECK(b.prices[1].instrument == b.instruments[1].id);
}

TEST_CASE("subscriptions: batches of ten, one bad topic, silence, after every open again") {
  Bench b(false, options("orderbook.1"));
  b.start();
  std::vector<json> rows;
  std::vector<std::string> symbols;
  for (int i = 0; i < 23; ++i) {
    symbols.push_back("C" + std::to_string(i) + "USDT");
    rows.push_back(row(symbols.back(), "C" + std::to_string(i)));
  }
  b.answer("/v5/market/instruments-info", list_answer("linear", rows));
  b.symbols(symbols);
  CHECK(b.frames.empty());  // not open yet
  b.connect();
  REQUIRE(b.frames.size() == 3);
  CHECK(topics_of(b.frames[0].text).size() == 10);
  CHECK(topics_of(b.frames[2].text).size() == 3);

  SECTION("a refused batch is taken apart, the bad topic is named") {
    b.frame(kLinear, ack(b.frames[0].text, true));
    b.frame(kLinear, ack(b.frames[2].text, true));
    b.frame(kLinear, ack(b.frames[1].text, false, "error:handler not found,topic:orderbook.1.C12USDT"));
    REQUIRE(b.frames.size() == 13);
    for (std::size_t i = 3; i < 13; ++i) {
      const auto topics = topics_of(b.frames[i].text);
      REQUIRE(topics.size() == 1);
      if (topics[0] == topics_of(b.frames[1].text)[4]) b.frame(kLinear, ack(b.frames[i].text, false, "handler not found"));
      else if (i == 3) b.frame(kLinear, ack(b.frames[i].text, false, "already subscribed"));
      else b.frame(kLinear, ack(b.frames[i].text, true));
    }
    REQUIRE(b.errors.size() == 1);
    CHECK(b.errors[0].find(topics_of(b.frames[1].text)[4]) == 0);
    b.advance(120'000);
    CHECK(b.frames.size() == 13);
  }
  SECTION("acknowledgements without an id go to the oldest request; foreign ids to nobody") {
    b.frame(kLinear, R"({"success":false,"ret_msg":"no","req_id":"zzz","op":"subscribe"})");
    CHECK(b.frames.size() == 3);
    b.frame(kLinear, R"({"success":false,"ret_msg":"no","req_id":"","op":"subscribe"})");
    CHECK(b.frames.size() == 13);
    CHECK(topics_of(b.frames[3].text)[0] == topics_of(b.frames[0].text)[0]);
  }
  SECTION("no answer: once more one by one, then an alarm; data is an answer") {
    b.frame(kLinear, ack(b.frames[0].text, true));
    b.frame(kLinear, ack(b.frames[1].text, true));
    const auto silent = topics_of(b.frames[2].text);
    b.frame(kLinear, book(silent[0], "snapshot", R"([["1","1"]])", R"([["2","1"]])", 5));
    b.advance(10'500);
    REQUIRE(b.frames.size() == 5);
    CHECK(topics_of(b.frames[3].text) == std::vector<std::string>{silent[1]});
    CHECK(b.errors.empty());
    b.advance(10'500);
    CHECK(b.errors.size() == 2);
    const std::size_t sent = b.frames.size();
    b.advance(30'000);
    CHECK(b.frames.size() == sent);
    b.advance(50'000);
    CHECK(b.frames.size() > sent);
  }
  SECTION("a new connection subscribes everything that is wanted, and nothing else") {
    b.symbols({"NEWUSDT"}, {"C0USDT"});
    REQUIRE(b.frames.size() == 5);
    CHECK(json::parse(b.frames[3].text).at("op") == "unsubscribe");
    b.frame(kLinear, book("orderbook.1.C0USDT", "snapshot", R"([["1","1"]])", R"([["2","1"]])", 5));
    CHECK(b.prices.empty());  // a late frame of what was removed
    b.closed(kLinear);
    b.frames.clear();
    b.opened(kLinear);
    std::set<std::string> now;
    for (const auto& f : b.frames)
      for (const auto& t : topics_of(f.text)) now.insert(t);
    CHECK(now.size() == 23);
    CHECK(now.count("orderbook.1.C0USDT") == 0);
    CHECK(now.count("orderbook.1.NEWUSDT") == 1);
  }
  SECTION("a book of the old connection is void on the new one") {
    b.frame(kLinear, book("orderbook.1.C1USDT", "snapshot", R"([["1","1"]])", R"([["2","1"]])", 5));
    b.closed(kLinear);
    b.opened(kLinear);
    b.frame(kLinear, book("orderbook.1.C1USDT", "delta", R"([["1.5","1"]])", "[]", 6));
    CHECK(b.prices.size() == 1);
  }
}

TEST_CASE("connections nobody needs are closed, and dialled when they are needed") {
  Bench b(false);
  b.start();
  CHECK(b.dialled == std::vector<std::uint32_t>{kLinear, kInverse});
  b.answer("/v5/market/instruments-info", list_answer("linear", {row("BTCUSDT", "BTC")}));
  json inverse = row("BTCUSD", "BTC", "USD");
  inverse["contractType"] = "InversePerpetual";
  b.answer("/v5/market/instruments-info", list_answer("inverse", {inverse}));
  b.symbols({"BTCUSDT"});
  CHECK(b.dropped == std::vector<std::uint32_t>{kInverse});
  b.symbols({"BTCUSD"});
  CHECK(b.dialled.back() == kInverse);
}

TEST_CASE("topics of one connection stay within the venue's 21,000 characters") {
  Bench b(false, options("orderbook.1"));
  b.start();
  std::vector<std::string> symbols;
  for (int i = 0; i < 1'100; ++i) symbols.push_back("SYMBOL" + std::to_string(1'000 + i) + "USDT");
  b.symbols(symbols);
  b.connect();
  std::size_t characters = 0;
  for (const auto& f : b.frames)
    for (const auto& t : topics_of(f.text)) characters += t.size();
  CHECK(characters <= 21'000);
  CHECK(characters > 20'900);
  CHECK_FALSE(b.errors.empty());
}

TEST_CASE("captures: the v5 book ends as its README says") {
  ANDUIN_NEED_SHARED();
  Bench b(false, options("orderbook.500"));
  b.start();
  b.connect();
  play(b, "v5_linear_ob500_xrpusdt_2024-12-01.jsonl", "", kLinear);
  REQUIRE(b.prices.size() == 50);
  CHECK(b.prices.back().symbol == "XRPUSDT");
  CHECK(b.prices.back().bid == "1.9537");
  CHECK(b.prices.back().bid_size == "10605");
  CHECK(b.prices.back().ask == "1.9538");
  CHECK(b.prices.back().ask_size == "6702");
  CHECK(b.prices.back().venue_ms == 1'733'011'205'488);
  CHECK(b.errors.empty());
}

TEST_CASE("captures: the sample frames are all understood") {
  ANDUIN_NEED_SHARED();
  for (const auto& [url, connection] : {std::pair{"wss://stream.bybit.com/v5/public/linear", kLinear},
                                        std::pair{"wss://stream.bybit.com/v5/public/spot", kSpot}}) {
    Bench b(false, options("orderbook.1", json::array({"linear", "spot"})));
    b.start();
    b.connect();
    play(b, "v5_sample_frames.jsonl", url, connection);
    CHECK(b.errors.empty());
  }
}

TEST_CASE("captures: the retired dialect publishes nothing and harms nothing") {
  ANDUIN_NEED_SHARED();
  for (const char* channel : {"orderbook.1", "orderbook.50", "tickers"}) {
    Bench b(false, options(channel, json::array({"linear", "inverse"})));
    b.start();
    b.connect();
    play(b, "legacy_inverse_2021.jsonl", "", kInverse);
    CHECK(b.prices.empty());
    CHECK(b.instruments.empty());
    CHECK(b.errors.empty());
    CHECK(b.statuses.empty());
  }
}

TEST_CASE("options that cannot work are refused with their place") {
  CHECK(Bench(false, options("orderbook")).create_code == AND_E_CONFIG);
  CHECK(Bench(false, {{"market", json::array()}}).create_code == AND_E_CONFIG);
  CHECK(Bench(false, {{"market", "linear,option"}}).create_code == AND_E_CONFIG);
  CHECK(Bench(false, {{"market", "linear,inverse"}}).create_code == AND_OK);
  CHECK(Bench(true, {{"market", json::array({"spot"})}}).create_code == AND_E_CONFIG);
}
