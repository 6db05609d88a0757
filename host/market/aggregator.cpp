#include "market/aggregator.hpp"

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "market/symbol_state.hpp"

namespace anduin::market {
namespace {

/// Digits after the point of derived prices (interfaces: event lines).
constexpr int kDerivedDecimals = 8;

}  // namespace

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kNone:
      return "none";
    case Standing::kUnconfirmed:
      return "unconfirmed";
    case Standing::kConfirmed:
      return "confirmed";
    case Standing::kDisputed:
      return "disputed";
  }
  return "unknown";
}

Aggregator::Aggregator(const Clock& clock, GateOptions options) : clock_(clock), options_(options) {}
Aggregator::~Aggregator() = default;

Aggregator::Symbol* Aggregator::find_symbol(std::string_view symbol) const {
  const std::shared_lock lock(registry_mutex_);
  const auto found = symbols_.find(symbol);
  return found == symbols_.end() ? nullptr : found->second.get();
}

std::vector<Aggregator::Symbol*> Aggregator::all_symbols() const {
  const std::shared_lock lock(registry_mutex_);
  return in_order_;
}

void Aggregator::publish(const PriceEvent& event) const {
  for (const Subscriber& subscriber : subscribers_) subscriber(event);
}

Result<Aggregator::Feed*> Aggregator::feed(const Instrument& instrument, std::string_view symbol) {
  const std::unique_lock registry(registry_mutex_);
  auto& owned = symbols_[std::string(symbol)];
  if (owned == nullptr) {
    owned = std::make_unique<Symbol>();
    owned->name = symbol;
    owned->id = static_cast<std::uint32_t>(in_order_.size());
    in_order_.push_back(owned.get());
  }
  Symbol& s = *owned;
  const auto refuse = [&](std::string text) {
    return Error{ErrorKind::kBadRequest, std::string(symbol), std::move(text), instrument.venue};
  };
  // Names are written here only, under the registry lock; updates read counts and numbers under the
  // symbol's.
  for (std::size_t i = 0; i < s.count; ++i) {
    if (s.slots[i].venue != instrument.venue) continue;
    if (s.slots[i].market == instrument.market && s.slots[i].native == instrument.native)
      return &s.feeds[i];
    return refuse("already comes from " + s.slots[i].market + " (" + s.slots[i].native +
                  "): one market of a venue per symbol");
  }
  if (s.count == kFeedsPerSymbolMax) {
    return refuse("has " + std::to_string(kFeedsPerSymbolMax) +
                  " venues, which is the most one symbol can have");
  }
  const std::size_t i = s.count;
  Symbol::Slot slot;
  slot.venue = instrument.venue;
  slot.market = instrument.market;
  slot.native = instrument.native;
  slot.kind = instrument.kind;
  slot.tick = statistic(instrument.tick);
  const std::lock_guard lock(s.lock);
  s.slots[i] = std::move(slot);
  s.feeds[i] = Feed{&s, i};
  s.own[i] = s.final[i] = Out::kNoQuote;
  ++s.count;
  return &s.feeds[i];
}

void Aggregator::subscribe(Subscriber subscriber) {
  if (running_.load()) throw std::logic_error("Aggregator::subscribe after the first update");
  subscribers_.push_back(std::move(subscriber));
}

void Aggregator::update(Feed& feed, const Quote& quote) {
  if (!running_.load(std::memory_order_relaxed)) running_.store(true);
  Symbol& s = *feed.symbol;
  const std::size_t i = feed.slot;
  std::unique_lock lock(s.lock);
  if (s.own[i] == Out::kFrozen) return;
  Symbol::Slot& slot = s.slots[i];
  s.bid[i] = quote.bid;
  s.ask[i] = quote.ask;
  s.about_bid[i] = statistic(quote.bid);
  s.about_ask[i] = statistic(quote.ask);
  s.mid[i] = (s.about_bid[i] + s.about_ask[i]) / 2;
  s.received_ns[i] = quote.received_mono_ns;
  s.stamp_ms[i] = quote.venue_ms != 0 ? quote.venue_ms : quote.received_ms;
  slot.venue_ms = quote.venue_ms;
  s.now_ns = std::max(s.now_ns, quote.received_mono_ns);
  s.own[i] = s.own_gates(i, quote, options_);
  s.evaluate(s.now_ns, options_);
  if (s.final[i] == Out::kIn) {
    ++slot.accepted;
  } else {
    ++slot.refused[static_cast<std::size_t>(s.final[i])];
  }
  const PriceEvent event = s.tell(quote.received_ms);
  lock.unlock();
  publish(event);
}

bool Aggregator::update(const PriceUpdate& price) {
  Symbol* s = find_symbol(price.symbol);
  if (s == nullptr) return false;
  Feed* feed = nullptr;
  {
    const std::shared_lock registry(registry_mutex_);
    for (std::size_t i = 0; i < s->count && feed == nullptr; ++i) {
      if (s->slots[i].venue == price.venue && s->slots[i].market == price.market) feed = &s->feeds[i];
    }
  }
  if (feed == nullptr) return false;
  update(*feed, Quote{price.bid, price.ask, price.venue_ms, price.received_mono_ns, price.received_ms});
  return true;
}

void Aggregator::confirm(Feed& feed, std::uint64_t received_mono_ns, std::int64_t received_ms) {
  Symbol& s = *feed.symbol;
  std::unique_lock lock(s.lock);
  s.received_ns[feed.slot] = std::max(s.received_ns[feed.slot], received_mono_ns);
  s.now_ns = std::max(s.now_ns, received_mono_ns);
  s.evaluate(s.now_ns, options_);
  if (!s.news()) return;
  const PriceEvent event = s.tell(received_ms);
  lock.unlock();
  publish(event);
}

void Aggregator::remove(Feed& feed, Out why) {
  Symbol& s = *feed.symbol;
  const std::uint64_t now = clock_.mono_ns();
  std::unique_lock lock(s.lock);
  if (s.own[feed.slot] == Out::kFrozen || s.own[feed.slot] == why) return;
  s.own[feed.slot] = why;
  if (why != Out::kWithdrawn) s.forget(feed.slot);
  s.now_ns = std::max(s.now_ns, now);
  s.evaluate(s.now_ns, options_);
  if (!s.news()) return;
  const PriceEvent event = s.tell(clock_.wall_ms());
  lock.unlock();
  publish(event);
}

void Aggregator::disconnect(std::string_view venue, std::string_view market) {
  std::vector<Feed*> feeds;
  {
    const std::shared_lock registry(registry_mutex_);
    for (Symbol* s : in_order_) {
      for (std::size_t i = 0; i < s->count; ++i) {
        const bool meant = s->slots[i].venue == venue && (market.empty() || s->slots[i].market == market);
        if (meant) feeds.push_back(&s->feeds[i]);
      }
    }
  }
  for (Feed* feed : feeds) remove(*feed);
}

void Aggregator::expire() {
  const std::uint64_t now = clock_.mono_ns();
  const std::int64_t wall_ms = clock_.wall_ms();
  for (Symbol* s : all_symbols()) {
    std::unique_lock lock(s->lock);
    s->now_ns = std::max(s->now_ns, now);
    s->evaluate(s->now_ns, options_);
    if (!s->news()) continue;
    const PriceEvent event = s->tell(wall_ms);
    lock.unlock();
    publish(event);
  }
}

std::optional<AggregatedPrice> Aggregator::get(std::string_view symbol) const {
  Symbol* s = find_symbol(symbol);
  if (s == nullptr) return std::nullopt;
  const std::uint64_t now = clock_.mono_ns();
  AggregatedPrice out;
  out.symbol = s->name;
  out.venues.resize(kFeedsPerSymbolMax);  // allocated before the lock is taken
  std::size_t count = 0;
  {
    const std::lock_guard lock(s->lock);
    s->evaluate(std::max(s->now_ns, now), options_);
    count = s->count;
    out.standing = s->standing;
    out.sequence = s->sequence;
    out.timestamp = s->newest_ms;
    if (s->has_price()) {
      out.best_bid = s->bid[s->best_bid];
      out.best_ask = s->ask[s->best_ask];
    }
    for (std::size_t i = 0; i < count; ++i) {
      VenueEntry& entry = out.venues[i];
      entry.bid = s->bid[i];
      entry.ask = s->ask[i];
      entry.timestamp = s->slots[i].venue_ms;
      entry.age_ms =
          now > s->received_ns[i] ? static_cast<std::int64_t>((now - s->received_ns[i]) / kNsPerMs) : 0;
      entry.out = s->final[i];
      entry.refused = s->slots[i].refused;
      entry.accepted = s->slots[i].accepted;
    }
  }
  out.venues.resize(count);
  std::vector<Decimal> mids;
  InstrumentKind first_kind = InstrumentKind::kUnknown;
  for (std::size_t i = 0; i < count; ++i) {
    VenueEntry& entry = out.venues[i];
    entry.venue = s->slots[i].venue;  // written once, before the feed's number was in `count`
    entry.market = s->slots[i].market;
    entry.native = s->slots[i].native;
    entry.kind = s->slots[i].kind;
    if (entry.out != Out::kIn) continue;
    if (mids.empty()) first_kind = entry.kind;
    out.mixed_kinds = out.mixed_kinds || entry.kind != first_kind;
    mids.push_back(Decimal::divide(entry.bid + entry.ask, 2, kDerivedDecimals));
  }
  if (out.best_bid) {
    out.spread = *out.best_ask - *out.best_bid;
    out.crossed = out.spread->sign() < 0;
    std::sort(mids.begin(), mids.end());
    const std::size_t half = mids.size() / 2;
    out.median_mid = mids.size() % 2 == 1
                         ? mids[half]
                         : Decimal::divide(mids[half - 1] + mids[half], 2, kDerivedDecimals);
  }
  return out;
}

std::vector<std::string> Aggregator::symbols() const {
  const std::shared_lock lock(registry_mutex_);
  std::vector<std::string> names;
  for (const Symbol* s : in_order_) names.push_back(s->name);
  return names;
}

}  // namespace anduin::market
