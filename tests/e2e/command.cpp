#include "e2e/command.hpp"

#include <cstdlib>

#include "e2e/process.hpp"

namespace anduin::e2e {
namespace {

constexpr int kCommandMs = 30'000;  // a loaded machine

}  // namespace

TempDir::TempDir(const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / ("anduin-" + name + "-XXXXXX")).string();
  path = mkdtemp(pattern.data());
}
TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::filesystem::path programs() { return std::filesystem::path(ANDUIN_BINARY_DIR) / "bin"; }

Ran run_anduin(const std::filesystem::path& dir, std::vector<std::string> args,
               const std::vector<std::string>& environment) {
  args.insert(args.begin(), (programs() / "anduin").string());
  const auto out = dir / "command.out", err = dir / "command.err";
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  Process process(args, out, err, environment);
  const int status = process.wait(kCommandMs).value_or(-1);
  return {status, read_file(out), read_file(err)};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace anduin::e2e
