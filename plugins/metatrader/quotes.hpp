// Prices as the terminal posts them: each entry is taken or left by itself.
// Thread: one instance's. Lifetime: an account's.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "anduin/decimal.hpp"
#include "anduin/json.hpp"
#include "symbols.hpp"

namespace anduin::metatrader {

class Quotes {
 public:
  using Take = std::function<void(const std::string& canonical, const Decimal& bid, const Decimal& ask, std::int64_t at_ms)>;

  /// Calls `take` for each good entry; returns the names of the others, as posted. Throws Refused.
  std::vector<std::string> read(const json::View& body, const Symbols& symbols, std::int64_t now_ms, const Take& take);

 private:
  std::map<std::string, std::int64_t> last_ms_;  ///< tick time of the last one, by canonical name
};

}  // namespace anduin::metatrader
