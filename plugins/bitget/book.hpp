// A frame of the price channels read in one pass, in the spellings of v3 (topic, symbol, a, b) and v2 (channel, instId,
// asks, bids), and the book that the channel `books` keeps by its sequence numbers.
// Thread: one instance's. Lifetime: the texts of a PushFrame point into the frame.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "anduin/book.hpp"
#include "anduin/plugin.hpp"

namespace anduin::bitget {

/// One element of `data`. Also what tickers say, as a level a side.
struct PushRow {
  using Levels = std::vector<OrderBook::Level>;
  Levels bids, asks;
  std::int64_t ts_ms = 0;                   ///< of the matching engine; 0 = not said
  std::int64_t sequence = 0, previous = 0;  ///< seq, pseq: beyond 2^53
};

/// A frame's members, in whatever order they stood. Kept between frames for its capacity.
class PushFrame {
 public:
  std::string_view channel, symbol, action;
  std::int64_t sent_ms = 0;
  bool is_event = false;  ///< an acknowledgement or an error
  bool has_data = false;

  /// BadFrame leaves no trace but in *this.
  void read(json::Reader reader);
  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] const PushRow& row(std::size_t i) const { return rows_[i]; }

 private:
  void read_data(json::Reader& reader);
  void read_row(json::Reader& reader, PushRow& row);

  std::vector<PushRow> rows_;
  std::size_t used_ = 0;
};

/// The channel `books`: a snapshot, then changes that name the change before.
class ChainedBook {
 public:
  enum class Applied : std::uint8_t {
    kYes,
    kIgnored,     ///< a change before any snapshot
    kGap,         ///< a change is missing: the book is void until the next snapshot
    kNoSnapshot,  ///< changes go on, the snapshot does not come: ask again
  };
  Applied apply(const PushRow& row, bool is_snapshot, std::int64_t now_ms);
  [[nodiscard]] const OrderBook& levels() const { return book_; }

 private:
  static constexpr std::int64_t kSnapshotMs = 10'000;  ///< changes without a snapshot are waited out that long
  static constexpr std::size_t kDepth = 2'000;  ///< levels a side: the venue deletes what falls out, this bounds memory

  [[nodiscard]] bool follows(const PushRow& row) const;

  OrderBook book_;
  std::int64_t sequence_ = 0, waiting_since_ms_ = 0;
  bool valid_ = false, first_ = false;
};

}  // namespace anduin::bitget
