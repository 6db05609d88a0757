// Money: the vectors of exact amounts, the currency rules of design section 4, the depeg guard.
#include "settle/money.hpp"

#include "base/random.hpp"
#include "settle/support.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::settle;
using anduin::settle::test::close_of;
using anduin::settle::test::FixedRates;
using anduin::settle::test::kNow;

namespace {

Valuation value(const ClosedPosition& c, const RateSource* rates = nullptr, PnlMode mode = PnlMode::kNet) {
  return value_close(c, mode, rates, 6, kNow + 2'000);
}

Rate rate(const char* usd, std::int64_t at = kNow + 500) { return {Decimal::of(usd), at, "aggregate"}; }

}  // namespace

TEST_CASE("amounts: every row of the vectors", "[money]") {
  ANDUIN_NEED_SHARED();
  const auto rows = anduin::test::shared_json("vectors/evm.json").at("amounts");
  REQUIRE(rows.size() == 36);
  for (const auto& row : rows) {
    const auto text = row.at("pnl").get<std::string>();
    CAPTURE(text);
    const auto amount = amount_from_text(text, 6);
    if (row.contains("error")) {
      REQUIRE_FALSE(amount);
      CHECK(amount.error().kind == ErrorKind::kBadRequest);
      continue;
    }
    REQUIRE(amount);
    CHECK(amount->units.str() == row.at("units").get<std::string>());
    const auto action = row.at("action").get<std::string>();
    CHECK(amount->action.has_value() == (action != "none"));
    if (amount->action) CHECK(std::string(chain::to_string(*amount->action)) == action);
  }
}

TEST_CASE("amounts: absurd magnitudes are refused, not wrapped", "[money]") {
  CHECK_FALSE(amount_from_text("1e40", 6));
  CHECK_FALSE(amount_from_text("1e999", 6));
  CHECK_FALSE(amount_from_text("-99999999999999999999999999999999999999", 6));
  CHECK(amount_from_text("1e-999", 6)->units == 0);
  CHECK(amount_from_text("170141183460469231731687303715884", 6)->units.str() ==
        "170141183460469231731687303715884000000");
  CHECK(units_text(U256(1), 6) == "0.000001");
  CHECK(units_text(U256(123456789), 6) == "123.456789");
  CHECK(units_text(U256(5), 0) == "5");
}

TEST_CASE("amounts: random texts against digits shifted by hand", "[money]") {
  const std::uint64_t seed = anduin::test::fresh_seed();
  INFO("ANDUIN_SEED=" << seed);
  SeededRandom dice(seed);
  for (int i = 0; i < 20'000; ++i) {
    // Whole and fraction digits, possibly none on one side; 38 together are the most a Decimal holds.
    std::string whole, fraction;
    for (auto n = dice.below(18); n > 0; --n) whole += static_cast<char>('0' + dice.below(10));
    for (auto n = 1 + dice.below(18); n > 0; --n) fraction += static_cast<char>('0' + dice.below(10));
    const bool negative = dice.below(2) == 0;
    std::string text = negative ? "-" : "";
    text += whole;
    text += '.';
    text += fraction;
    CAPTURE(text);
    std::string expected = whole + (fraction + "000000").substr(0, 6);
    expected.erase(0, std::min(expected.find_first_not_of('0'), expected.size() - 1));
    const auto amount = amount_from_text(text, 6);
    REQUIRE(amount);
    REQUIRE(amount->units.str() == expected);
    REQUIRE(amount->action.has_value() == (expected != "0"));
    if (amount->action) REQUIRE((*amount->action == chain::Action::kSeize) == negative);
  }
}

TEST_CASE("currency: dollars at par, the fee comes off, both ways truncated toward zero", "[money]") {
  auto c = close_of("1", "500");
  c.fee = Decimal::of("0.1234567");
  CHECK(value(c).amount == Amount{chain::Action::kCredit, 499'876'543});
  CHECK(value(c, nullptr, PnlMode::kVenue).amount == Amount{chain::Action::kCredit, 500'000'000});
  c.pnl = Decimal::of("-500");
  CHECK(value(c).amount == Amount{chain::Action::kSeize, 500'123'456});
  c.fee = Decimal::of("-1");  // a rebate
  CHECK(value(c).amount == Amount{chain::Action::kSeize, 499'000'000});
  c.pnl = Decimal::of("0.5");
  c.fee = Decimal::of("0.5");
  CHECK(value(c).amount == Amount{});
  CHECK(value(c).hold.empty());
  for (const char* dollar : {"USD", "USDC", "usdt"}) {
    c.currency = c.fee_currency = dollar;
    CHECK(value(c).hold.empty());
    CHECK_FALSE(value(c).pnl_rate);
  }
}

TEST_CASE("currency: a coin's own pnl converts at the close's own exit price", "[money]") {
  auto c = close_of("1", "0.0125");
  c.currency = c.fee_currency = "XBT";
  c.base_currency = "BTC";
  c.exit_price = Decimal::of("43251.5");
  c.fee = Decimal::of("0.0001");
  const auto v = value(c);
  REQUIRE(v.hold.empty());
  CHECK(v.usd == Decimal::of("536.3186"));
  CHECK(v.amount.units == 536'318'600);
  REQUIRE(v.pnl_rate);
  CHECK(v.pnl_rate->source == "own exit price");

  FixedRates rates;
  rates.prices["BTC"] = rate("43200");
  CHECK(value(c, &rates).hold.empty());
  rates.prices["BTC"] = rate("30000");
  CHECK(value(c, &rates).hold.find("exit_price:") == 0);
}

TEST_CASE("currency: anything else needs a rate that is at most 30 s old at the close", "[money]") {
  auto c = close_of("1", "2");
  c.currency = c.fee_currency = "SOL";
  CHECK(value(c).hold.find("no_rate:") == 0);
  FixedRates rates;
  rates.prices["SOL"] = rate("150.25");
  CHECK(value(c, &rates).amount.units == 300'500'000);
  CHECK(value(c, &rates).pnl_rate->source == "aggregate");
  rates.prices["SOL"] = rate("150.25", c.closed_ms - kRateAgeMaxMs);
  CHECK(value(c, &rates).hold.empty());
  rates.prices["SOL"] = rate("150.25", c.closed_ms - kRateAgeMaxMs - 1);
  CHECK(value(c, &rates).hold.find("no_rate:") == 0);
  rates.prices["SOL"] = rate("150.25", c.closed_ms + 1);  // from after the close
  CHECK(value(c, &rates).hold.find("no_rate:") == 0);
  rates.prices["SOL"] = rate("0");
  CHECK(value(c, &rates).hold.find("no_rate:") == 0);
}

TEST_CASE("currency: a fee in another coin is converted, or the close is held", "[money]") {
  auto c = close_of("1", "10");
  c.fee = Decimal::of("0.01");
  c.fee_currency = "BNB";
  CHECK(value(c).hold.find("fee no_rate:") == 0);
  FixedRates rates;
  rates.prices["BNB"] = rate("600");
  CHECK(value(c, &rates).amount.units == 4'000'000);
  CHECK(value(c, nullptr, PnlMode::kVenue).amount.units == 10'000'000);
  c.fee = Decimal();  // a zero fee needs no rate
  CHECK(value(c).hold.empty());
}

TEST_CASE("depeg guard: a stablecoin off by more than one percent holds", "[money]") {
  const auto c = close_of("1", "10");
  FixedRates rates;
  for (const char* fine : {"1", "0.99", "1.01"}) {
    rates.prices["USDT"] = rate(fine);
    CHECK(value(c, &rates).hold.empty());
  }
  for (const char* off : {"0.9899", "1.0101", "0"}) {
    rates.prices["USDT"] = rate(off);
    CHECK(value(c, &rates).hold.find("depeg: USDT") == 0);
  }
  rates.prices.clear();
  rates.prices["USDC"] = rate("0.9");  // another coin's trouble
  CHECK(value(c, &rates).hold.empty());
}

TEST_CASE("money never throws on absurd figures", "[money]") {
  auto c = close_of("1", "99999999999999999999999999999999999999");
  CHECK(value(c).hold.find("out_of_range") == 0);
  c.currency = "BTC";
  c.base_currency = "BTC";
  c.exit_price = Decimal::of("99999999999999999999.99999999");
  CHECK(value(c).hold.find("out_of_range") == 0);
}
