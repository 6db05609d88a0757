// The venue's pings, which are ordinary frames. Pure, any thread.
#pragma once
#include <string_view>

#include "anduin/json.hpp"

namespace anduin::htx {

/// The characters of a ping's stamp, to be sent back as they are: a text stays a text, a number a number. Empty when
/// it is neither digits nor digits in quotes: nothing else is echoed.
inline std::string_view echo_of(const json::View& stamp) {
  const std::string_view digits = stamp.str();
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return {};
  return stamp.raw();
}

}  // namespace anduin::htx
