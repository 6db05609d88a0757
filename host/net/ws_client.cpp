#include "net/ws_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <utility>

#include "net/connector.hpp"
#include "net/http_call.hpp"
#include "net/ws_connection.hpp"

namespace anduin::net {
namespace {

/// A refused upgrade often says why in its body; this much is read (some are whole web pages) ...
constexpr std::size_t kRefusalBytesRead = 1U << 20U;
/// ... and this much is kept.
constexpr std::size_t kRefusalBodyMax = 4096;
constexpr std::size_t kRefusalTextShown = 200;

/// Nothing when the 101 is what RFC 6455 4.1 asks for.
std::optional<std::string> upgrade_fault(const HttpResponse& answer, const std::string& key) {
  if (const auto upgrade = answer.header("Upgrade"); !upgrade || !list_has_token(*upgrade, "websocket"))
    return "the 101 lacks \"Upgrade: websocket\"";
  if (const auto connection = answer.header("Connection");
      !connection || !list_has_token(*connection, "Upgrade"))
    return "the 101 lacks \"Connection: Upgrade\"";
  if (answer.header("Sec-WebSocket-Accept") != ws_accept_for(key))
    return "the 101 has a wrong Sec-WebSocket-Accept: it does not answer our request";
  if (const auto extensions = answer.header("Sec-WebSocket-Extensions"); extensions && !extensions->empty())
    return "the server uses an extension that was not offered: " + std::string(*extensions);
  return std::nullopt;
}

Error refusal(const HttpResponse& answer, const std::string& where) {
  Error error{.kind = ErrorKind::kBadRequest,
              .where = where,
              .text = "the WebSocket upgrade was answered with HTTP " + std::to_string(answer.status)};
  if (answer.status >= 500 || answer.status == 408) error.kind = ErrorKind::kRetryable;
  if (answer.status == 401 || answer.status == 403) error.kind = ErrorKind::kAuth;
  if (answer.status == 429 || answer.status == 418) {
    error.kind = ErrorKind::kRetryableAfter;
    if (const auto after = answer.header("Retry-After")) {
      std::int64_t seconds = 0;
      std::from_chars(after->data(), after->data() + after->size(), seconds);
      constexpr std::int64_t kRetryAfterSecondsMax = 86'400;  // a day: what is longer needs a person
      error.retry_after_ms = std::clamp<std::int64_t>(seconds, 0, kRetryAfterSecondsMax) * 1000;
    }
  }
  if (!answer.body.empty()) error.text += ": " + answer.body.substr(0, kRefusalTextShown);
  return error;
}

}  // namespace

struct WsClient::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(EventLoop& l) : loop(l) {}

  EventLoop& loop;
  Url url;
  Headers headers;
  WsCallbacks callbacks;
  WsLimits limits;
  std::string key;
  bool started = false;
  bool gone = false;  ///< the owner has gone, or on_close has run
  std::shared_ptr<Connector> connector;
  std::shared_ptr<HttpCall> call;
  std::shared_ptr<WsConnection> connection;
  Timer deadline;

  void start(std::shared_ptr<TlsContext> tls) {
    deadline = loop.post_after(limits.handshake_ms_max, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->timed_out();
    });
    connector = std::make_shared<Connector>(loop);
    connector->start(url, std::move(tls), [weak = weak_from_this()](Result<std::unique_ptr<Stream>> stream) {
      if (const auto self = weak.lock()) self->connected(std::move(stream));
    });
  }

  void timed_out() {
    const std::string stage = call ? "waiting for the answer to the upgrade" : connector->stage();
    fail({.error = {.kind = ErrorKind::kRetryable,
                    .where = url.origin(),
                    .text = "no WebSocket within " + std::to_string(limits.handshake_ms_max) + " ms: still " +
                            stage}});
  }

  void connected(Result<std::unique_ptr<Stream>> stream) {
    if (stream.has_error()) return fail({.error = stream.error()});
    key = ws_fresh_key();
    Headers all{{"Upgrade", "websocket"},
                {"Connection", "Upgrade"},
                {"Sec-WebSocket-Key", key},
                {"Sec-WebSocket-Version", "13"}};
    all.insert(all.end(), headers.begin(), headers.end());
    const std::string host = url.authority();
    call = std::make_shared<HttpCall>(loop, std::move(*stream), url.origin(),
                                      HttpParser::Options{.body_bytes_max = kRefusalBytesRead});
    call->start(write_request({.method = "GET", .target = url.target, .host = host}, all, {}),
                [weak = weak_from_this()](HttpCall::Outcome outcome) {
                  if (const auto self = weak.lock()) self->answered(std::move(outcome));
                });
  }

  void answered(HttpCall::Outcome outcome) {
    if (outcome.response.has_error()) return fail({.error = outcome.response.error()});
    const HttpResponse& answer = *outcome.response;
    if (answer.status != 101) {
      WsClosed closed{.http_status = answer.status,
                      .http_body = answer.body.substr(0, kRefusalBodyMax),
                      .error = refusal(answer, url.origin())};
      return fail(std::move(closed));
    }
    if (auto fault = upgrade_fault(answer, key)) {
      outcome.stream->close();
      return fail(
          {.error = {.kind = ErrorKind::kProtocol, .where = url.origin(), .text = std::move(*fault)}});
    }
    deadline.cancel();
    // The connection's callbacks end with it, and it is detached before this object goes.
    connection = std::make_shared<WsConnection>(
        loop, false, limits, url.origin(),
        WsConnection::Callbacks{.on_frames = callbacks.on_frames,
                                .on_pong = callbacks.on_pong,
                                .on_close = [weak = weak_from_this()](const WsClosed& closed) {
                                  if (const auto self = weak.lock()) self->fail(closed);
                                }});
    connection->start(std::move(outcome.stream), {}, outcome.leftover);
    const auto self = shared_from_this();
    if (callbacks.on_open) callbacks.on_open(answer.headers);
  }

  void fail(const WsClosed& closed) {
    if (gone) return;
    shut();
    const auto self = shared_from_this();
    const auto on_close = std::exchange(callbacks, {}).on_close;
    if (on_close) on_close(closed);
  }

  void shut() {
    gone = true;
    deadline.cancel();
    if (connector) connector->cancel();
    if (call) call->cancel();
    if (connection) connection->detach();
  }
};

WsClient::WsClient(EventLoop& loop) : impl_(std::make_shared<Impl>(loop)) {}
WsClient::~WsClient() { impl_->shut(); }

void WsClient::connect(const Url& url, const Headers& headers, std::shared_ptr<TlsContext> tls,
                       WsCallbacks callbacks, const WsLimits& limits) {
  impl_->url = url;
  impl_->headers = headers;
  impl_->callbacks = std::move(callbacks);
  impl_->limits = limits;
  auto fault = header_fault(headers);
  if (find_header(headers, "Host")) fault = "the header Host comes from the URL";
  if (!url.websocket()) fault = "the scheme must be ws or wss";
  if (std::exchange(impl_->started, true)) fault = "a WsClient connects once: make a new one";
  if (!fault) return impl_->start(std::move(tls));
  boost::asio::post(impl_->loop.context(), [weak = std::weak_ptr(impl_), text = std::move(*fault)] {
    if (const auto self = weak.lock())
      self->fail({.error = {.kind = ErrorKind::kBadRequest, .where = self->url.origin(), .text = text}});
  });
}

Result<void> WsClient::send_text(std::string_view text) {
  if (!open())
    return Error{
        .kind = ErrorKind::kRetryable, .where = impl_->url.origin(), .text = "the WebSocket is not open"};
  return impl_->connection->send(WsKind::kText, text);
}

Result<void> WsClient::send_binary(std::span<const std::uint8_t> bytes) {
  if (!open())
    return Error{
        .kind = ErrorKind::kRetryable, .where = impl_->url.origin(), .text = "the WebSocket is not open"};
  return impl_->connection->send(WsKind::kBinary,
                                 {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<void> WsClient::ping(std::string_view payload) {
  if (!open())
    return Error{
        .kind = ErrorKind::kRetryable, .where = impl_->url.origin(), .text = "the WebSocket is not open"};
  return impl_->connection->ping(payload);
}

void WsClient::close(std::uint16_t code, std::string_view reason) {
  if (impl_->connection) return impl_->connection->close(code, reason);
  if (!impl_->started || impl_->gone) return;
  boost::asio::post(impl_->loop.context(), [weak = std::weak_ptr(impl_)] {
    if (const auto self = weak.lock())
      self->fail({.error = {.kind = ErrorKind::kRetryable,
                            .where = self->url.origin(),
                            .text = "closed before it opened"}});
  });
}

bool WsClient::open() const noexcept { return impl_->connection && impl_->connection->open(); }

std::size_t WsClient::send_queue_bytes() const noexcept {
  return impl_->connection ? impl_->connection->queued_bytes() : 0;
}

}  // namespace anduin::net
