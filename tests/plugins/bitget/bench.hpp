// The recording host with the Bitget plugin in it. Thread: one.
#pragma once
#include "plugins/support/plugin_bench.hpp"

namespace anduin::test {

struct Bench final : PluginBench {
  explicit Bench(bool account, nlohmann::json options = nlohmann::json::object(), std::int64_t start_ms = kStartMs)
      : PluginBench("bitget", account, std::move(options), start_ms) {}
  static const nlohmann::json& manifest() { return PluginBench::manifest("bitget"); }
};

}  // namespace anduin::test
