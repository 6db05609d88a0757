// The simulated Bybit against the vectors (signatures, client frames) and against section 11 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "anduin-test-key-01", kSecret = "anduin-test-secret-01-0123456789abcdef";

SimBench bench(int accounts = 1) { return {"bybit", bench_options(kKey, kSecret, accounts)}; }

Request signed_get(SimBench& b, const std::string& path, const std::string& query, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  Request r{"GET", path, query};
  r.headers = {{"X-BAPI-API-KEY", a.key},
               {"X-BAPI-TIMESTAMP", stamp},
               {"X-BAPI-RECV-WINDOW", "5000"},
               {"X-BAPI-SIGN", hmac_sha256_hex(a.secret, stamp + a.key + "5000" + query)}};
  return r;
}

Json get(SimBench& b, const std::string& path, const std::string& query, std::size_t account = 0) {
  return SimBench::json(b.simulator.http(signed_get(b, path, query, account)).body);
}

ConnId logged_in(SimBench& b, const std::string& topics = R"("execution","wallet")",
                 std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const ConnId conn = b.open("/v5/private");
  const std::string expires = std::to_string(b.clock.wall_ms() + 10'000);
  b.say(conn, R"({"op":"auth","args":[")" + a.key + R"(",")" + expires + R"(",")" +
                  hmac_sha256_hex(a.secret, "GET/realtime" + expires) + R"("]})");
  REQUIRE(b.take(conn).front().find(R"("success":true)") != std::string::npos);
  b.say(conn, R"({"op":"subscribe","args":[)" + topics + "]}");
  b.take(conn);
  return conn;
}

std::vector<Json> items(const std::vector<std::string>& frames, const std::string& topic) {
  std::vector<Json> found;
  for (const std::string& frame : frames) {
    const Json j = SimBench::json(frame);
    if (text_at(j, "topic") != topic) continue;
    for (const Json& item : j["data"]) found.push_back(item);
  }
  return found;
}

std::string id_of(const Json& row, const char* exec) {
  return text_at(row, "orderId") + ":" + text_at(row, exec);
}

}  // namespace

TEST_CASE("bybit: every signed request of the vectors is accepted, and refused when one byte differs") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/bybit.json", "signing")) {
    const auto& in = row["inputs"];
    if (!in.contains("method")) continue;
    SimBench b = bench();
    b.clock.set_wall_ms(in["timestamp_ms"]);
    Request r{in["method"], in["path"], in["query"], {}, in["body"]};
    const std::string sign = row["expected"]["X-BAPI-SIGN"];
    r.headers = {{"X-BAPI-API-KEY", kKey},
                 {"X-BAPI-TIMESTAMP", std::to_string(b.clock.wall_ms())},
                 {"x-bapi-recv-window", in["recv_window"]},
                 {"X-BAPI-SIGN", sign}};
    INFO(row["name"]);
    const std::int64_t code = int_at(SimBench::json(b.simulator.http(r).body), "retCode", -1);
    // What follows the signature may be refused for its content (an order, a made-up cursor), never for the
    // key.
    CHECK((code == 0 || code == 10001 || code == 10005));
    Request altered = r;
    (altered.query.empty() ? altered.body : altered.query) += "&x=1";
    CHECK(int_at(SimBench::json(b.simulator.http(altered).body), "retCode", -1) == 10004);
    Request stranger = r;
    stranger.headers[0].second = "somebody-else";
    CHECK(int_at(SimBench::json(b.simulator.http(stranger).body), "retCode", -1) == 10003);
  }
}

TEST_CASE("bybit: the clock window is five seconds behind and one second ahead") {
  SimBench b = bench();
  const Request r = signed_get(b, "/v5/user/query-api", "");
  const auto code_after = [&](std::int64_t ms) {
    b.control("skew", R"({"ms":)" + std::to_string(ms) + "}");
    return int_at(SimBench::json(b.simulator.http(r).body), "retCode", -1);
  };
  CHECK(code_after(5000) == 0);
  CHECK(code_after(5001) == 10002);
  CHECK(code_after(-999) == 0);
  CHECK(code_after(-1000) == 10002);
}

TEST_CASE("bybit: frames of real clients are accepted") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/bybit.json");
  for (const auto& row : vectors["signing"]) {
    if (!row["expected"].contains("frame")) continue;
    SimBench b = bench();
    b.clock.set_wall_ms(1'700'000'000'000);
    const ConnId conn = b.open("/v5/private");
    const auto answer = b.say(conn, row["expected"]["frame"].dump());
    REQUIRE(answer.size() == 1);
    CHECK(flag_at(SimBench::json(answer[0]), "success"));
    auto wrong = row["expected"]["frame"];
    wrong["args"][2] = std::string(64, '0');
    const auto refused = b.say(b.open("/v5/private"), wrong.dump());
    CHECK(int_at(SimBench::json(refused[0]), "retCode", 0) == 10004);
  }
  for (const auto& row : vectors["clientFrames"]) {
    const std::string name = row["name"];
    SimBench b = bench();
    const bool is_private = name.find("private") != std::string::npos;
    const ConnId conn = is_private ? logged_in(b, R"("order")") : b.open("/v5/public/linear");
    const auto answer = b.say(conn, row["frame"].dump());
    INFO(name);
    REQUIRE_FALSE(answer.empty());
    const Json ack = SimBench::json(answer[0]);
    CHECK((flag_at(ack, "success") || text_at(ack, "op") == "pong"));
    if (row["frame"].contains("req_id")) CHECK(ack["req_id"].dump() == row["frame"]["req_id"].dump());
  }
}

TEST_CASE("bybit: a topic list with one bad, doubled or unauthorized member fails whole") {
  SimBench b = bench();
  const ConnId linear = b.open("/v5/public/linear"), spot = b.open("/v5/public/spot"),
               mine = b.open("/v5/private");
  const auto fails = [&](ConnId conn, const std::string& args) {
    const Json ack = SimBench::json(b.say(conn, R"({"op":"subscribe","args":[)" + args + "]}").front());
    return !flag_at(ack, "success");
  };
  CHECK(fails(mine, R"("execution")"));
  CHECK(fails(linear, R"("orderbook.1.BTCUSDT","orderbook.2.ETHUSDT")"));
  CHECK(fails(linear, R"("orderbook.1.BTCUSDT","orderbook.1.BTCUSDT")"));
  CHECK_FALSE(fails(linear, R"("orderbook.1.BTCUSDT")"));
  CHECK(fails(linear, R"("orderbook.1.BTCUSDT")"));
  CHECK(fails(linear, R"("orderbook.1.BTCUSD")"));
  std::string eleven = R"("orderbook.1.BTCUSDT")";
  for (int i = 0; i < 10; ++i) eleven += R"(,"orderbook.1.ETHUSDT")";
  CHECK(fails(spot, eleven));
  const Json ack =
      SimBench::json(b.say(spot, R"({"op":"subscribe","args":["orderbook.1.BTCUSDT"]})").front());
  CHECK(text_at(ack, "ret_msg") == "subscribe");
  CHECK(fails(logged_in(b), R"("order","position.linear")"));
}

TEST_CASE("bybit: depth 1 sends snapshots, repeats a still book after 3 s and restarts at u = 1") {
  SimBench b = bench();
  const ConnId conn = b.open("/v5/public/linear");
  b.say(conn, R"({"op":"subscribe","args":["orderbook.1.BTCUSDT"]})");
  std::set<std::string> orders;
  std::size_t deltas = 0;
  b.take(conn);
  b.advance(20'000);
  for (const std::string& frame : b.take(conn)) {
    orders.insert(frame.find("\"ts\"") < frame.find("\"type\"") ? "ts first" : "type first");
    if (frame.find(R"("type":"delta")") == std::string::npos) continue;
    ++deltas;
    CHECK(frame.find(R"("b":[],"a":[[)") != std::string::npos);
  }
  CHECK(orders.size() == 2);
  CHECK(deltas >= 2);
  b.control("price", R"({"symbol":"BTCUSDT","bid":97000.1,"ask":97000.2})");
  b.advance(100);
  b.take(conn);
  b.advance(7'000);
  const auto repeats = b.take(conn);
  REQUIRE(repeats.size() == 2);
  CHECK(repeats[0] == repeats[1]);
  CHECK(repeats[0].find(R"("b":[["97000.10",)") != std::string::npos);
  b.control("restart");
  b.advance(10);
  CHECK(b.take(conn).front().find(R"("u":1,)") != std::string::npos);
  b.control("price", R"({"symbol":"BTCUSDT","bid":97000.1})");
  b.advance(100);
  CHECK(b.take(conn).front().find(R"("a":[])") != std::string::npos);
}

TEST_CASE("bybit: a depth-50 book built from the deltas equals the next snapshot") {
  SimBench b = bench();
  const ConnId conn = b.open("/v5/public/linear");
  b.say(conn, R"({"op":"subscribe","args":["orderbook.50.ETHUSDT"]})");
  std::map<Decimal, std::string> bids;
  const auto apply = [&](const std::vector<std::string>& frames) {
    for (const std::string& frame : frames) {
      const Json j = SimBench::json(frame);
      if (!j.contains("topic")) continue;
      if (text_at(j, "type") == "snapshot") bids.clear();
      for (const Json& level : j["data"]["b"]) {
        if (level[1] == "0")
          bids.erase(Decimal::of(level[0].get<std::string>()));
        else
          bids[Decimal::of(level[0].get<std::string>())] = level[1].get<std::string>();
      }
    }
  };
  apply(b.take(conn));
  b.advance(3'000);
  apply(b.take(conn));
  const ConnId second = b.open("/v5/public/linear");
  const auto built = bids;
  apply(b.say(second, R"({"op":"subscribe","args":["orderbook.50.ETHUSDT"]})"));
  CHECK(built == bids);
  CHECK(built.size() == 50);
}

TEST_CASE("bybit: a close has one id in the stream, in the execution list and in the log") {
  const struct {
    const char* name;
    const char* extra;
  } kinds[] = {{"plain", ""},
               {"flip", R"(,"flip":true)"},
               {"liquidation", R"(,"liquidation":true)"},
               {"adl", R"(,"adl":true)"},
               {"partial", R"(,"partial":true)"},
               {"hedge", R"(,"hedge":true)"},
               {"missing pnl", R"(,"missingPnl":true)"},
               {"three fills", R"(,"fills":3)"},
               {"inverse", R"(,"symbol":"BTCUSD")"}};
  for (const auto& kind : kinds) {
    INFO(kind.name);
    SimBench b = bench(2);
    const ConnId conn = logged_in(b), other = logged_in(b, R"("execution")", 1);
    b.take(conn);
    const Json answer = b.control(
        "close", std::string(R"({"symbol":"BTCUSDT","side":"short","size":0.3,"pnl":-12.5,"fee":0.6)") +
                     kind.extra + "}");
    REQUIRE(flag_at(answer, "ok"));
    std::set<std::string> given, streamed, listed, logged;
    for (const Json& id : answer["ids"]) given.insert(id.get<std::string>());
    Decimal fee;
    for (const Json& item : items(b.take(conn), "execution")) {
      streamed.insert(id_of(item, "execId"));
      CHECK(item["side"] == "Buy");
      CHECK(item.contains("execPnl") == (std::string(kind.name) != "missing pnl"));
      // What a client counts: the fee of the closed part only.
      fee = fee +
            Decimal::divide(Decimal::of(text_at(item, "execFee")) * Decimal::of(text_at(item, "closedSize")),
                            Decimal::of(text_at(item, "execQty")), 12);
    }
    CHECK(fee == Decimal(6, -1));
    CHECK(items(b.take(other), "execution").empty());
    const std::string category = std::string(kind.name) == "inverse" ? "inverse" : "linear";
    const Json list = get(b, "/v5/execution/list", "category=" + category)["result"]["list"];
    for (const Json& row : list) {
      listed.insert(id_of(row, "execId"));
      CHECK_FALSE(row.contains("execPnl"));
    }
    Decimal pnl;
    const Json money = get(b, "/v5/account/transaction-log", "accountType=UNIFIED")["result"]["list"];
    for (const Json& row : money) {
      logged.insert(id_of(row, "tradeId"));
      pnl = pnl + Decimal::of(text_at(row, "cashFlow"));
    }
    CHECK(pnl == Decimal(-125, -1));
    CHECK(given == streamed);
    CHECK(given == listed);
    CHECK(given == logged);
    CHECK(b.control("log")["closes"].size() == given.size());
  }
}

TEST_CASE("bybit: a silent close is in REST only, and visibility may lag") {
  SimBench b = bench();
  const ConnId conn = logged_in(b);
  b.take(conn);
  b.control("visibility", R"({"executions_ms":2000,"log_ms":30000})");
  b.control("close", R"({"symbol":"ETHUSDT","side":"long","size":1,"pnl":1,"silent":true})");
  CHECK(b.take(conn).empty());
  const auto rows = [&](const char* path) {
    return get(b, path,
               std::string("category=linear&endTime=") + std::to_string(b.clock.wall_ms()))["result"]["list"]
        .size();
  };
  CHECK(rows("/v5/execution/list") == 0);
  b.advance(2000);
  CHECK(rows("/v5/execution/list") == 1);
  CHECK(rows("/v5/account/transaction-log") == 0);
  b.advance(28'000, 1000);
  CHECK(rows("/v5/account/transaction-log") == 1);
}

TEST_CASE("bybit: cursors walk any number of rows, newest first, without a gap or a repeat") {
  for (const int count : {0, 1, 100, 101, 250}) {
    SimBench b = bench();
    for (int i = 0; i < count; ++i) {
      b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":1,"silent":true})");
      if (i % 3 == 0) b.clock.advance_ms(5);
    }
    for (const bool log : {false, true}) {
      std::string cursor;
      std::vector<std::string> ids;
      std::string newest = "9";
      int pages = 0;
      do {
        const std::string query =
            std::string("category=linear&limit=") + (log ? "50" : "100") +
            (cursor.empty() ? "" : "&cursor=" + (pages % 2 == 0 ? pct_encode(cursor) : cursor));
        const Json result =
            get(b, log ? "/v5/account/transaction-log" : "/v5/execution/list", query)["result"];
        for (const Json& row : result["list"]) {
          const std::string time = text_at(row, log ? "transactionTime" : "execTime");
          CHECK(time <= newest);
          newest = time;
          ids.push_back(id_of(row, log ? "tradeId" : "execId"));
        }
        cursor = text_at(result, "nextPageCursor");
        if (!cursor.empty()) CHECK(cursor.find("%3A") != std::string::npos);
      } while (!cursor.empty() && ++pages < 50);
      CHECK(ids.size() == static_cast<std::size_t>(count));
      CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
    }
  }
}

TEST_CASE("bybit: history windows are seven days at most and a day by default on the log") {
  SimBench b = bench();
  const std::int64_t now = b.clock.wall_ms();
  const std::string two_days_ago = std::to_string(now - 2 * 86'400'000LL);
  b.control("close",
            R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":1,"closedAt":)" + two_days_ago + "}");
  const std::string week =
      "startTime=" + std::to_string(now - 604'800'001) + "&endTime=" + std::to_string(now);
  CHECK(int_at(get(b, "/v5/execution/list", "category=linear&" + week), "retCode", 0) == 10001);
  CHECK(int_at(get(b, "/v5/account/transaction-log", week), "retCode", 0) == 10001);
  CHECK(get(b, "/v5/execution/list", "category=linear")["result"]["list"].size() == 1);
  CHECK(get(b, "/v5/account/transaction-log", "category=linear")["result"]["list"].empty());
}

TEST_CASE("bybit: the limit per user shows in the headers and ends in 10006") {
  SimBench b = bench();
  b.control("limits", R"({"per_uid":3})");
  for (int i = 0; i < 3; ++i) {
    const Response r = b.simulator.http(signed_get(b, "/v5/user/query-api", ""));
    REQUIRE(r.headers.size() == 3);
    CHECK(r.headers[1].second == std::to_string(2 - i));
  }
  const Response over = b.simulator.http(signed_get(b, "/v5/user/query-api", ""));
  CHECK(over.status == 200);
  CHECK(int_at(SimBench::json(over.body), "retCode", 0) == 10006);
  CHECK(std::stoll(over.headers[2].second) > b.clock.wall_ms());
  b.advance(1000, 1000);
  CHECK(int_at(get(b, "/v5/user/query-api", ""), "retCode", -1) == 0);
  for (int i = 0; i < 600; ++i) b.simulator.http({"GET", "/v5/market/time", ""});
  CHECK(b.simulator.http({"GET", "/v5/market/time", ""}).status == 403);
}

TEST_CASE("bybit: an idle socket is cut after max_active_time, a pinging one lives") {
  SimBench b = bench();
  const ConnId idle = b.open("/v5/private?max_active_time=60s"),
               lively = b.open("/v5/private?max_active_time=1m");
  for (int i = 0; i < 10; ++i) {
    b.advance(20'000, 1000);
    const auto pong = b.say(lively, R"({"op":"ping"})");
    REQUIRE(pong.size() == 1);
    CHECK(pong[0].find(R"("op":"pong","args":[")") != std::string::npos);
  }
  CHECK(b.sink.closed.count(idle) == 1);
  CHECK(b.sink.closed.count(lively) == 0);
}

TEST_CASE("bybit: the key probe shows what the key may do") {
  SimBench b = bench();
  CHECK(get(b, "/v5/user/query-api", "")["result"]["readOnly"] == 1);
  b.control("keys", R"({"can_withdraw":true,"ip_bound":false})");
  const Json info = get(b, "/v5/user/query-api", "")["result"];
  CHECK(info["readOnly"] == 0);
  CHECK(info["permissions"]["Wallet"].dump().find("Withdraw") != std::string::npos);
  CHECK(info["ips"][0] == "*");
  CHECK(info["userID"].is_number());
}

TEST_CASE("bybit: a GET with a body is 403, planned errors come in the venue's form") {
  SimBench b = bench();
  Request r = signed_get(b, "/v5/user/query-api", "");
  r.body = "{}";
  CHECK(b.simulator.http(r).status == 403);
  b.control("error", R"({"code":10016,"count":2,"path":"/v5/user"})");
  b.control("error", R"({"code":503,"count":1,"path":"/v5/market"})");
  CHECK(b.simulator.http({"GET", "/v5/market/time", ""}).status == 503);
  CHECK(int_at(get(b, "/v5/user/query-api", ""), "retCode", 0) == 10016);
  CHECK(int_at(get(b, "/v5/user/query-api", ""), "retCode", 0) == 10016);
  CHECK(int_at(get(b, "/v5/user/query-api", ""), "retCode", -1) == 0);
}

}  // namespace anduin::sim
