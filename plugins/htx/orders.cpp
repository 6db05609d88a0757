#include "orders.hpp"

#include <algorithm>
#include <array>

#include "instruments.hpp"

namespace anduin::htx {
namespace {

constexpr int kDecimals = 8;  // of derived prices, everywhere in Anduin
constexpr std::array<std::string_view, 4> kOpenStates{"new", "submitted", "partially_filled", "canceling"};

[[noreturn]] void bad(const std::string& what, const std::string& id) { throw BadFrame("order " + id + ": " + what); }

Decimal magnitude(const Decimal& d) { return d.sign() < 0 ? -d : d; }

bool is_digits(std::string_view s) { return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos; }

std::int64_t time_or_zero(const json::View& v) { return v.i64_or_none().value_or(0); }

/// True: it closes a position of that side. `sure` false: one-way, and nothing says that it closes.
struct Direction {
  bool closes, is_long, one_way;
};
Direction direction_of(std::string_view side, std::string_view position, const std::string& id) {
  if (side != "buy" && side != "sell") bad("side is neither buy nor sell", id);
  if (position == "both") return {true, side == "sell", true};
  if (position != "long" && position != "short") bad("position_side '" + std::string(position) + "' is not known", id);
  const bool is_long = position == "long";
  return {(side == "sell") == is_long, is_long, false};
}

Progress progress_of(const Order& o, std::string_view state, const Decimal& volume,
                     const std::optional<Decimal>& canceled) {
  if (state == "filled") return o.filled == volume ? Progress::kDone : Progress::kOpen;  // one match, several pushes
  if (state == "partially_canceled" || state == "canceled")
    return canceled && o.filled + *canceled == volume ? Progress::kDone : Progress::kUncertain;
  if (std::find(kOpenStates.begin(), kOpenStates.end(), state) != kOpenStates.end()) return Progress::kOpen;
  bad("state '" + std::string(state) + "' is not known", o.id);
}

}  // namespace

Order parse_order(const json::View& row, std::int64_t envelope_ms, std::uint32_t origin) {
  const auto [id, contract, mode, side, position, state, volume, filled, canceled, price, profit, fee, fee_currency,
              reduce, updated, created] =
      row.get<"order_id", "contract_code", "margin_mode", "side", "position_side", "state", "volume", "trade_volume",
              "cancel_volume", "trade_avg_price", "profit", "fee", "fee_currency", "reduce_only", "updated_time",
              "created_time">();
  Order o;
  o.id = id.text();
  o.contract = contract.text();
  o.margin_mode = mode.text();
  o.origin = origin;
  o.filled = filled.dec_or_none().value_or(Decimal());
  if (o.filled.sign() <= 0) return o;
  // Ids are digits of 64 bits, as text or as number.
  if (!is_digits(id.str())) bad("order_id is missing or no number", o.id);
  if (o.contract.empty()) bad("contract_code is missing", o.id);
  const Direction d = direction_of(side.str(), position.str(), o.id);
  o.is_long = d.is_long;
  o.is_one_way = d.one_way;
  o.reduce_only = reduce.truthy();
  o.pnl = profit.dec_or_none();
  if (d.one_way ? !o.reduce_only && (!o.pnl || o.pnl->is_zero()) : !d.closes) return o;
  o.progress = progress_of(o, state.str(), volume.dec(), canceled.dec_or_none());
  o.pnl_text = profit.text();
  o.price = price.dec_or_none();
  if (o.price && o.price->sign() <= 0) o.price.reset();
  const auto cost = fee.dec_or_none();
  if (cost) o.fee = magnitude(*cost);  // orders write costs below zero, executions above
  if (cost && cost->sign() >= 0) o.fee_text = fee.text();
  o.fee_currency = fee_currency.text();
  o.created_ms = time_or_zero(created);
  for (const std::int64_t ms : {time_or_zero(updated), o.created_ms, envelope_ms})
    if (o.closed_ms == 0) o.closed_ms = ms;
  if (o.progress == Progress::kDone && !o.pnl) bad("profit is missing", o.id);
  if (o.progress == Progress::kDone && o.closed_ms == 0) bad("no time at all", o.id);
  return o;
}

bool Execution::closes() const {
  if (position_side == "both") return !profit.is_zero();
  return (side == "sell") == (position_side == "long");
}

Execution parse_execution(const json::View& row) {
  const auto [id, order, contract, mode, side, position, volume, price, profit, fee, fee_currency, updated, created] =
      row.get<"id", "order_id", "contract_code", "margin_mode", "side", "position_side", "trade_volume", "trade_price",
              "profit", "trade_fee", "fee_currency", "updated_time", "created_time">();
  Execution e;
  e.id = id.text();
  e.order_id = order.text();
  if (!is_digits(order.str())) bad("an execution without an order_id", e.order_id);
  e.contract = contract.text();
  e.margin_mode = mode.text();
  e.side = side.text();
  e.position_side = position.text();
  (void)direction_of(e.side, e.position_side, e.order_id);
  e.contracts = volume.dec();
  e.price = price.dec();
  e.profit = profit.dec_or_none().value_or(Decimal());
  e.fee = magnitude(fee.dec_or_none().value_or(Decimal()));
  e.fee_currency = fee_currency.text();
  e.time_ms = time_or_zero(updated) != 0 ? time_or_zero(updated) : created.i64();
  return e;
}

Order sum_of(const std::vector<Execution>& executions) {
  const Execution& first = executions.front();
  const Direction d = direction_of(first.side, first.position_side, first.order_id);
  Order o;
  o.id = first.order_id;
  o.contract = first.contract;
  o.margin_mode = first.margin_mode;
  o.is_long = d.is_long;
  o.is_one_way = d.one_way;
  o.progress = Progress::kDone;
  o.origin = AND_ORIGIN_HISTORY;
  o.from_executions = true;
  o.fee_currency = first.fee_currency;
  Decimal value, pnl, fee;
  for (const Execution& e : executions) {
    o.filled = o.filled + e.contracts;
    value = value + e.price * e.contracts;
    pnl = pnl + e.profit;
    fee = fee + e.fee;
    o.closed_ms = std::max(o.closed_ms, e.time_ms);
  }
  o.pnl = pnl;
  o.fee = fee;
  if (o.filled.sign() > 0 && value.sign() > 0) o.price = Decimal::divide(value, o.filled, kDecimals);
  return o;
}

Closed closed_of(const Order& order, const std::vector<Execution>& executions) {
  if (!order.is_one_way || order.reduce_only || executions.empty())
    return {order.filled, std::nullopt, !order.is_one_way || order.reduce_only};
  Decimal with_profit;
  for (const Execution& e : executions)
    if (!e.profit.is_zero()) with_profit = with_profit + e.contracts;
  // An execution may have closed the rest of one position and opened the other: nobody says how much of it.
  return {with_profit.is_zero() ? order.filled : with_profit, std::nullopt, false};
}

venue::ClosedPosition position_of(const Order& order, const Closed& closed,
                                  const std::optional<Decimal>& contract_size) {
  venue::ClosedPosition p;
  p.id = order.id;
  p.symbol = order.contract;
  p.market = kMarket;
  p.currency = "USDT";
  p.fee_currency = order.fee_currency.empty() ? p.currency : std::string_view(order.fee_currency);
  p.pnl_raw = order.pnl_text;
  p.fee_raw = order.fee_text;
  p.is_long = order.is_long;
  p.origin = order.origin;
  p.closed_ms = order.closed_ms;
  p.exit = order.price;
  p.size = closed.contracts;
  p.fee = order.fee;
  p.pnl = *order.pnl;
  p.entry = closed.entry;
  p.flags = closed.exact ? 0U : AND_CLOSE_SIZE_DERIVED;
  if (!p.entry && closed.exact && order.price && contract_size && closed.contracts.sign() > 0) {
    try {
      // exit - d * pnl / size, in one division
      const Decimal coins = closed.contracts * *contract_size;
      const Decimal result = order.is_long ? *order.pnl : -*order.pnl;
      const Decimal entry = Decimal::divide(*order.price * coins - result, coins, kDecimals);
      if (entry.sign() > 0) {
        p.entry = entry;
        p.flags |= AND_CLOSE_ENTRY_DERIVED;
      }
    } catch (const DecimalError&) {  // figures beyond 38 digits: the entry is for people, the result stands
    }
  }
  return p;
}

}  // namespace anduin::htx
