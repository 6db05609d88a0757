// The simulated Bitget against the vectors (signatures) and against section 11 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "anduin-test-key-0001", kSecret = "22582BD0CFF14C41EDBF1AB98506286D",
                  kPassphrase = "anduin-passphrase";
const std::string kV2History = "/api/v2/mix/position/history-position",
                  kV3History = "/api/v3/position/history-position";
constexpr const char* kClose = R"({"account":"bitget-1","symbol":"BTCUSDT","side":"long","size":0.1,"pnl":5,"fee":1})";

/// The first account is unified, the second classic.
SimBench bench(int accounts = 2) {
  SimOptions options = bench_options(kKey, kSecret, accounts);
  options.passphrase = kPassphrase;
  return {"bitget", options};
}

std::string stamp_ms(SimBench& b) { return std::to_string(b.clock.wall_ms()); }

Request signed_get(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = stamp_ms(b), target = path + (query.empty() ? "" : "?" + query);
  Request r{"GET", path, query};
  r.headers = {{"ACCESS-KEY", a.key},
               {"ACCESS-PASSPHRASE", a.passphrase},
               {"ACCESS-TIMESTAMP", stamp},
               {"ACCESS-SIGN", base64_encode(hmac_sha256(a.secret, stamp + "GET" + target))}};
  return r;
}
Json get(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  return SimBench::json(b.simulator.http(signed_get(b, path, query, account)).body);
}
std::string code_of(const Response& r) { return text_at(SimBench::json(r.body), "code"); }
Json v2_rows(SimBench& b, const std::string& query = "limit=100&productType=USDT-FUTURES") {
  return get(b, kV2History, query, 1)["data"]["list"];
}
Json v3_rows(SimBench& b, const std::string& query = "category=USDT-FUTURES&limit=100") {
  return get(b, kV3History, query, 0)["data"]["list"];
}

std::string login_frame(SimBench& b, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms() / 1000);
  return R"({"op":"login","args":[{"apiKey":")" + a.key + R"(","passphrase":")" + a.passphrase + R"(","timestamp":")" +
         stamp + R"(","sign":")" + base64_encode(hmac_sha256(a.secret, stamp + "GET/user/verify")) + R"("}]})";
}

constexpr const char* kV3Position = R"({"op":"subscribe","args":[{"instType":"UTA","topic":"position"}]})";
constexpr const char* kV2Closes =
    R"({"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"positions-history","instId":"default"}]})";

ConnId logged_in(SimBench& b, std::size_t account = 0) {
  const bool v3 = account % 2 == 0;
  const ConnId conn = b.open(v3 ? "/v3/ws/private" : "/v2/ws/private");
  REQUIRE(b.say(conn, login_frame(b, account)).front().find(R"("event":"login")") != std::string::npos);
  REQUIRE(b.say(conn, v3 ? kV3Position : kV2Closes).front().find(R"("event":"subscribe")") != std::string::npos);
  b.take(conn);
  return conn;
}

/// The rows of all pushes of one channel.
std::vector<Json> pushed(const std::vector<std::string>& frames, const std::string& channel) {
  std::vector<Json> out;
  for (const std::string& frame : frames) {
    if (frame == "pong") continue;
    const Json j = SimBench::json(frame);
    if (!j.contains("data") || text_at(j["arg"], "channel", text_at(j["arg"], "topic")) != channel) continue;
    for (const Json& row : j["data"]) out.push_back(row);
  }
  return out;
}

std::int64_t minted_ms(const std::string& id) { return (std::stoll(id) >> 22) + 1'435'725'920'677; }

std::string of_second(const char* close) {
  std::string text = close;
  return text.replace(text.find("bitget-1"), 8, "bitget-2");
}

}  // namespace

TEST_CASE("bitget: every signed request of the vectors is accepted, and refused when a signed part differs") {
  ANDUIN_NEED_SHARED();
  std::vector<nlohmann::json> all;
  for (const auto& row : vector_rows("vectors/bitget.json", "signing")) all.push_back(row);
  for (const auto& row : vector_rows("vectors/keys.json", "signing"))
    if (row["venue"] == "bitget") all.push_back(row);
  const std::set<std::string> refused{"40001", "40002", "40003", "40005", "40008",
                                      "40009", "40011", "40012", "40037", "40099"};
  std::size_t seen = 0;
  for (const auto& row : all) {
    const auto& in = row["inputs"];
    INFO(row["name"]);
    if (row["expected"].empty()) continue;  // a text to sign, without a signature
    SimBench b = bench();
    b.clock.set_wall_ms(in["clock_ms"]);
    ++seen;
    if (!in.contains("method")) {
      for (const char* path : {"/v2/ws/private", "/v3/ws/private"}) {
        const ConnId conn = b.open(path);
        CHECK(b.say(conn, row["expected"]["frame"].dump()).front().find(R"("event":"login")") != std::string::npos);
        for (const auto& [member, code] :
             std::map<std::string, std::string>{{"sign", "30015"}, {"passphrase", "30012"}, {"apiKey", "30011"}}) {
          auto wrong = row["expected"]["frame"];
          wrong["args"][0][member] = "x" + wrong["args"][0][member].get<std::string>();
          const ConnId other = b.open(path);
          CHECK(b.say(other, wrong.dump()).front().find(code) != std::string::npos);
          CHECK(b.sink.closed.contains(other));
        }
      }
      continue;
    }
    const std::string target = in["request_path_with_query"];
    const std::size_t mark = target.find('?');
    Request r{in["method"], target.substr(0, mark), mark == std::string::npos ? "" : target.substr(mark + 1)};
    if (r.path.starts_with("/api/v2/")) b.control("generation", R"({"to":"classic"})");
    if (in.contains("demo")) b.control("demo");
    r.body = in["body"];
    for (const auto& [name, value] : row["expected"]["headers"].items()) r.headers.emplace_back(name, value);
    CHECK_FALSE(refused.contains(code_of(b.simulator.http(r))));
    Request changed = r;
    changed.body += " ";
    CHECK(code_of(b.simulator.http(changed)) == "40009");
    changed = r;
    changed.query += changed.query.empty() ? "a=1" : "0";
    CHECK(code_of(b.simulator.http(changed)) == "40009");
    for (auto& [name, value] : r.headers) {
      const std::string good = value;
      if (name == "ACCESS-TIMESTAMP")
        value = std::to_string(std::stoll(good) + 1);
      else if (name == "ACCESS-SIGN" || name == "ACCESS-PASSPHRASE" || name == "ACCESS-KEY" || name == "paptrading")
        value = "x" + good;
      else
        continue;
      INFO(name);
      const std::string want = name == "ACCESS-PASSPHRASE" ? "40012"
                               : name == "ACCESS-KEY"      ? "40037"
                               : name == "paptrading"      ? "40099"
                                                           : "40009";
      CHECK(code_of(b.simulator.http(r)) == want);
      value = good;
    }
    b.clock.set_wall_ms(in["clock_ms"].get<std::int64_t>() + 31'000);
    CHECK(code_of(b.simulator.http(r)) == "40008");
  }
  CHECK(seen == 11);
}

TEST_CASE("bitget: the query is signed sorted and as plain text, milliseconds in requests, seconds on sockets") {
  SimBench b = bench();
  Request r = signed_get(b, kV3History, "limit=5&category=USDT-FUTURES");
  CHECK(code_of(b.simulator.http(r)) == "40009");  // signed in the order it was written
  const std::string stamp = stamp_ms(b);
  const std::string text = stamp + "GET" + kV3History + "?category=USDT-FUTURES&limit=5&symbol=$X";
  r.query = "limit=5&category=USDT-FUTURES&symbol=%24X";
  r.headers[3].second = base64_encode(hmac_sha256(kSecret, text));
  CHECK(code_of(b.simulator.http(r)) == "00000");
  const std::string frame = login_frame(b);
  std::string in_ms = frame;
  const std::string seconds = std::to_string(b.clock.wall_ms() / 1000);
  in_ms.replace(in_ms.find(seconds), seconds.size(), stamp_ms(b));
  CHECK(b.say(b.open("/v3/ws/private"), in_ms).front().find("30014") != std::string::npos);
}

TEST_CASE("bitget: v3 calls are refused to a classic account and v2 calls to a unified one, and that can change") {
  SimBench b = bench();
  CHECK(text_at(get(b, "/api/v3/account/assets", "", 0), "code") == "00000");
  CHECK(text_at(get(b, "/api/v3/account/assets", "", 1), "code") == "40084");
  CHECK(text_at(get(b, "/api/v2/mix/account/accounts", "productType=USDT-FUTURES", 1), "code") == "00000");
  CHECK(text_at(get(b, "/api/v2/mix/account/accounts", "productType=USDT-FUTURES", 0), "code") == "40085");
  b.control("close", of_second(kClose));
  CHECK(b.control("generation", R"({"account":"bitget-2","to":"uta"})")["ok"] == true);
  CHECK(text_at(get(b, "/api/v2/spot/account/info", "", 1), "code") == "40085");
  b.advance(1'000);
  CHECK(get(b, kV3History, "category=USDT-FUTURES", 1)["data"]["list"].size() == 1);  // the same ids
}

TEST_CASE("bitget: text pings, silence, haste, long and frequent messages, and a day end a socket") {
  SimBench b = bench();
  const ConnId conn = b.open("/v3/ws/public");
  CHECK(b.say(conn, "ping") == std::vector<std::string>{"pong"});
  SECTION("two minutes without a ping") {
    b.advance(119'000, 1'000);
    CHECK_FALSE(b.sink.closed.contains(conn));
    b.advance(2'000, 1'000);
    CHECK(b.sink.closed.contains(conn));
  }
  SECTION("eleven messages in a second") {
    for (int i = 0; i < 9; ++i) b.say(conn, "ping");
    CHECK_FALSE(b.sink.closed.contains(conn));
    b.say(conn, "ping");
    CHECK(b.sink.closed.contains(conn));
  }
  SECTION("a message of more than 4,096 bytes") {
    const std::string text = R"({"op":"subscribe","args":[{"x":")" + std::string(4'096, 'a') + R"("}]})";
    CHECK(b.say(conn, text).front().find("30003") != std::string::npos);
  }
  SECTION("more than 240 subscriptions in an hour") {
    for (int i = 0; i < 240; ++i) {
      b.say(conn, R"({"op":"subscribe","args":[{"instType":"usdt-futures","topic":"books1","symbol":"BTCUSDT"}]})");
      b.advance(200, 200);
    }
    CHECK_FALSE(b.sink.closed.contains(conn));
    b.say(conn, R"({"op":"subscribe","args":[{"instType":"usdt-futures","topic":"books1","symbol":"BTCUSDT"}]})");
    CHECK(b.sink.closed.contains(conn));
  }
  SECTION("a day") {
    for (int i = 0; i < 24 * 60; ++i) {
      b.say(conn, "ping");
      b.advance(60'000, 60'000);
    }
    CHECK(b.sink.closed.contains(conn));
  }
  CHECK(b.simulator.ws_open(99, "/mix/v1/stream", "").has_value());  // v1 is gone
}

TEST_CASE("bitget: books1 in both dialects, with sequences beyond 2^53, foreign names are refused") {
  SimBench b = bench();
  const ConnId v3 = b.open("/v3/ws/public"), v2 = b.open("/v2/ws/public");
  auto frames =
      b.say(v3, R"({"op":"subscribe","args":[{"instType":"usdt-futures","topic":"books1","symbol":"BTCUSDT"}]})");
  REQUIRE(frames.size() == 2);
  CHECK(frames[0] == R"({"event":"subscribe","arg":{"instType":"usdt-futures","topic":"books1","symbol":"BTCUSDT"}})");
  CHECK(SimBench::json(frames[1])["data"][0]["a"].size() == 1);
  CHECK(b.say(v2, R"({"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"books1","instId":"BTCUSDT"}]})")
            .size() == 2);
  b.advance(1'000);
  const auto of_v3 = pushed(b.take(v3), "books1"), of_v2 = pushed(b.take(v2), "books1");
  CHECK(of_v3.size() >= 15);
  CHECK(of_v2.size() >= 15);
  CHECK(int_at(of_v3.back(), "seq", 0) > 1'304'314'508'780'744'705);
  CHECK(int_at(of_v3.back(), "pseq", -1) == 0);
  CHECK(of_v2.back().contains("asks"));
  CHECK(b.say(v3, R"({"op":"subscribe","args":[{"instType":"usdt-futures","channel":"books1","instId":"BTCUSDT"}]})")
            .front()
            .find("30016") != std::string::npos);
  CHECK(b.say(v2, R"({"op":"subscribe","args":[{"instType":"USDT-FUTURES","channel":"books1","instId":"NOPEUSDT"}]})")
            .front()
            .find("instId:NOPEUSDT doesn't exist") != std::string::npos);
  b.say(v3, R"({"op":"unsubscribe","args":[{"instType":"usdt-futures","topic":"books1","symbol":"BTCUSDT"}]})");
  b.take(v3);
  b.advance(500);
  CHECK(b.take(v3).empty());
}

TEST_CASE("bitget: books is a snapshot and a chain of changes, one is lost, and the numbers begin anew, on command") {
  SimBench b = bench();
  const ConnId conn = b.open("/v3/ws/public");
  const auto first = pushed(
      b.say(conn, R"({"op":"subscribe","args":[{"instType":"usdt-futures","topic":"books","symbol":"BTCUSDT"}]})"),
      "books");
  b.take(conn);
  b.advance(1'000);
  std::int64_t last = int_at(first[0], "seq", 0);
  for (const Json& row : pushed(b.take(conn), "books")) {
    CHECK(int_at(row, "pseq", -1) == last);
    CHECK(row["checksum"] != 0);
    last = int_at(row, "seq", 0);
  }
  b.control("gap");
  b.advance(400);
  CHECK(int_at(pushed(b.take(conn), "books").front(), "pseq", -1) != last);
  b.control("restart");
  b.advance(200);
  CHECK(int_at(pushed(b.take(conn), "books").front(), "pseq", -1) == 0);
}

TEST_CASE("bitget: a classic close is a push and a row with one id, minted when the position was opened") {
  SimBench b = bench();
  const ConnId conn = logged_in(b, 1);
  const Json close = b.control("close", of_second(kClose));
  REQUIRE(close["ok"] == true);
  const auto told = pushed(b.take(conn), "positions-history");
  REQUIRE(told.size() == 1);
  CHECK(text_at(told[0], "posId") == close["id"]);
  CHECK(text_at(told[0], "marginMode") == "fixed");
  const Json rows = v2_rows(b);
  REQUIRE(rows.size() == 1);
  CHECK(text_at(rows[0], "positionId") == close["id"]);
  CHECK(text_at(rows[0], "netProfit") == "5");
  CHECK(text_at(rows[0], "utime") == text_at(told[0], "uTime"));
  CHECK_FALSE(rows[0].contains("uTime"));
  CHECK(minted_ms(close["id"]) == std::stoll(text_at(rows[0], "ctime")));
  b.control("close", std::string(of_second(kClose)).replace(0, 1, R"({"silent":true,)"));
  CHECK(pushed(b.take(conn), "positions-history").empty());
  CHECK(v2_rows(b).size() == 2);
}

TEST_CASE("bitget: a unified close is a push without an id, told again after five seconds, and a row") {
  SimBench b = bench();
  const ConnId conn = logged_in(b, 0);
  const Json close = b.control("close", kClose);
  auto told = pushed(b.take(conn), "position");
  REQUIRE(told.size() == 2);
  CHECK(text_at(told[0], "positionStatus") == "normal");
  CHECK(text_at(told[1], "positionStatus") == "ended");
  CHECK(text_at(told[1], "size") == "0");
  CHECK(text_at(told[1], "closeFeeTotal").empty());
  CHECK_FALSE(told[1].contains("positionId"));
  b.advance(5'100, 100);
  told = pushed(b.take(conn), "position");
  REQUIRE(told.size() == 1);
  CHECK(text_at(told[0], "positionStatus") == "ended");
  b.advance(5'100, 100);
  CHECK(pushed(b.take(conn), "position").empty());
  const Json rows = v3_rows(b);
  REQUIRE(rows.size() == 1);
  CHECK(text_at(rows[0], "positionId") == close["id"]);
  CHECK(text_at(rows[0], "createdTime") == text_at(told.empty() ? rows[0] : told[0], "createdTime"));
}

TEST_CASE("bitget: a partial close is no event, and its end has the same id, a turned position has a new one") {
  SimBench b = bench();
  const ConnId conn = logged_in(b, 1);
  Json close = b.control("close", std::string(of_second(kClose)).replace(0, 1, R"({"partial":true,)"));
  CHECK(pushed(b.take(conn), "positions-history").empty());
  CHECK(v2_rows(b).empty());
  b.advance(500);
  CHECK(pushed(b.take(conn), "positions-history").size() == 1);
  CHECK(text_at(v2_rows(b)[0], "positionId") == close["id"]);
  CHECK(close["closedAt"] == std::stoll(text_at(v2_rows(b)[0], "utime")));
  close = b.control("close", std::string(of_second(kClose)).replace(0, 1, R"({"flip":true,)"));
  const Json other =
      b.control("close", R"({"account":"bitget-2","symbol":"BTCUSDT","side":"short","size":0.1,"pnl":-1})");
  CHECK(other["id"] != close["id"]);
  CHECK(std::to_string(minted_ms(other["id"])) == text_at(v2_rows(b)[1], "utime"));  // opened when the first ended
}

TEST_CASE("bitget: history is newest first, in pages that end with an empty one, and shows rows late") {
  SimBench b = bench();
  for (int i = 0; i < 250; ++i) {
    b.control("close", R"({"account":"bitget-1","side":"short","size":1,"pnl":1})");
    if (i % 2 == 0) b.advance(10);
  }
  std::set<std::string> ids;
  std::string query = "category=USDT-FUTURES&limit=100";
  std::vector<std::size_t> sizes;
  for (int page = 0; page < 5; ++page) {
    const Json data = get(b, kV3History, query)["data"];
    b.advance(100);
    sizes.push_back(data["list"].is_null() ? 0 : data["list"].size());
    if (data["list"].is_null()) {
      CHECK(data["cursor"].is_null());
      break;
    }
    for (const Json& row : data["list"]) ids.insert(text_at(row, "positionId"));
    CHECK(ids.count(text_at(data, "cursor")) == 0);  // another id, made at the close
    query = "category=USDT-FUTURES&cursor=" + text_at(data, "cursor") + "&limit=100";
  }
  CHECK(sizes == std::vector<std::size_t>{100, 100, 50, 0});
  CHECK(ids.size() == 250);
  b.control("visibility", R"({"history_ms":3000})");
  b.control("close", of_second(kClose));
  CHECK(v2_rows(b).empty());
  b.advance(3'100, 100);
  CHECK(v2_rows(b).size() == 1);
  const std::string now = stamp_ms(b), before = std::to_string(b.clock.wall_ms() - 31LL * 86'400'000);
  CHECK(text_at(get(b, kV3History, "category=USDT-FUTURES&endTime=" + now + "&startTime=" + before), "code") ==
        "40705");
  CHECK(v2_rows(b, "limit=100&productType=COIN-FUTURES").empty());
}

TEST_CASE("bitget: a known id told again changes history only on request") {
  SimBench b = bench();
  const ConnId conn = logged_in(b, 1);
  const Json close = b.control("close", of_second(kClose));
  const std::string id = close["id"];
  b.take(conn);
  b.control("close", R"({"account":"bitget-2","id":")" + id + R"(","side":"long","size":0.1,"pnl":6})");
  CHECK(pushed(b.take(conn), "positions-history").size() == 1);
  CHECK(text_at(v2_rows(b)[0], "netProfit") == "5");
  b.control("close", R"({"account":"bitget-2","id":")" + id + R"(","side":"long","size":0.1,"pnl":6,"rewrite":true})");
  CHECK(text_at(v2_rows(b)[0], "netProfit") == "6");
}

TEST_CASE("bitget: the hours of a release, and five minutes of 429 for too many requests") {
  SimBench b = bench();
  for (const char* code : {"45001", "40725", "40808", "40015"}) {
    b.control("error", std::string(R"({"code":")") + code + R"(","path":"account"})");
    CHECK(code_of(b.simulator.http(signed_get(b, "/api/v3/account/assets"))) == code);
  }
  b.control("limits", R"({"per_minute":10})");
  Response r;
  for (int i = 0; i < 11; ++i) r = b.simulator.http(signed_get(b, "/api/v3/account/assets"));
  CHECK(r.status == 429);
  b.advance(299'000, 1'000);
  CHECK(b.simulator.http(signed_get(b, "/api/v3/account/assets")).status == 429);
  b.advance(2'000, 1'000);
  CHECK(b.simulator.http(signed_get(b, "/api/v3/account/assets")).status == 200);
}

TEST_CASE("bitget: what a key may do, in the words of both generations, balances and lists") {
  SimBench b = bench();
  CHECK(get(b, "/api/v3/account/info")["data"]["permType"] == "read-only");
  CHECK(get(b, "/api/v2/spot/account/info", "", 1)["data"]["authorities"].size() == 3);
  b.control("keys", R"({"account":"bitget-1","can_trade":true,"can_withdraw":true})");
  b.control("keys", R"({"account":"bitget-2","can_transfer":true,"can_withdraw":true,"ip_bound":false})");
  b.advance(1'100);
  CHECK(get(b, "/api/v3/account/info")["data"]["permissions"].dump().find("withdraw") != std::string::npos);
  const Json rights = get(b, "/api/v2/spot/account/info", "", 1)["data"];
  CHECK(rights["authorities"].dump() == R"(["coor","cpor","stor","wtow","wwow"])");
  CHECK(text_at(rights, "ips").empty());
  const auto list =
      SimBench::json(b.simulator.http({"GET", "/api/v3/market/instruments", "category=COIN-FUTURES"}).body);
  REQUIRE(list["data"].size() == 3);
  CHECK(text_at(list["data"][2], "type") == "delivery");
}

TEST_CASE("bitget: private channels need a login of the account's own generation") {
  SimBench b = bench();
  const ConnId conn = b.open("/v3/ws/private");
  CHECK(b.say(conn, kV3Position).front().find("30004") != std::string::npos);
  const ConnId wrong = b.open("/v3/ws/private");
  b.say(wrong, login_frame(b, 1));  // a classic account
  CHECK(b.say(wrong, kV3Position).front().find("30001") != std::string::npos);
}

}  // namespace anduin::sim
