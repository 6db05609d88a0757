// The whole path against a real EVM node: closes through the writer thread, submitter thread, the reference
// vault, the process ended and begun again in the middle, reorgs, both vaults. Verdict from the vault's
// events.
#include "support/need_anvil.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "settle/ledger_writer.hpp"
#include "settle/submitter_thread.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::test::Anvil;
using anduin::test::AnvilOptions;
using anduin::test::dev_accounts;
using anduin::test::TestVault;
using anduin::test::VaultOptions;

namespace {

constexpr std::uint64_t kChain = 31337;

/// One life of the host's settlement side; destroying it is the end of the process.
struct Host {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<chain::RpcTransport> transport;
  std::unique_ptr<chain::JsonRpcNode> node;
  std::unique_ptr<chain::LocalSigner> signer;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Submitter> submitter;
  std::unique_ptr<SubmitterThread> thread;
  std::unique_ptr<LedgerWriter> writer;

  Host(const TempDir& dir, Anvil& anvil, TestVault& vault) {
    spdlog::set_level(spdlog::level::off);
    transport = std::move(*chain::HttpTransport::create(anvil.url()));
    node = std::make_unique<chain::JsonRpcNode>(*transport);
    signer = std::move(*chain::LocalSigner::from_hex_key(dev_accounts()[1].key, random));
    LedgerOptions lo;
    ledger = open_ledger(dir, clock, lo);
    register_account("alice", 3, false, vault);
    register_account("bob", 4, true, vault);
    SubmitterOptions so;
    so.vault_name = "main";
    so.chain_id = kChain;
    so.resend_ms = 1'000;
    so.probe_blocked_ms = 1'000;
    submitter = std::make_unique<Submitter>(so, *ledger, vault.vault(), *node, *signer, clock);
    thread = std::make_unique<SubmitterThread>(*submitter, 50);
    writer = std::make_unique<LedgerWriter>(*ledger, [this] { thread->wake(); });
  }
  ~Host() {
    writer.reset();
    thread.reset();
  }
  void register_account(const char* name, std::size_t dev, bool capped, TestVault& vault) const {
    auto t = terms(name);
    t.user = dev_accounts()[dev].address;
    t.vault = {"main", kChain, vault.address(), true};
    t.capped_seizure = capped;
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
  }
};

void wait_settled(const TempDir& dir, Anvil& anvil, std::uint64_t count, int timeout_ms = 60'000) {
  SystemClock clock;
  const auto end = clock.mono_ns() + static_cast<std::uint64_t>(timeout_ms) * 1'000'000U;
  while (reader(dir)->sums()->settled < count) {
    if (clock.mono_ns() > end) {
      std::string rows;
      const auto all = reader(dir)->list({}).value();
      for (const auto& row : all) rows += row["id"].dump() + row["state"].dump() + row["reason"].dump();
      FAIL("only " << reader(dir)->sums()->settled << " of " << count << " settled: " << rows);
    }
    anvil.mine();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
}

void reconcile(const TempDir& dir, TestVault& vault) {
  const auto on_chain = vault.sum();
  boost::multiprecision::cpp_int sum = boost::multiprecision::cpp_int(on_chain.credited);
  sum -= boost::multiprecision::cpp_int(on_chain.seized);
  const auto books = *reader(dir)->sums();
  CHECK(books.ledger_sum == sum.str());
  CHECK(books.settled == on_chain.count);
  CHECK(reader(dir)->verify_audit()->ok);
  std::set<Hash> refs;
  for (const auto& e : vault.events()) CHECK(refs.insert(e.ref_id).second);
}

}  // namespace

TEST_CASE("anvil: credit, seizure, capped seizure, duplicates, a restart, finality", "[anvil]") {
  ANDUIN_NEED_ANVIL();
  Anvil anvil;
  TestVault vault(anvil);
  TempDir dir;
  vault.deposit_for(dev_accounts()[3].address, 1'000'000'000);
  vault.deposit_for(dev_accounts()[4].address, 300'000'000);
  const std::vector<ClosedPosition> closes{close_of("win", "12.5"), close_of("loss", "-100.25"),
                                           close_of("capped", "-500", "bob"), close_of("zero", "0", "bob")};
  {
    Host host(dir, anvil, vault);
    for (const auto& c : closes) host.writer->post({c.account, {c}, {}, {}}, {});
    host.writer->stop();
  }
  {
    Host host(dir, anvil, vault);
    for (const auto& c : closes) host.writer->post({c.account, {c}, {}, {}}, {});
    wait_settled(dir, anvil, 3);
  }
  CHECK(vault.events().size() == 3);
  CHECK(vault.used(*ref_id("Bybit", "win")));
  const auto row = *reader(dir)->show("capped");
  CHECK(row["units"] == "500000000");
  CHECK(row["onchainUnits"] == "300000000");
  CHECK(row["slots"][0]["blockNumber"].is_number());
  CHECK(reader(dir)->sums()->no_action == 1);
  CHECK(reader(dir)->sums()->ledger_sum == "-387750000");
  reconcile(dir, vault);
}

TEST_CASE("anvil: reorgs and restarts on a vault without the duplicate check", "[anvil]") {
  ANDUIN_NEED_ANVIL();
  Anvil anvil(AnvilOptions{.mine_on_demand = true});
  VaultOptions options;
  options.duplicate_check = false;
  TestVault vault(anvil, options);
  anvil.mine(8);
  TempDir dir;
  constexpr int kCloses = 24;
  for (int life = 0; life < 4; ++life) {
    Host host(dir, anvil, vault);
    for (int i = 0; i < kCloses / 4; ++i) {
      const auto c = close_of("r" + std::to_string(life * kCloses / 4 + i), "1.25");
      host.writer->post({c.account, {c}, {}, {}}, {});
    }
    for (int i = 0; i < 6; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
      anvil.mine();
      if (i == 3) anvil.reorg(2);
      if (i == 4) anvil.drop_all_transactions();
    }
  }
  Host host(dir, anvil, vault);
  wait_settled(dir, anvil, kCloses);
  CHECK(vault.events().size() == kCloses);
  reconcile(dir, vault);
}

TEST_CASE("anvil: blocked without collateral, settled after the deposit", "[anvil]") {
  ANDUIN_NEED_ANVIL();
  Anvil anvil;
  TestVault vault(anvil);
  anvil.mine(8);
  TempDir dir;
  Host host(dir, anvil, vault);
  const auto c = close_of("poor", "-40");
  host.writer->post({c.account, {c}, {}, {}}, {});
  SystemClock clock;
  const auto end = clock.mono_ns() + 20'000'000'000U;
  while (clock.mono_ns() < end) {
    const auto row = reader(dir)->show("poor");
    if (row && (*row)["state"] == "BLOCKED") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK((*reader(dir)->show("poor"))["reason"].get<std::string>().find("InsufficientCollateral") !=
        std::string::npos);
  vault.deposit_for(dev_accounts()[3].address, 40'000'000);
  wait_settled(dir, anvil, 1);
  CHECK(vault.collateral(dev_accounts()[3].address) == 0);
  reconcile(dir, vault);
}

TEST_CASE("anvil: from post to durable to the first broadcast", "[anvil][latency]") {
  ANDUIN_NEED_ANVIL();
  Anvil anvil;
  TestVault vault(anvil);
  anvil.mine(8);
  TempDir dir;
  std::vector<std::int64_t> broadcast_us;
  Host host(dir, anvil, vault);
  constexpr int kCloses = 60;
  SystemClock clock;
  for (int i = 0; i < kCloses; ++i) {
    std::atomic<std::uint64_t> durable{0};
    const auto c = close_of("l" + std::to_string(i), "1");
    const auto sent_before = host.thread->status().sent;
    host.writer->post({c.account, {c}, {}, {}},
                      [&](Result<std::vector<CloseOutcome>>) { durable = clock.mono_ns(); });
    while (durable == 0) std::this_thread::yield();
    const auto end = clock.mono_ns() + 10'000'000'000U;
    while (host.thread->status().sent == sent_before && clock.mono_ns() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    broadcast_us.push_back(static_cast<std::int64_t>((clock.mono_ns() - durable) / 1'000));
    if (i % 8 == 7) anvil.mine(6);
  }
  std::sort(broadcast_us.begin(), broadcast_us.end());
  std::printf(
      "row durable to end of first broadcast's tick on anvil: p50 %lld us, p95 %lld us, max %lld us\n",
      static_cast<long long>(broadcast_us[kCloses / 2]),
      static_cast<long long>(broadcast_us[kCloses * 95 / 100]),
      static_cast<long long>(broadcast_us.back()));
  wait_settled(dir, anvil, kCloses);
  reconcile(dir, vault);
}
