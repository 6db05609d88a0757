#include "venue/channel_name.hpp"

#include <nlohmann/json.hpp>

#include "anduin/plugin.h"
#include "venue/inflate.hpp"

namespace anduin::venue {
namespace {

constexpr std::size_t kUnpackedMax = 16U << 20U;  // as endpoints without a max_message have it

/// The text of a frame that is a gzip member; the frame itself otherwise.
std::string unpacked(std::string_view frame) {
  if (!frame.starts_with("\x1f\x8b")) return std::string(frame);
  Inflate inflate(AND_DECODE_GZIP);
  const auto size = static_cast<std::uint32_t>(frame.size());
  if (!inflate.add({reinterpret_cast<const std::uint8_t*>(frame.data()), size, size, true}, kUnpackedMax)) return {};
  const FrameBytes& text = inflate.frames().front();
  return {reinterpret_cast<const char*>(text.data), text.size};
}

}  // namespace

std::string channel_name(std::string_view raw) {
  using nlohmann::json;
  const std::string frame = unpacked(raw);
  const json j = json::parse(frame, nullptr, false);
  if (j.is_array()) {  // [id, payload..., "book-1000", "XBT/USD"]
    std::string name;
    for (const json& e : j)
      if (e.is_string()) name += (name.empty() ? "" : " ") + e.get<std::string>();
    return name.empty() ? "array" : name;
  }
  if (!j.is_object()) return "unknown";
  // OKX, Bitget: {"arg":{"channel":"books","instId":"BTC-USDT"},...}; an acknowledgement is counted as such.
  if (const auto arg = j.find("arg"); arg != j.end() && arg->is_object() && !j.contains("event"))
    for (const char* member : {"channel", "topic"}) {
      if (!arg->contains(member) || !(*arg)[member].is_string()) continue;
      std::string name = (*arg)[member].get<std::string>();
      for (const char* symbol : {"instId", "symbol"})
        if (arg->contains(symbol) && (*arg)[symbol].is_string()) name += " " + (*arg)[symbol].get<std::string>();
      return name;
    }
  if (j.contains("ping")) return "ping";  // HTX: neither this nor an acknowledgement names a channel
  if (j.contains("subbed")) return "subbed";
  for (const char* member : {"topic", "channel", "feed", "event", "ch", "method", "op", "type", "action"}) {
    if (!j.contains(member) || !j[member].is_string()) continue;
    std::string name = j[member].get<std::string>();
    for (const char* symbol : {"product_id", "pair", "symbol"})
      if (j.contains(symbol) && j[symbol].is_string()) name += " " + j[symbol].get<std::string>();
    return name;
  }
  return "unknown";
}

}  // namespace anduin::venue
