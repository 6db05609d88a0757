// The topic orderbook.N: one frame read in a single pass, and the book of one symbol kept by the venue's rules.
// Thread: one instance's. Lifetime: the texts of a BookFrame point into the frame.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "anduin/book.hpp"
#include "anduin/plugin.hpp"

namespace anduin::bybit {

/// A frame's members, in whatever order they stood. Kept between frames for its capacity.
struct BookFrame {
  using Levels = std::vector<OrderBook::Level>;

  std::string_view topic, type;
  bool has_data = false;
  bool data_first = false;   ///< `data` stood before `topic`
  Levels bids, asks;
  std::int64_t ts_ms = 0;    ///< of the gateway
  std::int64_t cts_ms = 0;   ///< of the matching engine; 0 = not there
  std::int64_t u = 0;        ///< update id; 0 = not there

  void clear() {
    topic = {};  // not chained: a copy of what was written a moment ago waits for it
    type = {};
    has_data = data_first = false;
    bids.clear();
    asks.clear();
    ts_ms = cts_ms = u = 0;
  }
  /// Reads the frame; `data` only of topics that begin with `prefix`. BadFrame leaves no trace but in *this.
  void read(std::string_view text, std::string_view prefix);
  [[nodiscard]] std::int64_t venue_ms() const { return cts_ms != 0 ? cts_ms : ts_ms; }

 private:
  void read_members(std::string_view text, std::string_view prefix);
};

class SymbolBook {
 public:
  enum class Applied : std::uint8_t {
    kYes,
    kIgnored,      ///< a delta before any snapshot, or one that the book has already
    kGap,          ///< a delta is missing: the book is void until the next snapshot
    kNoSnapshot,   ///< deltas go on, the snapshot does not come: ask again
  };
  struct Rules {
    unsigned depth = 1;
    bool gaps_matter = true;  ///< `u` has no holes in a sound stream (depths beyond 1)
  };

  /// A snapshot takes the frame's levels and leaves it others to clear.
  Applied apply(BookFrame& frame, const Rules& rules, std::int64_t now_ms);
  /// The connection is gone: nothing is known until the next snapshot.
  void forget();
  [[nodiscard]] const OrderBook& levels() const { return book_; }
  [[nodiscard]] bool valid() const { return valid_; }

 private:
  /// How long deltas without a snapshot are waited out before asking for one again.
  static constexpr std::int64_t kSnapshotMs = 10'000;

  void replace(BookFrame& frame);

  OrderBook book_;
  std::int64_t u_ = 0, waiting_since_ms_ = 0;
  bool valid_ = false;
};

}  // namespace anduin::bybit
