// The simulated Kraken Futures against the vectors and section 12 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "anduin-kraken-key";
const std::string kSecret =
    "YW5kdWluLWtyYWtlbi1zZWNyZXQtMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6LTY0YnkhIQ==";

SimBench bench(int accounts = 1) { return {"kraken", bench_options(kKey, kSecret, accounts)}; }

Request signed_get(SimBench& b, const std::string& path, const std::string& query,
                   const std::string& nonce = "") {
  const SimAccount& a = b.simulator.venue().accounts()[0];
  const std::string endpoint = path.starts_with("/derivatives") ? path.substr(12) : path;
  Request r{"GET", path, query};
  r.headers = {
      {"APIKey", a.key},
      {"Authent", base64_encode(hmac_sha512(*base64_decode(a.secret), sha256(query + nonce + endpoint)))}};
  if (!nonce.empty()) r.headers.emplace_back("Nonce", nonce);
  return r;
}

Json get(SimBench& b, const std::string& path, const std::string& query) {
  return SimBench::json(b.simulator.http(signed_get(b, path, query)).body);
}

std::string subscribe(SimBench& b, ConnId conn, const std::string& feed) {
  const SimAccount& a = b.simulator.venue().accounts()[0];
  const auto answer = b.say(conn, R"({"event":"challenge","api_key":")" + a.key + R"("})");
  const std::string challenge = text_at(SimBench::json(answer.at(0)), "message");
  const std::string sign = base64_encode(hmac_sha512(*base64_decode(a.secret), sha256(challenge)));
  return R"({"event":"subscribe","feed":")" + feed + R"(","api_key":")" + a.key +
         R"(","original_challenge":")" + challenge + R"(","signed_challenge":")" + sign + R"("})";
}

std::vector<Json> entries(const std::vector<std::string>& frames) {
  std::vector<Json> found;
  for (const std::string& frame : frames) {
    const Json j = SimBench::json(frame);
    if (text_at(j, "feed") == "account_log") found.push_back(j["new_entry"]);
  }
  return found;
}

}  // namespace

TEST_CASE(
    "kraken futures: every signed request of the vectors is accepted, and refused when one byte differs") {
  ANDUIN_NEED_SHARED();
  const auto rows = vector_rows("vectors/kraken.json", "signing");
  int checked = 0;
  for (const auto& row : rows) {
    const auto& in = row["inputs"];
    if (!in.contains("post_data")) continue;
    ++checked;
    SimBench b = bench();
    Request r{in["method"], in["url_path"], in["post_data"]};
    r.headers = {{"apikey", kKey}, {"Authent", row["expected"]["headers"]["Authent"]}};
    if (row["expected"]["headers"].contains("Nonce")) r.headers.emplace_back("Nonce", in["nonce"]);
    const auto accepted = [&](const Request& request) {
      const Response answer = b.simulator.http(request);
      return answer.status != 401 && answer.body.find("authenticationError") == std::string::npos;
    };
    INFO(row["name"]);
    Request altered = r;
    altered.query += "&x=1";
    CHECK_FALSE(accepted(altered));
    Request nobody = r;
    nobody.headers[0].second = "nobody";
    CHECK_FALSE(accepted(nobody));
    if (in["method"] == "GET") CHECK(accepted(r));  // the POST is a transfer: refused for what it is
  }
  CHECK(checked >= 6);
}

TEST_CASE("kraken futures: the challenge of the vectors gives the signature of the vectors") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/kraken.json", "signing")) {
    if (!row["inputs"].contains("challenge")) continue;
    const std::string expected = row["expected"].contains("signed_challenge")
                                     ? row["expected"]["signed_challenge"]
                                     : row["expected"]["subscribe"]["signed_challenge"];
    CHECK(base64_encode(hmac_sha512(*base64_decode(std::string(row["inputs"]["api_secret"])),
                                    sha256(std::string(row["inputs"]["challenge"])))) == expected);
  }
}

TEST_CASE("kraken futures: a private feed needs the challenge of this very connection") {
  SimBench b = bench();
  const ConnId conn = b.open("/ws/v1?auth=1"), other = b.open("/ws/v1?auth=1");
  CHECK(b.take(conn).front() == R"({"event":"info","version":1})");
  const std::string good = subscribe(b, conn, "account_log");
  CHECK(b.say(other, good).front().find(R"("event":"alert")") != std::string::npos);
  std::string wrong = good;
  wrong[wrong.size() - 10] = wrong[wrong.size() - 10] == 'A' ? 'B' : 'A';
  CHECK(b.say(conn, wrong).front().find(R"("event":"alert")") != std::string::npos);
  const auto answer = b.say(conn, good);
  REQUIRE(answer.size() == 2);
  CHECK(answer[0].find(R"("event":"subscribed")") != std::string::npos);
  CHECK(answer[0].find(R"("signed_challenge")") != std::string::npos);
  CHECK(answer[1] == R"({"feed":"account_log_snapshot","logs":[]})");
}

TEST_CASE("kraken futures: the public frames of real clients are accepted") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/kraken.json", "clientFrames")) {
    if (!std::string(row["name"]).starts_with("futures") || row["frame"].contains("api_key")) continue;
    SimBench b = bench();
    const auto answer = b.say(b.open("/ws/v1"), row["frame"].dump());
    INFO(row["name"]);
    REQUIRE(answer.size() == 2);
    CHECK(answer[0].find(R"("event":"subscribed")") != std::string::npos);
  }
}

TEST_CASE("kraken futures: the book is contiguous, rebuilds, has a zero level and a gap on demand") {
  SimBench b = bench();
  const ConnId conn = b.open("/ws/v1");
  auto frames = b.say(conn, R"({"event":"subscribe","feed":"book","product_ids":["pf_xbtusd"]})");
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].find(R"("product_ids":["PF_XBTUSD"])") != std::string::npos);
  std::map<Decimal, Decimal> bids, asks;
  std::int64_t seq = 0;
  std::size_t gaps = 0, zero_levels = 0;
  const auto set = [](std::map<Decimal, Decimal>& side, const Decimal& price, const Decimal& qty) {
    if (qty.is_zero())
      side.erase(price);
    else
      side[price] = qty;
  };
  const auto apply = [&](const std::vector<std::string>& list) {
    for (const std::string& frame : list) {
      const Json j = SimBench::json(frame);
      if (text_at(j, "feed") == "book_snapshot") {
        bids.clear();
        asks.clear();
        for (const char* side : {"bids", "asks"}) {
          for (const Json& level : j[side]) {
            if (decimal_at(level, "qty")->is_zero())
              ++zero_levels;
            else
              set(side[0] == 'b' ? bids : asks, *decimal_at(level, "price"), *decimal_at(level, "qty"));
          }
        }
      } else if (text_at(j, "feed") == "book" && j.contains("seq")) {  // the ack says feed book too
        if (int_at(j, "seq", 0) != seq + 1) ++gaps;
        set(text_at(j, "side") == "buy" ? bids : asks, *decimal_at(j, "price"), *decimal_at(j, "qty"));
      } else {
        continue;
      }
      seq = int_at(j, "seq", 0);
    }
  };
  apply(frames);
  CHECK(zero_levels == 1);
  b.advance(5'000);
  apply(b.take(conn));
  CHECK(gaps == 0);
  const auto built_bids = bids, built_asks = asks;
  apply(b.say(b.open("/ws/v1"), R"({"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"]})"));
  CHECK(built_bids == bids);
  CHECK(built_asks == asks);
  CHECK(bids.rbegin()->first < asks.begin()->first);
  REQUIRE(flag_at(b.control("gap", R"({"symbol":"BTCUSD"})"), "ok"));
  b.advance(1'000);
  apply(b.take(conn));
  CHECK(gaps == 1);
  CHECK(b.say(conn, R"({"event":"subscribe","feed":"book","product_ids":["PF_NOPEUSD"]})").front() ==
        R"({"event":"error","message":"Invalid product id"})");
}

TEST_CASE(
    "kraken futures: a close is one execution in stream, log, positions and fills, and its sums are right") {
  const struct {
    const char* name;
    const char* extra;
  } kinds[] = {{"plain", ""},
               {"flip", R"(,"flip":true)"},
               {"liquidation", R"(,"liquidation":true)"},
               {"adl", R"(,"adl":true)"},
               {"partial", R"(,"partial":true)"},
               {"inverse", R"(,"symbol":"PI_XBTUSD","size":1000,"pnl":0.0002,"fee":0.00001)"}};
  for (const auto& kind : kinds) {
    INFO(kind.name);
    SimBench b = bench();
    const ConnId conn = b.open("/ws/v1?auth=1");
    b.say(conn, subscribe(b, conn, "account_log"));
    b.take(conn);
    std::set<std::string> orders;
    for (int round = 0; round < 6; ++round) {
      const std::string side = round % 2 == 0 ? "long" : "short";
      const Json answer = b.control("close", R"({"symbol":"BTCUSD","side":")" + side +
                                                 R"(","size":0.3,"pnl":12.5,"fee":0.6)" + kind.extra + "}");
      REQUIRE(flag_at(answer, "ok"));
      const std::string execution = text_at(answer, "id").substr(3);
      b.advance(1'000);
      std::vector<Json> rows;
      for (const Json& row : entries(b.take(conn))) {
        if (text_at(row, "execution") == execution) rows.push_back(row);
      }
      REQUIRE(rows.size() == 2);
      const bool first_is_cash = text_at(rows[0], "asset").find('_') == std::string::npos;
      orders.insert(first_is_cash ? "cash first" : "position first");
      const Json &cash = rows[first_is_cash ? 0 : 1], &position = rows[first_is_cash ? 1 : 0];
      const auto d = [](const Json& row, const char* key) { return decimal_at(row, key).value(); };
      CHECK(d(cash, "new_balance") - d(cash, "old_balance") ==
            d(cash, "realized_pnl") - d(cash, "fee") - d(cash, "liquidation_fee"));
      CHECK(d(cash, "realized_pnl").to_string() == text_at(answer, "pnl"));
      const Decimal before = d(position, "old_balance"), after = d(position, "new_balance");
      CHECK(before.sign() == (side == "long" ? 1 : -1));
      const bool flipped = after.sign() * before.sign() < 0;
      CHECK(flipped == (std::string(kind.name) == "flip"));
      const Decimal closed = flipped ? before.abs() : before.abs() - after.abs();
      CHECK(closed.to_string() == text_at(answer, "size"));
      // fee x closed / executed is what the control command named.
      const Decimal executed = (before - after).abs();
      const Decimal fee =
          Decimal::divide((d(cash, "fee") + d(cash, "liquidation_fee")) * closed, executed, 10);
      CHECK(fee.to_string() == text_at(answer, "fee"));
      const Json log = get(b, "/api/history/v3/account-log", "count=50&sort=asc")["logs"];
      std::size_t found = 0;
      for (const Json& row : log) {
        if (text_at(row, "execution") != execution) continue;
        ++found;
        CHECK(row["contract"].is_string());
        CHECK(row["collateral"].is_null());
      }
      CHECK(found == 2);
      CHECK(get(b, "/api/history/v3/positions", "count=1").dump().find(execution) != std::string::npos);
      CHECK(get(b, "/derivatives/api/v3/fills", "").dump().find(execution) != std::string::npos);
    }
    CHECK(orders.size() == 2);
  }
}

TEST_CASE("kraken futures: an execution can lack its cash row, in the stream or everywhere") {
  SimBench b = bench();
  const ConnId conn = b.open("/ws/v1?auth=1");
  b.say(conn, subscribe(b, conn, "account_log"));
  const auto count = [&](const std::string& extra, std::size_t streamed, std::size_t logged) {
    b.take(conn);
    const Json answer =
        b.control("close", R"({"symbol":"BTCUSD","side":"long","size":0.3,"pnl":1)" + extra + "}");
    const std::string execution = text_at(answer, "id").substr(3);
    b.advance(1'000);
    std::size_t in_stream = 0, in_log = 0;
    for (const Json& row : entries(b.take(conn)))
      in_stream += text_at(row, "execution") == execution ? 1U : 0U;
    const Json log = get(b, "/api/history/v3/account-log", "count=25")["logs"];
    for (const Json& row : log) in_log += text_at(row, "execution") == execution ? 1U : 0U;
    CHECK(in_stream == streamed);
    CHECK(in_log == logged);
    CHECK(get(b, "/api/history/v3/positions", "count=5").dump().find(R"("realizedPnL":"1")") !=
          std::string::npos);
  };
  count(R"(,"missingCash":true)", 1, 1);
  count(R"(,"missingCash":"stream")", 1, 2);
  count(R"(,"silent":true)", 0, 2);
}

TEST_CASE("kraken futures: the log pages by an inclusive ascending id over any number of rows") {
  SimBench b = bench();
  b.control("limits", R"({"pool":100000})");
  for (int i = 0; i < 60; ++i)
    b.control("close", R"({"symbol":"ETHUSD","side":"long","size":1,"pnl":1,"silent":true})");
  for (const int page : {25, 100, 101, 250, 500}) {
    std::int64_t from = 1, last = 0;
    std::size_t rows = 0;
    std::set<std::string> executions;
    while (true) {
      const Json logs =
          get(b, "/api/history/v3/account-log",
              "from=" + std::to_string(from) + "&sort=asc&count=" + std::to_string(page))["logs"];
      for (const Json& row : logs) {
        CHECK(int_at(row, "id", 0) == last + 1);
        last = int_at(row, "id", 0);
        ++rows;
        if (row["execution"].is_string()) executions.insert(text_at(row, "execution"));
      }
      if (logs.size() < static_cast<std::size_t>(page)) break;
      from = last + 1;
    }
    CHECK(executions.size() == 120);  // an opening and a closing one each
    CHECK(rows > 200);
    const Json again =
        get(b, "/api/history/v3/account-log", "from=" + std::to_string(last) + "&sort=asc")["logs"];
    CHECK(again.size() == 1);
  }
}

TEST_CASE("kraken futures: the history pool and the cost window run out and come back") {
  SimBench b = bench();
  int served = 0;
  while (get(b, "/api/history/v3/account-log", "count=500").contains("logs")) ++served;
  CHECK(served == 33);
  CHECK(b.simulator.http(signed_get(b, "/api/history/v3/account-log", "count=500")).status == 429);
  b.advance(60'000, 1'000);
  // The socketless minute gave ten tokens back.
  CHECK(get(b, "/api/history/v3/account-log", "count=500").contains("logs"));
  served = 0;
  while (text_at(get(b, "/derivatives/api/v3/accounts", ""), "result") == "success") ++served;
  CHECK(served == 250);
  CHECK(text_at(get(b, "/derivatives/api/v3/accounts", ""), "error") == "apiLimitExceeded");
  b.advance(10'000, 1'000);
  CHECK(text_at(get(b, "/derivatives/api/v3/accounts", ""), "result") == "success");
}

TEST_CASE("kraken futures: a nonce that is sent must grow") {
  SimBench b = bench();
  const auto error = [&](const std::string& nonce) {
    return text_at(
        SimBench::json(b.simulator.http(signed_get(b, "/derivatives/api/v3/accounts", "", nonce)).body),
        "error");
  };
  CHECK(error("1700000000000").empty());
  CHECK(error("1700000000000") == "nonceDuplicate");
  CHECK(error("1699999999999") == "nonceBelowThreshold");
  CHECK(error("").empty());
}

TEST_CASE("kraken futures: a socket without ping dies after a minute, pings keep it") {
  SimBench b = bench();
  const ConnId quiet = b.open("/ws/v1"), lively = b.open("/ws/v1"), beating = b.open("/ws/v1");
  b.say(beating, R"({"event":"subscribe","feed":"heartbeat"})");
  for (int i = 0; i < 4; ++i) {
    b.advance(25'000, 1'000);
    b.simulator.ws_ping(lively);
  }
  CHECK(b.sink.closed.count(quiet) == 1);
  CHECK(b.sink.closed.count(lively) == 0);
  CHECK(b.sink.closed.count(beating) == 0);
}

TEST_CASE("kraken futures: a snapshot repeats old rows, the probe tells rights and uid") {
  SimBench b = bench();
  b.control("close", R"({"symbol":"BTCUSD","side":"long","size":0.3,"pnl":1})");
  const ConnId conn = b.open("/ws/v1?auth=1");
  const auto answer = b.say(conn, subscribe(b, conn, "account_log"));
  CHECK(SimBench::json(answer.at(1))["logs"].size() >= 4);
  const Json info = get(b, "/api/auth/v1/api-keys/v3/check", "");
  CHECK(text_at(info, "accountUid") == b.simulator.venue().accounts()[0].uid);
  CHECK(info["permissions"]["general"] == "READ_ONLY");
  b.control("keys", R"({"can_withdraw":true})");
  CHECK(get(b, "/api/auth/v1/api-keys/v3/check", "")["permissions"]["transfer"] == "FULL_ACCESS");
}

}  // namespace anduin::sim
