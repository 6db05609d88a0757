#include "settle/money.hpp"

#include <algorithm>
#include <array>

namespace anduin::settle {
namespace {

U256 to_u256(Decimal::Unsigned value) {
  U256 out = static_cast<std::uint64_t>(value >> 64U);
  out <<= 64U;
  out |= static_cast<std::uint64_t>(value);
  return out;
}

Error out_of_range(const Decimal& value) {
  return {ErrorKind::kBadRequest, "amount",
          "out_of_range: " + value.to_string() + " is no plausible settlement amount"};
}

bool off_by(const Decimal& value, const Decimal& reference, const Decimal& band) {
  return (value - reference).abs() > reference.abs() * band;
}

/// Converts one figure to dollars, or says why it must be held.
struct Converted {
  Decimal usd;
  std::optional<Rate> rate;
  std::string hold;
};

std::string check_depeg(const std::string& currency, const RateSource& rates, std::int64_t at_ms) {
  const auto rate = rates.usd_price(currency, at_ms);
  if (!rate || !off_by(rate->usd, Decimal(1), kDepegBand)) return {};
  return "depeg: " + currency + " stands at " + rate->usd.to_string() + " USD (" + rate->source + ")";
}

Converted convert(const Decimal& figure, const std::string& currency, const ClosedPosition& close,
                  const RateSource* rates, std::int64_t now_ms) {
  if (figure.is_zero()) return {Decimal(), {}, {}};
  if (is_dollar(currency)) {
    std::string hold;
    if (rates != nullptr && currency != "USD") {
      hold = check_depeg(currency, *rates, close.closed_ms);
      if (hold.empty()) hold = check_depeg(currency, *rates, now_ms);
    }
    return {figure, {}, hold};
  }
  std::optional<Rate> market;
  if (rates != nullptr) market = rates->usd_price(currency, close.closed_ms);
  if (market && (market->at_ms > close.closed_ms || close.closed_ms - market->at_ms > kRateAgeMaxMs ||
                 market->usd.sign() <= 0)) {
    market.reset();
  }
  const bool own_coin = !close.base_currency.empty() && currency == canonical_currency(close.base_currency);
  if (own_coin && close.exit_price && close.exit_price->sign() > 0) {
    if (market && off_by(*close.exit_price, market->usd, kExitPriceBand)) {
      return {{},
              {},
              "exit_price: " + close.exit_price->to_string() + " is far from the market's " +
                  market->usd.to_string()};
    }
    return {figure * *close.exit_price, Rate{*close.exit_price, close.closed_ms, "own exit price"}, {}};
  }
  if (!market) {
    return {{},
            {},
            "no_rate: no USD price of " + (currency.empty() ? "an unnamed currency" : currency) +
                " within 30 s before the close"};
  }
  return {figure * market->usd, market, {}};
}

}  // namespace

Result<Amount> amount_of(const Decimal& value, unsigned decimals) {
  const Decimal d = value.normalized();
  if (d.is_zero()) return Amount{};
  const auto m = static_cast<Decimal::Unsigned>(d.abs().mantissa());
  std::int32_t shift = d.exp10() + static_cast<std::int32_t>(decimals);
  Amount out;
  if (shift <= 0) {
    auto cut = m;
    for (; shift < 0 && cut != 0; ++shift) cut /= 10;
    out.units = to_u256(cut);
  } else {
    // 10^39 is beyond 2^128 already; the bound also keeps the loop short for exponents up to 1000.
    constexpr std::int32_t kShiftMax = 39;
    if (shift > kShiftMax) return out_of_range(value);
    try {
      out.units = to_u256(m);
      for (; shift > 0; --shift) out.units *= 10;
    } catch (const std::exception&) {
      return out_of_range(value);
    }
  }
  if (out.units != 0 && boost::multiprecision::msb(out.units) >= kUnitsMaxBits) return out_of_range(value);
  if (out.units != 0) out.action = d.sign() > 0 ? chain::Action::kCredit : chain::Action::kSeize;
  return out;
}

Result<Amount> amount_from_text(std::string_view text, unsigned decimals) {
  const auto value = Decimal::parse(text);
  if (!value) {
    return Error{ErrorKind::kBadRequest, "amount",
                 "not a decimal number: '" + std::string(text.substr(0, 64)) + "'"};
  }
  return amount_of(*value, decimals);
}

std::string units_text(const U256& units, unsigned decimals) {
  std::string digits = units.str();
  if (decimals == 0) return digits;
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, 1, '.');
  return digits;
}

std::string canonical_currency(std::string_view code) {
  std::string out(code);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (out == "XBT") return "BTC";
  if (out == "XDG") return "DOGE";
  return out;
}

bool is_dollar(std::string_view canonical) {
  return canonical == "USD" || canonical == "USDC" || canonical == "USDT";
}

Valuation value_close(const ClosedPosition& close, PnlMode mode, const RateSource* rates, unsigned decimals,
                      std::int64_t now_ms) {
  Valuation out;
  try {
    const std::string currency = canonical_currency(close.currency);
    const Converted pnl = convert(close.pnl, currency, close, rates, now_ms);
    out.pnl_rate = pnl.rate;
    out.hold = pnl.hold;
    out.usd = pnl.usd;
    if (mode == PnlMode::kNet && out.hold.empty()) {
      const std::string fee_currency =
          close.fee_currency.empty() ? currency : canonical_currency(close.fee_currency);
      const Converted fee = convert(close.fee, fee_currency, close, rates, now_ms);
      out.fee_rate = fee.rate;
      out.usd = out.usd - fee.usd;
      if (!fee.hold.empty()) out.hold = "fee " + fee.hold;
    }
    if (!out.hold.empty()) return out;
    const auto amount = amount_of(out.usd, decimals);
    if (amount)
      out.amount = *amount;
    else
      out.hold = amount.error().text;
  } catch (const DecimalError& e) {
    out.hold = std::string("out_of_range: ") + e.what();
  }
  return out;
}

}  // namespace anduin::settle
