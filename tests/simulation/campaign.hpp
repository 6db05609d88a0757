// Many seeds of one world, counted and printed. One thread.
#pragma once
#include "simulation/world.hpp"

namespace anduin::simulation {

struct CampaignOptions {
  bool duplicate_check = true;
  std::uint64_t first = 1, count = 1;  ///< seeds
  MakeOutside outside = make_fake_outside;
  std::uint64_t storm_rounds = 120;
};
struct Campaign {
  std::uint64_t seeds = 0, failed = 0;
  Counts total;
};

/// The host's log lines only with ANDUIN_SIM_LOG in the environment.
void quiet();

/// Prints every failed seed with the line that replays it, and the sums.
Campaign run_campaign(const CampaignOptions& options);

}  // namespace anduin::simulation
