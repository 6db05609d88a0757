#include "market/rates.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "market/price_json.hpp"

using namespace anduin;
using namespace anduin::market;

namespace {

PriceEvent event(std::string_view symbol, std::uint64_t sequence, std::int64_t at_ms, int bid,
                 Standing standing = Standing::kUnconfirmed) {
  PriceEvent e;
  e.symbol = symbol;
  e.sequence = sequence;
  e.received_ms = at_ms;
  e.bid = standing == Standing::kUnconfirmed ? Decimal(bid) : Decimal();
  e.ask = bid + 1;
  e.standing = standing;
  return e;
}
constexpr std::int64_t kAge = 30'000;

}  // namespace

TEST_CASE("the last bid at or before a time, not older than asked, not younger") {
  RateJournal journal;
  journal.on_price(event("BTCUSDT", 1, 10'000, 100));
  journal.on_price(event("BTCUSDT", 2, 20'000, 200));
  CHECK_FALSE(journal.usd_price("BTC", 9'999, kAge));
  CHECK(journal.usd_price("BTC", 10'000, kAge)->usd == Decimal(100));
  CHECK(journal.usd_price("BTC", 19'999, kAge)->usd == Decimal(100));
  CHECK(journal.usd_price("BTC", 50'000, kAge)->usd == Decimal(200));
  CHECK(journal.usd_price("BTC", 50'000, kAge)->symbol == "BTCUSDT");
  CHECK_FALSE(journal.usd_price("BTC", 50'001, kAge));
  CHECK_FALSE(journal.usd_price("ETH", 20'000, kAge));
}

TEST_CASE("a disputed or absent price is no rate, and does not fall back to an older one") {
  RateJournal journal;
  journal.on_price(event("BTCUSDT", 1, 10'000, 100));
  journal.on_price(event("BTCUSDT", 2, 10'100, 0, Standing::kDisputed));
  CHECK(journal.usd_price("BTC", 10'050, kAge));
  CHECK_FALSE(journal.usd_price("BTC", 10'100, kAge));
  journal.on_price(event("BTCUSDT", 3, 10'200, 101));
  CHECK(journal.usd_price("BTC", 10'200, kAge)->usd == Decimal(101));
}

TEST_CASE("dollars first, then dollar coins, a dollar coin is not priced in itself") {
  RateJournal journal;
  journal.on_price(event("BTCUSDC", 1, 10'000, 3));
  CHECK(journal.usd_price("BTC", 10'000, kAge)->symbol == "BTCUSDC");
  journal.on_price(event("BTCUSDT", 1, 10'000, 2));
  CHECK(journal.usd_price("BTC", 10'000, kAge)->symbol == "BTCUSDT");
  journal.on_price(event("BTCUSD", 1, 10'000, 1));
  CHECK(journal.usd_price("BTC", 10'000, kAge)->symbol == "BTCUSD");
  journal.on_price(event("USDTUSD", 1, 10'000, 1));
  CHECK(journal.usd_price("USDT", 10'000, kAge)->usd == Decimal(1));
}

TEST_CASE("a minute is kept at a quarter second's grain, however fast prices come") {
  RateJournal journal;
  for (int i = 0; i < 120'000; ++i) {
    journal.on_price(event("BTCUSDT", static_cast<std::uint64_t>(i) + 1, 1'000'000 + i, i));
  }
  const std::int64_t end = 1'000'000 + 119'999;
  for (std::int64_t back = 0; back <= 59'000; back += 777) {
    const auto found = journal.usd_price("BTC", end - back, kAge);
    REQUIRE(found);
    CHECK(found->at_ms <= end - back);
    CHECK(found->at_ms > end - back - RateJournal::kGrainMs);
    CHECK(found->usd == Decimal(static_cast<int>(found->at_ms - 1'000'000)));
  }
  CHECK_FALSE(journal.usd_price("BTC", end - 61'000, kAge));
  // An event that was overtaken on its way changes nothing.
  journal.on_price(event("BTCUSDT", 5, end + 10'000, 7));
  CHECK(journal.usd_price("BTC", end + 10'000, kAge)->usd == Decimal(119'999));
}

TEST_CASE("the journal follows an aggregator") {
  ManualClock clock;
  Aggregator aggregator(clock, {});
  RateJournal journal;
  aggregator.subscribe([&](const PriceEvent& e) { journal.on_price(e); });
  Instrument instrument;
  instrument.venue = "Bybit";
  auto& feed = *aggregator.feed(instrument, "BTCUSDT").value();
  aggregator.update(feed, Quote{Decimal(100), Decimal(101), 0, clock.mono_ns(), clock.wall_ms()});
  const std::int64_t then = clock.wall_ms();
  CHECK(journal.usd_price("BTC", then, kAge)->usd == Decimal(100));
  clock.advance_ms(1'000);
  aggregator.disconnect("Bybit");
  CHECK_FALSE(journal.usd_price("BTC", clock.wall_ms(), kAge));
  CHECK(journal.usd_price("BTC", then, kAge));
}

TEST_CASE("the aggregate as JSON has the seed's fields and exact digits") {
  ManualClock clock;
  Aggregator aggregator(clock, {});
  Instrument bybit, kraken;
  bybit.venue = "Bybit";
  bybit.market = "linear";
  bybit.kind = InstrumentKind::kLinearPerpetual;
  kraken.venue = "Kra\"ken";
  auto& a = *aggregator.feed(bybit, "BTCUSDT").value();
  REQUIRE(aggregator.feed(kraken, "BTCUSDT").has_value());
  const auto bid = Decimal::of("43250.500000000000000001");
  aggregator.update(a, Quote{bid, Decimal(43251), 1'708'032'000'123, clock.mono_ns(), clock.wall_ms()});
  clock.advance_ms(5);
  const std::string text = to_json(*aggregator.get("BTCUSDT"));
  CHECK(
      text.find("\"bestBid\":43250.500000000000000001,\"bestAsk\":43251,\"spread\":0.499999999999999999") !=
      std::string::npos);
  const auto j = nlohmann::json::parse(text);
  CHECK(j["symbol"] == "BTCUSDT");
  CHECK(j["timestamp"] == 1'708'032'000'123);
  CHECK(j["standing"] == "unconfirmed");
  CHECK(j["venues"]["Bybit"]["ageMs"] == 5);
  CHECK(j["venues"]["Bybit"]["kind"] == "linear perpetual");
  CHECK(j["venues"]["Bybit"]["out"].is_null());
  CHECK(j["venues"]["Kra\"ken"]["out"] == "no_quote");
  CHECK(j["venues"]["Kra\"ken"]["bid"].is_null());
  aggregator.disconnect("Bybit");
  const auto gone = nlohmann::json::parse(to_json(*aggregator.get("BTCUSDT")));
  CHECK(gone["bestBid"].is_null());
  CHECK(gone["medianMid"].is_null());
  CHECK(gone["venues"]["Bybit"]["out"] == "disconnected");
}
