#include "settle/credit_policy.hpp"

#include <algorithm>

namespace anduin::settle {
namespace {

bool same_money(const std::string& a, const std::string& b) {
  const std::string x = canonical_currency(a), y = canonical_currency(b);
  return x == y || (is_dollar(x) && is_dollar(y));
}

/// The profit that the close's own prices and size give must be in the currency of its pnl, and not be exceeded.
std::string hold_claim(const ClosedPosition& c) {
  if (!c.entry_price || !c.exit_price || !c.size || c.quote_currency.empty() || !same_money(c.quote_currency, c.currency))
    return "unverified: prices and size do not say what the profit in " + c.currency + " should be";
  Decimal gross = (*c.exit_price - *c.entry_price) * *c.size;
  if (c.side == Side::kShort) gross = -gross;
  if (c.pnl <= gross + std::max(kClaimSlackUsd, gross.abs() * kClaimSlackRelative)) return {};
  return "pnl_mismatch: a profit of " + c.pnl.to_string() + " where prices and size give " + gross.to_string();
}

/// The aggregated price holds nothing that a user's terminal has posted.
std::optional<Rate> independent_price(const ClosedPosition& c, const RateSource& rates) {
  if (auto direct = rates.symbol_price(c.symbol, c.closed_ms)) return direct;
  if (c.base_currency.empty() || !is_dollar(canonical_currency(c.quote_currency))) return std::nullopt;
  return rates.usd_price(canonical_currency(c.base_currency), c.closed_ms);
}

std::string hold_price(const ClosedPosition& c, const CreditPolicy& policy, const RateSource* rates) {
  std::optional<Rate> market;
  if (rates != nullptr) market = independent_price(c, *rates);
  if (!market || market->usd.sign() <= 0 || market->at_ms > c.closed_ms || c.closed_ms - market->at_ms > kRateAgeMaxMs)
    return "no_independent_price: no other venue priced " + c.symbol + " within 30 s before the close";
  if ((*c.exit_price - market->usd).abs() <= market->usd * policy.price_band) return {};
  return "exit_price: " + c.exit_price->to_string() + " is far from the market's " + market->usd.to_string() + " (" +
         market->source + ")";
}

}  // namespace

std::string hold_credit(const ClosedPosition& c, const Decimal& usd, const Decimal& credited_usd,
                        const CreditPolicy& policy, const RateSource* rates) {
  if (policy.trusted) return {};
  if (!policy.per_close_usd || !policy.per_day_usd)
    return "approval: credits of an account that its user reports wait for a person; limits can let small ones through";
  if (usd > *policy.per_close_usd)
    return "credit_limit: " + usd.to_string() + " USD is above the limit of one close, " + policy.per_close_usd->to_string();
  try {
    if (credited_usd + usd > *policy.per_day_usd)
      return "credit_limit: with " + credited_usd.to_string() + " USD in the last 24 hours this would pass the limit of a day, " +
             policy.per_day_usd->to_string();
    if (std::string why = hold_claim(c); !why.empty()) return why;
    return hold_price(c, policy, rates);
  } catch (const DecimalError&) {
    return "unverified: its figures cannot be multiplied exactly";
  }
}

}  // namespace anduin::settle
