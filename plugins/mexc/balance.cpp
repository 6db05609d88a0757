#include "balance.hpp"

#include <utility>

namespace anduin::mexc {
namespace {

std::string currency_of(const json::View& v) {
  if (v.str().empty()) throw BadFrame("member 'currency' is missing");
  return v.text();
}

AssetBalance balance_of(const json::View& row) {
  const auto [currency, equity, available] = row.get<"currency", "equity", "availableBalance">();
  return {currency_of(currency), equity.dec(), available.dec()};
}

}  // namespace

std::vector<AssetBalance> asset_balances(const json::View& data) {
  if (data.is_object()) return {balance_of(data)};
  if (!data.is_array()) throw BadFrame("an answer without assets");
  std::vector<AssetBalance> all, some;
  for (const json::View row : data) {
    all.push_back(balance_of(row));
    if (!all.back().total.is_zero() || !all.back().available.is_zero()) some.push_back(all.back());
  }
  return some.empty() ? std::move(all) : std::move(some);
}

AssetBalance pushed_balance(const json::View& data) {
  const auto [currency, available, frozen, margin] =
      data.get<"currency", "availableBalance", "frozenBalance", "positionMargin">();
  const Decimal free = available.dec();
  return {currency_of(currency), free + frozen.dec() + margin.dec(), free};
}

}  // namespace anduin::mexc
