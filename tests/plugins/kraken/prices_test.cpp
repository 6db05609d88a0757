// The public side against a host in memory: subscriptions, acknowledgements, broken books, bad rows.
#include <catch2/catch.hpp>

#include "account_support.hpp"

using namespace anduin;
using test::any;
using test::HostDouble;

namespace {

const std::string kPairs =
    R"({"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","pair_decimals":1,"tick_size":"0.1"},)"
    R"("XETHZUSD":{"altname":"ETHUSD","wsname":"ETH/USD","base":"XETH","quote":"ZUSD","pair_decimals":2}}})";
const std::string kProducts =
    R"({"result":"success","instruments":[{"symbol":"PF_XBTUSD","type":"flexible_futures","tickSize":1,"contractSize":1,"base":"BTC","quote":"USD"},)"
    R"({"symbol":"PF_AAPLxUSD","type":"flexible_futures","tickSize":0.01,"contractSize":1,"base":"AAPLx","quote":"USD"},)"
    R"({"symbol":"in_xbtusd","type":"spot index","tradeable":false}]})";

/// A started, open public instance with its instruments described.
HostDouble& ready(HostDouble& host, const std::string& list_path, const std::string& list) {
  host.start();
  host.reply(list_path, list);
  host.dial_due();
  host.opened();
  return host;
}

std::string snapshot(const std::string& product, int seq) {
  return R"({"feed":"book_snapshot","product_id":")" + product + R"(","timestamp":1612269825817,"seq":)" +
         std::to_string(seq) +
         R"(,"tickSize":null,"bids":[{"price":100,"qty":5},{"price":101,"qty":0}],"asks":[{"price":103,"qty":7},{"price":102,"qty":0}]})";
}
std::string delta(const std::string& product, int seq, const std::string& side, const std::string& price,
                  const std::string& qty) {
  return R"({"feed":"book","product_id":")" + product + R"(","side":")" + side + R"(","seq":)" + std::to_string(seq) +
         R"(,"price":)" + price + R"(,"qty":)" + qty + R"(,"timestamp":1612269953629})";
}

}  // namespace

TEST_CASE("spot v2 asks for every change of the top, and repeats event_trigger when it leaves") {
  HostDouble host(false, R"({"market":["spot"],"dialect":"v2"})");
  ready(host, "/0/public/AssetPairs", kPairs);
  CHECK(host.opens.back() == "spot.public");
  CHECK(any(host.statuses, "instruments ready"));
  CHECK(host.sends.empty());
  host.symbols({"BTC/USD", "ETH/USD"});
  REQUIRE(host.sends.size() == 1);
  CHECK(
      host.sends[0].payload ==
      R"({"method":"subscribe","params":{"channel":"ticker","event_trigger":"bbo","symbol":["BTC/USD","ETH/USD"],"snapshot":true},"req_id":1})");
  host.frame(
      R"({"method":"subscribe","result":{"channel":"ticker","symbol":"BTC/USD","snapshot":true},"success":true,"req_id":1})");
  CHECK(!any(host.statuses, "prices ready"));
  host.frame(
      R"({"method":"subscribe","result":{"channel":"ticker","symbol":"ETH/USD","snapshot":true},"success":true,"req_id":1})");
  CHECK(any(host.statuses, "prices ready"));
  host.symbols({}, {"ETH/USD"});
  CHECK(
      host.sends.back().payload ==
      R"({"method":"unsubscribe","params":{"channel":"ticker","event_trigger":"bbo","symbol":["ETH/USD"]},"req_id":2})");
  host.frame(
      R"({"channel":"ticker","type":"update","data":[{"symbol":"ETH/USD","bid":1,"bid_qty":1,"ask":2,"ask_qty":1}]})");
  CHECK(host.prices.empty());  // an unsubscribed symbol does not come back
  host.closed();
  host.dial_due();
  host.opened();
  CHECK(host.sends.back().payload.find(R"("symbol":["BTC/USD"])") != std::string::npos);
}

TEST_CASE("spot v2 ticker rows") {
  HostDouble host(false, R"({"market":["spot"],"dialect":"v2"})");
  ready(host, "/0/public/AssetPairs", kPairs);
  host.frame(
      R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":105944.20,"bid_qty":2.50000000,"ask":105944.30,"ask_qty":3.2,"timestamp":"2022-12-25T09:30:59.123456Z"}]})");
  REQUIRE(host.prices.size() == 1);
  CHECK(host.prices[0].symbol == "BTC/USD");
  CHECK(host.prices[0].bid == Decimal::of("105944.2"));
  CHECK(host.prices[0].ask_size == Decimal::of("3.2"));
  CHECK(host.prices[0].venue_ms == 1'671'960'659'123);

  SECTION("numbers as strings, members in another order, no timestamp") {
    host.frame(
        R"({"type":"update","data":[{"ask":"3","bid":"2","symbol":"ETH/USD","ask_qty":"1","bid_qty":"1"}],"channel":"ticker"})");
    REQUIRE(host.prices.size() == 2);
    CHECK(host.prices[1].symbol == "ETH/USD");
    CHECK(host.prices[1].venue_ms == 0);
  }
  SECTION("an empty side withdraws, a crossed top is not a price") {
    host.frame(
        R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":5,"bid_qty":1,"ask":5,"ask_qty":1}]})");
    CHECK(host.prices.size() == 1);
    for (const char* bid : {"null", "\"\"", "0", "0.0"}) {
      host.frame(R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":)" + std::string(bid) +
                 R"(,"bid_qty":0,"ask":5,"ask_qty":1}]})");
      REQUIRE(host.prices.back().withdrawn);
      host.frame(
          R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":4,"bid_qty":1,"ask":5,"ask_qty":1}]})");
      REQUIRE(!host.prices.back().withdrawn);
    }
  }
  SECTION("one bad row costs no other") {
    host.frame(
        R"({"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":"x","ask":5},{"bid":1,"ask":2},{"symbol":"ETH/USD","bid":1,"bid_qty":1,"ask":2,"ask_qty":1}]})");
    CHECK(host.prices.back().symbol == "ETH/USD");
    CHECK(any(host.errors, "not a decimal number"));
    CHECK(any(host.errors, "without symbol"));
  }
  SECTION("heartbeats, status and pongs are no data") {
    for (const char* f : {R"({"channel":"heartbeat"})", R"({"method":"pong","req_id":1,"time_in":"x","time_out":"y"})",
                          R"({"channel":"status","type":"update","data":[{"system":"online"}]})"})
      CHECK(host.frame(f) == AND_OK);
    CHECK(host.prices.size() == 1);
    host.frame(R"({"channel":"status","type":"update","data":[{"system":"maintenance"}]})");
    CHECK(any(host.warnings, "maintenance"));
  }
  SECTION("broken JSON is counted and the instance goes on") {
    CHECK(host.frame(R"({"channel":"ticker","data":[{"symbol":)") == AND_E_PROTOCOL);
    host.frame(
        R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":4,"bid_qty":1,"ask":5,"ask_qty":1}]})");
    CHECK(host.prices.back().bid == Decimal(4));
  }
}

TEST_CASE("a refused symbol is named, an unanswered one is asked for again and then named") {
  HostDouble host(false, R"({"market":["spot"],"dialect":"v2"})");
  ready(host, "/0/public/AssetPairs", kPairs);
  host.symbols({"BTC/USD", "ETH/USD"});
  host.frame(
      R"({"method":"subscribe","error":"Currency pair not supported ETH/USD","success":false,"symbol":"ETH/USD","req_id":1})");
  CHECK(any(host.errors, "ETH/USD: subscription refused: Currency pair not supported"));
  const std::size_t sent = host.sends.size();
  host.pass(10'000);
  REQUIRE(host.sends.size() == sent + 1);
  CHECK(host.sends.back().payload.find(R"(["BTC/USD"])") != std::string::npos);
  host.pass(25'000);
  CHECK(any(host.errors, "does not answer the subscription of BTC/USD"));
}

TEST_CASE("spot v1: spread, with a time that is not for ordering") {
  HostDouble host(false, R"({"market":["spot"],"dialect":"v1"})");
  ready(host, "/0/public/AssetPairs", kPairs);
  CHECK(host.opens.back() == "spot.public.v1");
  host.symbols({"XBT/USD"});
  CHECK(host.sends.back().payload ==
        R"({"event":"subscribe","reqid":1,"pair":["XBT/USD"],"subscription":{"name":"spread"}})");
  host.frame(
      R"({"channelID":341,"channelName":"spread","event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed","subscription":{"name":"spread"}})");
  CHECK(any(host.statuses, "prices ready"));
  host.frame(R"([341,["5698.40000","5700.00000","1542057299.545897","1.01234567","0.98765432"],"spread","XBT/USD"])");
  REQUIRE(host.prices.size() == 1);
  CHECK(host.prices[0].bid == Decimal::of("5698.4"));
  CHECK(host.prices[0].bid_size == Decimal::of("1.01234567"));
  CHECK(host.prices[0].ask_size == Decimal::of("0.98765432"));
  CHECK(host.prices[0].venue_ms == 1'542'057'299'545);
  CHECK(host.prices[0].time_unusable);
  host.frame(R"([341,["5698.40000"],"spread","XBT/USD"])");
  CHECK(host.prices.size() == 1);
  host.frame(
      R"({"errorMessage":"Currency pair not supported BTC/USD","event":"subscriptionStatus","pair":"BTC/USD","status":"error","subscription":{"name":"spread"}})");
  CHECK(any(host.errors, "BTC/USD: subscription refused"));
  CHECK(host.frame(
            R"({"connectionID":14545728493745856413,"event":"systemStatus","status":"online","version":"1.8.3"})") ==
        AND_OK);
}

TEST_CASE("spot v1 book: both sides in one frame are two objects, depth is kept") {
  HostDouble host(false, R"({"market":["spot"],"dialect":"v1","price_channel":"book.10"})");
  ready(host, "/0/public/AssetPairs", kPairs);
  host.symbols({"XBT/USD"});
  CHECK(host.sends.back().payload.find(R"("subscription":{"name":"book","depth":10})") != std::string::npos);
  host.frame(R"([0,{"as":[["3.0","1.0","1.1"]],"bs":[["2.0","1.0","1.1"]]},"book-10","XBT/USD"])");
  REQUIRE(host.prices.size() == 1);
  host.frame(
      R"([0,{"a":[["2.9","2.0","1534614335.345903"]]},{"b":[["2.1","3.0","1534614335.345903"]],"c":"0"},"book-10","XBT/USD"])");
  // Wrong checksum: withdrawn, unsubscribed, subscribed again; nothing in between.
  CHECK(host.prices.back().withdrawn);
  REQUIRE(host.sends.size() == 3);
  CHECK(host.sends[1].payload.find(R"("event":"unsubscribe")") != std::string::npos);
  CHECK(host.sends[2].payload.find(R"("event":"subscribe")") != std::string::npos);
  const std::size_t before = host.prices.size();
  host.frame(R"([0,{"a":[["2.8","2.0","1534614336.0"]]},"book-10","XBT/USD"])");
  CHECK(host.prices.size() == before);
  host.frame(R"([0,{"as":[["3.0","1.0","1.1"]],"bs":[["2.0","1.0","1.1"]]},"book-10","XBT/USD"])");
  CHECK(host.prices.size() == before + 1);
  host.frame(
      R"([0,{"a":[["2.9","2.0","1534614335.345903"]]},{"b":[["2.1","3.0","1534614335.345903"]]},"book-10","XBT/USD"])");
  CHECK(host.prices.back().ask == Decimal::of("2.9"));
  CHECK(host.prices.back().bid == Decimal::of("2.1"));
  CHECK(host.prices.back().venue_ms == 1'534'614'335'345);
}

TEST_CASE("spot v2 book: the checksum holds with and without the trailing zeros of the digits") {
  // The venue's own example; JSON writers may drop the zeros that the checksum counts.
  for (const bool zeros : {true, false}) {
    HostDouble host(false, R"({"market":["spot"],"dialect":"v2","price_channel":"book.10"})");
    ready(host, "/0/public/AssetPairs",
          R"({"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD",)"
          R"("pair_decimals":1,"lot_decimals":8}}})");
    const auto level = [&](std::string price, std::string qty) {
      if (!zeros) {
        for (std::string* n : {&price, &qty}) {
          while (n->back() == '0') n->pop_back();
          if (n->back() == '.') n->pop_back();
        }
      }
      return R"({"price":)" + price + R"(,"qty":)" + qty + "}";
    };
    const std::string frame =
        R"({"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[)" + level("45283.5", "0.10000000") +
        "," + level("45283.4", "1.54582015") + "," + level("45282.1", "0.10000000") + "," +
        level("45281.0", "0.10000000") + "," + level("45280.3", "1.54592586") + "," + level("45279.0", "0.07990000") +
        "," + level("45277.6", "0.03310103") + "," + level("45277.5", "0.30000000") + "," +
        level("45277.3", "1.54602737") + "," + level("45276.6", "0.15445238") + R"(],"asks":[)" +
        level("45285.2", "0.00100000") + "," + level("45286.4", "1.54571953") + "," + level("45286.6", "1.54571109") +
        "," + level("45289.6", "1.54560911") + "," + level("45290.2", "0.15890660") + "," +
        level("45291.8", "1.54553491") + "," + level("45294.7", "0.04454749") + "," + level("45296.1", "0.35380000") +
        "," + level("45297.5", "0.09945542") + "," + level("45299.5", "0.18772827") + R"(],"checksum":3310070434}]})";
    host.frame(frame);
    REQUIRE(host.prices.size() == 1);
    CHECK(host.prices[0].bid == Decimal::of("45283.5"));
    CHECK(!any(host.statuses, "resync"));
  }
}

TEST_CASE("futures book: snapshot with zero levels, contiguous deltas, crossed moments") {
  HostDouble host(false, R"({"market":["futures"]})");
  ready(host, "/derivatives/api/v3/instruments", kProducts);
  CHECK(host.opens.back() == "futures.public");
  CHECK(host.instruments.size() == 2);  // an index is no instrument
  host.symbols({"PF_XBTUSD"});
  CHECK(host.sends.back().payload == R"({"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"]})");
  host.frame(R"({"event":"subscribed","feed":"book","product_ids":["PF_XBTUSD"]})");
  CHECK(any(host.statuses, "prices ready"));
  host.frame(snapshot("PF_XBTUSD", 10));
  REQUIRE(host.prices.size() == 1);
  CHECK(host.prices[0].bid == Decimal(100));
  CHECK(host.prices[0].ask == Decimal(103));

  SECTION("a repeated delta changes nothing, an emptied side withdraws") {
    host.frame(delta("PF_XBTUSD", 10, "buy", "102", "1"));
    CHECK(host.prices.size() == 1);
    host.frame(delta("PF_XBTUSD", 11, "buy", "100", "0"));
    CHECK(host.prices.back().withdrawn);
  }
  SECTION("a crossed book is not published and heals") {
    host.frame(delta("PF_XBTUSD", 11, "buy", "103", "1"));
    CHECK(host.prices.size() == 1);
    host.frame(delta("PF_XBTUSD", 12, "sell", "103", "0"));
    CHECK(host.prices.back().withdrawn);
    host.frame(delta("PF_XBTUSD", 13, "sell", "104.5", "2"));
    CHECK(host.prices.back().bid == Decimal(103));
    CHECK(host.prices.back().ask == Decimal::of("104.5"));
  }
  SECTION("a book that stays crossed is asked for again") {
    host.frame(delta("PF_XBTUSD", 11, "buy", "103", "1"));
    for (int seq = 12; seq < 70; ++seq) host.frame(delta("PF_XBTUSD", seq, "buy", "50", std::to_string(seq)));
    CHECK(any(host.statuses, "prices resync PF_XBTUSD: the book stays crossed"));
  }
  SECTION("a gap resubscribes that product, and nothing is published until its snapshot") {
    host.frame(snapshot("PF_ETHUSD", 5));
    const std::size_t before = host.prices.size();
    host.frame(delta("PF_XBTUSD", 12, "buy", "101", "1"));
    CHECK(host.prices.size() == before + 1);
    CHECK(host.prices.back().withdrawn);
    CHECK(any(host.statuses, "prices resync PF_XBTUSD: seq 10 is followed by 12"));
    REQUIRE(host.sends.size() == 3);
    CHECK(host.sends[1].payload == R"({"event":"unsubscribe","feed":"book","product_ids":["PF_XBTUSD"]})");
    CHECK(host.sends[2].payload == R"({"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"]})");
    host.frame(delta("PF_XBTUSD", 13, "buy", "101", "1"));
    CHECK(host.prices.size() == before + 1);
    host.frame(delta("PF_ETHUSD", 6, "buy", "101", "1"));
    CHECK(host.prices.back().symbol == "PF_ETHUSD");
    host.frame(snapshot("PF_XBTUSD", 20));
    CHECK(host.prices.back().symbol == "PF_XBTUSD");
    CHECK(!host.prices.back().withdrawn);
  }
  SECTION("books do not survive a reconnect") {
    host.closed();
    host.dial_due();
    host.opened();
    host.frame(delta("PF_XBTUSD", 11, "buy", "101", "1"));
    CHECK(host.prices.size() == 1);
  }
}

TEST_CASE("futures names: the socket may answer in upper case, the list's spelling is native") {
  HostDouble host(false, R"({"market":["futures"]})");
  ready(host, "/derivatives/api/v3/instruments", kProducts);
  host.symbols({"PF_AAPLxUSD"});
  CHECK(host.sends.back().payload.find("PF_AAPLxUSD") != std::string::npos);
  host.frame(snapshot("PF_AAPLXUSD", 1));
  CHECK(host.prices.back().symbol == "PF_AAPLxUSD");
  host.frame(delta("PF_AAPLxUSD", 2, "buy", "101", "1"));
  CHECK(host.prices.back().bid == Decimal(101));
}

TEST_CASE("bad instrument rows are reported and skipped, a bad list is asked for again") {
  HostDouble host(false, R"({"market":["futures"]})");
  host.start();
  host.reply("/derivatives/api/v3/instruments", R"({"result":"error","error":"apiLimitExceeded"})");
  CHECK(any(host.errors, "no instrument list"));
  CHECK(!any(host.statuses, "instruments ready"));
  host.pass(2'000);
  host.reply("/derivatives/api/v3/instruments", "<html>busy</html>", 502);
  host.pass(4'000);
  host.reply(
      "/derivatives/api/v3/instruments",
      R"({"result":"success","instruments":[{"type":"flexible_futures"},{"symbol":"PF_X","type":"flexible_futures","tickSize":"abc"},)"
      R"({"symbol":"PF_XBTUSD","type":"flexible_futures","base":"BTC","quote":"USD"}]})");
  CHECK(any(host.statuses, "instruments ready"));
  REQUIRE(host.instruments.size() == 1);
  CHECK(host.instruments[0].native == "PF_XBTUSD");
  CHECK(any(host.errors, "instrument PF_X"));
}

TEST_CASE("options that the market does not serve are refused with what it serves") {
  for (const char* options : {R"({"market":["futures"],"price_channel":"spread"})",
                              R"({"market":["spot"],"dialect":"v2","price_channel":"spread"})",
                              R"({"market":["futures"],"price_channel":"book.10"})",
                              R"({"market":["spot"],"price_channel":"ticker_lite"})"}) {
    HostDouble host(false, options);
    CHECK(host.start() == AND_E_CONFIG);
    CHECK(any(host.errors, "/price_channel"));
  }
  HostDouble account(true, R"({"market":["spot","futures"]})");
  CHECK(any(account.errors, "one key serves one market"));
}

TEST_CASE("both markets in one instance") {
  HostDouble host(false, R"({"market":["spot","futures"]})");
  host.start();
  CHECK(host.dials.size() == 2);
  host.reply("/0/public/AssetPairs", kPairs);
  CHECK(!any(host.statuses, "instruments ready"));
  host.reply("/derivatives/api/v3/instruments", kProducts);
  CHECK(any(host.statuses, "instruments ready"));
  for (const std::uint32_t c : {1U, 2U}) {
    host.dial_due(c);
    host.opened(c);
  }
  host.symbols({"BTC/USD", "PF_XBTUSD"});
  REQUIRE(host.sends.size() == 2);
  CHECK(host.sends[0].connection == 1);
  CHECK(host.sends[1].connection == 2);
}
