#include "market/price_json.hpp"

#include "anduin/json.hpp"

namespace anduin::market {
namespace {

void quoted(std::string& out, std::string_view text) { out += json::quoted(text); }

void number(std::string& out, const char* key, const std::optional<Decimal>& value) {
  out += ",\"";
  out += key;
  out += "\":";
  out += value ? value->to_string() : "null";
}

void entry_json(std::string& out, const VenueEntry& entry) {
  const bool quoted_once = entry.out != Out::kNoQuote && !entry.bid.is_zero();
  quoted(out, entry.venue);
  out += ":{\"bid\":" + (quoted_once ? entry.bid.to_string() : "null");
  out += ",\"ask\":" + (quoted_once ? entry.ask.to_string() : "null");
  out += ",\"timestamp\":" + (entry.timestamp != 0 ? std::to_string(entry.timestamp) : "null");
  out += ",\"ageMs\":" + (quoted_once ? std::to_string(entry.age_ms) : "null");
  out += ",\"market\":";
  quoted(out, entry.market);
  out += ",\"native\":";
  quoted(out, entry.native);
  out += ",\"kind\":\"";
  out += to_string(entry.kind);
  out += "\",\"out\":";
  if (entry.out == Out::kIn) {
    out += "null";
  } else {
    quoted(out, to_string(entry.out));
  }
  out += ",\"accepted\":" + std::to_string(entry.accepted) + ",\"refused\":{";
  bool first = true;
  for (std::size_t i = 0; i < kOutCount; ++i) {
    if (entry.refused[i] == 0) continue;
    if (!first) out += ',';
    first = false;
    quoted(out, to_string(static_cast<Out>(i)));
    out += ':' + std::to_string(entry.refused[i]);
  }
  out += "}}";
}

}  // namespace

std::string to_json(const AggregatedPrice& price) {
  std::string out = "{\"symbol\":";
  quoted(out, price.symbol);
  number(out, "bestBid", price.best_bid);
  number(out, "bestAsk", price.best_ask);
  number(out, "spread", price.spread);
  out += ",\"venues\":{";
  for (std::size_t i = 0; i < price.venues.size(); ++i) {
    if (i != 0) out += ',';
    entry_json(out, price.venues[i]);
  }
  out += "},\"timestamp\":" + (price.timestamp != 0 ? std::to_string(price.timestamp) : "null");
  out += ",\"standing\":\"";
  out += to_string(price.standing);
  out += '"';
  number(out, "medianMid", price.median_mid);
  out += ",\"crossed\":";
  out += price.crossed ? "true" : "false";
  out += ",\"mixedKinds\":";
  out += price.mixed_kinds ? "true" : "false";
  return out + "}";
}

}  // namespace anduin::market
