// Reads what Kraken says about a key: GetApiKeyInfo (spot) and api-keys/v3/check (futures). Pure functions.
// An unknown word counts as a right to trade; a missing list as unknown, never as "nothing".
#pragma once
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::kraken {

struct KeyFacts {
  std::string uid;  ///< "" = the venue did not say
  std::string detail;
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN;
  std::int64_t expires_ms = 0;
  std::int64_t history_from_ms = 0, history_to_ms = 0;  ///< the range of history that the key sees; 0 = no bound
  std::vector<std::string> warnings;

  [[nodiscard]] venue::AccountInfo info() const {
    return {.uid = uid, .detail = detail, .can_trade = can_trade, .can_withdraw = can_withdraw,
            .can_transfer = can_transfer, .ip_bound = ip_bound, .expires_ms = expires_ms};
  }
};

/// `result` of POST /0/private/GetApiKeyInfo, in either of its two spellings.
KeyFacts read_spot_key(const json::View& result);
/// The answer of GET /api/auth/v1/api-keys/v3/check.
KeyFacts read_futures_key(const json::View& answer);

}  // namespace anduin::kraken
