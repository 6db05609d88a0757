#include "pipeline/live_vault.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "chain/rpc_pool.hpp"
#include "chain/vault.hpp"
#include "pipeline/vault_options.hpp"
#include "pipeline/vault_signers.hpp"
#include "settle/submitter_thread.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::int64_t kNodeRetryMs = 2'000;  // a node that restarts is back within seconds
constexpr std::int64_t kPollMs = 500;  // blocks come every 1 to 2 s on the chains this is for

chain::U256 wei_of_gwei(const Decimal& gwei) {
  const Decimal wei = (gwei * Decimal(1'000'000'000)).truncated(0);
  return chain::U256(wei.to_string());
}
constexpr int kGweiPerEth = 1'000'000'000;

bool passes(ErrorKind kind) { return kind == ErrorKind::kRetryable || kind == ErrorKind::kRetryableAfter; }

}  // namespace

struct LiveVault::Impl {
  Impl(const VaultSettings& s, settle::Ledger& l, Clock& c, Random& r) : settings(s), ledger(l), clock(c), random(r) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    if (waiter.joinable()) waiter.join();
  }

  Result<void> go_live();
  void wait_for_node(std::string why);

  VaultSettings settings;
  settle::Ledger& ledger;
  Clock& clock;
  Random& random;
  std::unique_ptr<chain::RpcPool> node;
  VaultSigners signers;
  std::unique_ptr<chain::Vault> vault;
  std::unique_ptr<settle::SafeExecutor> executor;  ///< nothing = the signer calls the vault itself

  std::mutex mutex;  ///< of what follows
  std::condition_variable changed;
  bool stopping = false;
  std::string waiting_for;  ///< why nothing is sent yet; empty once live
  std::unique_ptr<settle::Submitter> submitter;
  std::unique_ptr<settle::SubmitterThread> thread;
  std::thread waiter;
};

LiveVault::LiveVault(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LiveVault::~LiveVault() = default;

void LiveVault::wake() {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->thread) impl_->thread->wake();
}

settle::SubmitterStatus LiveVault::status() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->thread) return impl_->thread->status();
  settle::SubmitterStatus none;
  none.last_error = impl_->waiting_for;
  return none;
}

Result<std::size_t> LiveVault::reopen(const std::string& actor, const std::string& reason) {
  settle::SubmitterThread* thread = nullptr;
  {
    const std::lock_guard lock(impl_->mutex);
    thread = impl_->thread.get();
    if (thread == nullptr) return Error{ErrorKind::kRetryable, name(), "it is not live yet: " + impl_->waiting_for};
  }
  return thread->reopen(actor, reason);
}

std::vector<chain::EndpointStatus> LiveVault::endpoints() const { return impl_->node->status(); }

const std::string& LiveVault::name() const { return impl_->settings.name; }

/// Proof first: chain, code, token and role. Then the submitter runs.
Result<void> LiveVault::Impl::go_live() {
  const std::string where = "vault " + settings.name;
  const auto bad = [&](std::string text) { return Error{ErrorKind::kBadRequest, where, std::move(text)}; };
  const auto proof = prove_signers(signers, *node);
  if (!proof) return proof.error();
  for (const std::string& warning : proof->warnings) spdlog::warn("[{}] {}", where, warning);
  auto facts = vault->probe(*node, settings.chain_id, settings.token_decimals, signers.settler(), random);
  if (!facts) return passes(facts.error().kind) ? facts.error() : bad(facts.error().to_string());
  if (facts->role_missing())
    return bad((signers.safe ? "Safe " : "signer ") + signers.settler().to_string() + " may not settle on " + vault->address().to_string() + ": " +
               facts->credit_revert->to_string() + "; grant it the role");
  if (facts->credit_revert) spdlog::warn("[{}] a credit would fail now: {}", where, facts->credit_revert->to_string());
  settle::SubmitterOptions o;
  o.vault_name = settings.name;
  o.chain_id = settings.chain_id;
  o.token_decimals = settings.token_decimals;
  o.settled_at.kind = settings.settled_at.at == FinalityRuleSetting::At::kFinalized ? settle::FinalityRule::Kind::kFinalized
                      : settings.settled_at.at == FinalityRuleSetting::At::kSafe    ? settle::FinalityRule::Kind::kSafe
                                                                                    : settle::FinalityRule::Kind::kDepth;
  o.settled_at.depth = settings.settled_at.depth;
  o.in_flight_max = settings.in_flight;
  o.batch_max = settings.batch_max;
  o.batch_window_ms = settings.batch_window_ms;
  o.fees.max_fee_ceiling = wei_of_gwei(settings.fee_max_gwei);
  if (settings.gas_reserve_eth) o.gas_reserve = wei_of_gwei(*settings.gas_reserve_eth * Decimal(kGweiPerEth));
  o.gas_limit_max = settings.gas_limit_max;
  executor = signers.executor(settings.name, ledger, clock);
  auto made = std::make_unique<settle::Submitter>(std::move(o), ledger, *vault, *node, *signers.signer, clock,
                                                    executor.get());
  if (auto ok = made->start(); !ok) return ok.error();
  spdlog::info("[{}] live on chain {} at {}: {}", where, facts->chain_id, vault->address().to_string(), proof->sentence);
  const std::lock_guard lock(mutex);
  submitter = std::move(made);
  thread = std::make_unique<settle::SubmitterThread>(*submitter, kPollMs, [where](const Error& e) {
    spdlog::error("[{}] nothing is sent: {}", where, e.to_string());
  });
  waiting_for.clear();
  return {};
}

/// The node was away at the start: closes become durable and QUEUED meanwhile; the proof is tried until it is given.
void LiveVault::Impl::wait_for_node(std::string why) {
  waiting_for = why;
  spdlog::error("[vault {}] nothing is sent until its node answers: {}", settings.name, why);
  waiter = std::thread([this, last = std::move(why)]() mutable {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        if (changed.wait_for(lock, std::chrono::milliseconds(kNodeRetryMs), [this] { return stopping; })) return;
      }
      const auto live = go_live();
      if (live) return;
      const std::string now = live.error().to_string();
      if (now != last) spdlog::error("[vault {}] nothing is sent: {}", settings.name, now);
      last = now;
      const std::lock_guard lock(mutex);
      waiting_for = now;
    }
  });
}

Result<std::unique_ptr<LiveVault>> LiveVault::start(const VaultSettings& settings, settle::Ledger& ledger, Clock& clock,
                                                    Random& random) {
  auto impl = std::make_unique<Impl>(settings, ledger, clock, random);
  const std::string where = "vault " + settings.name;
  const auto bad = [&](std::string text) { return Error{ErrorKind::kBadRequest, where, std::move(text)}; };
  const auto address = chain::Address::parse(settings.address.value);
  if (!address) return bad("its address is not an address");
  if (settings.rpc.empty()) return bad("it is live and has no rpc");
  auto pool = rpc_pool(settings, clock);
  if (!pool) return pool.error();
  impl->node = std::move(*pool);
  auto signers = make_vault_signers(settings, where, clock, random);
  if (!signers) return signers.error();
  impl->signers = std::move(*signers);
  auto abi = vault_abi(settings.abi, where);
  if (!abi) return abi.error();
  auto vault = chain::Vault::create(*address, *abi);
  if (!vault) return vault.error();
  impl->vault = std::make_unique<chain::Vault>(std::move(*vault));

  if (auto live = impl->go_live(); !live) {
    if (!passes(live.error().kind)) return live.error();
    impl->wait_for_node(live.error().to_string());
  }
  return std::unique_ptr<LiveVault>(new LiveVault(std::move(impl)));
}

}  // namespace anduin::pipeline
