// Prices that trusted accounts of one inbound venue post, on their way into the aggregate: one account speaks for a
// symbol at a time, another takes over when it has gone silent (two brokers taking turns would be one noisy venue).
// Thread: the loop's. Lifetime: settings, registry and aggregator outlive it.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "market/aggregator.hpp"
#include "market/symbols.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

class InboundPrices {
 public:
  /// An account that has not priced a symbol for this long gives it up.
  static constexpr std::uint64_t kSilentNs = 30'000'000'000;

  InboundPrices(const VenueSettings& settings, std::string display, const market::Instruments& registry,
                market::Aggregator& aggregator);

  /// Ignored unless the pipeline wants the symbol and no other account speaks for it.
  void update(const std::string& account, const std::string& native, const market::Quote& quote);
  void withdraw(const std::string& account, const std::string& native);

 private:
  struct Line {
    market::Aggregator::Feed* feed = nullptr;
    std::string speaker;
    std::uint64_t last_mono_ns = 0;
  };
  void resolve();

  const VenueSettings& settings_;
  std::string display_;
  const market::Instruments& registry_;
  market::Aggregator& aggregator_;
  bool resolved_ = false;
  std::map<std::string, Line> lines_;  ///< wanted symbols, by native name
};

}  // namespace anduin::pipeline
