#include "key_info.hpp"

#include <algorithm>
#include <string_view>

namespace anduin::okx {
namespace {

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

/// fn(item) for each part of "a,b , c" that is not empty.
template <class Fn>
void each_item(std::string_view list, Fn&& fn) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) fn(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

KeyInfo key_info(const json::View& row) {
  KeyInfo out;
  const auto [uid, main_uid, rights, ip] = row.get<"uid", "mainUid", "perm", "ip">();
  out.uid = uid.text();
  out.detail = rights.text();
  bool any = false, trade = false, withdraw = false;
  each_item(rights.str(), [&](std::string_view right) {
    any = true;
    if (right.find("withdraw") != std::string_view::npos)
      withdraw = true;
    else if (right != "read_only")
      trade = true;  // a right that we do not know counts as trading
  });
  if (any) {                                        // an empty list says nothing
    out.can_trade = out.can_transfer = tri(trade);  // trade includes funding transfers
    out.can_withdraw = tri(withdraw);
  }
  if (!ip.absent()) {
    bool bound = false;
    each_item(ip.str(), [&](std::string_view a) { bound = bound || !(a == "*" || a == "0.0.0.0/0" || a == "::/0"); });
    out.ip_bound = tri(bound);
  }
  if (!uid.str().empty() && !main_uid.str().empty()) out.sub_account = tri(uid.str() != main_uid.str());
  return out;
}

}  // namespace anduin::okx
