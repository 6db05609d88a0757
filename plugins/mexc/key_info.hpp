// GET /api/v3/apiKeyInfo: what the key may do; whose it is stands in GET /api/v3/uid. Pure function, any thread.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::mexc {

struct KeyInfo {
  std::string detail;
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN;
  std::int64_t expires_ms = 0;  ///< 0 = never, or not said
};

/// What the answer does not say, or says in another way than it should, stays unknown. `now_ms`: the venue's time, from
/// which its days are counted.
[[nodiscard]] KeyInfo key_info(const json::View& answer, std::int64_t now_ms);

}  // namespace anduin::mexc
