#include "positions.hpp"

#include <cstdlib>

namespace anduin::kucoin {

std::optional<Trigger> Positions::take(const json::View& data) {
  const auto [symbol, reason, side, mode, cross, quantity, is_open, opening, now] =
      data.get<"symbol", "changeReason", "positionSide", "marginMode", "crossMode", "currentQty", "isOpen",
               "openingTimestamp", "currentTimestamp">();
  if (reason == "markPriceChange" || symbol.str().empty()) return std::nullopt;
  const auto lots = quantity.i64_or_none();
  if (!lots && is_open.absent()) return std::nullopt;
  Trigger t;
  t.symbol = symbol.text();
  t.position_side = side.str().empty() ? "BOTH" : side.text();
  t.closed_ms = now.i64_or_none().value_or(0);
  // Older frames have crossMode only.
  const std::string margin = !mode.str().empty() ? mode.text() : cross == "true" ? "CROSS" : "ISOLATED";
  State& s = states_[t.symbol + "/" + t.position_side + "/" + margin];
  const std::int64_t opening_ms = opening.i64_or_none().value_or(0);
  const auto end = [&](std::int64_t which) {
    t.opening_ms = which;
    s.ended = true;
    s.ended_ms = which;
    s.ended_lots = s.lots;
    return t;
  };
  const bool flat = is_open == "false" || (lots && *lots == 0);
  if (flat) {
    const std::int64_t which = opening_ms != 0 ? opening_ms : s.opening_ms;
    // A frame about a position that is known to have ended, or again without saying which: nothing new.
    const bool again = s.ended && !s.open && (which == 0 || which == s.ended_ms);
    s.open = false;
    if (again) return std::nullopt;
    if (which != s.opening_ms) s.lots = 0;
    return end(which);
  }
  const bool turned = lots && s.lots != 0 && (*lots < 0) != (s.lots < 0);
  const bool moved = opening_ms != 0 && s.opening_ms != 0 && opening_ms != s.opening_ms;
  std::optional<Trigger> out;
  if (s.open && (turned || moved)) out = end(s.opening_ms);
  s.open = true;
  if (opening_ms != 0) s.opening_ms = opening_ms;
  if (lots) s.lots = *lots;
  return out;
}

std::int64_t Positions::lots(std::string_view symbol, std::int64_t opening_ms) const {
  const std::string prefix = std::string(symbol) + "/";
  for (auto it = states_.lower_bound(prefix); it != states_.end() && it->first.starts_with(prefix); ++it)
    if (opening_ms != 0 && it->second.ended && it->second.ended_ms == opening_ms)
      return std::abs(it->second.ended_lots);
  return 0;
}

}  // namespace anduin::kucoin
