// The settle room's RateSource over the market room's journal: settlement takes its rates from the
// aggregate. Thread: any. The journal must outlive it.
#pragma once
#include <optional>
#include <string>

#include "market/rates.hpp"
#include "settle/money.hpp"

namespace anduin::pipeline {

class AggregateRates final : public settle::RateSource {
 public:
  explicit AggregateRates(const market::RateJournal& journal) : journal_(journal) {}

  [[nodiscard]] std::optional<settle::Rate> usd_price(std::string_view currency,
                                                      std::int64_t at_ms) const override {
    const auto found = journal_.usd_price(currency, at_ms, settle::kRateAgeMaxMs);
    if (!found) return std::nullopt;
    return settle::Rate{found->usd, found->at_ms, "aggregate " + found->symbol + " bid"};
  }

  [[nodiscard]] std::optional<settle::Rate> symbol_price(std::string_view symbol, std::int64_t at_ms) const override {
    const auto found = journal_.price(symbol, at_ms, settle::kRateAgeMaxMs);
    if (!found) return std::nullopt;
    return settle::Rate{found->usd, found->at_ms, "aggregate " + found->symbol + " bid"};
  }

 private:
  const market::RateJournal& journal_;
};

}  // namespace anduin::pipeline
