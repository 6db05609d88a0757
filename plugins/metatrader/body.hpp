// Reading the members of a body, with the contract's refusals. A missing or malformed member is 400 bad_field, a
// value that cannot be is 422 bad_field; both name the field.
// Thread: one instance's. Lifetime: views end with the body.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/decimal.hpp"
#include "anduin/json.hpp"

namespace anduin::metatrader {

/// The request cannot pass; the answer's status and code.
struct Refused {
  int status;
  std::string code, message, field = {};
};

/// {"error":..,"message":..,"serverTime":..} and the field, if one is to blame.
std::string refusal_body(const Refused& r, std::int64_t now_ms);

std::string need_text(const json::View& body, std::string_view field);
Decimal need_decimal(const json::View& body, std::string_view field);
Decimal need_positive(const json::View& body, std::string_view field);
std::int64_t need_integer(const json::View& body, std::string_view field);
/// Absent or null is nothing.
std::optional<Decimal> maybe_decimal(const json::View& body, std::string_view field);
std::optional<std::int64_t> maybe_integer(const json::View& body, std::string_view field);
/// A text, or a number's own characters; absent or null is "".
std::string maybe_text(const json::View& body, std::string_view field);
/// A currency code in capitals, or "" when the body has none.
std::string maybe_currency(const json::View& body, std::string_view field);

}  // namespace anduin::metatrader
