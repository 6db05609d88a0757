// What a runner needs of the outside world: sockets, requests, timers. One implementation is live, one replays
// recordings, one is scripted by tests. Thread: the runner's loop. No call runs a runner callback before it returns.
// Lifetime: outlives the runner; after the runner's destruction nothing calls it back.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anduin::venue {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct SocketRequest {
  std::uint32_t connection = 0;
  std::uint64_t generation = 0;  ///< handed back with every event of this socket, so that a late one is known
  std::string url;               ///< wss://..., rendered
  HeaderList headers;
  std::int64_t open_ms = 10'000;
  std::size_t message_bytes_max = 0;
};

struct HttpCall {
  std::uint32_t request = 0;
  std::string method, url;  ///< https://..., rendered
  HeaderList headers;
  std::string body;
  std::int64_t timeout_ms = 10'000;
  bool idempotent = false;
};

/// A frame in a buffer with 64 readable zero bytes behind it.
struct FrameBytes {
  const std::uint8_t* data = nullptr;
  std::uint32_t size = 0, capacity = 0;
  bool binary = false;
  std::int64_t wall_ms = 0;   ///< when it was received; 0 = now (live: all frames of one read share the time)
  std::uint64_t mono_ns = 0;
};

struct HttpAnswer {
  int status = 0;      ///< HTTP status, or negative: no answer
  std::string body;
  HeaderList headers;
  std::string reason;  ///< why there is no answer
  bool certificate = false;  ///< the peer's certificate was refused
};

/// Destroying it cancels the call.
class TimerHandle {
 public:
  virtual ~TimerHandle() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  virtual void open(SocketRequest request) = 0;
  /// False when the socket is gone or its queue is full: the runner treats it as lost.
  virtual bool send(std::uint32_t connection, std::string_view payload, bool binary) = 0;
  virtual void ping(std::uint32_t connection) = 0;
  /// Closes without a callback.
  virtual void close(std::uint32_t connection) = 0;
  virtual void request(HttpCall call) = 0;
  /// Runs it soon, after everything now under way.
  virtual void post(std::function<void()> fn) = 0;
  [[nodiscard]] virtual std::unique_ptr<TimerHandle> after(std::int64_t ms, std::function<void()> fn) = 0;
};

}  // namespace anduin::venue
