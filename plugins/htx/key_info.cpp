#include "key_info.hpp"

#include <algorithm>

namespace anduin::htx {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

/// Calls fn for each part of "a,b".
template <class Fn>
void each_part(std::string_view list, Fn&& fn) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view part = list.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (!part.empty()) fn(part);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

bool says_withdraw(std::string_view scope) {
  return scope.find("withdraw") != std::string_view::npos || scope.find("Withdraw") != std::string_view::npos;
}

}  // namespace

KeyInfo key_info(const json::View& data, std::int64_t now_ms) {
  KeyInfo out;
  if (data.size() != 1) {
    out.detail = data.size() == 0 ? "HTX does not list the key" : "HTX lists several keys where one was asked for";
    return out;
  }
  const auto [permission, addresses, days, status] = data[0].get<"permission", "ipAddresses", "validDays", "status">();
  out.detail = permission.text();
  bool any = false, trade = false, withdraw = false;
  each_part(permission.str(), [&](std::string_view scope) {
    any = true;
    if (says_withdraw(scope))
      withdraw = true;
    else if (scope != "readOnly")
      trade = true;  // a word we do not know is a right we do not know
  });
  if (any) {
    out.can_trade = out.can_transfer = tri(trade);  // `trade` includes transfers between the user's accounts
    out.can_withdraw = tri(withdraw);
  }
  if (!addresses.absent()) {
    bool bound = false;
    each_part(addresses.str(),
              [&](std::string_view ip) { bound = bound || !(ip == "*" || ip == "0.0.0.0/0" || ip == "::/0"); });
    out.ip_bound = tri(bound);
  }
  if (status == "expired")
    out.expires_ms = now_ms;
  else if (const std::string_view left = days.str();
           !left.empty() && left.find_first_not_of("0123456789") == std::string_view::npos && left.size() < 7)
    out.expires_ms = now_ms + days.i64() * kDayMs;  // -1: never
  return out;
}

}  // namespace anduin::htx
