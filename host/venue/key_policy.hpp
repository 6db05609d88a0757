// May this key be used? What the venue says about a key, judged by the rules of design/abi.md A6:
// withdraw is refused always, trade and transfer unless allowed, not knowing is a warning. Pure functions,
// any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "venue/runner_events.hpp"

namespace anduin::venue {

enum class KeyVerdict : std::uint8_t {
  kOk,
  kWarnUnknown,     ///< a right could not be read: goes on, visibly
  kRefuseTrade,     ///< can trade or move funds, and the account does not allow it
  kRefuseWithdraw,  ///< can withdraw: never used
  kFatal,           ///< the venue refuses the credentials themselves
};
[[nodiscard]] const char* to_string(KeyVerdict verdict);  ///< ok, warn_unknown, refuse_trade, ...

struct KeyJudgement {
  KeyVerdict verdict = KeyVerdict::kOk;
  std::string sentence;               ///< one, with what to do; never empty
  std::vector<std::string> warnings;  ///< further ones: no address list, expiry
  [[nodiscard]] bool refused() const { return verdict >= KeyVerdict::kRefuseTrade; }
};

[[nodiscard]] KeyJudgement judge_key(const AccountReport& info, bool allow_trading_key, std::int64_t now_ms);
/// AND_E_AUTH: the venue refused the key; `venue_text` is what it said.
[[nodiscard]] KeyJudgement judge_auth_error(const std::string& venue_text);

/// Which expiry warning is due: 14, 7, 3 or 1 days before, 0 once expired; nothing earlier or without an
/// expiry.
[[nodiscard]] std::optional<int> expiry_warning_days(std::int64_t expires_ms, std::int64_t now_ms);

}  // namespace anduin::venue
