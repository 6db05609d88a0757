#include "simulation/campaign.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace anduin::simulation {
namespace {

/// A sign of life in a soak's log.
constexpr std::uint64_t kProgressEvery = 500;

unsigned long long n(std::uint64_t v) { return v; }

}  // namespace

void quiet() {
  spdlog::set_level(std::getenv("ANDUIN_SIM_LOG") != nullptr ? spdlog::level::debug : spdlog::level::off);
}

Campaign run_campaign(const CampaignOptions& options) {
  quiet();
  Campaign c;
  const char* vault = options.duplicate_check ? "checked" : "unchecked";
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    const Verdict v = run_world({seed, options.duplicate_check, {}, options.outside, options.storm_rounds});
    c.total.add(v.counts);
    if (++c.seeds % kProgressEvery == 0) {
      std::printf("  %s vault: %llu seeds, %llu failed\n", vault, n(c.seeds), n(c.failed));
      std::fflush(stdout);
    }
    if (v.failure.empty()) continue;
    ++c.failed;
    std::printf("seed %llu on the %s vault: %s\n  replay: ANDUIN_SEED=%llu ANDUIN_VAULT=%s build/bin/simulation_test "
                "\"[replay]\"\n", n(seed), vault, v.failure.c_str(), n(seed), vault);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%s vault, seeds %llu to %llu: %llu seeds, %llu failed (0 failed = 0 double, 0 lost, all drained), %.1f "
              "seeds/s: %s\n", vault, n(options.first), n(options.first + options.count - 1), n(c.seeds), n(c.failed),
              static_cast<double>(c.seeds) / took.count(), c.total.to_string().c_str());
  std::fflush(stdout);
  return c;
}

}  // namespace anduin::simulation
