// The control socket: commands of a person or a script on this machine, over a Unix socket of mode 0600. One request
// line {"command": "...", "args": {...}}, one answer line {"ok": true, "result": ...} or {"ok": false, "error": "..."}.
// Thread: add() from any thread before open(); commands run one after another on a thread of the socket's own, so that
// neither venues nor submitters wait for them. Lifetime: what commands touch outlives the Control.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"

namespace anduin::net {
class EventLoop;
class LineServer;
}  // namespace anduin::net

namespace anduin::ops {

/// Who asks: the user of the process at the other end, as the kernel says.
struct Caller {
  std::string user;  ///< login name; "uid 1234" when there is none
  std::uint32_t uid = 0;
  /// For the audit trail.
  [[nodiscard]] std::string actor() const { return "operator " + user; }
};

class Control {
 public:
  /// The result is shown as it is. An error's kind decides the exit status of `anduin ctl`: kBadRequest is 2, else 1.
  using Command = std::function<Result<nlohmann::json>(const nlohmann::json& args, const Caller& caller)>;

  Control();
  ~Control();

  /// A name may be taken once; the last registration counts.
  void add(const std::string& name, Command command);
  /// Listens from here on. kBadRequest: the path cannot be used, in words.
  Result<void> open(const std::filesystem::path& socket);
  /// Ends every connection, removes the socket. A command that runs is waited for.
  void close();

 private:
  std::string answer(const std::string& line, const Caller& caller);
  std::map<std::string, Command> commands_;
  std::unique_ptr<net::EventLoop> loop_;
  std::unique_ptr<net::LineServer> server_;
};

/// A text argument that must be there; throws an ErrorException (kBadRequest) that names it. Commands may throw.
std::string text_argument(const nlohmann::json& args, const char* name);

/// How long `ask` waits: a commit on a slow disk takes a second, a reorganization re-read some more.
inline constexpr int kAskMsMax = 30'000;
/// The client's side: the result, or the host's error with its kind. Blocking.
Result<nlohmann::json> ask(const std::filesystem::path& socket, const std::string& command, const nlohmann::json& args);

}  // namespace anduin::ops
