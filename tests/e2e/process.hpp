// A child process for end-to-end runs: output to a file, first line of standard output on request, ended by id.
// Thread: one caller at a time. The child dies with this object and with the thread that made it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace anduin::e2e {

class Process {
 public:
  /// Starts `args[0]`; stdout and stderr are appended to files. Throws std::runtime_error when it cannot.
  Process(const std::vector<std::string>& args, const std::filesystem::path& out, const std::filesystem::path& err,
          const std::vector<std::string>& environment = {});
  ~Process();  ///< SIGKILL if still there
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] int pid() const { return pid_; }
  void signal(int number) const;
  /// The exit status (128 + signal when killed), or nothing when it still runs after timeout_ms.
  std::optional<int> wait(int timeout_ms);
  [[nodiscard]] bool running();

 private:
  int pid_ = -1;
  std::optional<int> status_;
};

/// The first line of a file, once it is there whole; throws after timeout_ms.
std::string first_line(const std::filesystem::path& file, int timeout_ms);
std::string read_file(const std::filesystem::path& file);

/// A port of loopback that is free now, for a server that must come back at the same address.
std::uint16_t free_port();

}  // namespace anduin::e2e
