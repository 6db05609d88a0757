// A WebSocket client connection (RFC 6455, no extensions) over TCP or verified TLS; one object, one
// connection. Thread: the loop's. Callbacks run there too, never inside a call to this object; a callback may
// destroy the object. Lifetime: destroying it closes the socket at once; no callback runs afterwards. Frame
// bytes live until on_frames returns. Pings are answered here. UTF-8 of text messages is not checked: the
// JSON reader does that.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace anduin::net {

class EventLoop;
class TlsContext;

enum class WsOpcode : std::uint8_t { kText = 1, kBinary = 2 };

/// Readable zero bytes behind every message, what simdjson needs.
inline constexpr std::size_t kWsFramePadding = 64;

/// One whole message. data[size .. capacity) is readable and zero, at least kWsFramePadding bytes.
struct WsFrame {
  WsOpcode opcode = WsOpcode::kText;
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::size_t capacity = 0;
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data), size}; }
};

struct WsLimits {
  std::size_t message_bytes_max = 16U << 20U;    ///< a longer message closes with 1009
  std::size_t send_queue_bytes_max = 1U << 20U;  ///< unsent bytes; beyond it a send is refused
  std::int64_t handshake_ms_max = 10'000;        ///< DNS, connect, TLS and upgrade together
  std::int64_t close_ms_max = 3'000;             ///< how long close() waits for the peer
};

/// Why a connection ended, or never opened.
struct WsClosed {
  std::uint16_t code = 1006;   ///< the close code; 1006 without a close frame (RFC 6455 7.1.5)
  std::string reason = {};     ///< the peer's text
  bool by_peer = false;        ///< a close frame came from the peer first
  int http_status = 0;         ///< the answer to the upgrade when it was not 101
  std::string http_body = {};  ///< the start of that answer's body
  /// kRetryable (network, timeout, clean close, 5xx), kRetryableAfter (429), kAuth (certificate, 401, 403),
  /// kBadRequest (other 4xx, 3xx), kProtocol.
  Error error = {};
};

struct WsCallbacks {
  std::function<void(const Headers& answer)> on_open = {};
  /// Every message that arrived together, in order; at most 1,024 in one call.
  std::function<void(std::span<const WsFrame>)> on_frames = {};
  std::function<void(std::string_view payload)> on_pong = {};
  /// Once, last.
  std::function<void(const WsClosed&)> on_close = {};
};

class WsClient {
 public:
  explicit WsClient(EventLoop& loop);
  ~WsClient();
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  /// Once per object. `tls` is needed for wss. Every outcome comes by callback, bad arguments too.
  void connect(const Url& url, const Headers& headers, std::shared_ptr<TlsContext> tls, WsCallbacks callbacks,
               const WsLimits& limits = {});

  /// kRetryable when not open or when the send queue is full; nothing of the message was sent then.
  Result<void> send_text(std::string_view text);
  Result<void> send_binary(std::span<const std::uint8_t> bytes);
  /// At most 125 bytes, else kBadRequest.
  Result<void> ping(std::string_view payload = {});
  /// Close frame, then at most close_ms_max for the peer's. Messages that arrive meanwhile are delivered.
  void close(std::uint16_t code = 1000, std::string_view reason = {});

  [[nodiscard]] bool open() const noexcept;
  [[nodiscard]] std::size_t send_queue_bytes() const noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace anduin::net
