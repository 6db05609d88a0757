#include "net/http_connection.hpp"

#include <utility>

#include "net/scratch.hpp"
#include "net/ws_codec.hpp"

namespace anduin::net {
namespace {

/// How long a refused client may take to notice before its unread bytes make the kernel reset the connection.
constexpr std::int64_t kDrainMs = 1'000;
/// Pipelined bytes kept while a request is being handled; more is left in the socket.
constexpr std::size_t kPipelineBytesMax = 64U << 10U;
/// Sec-WebSocket-Key: 16 bytes in base64.
constexpr std::size_t kKeyCharacters = 24;

HttpParser::Options parser_options(const HttpServerOptions& options) {
  return {
      .request = true, .head_bytes_max = options.head_bytes_max, .body_bytes_max = options.body_bytes_max};
}

}  // namespace

// ------------------------------------------------------------------------------------------------ Responder

Responder::State::~State() {
  if (!used) answer({.status = 500, .body = "the handler gave no answer\n"});
}

void Responder::State::answer(HttpResponse response) {
  if (used.exchange(true)) return;
  gate->post([weak = connection, number = serial, r = std::move(response)] {
    if (const auto c = weak.lock()) c->answer(number, r);
  });
}

void Responder::operator()(HttpResponse response) const { state_->answer(std::move(response)); }

void Responder::cut() const {
  if (state_->used.exchange(true)) return;
  state_->gate->post([weak = state_->connection, number = state_->serial] {
    if (const auto c = weak.lock()) c->cut_request(number);
  });
}

// ------------------------------------------------------------------------------------------------ connection

HttpConnection::HttpConnection(std::shared_ptr<Host> host, std::unique_ptr<Stream> stream, std::string remote)
    : host_(std::move(host)),
      stream_(std::move(stream)),
      remote_(std::move(remote)),
      parser_(parser_options(host_->options)) {}

template <class F>
void HttpConnection::when_readable(F next) {
  stream_->wait_to_read([self = shared_from_this(), next](const boost::system::error_code& fault) {
    if (fault || self->done_) return;
    self->stream_->ready();
    next(*self);
  });
}

void HttpConnection::deadline(std::int64_t ms_max) {
  deadline_ = host_->loop.post_after(ms_max, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->finish();
  });
}

void HttpConnection::start() {
  if (!host_->options.tls) return begin(host_->options.request_ms_max);
  deadline(host_->options.request_ms_max);
  stream_->use_tls(host_->options.tls, {});
  handshake();
}

void HttpConnection::handshake() {
  switch (stream_->handshake()) {
    case Io::kDone: return begin(host_->options.request_ms_max);
    case Io::kWait: return when_readable([](HttpConnection& self) { self.handshake(); });
    case Io::kEnd:
    case Io::kError: return finish();
  }
}

void HttpConnection::begin(std::int64_t ms_max) {
  parser_ = HttpParser(parser_options(host_->options));
  ++serial_;
  started_request_ = continued_ = false;
  deadline(ms_max);
  if (const std::string bytes = std::exchange(in_, {}); !bytes.empty() && !take(bytes)) return;
  read();
}

void HttpConnection::read() {
  auto* const buffer = host_->loop.scratch().receive.get();
  while (true) {
    std::size_t got = 0;
    switch (stream_->read(buffer, kReceiveBytes, got)) {
      case Io::kDone:
        if (!take({reinterpret_cast<const char*>(buffer), got})) return;
        break;
      case Io::kWait: return when_readable([](HttpConnection& self) { self.read(); });
      case Io::kEnd:
      case Io::kError: return finish();
    }
  }
}

/// False when no more bytes are wanted now.
bool HttpConnection::take(std::string_view bytes) {
  if (!std::exchange(started_request_, true)) deadline(host_->options.request_ms_max);
  std::size_t used = 0;
  switch (parser_.feed(bytes, used)) {
    case WireFault::kNone: break;
    case WireFault::kSyntax: refuse(400, parser_.fault_text()); return false;
    case WireFault::kHeadTooLarge: refuse(431, parser_.fault_text()); return false;
    case WireFault::kBodyTooLarge: refuse(413, parser_.fault_text()); return false;
  }
  if (parser_.done()) {
    in_ = bytes.substr(used);
    handle();
    return false;
  }
  if (parser_.head_done() && !std::exchange(continued_, true)) {
    const Headers headers = parser_.headers();
    if (const auto expect = find_header(headers, "Expect");
        expect && list_has_token(*expect, "100-continue")) {
      // A fresh connection's send buffer holds these few bytes.
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      std::size_t put = 0;
      if (stream_->write(kContinue.data(), kContinue.size(), put) != Io::kDone || put != kContinue.size()) {
        finish();
        return false;
      }
    }
  }
  return true;
}

void HttpConnection::handle() {
  deadline_.cancel();
  ServerRequest request{.method = parser_.method(),
                        .target = parser_.target(),
                        .headers = parser_.headers(),
                        .raw_head = parser_.raw_head(),
                        .body = parser_.take_body(),
                        .remote = remote_,
                        .tls = stream_->tls()};
  keep_ = parser_.keep_alive();
  head_method_ = request.method == "HEAD";
  if (parser_.http_1_1() && !request.header("Host")) return refuse(400, "the Host header is missing");
  const auto self = shared_from_this();
  if (host_->handlers.on_upgrade && try_upgrade(request)) return;
  waiting_ = true;
  Responder respond(std::make_shared<Responder::State>(host_->gate, weak_from_this(), serial_));
  if (host_->handlers.on_request) host_->handlers.on_request(std::move(request), std::move(respond));
  else respond({.status = 404, .body = "not found\n"});
  if (!done_) watch_for_end();
}

/// True when the request was an upgrade, whatever became of it.
bool HttpConnection::try_upgrade(const ServerRequest& request) {
  const auto upgrade = request.header("Upgrade");
  const auto connection = request.header("Connection");
  if (!upgrade || !list_has_token(*upgrade, "websocket") || !connection ||
      !list_has_token(*connection, "upgrade"))
    return false;
  waiting_ = true;
  const auto key = request.header("Sec-WebSocket-Key");
  if (request.method != "GET" || !key || key->size() != kKeyCharacters) {
    refuse(400, "not a WebSocket handshake");
    return true;
  }
  if (request.header("Sec-WebSocket-Version") != "13") {
    answer(serial_, {.status = 426, .headers = {{"Sec-WebSocket-Version", "13"}}});
    return true;
  }
  std::shared_ptr<WsSession> session;
  if (auto refusal = host_->offer(request, session)) {
    if (!done_) answer(serial_, std::move(*refusal));
    return true;
  }
  if (done_) return true;
  done_ = true;
  const std::string reply = write_response(
      {.status = 101, .headers = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", ws_accept_for(*key)}}},
      "Upgrade", false, false);
  host_->upgrade(std::move(session), std::move(stream_), reply, in_);
  host_->ended(this);
  return true;
}

/// A client that goes away while its request is handled gives its place back.
void HttpConnection::watch_for_end() {
  when_readable([](HttpConnection& self) {
    if (!self.waiting_) return;
    while (self.in_.size() < kPipelineBytesMax) {
      auto* const buffer = self.host_->loop.scratch().receive.get();
      std::size_t got = 0;
      const Io io = self.stream_->read(buffer, kPipelineBytesMax, got);
      if (io == Io::kWait) return self.watch_for_end();
      if (io != Io::kDone) return self.finish();
      self.in_.append(reinterpret_cast<const char*>(buffer), got);
    }
  });
}

void HttpConnection::answer(std::uint64_t serial, HttpResponse response) {
  if (done_ || !waiting_ || serial != serial_) return;
  waiting_ = false;
  stream_->cancel_waits();
  if (header_fault(response.headers))
    response = {.status = 500, .body = "the handler's answer is malformed\n"};
  send(response);
}

void HttpConnection::cut_request(std::uint64_t serial) {
  if (!done_ && waiting_ && serial == serial_) cut();
}

void HttpConnection::refuse(int status, const std::string& text) {
  keep_ = false;
  waiting_ = false;
  if (host_->handlers.on_refusal) {
    const bool head = parser_.head_done() || status == 413;  // a length that is too large ends the parse at the head
    return send(host_->handlers.on_refusal(status, text, head ? parser_.method() : "", head ? parser_.target() : ""));
  }
  send({.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = text + "\n"});
}

void HttpConnection::send(const HttpResponse& response) {
  const bool no_body = response.status == 204 || response.status == 304;
  out_ = write_response(response, keep_ ? "keep-alive" : "close", !no_body, !no_body && !head_method_);
  out_at_ = 0;
  deadline(host_->options.write_ms_max);
  write();
}

void HttpConnection::write() {
  while (out_at_ < out_.size()) {
    std::size_t put = 0;
    const Io io = stream_->write(out_.data() + out_at_, out_.size() - out_at_, put);
    out_at_ += put;
    if (io == Io::kDone) continue;
    if (io != Io::kWait) return finish();
    return stream_->wait_to_write([self = shared_from_this()](const boost::system::error_code& fault) {
      if (!fault && !self->done_) self->write();
    });
  }
  written();
}

void HttpConnection::written() {
  out_.clear();
  out_.shrink_to_fit();
  stream_->ready();
  if (keep_) {
    // From the loop: a client that pipelines a thousand requests must not nest a thousand calls.
    return host_->loop.post([weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->done_) self->begin(self->host_->options.idle_ms_max);
    });
  }
  stream_->end_writing();
  deadline(kDrainMs);
  drain();
}

/// Closing with unread bytes would reset the connection and take the answer with it.
void HttpConnection::drain() {
  auto* const buffer = host_->loop.scratch().receive.get();
  std::size_t got = 0;
  Io io = Io::kDone;
  while (io == Io::kDone) io = stream_->read(buffer, kReceiveBytes, got);
  if (io != Io::kWait) return finish();
  when_readable([](HttpConnection& self) { self.drain(); });
}

void HttpConnection::finish() {
  if (std::exchange(done_, true)) return;
  deadline_.cancel();
  stream_->close();
  host_->ended(this);
}

void HttpConnection::cut() {
  if (std::exchange(done_, true)) return;
  deadline_.cancel();
  if (stream_) stream_->cut();
  const auto self = shared_from_this();
  host_->ended(this);
}

}  // namespace anduin::net
