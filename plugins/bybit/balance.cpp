#include "balance.hpp"

namespace anduin::bybit {

std::vector<WalletBalance> wallet_balances(const json::View& wallet, std::string& missing) {
  const auto [total, available, coins] = wallet.get<"totalEquity", "totalAvailableBalance", "coin">();
  const auto equity = total.dec_or_none(), free = available.dec_or_none();
  if (equity && free) return {{"USD", *equity, *free}};
  std::vector<WalletBalance> out;
  for (const json::View row : coins) {
    const auto [coin, coin_equity, in_wallet, positions, orders, locked, bonus] =
        row.get<"coin", "equity", "walletBalance", "totalPositionIM", "totalOrderIM", "locked", "bonus">();
    const auto held = coin_equity.dec_or_none(), cash = in_wallet.dec_or_none(), position_margin = positions.dec_or_none(),
               order_margin = orders.dec_or_none();
    if (coin.str().empty() || !held || !cash || !position_margin || !order_margin) {
      // An empty margin is not zero margin: better no figure than one that is too high.
      missing += (missing.empty() ? "" : ", ") + coin.text();
      continue;
    }
    out.push_back({coin.text(), *held,
                   *cash - *position_margin - *order_margin - locked.dec_or_none().value_or(0) -
                       bonus.dec_or_none().value_or(0)});
  }
  return out;
}

}  // namespace anduin::bybit
