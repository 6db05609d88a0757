// Rows of balances: of the accounts of a product (classic) and of the coins of a unified account, by REST and in
// pushes. Pure functions, any thread.
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::bitget {

struct CoinBalance {
  std::string currency;
  Decimal total, available;  ///< total with unrealized pnl, so that `available` can be more
};

/// A list of coins, or one; `missing` names those without figures.
[[nodiscard]] std::vector<CoinBalance> balances(const json::View& rows, std::string& missing);

}  // namespace anduin::bitget
