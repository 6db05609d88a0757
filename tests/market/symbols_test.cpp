#include "market/symbols.hpp"

#include <catch2/catch.hpp>
#include <cstdio>
#include <set>

#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::market;

namespace {

Instrument row(std::string venue, std::string market, std::string native, std::string base,
               std::string quote, InstrumentKind kind) {
  Instrument i;
  i.venue = std::move(venue);
  i.market = std::move(market);
  i.native = std::move(native);
  i.base = std::move(base);
  i.quote = std::move(quote);
  i.kind = kind;
  return i;
}

constexpr auto kSpot = InstrumentKind::kSpot;
constexpr auto kLinear = InstrumentKind::kLinearPerpetual;
constexpr auto kInverse = InstrumentKind::kInversePerpetual;

/// Kraken as its lists describe it: a spot market with four spellings, futures with PF_ and PI_ on one
/// name.
void fill(Instruments& all) {
  REQUIRE(
      all.add(row("Kraken", "spot", "BTC/USD", "XXBT", "ZUSD", kSpot), {"XBT/USD", "XXBTZUSD", "XBTUSD"})
          .has_value());
  REQUIRE(all.add(row("Kraken", "spot", "BTC/USDT", "XBT", "USDT", kSpot), {"XBT/USDT", "XBTUSDT"})
              .has_value());
  REQUIRE(all.add(row("Kraken", "spot", "DOGE/USD", "XXDG", "ZUSD", kSpot), {"XDG/USD"}).has_value());
  REQUIRE(all.add(row("Kraken", "futures", "PI_XBTUSD", "XBT", "USD", kInverse)).has_value());
  REQUIRE(all.add(row("Kraken", "futures", "PF_XBTUSD", "XBT", "USD", kLinear)).has_value());
  REQUIRE(all.add(row("Kraken", "futures", "PI_LTCUSD", "LTC", "USD", kInverse)).has_value());
  REQUIRE(all.add(row("Kraken", "futures", "PF_AAPLxUSD", "AAPLx", "USD", kLinear)).has_value());
  REQUIRE(all.add(row("Bybit", "linear", "BTCUSDT", "BTC", "USDT", kLinear)).has_value());
  REQUIRE(all.add(row("Bybit", "linear", "BTCPERP", "BTC", "USDC", kLinear)).has_value());
  REQUIRE(all.add(row("Bybit", "linear", "1000PEPEUSDT", "1000PEPE", "USDT", kLinear)).has_value());
  REQUIRE(all.add(row("Bybit", "spot", "BTCUSDT", "BTC", "USDT", kSpot)).has_value());
  REQUIRE(all.add(row("Bybit", "inverse", "BTCUSD", "BTC", "USD", kInverse)).has_value());
}

std::string native_of(const Result<Instruments::Ptr>& found) {
  return found ? (*found)->native : "error: " + found.error().to_string();
}

}  // namespace

TEST_CASE("currency codes are translated by whole code, never by stripping letters") {
  CHECK(canonical_currency("XBT") == "BTC");
  CHECK(canonical_currency("XDG") == "DOGE");
  for (const auto* real : {"XTZ", "ZEC", "XRP", "XLM", "ZRX", "BTC", "USD", "X", ""})
    CHECK(canonical_currency(real) == real);
  CHECK(canonical_currency("ZUSD") == "ZUSD");
  CHECK(canonical_currency("ZUSD", "Kraken") == "USD");
  CHECK(canonical_currency("XXBT", "Kraken") == "BTC");
  CHECK(canonical_currency("XTZ", "Kraken") == "XTZ");
  CHECK(canonical_currency("ZEC", "Kraken") == "ZEC");
}

TEST_CASE("a canonical name is base and quote of instruments that qualify") {
  CHECK(canonical_symbol("BTC", "USDT", kLinear) == "BTCUSDT");
  CHECK(canonical_symbol("XBT", "USD", kInverse) == "BTCUSD");
  CHECK(canonical_symbol("XDG", "USD", kSpot) == "DOGEUSD");
  CHECK(canonical_symbol("1INCH", "USDT", kLinear) == "1INCHUSDT");
  CHECK(canonical_symbol("MOG1000X", "USDT", kLinear) == "MOG1000XUSDT");
  CHECK_FALSE(canonical_symbol("BTC", "USD", InstrumentKind::kInverseDated));
  CHECK_FALSE(canonical_symbol("BTC", "USD", InstrumentKind::kUnknown));
  for (const auto* lot : {"1000PEPE", "10000LADYS", "1000000MOG", "SHIB1000", "1MBABYDOGE"}) {
    CAPTURE(lot);
    CHECK_FALSE(canonical_symbol(lot, "USDT", kLinear));
  }
  for (const auto* odd : {"AAPLx", "btc", "BTC.B", "", "A"})
    CHECK_FALSE(canonical_symbol(odd, "USD", kSpot));
}

TEST_CASE("the rows of the vectors get the canonical names that they state") {
  ANDUIN_NEED_SHARED();
  // Base, quote and kind as the venue's instrument list gives them; the vectors name the outcome.
  struct Parts {
    const char* base;
    const char* quote;
    InstrumentKind kind;
  };
  const std::map<std::string, Parts> bybit{
      {"linear BTCUSDT", {"BTC", "USDT", kLinear}},
      {"linear ETHUSDT", {"ETH", "USDT", kLinear}},
      {"linear SOLUSDT", {"SOL", "USDT", kLinear}},
      {"inverse BTCUSD", {"BTC", "USD", kInverse}},
      {"inverse ETHUSD", {"ETH", "USD", kInverse}},
      {"spot BTCUSDT", {"BTC", "USDT", kSpot}},
      {"linear BTCPERP", {"BTC", "USDC", kLinear}},
      {"linear 1000PEPEUSDT", {"1000PEPE", "USDT", kLinear}},
      {"linear BTC-26DEC25", {"BTC", "USDC", InstrumentKind::kLinearDated}},
      {"inverse BTCUSDH26", {"BTC", "USD", InstrumentKind::kInverseDated}},
      {"linear XAUUSDT", {"XAU", "USDT", kLinear}}};
  Instruments all;
  std::size_t checked = 0;
  const auto bybit_rows = test::shared_json("vectors/bybit.json").at("symbols");
  for (const auto& v : bybit_rows) {
    const std::string market = v.at("category"), native = v.at("native");
    CAPTURE(market, native);
    const Parts& p = bybit.at(market + " " + native);
    REQUIRE(all.add(row("Bybit", market, native, p.base, p.quote, p.kind)).has_value());
    const auto found = all.find("Bybit", market, native);
    REQUIRE(found);
    CHECK(found->canonical == (v.at("canonical").is_null() ? "" : v.at("canonical").get<std::string>()));
    ++checked;
  }
  CHECK(checked == bybit_rows.size());

  const auto add = [&](const char* market, const char* native, const char* base, const char* quote,
                       InstrumentKind kind, std::vector<std::string> aliases = {}) {
    REQUIRE(all.add(row("Kraken", market, native, base, quote, kind), aliases).has_value());
  };
  add("spot", "BTC/USD", "XXBT", "ZUSD", kSpot, {"XBT/USD", "XXBTZUSD", "XBTUSD"});
  add("spot", "ETH/USD", "XETH", "ZUSD", kSpot, {"XETHZUSD", "ETHUSD"});
  add("spot", "BTC/USDT", "XXBT", "USDT", kSpot, {"XBT/USDT", "XBTUSDT"});
  add("spot", "BTC/EUR", "XXBT", "ZEUR", kSpot, {"XBT/EUR"});
  add("spot", "DOGE/USD", "XXDG", "ZUSD", kSpot, {"XDG/USD"});
  add("spot", "XTZ/USD", "XTZ", "ZUSD", kSpot);
  add("spot", "ZEC/USD", "XZEC", "ZUSD", kSpot);
  add("spot", "USDC/USD", "USDC", "ZUSD", kSpot);
  add("futures", "PF_XBTUSD", "XBT", "USD", kLinear);
  add("futures", "PF_ETHUSD", "ETH", "USD", kLinear);
  add("futures", "PI_XBTUSD", "XBT", "USD", kInverse);
  add("futures", "FI_XBTUSD_240628", "XBT", "USD", InstrumentKind::kInverseDated);
  add("futures", "PF_PEPEUSD", "PEPE", "USD", kLinear);
  add("futures", "PF_AAPLxUSD", "AAPLx", "USD", kLinear);
  for (const auto& v : test::shared_json("vectors/kraken.json").at("symbols")) {
    const std::string native = v.at("native"), api = v.at("api");
    CAPTURE(native, api);
    const auto found = all.find("Kraken", api.starts_with("spot") ? "spot" : "futures", native);
    REQUIRE(found);
    CHECK(found->canonical == (v.at("canonical").is_null() ? "" : v.at("canonical").get<std::string>()));
  }
}

TEST_CASE("an instrument is found by every spelling, by case only where that is unambiguous") {
  Instruments all;
  fill(all);
  for (const auto* spelling : {"BTC/USD", "XBT/USD", "XXBTZUSD", "XBTUSD", "btc/usd", "xbtusd"}) {
    CAPTURE(spelling);
    const auto found = all.find("Kraken", "spot", spelling);
    REQUIRE(found);
    CHECK(found->native == "BTC/USD");
  }
  CHECK(all.find("Kraken", "futures", "pf_xbtusd")->native == "PF_XBTUSD");
  REQUIRE(all.add(row("Kraken", "futures", "PF_AAPLXUSD", "AAPLX", "USD", kLinear)).has_value());
  CHECK(all.find("Kraken", "futures", "PF_AAPLxUSD")->native == "PF_AAPLxUSD");
  CHECK(all.find("Kraken", "futures", "PF_AAPLXUSD")->native == "PF_AAPLXUSD");
  CHECK(all.find("Kraken", "futures", "pf_aaplxusd") == nullptr);
  CHECK(all.find("Kraken", "spot", "PF_XBTUSD") == nullptr);
  CHECK(all.find("OKX", "spot", "BTC-USDT") == nullptr);
}

TEST_CASE("resolving a wanted name: market, preference, refusal, override, hint") {
  Instruments all;
  fill(all);
  CHECK(native_of(all.resolve("Kraken", {"spot"}, "BTCUSD")) == "BTC/USD");
  CHECK(native_of(all.resolve("Kraken", {"futures"}, "BTCUSD")) == "PF_XBTUSD");
  CHECK(native_of(all.resolve("Kraken", {"futures"}, "PI_XBTUSD")) == "PI_XBTUSD");
  CHECK(native_of(all.resolve("Bybit", {"inverse"}, "BTCUSD")) == "BTCUSD");
  CHECK(native_of(all.resolve("Bybit", {"linear"}, "BTCUSDC")) == "BTCPERP");

  // An inverse contract of a market that has linear ones is reached by its own name or an override only.
  const auto inverse_only = all.resolve("Kraken", {"futures"}, "LTCUSD");
  REQUIRE_FALSE(inverse_only.has_value());
  all.set_override("LTCUSD", "Kraken", "PI_LTCUSD");
  CHECK(native_of(all.resolve("Kraken", {"futures"}, "LTCUSD")) == "PI_LTCUSD");
  all.set_override("BTCUSDT", "Kraken", "XBT/USDT");
  CHECK(native_of(all.resolve("Kraken", {"spot"}, "BTCUSDT")) == "BTC/USDT");

  // An override gives a name also to what has none of its own.
  all.set_override("PEPEKUSDT", "Bybit", "1000PEPEUSDT");
  const auto lots = all.resolve("Bybit", {"linear"}, "PEPEKUSDT");
  CHECK(native_of(lots) == "1000PEPEUSDT");
  CHECK((*lots)->canonical == "PEPEKUSDT");
  CHECK(all.find("Bybit", "linear", "1000PEPEUSDT")->canonical.empty());

  const auto two = all.resolve("Kraken", {"spot", "futures"}, "BTCUSD");
  REQUIRE_FALSE(two.has_value());
  CHECK(two.error().kind == ErrorKind::kBadRequest);
  CHECK(two.error().text.find("spot") != std::string::npos);
  CHECK(two.error().text.find("futures") != std::string::npos);
  REQUIRE_FALSE(all.resolve("Bybit", {}, "BTCUSDT").has_value());  // spot and linear

  const auto typo = all.resolve("Kraken", {"spot"}, "BTCUSDd");
  REQUIRE_FALSE(typo.has_value());
  CHECK(typo.error().text.find("did you mean 'BTCUSD'?") != std::string::npos);
  const auto elsewhere = all.resolve("Bybit", {"spot"}, "BTCUSD");
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().text.find("market 'inverse' has it") != std::string::npos);
  CHECK_FALSE(all.resolve("OKX", {}, "BTCUSDT").has_value());
}

TEST_CASE("lessons 39: a refreshed list may complete an instrument and may not change what it is") {
  Instruments all;
  Instrument bare = row("Bybit", "linear", "ETHUSDT", "", "", InstrumentKind::kUnknown);
  REQUIRE(all.add(bare).value() == Registered::kNew);
  CHECK(all.find("Bybit", "linear", "ETHUSDT")->canonical.empty());
  Instrument full = row("Bybit", "linear", "ETHUSDT", "ETH", "USDT", kLinear);
  full.tick = Decimal::of("0.01");
  CHECK(all.add(full).value() == Registered::kCompleted);
  CHECK(all.find("Bybit", "linear", "ETHUSDT")->canonical == "ETHUSDT");
  CHECK(native_of(all.resolve("Bybit", {"linear"}, "ETHUSDT")) == "ETHUSDT");
  CHECK(all.add(full).value() == Registered::kUnchanged);
  full.tick = Decimal::of("0.05");
  CHECK(all.add(full).value() == Registered::kCompleted);

  SECTION("another base") {
    CHECK(all.add(row("Bybit", "linear", "ETHUSDT", "ETHW", "USDT", kLinear)).value() ==
          Registered::kFrozen);
    CHECK(all.frozen("Bybit", "linear", "ETHUSDT").find("base was ETH and is now ETHW") !=
          std::string::npos);
    const auto refused = all.resolve("Bybit", {"linear"}, "ETHUSDT");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().text.find("frozen") != std::string::npos);
    CHECK(all.add(full).value() == Registered::kFrozen);  // it does not thaw by itself
  }
  SECTION("another contract size") {
    full.contract_size = 10;
    CHECK(all.add(full).value() == Registered::kFrozen);
  }
  SECTION("an id that now names another instrument freezes both") {
    REQUIRE(all.add(full, {}, 7).value() == Registered::kUnchanged);
    REQUIRE(all.add(row("Bybit", "linear", "SOLUSDT", "SOL", "USDT", kLinear), {}, 7).value() ==
            Registered::kFrozen);
    CHECK_FALSE(all.frozen("Bybit", "linear", "ETHUSDT").empty());
    CHECK_FALSE(all.frozen("Bybit", "linear", "SOLUSDT").empty());
  }
  CHECK_FALSE(all.add(row("", "linear", "X", "", "", kLinear)).has_value());
  CHECK_FALSE(all.add(row("Bybit", "linear", "", "", "", kLinear)).has_value());
}

TEST_CASE("the list comes in order and knows its venue") {
  Instruments all;
  fill(all);
  CHECK(all.list("Kraken").size() == 7);
  CHECK(all.list().size() == 12);
  CHECK(all.list("Bybit").front()->market == "inverse");
}
