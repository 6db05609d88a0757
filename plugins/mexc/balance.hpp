// Rows of GET /api/v1/private/account/assets and of push.personal.asset. Pure functions, any thread.
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::mexc {

struct AssetBalance {
  std::string currency;
  Decimal total, available;
};

/// `data` of the answer: a list, or one object where one currency was asked for. Currencies without anything are left
/// out, unless there is nothing else. BadFrame names what is missing.
[[nodiscard]] std::vector<AssetBalance> asset_balances(const json::View& data);
/// `data` of a push, which has no equity: unrealised profit is not in its total.
[[nodiscard]] AssetBalance pushed_balance(const json::View& data);

}  // namespace anduin::mexc
