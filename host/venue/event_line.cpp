#include "venue/event_line.hpp"

#include "anduin/json.hpp"

namespace anduin::venue {
namespace {

using json::quoted;

constexpr int kDerivedDecimals = 8;  // derived prices have at most 8 decimals, half-even

std::string number(const Decimal& d) { return d.to_string(); }
std::string number(const std::optional<Decimal>& d) { return d ? d->to_string() : "null"; }

}  // namespace

std::string price_line(std::string_view venue, std::string_view symbol, const Decimal& bid, const Decimal& ask,
                       std::int64_t timestamp_ms) {
  return "{\"type\":\"price\",\"venue\":" + quoted(venue) + ",\"symbol\":" + quoted(symbol) + ",\"bid\":" + number(bid) +
         ",\"ask\":" + number(ask) + ",\"timestamp\":" + std::to_string(timestamp_ms) + "}";
}

std::string funding_line(std::string_view venue, std::string_view symbol, const Decimal& rate,
                         const std::optional<Decimal>& next_rate, std::int64_t due_ms, std::int64_t timestamp_ms) {
  return "{\"type\":\"funding\",\"venue\":" + quoted(venue) + ",\"symbol\":" + quoted(symbol) + ",\"rate\":" + number(rate) +
         ",\"nextRate\":" + number(next_rate) + ",\"dueAt\":" + (due_ms == 0 ? "null" : std::to_string(due_ms)) +
         ",\"timestamp\":" + std::to_string(timestamp_ms) + "}";
}

std::string close_line(const ClosedPosition& p) {
  const auto entry = p.entry_price && p.entry_derived ? p.entry_price->rounded(kDerivedDecimals) : p.entry_price;
  return "{\"type\":\"close\",\"venue\":" + quoted(p.venue) + ",\"account\":" + quoted(p.account) + ",\"id\":" +
         quoted(p.id) + ",\"symbol\":" + quoted(p.symbol) + ",\"side\":\"" + to_string(p.side) + "\",\"entryPrice\":" +
         number(entry) + ",\"exitPrice\":" + number(p.exit_price) + ",\"size\":" + number(p.size) + ",\"pnl\":" +
         number(p.pnl) + ",\"fee\":" + number(p.fee) + ",\"currency\":" + quoted(p.currency) + ",\"closedAt\":" +
         std::to_string(p.closed_ms) + ",\"origin\":\"" + to_string(p.origin) + "\"}";
}

std::string balance_line(const Balance& b) {
  return "{\"type\":\"balance\",\"venue\":" + quoted(b.venue) + ",\"account\":" + quoted(b.account) + ",\"total\":" +
         number(b.total) + ",\"available\":" + number(b.available) + ",\"currency\":" + quoted(b.currency) + "}";
}

std::string status_line(std::string_view venue, std::string_view state, std::string_view detail) {
  return "{\"type\":\"status\",\"venue\":" + quoted(venue) + ",\"state\":" + quoted(state) + ",\"detail\":" +
         quoted(detail) + "}";
}

}  // namespace anduin::venue
