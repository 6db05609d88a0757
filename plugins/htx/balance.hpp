// The account's money, from GET /v5/account/balance and from the topic `account`. Pure function, any thread.
#pragma once
#include <optional>

#include "anduin/plugin.hpp"

namespace anduin::htx {

struct Money {
  Decimal total, available;  ///< USDT, or valued in it
};

/// `data` of the answer or push. Nothing when it has no figure for USDT; BadFrame where a number is none.
[[nodiscard]] std::optional<Money> money_of(const json::View& data);

}  // namespace anduin::htx
