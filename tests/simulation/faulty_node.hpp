// A node that fails by dice in front of a real one: lost questions, lost answers to a send, the process dying around a
// send, receipts that are not there. One thread; the real node and the dice outlive it.
#pragma once
#include <functional>

#include "base/random.hpp"
#include "chain/node.hpp"

namespace anduin::simulation {

/// The process dies here. Not a std::exception, so that nothing in the host can mistake it for an error.
struct Crash {};

/// How often things go wrong, in per mille of the calls concerned.
struct FaultRates {
  unsigned rpc_error = 50, lost_reply = 40, crash_at_send = 30, stale_receipt = 50, crash_at_write = 30;
};

class FaultyNode : public chain::Node {
 public:
  FaultyNode(chain::Node& real, SeededRandom& dice, FaultRates rates) : real_(real), dice_(dice), rates_(rates) {}
  void set_calm() { rates_ = {0, 0, 0, 0, 0}; }

  /// Runs before every call: what other threads do while this one waits for the network.
  std::function<void()> meanwhile;
  std::uint64_t rpc_errors = 0, lost_replies = 0, stale_receipts = 0;

  Result<std::uint64_t> chain_id() override;
  Result<std::optional<chain::Block>> block(const chain::BlockId& id) override;
  Result<std::uint64_t> transaction_count(const chain::Address& who, const chain::BlockId& at) override;
  Result<chain::U256> balance(const chain::Address& who, const chain::BlockId& at) override;
  Result<Bytes> code(const chain::Address& who, const chain::BlockId& at) override;
  Result<chain::CallResult> call(const chain::Address& from, const chain::Address& to, const Bytes& data,
                                 const chain::BlockId& at) override;
  Result<std::variant<std::uint64_t, chain::CallResult>> estimate_gas(const chain::Address& from,
                                                                      const chain::Address& to,
                                                                      const Bytes& data) override;
  Result<chain::FeeSuggestion> suggest_fees() override;
  Result<chain::SendResult> send_raw(const Bytes& raw) override;
  Result<std::optional<chain::Receipt>> receipt(const chain::Hash& transaction) override;
  Result<std::vector<chain::Log>> logs(const chain::LogFilter& filter) override;

 protected:
  /// What an endpoint that is behind says of a transaction; nothing = that it knows none.
  virtual std::optional<chain::Receipt> stale_receipt(const chain::Hash&) { return std::nullopt; }

 private:
  bool hit(unsigned per_mille) { return per_mille != 0 && dice_.below(1000) < per_mille; }
  std::optional<Error> fault();
  chain::Node& real_;
  SeededRandom& dice_;
  FaultRates rates_;
};

}  // namespace anduin::simulation
