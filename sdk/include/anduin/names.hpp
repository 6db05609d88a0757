// What the spelling of an instrument tells. Pure, any thread.
#pragma once
#include <algorithm>
#include <string_view>

namespace anduin {

/// A lot of a coin under an own name: 1000PEPE, 1000000MOG, SHIB1000. Such a name is not the coin's.
inline bool is_scaled(std::string_view base) {
  // Three zeros at least: 1INCH and 10SET are names, 1000PEPE is a lot of a thousand.
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto one_and_zeros = [](std::string_view s) {
    return s.size() >= 4 && s[0] == '1' && std::all_of(s.begin() + 1, s.end(), [](char c) { return c == '0'; });
  };
  const auto first_letter = static_cast<std::size_t>(std::find_if_not(base.begin(), base.end(), is_digit) - base.begin());
  std::size_t last_letter = base.size();
  while (last_letter > 0 && is_digit(base[last_letter - 1])) --last_letter;
  return one_and_zeros(base.substr(0, first_letter)) || one_and_zeros(base.substr(last_letter));
}

}  // namespace anduin
