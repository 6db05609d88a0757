#include "settle/plausibility.hpp"

#include <algorithm>

namespace anduin::settle {
namespace {

/// Digits kept in the inverse formula; the tolerances are many orders above it.
constexpr int kInverseDigits = 18;

bool is_inverse(InstrumentKind k) {
  return k == InstrumentKind::kInversePerpetual || k == InstrumentKind::kInverseDated;
}

/// Pnl expected from the prices, and the size of the position, both in the pnl's currency.
struct Expected {
  Decimal pnl, notional;
};

Expected recompute(const ClosedPosition& c) {
  const Decimal& entry = *c.entry_price;
  const Decimal& exit = *c.exit_price;
  Expected e;
  if (is_inverse(c.kind)) {
    const Decimal at_entry = Decimal::divide(*c.size, entry, kInverseDigits);
    const Decimal at_exit = Decimal::divide(*c.size, exit, kInverseDigits);
    e.pnl = at_entry - at_exit;
    e.notional = std::max(at_entry, at_exit);
  } else {
    e.pnl = (exit - entry) * *c.size;
    e.notional = std::max(entry, exit) * *c.size;
  }
  if (c.side == Side::kShort) e.pnl = -e.pnl;
  return e;
}

/// Five cents in the pnl's own currency: coins are worth more, so a coin's slack is taken from its price.
Decimal absolute_slack(const ClosedPosition& c) {
  if (is_dollar(canonical_currency(c.currency))) return kPnlToleranceUsd;
  return Decimal::divide(kPnlToleranceUsd, *c.exit_price, kInverseDigits);
}

bool positive(const std::optional<Decimal>& d) { return d && d->sign() > 0; }

Plausibility failed(std::string why) { return {Verified::kFailed, "plausibility: " + std::move(why)}; }

/// Entry or size are not the venue's own: what they would say is what pnl says. What the position was worth at its end
/// does not come from pnl, and bounds it.
Plausibility check_magnitude(const ClosedPosition& c) {
  const Decimal worth = is_inverse(c.kind) ? Decimal::divide(*c.size, *c.exit_price, kInverseDigits) : *c.size * *c.exit_price;
  if (c.pnl.abs() > worth * kPnlToNotionalMax)
    return failed("pnl " + c.pnl.to_string() + " is over three times the notional " + worth.rounded(8).to_string());
  if (c.entry_price && c.entry_price->sign() <= 0)
    return failed("pnl " + c.pnl.to_string() + " would need an entry price of " + c.entry_price->rounded(8).to_string());
  return {Verified::kUnverified, {}};
}

Plausibility check(const ClosedPosition& c) {
  // Not enough figures, or in two currencies: nothing can be recomputed.
  if (!positive(c.exit_price) || !positive(c.size) || c.kind == InstrumentKind::kUnknown) return {Verified::kUnverified, {}};
  const bool pnl_in_coin =
      !c.base_currency.empty() && canonical_currency(c.currency) == canonical_currency(c.base_currency);
  if (is_inverse(c.kind) != pnl_in_coin) return {Verified::kUnverified, {}};
  if (c.entry_derived || c.size_derived || !positive(c.entry_price)) return check_magnitude(c);

  const Expected expected = recompute(c);
  Decimal slack = absolute_slack(c) + expected.pnl.abs() * kPnlToleranceRelative +
                  expected.notional * kPnlToleranceNotional;
  const bool same_currency =
      c.fee_currency.empty() || canonical_currency(c.fee_currency) == canonical_currency(c.currency);
  if (same_currency) slack = slack + c.fee.abs();
  // Nobody vouches for what a user's own terminal calls a cost.
  const Decimal inside = c.origin == Origin::kInbound ? Decimal() : c.inside;
  if (inside.abs() > expected.notional * kInsideToNotionalMax)
    return failed(inside.to_string() + " of fees, funding and penalties inside pnl is over a quarter of the notional " +
                  expected.notional.rounded(8).to_string());
  if ((c.pnl - inside - expected.pnl).abs() <= slack) return {Verified::kOk, {}};
  return failed("pnl " + c.pnl.to_string() + " where prices and size give " + expected.pnl.rounded(8).to_string());
}

}  // namespace

std::string check_exit_price(const ClosedPosition& close, const RateSource& rates) {
  if (!close.exit_price) return {};
  auto market = rates.symbol_price(close.symbol, close.closed_ms);
  // A price in another currency than dollars says nothing about one in dollars.
  const bool in_dollars = close.quote_currency.empty() || is_dollar(canonical_currency(close.quote_currency));
  if (!market && in_dollars && !close.base_currency.empty())
    market = rates.usd_price(canonical_currency(close.base_currency), close.closed_ms);
  if (!market || market->at_ms > close.closed_ms || close.closed_ms - market->at_ms > kRateAgeMaxMs) return {};
  try {
    if ((*close.exit_price - market->usd).abs() <= market->usd.abs() * kExitPriceBand) return {};
  } catch (const DecimalError&) {
    // Too many digits to compare is no price either.
  }
  return "exit_price: " + close.exit_price->to_string() + " is far from the market's " +
         market->usd.to_string();
}

Plausibility check_pnl(const ClosedPosition& close) {
  try {
    return check(close);
  } catch (const DecimalError&) {
    // More than 38 digits in between: the figures are out of any market's range or scale.
    return {Verified::kUnverified, {}};
  }
}

}  // namespace anduin::settle
