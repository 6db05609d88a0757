#include "fills.hpp"

#include <algorithm>
#include <array>

#include "instruments.hpp"

namespace anduin::bybit {
namespace {

constexpr std::array<std::string_view, 6> kClosingTypes{"Trade",      "AdlTrade", "BustTrade",
                                                        "BlockTrade", "Settle",   "Delivery"};
constexpr std::array<std::string_view, 5> kOtherTypes{"Funding", "MovePosition", "FutureSpread", "CorporateAction",
                                                      "UNKNOWN"};
constexpr std::array<std::string_view, 4> kTradeRows{"TRADE", "LIQUIDATION", "ADL", "DELIVERY"};
constexpr int kFeeDecimals = 18;   // beyond any coin's precision: only the share of a turning fill is rounded
constexpr int kEntryDecimals = 8;  // of derived prices, everywhere in Anduin

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& list, std::string_view s) {
  return std::find(list.begin(), list.end(), s) != list.end();
}

[[noreturn]] void bad(const char* what, const std::string& id) {
  throw BadFrame("closing fill " + id + ": " + what);
}

/// The closed part's share of what the whole fill cost.
std::optional<Decimal> share(const std::optional<Decimal>& whole, const Decimal& closed,
                             const std::optional<Decimal>& executed) {
  if (!whole || !executed || executed->sign() <= 0) return std::nullopt;
  if (closed == *executed) return whole;
  return Decimal::divide(*whole * closed, *executed, kFeeDecimals);
}

/// Where the position was opened on average, from what the close earned. For people, never part of an id.
std::optional<Decimal> entry_of(const Fill& f) {
  if (!f.price || !f.pnl || f.price->sign() <= 0) return std::nullopt;
  const Decimal signed_pnl = f.is_long ? *f.pnl : -*f.pnl;
  try {
    // Linear: exit - d*pnl/size. Inverse: 1/(1/exit + d*pnl/size), both brought to one division.
    const bool inverse = f.category == Category::kInverse;
    const Decimal above = inverse ? *f.price * f.closed : *f.price * f.closed - signed_pnl;
    const Decimal below = inverse ? f.closed + signed_pnl * *f.price : f.closed;
    if (above.sign() <= 0 || below.sign() <= 0) return std::nullopt;
    return Decimal::divide(above, below, kEntryDecimals);
  } catch (const DecimalError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<Fill> parse_fill(const json::View& item, std::optional<Category> category, std::uint32_t origin) {
  const auto [category_text, symbol, side, type, closed, quantity, price, fee, fee_currency, pnl, time, order, exec] =
      item.get<"category", "symbol", "side", "execType", "closedSize", "execQty", "execPrice", "execFee",
               "feeCurrency", "execPnl", "execTime", "orderId", "execId">();
  if (!category_text.str().empty()) {
    category = category_of(category_text.str());
    if (!category) return std::nullopt;  // options
  }
  if (category == Category::kSpot || one_of(kOtherTypes, type.str())) return std::nullopt;
  const auto closed_size = closed.dec_or_none();
  if (!closed_size || closed_size->is_zero()) return std::nullopt;  // it opened or added

  Fill f;
  f.id = order.text() + ":" + exec.text();
  if (order.str().empty() || exec.str().empty()) bad("orderId or execId is missing", f.id);
  if (!category) bad("its category is missing", f.id);
  if (!one_of(kClosingTypes, type.str())) bad(("execType '" + type.text() + "' is not known").c_str(), f.id);
  if (side != "Sell" && side != "Buy") bad("side is neither Sell nor Buy", f.id);
  if (symbol.str().empty()) bad("symbol is missing", f.id);
  if (closed_size->sign() < 0) bad("closedSize is below zero", f.id);
  f.category = *category;
  f.symbol = symbol.text();
  f.is_long = side == "Sell";
  f.time_ms = time.i64();
  f.closed = *closed_size;
  f.executed = quantity.dec_or_none();
  f.price = price.dec_or_none();
  const auto whole_fee = fee.dec_or_none();
  f.fee = share(whole_fee, f.closed, f.executed);
  if (f.fee && whole_fee == f.fee) f.fee_text = fee.text();
  f.fee_currency = fee_currency.text();
  f.pnl = pnl.dec_or_none();
  f.pnl_text = pnl.text();
  f.origin = origin;
  if (f.executed && *f.executed < f.closed) f.hold = "closedSize is larger than execQty";
  if (f.category == Category::kLinear && settle_coin(f.category, f.symbol) == "USDC")
    f.hold = "USDC contracts pay their result every 8 hours: this pnl is only the part since the last settlement";
  return f;
}

LogRow parse_log_row(const json::View& row) {
  const auto [order, trade, type, cash_flow, fee, quantity, price] =
      row.get<"orderId", "tradeId", "type", "cashFlow", "fee", "qty", "tradePrice">();
  LogRow out;
  if (order.str().empty() || trade.str().empty()) return out;
  out.id = order.text() + ":" + trade.text();
  out.type = type.text();
  out.cash_flow = cash_flow.dec_or_none();
  out.cash_flow_text = cash_flow.text();
  out.fee = fee.dec_or_none();
  out.fee_text = fee.text();
  out.quantity = quantity.dec_or_none();
  out.price = price.dec_or_none();
  return out;
}

bool is_trade_row(std::string_view log_type) { return one_of(kTradeRows, log_type); }

bool complete_from(Fill& fill, const LogRow& row) {
  if (!fill.pnl) {
    fill.pnl = row.cash_flow;
    fill.pnl_text = row.cash_flow_text;
  }
  if (!fill.price) fill.price = row.price;
  if (!fill.executed) fill.executed = row.quantity;
  if (!fill.fee) {
    fill.fee = share(row.fee, fill.closed, fill.executed);
    if (fill.fee && fill.fee == row.fee) fill.fee_text = row.fee_text;
  }
  return fill.pnl.has_value();
}

venue::ClosedPosition position_of(const Fill& fill) {
  venue::ClosedPosition p;
  p.id = fill.id;
  p.symbol = fill.symbol;
  p.market = text(fill.category);
  p.currency = settle_coin(fill.category, fill.symbol);
  p.fee_currency = fill.fee_currency.empty() ? p.currency : std::string_view(fill.fee_currency);
  p.pnl_raw = fill.pnl_text;
  p.fee_raw = fill.fee_text;
  p.hold = fill.hold;
  p.is_long = fill.is_long;
  p.origin = fill.origin;
  p.closed_ms = fill.time_ms;
  p.entry = entry_of(fill);
  p.exit = fill.price;
  p.size = fill.closed;
  p.fee = fill.fee;
  p.pnl = *fill.pnl;
  p.flags = p.entry ? AND_CLOSE_ENTRY_DERIVED : 0U;
  return p;
}

}  // namespace anduin::bybit
