// The manifests of this repository's plugins as a catalog, read from their sources: no plugin has to be
// built.
#pragma once
#include <fstream>
#include <map>
#include <sstream>

#include "pipeline/settings_loader.hpp"
#include "plugin/manifest.hpp"

namespace anduin::pipeline::test {

class SourceCatalog final : public VenueCatalog {
 public:
  explicit SourceCatalog(const std::vector<std::string>& plugins = {"bybit", "kraken"}) {
    for (const std::string& name : plugins)
      add(name, std::string(ANDUIN_SOURCE_DIR) + "/plugins/" + name + "/manifest.json");
  }
  std::vector<std::filesystem::path> use_dirs(const std::vector<std::filesystem::path>& dirs) override {
    return dirs.empty() ? std::vector<std::filesystem::path>{"/usr/lib/anduin/plugins"} : dirs;
  }
  [[nodiscard]] Found find(const std::string& plugin) override {
    if (plugin == "broken") return {nullptr, "", "half of the file is missing"};
    const auto found = manifests_.find(plugin);
    if (found == manifests_.end()) return {};
    return {&found->second, std::string(64, 'a'), ""};
  }
  [[nodiscard]] std::vector<std::string> names() override {
    std::vector<std::string> out;
    for (const auto& [name, unused] : manifests_) out.push_back(name);
    return out;
  }
  /// The same manifest under another plugin's name.
  void alias(const std::string& name, const std::string& as) {
    manifests_.emplace(as, manifests_.at(name));
  }

 private:
  void add(const std::string& name, const std::string& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    manifests_.emplace(name, plugin::Manifest::parse(text.str(), file).value());
  }
  std::map<std::string, plugin::Manifest, std::less<>> manifests_;
};

/// An environment of exactly these variables.
inline Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace anduin::pipeline::test
