#include "lifetimes.hpp"

namespace anduin::bitget {

std::optional<Lifetimes::Lifetime> Lifetimes::take(const json::View& row) {
  const auto [symbol, side, opened, size, status, mode] =
      row.get<"symbol", "posSide", "createdTime", "size", "positionStatus", "holdMode">();
  if (symbol.str().empty()) throw BadFrame("a position without a symbol");
  if (side != "long" && side != "short") throw BadFrame("posSide '" + side.text() + "' is neither long nor short");
  const Lifetime told{symbol.text(), side.text(), opened.i64()};
  const std::string slot = mode == "hedge_mode" ? told.symbol + "|" + told.side : told.symbol;
  const auto known = open_.find(slot);
  const bool ended = status == "ended";
  if (!ended && !size.dec().is_zero()) {
    if (known == open_.end()) {
      open_.emplace(slot, told);
      return std::nullopt;
    }
    const Lifetime before = std::exchange(known->second, told);
    if (before == told) return std::nullopt;
    return before;  // turned, or closed and opened again
  }
  // A late zero of the lifetime before must not hide the one that is open now.
  if (known != open_.end() && known->second == told) open_.erase(known);
  return told;
}

}  // namespace anduin::bitget
