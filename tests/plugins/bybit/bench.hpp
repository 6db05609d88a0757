// The recording host with the Bybit plugin in it. Thread: one.
#pragma once
#include "plugins/support/plugin_bench.hpp"

namespace anduin::test {

struct Bench final : PluginBench {
  explicit Bench(bool account, nlohmann::json options = nlohmann::json::object())
      : PluginBench("bybit", account, std::move(options)) {}
  static const nlohmann::json& manifest() { return PluginBench::manifest("bybit"); }
};

}  // namespace anduin::test
