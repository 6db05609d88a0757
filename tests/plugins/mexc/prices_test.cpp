// Books, tickers, subscriptions and the catalogue of the public side; the recorded frames end on their README's tops.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>

#include "plugins/mexc/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

std::string book(const std::string& symbol, const std::string& bids, const std::string& asks, std::int64_t version,
                 std::int64_t cts = 1'700'000'000'001) {
  return R"({"symbol":")" + symbol + R"(","data":{"cts":)" + std::to_string(cts) + R"(,"asks":)" + asks +
         R"(,"bids":)" + bids + R"(,"version":)" + std::to_string(version) +
         R"(},"channel":"push.depth.full","ts":1700000000009})";
}
const std::string kBids = "[[100.1,5,2],[100.0,7,1]]", kAsks = "[[100.2,6,1],[100.3,1,1]]";

std::string refusal(const std::string& symbol) {
  return R"({"channel":"rs.error","data":"Contract [)" + symbol + R"(] not exists","ts":1789498321790})";
}

std::vector<std::string> symbols_of(const std::vector<SentFrame>& frames, std::size_t from = 0) {
  std::vector<std::string> out;
  for (std::size_t i = from; i < frames.size(); ++i)
    out.push_back(json::parse(frames[i].text).at("param").at("symbol"));
  return out;
}

}  // namespace

TEST_CASE("depth.full: the best of each side, the engine's time, repeats, overtaken and one-sided frames") {
  Bench b(false);
  b.start();
  b.symbols({"BTC_USDT"});
  b.connect();
  b.frame(kConn, book("BTC_USDT", kBids, kAsks, 10));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == "BTC_USDT");
  CHECK(b.prices[0].bid == "100.1");
  CHECK(b.prices[0].ask == "100.2");
  CHECK(b.prices[0].bid_size == "5");
  CHECK(b.prices[0].ask_size == "6");
  CHECK(b.prices[0].venue_ms == 1'700'000'000'001);
  CHECK(b.statuses.back().feed == "prices");
  CHECK(b.statuses.back().state == "ready");

  SECTION("an unchanged book comes again under its version, and is a sign of life") {
    b.frame(kConn, book("BTC_USDT", kBids, kAsks, 10));
    CHECK(b.prices.size() == 2);
  }
  SECTION("an overtaken frame is dropped, a version that starts again is not") {
    b.frame(kConn, book("BTC_USDT", "[[99,1,1]]", kAsks, 9, 1'700'000'000'000));
    CHECK(b.prices.size() == 1);
    b.frame(kConn, book("BTC_USDT", "[[99,1,1]]", kAsks, 1, 1'700'000'000'500));
    CHECK(b.prices.at(1).bid == "99");
  }
  SECTION("levels out of order and empty levels: the best that holds anything (lesson 31)") {
    b.frame(kConn, book("BTC_USDT", "[[100.15,0,0],[99,1,1],[100.05,3,1]]", "[[101,1,1],[100.4,2,1]]", 11));
    CHECK(b.prices.at(1).bid == "100.05");
    CHECK(b.prices.at(1).ask == "100.4");
  }
  SECTION("an empty side withdraws, once; a crossed or locked book too (lesson 31)") {
    for (const auto& [bids, asks] :
         {std::pair{std::string("[]"), kAsks}, {kBids, "[]"}, {kBids, "[[100.1,1,1]]"}, {kBids, "[[99,1,1]]"}})
      b.frame(kConn, book("BTC_USDT", bids, asks, 12));
    REQUIRE(b.prices.size() == 2);
    CHECK(b.prices[1].withdrawn);
    b.frame(kConn, book("BTC_USDT", kBids, kAsks, 13));
    CHECK_FALSE(b.prices.at(2).withdrawn);
  }
  SECTION("exponents and 21 digits are exact (lesson 40)") {
    b.frame(kConn, book("BTC_USDT", "[[7.548E+4,4959,3]]", "[[75481.200000000000000001,10,1]]", 14));
    CHECK(b.prices.at(1).bid == "75480");
    CHECK(b.prices.at(1).ask == "75481.200000000000000001");
  }
  SECTION("members in another order, as until 2025; without cts the time of the push") {
    b.frame(
        kConn,
        R"({"channel":"push.depth.full","data":{"asks":[[2,1,1]],"bids":[[1,1,1]],"version":15},"symbol":"BTC_USDT","ts":1653994948112})");
    CHECK(b.prices.at(1).venue_ms == 1'653'994'948'112);
  }
  SECTION("other channels make no price") {
    for (
        const char* f :
        {R"({"symbol":"BTC_USDT","data":{"cts":1,"asks":[[1,1,1]],"bids":[],"version":99},"channel":"push.depth","ts":2})",
         R"({"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","price":1},"channel":"push.fair.price","ts":2})",
         R"({"symbol":"BTC_USDT","data":[{"p":1,"v":13}],"channel":"push.deal","ts":2})",
         R"({"channel":"pong","data":1789498336785,"ts":1789498336785})",
         R"({"channel":"rs.sub.depth.full","data":"success","ts":1789498321789})"})
      CHECK(b.frame(kConn, f) == AND_OK);
    CHECK(b.prices.size() == 1);
    CHECK(b.errors.empty());
  }
  SECTION("a malformed frame is reported and costs nothing else") {
    std::size_t n = 0;
    for (const std::string& f :
         {book("BTC_USDT", R"([["x",1,1]])", kAsks, 20), book("BTC_USDT", "[[1]]", kAsks, 20),
          book("BTC_USDT", "[[-1,1,1]]", kAsks, 20), book("BTC_USDT", "[[1,-1,1]]", kAsks, 20),
          std::string(R"({"channel":"push.depth.full","symbol":"BTC_USDT","ts":1})"),
          std::string(R"({"channel":"push.depth.full","data":{"bids":[],"asks":[],"version":1}})"),
          std::string(R"({"channel":)"), std::string("")}) {
      CHECK(b.frame(kConn, f) == AND_E_PROTOCOL);
      CHECK(b.errors.size() == ++n);
    }
    b.frame(kConn, book("BTC_USDT", kBids, kAsks, 21));
    CHECK(b.prices.size() == 2);
    CHECK(b.redialled.empty());
  }
}

TEST_CASE("ticker: bid1 and ask1, never the bands, the funding rate when it changes") {
  Bench b(false, {{"price_channel", "ticker"}});
  b.start();
  b.symbols({"BTC_USDT"});
  b.connect();
  CHECK(b.frames.at(0).text == R"({"method":"sub.ticker","param":{"symbol":"BTC_USDT"}})");
  const auto ticker = [](const std::string& bid, const std::string& ask) {
    return R"({"symbol":"BTC_USDT","data":{"symbol":"BTC_USDT","lastPrice":1,"maxBidPrice":92514.4,"minAskPrice":75693.6,"timestamp":1790870036854,"bid1":)" +
           bid + R"(,"ask1":)" + ask + R"(,"fundingRate":0.000072},"channel":"push.ticker","ts":1790870036855})";
  };
  b.frame(kConn, ticker("84054.9", "84055"));
  b.frame(kConn, ticker("84054.8", "84055"));
  REQUIRE(b.prices.size() == 2);
  CHECK(b.prices[1].bid == "84054.8");
  CHECK(b.prices[1].venue_ms == 1'790'870'036'854);
  b.frame(kConn, ticker("null", "84055"));
  CHECK(b.prices.at(2).withdrawn);
}

TEST_CASE(
    "subscriptions: one contract a frame, live with the first push, silence asked again, refusals by name (lessons 25, "
    "26)") {
  Bench b(false, {{"depth", 20}});
  b.start();
  b.symbols({"AAA_USDT", "BBB_USDT", "NOPE_USDT"});
  b.connect();
  CHECK(b.endpoints.at(kConn) == "public");
  REQUIRE(b.frames.size() == 3);
  CHECK(b.frames[0].text == R"({"method":"sub.depth.full","param":{"symbol":"AAA_USDT","limit":20}})");
  CHECK(b.frames[0].rate == "ws");
  b.frame(kConn, refusal("NOPE_USDT"));
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("NOPE_USDT") == 0);
  for (int i = 0; i < 2; ++i) b.frame(kConn, R"({"channel":"rs.sub.depth.full","data":"success","ts":1789498321789})");
  b.frame(kConn, book("AAA_USDT", kBids, kAsks, 1));
  b.advance(5'500);
  CHECK(symbols_of(b.frames, 3) == std::vector<std::string>{"BBB_USDT"});  // acknowledged, and silent: not live
  b.advance(5'000);
  REQUIRE(b.errors.size() == 2);
  CHECK(b.errors[1].find("BBB_USDT") == 0);
  b.frame(kConn, book("BBB_USDT", kBids, kAsks, 1));
  const std::size_t asked = b.frames.size();
  b.advance(200'000);
  CHECK(b.frames.size() == asked);
  CHECK(b.redialled.empty());

  // A new catalogue: what was refused is asked for once more.
  b.answer(kDetail, ok(json::array({contract("NOPE_USDT", "USDT")})));
  CHECK(symbols_of(b.frames, asked) == std::vector<std::string>{"NOPE_USDT"});

  // Unsubscribing is not answered; late frames are dropped.
  b.symbols({}, {"AAA_USDT"});
  CHECK(json::parse(b.frames.back().text).at("method") == "unsub.depth.full");
  CHECK(b.prices.back().withdrawn);
  const std::size_t prices = b.prices.size();
  b.frame(kConn, book("AAA_USDT", kBids, kAsks, 2));
  CHECK(b.prices.size() == prices);

  // After a loss all is asked anew (lesson 24).
  b.closed(kConn);
  const std::size_t before = b.frames.size();
  b.opened(kConn);
  CHECK(symbols_of(b.frames, before) == std::vector<std::string>{"BBB_USDT", "NOPE_USDT"});
}

TEST_CASE("linear and inverse contracts have a connection each, and none without a wish") {
  Bench b(false), linear(false, {{"market", json::array({"linear"})}});
  b.start();
  b.answer(kDetail, ok(json::array({contract("BTC_USDT", "USDT"), contract("BTC_USD", "BTC", "100")})));
  b.symbols({"BTC_USDT", "BTC_USD"});
  b.connect();
  REQUIRE(b.frames.size() == 2);
  CHECK(b.frames[0].connection == kConn);
  CHECK(b.frames[1].connection == kConn + 1);
  b.frame(kConn + 1, book("BTC_USD", kBids, kAsks, 1));
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].symbol == "BTC_USD");
  linear.start();
  linear.answer(kDetail, ok(json::array({contract("BTC_USDT", "USDT"), contract("BTC_USD", "BTC", "100")})));
  CHECK(linear.instruments.size() == 1);
  CHECK(linear.dialled == std::vector<std::uint32_t>{kConn});
}

TEST_CASE("an error of the socket that names no contract is said, and costs no subscription") {
  Bench b(false);
  b.start();
  b.symbols({"BTC_USDT"});
  b.connect();
  b.frame(kConn, R"({"channel":"rs.error","data":"Not support limit","ts":1})");
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("Not support limit") != std::string::npos);
  b.frame(kConn, book("BTC_USDT", kBids, kAsks, 1));
  CHECK(b.prices.size() == 1);
}

TEST_CASE("ws_path leads to the old path of the socket, for prices and accounts") {
  Bench prices(false, {{"ws_path", "/ws"}}), account(true, {{"ws_path", "/ws"}});
  prices.start();
  prices.symbols({"BTC_USDT"});
  prices.connect();
  CHECK(prices.endpoints.at(kConn) == "public.ws");
  account.start();
  account.connect();
  CHECK(account.endpoints.at(kConn) == "private.ws");
}

TEST_CASE("the catalogue: kinds, sizes, rows that cannot be read, failures (lessons 33, 38)") {
  Bench b(false);
  b.start();
  CHECK(b.open_requests(kDetail).at(0).rate == "public");
  CHECK(b.open_requests(kDetail).at(0).sign.empty());
  SECTION("rows") {
    json quanto = contract("BTC_USDT", "ETH"), dated = contract("ETH_USDT", "USDT"),
         misnamed = contract("SOL_USDT", "USDT");
    dated["futureType"] = 2;
    misnamed["quoteCoin"] = "USDC";
    b.answer(kDetail,
             ok(json::array({quanto, dated, misnamed, contract("XRPUSDT", "USDT"),
                             with(contract("LTC_USDT", "USDT"), "contractSize", 0), contract("ETH_USD", "ETH", "10"),
                             with(contract("NVIDIA_USDT", "USDT"), "type", 2)})));
    CHECK(b.errors.size() == 5);
    REQUIRE(b.instruments.size() == 2);
    CHECK(b.instruments[0].kind == AND_KIND_INVERSE_PERPETUAL);
    CHECK(b.instruments[0].contract_size == "10");
    CHECK(b.instruments[0].tick == "0.1");
    CHECK(b.instruments[1].kind == AND_KIND_LINEAR_PERPETUAL);
    CHECK(b.statuses.back().feed == "instruments");
    CHECK(b.statuses.back().state == "ready");
  }
  SECTION("no list is asked again, and never an empty catalogue") {
    for (const std::string& bad :
         {failure(510), failure(9999), std::string("{}"), ok(nullptr), std::string("<html>")}) {
      b.answer(kDetail, bad);
      CHECK(b.statuses.empty() != (b.statuses.size() == 1 && b.statuses[0].state == "resync"));
      b.advance(61'000);
      REQUIRE(b.open_requests(kDetail).size() == 1);
    }
    b.answer(kDetail, ok(json::array({contract("BTC_USDT", "USDT")})));
    CHECK(b.instruments.size() == 1);
    CHECK(b.statuses.back().state == "ready");
    b.advance(3'601'000);
    CHECK(b.open_requests(kDetail).size() == 1);  // contracts are listed every day
  }
}

TEST_CASE("the recorded frames end on the tops of their README") {
  ANDUIN_NEED_SHARED();
  const auto folder = *shared_dir() / "captures/mexc";
  for (const char* channel : {"depth.full", "ticker"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    std::ifstream in(folder / "futures-samples.jsonl");
    for (std::string line; std::getline(in, line);) {
      const json l = json::parse(line);
      if (l.at("kind") == "ws" && l.at("dir") == "in" &&
          l.at("text").get<std::string>().find("rs.error") == std::string::npos)
        CHECK(b.frame(kConn, l.at("text")) == AND_OK);
    }
    CHECK(b.errors.empty());
    std::map<std::string, std::pair<std::string, std::string>> tops;
    for (const SeenPrice& p : b.prices) tops[p.symbol] = {p.bid, p.ask};
    // | symbol | channel | bid | ask | version |
    std::ifstream readme(folder / "README.md");
    std::size_t rows = 0;
    for (std::string line; std::getline(readme, line);) {
      std::vector<std::string> cells;
      for (std::size_t at = line.find('|'); at != std::string::npos && at + 1 < line.size();) {
        const std::size_t next = line.find('|', at + 1);
        if (next == std::string::npos) break;
        std::string cell = line.substr(at + 1, next - at - 1);
        cell.erase(0, cell.find_first_not_of(' '));
        cell.erase(cell.find_last_not_of(' ') + 1);
        cells.push_back(cell);
        at = next;
      }
      if (cells.size() != 5 || cells[1].substr(0, cells[1].find(' ')) != std::string("push.") + channel) continue;
      ++rows;
      INFO(line);
      REQUIRE(tops.contains(cells[0]));
      CHECK(anduin::Decimal::of(tops[cells[0]].first) == anduin::Decimal::of(cells[2]));
      CHECK(anduin::Decimal::of(tops[cells[0]].second) == anduin::Decimal::of(cells[3]));
    }
    CHECK(rows == tops.size());
    CHECK(rows >= 3);
  }
}
