// Server and client on one loop in one thread: what a test waits for is a condition, never a sleep.
#pragma once
#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/event_loop.hpp"
#include "net/http_client.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "net/ws_client.hpp"

namespace anduin::net::test {

/// Generous: sanitizers on a loaded machine of two cores.
inline constexpr std::int64_t kPatienceMs = 20'000;

/// A folder that goes away with the object.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "anduin-net-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

inline void wait_for(EventLoop& loop, const std::function<bool()>& done) {
  REQUIRE(loop.run_until(done, kPatienceMs));
}

inline std::unique_ptr<HttpServer> serve(EventLoop& loop, HttpHandlers handlers,
                                         HttpServerOptions options = {}) {
  auto server = HttpServer::listen(loop, std::move(options), std::move(handlers));
  if (server.has_error()) FAIL(server.error().to_string());
  return std::move(*server);
}

inline Url local_url(const std::string& scheme, const HttpServer& server, const std::string& target = "/") {
  return *Url::parse(scheme + "://127.0.0.1:" + std::to_string(server.port()) + target);
}

/// A client and everything that it was told.
struct Listener {
  explicit Listener(EventLoop& loop) : client(std::make_unique<WsClient>(loop)) {}

  void connect(const Url& url, std::shared_ptr<TlsContext> tls = nullptr, const WsLimits& limits = {},
               const Headers& headers = {}) {
    client->connect(url, headers, std::move(tls),
                    {.on_open = [this](const Headers&) { opened = true; },
                     .on_frames =
                         [this](std::span<const WsFrame> frames) {
                           batches.push_back(frames.size());
                           for (const auto& f : frames) take(f);
                         },
                     .on_pong = [this](std::string_view payload) { pongs.emplace_back(payload); },
                     .on_close = [this](const WsClosed& c) { closed = c; }},
                    limits);
  }
  void take(const WsFrame& frame) {
    messages.emplace_back(frame.text());
    binary.push_back(frame.opcode == WsOpcode::kBinary);
    if (frame.capacity < frame.size + kWsFramePadding) padding_good = false;
    for (std::size_t i = frame.size; i < frame.capacity; ++i)
      if (frame.data[i] != 0) padding_good = false;
  }

  std::unique_ptr<WsClient> client;
  bool opened = false;
  bool padding_good = true;
  std::vector<std::string> messages;
  std::vector<bool> binary;
  std::vector<std::size_t> batches;
  std::vector<std::string> pongs;
  std::optional<WsClosed> closed;
};

/// A WebSocket server that keeps its sessions for the test to play with.
struct WsServer {
  explicit WsServer(EventLoop& loop, HttpServerOptions options = {}, bool echo = true) {
    server =
        serve(loop,
              {.on_upgrade = [this, echo](
                                 const ServerRequest& request,
                                 const std::shared_ptr<WsSession>& session) -> std::optional<HttpResponse> {
                requests.push_back(request);
                if (refuse_with) return refuse_with;
                sessions.push_back(session);
                WsSession* const raw = session.get();
                session->on_message = [this, raw, echo](const WsFrame& frame) {
                  received.emplace_back(frame.text());
                  if (!echo) return;
                  if (frame.opcode == WsOpcode::kText) (void)raw->send_text(frame.text());
                  else (void)raw->send_binary({frame.data, frame.size});
                };
                session->on_close = [this](const WsClosed& c) { closed.push_back(c); };
                return std::nullopt;
              }},
              std::move(options));
  }
  [[nodiscard]] Url url(const std::string& scheme = "ws") const {
    return local_url(scheme, *server, "/v5?x=1");
  }

  std::unique_ptr<HttpServer> server;
  std::vector<ServerRequest> requests;
  std::vector<std::shared_ptr<WsSession>> sessions;
  std::vector<std::string> received;
  std::vector<WsClosed> closed;
  std::optional<HttpResponse> refuse_with;
};

}  // namespace anduin::net::test
