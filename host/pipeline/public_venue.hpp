// The public side of one venue: an instance per market, its instruments in the registry, its prices in the aggregate.
// Thread: the loop's. Lifetime: everything referred to outlives it; destroyed on the loop.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "market/aggregator.hpp"
#include "market/symbols.hpp"
#include "net/event_loop.hpp"
#include "pipeline/settings.hpp"
#include "plugin/library.hpp"
#include "venue/runner.hpp"

namespace anduin::net {
class HttpClient;
class TlsContext;
}

namespace anduin::pipeline {

class InboundPrices;

/// What all instances of one venue share.
struct VenueShared {
  std::shared_ptr<const plugin::Library> library;
  const VenueSettings* settings = nullptr;
  net::EventLoop* loop = nullptr;
  net::HttpClient* http = nullptr;
  std::shared_ptr<net::TlsContext> tls;
  std::shared_ptr<venue::HostBudgets> budgets;
  std::shared_ptr<InboundPrices> inbound_prices;  ///< null unless accounts of this venue post prices
  Clock* clock = nullptr;
  Random* random = nullptr;
};

class PublicVenue {
 public:
  /// `markets` are those wanted for prices or by accounts.
  static Result<std::unique_ptr<PublicVenue>> start(VenueShared shared, std::vector<std::string> markets,
                                                    market::Instruments& registry, market::Aggregator& aggregator);
  ~PublicVenue();

  /// True once the venue's instrument list of this market has been read.
  [[nodiscard]] bool instruments_known(const std::string& market) const;
  struct Health {
    bool connected = false;
    std::uint64_t losses = 0, prices = 0;
    std::string problem;  ///< the last one, empty when none
  };
  [[nodiscard]] Health health() const;

 private:
  class Instance;
  explicit PublicVenue(VenueShared shared, market::Instruments& registry, market::Aggregator& aggregator);
  void resolve();

  VenueShared shared_;
  market::Instruments& registry_;
  market::Aggregator& aggregator_;
  std::vector<std::unique_ptr<Instance>> instances_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  ///< ends with this object
};

}  // namespace anduin::pipeline
