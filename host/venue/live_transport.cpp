#include "venue/live_transport.hpp"

#include "net/http_client.hpp"
#include "net/ws_client.hpp"
#include "venue/runner.hpp"

namespace anduin::venue {
namespace {

class LiveTimer final : public TimerHandle {
 public:
  explicit LiveTimer(net::Timer timer) : timer_(std::move(timer)) {}

 private:
  net::Timer timer_;
};

}  // namespace

LiveTransport::LiveTransport(net::EventLoop& loop, net::HttpClient& http, std::shared_ptr<net::TlsContext> tls)
    : loop_(loop), http_(http), tls_(std::move(tls)) {}

LiveTransport::~LiveTransport() = default;

void LiveTransport::open(SocketRequest request) {
  const std::uint32_t id = request.connection;
  const std::uint64_t generation = request.generation;
  auto url = net::Url::parse(request.url);
  if (!url) {
    net::WsClosed closed;
    closed.error = url.error();
    post([this, id, generation, closed] { deliver(id, generation, closed); });
    return;
  }
  auto socket = std::make_unique<net::WsClient>(loop_);
  net::WsLimits limits;
  if (request.message_bytes_max > 0) limits.message_bytes_max = request.message_bytes_max;
  limits.handshake_ms_max = request.open_ms;
  net::WsCallbacks callbacks;
  callbacks.on_open = [this, id, generation](const net::Headers&) { if (runner_) runner_->on_open(id, generation); };
  callbacks.on_frames = [this, id, generation](std::span<const net::WsFrame> frames) {
    if (!runner_) return;
    frames_.clear();
    for (const net::WsFrame& f : frames)
      frames_.push_back({f.data, static_cast<std::uint32_t>(f.size), static_cast<std::uint32_t>(f.capacity),
                         f.opcode == net::WsOpcode::kBinary});
    runner_->on_frames(id, generation, frames_);
  };
  callbacks.on_close = [this, id, generation](const net::WsClosed& closed) { deliver(id, generation, closed); };
  socket->connect(*url, request.headers, tls_, std::move(callbacks), limits);
  sockets_[id] = std::move(socket);
}

void LiveTransport::deliver(std::uint32_t connection, std::uint64_t generation, const net::WsClosed& closed) {
  std::string reason = closed.error.to_string();
  if (!closed.reason.empty()) reason += " (" + closed.reason + ")";
  if (runner_) runner_->on_closed(connection, generation, closed.code, reason);
}

bool LiveTransport::send(std::uint32_t connection, std::string_view payload, bool binary) {
  const auto it = sockets_.find(connection);
  if (it == sockets_.end()) return false;
  const auto sent = binary ? it->second->send_binary({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()})
                           : it->second->send_text(payload);
  return sent.has_value();
}

void LiveTransport::ping(std::uint32_t connection) {
  const auto it = sockets_.find(connection);
  if (it != sockets_.end()) static_cast<void>(it->second->ping());
}

void LiveTransport::close(std::uint32_t connection) { sockets_.erase(connection); }

void LiveTransport::request(HttpCall call) {
  const std::uint32_t id = call.request;
  HttpAnswer none;
  auto url = net::Url::parse(call.url);
  if (!url) {
    none.status = -1;
    none.reason = url.error().to_string();
    post([this, id, none] { if (runner_) runner_->on_answer(id, none); });
    return;
  }
  net::HttpRequest request;
  request.method = std::move(call.method);
  request.url = std::move(*url);
  request.headers = std::move(call.headers);
  request.body = std::move(call.body);
  request.timeout_ms = call.timeout_ms;
  request.idempotent = call.idempotent;
  http_.send(std::move(request), [this, alive = std::weak_ptr<bool>(alive_), id](Result<net::HttpResponse> response) {
    if (!alive.lock() || !runner_) return;
    HttpAnswer answer;
    if (response) {
      answer.status = response->status;
      answer.body = std::move(response->body);
      answer.headers = std::move(response->headers);
    } else {
      answer.status = -1;
      answer.reason = response.error().to_string();
      answer.certificate = response.error().kind == ErrorKind::kAuth;
    }
    runner_->on_answer(id, answer);
  });
}

void LiveTransport::post(std::function<void()> fn) {
  loop_.post([alive = std::weak_ptr<bool>(alive_), fn = std::move(fn)] {
    if (alive.lock()) fn();
  });
}

std::unique_ptr<TimerHandle> LiveTransport::after(std::int64_t ms, std::function<void()> fn) {
  return std::make_unique<LiveTimer>(loop_.post_after(ms, std::move(fn)));
}

}  // namespace anduin::venue
