// Rows of GET /v5/market/instruments-info as instrument descriptions, and what a symbol's spelling tells without them.
// Pure functions, any thread. Texts of a row point into the reply.
#pragma once
#include <string>
#include <string_view>

#include "category.hpp"

namespace anduin::bybit {

/// One row of the list. The views of `info` point into the row and into `key`, so this must not move.
struct InstrumentRow {
  InstrumentRow(const json::View& row, Category category);  ///< BadFrame names the member that is missing
  InstrumentRow(const InstrumentRow&) = delete;
  InstrumentRow& operator=(const InstrumentRow&) = delete;

  std::string key;
  venue::InstrumentInfo info;
};

/// Spot pairs are told apart from contracts of the same spelling by this key.
[[nodiscard]] std::string instrument_key(Category category, std::string_view symbol);
/// The currency of a contract's pnl and fee, from its spelling alone, so that stream and history always agree:
/// BTCUSDT USDT, BTCPERP and BTC-26DEC25 USDC, BTCUSD and BTCUSDH26 BTC. Empty where the spelling does not tell.
[[nodiscard]] std::string_view settle_coin(Category category, std::string_view symbol);
/// Whether a name looks like a contract of `inverse`: BTCUSD, BTCUSDH26.
[[nodiscard]] bool looks_inverse(std::string_view symbol);

}  // namespace anduin::bybit
