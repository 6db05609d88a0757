// Margin rows of Kraken's spot ledger and the trades behind them; together they are a close. Pure values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::kraken {

/// A ledger row of type `margin`: the result of a margin trade, in `currency`, its fee apart.
struct LedgerRow {
  std::string id, trade_id, currency, pnl_raw, fee_raw;
  Decimal pnl, fee;
  std::int64_t time_ms = 0;
};

struct Trade {
  std::string symbol;  ///< BTC/USD on the socket, XXBTZUSD from REST
  bool sell = false;
  Decimal price, size;
};

/// A row of the `balances` channel. Nothing when it is not the result of a margin trade. Throws BadFrame.
std::optional<LedgerRow> socket_ledger_row(const json::View& row);
/// A row of Ledgers; `id` is its name in the map.
std::optional<LedgerRow> rest_ledger_row(std::string_view id, const json::View& row);

/// An element of the `executions` channel that is a trade; with its exec_id.
std::optional<std::pair<std::string, Trade>> socket_trade(const json::View& row);
/// A value of QueryTrades. Throws BadFrame.
Trade rest_trade(const json::View& row);

/// A close; owns its texts.
struct MarginClose {
  std::string id;
  LedgerRow row;
  Trade trade;
  std::optional<Decimal> entry;

  [[nodiscard]] venue::ClosedPosition record(std::uint32_t origin) const;
};

MarginClose margin_close(const LedgerRow& row, const Trade& trade);

/// Unix seconds with a fraction, as text or number: ms, floored. Throws BadFrame.
std::int64_t seconds_to_ms(std::string_view seconds);

}  // namespace anduin::kraken
