// The spot margin account against a host in memory: token, joining rows with trades, backfill, errors, balances.
#include <algorithm>
#include <catch2/catch.hpp>

#include "account_support.hpp"

using namespace anduin;
using test::any;
using test::fields;
using test::HostDouble;

namespace {

const char* const kSpot = R"({"market":["spot"],"private_dialect":"v2"})";

std::string ledger(const std::vector<std::string>& rows, std::size_t count) {
  std::string out = R"({"error":[],"result":{"ledger":{)";
  for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "," : "") + rows[i];
  return out + R"(},"count":)" + std::to_string(count) + "}}";
}
std::string margin_row(const std::string& id, const std::string& trade, const std::string& amount = "500.0000",
                       const std::string& time = "1775041200.123456") {
  return "\"" + id + R"(":{"amount":")" + amount + R"(","asset":"ZUSD","fee":"39.0000","refid":")" + trade +
         R"(","time":)" + time + R"(,"type":"margin"})";
}
std::string trade(const std::string& id, const std::string& type = "sell") {
  return "\"" + id + R"(":{"pair":"XXBTZUSD","type":")" + type +
         R"(","price":"30000.00000","vol":"0.50000000","misc":"closing"})";
}
std::string trades(const std::vector<std::string>& rows) {
  std::string out = R"({"error":[],"result":{)";
  for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "," : "") + rows[i];
  return out + "}}";
}
void log_in_spot(HostDouble& host) {
  host.start();
  host.reply("/0/private/GetApiKeyInfo", R"({"error":[],"result":{"iban":"AA1","permissions":["query-ledger"]}})");
  host.reply("/0/private/Ledgers", ledger({}, 0));
  host.dial_due();
  host.reply("/0/private/GetWebSocketsToken", R"({"error":[],"result":{"token":"T1","expires":900}})");
  host.opened();
  host.frame(R"({"method":"subscribe","result":{"channel":"executions"},"success":true})");
  host.frame(R"({"method":"subscribe","result":{"channel":"balances"},"success":true})");
}

}  // namespace

TEST_CASE("spot login: a fresh token for each connection") {
  HostDouble host(true, kSpot);
  log_in_spot(host);
  CHECK(host.opens.back() == "spot.private");
  REQUIRE(host.sends.size() == 2);
  CHECK(
      host.sends[0].payload ==
      R"({"method":"subscribe","params":{"channel":"executions","snap_orders":false,"snap_trades":true,"token":"T1"},"req_id":1})");
  CHECK(host.sends[1].payload ==
        R"({"method":"subscribe","params":{"channel":"balances","snapshot":true,"token":"T1"},"req_id":2})");
  CHECK(any(host.statuses, "positions ready"));
  host.closed();
  host.dial_due();
  const auto token =
      host.reply("/0/private/GetWebSocketsToken", R"({"error":[],"result":{"token":"T2","expires":900}})");
  CHECK(token.method == "POST");
  CHECK(token.body == "nonce={{nonce}}");
  CHECK(token.sign == "spot");
  CHECK(token.rate == "spot.private");
  host.opened();
  CHECK(host.sends.back().payload.find("\"T2\"") != std::string::npos);
  SECTION("an expired token is fetched anew; a key that never works is named") {
    CHECK(host.frame(R"({"method":"subscribe","error":"ESession:Invalid session","success":false})") == AND_OK);
    CHECK(host.redials.size() == 1);
    host.frame(R"({"method":"subscribe","error":"ESession:Invalid session","success":false})");
    CHECK(host.frame(R"({"method":"subscribe","error":"ESession:Invalid session","success":false})") == AND_E_AUTH);
  }
  SECTION("no token in the answer: the right is missing") {
    host.dial_due();
    const auto q = host.take("/0/private/GetWebSocketsToken");
    CHECK(host.answer(q, R"({"error":[]})") == AND_E_AUTH);
    CHECK(any(host.statuses, "WebSocket interface"));
  }
}

TEST_CASE("spot stream: ledger row and execution in either order, other rows close nothing") {
  const std::string row =
      R"({"channel":"balances","type":"update","data":[{"ledger_id":"L1","ref_id":"T1","timestamp":"2026-04-01T11:00:00.123456Z","type":"margin","asset":"USD","category":"margin-trade","wallet_type":"spot","wallet_id":"main","amount":-500.0,"fee":39.0,"balance":10461.0}],"sequence":2})";
  const std::string execution =
      R"({"channel":"executions","type":"update","data":[{"exec_id":"T1","exec_type":"trade","symbol":"BTC/USD","side":"buy","last_qty":0.5,"last_price":30000.0}],"sequence":2})";
  HostDouble host(true, kSpot);
  log_in_spot(host);
  SECTION("row first") {
    host.frame(row);
    host.frame(execution);
  }
  SECTION("execution first") {
    host.frame(execution);
    host.frame(row);
  }
  SECTION("twice") {
    host.frame(execution);
    host.frame(row);
    host.frame(row);
    host.frame(execution);
  }
  REQUIRE(host.closes.size() == 1);
  CHECK(fields(host.closes[0]) == "km:L1 BTC/USD short 29000 30000 0.5 -500 39 USD 1775041200123");
  CHECK(host.closes[0].flags == AND_CLOSE_ENTRY_DERIVED);
  CHECK(host.closes[0].market == "spot");
  CHECK(host.balances.back().total == "10461");
  for (const char* type : {"rollover", "settled", "trade", "deposit"}) {
    std::string other = row;
    other.replace(other.find("\"margin\""), 8, "\"" + std::string(type) + "\"");
    other.replace(other.find("L1"), 2, "L2");
    host.frame(other);
  }
  std::string opening = row;
  opening.replace(opening.find("-500.0"), 6, "0.0000");
  opening.replace(opening.find("L1"), 2, "L3");
  host.frame(opening);
  CHECK(host.closes.size() == 1);
}

TEST_CASE("spot: a liquidation in two currencies settles each row in its own") {
  HostDouble host(true, kSpot);
  host.start();
  std::string euro = margin_row("L2", "T1", "-40.0000");
  euro.replace(euro.find("ZUSD"), 4, "ZEUR");
  host.reply("/0/private/Ledgers", ledger({margin_row("L1", "T1", "-500.0000"), euro}, 2));
  host.reply("/0/private/QueryTrades", trades({trade("T1")}));
  REQUIRE(host.closes.size() == 2);
  CHECK(host.closes[0].currency == "USD");
  CHECK(host.closes[0].entry == "31000");
  CHECK(host.closes[1].currency == "EUR");
  CHECK(host.closes[1].entry.empty());  // euros say nothing about a price in dollars
}

TEST_CASE("spot backfill: pages, batches of trades, oldest first, resume with an overlap") {
  for (const int total : {0, 1, 50, 51, 130}) {
    INFO(total);
    HostDouble host(true, kSpot, 1'775'000'000'000);
    host.start();
    std::vector<std::string> rows, all_trades;
    for (int i = total; i >= 1; --i)
      rows.push_back(margin_row("L" + std::to_string(i), "T" + std::to_string(i), "1.0",
                                std::to_string(1'775'041'000 + i) + ".5"));
    std::size_t at = 0;
    do {
      const auto q = host.take("/0/private/Ledgers");
      REQUIRE(q.id != 0);
      CHECK(q.body == "nonce={{nonce}}&type=margin&start=1774999400&ofs=" + std::to_string(at));
      const std::size_t n = std::min<std::size_t>(50, rows.size() - at);
      host.answer(q, ledger({rows.begin() + static_cast<std::ptrdiff_t>(at),
                             rows.begin() + static_cast<std::ptrdiff_t>(at + n)},
                            rows.size()));
      at += n;
    } while (host.asked("/0/private/Ledgers"));
    int queries = 0;
    while (host.asked("/0/private/QueryTrades")) {
      const auto q = host.take("/0/private/QueryTrades");
      ++queries;
      std::vector<std::string> answers;
      std::string ids = q.body.substr(q.body.find("txid=") + 5);
      ids = ids.substr(0, ids.find('&'));
      for (std::size_t p = 0; p < ids.size();) {
        const std::size_t end = std::min(ids.find("%2C", p), ids.size());
        answers.push_back(trade(ids.substr(p, end - p)));
        p = end + 3;
      }
      CHECK(answers.size() <= 20);
      host.answer(q, trades(answers));
    }
    CHECK(queries == (total + 19) / 20);
    REQUIRE(host.closes.size() == static_cast<std::size_t>(total));
    for (int i = 0; i < total; ++i)
      CHECK(host.closes[static_cast<std::size_t>(i)].id == "km:L" + std::to_string(i + 1));
    CHECK(host.coverages.back().proven);
    CHECK(host.watermark == "km1/" + std::to_string(host.now_ms));
    HostDouble later(true, kSpot, 1'775'000'000'000);
    later.watermark = host.watermark;
    later.start();
    CHECK(later.take("/0/private/Ledgers")
              .body.find("&start=" + std::to_string((host.now_ms - 600'000) / 1000) + "&ofs=0") != std::string::npos);
  }
}

TEST_CASE("spot: a row whose trade the venue does not show waits, visibly, and holds the watermark") {
  HostDouble host(true, kSpot);
  host.start();
  host.reply("/0/private/Ledgers", ledger({margin_row("L1", "T1"), margin_row("L2", "T2", "7.0", "1775041100.0")}, 2));
  for (int i = 0; i < 8 && host.closes.empty(); ++i) {
    if (host.asked("/0/private/QueryTrades")) host.reply("/0/private/QueryTrades", trades({trade("T2")}));
    host.pass(5'000);
  }
  REQUIRE(host.closes.size() == 1);
  CHECK(host.closes[0].id == "km:L2");
  CHECK(host.watermark == "km1/1775041200122");
  CHECK(!host.coverages.back().proven);
  CHECK(any(host.errors, "T1"));
  host.pass(300'000);
  host.reply("/0/private/Ledgers", ledger({margin_row("L1", "T1")}, 1));
  host.reply("/0/private/QueryTrades", trades({trade("T1")}));
  CHECK(host.closes.back().id == "km:L1");
  CHECK(host.coverages.back().proven);
}

TEST_CASE("spot: a key that sees a part of the history proves nothing") {
  HostDouble host(true, kSpot, 1'775'000'000'000);
  host.start();
  host.reply("/0/private/GetApiKeyInfo",
             R"({"error":[],"result":{"iban":"A","permissions":["query-ledger"],"queryFrom":"1775040000"}})");
  host.reply("/0/private/Ledgers", ledger({}, 0));
  REQUIRE(host.coverages.size() == 1);
  CHECK(!host.coverages[0].proven);
}

TEST_CASE("spot: a private subscription that nobody answers makes the connection anew") {
  HostDouble host(true, kSpot);
  host.start();
  host.dial_due();
  host.reply("/0/private/GetWebSocketsToken", R"({"error":[],"result":{"token":"T1","expires":900}})");
  host.opened();
  host.frame(R"({"method":"subscribe","result":{"channel":"executions"},"success":true})");
  host.pass(10'000);
  CHECK(host.redials.size() == 1);
}

TEST_CASE("spot errors by class") {
  HostDouble host(true, kSpot);
  host.start();
  SECTION("a nonce is raised once, then the key is shared with somebody") {
    host.reply("/0/private/Ledgers", R"({"error":["EAPI:Invalid nonce"]})");
    host.pass(1'000);
    const auto q = host.take("/0/private/Ledgers");
    REQUIRE(q.id != 0);
    CHECK(host.answer(q, R"({"error":["EAPI:Invalid nonce"]})") == AND_E_AUTH);
    CHECK(any(host.statuses, "another program uses this key"));
  }
  SECTION("a lockout waits a quarter of an hour") {
    host.reply("/0/private/Ledgers", R"({"error":["EGeneral:Temporary lockout"]})");
    host.pass(15 * 60'000);
    CHECK(!host.asked("/0/private/Ledgers"));
    host.pass(10'000);
    CHECK(host.asked("/0/private/Ledgers"));
  }
  SECTION("throttled until a moment") {
    host.reply("/0/private/Ledgers",
               R"({"error":["EService:Throttled:)" + std::to_string(host.now_ms / 1000 + 40) + R"("]})");
    host.pass(38'000);
    CHECK(!host.asked("/0/private/Ledgers"));
    host.pass(3'000);
    CHECK(host.asked("/0/private/Ledgers"));
  }
  SECTION("busy grows; a warning is no error") {
    host.reply("/0/private/Ledgers", R"({"error":["EService:Busy"]})");
    host.pass(1'000);
    host.reply("/0/private/Ledgers", "", 520);
    host.pass(2'000);
    host.reply("/0/private/Ledgers", R"({"error":["WGeneral:Something"],"result":{"ledger":{},"count":0}})");
    CHECK(host.coverages.size() == 1);
  }
  SECTION("a futures key on spot") {
    const auto q = host.take("/0/private/Ledgers");
    CHECK(host.answer(q, R"({"error":["EAPI:Invalid key"]})") == AND_E_AUTH);
    CHECK(any(host.statuses, "the two are not interchangeable"));
  }
}

TEST_CASE("spot private v1: a trade only says that the ledger has news") {
  HostDouble host(true, R"({"market":["spot"],"private_dialect":"v1"})");
  host.start();
  host.reply("/0/private/Ledgers", ledger({}, 0));
  host.dial_due();
  host.reply("/0/private/GetWebSocketsToken", R"({"error":[],"result":{"token":"T1","expires":900}})");
  CHECK(host.opens.back() == "spot.private.v1");
  host.opened();
  CHECK(host.sends.back().payload == R"({"event":"subscribe","subscription":{"name":"ownTrades","token":"T1"}})");
  host.frame(
      R"({"channelName":"ownTrades","event":"subscriptionStatus","status":"subscribed","subscription":{"name":"ownTrades"}})");
  CHECK(any(host.statuses, "positions ready"));
  host.pass(12'000);
  host.reply("/0/private/Ledgers", ledger({}, 0));
  host.pass(13'000);
  host.frame(R"([[{"T1":{"pair":"XBT/USD","price":"30000","type":"sell","vol":"0.5"}}],"ownTrades",{"sequence":2}])");
  CHECK(host.closes.empty());
  host.pass(2'000);
  host.reply("/0/private/Ledgers", ledger({margin_row("L1", "T1")}, 1));
  host.reply("/0/private/QueryTrades", trades({trade("T1")}));
  CHECK(host.closes.size() == 1);
  host.pass(60'000);
  CHECK(host.asked("/0/private/Ledgers"));  // and every minute in any case
}

TEST_CASE("spot: a gap in a channel's sequence starts a read") {
  HostDouble host(true, kSpot);
  log_in_spot(host);
  host.pass(12'000);
  while (host.asked("/0/private/Ledgers")) host.reply("/0/private/Ledgers", ledger({}, 0));
  host.pass(13'000);
  host.frame(R"({"channel":"balances","data":[],"type":"snapshot","sequence":1})");
  host.frame(R"({"channel":"executions","data":[],"type":"snapshot","sequence":1})");
  host.frame(R"({"channel":"balances","data":[],"type":"update","sequence":2})");
  CHECK(!host.asked("/0/private/Ledgers"));
  host.frame(R"({"channel":"balances","data":[],"type":"update","sequence":4})");
  host.pass(1);
  CHECK(host.asked("/0/private/Ledgers"));
}

TEST_CASE("spot balances: extended rows, earn wallets, margin only where it is in use") {
  HostDouble host(true, R"({"market":["spot"],"balance":"auto"})");
  host.start();
  host.query_balance();
  host.reply(
      "/0/private/BalanceEx",
      R"({"error":[],"result":{"ZUSD":{"balance":"100","credit":"5","credit_used":"2","hold_trade":"10"},"XXBT":{"balance":"1","hold_trade":"0.25"},"USD.F":{"balance":"7","hold_trade":"0"},"ETH":{"balance":"x"}}})");
  REQUIRE(host.balances.size() == 2);
  CHECK(host.balances[0].currency == "USD");
  CHECK(host.balances[0].available == "93");
  CHECK(host.balances[1].currency == "BTC");
  CHECK(host.balances[1].available == "0.75");
  CHECK(any(host.errors, "BalanceEx ETH"));
  host.reply("/0/private/TradeBalance", R"({"error":[],"result":{"e":"500","mf":"500","m":"0.00"}})");
  CHECK(host.balances.size() == 2);
}
