#include "anduin/decimal.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>
#include <type_traits>

#include <boost/multiprecision/cpp_int.hpp>

using anduin::Decimal;
using anduin::DecimalError;
using boost::multiprecision::cpp_int;

static_assert(!std::is_constructible_v<Decimal, double>, "money never passes through a binary float");
static_assert(!std::is_constructible_v<Decimal, float>);

namespace {

std::uint64_t seed() {
  const char* named = std::getenv("ANDUIN_SEED");
  return named ? std::strtoull(named, nullptr, 10) : std::random_device{}();
}

/// value * 10^60, for comparing with arithmetic of unbounded integers.
cpp_int scaled(const Decimal& d) {
  cpp_int v = 0;
  const Decimal::Mantissa m = d.mantissa();
  const bool negative = m < 0;
  auto u = negative ? Decimal::Unsigned(0) - static_cast<Decimal::Unsigned>(m) : static_cast<Decimal::Unsigned>(m);
  v = cpp_int(static_cast<std::uint64_t>(u >> 64U));
  v = (v << 64U) + cpp_int(static_cast<std::uint64_t>(u));
  for (int e = d.exp10() + 60; e > 0; --e) v *= 10;
  return negative ? -v : v;
}

}  // namespace

TEST_CASE("decimal: every accepted spelling, and what it prints as") {
  const auto [text, printed] = GENERATE(table<const char*, const char*>({
      {"500", "500"}, {"500.0", "500"}, {"-0", "0"}, {"+1", "1"}, {"00012.50", "12.5"}, {".5", "0.5"}, {"5.", "5"},
      {"1e3", "1000"}, {"1.5E-6", "0.0000015"}, {"1e-7", "0.0000001"}, {"9e-05", "0.00009"}, {"-0.010", "-0.01"},
      {"123456789012345678.123456789", "123456789012345678.123456789"}, {"0.30000000000000004", "0.30000000000000004"},
      {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
      {"1000000000000000000000000000000000000000000", "1000000000000000000000000000000000000000000"}}));
  INFO(text);
  CHECK(Decimal::of(text).to_string() == printed);
}

TEST_CASE("decimal: what is no decimal number is nothing") {
  const auto* text = GENERATE("", "abc", "1,000", "NaN", "Infinity", "0x10", "1e", "--1", " 1", "1 ", "1_000", ".", "+", "-", "1e+",
                              "1.2.3", "1e5000", "123456789012345678901234567890123456789", "0.123456789012345678901234567890123456789");
  INFO(text);
  CHECK_FALSE(Decimal::parse(text));
}

TEST_CASE("decimal: order and equality do not see trailing zeros") {
  CHECK(Decimal::of("1.50") == Decimal::of("1.5"));
  CHECK(Decimal::of("-2") < Decimal::of("-1.5"));
  CHECK(Decimal::of("1e30") > Decimal::of("0.000001"));
  CHECK(Decimal::of("-1e30") < Decimal::of("0.000001"));
  CHECK(Decimal::of("0e5") == Decimal());
}

TEST_CASE("decimal: division rounds half to even, nothing is rounded silently") {
  CHECK(Decimal::divide(1, 3, 8).to_string() == "0.33333333");
  CHECK(Decimal::divide(2, 3, 8).to_string() == "0.66666667");
  CHECK(Decimal::of("0.000000025").rounded(8).to_string() == "0.00000002");
  CHECK(Decimal::of("0.000000035").rounded(8).to_string() == "0.00000004");
  CHECK(Decimal::of("-0.000000035").rounded(8).to_string() == "-0.00000004");
  CHECK(Decimal::of("1.9999999").truncated(6).to_string() == "1.999999");
  CHECK(Decimal::of("-1.9999999").truncated(6).to_string() == "-1.999999");
  CHECK_THROWS_AS(Decimal::divide(1, 0, 8), DecimalError);
  CHECK_THROWS_AS(Decimal::of("12345678901234567891") * Decimal::of("12345678901234567890123"), DecimalError);
  CHECK_THROWS_AS(Decimal::of("99999999999999999999999999999999999999") + Decimal(1), DecimalError);
}

TEST_CASE("decimal: sums, products and order equal those of unbounded integers") {
  const std::uint64_t s = seed();
  INFO("ANDUIN_SEED=" << s);
  std::mt19937_64 rng(s);
  for (int i = 0; i < 20'000; ++i) {
    const auto draw = [&] {
      const auto m = static_cast<Decimal::Mantissa>(static_cast<std::int64_t>(rng()) >> (rng() % 60));
      return Decimal(m, static_cast<std::int32_t>(rng() % 20) - 12);
    };
    const Decimal a = draw(), b = draw();
    REQUIRE(scaled(a + b) == scaled(a) + scaled(b));
    REQUIRE(scaled(a - b) == scaled(a) - scaled(b));
    cpp_int unit = 1;
    for (int e = 0; e < 60; ++e) unit *= 10;
    REQUIRE(scaled(a * b) * unit == scaled(a) * scaled(b));
    REQUIRE((a < b) == (scaled(a) < scaled(b)));
    REQUIRE((a == b) == (scaled(a) == scaled(b)));
    REQUIRE(Decimal::of(a.to_string()) == a);
  }
}
