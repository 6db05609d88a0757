// Rows of GET /api/v1/contracts/active as instrument descriptions. Pure functions, any thread.
#pragma once
#include <string_view>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

inline constexpr std::string_view kLinear = "linear", kInverse = "inverse";  ///< values of the option `market`

/// One row of the list; views point into it. BadFrame names the member that is missing or not known.
[[nodiscard]] venue::InstrumentInfo instrument_of(const json::View& row);

/// Whether profit is paid in the currency that prices are quoted in, by the spelling alone: XBTUSDTM in USDT is,
/// XBTUSDM in XBT is not.
[[nodiscard]] bool is_linear(std::string_view native, std::string_view settle);
/// By the native name alone: XBTUSDM is inverse.
[[nodiscard]] bool looks_inverse(std::string_view native);
/// The option `market`, linear first and each once. Throws BadOption.
[[nodiscard]] std::vector<std::string_view> wanted_markets(const venue::Options& options);

}  // namespace anduin::kucoin
