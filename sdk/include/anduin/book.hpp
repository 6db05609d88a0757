// An order book built from snapshots and level deltas, for channels that give depth and not the best quote.
// Thread: one instance's. Levels are kept best last, so that changes near the top move few elements.
#pragma once
#include <algorithm>
#include <vector>

#include "anduin/decimal.hpp"
#include "anduin/json_reader.hpp"

namespace anduin {

class OrderBook {
 public:
  struct Level {
    Decimal price, size;
  };

  void clear() {
    bids_.clear();
    asks_.clear();
  }
  /// The whole book, each side in any order; a level of size zero is none. The vectors are exchanged with the book's, so
  /// that a frame's reader and the book pass the same memory to and fro: what comes back is to be cleared.
  void replace(std::vector<Level>& bids, std::vector<Level>& asks) {
    bids_.swap(bids);
    asks_.swap(asks);
    arrange<false>(bids_);
    arrange<true>(asks_);
  }
  /// Sets the size at a price; size zero removes the level (no error if there is none).
  void set_bid(const Decimal& price, const Decimal& size) { set<false>(bids_, price, size); }
  void set_ask(const Decimal& price, const Decimal& size) { set<true>(asks_, price, size); }
  /// Forgets levels beyond `depth` a side, the worst first.
  void truncate(std::size_t depth) {
    if (bids_.size() > depth) bids_.erase(bids_.begin(), bids_.end() - static_cast<std::ptrdiff_t>(depth));
    if (asks_.size() > depth) asks_.erase(asks_.begin(), asks_.end() - static_cast<std::ptrdiff_t>(depth));
  }
  /// Both sides are there and bid < ask.
  [[nodiscard]] bool two_sided() const {
    return !bids_.empty() && !asks_.empty() && bids_.back().price < asks_.back().price;
  }
  [[nodiscard]] bool crossed() const {
    return !bids_.empty() && !asks_.empty() && !(bids_.back().price < asks_.back().price);
  }
  [[nodiscard]] const Level& best_bid() const { return bids_.back(); }
  [[nodiscard]] const Level& best_ask() const { return asks_.back(); }
  /// Worst first, best last.
  [[nodiscard]] const std::vector<Level>& bids() const { return bids_; }
  [[nodiscard]] const std::vector<Level>& asks() const { return asks_; }

 private:
  /// Worst first: bids ascend, asks descend. Of two levels at one price the later one counts, as with set().
  template <bool is_ask>
  static void arrange(std::vector<Level>& side) {
    const auto worse = [](const Level& a, const Level& b) { return is_ask ? a.price > b.price : a.price < b.price; };
    if (side.size() > 1) {
      std::reverse(side.begin(), side.end());  // as venues send it: best first, so almost always in order now
      if (std::adjacent_find(side.begin(), side.end(), [&](const Level& a, const Level& b) { return !worse(a, b); }) !=
          side.end()) {
        std::stable_sort(side.begin(), side.end(), worse);  // after the reversal the later of two equals stands first
        const auto same = [](const Level& a, const Level& b) { return a.price == b.price; };
        side.erase(std::unique(side.begin(), side.end(), same), side.end());
      }
    }
    std::erase_if(side, [](const Level& l) { return l.size.is_zero(); });
  }
  template <bool is_ask>
  static void set(std::vector<Level>& side, const Decimal& price, const Decimal& size) {
    const auto worse = [](const Level& l, const Decimal& p) { return is_ask ? l.price > p : l.price < p; };
    if (side.empty() || worse(side.back(), price)) {  // the new best, as all of a snapshot's levels are worst first
      if (!size.is_zero()) side.push_back({price, size});
      return;
    }
    const auto at = std::lower_bound(side.begin(), side.end(), price, worse);
    const bool found = at != side.end() && at->price == price;
    if (size.is_zero()) {
      if (found) side.erase(at);
    } else if (found) {
      at->size = size;
    } else {
      side.insert(at, {price, size});
    }
  }
  std::vector<Level> bids_, asks_;
};

/// Appends a side as venues write it: an array of [price, size], whatever else stands in a level. null = not there.
/// BadFrame for a level without a price above zero and a size.
inline void read_levels(json::Reader& reader, std::vector<OrderBook::Level>& into) {
  if (!reader.at_array()) return;
  reader.array([&] {
    OrderBook::Level level;
    const std::size_t there =
        reader.tuple([&] { level.price = reader.dec(); }, [&] { level.size = reader.dec(); });
    if (there < 2 || level.price.sign() <= 0 || level.size.sign() < 0)
      throw BadFrame("a level of the book is not [price, size]");
    into.push_back(level);
  });
}

}  // namespace anduin
