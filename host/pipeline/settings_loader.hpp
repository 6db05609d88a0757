// Reads the pipeline file, finds every problem in one pass, and generates the JSON Schema from the same
// definitions. Thread: functions without shared state, any thread. They read the named file and ask the
// environment through the given function, nothing else. Secrets that are read are registered with the log's
// redaction.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/settings.hpp"

namespace anduin::plugin {
struct Manifest;
}

namespace anduin::pipeline {

/// What is known about installed plugins, without running any of their code.
class VenueCatalog {
 public:
  struct Found {
    const plugin::Manifest* manifest =
        nullptr;          ///< valid for the catalog's life; null when there is none to use
    std::string sha256;   ///< lower-case hex of its file; empty = not known
    std::string problem;  ///< why the file that is there cannot be used; empty = no such file
  };
  virtual ~VenueCatalog() = default;
  /// Called once per load, before any find(): the folders that the file names, none = the program's own.
  /// Returns the folders that will be searched.
  virtual std::vector<std::filesystem::path> use_dirs(const std::vector<std::filesystem::path>& dirs) = 0;
  [[nodiscard]] virtual Found find(const std::string& plugin) = 0;
  /// Ids of all plugins there, for hints.
  [[nodiscard]] virtual std::vector<std::string> names() = 0;
};

struct Problem {
  enum class Severity : std::uint8_t { kError, kWarning };
  Severity severity = Severity::kError;
  Place place;
  std::string text;  ///< what is wrong, and what to write instead
};

/// The value of an environment variable, nothing when it is not set. system_environment() asks the
/// process's own.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment system_environment();

struct LoadResult {
  Settings settings;              ///< meaningful only when ok()
  std::vector<Problem> problems;  ///< in the order of their places
  [[nodiscard]] bool ok() const;
  /// One line a problem: FILE:LINE:COL: error: text
  [[nodiscard]] std::string report() const;
};

/// `catalog` may be null: then nothing is checked against manifests.
LoadResult load_settings(const std::filesystem::path& file, const Environment& environment,
                         VenueCatalog* catalog);
/// The same from text, for tests and reload; `file` gives the name in messages and the base of relative
/// paths.
LoadResult parse_settings(std::string_view text, const std::filesystem::path& file,
                          const Environment& environment, VenueCatalog* catalog);

/// JSON Schema (draft 2020-12) of the pipeline file, indented text ending in a newline.
std::string schema_text();

}  // namespace anduin::pipeline
