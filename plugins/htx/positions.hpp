// What the topic `positions` says of one-way positions, with a little of their past: when an order turns a position,
// how much of it was closed is told by the position as it stood before the order traded, and by nothing else.
// A plain value; one instance's thread.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "orders.hpp"

namespace anduin::htx {

class Positions {
 public:
  /// `snapshot`: all positions of the account, so that what is not in it is flat.
  void take(const json::View& data, bool snapshot, std::int64_t envelope_ms);
  /// The stream is gone: what was known may have changed.
  void clear();
  /// Remembers the position an order meets, at the first push that shows trades of it.
  void note(const Order& order);
  /// What the order closed. Not exact where the position before it is not known.
  [[nodiscard]] Closed closed_by(const Order& order);

 private:
  static constexpr std::size_t kPastMax = 16;  ///< states of one contract: orders follow within a few
  static constexpr std::size_t kOrdersMax = 1'024;
  struct State {
    bool is_long;
    Decimal contracts, average;
    std::int64_t updated_ms;
  };
  [[nodiscard]] std::optional<State> before(const Order& order) const;

  std::map<std::string, std::deque<State>> past_;    ///< by contract, oldest first
  std::map<std::string, std::optional<State>> met_;  ///< by order id
  std::deque<std::string> met_order_;                ///< ids, oldest first
};

}  // namespace anduin::htx
