#include "key_info.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace anduin::bitget {
namespace {

/// The codes and words of rights that only read.
constexpr std::array<std::string_view, 11> kReads{"coor", "cpor", "stor", "smor", "ttor",    "wtor",
                                                  "taxr", "chor", "p2pr", "pllr", "readonly"};

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

bool says_withdraw(std::string_view right) {
  return right == "wwow" || right.find("withdraw") != std::string_view::npos ||
         right.find("Withdraw") != std::string_view::npos;
}

/// "a,b , c": whether an entry binds the key to somewhere.
bool binds(std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty() && item != "*" && item != "0.0.0.0/0" && item != "::/0") return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::string joined(const json::View& rights) {
  std::string out;
  for (const json::View right : rights) out += (out.empty() ? "" : ", ") + right.text();
  return out;
}

}  // namespace

KeyInfo classic_key_info(const json::View& data) {
  KeyInfo out;
  const auto [uid, rights, ips] = data.get<"userId", "authorities", "ips">();
  out.uid = uid.text();
  out.detail = "classic account: " + joined(rights);
  bool any = false, trade = false, withdraw = false, transfer = false;
  for (const json::View right : rights) {
    const std::string_view name = right.str();
    if (name.empty()) continue;
    any = true;
    if (says_withdraw(name))
      withdraw = true;
    else if (name == "wtow")
      transfer = true;
    else if (std::find(kReads.begin(), kReads.end(), name) == kReads.end())
      trade = true;  // unknown ones too
  }
  if (any) {  // an empty list says nothing
    out.can_trade = tri(trade);
    out.can_withdraw = tri(withdraw);
    out.can_transfer = tri(transfer);
  }
  if (!ips.absent()) out.ip_bound = tri(binds(ips.str()));
  return out;  // parentId is a number here whose meaning nobody explains
}

KeyInfo unified_key_info(const json::View& data) {
  KeyInfo out;
  const auto [uid, user, type, rights, ips, parent] =
      data.get<"uid", "userId", "permType", "permissions", "ips", "parentId">();
  out.uid = uid.str().empty() ? user.text() : uid.text();
  if (!uid.str().empty() && !user.str().empty() && uid.str() != user.str()) {
    out.complaint = "uid " + uid.text() + " and userId " + user.text() + " differ: whose key is it?";
    out.uid.clear();
  }
  out.detail = "unified account, " + type.text() + ": " + joined(rights);
  bool any = false, withdraw = false, manages = false;
  for (const json::View right : rights) {
    const std::string_view name = right.str();
    any = any || !name.empty();
    withdraw = withdraw || says_withdraw(name);
    manages = manages || name == "uta_mgt";
  }
  if (type == "read-only") {  // and then uta_trade is the right to look at trades
    out.can_trade = out.can_transfer = AND_TRI_NO;
    out.can_withdraw = tri(withdraw);
  } else if (type == "read-and-write") {
    out.can_trade = out.can_transfer = AND_TRI_YES;
    // Bitget's page about withdrawals asks for management alone: without the other right it cannot be excluded.
    out.can_withdraw = withdraw ? AND_TRI_YES : manages || !any ? AND_TRI_UNKNOWN : AND_TRI_NO;
  } else if (withdraw) {
    out.can_withdraw = AND_TRI_YES;
  }
  if (!ips.absent()) out.ip_bound = tri(binds(ips.str()));
  if (!parent.absent()) out.sub_account = tri(!parent.str().empty());
  return out;
}

}  // namespace anduin::bitget
