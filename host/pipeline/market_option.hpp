// The options of one instance: the venue's, with the instance's own markets. Pure functions.
#pragma once
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/manifest.hpp"

namespace anduin::pipeline {

/// `market` as the plugin's schema wants it: one text, or a list. No markets: the plugin's default.
inline nlohmann::json options_with_markets(const plugin::Manifest& manifest, const std::string& options_json,
                                           const std::vector<std::string>& markets) {
  nlohmann::json options = nlohmann::json::parse(options_json);
  options.erase("market");
  if (markets.empty()) return options;
  const nlohmann::json& config = manifest.json.at("config");
  const auto type = config.value(nlohmann::json::json_pointer("/properties/market/type"), nlohmann::json("string"));
  const bool list = type == "array" || (type.is_array() && std::find(type.begin(), type.end(), "array") != type.end());
  options["market"] = list ? nlohmann::json(markets) : nlohmann::json(markets.front());
  return options;
}

/// True when one key serves every product of the venue: its default market is the whole list (Bybit). Such an account
/// needs no `market`, and without one nothing that it closes is left out.
inline bool one_key_serves_all(const plugin::Manifest& manifest) {
  if (manifest.account_markets.size() < 2 || !manifest.json.contains("config")) return false;
  const auto whole = manifest.json.at("config").value(nlohmann::json::json_pointer("/properties/market/default"), nlohmann::json());
  return whole.is_array() && std::all_of(manifest.account_markets.begin(), manifest.account_markets.end(), [&](const std::string& m) {
    return std::find(whole.begin(), whole.end(), m) != whole.end();
  });
}

/// The products an account is watched on.
inline std::vector<std::string> account_markets(const plugin::Manifest& manifest, const std::string& market) {
  if (!market.empty()) return {market};
  return manifest.account_markets;
}

}  // namespace anduin::pipeline
