#include "positions.hpp"

#include <algorithm>
#include <set>

namespace anduin::htx {

void Positions::take(const json::View& data, bool snapshot, std::int64_t envelope_ms) {
  std::set<std::string> seen;
  for (const json::View row : data) {
    const auto [contract, side, direction, volume, average, updated] =
        row.get<"contract_code", "position_side", "direction", "volume", "open_avg_price", "updated_time">();
    if (!(side == "both")) continue;  // hedged positions tell by their side
    const std::int64_t at = updated.i64_or_none().value_or(envelope_ms);
    std::deque<State>& past = past_[contract.text()];
    seen.insert(contract.text());
    past.push_back(
        {direction == "buy", volume.dec_or_none().value_or(Decimal()), average.dec_or_none().value_or(Decimal()), at});
    if (past.size() > kPastMax) past.pop_front();
  }
  if (!snapshot) return;
  std::erase_if(past_, [&](const auto& entry) { return !seen.contains(entry.first); });
}

void Positions::clear() {
  past_.clear();
  met_.clear();
  met_order_.clear();
}

/// The last state that is older than the order's first trade. Pushes of both topics may overtake each other.
std::optional<Positions::State> Positions::before(const Order& order) const {
  const auto it = past_.find(order.contract);
  if (it == past_.end()) return std::nullopt;
  std::optional<State> found;
  for (const State& s : it->second)
    if (order.closed_ms == 0 || s.updated_ms < order.closed_ms) found = s;
  if (!found || found->is_long != order.is_long || found->contracts.sign() <= 0) return std::nullopt;
  return found;
}

void Positions::note(const Order& order) {
  if (!order.is_one_way || met_.contains(order.id)) return;
  met_.emplace(order.id, before(order));
  met_order_.push_back(order.id);
  if (met_order_.size() <= kOrdersMax) return;
  met_.erase(met_order_.front());
  met_order_.pop_front();
}

Closed Positions::closed_by(const Order& order) {
  if (!order.is_one_way || order.reduce_only) return {order.filled, std::nullopt, true};
  note(order);
  const auto& state = met_.at(order.id);
  if (!state) return {order.filled, std::nullopt, false};
  if (state->contracts >= order.filled) return {order.filled, std::nullopt, true};
  Closed c{state->contracts, std::nullopt, true};
  if (state->average.sign() > 0) c.entry = state->average;
  return c;
}

}  // namespace anduin::htx
