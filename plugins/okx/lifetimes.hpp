// What the channel `positions` says of open positions, and when it means that one has ended. A push with pos 0 shows no
// result, a turned position needs no zero in between, and a lost push shows as silence: each is a reason to look.
// Pure state; one instance's thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::okx {

class Lifetimes {
 public:
  /// A lifetime that has ended, or seems to: its record is in the history.
  struct Ended {
    std::string position, opened;  ///< posId, cTime
    [[nodiscard]] std::string id() const { return position + "-" + opened; }
  };
  struct News {
    std::vector<Ended> ended;
    std::optional<Ended> alive;  ///< this one is open, whatever an earlier push said
  };
  /// OKX repeats every open position each five seconds: silent for two of those and a little more.
  static constexpr std::int64_t kSilentMs = 12'000;

  /// One row of a push. BadFrame: it cannot be read.
  News take(const json::View& row, std::int64_t now_ms);
  /// Open positions that the pushes have left out; they are forgotten.
  std::vector<Ended> silent(std::int64_t now_ms);
  /// Another socket: what is open will be told again.
  void start_over(std::int64_t now_ms);
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  struct Open {
    std::string opened;
    bool minus = false;
    std::int64_t heard_ms = 0;
  };
  std::map<std::string, Open> open_;  ///< by posId
};

}  // namespace anduin::okx
