// The options of one instance: the venue's, with the instance's own market. Pure function.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "plugin/manifest.hpp"

namespace anduin::pipeline {

/// `market` as the plugin's schema wants it: one text, or a list with one entry. Empty: the plugin's default.
inline nlohmann::json options_with_market(const plugin::Manifest& manifest, const std::string& options_json,
                                          const std::string& market) {
  nlohmann::json options = nlohmann::json::parse(options_json);
  if (market.empty()) return options;
  const nlohmann::json& config = manifest.json.at("config");
  const auto type = config.value(nlohmann::json::json_pointer("/properties/market/type"), nlohmann::json("string"));
  const bool list = type == "array" || (type.is_array() && std::find(type.begin(), type.end(), "array") != type.end());
  options["market"] = list ? nlohmann::json::array({market}) : nlohmann::json(market);
  return options;
}

}  // namespace anduin::pipeline
