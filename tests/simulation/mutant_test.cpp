// Does the simulation have teeth? Each mutant is the real code with one rule taken out; it must be caught within 200
// seeds by what happened on the chain or to a settlement, and not by an accident of the mutant.
#include <catch2/catch.hpp>
#include <cstdio>

#include "simulation/campaign.hpp"
#include "simulation/mutants.hpp"

namespace {

using namespace anduin::simulation;

/// The vault's own check hides some mistakes for good, so the long search is on the other one.
constexpr std::uint64_t kSeedsUnchecked = 200, kSeedsChecked = 40;

bool about_money(const std::string& failure) {
  for (const char* symptom : {"lost", " times", "stuck", "another amount"}) {
    if (failure.find(symptom) != std::string::npos) return true;
  }
  return false;
}

/// The first seed whose money or settlements show the mistake (0 = none), and what went wrong.
std::pair<std::uint64_t, std::string> first_caught(bool duplicate_check, const Mutation& mutation) {
  const std::uint64_t seeds = duplicate_check ? kSeedsChecked : kSeedsUnchecked;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (auto v = run_world({seed, duplicate_check, mutation}); about_money(v.failure)) return {seed, v.failure};
  }
  return {0, "not caught in " + std::to_string(seeds) + " seeds"};
}

void must_be_caught(const char* name, const Mutation& mutation) {
  quiet();
  bool caught = false;
  for (const bool check : {false, true}) {
    const auto [seed, failure] = first_caught(check, mutation);
    std::printf("mutant '%s', vault %s the check: seed %llu, %s\n", name, check ? "with" : "without",
                static_cast<unsigned long long>(seed), failure.c_str());
    caught = caught || seed != 0;
  }
  CHECK(caught);
}

}  // namespace

TEST_CASE("mutant: send before persist", "[simulation][mutant]") {
  must_be_caught("send before persist", submitter_mutant<SendBeforePersist>());
}
TEST_CASE("mutant: settled at first receipt", "[simulation][mutant]") {
  must_be_caught("settled at first receipt", submitter_mutant<SettledAtFirstReceipt>());
}
TEST_CASE("mutant: nonce too low taken as success", "[simulation][mutant]") {
  must_be_caught("nonce too low taken as success", submitter_mutant<NonceTooLowIsSuccess>());
}
TEST_CASE("mutant: a dropped transaction re-sent under a new nonce", "[simulation][mutant]") {
  must_be_caught("a dropped transaction re-sent under a new nonce", submitter_mutant<DroppedUnderNewNonce>());
}
TEST_CASE("mutant: reserve without compare-and-set", "[simulation][mutant]") {
  must_be_caught("reserve without compare-and-set", reserve_without_compare_and_set());
}
TEST_CASE("a planner with a stale list does no harm while reserve compares and sets", "[simulation][mutant]") {
  quiet();
  for (std::uint64_t seed = 1; seed <= kSeedsChecked; ++seed) {
    CAPTURE(seed);
    CHECK(run_world({seed, false, submitter_mutant<StalePlanner>()}).failure == "");
  }
}
TEST_CASE("mutant: the same refId twice in a batch", "[simulation][mutant]") {
  must_be_caught("same refId twice in a batch", same_ref_id_twice());
}
TEST_CASE("mutant: amount changed after QUEUED", "[simulation][mutant]") {
  must_be_caught("amount changed after QUEUED", amount_changed_after_queued());
}
TEST_CASE("mutant: watermark before row", "[simulation][mutant]") {
  must_be_caught("watermark before row", watermark_before_row());
}
