// A close as the terminal posts it: read, checked against the account's settings, and judged where the figures alone
// can judge it. Pure but for what it is given.
// Thread: one instance's. Lifetime: a value.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "anduin/decimal.hpp"
#include "anduin/json.hpp"
#include "settings.hpp"

namespace anduin::metatrader {

/// A stamp this far ahead of us is still a clock, not a mistake; the contract's window of the signature.
inline constexpr std::int64_t kFutureMsMax = 120'000;

struct Close {
  std::string id, symbol, currency;  ///< symbol: canonical where mapped, else the broker's name
  std::string pnl_raw;               ///< the terminal's characters; empty where the figure was divided
  bool is_long = true;
  std::optional<Decimal> entry;      ///< nothing: the terminal does not know it
  Decimal exit, size, pnl;
  std::int64_t closed_ms = 0;
  std::string hold;                  ///< "code: words"; empty = nothing speaks against it
};

/// Throws Refused.
Close read_close(const json::View& body, const AccountSettings& settings, std::int64_t now_ms);

}  // namespace anduin::metatrader
