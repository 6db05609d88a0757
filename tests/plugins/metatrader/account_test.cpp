// One account instance: heartbeats and silence, answers that wait for the ledger, what is refused and what is held.
#include <catch2/catch.hpp>

#include "plugins/metatrader/bench.hpp"

using namespace anduin;
using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kNow = 1'708'032'125'000;
const json kOptions{{"ref", "ic01"}, {"login", "5012345"}, {"server", "Broker-Live"}};

json close(const std::string& ticket = "1") {
  return {{"positionId", "MT5-ic01-" + ticket}, {"symbol", "XAUUSD"}, {"side", "long"}, {"entryPrice", "2050.50"},
          {"exitPrice", "2075.30"}, {"size", "10"}, {"pnl", "248.00"}, {"closedAt", kNow / 1'000}};
}
json with(json body, const char* name, json value) {
  body[name] = std::move(value);
  return body;
}
std::string verdict(const MetaTraderBench::Reply& r) {
  if (!r.body.is_object()) return std::to_string(r.status);
  return std::to_string(r.status) + " " + r.body.value("error", r.body.value("status", "")) +
         (r.body.contains("field") ? " " + r.body.at("field").get<std::string>() : "") +
         (r.body.contains("reason") ? " " + r.body.at("reason").get<std::string>() : "");
}

}  // namespace

TEST_CASE("metatrader: a close is not answered before the ledger has it") {
  MetaTraderBench b(kOptions, kNow);
  b.commits = false;
  CHECK(b.post(close()).status == 0);
  REQUIRE(b.closes.size() == 1);
  b.commit();
  CHECK(verdict(b.post(close("2"))) == "0");  // nothing yet
  // A commit that failed: the host has told the sender, the plugin asks for what it may have lost.
  b.runner->set_watermark({}, true);
  const json beat{{"type", "heartbeat"}, {"timestamp", kNow}};
  b.commits = true;
  CHECK(b.post(beat).body.at("rescanSec") == 3'600);
  CHECK_FALSE(b.post(beat).body.contains("rescanSec"));
}

TEST_CASE("metatrader: the feed is ready while heartbeats come, and down after 90 s without") {
  MetaTraderBench b(kOptions, kNow);
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].find("first heartbeat") != std::string::npos);
  const auto beat = [&](bool connected = true) {
    return b.post({{"type", "heartbeat"}, {"timestamp", b.clock.wall_ms()}, {"connected", connected}, {"login", "5012345"}, {"server", "Broker-Live"}});
  };
  CHECK(beat().status == 200);
  CHECK(b.statuses.back() == "ready");
  CHECK(b.uids == std::vector<std::string>{"Broker-Live/5012345"});
  for (int i = 0; i < 10; ++i) {
    b.advance(30'000);
    beat();
  }
  CHECK(b.statuses.size() == 2);
  CHECK(b.uids.size() == 1);
  b.advance(89'000);
  CHECK(b.statuses.back() == "ready");
  b.advance(2'000);
  CHECK(b.statuses.back().find("no heartbeat for 90 s") != std::string::npos);
  beat();
  CHECK(b.statuses.back() == "ready");
  beat(false);
  CHECK(b.statuses.back().find("no connection to its trade server") != std::string::npos);
  beat();
  CHECK(b.statuses.back() == "ready");
}

TEST_CASE("metatrader: fields that are missing, malformed or impossible are named") {
  MetaTraderBench b(kOptions, kNow);
  for (const auto* field : {"positionId", "symbol", "side", "entryPrice", "exitPrice", "size", "pnl", "closedAt"}) {
    json body = close();
    body.erase(field);
    CHECK(verdict(b.post(body)) == std::string("400 bad_field ") + field);
    CHECK(verdict(b.post(with(close(), field, nullptr))) == std::string("400 bad_field ") + field);
    CHECK(verdict(b.post(with(close(), field, json::array()))) == std::string("400 bad_field ") + field);
  }
  CHECK(verdict(b.post(with(close(), "entryPrice", "0"))) == "422 bad_field entryPrice");
  CHECK(verdict(b.post(with(close(), "exitPrice", "-1"))) == "422 bad_field exitPrice");
  CHECK(verdict(b.post(with(close(), "pnl", "1e9999"))) == "400 bad_field pnl");
  CHECK(verdict(b.post(with(close(), "pnl", std::string(60, '9')))) == "400 bad_field pnl");
  CHECK(verdict(b.post(with(close(), "closedAt", "1.5"))) == "400 bad_field closedAt");
  CHECK(verdict(b.post(with(close(), "closedAt", 0))) == "400 bad_field closedAt");
  CHECK(verdict(b.post(with(close(), "currency", "U$D"))) == "400 bad_field currency");
  for (const auto* id : {"MT5-ic01-", "MT5-ic01-12a", "MT5-ic011", "ic01-1", "MT5-ic01-123456789012345678901", "MT5-1", "mt5-ic01-1"})
    CHECK(verdict(b.post(with(close(), "positionId", id))) == "422 bad_position_id positionId");
  CHECK(verdict(b.post(with(close(), "login", 777))) == "403 login_mismatch login");
  CHECK(verdict(b.post(with(close(), "symbol", "XAU\nUSD"))) == "400 bad_field symbol");
  CHECK(verdict(b.post(with(close(), "symbol", std::string("\x1b[2JX")))) == "400 bad_field symbol");
  CHECK(verdict(b.post({{"type", "heartbeat"}, {"timestamp", 1}, {"login", "5012345"}, {"server", "a\r\nb"}})) == "400 bad_field server");
  CHECK(b.closes.empty());
  CHECK(b.statuses.size() == 1);
}

TEST_CASE("metatrader: JSON to the letter") {
  MetaTraderBench b(kOptions, kNow);
  const std::string good = close().dump();
  CHECK(b.post(good).status == 200);
  for (const std::string& body : std::vector<std::string>{
           "", "null", "[]", "1", "{", good + "x", good + good, good.substr(0, good.size() - 1), "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}",
           "{\"a\":+1}", "{\"a\":1e}", "{\"a\":Infinity}", "{\"a\":-NaN}", "{'a':1}", "{\"a\":1,}", "{a:1}", "{\"a\":\"\x01\"}",
           "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xed\xa0\x80\"}",
           "{\"p\\u006el\":1}", "{\"a\":{\"b\":1,\"b\":2}}", std::string(2'000, '{'), std::string("{\"a\":1}\0", 8),
           "{\"a\":[[[[[[[[[[1]]]]]]]]]]}"}) {
    INFO(body);
    CHECK(verdict(b.post(body)) == "400 bad_json");
  }
  CHECK(b.post(std::string("{\"type\":\"heartbeat\",\"timestamp\":1,\"server\":\"Soci\xc3\xa9t\xc3\xa9 \\u00e9 \xf0\x9f\x98\x80\"}")).status == 200);
}

TEST_CASE("metatrader: what a person must see is held with a reason, never refused") {
  MetaTraderBench b(kOptions, kNow);
  CHECK(verdict(b.post(with(with(close("1"), "entryPrice", 0), "entryKnown", false))) == "200 held entry_unknown");
  CHECK(verdict(b.post(with(close("2"), "currency", "EUR"))) == "200 held unsupported_currency");
  CHECK(verdict(b.post(with(close("3"), "pnl", "2480"))) == "200 held pnl_mismatch");
  CHECK(verdict(b.post(with(close("4"), "closedAt", kNow / 1'000 - 15 * 86'400))) == "200 held too_old");
  CHECK(verdict(b.post(with(close("5"), "closedAt", kNow / 1'000 + 119))) == "200 accepted");
  CHECK(verdict(b.post(with(close("6"), "closedAt", kNow / 1'000 + 121))) == "422 in_future closedAt");
  // Costs explain what prices do not; profit in another currency cannot be told from prices.
  CHECK(verdict(b.post(with(with(close("7"), "swap", "-60"), "pnl", "188"))) == "200 accepted");
  CHECK(verdict(b.post(with(with(close("8"), "profitCurrency", "JPY"), "pnl", "1.66"))) == "200 accepted");
  json yen = close("9");
  yen["symbol"] = "USDJPY.ecn";
  yen["pnl"] = "1.66";
  CHECK(verdict(b.post(yen)) == "200 accepted");
  CHECK(verdict(b.post(with(close("10"), "symbol", "AAPL.OQ"))) == "200 accepted");
  CHECK(b.closes.at(0).position.symbol == "AAPL.OQ");
  CHECK(verdict(b.post(with(close("3"), "pnl", "2480"))) == "200 duplicate");
  CHECK(verdict(b.post(with(close("3"), "pnl", "248"))) == "409 conflict positionId");
}

TEST_CASE("metatrader: an account in euros is in euros, one in cents in dollars") {
  json options = kOptions;
  options["currency"] = "EUR";
  MetaTraderBench euro(options, kNow);
  const auto r = euro.post(with(with(close(), "currency", "EUR"), "profitCurrency", "USD"));
  CHECK(euro.closes.at(0).position.currency == "EUR");
  CHECK(euro.closes.at(0).position.hold_reason.empty());
  CHECK(verdict(r) == "200 held no_rate");  // the host's word: no euro price in this test
  options["currency"] = "USC";
  MetaTraderBench cents(options, kNow);
  CHECK(verdict(cents.post(with(close(), "pnl", "24800.00"))) == "200 accepted");
  CHECK(cents.closes.at(0).position.pnl == Decimal(248));
  CHECK(cents.post({{"type", "balance"}, {"timestamp", 1}, {"total", "1000.50"}, {"available", "900"}, {"currency", "USC"}}).status == 200);
  CHECK(cents.balances.at(0).total == Decimal::of("10.005"));
}

TEST_CASE("metatrader: prices are taken one by one, none older than the last") {
  MetaTraderBench b(kOptions, kNow);
  const auto one = [&](const char* symbol, const char* bid, const char* ask, std::int64_t at) {
    return b.post({{"type", "prices"}, {"prices", {{{"symbol", symbol}, {"bid", bid}, {"ask", ask}, {"timestamp", at}}}}}).body.at("accepted").get<int>();
  };
  CHECK(one("XAUUSD.m", "2075.1", "2075.3", kNow - 1'000) == 1);
  CHECK(one("XAUUSD.m", "2075.1", "2075.3", kNow - 1'000) == 0);
  CHECK(one("GOLD", "2075.1", "2075.3", kNow - 999) == 1);
  CHECK(one("EURUSD", "1.1", "1.1", kNow - 30'000) == 1);
  CHECK(one("GBPUSD", "1.1", "1.2", kNow - 30'001) == 0);
  CHECK(one("USDJPY", "150", "150.1", kNow + 5'000) == 1);
  CHECK(one("US30", "1", "2", kNow + 5'001) == 0);
  CHECK(one("NAS100", "2", "1", kNow) == 0);
  CHECK(one("NAS100", "0", "1", kNow) == 0);
  CHECK(one("", "1", "1", kNow) == 0);
  CHECK(verdict(b.post({{"type", "prices"}})) == "400 bad_field prices");
  CHECK(verdict(b.post({{"type", "prices"}, {"prices", {1}}})) == "400 bad_field prices");
  CHECK(verdict(b.post({{"type", "prices"}, {"prices", {{{"symbol", "XAUUSD"}, {"bid", "x"}, {"ask", 1}, {"timestamp", 1}}}}})) == "400 bad_field bid");
  json many = json::array();
  for (int i = 0; i < 65; ++i) many.push_back({{"symbol", "XAUUSD"}, {"bid", 1}, {"ask", 1}, {"timestamp", 1}});
  CHECK(verdict(b.post({{"type", "prices"}, {"prices", many}})) == "400 bad_field prices");
}

TEST_CASE("metatrader: an annulled deal is told once for a person") {
  MetaTraderBench b(kOptions, kNow);
  const json beat{{"type", "heartbeat"}, {"timestamp", kNow}, {"anomaly", "the broker annulled deal 5"}};
  b.post(beat);
  b.post(beat);
  REQUIRE(b.errors.size() == 1);
  CHECK(b.errors[0].find("annulled deal 5") != std::string::npos);
}
