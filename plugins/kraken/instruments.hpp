// Kraken's two instrument lists, row by row, and its currency codes. Pure functions, any thread; rows own their text.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"
#include "options.hpp"

namespace anduin::kraken {

/// A described instrument, ready for Venue::describe().
struct InstrumentRow {
  std::string native, base, quote, settle, market, aliases;
  std::uint32_t kind = AND_KIND_UNKNOWN;
  std::uint32_t flags = 0;
  std::optional<Decimal> contract_size, tick;

  [[nodiscard]] venue::InstrumentInfo info() const {
    return {native, base, quote, settle, market, aliases, kind, contract_size, tick, flags};
  }
};

/// BTC for XBT and XXBT, DOGE for XDG, USD for ZUSD: whole codes by table, in upper case. XTZ, XRP and ZEC are real.
/// Any other code comes back in upper case.
std::string currency_code(std::string_view code);

/// The v2 spelling of a v1 name: "XBT/USD" -> "BTC/USD". Each side by table.
std::string readable_name(std::string_view wsname);

std::string lower_case(std::string_view text);

/// One row of GET /0/public/AssetPairs, `key` its name in the map. Native is what the dialect's socket takes; every
/// other spelling is an alias. Throws BadFrame for a row that cannot be read.
InstrumentRow spot_row(std::string_view key, const json::View& row, Dialect dialect);

/// One row of GET /derivatives/api/v3/instruments. Nothing for rows that are no instrument (an index). Throws BadFrame.
std::optional<InstrumentRow> futures_row(const json::View& row);

}  // namespace anduin::kraken
