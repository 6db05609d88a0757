// The simulated KuCoin against the vectors (signatures, client frames, decodes) and section 11 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "65f0000000000000000000aa", kSecret = "11111111-2222-3333-4444-555555555555",
                  kPassphrase = "dummyPassphrase";

SimBench bench(int accounts = 1, std::int64_t scale = 1000) {
  SimOptions options = bench_options(kKey, kSecret, accounts);
  options.passphrase = kPassphrase;
  options.time_scale_permille = scale;
  return {"kucoin", options};
}

std::string code_of(const Response& r) { return text_at(SimBench::json(r.body), "code"); }

Request signed_request(SimBench& b, const std::string& method, const std::string& path, const std::string& query = "",
                       std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  Request r{method, path, query};
  const std::string target = query.empty() ? path : path + "?" + query;
  r.headers = {{"KC-API-KEY", a.key},
               {"KC-API-TIMESTAMP", stamp},
               {"KC-API-SIGN", base64_encode(hmac_sha256(a.secret, stamp + method + target))},
               {"KC-API-PASSPHRASE", base64_encode(hmac_sha256(a.secret, a.passphrase))},
               {"KC-API-KEY-VERSION", "3"}};
  return r;
}

Json data_of(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const Response r = b.simulator.http(signed_request(b, "GET", path, query, account));
  const Json j = SimBench::json(r.body);
  REQUIRE(text_at(j, "code") == "200000");
  return j["data"];
}

std::vector<Json> rows(SimBench& b, const std::string& query = "limit=200", std::size_t account = 0) {
  const Json data = data_of(b, "/api/v1/history-positions", query, account);
  return {data["items"].begin(), data["items"].end()};
}

/// "/?token=...&connectId=..." of a fresh token.
std::string target(SimBench& b, bool is_private, const std::string& connect_id = "anduin-1", std::size_t account = 0) {
  const Request r = is_private ? signed_request(b, "POST", "/api/v1/bullet-private", "", account)
                               : Request{"POST", "/api/v1/bullet-public", ""};
  const Json data = SimBench::json(b.simulator.http(r).body)["data"];
  const std::string endpoint = text_at(data["instanceServers"][0], "endpoint");
  return endpoint.substr(endpoint.find('/', 6)) + "?token=" + pct_encode(text_at(data, "token")) +
         "&connectId=" + connect_id;
}

std::string say(const std::string& topic, const std::string& id = "1", bool is_private = false) {
  return Obj()
      .str("id", id)
      .str("type", "subscribe")
      .str("topic", topic)
      .flag("privateChannel", is_private)
      .flag("response", true)
      .text();
}

ConnId subscribed(SimBench& b, const std::string& topic, bool is_private, std::size_t account = 0) {
  const ConnId conn = b.open(target(b, is_private, "c", account));
  const auto answer = b.say(conn, say(topic, "1", is_private));
  REQUIRE(answer.size() == 1);
  REQUIRE(answer[0] == R"({"id":"1","type":"ack"})");
  b.take(conn);
  return conn;
}

std::vector<Json> parsed(const std::vector<std::string>& frames) {
  std::vector<Json> out;
  for (const std::string& f : frames) out.push_back(SimBench::json(f));
  return out;
}

}  // namespace

TEST_CASE("kucoin: every signed request of the vectors is accepted, and refused when a signed part differs") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/kucoin.json", "signing")) {
    const auto& in = row["inputs"];
    if (!in.contains("apiKey")) continue;
    INFO(row["name"]);
    SimBench b = bench();
    b.clock.set_wall_ms(in["timestamp_ms"]);
    Request r{in["method"], in["path"], in["query"], {}, in["body"]};
    for (const auto& [name, value] : row["expected"]["headers"].items()) r.headers.emplace_back(name, value);
    const std::string code = code_of(b.simulator.http(r));
    // What follows the signature may be refused for its content (an order, another venue's path), never for the key.
    CHECK((code == "200000" || code == "404000" || code == "400007"));
    Request altered = r;
    (altered.query.empty() ? altered.body : altered.query) += "&x=1";
    CHECK(code_of(b.simulator.http(altered)) == "400005");
    const auto with = [&](const std::string& name, const std::string& value) {
      Request other = r;
      for (auto& [n, v] : other.headers)
        if (n == name) v = value;
      return code_of(b.simulator.http(other));
    };
    CHECK(with("KC-API-KEY", "somebody-else") == "400003");
    CHECK(with("KC-API-PASSPHRASE", kPassphrase) == "400004");
    CHECK(with("KC-API-SIGN", std::string(44, 'A')) == "400005");
    CHECK(with("KC-API-KEY-VERSION", "1") == "400008");
    CHECK(with("KC-API-KEY-VERSION", "9") == "400009");
    CHECK(with("KC-API-SIGN", "") == "400001");
    b.control("skew", R"({"ms":5001})");
    CHECK(code_of(b.simulator.http(r)) == "400002");
  }
}

TEST_CASE("kucoin: a socket needs a token, a public one sees no positions, frames of clients are acknowledged") {
  ANDUIN_NEED_SHARED();
  SimBench b = bench();
  const ConnId pub = b.open(target(b, false, "one"));
  CHECK(b.take(pub).front() == R"({"id":"one","type":"welcome"})");
  const ConnId priv = b.open(target(b, true, "two"));
  CHECK(b.take(priv).front() == R"({"id":"two","type":"welcome"})");
  for (const auto& row : vector_rows("vectors/kucoin.json", "frames")) {
    if (row["name"].get<std::string>().starts_with("spot")) continue;
    const auto answer = b.say(row["frame"].value("privateChannel", false) ? priv : pub, row["frame"].dump());
    INFO(row["name"]);
    REQUIRE(answer.size() >= 1);
    const Json got = SimBench::json(answer[0]);
    CHECK(text_at(got, "id") == row["ack"]["id"]);
    CHECK(text_at(got, "type") == row["ack"]["type"]);
  }
  const auto code = [&](ConnId conn, const std::string& frame) {
    return int_at(SimBench::json(b.say(conn, frame).at(0)), "code", 0);
  };
  CHECK(code(pub, say("/contract/positionAll", "9", true)) == 403);
  CHECK(code(pub, say("/contractMarket/nothing:XBTUSDTM")) == 404);
  CHECK(code(pub, R"({"id":"1","type":"order"})") == 400);
  // A number as id comes back as a text.
  CHECK(b.say(pub, R"({"id":7,"type":"ping"})").at(0).find(R"({"id":"7","type":"pong","timestamp":)") == 0);
  // A symbol that does not exist is acknowledged and never heard of.
  CHECK(b.say(pub, say("/contractMarket/tickerV2:NOSUCHM", "8")) ==
        std::vector<std::string>{R"({"id":"8","type":"ack"})"});
}

TEST_CASE("kucoin: topics by the hundred and by the session, frames by the ten seconds, sessions by the user") {
  SimBench b = bench();
  const ConnId conn = b.open(target(b, false));
  const auto many = [](int from, int n) {
    std::string topic = "/contractMarket/tickerV2:";
    for (int i = 0; i < n; ++i) topic += (i > 0 ? ",S" : "S") + std::to_string(from + i) + "M";
    return topic;
  };
  b.take(conn);
  CHECK(int_at(SimBench::json(b.say(conn, say(many(0, 101))).at(0)), "code", 0) == 509);
  for (int i = 0; i < 3; ++i)
    CHECK(text_at(SimBench::json(b.say(conn, say(many(i * 100, 100))).at(0)), "type") == "ack");
  CHECK(int_at(SimBench::json(b.say(conn, say(many(900, 1))).at(0)), "code", 0) == 509);
  std::string last;
  for (int i = 0; i < 100; ++i) last = b.say(conn, R"({"id":"1","type":"ping"})").at(0);
  CHECK(int_at(SimBench::json(last), "code", 0) == 509);
  for (int i = 0; i < 50; ++i) b.open(target(b, true));
  const ConnId over = b.open(target(b, true));
  CHECK(int_at(SimBench::json(b.take(over).at(0)), "code", 0) == 509);
  CHECK(b.sink.closed.count(over) == 1);
}

TEST_CASE("kucoin: tokens live a day and end at will, the refusal is a frame or the upgrade, the path rotates") {
  SimBench b = bench(1, 1'000'000);  // a day is 86.4 s
  const std::string old = target(b, false);
  b.advance(86'500, 500);
  const ConnId late = b.open(old);
  CHECK(b.take(late).at(0) == R"({"id":"anduin-1","type":"error","code":401,"data":"token is expired"})");
  CHECK(b.sink.closed.at(late) == 1000);
  const std::string fresh = target(b, false);
  b.control("rotate-token");
  const ConnId gone = b.open(fresh);
  CHECK(b.take(gone).at(0).find("token is invalid") != std::string::npos);
  b.control("refusal", R"({"by":"http"})");
  const auto refused = b.simulator.ws_open(99, "/", "token=x&connectId=y");
  REQUIRE(refused.has_value());
  CHECK(refused->status == 401);
  CHECK(target(b, false).starts_with("/endpoint?token="));
}

TEST_CASE("kucoin: the welcome can be late, and what is said before it is refused or answered behind it") {
  SimBench b = bench();
  b.control("welcome", R"({"delay_ms":200})");
  const ConnId conn = b.open(target(b, false));
  CHECK(int_at(SimBench::json(b.say(conn, say("/contractMarket/tickerV2:XBTUSDTM")).at(0)), "code", 0) == 400);
  b.advance(200);
  CHECK(text_at(SimBench::json(b.take(conn).back()), "type") == "welcome");
  b.control("welcome", R"({"delay_ms":200,"early":"ack"})");
  const ConnId second = b.open(target(b, false));
  CHECK(b.say(second, say("/contractMarket/level2:XBTUSDTM")).empty());
  b.advance(200);
  const auto frames = parsed(b.take(second));
  REQUIRE(frames.size() >= 2);
  CHECK(text_at(frames[0], "type") == "welcome");
  CHECK(text_at(frames[1], "type") == "ack");
}

TEST_CASE("kucoin: without a client's frame for a minute the socket is told and closed, while it streams") {
  SimBench b = bench();
  const ConnId conn = subscribed(b, "/contractMarket/tickerV2:XBTUSDTM", false);
  b.advance(50'000, 100);
  b.say(conn, R"({"id":"1","type":"ping"})");
  b.advance(59'900, 100);
  CHECK(b.sink.closed.count(conn) == 0);
  b.take(conn);
  b.advance(200, 100);
  CHECK(b.take(conn).back() == R"({"type":"error","code":400,"data":"ping timeout"})");
  CHECK(b.sink.closed.at(conn) == 1000);
}

TEST_CASE(
    "kucoin: tickerV2 has gaps, late repeats, numbers and padded texts, nanoseconds, and silence when nothing moves") {
  SimBench b = bench();
  const ConnId conn = subscribed(b, "/contractMarket/tickerV2:XBTUSDTM,ETHUSDTM", false);
  b.control("quiet", R"({"symbol":"ETHUSDT"})");
  b.advance(10'000);
  bool numeric = false, padded = false, backward = false, gap = false;
  std::int64_t last = 0;
  for (const Json& f : parsed(b.take(conn))) {
    const Json& d = f["data"];
    CHECK(text_at(d, "symbol") == "XBTUSDTM");
    CHECK(text_at(d, "ts").size() == 19);
    const std::int64_t sequence = int_at(d, "sequence", 0);
    backward = backward || sequence < last;
    gap = gap || (last > 0 && sequence > last + 1);
    last = sequence;
    CHECK(*decimal_at(d, "bestBidPrice") < *decimal_at(d, "bestAskPrice"));
    padded = padded || text_at(d, "bestBidPrice").ends_with("0000");
  }
  b.advance(10'000);
  for (const std::string& f : b.take(conn)) numeric = numeric || f.find(R"("bestBidPrice":9)") != std::string::npos;
  CHECK((numeric && padded && backward && gap));
  b.control("price", R"({"symbol":"BTCUSDT","bid":"90000","ask":"90001"})");
  b.advance(1'000);
  CHECK(b.take(conn).size() >= 1);
  b.advance(5'000);
  CHECK(b.take(conn).empty());
}

TEST_CASE("kucoin: the level feed, one level a frame, leads from the snapshot to the book and never crosses") {
  SimBench b = bench();
  const ConnId conn = subscribed(b, "/contractMarket/level2:XBTUSDTM", false);
  const Json book =
      SimBench::json(b.simulator.http({"GET", "/api/v1/level2/snapshot", "symbol=XBTUSDTM"}).body)["data"];
  std::map<Decimal, Decimal> bids, asks;
  for (const Json& l : book["bids"]) bids[*decimal_of(l[0])] = *decimal_of(l[1]);
  for (const Json& l : book["asks"]) asks[*decimal_of(l[0])] = *decimal_of(l[1]);
  std::int64_t sequence = int_at(book, "sequence", 0);
  b.advance(5'000);
  for (const Json& f : parsed(b.take(conn))) {
    const std::string change = text_at(f["data"], "change");
    const std::size_t one = change.find(','), two = change.rfind(',');
    auto& side = change.substr(one + 1, two - one - 1) == "buy" ? bids : asks;
    const Decimal price = Decimal::of(change.substr(0, one)), size = Decimal::of(change.substr(two + 1));
    if (size.is_zero()) side.erase(price);
    else side[price] = size;
    CHECK(int_at(f["data"], "sequence", 0) == ++sequence);
    if (!bids.empty() && !asks.empty()) CHECK(bids.rbegin()->first < asks.begin()->first);
  }
  const Json after =
      SimBench::json(b.simulator.http({"GET", "/api/v1/level2/snapshot", "symbol=XBTUSDTM"}).body)["data"];
  CHECK(bids.rbegin()->first == *decimal_of(after["bids"][0][0]));
  CHECK(asks.begin()->first == *decimal_of(after["asks"][0][0]));
}

TEST_CASE("kucoin: a close is frames without an id and, later, one row whose figures add up") {
  SimBench b = bench(2);
  const ConnId conn = subscribed(b, "/contract/positionAll", true);
  const ConnId other = subscribed(b, "/contract/positionAll", true, 1);
  const Json made = b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"5.5","fee":"0.3"})");
  REQUIRE(flag_at(made, "ok"));
  bool noise = false, closed = false;
  for (const Json& f : parsed(b.take(conn))) {
    CHECK(f.dump().find(text_at(made, "id")) == std::string::npos);
    const Json& d = f["data"];
    noise = noise || (text_at(d, "changeReason") == "markPriceChange" && !d.contains("symbol"));
    closed = closed || (d.contains("isOpen") && !flag_at(d, "isOpen") && int_at(d, "currentQty", 1) == 0);
  }
  CHECK((noise && closed));
  CHECK(b.take(other).empty());
  CHECK(rows(b).empty());
  b.advance(500);
  const auto found = rows(b);
  REQUIRE(found.size() == 1);
  const Json& r = found[0];
  CHECK(text_at(r, "closeId") == text_at(made, "id"));
  CHECK(*decimal_at(r, "pnl") == Decimal::of("5.5"));
  CHECK(*decimal_at(r, "pnl") == -*decimal_at(r, "realisedGrossCost") - *decimal_at(r, "tradeFee") +
                                     *decimal_at(r, "fundingFee") - *decimal_at(r, "tax"));
  CHECK(Decimal::divide(*decimal_at(r, "realisedGrossCost"), *decimal_at(r, "closePrice") - *decimal_at(r, "openPrice"),
                        6)
            .abs() == Decimal::of("0.01"));
  CHECK(rows(b, "limit=200", 1).empty());
  CHECK(b.control("log")["closes"].size() == 1);
}

TEST_CASE("kucoin: a partial reduce has no row, its result is in the row of the whole cycle") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  const ConnId conn = subscribed(b, "/contract/positionAll", true);
  const Json part = b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1","partial":true})");
  CHECK_FALSE(flag_at(part, "close"));
  CHECK(rows(b).empty());
  for (const Json& f : parsed(b.take(conn)))
    if (f["data"].contains("isOpen")) CHECK(flag_at(f["data"], "isOpen"));
  const Json whole = b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"2"})");
  CHECK(text_at(whole, "id") == text_at(part, "id"));
  REQUIRE(rows(b).size() == 1);
  CHECK(*decimal_at(rows(b)[0], "pnl") == Decimal(3));
  CHECK(b.control("log")["closes"].size() == 1);
}

TEST_CASE("kucoin: a flip says isOpen throughout, what it left open ends before the other side can") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  const ConnId conn = subscribed(b, "/contract/positionAll", true);
  b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"1","flip":true})");
  std::set<std::int64_t> openings;
  std::set<bool> signs;
  for (const Json& f : parsed(b.take(conn))) {
    if (!f["data"].contains("isOpen")) continue;
    CHECK(flag_at(f["data"], "isOpen"));
    openings.insert(int_at(f["data"], "openingTimestamp", 0));
    signs.insert(int_at(f["data"], "currentQty", 0) > 0);
  }
  CHECK(openings.size() == 2);
  CHECK(signs.size() == 2);
  CHECK(rows(b).size() == 1);
  const Json next = b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"4"})");
  CHECK(next["ids"].size() == 2);  // the short that the flip opened, and the long
  CHECK(rows(b).size() == 3);
}

TEST_CASE("kucoin: the other side ends what a partial close has left open, and its row has prices") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":"2","fee":"0","partial":true})");
  b.control("close", R"({"symbol":"BTCUSDT","side":"short","size":"0.01","pnl":"-1","fee":"0"})");
  const auto all = rows(b);
  REQUIRE(all.size() == 2);
  for (const Json& r : all) {
    INFO(r.dump().substr(0, 600));
    const auto open = Decimal::parse(text_at(r, "openPrice")), close = Decimal::parse(text_at(r, "closePrice"));
    REQUIRE((open && close));
    CHECK(open->sign() > 0);
    const bool is_long = text_at(r, "side") == "LONG";
    CHECK(*close > *open);  // a long's profit, a short's loss
    CHECK(text_at(r, "pnl") == (is_long ? "2" : "-1"));
  }
}

TEST_CASE("kucoin: hedge sides, liquidation, adl, silent, rewrite, inverse contracts") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  const ConnId conn = subscribed(b, "/contract/positionAll", true);
  const auto close = [&](const std::string& more) {
    return text_at(b.control("close", R"({"symbol":"BTCUSDT","side":"short","size":"0.01","pnl":"-2",)" + more + "}"),
                   "id");
  };
  const auto row = [&](const std::string& id) {
    for (const Json& r : rows(b))
      if (text_at(r, "closeId") == id) return r;
    return Json::object();
  };
  close(R"("hedge":true)");
  CHECK(b.take(conn).at(0).find(R"("positionSide":"SHORT")") != std::string::npos);
  bool bare = false, full = false;
  for (int i = 0; i < 2; ++i) {
    const Json r = row(close(R"("liquidation":true)"));
    CHECK(text_at(r, "type") == "LIQUID_SHORT");
    (r["openPrice"].is_null() && r["side"].is_null() ? bare : full) = true;
  }
  CHECK((bare && full));
  CHECK(text_at(row(close(R"("adl":true)")), "type") == "ADL_SHORT");
  b.take(conn);
  const std::string silent = close(R"("silent":true)");
  CHECK(b.take(conn).empty());
  CHECK(text_at(row(silent), "closeId") == silent);
  close(R"("id":")" + silent + R"(","pnl":"-9")");
  CHECK(text_at(row(silent), "pnl") == "-2");
  const Json inverse = b.control("close", R"({"symbol":"BTCUSD","side":"long","size":"100","pnl":"0.0001"})");
  CHECK(text_at(row(text_at(inverse, "id")), "settleCurrency") == "XBT");
}

TEST_CASE("kucoin: history by ten unless asked, the latest first, ids not in that order, by closing time") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  for (int i = 0; i < 25; ++i) {
    b.clock.advance_ms(1'000);
    b.control("close", R"({"symbol":"BTCUSDT","side":"long","size":"0.01","pnl":")" + std::to_string(i + 1) + R"("})");
  }
  CHECK(rows(b, "").size() == 10);
  const Json page = data_of(b, "/api/v1/history-positions", "limit=10&pageId=3");
  CHECK(page["items"].size() == 5);
  CHECK(int_at(page, "totalPage", 0) == 3);
  const auto all = rows(b);
  bool ids_ordered = true;
  for (std::size_t i = 1; i < all.size(); ++i) {
    CHECK(int_at(all[i], "closeTime", 0) <= int_at(all[i - 1], "closeTime", 0));
    ids_ordered = ids_ordered && text_at(all[i], "closeId") < text_at(all[i - 1], "closeId");
  }
  CHECK_FALSE(ids_ordered);
  const std::string last = std::to_string(b.clock.wall_ms());
  CHECK(rows(b, "from=" + last + "&limit=200").size() == 1);
  CHECK(rows(b, "symbol=ETHUSDTM&limit=200").empty());
  CHECK(code_of(b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions", "limit=201"))) == "400100");
}

TEST_CASE("kucoin: balances default to XBT, refusals of parameters are HTTP 200, budgets are told and enforced") {
  SimBench b = bench();
  CHECK(text_at(data_of(b, "/api/v1/account-overview"), "currency") == "XBT");
  CHECK(text_at(data_of(b, "/api/v1/account-overview", "currency=USDT"), "accountEquity") == "10000.0");
  CHECK(b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions", "symbol=NO")).status == 200);
  b.control("limits", R"({"futures":20})");
  Response last;
  for (int i = 0; i < 12; ++i) last = b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions"));
  CHECK(last.status == 429);
  CHECK(code_of(last) == "429000");
  REQUIRE(last.headers.size() == 3);
  CHECK(last.headers[2].first == "gw-ratelimit-reset");
  b.advance(std::stoll(last.headers[2].second), 1'000);
  CHECK(b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions")).status == 200);
  b.control("error", R"({"code":"429000","count":2})");
  for (int i = 0; i < 2; ++i) CHECK(b.simulator.http(signed_request(b, "GET", "/api/v1/positions")).status == 429);
  CHECK(b.simulator.http(signed_request(b, "GET", "/api/v1/positions")).status == 200);
}

TEST_CASE("kucoin: what a key may do, and a venue that wants the right to trade for reading") {
  SimBench b = bench();
  CHECK(text_at(data_of(b, "/api/v1/user/api-key"), "permission") == "General");
  b.control("permissions", R"({"strict":true})");
  CHECK(code_of(b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions"))) == "400007");
  b.control("keys", R"({"can_trade":true,"can_withdraw":true})");
  CHECK(code_of(b.simulator.http(signed_request(b, "GET", "/api/v1/history-positions"))) == "200000");
  CHECK(text_at(data_of(b, "/api/v1/user/api-key"), "permission") == "General,Futures,Transfer");
}

}  // namespace anduin::sim
