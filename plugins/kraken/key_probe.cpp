#include "key_probe.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace anduin::kraken {
namespace {

constexpr std::array<std::string_view, 6> kReadRights{"query-funds",         "query-open-trades", "query-closed-trades",
                                                      "query-ledger",        "export-data",       "create-ws-token"};
/// What Anduin needs to see closes and balances.
constexpr std::array<std::string_view, 4> kWanted{"query-funds", "query-closed-trades", "query-ledger",
                                                  "create-ws-token"};

json::View either(const json::View& object, std::string_view camel, std::string_view snake) {
  const json::View v = object[camel];
  return v.absent() ? object[snake] : v;
}

bool binds(std::string_view entry) {
  return !entry.empty() && entry != "*" && entry != "0.0.0.0/0" && entry != "::/0";
}

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

/// Unix seconds as text; "0", absent and unreadable are "none".
std::int64_t seconds_of(const json::View& v) {
  const std::string_view text = v.str();
  std::int64_t s = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), s);
  constexpr std::int64_t kSecondsMax = 100'000'000'000;  // the year 5138: beyond is no time in seconds
  return ec == std::errc() && s > 0 && s < kSecondsMax ? s : 0;
}

}  // namespace

KeyFacts read_spot_key(const json::View& result) {
  KeyFacts f;
  if (!result.is_object()) return f;
  for (const char c : result["iban"].text()) {
    if (c != ' ') f.uid += c;
  }
  std::vector<std::string> rights;
  for (const json::View r : result["permissions"]) rights.push_back(r.text());
  if (!rights.empty()) {
    bool trade = false, withdraw = false, transfer = false;
    for (const std::string& r : rights) {
      if (r.find("withdraw") != std::string::npos) withdraw = true;
      else if (r == "add-funds") transfer = true;
      else if (std::find(kReadRights.begin(), kReadRights.end(), r) == kReadRights.end()) trade = true;
      f.detail += (f.detail.empty() ? "" : " ") + r;
    }
    f.can_trade = tri(trade);
    f.can_withdraw = tri(withdraw);
    f.can_transfer = tri(transfer);
    for (const std::string_view w : kWanted) {
      if (std::find(rights.begin(), rights.end(), w) == rights.end())
        f.warnings.push_back("the key lacks the right '" + std::string(w) +
                             "': closes or balances cannot be read without it");
    }
  }
  const json::View allowed = either(result, "ipAllowlist", "ip_allowlist");
  if (allowed.is_array()) {
    bool bound = false;
    for (const json::View ip : allowed) bound = bound || binds(ip.str());
    f.ip_bound = tri(bound);
  }
  f.expires_ms = seconds_of(either(result, "validUntil", "valid_until")) * 1000;
  f.history_from_ms = seconds_of(either(result, "queryFrom", "query_from")) * 1000;
  f.history_to_ms = seconds_of(either(result, "queryTo", "query_to")) * 1000;
  if (f.history_from_ms != 0 || f.history_to_ms != 0)
    f.warnings.push_back(
        "the key sees a limited range of history only (query from/to): closes outside it cannot be found");
  return f;
}

KeyFacts read_futures_key(const json::View& answer) {
  KeyFacts f;
  const auto [uid, permissions, block, blocks] =
      answer.get<"accountUid", "permissions", "allowedCidrBlock", "allowedCidrBlocks">();
  f.uid = uid.text();
  const auto [general, transfer] = permissions.get<"general", "transfer">();
  if (general == "NO_ACCESS" || general == "READ_ONLY") f.can_trade = AND_TRI_NO;
  else if (general == "FULL_ACCESS") f.can_trade = AND_TRI_YES;
  if (transfer == "NO_ACCESS" || transfer == "READ_ONLY") f.can_withdraw = f.can_transfer = AND_TRI_NO;
  else if (transfer == "FULL_ACCESS") f.can_withdraw = f.can_transfer = AND_TRI_YES;  // the dialog: "Withdrawal API"
  if (general) f.detail = "general " + general.text() + ", transfer " + (transfer ? transfer.text() : "not said");
  if (general == "NO_ACCESS")
    f.warnings.push_back("the key has no general access: closes and balances cannot be read with it");
  if (!block.absent() || !blocks.absent()) {
    bool bound = binds(block.str());
    for (const json::View b : blocks) bound = bound || binds(b.str());
    f.ip_bound = tri(bound);
  }
  return f;
}

}  // namespace anduin::kraken
