// One seeded run of the settlement path: closes arrive, the process crashes at any write and any send, the
// chain reorganizes, forgets, is used by others, an operator decides. The verdict comes from the vault's events; the
// books must agree with them. One thread; everything in it follows from the seed.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "settle/submitter.hpp"
#include "simulation/outside.hpp"

namespace anduin::simulation {

/// What a mutant needs to build itself; the real one uses the same.
struct Parts {
  settle::SubmitterOptions options;
  settle::Ledger& ledger;
  const chain::Vault& vault;
  chain::Node& node;
  chain::Signer& signer;
  Clock& clock;
};
using MakeSubmitter = std::function<std::unique_ptr<settle::Submitter>(const Parts&)>;

std::unique_ptr<settle::Submitter> real_submitter(const Parts& parts);

/// One rule taken out of the real code. What is not set is the real thing.
struct Mutation {
  MakeSubmitter make = real_submitter;
  /// After every opening of the ledger, with its file: takes a constraint or a compare-and-set away.
  std::function<void(const std::filesystem::path&)> on_open;
  /// Instead of one commit of closes and watermark.
  std::function<bool(settle::Ledger&, const settle::AccountBatch&)> commit;
  /// After a report of a known close with another amount.
  std::function<void(const std::filesystem::path&, const ClosedPosition&)> on_correction;
  /// A fatal error ends the process and it is started again, as a supervisor does, instead of ending the run: where a
  /// second guard notices a mistake, what has happened on the chain is still the verdict.
  bool restarts = false;
};

using MakeOutside = std::function<std::unique_ptr<Outside>(bool, SeededRandom&, const FaultRates&)>;

struct WorldOptions {
  std::uint64_t seed = 0;
  bool duplicate_check = true;  ///< false: the vault settles a refId as often as it is told to
  Mutation mutation = {};
  MakeOutside outside = make_fake_outside;
  std::uint64_t storm_rounds = 120;
};

/// Counted over a run, by name; the sum of two runs is that of every count.
struct Counts {
  std::uint64_t closes = 0, crashes = 0, reorgs = 0, drops = 0, foreign = 0, rivals = 0, wrong_rivals = 0,
                duplicates = 0, corrections = 0, held = 0, decisions = 0, pauses = 0, poison = 0, rotating = 0,
                rpc_errors = 0, lost_replies = 0, stale_receipts = 0, meanwhile = 0, lost_slots = 0, bumps = 0,
                slots = 0, batches = 0, rounds = 0;
  void add(const Counts& other);
  [[nodiscard]] std::string to_string() const;
};

struct Verdict {
  /// Empty: every close took effect exactly once, with the right amount, and all is drained.
  std::string failure;
  Counts counts;
};

Verdict run_world(const WorldOptions& options);

}  // namespace anduin::simulation
