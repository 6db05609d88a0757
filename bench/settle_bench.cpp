// (c) Close to durable row (through the writer thread), and durable to first broadcast (submitter thread against a node
// that answers at once), beside the floor of the same run: one fsync of one page on the same file system.
//   settle_bench [--closes N]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "settle/ledger.hpp"
#include "settle/ledger_writer.hpp"
#include "settle/submitter_thread.hpp"

namespace {

using namespace anduin;

std::uint64_t now_ns() { return SystemClock().mono_ns(); }

/// Takes every transaction and never mines one: time ends at the broadcast.
class InstantNode final : public chain::Node {
 public:
  std::mutex mutex;
  std::vector<std::uint64_t> sent_ns;

  Result<std::uint64_t> chain_id() override { return 31337; }
  Result<std::optional<chain::Block>> block(const chain::BlockId&) override {
    chain::Block b;
    b.number = 100;
    b.timestamp_s = 1'700'000'000;
    b.base_fee = 1'000'000'000;
    return std::optional<chain::Block>(b);
  }
  Result<std::uint64_t> transaction_count(const chain::Address&, const chain::BlockId&) override { return 0; }
  Result<chain::U256> balance(const chain::Address&, const chain::BlockId&) override { return chain::U256("1000000000000000000000"); }
  Result<Bytes> code(const chain::Address&, const chain::BlockId&) override { return Bytes{1}; }
  Result<chain::CallResult> call(const chain::Address&, const chain::Address&, const Bytes&, const chain::BlockId&) override {
    chain::CallResult r;
    r.data = Bytes(32, 0);
    return r;
  }
  Result<std::variant<std::uint64_t, chain::CallResult>> estimate_gas(const chain::Address&, const chain::Address&, const Bytes&) override {
    return std::variant<std::uint64_t, chain::CallResult>(std::uint64_t{80'000});
  }
  Result<chain::FeeSuggestion> suggest_fees() override { return chain::FeeSuggestion{1'000'000'000, 1'000'000}; }
  Result<chain::SendResult> send_raw(const Bytes&) override {
    const std::lock_guard lock(mutex);
    sent_ns.push_back(now_ns());
    return chain::SendResult{chain::SendClass::kAccepted, {}};
  }
  Result<std::optional<chain::Receipt>> receipt(const chain::Hash&) override { return std::optional<chain::Receipt>(); }
  Result<std::vector<chain::Log>> logs(const chain::LogFilter&) override { return std::vector<chain::Log>(); }
};

void print(const char* what, std::vector<double> us) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double q) { return us[static_cast<std::size_t>(q * static_cast<double>(us.size() - 1))]; };
  std::printf("%-34s p50 %8.0f us  p99 %8.0f us  p99.9 %8.0f us  (%zu)\n", what, at(0.5), at(0.99), at(0.999), us.size());
}

template <class T>
T need(Result<T> r) {
  if (r) return std::move(*r);
  std::fprintf(stderr, "settle_bench: %s\n", r.error().to_string().c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  int closes = 1000;
  if (argc == 3 && std::string(argv[1]) == "--closes") closes = std::atoi(argv[2]);
  std::string dir = (std::filesystem::current_path() / "settle-bench-XXXXXX").string();
  if (!mkdtemp(dir.data())) return 1;

  std::vector<double> floor_us;
  const int fd = open((dir + "/floor").c_str(), O_RDWR | O_CREAT, 0600);
  const std::string page(4096, 'x');
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t start = now_ns();
    if (pwrite(fd, page.data(), page.size(), 4096 * i) != 4096 || fsync(fd) != 0) return 1;
    floor_us.push_back(static_cast<double>(now_ns() - start) / 1000);
  }
  close(fd);
  print("floor: one page, one fsync", floor_us);

  SystemClock clock;
  SystemRandom random;
  settle::LedgerOptions options;
  options.path = dir + "/ledger.db";
  auto ledger = need(settle::Ledger::open(options, clock));
  const auto address = *chain::Address::parse("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
  settle::AccountTerms terms;
  terms.name = "bench";
  terms.venue = "Bybit";
  terms.user = *chain::Address::parse("0x90F79bf6EB2c4f870365E785982E1f101E93b906");
  terms.vault = {"main", 31337, address, true};
  terms.settle_from_ms = 0;
  need(ledger->register_account(terms));

  InstantNode node;
  const auto vault = need(chain::Vault::create(address));
  // The publicly known development key of local nodes.
  auto signer = need(chain::LocalSigner::from_hex_key("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d", random));
  settle::SubmitterOptions so;
  so.chain_id = 31337;
  so.in_flight_max = static_cast<std::size_t>(closes) + 1;
  settle::Submitter submitter(so, *ledger, vault, node, *signer, clock);
  if (auto ok = submitter.start(); !ok) return 1;
  settle::SubmitterThread thread(submitter);
  settle::LedgerWriter writer(*ledger, [&] { thread.wake(); });

  std::vector<double> durable_us(static_cast<std::size_t>(closes)), broadcast_us;
  for (int i = 0; i < closes; ++i) {
    ClosedPosition p;
    p.venue = "Bybit";
    p.account = "bench";
    p.id = "bench:" + std::to_string(i);
    p.symbol = p.native_symbol = "BTCUSDT";
    p.market = "linear";
    p.kind = InstrumentKind::kLinearPerpetual;
    p.exit_price = Decimal::of("96000");
    p.size = Decimal::of("0.01");
    p.entry_price = Decimal::of("95000");
    p.pnl = Decimal(10);
    p.pnl_text = "10";
    p.currency = p.fee_currency = "USDT";
    p.closed_ms = clock.wall_ms();
    p.entry_derived = true;
    settle::AccountBatch batch;
    batch.account = "bench";
    batch.closes.push_back(p);
    std::size_t sent_before = 0;
    {
      const std::lock_guard lock(node.mutex);
      sent_before = node.sent_ns.size();
    }
    std::atomic<std::uint64_t> durable{0};
    const std::uint64_t start = now_ns();
    writer.post(std::move(batch), [&](Result<std::vector<settle::CloseOutcome>> r) {
      if (!r || r->front().outcome != settle::Outcome::kAccepted) std::exit(1);
      durable = now_ns();
    });
    while (durable == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    durable_us[static_cast<std::size_t>(i)] = static_cast<double>(durable - start) / 1000;
    // Wait for its broadcast: one close at a time, as they come in practice.
    for (const std::uint64_t until = now_ns() + 5'000'000'000ULL; now_ns() < until;) {
      {
        const std::lock_guard lock(node.mutex);
        if (node.sent_ns.size() > sent_before) {
          const std::uint64_t sent = node.sent_ns[sent_before];
          broadcast_us.push_back(sent > durable ? static_cast<double>(sent - durable) / 1000 : 0);
          break;
        }
      }
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
  print("close to durable row", durable_us);
  if (broadcast_us.empty()) std::printf("nothing was broadcast: %s\n", thread.status().last_error.c_str());
  else print("durable to first broadcast", broadcast_us);
  writer.stop();
  thread.stop();
  std::filesystem::remove_all(dir);
  return broadcast_us.size() == static_cast<std::size_t>(closes) ? 0 : 1;
}
