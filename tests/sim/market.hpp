// One market behind all simulated venues: the mid of a coin is a pure function of (seed, coin, wall time), so
// that simulators in different processes with the same seed agree. Integers only. One thread per object.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/decimal.hpp"

namespace anduin::sim {

enum class Product : std::uint8_t { kSpot, kLinear, kInverse };

/// One listed instrument as a venue spells it.
struct SymbolSpec {
  std::string native;     ///< "BTCUSDT", "PF_XBTUSD", "BTC/USD"
  std::string canonical;  ///< "BTCUSDT"; empty where there is none
  std::string base, quote, settle;
  Product product = Product::kLinear;
  int price_decimals = 2;
  std::int64_t tick_units = 1;  ///< tick in units of 10^-price_decimals
  int qty_decimals = 3;
  std::int64_t qty_units = 1;  ///< smallest quantity in units of 10^-qty_decimals
  std::string market;          ///< the venue's product name: "linear"
  std::string contract_type;   ///< the venue's word for the kind
};

struct Level {
  std::int64_t price = 0;  ///< in units of 10^-price_decimals
  std::int64_t qty = 0;    ///< in units of 10^-qty_decimals
  friend bool operator==(const Level&, const Level&) = default;
};

struct Ladder {
  std::vector<Level> bids, asks;  ///< best first
};

/// What changes one side of a book `before` into `after`; a vanished price has quantity 0 and stands first.
std::vector<Level> level_changes(const std::vector<Level>& before, const std::vector<Level>& after);

class Market {
 public:
  /// `venue` adds the small disagreement that real venues have (a few parts per million).
  Market(std::uint64_t seed, std::string venue);

  /// 10^-8 units of the quote currency, > 0.
  [[nodiscard]] std::int64_t mid_e8(std::string_view base, std::int64_t wall_ms) const;
  /// The walk goes on from this price.
  void set_mid(std::string_view base, std::int64_t mid_e8, std::int64_t wall_ms);

  /// This instrument shows exactly this top (0 size = that side is empty) until unpinned.
  struct Pin {
    std::optional<Decimal> bid, ask;
  };
  void pin(const std::string& native, Pin pin) { pins_[native] = pin; }
  void unpin(const std::string& native) { pins_.erase(native); }
  [[nodiscard]] bool pinned(const std::string& native) const { return pins_.count(native) != 0; }

  /// The book of one instrument, `depth` levels a side (fewer on a pinned empty side). With another `pulse`
  /// the best quantities differ, so that a feed has something to say as often as it likes; a pinned book
  /// stands still.
  [[nodiscard]] Ladder ladder(const SymbolSpec& spec, std::int64_t wall_ms, std::size_t depth,
                              std::int64_t pulse = 0) const;
  /// The mid rounded to the instrument's tick, as a decimal.
  [[nodiscard]] Decimal price(const SymbolSpec& spec, std::int64_t wall_ms) const;

 private:
  [[nodiscard]] std::int64_t walk_ppb(std::string_view base, std::int64_t wall_ms) const;
  std::uint64_t seed_;
  std::uint64_t venue_hash_;
  std::map<std::string, std::int64_t, std::less<>> anchors_;  ///< base -> 10^-8
  std::map<std::string, Pin> pins_;
};

}  // namespace anduin::sim
