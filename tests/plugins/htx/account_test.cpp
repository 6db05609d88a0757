// Login, pings, whose key it is, orders of the private link, balance, and what HTX's error codes lead to.
#include <catch2/catch.hpp>

#include "plugins/htx/bench.hpp"
#include "plugins/htx/world.hpp"

using namespace anduin::test;
using nlohmann::json;
namespace sim = anduin::sim;

namespace {

constexpr std::uint32_t kPrivate = 1;
constexpr std::int64_t kNow = Bench::kStartMs;

int push_order(Bench& b, const json& row) { return b.frame(kPrivate, pushed("orders", row, kNow)); }

json position(const std::string& direction, const std::string& volume, std::int64_t updated_ms) {
  return {{"contract_code", "BTC-USDT"}, {"position_side", "both"},   {"direction", direction}, {"volume", volume},
          {"open_avg_price", "60000"},   {"updated_time", updated_ms}};
}

json one_way(json row, const std::string& filled = "5") {
  row["position_side"] = "both";
  row["reduce_only"] = false;
  row["volume"] = row["trade_volume"] = filled;
  return row;
}

}  // namespace

TEST_CASE("login: the clock first, then auth, three subscriptions, ready when orders are acknowledged") {
  Bench b(true);
  b.start();
  CHECK(b.dialled == std::vector<std::uint32_t>{kPrivate});
  b.connect();
  CHECK(b.opens.at(0).decode == AND_DECODE_GZIP);
  CHECK(b.frames.empty());  // the stamp of the login would be a guess
  b.know({contract("BTC-USDT", "0.001")});
  REQUIRE(b.frames.size() == 1);
  CHECK(b.frames[0].sign == "ws");
  const json login = json::parse(b.frames[0].text);
  CHECK(login.at("op") == "auth");
  CHECK(login.at("Timestamp") == "{{ts_iso_s}}");
  b.frame(kPrivate, R"({"op":"auth","type":"api","err-code":0,"ts":1,"data":{"user-id":"7"}})");
  REQUIRE(b.frames.size() == 4);
  CHECK(b.accounts.back().uid == "7");
  b.frame(kPrivate, R"({"op":"sub","cid":"positions","topic":"positions","err-code":0,"ts":1})");
  CHECK(b.statuses.empty());
  b.frame(kPrivate, R"({"op":"sub","cid":"orders","topic":"orders","err-code":"0","ts":1})");
  REQUIRE(b.statuses.size() == 1);
  CHECK(b.statuses[0].state == "ready");
  b.empty_history();
  CHECK_FALSE(b.watermarks.empty());
  b.closed(kPrivate, "cut");
  CHECK(b.statuses.back().state == "resync");
}

TEST_CASE("pings are echoed byte for byte, and nothing but digits is") {
  Bench b(true);
  b.log_in();
  const std::size_t sent = b.frames.size();
  b.frame(kPrivate, R"({"op":"ping","ts":"1492420473058"})");
  b.frame(kPrivate, R"({"op":"ping","ts": 1492420473059 })");
  REQUIRE(b.frames.size() == sent + 2);
  CHECK(b.frames[sent].text == R"({"op":"pong","ts":"1492420473058"})");
  CHECK(b.frames[sent + 1].text == R"({"op":"pong","ts":1492420473059})");
  for (const char* hostile : {R"("{{key}}")", R"("1\u0031")", R"({"a":1})", "null", R"("")", "-1", "1e5"})
    b.frame(kPrivate, R"({"op":"ping","ts":)" + std::string(hostile) + "}");
  CHECK(b.frames.size() == sent + 2);
  CHECK(b.errors.size() >= 7);
}

TEST_CASE("refused logins: one sentence, no hammering, passing troubles dial again, a stamp asks the clock, once") {
  struct Row {
    const char* answer;
    int code;
    bool redials;
    const char* words;
  };
  const Row row = GENERATE(Row{R"("err-code":2003,"err-msg":"Authentication failed.")", AND_E_AUTH, false, "host"},
                           Row{R"("err-code":2001,"err-msg":"Invalid authentication.")", AND_E_AUTH, false, "secret"},
                           Row{R"("err-code":2007,"err-msg":"not opened")", AND_E_AUTH, false, "open them"},
                           Row{R"("err-code":2004,"err-msg":"too many")", AND_OK, true, ""},
                           Row{R"("err-code":2030,"err-msg":"30 links")", AND_OK, true, ""},
                           Row{R"("err-code":2003,"err-msg":"Invalid submission time.")", AND_OK, true, ""});
  Bench b(true);
  b.start();
  b.know({contract("BTC-USDT", "0.001")});
  b.connect();
  CHECK(b.frame(kPrivate, R"({"op":"auth","type":"api",)" + std::string(row.answer) + R"(,"ts":1})") == row.code);
  CHECK(b.redialled.size() == (row.redials ? 1U : 0U));
  if (row.code == AND_E_AUTH) {
    REQUIRE(b.statuses.size() == 1);
    CHECK(b.statuses[0].state == "failed");
    CHECK(b.statuses[0].detail.find(row.words) != std::string::npos);
  }
  if (std::string(row.answer).find("submission") == std::string::npos) return;
  CHECK(b.open_requests(kTime).size() == 1);
  b.closed(kPrivate);
  b.answer(kTime, R"({"status":"ok","ts":5})");
  b.opened(kPrivate);
  CHECK(b.frame(kPrivate, R"({"op":"auth","type":"api",)" + std::string(row.answer) + R"(,"ts":1})") == AND_E_AUTH);
}

TEST_CASE("subscriptions: repeated is fine, refused positions are a warning, refused orders dial again, lesson 26") {
  Bench b(true);
  b.log_in();
  b.frame(kPrivate, R"({"op":"sub","topic":"orders","err-code":2014,"err-msg":"Repeated","ts":1})");
  b.frame(kPrivate, R"({"op":"sub","topic":"positions","err-code":2012,"err-msg":"no","ts":1})");
  b.frame(kPrivate, R"({"op":"sub","topic":"account","err-code":2010,"err-msg":"no","ts":1})");
  CHECK(b.warnings.size() == 1);
  CHECK(b.errors.size() == 2);
  CHECK(b.redialled.empty());
  b.frame(kPrivate, R"({"op":"sub","topic":"positions","err-code":2002,"err-msg":"no login","ts":1})");
  CHECK(b.redialled.size() == 1);
  b.frame(kPrivate, R"({"op":"close","ts":1})");
  CHECK(b.redialled.size() == 2);
  b.frame(kPrivate, R"({"op":"error","ts":1})");
  CHECK(b.errors.back().find("does not understand") != std::string::npos);
}

TEST_CASE("the key: unknown without the spot host, not asked when so told, another user is a warning") {
  SECTION("the spot host is silent: the private link does not wait for ever") {
    Bench b(true);
    b.start();
    b.advance(14'000);
    CHECK(b.accounts.empty());
    b.advance(2'000);
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].can_trade == AND_TRI_UNKNOWN);
  }
  SECTION("the spot host refuses a sub-account's key") {
    Bench b(true);
    b.start();
    CHECK(b.answer(kUid, R"({"code":1002,"message":"unauthorized"})") == AND_OK);
    REQUIRE(b.accounts.size() == 1);
    CHECK(b.accounts[0].detail.find("unauthorized") != std::string::npos);
  }
  SECTION("the option leaves the probe out") {
    Bench b(true, {{"key_probe", "none"}});
    b.start();
    CHECK(b.open_requests(kUid).empty());
    CHECK(b.accounts.size() == 1);
  }
  SECTION("two spellings of one user") {
    Bench b(true);
    b.start();
    b.answer(kUid, R"({"code":200,"data":63628520})");
    b.know({contract("BTC-USDT", "0.001")});
    b.connect();
    b.frame(kPrivate, R"({"op":"auth","type":"api","err-code":0,"ts":1,"data":{"user-id":"1"}})");
    REQUIRE(b.warnings.size() == 1);
    CHECK(b.accounts.back().uid == "1");
  }
  SECTION("several rows, unknown words, an expired key") {
    Bench b(true);
    b.start();
    b.answer(kUid, R"({"code":200,"data":63628520})");
    json row{
        {"permission", "readOnly,autopilot"}, {"ipAddresses", "0.0.0.0/0"}, {"validDays", 3}, {"status", "expired"}};
    b.answer(kKey, json{{"code", 200}, {"data", {row}}}.dump());
    CHECK(b.accounts.back().can_trade == AND_TRI_YES);  // a word we do not know
    CHECK(b.accounts.back().can_withdraw == AND_TRI_NO);
    CHECK(b.accounts.back().ip_bound == AND_TRI_NO);
    CHECK(b.accounts.back().expires_ms == b.now_ms);
    b.advance(24 * 3'600'000 + 1'000);
    b.answer(kUid, R"({"code":200,"data":63628520})");
    b.answer(kKey, json{{"code", 200}, {"data", {row, row}}}.dump());
    CHECK(b.accounts.back().can_trade == AND_TRI_UNKNOWN);
  }
}

TEST_CASE("hedge mode, long and short, opening and closing, lesson 6") {
  Bench b(true);
  b.log_in();
  int n = 0;
  for (const auto& [side, position, closes] : {std::tuple{"sell", "long", true}, std::tuple{"buy", "short", true},
                                               std::tuple{"buy", "long", false}, std::tuple{"sell", "short", false}}) {
    json row = order(std::to_string(++n), kNow, "10");
    row["side"] = side;
    row["position_side"] = position;
    row["reduce_only"] = false;
    const std::size_t before = b.closes.size();
    push_order(b, row);
    REQUIRE(b.closes.size() == before + (closes ? 1 : 0));
    if (!closes) continue;
    const bool is_long = std::string(position) == "long";
    CHECK(b.closes.back().side == position);
    // 60100.4 -+ 10 / 0.005
    CHECK(b.closes.back().entry == (is_long ? "58100.4" : "62100.4"));
    CHECK((b.closes.back().flags & AND_CLOSE_ENTRY_DERIVED) != 0);
  }
}

TEST_CASE("states: only a finished order is a close, the rest is waited for, and unknown words are said") {
  Bench b(true);
  b.log_in();
  b.empty_history();
  for (const char* state : {"new", "partially_filled", "submitted", "canceling"})
    push_order(b, with(order("1", kNow), "state", state));
  push_order(b, with(order("2", kNow), "trade_volume", "4"));  // says filled, and is not
  push_order(b, with(order("3", kNow), "trade_volume", "0"));
  push_order(b, with(order("4", kNow), "trade_volume", nullptr));  // not traded yet
  CHECK(b.closes.empty());
  CHECK(b.errors.empty());
  push_order(b, with(order("5", kNow), "state", "vanished"));
  push_order(b, with(order("6", kNow), "side", ""));
  push_order(b, with(order("7", kNow), "position_side", "net"));
  push_order(b, with(order("x8", kNow), "state", "filled"));
  push_order(b, with(order("9", kNow), "profit", ""));
  CHECK(b.closes.empty());
  CHECK(b.errors.size() == 5);
  b.advance(2'500);
  CHECK(b.open_requests(kDetails).size() == 1);  // history is asked for what could not be read
}

TEST_CASE("a position that is turned: the part that was closed, by the position before it, lesson 1 and lesson 12") {
  Bench b(true);
  b.log_in();
  SECTION("known: closed part and its own entry price") {
    b.frame(kPrivate, pushed("positions", json::array({position("buy", "2", kNow - 5'000)}), kNow - 5'000, "snapshot"));
    b.frame(kPrivate,
            pushed("positions", json::array({position("sell", "3", kNow)}), kNow, "filled"));  // overtakes the order
    push_order(b, one_way(order("1", kNow, "0.2008")));
    REQUIRE(b.closes.size() == 1);
    CHECK(b.closes[0].size == "2");
    CHECK(b.closes[0].entry == "60000");
    CHECK(b.closes[0].flags == 0);
  }
  SECTION("unknown: the size is said to be inexact, the entry unknown, the result stands") {
    push_order(b, one_way(order("1", kNow, "0.2008")));
    REQUIRE(b.closes.size() == 1);
    CHECK(b.closes[0].size == "5");
    CHECK_FALSE(b.closes[0].entry);
    CHECK((b.closes[0].flags & AND_CLOSE_SIZE_DERIVED) != 0);
    CHECK(b.closes[0].pnl == "0.2008");
  }
  SECTION("a larger position: nothing was turned") {
    b.frame(kPrivate, pushed("positions", json::array({position("buy", "9", kNow - 5'000)}), kNow, "snapshot"));
    push_order(b, one_way(order("1", kNow, "0.5")));
    CHECK(b.closes.at(0).size == "5");
    CHECK(b.closes[0].flags == AND_CLOSE_ENTRY_DERIVED);
  }
  SECTION("a position of the other side, or one from before the stream was cut, tells nothing") {
    b.frame(kPrivate, pushed("positions", json::array({position("sell", "2", kNow - 5'000)}), kNow, "snapshot"));
    push_order(b, one_way(order("1", kNow, "0.5")));
    b.frame(kPrivate, pushed("positions", json::array({position("buy", "2", kNow - 4'000)}), kNow, "snapshot"));
    b.closed(kPrivate);
    b.opened(kPrivate);
    push_order(b, one_way(order("2", kNow, "0.5")));
    for (const SeenClose& c : b.closes) CHECK((c.flags & AND_CLOSE_SIZE_DERIVED) != 0);
  }
  SECTION("neither reduce-only nor a result: it opened; reduce-only at no result: a close of nothing") {
    push_order(b, one_way(order("1", kNow, "0")));
    CHECK(b.closes.empty());
    push_order(b, with(one_way(order("2", kNow, "0")), "reduce_only", true));
    REQUIRE(b.closes.size() == 1);
    CHECK(b.closes[0].pnl == "0");
  }
}

TEST_CASE(
    "figures: ids beyond 2^53 as numbers, times as text, number or nothing, fees of either sign, lesson 33 and lesson "
    "40") {
  Bench b(true);
  b.log_in();
  json row = order("1", kNow, "1E-7");
  row["order_id"] = 1'381'717'672'952'373'248;
  row["updated_time"] = "";
  row["fee"] = "0.25";
  push_order(b, row);
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "1381717672952373248");
  CHECK(b.closes[0].closed_ms == kNow - 10);  // when it was placed
  CHECK(b.closes[0].pnl == "0.0000001");
  CHECK(b.closes[0].fee == "0.25");
  row["order_id"] = "2";
  row["created_time"] = nullptr;
  push_order(b, row);
  CHECK(b.closes[1].closed_ms == kNow);  // of the push
  push_order(b, with(with(order("3", kNow), "fee", nullptr), "trade_avg_price", ""));
  REQUIRE(b.closes.size() == 3);
  CHECK_FALSE(b.closes[2].fee);
  CHECK_FALSE(b.closes[2].exit);
  CHECK_FALSE(b.closes[2].entry);
  json dated = order("4", kNow);
  dated["contract_code"] = "BTC-USDT-251226";
  push_order(b, dated);
  CHECK(b.closes.at(3).symbol == "BTC-USDT-251226");  // in no list: the host holds it for a person
  CHECK_FALSE(b.closes[3].entry);
}

TEST_CASE("canceled after trades: two looks that agree, a figure that grows is looked at again, lesson 5") {
  Bench b(true);
  b.log_in();
  b.empty_history();
  const auto canceled = [](const std::string& filled) {
    return with(with(order("1", kNow), "state", "partially_canceled"), "trade_volume", filled);
  };
  push_order(b, canceled("2"));
  push_order(b, canceled("2"));
  b.advance(2'100);
  REQUIRE(b.open_requests(kOrder).size() == 1);
  b.answer(kOrder, page({canceled("2")}));
  b.advance(5'100);
  b.answer(kOrder, page({canceled("3")}));
  CHECK(b.closes.empty());
  b.advance(5'100);
  SECTION("it comes to rest") { b.answer(kOrder, page({canceled("3")})); }
  SECTION("it is filled after all") { b.answer(kOrder, page({order("1", kNow)})); }
  SECTION("the stream says how much was canceled") { push_order(b, with(canceled("3"), "cancel_volume", "2")); }
  REQUIRE(b.closes.size() == 1);
  CHECK(b.closes[0].id == "1");
  b.advance(60'000);
  CHECK(b.closes.size() == 1);
}

TEST_CASE("balance: asked and pushed, of both account kinds, no figure is an error and no zero") {
  HtxWorld w;
  auto live = w.start();
  w.advance(5'000);
  REQUIRE_FALSE(live->balances.empty());  // pushed at the subscription
  CHECK(live->balances[0].total == anduin::Decimal(10'000));
  w.control("asset-mode", R"({"multi":true})");
  live->balances.clear();
  live->query_balance();
  w.advance(1'000);
  REQUIRE(live->balances.size() == 1);
  CHECK(live->balances[0].available == anduin::Decimal(10'000));
  Bench b(true);
  b.log_in();
  b.query_balance();
  b.answer(kBalance, R"({"code":200,"data":{"equity":"0","details":[{"currency":"BTC","equity":"1"}]},"ts":1})");
  CHECK(b.balances.empty());
  CHECK(b.errors.back().find("no figures for USDT") != std::string::npos);
}

TEST_CASE("clock: a stamp that is refused asks the venue's time, once at once, lesson 36") {
  HtxWorld w;
  auto live = w.start();
  w.advance(5'000);
  w.control("skew", R"({"ms":400000})");
  live->query_balance();
  live->balances.clear();
  w.advance(10'000);
  CHECK(live->balances.size() >= 1);
  CHECK(w.sim.simulator.connections() == 1);
}

TEST_CASE("a wrong key or secret is said in words that help, and nothing goes on, lesson of demo keys on live hosts") {
  HtxWorld w;
  auto& who = w.sim.simulator.venue().accounts()[0];
  const auto right = who;
  auto live = [&] {
    who.key = "another-key-0000";  // the instance starts with this one, and the venue forgets it
    auto made = w.start();
    who = right;
    return made;
  }();
  w.advance(30'000);
  CHECK_FALSE(live->ready);
  REQUIRE_FALSE(live->statuses.empty());
  CHECK(live->statuses[0].find("check") != std::string::npos);
  CHECK(sim::int_at(w.control("stats"), "opened", 0) <= 2);
}
