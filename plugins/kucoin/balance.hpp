// Balances: GET /api/v1/account-overview and the topic /contractAccount/wallet. Pure functions, any thread.
#pragma once
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

struct WalletBalance {
  std::string currency;
  Decimal total, available;
};

/// What everybody else calls it: XBT is BTC.
[[nodiscard]] std::string coin_name(std::string_view native);
/// `data` of an overview. BadFrame where a figure is missing.
[[nodiscard]] WalletBalance overview_balance(const json::View& data);
/// `data` of subject walletBalance.change. BadFrame where a figure is missing.
[[nodiscard]] WalletBalance wallet_balance(const json::View& data);

}  // namespace anduin::kucoin
