#include "venue/channel_name.hpp"

#include <nlohmann/json.hpp>

namespace anduin::venue {

std::string channel_name(std::string_view frame) {
  using nlohmann::json;
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
