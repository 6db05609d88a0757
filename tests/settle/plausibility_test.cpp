// The recomputed pnl: linear and inverse, long and short, stated fees, derived fields.
#include "settle/plausibility.hpp"

#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using anduin::settle::test::close_of;

namespace {

ClosedPosition linear(const char* entry, const char* exit, const char* size, const char* pnl,
                      Side side = Side::kLong) {
  auto c = close_of("1", pnl);
  c.kind = InstrumentKind::kLinearPerpetual;
  c.base_currency = "BTC";
  c.side = side;
  c.entry_price = Decimal::of(entry);
  c.exit_price = Decimal::of(exit);
  c.size = Decimal::of(size);
  return c;
}

ClosedPosition inverse(const char* entry, const char* exit, const char* size, const char* pnl,
                       Side side = Side::kLong) {
  auto c = linear(entry, exit, size, pnl, side);
  c.kind = InstrumentKind::kInversePerpetual;
  c.currency = c.fee_currency = "XBT";
  return c;
}

}  // namespace

TEST_CASE("plausibility: linear", "[plausibility]") {
  CHECK(check_pnl(linear("43000", "44000", "0.5", "500")).verified == Verified::kOk);
  CHECK(check_pnl(linear("43000", "44000", "0.5", "-500", Side::kShort)).verified == Verified::kOk);
  CHECK(check_pnl(linear("43000", "44000", "0.5", "495", Side::kLong)).verified == Verified::kOk);
  const auto wrong_sign = check_pnl(linear("43000", "44000", "0.5", "-500"));
  CHECK(wrong_sign.verified == Verified::kFailed);
  CHECK(wrong_sign.reason.find("plausibility:") == 0);
  // Contracts taken for base units: off by the multiplier.
  CHECK(check_pnl(linear("43000", "44000", "500", "500")).verified == Verified::kFailed);
  auto with_fee = linear("43000", "44000", "0.5", "450");
  CHECK(check_pnl(with_fee).verified == Verified::kFailed);
  with_fee.fee = Decimal(45);
  CHECK(check_pnl(with_fee).verified == Verified::kOk);
}

TEST_CASE("plausibility: fees, funding and penalties inside pnl are no contradiction to the prices", "[plausibility]") {
  // A liquidated long of OKX: price result, fee and penalty make realizedPnl.
  auto net = linear("2335.3571628994544037", "2277.59", "38.49", "-2662.89202455");
  CHECK(check_pnl(net).verified == Verified::kFailed);
  net.inside = Decimal::of("-439.43392455");
  CHECK(check_pnl(net).verified == Verified::kOk);
  net.origin = Origin::kInbound;  // a user's word for it
  CHECK(check_pnl(net).verified == Verified::kFailed);
  auto invented = linear("2335", "2335", "10", "50000");
  invented.inside = Decimal(50000);
  CHECK(check_pnl(invented).verified == Verified::kFailed);
}

TEST_CASE("plausibility: inverse, in the coin", "[plausibility]") {
  // 10,000 USD from 40,000 to 50,000: 0.25 - 0.2 = 0.05 BTC
  CHECK(check_pnl(inverse("40000", "50000", "10000", "0.05")).verified == Verified::kOk);
  CHECK(check_pnl(inverse("40000", "50000", "10000", "-0.05", Side::kShort)).verified == Verified::kOk);
  CHECK(check_pnl(inverse("40000", "50000", "10000", "0.06")).verified == Verified::kFailed);
  CHECK(check_pnl(inverse("40000", "50000", "10000", "2500")).verified == Verified::kFailed);
}

TEST_CASE("plausibility: derived fields are never called ok", "[plausibility]") {
  auto c = linear("43000", "44000", "0.5", "500");
  c.entry_derived = true;
  CHECK(check_pnl(c).verified == Verified::kUnverified);
  c.pnl = Decimal(999);  // circular: the entry would have moved with it
  CHECK(check_pnl(c).verified == Verified::kUnverified);
  c.pnl = Decimal(70'000);  // three times what the position was worth
  CHECK(check_pnl(c).verified == Verified::kFailed);
}

TEST_CASE("plausibility: an entry that pnl made does not vouch for pnl", "[plausibility]") {
  // exit 44,000 x 0.5: worth 22,000 at its end. The entry is what a wrong pnl makes it.
  auto loss = linear("844000", "44000", "0.5", "-400000");
  loss.entry_derived = true;
  CHECK(check_pnl(loss).reason.find("plausibility: pnl -400000 is over three times the notional 22000") == 0);
  auto gain = linear("1", "44000", "0.5", "500000");
  gain.entry_price = Decimal(-956'000);
  gain.entry_derived = true;
  CHECK(check_pnl(gain).verified == Verified::kFailed);
  gain.entry_price.reset();  // a plugin that does not say such an entry
  gain.entry_derived = false;
  CHECK(check_pnl(gain).verified == Verified::kFailed);
  // Within the magnitude, but no long wins more than all of what it is worth in the end.
  gain.pnl = Decimal(30'000);
  gain.entry_price = Decimal(-16'000);
  gain.entry_derived = true;
  CHECK(check_pnl(gain).reason.find("plausibility: pnl 30000 would need an entry price of -16000") == 0);
  gain.entry_price.reset();
  CHECK(check_pnl(gain).verified == Verified::kUnverified);
  // Inverse: 10,000 USD at 50,000 are 0.2 BTC.
  auto coin = inverse("40000", "50000", "10000", "0.61");
  coin.entry_derived = true;
  CHECK(check_pnl(coin).verified == Verified::kFailed);
  coin.pnl = Decimal::of("0.59");
  CHECK(check_pnl(coin).verified == Verified::kUnverified);
}

TEST_CASE("plausibility: the market's price is asked in the currency of the exit price", "[plausibility]") {
  auto c = linear("0.05", "0.06", "2", "0.02");
  c.symbol = "ETHBTC";
  c.base_currency = "ETH";
  c.quote_currency = "BTC";
  c.entry_derived = true;
  anduin::settle::test::FixedRates rates;
  rates.prices["ETH"] = {Decimal(3'000), c.closed_ms - 1'000, "aggregate"};
  CHECK(check_exit_price(c, rates).empty());  // dollars against bitcoin
  c.quote_currency = "USDT";
  CHECK(check_exit_price(c, rates).find("exit_price: 0.06 is far from the market's 3000") == 0);
}

TEST_CASE("plausibility: a derived row's exit price is held against the market", "[plausibility]") {
  auto c = linear("43000", "44000", "0.5", "500");
  c.entry_derived = true;
  anduin::settle::test::FixedRates rates;
  const auto hold = [&] { return assess(c, BridgeOptions{}, false, &rates, c.closed_ms)->hold; };
  CHECK(hold().empty());
  rates.prices["BTC"] = {Decimal(44'100), c.closed_ms - 1'000, "aggregate"};
  CHECK(hold().empty());
  rates.prices["BTC"] = {Decimal(60'000), c.closed_ms - 1'000, "aggregate"};
  CHECK(hold().find("exit_price:") == 0);
  rates.prices["BTC"].at_ms = c.closed_ms - kRateAgeMaxMs - 1;  // too old to say anything
  CHECK(hold().empty());
}

TEST_CASE("plausibility: what cannot be recomputed is unverified", "[plausibility]") {
  CHECK(check_pnl(close_of("1", "5")).verified == Verified::kUnverified);
  auto c = linear("43000", "44000", "0.5", "500");
  c.size.reset();
  CHECK(check_pnl(c).verified == Verified::kUnverified);
  c = linear("43000", "44000", "0.5", "0.0115");
  c.currency = "BTC";  // a linear contract paid in coin: no formula
  CHECK(check_pnl(c).verified == Verified::kUnverified);
  c = linear("99999999999999999999999999999", "1", "99999999999999999999999999999", "1");
  CHECK(check_pnl(c).verified == Verified::kUnverified);
}
