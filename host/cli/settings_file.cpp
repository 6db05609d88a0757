#include "cli/settings_file.hpp"

#include <cstdio>

#include "cli/locate.hpp"
#include "pipeline/plugin_catalog.hpp"

namespace anduin::cli {

LoadedSettings load_settings_file(const std::string& file) {
  std::vector<std::filesystem::path> own;
  for (const std::string& dir : default_plugin_dirs()) own.emplace_back(dir);
  pipeline::PluginCatalog catalog(own);
  auto result = pipeline::load_settings(file, pipeline::system_environment(), &catalog);
  std::fputs(result.report().c_str(), stderr);
  LoadedSettings out;
  out.ok = result.ok();
  out.settings = std::move(result.settings);
  return out;
}

}  // namespace anduin::cli
