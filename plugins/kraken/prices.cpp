#include "prices.hpp"

#include "account.hpp"
#include "futures_feed.hpp"
#include "spot_v1_feed.hpp"
#include "spot_v2_feed.hpp"

namespace anduin::kraken {

Prices::Prices(const venue::Options& options) {
  const Dialect dialect = dialect_of(options.text("dialect"));
  const std::string channel = options.text("price_channel");
  for (const Market market : markets_of(options)) {
    const auto c = static_cast<ConnId>(feeds_.size() + 1);
    const Channel chosen = channel_of(channel, market, dialect);
    if (market == Market::kFutures) feeds_.push_back(std::make_unique<FuturesFeed>(*this, c, chosen));
    else if (dialect == Dialect::kV1) feeds_.push_back(std::make_unique<SpotV1Feed>(*this, c, chosen));
    else feeds_.push_back(std::make_unique<SpotV2Feed>(*this, c, chosen));
  }
  lists_missing_ = feeds_.size();
}

Prices::~Prices() = default;

Feed* Prices::feed_of(ConnId c) { return c >= 1 && c <= feeds_.size() ? feeds_[c - 1].get() : nullptr; }

void Prices::on_start() {
  for (const auto& feed : feeds_) feed->start();
}

void Prices::on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  for (const auto& feed : feeds_) feed->symbols(added, removed);
}

void Prices::on_dial(ConnId c) {
  if (Feed* feed = feed_of(c)) open(c, feed->endpoint());
}

void Prices::on_open(ConnId c) {
  if (Feed* feed = feed_of(c)) feed->opened();
}

void Prices::on_close(ConnId c, int, std::string_view) {
  if (Feed* feed = feed_of(c)) feed->closed();
}

void Prices::on_frame(const venue::Frame& frame) {
  if (Feed* feed = feed_of(frame.connection)) feed->frame(frame);
}

void Prices::listed() {
  if (lists_missing_ > 0 && --lists_missing_ == 0) ready("instruments");
}

}  // namespace anduin::kraken

ANDUIN_PLUGIN(anduin::kraken::Prices, anduin::kraken::Account);
