// What a broker's symbol name means: an explicit map, then one leading '#', the canonical names with the suffixes that
// brokers add, then whole-name aliases. Anything else is unmapped: a guess would price one thing with another.
// Thread: one instance's. Lifetime: a value.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace anduin::metatrader {

/// Base and quote of a canonical name; indices are quoted in dollars (US30 is {US30, USD}).
struct Parts {
  std::string base, quote;
};
Parts parts_of(std::string_view canonical);

class Symbols {
 public:
  /// `map`: "NAME=CANONICAL" entries.
  Symbols(std::vector<std::string> canonical, const std::vector<std::string>& map);
  /// The canonical name; nothing when unmapped.
  [[nodiscard]] std::optional<std::string> find(std::string_view native) const;
  [[nodiscard]] const std::vector<std::string>& canonical() const { return canonical_; }

 private:
  std::vector<std::string> canonical_;  ///< longest first: BTCUSDT is not BTCUSD and a suffix
  std::map<std::string, std::string, std::less<>> map_;
};

}  // namespace anduin::metatrader
