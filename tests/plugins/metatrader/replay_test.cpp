// Recorded requests through `replay`: the same events as live, every close taken as accepted.
#include <catch2/catch.hpp>

#include "plugin/config_schema.hpp"
#include "support/result.hpp"
#include "venue/replay.hpp"

using namespace anduin;
using nlohmann::json;

namespace {

std::vector<std::string> replay(venue::ReplayFeed feed, std::vector<json> bodies, json* stats = nullptr) {
  auto library = plugin::Library::load(std::string(ANDUIN_BINARY_DIR) + "/plugins/anduin-metatrader.so");
  REQUIRE(library);
  venue::ReplayOptions o;
  o.feed = feed;
  o.options = plugin::complete_options((*library)->manifest(), json::object()).value();
  json account{{"login", "5012345"}};  // no ref: a replay takes any
  static_cast<void>(plugin::check_account_options((*library)->manifest(), account));
  o.options.update(account);
  std::vector<std::string> lines;
  auto made = venue::Replay::create(*library, o, [&](const std::string& line) { lines.push_back(line); });
  REQUIRE(made);
  std::int64_t at = 1'708'032'125'000;
  for (const json& body : bodies) {
    const json line{{"ts_ms", at += 1'000}, {"kind", "http"}, {"dir", "in"}, {"method", "POST"}, {"url", "https://host/webhook/metatrader"},
                    {"headers", {{"X-Anduin-Key", "ea_ic01"}}}, {"body", body.dump()}};
    auto parsed = venue::parse_recording_line(line.dump(), "here:1");
    REQUIRE(parsed);
    CHECK(parsed->asks);
    REQUIRE((*made)->feed(*parsed));
  }
  (*made)->finish();
  if (stats) *stats = (*made)->stats();
  return lines;
}

const json kClose{{"positionId", "MT5-ic01-1"}, {"symbol", "XAUUSD.m"}, {"side", "long"}, {"entryPrice", "2050.50"}, {"exitPrice", "2075.30"},
                  {"size", "10"}, {"pnl", "248.00"}, {"closedAt", 1'708'032'123}};

}  // namespace

TEST_CASE("metatrader replay: closes, heartbeats and prices come out as from any venue") {
  const json beat{{"type", "heartbeat"}, {"timestamp", 1}};
  json stats;
  const auto closes = replay(venue::ReplayFeed::kPositions, {beat, kClose, kClose}, &stats);
  REQUIRE(closes.size() == 3);
  CHECK(json::parse(closes[0]).at("state") == "resync");
  CHECK(json::parse(closes[1]).at("state") == "ready");
  CHECK(closes[2] == R"({"type":"close","venue":"MetaTrader","account":"replay","id":"MT5-ic01-1","symbol":"XAUUSD","side":"long",)"
                     R"("entryPrice":2050.5,"exitPrice":2075.3,"size":10,"pnl":248,"fee":0,"currency":"USD","closedAt":1708032123000,"origin":"inbound"})");
  CHECK(stats.at("conflicts") == 0);
  const json prices{{"type", "prices"}, {"prices", {{{"symbol", "XAUUSD.m"}, {"bid", 2075.1}, {"ask", 2075.3}, {"timestamp", 1'708'032'125'500}}}}};
  CHECK(replay(venue::ReplayFeed::kPrices, {beat, prices}) ==
        std::vector<std::string>{R"({"type":"price","venue":"MetaTrader","symbol":"XAUUSD","bid":2075.1,"ask":2075.3,"timestamp":1708032125500})"});
  const json balance{{"type", "balance"}, {"timestamp", 1}, {"total", "10248.00"}, {"available", "9748"}, {"currency", "USD"}};
  const auto funds = replay(venue::ReplayFeed::kBalance, {balance});
  REQUIRE_FALSE(funds.empty());
  CHECK(funds.back() == R"({"type":"balance","venue":"MetaTrader","account":"replay","total":10248,"available":9748,"currency":"USD"})");
}
