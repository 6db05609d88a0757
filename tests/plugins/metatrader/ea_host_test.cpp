// The Expert Advisor against the running host, over TLS: what it has sent is in the ledger, through kills on both sides.
#include <catch2/catch.hpp>

#include <chrono>
#include <set>
#include <thread>

#include "plugins/metatrader/desk.hpp"
#include "support/webhook_host.hpp"

using namespace anduin;
using namespace anduin::test;
using nlohmann::json;

namespace {

DeskOptions options_for(const WebhookHost& host) {
  DeskOptions o;
  o.files = host.dir() / "terminal";
  o.url = "https://127.0.0.1:" + std::to_string(host.port());
  o.key = "ea_ic01";
  o.secret = WebhookHost::kSecret;
  o.ref = "ic01";
  o.login = 5012345;
  o.server = "Broker-Live";
  o.symbols = "XAUUSD.m,BTCUSDT";
  o.ca_file = host.ca();
  return o;
}

/// Ticks until it holds; the history must have settled first, which takes the program five seconds.
bool until(LiveDesk& desk, const std::function<bool()>& done, int ms_max = 20'000) {
  for (int passed = 0; passed < ms_max; passed += 50) {
    desk.tick();
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

}  // namespace

TEST_CASE("ea and host: closes settle once, through a dead host, a dead terminal, a cut network and a wrong clock") {
  WebhookHost host;
  host.start();
  LiveDesk desk(options_for(host));
  REQUIRE(desk.start());
  desk.quote("XAUUSD.m", 2075.1, 2075.3);
  REQUIRE(until(desk, [&] { return desk.counts().requests >= 3; }));  // heartbeat, balance, prices
  CHECK(host.host().status().accounts.at(0).good);

  std::vector<std::uint64_t> tickets = desk.trade({});
  const auto add = [&](std::vector<std::uint64_t> more) { tickets.insert(tickets.end(), more.begin(), more.end()); };
  add(desk.trade({.is_long = false, .lots = 0.2, .entry = 2075.3, .exit = 2050.5, .profit = 496, .commission = -0.7, .parts = 3}));
  add(desk.trade({.symbol = "BTCUSDT", .lots = 0.5, .entry = 43000, .exit = 42000, .profit = -500}));
  REQUIRE(until(desk, [&] { return desk.counts().done == 5; }));
  CHECK(host.rows().size() == 5);

  host.stop();
  add(desk.trade({.profit = 247}));
  CHECK(until(desk, [&] { return desk.counts().out == 1; }));
  desk.kill();
  add(desk.trade({.profit = 249, .silent = true}));
  host.start();
  desk.set_url("https://127.0.0.1:" + std::to_string(host.port()));
  desk.set_clock_error_s(600);
  REQUIRE(desk.start());
  desk.cut(2);
  REQUIRE(until(desk, [&] { return desk.counts().done == 7; }, 40'000));
  CHECK(desk.counts().dead == 0);
  const auto rows = host.rows();
  CHECK(rows.size() == 7);
  std::set<std::string> ids;
  for (const json& row : rows) {
    ids.insert(row.at("id"));
    CHECK(row.at("state") == "QUEUED");
    CHECK(host.show(row.at("id")).at("body").get<std::string>().find("\"login\":\"5012345\"") != std::string::npos);
  }
  for (const auto t : tickets) CHECK(ids.contains("MT5-ic01-" + std::to_string(t)));
  bool priced = false;
  for (const auto& p : host.host().status().prices) priced = priced || (p.symbol == "XAUUSD" && p.best_bid);
  CHECK(priced);
}
