// The same bytes in one piece and in two: the same messages, the same fault.
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "net/ws_codec.hpp"

namespace {

constexpr std::size_t kMessageBytesMax = 1U << 16U;

struct Seen {
  std::vector<std::pair<int, std::string>> messages;
  std::uint16_t fault = 0;
  bool operator==(const Seen&) const = default;
};

Seen feed(std::vector<std::uint8_t> bytes, std::size_t cut, bool masked) {
  anduin::net::WsReader reader(masked, kMessageBytesMax);
  Seen seen;
  std::size_t at = 0;
  for (const std::size_t end : {cut, bytes.size()}) {
    std::vector<anduin::net::WsEvent> events;
    // Memory of its own for each piece, so that a view into the first one is caught.
    std::vector<std::uint8_t> piece(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(end));
    const auto fault = reader.feed(piece.data(), piece.size(), events);
    for (const auto& e : events)
      seen.messages.emplace_back(static_cast<int>(e.kind), e.size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(e.data), e.size));
    for (const auto& e : events)
      if (e.kind == anduin::net::WsKind::kClose)
        (void)anduin::net::ws_parse_close({reinterpret_cast<const char*>(e.data), e.size});
    reader.release();
    if (fault) {
      seen.fault = fault->code;
      break;
    }
    at = end;
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool masked = (data[0] & 1U) != 0;
  const std::vector<std::uint8_t> bytes(data + 2, data + size);
  const std::size_t cut = bytes.empty() ? 0 : data[1] * bytes.size() / 256;
  if (feed(bytes, bytes.size(), masked) != feed(bytes, cut, masked)) std::abort();
  return 0;
}
