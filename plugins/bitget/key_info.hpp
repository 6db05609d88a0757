// What a key may do and whose it is: GET /api/v2/spot/account/info of a classic account, GET /api/v3/account/info of a
// unified one. Pure functions, any thread.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::bitget {

struct KeyInfo {
  std::string uid, detail;
  std::string complaint;  ///< what contradicts itself; empty = nothing
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN, sub_account = AND_TRI_UNKNOWN;
};

/// `data` of the answer. What it does not say stays unknown; nothing throws.
[[nodiscard]] KeyInfo classic_key_info(const json::View& data);
[[nodiscard]] KeyInfo unified_key_info(const json::View& data);

}  // namespace anduin::bitget
