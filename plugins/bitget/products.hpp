// The products of Bitget, each with its spelling in REST, in the v3 and v2 streams, and its market in the option
// `market`. Plain values and pure functions; any thread.
#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::bitget {

inline constexpr std::string_view kLinear = "linear", kInverse = "inverse", kSpot = "spot";

struct Product {
  std::string_view name;    ///< ours: of connections and of history cursors
  std::string_view rest;    ///< productType, category, and instType of the v2 streams
  std::string_view stream;  ///< instType of the v3 streams
  std::string_view market;
  std::string_view old_tail;  ///< of the names before v2: BTCUSDT_UMCBL
};

inline constexpr std::array<Product, 4> kProducts{{
    {"usdt", "USDT-FUTURES", "usdt-futures", kLinear, "_UMCBL"},
    {"usdc", "USDC-FUTURES", "usdc-futures", kLinear, "_CMCBL"},
    {"coin", "COIN-FUTURES", "coin-futures", kInverse, "_DMCBL"},
    {"spot", "SPOT", "spot", kSpot, "_SPBL"},
}};

/// The products of the option `market`, in the order of kProducts. Throws BadOption.
inline std::vector<const Product*> chosen_products(const venue::Options& options) {
  std::vector<const Product*> out;
  const auto names = options.list("market");
  for (const std::string& name : names)
    if (name != kLinear && name != kInverse && name != kSpot)
      throw BadOption("/market", "'" + name + "' is not linear, inverse or spot");
  for (const Product& p : kProducts)
    if (std::find(names.begin(), names.end(), p.market) != names.end()) out.push_back(&p);
  if (out.empty()) throw BadOption("/market", "name at least one of linear, inverse, spot");
  return out;
}

/// What a contract's spelling tells: BTCUSDT, BTCPERP, BTCUSD (and dated BTCUSDH26). Null for another spelling.
[[nodiscard]] inline const Product* product_of(std::string_view symbol) {
  static constexpr std::string_view kMonthLetters = "FGHJKMNQUVXZ";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::size_t n = symbol.size();
  const bool dated = n > 6 && is_digit(symbol[n - 1]) && is_digit(symbol[n - 2]) &&
                     kMonthLetters.find(symbol[n - 3]) != std::string_view::npos;
  if (dated) symbol.remove_suffix(3);
  if (symbol.ends_with("USDT")) return &kProducts[0];
  if (symbol.ends_with("PERP") || symbol.ends_with("USDC")) return &kProducts[1];
  return symbol.ends_with("USD") ? &kProducts[2] : nullptr;
}

/// The header of demo trading; it is not signed.
inline std::string_view demo_header(const venue::Options& options) {
  return options.text("demo") == "yes" ? "paptrading: 1\n" : "";
}

}  // namespace anduin::bitget
