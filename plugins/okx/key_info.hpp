// GET /api/v5/account/config: what the key may do and whose it is. Pure function, any thread.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::okx {

struct KeyInfo {
  std::string uid, detail;
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN, sub_account = AND_TRI_UNKNOWN;
};

/// `row` is the one element of `data`. What it does not say stays unknown; nothing throws.
[[nodiscard]] KeyInfo key_info(const json::View& row);

}  // namespace anduin::okx
