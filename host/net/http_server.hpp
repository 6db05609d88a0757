// HTTP/1.1 and WebSocket server on an EventLoop, plain or TLS: HTTP API, webhook, venue simulators.
// Thread: the loop's; handlers run there. A Responder may be called from any thread.
// Lifetime: destroying the server closes every connection; no handler runs afterwards. Sessions and
// responders may be kept longer: they do nothing then.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/http.hpp"
#include "net/ws_client.hpp"

namespace anduin::net {

class EventLoop;
class TlsContext;

struct ServerRequest {
  std::string method;
  std::string target;    ///< exactly as sent
  Headers headers;       ///< values without surrounding blanks
  std::string raw_head;  ///< request line and headers exactly as sent, with the closing empty line
  std::string body;      ///< chunked transfer already undone
  std::string remote;    ///< "127.0.0.1:50112"
  bool tls = false;
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view query() const;  ///< raw, without the question mark
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return find_header(headers, name);
  }
};

/// The one answer to a request. Copies share it; the first call counts. When the last copy goes unused the
/// answer is 500. Keep a copy and never call it to leave the client waiting.
class Responder {
 public:
  /// Content-Length and Connection are added; naming them, or a header with a line break, makes it a 500.
  void operator()(HttpResponse response) const;
  /// Resets the connection without an answer.
  void cut() const;
  struct State;
  explicit Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

/// The server's end of a WebSocket. Set the callbacks inside on_upgrade (or later, on the loop thread).
class WsSession {
 public:
  std::function<void(const WsFrame&)> on_message = {};
  std::function<void(const WsClosed&)> on_close = {};  ///< once; not after cut() or the server's destruction
  std::function<void(std::string_view payload)> on_ping =
      {};  ///< a peer's ping frame; the pong is sent anyway

  /// kRetryable when closed or the send queue is full.
  Result<void> send_text(std::string_view text);
  Result<void> send_binary(std::span<const std::uint8_t> bytes);
  Result<void> ping(std::string_view payload = {});
  void close(std::uint16_t code = 1000, std::string_view reason = {});
  /// Hard reset (RST), no close frame, unsent bytes dropped.
  void cut();
  /// Half-open: reads and writes stop, the socket stays. What is sent from now on is dropped.
  void mute();
  [[nodiscard]] bool open() const noexcept;
  [[nodiscard]] std::size_t send_queue_bytes() const noexcept;
  /// Unique within the process.
  [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

  struct Impl;
  explicit WsSession(std::uint64_t id);
  ~WsSession();
  [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

 private:
  std::uint64_t id_;
  std::unique_ptr<Impl> impl_;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";          ///< an IP address
  std::uint16_t port = 0;                     ///< 0 = any free one, see HttpServer::port()
  std::shared_ptr<TlsContext> tls = nullptr;  ///< null = plain
  std::size_t head_bytes_max = 64U << 10U;    ///< request line and headers; beyond it 431
  std::size_t body_bytes_max = 8U << 20U;     ///< beyond it 413
  std::size_t connections_max = 4096;         ///< beyond it new ones are closed at once
  std::size_t connections_per_address_max = 0;  ///< the same for each remote address; 0 = no such limit
  std::int64_t request_ms_max = 10'000;       ///< TLS handshake; first byte to last byte of a request
  std::int64_t idle_ms_max = 60'000;          ///< between requests
  std::int64_t write_ms_max = 30'000;         ///< an answer that nobody reads
  WsLimits websocket = {.send_queue_bytes_max = 64U << 20U};
};

struct HttpHandlers {
  /// Without it every request is 404.
  std::function<void(ServerRequest request, Responder respond)> on_request = {};
  /// Decides an upgrade: nothing accepts, an answer refuses. Sends made here leave after the 101. Without it
  /// an upgrade request goes to on_request.
  std::function<std::optional<HttpResponse>(const ServerRequest& request,
                                            const std::shared_ptr<WsSession>& session)>
      on_upgrade = {};
  /// Words of the server's own refusals (400, 413, 431), which come before on_request; without it a line of
  /// text. `method` and `target` are empty where the head could not be read.
  std::function<HttpResponse(int status, const std::string& text, const std::string& method,
                             const std::string& target)>
      on_refusal = {};
};

class HttpServer {
 public:
  /// Listens from here on. kFatal with address and reason when it cannot.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(EventLoop& loop, HttpServerOptions options,
                                                                  HttpHandlers handlers);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept;
  /// No new connections; open ones stay.
  void stop_listening();
  /// Resets every open connection, keeps listening.
  void cut_all();

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace anduin::net
