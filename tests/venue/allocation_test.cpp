// No heap allocation per frame on the price path: plugin step, gates, aggregate. Counts every operator new of the
// process, the plugin's too; stands alone because it replaces them.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "support/host_path.hpp"

namespace {
std::size_t g_allocations = 0;
}

void* operator new(std::size_t n) {
  ++g_allocations;
  if (void* p = std::malloc(n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace anduin::test;

TEST_CASE("allocations: none per frame of the default price channels, singly and in batches") {
  struct Case {
    const char *venue, *market, *native;
  };
  for (const Case c : {Case{"bybit", "linear", "BTCUSDT"}, Case{"kraken", "spot", "BTC/USD"}}) {
    INFO(c.venue);
    const FrameSet set(c.venue, 512);
    HostPath path(std::string(PLUGIN_DIR) + "/anduin-" + c.venue + ".so", c.market, {c.native});
    for (int i = 0; i < 2; ++i) path.feed(set.frames());
    for (const auto& f : set.frames()) path.feed({&f, 1});
    const auto prices = path.prices();
    const std::size_t before = g_allocations;
    for (int i = 0; i < 20; ++i) {
      path.feed(set.frames());
      for (const auto& f : set.frames()) path.feed({&f, 1});
    }
    const std::size_t after = g_allocations;
    CHECK(after - before == 0);
    CHECK(path.prices() - prices == 20 * 2 * set.frames().size());  // it counted frames that did become prices
  }
}
