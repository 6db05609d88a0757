#include "json_schema.hpp"

#include <regex>
#include <set>
#include <stdexcept>

namespace anduin::pipeline::test {
namespace {

using nlohmann::json;

bool is(const json& v, const std::string& type) {
  if (type == "object") return v.is_object();
  if (type == "array") return v.is_array();
  if (type == "string") return v.is_string();
  if (type == "boolean") return v.is_boolean();
  if (type == "integer") return v.is_number_integer();
  if (type == "number") return v.is_number();
  throw std::logic_error("type " + type);
}

bool found(const json& text, const std::string& pattern) {
  return std::regex_search(text.get<std::string>(), std::regex(pattern));
}

std::string of_object(const json& root, const json& schema, const json& doc) {
  for (const auto& [key, value] : doc.items()) {
    if (schema.contains("propertyNames") && !violation(root, schema["propertyNames"], key).empty())
      return "name " + key;
    if (schema.contains("properties") && schema["properties"].contains(key)) {
      if (auto v = violation(root, schema["properties"][key], value); !v.empty()) return key + ": " + v;
    } else if (schema.contains("additionalProperties")) {
      const json& more = schema["additionalProperties"];
      if (more == false) return "unknown " + key;
      if (auto v = violation(root, more, value); !v.empty()) return key + ": " + v;
    }
  }
  if (schema.contains("required")) {
    for (const auto& key : schema["required"]) {
      if (!doc.contains(key.get<std::string>())) return "lacks " + key.get<std::string>();
    }
  }
  if (schema.contains("minProperties") && doc.size() < schema["minProperties"]) return "too few members";
  return "";
}

std::string of_array(const json& root, const json& schema, const json& doc) {
  if (schema.contains("minItems") && doc.size() < schema["minItems"]) return "too few items";
  if (schema.value("uniqueItems", false) && std::set<json>(doc.begin(), doc.end()).size() != doc.size())
    return "twice";
  for (const auto& item : doc) {
    if (auto v = violation(root, schema.value("items", json::object()), item); !v.empty()) return v;
  }
  return "";
}

}  // namespace

std::string violation(const json& root, const json& schema, const json& doc) {
  static const std::set<std::string> known{"type",          "pattern",
                                           "enum",          "const",
                                           "anyOf",         "$ref",
                                           "$defs",         "$schema",
                                           "title",         "description",
                                           "default",       "minimum",
                                           "maximum",       "exclusiveMinimum",
                                           "properties",    "additionalProperties",
                                           "propertyNames", "required",
                                           "minProperties", "items",
                                           "minItems",      "uniqueItems"};
  for (const auto& [key, unused] : schema.items()) {
    if (!known.contains(key)) throw std::logic_error("keyword " + key);
  }
  if (schema.contains("$ref"))
    return violation(root, root.at(json::json_pointer(schema["$ref"].get<std::string>().substr(1))), doc);
  if (schema.contains("anyOf")) {
    for (const auto& form : schema["anyOf"]) {
      if (violation(root, form, doc).empty()) return "";
    }
    return "none of the forms: " + doc.dump();
  }
  if (schema.contains("const") && schema["const"] != doc) return "not " + schema["const"].dump();
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), doc) == schema["enum"].end())
    return "not in enum: " + doc.dump();
  if (schema.contains("type") && !is(doc, schema["type"]))
    return "not " + schema["type"].dump() + ": " + doc.dump();
  if (doc.is_string() && schema.contains("pattern") && !found(doc, schema["pattern"]))
    return "pattern: " + doc.dump();
  if (doc.is_number() && schema.contains("minimum") && doc < schema["minimum"]) return "below";
  if (doc.is_number() && schema.contains("maximum") && doc > schema["maximum"]) return "above";
  if (doc.is_number() && schema.contains("exclusiveMinimum") && doc <= schema["exclusiveMinimum"])
    return "not above";
  if (doc.is_object()) return of_object(root, schema, doc);
  if (doc.is_array()) return of_array(root, schema, doc);
  return "";
}

}  // namespace anduin::pipeline::test
