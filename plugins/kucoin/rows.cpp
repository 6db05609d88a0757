#include "rows.hpp"

#include "instruments.hpp"

namespace anduin::kucoin {
namespace {

constexpr int kSizeDecimals = 8;  // of derived sizes, everywhere in Anduin
/// pnl = -realisedGrossCost - tradeFee + fundingFee - tax held to the last digit wherever it was seen; beyond so much
/// (of the settlement currency) the row's pnl means something else than we believe.
const Decimal kSumTolerance(1, -6);

std::optional<Decimal> positive(const json::View& v) {
  const auto d = v.dec_or_none();
  return d && d->sign() > 0 ? d : std::nullopt;
}

/// The side is in `side`, in older rows only in the end of `type`. Two that differ: nobody knows.
bool side_of(std::string_view side, std::string_view type, const std::string& id) {
  const bool type_long = type.ends_with("_LONG"), type_short = type.ends_with("_SHORT");
  if (side.empty() && !type_long && !type_short)
    throw BadFrame("close " + id + ": neither side nor type '" + std::string(type) + "' tells long from short");
  if (!side.empty() && side != "LONG" && side != "SHORT")
    throw BadFrame("close " + id + ": side '" + std::string(side) + "' is neither LONG nor SHORT");
  const bool is_long = side.empty() ? type_long : side == "LONG";
  if ((type_long && !is_long) || (type_short && is_long))
    throw BadFrame("close " + id + ": side '" + std::string(side) + "' contradicts type '" + std::string(type) + "'");
  return is_long;
}

std::string doubt(std::string_view type, const json::View& withdrawn, const std::optional<Decimal>& expected,
                  const Decimal& pnl) {
  const bool known = type.starts_with("CLOSE_") || type.starts_with("LIQUID_") || type.starts_with("ADL_");
  if (!known) return "a close of type '" + std::string(type) + "' is not known";
  if (const auto w = withdrawn.dec_or_none(); w && !w->is_zero())
    return "withdrawPnl is " + w->to_string() + ": whether pnl contains it is not known";
  if (expected && (*expected - pnl).abs() > kSumTolerance)
    return "pnl " + pnl.to_string() + " is not gross result less fees, funding and tax, which make " +
           expected->to_string();
  return {};
}

}  // namespace

ClosedCycle parse_row(const json::View& row) {
  const auto [id, user, symbol, settle, type, side, pnl, cost, fee, funding, tax, withdrawn] =
      row.get<"closeId", "userId", "symbol", "settleCurrency", "type", "side", "pnl", "realisedGrossCost", "tradeFee",
              "fundingFee", "tax", "withdrawPnl">();
  const auto [opened, closed, entry, exit] = row.get<"openTime", "closeTime", "openPrice", "closePrice">();
  ClosedCycle c;
  c.id = id.text();
  if (c.id.empty() || c.id == "0") throw BadFrame("member 'closeId' is missing");
  if (symbol.str().empty()) throw BadFrame("close " + c.id + ": member 'symbol' is missing");
  if (settle.str().empty()) throw BadFrame("close " + c.id + ": member 'settleCurrency' is missing");
  c.user_id = user.text();
  c.symbol = symbol.text();
  c.currency = settle.text();
  c.is_long = side_of(side.str(), type.str(), c.id);
  c.pnl = pnl.dec();
  c.pnl_text = pnl.text();
  c.open_ms = opened.i64_or_none().value_or(0);
  c.close_ms = closed.i64();
  c.entry = positive(entry);
  c.exit = positive(exit);
  const auto gross_cost = cost.dec_or_none(), trade_fee = fee.dec_or_none(), funded = funding.dec_or_none();
  std::optional<Decimal> expected;
  if (trade_fee && funded) c.inside = *funded - *trade_fee - tax.dec_or_none().value_or(0);
  if (gross_cost && c.inside) expected = *c.inside - *gross_cost;
  c.hold = doubt(type.str(), withdrawn, expected, c.pnl);
  // The row has no size: what the price moved divides what was earned. For people; it never enters a settlement.
  if (gross_cost && c.entry && c.exit && *c.entry != *c.exit && is_linear(c.symbol, c.currency)) {
    c.size = Decimal::divide(*gross_cost, *c.exit - *c.entry, kSizeDecimals).abs();
    if (c.size->is_zero()) c.size.reset();
  }
  return c;
}

venue::ClosedPosition position_of(const ClosedCycle& c, std::int64_t lots) {
  venue::ClosedPosition p;
  p.id = c.id;
  p.symbol = c.symbol;
  p.market = is_linear(c.symbol, c.currency) ? kLinear : kInverse;
  p.currency = p.fee_currency = c.currency;
  p.pnl_raw = c.pnl_text;
  p.hold = c.hold;
  p.is_long = c.is_long;
  p.origin = AND_ORIGIN_HISTORY;
  p.closed_ms = c.close_ms;
  p.entry = c.entry;
  p.exit = c.exit;
  p.funding = c.inside;
  p.pnl = c.pnl;
  if (c.size) {
    p.size = c.size;
    p.flags = AND_CLOSE_SIZE_IN_BASE | AND_CLOSE_SIZE_DERIVED;
  } else if (lots > 0) {
    p.size = Decimal(static_cast<Decimal::Mantissa>(lots), 0);
  }
  return p;
}

}  // namespace anduin::kucoin
