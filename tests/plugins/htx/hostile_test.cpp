// Frames that no venue should send: none poisons an instance, none becomes a price or a close, and the next good one
// works. Every optional member is dropped, emptied and nulled in turn.
#include <catch2/catch.hpp>

#include "plugins/htx/bench.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr std::int64_t kNow = Bench::kStartMs;

const std::vector<std::string> kGarbage{"",
                                        "{",
                                        "[]",
                                        "null",
                                        "1",
                                        "\"x\"",
                                        "{}",
                                        "{\"ch\":1}",
                                        R"({"ch":"market.","tick":{}})",
                                        R"({"tick":null})",
                                        R"({"ch":"market.BTC-USDT.bbo","tick":[]})",
                                        R"({"ch":"market.BTC-USDT.bbo","tick":{"bid":[1],"ask":["x",1],"version":1}})",
                                        R"({"ch":"market.BTC-USDT.bbo","tick":{"bid":[[1]],"ask":[2,1]}})",
                                        R"({"ch":"market..bbo","tick":{"bid":[1,1],"ask":[2,1]}})",
                                        R"({"ch":"market.bbo","tick":{"bid":[1,1],"ask":[2,1]}})",
                                        R"({"ping":{}})",
                                        R"({"ping":"x"})",
                                        R"({"status":"error"})",
                                        R"({"op":"notify"})",
                                        R"({"op":"notify","topic":"orders","data":7})",
                                        R"({"op":"notify","topic":"orders","data":[1,{},null]})",
                                        R"({"op":"notify","topic":"positions","data":{"a":1}})",
                                        R"({"op":"notify","topic":"account","data":[]})",
                                        R"({"op":"auth"})",
                                        R"({"op":"sub"})",
                                        R"({"op":"sub","topic":"orders"})",
                                        R"({"op":{},"topic":[]})",
                                        std::string(100, '['),
                                        R"({"op":"notify","topic":"orders","ts":"later","data":{}})"};

}  // namespace

TEST_CASE("garbage on the public link, huobiapi/API_Docs#49: a bad frame does not cost the next pong") {
  Bench b(false);
  b.start();
  b.answer(kContracts, contracts());
  b.connect();
  b.symbols({"BTC-USDT"});
  for (const std::string& text : kGarbage) {
    INFO(text);
    CHECK(b.frame(1, text) != AND_E_FATAL);
    const std::size_t sent = b.frames.size();
    b.frame(1, R"({"ping":5})");
    CHECK(b.frames.size() == sent + 1);
  }
  for (const auto& p : b.prices) CHECK(p.withdrawn);
  b.frame(1, R"({"ch":"market.BTC-USDT.bbo","ts":5,"tick":{"bid":[1,1],"ask":[2,1],"ts":4,"version":9}})");
  CHECK(b.prices.back().bid == "1");
}

TEST_CASE("garbage on the private link, and as answers") {
  Bench b(true);
  b.log_in();
  b.empty_history();
  for (const std::string& text : kGarbage) {
    INFO(text);
    const int code = b.frame(1, text);
    CHECK(code != AND_E_FATAL);
    CHECK(code != AND_E_AUTH);
  }
  CHECK(b.closes.empty());
  b.query_balance();
  for (const std::string& text : kGarbage) {
    if (b.open_requests(kBalance).empty()) b.advance(61'000);
    b.empty_history();
    if (!b.open_requests(kBalance).empty()) CHECK(b.answer(kBalance, text) != AND_E_FATAL);
  }
  CHECK(b.balances.empty());
  b.frame(1, pushed("orders", order("5", kNow)));
  CHECK(b.closes.size() == 1);
}

TEST_CASE(
    "each member of an order dropped, blanked and nulled: no crash, and never a wrong figure, lesson 10 and lesson "
    "13") {
  const json whole = order("1600000000000000123", kNow);
  for (const auto& [name, value] : whole.items()) {
    for (const json& instead : {json(""), json(nullptr), json("??"), json(json::object())}) {
      INFO(name << " = " << instead.dump());
      Bench b(true);
      b.log_in();
      json row = whole;
      row[name] = instead;
      CHECK(b.frame(1, pushed("orders", row, kNow)) != AND_E_FATAL);
      for (const SeenClose& c : b.closes) {
        CHECK(c.id == "1600000000000000123");
        CHECK(c.pnl == "0.502");
        CHECK(c.side == "long");
        if (c.size) CHECK(c.size == "5");
      }
    }
    json row = whole;
    row.erase(name);
    Bench b(true);
    b.log_in();
    CHECK(b.frame(1, pushed("orders", row, kNow)) != AND_E_FATAL);
    for (const SeenClose& c : b.closes) CHECK(c.pnl == "0.502");
  }
}
