#include "net/ws_connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <utility>

#include "net/scratch.hpp"

namespace anduin::net {
namespace {

/// An empty send queue keeps at most this much memory.
constexpr std::size_t kQueueKeepBytes = 16U << 10U;
/// TLS hands over a record at a time, 16 KB at most: with less room left the batch ends.
constexpr std::size_t kRoomMin = 16U << 10U;

}  // namespace

WsConnection::WsConnection(EventLoop& loop, bool server, WsLimits limits, std::string where,
                           Callbacks callbacks)
    : loop_(loop),
      server_(server),
      limits_(limits),
      where_(std::move(where)),
      callbacks_(std::move(callbacks)),
      reader_(server, limits.message_bytes_max) {}

Error WsConnection::error(ErrorKind kind, std::string text) const {
  return {.kind = kind, .where = where_, .text = std::move(text)};
}

void WsConnection::start(std::unique_ptr<Stream> stream, std::string_view prefix,
                         std::string_view already_read) {
  stream_ = std::move(stream);
  out_.insert(0, prefix);
  flush();
  // Later, because no callback may run inside this call.
  boost::asio::post(loop_.context(), [self = shared_from_this(), bytes = std::string(already_read)] {
    if (!self->receiving()) return;
    if (!bytes.empty()) {
      auto& scratch = self->loop_.scratch();
      std::string_view rest = bytes;
      while (!rest.empty()) {
        const std::size_t take = std::min(rest.size(), kReceiveBytes);
        std::memcpy(scratch.receive.get(), rest.data(), take);
        rest.remove_prefix(take);
        const auto fault = self->reader_.feed(scratch.receive.get(), take, scratch.events);
        if (!self->deliver(scratch)) return;
        if (fault) return self->fail(*fault);
      }
    }
    self->read_some();
  });
}

void WsConnection::wait_to_read() {
  stream_->wait_to_read([self = shared_from_this()](const boost::system::error_code& fault) {
    if (fault || !self->receiving()) return;
    self->stream_->ready();
    self->read_some();
  });
}

/// Empties the socket (up to one scratch) and delivers what came as one batch. A message that ends a read
/// lies in place with free room behind it, which TLS with a record per message makes the rule.
void WsConnection::read_some() {
  auto& scratch = loop_.scratch();
  std::size_t used = 0;
  Io io = Io::kDone;
  std::optional<WsFault> fault;
  if (write_fault_) stream_->ready();  // no wait will follow: ask the socket itself
  while (used + kRoomMin <= kReceiveBytes && scratch.events.size() < kBatchFramesMax && !fault) {
    std::size_t got = 0;
    io = stream_->read(&scratch.receive[used], kReceiveBytes - used, got);
    if (io != Io::kDone) break;
    fault = reader_.feed(&scratch.receive[used], got, scratch.events);
    used += got + kWsFramePadding;
  }
  const auto self = shared_from_this();
  if (!deliver(scratch)) return;
  if (fault) return fail(*fault);
  switch (io) {
    case Io::kDone:
      // There may be more. Others first.
      boost::asio::post(loop_.context(), [self] {
        if (self->receiving()) self->read_some();
      });
      return;
    case Io::kWait:
      if (write_fault_) return finish({.error = *write_fault_});
      return wait_to_read();
    case Io::kEnd:
      return finish(
          {.error = error(ErrorKind::kRetryable, "the peer ended the connection without a close frame")});
    case Io::kError: return finish({.error = stream_->error(where_)});
  }
}

/// Control frames and messages in their order. False when the connection is over (or its owner gone).
bool WsConnection::deliver(EventLoop::Scratch& scratch) {
  const auto self = shared_from_this();
  scratch.frames.clear();
  std::size_t copies = 0;
  for (const auto& event : scratch.events)
    if (!event.padded && !event.at_end) copies += event.size + kWsFramePadding;
  if (scratch.padded.size() < copies) scratch.padded.resize(copies);
  std::size_t copied = 0;
  bool alive = true;
  for (std::size_t i = 0; i < scratch.events.size() && alive; ++i) {
    const WsEvent& event = scratch.events[i];
    if (event.kind >= WsKind::kClose) {
      alive = (event.kind == WsKind::kPing || deliver_frames(scratch)) && handle_control(event);
      continue;
    }
    std::uint8_t* data = event.data;
    if (!event.padded && !event.at_end) {
      data = &scratch.padded[copied];
      std::memcpy(data, event.data, event.size);
      copied += event.size + kWsFramePadding;
    }
    if (!event.padded) std::memset(data + event.size, 0, kWsFramePadding);
    scratch.frames.push_back({.opcode = static_cast<WsOpcode>(event.kind),
                              .data = data,
                              .size = event.size,
                              .capacity = event.size + kWsFramePadding});
    if (scratch.frames.size() == kBatchFramesMax) alive = deliver_frames(scratch);
  }
  alive = alive && deliver_frames(scratch);
  scratch.events.clear();
  scratch.frames.clear();
  reader_.release();
  return alive;
}

bool WsConnection::deliver_frames(EventLoop::Scratch& scratch) {
  if (!scratch.frames.empty() && callbacks_.on_frames) callbacks_.on_frames(scratch.frames);
  scratch.frames.clear();
  return !done() && state_ != State::kMuted;
}

bool WsConnection::handle_control(const WsEvent& event) {
  const std::string_view payload(reinterpret_cast<const char*>(event.data), event.size);
  if (event.kind == WsKind::kPing) {
    // A peer that pings without reading the answers must not fill memory: then the pong is left out.
    if (state_ == State::kOpen && queued_bytes() < limits_.send_queue_bytes_max)
      append(WsKind::kPong, payload);
    flush();
    if (callbacks_.on_ping && !done()) callbacks_.on_ping(payload);
  } else if (event.kind == WsKind::kPong) {
    if (callbacks_.on_pong) callbacks_.on_pong(payload);
  } else {
    peer_closed(payload);
    return false;
  }
  return !done() && state_ != State::kMuted;
}

void WsConnection::peer_closed(std::string_view payload) {
  const auto frame = ws_parse_close(payload);
  if (frame.fault) return fail(*frame.fault);
  WsClosed closed{.code = frame.code, .reason = frame.reason, .by_peer = state_ == State::kOpen};
  closed.error = error(ErrorKind::kRetryable, "closed by the peer with code " + std::to_string(frame.code) +
                                                  (frame.reason.empty() ? "" : ": " + frame.reason));
  if (state_ == State::kOpen) append(WsKind::kClose, payload.substr(0, 2));
  end_after_flush(std::move(closed));
}

void WsConnection::fail(const WsFault& fault) {
  if (state_ == State::kOpen) append(WsKind::kClose, ws_close_payload(fault.code, fault.text));
  end_after_flush({.code = fault.code, .error = error(ErrorKind::kProtocol, fault.text)});
}

void WsConnection::append(WsKind kind, std::string_view payload) {
  if (out_at_ > kQueueKeepBytes && out_at_ > out_.size() / 2) out_.erase(0, std::exchange(out_at_, 0));
  if (server_) return ws_append_frame(out_, kind, true, payload, nullptr);
  const auto mask = ws_fresh_mask();
  ws_append_frame(out_, kind, true, payload, mask.data());
}

Result<void> WsConnection::send(WsKind kind, std::string_view payload) {
  if (state_ == State::kMuted) return {};
  if (state_ != State::kOpen) return error(ErrorKind::kRetryable, "the WebSocket is not open");
  if (queued_bytes() + payload.size() + kWsHeaderBytesMax > limits_.send_queue_bytes_max)
    return error(ErrorKind::kRetryable, "the send queue is full (" + std::to_string(queued_bytes()) +
                                            " bytes unsent): the peer does not read");
  append(kind, payload);
  flush();
  return {};
}

Result<void> WsConnection::ping(std::string_view payload) {
  if (payload.size() > kWsControlBytesMax)
    return error(ErrorKind::kBadRequest, "a ping carries at most 125 bytes");
  return send(WsKind::kPing, payload);
}

/// Writes what the socket takes now. Never calls back: a broken socket is reported from the loop.
void WsConnection::flush() {
  if (writing_ || write_fault_ || !stream_ || done() || state_ == State::kMuted) return;
  while (out_at_ < out_.size()) {
    std::size_t put = 0;
    const Io io = stream_->write(out_.data() + out_at_, out_.size() - out_at_, put);
    out_at_ += put;
    if (io == Io::kDone) continue;
    if (io != Io::kWait) return write_failed();
    writing_ = true;
    stream_->wait_to_write([self = shared_from_this()](const boost::system::error_code& fault) {
      self->writing_ = false;
      if (fault) return;
      self->flush();
    });
    return;
  }
  out_.clear();
  out_at_ = 0;
  if (out_.capacity() > kQueueKeepBytes) out_.shrink_to_fit();
  if (state_ == State::kFlushing) finish_later(*closed_);
}

/// What the peer sent before it went is still worth reading, so the reader has the last word.
void WsConnection::write_failed() {
  if (state_ == State::kFlushing) return finish_later(*closed_);
  if (write_fault_) return;
  write_fault_ = stream_->error(where_);
  boost::asio::post(loop_.context(), [self = shared_from_this()] {
    if (self->receiving()) self->read_some();
  });
}

/// The connection ends with `closed` as soon as the queue is written, or when the deadline comes.
void WsConnection::end_after_flush(WsClosed closed) {
  if (done()) return;
  state_ = State::kFlushing;
  closed_ = std::move(closed);
  deadline();
  if (write_fault_) return finish_later(*closed_);
  flush();
}

void WsConnection::deadline() {
  deadline_ = loop_.post_after(limits_.close_ms_max, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->done()) return;
    if (self->closed_) return self->finish(*self->closed_);
    self->finish({.error = self->error(ErrorKind::kRetryable, "the peer did not answer the close frame")});
  });
}

void WsConnection::close(std::uint16_t code, std::string_view reason) {
  if (state_ != State::kOpen) return;
  append(WsKind::kClose, ws_close_payload(code, reason));
  state_ = State::kClosing;
  deadline();
  flush();
}

void WsConnection::finish_later(WsClosed closed) {
  boost::asio::post(loop_.context(), [self = shared_from_this(), closed = std::move(closed)]() mutable {
    self->finish(std::move(closed));
  });
}

void WsConnection::finish(WsClosed closed) {
  if (done() || state_ == State::kMuted) return;
  state_ = State::kDone;
  deadline_.cancel();
  stream_->close();
  const auto callbacks = std::exchange(callbacks_, {});
  if (callbacks.on_close) callbacks.on_close(closed);
}

void WsConnection::cut() {
  if (done()) return;
  state_ = State::kDone;
  deadline_.cancel();
  if (stream_) stream_->cut();
}

void WsConnection::mute() {
  if (done()) return;
  state_ = State::kMuted;
  deadline_.cancel();
  out_.clear();
  out_at_ = 0;
}

void WsConnection::detach() {
  if (!done() && stream_) stream_->close();
  state_ = State::kDone;
  deadline_.cancel();
}

}  // namespace anduin::net
