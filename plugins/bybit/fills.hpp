// A closing fill: the unit in which Bybit's closes are settled, from the topic `execution`, from the execution list
// and from the transaction log. The same fill has the same id and the same figures on every way.
// Pure functions and values, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "category.hpp"

namespace anduin::bybit {

struct Fill {
  std::string id;  ///< orderId:execId
  Category category = Category::kLinear;
  std::string symbol;
  bool is_long = true;          ///< the side of the position that was closed
  std::int64_t time_ms = 0;     ///< execTime
  Decimal closed;               ///< closedSize: a fill that turns the position has a larger execQty
  std::optional<Decimal> executed, price, fee;  ///< execQty, execPrice; fee of the closed part
  std::string fee_text, fee_currency;
  std::optional<Decimal> pnl;   ///< price result only
  std::string pnl_text;
  std::string hold;             ///< why a person must look, if so
  std::uint32_t origin = AND_ORIGIN_STREAM;
  unsigned asked = 0;           ///< how often the log was asked for it in vain

  /// Nothing has to be asked of the transaction log.
  [[nodiscard]] bool complete() const { return pnl && fee && price; }
};

/// A row of the transaction log that belongs to a trade.
struct LogRow {
  std::string id;  ///< orderId:tradeId
  std::string type;
  std::optional<Decimal> cash_flow, fee, quantity, price;
  std::string cash_flow_text, fee_text;
};

/// The fill of an execution item; nothing for what is no close: openings, funding, spot, options.
/// BadFrame: a close that cannot be read, which must not pass in silence.
[[nodiscard]] std::optional<Fill> parse_fill(const json::View& item, std::optional<Category> category,
                                             std::uint32_t origin);
/// BadFrame where a number is no number. Rows without ids (transfers) have an empty id.
[[nodiscard]] LogRow parse_log_row(const json::View& row);

/// TRADE, LIQUIDATION, ADL and DELIVERY rows carry the result of a fill; SETTLEMENT is funding.
[[nodiscard]] bool is_trade_row(std::string_view log_type);
/// Fills in what the fill lacks. False when the row does not say the pnl.
bool complete_from(Fill& fill, const LogRow& row);

/// What closed() takes. Views point into the fill.
[[nodiscard]] venue::ClosedPosition position_of(const Fill& fill);

}  // namespace anduin::bybit
