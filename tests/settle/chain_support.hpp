// A submitter on the in-memory chain, with a node that can be told to answer otherwise. One thread.
#pragma once
#include <functional>

#include "settle/submitter.hpp"
#include "settle/support.hpp"
#include "simulation/fake_chain.hpp"

namespace anduin::settle::test {

/// Forwards to the fake node unless a script says otherwise.
class ScriptedNode final : public chain::Node {
 public:
  explicit ScriptedNode(chain::Node& real) : real_(real) {}
  bool down = false;  ///< every call fails
  std::function<std::optional<chain::SendResult>(const Bytes&)> on_send;
  std::function<std::optional<chain::CallResult>(const Bytes&)> on_estimate;
  std::optional<U256> balance_is;
  std::vector<Bytes> sent;
  std::set<Address> estimate_from;  ///< who asked

  Result<std::uint64_t> chain_id() override { return real_.chain_id(); }
  Result<std::optional<chain::Block>> block(const chain::BlockId& id) override {
    if (down) return refused();
    return real_.block(id);
  }
  Result<std::uint64_t> transaction_count(const Address& who, const chain::BlockId& at) override {
    if (down) return refused();
    return real_.transaction_count(who, at);
  }
  Result<U256> balance(const Address& who, const chain::BlockId& at) override {
    if (balance_is) return *balance_is;
    return real_.balance(who, at);
  }
  Result<Bytes> code(const Address& who, const chain::BlockId& at) override { return real_.code(who, at); }
  Result<chain::CallResult> call(const Address& from, const Address& to, const Bytes& data,
                                 const chain::BlockId& at) override {
    if (down) return refused();
    return real_.call(from, to, data, at);
  }
  Result<std::variant<std::uint64_t, chain::CallResult>> estimate_gas(const Address& from,
                                                                      const Address& to,
                                                                      const Bytes& data) override {
    using Answer = std::variant<std::uint64_t, chain::CallResult>;
    if (down) return refused();
    estimate_from.insert(from);
    if (on_estimate) {
      if (auto scripted = on_estimate(data)) return Answer{*scripted};
    }
    return real_.estimate_gas(from, to, data);
  }
  Result<chain::FeeSuggestion> suggest_fees() override { return real_.suggest_fees(); }
  Result<chain::SendResult> send_raw(const Bytes& raw) override {
    if (down) return refused();
    sent.push_back(raw);
    if (on_send) {
      if (auto scripted = on_send(raw)) return *scripted;
    }
    return real_.send_raw(raw);
  }
  Result<std::optional<chain::Receipt>> receipt(const Hash& h) override {
    if (down) return refused();
    return real_.receipt(h);
  }
  Result<std::vector<chain::Log>> logs(const chain::LogFilter& f) override { return real_.logs(f); }

 private:
  static Error refused() { return {ErrorKind::kRetryable, "node", "connection refused"}; }
  chain::Node& real_;
};

/// A key backend that can be away.
class ScriptedSigner final : public chain::Signer {
 public:
  explicit ScriptedSigner(chain::Signer& real) : real_(real) {}
  bool down = false;
  [[nodiscard]] const Address& address() const override { return real_.address(); }
  Result<chain::Signature> sign(const Hash& digest) override {
    if (down) return Error{ErrorKind::kRetryable, "signer", "the key service does not answer"};
    return real_.sign(digest);
  }
  [[nodiscard]] bool deterministic() const override { return real_.deterministic(); }

 private:
  chain::Signer& real_;
};

/// Ledger, calm chain and submitter; the account's vault is the chain's.
struct Bench {
  TempDir dir;
  ManualClock clock{kNow};
  SeededRandom dice{42};
  chain::Vault vault = *chain::Vault::create(address_of(0x5e));
  simulation::FakeChain chain;
  simulation::FakeNode fake;
  ScriptedNode node{fake};
  // Publicly known development key, of no value anywhere.
  std::unique_ptr<chain::LocalSigner> key = *chain::LocalSigner::from_hex_key(
      "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d", dice);
  ScriptedSigner signer{*key};
  SubmitterOptions options;
  LedgerOptions ledger_options;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Submitter> submitter;

  explicit Bench(bool duplicate_check = true)
      : chain(vault.address(), duplicate_check, dice), fake(chain, dice, {0, 0, 0, 0, 0}) {
    chain.set_calm();
    options.vault_name = "main";
    options.batch_max = 1;  // one settlement a transaction is easier to follow; batch_test.cpp has the others
    options.chain_id = simulation::FakeChain::kChainId;
    ledger_options.synchronous = false;
    open();
  }
  void open() {
    ledger = open_ledger(dir, clock, ledger_options);
    REQUIRE(ledger->register_account(terms("alice")));
    auto capped = terms("bob");
    capped.user = address_of(0xb0);
    capped.capped_seizure = true;
    REQUIRE(ledger->register_account(capped));
    submitter = std::make_unique<Submitter>(options, *ledger, vault, node, signer, clock);
  }
  void close_down() {
    submitter.reset();
    ledger.reset();
  }
  void tick() {
    const auto done = submitter->tick();
    if (!done) FAIL(done.error().to_string());
  }
  /// Rounds of tick and block.
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      tick();
      chain.mine();
      clock.advance_ms(2'000);
    }
    tick();
  }
  SlotRow load(SlotRow slot) {
    if (auto r = ledger->load_slot(slot); !r) FAIL(r.error().to_string());
    return slot;
  }
  std::string state(const std::string& id) { return show(id).first; }
  std::pair<std::string, std::string> show(const std::string& id);  ///< state and reason
  /// Settlement events on the canonical chain.
  std::vector<chain::VaultEvent> events() { return *vault.events(fake, 0, chain.height()); }
};

}  // namespace anduin::settle::test
