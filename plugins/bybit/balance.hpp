// Wallet rows, of GET /v5/account/wallet-balance and of the topic `wallet`. Pure function, any thread.
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::bybit {

struct WalletBalance {
  std::string currency;
  Decimal total, available;
};

/// One row for the whole account in USD; where the venue leaves those fields empty (isolated margin), one a coin.
/// `missing` names what a row did not say, where nothing can be told.
[[nodiscard]] std::vector<WalletBalance> wallet_balances(const json::View& wallet, std::string& missing);

}  // namespace anduin::bybit
