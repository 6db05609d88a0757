#include "pipeline/settings_loader.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "pipeline/settings_check.hpp"

namespace anduin::pipeline {

bool AccountSettings::complete() const {
  return !credentials.empty() && std::all_of(credentials.begin(), credentials.end(),
                                             [](const auto& entry) { return entry.second.present(); });
}

const VenueSettings* Settings::venue(std::string_view name) const {
  const auto found =
      std::find_if(venues.begin(), venues.end(), [&](const auto& v) { return v.name == name; });
  return found == venues.end() ? nullptr : &*found;
}

const VaultSettings* Settings::vault(std::string_view name) const {
  const auto found =
      std::find_if(vaults.begin(), vaults.end(), [&](const auto& v) { return v.name == name; });
  return found == vaults.end() ? nullptr : &*found;
}

Environment system_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value =
        std::getenv(name.c_str());  // read while loading only, before any thread could set one
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

bool LoadResult::ok() const {
  return std::none_of(problems.begin(), problems.end(),
                      [](const Problem& p) { return p.severity == Problem::Severity::kError; });
}

std::string LoadResult::report() const {
  std::string out;
  for (const Problem& p : problems) {
    out += settings.file.string() + ":" + std::to_string(std::max(1, p.place.line)) + ":" +
           std::to_string(std::max(1, p.place.column));
    out += p.severity == Problem::Severity::kError ? ": error: " : ": warning: ";
    out += p.text + "\n";
  }
  return out;
}

LoadResult parse_settings(std::string_view text, const std::filesystem::path& file,
                          const Environment& environment, VenueCatalog* catalog) {
  LoadResult out;
  out.settings.file = file;
  Context context(std::filesystem::absolute(file), environment);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty() || documents.front().IsNull()) {
      context.error({1, 1}, "the file is empty; start with version: 1");
    } else if (documents.size() > 1) {
      context.error(place_of(documents[1]),
                    "a second document; a pipeline is one document, remove the ---");
    } else {
      RawPipeline raw;
      raw.settings.file = file;
      pipeline_definition().read(context, documents.front(), raw);
      if (documents.front().IsMap()) out.settings = check_pipeline(context, std::move(raw), catalog);
    }
  } catch (const YAML::Exception& e) {
    context.error({e.mark.line + 1, e.mark.column + 1}, "this is not YAML: " + e.msg);
  }
  out.problems = context.take_problems();
  return out;
}

LoadResult load_settings(const std::filesystem::path& file, const Environment& environment,
                         VenueCatalog* catalog) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    LoadResult out;
    out.settings.file = file;
    out.problems.push_back(
        {Problem::Severity::kError, {}, "this file cannot be read; name a pipeline file"});
    return out;
  }
  return parse_settings(text.str(), file, environment, catalog);
}

std::string schema_text() {
  Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Anduin pipeline file"}};
  for (const auto& [key, value] : pipeline_definition().schema.items()) out[key] = value;
  out["$defs"] =
      Json{{"variable",
            {{"type", "string"},
             {"pattern", R"(\$\{env:[A-Za-z_][A-Za-z0-9_]*\})"},
             {"description", "Text with ${env:NAME} in it, which stands for an environment variable."}}}};
  return out.dump(2) + "\n";
}

}  // namespace anduin::pipeline
