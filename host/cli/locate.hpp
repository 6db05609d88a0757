// Where the program finds its plugins when no pipeline file says so. Pure functions over the file system.
#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plugin/library.hpp"

namespace anduin::cli {

/// Beside the program's build tree (../plugins), then the installed place (../lib/anduin/plugins).
std::vector<std::string> default_plugin_dirs();

/// A plugin by venue name or by path; exactly one of both is given.
Result<std::shared_ptr<const plugin::Library>> load_plugin(const std::string& venue, const std::string& path);

/// Checks `key=value` options against the manifest's schema and fills in the defaults. Errors name the option.
Result<nlohmann::json> plugin_options(const plugin::Manifest& manifest, const std::vector<std::string>& given);

}  // namespace anduin::cli
