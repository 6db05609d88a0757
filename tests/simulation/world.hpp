// One seeded run of the settlement path: closes arrive, the process crashes at any write and any send, the
// chain reorganizes, forgets, is used by others. The verdict comes from the vault's events alone. One
// thread; everything in it follows from the seed.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "settle/submitter.hpp"
#include "simulation/fake_chain.hpp"

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

struct WorldOptions {
  std::uint64_t seed = 0;
  bool duplicate_check = true;  ///< false: the vault settles a refId as often as it is told to
  MakeSubmitter make = real_submitter;
};

struct Verdict {
  std::string
      failure;  ///< empty: every close took effect exactly once, with the right amount, and all is drained
  std::uint64_t closes = 0, crashes = 0, reorgs = 0, drops = 0, foreign = 0, rivals = 0, duplicates = 0,
                lost_slots = 0, bumps = 0, rounds = 0;
};

Verdict run_world(const WorldOptions& options);

}  // namespace anduin::simulation
