#include "support/shared.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>

namespace anduin::test {

std::optional<std::filesystem::path> shared_dir() {
  const char* named = std::getenv("ANDUIN_SHARED");
  const std::filesystem::path dir =
      named ? std::filesystem::path(named)
            : std::filesystem::path(ANDUIN_SOURCE_DIR).parent_path() / "shared";
  if (std::filesystem::is_directory(dir / "vectors")) return dir;
  const char* required = std::getenv("ANDUIN_REQUIRE_SHARED");
  if (required && std::string(required) == "1")
    throw std::runtime_error("ANDUIN_REQUIRE_SHARED=1, but there is no " + dir.string());
  return std::nullopt;
}

const nlohmann::json& shared_json(const std::filesystem::path& relative) {
  static std::map<std::filesystem::path, nlohmann::json> read;
  if (const auto known = read.find(relative); known != read.end()) return known->second;
  const auto dir = shared_dir();
  if (!dir) throw std::runtime_error("shared facts are absent");
  std::ifstream in(*dir / relative);
  if (!in) throw std::runtime_error("cannot read " + (*dir / relative).string());
  return read[relative] = nlohmann::json::parse(in);
}

}  // namespace anduin::test
