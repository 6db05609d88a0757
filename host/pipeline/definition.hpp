// The building blocks of the one table that defines the pipeline file. A Def<T> knows two things about a
// kind of value: its JSON Schema and how to read it from YAML with an error at the right place. Whatever is
// checked here is what `anduin schema` says. Immutable once built: any thread.
#pragma once
#include <algorithm>
#include <concepts>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/context.hpp"

namespace anduin::pipeline {

using Json = nlohmann::ordered_json;

template <class T>
struct Def {
  Json schema;
  std::function<void(Context&, const YAML::Node&, T&)> read;
};

/// The schema of a scalar that may also come from a variable; schema_text() adds the definition it refers
/// to.
Json or_variable(Json schema);

/// Text that matches `pattern` (ECMAScript, whole text) after variables were filled in. `what` completes
/// "expected ...".
Def<std::string> text(std::string what, std::string pattern = ".+");
/// A secret: may be absent, never appears in a message; written literally it is warned about. `pattern` as
/// above.
Def<Secret> secret(std::string what, std::string pattern = ".+", bool warn_literal = true);
Def<bool> boolean();
/// unit is for messages ("bp", "blocks"); both bounds are inclusive.
Def<std::int64_t> integer(std::int64_t min, std::int64_t max, std::string unit = "");
/// A statistic's threshold, never money.
Def<double> number(double min, double max, std::string unit);
/// An exact decimal above zero.
Def<Decimal> positive_decimal(std::string unit);
/// "250ms", "30s", "5m", "1h" as ms.
Def<std::int64_t> duration_ms(std::int64_t min, std::int64_t max);
/// ISO 8601 with a zone as ms since the epoch UTC.
Def<std::int64_t> time_ms();
/// 0x + 40 hex digits; mixed case must be the EIP-55 checksum.
Def<std::string> address();
/// An address that may be absent (a variable that is not set).
Def<Secret> maybe_address();
Def<std::filesystem::path> path();
Def<Listen> listen();
/// An object of whatever keys, as JSON text.
Def<std::string> any_object(std::string what);

/// True when the whole of `text` matches; patterns are compiled once each.
bool matches(const std::string& text, const std::string& pattern);
/// YAML as JSON by the core rules (true, 1, 1.5, null, text), variables filled in. Deeper than 16 levels is
/// an error.
Json to_json(Context& context, const YAML::Node& node, int depth = 0);

template <class Int>
Def<Int> integer_as(std::int64_t min, std::int64_t max, std::string unit = "") {
  auto def = integer(min, max, std::move(unit));
  return {def.schema, [read = def.read](Context& c, const YAML::Node& n, Int& out) {
            std::int64_t value = static_cast<std::int64_t>(out);
            read(c, n, value);
            out = static_cast<Int>(value);
          }};
}

template <class E>
Def<E> choice(std::vector<std::pair<std::string, E>> values) {
  Json names = Json::array();
  std::vector<std::string> words;
  for (const auto& [name, value] : values) {
    names.push_back(name);
    words.push_back(name);
  }
  return {or_variable(Json{{"enum", names}}), [values, words](Context& c, const YAML::Node& n, E& out) {
            const auto scalar = c.complete_scalar(n, "one of " + listed(words));
            if (!scalar) return;
            for (const auto& [name, value] : values) {
              if (scalar->text == name) {
                out = value;
                return;
              }
            }
            c.error(scalar->place, "'" + scalar->text + "' is not one of " + listed(words));
          }};
}

/// A list; `what` completes "expected a list of ...". Equal items are refused when `unique`.
template <class T>
Def<std::vector<T>> list(Def<T> item, std::string what, std::size_t min_items = 0, bool unique = false) {
  Json schema{{"type", "array"}, {"items", item.schema}};
  if (min_items > 0) schema["minItems"] = min_items;
  if (unique) schema["uniqueItems"] = true;
  return {schema, [item, what, min_items, unique](Context& c, const YAML::Node& n, std::vector<T>& out) {
            out.clear();
            if (!c.each_item(n, "a list of " + what, [&](const YAML::Node& entry) {
                  T value{};
                  item.read(c, entry, value);
                  if constexpr (std::equality_comparable<T>) {
                    if (unique && std::find(out.begin(), out.end(), value) != out.end()) {
                      c.error(place_of(entry), "stands in this list twice; remove one");
                      return;
                    }
                  }
                  out.push_back(std::move(value));
                })) {
              return;
            }
            if (out.size() < min_items)
              c.error(place_of(n), "an empty list; write at least one of " + what);
          }};
}

/// One or a list.
template <class T>
Def<std::vector<T>> one_or_list(Def<T> item, std::string what) {
  auto many = list(item, what, 1, true);
  return {Json{{"anyOf", Json::array({item.schema, many.schema})}},
          [item, many](Context& c, const YAML::Node& n, std::vector<T>& out) {
            if (!n.IsScalar()) return many.read(c, n, out);
            out.resize(1);
            item.read(c, n, out.front());
          }};
}

/// A map from names to values; keys match `pattern`, which `what` describes.
template <class T>
Def<std::map<std::string, T>> map_of(Def<T> value, std::string what, std::string pattern) {
  Json schema{{"type", "object"},
              {"additionalProperties", value.schema},
              {"propertyNames", {{"pattern", "^(" + pattern + ")$"}}}};
  return {schema, [value, what, pattern](Context& c, const YAML::Node& n, std::map<std::string, T>& out) {
            out.clear();
            c.each_member(n, "a map of " + what,
                          [&](const std::string& key, Place place, const YAML::Node& entry) {
                            if (!matches(key, pattern)) c.error(place, "'" + key + "' is not " + what);
                            value.read(c, entry, out[key]);
                          });
          }};
}

/// A map whose keys are stored in a member of the values, kept in the order of the file.
template <class T>
Def<std::vector<T>> named(Def<T> value, std::string T::*name, std::string what, std::string pattern,
                          std::size_t min_items = 0) {
  Json schema{{"type", "object"},
              {"additionalProperties", value.schema},
              {"propertyNames", {{"pattern", "^(" + pattern + ")$"}}}};
  if (min_items > 0) schema["minProperties"] = min_items;
  return {schema,
          [value, name, what, pattern, min_items](Context& c, const YAML::Node& n, std::vector<T>& out) {
            out.clear();
            const bool is_map = c.each_member(
                n, "a map of " + what, [&](const std::string& key, Place place, const YAML::Node& entry) {
                  if (!matches(key, pattern)) {
                    c.error(place,
                            "'" + key + "' cannot be a name here; use letters, digits, '.', '_' and '-'");
                  }
                  T item{};
                  item.*name = key;
                  value.read(c, entry, item);
                  out.push_back(std::move(item));
                });
            if (is_map && out.size() < min_items)
              c.error(place_of(n), "empty; write at least one of " + what);
          }};
}

/// An object with a fixed set of keys: one line a key.
template <class T>
class Object {
 public:
  explicit Object(std::string what) : what_(std::move(what)) {}

  /// `fallback` is what the documentation gives as the default, null = none.
  template <class M>
  Object& member(const std::string& key, M T::*place, Def<M> def, const std::string& help,
                 Json fallback = nullptr) {
    return add(
        key, std::move(def.schema), help, std::move(fallback),
        [place, read = def.read](Context& c, const YAML::Node& n, T& out) { read(c, n, out.*place); });
  }
  template <class M>
  Object& optional(const std::string& key, std::optional<M> T::*place, Def<M> def,
                   const std::string& help) {
    return add(key, std::move(def.schema), help, nullptr,
               [place, read = def.read](Context& c, const YAML::Node& n, T& out) {
                 read(c, n, (out.*place).emplace());
               });
  }
  /// A key whose value does not go to one member.
  template <class M>
  Object& with(const std::string& key, Def<M> def, const std::string& help,
               std::function<void(Context&, Place, T&, M)> set, Json fallback = nullptr) {
    return add(key, std::move(def.schema), help, std::move(fallback),
               [set, read = def.read](Context& c, const YAML::Node& n, T& out) {
                 M value{};
                 read(c, n, value);
                 set(c, place_of(n), out, std::move(value));
               });
  }
  Object& required(const std::string& key) {
    required_.push_back(key);
    return *this;
  }
  Object& placed(Place T::*place) {
    place_ = place;
    return *this;
  }

  Def<T> done() {
    Json schema{{"type", "object"}, {"additionalProperties", false}, {"properties", properties_}};
    if (!required_.empty()) schema["required"] = required_;
    return {schema, [what = what_, members = members_, required = required_, place = place_](
                        Context& c, const YAML::Node& n, T& out) {
              if (place != nullptr) out.*place = place_of(n);
              read(c, n, out, what, members, required);
            }};
  }

 private:
  using Read = std::function<void(Context&, const YAML::Node&, T&)>;
  using Members = std::vector<std::pair<std::string, Read>>;

  Object& add(const std::string& key, Json schema, const std::string& help, Json fallback, Read read) {
    schema["description"] = help;
    if (!fallback.is_null()) schema["default"] = std::move(fallback);
    properties_[key] = std::move(schema);
    members_.emplace_back(key, std::move(read));
    return *this;
  }

  static void read(Context& c, const YAML::Node& n, T& out, const std::string& what, const Members& members,
                   const std::vector<std::string>& required) {
    std::vector<std::string> found;
    const bool is_map =
        c.each_member(n, what, [&](const std::string& key, Place place, const YAML::Node& entry) {
          for (const auto& [name, read_member] : members) {
            if (name != key) continue;
            found.push_back(key);
            return read_member(c, entry, out);
          }
          std::vector<std::string> known;
          for (const auto& [name, unused] : members) known.push_back(name);
          c.error(place, "unknown key '" + key + "' in " + what + hint(key, known));
        });
    if (!is_map) return;
    for (const std::string& key : required) {
      if (std::find(found.begin(), found.end(), key) == found.end()) {
        c.error(place_of(n), what + " lacks '" + key + "'; add " + key + ": ...");
      }
    }
  }

  std::string what_;
  Json properties_ = Json::object();
  Members members_;
  std::vector<std::string> required_;
  Place T::*place_ = nullptr;
};

}  // namespace anduin::pipeline
