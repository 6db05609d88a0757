#include "spot_rows.hpp"

#include "anduin/time.hpp"
#include "instruments.hpp"

namespace anduin::kraken {
namespace {

/// Derived prices have at most so many decimals.
constexpr int kDerivedDecimals = 8;

/// The row's currency is what the pair is quoted in: XXBTZUSD and BTC/USD in USD.
bool is_quote(std::string_view symbol, const std::string& currency) {
  const std::size_t slash = symbol.find('/');
  if (slash != std::string_view::npos) return currency_code(symbol.substr(slash + 1)) == currency;
  const std::string old_code = currency == "BTC" ? "XBT" : currency == "DOGE" ? "XDG" : currency;
  return symbol.size() > currency.size() && (symbol.ends_with(currency) || symbol.ends_with(old_code));
}

}  // namespace

std::int64_t seconds_to_ms(std::string_view seconds) {
  const auto d = Decimal::parse(seconds);
  if (!d || d->sign() < 0) throw BadFrame("not a time in seconds: '" + std::string(seconds.substr(0, 40)) + "'");
  const Decimal ms = (*d * Decimal(1000)).truncated(0).normalized();
  Decimal::Mantissa m = ms.mantissa();
  for (std::int32_t e = ms.exp10(); e > 0 && m < INT64_MAX / 10; --e) m *= 10;
  if (m >= INT64_MAX / 10) throw BadFrame("not a time in seconds: '" + std::string(seconds.substr(0, 40)) + "'");
  return static_cast<std::int64_t>(m);
}

std::optional<LedgerRow> socket_ledger_row(const json::View& row) {
  const auto [id, ref, time, type, asset, amount, fee] =
      row.get<"ledger_id", "ref_id", "timestamp", "type", "asset", "amount", "fee">();
  if (!(type == "margin")) return std::nullopt;
  LedgerRow r;
  r.id = id.text();
  r.trade_id = ref.text();
  r.pnl = amount.dec();
  if (r.pnl.is_zero()) return std::nullopt;  // an opening: its fee only
  const auto ms = parse_iso_ms(time.str());
  if (r.id.empty() || r.trade_id.empty() || !ms || !asset)
    throw BadFrame("a margin row without id, trade, time or asset");
  r.time_ms = *ms;
  r.currency = currency_code(asset.text());
  r.pnl_raw = amount.str();
  r.fee = fee.dec_or_none().value_or(Decimal());
  r.fee_raw = fee.str();
  return r;
}

std::optional<LedgerRow> rest_ledger_row(std::string_view id, const json::View& row) {
  const auto [ref, time, type, asset, amount, fee] = row.get<"refid", "time", "type", "asset", "amount", "fee">();
  if (!(type == "margin")) return std::nullopt;
  LedgerRow r;
  r.id = id;
  r.trade_id = ref.text();
  r.pnl = amount.dec();
  if (r.pnl.is_zero()) return std::nullopt;
  if (r.id.empty() || r.trade_id.empty() || !asset) throw BadFrame("a margin row without id, trade or asset");
  r.time_ms = seconds_to_ms(time.str());
  r.currency = currency_code(asset.text());
  r.pnl_raw = amount.str();
  r.fee = fee.dec_or_none().value_or(Decimal());
  r.fee_raw = fee.str();
  return r;
}

std::optional<std::pair<std::string, Trade>> socket_trade(const json::View& row) {
  const auto [exec_id, type, symbol, side, size, price] =
      row.get<"exec_id", "exec_type", "symbol", "side", "last_qty", "last_price">();
  if (!exec_id || !(type == "trade")) return std::nullopt;
  if (!(side == "buy") && !(side == "sell"))
    throw BadFrame("execution " + exec_id.text() + ": side '" + side.text() + "'");
  return std::pair{exec_id.text(), Trade{symbol.text(), side == "sell", price.dec(), size.dec()}};
}

Trade rest_trade(const json::View& row) {
  const auto [pair, type, price, volume] = row.get<"pair", "type", "price", "vol">();
  if (!(type == "buy") && !(type == "sell")) throw BadFrame("a trade with type '" + type.text() + "'");
  return {pair.text(), type == "sell", price.dec(), volume.dec()};
}

MarginClose margin_close(const LedgerRow& row, const Trade& trade) {
  MarginClose c{"km:" + row.id, row, trade, std::nullopt};
  if (!trade.size.is_zero() && is_quote(trade.symbol, row.currency)) {
    const Decimal move = Decimal::divide(row.pnl, trade.size, kDerivedDecimals);
    c.entry = trade.sell ? trade.price - move : trade.price + move;
    if (c.entry->sign() <= 0) c.entry.reset();
  }
  return c;
}

venue::ClosedPosition MarginClose::record(std::uint32_t origin) const {
  venue::ClosedPosition p;
  p.id = id;
  p.symbol = trade.symbol;
  p.market = "spot";
  p.currency = p.fee_currency = row.currency;
  p.pnl_raw = row.pnl_raw;
  p.fee_raw = row.fee_raw;
  p.is_long = trade.sell;  // selling closes a long
  p.origin = origin;
  p.closed_ms = row.time_ms;
  p.entry = entry;
  p.exit = trade.price;
  p.size = trade.size;
  p.fee = row.fee;
  p.pnl = row.pnl;
  if (entry) p.flags = AND_CLOSE_ENTRY_DERIVED;
  return p;
}

}  // namespace anduin::kraken
