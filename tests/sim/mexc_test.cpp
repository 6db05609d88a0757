// The simulated MEXC against the vectors (signatures, client frames) and section 11 of its sheet.
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

const std::string kKey = "mx0dummyAccessKey01", kSecret = "dummySecretKey0123456789abcdef01";
const std::string kHistory = "/api/v1/private/position/list/history_positions";
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

SimBench bench(int accounts = 1) { return {"mexc", bench_options(kKey, kSecret, accounts)}; }

std::int64_t code_of(const Response& r) { return int_at(SimBench::json(r.body), "code", -1); }

Request signed_request(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  Request r{"GET", path, query};
  r.headers = {{"ApiKey", a.key}, {"Request-Time", stamp}, {"Signature", hmac_sha256_hex(a.secret, a.key + stamp + query)}};
  return r;
}

Request spot_request(SimBench& b, const std::string& path, std::string query, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  query += (query.empty() ? "" : "&") + std::string("timestamp=") + std::to_string(b.clock.wall_ms()) + "&recvWindow=5000";
  Request r{"GET", path, query + "&signature=" + hmac_sha256_hex(a.secret, query)};
  r.headers = {{"X-MEXC-APIKEY", a.key}};
  return r;
}

Json data_of(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const Json j = SimBench::json(b.simulator.http(signed_request(b, path, query, account)).body);
  INFO(j.dump());
  REQUIRE(flag_at(j, "success"));
  return j["data"];
}

std::vector<Json> rows(SimBench& b, const std::string& query = "page_size=100", std::size_t account = 0) {
  const Json data = data_of(b, kHistory, query, account);
  const Json& list = data.is_array() ? data : data["resultList"];
  return {list.begin(), list.end()};
}

std::vector<Json> parsed(const std::vector<std::string>& frames) {
  std::vector<Json> out;
  for (const std::string& f : frames) out.push_back(SimBench::json(f));
  return out;
}

std::string login(SimBench& b, std::size_t account = 0, bool quiet = false) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  const std::string param = Obj().str("apiKey", a.key).str("reqTime", stamp).str("signature", hmac_sha256_hex(a.secret, a.key + stamp)).text();
  Obj frame;
  if (quiet) frame.flag("subscribe", false);
  return frame.str("method", "login").raw("param", param).text();
}

ConnId logged_in(SimBench& b, std::size_t account = 0) {
  const ConnId conn = b.open("/edge");
  REQUIRE(b.say(conn, login(b, account)).at(0).find(R"({"channel":"rs.login","data":"success","ts":")") == 0);
  b.take(conn);
  return conn;
}

std::string sub(const std::string& method, const std::string& symbol, const std::string& more = "") {
  return R"({"method":")" + method + R"(","param":{"symbol":")" + symbol + "\"" + more + "}}";
}

std::vector<Json> positions(const std::vector<Json>& frames) {
  std::vector<Json> out;
  for (const Json& f : frames)
    if (text_at(f, "channel") == "push.personal.position") out.push_back(f["data"]);
  return out;
}

}  // namespace

TEST_CASE("mexc: every signed request of the vectors is accepted, and refused when a signed part differs") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/mexc.json", "signing")) {
    const auto& in = row["inputs"];
    INFO(row["name"]);
    SimBench b = bench();
    b.clock.set_wall_ms(in["timestamp_ms"]);
    if (row["expected"].contains("frame")) {
      const ConnId conn = b.open("/edge");
      auto frame = row["expected"]["frame"];
      CHECK(b.say(conn, frame.dump()).at(0) == R"({"channel":"rs.login","data":"success","ts":"1700000000000"})");
      frame["param"]["reqTime"] = "1700000000001";
      CHECK(b.say(conn, frame.dump()).at(0).find(R"({"channel":"rs.error","data":"Signature verification failed!")") == 0);
      continue;
    }
    Request r{in["method"], in["path"], in["query"], {}, in["body"]};
    for (const auto& [name, value] : row["expected"]["headers"].items()) r.headers.emplace_back(name, value);
    const std::set<std::int64_t> key_trouble{401, 402, 513, 602};
    CHECK(key_trouble.count(code_of(b.simulator.http(r))) == 0);
    Request altered = r;
    (altered.method == "POST" ? altered.body : altered.query) += "&x=1";
    CHECK(code_of(b.simulator.http(altered)) == 602);
    const auto with = [&](const std::string& name, const std::string& value) {
      Request other = r;
      for (auto& [n, v] : other.headers)
        if (n == name) v = value;
      return code_of(b.simulator.http(other));
    };
    CHECK(with("ApiKey", "somebody-else") == 401);
    CHECK(with("Signature", std::string(64, 'a')) == 602);
    CHECK(with("Request-Time", "1700000000001") == 602);
    b.control("skew", R"({"ms":10001})");
    CHECK(code_of(b.simulator.http(r)) == 513);
  }
}

TEST_CASE("mexc: what is signed is the sorted query, however it is sent") {
  SimBench b = bench();
  Request r = signed_request(b, kHistory, "page_num=1&page_size=7&symbol=BTC_USDT");
  r.query = "symbol=BTC_USDT&page_size=7&page_num=1";
  CHECK(code_of(b.simulator.http(r)) == 0);
  CHECK(code_of(b.simulator.http(signed_request(b, kHistory, "symbol=BTC_USDT&page_num=1"))) == 602);
}

TEST_CASE("mexc: the key probe of the spot API has a signature, errors and a time window of its own") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/keys.json", "signing")) {
    if (row["venue"] != "mexc") continue;
    const auto& in = row["inputs"];
    INFO(row["name"]);
    SimBench b("mexc", bench_options(in["api_key"], in["api_secret"]));
    b.clock.set_wall_ms(in["timestamp_ms"]);
    const std::string url = row["expected"]["url"];
    Request r{"GET", in["path"], url.substr(url.find('?') + 1)};
    for (const auto& [name, value] : row["expected"]["headers"].items()) r.headers.emplace_back(name, value);
    CHECK(b.simulator.http(r).status == 200);
    Request other = r;
    other.query.insert(other.query.find("&signature="), "&x=1");
    CHECK(code_of(b.simulator.http(other)) == 700002);
    other = r;
    other.headers = {{"X-MEXC-APIKEY", "nobody"}};
    CHECK(code_of(b.simulator.http(other)) == 10072);
    other = r;
    other.method = "POST";
    CHECK(code_of(b.simulator.http(other)) == 700007);
    b.control("skew", R"({"ms":-1000})");
    CHECK(code_of(b.simulator.http(r)) == 700003);  // a second ahead is too much, five behind are not
    b.control("skew", R"({"ms":5000})");
    CHECK(b.simulator.http(r).status == 200);
    b.control("skew", R"({"ms":5001})");
    CHECK(code_of(b.simulator.http(r)) == 700003);
  }
  SimBench b = bench();
  b.control("keys", R"({"can_trade":true,"can_withdraw":true,"ip_bound":false})");
  const Json info = SimBench::json(b.simulator.http(spot_request(b, "/api/v3/apiKeyInfo", "accessKey=" + kKey)).body);
  CHECK(text_at(info, "permissions") == "CONTRACT_ACCOUNT_READ,CONTRACT_DEAL_READ,SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_WRITE");
  CHECK(text_at(info, "ipWhiteList").empty());
  CHECK(code_of(b.simulator.http(spot_request(b, "/api/v3/apiKeyInfo", "accessKey=another"))) == 10072);
}

TEST_CASE("mexc: frames of clients are acknowledged without a contract, or not at all") {
  ANDUIN_NEED_SHARED();
  for (const char* path : {"/edge", "/ws"}) {
    SimBench b = bench();
    const ConnId conn = b.open(path);
    b.say(conn, login(b));
    for (const auto& row : vector_rows("vectors/mexc.json", "frames")) {
      const auto answer = b.say(conn, row["frame"].dump());
      INFO(row["name"]);
      if (row["ack_channel"].is_null()) {
        CHECK(answer.empty());
        continue;
      }
      REQUIRE(answer.size() == 1);
      CHECK(text_at(SimBench::json(answer[0]), "channel") == row["ack_channel"]);
      CHECK(answer[0].find("BTC_USDT") == std::string::npos);
    }
    CHECK(b.say(conn, sub("sub.depth.full", "NOPE_USDT")).at(0).find(R"({"channel":"rs.error","data":"Contract [NOPE_USDT] not exists")") == 0);
    CHECK(b.say(conn, sub("sub.depth.full", "BTC_USDT", R"(,"limit":30)")).at(0).find("Not support limit") != std::string::npos);
    CHECK(b.say(conn, "rubbish").at(0).find(R"({"channel":"rs.error","data":"invalid message")") == 0);
    CHECK(b.say(conn, R"({"method":"sub.nothing","param":{}})").empty());
    CHECK(b.say(conn, R"({"method":"usub.depth.full","param":{"symbol":"BTC_USDT"}})").empty());
    CHECK(b.sink.closed.empty());
  }
  SimBench b = bench();
  CHECK(b.simulator.ws_open(77, "/api/edge", "").has_value());
}

TEST_CASE("mexc: a contract in small letters is acknowledged and never heard of; a second subscription adds nothing") {
  SimBench b = bench();
  const ConnId conn = b.open("/edge");
  CHECK(b.say(conn, sub("sub.depth.full", "btc_usdt")).size() == 1);
  b.take(conn);
  b.advance(2'000);
  CHECK(b.take(conn).empty());
  for (int i = 0; i < 2; ++i) CHECK(b.say(conn, sub("sub.depth.full", "BTC_USDT", R"(,"limit":5)")).size() == 1);
  b.take(conn);
  b.advance(3'000);
  const auto frames = b.take(conn);
  CHECK(frames.size() >= 9);
  CHECK(frames.size() <= 11);
  b.say(conn, R"({"method":"unsub.depth.full","param":{"symbol":"BTC_USDT"}})");
  b.advance(3'000);
  CHECK(b.take(conn).empty());
}

TEST_CASE("mexc: without a ping for a minute the socket ends, idle or not; pongs come once or twice") {
  SimBench b = bench();
  const ConnId idle = b.open("/edge"), busy = b.open("/edge");
  b.say(busy, sub("sub.depth.full", "BTC_USDT"));
  std::set<std::size_t> pongs;
  for (int i = 0; i < 6; ++i) {
    b.take(idle);
    pongs.insert(b.say(idle, R"({"method":"ping"})").size());
  }
  CHECK(pongs == std::set<std::size_t>{1, 2});
  b.advance(59'000, 100);
  b.say(busy, R"({"method":"ping"})");
  b.advance(1'000, 100);
  REQUIRE(b.sink.closed.count(idle) == 1);
  CHECK(b.sink.closed.at(idle) == 0);
  b.advance(58'900, 100);
  CHECK(b.sink.closed.count(busy) == 0);
  b.advance(100, 100);
  CHECK(b.sink.closed.at(busy) == 1000);
}

TEST_CASE("mexc: whole books have growing versions, repeats, exponents, padded numbers and silences") {
  SimBench b = bench();
  const ConnId conn = b.open("/edge");
  b.say(conn, sub("sub.depth.full", "BTC_USDT", R"(,"limit":10)"));
  b.advance(20'000);
  bool exponent = false, padded = false, repeat = false;
  std::int64_t last = 0;
  std::string before;
  const auto frames = b.take(conn);
  for (const std::string& f : frames) {
    const Json j = SimBench::json(f);
    if (text_at(j, "channel") != "push.depth.full") continue;
    const Json& d = j["data"];
    CHECK(d["bids"].size() == 10);
    CHECK(*decimal_of(d["bids"][0][0]) < *decimal_of(d["asks"][0][0]));
    CHECK(*decimal_of(d["bids"][0][0]) > *decimal_of(d["bids"][1][0]));
    CHECK(d["bids"][0].size() == 3);
    CHECK(int_at(d, "version", 0) >= last);
    repeat = repeat || f == before;
    exponent = exponent || f.find("E+") != std::string::npos;
    const std::string bid = d["bids"][0][0].is_string() ? d["bids"][0][0].get<std::string>() : "";
    padded = padded || (bid.ends_with('0') && bid.size() - bid.find('.') == 3);  // the tick has one decimal
    last = int_at(d, "version", 0);
    before = f;
  }
  CHECK(frames.size() > 60);
  CHECK((exponent && repeat && padded));
  b.control("quiet", R"({"symbol":"BTCUSDT","ms":10000})");
  b.take(conn);
  b.advance(9'900);
  CHECK(b.take(conn).empty());
  b.advance(500);
  CHECK_FALSE(b.take(conn).empty());
  b.control("price", R"({"symbol":"BTCUSDT","bid":"75480","ask":"75481.2"})");
  b.advance(2'000);
  b.take(conn);
  b.advance(2'000);
  CHECK_FALSE(b.take(conn).empty());  // an unchanged book is sent again and again
}

TEST_CASE("mexc: the ticker names bands that are no book, once a second at most") {
  SimBench b = bench();
  const ConnId conn = b.open("/edge");
  b.say(conn, sub("sub.ticker", "BTC_USD"));
  b.take(conn);
  b.advance(5'000);
  const auto frames = parsed(b.take(conn));
  CHECK(frames.size() == 5);
  for (const Json& f : frames) {
    const Json& d = f["data"];
    CHECK(*decimal_at(d, "bid1") < *decimal_at(d, "ask1"));
    CHECK(*decimal_at(d, "maxBidPrice") > *decimal_at(d, "minAskPrice"));
  }
}

TEST_CASE("mexc: merged deltas and single changes lead from the REST book to the one that stands") {
  for (const bool every : {false, true}) {
    SimBench b = bench();
    const ConnId conn = b.open("/edge");
    b.say(conn, sub("sub.depth", "BTC_USDT", every ? R"(,"compress":false)" : ""));
    b.take(conn);
    b.advance(1'000);
    std::map<Decimal, Decimal> bids, asks;
    std::int64_t version = 0;
    bool unordered = false;
    const auto apply = [&](const Json& d) {
      for (const auto& [name, side] : {std::pair{"bids", &bids}, std::pair{"asks", &asks}}) {
        Decimal before;
        for (const Json& l : d[name]) {
          const Decimal price = *decimal_of(l[0]), size = *decimal_of(l[1]);
          if (size.is_zero()) side->erase(price);
          else (*side)[price] = size;
          unordered = unordered || (name == std::string("asks") && !before.is_zero() && price < before);
          before = price;
        }
      }
    };
    const auto frames = parsed(b.take(conn));
    const Json book = SimBench::json(b.simulator.http({"GET", "/api/v1/contract/depth/BTC_USDT", ""}).body)["data"];
    if (!every) {  // seeded in between
      apply(book);
      version = int_at(book, "version", 0);
      CHECK(version == int_at(frames.back()["data"], "end", 0));
    }
    b.advance(3'000);
    for (const Json& f : parsed(b.take(conn))) {
      const Json& d = f["data"];
      if (every) {
        CHECK(d["bids"].size() + d["asks"].size() == 1);
        if (version != 0) CHECK(int_at(d, "version", 0) == version + 1);
        version = int_at(d, "version", 0);
        continue;
      }
      CHECK(int_at(d, "begin", 0) == version + 1);
      version = int_at(d, "end", 0);
      CHECK(version == int_at(d, "version", 0));
      apply(d);
    }
    if (every) continue;
    CHECK(unordered);
    const Json after = SimBench::json(b.simulator.http({"GET", "/api/v1/contract/depth/BTC_USDT", ""}).body)["data"];
    CHECK(bids.rbegin()->first == *decimal_of(after["bids"][0][0]));
    CHECK(asks.begin()->first == *decimal_of(after["asks"][0][0]));
  }
}

TEST_CASE("mexc: a delisted contract leaves the catalogue; its book still answers, empty and old") {
  SimBench b = bench();
  const ConnId conn = b.open("/edge");
  b.say(conn, sub("sub.depth.full", "SOL_USDT"));
  b.control("delist", R"({"symbol":"SOLUSDT"})");
  b.take(conn);
  b.advance(5'000);
  CHECK(b.take(conn).empty());
  const Json book = SimBench::json(b.simulator.http({"GET", "/api/v1/contract/depth/SOL_USDT", ""}).body)["data"];
  CHECK(book["bids"].empty());
  CHECK(int_at(book, "timestamp", 0) == b.clock.wall_ms() - 5'000);
  CHECK(code_of(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=SOL_USDT"})) == 1001);
  const Json one = SimBench::json(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=BTC_USDT"}).body)["data"];
  CHECK(one.is_object());
  CHECK(b.say(conn, sub("sub.ticker", "SOL_USDT")).at(0).find("not exists") != std::string::npos);
}

TEST_CASE("mexc: personal pushes after a login, by the filter said last, and not on another account's socket") {
  SimBench b = bench(2);
  const ConnId all = logged_in(b), other = logged_in(b, 1), quiet = b.open("/edge"), stranger = b.open("/edge");
  b.say(quiet, login(b, 0, true));
  const auto kinds = [&](ConnId conn) {
    std::set<std::string> out;
    for (const Json& f : parsed(b.take(conn))) out.insert(text_at(f, "channel"));
    return out;
  };
  const std::string close = R"({"side":"long","size":"0.01","pnl":"1","fee":"0.1"})";
  b.control("close", close);
  CHECK(kinds(all) == std::set<std::string>{"push.personal.position", "push.personal.order", "push.personal.asset"});
  CHECK(kinds(other).empty());
  CHECK(kinds(quiet) == std::set<std::string>{"rs.login"});
  CHECK(b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"asset"}]}})").at(0).find("rs.personal.filter") != std::string::npos);
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet) == std::set<std::string>{"push.personal.asset"});
  b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"position"}]}})");
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet) == std::set<std::string>{"push.personal.position"});
  b.say(quiet, R"({"method":"personal.filter","param":{"filters":[]}})");
  b.take(quiet);
  b.control("close", close);
  CHECK(kinds(quiet).size() == 3);
  CHECK(b.say(quiet, R"({"method":"personal.filter","param":{"filters":[{"filter":"money"}]}})").at(0).find("rs.error") != std::string::npos);
  CHECK(b.say(stranger, R"({"method":"personal.filter","param":{"filters":[]}})").at(0).find("rs.error") != std::string::npos);
}

TEST_CASE("mexc: the life of a position: open with a loss, partial, taken over, closed, told twice and to who comes back") {
  SimBench b = bench();
  b.control("visibility", R"({"history_ms":0})");
  const ConnId conn = logged_in(b);
  const Json part = b.control("close", R"({"side":"short","size":"0.01","pnl":"1","partial":true})");
  CHECK_FALSE(flag_at(part, "close"));
  auto told = positions(parsed(b.take(conn)));
  REQUIRE(told.size() == 2);
  CHECK(decimal_at(told[0], "realised")->sign() < 0);
  for (const Json& p : told) CHECK(int_at(p, "state", 0) == 1);
  CHECK(int_at(told[1], "closeVol", 0) == 50);
  CHECK(rows(b).empty());
  const Json whole = b.control("close", R"({"side":"short","size":"0.01","pnl":"2","fee":"0.5","liquidation":true})");
  CHECK(text_at(whole, "id") == text_at(part, "id"));
  told = positions(parsed(b.take(conn)));
  REQUIRE(told.size() >= 2);
  CHECK(int_at(told[0], "state", 0) == 2);
  CHECK(int_at(told[1], "state", 0) == 3);
  const auto found = rows(b);
  REQUIRE(found.size() == 1);
  CHECK(found[0]["positionId"].is_number());
  CHECK(std::to_string(int_at(found[0], "positionId", 0)) == text_at(whole, "id"));
  CHECK(*decimal_at(found[0], "realised") == Decimal(3));
  CHECK(*decimal_at(found[0], "realised") == *decimal_at(found[0], "closeProfitLoss") + *decimal_at(found[0], "fee"));
  CHECK(int_at(found[0], "closeVol", 0) == 100);
  CHECK(int_at(found[0], "updateTime", 1) % 1000 == 0);
  // Flip: the old number ends, a new one begins.
  b.control("close", R"({"side":"long","size":"0.02","pnl":"4","flip":true})");
  told = positions(parsed(b.take(conn)));
  CHECK(int_at(told.back(), "state", 0) == 1);
  CHECK(int_at(told.back(), "positionType", 0) == 2);
  CHECK(int_at(told.back(), "positionId", 0) > int_at(told.front(), "positionId", 0));
  CHECK(data_of(b, "/api/v1/private/position/open_positions").size() == 1);
  std::map<std::string, int> ends;
  for (int i = 0; i < 4; ++i) b.control("close", R"({"symbol":"ETHUSDT","side":"long","size":"1","pnl":"1"})");
  for (const Json& p : positions(parsed(b.take(conn))))
    if (int_at(p, "state", 0) == 3) ++ends[p["positionId"].dump()];
  bool twice = false, once = false;
  for (const auto& [id, n] : ends) twice = twice || n == 2, once = once || n == 1;
  CHECK((twice && once));
  const ConnId back = b.open("/edge");
  const auto frames = parsed(b.say(back, login(b)));
  REQUIRE(frames.size() == 2);
  CHECK(int_at(frames[1]["data"], "state", 0) == 3);
}

TEST_CASE("mexc: history comes late, newest first, by pages, in two shapes, in seconds, with either sign of the fee") {
  SimBench b = bench(2);
  const std::int64_t now = b.clock.wall_ms();
  const std::string made = text_at(b.control("close", R"({"side":"long","size":"0.01","pnl":"5","fee":"0.1","liquidation":true})"), "id");
  REQUIRE(rows(b).size() == 1);
  CHECK(int_at(rows(b)[0], "state", 0) == 2);  // taken over, not ended yet
  b.advance(1'000);
  CHECK(int_at(rows(b)[0], "state", 0) == 3);
  CHECK(rows(b, "page_size=100", 1).empty());
  b.control("visibility", R"({"random":true})");
  b.control("close", R"({"side":"short","size":"0.01","pnl":"5","fee":"0.1"})");
  b.advance(900);
  CHECK(rows(b).size() == 1);
  b.advance(4'200);
  CHECK(rows(b).size() == 2);
  b.control("visibility", R"({"history_ms":0})");
  for (int i = 0; i < 150; ++i)
    b.control("close", R"({"side":"long","size":"0.01","pnl":"1","silent":true,"closedAt":)" + std::to_string(now - 1'000 * (i + 10)) + "}");
  b.advance(2'100);
  CHECK(rows(b, "").size() == 20);
  const auto first = rows(b, "page_num=1&page_size=100"), second = rows(b, "page_num=2&page_size=100");
  CHECK(first.size() == 100);
  CHECK(second.size() == 52);
  for (std::size_t i = 1; i < first.size(); ++i) CHECK(int_at(first[i - 1], "updateTime", 0) >= int_at(first[i], "updateTime", 0));
  CHECK(decimal_at(first[0], "fee")->sign() < 0);
  b.control("shape", R"({"history":"object","fee":"positive"})");
  b.advance(2'100);
  const Json page = data_of(b, kHistory, "page_num=2&page_size=100");
  CHECK(int_at(page, "totalPage", 0) == 2);
  CHECK(int_at(page, "currentPage", 0) == 2);
  CHECK(page["resultList"].size() == 52);
  CHECK(decimal_at(rows(b)[0], "fee")->sign() > 0);
  CHECK(made.find_first_not_of("0123456789") == std::string::npos);
  b.advance(2'100);
  const auto code = [&](const std::string& query) { return code_of(b.simulator.http(signed_request(b, kHistory, query))); };
  CHECK(code("page_size=101") == 600);
  CHECK(code("start_time=" + std::to_string(b.clock.wall_ms() - 91 * kDayMs)) == 6003);
  CHECK(code("end_time=" + std::to_string(now - 5 * kDayMs) + "&start_time=" + std::to_string(b.clock.wall_ms() - 91 * kDayMs)) == 400);
  CHECK(code("symbol=NOPE_USDT") == 1001);
}

TEST_CASE("mexc: too many requests are 510 in an envelope, for two seconds") {
  SimBench b = bench();
  for (int i = 0; i < 20; ++i) CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 0);
  CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 510);
  CHECK(code_of(b.simulator.http(signed_request(b, "/api/v1/private/account/assets"))) == 0);
  for (int i = 0; i < 10; ++i) CHECK(code_of(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=BTC_USDT"})) == 0);
  CHECK(code_of(b.simulator.http({"GET", "/api/v1/contract/detail", "symbol=BTC_USDT"})) == 510);
  b.advance(2'000);
  CHECK(code_of(b.simulator.http(signed_request(b, kHistory))) == 0);
  b.control("error", R"({"code":"602","path":"assets"})");
  const Response refused = b.simulator.http(signed_request(b, "/api/v1/private/account/assets"));
  CHECK(refused.status == 200);
  CHECK(code_of(refused) == 602);
}

}  // namespace anduin::sim
