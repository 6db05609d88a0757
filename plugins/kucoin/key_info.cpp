#include "key_info.hpp"

#include <algorithm>
#include <cctype>

namespace anduin::kucoin {
namespace {

std::uint32_t tri(bool yes) { return yes ? AND_TRI_YES : AND_TRI_NO; }

std::string_view trimmed(std::string_view s) {
  while (s.starts_with(' ')) s.remove_prefix(1);
  while (s.ends_with(' ')) s.remove_suffix(1);
  return s;
}

bool says_withdraw(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("withdraw") != std::string::npos;
}

/// KuCoin's API and its pages have two vocabularies. `General` alone reads; a word that nobody knows is a right to
/// trade.
void read_words(std::string_view list, KeyInfo& out) {
  bool any = false, trade = false, withdraw = false, transfer = false;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view word = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (word.empty()) continue;
    any = true;
    if (word == "General") continue;
    if (word == "Transfer" || says_withdraw(word)) withdraw = true;
    else if (word == "InnerTransfer" || word == "FlexTransfers") transfer = true;
    else trade = true;
  }
  if (!any) return;  // an empty list says nothing
  out.can_trade = tri(trade);
  out.can_withdraw = tri(withdraw);
  out.can_transfer = tri(transfer);
}

}  // namespace

KeyInfo key_info(const json::View& data) {
  KeyInfo out;
  const auto [uid, permission, ips, expires, master] =
      data.get<"uid", "permission", "ipWhitelist", "expiredAt", "isMaster">();
  out.uid = uid.text();
  if (out.uid == "0") out.uid.clear();
  out.detail = permission.text();
  read_words(permission.str(), out);
  const std::string_view bound = trimmed(ips.str());
  out.ip_bound = tri(!bound.empty() && bound != "*" && bound != "0.0.0.0/0" && bound != "::/0");
  if (master == "true" || master == "false") out.sub_account = tri(master == "false");
  out.expires_ms = expires.i64_or_none().value_or(0);
  return out;
}

}  // namespace anduin::kucoin
