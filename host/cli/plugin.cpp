#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/command.hpp"
#include "cli/locate.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::vector<std::string> dirs;
  std::string path;
  bool json = false;
};

int list(const Options& o) {
  const auto dirs = o.dirs.empty() ? default_plugin_dirs() : o.dirs;
  nlohmann::json out = nlohmann::json::array();
  int code = kGood;
  for (const std::string& dir : dirs) {
    std::vector<std::string> files;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(dir, ec))
      if (entry.path().extension() == ".so") files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      const auto found = plugin::inspect(file);
      if (!found) {
        std::fprintf(stderr, "anduin plugin: %s\n", found.error().to_string().c_str());
        code = kFailed;
        continue;
      }
      const auto& m = found->manifest;
      out.push_back({{"id", m.id}, {"venue", m.venue_name}, {"version", m.version}, {"feeds", m.feeds}, {"path", file}, {"sha256", found->sha256}});
    }
  }
  if (o.json) {
    std::printf("%s\n", out.dump(2).c_str());
    return code;
  }
  std::printf("%-12s %-14s %-9s %-26s %s\n", "ID", "VENUE", "VERSION", "FEEDS", "PATH");
  for (const auto& p : out) {
    std::string feeds;
    for (const auto& f : p["feeds"]) feeds += (feeds.empty() ? "" : ",") + f.get<std::string>();
    std::printf("%-12s %-14s %-9s %-26s %s\n", p["id"].get<std::string>().c_str(), p["venue"].get<std::string>().c_str(),
                p["version"].get<std::string>().c_str(), feeds.c_str(), p["path"].get<std::string>().c_str());
  }
  return code;
}

int inspect(const Options& o) {
  const auto found = plugin::inspect(o.path);
  if (!found) {
    std::fprintf(stderr, "anduin plugin: %s\n", found.error().to_string().c_str());
    return kFailed;
  }
  nlohmann::json out = found->manifest.json;
  if (o.json) {
    out = {{"path", o.path}, {"sha256", found->sha256}, {"manifest", found->manifest.json}};
    std::printf("%s\n", out.dump(2).c_str());
    return kGood;
  }
  std::printf("%s\nsha256:%s\n%s\n", o.path.c_str(), found->sha256.c_str(), out.dump(2).c_str());
  return kGood;
}

}  // namespace

void add_plugin(CLI::App& app, Action& action) {
  CLI::App* cmd = app.add_subcommand("plugin", "what is installed, and what a plugin says of itself");
  cmd->require_subcommand(1);
  auto o = std::make_shared<Options>();
  CLI::App* lister = cmd->add_subcommand("list", "the plugins that are installed");
  lister->add_option("--dir", o->dirs, "look here instead of the default places; may repeat");
  lister->add_flag("--json", o->json, "as JSON");
  lister->callback([o, &action] { action = [o] { return list(*o); }; });
  CLI::App* inspector = cmd->add_subcommand("inspect", "a plugin's manifest, read without running any of its code");
  inspector->add_option("SO", o->path, "the plugin's file")->required();
  inspector->add_flag("--json", o->json, "as JSON");
  inspector->callback([o, &action] { action = [o] { return inspect(*o); }; });
}

}  // namespace anduin::cli
