// Bybit's product categories. One public connection serves one category, and (category, symbol) names an instrument:
// BTCUSDT is a linear contract and a spot pair. Plain values; any thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::bybit {

enum class Category : std::uint8_t { kLinear, kInverse, kSpot };

inline constexpr std::array<Category, 3> kCategories{Category::kLinear, Category::kInverse, Category::kSpot};

inline std::string_view text(Category c) {
  static constexpr std::array<std::string_view, 3> kNames{"linear", "inverse", "spot"};
  return kNames[static_cast<std::size_t>(c)];
}

inline std::optional<Category> category_of(std::string_view name) {
  for (const Category c : kCategories)
    if (name == text(c)) return c;
  return std::nullopt;
}

/// The option `market`, in Bybit's order and each once. Throws BadOption.
inline std::vector<Category> categories_of(const venue::Options& options) {
  std::array<bool, kCategories.size()> wanted{};
  for (const std::string& name : options.list("market")) {
    const auto c = category_of(name);
    if (!c) throw BadOption("/market", "'" + name + "' is not linear, inverse or spot");
    wanted[static_cast<std::size_t>(*c)] = true;
  }
  std::vector<Category> out;
  for (const Category c : kCategories)
    if (wanted[static_cast<std::size_t>(c)]) out.push_back(c);
  if (out.empty()) throw BadOption("/market", "name at least one of linear, inverse, spot");
  return out;
}

}  // namespace anduin::bybit
