// The simulated MEXC against the vectors (signatures, client frames) and its public channels, by section 11 of its
// sheet.
#include <set>

#include "sim/mexc_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {

using namespace mexc;

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
      CHECK(b.say(conn, frame.dump()).at(0).find(R"({"channel":"rs.error","data":"Signature verification failed!")") ==
            0);
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
  CHECK(text_at(info, "permissions") ==
        "CONTRACT_ACCOUNT_READ,CONTRACT_DEAL_READ,SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_WRITE");
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
    CHECK(b.say(conn, sub("sub.depth.full", "NOPE_USDT"))
              .at(0)
              .find(R"({"channel":"rs.error","data":"Contract [NOPE_USDT] not exists")") == 0);
    CHECK(b.say(conn, sub("sub.depth.full", "BTC_USDT", R"(,"limit":30)")).at(0).find("Not support limit") !=
          std::string::npos);
    CHECK(b.say(conn, "rubbish").at(0).find(R"({"channel":"rs.error","data":"invalid message")") == 0);
    CHECK(b.say(conn, R"({"method":"sub.nothing","param":{}})").empty());
    CHECK(b.say(conn, R"({"method":"usub.depth.full","param":{"symbol":"BTC_USDT"}})").empty());
    CHECK(b.sink.closed.empty());
  }
  SimBench b = bench();
  CHECK(b.simulator.ws_open(77, "/api/edge", "").has_value());
}

TEST_CASE("mexc: a contract in small letters is acknowledged and never heard of, a second subscription adds nothing") {
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

TEST_CASE("mexc: without a ping for a minute the socket ends, idle or not, pongs come once or twice") {
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
          if (size.is_zero())
            side->erase(price);
          else
            (*side)[price] = size;
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

TEST_CASE("mexc: a delisted contract leaves the catalogue, its book still answers, empty and old") {
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

}  // namespace anduin::sim
