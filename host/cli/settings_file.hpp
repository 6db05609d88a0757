// Loads a pipeline file for a command that needs it whole: every problem goes to stderr.
#pragma once
#include <string>

#include "pipeline/settings.hpp"

namespace anduin::cli {

struct LoadedSettings {
  bool ok = false;
  pipeline::Settings settings;
};
LoadedSettings load_settings_file(const std::string& file);

}  // namespace anduin::cli
