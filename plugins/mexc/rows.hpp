// A position as MEXC writes it, in GET .../history_positions and in push.personal.position: the unit in which its
// closes are settled, one for each life of a position from its first contract to flat. Pure functions, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::mexc {

struct Position {
  std::string id;  ///< positionId: one sequence for all users, a new number a life
  std::string symbol, pnl_text;
  bool is_long = true, is_closed = false;      ///< not closed: holding, or taken over for liquidation
  bool leaves_funding_out = false;             ///< pnl is without the funding that was paid or received
  std::int64_t opened_ms = 0, updated_ms = 0;  ///< whole seconds in history, ms on the socket; 0 = not said
  Decimal pnl;  ///< realised: net of trading fees, and not zero while the position is open
  std::optional<Decimal> entry, exit, contracts;
  std::optional<Decimal> price_result;  ///< closeProfitLoss: pnl without fees and funding
};

/// Only id, symbol, state and times are needed of a position that is not closed. BadFrame names what is missing or not
/// known: such a row must not pass in silence.
[[nodiscard]] Position parse_position(const json::View& row);

/// What closed() takes. Views point into the position and into `currency`.
[[nodiscard]] venue::ClosedPosition position_of(const Position& p, std::string_view currency, std::string_view hold);

}  // namespace anduin::mexc
