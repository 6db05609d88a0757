// What the options of the pipeline file mean for Kraken. Plain values; any thread.
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::kraken {

enum class Market : std::uint8_t { kSpot, kFutures };
enum class Dialect : std::uint8_t { kV2, kV1 };

/// A price channel as the venue names it; `depth` 0 = the option did not say.
struct Channel {
  enum class Kind : std::uint8_t { kTicker, kTickerLite, kSpread, kBook } kind = Kind::kTicker;
  unsigned depth = 0;
};

inline Dialect dialect_of(const std::string& text) { return text == "v1" ? Dialect::kV1 : Dialect::kV2; }

inline std::vector<Market> markets_of(const venue::Options& options) {
  std::vector<Market> out;
  for (const std::string& m : options.list("market")) {
    if (m != "spot" && m != "futures") throw BadOption("/market", "'" + m + "' is not spot or futures");
    out.push_back(m == "spot" ? Market::kSpot : Market::kFutures);
  }
  if (out.empty()) out.push_back(Market::kSpot);
  return out;
}

/// The channel for one market; empty text means the default of the venue sheet. Throws BadOption where the market
/// does not serve it.
inline Channel channel_of(const std::string& text, Market market, Dialect dialect) {
  using Kind = Channel::Kind;
  if (text.empty()) {
    if (market == Market::kFutures) return {Kind::kBook};
    return {dialect == Dialect::kV1 ? Kind::kSpread : Kind::kTicker};
  }
  if (text == "ticker") return {Kind::kTicker};
  if (text == "ticker_lite" && market == Market::kFutures) return {Kind::kTickerLite};
  if (text == "spread" && market == Market::kSpot) {
    if (dialect == Dialect::kV1) return {Kind::kSpread};
    throw BadOption("/price_channel", "spread is a channel of dialect v1: set dialect: v1, or use ticker");
  }
  if (text == "book") return {Kind::kBook};
  if (market == Market::kSpot && (text.starts_with("book.") || text.starts_with("book-"))) {
    for (const unsigned depth : {10U, 25U, 100U, 500U, 1000U}) {
      if (text.substr(5) == std::to_string(depth)) return {Kind::kBook, depth};
    }
  }
  throw BadOption("/price_channel", market == Market::kFutures
                                        ? "'" + text + "' is not book, ticker or ticker_lite (Kraken futures)"
                                        : "'" + text + "' is not ticker, spread (v1) or book.N with N of 10, 25, 100, "
                                                       "500, 1000 (Kraken spot)");
}

}  // namespace anduin::kraken
