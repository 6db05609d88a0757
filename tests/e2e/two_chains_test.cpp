// One host, two vaults on two chains, one account for each: every close goes to its own vault, and a chain that stands
// still holds nobody else's money.
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "e2e/command.hpp"
#include "e2e/process.hpp"
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using e2e::Stage;

constexpr std::uint64_t kOtherChain = 31'338;

void replace(std::string& text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

/// The second vault, and the second account moved to it.
void add_vault(const Stage& stage, const test::Anvil& node, const test::TestVault& vault) {
  std::string text = e2e::read_file(stage.pipeline_file());
  const auto account = text.find("name: bybit-2");
  REQUIRE(account != std::string::npos);
  std::string rest = text.substr(account);
  replace(rest, "vault: main", "vault: side");
  text = text.substr(0, account) + rest;
  replace(text, "vaults:\n", "vaults:\n  side:\n    mode: live\n    chain_id: " + std::to_string(kOtherChain) + "\n    rpc: [\"" + node.url() +
                                 "\"]\n    address: \"" + vault.address().to_string() +
                                 "\"\n    signer: { key: \"${env:SETTLEMENT_PRIVATE_KEY}\" }\n");
  std::ofstream(stage.pipeline_file()) << text;
}

std::size_t settled_within(test::TestVault& vault, std::size_t wanted, int timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (vault.events().size() < wanted && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return vault.events().size();
}

}  // namespace

TEST_CASE("two vaults on two chains: each close goes to its own, and one that stands still holds nobody else") {
  const e2e::TempDir dir("chains");
  e2e::StageOptions options;
  options.bin = e2e::programs();
  options.dir = dir.path;
  options.cast = {e2e::two_venues().front()};
  Stage stage(options);
  test::AnvilOptions other;
  other.block_time_s = 1;
  other.chain_id = kOtherChain;
  test::Anvil side_node(other);
  test::TestVault side(side_node);
  add_vault(stage, side_node, side);
  const auto close = [&](const char* account, const char* pnl) {
    stage.bybit().control("close", {{"account", account}, {"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.5"},
                                    {"pnl", pnl}, {"fee", "0"}});
  };
  stage.start_host();
  stage.wait_log("positions ready", 2, 60'000);
  close("bybit-1", "3");
  close("bybit-2", "5");
  close("bybit-2", "6");
  REQUIRE(stage.drain(60'000));
  CHECK(stage.vault().sum().count == 1);
  CHECK(stage.vault().sum().credited == 3'000'000);
  CHECK(side.sum().count == 2);
  CHECK(side.sum().credited == 11'000'000);

  side_node.suspend();
  close("bybit-2", "7");
  close("bybit-1", "2");
  CHECK(settled_within(stage.vault(), 2, 30'000) == 2);
  side_node.resume();
  REQUIRE(stage.drain(60'000));
  CHECK(stage.vault().sum().credited == 5'000'000);
  CHECK(side.sum().credited == 18'000'000);
  CHECK(stage.stop_host() == 0);
  const e2e::Ran verified = e2e::run_anduin(dir.path, {"ledger", "verify", "--pipeline", stage.pipeline_file().string()}, stage.environment());
  INFO(verified.out << verified.err);
  CHECK(verified.status == 0);
}
