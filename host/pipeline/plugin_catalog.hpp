// The plugin files of some folders as the loader of the pipeline file sees them: inspected, never run.
// Thread: one at a time. Lifetime: keeps what it has inspected.
#pragma once
#include <map>
#include <memory>

#include "pipeline/settings_loader.hpp"

namespace anduin::pipeline {

class PluginCatalog final : public VenueCatalog {
 public:
  /// `own_dirs`: where to look when the pipeline file names no folder.
  explicit PluginCatalog(std::vector<std::filesystem::path> own_dirs);
  ~PluginCatalog() override;

  std::vector<std::filesystem::path> use_dirs(const std::vector<std::filesystem::path>& dirs) override;
  [[nodiscard]] Found find(const std::string& plugin) override;
  [[nodiscard]] std::vector<std::string> names() override;
  /// The file of a plugin, first hit wins; empty when there is none.
  [[nodiscard]] std::filesystem::path file(const std::string& plugin) const;

 private:
  struct Entry;
  std::vector<std::filesystem::path> own_dirs_, dirs_;
  std::map<std::string, std::unique_ptr<Entry>> inspected_;
};

}  // namespace anduin::pipeline
