// The options of a plugin against the JSON Schema in its manifest: checked, converted from text, defaults filled in.
// Supported keywords: type (string, integer, boolean, array), enum, pattern, default, minimum, maximum, items.
// Pure functions, any thread.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plugin/manifest.hpp"

namespace anduin::plugin {

struct OptionProblem {
  std::string name;  ///< of the option
  std::string text;  ///< what is wrong and what to write instead
};

/// Every problem at once; `options` is completed with defaults. Values may be texts ("5", "a,b") where the schema
/// wants an integer or a list.
std::vector<OptionProblem> check_options(const Manifest& manifest, nlohmann::json& options);

/// The same for the options of one account (`account_config` of the manifest), where `required` counts as well.
std::vector<OptionProblem> check_account_options(const Manifest& manifest, nlohmann::json& options);

/// The completed options, or the first problem as an error.
Result<nlohmann::json> complete_options(const Manifest& manifest, nlohmann::json options);

}  // namespace anduin::plugin
