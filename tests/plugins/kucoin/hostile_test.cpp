// Frames and answers that nobody should send: nothing crashes, nothing is invented, the next good frame counts. Method:
// each good text is cut at every byte, and each of its members is dropped, blanked or given another type.
#include <catch2/catch.hpp>

#include "plugins/kucoin/bench.hpp"

using anduin::test::Bench;
using anduin::test::closed_row;
using nlohmann::json;
namespace t = anduin::test;

namespace {

const std::string kTicker =
    R"({"topic":"/contractMarket/tickerV2:XBTUSDTM","type":"message","subject":"tickerV2","sn":5,)"
    R"("data":{"symbol":"XBTUSDTM","sequence":5,)"
    R"("bestBidSize":50,"bestBidPrice":"100.5","bestAskPrice":"101.5","bestAskSize":7,"ts":1740641976241000000}})";

/// The text with one member at any depth dropped or replaced.
std::vector<std::string> variants(const json& good) {
  std::vector<std::string> out;
  const std::vector<json> wrong{
      nullptr, "", "x", -1, 1e40, true, json::array(), json::object(), json::array({1, "2"}), std::string(5000, '9')};
  const json flat = good.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (const json& w : wrong) {
      json changed = good;
      changed[json::json_pointer(pointer)] = w;
      out.push_back(changed.dump());
    }
    json changed = good;
    const json::json_pointer at(pointer);
    json& parent = changed[at.parent_pointer()];
    if (parent.is_object()) {
      parent.erase(at.back());
      out.push_back(changed.dump());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("public frames: cut anywhere, or with anything in a member's place") {
  Bench b(false, {{"market", {"linear"}}});
  b.start();
  b.symbols({"XBTUSDTM"});
  b.go();
  for (std::size_t n = 0; n < kTicker.size(); ++n) {
    const int code = b.frame(1, kTicker.substr(0, n));
    CHECK((code == AND_OK || code == AND_E_PROTOCOL));
  }
  CHECK(b.prices.empty());
  for (const std::string& text : variants(json::parse(kTicker))) {
    const int code = b.frame(1, text);
    CHECK((code == AND_OK || code == AND_E_PROTOCOL));
  }
  for (const auto& p : b.prices) {
    if (p.withdrawn) continue;
    CHECK(anduin::Decimal::of(p.bid) < anduin::Decimal::of(p.ask));
  }
  b.closed(1);
  b.prices.clear();
  b.go();
  CHECK(b.frame(1, kTicker) == AND_OK);
  REQUIRE(b.prices.size() == 1);
  CHECK(b.prices[0].bid == "100.5");
}

TEST_CASE("private frames: cut anywhere, or with anything in a member's place, none becomes a close") {
  Bench b(true);
  b.live();
  const std::string good = t::position_frame(b.now_ms - 1'000, b.now_ms, 3, true);
  for (std::size_t n = 0; n < good.size(); ++n) {
    const int code = b.frame(1, good.substr(0, n));
    CHECK((code == AND_OK || code == AND_E_PROTOCOL));
  }
  for (const std::string& text : variants(json::parse(good))) {
    const int code = b.frame(1, text);
    CHECK((code == AND_OK || code == AND_E_PROTOCOL));
  }
  CHECK(b.closes.empty());
  CHECK(b.balances.empty());
}

TEST_CASE("rows: anything in a member's place is a close with that id, or a complaint and no proof") {
  const std::int64_t now = Bench::kStartMs;
  const json good = closed_row("500000000026809668", now - 1'000, "5.25");
  for (const std::string& text : variants(good)) {
    Bench b(true);
    b.start();
    const json row = json::parse(text);
    CHECK(b.answer(t::kHistory, t::page({row, closed_row("1", now - 500)})) == AND_OK);
    REQUIRE_FALSE(b.closes.empty());  // the good row is never lost
    CHECK(b.closes.back().id == "1");
    INFO(text.substr(0, 300));
    REQUIRE(b.coverage.size() == 1);
    if (b.closes.size() == 1) {
      CHECK_FALSE(b.coverage[0].proven);
      CHECK_FALSE(b.errors.empty());
      continue;
    }
    // What was read is what stood there.
    CHECK(b.closes[0].pnl_raw == (row.at("pnl").is_string() ? row.at("pnl").get<std::string>() : row.at("pnl").dump()));
    CHECK_FALSE(b.closes[0].id.empty());
  }
}

TEST_CASE("answers about history that are none: asked again, never taken as nothing there") {
  for (const json& data :
       {json(nullptr), json::array(), json("x"), json{{"items", nullptr}, {"currentPage", 1}, {"totalPage", 1}},
        json{{"items", json::array()}}, json{{"items", json::array()}, {"currentPage", 1}, {"totalPage", "many"}}}) {
    Bench b(true);
    b.start();
    b.answer(t::kHistory, t::reply(data));
    INFO(data.dump());
    CHECK(b.watermarks.empty());
    CHECK(b.coverage.empty());
    b.advance(1'000);
    CHECK(b.open_requests(t::kHistory).size() == 1);
  }
}
