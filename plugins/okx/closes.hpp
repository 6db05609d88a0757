// A row of GET /api/v5/account/positions-history: one lifetime of a position, changed in place until it is final. The
// unit in which OKX's closes are settled; the push that announces a close shows nothing of it.
// Pure functions and values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "markets.hpp"

namespace anduin::okx {

struct CloseRow {
  std::string id;  ///< posId-cTime: posId alone is used again for the next lifetime
  std::string symbol, currency, net_text;
  bool is_long = true;
  std::int64_t opened_ms = 0, closed_ms = 0;  ///< cTime, uTime
  std::optional<Decimal> entry, exit, contracts;
  Decimal net;                   ///< realizedPnl: price result, fees, funding and penalties
  std::optional<Decimal> gross;  ///< pnl: the price result alone
  std::string hold;              ///< why a person must look, if so
};

enum class RowState : std::uint8_t {
  kFinal,  ///< close all, liquidation, auto-deleveraging to the end
  kOpen,   ///< closed in part: the same row turns final later
};

/// What the row's `type` means. BadFrame: a type that nobody has explained yet, which is never settled.
[[nodiscard]] RowState state_of(const json::View& row);
/// The id alone. BadFrame: posId or cTime is missing.
[[nodiscard]] std::string id_of(const json::View& row);
/// The whole of a final row. BadFrame: it cannot be read, which must not pass in silence.
[[nodiscard]] CloseRow parse_close(const json::View& row);
/// What closed() takes. Views point into the row.
[[nodiscard]] venue::ClosedPosition position_of(const CloseRow& row, std::uint32_t origin);

}  // namespace anduin::okx
