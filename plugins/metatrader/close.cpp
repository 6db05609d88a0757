#include "close.hpp"

#include <algorithm>

#include "body.hpp"

namespace anduin::metatrader {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
/// Below it a time is in seconds: as milliseconds it would be 1973.
constexpr std::int64_t kSecondsMax = 100'000'000'000;
constexpr std::size_t kTicketDigitsMax = 20, kRefMax = 16;
constexpr std::size_t kSymbolMax = 64;

bool is_digits(std::string_view s, std::size_t max) {
  return !s.empty() && s.size() <= max && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_ref(std::string_view s) {
  return !s.empty() && s.size() <= kRefMax &&
         std::all_of(s.begin(), s.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

/// MT5-<ref>-<deal ticket>; MT5-<digits> where the account allows it.
bool good_id(std::string_view id, const AccountSettings& s) {
  constexpr std::string_view kStart = "MT5-";
  if (!id.starts_with(kStart)) return false;
  id.remove_prefix(kStart.size());
  if (s.legacy_ids && is_digits(id, kTicketDigitsMax)) return true;
  const std::string_view ref = id.substr(0, id.find('-'));
  if (s.ref.empty() ? !is_ref(ref) : ref != s.ref) return false;
  id.remove_prefix(ref.size());
  return id.starts_with('-') && is_digits(id.substr(1), kTicketDigitsMax);
}

std::int64_t closed_at(const json::View& body) {
  const std::int64_t at = need_integer(body, "closedAt");
  const auto exact = maybe_integer(body, "closedAtMs");
  const std::int64_t ms = exact ? *exact : at < kSecondsMax ? at * 1'000 : at;
  if (at <= 0 || ms <= 0) throw Refused{400, "bad_field", "closedAt must be a time", "closedAt"};
  return ms;
}

/// What swap, commission and fee may explain.
Decimal costs_of(const json::View& body, const std::string& currency) {
  Decimal sum;
  for (const auto* field : {"swap", "commission", "fee", "entryCosts"})
    if (const auto cost = maybe_decimal(body, field)) sum = sum + *cost;
  return deposit_amount(sum, currency);
}

/// "" when pnl follows from prices, size and costs, or cannot be told: then profit is in another currency.
std::string mismatch(const json::View& body, const Close& c, const std::string& currency, const AccountSettings& s) {
  if (!c.entry) return {};
  std::string profit_currency = deposit_currency(maybe_currency(body, "profitCurrency"));
  if (profit_currency.empty() && s.symbols.find(c.symbol)) profit_currency = parts_of(c.symbol).quote;
  if (profit_currency == "USDT" || profit_currency == "USDC") profit_currency = "USD";
  if (!profit_currency.empty() && profit_currency != c.currency) return {};
  Decimal gross = (c.exit - *c.entry) * c.size;
  if (!c.is_long) gross = -gross;
  const Decimal relative = gross.abs() * Decimal(Decimal::Mantissa{s.tolerance_percent}, -2);
  const Decimal slack = std::max(s.tolerance, relative) + costs_of(body, currency).abs();
  if ((c.pnl - gross).abs() <= slack) return {};
  return "pnl_mismatch: pnl " + c.pnl.to_string() + " where prices and size give " + gross.to_string();
}

/// The first reason why a person must look.
std::string hold_of(const json::View& body, const Close& c, const std::string& currency, const AccountSettings& s,
                    std::int64_t now_ms) {
  if (currency != s.currency)
    return "unsupported_currency: " + currency + ", and the account is configured in " + s.currency;
  if (now_ms - c.closed_ms > s.max_age_days * kDayMs)
    return "too_old: closed more than " + std::to_string(s.max_age_days) + " days before it came in";
  if (!c.entry) return "entry_unknown: the terminal has no opening deal of it";
  try {
    return mismatch(body, c, currency, s);
  } catch (const DecimalError&) {
    return "out_of_range: its figures cannot be multiplied exactly";
  }
}

}  // namespace

Close read_close(const json::View& body, const AccountSettings& s, std::int64_t now_ms) {
  Close c;
  c.id = need_text(body, "positionId");
  const std::string native = need_text(body, "symbol");
  if (native.size() > kSymbolMax) throw Refused{400, "bad_field", "symbol is too long", "symbol"};
  const std::string side = need_text(body, "side");
  if (side != "long" && side != "short") throw Refused{400, "bad_field", "side must be long or short", "side"};
  c.is_long = side == "long";
  const Decimal entry = need_decimal(body, "entryPrice");
  c.exit = need_positive(body, "exitPrice");
  c.size = need_positive(body, "size");
  const Decimal pnl = need_decimal(body, "pnl");
  c.closed_ms = closed_at(body);
  std::string currency = maybe_currency(body, "currency");
  if (currency.empty()) currency = s.currency;

  const bool unknown = body["entryKnown"] == "false" && entry.is_zero();
  if (!unknown && entry.sign() <= 0)
    throw Refused{422, "bad_field", "entryPrice must be above zero", "entryPrice"};
  if (!good_id(c.id, s))
    throw Refused{422, "bad_position_id", "positionId must be MT5-" + s.ref + "-<deal ticket>", "positionId"};
  if (c.closed_ms > now_ms + kFutureMsMax) throw Refused{422, "in_future", "closedAt lies in the future", "closedAt"};

  if (!unknown) c.entry = entry;
  c.symbol = s.symbols.find(native).value_or(native);
  c.currency = deposit_currency(currency);
  c.pnl = deposit_amount(pnl, currency);
  if (currency != "USC") c.pnl_raw = body["pnl"].str();
  c.hold = hold_of(body, c, currency, s, now_ms);
  return c;
}

}  // namespace anduin::metatrader
