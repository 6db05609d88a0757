// One lifetime of a position, closed to the end: the unit in which Bitget's closes are settled, as the rows of
// history-position (v2 and v3) and the pushes of positions-history (v2) show it. positionId and posId are one number,
// made when the position was opened. Pure functions and values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "products.hpp"

namespace anduin::bitget {

struct CloseRow {
  std::string id;  ///< positionId, posId
  std::string symbol, currency, net_text;
  const Product* product = nullptr;
  bool is_long = true;
  std::int64_t opened_ms = 0, closed_ms = 0;
  std::optional<Decimal> entry, exit, size;  ///< size in coins
  Decimal net;                               ///< price result, fees and funding
  std::optional<Decimal> gross;              ///< the price result alone
  std::string hold;                          ///< why a person must look, if so

  /// What a push of a unified account, which has no id, knows of it.
  [[nodiscard]] std::string lifetime() const {
    return symbol + "|" + (is_long ? "long" : "short") + "|" + std::to_string(opened_ms);
  }
};

/// All of these: BadFrame when it cannot be read, or has no id: never settled under another.
[[nodiscard]] CloseRow parse_classic_row(const json::View& row, const Product& product);
[[nodiscard]] CloseRow parse_unified_row(const json::View& row, const Product& product);
/// Its net result is a sum: the row's own differs from it in the eighth digit now and then.
[[nodiscard]] CloseRow parse_classic_push(const json::View& row, const Product& product);

/// The result or the time is another, by more than Bitget rounds.
[[nodiscard]] bool differs(const CloseRow& told, const CloseRow& row);
/// What closed() takes. Views point into the row.
[[nodiscard]] venue::ClosedPosition position_of(const CloseRow& row, std::uint32_t origin);

}  // namespace anduin::bitget
