// An open WebSocket, either end: reads, answers pings, writes, closes. Internal to net; WsClient and
// WsSession own one. Thread: the loop's. Callbacks never run inside a call; the owner may drop it in a
// callback. Lifetime: owners hold it by shared_ptr and call detach() when they go; nothing is called after
// that.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/event_loop.hpp"
#include "net/stream.hpp"
#include "net/ws_client.hpp"
#include "net/ws_codec.hpp"

namespace anduin::net {

class WsConnection : public std::enable_shared_from_this<WsConnection> {
 public:
  struct Callbacks {
    std::function<void(std::span<const WsFrame>)> on_frames;
    std::function<void(std::string_view)> on_pong;
    std::function<void(std::string_view)> on_ping = {};  ///< after the pong was queued
    std::function<void(const WsClosed&)> on_close;
  };

  /// `where` names the peer in errors.
  WsConnection(EventLoop& loop, bool server, WsLimits limits, std::string where, Callbacks callbacks);

  /// Takes the stream into use: sends `prefix` before anything queued so far, reads `already_read` first.
  void start(std::unique_ptr<Stream> stream, std::string_view prefix, std::string_view already_read);

  Result<void> send(WsKind kind, std::string_view payload);
  Result<void> ping(std::string_view payload);
  void close(std::uint16_t code, std::string_view reason);
  void cut();
  void mute();
  /// Closes the socket at once and forgets the callbacks.
  void detach();
  [[nodiscard]] bool open() const noexcept { return state_ == State::kOpen; }
  /// Messages may still be handed over.
  [[nodiscard]] bool receiving() const noexcept {
    return state_ == State::kOpen || state_ == State::kClosing;
  }
  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return out_.size() - out_at_; }

 private:
  enum class State : std::uint8_t {
    kOpen,
    kClosing,   ///< our close frame is queued, the peer's is awaited
    kFlushing,  ///< the peer has closed, our answer is still to be written
    kMuted,
    kDone,
  };
  void read_some();
  void wait_to_read();
  bool deliver(EventLoop::Scratch& scratch);
  bool deliver_frames(EventLoop::Scratch& scratch);
  bool handle_control(const WsEvent& event);
  void peer_closed(std::string_view payload);
  void fail(const WsFault& fault);
  void append(WsKind kind, std::string_view payload);
  void flush();
  void write_failed();
  void end_after_flush(WsClosed closed);
  void finish(WsClosed closed);
  void finish_later(WsClosed closed);
  void deadline();
  [[nodiscard]] Error error(ErrorKind kind, std::string text) const;

  EventLoop& loop_;
  bool server_;
  WsLimits limits_;
  std::string where_;
  Callbacks callbacks_;
  std::unique_ptr<Stream> stream_;
  WsReader reader_;
  State state_ = State::kOpen;
  std::string out_;
  std::size_t out_at_ = 0;
  bool writing_ = false;  ///< a wait for writability is pending
  std::optional<Error> write_fault_;
  std::optional<WsClosed> closed_;  ///< how it ends once the queue is written
  Timer deadline_;
};

}  // namespace anduin::net
