#include "rows.hpp"

#include "instruments.hpp"

namespace anduin::mexc {
namespace {

/// Amounts are rounded to four decimals on most contracts, each for itself.
const Decimal kRounding(2, -4);

std::optional<Decimal> positive(const json::View& v, const json::View& otherwise) {
  auto d = v.dec_or_none();
  if (!d || d->sign() <= 0) d = otherwise.dec_or_none();
  return d && d->sign() > 0 ? d : std::nullopt;
}

/// Whether the figures of a row say that funding is no part of its pnl. In every sample the funding was zero.
bool leaves_funding_out(const Position& p, const std::optional<Decimal>& funding, const std::optional<Decimal>& fee) {
  if (!funding || !fee || !p.price_result || funding->abs() <= kRounding) return false;
  return (p.pnl - (*p.price_result - fee->abs())).abs() <= kRounding;
}

[[noreturn]] void bad(const std::string& id, const std::string& what) {
  throw BadFrame("position " + id + ": " + what);
}

}  // namespace

Position parse_position(const json::View& row) {
  const auto [id, symbol, type, state, closed_volume, pnl, entry, new_entry, exit, new_exit, price_result, funding] =
      row.get<"positionId", "symbol", "positionType", "state", "closeVol", "realised", "openAvgPrice",
              "newOpenAvgPrice", "closeAvgPrice", "newCloseAvgPrice", "closeProfitLoss", "holdFee">();
  const auto [opened, updated, held, total_fee] = row.get<"createTime", "updateTime", "holdVol", "totalFee">();
  Position p;
  p.id = id.text();
  if (p.id.empty() || p.id == "0") throw BadFrame("member 'positionId' is missing");
  if (symbol.str().empty()) bad(p.id, "member 'symbol' is missing");
  p.symbol = symbol.text();
  p.opened_ms = opened.i64_or_none().value_or(0);
  p.updated_ms = updated.i64_or_none().value_or(0);
  if (state == "1" || state == "2") return p;
  if (state != "3") bad(p.id, "state '" + state.text() + "' is not known");
  p.is_closed = true;
  if (const auto left = held.dec_or_none(); left && !left->is_zero())
    bad(p.id, "closed, and still holds " + left->to_string() + " contracts");
  if (type != "1" && type != "2") bad(p.id, "positionType '" + type.text() + "' is neither long nor short");
  p.is_long = type == "1";
  p.pnl = pnl.dec();
  p.pnl_text = pnl.text();
  p.entry = positive(entry, new_entry);
  p.exit = positive(exit, new_exit);
  p.contracts = closed_volume.dec_or_none();
  if (p.contracts && p.contracts->sign() <= 0) p.contracts.reset();
  p.price_result = price_result.dec_or_none();
  p.leaves_funding_out = leaves_funding_out(p, funding.dec_or_none(), total_fee.dec_or_none());
  return p;
}

venue::ClosedPosition position_of(const Position& p, std::string_view currency, std::string_view hold) {
  venue::ClosedPosition c;
  c.id = p.id;
  c.symbol = p.symbol;
  c.market = market_of(p.symbol, currency);
  c.currency = c.fee_currency = currency;
  c.pnl_raw = p.pnl_text;
  c.hold = hold;
  c.is_long = p.is_long;
  c.origin = AND_ORIGIN_HISTORY;
  c.closed_ms = p.updated_ms;
  c.entry = p.entry;
  c.exit = p.exit;
  c.size = p.contracts;
  c.pnl = p.pnl;
  // The parts are no way to the pnl, whose fees changed their sign once; the difference is what it holds besides
  // prices.
  if (p.price_result) c.funding = p.pnl - *p.price_result;
  return c;
}

}  // namespace anduin::mexc
