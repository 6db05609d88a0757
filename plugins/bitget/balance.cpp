#include "balance.hpp"

namespace anduin::bitget {
namespace {

void read(const json::View& row, std::vector<CoinBalance>& out, std::string& missing) {
  const auto [margin_coin, coin, account_equity, equity, free_amount] =
      row.get<"marginCoin", "coin", "accountEquity", "equity", "available">();
  const std::string currency = margin_coin.str().empty() ? coin.text() : margin_coin.text();
  auto total = account_equity.dec_or_none();
  if (!total) total = equity.dec_or_none();
  const auto available = free_amount.dec_or_none();
  if (currency.empty() || !total || !available) {
    missing += (missing.empty() ? "" : ", ") + (currency.empty() ? "a coin without a name" : currency);
    return;
  }
  out.push_back({currency, *total, *available});
}

}  // namespace

std::vector<CoinBalance> balances(const json::View& rows, std::string& missing) {
  std::vector<CoinBalance> out;
  if (rows.is_object()) read(rows, out, missing);
  for (const json::View row : rows) read(row, out, missing);
  return out;
}

}  // namespace anduin::bitget
