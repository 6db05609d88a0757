#include "net/ws_codec.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "net/ws_client.hpp"

namespace anduin::net {
namespace {

/// The first growth of a message in parts: most fit, and an idle connection holds nothing.
constexpr std::size_t kPartialReserve = 4096;
/// Random bytes drawn at once: a call of the generator costs as much as masking 2 KB.
constexpr std::size_t kMaskBlock = 256;

WsFault protocol_fault(std::string text) { return {1002, std::move(text)}; }

void random_bytes(std::uint8_t* out, std::size_t size) {
  if (RAND_bytes(out, static_cast<int>(size)) != 1)
    throw std::runtime_error("the system's random generator failed");
}

std::string base64(const std::uint8_t* data, std::size_t size) {
  std::string out(4 * ((size + 2) / 3) + 1, '\0');
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

/// Eight bytes at a time; `phase` is the position of data[0] within the mask.
void apply_mask(std::uint8_t* data, std::size_t size, const std::uint8_t* mask, std::size_t phase) {
  std::array<std::uint8_t, 8> wide{};
  for (std::size_t i = 0; i < 8; ++i) wide[i] = mask[(phase + i) & 3U];
  std::uint64_t key = 0;
  std::memcpy(&key, wide.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, data + i, 8);
    block ^= key;
    std::memcpy(data + i, &block, 8);
  }
  for (; i < size; ++i) data[i] ^= wide[i & 7U];
}

}  // namespace

std::size_t WsReader::header_size() const {
  if (header_have_ < 2) return 2;
  const unsigned length = header_[1] & 0x7fU;
  return 2U + (length == 126 ? 2U : length == 127 ? 8U : 0U) + ((header_[1] & 0x80U) != 0 ? 4U : 0U);
}

std::optional<WsFault> WsReader::begin_frame() {
  if ((header_[0] & 0x70U) != 0)
    return protocol_fault("a reserved bit is set, though no extension was agreed");
  const bool masked = (header_[1] & 0x80U) != 0;
  if (masked != expect_masked_)
    return protocol_fault(masked ? "the server sent a masked frame" : "the client sent an unmasked frame");
  const unsigned code = header_[0] & 0x0fU;
  if ((code > 2 && code < 8) || code > 10)
    return protocol_fault("opcode " + std::to_string(code) + " is not defined");

  std::uint64_t length = header_[1] & 0x7fU;
  std::size_t at = 2;
  if (length >= 126) {
    const std::size_t bytes = length == 126 ? 2 : 8;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8U | header_[at + i];
    at += bytes;
    if (length < 126 || (bytes == 8 && length <= 0xffff))
      return protocol_fault("a length is not in its shortest form");
    if (length >> 63U) return protocol_fault("a length has its highest bit set");
  }
  if (masked) std::memcpy(mask_.data(), &header_[at], 4);
  mask_at_ = 0;
  if (control()) {
    if (!final()) return protocol_fault("a control frame is fragmented");
    if (length > kWsControlBytesMax) return protocol_fault("a control frame is longer than 125 bytes");
  } else if (auto fault = begin_data_frame(length)) {
    return fault;
  }
  remaining_ = length;
  in_payload_ = true;
  return std::nullopt;
}

std::optional<WsFault> WsReader::begin_data_frame(std::uint64_t length) {
  if (opcode() == WsKind::kContinuation) {
    if (!message_) return protocol_fault("a continuation without a message");
  } else {
    if (message_) return protocol_fault("a new message inside a fragmented one");
    message_ = opcode();
  }
  // No overflow: the highest bit of a length is never set.
  if (partial_.size() + length > message_bytes_max_)
    return WsFault{1009, "a message is longer than " + std::to_string(message_bytes_max_) + " bytes"};
  return std::nullopt;
}

void WsReader::unmask(std::uint8_t* data, std::size_t size) {
  if (!expect_masked_) return;
  apply_mask(data, size, mask_.data(), mask_at_);
  mask_at_ = (mask_at_ + size) & 3U;
}

void WsReader::emit_owned(std::vector<std::uint8_t>&& bytes, WsKind kind, std::vector<WsEvent>& out) {
  const std::size_t size = bytes.size();
  bytes.resize(size + kWsFramePadding);  // value-initialised: zero
  owned_.push_back(std::move(bytes));
  out.push_back({.kind = kind, .data = owned_.back().data(), .size = size, .padded = true});
}

void WsReader::finish_frame(std::vector<WsEvent>& out) {
  in_payload_ = false;
  header_have_ = 0;
  if (control()) {
    emit_owned(std::exchange(control_, {}), opcode(), out);
  } else if (final()) {
    emit_owned(std::exchange(partial_, {}), *message_, out);
    message_.reset();
  }
}

std::size_t WsReader::take_payload(std::uint8_t* data, std::size_t size, std::vector<WsEvent>& out) {
  auto& held = control() ? control_ : partial_;
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, size));
  unmask(data, take);
  remaining_ -= take;
  const bool whole =
      remaining_ == 0 && held.empty() && final() && (control() || opcode() != WsKind::kContinuation);
  if (whole) {
    out.push_back({.kind = opcode(), .data = data, .size = take, .at_end = take == size});
    if (!control()) message_.reset();
    in_payload_ = false;
    header_have_ = 0;
    return take;
  }
  if (held.empty() && take != 0) held.reserve(std::max(kPartialReserve, take));
  held.insert(held.end(), data, data + take);
  if (remaining_ == 0) finish_frame(out);
  return take;
}

std::optional<WsFault> WsReader::feed(std::uint8_t* data, std::size_t size, std::vector<WsEvent>& out) {
  std::uint8_t* const end = data + size;
  while (data != end || (in_payload_ && remaining_ == 0)) {
    if (in_payload_) {
      data += take_payload(data, static_cast<std::size_t>(end - data), out);
      continue;
    }
    const std::size_t want = header_size() - header_have_;
    const std::size_t take = std::min(want, static_cast<std::size_t>(end - data));
    std::memcpy(&header_[header_have_], data, take);
    header_have_ += take;
    data += take;
    if (header_have_ < 2 || header_have_ < header_size()) continue;
    if (auto fault = begin_frame()) return fault;
  }
  return std::nullopt;
}

void ws_append_frame(std::string& out, WsKind kind, bool final, std::string_view payload,
                     const std::uint8_t* mask) {
  std::array<char, kWsHeaderBytesMax> header{};
  std::size_t size = 2;
  header[0] = static_cast<char>((final ? 0x80U : 0U) | static_cast<unsigned>(kind));
  const unsigned mask_bit = mask ? 0x80U : 0U;
  const auto put_length = [&](unsigned marker, int bytes) {
    header[1] = static_cast<char>(mask_bit | marker);
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      header[size++] = static_cast<char>(payload.size() >> shift);
  };
  if (payload.size() < 126) put_length(static_cast<unsigned>(payload.size()), 0);
  else if (payload.size() <= 0xffff) put_length(126, 2);
  else put_length(127, 8);
  if (mask) {
    std::memcpy(&header[size], mask, 4);
    size += 4;
  }
  out.append(header.data(), size);
  const std::size_t at = out.size();
  out.append(payload);
  if (mask) apply_mask(reinterpret_cast<std::uint8_t*>(out.data()) + at, payload.size(), mask, 0);
}

std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
  std::string out{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)};
  out += reason.substr(0, kWsControlBytesMax - 2);
  return out;
}

WsCloseFrame ws_parse_close(std::string_view payload) {
  if (payload.empty()) return {};
  if (payload.size() == 1) return {.fault = protocol_fault("a close frame of one byte")};
  WsCloseFrame out;
  out.code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8U |
                                        static_cast<unsigned char>(payload[1]));
  out.reason = payload.substr(2);
  // RFC 6455 7.4: 1004 is reserved, 1005, 1006 and 1015 never travel, 1012 to 1014 were registered later.
  const bool defined =
      (out.code >= 1000 && out.code <= 1014 && out.code != 1004 && out.code != 1005 && out.code != 1006);
  if (!defined && (out.code < 3000 || out.code > 4999))
    out.fault = protocol_fault("close code " + std::to_string(out.code) + " may not be sent");
  return out;
}

std::string ws_accept_for(std::string_view key) {
  // The fixed text is RFC 6455 1.3.
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, 20> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("SHA-1 is not available");
  return base64(digest.data(), digest.size());
}

std::string ws_fresh_key() {
  std::array<std::uint8_t, 16> key{};
  random_bytes(key.data(), key.size());
  return base64(key.data(), key.size());
}

std::array<std::uint8_t, 4> ws_fresh_mask() {
  thread_local std::array<std::uint8_t, kMaskBlock> block{};
  thread_local std::size_t at = kMaskBlock;
  if (at == kMaskBlock) {
    random_bytes(block.data(), block.size());
    at = 0;
  }
  std::array<std::uint8_t, 4> mask{};
  std::memcpy(mask.data(), &block[at], 4);
  at += 4;
  return mask;
}

}  // namespace anduin::net
