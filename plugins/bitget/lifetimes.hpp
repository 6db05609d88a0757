// What the topic `position` of a unified account says of open positions, and when it means that one has ended. Such a
// push shows neither an id nor a result, is repeated every five seconds, and a turned position needs no zero in
// between. Pure state; one instance's thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin::bitget {

class Lifetimes {
 public:
  struct Lifetime {
    std::string symbol, side;
    std::int64_t opened_ms = 0;
    [[nodiscard]] std::string key() const { return symbol + "|" + side + "|" + std::to_string(opened_ms); }
    friend bool operator==(const Lifetime&, const Lifetime&) = default;
  };
  /// One row of a push: the lifetime that has ended by it, if one has. BadFrame: it cannot be read.
  std::optional<Lifetime> take(const json::View& row);
  /// Another socket: what is open will be told again.
  void clear() { open_.clear(); }
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  std::map<std::string, Lifetime> open_;  ///< by symbol, and in hedge mode by side
};

}  // namespace anduin::bitget
