// An update of the aggregate uses no heap, with eight venues in it. Stands alone because it replaces operator new.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

#include "market/aggregator.hpp"

using namespace anduin;
using namespace anduin::market;

namespace {

std::atomic<std::uint64_t> g_allocations{0};

Instrument instrument(std::string venue) {
  Instrument i;
  i.venue = std::move(venue);
  i.market = "spot";
  i.native = "BTCUSDT";
  i.kind = InstrumentKind::kSpot;
  return i;
}

}  // namespace

// The whole program's heap goes through here, so that a test can prove that a path does not use it.
void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t align) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  const auto a = static_cast<std::size_t>(align);
  if (void* p = std::aligned_alloc(a, (size + a - 1) / a * a)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

TEST_CASE("an update allocates nothing") {
  ManualClock clock;
  Aggregator aggregator(clock, {});
  std::uint64_t told = 0;
  aggregator.subscribe([&](const PriceEvent& e) { told += e.sequence != 0 ? 1 : 0; });
  std::vector<Aggregator::Feed*> feeds;
  for (int i = 0; i < 8; ++i)
    feeds.push_back(aggregator.feed(instrument("V" + std::to_string(i)), "BTCUSDT").value());
  Quote q{Decimal::of("50000.1"), Decimal::of("50001"), clock.wall_ms(), clock.mono_ns(), clock.wall_ms()};
  const std::uint64_t before = g_allocations.load();
  for (int i = 0; i < 10'000; ++i) {
    q.bid = Decimal(500001 + i % 7, -1);
    q.received_mono_ns += 1'000'000;
    q.received_ms += 1;
    q.venue_ms += 1;
    aggregator.update(*feeds[static_cast<std::size_t>(i) % 8], q);
  }
  CHECK(g_allocations.load() == before);
  CHECK(told == 10'000);
}
