// GET /api/v1/user/api-key (spot host): what the key may do and whose it is. Pure function, any thread.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

struct KeyInfo {
  std::string uid, detail;
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN, sub_account = AND_TRI_UNKNOWN;
  std::int64_t expires_ms = 0;  ///< 0 = never, or not said
};

/// `data` of the answer. What it does not say stays unknown. BadFrame where a time is no number.
[[nodiscard]] KeyInfo key_info(const json::View& data);

}  // namespace anduin::kucoin
