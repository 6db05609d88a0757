#include "pipeline/definition.hpp"

#include <chrono>
#include <cmath>
#include <map>
#include <mutex>
#include <regex>

#include "anduin/time.hpp"
#include "base/log.hpp"
#include "chain/types.hpp"

namespace anduin::pipeline {
namespace {

/// Deeper `options:` are a mistake or an alias that contains itself.
constexpr int kDepthMax = 16;

enum class Plain { kText, kNull, kBoolean, kInteger, kFloat };

/// What a plain YAML scalar is by the core rules, without their hexadecimal and octal numbers: 0xAB... is
/// an address.
Plain plain_kind(const std::string& text) {
  static const std::regex integer("[-+]?[0-9]+");
  static const std::regex real(R"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)");
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
    return Plain::kNull;
  for (const auto* word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return Plain::kBoolean;
  }
  if (std::regex_match(text, integer)) return Plain::kInteger;
  if (std::regex_match(text, real)) return Plain::kFloat;
  return Plain::kText;
}

std::string quoted(const Scalar& scalar) { return "'" + scalar.text + "'"; }

/// Refuses a plain scalar that YAML takes for something else than text.
bool is_text(Context& c, const Scalar& scalar, const std::string& what) {
  if (!scalar.plain) return true;
  const Plain kind = plain_kind(scalar.text);
  if (kind == Plain::kText) return true;
  if (kind == Plain::kNull) {
    c.error(scalar.place, "expected " + what + ", found nothing");
  } else {
    c.error(scalar.place, quoted(scalar) + " is a number or a boolean to YAML; expected " + what +
                              ": if it is meant as text, write \"" + scalar.text + "\"");
  }
  return false;
}

/// Refuses quotes around a number or a boolean, which the schema refuses as well. Variables are text
/// anyway.
bool is_unquoted(Context& c, const Scalar& scalar, const std::string& what) {
  if (scalar.plain || !scalar.env.empty()) return true;
  c.error(scalar.place, "expected " + what + ", found text; write " + scalar.text + " without quotes");
  return false;
}

Json text_schema(const std::string& pattern) {
  return or_variable(Json{{"type", "string"}, {"pattern", "^(" + pattern + ")$"}});
}

std::optional<Scalar> number_scalar(Context& c, const YAML::Node& n, const std::string& what) {
  auto scalar = c.complete_scalar(n, what);
  if (!scalar || !is_unquoted(c, *scalar, what)) return std::nullopt;
  return scalar;
}

const char* kDurationPattern = R"([0-9]+(\.[0-9]+)?(ms|s|m|h))";
const char* kTimePattern =
    R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|\+00:00))";
const char* kAddressPattern = "0x[0-9a-fA-F]{40}";
const char* kListenPattern = R"((\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5})";

std::string duration_text(std::int64_t ms) {
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + "s";
  return std::to_string(ms) + "ms";
}

bool is_calendar_day(const std::string& iso) {
  using namespace std::chrono;
  const year_month_day day{year{std::stoi(iso.substr(0, 4))},
                           month{static_cast<unsigned>(std::stoi(iso.substr(5, 2)))},
                           std::chrono::day{static_cast<unsigned>(std::stoi(iso.substr(8, 2)))}};
  return day.ok();
}

/// "" when it is an address, else what is wrong with it.
std::string address_problem(const std::string& text) {
  if (!matches(text, kAddressPattern))
    return "'" + text + "' is not an address; write 0x and 40 hex digits";
  if (chain::Address::parse(text)) return "";
  std::string lower = text;
  for (char& ch : lower) ch = ch >= 'A' && ch <= 'F' ? static_cast<char>(ch - 'A' + 'a') : ch;
  return "'" + text +
         "' has a wrong EIP-55 checksum: a letter was changed or mistyped; if every digit is right it is " +
         chain::Address::parse(lower)->to_string();
}

}  // namespace

bool matches(const std::string& text, const std::string& pattern) {
  static std::mutex mutex;
  static std::map<std::string, std::regex> compiled;
  const std::lock_guard lock(mutex);
  auto found = compiled.find(pattern);
  if (found == compiled.end()) found = compiled.emplace(pattern, std::regex(pattern)).first;
  return std::regex_match(text, found->second);
}

Json or_variable(Json schema) {
  return Json{{"anyOf", Json::array({std::move(schema), Json{{"$ref", "#/$defs/variable"}}})}};
}

Def<std::string> text(std::string what, std::string pattern) {
  return {text_schema(pattern), [what, pattern](Context& c, const YAML::Node& n, std::string& out) {
            const auto scalar = c.complete_scalar(n, what);
            if (!scalar || !is_text(c, *scalar, what)) return;
            if (!matches(scalar->text, pattern)) {
              c.error(scalar->place, quoted(*scalar) + " is not " + what);
              return;
            }
            out = scalar->text;
          }};
}

Def<Secret> secret(std::string what, std::string pattern, bool warn_literal) {
  return {
      text_schema(pattern), [what, pattern, warn_literal](Context& c, const YAML::Node& n, Secret& out) {
        const auto scalar = c.scalar(n, what);
        if (!scalar) return;
        out.place = scalar->place;
        out.env = scalar->missing_env.empty() ? scalar->env : scalar->missing_env;
        if (!scalar->missing_env.empty()) return;
        if (scalar->plain && plain_kind(scalar->text) != Plain::kText) {
          c.error(scalar->place, "expected " + what + " as text; put it in quotes");
          return;
        }
        if (!scalar->text.empty()) log::add_secret(scalar->text);
        if (!matches(scalar->text, pattern)) {
          c.error(scalar->place,
                  (scalar->env.empty() ? "this" : "the value of " + scalar->env) + " is not " + what);
          return;
        }
        if (warn_literal && scalar->env.empty()) {
          c.warning(scalar->place,
                    "a secret is written in this file; put it in the environment and write ${env:NAME}");
        }
        out.value = scalar->text;
      }};
}

Def<bool> boolean() {
  return {or_variable(Json{{"type", "boolean"}}), [](Context& c, const YAML::Node& n, bool& out) {
            const auto scalar = number_scalar(c, n, "true or false");
            if (!scalar) return;
            if (plain_kind(scalar->text) != Plain::kBoolean) {
              c.error(scalar->place, quoted(*scalar) + " is neither true nor false");
              return;
            }
            out = scalar->text[0] == 't' || scalar->text[0] == 'T';
          }};
}

Def<std::int64_t> integer(std::int64_t min, std::int64_t max, std::string unit) {
  const std::string what = "a whole number" + (unit.empty() ? "" : " of " + unit) + " from " +
                           std::to_string(min) + " to " + std::to_string(max);
  return {or_variable(Json{{"type", "integer"}, {"minimum", min}, {"maximum", max}}),
          [what, min, max](Context& c, const YAML::Node& n, std::int64_t& out) {
            const auto scalar = number_scalar(c, n, what);
            if (!scalar) return;
            const auto d =
                plain_kind(scalar->text) == Plain::kInteger ? Decimal::parse(scalar->text) : std::nullopt;
            if (d && *d >= Decimal(min, 0) && *d <= Decimal(max, 0)) {
              out = std::stoll(d->to_string());
              return;
            }
            c.error(scalar->place, quoted(*scalar) + " is not " + what);
          }};
}

Def<double> number(double min, double max, std::string unit) {
  const auto shown = [](double v) {
    return Json(v == std::floor(v) ? Json(static_cast<std::int64_t>(v)) : Json(v));
  };
  const std::string what = "a number" + (unit.empty() ? "" : " of " + unit) + " from " + shown(min).dump() +
                           " to " + shown(max).dump();
  return {or_variable(Json{{"type", "number"}, {"minimum", shown(min)}, {"maximum", shown(max)}}),
          [what, min, max](Context& c, const YAML::Node& n, double& out) {
            const auto scalar = number_scalar(c, n, what);
            if (!scalar) return;
            const auto kind = plain_kind(scalar->text);
            const auto d = kind == Plain::kInteger || kind == Plain::kFloat ? Decimal::parse(scalar->text)
                                                                            : std::nullopt;
            const double value = d ? d->to_double_for_statistics() : min - 1;
            if (value < min || value > max) {
              c.error(scalar->place, quoted(*scalar) + " is not " + what);
              return;
            }
            out = value;
          }};
}

Def<Decimal> positive_decimal(std::string unit) {
  const std::string what = "a number of " + unit + " above zero";
  return {or_variable(Json{{"type", "number"}, {"exclusiveMinimum", 0}}),
          [what](Context& c, const YAML::Node& n, Decimal& out) {
            const auto scalar = number_scalar(c, n, what);
            if (!scalar) return;
            const auto kind = plain_kind(scalar->text);
            const auto d = kind == Plain::kInteger || kind == Plain::kFloat ? Decimal::parse(scalar->text)
                                                                            : std::nullopt;
            if (!d || d->sign() <= 0) {
              c.error(scalar->place, quoted(*scalar) + " is not " + what);
              return;
            }
            out = *d;
          }};
}

Def<std::int64_t> duration_ms(std::int64_t min, std::int64_t max) {
  const std::string what =
      "a time with its unit (250ms, 30s, 5m, 1h) from " + duration_text(min) + " to " + duration_text(max);
  return {text_schema(kDurationPattern),
          [what, min, max](Context& c, const YAML::Node& n, std::int64_t& out) {
            const auto scalar = c.complete_scalar(n, what);
            if (!scalar) return;
            if (!matches(scalar->text, kDurationPattern)) {
              const bool bare = plain_kind(scalar->text) == Plain::kInteger;
              c.error(scalar->place, quoted(*scalar) + " is not " + what +
                                         (bare ? "; did you mean " + scalar->text + "s?" : ""));
              return;
            }
            const std::size_t unit_at = scalar->text.find_first_not_of("0123456789.");
            const std::string unit = scalar->text.substr(unit_at);
            const int factor = unit == "ms" ? 1 : unit == "s" ? 1'000 : unit == "m" ? 60'000 : 3'600'000;
            const auto amount = Decimal::parse(scalar->text.substr(0, unit_at));
            const bool sane = amount && *amount <= Decimal(1'000'000'000) && amount->exp10() >= -9;
            const Decimal ms = sane ? *amount * Decimal(factor) : Decimal(-1);
            if (ms < Decimal(min, 0) || ms > Decimal(max, 0) || ms != ms.truncated(0)) {
              c.error(scalar->place, quoted(*scalar) + " is not " + what);
              return;
            }
            out = std::stoll(ms.to_string());
          }};
}

Def<std::int64_t> time_ms() {
  const std::string what = "a time such as 2026-11-01T00:00:00Z";
  return {text_schema(kTimePattern), [what](Context& c, const YAML::Node& n, std::int64_t& out) {
            const auto scalar = c.complete_scalar(n, what);
            if (!scalar) return;
            const bool shaped = matches(scalar->text, kTimePattern) && is_calendar_day(scalar->text);
            const auto ms = shaped ? parse_iso_ms(scalar->text) : std::nullopt;
            if (!ms) {
              c.error(scalar->place, quoted(*scalar) + " is not " + what + " (UTC, with the Z)");
              return;
            }
            out = *ms;
          }};
}

Def<std::string> address() {
  return {text_schema(kAddressPattern), [](Context& c, const YAML::Node& n, std::string& out) {
            const auto scalar = c.complete_scalar(n, "an address");
            if (!scalar) return;
            if (std::string problem = address_problem(scalar->text); !problem.empty()) {
              c.error(scalar->place, std::move(problem));
              return;
            }
            out = chain::Address::parse(scalar->text)->to_string();
          }};
}

Def<Secret> maybe_address() {
  return {text_schema(kAddressPattern), [](Context& c, const YAML::Node& n, Secret& out) {
            const auto scalar = c.scalar(n, "an address");
            if (!scalar) return;
            out.place = scalar->place;
            out.env = scalar->missing_env.empty() ? scalar->env : scalar->missing_env;
            if (!scalar->missing_env.empty()) return;
            if (std::string problem = address_problem(scalar->text); !problem.empty()) {
              c.error(scalar->place, std::move(problem));
              return;
            }
            out.value = chain::Address::parse(scalar->text)->to_string();
          }};
}

Def<std::filesystem::path> path() {
  auto plain = text("a file path");
  return {plain.schema, [read = plain.read](Context& c, const YAML::Node& n, std::filesystem::path& out) {
            std::string value;
            read(c, n, value);
            if (!value.empty()) out = c.absolute(value);
          }};
}

Def<Listen> listen() {
  const std::string what = "an address and a port such as 127.0.0.1:8080";
  return {
      text_schema(kListenPattern), [what](Context& c, const YAML::Node& n, Listen& out) {
        const auto scalar = c.complete_scalar(n, what);
        if (!scalar) return;
        const std::size_t colon = scalar->text.rfind(':');
        if (!matches(scalar->text, kListenPattern) || std::stoul(scalar->text.substr(colon + 1)) > 65'535) {
          c.error(scalar->place, quoted(*scalar) + " is not " + what + ", with a port up to 65535");
          return;
        }
        out.host = scalar->text.substr(0, colon);
        if (out.host.front() == '[') out.host = out.host.substr(1, out.host.size() - 2);
        out.port = static_cast<std::uint16_t>(std::stoul(scalar->text.substr(colon + 1)));
      }};
}

Json to_json(Context& c, const YAML::Node& node, int depth) {
  if (depth > kDepthMax) {
    c.error(place_of(node), "nested too deep; " + std::to_string(kDepthMax) + " levels are the most");
    return nullptr;
  }
  if (node.IsMap()) {
    Json out = Json::object();
    c.each_member(node, "a map", [&](const std::string& key, Place, const YAML::Node& value) {
      out[key] = to_json(c, value, depth + 1);
    });
    return out;
  }
  if (node.IsSequence()) {
    Json out = Json::array();
    c.each_item(node, "a list",
                [&](const YAML::Node& value) { out.push_back(to_json(c, value, depth + 1)); });
    return out;
  }
  if (!node.IsScalar()) return nullptr;
  const auto scalar = c.complete_scalar(node, "a value");
  if (!scalar) return nullptr;
  const Plain kind = scalar->plain ? plain_kind(scalar->text) : Plain::kText;
  switch (kind) {
    case Plain::kNull:
      return nullptr;
    case Plain::kBoolean:
      return scalar->text[0] == 't' || scalar->text[0] == 'T';
    case Plain::kInteger:
    case Plain::kFloat: {
      const std::string digits = scalar->text[0] == '+' ? scalar->text.substr(1) : scalar->text;
      const Json parsed = Json::parse(digits, nullptr, false);
      return parsed.is_discarded() ? Json(digits)
                                   : parsed;  // 007 and .5 are numbers to YAML and text to JSON
    }
    case Plain::kText:
      break;
  }
  return scalar->text;
}

Def<std::string> any_object(std::string what) {
  return {Json{{"type", "object"}}, [what](Context& c, const YAML::Node& n, std::string& out) {
            if (!n.IsMap()) {
              c.error(place_of(n), "expected " + what + " (lines of key: value)");
              return;
            }
            out = to_json(c, n).dump();
          }};
}

}  // namespace anduin::pipeline
