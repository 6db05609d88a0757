// (a) Nanoseconds a frame, from the host's buffer through step to the published aggregate, beside simdjson alone on
// the same frames (bytes to symbol, bid, ask, sizes, time). 1,024 distinct frames in rotation, one frame a step.
#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "support/host_path.hpp"

namespace {

using anduin::test::FrameSet;
using anduin::test::HostPath;

constexpr std::size_t kFrames = 1024;

void host_path(benchmark::State& state, const char* venue, const char* market, const char* native) {
  const FrameSet set(venue, kFrames);
  HostPath path(std::string(PLUGIN_DIR) + "/anduin-" + venue + ".so", market, {native});
  std::size_t i = 0;
  for (auto _ : state) {
    path.feed({&set.frames()[i], 1});
    i = (i + 1) % kFrames;
  }
  if (path.prices() < static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("frames without a price");
  state.SetItemsProcessed(static_cast<std::int64_t>(path.published()));
}

void simdjson_bybit(benchmark::State& state) {
  const FrameSet set("bybit", kFrames);
  simdjson::ondemand::parser parser;
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& f = set.frames()[i];
    auto doc = parser.iterate(reinterpret_cast<const char*>(f.data), f.size, f.capacity);
    std::string_view symbol;
    double d[4] = {};
    auto data = doc["data"];
    if (data["s"].get(symbol)) state.SkipWithError("no symbol");
    int n = 0;
    for (const char* side : {"b", "a"})
      for (auto level : data[side].get_array())
        for (auto value : level.get_array()) d[n++ & 3] = value.get_double_in_string().value();
    const std::int64_t cts = doc["cts"].get_int64().value();
    benchmark::DoNotOptimize(d);
    benchmark::DoNotOptimize(symbol);
    benchmark::DoNotOptimize(cts);
    i = (i + 1) % kFrames;
  }
}

void simdjson_kraken(benchmark::State& state) {
  const FrameSet set("kraken", kFrames);
  simdjson::ondemand::parser parser;
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& f = set.frames()[i];
    auto doc = parser.iterate(reinterpret_cast<const char*>(f.data), f.size, f.capacity);
    std::string_view channel, symbol, time;
    double d[4] = {};
    if (doc["channel"].get(channel)) state.SkipWithError("no channel");
    for (auto row : doc["data"].get_array()) {
      symbol = row["symbol"].get_string().value();
      d[0] = row["bid"].get_double().value();
      d[1] = row["bid_qty"].get_double().value();
      d[2] = row["ask"].get_double().value();
      d[3] = row["ask_qty"].get_double().value();
      time = row["timestamp"].get_string().value();
    }
    benchmark::DoNotOptimize(d);
    benchmark::DoNotOptimize(symbol);
    benchmark::DoNotOptimize(time);
    i = (i + 1) % kFrames;
  }
}

}  // namespace

BENCHMARK(simdjson_bybit)->Name("bybit orderbook.1/simdjson alone");
BENCHMARK_CAPTURE(host_path, bybit, "bybit", "linear", "BTCUSDT")->Name("bybit orderbook.1/host path");
BENCHMARK(simdjson_kraken)->Name("kraken v2 ticker/simdjson alone");
BENCHMARK_CAPTURE(host_path, kraken, "kraken", "spot", "BTC/USD")->Name("kraken v2 ticker/host path");
BENCHMARK_MAIN();
