#include "net/http_server.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "net/event_loop.hpp"
#include "net/http_connection.hpp"
#include "net/ws_connection.hpp"

namespace anduin::net {
namespace {

using Tcp = boost::asio::ip::tcp;

/// Connections that may wait to be accepted while the loop is busy.
constexpr int kBacklog = 1024;
/// After a failed accept (out of file descriptors): the next try.
constexpr std::int64_t kAcceptRetryMs = 100;

std::string address_text(const Tcp::socket& socket) {
  boost::system::error_code fault;
  const auto peer = socket.remote_endpoint(fault);
  return fault ? "" : peer.address().to_string();
}

std::string remote_text(const Tcp::socket& socket) {
  boost::system::error_code fault;
  const auto peer = socket.remote_endpoint(fault);
  if (fault) return "?";
  const std::string address = peer.address().to_string();
  return (peer.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(peer.port());
}

}  // namespace

std::string_view ServerRequest::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view ServerRequest::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

// ------------------------------------------------------------------------------------------------ sessions

struct WsSession::Impl {
  std::shared_ptr<WsConnection> connection;
  std::function<void()> forget;  ///< takes the session off the server's books
};

WsSession::WsSession(std::uint64_t id) : id_(id), impl_(std::make_unique<Impl>()) {}
WsSession::~WsSession() = default;

Result<void> WsSession::send_text(std::string_view text) {
  return impl_->connection->send(WsKind::kText, text);
}
Result<void> WsSession::send_binary(std::span<const std::uint8_t> bytes) {
  return impl_->connection->send(WsKind::kBinary,
                                 {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
Result<void> WsSession::ping(std::string_view payload) { return impl_->connection->ping(payload); }
void WsSession::close(std::uint16_t code, std::string_view reason) { impl_->connection->close(code, reason); }
void WsSession::mute() { impl_->connection->mute(); }
bool WsSession::open() const noexcept { return impl_->connection->open(); }
std::size_t WsSession::send_queue_bytes() const noexcept { return impl_->connection->queued_bytes(); }

// ------------------------------------------------------------------------------------------------ the server

struct HttpServer::Impl : HttpConnection::Host, std::enable_shared_from_this<Impl> {
  Impl(EventLoop& l, HttpServerOptions o, HttpHandlers h)
      : HttpConnection::Host(l, std::move(o), std::move(h)), acceptor(l.context()) {}

  Tcp::acceptor acceptor;
  std::uint16_t port = 0;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> plain;
  std::unordered_map<std::uint64_t, std::shared_ptr<WsSession>> sessions;
  std::unordered_map<std::string, std::size_t> by_address;  ///< plain connections, where that is limited
  std::unordered_map<HttpConnection*, std::string> address_of;
  Timer accept_again;
  bool gone = false;

  std::optional<Error> open() {
    boost::system::error_code fault;
    const auto address = boost::asio::ip::make_address(options.address, fault);
    const Tcp::endpoint endpoint(address, options.port);
    if (!fault) acceptor.open(endpoint.protocol(), fault);
    if (!fault) acceptor.set_option(Tcp::acceptor::reuse_address(true), fault);
    if (!fault) acceptor.bind(endpoint, fault);
    if (!fault) acceptor.listen(kBacklog, fault);
    if (!fault) port = acceptor.local_endpoint(fault).port();
    if (!fault) return std::nullopt;
    return Error{.kind = ErrorKind::kFatal,
                 .where = options.address + ":" + std::to_string(options.port),
                 .text = "cannot listen here: " + fault.message()};
  }

  void accept() {
    acceptor.async_accept(
        [weak = weak_from_this()](const boost::system::error_code& fault, Tcp::socket socket) {
          const auto self = weak.lock();
          if (!self || self->gone || !self->acceptor.is_open()) return;
          if (fault) {
            self->accept_again = self->loop.post_after(kAcceptRetryMs, [weak] {
              if (const auto again = weak.lock()) again->accept();
            });
            return;
          }
          if (self->plain.size() + self->sessions.size() < self->options.connections_max)
            self->begin(std::move(socket));
          self->accept();
        });
  }

  void begin(Tcp::socket socket) {
    const std::string remote = remote_text(socket);
    const std::string address = options.connections_per_address_max != 0 ? address_text(socket) : std::string();
    if (const auto held = by_address.find(address);
        held != by_address.end() && held->second >= options.connections_per_address_max)
      return;
    const auto connection =
        std::make_shared<HttpConnection>(std::static_pointer_cast<HttpConnection::Host>(shared_from_this()),
                                         std::make_unique<Stream>(std::move(socket)), remote);
    plain[connection.get()] = connection;
    if (!address.empty()) {
      ++by_address[address];
      address_of[connection.get()] = address;
    }
    connection->start();
  }

  void ended(HttpConnection* connection) override {
    if (const auto it = address_of.find(connection); it != address_of.end()) {
      const auto count = by_address.find(it->second);
      if (count != by_address.end() && --count->second == 0) by_address.erase(count);
      address_of.erase(it);
    }
    plain.erase(connection);
  }

  /// The session's link to its connection; nothing of it starts before the handler has agreed.
  std::shared_ptr<WsSession> new_session(const std::string& remote) {
    static std::atomic<std::uint64_t> last_id{0};
    const auto session = std::make_shared<WsSession>(++last_id);
    WsConnection::Callbacks callbacks;
    callbacks.on_frames = [weak = std::weak_ptr(session)](std::span<const WsFrame> frames) {
      const auto alive = weak.lock();
      for (const auto& frame : frames) {
        if (!alive || !alive->impl().connection->receiving()) return;
        // A copy: the handler may replace itself.
        if (const auto handler = alive->on_message) handler(frame);
      }
    };
    callbacks.on_ping = [weak = std::weak_ptr(session)](std::string_view payload) {
      const auto alive = weak.lock();
      if (!alive) return;
      if (const auto handler = alive->on_ping) handler(payload);
    };
    callbacks.on_close = [weak = std::weak_ptr(session), server = weak_from_this()](const WsClosed& closed) {
      const auto alive = weak.lock();
      if (const auto self = server.lock(); self && alive) self->sessions.erase(alive->id());
      if (!alive) return;
      if (const auto handler = std::exchange(alive->on_close, nullptr)) handler(closed);
      alive->on_message = nullptr;
      alive->on_ping = nullptr;
    };
    session->impl().connection =
        std::make_shared<WsConnection>(loop, true, options.websocket, remote, std::move(callbacks));
    return session;
  }

  std::optional<HttpResponse> offer(const ServerRequest& request,
                                    std::shared_ptr<WsSession>& session) override {
    session = new_session(request.remote);
    return handlers.on_upgrade(request, session);
  }

  void upgrade(std::shared_ptr<WsSession> session, std::unique_ptr<Stream> stream, std::string_view answer,
               std::string_view already_read) override {
    const auto connection = session->impl().connection;
    if (connection->done()) return stream->cut();
    session->impl().forget = [weak = weak_from_this(), id = session->id()] {
      if (const auto self = weak.lock()) self->sessions.erase(id);
    };
    sessions[session->id()] = std::move(session);
    connection->start(std::move(stream), answer, already_read);
  }

  void cut_all() {
    for (const auto& [key, connection] : std::exchange(plain, {})) connection->cut();
    for (const auto& [id, session] : std::exchange(sessions, {})) session->impl().connection->cut();
  }

  void shut() {
    gone = true;
    stop_listening();
    for (const auto& [key, connection] : std::exchange(plain, {})) connection->cut();
    for (const auto& [id, session] : std::exchange(sessions, {})) session->impl().connection->detach();
    gate->close();
  }

  void stop_listening() {
    accept_again.cancel();
    boost::system::error_code ignored;
    acceptor.close(ignored);
  }
};

void WsSession::cut() {
  impl_->connection->cut();
  // The server may hold the last reference to this object: nothing of it is touched after that.
  if (const auto forget = std::exchange(impl_->forget, nullptr)) forget();
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->shut(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(EventLoop& loop, HttpServerOptions options,
                                                       HttpHandlers handlers) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handlers));
  if (auto fault = impl->open()) return std::move(*fault);
  impl->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::uint16_t HttpServer::port() const noexcept { return impl_->port; }
std::size_t HttpServer::connections() const noexcept { return impl_->plain.size() + impl_->sessions.size(); }
void HttpServer::stop_listening() { impl_->stop_listening(); }
void HttpServer::cut_all() { impl_->cut_all(); }

}  // namespace anduin::net
