// What the topic /contract/positionAll tells: that a position has ended, never with what id or result. Keeps the last
// state of each position, since a turn from long to short ends one without saying so.
// Thread: one instance's.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

/// A position has ended: history will show its row.
struct Trigger {
  std::string symbol, position_side;
  std::int64_t opening_ms = 0;  ///< openingTimestamp of what has ended; 0 = not known
  std::int64_t closed_ms = 0;   ///< when, by the frame
};

class Positions {
 public:
  /// `data` of a frame of subject position.change. Nothing for mark prices, openings, changes and repeats.
  std::optional<Trigger> take(const json::View& data);
  /// The last number of lots of the cycle that began then; 0 = not seen.
  [[nodiscard]] std::int64_t lots(std::string_view symbol, std::int64_t opening_ms) const;

 private:
  struct State {
    std::int64_t opening_ms = 0, ended_ms = 0;  ///< of the cycle under way, or the last one; of the last that ended
    std::int64_t lots = 0;                      ///< signed; the last that was not zero
    std::int64_t ended_lots = 0;                ///< of the cycle that ended last
    bool open = false, ended = false;
  };
  /// By symbol, position side and margin mode: these exist beside each other.
  std::map<std::string, State, std::less<>> states_;
};

}  // namespace anduin::kucoin
