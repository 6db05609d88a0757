#include "key_info.hpp"

#include <algorithm>
#include <string_view>

namespace anduin::mexc {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

/// fn(word) for each part of "a,b , c" that is not empty.
template <class Fn>
void each_word(std::string_view list, Fn&& fn) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view word = list.substr(0, comma);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    if (!word.empty()) fn(word);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

/// FAMILY_READ and FAMILY_WRITE: a name that is no reading one and not known counts as a right to trade.
void read_rights(std::string_view list, KeyInfo& out) {
  bool any = false, trade = false, withdraw = false, transfer = false;
  each_word(list, [&](std::string_view right) {
    any = true;
    if (right.ends_with("_READ")) return;
    if (right.find("WITHDRAW") != std::string_view::npos)
      withdraw = true;
    else if (right.ends_with("_TRANSFER_WRITE"))
      transfer = true;
    else
      trade = true;
  });
  if (!any) return;  // an empty list says nothing
  out.can_trade = tri(trade);
  out.can_withdraw = tri(withdraw);
  out.can_transfer = tri(transfer);
}

}  // namespace

KeyInfo key_info(const json::View& answer, std::int64_t now_ms) {
  KeyInfo out;
  const auto [rights, days, ips, status] = answer.get<"permissions", "remainingValidity", "ipWhiteList", "status">();
  if (!rights.is_string() || status != "VALID") {
    out.detail = "status " + (status.absent() ? "not said" : status.text());
    return out;
  }
  out.detail = rights.text();
  read_rights(rights.str(), out);
  if (ips.is_string()) {
    bool bound = false;
    each_word(ips.str(), [&](std::string_view a) { bound = bound || !(a == "*" || a == "0.0.0.0/0" || a == "::/0"); });
    out.ip_bound = tri(bound);
  }
  if (const auto left = days.i64_or_none(); left && *left >= 0 && *left < 100'000)
    out.expires_ms = now_ms + *left * kDayMs;
  return out;
}

}  // namespace anduin::mexc
