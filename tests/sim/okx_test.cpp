// The simulated OKX against the vectors (signatures) and against section 11 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "anduin-test-key-0001", kSecret = "22582BD0CFF14C41EDBF1AB98506286D",
                  kPassphrase = "anduin-passphrase";
const std::string kHistory = "/api/v5/account/positions-history";

SimBench bench(int accounts = 1) {
  SimOptions options = bench_options(kKey, kSecret, accounts);
  options.passphrase = kPassphrase;
  return {"okx", options};
}

Request signed_get(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = iso_ms(b.clock.wall_ms());
  const std::string target = path + (query.empty() ? "" : "?" + query);
  Request r{"GET", path, query};
  r.headers = {{"OK-ACCESS-KEY", a.key},
               {"OK-ACCESS-PASSPHRASE", a.passphrase},
               {"OK-ACCESS-TIMESTAMP", stamp},
               {"OK-ACCESS-SIGN", base64_encode(hmac_sha256(a.secret, stamp + "GET" + target))}};
  return r;
}

Json get(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  return SimBench::json(b.simulator.http(signed_get(b, path, query, account)).body);
}
std::string code_of(const Response& r) { return text_at(SimBench::json(r.body), "code"); }
Json rows(SimBench& b, const std::string& query = "instType=SWAP") { return get(b, kHistory, query)["data"]; }

std::string login_frame(SimBench& b, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms() / 1000);
  return R"({"op":"login","args":[{"apiKey":")" + a.key + R"(","passphrase":")" + a.passphrase + R"(","timestamp":")" +
         stamp + R"(","sign":")" + base64_encode(hmac_sha256(a.secret, stamp + "GET/users/self/verify")) + R"("}]})";
}

constexpr const char* kPositions = R"({"id":"7","op":"subscribe","args":[{"channel":"positions","instType":"SWAP"}]})";

ConnId logged_in(SimBench& b, std::size_t account = 0) {
  const ConnId conn = b.open("/ws/v5/private");
  REQUIRE(b.say(conn, login_frame(b, account)).front().find(R"("event":"login","code":"0")") != std::string::npos);
  b.say(conn, kPositions);
  b.take(conn);
  return conn;
}

/// The rows of all pushes of one channel.
std::vector<Json> pushed(const std::vector<std::string>& frames, const std::string& channel) {
  std::vector<Json> out;
  for (const std::string& frame : frames) {
    if (frame == "pong") continue;
    const Json j = SimBench::json(frame);
    if (!j.contains("data") || text_at(j["arg"], "channel") != channel) continue;
    for (const Json& row : j["data"]) out.push_back(row);
  }
  return out;
}
std::string id_of(const Json& row) { return text_at(row, "posId") + "-" + text_at(row, "cTime"); }

constexpr const char* kClose = R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":5,"fee":1})";

}  // namespace

TEST_CASE("okx: every signed request of the vectors is accepted, and refused when a signed part differs") {
  ANDUIN_NEED_SHARED();
  std::vector<nlohmann::json> all;
  for (const auto& row : vector_rows("vectors/okx.json", "signing")) all.push_back(row);
  for (const auto& row : vector_rows("vectors/keys.json", "signing"))
    if (row["venue"] == "okx") all.push_back(row);
  std::size_t seen = 0;
  for (const auto& row : all) {
    const auto& in = row["inputs"];
    INFO(row["name"]);
    SimBench b = bench();
    b.clock.set_wall_ms(in["clock_ms"]);
    ++seen;
    if (!in.contains("method")) {
      const ConnId conn = b.open("/ws/v5/private");
      CHECK(b.say(conn, row["expected"]["frame"].dump()).front().find(R"("code":"0")") != std::string::npos);
      for (const auto& [member, code] :
           std::map<std::string, std::string>{{"sign", "60007"}, {"passphrase", "60024"}, {"apiKey", "60005"}}) {
        auto wrong = row["expected"]["frame"];
        wrong["args"][0][member] = "x" + wrong["args"][0][member].get<std::string>();
        b.advance(1'000, 1'000);
        const ConnId other = b.open("/ws/v5/private");
        CHECK(b.say(other, wrong.dump()).front().find("\"code\":\"" + code + "\"") != std::string::npos);
        CHECK(b.sink.closed.at(other) == 4001);
      }
      continue;
    }
    const std::string target = in["request_path_with_query"];
    const std::size_t mark = target.find('?');
    Request r{
        in["method"], target.substr(0, mark), mark == std::string::npos ? "" : target.substr(mark + 1), {}, in["body"]};
    for (const auto& [name, value] : row["expected"]["headers"].items())
      r.headers.emplace_back(name, value.get<std::string>());
    if (in.value("demo", false)) b.control("demo");
    const std::string code = code_of(b.simulator.http(r));
    CHECK((code == "0" || code == "50120"));  // the POST is refused for its right, not for its signature
    Request altered = r;
    (altered.body.empty() ? altered.query : altered.body) += "&x=1";
    CHECK(code_of(b.simulator.http(altered)) == "50113");
    Request stranger = r;
    for (auto& [name, value] : stranger.headers)
      if (name == "OK-ACCESS-KEY") value = "somebody-else";
    CHECK(code_of(b.simulator.http(stranger)) == "50111");
    Request wrong = r;
    for (auto& [name, value] : wrong.headers)
      if (name == "OK-ACCESS-PASSPHRASE") value = "other";
    CHECK(b.simulator.http(wrong).status == 401);
    CHECK(code_of(b.simulator.http(wrong)) == "50105");
    b.control("demo", in.value("demo", false) ? R"({"off":true})" : "{}");
    CHECK(code_of(b.simulator.http(r)) == "50101");
  }
  CHECK(seen == 7);
}

TEST_CASE("okx: the clock window is thirty seconds on both doors") {
  SimBench b = bench();
  const Request r = signed_get(b, "/api/v5/account/balance");
  const std::string login = login_frame(b);
  for (const auto& [ms, good] :
       std::map<std::int64_t, bool>{{30'000, true}, {30'001, false}, {-30'000, true}, {-30'001, false}}) {
    b.control("skew", "{\"ms\":" + std::to_string(ms) + "}");
    CHECK(code_of(b.simulator.http(r)) == (good ? "0" : "50102"));
  }
  for (const auto& [ms, good] :
       std::map<std::int64_t, bool>{{29'000, true}, {32'000, false}, {-29'000, true}, {-32'000, false}}) {
    b.advance(1'000, 1'000);
    b.control("skew", "{\"ms\":" + std::to_string(ms - (b.clock.wall_ms() - ManualClock().wall_ms())) + "}");
    const auto answer = b.say(b.open("/ws/v5/private"), login);
    CHECK((answer.front().find("60006") == std::string::npos) == good);
  }
}

TEST_CASE("okx: one acknowledgement a topic, with the id and the connection, the first frame at once") {
  SimBench b = bench();
  const ConnId conn = b.open("/ws/v5/public");
  const auto got = b.say(
      conn, R"({"id":"s1","op":"subscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},)"
            R"({"channel":"bbo-tbt","instId":"NOPE-USDT-SWAP"},{"channel":"funding-rate","instId":"BTC-USD-SWAP"}]})");
  REQUIRE(got.size() == 5);
  CHECK(got[0].find(
            R"({"id":"s1","event":"subscribe","arg":{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"},"connId":")") == 0);
  CHECK(got[1].find(R"("bids":[[")") != std::string::npos);
  CHECK(got[1].find("action") == std::string::npos);
  CHECK(got[2].find(R"("code":"60018")") != std::string::npos);
  CHECK(got[4].find(R"("fundingRate":")") != std::string::npos);
  CHECK(b.say(conn, kPositions).front().find("60011") != std::string::npos);
  CHECK(b.say(conn, R"({"op":"subscribe","args":[{"channel":"books-l2-tbt","instId":"BTC-USDT-SWAP"}]})")
            .front()
            .find("60011") != std::string::npos);
  CHECK(b.say(conn, "nonsense").front().find("60012") != std::string::npos);
  CHECK(b.say(conn, R"({"op":"unsubscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"}]})")
            .front()
            .find("\"unsubscribe\"") != std::string::npos);
  b.advance(500);
  CHECK(pushed(b.take(conn), "bbo-tbt").empty());
}

TEST_CASE("okx: a text ping is a pong, thirty silent seconds end the socket, a notice ends it after a minute") {
  SimBench b = bench();
  const ConnId idle = b.open("/ws/v5/private"), lively = b.open("/ws/v5/public");
  for (int i = 0; i < 4; ++i) {
    b.advance(10'000, 1'000);
    CHECK(b.say(lively, "ping") == std::vector<std::string>{"pong"});
  }
  CHECK(b.sink.closed.at(idle) == 4004);
  CHECK(b.sink.closed.count(lively) == 0);
  b.control("notice");
  CHECK(b.take(lively).back().find("64008") != std::string::npos);
  for (int i = 0; i < 7; ++i) {
    b.advance(10'000, 1'000);
    b.say(lively, "ping");
  }
  CHECK(b.sink.closed.count(lively) == 1);
}

TEST_CASE("okx: three connects a second, 480 operations an hour, thirty connections a private channel") {
  SimBench b = bench();
  const ConnId first = b.open("/ws/v5/public");
  b.open("/ws/v5/public");
  b.open("/ws/v5/public");
  const auto refused = b.simulator.ws_open(99, "/ws/v5/public", "");
  REQUIRE(refused);
  CHECK(refused->status == 429);
  for (int i = 0; i < 480; ++i)
    b.say(first, R"({"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]})");
  CHECK(
      b.say(first, R"({"op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT"}]})").front().find("60014") !=
      std::string::npos);
  ConnId last = 0;
  for (int i = 0; i < 31; ++i) {
    b.advance(1'000, 1'000);
    last = b.open("/ws/v5/private");
    b.say(last, login_frame(b));
    const auto got = b.say(last, kPositions);
    REQUIRE(got.size() >= 2);
    CHECK(got[1].find(i < 30 ? R"("event":"channel-conn-count","channel":"positions")" : "channel-conn-count-error") !=
          std::string::npos);
    for (ConnId c = 1; c <= last; ++c) b.say(c, "ping");
  }
  CHECK(b.simulator.venue().topics(last).empty());
}

TEST_CASE(
    "okx: bbo-tbt is a snapshot each time, repeats itself after a minute, shows one side or a crossed top at times") {
  SimBench b = bench();
  const ConnId conn = b.open("/ws/v5/public");
  b.say(conn, R"({"op":"subscribe","args":[{"channel":"bbo-tbt","instId":"BTC-USDT-SWAP"}]})");
  int one_sided = 0, crossed = 0;
  std::int64_t sequence = 0;
  for (int i = 0; i < 60; ++i) {
    b.advance(1'000);
    for (const Json& row : pushed(b.take(conn), "bbo-tbt")) {
      CHECK(int_at(row, "seqId", 0) > sequence);
      sequence = int_at(row, "seqId", 0);
      if (row["asks"].empty())
        ++one_sided;
      else if (Decimal::of(row["bids"][0][0].get<std::string>()) >= Decimal::of(row["asks"][0][0].get<std::string>()))
        ++crossed;
    }
    b.say(conn, "ping");
  }
  CHECK(one_sided >= 1);
  CHECK(crossed >= 1);
  b.control("price", R"({"symbol":"BTC-USDT-SWAP","bid":97000.1,"ask":97000.2})");
  b.advance(100);
  const auto still = pushed(b.take(conn), "bbo-tbt");
  REQUIRE(still.size() == 1);
  for (int i = 0; i < 6; ++i) {
    b.say(conn, "ping");
    b.advance(9'900);
    CHECK(pushed(b.take(conn), "bbo-tbt").empty());
  }
  b.advance(700);
  CHECK(pushed(b.take(conn), "bbo-tbt") == still);
}

TEST_CASE("okx: books chain their ids, restart them legally, lose one on demand, and say nothing with equal ids") {
  SimBench b = bench();
  b.control("checksum");
  const ConnId conn = b.open("/ws/v5/public");
  std::map<Decimal, std::string> bids;
  std::int64_t last = 0;
  bool chained = true;
  const auto apply = [&](const std::vector<std::string>& frames) {
    for (const std::string& frame : frames) {
      if (frame == "pong") continue;
      const Json j = SimBench::json(frame);
      if (!j.contains("data")) continue;
      const Json& row = j["data"][0];
      const std::int64_t previous = int_at(row, "prevSeqId", 0);
      if (text_at(j, "action") == "snapshot")
        bids.clear();
      else
        chained = chained && previous == last;
      CHECK((text_at(j, "action") == "snapshot") == (previous == -1));
      last = int_at(row, "seqId", 0);
      for (const Json& level : row["bids"]) {
        if (level[1] == "0")
          bids.erase(Decimal::of(level[0].get<std::string>()));
        else
          bids[Decimal::of(level[0].get<std::string>())] = level[1].get<std::string>();
      }
    }
  };
  constexpr const char* kBooks = R"({"op":"subscribe","args":[{"channel":"books","instId":"ETH-USDT-SWAP"}]})";
  apply(b.say(conn, kBooks));
  b.advance(3'000);
  apply(b.take(conn));
  CHECK(chained);
  const auto built = bids;
  apply(b.say(b.open("/ws/v5/public"), kBooks));
  CHECK(built == bids);
  b.control("restart");
  b.advance(300);
  const auto frames = b.take(conn);
  CHECK(frames.front().find(R"("seqId":3})") != std::string::npos);
  apply(frames);
  CHECK(chained);
  b.control("gap");
  b.advance(1'000);
  apply(b.take(conn));
  CHECK_FALSE(chained);
  b.control("price", R"({"symbol":"ETH-USDT-SWAP","bid":3500,"ask":3501})");
  b.advance(200);
  b.take(conn);
  std::vector<Json> beat;
  for (int i = 0; i < 5; ++i) {
    b.advance(15'000);
    for (const Json& row : pushed(b.take(conn), "books")) beat.push_back(row);
    b.say(conn, "ping");
  }
  REQUIRE(beat.size() == 1);
  CHECK(beat[0]["asks"].empty());
  CHECK(beat[0]["prevSeqId"] == beat[0]["seqId"]);
}

TEST_CASE("okx: a close is one row, named by posId and cTime, and its push shows nothing of the result") {
  const struct {
    const char* name;
    const char* extra;
    const char* type;
  } kinds[] = {{"plain", "", "2"},
               {"short", R"(,"side":"short")", "2"},
               {"flip", R"(,"flip":true)", "2"},
               {"liquidation", R"(,"liquidation":true)", "3"},
               {"adl", R"(,"adl":true)", "6"},
               {"hedge", R"(,"hedge":true)", "2"},
               {"partial", R"(,"partial":true)", "2"},
               {"inverse", R"(,"symbol":"BTCUSD","size":1000,"pnl":0.0001,"fee":0.00001)", "2"}};
  for (const auto& kind : kinds) {
    INFO(kind.name);
    SimBench b = bench(2);
    const ConnId conn = logged_in(b), other = logged_in(b, 1);
    b.take(conn);
    std::string command = kClose;
    command.pop_back();
    const Json answer = b.control("close", command + kind.extra + "}");
    REQUIRE(flag_at(answer, "ok"));
    b.advance(1'000);
    const auto seen = pushed(b.take(conn), "positions");
    REQUIRE(seen.size() >= 2);
    CHECK(id_of(seen.front()) == text_at(answer, "id"));
    if (std::string(kind.name) == "flip") {
      CHECK(text_at(seen.back(), "pos")[0] == '-');
      CHECK(text_at(seen.back(), "posId") == text_at(seen.front(), "posId"));
      CHECK(text_at(seen.back(), "cTime") != text_at(seen.front(), "cTime"));
    } else {
      CHECK(text_at(seen.back(), "pos") == "0");
      CHECK(text_at(seen.back(), "avgPx").empty());
      CHECK(text_at(seen.back(), "realizedPnl").empty());
    }
    const Json all = rows(b);
    REQUIRE(all.size() == 1);
    const Json& row = all[0];
    CHECK(id_of(row) == text_at(answer, "id"));
    CHECK(text_at(row, "type") == kind.type);
    CHECK(text_at(row, "uTime") == std::to_string(int_at(answer, "closedAt", 0)));
    CHECK(text_at(row, "realizedPnl") == text_at(answer, "pnl"));
    const auto part = [&](const char* member) { return Decimal::of(text_at(row, member)); };
    CHECK(part("pnl") + part("fee") + part("fundingFee") + part("liqPenalty") == part("realizedPnl"));
    CHECK(pushed(b.take(other), "positions").empty());
    CHECK(rows(b, "instType=SWAP&limit=5").size() == 1);
    CHECK(get(b, kHistory, "", 1)["data"].empty());
    CHECK(b.control("log")["closes"].size() == 1);
  }
}

TEST_CASE("okx: a partial close under way is nobody else's position") {
  SimBench b = bench();
  const std::string partial = R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":5,"partial":true})";
  const Json first = b.control("close", partial), second = b.control("close", partial), third = b.control("close", kClose);
  CHECK(b.control("log")["closes"].size() == 3);
  b.advance(1'000);
  CHECK(rows(b).size() == 3);
  for (const Json& row : rows(b)) CHECK(row["type"] == "2");
  CHECK(text_at(first, "id") != text_at(third, "id"));
  CHECK(text_at(first, "id") != text_at(second, "id"));
}

TEST_CASE("okx: a reduced position is a row of type 1 which the close turns into the final one") {
  SimBench b = bench();
  const Json reduced = b.control("reduce", R"({"symbol":"ETHUSDT","side":"short","size":2,"pnl":3})");
  REQUIRE(rows(b).size() == 1);
  CHECK(rows(b)[0]["type"] == "1");
  CHECK(b.control("log")["closes"].empty());
  const Json closed = b.control("close", R"({"symbol":"ETHUSDT","side":"short","size":2,"pnl":3})");
  CHECK(closed["id"] == reduced["id"]);
  REQUIRE(rows(b).size() == 1);
  CHECK(rows(b)[0]["type"] == "2");
  const Json again = b.control("close", R"({"symbol":"ETHUSDT","side":"short","size":2,"pnl":3})");
  CHECK(text_at(again, "id") != text_at(closed, "id"));
  CHECK(text_at(again, "id").substr(0, 19) == text_at(closed, "id").substr(0, 19));  // posId lives on
}

TEST_CASE("okx: pushes are gathered, repeated while a position is open, and can mean nothing") {
  SimBench b = bench();
  const ConnId conn = logged_in(b);
  b.control("open", R"({"symbol":"BTCUSDT","side":"long","size":0.1})");
  CHECK(pushed(b.take(conn), "positions").size() == 1);
  b.advance(12'000, 100);
  const auto regular = pushed(b.take(conn), "positions");
  CHECK(regular.size() == 2);
  b.control("transfer", R"({"symbol":"ETHUSDT","side":"long","size":1})");
  const auto moved = pushed(b.take(conn), "positions");
  REQUIRE(moved.size() == 1);
  CHECK(moved[0]["pos"] == "0");
  CHECK(rows(b).empty());
  b.control("close", kClose);
  b.take(conn);
  b.advance(40);
  CHECK(b.take(conn).empty());
  b.advance(20);
  CHECK(pushed(b.take(conn), "positions").size() == 1);
  b.control("close", R"({"symbol":"SOLUSDT","side":"long","size":1,"pnl":1,"silent":true})");
  b.advance(1'000);
  CHECK(b.take(conn).empty());
  CHECK(rows(b).size() == 2);
}

TEST_CASE("okx: history pages go back by uTime, keep one uTime together, and `before` alone is no cursor") {
  for (const int count : {0, 1, 100, 101, 250}) {
    SimBench b = bench();
    for (int i = 0; i < count; ++i) {
      b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":1,"silent":true})");
      if (i % 3 == 2) b.clock.advance_ms(5);
    }
    std::set<std::string> ids;
    std::string after;
    std::size_t seen = 0;
    for (int page = 0; page < 9; ++page) {
      b.clock.advance_ms(1'000);
      const Json list = rows(b, "instType=SWAP&limit=100" + (after.empty() ? "" : "&after=" + after));
      if (list.empty()) break;
      for (const Json& row : list) ids.insert(id_of(row));
      seen += list.size();
      after = text_at(list[list.size() - 1], "uTime");
    }
    CHECK(seen == static_cast<std::size_t>(count));
    CHECK(ids.size() == seen);
    if (count == 250) {
      CHECK(rows(b, "limit=100").size() == 100);
      CHECK(rows(b, "limit=2").size() == 4);  // the newest has a time of its own, the next three share theirs
      CHECK(rows(b, "limit=1&before=5")[0] == rows(b, "limit=1")[0]);
    }
  }
  SimBench b = bench();
  const std::int64_t now = b.clock.wall_ms();
  for (const std::int64_t days : {89, 91})
    b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":0.1,"pnl":1,"closedAt":)" +
                           std::to_string(now - days * 86'400'000) + "}");
  CHECK(rows(b).size() == 1);
}

TEST_CASE("okx: rows appear late, requests are limited, the key probe and the balance read as the venue writes them") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":2000})");
  b.control("close", kClose);
  CHECK(rows(b).empty());
  b.advance(2'000, 500);
  CHECK(rows(b).size() == 1);
  b.clock.advance_ms(2'000);
  for (int i = 0; i < 10; ++i) CHECK(b.simulator.http(signed_get(b, kHistory)).status == 200);
  const Response over = b.simulator.http(signed_get(b, kHistory));
  CHECK(over.status == 429);
  CHECK(code_of(over) == "50011");
  Json info = get(b, "/api/v5/account/config")["data"][0];
  CHECK(info["perm"] == "read_only");
  CHECK(info["uid"] == "77982378738415879");
  b.control("keys", R"({"can_withdraw":true,"ip_bound":false})");
  info = get(b, "/api/v5/account/config")["data"][0];
  CHECK(info["perm"] == "read_only,withdraw");
  CHECK(info["ip"] == "");
  const Json wallet = get(b, "/api/v5/account/balance", "ccy=USDT%2CETH")["data"][0];
  CHECK(wallet["details"].size() == 2);
  CHECK(wallet["adjEq"] == "");
  b.control("error", R"({"code":50026,"path":"/account/balance"})");
  CHECK(get(b, "/api/v5/account/balance")["code"] == "50026");
}

}  // namespace anduin::sim
