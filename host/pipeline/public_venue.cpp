#include "pipeline/public_venue.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "pipeline/market_option.hpp"
#include "venue/live_transport.hpp"

namespace anduin::pipeline {

using venue::FeedState;

class PublicVenue::Instance final : public venue::RunnerEvents {
 public:
  Instance(PublicVenue& owner, std::string market)
      : owner_(owner), market_(std::move(market)), transport_(*owner.shared_.loop, *owner.shared_.http, owner.shared_.tls) {}
  ~Instance() override {
    transport_.attach(nullptr);
    runner_.reset();
  }

  Result<void> start() {
    const VenueSettings& s = *owner_.shared_.settings;
    venue::RunnerOptions o;
    o.label = s.name + (market_.empty() ? "" : "/" + market_);
    o.feeds = gives_prices() ? std::vector<std::string>{"prices", "instruments"} : std::vector<std::string>{"instruments"};
    o.options = options_with_markets(owner_.shared_.library->manifest(), s.options_json,
                                     market_.empty() ? std::vector<std::string>() : std::vector<std::string>{market_});
    o.outbound.endpoints = s.endpoints;
    o.outbound.budgets = owner_.shared_.budgets;
    auto made = venue::Runner::start(owner_.shared_.library, std::move(o), transport_, *owner_.shared_.clock,
                                     *owner_.shared_.random, *this);
    if (!made) return made.error();
    runner_ = std::move(*made);
    transport_.attach(runner_.get());
    if (!listed()) instruments_known_ = true;
    return {};
  }

  [[nodiscard]] bool listed() const { return owner_.shared_.library->manifest().instruments_listed; }
  [[nodiscard]] const std::string& market() const { return market_; }
  /// Prices are wanted of the venue's own markets; other instances serve accounts with their instrument list.
  [[nodiscard]] bool gives_prices() const {
    const VenueSettings& s = *owner_.shared_.settings;
    return !s.symbols.empty() && (s.markets.empty() || std::find(s.markets.begin(), s.markets.end(), market_) != s.markets.end());
  }
  [[nodiscard]] bool instruments_known() const { return instruments_known_; }
  [[nodiscard]] Health health() const {
    Health h;
    h.problem = problem_;
    h.prices = prices_;
    if (!runner_) return h;
    const auto connections = runner_->connections();
    const bool inbound = !owner_.shared_.library->manifest().inbound.scheme.empty();  // it dials nobody
    h.connected = gives_prices() && !inbound ? !connections.empty() : instruments_known_;
    for (const auto& c : connections) {
      h.connected = h.connected && c.open;
      h.losses += c.losses;
    }
    return h;
  }

  /// These native names are wanted from now on; each feeds its place in the aggregate.
  void want(const std::map<std::string, market::Aggregator::Feed*>& feeds) {
    std::vector<std::string> added, removed;
    for (const auto& [native, feed] : feeds)
      if (!feeds_.contains(native)) added.push_back(native);
    for (const auto& [native, feed] : feeds_)
      if (!feeds.contains(native)) removed.push_back(native);
    feeds_ = feeds;
    for (std::size_t id = 0; id < natives_.size(); ++id) slots_[id] = feed_of(natives_[id]);
    if (!added.empty() || !removed.empty()) runner_->set_symbols(added, removed);
  }

  // -- RunnerEvents ----------------------------------------------------------------------------------------------
  void on_instrument(const venue::InstrumentReport& r) override {
    if (r.id >= natives_.size()) {
      natives_.resize(std::size_t{r.id} + 1);
      slots_.resize(natives_.size(), nullptr);
    }
    natives_[r.id] = r.instrument.native;
    slots_[r.id] = feed_of(r.instrument.native);
    auto added = owner_.registry_.add(r.instrument, r.aliases);
    if (!added) {
      spdlog::warn("[{}] instrument {}: {}", label(), r.instrument.native, added.error().to_string());
    } else if (*added == market::Registered::kFrozen) {
      spdlog::error("[{}] instrument {} now names something else: frozen until a person looks", label(), r.instrument.native);
      if (slots_[r.id]) owner_.aggregator_.remove(*slots_[r.id], market::Out::kFrozen);
    }
  }

  void on_price(const venue::PriceReport& p) override {
    if (p.instrument >= slots_.size() || !slots_[p.instrument]) return;
    ++prices_;
    owner_.aggregator_.update(*slots_[p.instrument], {p.bid, p.ask, p.venue_ms, p.received_mono_ns, p.received_ms});
  }

  void on_withdrawn(std::uint32_t instrument, bool disconnected) override {
    if (instrument < slots_.size() && slots_[instrument])
      owner_.aggregator_.remove(*slots_[instrument], disconnected ? market::Out::kDisconnected : market::Out::kWithdrawn);
  }

  void on_funding(const venue::FundingReport& f) override {
    if (f.instrument >= slots_.size() || !slots_[f.instrument]) return;
    spdlog::debug("[{}] funding of {}: {} at {}", label(), natives_[f.instrument], f.rate.to_string(), f.due_ms);
  }

  void on_status(std::string_view feed, FeedState state, std::string_view detail) override {
    if (state == FeedState::kReady) {
      spdlog::info("[{}] {} ready {}", label(), feed, detail);
      problem_.clear();
    } else {
      problem_ = std::string(feed) + ": " + std::string(detail);
      spdlog::warn("[{}] {} {}: {}", label(), feed, state == FeedState::kFailed ? "failed" : "resync", detail);
    }
    if (feed == "instruments" && state == FeedState::kReady) {
      instruments_known_ = true;
      transport_.post([this] { owner_.resolve(); });
    }
  }

  void on_error(const Error& e, bool fatal) override {
    problem_ = e.to_string();
    spdlog::log(fatal ? spdlog::level::err : spdlog::level::warn, "[{}] {}", label(), problem_);
  }

  void on_connection(std::uint32_t, bool open, std::string_view detail) override {
    if (open) {
      spdlog::info("[{}] connected to {}", label(), detail);
      problem_.clear();
      return;
    }
    spdlog::warn("[{}] disconnected: {}", label(), detail);
  }

 private:
  [[nodiscard]] std::string label() const {
    return owner_.shared_.settings->name + (market_.empty() ? "" : "/" + market_);
  }
  [[nodiscard]] market::Aggregator::Feed* feed_of(const std::string& native) const {
    const auto it = feeds_.find(native);
    return it == feeds_.end() ? nullptr : it->second;
  }

  PublicVenue& owner_;
  std::string market_;
  venue::LiveTransport transport_;
  std::unique_ptr<venue::Runner> runner_;
  std::map<std::string, market::Aggregator::Feed*> feeds_;  ///< wanted, by native name
  std::vector<std::string> natives_;                        ///< by instrument id
  std::vector<market::Aggregator::Feed*> slots_;            ///< by instrument id; null = not wanted
  bool instruments_known_ = false;
  std::uint64_t prices_ = 0;
  std::string problem_;
};

PublicVenue::PublicVenue(VenueShared shared, market::Instruments& registry, market::Aggregator& aggregator)
    : shared_(std::move(shared)), registry_(registry), aggregator_(aggregator) {}
PublicVenue::~PublicVenue() = default;

Result<std::unique_ptr<PublicVenue>> PublicVenue::start(VenueShared shared, std::vector<std::string> markets,
                                                        market::Instruments& registry, market::Aggregator& aggregator) {
  std::unique_ptr<PublicVenue> made(new PublicVenue(std::move(shared), registry, aggregator));
  if (markets.empty()) markets.emplace_back();
  for (std::string& market : markets) made->instances_.push_back(std::make_unique<Instance>(*made, std::move(market)));
  for (auto& instance : made->instances_)
    if (auto ok = instance->start(); !ok) return ok.error();
  // A host that is stopped at once destroys this before the loop comes to it.
  made->shared_.loop->post([raw = made.get(), alive = std::weak_ptr<const bool>(made->alive_)] {
    if (!alive.expired()) raw->resolve();
  });
  return made;
}

bool PublicVenue::instruments_known(const std::string& market) const {
  return std::any_of(instances_.begin(), instances_.end(),
                     [&](const auto& i) { return i->market() == market && i->instruments_known(); });
}

PublicVenue::Health PublicVenue::health() const {
  Health all;
  all.connected = true;
  for (const auto& i : instances_) {
    const Health h = i->health();
    all.connected = all.connected && h.connected;
    all.losses += h.losses;
    all.prices += h.prices;
    if (!h.problem.empty()) all.problem = h.problem;
  }
  return all;
}

/// Once every market's list is known, each wanted symbol finds its instrument and its market.
void PublicVenue::resolve() {
  if (!std::all_of(instances_.begin(), instances_.end(),
                   [](const auto& i) { return i->instruments_known() || !i->gives_prices(); }))
    return;
  const VenueSettings& s = *shared_.settings;
  const std::string& display = shared_.library->manifest().venue_name;
  std::map<std::string, std::map<std::string, market::Aggregator::Feed*>> by_market;
  std::vector<std::string> markets;
  for (const auto& i : instances_)
    if (!i->market().empty() && i->gives_prices()) markets.push_back(i->market());
  const auto place = [&](const Instrument& instrument, const std::string& symbol) {
    auto feed = aggregator_.feed(instrument, symbol);
    if (!feed) {
      spdlog::error("[{}] {}: {}", s.name, symbol, feed.error().to_string());
      return;
    }
    // A plugin without an option `market` has one instance, which serves whatever its list holds.
    const std::string& only = instances_.front()->market();
    by_market[instances_.front()->listed() && !only.empty() ? instrument.market : only][instrument.native] = *feed;
  };
  for (const std::string& symbol : s.symbols) {
    if (!instances_.front()->listed()) {  // names are passed on as written
      Instrument plain;
      plain.venue = display;
      plain.market = instances_.front()->market();
      plain.native = plain.canonical = symbol;
      place(plain, symbol);
      continue;
    }
    auto found = registry_.resolve(display, markets, symbol);
    if (!found) {
      spdlog::error("[{}] {}", s.name, found.error().to_string());
      continue;
    }
    place(**found, (*found)->canonical.empty() ? (*found)->native : (*found)->canonical);
  }
  for (auto& i : instances_)
    if (i->gives_prices()) i->want(by_market[i->market()]);
}

}  // namespace anduin::pipeline
