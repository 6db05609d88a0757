#include "balance.hpp"

namespace anduin::okx {

std::vector<CoinBalance> balances(const json::View& data, std::string& missing) {
  std::vector<CoinBalance> out;
  for (const json::View account : data) {
    for (const json::View row : account["details"]) {
      const auto [currency, equity, free_equity, free_balance] = row.get<"ccy", "eq", "availEq", "availBal">();
      const auto total = equity.dec_or_none();
      auto available = free_equity.dec_or_none();
      if (!available) available = free_balance.dec_or_none();  // spot mode has no availEq
      if (currency.str().empty() || !total || !available) {
        missing += (missing.empty() ? "" : ", ") + currency.text();
        continue;
      }
      out.push_back({currency.text(), *total, *available});
    }
  }
  return out;
}

}  // namespace anduin::okx
