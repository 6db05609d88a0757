// What the account tests share. Header only; one test program.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "host_double.hpp"

namespace anduin::test {

inline bool any(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(), [&](const auto& l) { return l.find(part) != std::string::npos; });
}

/// A close in one line, to compare whole.
inline std::string fields(const SeenClose& c) {
  return c.id + " " + c.symbol + " " + (c.is_long ? "long" : "short") + " " + c.entry + " " + c.exit + " " + c.size +
         " " + c.pnl + " " + c.fee + " " + c.currency + " " + std::to_string(c.closed_ms);
}

}  // namespace anduin::test
