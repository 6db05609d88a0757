// An order that reduced a position: the unit in which HTX's closes are settled. It comes as a push of the topic
// `orders`, as the answer about one order, as a row of order history, or as the sum of its executions; the same order
// has the same id and the same result on every way.
// Pure functions and values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "anduin/plugin.hpp"

namespace anduin::htx {

enum class Progress : std::uint8_t {
  kNothing,    ///< it has traded nothing, or it is not one that closes
  kOpen,       ///< it closes, and more may follow
  kUncertain,  ///< it was canceled after trades, and may not say all of them yet: ask for it again
  kDone,
};

struct Order {
  std::string id, contract, margin_mode;
  bool is_long = true;      ///< the side of the position that was closed
  bool is_one_way = false;  ///< one position a contract: an order may close it and open the other way
  bool reduce_only = false;
  Progress progress = Progress::kNothing;
  Decimal filled;                          ///< contracts
  std::optional<Decimal> price, pnl, fee;  ///< average; price result; cost as a positive figure
  std::string pnl_text, fee_text, fee_currency;
  std::int64_t closed_ms = 0, created_ms = 0;
  bool from_executions = false;
  std::uint32_t origin = AND_ORIGIN_STREAM;
};

/// How much of a position an order closed, and where that was opened.
struct Closed {
  Decimal contracts;
  std::optional<Decimal> entry;  ///< known from the position itself
  bool exact = true;             ///< false: the order may have opened the other way too
};

/// One order. `envelope_ms` is the time of the answer or push: the last resort where the order itself has none.
/// BadFrame: an order with trades that cannot be read, which must not pass in silence.
[[nodiscard]] Order parse_order(const json::View& row, std::int64_t envelope_ms, std::uint32_t origin);

/// One execution, of GET /v5/trade/order/details.
struct Execution {
  std::string id, order_id, contract, margin_mode, side, position_side;
  Decimal contracts, price, profit, fee;  ///< fee: a cost as a positive figure
  std::int64_t time_ms = 0;
  std::string fee_currency;
  /// It closed something, or may have.
  [[nodiscard]] bool closes() const;
};
[[nodiscard]] Execution parse_execution(const json::View& row);
/// The executions of one order together, in place of an order that HTX does not show. Not empty.
[[nodiscard]] Order sum_of(const std::vector<Execution>& executions);
/// The closed part as the executions tell it; for hedged positions all of it.
[[nodiscard]] Closed closed_of(const Order& order, const std::vector<Execution>& executions);

/// What closed() takes. Views point into the order. `contract_size` empty: the entry price stays unknown.
[[nodiscard]] venue::ClosedPosition position_of(const Order& order, const Closed& closed,
                                                const std::optional<Decimal>& contract_size);

}  // namespace anduin::htx
