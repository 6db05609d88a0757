// The settlement path under a seeded storm of faults (design section 8, settlement.md section 14).
// A failed seed is replayed by: ANDUIN_SEED=<seed> ANDUIN_VAULT=<checked|unchecked>
// build/bin/simulation_test "[replay]" -s
#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "simulation/campaign.hpp"

namespace {

using namespace anduin::simulation;

/// 250 seeds for each vault, in parts that ctest runs beside each other.
constexpr std::uint64_t kSeedsPart = 125;
/// Of a soak, for each vault: design section 8 and issue 4.
constexpr std::uint64_t kSeedsSoak = 10'000;

void with_check(std::uint64_t first) {
  const Campaign c = run_campaign({true, first, kSeedsPart});
  CHECK(c.failed == 0);
  CHECK(c.total.crashes > c.seeds);
  CHECK(c.total.batches > c.seeds / 2);
  CHECK(c.total.reorgs > c.seeds);
  CHECK(c.total.rivals > 0);
  CHECK(c.total.corrections > 0);
  CHECK(c.total.decisions > 0);
  CHECK(c.total.lost_slots > 0);
}

void without_check(std::uint64_t first) {
  const Campaign c = run_campaign({false, first, kSeedsPart});
  CHECK(c.failed == 0);
  CHECK(c.total.crashes > c.seeds);
  CHECK(c.total.batches > c.seeds / 2);
  CHECK(c.total.foreign > 0);
  CHECK(c.total.rotating > 0);
  CHECK(c.total.lost_slots > 0);
  CHECK(c.total.bumps > 0);
}

/// "2/4": the second of four parts of the seeds.
std::pair<std::uint64_t, std::uint64_t> shard() {
  const char* text = std::getenv("ANDUIN_SHARD");
  unsigned long long i = 1, n = 1;
  if (text != nullptr && (std::sscanf(text, "%llu/%llu", &i, &n) != 2 || i < 1 || i > n)) i = n = 1;
  return {i - 1, n};
}

void soak(bool duplicate_check, std::uint64_t base) {
  if (std::getenv("ANDUIN_SOAK") == nullptr) {
    std::puts("SKIPPED: set ANDUIN_SOAK=1");
    return;
  }
  const auto [part, parts] = shard();
  const std::uint64_t count = kSeedsSoak / parts;
  CHECK(run_campaign({duplicate_check, base + part * count, count}).failed == 0);
}

}  // namespace

TEST_CASE("every close takes effect exactly once on a vault with the duplicate check", "[simulation]") {
  with_check(1);
}
TEST_CASE("exactly once with the duplicate check, other seeds", "[simulation]") { with_check(1 + kSeedsPart); }
TEST_CASE("every close takes effect exactly once on a vault without the duplicate check", "[simulation]") {
  without_check(100'001);
}
TEST_CASE("exactly once without the duplicate check, other seeds", "[simulation]") {
  without_check(100'001 + kSeedsPart);
}

TEST_CASE("a seed gives the same run twice", "[simulation]") {
  quiet();
  for (const std::uint64_t seed : {4711U, 4712U, 4713U, 4714U}) {
    const Verdict a = run_world({seed, true}), b = run_world({seed, true});
    CHECK(a.failure == b.failure);
    CHECK(a.counts.to_string() == b.counts.to_string());
    CHECK(a.counts.rounds == b.counts.rounds);
  }
}

TEST_CASE("the large counts with the duplicate check", "[.][soak]") { soak(true, 200'001); }
TEST_CASE("the large counts without the duplicate check", "[.][soak]") { soak(false, 300'001); }

TEST_CASE("replay one seed", "[.][replay]") {
  quiet();
  const char* seed = std::getenv("ANDUIN_SEED");
  const char* vault = std::getenv("ANDUIN_VAULT");
  REQUIRE(seed != nullptr);
  const bool check = vault == nullptr || std::string(vault) != "unchecked";
  const Verdict v = run_world({std::strtoull(seed, nullptr, 10), check});
  std::printf("%s\n", v.counts.to_string().c_str());
  CHECK(v.failure == "");
}
