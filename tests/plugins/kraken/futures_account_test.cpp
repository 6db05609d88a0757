// The futures account against a host in memory: login, pairing, backfill, fallbacks, errors.
#include <algorithm>
#include <catch2/catch.hpp>

#include "account_support.hpp"

using namespace anduin;
using test::any;
using test::fields;
using test::HostDouble;

namespace {

const char* const kFutures = R"({"market":["futures"]})";
const std::string kLog = "/api/history/v3/account-log";
const std::string kPositions = "/api/history/v3/positions";
const std::string kUuid = "226aee50-88fc-4618-a42a-34f7709570b2";

/// The two rows of an execution as REST writes them.
std::string cash(int id, const std::string& execution, const std::string& pnl = "0.5") {
  return R"({"id":)" + std::to_string(id) +
         R"(,"date":"2026-04-01T11:00:00.123Z","asset":"usd","info":"futures trade","execution":")" + execution +
         R"(","old_balance":null,"new_balance":null,"realized_pnl":)" + pnl +
         R"(,"fee":0.05,"liquidation_fee":null,"trade_price":75500.0})";
}
std::string position(int id, const std::string& execution, const std::string& from = "0.002",
                     const std::string& to = "0.001") {
  return R"({"id":)" + std::to_string(id) +
         R"(,"date":"2026-04-01T11:00:00.123Z","asset":"pf_xbtusd","info":"futures trade","execution":")" + execution +
         R"(","old_balance":)" + from + R"(,"new_balance":)" + to +
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
         R"("realizedPnL":"0.5","executionUid":")" +
         execution + R"(","executionPrice":"75500","updateReason":"trade"}}}]})";
}

/// Logged in, first backfill empty.
void log_in_futures(HostDouble& host) {
  host.start();
  host.reply("/api/auth/v1/api-keys/v3/check",
             R"({"accountUid":"u","permissions":{"general":"READ_ONLY","transfer":"NO_ACCESS"}})");
  host.reply(kLog, page({}));
  host.dial_due();
  host.opened();
  host.frame(R"({"event":"challenge","message":")" + kUuid + R"("})");
  host.frame(R"({"event":"subscribed","feed":"account_log"})");
}

/// Lets the reads behind a login happen.
void settle_down(HostDouble& host, const std::string& answer) {
  for (int i = 0; i < 4; ++i) {
    host.pass(15'000);
    while (host.asked(kLog)) host.reply(kLog, answer);
  }
}

const std::string kClose = " PF_XBTUSD long 75000 75500 0.001 0.5 0.05 USD 1775041200123";

}  // namespace

TEST_CASE("lessons 23: futures login: challenge, then signed subscriptions, a new challenge on each connection") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  CHECK(host.opens.back() == "futures.private");
  REQUIRE(host.sends.size() == 5);
  CHECK(host.sends[0].payload == R"({"event":"challenge","api_key":"{{key}}"})");
  CHECK(
      host.sends[1].payload ==
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
      logs = position(2 * i + 1, "e" + std::to_string(i)) + "," + cash(2 * i, "e" + std::to_string(i)) +
             (i > 1 ? "," : "") + logs;
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
    CHECK(std::count_if(host.requests.begin(), host.requests.end(),
                        [](const auto& r) { return r.target.find("from=") != std::string::npos; }) <= 1);
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
  settle_down(host, page({}));
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
    while (host.take(kPositions).id != 0) {
    }
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
      CHECK(std::any_of(host.coverages.begin(), host.coverages.end(),
                        [](const auto& c) { return !c.proven && c.from_ms == 1'775'041'200'123; }));
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

TEST_CASE("futures: drop or blank every optional field, no batch is lost, nothing is settled without a figure") {
  // Method: each member of each row is dropped, then blanked, then null; a healthy pair stands behind it.
  const std::vector<std::string> members = {
      "date",        "asset",        "info", "execution",      "old_balance", "new_balance", "old_average_entry_price",
      "trade_price", "realized_pnl", "fee",  "liquidation_fee"};
  for (const std::string row_kind : {"cash", "position"}) {
    for (const std::string& name : members) {
      for (const std::string value : {"", "null", "\"\"", "\"?\"", "[]", "{}"}) {
        std::string row = row_kind == "cash" ? cash(1, "e1") : position(1, "e1");
        const std::size_t at = row.find("\"" + name + "\":");
        if (at == std::string::npos) continue;
        std::size_t end = at + name.size() + 3;
        end = row[end] == '"' ? row.find('"', end + 1) + 1 : row.find_first_of(",}", end);
        if (value.empty())
          row.erase(at, row[end] == ',' ? end - at + 1 : end - at);
        else
          row.replace(at, end - at, "\"" + name + "\":" + value);
        if (row.find(",}") != std::string::npos) row.erase(row.find(",}"), 1);
        INFO(row);
        HostDouble host(true, kFutures);
        host.start();
        const std::string other = row_kind == "cash" ? position(2, "e1") : cash(2, "e1");
        host.reply(kLog, page({row, other, cash(3, "e2"), position(4, "e2")}));
        const auto good =
            std::count_if(host.closes.begin(), host.closes.end(), [](const auto& c) { return c.id == "kf:e2"; });
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

TEST_CASE("futures backfill: a missing id among young rows is asked for again, among old ones it is not") {
  HostDouble host(true, kFutures);
  host.watermark = "kf1/10/5";
  SECTION("young") {
    host.start();
    host.reply(kLog, page({cash(12, "b"), position(13, "b")}));
    CHECK(host.closes.size() == 1);
    CHECK(host.watermark.starts_with("kf1/10/"));
    CHECK(!host.coverages.back().proven);
    host.pass(20'000);
    const auto again = host.reply(kLog, page({cash(11, "z"), cash(12, "b"), position(13, "b")}));
    CHECK(again.target.find("from=11&") != std::string::npos);
  }
  SECTION("old") {
    host.now_ms += 3'600'000;
    host.start();
    host.reply(kLog, page({cash(12, "b"), position(13, "b")}));
    CHECK(host.watermark.starts_with("kf1/13/"));
    CHECK(host.coverages.back().proven);
  }
}

TEST_CASE("futures stream: a gap in the ids, and a fill that the log does not show, start a read") {
  HostDouble host(true, kFutures);
  log_in_futures(host);
  settle_down(host, page({cash(1, "a"), position(2, "a")}));
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
  const auto pair = [](int id, const std::string& e, const std::string& contract, const std::string& coin,
                       const std::string& from, const std::string& to, const std::string& pnl, const std::string& fee) {
    std::string p = position(id, e, from, to), c = cash(id + 1, e, pnl);
    p.replace(p.find("pf_xbtusd"), 9, contract);
    c.replace(c.find("\"usd\""), 5, "\"" + coin + "\"");
    c.replace(c.find("0.05"), 4, fee);
    return p + "," + c;
  };
  host.reply(
      kLog, page({pair(1, "flip", "pf_xbtusd", "usd", "0.001", "-0.002", "3.0", "0.15"),
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

TEST_CASE("futures: when the log does not answer, the position history speaks for it, else it only checks") {
  HostDouble host(true, kFutures);
  host.start();
  SECTION("no answer of the log") {
    host.reply(kPositions, event_page("e1"));
    REQUIRE(host.closes.size() == 1);
    CHECK(fields(host.closes[0]) == "kf:e1" + kClose);
    CHECK(host.watermarks.empty());
    CHECK(host.coverages.empty());
  }
  SECTION("a liquidation's fee is not proven there") {
    std::string liquidation = event_page("e1");
    liquidation.replace(liquidation.find(R"("updateReason")"), 0, R"("tradeType":"liquidation",)");
    host.reply(kPositions, liquidation);
    REQUIRE(host.closes.size() == 1);
    CHECK(host.closes[0].hold.find("liquidation fee") != std::string::npos);
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
