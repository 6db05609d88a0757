#include "plugin/config_schema.hpp"

#include <algorithm>
#include <charconv>
#include <regex>

#include "base/nearest.hpp"

namespace anduin::plugin {
namespace {

using nlohmann::json;

std::string list_of(const json& values) {
  std::string out;
  for (const json& v : values) out += (out.empty() ? "" : ", ") + (v.is_string() ? v.get<std::string>() : v.dump());
  return out;
}

/// Empty = fine; else what to write. Converts texts to what the schema wants.
std::string check_value(const json& schema, json& value) {
  const json types = schema.contains("type") ? schema.at("type") : json("string");
  const auto accepts = [&](const char* t) {
    return types.is_string() ? types == t : std::find(types.begin(), types.end(), t) != types.end();
  };
  if (accepts("array") && (value.is_array() || (value.is_string() && !accepts("string")))) {
    if (value.is_string()) {
      json list = json::array();
      std::string text = value.get<std::string>();
      for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        if (comma > at) list.push_back(text.substr(at, comma - at));
        at = comma + 1;
      }
      value = std::move(list);
    }
    if (value.empty()) return "must not be an empty list";
    for (json& item : value)
      if (schema.contains("items"))
        if (auto problem = check_value(schema.at("items"), item); !problem.empty()) return problem;
    return {};
  }
  if (accepts("integer")) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      std::int64_t n = 0;
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (ec != std::errc() || end != text.data() + text.size()) return "must be an integer";
      value = n;
    }
    if (!value.is_number_integer()) return "must be an integer";
    if (schema.contains("minimum") && value < schema.at("minimum")) return "must be " + schema.at("minimum").dump() + " or more";
    if (schema.contains("maximum") && value > schema.at("maximum")) return "must be " + schema.at("maximum").dump() + " or less";
    return {};
  }
  if (accepts("boolean")) {
    if (value == "true") value = true;
    if (value == "false") value = false;
    return value.is_boolean() ? "" : "must be true or false";
  }
  if (value.is_number_integer() || value.is_boolean()) value = value.dump();
  if (!value.is_string()) return "must be a text";
  if (schema.contains("enum") && std::find(schema.at("enum").begin(), schema.at("enum").end(), value) == schema.at("enum").end())
    return "must be one of " + list_of(schema.at("enum"));
  if (schema.contains("pattern") && !std::regex_match(value.get_ref<const std::string&>(), std::regex(schema.at("pattern").get<std::string>())))
    return "must match " + schema.at("pattern").get<std::string>() +
           (schema.contains("examples") ? ", for example " + list_of(schema.at("examples")) : "");
  return {};
}

std::vector<OptionProblem> check_against(const Manifest& manifest, const char* member, json& options) {
  std::vector<OptionProblem> problems;
  const json schema = manifest.json.contains(member) ? manifest.json.at(member) : json::object();
  const json properties = schema.contains("properties") ? schema.at("properties") : json::object();
  std::vector<std::string> names;
  for (const auto& [name, property] : properties.items()) names.push_back(name);
  for (auto& [name, value] : options.items()) {
    if (!properties.contains(name)) {
      const std::string near = nearest(name, names);
      problems.push_back({name, "the plugin " + manifest.id + " has no such option" +
                                    (!near.empty()    ? "; did you mean '" + near + "'?"
                                     : names.empty() ? std::string("; it has none")
                                                     : "; it has " + list_of(json(names)))});
      continue;
    }
    if (auto problem = check_value(properties.at(name), value); !problem.empty()) problems.push_back({name, problem});
  }
  for (const auto& [name, property] : properties.items())
    if (!options.contains(name) && property.contains("default")) options[name] = property.at("default");
  return problems;
}

}  // namespace

std::vector<OptionProblem> check_options(const Manifest& manifest, json& options) {
  return check_against(manifest, "config", options);
}

std::vector<OptionProblem> check_account_options(const Manifest& manifest, json& options) {
  auto problems = check_against(manifest, "account_config", options);
  const auto required = manifest.json.value(json::json_pointer("/account_config/required"), json::array());
  for (const json& name : required)
    if (!options.contains(name.get<std::string>()))
      problems.push_back({name.get<std::string>(), "is needed; add options: { " + name.get<std::string>() + ": ... }"});
  return problems;
}

Result<json> complete_options(const Manifest& manifest, json options) {
  const auto problems = check_options(manifest, options);
  if (!problems.empty()) return Error{ErrorKind::kBadRequest, "option " + problems.front().name, problems.front().text};
  return {boost::system::in_place_value, std::move(options)};
}

}  // namespace anduin::plugin
