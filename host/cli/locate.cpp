#include "cli/locate.hpp"

#include <filesystem>

#include "plugin/config_schema.hpp"

namespace anduin::cli {

std::vector<std::string> default_plugin_dirs() {
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (ec) return {};
  const auto root = self.parent_path().parent_path();
  return {(root / "plugins").string(), (root / "lib/anduin/plugins").string()};
}

Result<std::shared_ptr<const plugin::Library>> load_plugin(const std::string& venue, const std::string& path) {
  if (!path.empty()) return plugin::Library::load(path);
  auto found = plugin::find_plugin(venue, default_plugin_dirs());
  if (!found) return found.error();
  return plugin::Library::load(*found);
}

Result<nlohmann::json> plugin_options(const plugin::Manifest& manifest, const std::vector<std::string>& given) {
  nlohmann::json options = nlohmann::json::object(), account = nlohmann::json::object();
  const nlohmann::json of_account =
      manifest.json.value(nlohmann::json::json_pointer("/account_config/properties"), nlohmann::json::object());
  for (const std::string& pair : given) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{ErrorKind::kBadRequest, "--option " + pair, "write it as name=value"};
    const std::string name = pair.substr(0, equals);
    (of_account.contains(name) ? account : options)[name] = pair.substr(equals + 1);
  }
  auto completed = plugin::complete_options(manifest, options);
  if (!completed || of_account.empty()) return completed;
  const nlohmann::json said = account;
  for (const auto& problem : plugin::check_account_options(manifest, account))
    if (said.contains(problem.name))  // what an account must say in a pipeline file, a replay need not
      return Error{ErrorKind::kBadRequest, "option " + problem.name, problem.text};
  completed->update(account);
  return completed;
}

}  // namespace anduin::cli
