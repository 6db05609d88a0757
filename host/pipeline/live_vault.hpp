// One live vault: its endpoints, signer and submitter, running. Thread: wake(), status() and
// endpoints() from any.
// Lifetime: ledger, clock and random outlive it; the destructor waits for the round under way.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "chain/rpc_health.hpp"
#include "pipeline/settings.hpp"
#include "settle/ledger.hpp"
#include "settle/submitter.hpp"

namespace anduin::pipeline {

class LiveVault {
 public:
  /// Probes the chain (id, code, token decimals, role): going live begins with proof. kBadRequest when vault, chain,
  /// key, role or decimals are wrong. A node that is away is waited for: nothing is sent, status() says why.
  static Result<std::unique_ptr<LiveVault>> start(const VaultSettings& settings, settle::Ledger& ledger, Clock& clock,
                                                  Random& random);
  ~LiveVault();
  void wake();
  [[nodiscard]] settle::SubmitterStatus status() const;
  [[nodiscard]] std::vector<chain::EndpointStatus> endpoints() const;
  /// Submitter::reopen, between two of its rounds; waits for it. Any thread.
  Result<std::size_t> reopen(const std::string& actor, const std::string& reason);
  [[nodiscard]] const std::string& name() const;

 private:
  struct Impl;
  explicit LiveVault(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::pipeline
