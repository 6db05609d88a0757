// Rows of GET /api/v1/history-positions: the unit in which KuCoin's closes are settled, one for each cycle of a
// position from its first contract to flat. Nothing else carries their id and their result. Pure functions, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

struct ClosedCycle {
  std::string id;       ///< closeId: allotted when the position opens, so not in the order of closing
  std::string user_id;  ///< KuCoin's other user id, constant for a key; never mixed with the uid
  std::string symbol, currency, pnl_text;
  bool is_long = true;
  std::int64_t open_ms = 0, close_ms = 0;
  Decimal pnl;  ///< net of trading fees, funding and tax
  std::optional<Decimal> entry, exit;
  std::optional<Decimal> inside;  ///< fees, funding and tax that pnl contains: a cost is below zero
  std::optional<Decimal> size;    ///< in base units, derived; absent where the row does not tell it
  std::string hold;               ///< why a person must look, if so
};

/// BadFrame names what is missing or contradicts itself: such a row must not pass in silence.
[[nodiscard]] ClosedCycle parse_row(const json::View& row);

/// What closed() takes. Views point into the cycle. `lots`: the position's last size on the stream, 0 = not seen.
[[nodiscard]] venue::ClosedPosition position_of(const ClosedCycle& cycle, std::int64_t lots);

}  // namespace anduin::kucoin
