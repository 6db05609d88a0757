// What the recordings that a stage plays say of prices, told to every simulator: so that recorded and simulated venues
// are one market. Thread: one caller. The stage outlives it.
#pragma once
#include <map>
#include <string>

#include "anduin/decimal.hpp"
#include "e2e/stage.hpp"

namespace anduin::e2e {

class RecordedMarket {
 public:
  /// Replays the recordings of the cast through their plugins. Throws std::runtime_error when one gives no price.
  RecordedMarket(const std::filesystem::path& bin, const std::filesystem::path& dir, const std::vector<Cast>& cast);
  /// Moves every simulator that knows a recorded coin to the mid at the moment that is being played. To be called
  /// several times a second.
  void lead(Stage& stage);

 private:
  using Mids = std::map<std::int64_t, Decimal>;  ///< recorded time in ms -> mid in dollars
  struct Coin {
    std::string venue, base;
    Mids mids;
    Decimal told;
  };
  static constexpr int kReplayMs = 30'000;  // a loaded machine
  std::vector<Coin> coins_;
};

}  // namespace anduin::e2e
