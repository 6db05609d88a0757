// The simulated HTX against the vectors (signatures, client frames) and against section 12 of its sheet.
#include <map>
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

const std::string kHost = "api.hbdm.com", kPrivatePath = "/ws/v5/notification", kPublicPath = "/linear-swap-ws";

SimBench bench(const std::string& key = "e2a1b2c3-11aa22bb-33cc44dd-5ee6f",
               const std::string& secret = "b0xxxxxx-c6xxxxxx-94xxxxxx-dxxxx") {
  return {"htx", bench_options(key, secret, 2)};
}

void prepare(SimBench& b, std::int64_t now_ms = 1'784'017'805'000) {
  b.clock.set_wall_ms(now_ms);
  b.simulator.world().authority = kHost;
}

std::string signature(const SimAccount& a, const std::string& method, const std::string& path,
                      const std::string& query) {
  return base64_encode(hmac_sha256(a.secret, method + "\n" + kHost + "\n" + path + "\n" + query));
}

/// Parameters sorted by the caller; the four of the signature stand first, since they begin with capitals.
Request signed_get(SimBench& b, const std::string& path, const std::string& query, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  std::string all = "AccessKeyId=" + a.key + "&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=" +
                    pct_encode(iso_ms(b.clock.wall_ms()).substr(0, 19));
  if (!query.empty()) all += "&" + query;
  Request r{"GET", path, all + "&Signature=" + pct_encode(signature(a, "GET", path, all))};
  r.headers = {{"Host", kHost}};
  return r;
}

Json get(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  return SimBench::json(b.simulator.http(signed_get(b, path, query, account)).body);
}

std::int64_t code_of(const Json& answer) { return int_at(answer, "code", int_at(answer, "err_code", -1)); }

/// What came, unpacked: every frame of this venue is a gzip member.
std::vector<Json> unpacked(const std::vector<std::string>& frames) {
  std::vector<Json> out;
  for (const std::string& frame : frames) {
    const auto text = gunzip(frame);
    REQUIRE(text.has_value());
    out.push_back(SimBench::json(*text));
  }
  return out;
}

std::vector<Json> say(SimBench& b, ConnId conn, const std::string& text) { return unpacked(b.say(conn, text)); }

Json login(const SimBench& b, const SimAccount& a) {
  const std::string stamp = iso_ms(b.clock.wall_ms()).substr(0, 19);
  const std::string text =
      "AccessKeyId=" + a.key + "&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=" + pct_encode(stamp);
  return {{"op", "auth"},
          {"type", "api"},
          {"AccessKeyId", a.key},
          {"SignatureMethod", "HmacSHA256"},
          {"SignatureVersion", "2"},
          {"Timestamp", stamp},
          {"Signature", signature(a, "GET", kPrivatePath, text)}};
}

ConnId logged_in(SimBench& b, const std::vector<std::string>& topics = {"orders", "positions"},
                 std::size_t account = 0) {
  const ConnId conn = b.open(kPrivatePath);
  const auto answer = say(b, conn, login(b, b.simulator.venue().accounts()[account]).dump());
  REQUIRE(int_at(answer.at(0), "err-code", -1) == 0);
  for (const std::string& topic : topics) {
    const auto ack = say(b, conn, R"({"op":"sub","cid":"c","topic":")" + topic + R"(","contract_code":"*"})");
    REQUIRE(int_at(ack.at(0), "err-code", -1) == 0);
    REQUIRE(text_at(ack.at(0), "cid") == "c");
  }
  b.take(conn);
  return conn;
}

std::vector<Json> pushed(const std::vector<Json>& frames, const std::string& topic) {
  std::vector<Json> out;
  for (const Json& f : frames)
    if (text_at(f, "topic") == topic && text_at(f, "op") == "notify") out.push_back(f["data"]);
  return out;
}

}  // namespace

TEST_CASE("htx: every signed request of the vectors is accepted, and refused when a signed part differs") {
  ANDUIN_NEED_SHARED();
  std::size_t rows = 0;
  for (const auto& row : vector_rows("vectors/htx.json", "signing")) {
    const auto& in = row["inputs"];
    if (!row["expected"].contains("url")) continue;
    SimBench b = bench(in["apiKey"], in["apiSecret"]);
    prepare(b);
    const std::string url = row["expected"]["url"];
    Request r{in["method"], in["path"], url.substr(url.find('?') + 1)};
    r.headers = {{"Host", in["host"]}};
    if (row["expected"]["body"].is_string()) r.body = row["expected"]["body"];
    const auto code = [&](const Request& request) {
      const Response response = b.simulator.http(request);
      return response.status == 404 ? 0 : code_of(SimBench::json(response.body));
    };
    INFO(row["name"]);
    const std::set<std::int64_t> key_trouble{403, 1003, 12'001, 12'002, 12'003};
    CHECK(key_trouble.count(code(r)) == 0);
    Request other = r;
    other.query.replace(other.query.find("&Signature="), 0, "&zone=1");
    CHECK(code(other) == 1003);
    other = r;
    other.method = r.method == "GET" ? "POST" : "GET";
    CHECK(code(other) == 1003);
    other = r;
    other.headers = {{"Host", "api.hbdm.cn"}};
    CHECK(code(other) == 1003);
    other = r;
    other.query = pct_decode(r.query);  // the '+' and '/' of the signature as they are
    if (pct_decode(r.query.substr(r.query.find("Signature=", 60))).find('+') != std::string::npos)
      CHECK(code(other) == 1003);
    other = r;
    other.query.replace(other.query.find("AccessKeyId=") + 12, 1, "X");
    CHECK(code(other) == 403);
    b.control("skew", R"({"ms":301000})");
    CHECK(code(r) == 12'001);
    ++rows;
  }
  CHECK(rows >= 9);
}

TEST_CASE("htx: the logins of the vectors, and what is refused") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/htx.json", "signing")) {
    if (!row["expected"].contains("frame")) continue;
    const std::string url = row["inputs"]["url"];
    SimBench b = bench(row["inputs"]["apiKey"], row["inputs"]["apiSecret"]);
    prepare(b);
    b.simulator.world().authority = url.substr(6, url.find('/', 6) - 6);
    if (url.find(kPrivatePath) == std::string::npos) {
      CHECK(b.simulator.ws_open(1, "/linear-swap-notification", "").has_value());  // discontinued
      continue;
    }
    const ConnId conn = b.open(kPrivatePath);
    CHECK(int_at(say(b, conn, R"({"op":"sub","cid":7,"topic":"orders","contract_code":"*"})").at(0), "err-code", 0) ==
          2002);
    const auto ack = say(b, conn, row["expected"]["frame"].dump());
    CHECK(int_at(ack.at(0), "err-code", -1) == 0);
    CHECK(text_at(ack[0]["data"], "user-id") == b.simulator.venue().accounts()[0].uid);
    CHECK(int_at(say(b, conn, row["expected"]["frame"].dump()).at(0), "err-code", 0) == 2005);
    for (const char* member : {"Signature", "AccessKeyId", "Timestamp", "SignatureMethod", "type"}) {
      auto wrong = row["expected"]["frame"];
      wrong[member] = "2026-07-14T08:30:04";
      const ConnId other = b.open(kPrivatePath);
      const auto answer = say(b, other, wrong.dump());
      INFO(member);
      REQUIRE(answer.size() == 2);
      CHECK(int_at(answer[0], "err-code", 0) == 2003);
      CHECK(text_at(answer[1], "op") == "close");
      CHECK(b.sink.closed.count(other) == 1);
    }
  }
}

TEST_CASE("htx: the frames of real clients are accepted") {
  ANDUIN_NEED_SHARED();
  SimBench b = bench();
  prepare(b);
  const ConnId secret = logged_in(b, {}), open = b.open(kPublicPath);
  for (const auto& row : vector_rows("vectors/htx.json", "subscribe_frames")) {
    INFO(row["name"]);
    const bool is_private = row["url"].get<std::string>().find("/v5/") != std::string::npos;
    bool accepted = false;
    for (const Json& answer : say(b, is_private ? secret : open, row["frame"].dump()))
      accepted =
          accepted || (is_private ? answer.contains("err-code") && int_at(answer, "err-code", -1) == 0
                                  : text_at(answer, "status") == "ok" && text_at(answer, "id") == row["frame"]["id"]);
    CHECK(accepted);
  }
  const auto again = say(b, secret, R"({"op":"sub","topic":"positions","contract_code":"*"})");
  CHECK(int_at(again.at(0), "err-code", 0) == 2014);
  CHECK(int_at(say(b, secret, R"({"op":"sub","topic":"orders","contract_code":"NO-USDT"})").at(0), "err-code", 0) ==
        2011);
  CHECK(int_at(say(b, secret, R"({"op":"sub","topic":"gossip","contract_code":"*"})").at(0), "err-code", 0) == 2010);
  CHECK(int_at(say(b, secret, R"({"op":"unsub","topic":"positions","contract_code":"BTC-USDT"})").at(0), "err-code",
               0) == 2012);
}

TEST_CASE("htx: best bid and offer: data before some acks, sides that are missing, repeats, older versions") {
  SimBench b = bench();
  prepare(b);
  const ConnId conn = b.open(kPublicPath);
  const auto refused = say(b, conn, R"({"sub":"market.NOPE-USDT.bbo","id":"9"})");
  CHECK(text_at(refused.at(0), "err-code") == "bad-request");
  CHECK(text_at(refused.at(0), "id") == "9");
  CHECK(text_at(say(b, conn, R"({"sub":"market.LUNA-USDT.bbo","id":"9"})").at(0), "err-code") == "bad-request");
  bool data_first = false, ack_first = false;
  for (const char* coin : {"BTC", "ETH", "SOL", "XRP"}) {
    const auto first = say(b, conn, std::string(R"({"sub":"market.)") + coin + R"(-USDT.bbo","id":"1"})");
    REQUIRE(first.size() == 2);
    (first[0].contains("tick") ? data_first : ack_first) = true;
  }
  CHECK(data_first);
  CHECK(ack_first);
  b.take(conn);
  std::size_t no_bid = 0, no_ask = 0, repeats = 0, older = 0, prices = 0, whole = 0;
  std::map<std::string, std::int64_t> version;
  for (int i = 0; i < 200; ++i) {
    b.advance(100);
    for (const Json& f : unpacked(b.take(conn))) {
      if (f.contains("ping")) {
        b.say(conn, R"({"pong":)" + text_at(f, "ping") + "}");
        continue;
      }
      const Json& tick = f["tick"];
      const std::int64_t v = int_at(tick, "version", 0);
      std::int64_t& last = version[text_at(f, "ch")];
      repeats += v == last ? 1U : 0U;
      older += v < last ? 1U : 0U;
      last = std::max(last, v);
      no_bid += tick["bid"].is_null() ? 1U : 0U;
      no_ask += tick.contains("ask") ? 0U : 1U;
      if (tick["bid"].is_null() || !tick.contains("ask")) continue;
      ++prices;
      whole += tick["bid"][0].is_number_integer() ? 1U : 0U;
    }
  }
  CHECK(prices > 500);
  CHECK(whole > 0);
  CHECK(whole < prices);
  CHECK(no_bid > 0);
  CHECK(no_ask > 0);
  CHECK(repeats > 0);
  CHECK(older > 0);
}

TEST_CASE("htx: both links are pinged every 5 s, answers must be the same characters, five strikes and out") {
  SimBench b = bench();
  prepare(b);
  const bool is_private = GENERATE(true, false);
  const bool right = GENERATE(true, false);
  const ConnId conn = is_private ? logged_in(b) : b.open(kPublicPath);
  std::set<std::string> kinds;
  for (int i = 0; i < 500 && b.sink.closed.count(conn) == 0; ++i) {
    b.advance(100);
    for (const Json& f : unpacked(b.take(conn))) {
      if (!is_private && f.contains("ping"))
        b.say(conn, R"({"pong":)" + std::to_string(int_at(f, "ping", 0) + (right ? 0 : 1)) + "}");
      if (text_at(f, "op") != "ping") continue;
      kinds.insert(f["ts"].type_name());
      const std::string same = f["ts"].dump(), other = f["ts"].is_string() ? text_at(f, "ts") : "\"" + same + "\"";
      b.say(conn, R"({"op":"pong","ts":)" + (right ? same : other) + "}");
    }
  }
  CHECK((b.sink.closed.count(conn) == 0) == right);
  if (is_private) CHECK(kinds.size() == 2);
}

TEST_CASE("htx: an order of several pushes: early ones say that it is filled, and are not the last") {
  SimBench b = bench();
  prepare(b);
  const ConnId conn = logged_in(b);
  bool overtaken = false, doubled = false;
  for (int i = 0; i < 6; ++i) {
    const Json close = b.control(
        "close",
        R"({"symbol":"BTCUSDT","side":"long","size":"0.005","pnl":"0.502","fee":"0.18","exitPrice":"60100.4"})");
    REQUIRE(flag_at(close, "ok"));
    const auto rows = pushed(unpacked(b.take(conn)), "orders");
    std::vector<std::string> filled;
    for (const Json& row : rows) {
      CHECK(text_at(row, "order_id") == text_at(close, "id"));
      CHECK(text_at(row, "order_id").size() == 19);  // beyond 2^53
      if (text_at(row, "state") == "filled") filled.push_back(text_at(row, "trade_volume"));
    }
    REQUIRE(filled.size() >= 2);
    CHECK(filled[0] == "2");
    CHECK(filled[1] == "5");
    CHECK(text_at(rows[0], "state") == "new");
    CHECK(rows[0]["trade_avg_price"].is_null());
    doubled = doubled || filled.size() == 3;
    overtaken = overtaken || text_at(rows.back(), "state") == "partially_filled";
    CHECK(text_at(close, "size") == "0.005");
    CHECK(text_at(close, "currency") == "USDT");
  }
  CHECK(doubled);
  CHECK(overtaken);
}

TEST_CASE("htx: stream, order, history and executions tell one story, fees have opposite signs") {
  SimBench b = bench();
  prepare(b);
  const ConnId conn = logged_in(b);
  const std::string shape = GENERATE(R"({})", R"({"numeric_ids":true})", R"({"empty_times":true})",
                                     R"({"cancel":"said"})", R"({"cancel":"unsaid"})");
  b.control("orders", shape);
  const Json close = b.control(
      "close", R"({"side":"short","size":"0.004","pnl":"-3.5","fee":"0.25","hedge":true,"exitPrice":"60000"})");
  const std::string id = text_at(close, "id");
  Json last;
  for (const Json& row : pushed(unpacked(b.take(conn)), "orders"))
    if (text_at(row, "trade_volume") == "4") last = row;
  CHECK(text_at(last, "order_id") == id);
  CHECK(last["order_id"].is_number() == (shape.find("numeric") != std::string::npos));
  CHECK(text_at(last, "profit") == "-3.5");
  CHECK(text_at(last, "fee") == "-0.25");
  CHECK(text_at(last, "position_side") == "short");
  CHECK(text_at(last, "side") == "buy");
  CHECK((text_at(last, "updated_time").empty()) == (shape.find("empty") != std::string::npos));
  CHECK(last.contains("cancel_volume") == (shape.find("\"said") != std::string::npos));
  const Json order = get(b, "/v5/trade/order", "contract_code=BTC-USDT&margin_mode=cross&order_id=" + id)["data"];
  const Json history =
      get(b, "/v5/trade/order/history",
          "contract_code=BTC-USDT&margin_mode=cross&state=filled%2Cpartially_canceled%2Ccanceled")["data"];
  const Json details = get(b, "/v5/trade/order/details", "contract_code=BTC-USDT&limit=100")["data"];
  REQUIRE(history.size() == 1);
  for (const char* member : {"order_id", "profit", "fee", "trade_volume", "trade_avg_price", "updated_time"}) {
    CHECK(order[member] == last[member]);
    CHECK(history[0][member] == last[member]);
  }
  REQUIRE(details.size() == 2);
  CHECK(*decimal_at(details[0], "profit") + *decimal_at(details[1], "profit") == Decimal::of("-3.5"));
  CHECK(*decimal_at(details[0], "trade_fee") + *decimal_at(details[1], "trade_fee") == Decimal::of("0.25"));
  CHECK(text_at(details[0], "trade_id") == text_at(details[1], "trade_id"));
  CHECK(get(b, "/v5/trade/order/details", "contract_code=BTC-USDT", 1)["data"].empty());  // another account's
}

TEST_CASE("htx: what history demands and leaves out") {
  SimBench b = bench();
  prepare(b);
  const std::string base = "contract_code=BTC-USDT&margin_mode=cross";
  const std::string history = "/v5/trade/order/history", details = "/v5/trade/order/details";
  for (int i = 0; i < 130; ++i) b.control("close", R"({"side":"long","size":"0.001","pnl":"1","silent":true})");
  CHECK(get(b, history, base)["data"].size() == 10);
  CHECK(get(b, history, "contract_code=BTC-USDT&limit=500&margin_mode=cross")["data"].size() == 100);
  CHECK(code_of(get(b, history, "margin_mode=cross")) == 1014);
  CHECK(code_of(get(b, history, "contract_code=BTC&margin_mode=cross")) == 1014);
  CHECK(code_of(get(b, history, "contract_code=BTC-USDT")) == 1030);
  CHECK(get(b, history, "contract_code=BTC-USDT&margin_mode=isolated")["data"].empty());
  const std::int64_t now = b.clock.wall_ms(), hour = 3'600'000;
  const auto window = [&](std::int64_t from, std::int64_t to) {
    return "contract_code=BTC-USDT&end_time=" + std::to_string(to) +
           "&margin_mode=cross&start_time=" + std::to_string(from);
  };
  CHECK(code_of(get(b, history, window(now - 49 * hour, now))) == 1030);
  CHECK(code_of(get(b, history, window(now - 91 * 24 * hour, now - 90 * 24 * hour))) == 1030);
  CHECK(get(b, history, window(now - 48 * hour, now))["data"].size() == 10);
  CHECK(get(b, history, window(now - 48 * hour, now - hour))["data"].empty());
  b.control("close", R"({"side":"long","size":"0.001","pnl":"1","silent":true,"closedAt":)" +
                         std::to_string(now - 73 * hour) + "}");
  CHECK(get(b, details, "contract_code=BTC-USDT&end_time=" + std::to_string(now - 72 * hour) + "&start_time=1")["data"]
            .empty());
  b.control("visibility", R"({"order_ms":3000,"details_ms":5000})");
  const Json late = b.control("close", R"({"symbol":"ETHUSDT","side":"long","size":"1","pnl":"1","silent":true})");
  const std::string order = "contract_code=ETH-USDT&margin_mode=cross&order_id=" + text_at(late, "id");
  CHECK(code_of(get(b, "/v5/trade/order", order)) == 1061);
  b.advance(3'000);
  CHECK(code_of(get(b, "/v5/trade/order", order)) == 200);
  CHECK(get(b, details, "contract_code=ETH-USDT")["data"].empty());
  b.advance(2'000);
  CHECK(get(b, details, "contract_code=ETH-USDT")["data"].size() == 2);
}

TEST_CASE("htx: a liquidation may be in the executions alone, with an event on the positions") {
  SimBench b = bench();
  prepare(b);
  const ConnId conn = logged_in(b);
  b.control("orders", R"({"liquidation":"details"})");
  const Json close = b.control("close", R"({"side":"long","size":"0.004","pnl":"-43","liquidation":true})");
  const auto frames = unpacked(b.take(conn));
  CHECK(pushed(frames, "orders").empty());
  CHECK(std::any_of(frames.begin(), frames.end(), [](const Json& f) { return text_at(f, "event") == "liquidation"; }));
  CHECK(code_of(get(b, "/v5/trade/order",
                    "contract_code=BTC-USDT&margin_mode=cross&order_id=" + text_at(close, "id"))) == 1061);
  const Json rows = get(b, "/v5/trade/order/details", "contract_code=BTC-USDT")["data"];
  REQUIRE(rows.size() == 2);
  CHECK(text_at(rows[0], "order_type") == "3");
  CHECK(text_at(rows[0], "order_id") == text_at(close, "id"));
}

TEST_CASE("htx: a flip is one order, twice the position, that is not reduce-only") {
  SimBench b = bench();
  prepare(b);
  const ConnId conn = logged_in(b);
  b.control("close", R"({"side":"long","size":"0.002","pnl":"0.2008","flip":true,"exitPrice":"60100.4"})");
  const auto frames = unpacked(b.take(conn));
  const auto positions = pushed(frames, "positions"), orders = pushed(frames, "orders");
  REQUIRE(positions.size() == 2);
  CHECK(text_at(positions[0][0], "volume") == "2");
  CHECK(text_at(positions[0][0], "direction") == "buy");
  CHECK(text_at(positions[0][0], "open_avg_price") == "60000");
  CHECK(text_at(positions[1][0], "direction") == "sell");
  bool found = false;
  for (const Json& row : orders)
    found = found ||
            (text_at(row, "trade_volume") == "4" && !flag_at(row, "reduce_only") && text_at(row, "profit") == "0.2008");
  CHECK(found);
}

TEST_CASE("htx: limits, settlement, balances and keys") {
  SimBench b = bench();
  prepare(b);
  const Json single = get(b, "/v5/account/balance")["data"];
  CHECK(text_at(single, "equity") == "0");
  CHECK(text_at(single["details"][0], "equity") == "10000");
  b.control("asset-mode", R"({"multi":true})");
  CHECK(text_at(get(b, "/v5/account/balance")["data"], "equity") == "10000");
  b.control("settlement", R"({"ms":1000})");
  CHECK(code_of(get(b, "/v5/account/balance")) == 1079);
  b.advance(4'000);
  b.control("limits", R"({"read":3})");
  for (int i = 0; i < 3; ++i) CHECK(code_of(get(b, "/v5/account/balance")) == 200);
  const Response over = b.simulator.http(signed_get(b, "/v5/account/balance", ""));
  CHECK(code_of(SimBench::json(over.body)) == 1032);
  const std::map<std::string, std::string> headers(over.headers.begin(), over.headers.end());
  CHECK(headers.at("ratelimit-remaining") == "0");
  b.advance(std::stoll(headers.at("ratelimit-reset")));
  CHECK(code_of(get(b, "/v5/account/balance")) == 200);
  const SimAccount& a = b.simulator.venue().accounts()[0];
  CHECK(text_at(get(b, "/v2/user/uid"), "data") == a.uid);
  b.control("keys", R"({"can_withdraw":true,"ip_bound":false})");
  const Json rows = get(b, "/v2/user/api-key", "accessKey=" + a.key + "&uid=" + a.uid)["data"];
  REQUIRE(rows.size() == 1);
  CHECK(text_at(rows[0], "permission") == "readOnly,withdraw");
  CHECK(text_at(rows[0], "ipAddresses").empty());
  b.advance(3'000);
  CHECK(get(b, "/v2/user/api-key", "uid=" + a.uid)["data"].size() == 2);
}

TEST_CASE("htx: order entry is on no path of this simulator") {
  SimBench b = bench();
  prepare(b);
  for (const char* path : {"/linear-swap-trade", "/swap-trade", "/ws/trade"})
    CHECK(b.simulator.ws_open(9, path, "").has_value());
  const ConnId conn = logged_in(b, {});
  CHECK(text_at(say(b, conn, R"({"op":"create_order","data":{}})").at(0), "op") == "error");
}

}  // namespace anduin::sim
