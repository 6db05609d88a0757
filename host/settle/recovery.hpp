// Start-up reconciliation: reads the vault's events from the ledger's durable cursor to the settled block, closes rows
// that wait although the chain shows them done, and remembers events of refIds that no row here has.
// No thread of its own: step() does a bounded part. Thread: the submitter's. What it refers to outlives it.
#pragma once
#include "base/clock.hpp"
#include "chain/vault.hpp"
#include "settle/ledger.hpp"

namespace anduin::settle {

struct RecoveryOptions {
  std::uint64_t chain_id = 0;
  std::uint64_t window_blocks = 2'000;  ///< events are asked for so many blocks at a time
};

class Recovery {
 public:
  Recovery(RecoveryOptions options, Ledger& ledger, const chain::Vault& vault, chain::Node& node)
      : options_(options), ledger_(ledger), vault_(vault), node_(node) {}

  /// Reads at most kWindowsPerStep windows up to and including `settled`. True when there is nothing left to read.
  /// The cursor moves with what was read, in one transaction: an end of the process repeats work and loses none.
  Result<bool> step(const SignerKey& key, const chain::Block& settled, const chain::BlockId& settled_id);
  /// The chain below the durable cursor is another one now: the next step begins at what the ledger says.
  void begin_again() { read_to_.reset(); }
  /// Up to which height events were read; nothing before the first step.
  [[nodiscard]] std::optional<std::uint64_t> read_to() const { return read_to_; }
  /// Events on the vault that no row here explains: somebody else settles, or closes have yet to be fetched again.
  [[nodiscard]] std::uint64_t foreign() const { return foreign_; }
  [[nodiscard]] std::uint64_t recovered() const { return recovered_; }

  /// Bounds one round of the submitter to some hundred milliseconds of an endpoint's time.
  static constexpr int kWindowsPerStep = 16;
  /// An end of the process repeats at most so many blocks without events: half an hour of a 2 s chain.
  static constexpr std::uint64_t kBlocksPerWrite = 1'000;

 private:
  Result<void> settle_waiting(const SignerKey& key, const std::vector<QueuedItem>& items,
                              const std::vector<chain::VaultEvent>& events, const chain::BlockId& settled_id);

  RecoveryOptions options_;
  Ledger& ledger_;
  const chain::Vault& vault_;
  chain::Node& node_;
  Result<void> begin(const SignerKey& key, const chain::Block& settled);
  std::optional<std::uint64_t> read_to_;
  std::uint64_t kept_to_ = 0;  ///< the durable cursor
  std::uint64_t foreign_ = 0, recovered_ = 0;
};

}  // namespace anduin::settle
