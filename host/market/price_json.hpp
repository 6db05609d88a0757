// The aggregate and price events as JSON text: the seed's AggregatedPrice with exact digits, never through
// a float. Pure functions, any thread.
#pragma once
#include <string>

#include "market/aggregator.hpp"

namespace anduin::market {

/// {"symbol","bestBid","bestAsk","spread","venues":{VENUE:{"bid","ask","timestamp","ageMs","kind","out"}},"timestamp",
///  "standing","medianMid","crossed","mixedKinds"}; null where there is no price. `out` is null for a venue
///  that is in.
std::string to_json(const AggregatedPrice& price);

}  // namespace anduin::market
