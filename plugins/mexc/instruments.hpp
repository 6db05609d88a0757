// Rows of GET /api/v1/contract/detail as instrument descriptions. Pure functions, any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::mexc {

inline constexpr std::string_view kLinear = "linear", kInverse = "inverse";  ///< values of the option `market`
inline constexpr std::string_view kDetail = "/api/v1/contract/detail";

/// One row of the list; views point into it. The names are those of the symbol: BASE_QUOTE.
/// BadFrame names the member that is missing or not known.
[[nodiscard]] venue::InstrumentInfo instrument_of(const json::View& row);

/// What a symbol's spelling says of the currency that its profit is paid in: the quote currency, but the coin where
/// that is plain USD. Only for contracts that the catalogue no longer describes. Empty for other spellings.
[[nodiscard]] std::string_view likely_settle_coin(std::string_view symbol);

/// linear where the profit is paid in the currency that prices are quoted in.
[[nodiscard]] std::string_view market_of(std::string_view symbol, std::string_view settle_coin);

/// The option `market`, linear first and each once. Throws BadOption.
[[nodiscard]] std::vector<std::string_view> wanted_markets(const venue::Options& options);

}  // namespace anduin::mexc
