#include "pipeline/inbound_prices.hpp"

#include "base/log.hpp"

namespace anduin::pipeline {

InboundPrices::InboundPrices(const VenueSettings& settings, std::string display, const market::Instruments& registry,
                             market::Aggregator& aggregator)
    : settings_(settings), display_(std::move(display)), registry_(registry), aggregator_(aggregator) {}

/// With the first price: the public instance has listed its instruments by then.
void InboundPrices::resolve() {
  resolved_ = true;
  for (const std::string& symbol : settings_.symbols) {
    const auto found = registry_.resolve(display_, {}, symbol);
    if (!found) continue;  // said by the public side
    const Instrument& i = **found;
    auto feed = aggregator_.feed(i, i.canonical.empty() ? i.native : i.canonical);
    if (feed) lines_[i.native].feed = *feed;
  }
}

void InboundPrices::update(const std::string& account, const std::string& native, const market::Quote& quote) {
  if (!resolved_) resolve();
  const auto it = lines_.find(native);
  if (it == lines_.end()) return;
  Line& line = it->second;
  if (line.speaker != account) {
    if (!line.speaker.empty() && quote.received_mono_ns - line.last_mono_ns < kSilentNs) return;
    if (!line.speaker.empty()) {
      spdlog::info("[{}] {} is priced by account {} from now on, {} is silent", settings_.name, native, account, line.speaker);
      aggregator_.remove(*line.feed, market::Out::kDisconnected);  // another broker's lag and spread
    }
    line.speaker = account;
  }
  line.last_mono_ns = quote.received_mono_ns;
  aggregator_.update(*line.feed, quote);
}

void InboundPrices::withdraw(const std::string& account, const std::string& native) {
  const auto it = lines_.find(native);
  if (it == lines_.end() || it->second.speaker != account) return;
  aggregator_.remove(*it->second.feed, market::Out::kDisconnected);
}

}  // namespace anduin::pipeline
