// Lines over a Unix socket: one request line, one answer line, and again. For local tools, never for strangers.
// Thread: the loop's; the handler runs there and may take its time: nothing else should live on that loop.
// Lifetime: destroying the server ends every connection and removes the socket's file.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"

namespace anduin::net {

class EventLoop;

/// Who is at the other end, as the kernel says it (SO_PEERCRED): nothing that the client claims.
struct LinePeer {
  std::uint32_t uid = 0;
  std::int32_t pid = 0;
};

struct LineServerOptions {
  std::filesystem::path path;
  std::size_t line_bytes_max = 64U << 10U;  ///< of a request with its line break; a signed decision is under 2 KiB
  std::size_t clients_max = 8;              ///< people and scripts on one machine; beyond it new ones are closed
  std::int64_t line_ms_max = 10'000;        ///< from the connect, or the last answer, to a whole line
  std::int64_t write_ms_max = 10'000;       ///< an answer that nobody reads
};

class LineServer {
 public:
  /// The answer to one line; a line break is added. What is empty ends the connection without an answer.
  using Handler = std::function<std::string(const LinePeer& peer, const std::string& line)>;

  /// Creates the socket with mode 0600. A socket file of this user that nobody serves is replaced; anything else at
  /// that path is refused (kBadRequest) and left as it is.
  [[nodiscard]] static Result<std::unique_ptr<LineServer>> listen(EventLoop& loop, LineServerOptions options,
                                                                  Handler handler);
  ~LineServer();
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  [[nodiscard]] std::size_t clients() const noexcept;

 private:
  struct Impl;
  explicit LineServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// One request line and its answer, blocking. `timeout_ms` counts for each wait. kRetryable: nobody serves the socket,
/// or no answer came in time (the request may have been carried out).
Result<std::string> ask_line(const std::filesystem::path& socket, const std::string& line, int timeout_ms);

}  // namespace anduin::net
