// RFC 6455 frames as bytes: a reader that never copies a message lying whole in its input, and a writer. No
// I/O. Internal to net. Thread: one at a time. Lifetime: events point into the fed memory or into the reader
// until release(). UTF-8 is not checked.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anduin::net {

enum class WsKind : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

/// Control payloads, RFC 6455 5.5.
inline constexpr std::size_t kWsControlBytesMax = 125;
/// Two bytes, eight of extended length, four of mask.
inline constexpr std::size_t kWsHeaderBytesMax = 14;

/// A whole message or a control frame.
struct WsEvent {
  WsKind kind = WsKind::kText;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  bool padded = false;  ///< in the reader's own memory, with kWsFramePadding zero bytes behind
  bool at_end = false;  ///< in place, and the last bytes of what was fed
};

/// What the peer did wrong, with the close code that says so.
struct WsFault {
  std::uint16_t code = 1002;
  std::string text;
};

class WsReader {
 public:
  /// `expect_masked`: true on a server, whose clients must mask; a client refuses masked frames.
  WsReader(bool expect_masked, std::size_t message_bytes_max)
      : expect_masked_(expect_masked), message_bytes_max_(message_bytes_max) {}

  /// Consumes everything. Masked payloads are unmasked in place. Events found before a fault are good; after
  /// a fault the reader must not be fed again.
  std::optional<WsFault> feed(std::uint8_t* data, std::size_t size, std::vector<WsEvent>& out);
  /// The events handed out so far are done with.
  void release() { owned_.clear(); }
  /// Bytes held for messages that are not complete.
  [[nodiscard]] std::size_t held_bytes() const { return partial_.size() + control_.size(); }

 private:
  [[nodiscard]] std::size_t header_size() const;
  std::optional<WsFault> begin_frame();
  std::optional<WsFault> begin_data_frame(std::uint64_t length);
  std::size_t take_payload(std::uint8_t* data, std::size_t size, std::vector<WsEvent>& out);
  void finish_frame(std::vector<WsEvent>& out);
  void emit_owned(std::vector<std::uint8_t>&& bytes, WsKind kind, std::vector<WsEvent>& out);
  void unmask(std::uint8_t* data, std::size_t size);
  [[nodiscard]] bool control() const { return (header_[0] & 8U) != 0; }
  [[nodiscard]] bool final() const { return (header_[0] & 0x80U) != 0; }
  [[nodiscard]] WsKind opcode() const { return static_cast<WsKind>(header_[0] & 0x0fU); }

  bool expect_masked_;
  std::size_t message_bytes_max_;
  std::array<std::uint8_t, kWsHeaderBytesMax> header_{};
  std::size_t header_have_ = 0;
  bool in_payload_ = false;
  std::uint64_t remaining_ = 0;  ///< payload bytes of the current frame still to come
  std::array<std::uint8_t, 4> mask_{};
  std::size_t mask_at_ = 0;
  std::optional<WsKind> message_;  ///< kind of the message whose fragments are being collected
  std::vector<std::uint8_t>
      partial_;  ///< its bytes so far; grows with what arrives, never with what is announced
  std::vector<std::uint8_t> control_;  ///< a control frame split over reads
  std::vector<std::vector<std::uint8_t>> owned_;
};

/// Appends one frame. `mask` is the client's four random bytes, null on a server.
void ws_append_frame(std::string& out, WsKind kind, bool final, std::string_view payload,
                     const std::uint8_t* mask);

/// Code and reason as a close frame's payload; the reason is cut at 123 bytes.
std::string ws_close_payload(std::uint16_t code, std::string_view reason);
/// Nothing for an empty payload (code 1005); a fault for a broken one or a code that may not be sent.
struct WsCloseFrame {
  std::uint16_t code = 1005;
  std::string reason = {};
  std::optional<WsFault> fault = {};
};
WsCloseFrame ws_parse_close(std::string_view payload);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string ws_accept_for(std::string_view key);
/// 16 random bytes, base64.
std::string ws_fresh_key();
/// Four random bytes per frame, drawn in blocks from the system's generator.
std::array<std::uint8_t, 4> ws_fresh_mask();

}  // namespace anduin::net
