#include "symbols.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace anduin::metatrader {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kAliases{{
    {"GOLD", "XAUUSD"}, {"SILVER", "XAGUSD"}, {"DJ30", "US30"}, {"WS30", "US30"},
    {"USTEC", "NAS100"}, {"US100", "NAS100"}, {"NQ100", "NAS100"},
}};
/// Suffixes that brokers glue on without a separator.
constexpr std::array<std::string_view, 9> kGlued{"m", "c", "i", "z", "r", "pro", "ecn", "raw", "micro"};
constexpr std::string_view kMini = "mini";
constexpr std::size_t kSuffixMax = 8;
/// Longest first, so that USDT is not taken for USD.
constexpr std::array<std::string_view, 9> kQuotes{"USDT", "USDC", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD"};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool same_letters(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return upper(x) == upper(y); });
}

bool is_suffix(std::string_view s) {
  if (s.empty()) return true;
  if (s.size() == 1 && (s == "#" || s == "+" || s == "!")) return true;
  if (s[0] == '.' || s[0] == '_' || s[0] == '-')
    return s.size() >= 2 && s.size() <= 1 + kSuffixMax && std::all_of(s.begin() + 1, s.end(), is_alphanumeric);
  return s == kMini || std::find(kGlued.begin(), kGlued.end(), s) != kGlued.end();
}

}  // namespace

Parts parts_of(std::string_view canonical) {
  for (const std::string_view quote : kQuotes)
    if (canonical.size() >= quote.size() + 2 && canonical.ends_with(quote))
      return {std::string(canonical.substr(0, canonical.size() - quote.size())), std::string(quote)};
  return {std::string(canonical), "USD"};
}

Symbols::Symbols(std::vector<std::string> canonical, const std::vector<std::string>& map)
    : canonical_(std::move(canonical)) {
  std::stable_sort(canonical_.begin(), canonical_.end(),
                   [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  for (const std::string& entry : map) {
    const std::size_t sign = entry.find('=');
    if (sign != entry.npos) map_.emplace(entry.substr(0, sign), entry.substr(sign + 1));
  }
}

std::optional<std::string> Symbols::find(std::string_view native) const {
  if (const auto it = map_.find(native); it != map_.end()) return it->second;
  std::string_view name = native;
  if (name.starts_with('#')) name.remove_prefix(1);
  for (const std::string& c : canonical_)
    if (name.size() >= c.size() && same_letters(name.substr(0, c.size()), c) && is_suffix(name.substr(c.size()))) return c;
  for (const auto& [alias, canonical] : kAliases)
    if (same_letters(name, alias) && std::find(canonical_.begin(), canonical_.end(), canonical) != canonical_.end())
      return std::string(canonical);
  return std::nullopt;
}

}  // namespace anduin::metatrader
