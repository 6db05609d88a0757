// The account side against a host in memory: login, pairing, backfill, fallbacks, errors.
#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

#include "host_double.hpp"

using namespace anduin;
using test::HostDouble;

namespace {

const char* const kFutures = R"({"market":["futures"]})";
const char* const kSpot = R"({"market":["spot"],"private_dialect":"v2"})";
const std::string kLog = "/api/history/v3/account-log";
const std::string kPositions = "/api/history/v3/positions";
const std::string kUuid = "226aee50-88fc-4618-a42a-34f7709570b2";

bool any(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(), [&](const auto& l) { return l.find(part) != std::string::npos; });
}

/// The two rows of an execution as REST writes them; -1 leaves a row out.
std::string cash(int id, const std::string& execution, const std::string& pnl = "0.5") {
  return R"({"id":)" + std::to_string(id) + R"(,"date":"2026-04-01T11:00:00.123Z","asset":"usd","info":"futures trade","execution":")" +
         execution + R"(","old_balance":null,"new_balance":null,"realized_pnl":)" + pnl + R"(,"fee":0.05,"liquidation_fee":null,"trade_price":75500.0})";
}
std::string position(int id, const std::string& execution, const std::string& from = "0.002", const std::string& to = "0.001") {
  return R"({"id":)" + std::to_string(id) + R"(,"date":"2026-04-01T11:00:00.123Z","asset":"pf_xbtusd","info":"futures trade","execution":")" +
         execution + R"(","old_balance":)" + from + R"(,"new_balance":)" + to +
         R"(,"old_average_entry_price":75000.0,"trade_price":75500.0,"realized_pnl":null,"fee":null})";
}
std::string page(const std::vector<std::string>& rows) {
  std::string out = R"({"accountUid":"u","logs":[)";
  for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "," : "") + rows[i];
  return out + "]}";
}
std::string entry(const std::string& row) { return R"({"feed":"account_log","new_entry":)" + row + "}"; }
std::string event_page(const std::string& execution) {
  return R"({"elements":[{"uid":"x","timestamp":1775041200123,"event":{"PositionUpdate":{"tradeable":"PF_XBTUSD","oldPosition":"0.002",)"
         R"("oldAverageEntryPrice":"75000","newPosition":"0.001","fillTime":1775041200123,"fee":"0.05","feeCurrency":"USD",)"
         R"("realizedPnL":"0.5","executionUid":")" + execution + R"(","executionPrice":"75500","updateReason":"trade"}}}]})";
}

/// Logged in, first backfill empty.
void log_in_futures(HostDouble& host) {
  host.start();
  host.reply("/api/auth/v1/api-keys/v3/check", R"({"accountUid":"u","permissions":{"general":"READ_ONLY","transfer":"NO_ACCESS"}})");
  host.reply(kLog, page({}));
  host.dial_due();
  host.opened();
  host.frame(R"({"event":"challenge","message":")" + kUuid + R"("})");
  host.frame(R"({"event":"subscribed","feed":"account_log"})");
}

std::string fields(const test::SeenClose& c) {
  return c.id + " " + c.symbol + " " + (c.is_long ? "long" : "short") + " " + c.entry + " " + c.exit + " " + c.size + " " +
         c.pnl + " " + c.fee + " " + c.currency + " " + std::to_string(c.closed_ms);
}
const std::string kClose = " PF_XBTUSD long 75000 75500 0.001 0.5 0.05 USD 1775041200123";

std::string ledger(const std::vector<std::string>& rows, std::size_t count) {
  std::string out = R"({"error":[],"result":{"ledger":{)";
  for (std::size_t i = 0; i < rows.size(); ++i) out += (i ? "," : "") + rows[i];
  return out + R"(},"count":)" + std::to_string(count) + "}}";
}
std::string margin_row(const std::string& id, const std::string& trade, const std::string& amount = "500.0000",
                       const std::string& time = "1775041200.123456") {
  return "\"" + id + R"(":{"amount":")" + amount + R"(","asset":"ZUSD","fee":"39.0000","refid":")" + trade + R"(","time":)" +
         time + R"(,"type":"margin"})";
}
std::string trade(const std::string& id, const std::string& type = "sell") {
  return "\"" + id + R"(":{"pair":"XXBTZUSD","type":")" + type + R"(","price":"30000.00000","vol":"0.50000000","misc":"closing"})";
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

// -- futures --------------------------------------------------------------------------------------------------------

TEST_CASE("futures login: challenge, then signed subscriptions; a new challenge on each connection") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  CHECK(host.opens.back() == "futures.private");
  REQUIRE(host.sends.size() == 5);
  CHECK(host.sends[0].payload == R"({"event":"challenge","api_key":"{{key}}"})");
  CHECK(host.sends[1].payload ==
        R"({"event":"subscribe","feed":"account_log","api_key":"{{key}}","original_challenge":"{{arg.challenge}}","signed_challenge":"{{sig}}"})");
  CHECK(host.sends[1].sign == "challenge");
  CHECK(host.sends[1].args == R"({"challenge":")" + kUuid + R"("})");
  CHECK(any(host.statuses, "positions ready"));
  host.closed();
  host.dial_due();
  host.opened();
  CHECK(host.sends.back().payload == R"({"event":"challenge","api_key":"{{key}}"})");
  SECTION("no answer: the connection is made anew") {
    host.pass(10'000);
    CHECK(host.redials.size() == 1);
  }
  SECTION("cut during the challenge, twice in a row: no deadlock, no stale challenge") {
    host.closed();
    host.dial_due();
    host.opened();
    host.closed();
    host.dial_due();
    host.opened();
    const std::size_t sent = host.sends.size();
    host.frame(R"({"event":"challenge","message":"11111111-88fc-4618-a42a-34f7709570b2"})");
    CHECK(host.sends.size() == sent + 4);
    CHECK(host.sends[sent].args == R"({"challenge":"11111111-88fc-4618-a42a-34f7709570b2"})");
  }
  SECTION("refused twice: the key") {
    CHECK(host.frame(R"({"event":"alert","message":"Failed to subscribe to authenticated feed"})") == AND_OK);
    CHECK(host.frame(R"({"event":"alert","message":"Failed to subscribe to authenticated feed"})") == AND_E_AUTH);
    CHECK(any(host.statuses, "positions failed Kraken futures refuses the key"));
  }
}

TEST_CASE("futures stream: rows in either order, repeated snapshots, openings, funding") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  SECTION("either order gives the same close, once") {
    host.frame(entry(position(2, "e1")));
    CHECK(host.closes.empty());
    host.frame(entry(cash(1, "e1")));
    REQUIRE(host.closes.size() == 1);
    CHECK(fields(host.closes[0]) == "kf:e1" + kClose);
    CHECK(host.closes[0].origin == AND_ORIGIN_STREAM);
    host.frame(R"({"feed":"account_log_snapshot","logs":[)" + position(2, "e1") + "," + cash(1, "e1") + "]}");
    CHECK(host.closes.size() == 1);
  }
  SECTION("a snapshot of fifty old closes after a reconnect: no new events") {
    std::string logs;
    for (int i = 1; i <= 50; ++i) {
      host.frame(entry(cash(2 * i, "e" + std::to_string(i))));
      host.frame(entry(position(2 * i + 1, "e" + std::to_string(i))));
      logs = position(2 * i + 1, "e" + std::to_string(i)) + "," + cash(2 * i, "e" + std::to_string(i)) + (i > 1 ? "," : "") + logs;
    }
    CHECK(host.closes.size() == 50);
    host.closed();
    host.dial_due();
    host.opened();
    host.frame(R"({"feed":"account_log_snapshot","logs":[)" + logs + "]}");
    CHECK(host.closes.size() == 50);
  }
  SECTION("openings and increases close nothing, in either order") {
    host.frame(entry(cash(1, "o1", "0.0")));
    host.frame(entry(position(2, "o1", "0.0", "0.002")));
    host.frame(entry(position(3, "o2", "0.002", "0.003")));
    host.frame(entry(cash(4, "o2", "0.0")));
    CHECK(host.closes.empty());
    const std::size_t open = host.requests.size();
    host.pass(6'000);
    CHECK(std::count_if(host.requests.begin(), host.requests.end(), [](const auto& r) { return r.target.find("from=") != std::string::npos; }) <= 1);
    CHECK(open <= host.requests.size());
  }
  SECTION("an unknown kind of row, or one that does not add up, is held and not guessed") {
    std::string odd = position(2, "e1");
    odd.replace(odd.find("futures trade"), 13, "futures magic");
    host.frame(entry(odd));
    host.frame(entry(cash(1, "e1")));
    REQUIRE(host.closes.size() == 1);
    CHECK(host.closes[0].hold.find("futures magic") != std::string::npos);
    std::string wrong = cash(3, "e2");
    wrong.replace(wrong.find(R"("old_balance":null,"new_balance":null)"), 37, R"("old_balance":10,"new_balance":99)");
    host.frame(entry(wrong));
    host.frame(entry(position(4, "e2")));
    CHECK(host.closes.back().hold.find("does not add up") != std::string::npos);
  }
}

TEST_CASE("futures: the missing half is asked of the log after five seconds, then of the position history") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  host.pass(20'000);
  while (host.asked(kLog)) host.reply(kLog, page({}));
  host.frame(entry(position(7, "e1")));
  host.pass(4'900);
  CHECK(!host.asked(kLog));
  host.pass(200);
  SECTION("the log has both rows") {
    host.reply(kLog, page({cash(6, "e1"), position(7, "e1")}));
    REQUIRE(host.closes.size() == 1);
    CHECK(fields(host.closes[0]) == "kf:e1" + kClose);
    CHECK(host.closes[0].origin == AND_ORIGIN_HISTORY);
    CHECK(host.watermark.rfind("kf1/7/", 0) == 0);
    CHECK(host.coverages.back().proven);
  }
  SECTION("the log keeps the cash row to itself") {
    while (host.take(kPositions).id != 0) {}
    host.reply(kLog, page({position(7, "e1")}));
    CHECK(host.watermark.rfind("kf1/6/", 0) == 0);  // the waiting row holds it back
    CHECK(host.closes.empty());
    host.pass(5'000);
    const auto again = host.reply(kLog, page({position(7, "e1")}));
    CHECK(again.target.find("from=7&") != std::string::npos);
    const auto events = host.take(kPositions);
    REQUIRE(events.id != 0);
    CHECK(events.target.find("since=1775041199123&before=1775041201123") != std::string::npos);
    SECTION("the position history has it") {
      host.answer(events, event_page("e1"));
      REQUIRE(host.closes.size() == 1);
      CHECK(fields(host.closes[0]) == "kf:e1" + kClose);
      CHECK(host.watermark.rfind("kf1/7/", 0) == 0);
    }
    SECTION("nobody has it: alarmed, visible as unproven, not settled as zero") {
      host.answer(events, event_page("other"));
      CHECK(host.closes.empty());
      CHECK(any(host.errors, "execution e1"));
      CHECK(std::any_of(host.coverages.begin(), host.coverages.end(), [](const auto& c) { return !c.proven && c.from_ms == 1'775'041'200'123; }));
    }
  }
}

TEST_CASE("futures backfill: pages, a pair split at the edge, resume from the durable cursor") {
  HostDouble host(true, kFutures, 1'775'000'000'000);
  host.start();
  const auto first = host.take(kLog);
  CHECK(first.target == kLog + "?since=1774999940000&sort=asc&count=500");
  CHECK(first.sign == "futures");
  CHECK(first.headers.find("Authent: {{sig}}") != std::string::npos);
  std::vector<std::string> rows;
  for (int i = 1; i < 500; i += 2) {
    rows.push_back(position(i, "x" + std::to_string(i)));
    rows.push_back(cash(i + 1, "x" + std::to_string(i == 499 ? 498 : i)));
  }
  rows.back() = cash(500, "x499b");
  host.answer(first, page(rows));
  CHECK(host.closes.size() == 249);
  CHECK(host.watermark == "kf1/498/0");
  const auto second = host.take(kLog);
  CHECK(second.target == kLog + "?from=501&sort=asc&count=500");
  host.answer(second, page({position(501, "x499b"), cash(502, "x499")}));
  CHECK(host.closes.size() == 251);
  CHECK(host.watermark == "kf1/502/" + std::to_string(host.now_ms));
  REQUIRE(host.coverages.size() == 1);
  CHECK(host.coverages[0].from_ms == 1'775'000'000'000);
  CHECK(host.coverages[0].to_ms == host.now_ms);
  CHECK(host.coverages[0].proven);

  HostDouble later(true, kFutures, 1'775'000'000'000);
  later.watermark = host.watermark;
  later.start();
  CHECK(later.take(kLog).target == kLog + "?from=503&sort=asc&count=500");

  SECTION("a failed commit starts again from the durable cursor, and an answer on its way is dropped") {
    host.pass(300'000);
    const auto sweep = host.take(kLog);
    CHECK(sweep.target == kLog + "?from=503&sort=asc&count=25");
    CHECK(sweep.cost == 1);
    host.watermark = "kf1/498/0";
    host.cursor();
    CHECK(host.take(kLog).target == kLog + "?from=499&sort=asc&count=25");
    const std::size_t before = host.closes.size();
    host.answer(sweep, page({cash(503, "z"), position(504, "z")}));
    CHECK(host.closes.size() == before);
  }
}

TEST_CASE("futures backfill: errors are never empty, one bad row is skipped and leaves the range unproven") {
  HostDouble host(true, kFutures);
  host.start();
  host.reply(kLog, R"({"result":"error","error":"Server Error"})");
  CHECK(host.coverages.empty());
  host.pass(1'000);
  host.reply(kLog, "<html>", 502);
  host.pass(2'000);
  host.no_answer(host.take(kLog));
  host.pass(4'000);
  host.reply(kLog, R"({"result":"error","error":"apiLimitExceeded"})");
  CHECK(!host.asked(kLog));
  host.pass(30'000);
  std::string bad = cash(3, "e2");
  bad.replace(bad.find("0.5"), 3, "\"x\"");
  host.reply(kLog, page({cash(1, "e1"), bad, position(2, "e1")}));
  REQUIRE(host.closes.size() == 1);
  REQUIRE(host.coverages.size() == 1);
  CHECK(!host.coverages[0].proven);
  CHECK(any(host.errors, "realized_pnl"));
}

TEST_CASE("futures: drop or blank every optional field; no batch is lost, nothing is settled without a figure") {
  // Method: each member of each row is dropped, then blanked, then null; a healthy pair stands behind it.
  const std::vector<std::string> members = {"date", "asset", "info", "execution", "old_balance", "new_balance",
                                            "old_average_entry_price", "trade_price", "realized_pnl", "fee", "liquidation_fee"};
  for (const std::string row_kind : {"cash", "position"}) {
    for (const std::string& name : members) {
      for (const std::string value : {"", "null", "\"\"", "\"?\"", "[]", "{}"}) {
        std::string row = row_kind == "cash" ? cash(1, "e1") : position(1, "e1");
        const std::size_t at = row.find("\"" + name + "\":");
        if (at == std::string::npos) continue;
        std::size_t end = at + name.size() + 3;
        end = row[end] == '"' ? row.find('"', end + 1) + 1 : row.find_first_of(",}", end);
        if (value.empty()) row.erase(at, row[end] == ',' ? end - at + 1 : end - at);
        else row.replace(at, end - at, "\"" + name + "\":" + value);
        if (row.find(",}") != std::string::npos) row.erase(row.find(",}"), 1);
        INFO(row);
        HostDouble host(true, kFutures);
        host.start();
        const std::string other = row_kind == "cash" ? position(2, "e1") : cash(2, "e1");
        host.reply(kLog, page({row, other, cash(3, "e2"), position(4, "e2")}));
        const auto good = std::count_if(host.closes.begin(), host.closes.end(), [](const auto& c) { return c.id == "kf:e2"; });
        CHECK(good == 1);
        for (const auto& c : host.closes) CHECK(!c.pnl.empty());
        if (name == "realized_pnl" && row_kind == "cash")
          CHECK(std::none_of(host.closes.begin(), host.closes.end(), [](const auto& c) { return c.id == "kf:e1"; }));
      }
    }
  }
}

TEST_CASE("futures: a reduction without an execution has no id and is an alarm, never a close") {
  HostDouble host(true, kFutures);
  host.start();
  std::string row = position(1, "");
  row.replace(row.find("futures trade"), 13, "settlement");
  host.reply(kLog, page({row}));
  CHECK(host.closes.empty());
  CHECK(any(host.errors, "names no execution"));
  CHECK(!host.coverages.back().proven);
}

TEST_CASE("futures stream: a gap in the ids, and a fill that the log does not show, start a read") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  host.pass(20'000);
  while (host.asked(kLog)) host.reply(kLog, page({cash(1, "a"), position(2, "a")}));
  host.frame(entry(cash(3, "b")));
  host.frame(entry(position(4, "b")));
  CHECK(host.closes.size() >= 2);
  SECTION("gap") {
    host.frame(entry(cash(9, "c")));
    host.frame(entry(position(10, "c")));
    CHECK(!host.asked(kLog));
    host.pass(15'000);
    CHECK(host.asked(kLog));
    CHECK(any(host.statuses, "positions resync rows are missing"));
  }
  SECTION("rows that swap places are no gap") {
    host.frame(entry(position(6, "c")));
    host.frame(entry(cash(5, "c")));
    host.pass(15'000);
    CHECK(!any(host.statuses, "positions resync"));
  }
  SECTION("a fill on its own") {
    host.frame(R"({"feed":"fills","username":"u","fills":[{"instrument":"PF_ETHUSD","fill_id":"lost"}]})");
    host.pass(15'000);
    CHECK(host.asked(kLog));
  }
  SECTION("a fill that the log shows") {
    host.frame(R"({"feed":"fills","username":"u","fills":[{"instrument":"PF_ETHUSD","fill_id":"b"}]})");
    host.pass(15'000);
    CHECK(!host.asked(kLog));
  }
}

TEST_CASE("futures numbers: flips, inverse coins, exponents, noise of doubles") {
  HostDouble host(true, kFutures);
  host.start();
  const auto pair = [](int id, const std::string& e, const std::string& contract, const std::string& coin, const std::string& from,
                       const std::string& to, const std::string& pnl, const std::string& fee) {
    std::string p = position(id, e, from, to), c = cash(id + 1, e, pnl);
    p.replace(p.find("pf_xbtusd"), 9, contract);
    c.replace(c.find("\"usd\""), 5, "\"" + coin + "\"");
    c.replace(c.find("0.05"), 4, fee);
    return p + "," + c;
  };
  host.reply(kLog, page({pair(1, "flip", "pf_xbtusd", "usd", "0.001", "-0.002", "3.0", "0.15"),
                         pair(3, "inverse", "pi_xbtusd", "xbt", "-5000", "-1000", "-1.31965e-06", "9.142857e-05"),
                         pair(5, "noise", "pf_ethusd", "usd", "0.30000000000000004", "0.1", "0.30000000000000004", "-0.01")}));
  REQUIRE(host.closes.size() == 3);
  CHECK(host.closes[0].size == "0.001");
  CHECK(host.closes[0].fee == "0.05");  // pays for the part that closed
  CHECK(host.closes[1].symbol == "PI_XBTUSD");
  CHECK(!host.closes[1].is_long);
  CHECK(host.closes[1].currency == "BTC");
  CHECK(host.closes[1].size == "4000");
  CHECK(host.closes[1].pnl == "-0.0000013196");  // ten places, ties to even
  CHECK(host.closes[1].pnl_raw == "-0.0000013196");
  CHECK(host.closes[2].size == "0.2");
  CHECK(host.closes[2].pnl == "0.3");
  CHECK(host.closes[2].fee == "-0.01");  // a rebate stays one
}

TEST_CASE("futures: when the log does not answer, the position history speaks for it; else it only checks") {
  HostDouble host(true, kFutures);
  host.start();
  SECTION("no answer of the log") {
    host.reply(kPositions, event_page("e1"));
    REQUIRE(host.closes.size() == 1);
    CHECK(fields(host.closes[0]) == "kf:e1" + kClose);
    CHECK(host.watermarks.empty());
    CHECK(host.coverages.empty());
  }
  SECTION("the log has answered") {
    host.reply(kLog, page({cash(1, "e1", "0.7"), position(2, "e1")}));
    host.reply(kPositions, event_page("e1"));
    CHECK(host.closes.size() == 1);
    CHECK(any(host.errors, "pnl 0.5 here, 0.7 in the account log"));
  }
}

TEST_CASE("futures balance") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  host.take("/derivatives/api/v3/accounts");  // the clock's
  host.query_balance();
  host.reply("/derivatives/api/v3/accounts",
             R"({"result":"success","accounts":{"flex":{"portfolioValue":12.5,"availableMargin":7.25},"cash":{}}})");
  REQUIRE(host.balances.size() == 1);
  CHECK(host.balances[0].currency == "USD");
  CHECK(host.balances[0].total == "12.5");
  CHECK(host.balances[0].available == "7.25");
  host.query_balance();
  host.reply("/derivatives/api/v3/accounts", R"({"result":"success","accounts":{"cash":{}}})");
  CHECK(any(host.statuses, "balance failed"));
}

TEST_CASE("futures: a refused key is one sentence, and is not hammered") {
  HostDouble host(true, kFutures);
  host.start();
  const auto probe = host.take("/api/auth/v1/api-keys/v3/check");
  CHECK(host.answer(probe, R"({"result":"error","error":"authenticationError"})") == AND_E_AUTH);
  CHECK(any(host.statuses, "positions failed Kraken futures refuses the key: authenticationError"));
  host.pass(299'000);
  CHECK(!host.asked("/api/auth/v1/api-keys/v3/check"));
  host.pass(2'000);
  CHECK(host.asked("/api/auth/v1/api-keys/v3/check"));
}

// -- spot margin ----------------------------------------------------------------------------------------------------

TEST_CASE("spot login: a fresh token for each connection") {
  HostDouble host(true, kSpot);
  log_in_spot(host);
  CHECK(host.opens.back() == "spot.private");
  REQUIRE(host.sends.size() == 2);
  CHECK(host.sends[0].payload ==
        R"({"method":"subscribe","params":{"channel":"executions","snap_orders":false,"snap_trades":true,"token":"T1"},"req_id":1})");
  CHECK(host.sends[1].payload == R"({"method":"subscribe","params":{"channel":"balances","snapshot":true,"token":"T1"},"req_id":2})");
  CHECK(any(host.statuses, "positions ready"));
  host.closed();
  host.dial_due();
  const auto token = host.reply("/0/private/GetWebSocketsToken", R"({"error":[],"result":{"token":"T2","expires":900}})");
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

TEST_CASE("spot stream: ledger row and execution in either order; other rows close nothing") {
  const std::string row =
      R"({"channel":"balances","type":"update","data":[{"ledger_id":"L1","ref_id":"T1","timestamp":"2026-04-01T11:00:00.123456Z","type":"margin","asset":"USD","category":"margin-trade","wallet_type":"spot","wallet_id":"main","amount":-500.0,"fee":39.0,"balance":10461.0}],"sequence":2})";
  const std::string execution =
      R"({"channel":"executions","type":"update","data":[{"exec_id":"T1","exec_type":"trade","symbol":"BTC/USD","side":"buy","last_qty":0.5,"last_price":30000.0}],"sequence":2})";
  HostDouble host(true, kSpot);
  log_in_spot(host);
  SECTION("row first") { host.frame(row); host.frame(execution); }
  SECTION("execution first") { host.frame(execution); host.frame(row); }
  SECTION("twice") { host.frame(execution); host.frame(row); host.frame(row); host.frame(execution); }
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
      rows.push_back(margin_row("L" + std::to_string(i), "T" + std::to_string(i), "1.0", std::to_string(1'775'041'000 + i) + ".5"));
    std::size_t at = 0;
    do {
      const auto q = host.take("/0/private/Ledgers");
      REQUIRE(q.id != 0);
      CHECK(q.body == "nonce={{nonce}}&type=margin&start=1774999400&ofs=" + std::to_string(at));
      const std::size_t n = std::min<std::size_t>(50, rows.size() - at);
      host.answer(q, ledger({rows.begin() + static_cast<std::ptrdiff_t>(at), rows.begin() + static_cast<std::ptrdiff_t>(at + n)}, rows.size()));
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
    for (int i = 0; i < total; ++i) CHECK(host.closes[static_cast<std::size_t>(i)].id == "km:L" + std::to_string(i + 1));
    CHECK(host.coverages.back().proven);
    CHECK(host.watermark == "km1/" + std::to_string(host.now_ms));
    HostDouble later(true, kSpot, 1'775'000'000'000);
    later.watermark = host.watermark;
    later.start();
    CHECK(later.take("/0/private/Ledgers").body.find("&start=" + std::to_string((host.now_ms - 600'000) / 1000) + "&ofs=0") != std::string::npos);
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
  host.reply("/0/private/GetApiKeyInfo", R"({"error":[],"result":{"iban":"A","permissions":["query-ledger"],"queryFrom":"1775040000"}})");
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
    host.reply("/0/private/Ledgers", R"({"error":["EService:Throttled:)" + std::to_string(host.now_ms / 1000 + 40) + R"("]})");
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
  host.frame(R"({"channelName":"ownTrades","event":"subscriptionStatus","status":"subscribed","subscription":{"name":"ownTrades"}})");
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
  host.reply("/0/private/BalanceEx",
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
