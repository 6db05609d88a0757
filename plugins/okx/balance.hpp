// Balance rows, of GET /api/v5/account/balance and of the channel `account`. Pure function, any thread.
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::okx {

struct CoinBalance {
  std::string currency;
  Decimal total, available;
};

/// One row a currency, from `data`. A currency without money is not in the list; "" is "not applicable".
/// `missing` names currencies whose row does not say what is needed. BadFrame: a number that is none.
[[nodiscard]] std::vector<CoinBalance> balances(const json::View& data, std::string& missing);

}  // namespace anduin::okx
