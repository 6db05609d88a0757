// A validator for the part of JSON Schema that `anduin schema` uses, independent of the code that makes the
// schema.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace anduin::pipeline::test {

/// "" when the document is valid, else the first reason. Throws for a keyword it does not know.
std::string violation(const nlohmann::json& root, const nlohmann::json& schema,
                      const nlohmann::json& document);

}  // namespace anduin::pipeline::test
