// The event lines of `replay`: one JSON object each, numbers with their exact decimal digits. Pure functions.
#pragma once
#include <string>

#include "base/events.hpp"

namespace anduin::venue {

std::string price_line(std::string_view venue, std::string_view symbol, const Decimal& bid, const Decimal& ask,
                       std::int64_t timestamp_ms);
/// A perpetual's funding rate as a fraction of one interval, paid at due_ms (0: null).
std::string funding_line(std::string_view venue, std::string_view symbol, const Decimal& rate,
                         const std::optional<Decimal>& next_rate, std::int64_t due_ms, std::int64_t timestamp_ms);
std::string close_line(const ClosedPosition& position);
std::string balance_line(const Balance& balance);
/// state: ready, resync or failed.
std::string status_line(std::string_view venue, std::string_view state, std::string_view detail);

}  // namespace anduin::venue
