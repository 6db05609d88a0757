// What a currency was worth in dollars a short while ago: the last minute of every aggregated price, kept
// by symbol. Thread: on_price() from the aggregator's threads, usd_price() from any; one short lock per
// symbol. Lifetime: subscribe it to an aggregator that it outlives.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "anduin/decimal.hpp"
#include "market/aggregator.hpp"

namespace anduin::market {

/// A price of a currency in US dollars.
struct UsdPrice {
  Decimal usd;             ///< the aggregated best bid
  std::int64_t at_ms = 0;  ///< when it was received, ms since the epoch UTC
  std::string symbol;      ///< "BTCUSDT"
};

class RateJournal {
 public:
  /// Closes are looked up within 30 s; the double leaves room for a venue that reports late.
  static constexpr std::int64_t kKeptMs = 60'000;
  /// One entry per symbol and quarter second: a rate is a reference, not a tick. The last one of each
  /// counts.
  static constexpr std::int64_t kGrainMs = 250;

  void on_price(const PriceEvent& event);

  /// The last aggregated best bid of `currency` in dollars at or before `at_ms`, at most `age_max_ms` old:
  /// of CURRENCYUSD, else CURRENCYUSDT, else CURRENCYUSDC (dollars at par). Nothing when it was disputed or
  /// absent then.
  [[nodiscard]] std::optional<UsdPrice> usd_price(std::string_view currency, std::int64_t at_ms,
                                                  std::int64_t age_max_ms) const;
  /// The same of one symbol.
  [[nodiscard]] std::optional<UsdPrice> price(std::string_view symbol, std::int64_t at_ms,
                                              std::int64_t age_max_ms) const;

 private:
  static constexpr std::size_t kEntries = static_cast<std::size_t>(kKeptMs / kGrainMs);
  struct Entry {
    std::int64_t at_ms = 0;
    std::uint64_t sequence = 0;
    bool usable = false;  ///< false: from here on there was no price
    Decimal bid;
  };
  struct Journal {
    mutable std::mutex mutex;
    std::array<Entry, kEntries> ring;
    std::size_t count = 0, newest = 0;
  };
  Journal& journal(std::string_view symbol);

  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<Journal>, std::less<>> journals_;
};

}  // namespace anduin::market
