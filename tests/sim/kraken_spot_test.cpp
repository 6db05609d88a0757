// The simulated Kraken spot against the vectors and section 12 of its sheet.
#include "sim/kraken_spot.hpp"

#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

SimBench bench() { return {"kraken", bench_options("", "", 2)}; }  // the second account is the spot one

const SimAccount& spot_account(SimBench& b) { return b.simulator.venue().accounts()[1]; }

struct Caller {
  SimBench& b;
  std::uint64_t nonce = 1000;
  Request request(const std::string& call, const std::string& arguments) {
    const std::string path = "/0/private/" + call;
    const std::string number = std::to_string(++nonce),
                      body = "nonce=" + number + (arguments.empty() ? "" : "&" + arguments);
    const std::string sign =
        base64_encode(hmac_sha512(*base64_decode(spot_account(b).secret), path + sha256(number + body)));
    return {"POST", path, "", {{"API-Key", spot_account(b).key}, {"API-Sign", sign}}, body};
  }
  Json operator()(const std::string& call, const std::string& arguments = "") {
    return SimBench::json(b.simulator.http(request(call, arguments)).body);
  }
};

std::string error_of(const Json& answer) {
  return answer["error"].empty() ? "" : answer["error"][0].get<std::string>();
}

ConnId subscribed(SimBench& b, Caller& call) {
  const ConnId conn = b.open("/v2?auth=1");
  const std::string token = text_at(call("GetWebSocketsToken")["result"], "token");
  for (const char* channel : {"balances", "executions"}) {
    const auto answer = b.say(conn, std::string(R"({"method":"subscribe","params":{"channel":")") + channel +
                                        R"(","token":")" + token + R"("}})");
    REQUIRE(flag_at(SimBench::json(answer.at(0)), "success"));
  }
  b.take(conn);
  return conn;
}

}  // namespace

TEST_CASE("kraken spot: every signed request of the vectors is accepted, and refused when one byte differs") {
  ANDUIN_NEED_SHARED();
  int checked = 0;
  for (const char* file : {"vectors/kraken.json", "vectors/keys.json"}) {
    for (const auto& row : vector_rows(file, "signing")) {
      const auto& in = row["inputs"];
      if (!in.contains("body") || !in.contains("path") || !std::string(in["path"]).starts_with("/0/"))
        continue;
      ++checked;
      INFO(row["name"]);
      SimBench b = bench();
      SimAccount& account = b.simulator.venue().accounts()[1];
      account.key = in.value("api_key", "documented-key");
      account.secret = in["api_secret"];
      Request r{"POST", in["path"], "", {}, in["body"]};
      r.headers = {{"api-key", account.key}, {"API-Sign", row["expected"]["headers"]["API-Sign"]}};
      const Json answer = SimBench::json(b.simulator.http(r).body);
      CHECK((error_of(answer).empty() || error_of(answer) == "EGeneral:Permission denied"));
      CHECK(error_of(SimBench::json(b.simulator.http(r).body)) == "EAPI:Invalid nonce");
      r.body += "&x=1";
      CHECK(error_of(SimBench::json(b.simulator.http(r).body)) == "EAPI:Invalid signature");
      r.headers[0].second = b.simulator.venue().accounts()[0].key;  // a futures key is no spot key
      CHECK(error_of(SimBench::json(b.simulator.http(r).body)) == "EAPI:Invalid key");
    }
  }
  CHECK(checked >= 7);
}

TEST_CASE("kraken spot: the call counter overflows and decays") {
  SimBench b = bench();
  Caller call{b};
  int served = 0;
  while (error_of(call("Ledgers")).empty()) ++served;
  CHECK(served == 10);  // 20 / 2
  CHECK(error_of(call("Balance")) == "EAPI:Rate limit exceeded");
  b.advance(4'000, 1'000);
  CHECK(error_of(call("Balance")).empty());
  CHECK(error_of(call("Balance")).empty());
  CHECK(error_of(call("Balance")) == "EAPI:Rate limit exceeded");
}

TEST_CASE("kraken spot: tokens are needed, expire and can be rotated") {
  SimBench b = bench();
  Caller call{b};
  const std::string token = text_at(call("GetWebSocketsToken")["result"], "token");
  const auto ok = [&](const std::string& t) {
    const auto answer =
        b.say(b.open("/v2?auth=1"),
              R"({"method":"subscribe","params":{"channel":"balances","token":")" + t + R"("}})");
    return flag_at(SimBench::json(answer.at(0)), "success");
  };
  CHECK(ok(token));
  CHECK_FALSE(ok("nonsense"));
  b.control("rotate-token");
  CHECK_FALSE(ok(token));
  const std::string second = text_at(call("GetWebSocketsToken")["result"], "token");
  b.clock.advance_ms(900'001);
  CHECK_FALSE(ok(second));
  const auto v1 =
      b.say(b.open("/?auth=1"),
            R"({"event":"subscribe","subscription":{"name":"ownTrades","token":")" + second + R"("}})");
  CHECK(v1.at(0).find("Token is expired") != std::string::npos);
}

TEST_CASE("kraken spot: v2 acks each symbol, refuses v1 names, sends the BBO, heartbeats when quiet") {
  SimBench b = bench();
  const ConnId conn = b.open("/v2");
  CHECK(b.take(conn).front().find(R"("channel":"status")") != std::string::npos);
  const auto frames = b.say(
      conn, R"({"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD","XBT/USD","ETH/USD"],)"
            R"("event_trigger":"bbo"},"req_id":7})");
  REQUIRE(frames.size() == 5);
  CHECK(frames[0].find(R"("time_in":)") != std::string::npos);
  CHECK(frames[1].find(R"("type":"snapshot")") != std::string::npos);
  CHECK(frames[2].find(R"("error":"Currency pair not supported XBT/USD")") != std::string::npos);
  for (const int i : {0, 2, 3})
    CHECK(int_at(SimBench::json(frames[static_cast<std::size_t>(i)]), "req_id", 0) == 7);
  b.advance(2'000);
  CHECK(b.take(conn).size() > 10);
  b.control("price", R"({"symbol":"BTCUSD","market":"spot","bid":97000.5,"ask":97000.6})");
  b.control("price", R"({"symbol":"ETHUSD","market":"spot","bid":3500.1,"ask":3500.2})");
  b.advance(200);
  const auto pinned = b.take(conn);
  CHECK(std::any_of(pinned.begin(), pinned.end(),
                    [](const std::string& f) { return f.find(R"("bid":97000.5,)") != std::string::npos; }));
  b.advance(5'000);
  const auto beats = b.take(conn);
  CHECK(beats.size() >= 4);
  for (const std::string& frame : beats) CHECK(frame == R"({"channel":"heartbeat"})");
  CHECK(b.say(conn, R"({"method":"ping","req_id":101})")
            .front()
            .find(R"({"method":"pong","req_id":101,"time_in":)") == 0);
}

TEST_CASE("kraken spot: checksums are those of the documentation, and every book frame carries its own") {
  // The two documented books: digits in, CRC out.
  CHECK(crc32("5005500501050050155005020500502550050305005035500504050050455005050500500050049955004990500498"
              "0500497550049705004965500496050049555004950500") == 974947235U);
  CHECK(
      crc32("452852100000452864154571953452866154571109452896154560911452902158906604529181545534914529474454"
            "749452961353800004529759945542452995187728274528351000000045283415458201545282110000000452810100"
            "00000452803154592586452790799000045277633101034527753000000045277315460273745276615445238") ==
      3310070434U);
  SimBench b = bench();
  const ConnId conn = b.open("/v2");
  std::map<Decimal, std::pair<std::string, std::string>> bids, asks;
  const auto digits = [](std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '.'), text.end());
    return text.substr(text.find_first_not_of('0'));
  };
  std::size_t checked = 0;
  const auto apply = [&](const std::vector<std::string>& frames) {
    for (const std::string& frame : frames) {
      const Json j = SimBench::json(frame);
      if (text_at(j, "channel") != "book") continue;
      const Json& data = j["data"][0];
      for (const char* name : {"bids", "asks"}) {
        auto& side = name[0] == 'b' ? bids : asks;
        for (const Json& level : data[name]) {
          const std::string price = text_at(level, "price"), qty = text_at(level, "qty");
          if (Decimal::of(qty).is_zero())
            side.erase(Decimal::of(price));
          else
            side[Decimal::of(price)] = {price, qty};
        }
      }
      std::string text;
      std::size_t n = 0;
      for (auto it = asks.begin(); it != asks.end() && n < 10; ++it, ++n)
        text += digits(it->second.first) + digits(it->second.second);
      n = 0;
      for (auto it = bids.rbegin(); it != bids.rend() && n < 10; ++it, ++n)
        text += digits(it->second.first) + digits(it->second.second);
      CHECK(crc32(text) == static_cast<std::uint32_t>(int_at(data, "checksum", 0)));
      ++checked;
    }
  };
  apply(b.say(conn, R"({"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":25}})"));
  b.advance(2'000);
  apply(b.take(conn));
  CHECK(checked > 10);
}

TEST_CASE("kraken spot: v1 speaks arrays, with two payloads when both sides changed and times that go back") {
  SimBench b = bench();
  const ConnId conn = b.open("/");
  CHECK(b.take(conn).front().find("8628615390848610000") != std::string::npos);
  auto frames = b.say(
      conn,
      R"({"event":"subscribe","pair":["XBT/USD","BTC/USD"],"subscription":{"name":"spread"},"reqid":1})");
  REQUIRE(frames.size() == 3);
  CHECK(frames[0].find(R"("status":"subscribed")") != std::string::npos);
  CHECK(frames[1].starts_with("[341,[\""));
  CHECK(frames[2].find("Currency pair not supported") != std::string::npos);
  b.say(conn, R"({"event":"subscribe","pair":["XBT/USD"],"subscription":{"name":"book","depth":10}})");
  b.advance(10'000);
  std::size_t five = 0, backwards = 0;
  Decimal last;
  for (const std::string& frame : b.take(conn)) {
    const Json j = SimBench::json(frame);
    if (!j.is_array()) continue;
    if (j.size() == 5) ++five;
    if (j[j.size() - 2] != "spread") continue;
    const Decimal time = Decimal::of(j[1][2].get<std::string>());
    if (time < last) ++backwards;
    last = time;
  }
  CHECK(five > 0);
  CHECK(backwards > 0);
  CHECK(b.say(conn, R"({"event":"ping","reqid":42})").front() == R"({"event":"pong","reqid":42})");
}

TEST_CASE("kraken spot: frames of real clients are accepted") {
  ANDUIN_NEED_SHARED();
  for (const auto& row : vector_rows("vectors/kraken.json", "clientFrames")) {
    const std::string name = row["name"];
    if (name.starts_with("futures")) continue;
    INFO(name);
    SimBench b = bench();
    Caller call{b};
    auto frame = row["frame"];
    const bool is_private = frame.contains("params") && frame["params"].contains("token");
    if (is_private) frame["params"]["token"] = text_at(call("GetWebSocketsToken")["result"], "token");
    const ConnId conn =
        b.open(std::string(name.starts_with("v1") ? "/" : "/v2") + (is_private ? "?auth=1" : ""));
    const auto answer = b.say(conn, frame.dump());
    REQUIRE_FALSE(answer.empty());
    const Json ack = SimBench::json(answer[0]);
    CHECK((flag_at(ack, "success") || text_at(ack, "event") == "pong" ||
           text_at(ack, "status") == "subscribed"));
  }
}

TEST_CASE("kraken spot: a margin close is one ledger row in stream and history, joined to its trade") {
  SimBench b = bench();
  Caller call{b};
  b.control("limits", R"({"counter":100000})");
  const ConnId conn = subscribed(b, call);
  std::set<std::string> orders;
  std::set<std::int64_t> sequences;
  std::size_t opening_rows = 0, rollovers = 0;
  for (int round = 0; round < 6; ++round) {
    const Json answer = b.control(
        "close", R"({"account":"kraken-2","symbol":"BTCUSD","side":"long","size":0.5,"pnl":500,"fee":39,)"
                 R"("exitPrice":30000})");
    REQUIRE(flag_at(answer, "ok"));
    CHECK(text_at(answer, "uid") == spot_account(b).uid);
    const std::string ledger_id = text_at(answer, "id").substr(3);
    b.advance(1'000);
    std::string order, refid;
    for (const std::string& frame : b.take(conn)) {
      const Json j = SimBench::json(frame);
      const std::string channel = text_at(j, "channel");
      if (channel != "balances" && channel != "executions") continue;
      if (channel == "balances") CHECK(sequences.insert(int_at(j, "sequence", 0)).second);
      const Json& item = j["data"][0];
      if (text_at(item, "ledger_id") == ledger_id) {
        order += "row ";
        refid = text_at(item, "ref_id");
        CHECK(decimal_at(item, "amount") == Decimal(500));
      } else if (text_at(item, "type") == "margin") {
        CHECK(decimal_at(item, "amount") == Decimal());
        ++opening_rows;
      } else if (text_at(item, "type") == "rollover") {
        ++rollovers;
      } else if (channel == "executions" && text_at(item, "side") == "sell") {
        order += "trade ";
      }
    }
    orders.insert(order);
    const Json row = call("Ledgers", "type=margin")["result"]["ledger"][ledger_id];
    CHECK(text_at(row, "amount") == "500.0000");
    CHECK(text_at(row, "asset") == "ZUSD");
    CHECK(text_at(row, "refid") == refid);
    const Json trade = call("QueryTrades", "txid=" + refid)["result"][refid];
    CHECK(text_at(trade, "type") == "sell");
    CHECK(decimal_at(trade, "vol") == Decimal(5, -1));
    CHECK(decimal_at(trade, "price") == Decimal(30000));
    CHECK(text_at(trade, "pair") == "XXBTZUSD");
  }
  CHECK(orders == std::set<std::string>{"row trade ", "trade row "});
  const std::int64_t last = *sequences.rbegin();
  CHECK(static_cast<std::size_t>(last) == sequences.size() + 1);  // 1 was the snapshot's: no gap
  b.control("close",
            R"({"account":"kraken-2","symbol":"BTCUSD","side":"long","size":0.5,"pnl":5,"silent":true})");
  b.control("close", R"({"account":"kraken-2","symbol":"BTCUSD","side":"long","size":0.5,"pnl":5})");
  b.advance(1'000);
  for (const std::string& frame : b.take(conn)) {
    const Json j = SimBench::json(frame);
    if (text_at(j, "channel") == "balances" && sequences.size() == static_cast<std::size_t>(last) - 1) {
      CHECK(int_at(j, "sequence", 0) == last + 2);
      sequences.insert(0);
    }
  }
  CHECK(opening_rows == 3);
  CHECK(rollovers == 2);
}

TEST_CASE("kraken spot: a liquidation writes two rows of two currencies under one refid") {
  SimBench b = bench();
  Caller call{b};
  const Json answer = b.control(
      "close",
      R"({"account":"kraken-2","symbol":"ETHUSD","side":"short","size":1,"pnl":-50,"liquidation":true})");
  REQUIRE(answer["ids"].size() == 2);
  const Json ledger = call("Ledgers", "type=margin")["result"]["ledger"];
  std::set<std::string> refids, assets;
  for (const Json& id : answer["ids"]) {
    const Json row = ledger[id.get<std::string>().substr(3)];
    refids.insert(text_at(row, "refid"));
    assets.insert(text_at(row, "asset"));
  }
  CHECK(refids.size() == 1);
  CHECK(assets == std::set<std::string>{"XETH", "ZUSD"});
}

TEST_CASE("kraken spot: a margin row with amount 0 looks like an opening one and is given out as no close") {
  SimBench b = bench();
  const Json answer =
      b.control("close", R"({"account":"kraken-2","symbol":"ETHUSD","side":"short","size":1,"pnl":0})");
  CHECK(flag_at(answer, "ok"));
  CHECK_FALSE(flag_at(answer, "close"));
  CHECK(b.control("log")["closes"].empty());
}

TEST_CASE("kraken spot: Ledgers pages by fifty, newest first, start exclusive") {
  for (const int count : {0, 1, 50, 51, 101, 250}) {
    SimBench b = bench();
    Caller call{b};
    b.control("limits", R"({"counter":100000})");
    for (int i = 0; i < count; ++i) {
      b.control("close",
                R"({"account":"kraken-2","symbol":"BTCUSD","side":"long","size":0.1,"pnl":1,"silent":true})");
      b.clock.advance_ms(2'000);
    }
    std::set<std::string> closes;
    Decimal newest(10'000'000'000LL, 0);
    for (int offset = 0;; offset += 50) {
      const Json result =
          call("Ledgers", "type=margin&start=1600000000&ofs=" + std::to_string(offset))["result"];
      for (const auto& [id, row] : result["ledger"].items()) {
        const Decimal time = Decimal::of(text_at(row, "time"));
        CHECK(time <= newest);
        newest = time;
        if (text_at(row, "amount") != "0.0000") closes.insert(id);
      }
      if (result["ledger"].size() < 50) break;
    }
    CHECK(closes.size() == static_cast<std::size_t>(count));
    if (count == 0) continue;
    const std::string last_id = *closes.begin();
    const Json after = call("Ledgers", "type=margin&start=" + last_id)["result"]["ledger"];
    CHECK_FALSE(after.contains(last_id));
  }
}

TEST_CASE(
    "kraken spot: a private socket without private subscription is closed, and takes no public channel") {
  SimBench b = bench();
  Caller call{b};
  const ConnId useless = b.open("/v2?auth=1"), good = subscribed(b, call), idle = b.open("/v2"),
               busy = b.open("/v2");
  const auto refused =
      b.say(useless, R"({"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"]}})");
  CHECK(refused.at(0).find(R"("success":false)") != std::string::npos);
  b.say(busy,
        R"({"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"],"event_trigger":"bbo"}})");
  b.advance(61'000, 500);
  CHECK(b.sink.closed.count(useless) == 1);
  CHECK(b.sink.closed.count(idle) == 1);
  CHECK(b.sink.closed.count(good) == 0);
  CHECK(b.sink.closed.count(busy) == 0);
}

TEST_CASE("kraken spot: the key probe shows uid, rights and the last nonce") {
  SimBench b = bench();
  Caller call{b};
  const Json info = call("GetApiKeyInfo")["result"];
  std::string iban = text_at(info, "iban");
  iban.erase(std::remove(iban.begin(), iban.end(), ' '), iban.end());
  CHECK(iban == spot_account(b).uid);
  CHECK(info["permissions"].dump().find("modify-trades") == std::string::npos);
  CHECK(text_at(info, "nonce") == "1001");
  b.control("keys", R"({"account":"kraken-2","can_trade":true,"can_withdraw":true})");
  const std::string rights = call("GetApiKeyInfo")["result"]["permissions"].dump();
  CHECK(rights.find("modify-trades") != std::string::npos);
  CHECK(rights.find("withdraw-funds") != std::string::npos);
  b.control("keys", R"({"account":"kraken-2","expires":1})");
  CHECK(error_of(call("GetApiKeyInfo")) == "EAPI:Invalid key");
}

}  // namespace anduin::sim
