#include "contracts.hpp"

namespace anduin::mexc {

std::string_view Contracts::settle_coin(const std::string& symbol) const {
  const auto it = known_.find(symbol);
  return it == known_.end() ? std::string_view() : std::string_view(it->second);
}

void Contracts::take(const std::string& symbol, const json::View& data) {
  const auto take_row = [&](const json::View& row) {
    const auto [name, settle] = row.get<"symbol", "settleCoin">();
    if (name.str() != symbol) return false;
    if (settle.str().empty()) throw BadFrame("member 'settleCoin' of " + symbol + " is missing");
    known_[symbol] = settle.text();
    return true;
  };
  if (data.is_object() && take_row(data)) return;
  for (const json::View row : data)
    if (take_row(row)) return;
  throw BadFrame("an answer without the contract " + symbol);
}

}  // namespace anduin::mexc
