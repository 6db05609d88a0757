#include "pipeline/plugin_catalog.hpp"

#include <algorithm>

#include "plugin/library.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::string_view kPrefix = "anduin-", kSuffix = ".so";

}  // namespace

struct PluginCatalog::Entry {
  std::optional<plugin::Inspection> inspection;
  std::string problem;
};

PluginCatalog::PluginCatalog(std::vector<std::filesystem::path> own_dirs)
    : own_dirs_(std::move(own_dirs)), dirs_(own_dirs_) {}
PluginCatalog::~PluginCatalog() = default;

std::vector<std::filesystem::path> PluginCatalog::use_dirs(const std::vector<std::filesystem::path>& dirs) {
  dirs_ = dirs.empty() ? own_dirs_ : dirs;
  return dirs_;
}

std::filesystem::path PluginCatalog::file(const std::string& plugin) const {
  for (const auto& dir : dirs_) {
    std::error_code ignored;
    auto path = dir / (std::string(kPrefix) + plugin + std::string(kSuffix));
    if (std::filesystem::is_regular_file(path, ignored)) return path;
  }
  return {};
}

VenueCatalog::Found PluginCatalog::find(const std::string& plugin) {
  const std::filesystem::path path = file(plugin);
  if (path.empty()) return {};
  auto& entry = inspected_[path.string()];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>();
    auto inspection = plugin::inspect(path.string());
    if (!inspection) {
      entry->problem = inspection.error().to_string();
    } else if (inspection->manifest.id != plugin) {
      entry->problem = path.string() + " is plugin '" + inspection->manifest.id +
                       "'; a file is called anduin-<its id>.so";
    } else {
      entry->inspection = std::move(*inspection);
    }
  }
  if (!entry->inspection) return {nullptr, "", entry->problem};
  return {&entry->inspection->manifest, entry->inspection->sha256, ""};
}

std::vector<std::string> PluginCatalog::names() {
  std::vector<std::string> out;
  for (const auto& dir : dirs_) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(dir, failed)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
      out.push_back(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace anduin::pipeline
