// GET /v2/user/api-key of the spot host: what a key may do. Pure function, any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::htx {

struct KeyInfo {
  std::string detail;
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN;
  std::int64_t expires_ms = 0;  ///< 0 = never, or not said
};

/// `data` of the answer to a request that named our key, so that one row is expected. A plugin does not know its key
/// and cannot choose among several: then, and without a row, everything stays unknown. Nothing throws.
[[nodiscard]] KeyInfo key_info(const json::View& data, std::int64_t now_ms);

}  // namespace anduin::htx
