#include "key_info.hpp"

#include <algorithm>
#include <cctype>

#include "anduin/time.hpp"

namespace anduin::bybit {
namespace {

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

bool says_withdraw(std::string scope) {
  std::transform(scope.begin(), scope.end(), scope.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return scope.find("withdraw") != std::string::npos;
}

/// Bybit has no scope that only reads: reading is what `readOnly` leaves of any of them. So every scope of a key that
/// writes is a right to trade, but for the wallet's own ones.
void read_scopes(const json::View& permissions, KeyInfo& out) {
  bool any = false, trade = false, withdraw = false, transfer = false;
  permissions.members([&](std::string_view group, const json::View& scopes) {
    for (const json::View scope : scopes) {
      const std::string name = scope.text();
      if (name.empty()) continue;
      any = true;
      if (says_withdraw(name)) withdraw = true;
      else if (group == "Wallet" && name.find("Transfer") != std::string::npos) transfer = true;
      else trade = true;
      out.detail += (out.detail.empty() ? "" : ", ") + std::string(group) + ":" + name;
    }
  });
  if (!any) return;  // an empty list says nothing
  out.can_trade = tri(trade);
  out.can_withdraw = tri(withdraw);
  out.can_transfer = tri(transfer);
}

}  // namespace

KeyInfo key_info(const json::View& result) {
  KeyInfo out;
  const auto [read_only, permissions, ips, expires, uid, master, uta] =
      result.get<"readOnly", "permissions", "ips", "expiredAt", "userID", "isMaster", "uta">();
  out.uid = uid.text();
  if (out.uid == "0") out.uid.clear();
  if (read_only == "1" || read_only == "true") {
    out.can_trade = out.can_withdraw = out.can_transfer = AND_TRI_NO;
    out.detail = "read-only key";
  } else if (read_only == "0" || read_only == "false") {
    read_scopes(permissions, out);
  }
  if (ips.is_array()) {
    bool bound = false;
    for (const json::View ip : ips) {
      const std::string_view s = ip.str();
      bound = bound || !(s.empty() || s == "*" || s == "0.0.0.0/0" || s == "::/0");
    }
    out.ip_bound = tri(bound);
  }
  if (master == "true" || master == "false") out.sub_account = tri(master == "false");
  out.expires_ms = parse_iso_ms(expires.str()).value_or(0);
  out.unified = !(uta == "0");
  return out;
}

}  // namespace anduin::bybit
