#include "body.hpp"

#include <algorithm>

namespace anduin::metatrader {
namespace {

Refused bad(std::string_view field, const std::string& what) {
  return {400, "bad_field", std::string(field) + " " + what, std::string(field)};
}

/// Texts of strangers come into logs and tables: nothing that moves a cursor or ends a line.
std::string clean(const json::View& v, std::string_view field) {
  std::string text = v.text();
  const bool control = std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control) throw bad(field, "holds a control character");
  return text;
}

}  // namespace

std::string refusal_body(const Refused& r, std::int64_t now_ms) {
  std::string out = "{\"error\":" + json::quoted(r.code) + ",\"message\":" + json::quoted(r.message);
  if (!r.field.empty()) out += ",\"field\":" + json::quoted(r.field);
  return out + ",\"serverTime\":" + std::to_string(now_ms) + "}";
}

std::string need_text(const json::View& body, std::string_view field) {
  const json::View v = body[field];
  if (!v.is_string() || v.text().empty()) throw bad(field, "must be a text that is not empty");
  return clean(v, field);
}

Decimal need_decimal(const json::View& body, std::string_view field) {
  const json::View v = body[field];
  if (!v || v.is_object() || v.is_array()) throw bad(field, "must be a number");
  const auto d = Decimal::parse(v.str());
  if (!d) throw bad(field, "must be a number of at most 38 digits");
  return *d;
}

Decimal need_positive(const json::View& body, std::string_view field) {
  const Decimal d = need_decimal(body, field);
  if (d.sign() <= 0) throw Refused{422, "bad_field", std::string(field) + " must be above zero", std::string(field)};
  return d;
}

std::int64_t need_integer(const json::View& body, std::string_view field) {
  const auto n = maybe_integer(body, field);
  if (!n) throw bad(field, "must be an integer");
  return *n;
}

std::optional<Decimal> maybe_decimal(const json::View& body, std::string_view field) {
  if (!body[field]) return std::nullopt;
  return need_decimal(body, field);
}

std::optional<std::int64_t> maybe_integer(const json::View& body, std::string_view field) {
  const json::View v = body[field];
  if (!v) return std::nullopt;
  const std::string_view text = v.str();
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool integer = !digits.empty() && digits.size() <= 18 &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!integer || v.is_object() || v.is_array()) throw bad(field, "must be an integer");
  return v.i64();
}

std::string maybe_text(const json::View& body, std::string_view field) {
  const json::View v = body[field];
  if (!v) return {};
  if (v.is_object() || v.is_array()) throw bad(field, "must be a text");
  return clean(v, field);
}

std::string maybe_currency(const json::View& body, std::string_view field) {
  std::string code = maybe_text(body, field);
  constexpr std::size_t kMin = 3, kMax = 8;
  for (char& c : code)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  if (code.empty()) return code;
  const bool letters = std::all_of(code.begin(), code.end(), [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
  if (!letters || code.size() < kMin || code.size() > kMax) throw bad(field, "must be a currency code");
  return code;
}

}  // namespace anduin::metatrader
