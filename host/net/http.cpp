#include "net/http.hpp"

#include <algorithm>

namespace anduin::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (std::ranges::equal(key, name, [](char a, char b) { return lower(a) == lower(b); })) return value;
  return std::nullopt;
}

}  // namespace anduin::net
