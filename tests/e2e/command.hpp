// The program's commands as a person types them, for end-to-end tests: run, waited for, with what they printed.
// Thread: one caller per folder.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace anduin::e2e {

/// A folder of its own under the system's for temporary files; gone with the object.
struct TempDir {
  explicit TempDir(const std::string& name);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::filesystem::path path;
};

/// Where the programs were built.
std::filesystem::path programs();

struct Ran {
  int status = -1;  ///< -1: it did not end within 30 s
  std::string out, err;
};

/// `anduin ARGS...`; its output goes through files in `dir`. `environment`: NAME=VALUE besides our own.
Ran run_anduin(const std::filesystem::path& dir, std::vector<std::string> args,
               const std::vector<std::string>& environment = {});

bool has(const std::string& text, const std::string& part);

}  // namespace anduin::e2e
