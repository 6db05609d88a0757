// What the submitter sustains, in numbers (label soak): settlements a second on a real node with 1 s blocks, the time to
// the first bytes after a restart with 10,000 open slots, the cost of a settlement in a small and in a large ledger.
// ANDUIN_SOAK=1 build/bin/settle_sustained_test; ANDUIN_SUSTAINED_S=60 is the length of the first.
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "chain/transaction.hpp"
#include "settle/ledger_writer.hpp"
#include "settle/submitter_thread.hpp"
#include "settle/support.hpp"
#include "support/need_anvil.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::test::Anvil;
using anduin::test::AnvilOptions;
using anduin::test::dev_accounts;
using anduin::test::TestVault;

namespace {

constexpr std::uint64_t kChain = 31337;
constexpr int kUsers = 50;

bool soak() {
  spdlog::set_level(spdlog::level::off);
  if (std::getenv("ANDUIN_SOAK") != nullptr) return true;
  std::puts("SKIPPED: set ANDUIN_SOAK=1");
  return false;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

ClosedPosition nth(int i) {
  auto c = close_of("n" + std::to_string(i), "1." + std::to_string(100 + i % 900), "u" + std::to_string(i % kUsers));
  c.closed_ms += i;
  return c;
}

void register_users(Ledger& ledger, const Address& vault) {
  for (int u = 0; u < kUsers; ++u) {
    auto t = terms("u" + std::to_string(u));
    t.user.bytes[19] = static_cast<std::uint8_t>(u);
    t.vault = {"main", kChain, vault, true};
    t.settle_from_ms = kNow;
    REQUIRE(ledger.register_account(t));
  }
}

/// Closes [from, to), 500 to a transaction.
void fill(Ledger& ledger, int from, int to) {
  std::vector<AccountBatch> group;
  for (int i = from; i < to; ++i) {
    const auto c = nth(i);
    group.push_back({c.account, {c}, {}, {}});
    if (group.size() < 500 && i + 1 < to) continue;
    const auto out = ledger.commit_group(group);
    REQUIRE(out);
    for (const auto& one : *out) REQUIRE(one);
    group.clear();
  }
}

std::unique_ptr<chain::LocalSigner> settler() {
  SystemRandom random;
  return *chain::LocalSigner::from_hex_key(dev_accounts()[1].key, random);
}

SubmitterOptions options() {
  SubmitterOptions o;
  o.vault_name = "main";
  o.chain_id = kChain;
  return o;
}

/// A chain that mines everything at once and is final two blocks later; it answers without any work of its own, so that
/// what is measured is ours. It believes that each batch has done what it says.
class FastNode final : public chain::Node {
 public:
  std::uint64_t head = 100;
  std::vector<Bytes> sent;
  std::map<Hash, chain::Receipt> receipts_;
  const chain::Vault* vault = nullptr;
  std::set<Hash> used_;
  bool mines = true;
  std::chrono::steady_clock::time_point first_send;

  static chain::Block at(std::uint64_t n) {
    chain::Block b;
    b.number = n;
    b.hash.bytes[0] = 1;
    for (int i = 0; i < 8; ++i) b.hash.bytes[24 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(n >> (56 - 8 * i));
    b.timestamp_s = 1'700'000'000 + static_cast<std::int64_t>(n);
    return b;
  }
  Result<std::uint64_t> chain_id() override { return kChain; }
  Result<std::optional<chain::Block>> block(const chain::BlockId& id) override {
    if (const auto* n = std::get_if<std::uint64_t>(&id)) return std::optional(at(*n));
    if (const auto* tag = std::get_if<chain::Tag>(&id)) return std::optional(at(*tag == chain::Tag::kLatest ? head : head - 2));
    return std::optional<chain::Block>();
  }
  Result<std::uint64_t> transaction_count(const Address&, const chain::BlockId& id) override {
    const auto* tag = std::get_if<chain::Tag>(&id);
    return tag != nullptr && *tag == chain::Tag::kLatest ? nonce_ : 0;
  }
  Result<U256> balance(const Address&, const chain::BlockId&) override { return U256("100000000000000000000000"); }
  Result<Bytes> code(const Address&, const chain::BlockId&) override { return Bytes{1}; }
  Result<chain::CallResult> call(const Address&, const Address&, const Bytes& data, const chain::BlockId&) override {
    chain::CallResult r;
    r.data = Bytes(32, 0);
    if (data.size() == 36) {
      Hash ref;
      std::copy(data.begin() + 4, data.end(), ref.bytes.begin());
      r.data[31] = used_.contains(ref) ? 1 : 0;
    }
    return r;
  }
  Result<std::variant<std::uint64_t, chain::CallResult>> estimate_gas(const Address&, const Address&, const Bytes& data) override {
    return std::variant<std::uint64_t, chain::CallResult>(30'000 + data.size() * 270);
  }
  Result<chain::FeeSuggestion> suggest_fees() override { return chain::FeeSuggestion{1'000'000'000, 1'000'000}; }
  Result<chain::SendResult> send_raw(const Bytes& raw) override {
    if (sent.empty()) first_send = std::chrono::steady_clock::now();
    sent.push_back(raw);
    if (mines) include(raw);
    return chain::SendResult{chain::SendClass::kAccepted, {}};
  }
  Result<std::optional<chain::Receipt>> receipt(const Hash& h) override {
    const auto it = receipts_.find(h);
    return it == receipts_.end() ? std::optional<chain::Receipt>() : std::optional(it->second);
  }
  Result<std::vector<chain::Log>> logs(const chain::LogFilter&) override { return std::vector<chain::Log>(); }

 private:
  std::uint64_t nonce_ = 0;
  void include(const Bytes& raw) {
    static const Hash kCredited = chain::keccak256("PnlCredited(address,uint256,bytes32)");
    const auto tx = chain::decode_transaction(raw);
    chain::Receipt r;
    r.transaction_hash = tx->hash;
    r.success = true;
    r.block_number = head;
    r.block_hash = at(head).hash;
    nonce_ = tx->transaction.nonce + 1;
    const Bytes& data = tx->transaction.data;
    for (std::size_t at_byte = 68; at_byte + 128 <= data.size(); at_byte += 128) {
      chain::Log log;
      log.address = vault->address();
      Hash user, ref;
      std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at_byte) + 32, 32, user.bytes.begin());
      std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at_byte) + 96, 32, ref.bytes.begin());
      log.topics = {kCredited, user, ref};
      log.data.assign(data.begin() + static_cast<std::ptrdiff_t>(at_byte) + 64,
                      data.begin() + static_cast<std::ptrdiff_t>(at_byte) + 96);
      log.block_number = r.block_number;
      log.block_hash = r.block_hash;
      log.transaction_hash = r.transaction_hash;
      used_.insert(ref);
      r.logs.push_back(std::move(log));
    }
    receipts_[tx->hash] = std::move(r);
  }
};

/// CPU of this process in seconds: a busy machine does not change it as it changes the clock.
double cpu() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// CPU microseconds per settlement from a row in the ledger to SETTLED, in a ledger that holds `rows` already.
double cost(int rows, int measured) {
  TempDir dir;
  SystemClock clock;
  LedgerOptions lo;
  lo.synchronous = false;
  auto ledger = open_ledger(dir, clock, lo);
  FastNode node;
  const auto vault = *chain::Vault::create(address_of(0x5e));
  node.vault = &vault;
  register_users(*ledger, vault.address());
  auto key = settler();
  Submitter submitter(options(), *ledger, vault, node, *key, clock);
  const auto settle = [&](std::uint64_t until) {
    while (submitter.status().settled < until) {
      REQUIRE(submitter.tick());
      ++node.head;
    }
    node.receipts_.clear();
    node.used_.clear();
  };
  const int warm = 500;
  for (int done = 0; done < rows;) {
    const int next = std::min(rows, done + 20'000);
    fill(*ledger, done, next);
    settle(static_cast<std::uint64_t>(next));
    done = next;
  }
  fill(*ledger, rows, rows + warm);
  settle(static_cast<std::uint64_t>(rows + warm));
  const double start = cpu();
  fill(*ledger, rows + warm, rows + warm + measured);
  settle(static_cast<std::uint64_t>(rows + warm + measured));
  return (cpu() - start) * 1e6 / measured;
}

}  // namespace

TEST_CASE("sustained: settlements a second, one signer, batches of 100, 1 s blocks", "[sustained]") {
  if (!soak()) return;
  ANDUIN_NEED_ANVIL();
  const char* length = std::getenv("ANDUIN_SUSTAINED_S");
  const int measure_s = length != nullptr ? std::atoi(length) : 60;
  Anvil anvil(AnvilOptions{.block_time_s = 1, .gas_limit = 400'000'000});
  TestVault vault(anvil);
  TempDir dir;
  SystemClock clock;
  auto ledger = open_ledger(dir, clock);
  register_users(*ledger, vault.address());
  const int closes = measure_s * 1'700;
  const auto filling = std::chrono::steady_clock::now();
  fill(*ledger, 0, closes);
  std::printf("%d closes durable in %.1f s\n", closes, seconds_since(filling));
  auto transport = std::move(*chain::HttpTransport::create(anvil.url()));
  chain::JsonRpcNode node(*transport);
  auto key = settler();
  Submitter submitter(options(), *ledger, vault.vault(), node, *key, clock);
  std::uint64_t first = 0, last = 0, at_first = 0;
  {
    SubmitterThread thread(submitter, 100);
    // From the first settled block on: what counts is settlements that became final a second.
    while (thread.status().settled == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto start = std::chrono::steady_clock::now();
    at_first = thread.status().settled;
    first = clock.mono_ns();
    while (seconds_since(start) < measure_s && thread.status().settled < static_cast<std::uint64_t>(closes)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    last = clock.mono_ns();
  }
  const auto status = submitter.status();
  const double rate = static_cast<double>(status.settled - at_first) * 1e9 / static_cast<double>(last - first);
  std::printf("sustained: %.0f settlements/s over %.0f s (%llu settled, %llu sent, %llu resends, %llu bumps) %s\n", rate,
              static_cast<double>(last - first) * 1e-9, static_cast<unsigned long long>(status.settled),
              static_cast<unsigned long long>(status.sent), static_cast<unsigned long long>(status.resends),
              static_cast<unsigned long long>(status.bumps), status.last_error.c_str());
  CHECK(rate >= 1'000);
  std::set<Hash> refs;
  for (const auto& e : vault.events()) CHECK(refs.insert(e.ref_id).second);
}

TEST_CASE("sustained: ready to send after a restart with 10,000 open slots", "[sustained]") {
  if (!soak()) return;
  TempDir dir;
  SystemClock clock;
  LedgerOptions lo;
  lo.synchronous = false;
  const auto vault = *chain::Vault::create(address_of(0x5e));
  auto key = settler();
  auto o = options();
  {
    auto ledger = open_ledger(dir, clock, lo);
    register_users(*ledger, vault.address());
    constexpr int kSlots = 10'000, kItems = 5;
    fill(*ledger, 0, kSlots * kItems);
    const auto signer = *ledger->acquire_signer(kChain, key->address(), vault.address());
    REQUIRE(ledger->raise_nonce(signer, 0, "test"));
    for (int s = 0; s < kSlots; ++s) {
      const auto items = *ledger->queued(kChain, vault.address(), kItems);
      std::vector<chain::VaultItem> list;
      for (const auto& i : items) list.push_back({i.action, i.user, i.units, i.ref_id});
      const Call call{vault.address(), *vault.batch_call(list, true)};
      const auto slot = ledger->reserve(signer, vault.address(), items, call, 300'000);
      REQUIRE(slot);
      chain::Transaction tx;
      tx.chain_id = kChain;
      tx.nonce = slot->nonce;
      tx.max_fee = 2'000'000'000;
      tx.gas_limit = 300'000;
      tx.to = call.to;
      tx.data = call.calldata;
      auto made = *chain::sign(tx, *key);
      const AttemptRow attempt{made.hash, false, made.raw, tx.max_fee, 0, tx.gas_limit};
      REQUIRE(ledger->add_attempt(signer, slot->id, attempt));
      REQUIRE(ledger->mark_sent(signer, slot->id, attempt.hash, ""));
    }
  }
  FastNode node;
  node.vault = &vault;
  node.mines = false;
  const auto start = std::chrono::steady_clock::now();
  auto ledger = open_ledger(dir, clock, lo);
  Submitter submitter(o, *ledger, vault, node, *key, clock);
  while (node.sent.empty()) REQUIRE(submitter.tick());
  const double ready = std::chrono::duration<double>(node.first_send - start).count();
  std::printf("restart: first bytes out %.3f s after opening the ledger, %zu open slots\n", ready,
              submitter.status().open_slots);
  CHECK(submitter.status().open_slots == 10'000);
  CHECK(ready < 2);
}

TEST_CASE("sustained: a settlement costs the same in a large ledger", "[sustained]") {
  if (!soak()) return;
  const char* rows = std::getenv("ANDUIN_LEDGER_ROWS");
  const int large = rows != nullptr ? std::atoi(rows) : 1'000'000;
  const double small_us = cost(1'000, 20'000), large_us = cost(large, 20'000);
  std::printf("cost of a settlement, close to SETTLED: %.0f us CPU with 1,000 rows, %.0f us with %d rows (x %.2f)\n",
              small_us, large_us, large, large_us / small_us);
  CHECK(large_us < small_us * 1.3);
}
