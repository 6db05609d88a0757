#include "venue/key_policy.hpp"

#include <array>

#include "anduin/plugin.h"

namespace anduin::venue {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::array<int, 4> kWarnDays{1, 3, 7, 14};  // venues/keys.md section 2, rule 5

std::string unknown_rights(const AccountReport& info) {
  std::string out;
  for (const auto& [value, name] : {std::pair{info.can_trade, "trade"},
                                    {info.can_withdraw, "withdraw"},
                                    {info.can_transfer, "transfer"}}) {
    if (value == AND_TRI_NO || value == AND_TRI_YES) continue;
    out += (out.empty() ? "" : ", ") + std::string(name);
  }
  return out;
}

void judge_rights(const AccountReport& info, bool allow_trading_key, KeyJudgement& out) {
  if (info.can_withdraw == AND_TRI_YES) {
    out.verdict = KeyVerdict::kRefuseWithdraw;
    out.sentence = "this key can withdraw funds and is never used: create a read-only key at the venue";
    return;
  }
  const bool trade = info.can_trade == AND_TRI_YES;
  if ((trade || info.can_transfer == AND_TRI_YES) && !allow_trading_key) {
    out.verdict = KeyVerdict::kRefuseTrade;
    out.sentence = std::string("this key can ") + (trade ? "trade" : "move funds between wallets") +
                   ": create a read-only key at the venue, or set allow_trading_key: true for this account";
    return;
  }
  if (const std::string unknown = unknown_rights(info); !unknown.empty()) {
    out.verdict = KeyVerdict::kWarnUnknown;
    out.sentence = "the venue did not say whether this key can " + unknown +
                   ": check at the venue that it is read-only";
    return;
  }
  out.sentence = trade || info.can_transfer == AND_TRI_YES
                     ? "this key can trade or move funds, which the account allows"
                     : "this key can read, nothing else";
}

}  // namespace

const char* to_string(KeyVerdict verdict) {
  switch (verdict) {
    case KeyVerdict::kOk: return "ok";
    case KeyVerdict::kWarnUnknown: return "warn_unknown";
    case KeyVerdict::kRefuseTrade: return "refuse_trade";
    case KeyVerdict::kRefuseWithdraw: return "refuse_withdraw";
    case KeyVerdict::kFatal: return "fatal";
  }
  return "fatal";
}

std::optional<int> expiry_warning_days(std::int64_t expires_ms, std::int64_t now_ms) {
  if (expires_ms <= 0) return std::nullopt;
  const std::int64_t left = expires_ms - now_ms;
  if (left <= 0) return 0;
  for (const int days : kWarnDays)
    if (left <= days * kDayMs) return days;
  return std::nullopt;
}

KeyJudgement judge_key(const AccountReport& info, bool allow_trading_key, std::int64_t now_ms) {
  KeyJudgement out;
  judge_rights(info, allow_trading_key, out);
  if (info.ip_bound == AND_TRI_NO)
    out.warnings.emplace_back(
        "this key is not bound to addresses: venues let such keys expire, and a stolen one works anywhere");
  if (const auto days = expiry_warning_days(info.expires_ms, now_ms)) {
    out.warnings.push_back(*days == 0
                               ? "this key has expired: create a new one at the venue"
                               : "this key expires within " + std::to_string(*days) +
                                     (*days == 1 ? " day" : " days") + ": create a new one at the venue");
  }
  return out;
}

KeyJudgement judge_auth_error(const std::string& venue_text) {
  KeyJudgement out;
  out.verdict = KeyVerdict::kFatal;
  out.sentence = "the venue refuses this key" +
                 (venue_text.empty() ? std::string() : " (" + venue_text + ")") +
                 ": check key, secret, passphrase and whether it belongs to this environment and region";
  return out;
}

}  // namespace anduin::venue
