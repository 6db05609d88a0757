// The same world over a real EVM node: the reference vault's own bytecode, anvil's reorgs, dropped transactions, rivals
// and foreign uses of the key; crashes by exceptions; verdict from the vault's events.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "simulation/anvil_outside.hpp"
#include "simulation/campaign.hpp"

namespace {

using namespace anduin::simulation;

/// Shorter storms than in memory: every question is a round trip.
constexpr std::uint64_t kStorm = 60, kSeedsSoak = 50;

Campaign campaign(bool duplicate_check, std::uint64_t first, std::uint64_t count) {
  CampaignOptions o;
  o.duplicate_check = duplicate_check;
  o.first = first;
  o.count = count;
  o.outside = make_anvil_outside;
  o.storm_rounds = kStorm;
  return run_campaign(o);
}

}  // namespace

TEST_CASE("over anvil every close takes effect exactly once, vault with the duplicate check") {
  const Campaign c = campaign(true, 1, 2);
  CHECK(c.failed == 0);
  CHECK(c.total.crashes > 0);
  CHECK(c.total.reorgs > 0);
}
TEST_CASE("over anvil every close takes effect exactly once, vault without the duplicate check") {
  const Campaign c = campaign(false, 1, 3);
  CHECK(c.failed == 0);
  CHECK(c.total.crashes > 0);
  CHECK(c.total.reorgs > 0);
}

TEST_CASE("over anvil, the large count", "[.][soak]") {
  if (std::getenv("ANDUIN_SOAK") == nullptr) {
    std::puts("SKIPPED: set ANDUIN_SOAK=1");
    return;
  }
  CHECK(campaign(true, 1'001, kSeedsSoak).failed == 0);
  CHECK(campaign(false, 2'001, kSeedsSoak).failed == 0);
}
