// The promises on money, shown by the real programs: simulators over TLS, the host process, a chain.
// Method: closes are injected at the venue, things are broken on the way, and the verdict comes from three books that
// must agree: what the simulators gave out, what the ledger says, what the vault's events say.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "e2e/command.hpp"
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using e2e::Stage;
using nlohmann::json;

e2e::StageOptions options(const e2e::TempDir& dir) {
  e2e::StageOptions o;
  o.bin = e2e::programs();
  o.dir = dir.path;
  return o;
}

json close(const char* account, const char* symbol, const char* side, const char* size, const char* pnl) {
  return {{"account", account}, {"symbol", symbol}, {"side", side}, {"size", size}, {"pnl", pnl}, {"fee", "0"}};
}

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

}  // namespace

TEST_CASE("a close settles once: live, from history, after a restart, over two connections, through cuts and kills") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);

  // Live, on every kind of account.
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "500"));
  stage.bybit().control("close", close("bybit-2", "ETHUSDT", "short", "1", "-20.5"));
  stage.kraken().control("close", close("kraken-1", "BTCUSD", "short", "0.1", "-12.25"));
  stage.kraken().control("close", close("kraken-2", "BTCUSD", "long", "0.1", "33.5"));
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "0"));  // no action
  stage.wait_log("[close]", 5, 20'000);

  // The same frames again, and the same closes from history after a cut.
  stage.bybit().control("duplicate", {{"count", 5}});
  stage.bybit().control("drop");
  stage.kraken().control("drop");
  // Three closes while nobody is connected.
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.2", "7.01"));
  stage.kraken().control("close", close("kraken-1", "ETHUSD", "long", "1", "8.02"));
  stage.kraken().control("close", close("kraken-2", "ETHUSD", "short", "1", "-9.03"));
  stage.wait_log("positions ready", 8, 60'000);

  // Killed in the middle of the work, closes while it is dead, started again: everything comes back from history.
  stage.bybit().control("close", close("bybit-2", "BTCUSDT", "short", "0.3", "11.11"));
  stage.kill_host();
  stage.bybit().control("close", close("bybit-2", "BTCUSDT", "short", "0.3", "12.12"));
  stage.kraken().control("close", close("kraken-1", "BTCUSD", "long", "0.1", "-13.13"));
  stage.start_host();
  stage.wait_log("positions ready", 12, 60'000);

  REQUIRE(stage.drain(90'000));
  const auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.good());
  CHECK(r.injected == 11);
  CHECK(r.settled == 10);
  CHECK(r.noaction == 1);
  CHECK(r.held == 0);
  CHECK(r.onchain_sum == "516850000");  // the sum of all pnl above, in token units
  CHECK(stage.stop_host() == 0);
}

TEST_CASE("a close with another amount under a known id is a conflict that somebody can see and that settles nothing") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);
  const json first = stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "100"));
  stage.wait_log("-> accepted", 1, 20'000);
  // Same id with another amount, and the same id from another account.
  json other = close("bybit-1", "BTCUSDT", "long", "0.5", "999");
  other["id"] = first.at("id");
  stage.bybit().control("close", other);
  json foreign = close("bybit-2", "BTCUSDT", "long", "0.5", "100");
  foreign["id"] = first.at("id");
  stage.bybit().control("close", foreign);
  stage.wait_log("-> conflict", 2, 20'000);
  REQUIRE(stage.drain(60'000));
  const auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.onchain == 1);
  CHECK(r.onchain_sum == "100000000");
  CHECK(r.duplicate == 0);
  CHECK(stage.stop_host() == 0);
}

TEST_CASE("no secret stands in any log, ledger, argument list or environment that others can read, no core is written") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "5"));
  stage.kraken().control("close", close("kraken-2", "BTCUSD", "long", "0.1", "6"));
  stage.wait_log("-> accepted", 2, 20'000);
  const std::string command_line = e2e::read_file("/proc/" + std::to_string(stage.host_pid()) + "/cmdline");
  // Broken requests are where secrets usually escape: a refused signature, a wrong clock, a cut answer.
  stage.bybit().control("error", {{"code", "10004"}, {"count", 3}});
  stage.bybit().control("drop");
  stage.kraken().control("drop");
  sleep_ms(3'000);
  REQUIRE(stage.host_running());
  // A crash leaves no memory on disk.
  kill(stage.host_pid(), SIGABRT);
  sleep_ms(500);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    CHECK(name.rfind("core", 0) != 0);
    const std::string parent = entry.path().parent_path().filename().string();
    // The simulators' own files and the throw-away CA are not the host's.
    if (parent == "bybit" || parent == "kraken" || parent == "tls") continue;
    ++files;
    const std::string text = e2e::read_file(entry.path());
    for (const std::string& secret : stage.secrets()) {
      INFO(entry.path());
      CHECK(text.find(secret) == std::string::npos);
      CHECK(command_line.find(secret) == std::string::npos);
    }
  }
  CHECK(files >= 4);  // pipeline, log, ledger and its journal: the check looked at something
  CHECK_FALSE(std::filesystem::exists("core"));
}

TEST_CASE("a key without a market settles every product: an inverse close is paid in its coin at its own exit price") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);
  json inverse = close("bybit-1", "BTCUSD", "long", "1000", "0.005");
  inverse["exitPrice"] = "50000";
  stage.bybit().control("close", inverse);
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "1"));
  REQUIRE(stage.drain(90'000));
  const auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.good());
  // 0.005 BTC at 50,000 and one dollar; held instead where the exit price is far from the market: a person looks.
  CHECK(r.settled + r.held == 2);
  CHECK(r.injected == 2);
  CHECK(stage.stop_host() == 0);
}

TEST_CASE("a node that is away at the start loses nothing: closes are queued and settle when it is back") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.chain().suspend();
  stage.start_host();
  stage.wait_log("positions ready", 4, 90'000);
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "21"));
  stage.kraken().control("close", close("kraken-1", "BTCUSD", "short", "0.1", "-4"));
  stage.wait_log("-> accepted", 2, 20'000);
  stage.wait_log("nothing is sent until its node answers", 1, 5'000);
  stage.chain().resume();
  REQUIRE(stage.drain(90'000));
  const auto r = stage.reconcile();
  INFO(r.line());
  CHECK(r.good());
  CHECK(r.settled == 2);
  CHECK(r.onchain_sum == "17000000");
  CHECK(stage.stop_host() == 0);
}

TEST_CASE("a key that can withdraw and a wrong key are refused in clear words, and the other accounts go on") {
  const e2e::TempDir dir("e2e");
  Stage stage(options(dir));
  stage.bybit().control("keys", {{"account", "bybit-1"}, {"can_withdraw", true}});
  stage.start_host();
  stage.wait_log("positions ready", 3, 60'000);
  stage.wait_log("key refused", 1, 20'000);
  stage.bybit().control("close", close("bybit-1", "BTCUSDT", "long", "0.5", "77"));
  stage.bybit().control("close", close("bybit-2", "BTCUSDT", "long", "0.5", "3"));
  stage.wait_log("-> accepted", 1, 20'000);
  sleep_ms(1'500);
  const std::string log = e2e::read_file(stage.host_log());
  CHECK(log.find("withdraw") != std::string::npos);
  CHECK(log.find("pnl 77") == std::string::npos);  // a refused key is not used for anything
  CHECK(stage.stop_host() == 0);
}
