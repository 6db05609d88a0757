#include "market/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace anduin::market {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
/// Digits after the point of derived prices (interfaces: event lines).
constexpr int kDerivedDecimals = 8;
/// Within these, sums and differences of prices always fit the 38 digits of a Decimal.
constexpr double kPriceMax = 1e15;
constexpr std::int32_t kPriceExponentMin = -20;
/// Two prices whose binary floats differ by more than this share of them are ordered by the floats; the conversion
/// is good to 1e-14. Closer ones are compared exactly.
constexpr double kSureShare = 1e-9;

/// Held for tens of nanoseconds and never over a call out, so spinning beats a system call.
class SpinLock {
 public:
  void lock() {
    for (int spins = 0; flag_.test_and_set(std::memory_order_acquire);) {
      if (++spins >= kSpinsBeforeYield) {  // the holder was descheduled: give it the processor
        std::this_thread::yield();
        spins = 0;
      }
    }
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  static constexpr int kSpinsBeforeYield = 100;
  std::atomic_flag flag_;
};

constexpr std::array kPow10{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// to_double_for_statistics() with a table for the exponents and mantissas that prices have.
double statistic(const Decimal& d) {
  const auto narrow = static_cast<std::int64_t>(d.mantissa());
  const std::int32_t e = d.exp10();
  if (narrow == d.mantissa() && e <= 0 && -e < static_cast<std::int32_t>(kPow10.size())) {
    return static_cast<double>(narrow) / kPow10[static_cast<std::size_t>(-e)];
  }
  return d.to_double_for_statistics();
}

/// A price with its statistic beside it: exact order at the cost of a float comparison.
struct Price {
  Decimal exact;
  double about = 0;
};
bool less(const Price& a, const Price& b) {
  const double difference = a.about - b.about;
  const double unsure = kSureShare * b.about;
  if (difference < -unsure) return true;
  if (difference > unsure) return false;
  return a.exact < b.exact;
}
bool same(const Decimal& a, const Decimal& b) {
  return a.mantissa() == b.mantissa() && a.exp10() == b.exp10();
}

}  // namespace

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kNone: return "none";
    case Standing::kUnconfirmed: return "unconfirmed";
    case Standing::kConfirmed: return "confirmed";
    case Standing::kDisputed: return "disputed";
  }
  return "unknown";
}

/// One symbol with all its feeds. Everything below `lock` is guarded by it.
struct Aggregator::Symbol {
  struct Slot {
    std::string venue, market, native;
    InstrumentKind kind = InstrumentKind::kUnknown;
    double tick = 0;
    VenueTimeGate time;
    SpreadGate spread;
    OwnHistoryGate history;
    std::int64_t venue_ms = 0, received_ms = 0;
    std::array<std::uint64_t, kOutCount> refused{};
    std::uint64_t accepted = 0;
  };

  std::string name;
  std::uint32_t id = 0;
  std::array<Feed, kFeedsPerSymbolMax> feeds{};

  mutable SpinLock lock;
  std::size_t count = 0;
  std::uint64_t now_ns = 0;
  // What every update scans, apart from what only a feed's own update touches.
  std::array<std::uint64_t, kFeedsPerSymbolMax> received_ns{};
  std::array<Out, kFeedsPerSymbolMax> own{};    ///< verdict of the feed's own gates
  std::array<Out, kFeedsPerSymbolMax> final{};  ///< with staleness and the cross-venue gate
  std::array<double, kFeedsPerSymbolMax> mid{};
  std::array<Price, kFeedsPerSymbolMax> bid, ask;
  std::array<std::uint8_t, kFeedsPerSymbolMax> order{};  ///< slots, nearly sorted by mid since the last time
  std::array<Slot, kFeedsPerSymbolMax> slots;

  // The aggregate as of the last evaluate().
  Standing standing = Standing::kNone;
  std::uint8_t fresh = 0, in = 0;
  std::uint32_t in_mask = 0;
  std::size_t best_bid = 0, best_ask = 0;  ///< slots

  // What subscribers were last told.
  std::uint64_t sequence = 0;
  Standing told_standing = Standing::kNone;
  std::uint32_t told_mask = 0;
  Decimal told_bid, told_ask;

  Out own_gates(std::size_t i, const Quote& quote, const GateOptions& options);
  void evaluate(std::uint64_t at_ns, const GateOptions& options);
  void judge(std::size_t sorted_count, const std::array<double, kFeedsPerSymbolMax>& mids,
             const std::array<std::uint8_t, kFeedsPerSymbolMax>& who, const GateOptions& options);
  [[nodiscard]] bool has_price() const {
    return standing == Standing::kConfirmed || standing == Standing::kUnconfirmed;
  }
  [[nodiscard]] bool news() const {
    if (standing != told_standing || in_mask != told_mask) return true;
    return has_price() && !(same(bid[best_bid].exact, told_bid) && same(ask[best_ask].exact, told_ask));
  }
  [[nodiscard]] std::int64_t newest_ms() const;
  [[nodiscard]] PriceEvent tell(std::int64_t received_ms);
  void forget(std::size_t i) {
    slots[i].time.reset();
    slots[i].spread.reset();
    slots[i].history.reset();
  }
};

/// Gates 1 to 3 on the quote that has just been stored in slot i.
Out Aggregator::Symbol::own_gates(std::size_t i, const Quote& quote, const GateOptions& options) {
  if (quote.bid.sign() <= 0 || quote.ask.sign() <= 0) return Out::kNotPrice;
  if (std::min(quote.bid.exp10(), quote.ask.exp10()) < kPriceExponentMin) return Out::kNotPrice;
  if (!(bid[i].about < kPriceMax && ask[i].about < kPriceMax)) return Out::kNotPrice;
  if (less(ask[i], bid[i])) return Out::kCrossed;
  Slot& slot = slots[i];
  if (!slot.time.passes(quote.venue_ms, quote.received_ms, options)) return Out::kVenueTime;
  const double per_bp = 1e4 / mid[i];
  if (!slot.spread.passes((ask[i].about - bid[i].about) * per_bp, quote.received_mono_ns, options)) return Out::kSpread;
  if (!slot.history.passes(mid[i], slot.tick * per_bp, quote.received_mono_ns, options)) return Out::kOwnHistory;
  return Out::kIn;
}

/// Staleness and the cross-venue gate over all feeds, then the best prices.
void Aggregator::Symbol::evaluate(std::uint64_t at_ns, const GateOptions& options) {
  const std::uint64_t stale_ns = static_cast<std::uint64_t>(options.stale_after_ms) * kNsPerMs;
  std::array<double, kFeedsPerSymbolMax> mids;
  std::array<std::uint8_t, kFeedsPerSymbolMax> who;
  std::array<std::uint8_t, kFeedsPerSymbolMax> next_order;
  std::size_t n = 0, others = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const std::uint8_t i = order[k];
    if (own[i] == Out::kOwnHistory && options.own_history_hold_ms >= 0 &&
        at_ns >= slots[i].history.waiting_since_ns() +
                     static_cast<std::uint64_t>(options.own_history_hold_ms) * kNsPerMs) {
      slots[i].history.accept(mid[i], received_ns[i]);  // it has stood long enough to be the price
      own[i] = Out::kIn;
    }
    final[i] = own[i];
    if (own[i] == Out::kIn && at_ns > received_ns[i] + stale_ns) final[i] = Out::kStale;
    if (final[i] != Out::kIn) {
      next_order[kFeedsPerSymbolMax - ++others] = i;
      continue;
    }
    std::size_t at = n++;
    for (; at > 0 && mids[at - 1] > mid[i]; --at) {
      mids[at] = mids[at - 1];
      who[at] = who[at - 1];
    }
    mids[at] = mid[i];
    who[at] = i;
  }
  std::copy_n(who.begin(), n, order.begin());
  std::copy_n(next_order.end() - static_cast<std::ptrdiff_t>(others), others,
              order.begin() + static_cast<std::ptrdiff_t>(n));
  judge(n, mids, who, options);
}

void Aggregator::Symbol::judge(std::size_t n, const std::array<double, kFeedsPerSymbolMax>& mids,
                               const std::array<std::uint8_t, kFeedsPerSymbolMax>& who, const GateOptions& options) {
  const CrossVerdict verdict = cross_venue(std::span(mids.data(), n), options);
  fresh = static_cast<std::uint8_t>(n);
  in = 0;
  in_mask = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = who[k];
    if (std::abs(mids[k] - verdict.median) > verdict.limit) {
      final[i] = Out::kCrossVenue;
      continue;
    }
    in_mask |= 1U << i;
    if (in++ == 0) {
      best_bid = best_ask = i;
      continue;
    }
    if (less(bid[best_bid], bid[i])) best_bid = i;
    if (less(ask[i], ask[best_ask])) best_ask = i;
  }
  standing = verdict.disputed ? Standing::kDisputed
             : in == 0        ? Standing::kNone
             : n >= 3         ? Standing::kConfirmed
                              : Standing::kUnconfirmed;
}

std::int64_t Aggregator::Symbol::newest_ms() const {
  std::int64_t newest = 0;
  for (std::uint32_t left = in_mask; left != 0; left &= left - 1) {
    const Slot& slot = slots[static_cast<std::size_t>(__builtin_ctz(left))];
    newest = std::max(newest, slot.venue_ms != 0 ? slot.venue_ms : slot.received_ms);
  }
  return newest;
}

PriceEvent Aggregator::Symbol::tell(std::int64_t received_ms) {
  PriceEvent event;
  event.symbol = name;
  event.symbol_id = id;
  event.sequence = ++sequence;
  event.standing = standing;
  event.venues_in = in;
  event.venues_fresh = fresh;
  event.received_ms = received_ms;
  event.received_mono_ns = now_ns;
  event.timestamp = newest_ms();
  if (has_price()) {
    event.bid = bid[best_bid].exact;
    event.ask = ask[best_ask].exact;
  }
  event.best_changed = standing != told_standing || !same(event.bid, told_bid) || !same(event.ask, told_ask);
  told_standing = standing;
  told_mask = in_mask;
  told_bid = event.bid;
  told_ask = event.ask;
  return event;
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
  // Names are written here only, under the registry lock; updates read counts and numbers under the symbol's.
  for (std::size_t i = 0; i < s.count; ++i) {
    if (s.slots[i].venue != instrument.venue) continue;
    if (s.slots[i].market == instrument.market && s.slots[i].native == instrument.native) return &s.feeds[i];
    return refuse("already comes from " + s.slots[i].market + " (" + s.slots[i].native + "): one market of a venue per symbol");
  }
  if (s.count == kFeedsPerSymbolMax) {
    return refuse("has " + std::to_string(kFeedsPerSymbolMax) + " venues, which is the most one symbol can have");
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
  s.order[i] = static_cast<std::uint8_t>(i);
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
  PriceEvent event;
  {
    const std::lock_guard lock(s.lock);
    if (s.own[i] == Out::kFrozen) return;
    Symbol::Slot& slot = s.slots[i];
    s.bid[i] = Price{quote.bid, statistic(quote.bid)};
    s.ask[i] = Price{quote.ask, statistic(quote.ask)};
    s.mid[i] = (s.bid[i].about + s.ask[i].about) / 2;
    s.received_ns[i] = quote.received_mono_ns;
    slot.venue_ms = quote.venue_ms;
    slot.received_ms = quote.received_ms;
    s.now_ns = std::max(s.now_ns, quote.received_mono_ns);
    s.own[i] = s.own_gates(i, quote, options_);
    s.evaluate(s.now_ns, options_);
    if (s.final[i] == Out::kIn) {
      ++slot.accepted;
    } else {
      ++slot.refused[static_cast<std::size_t>(s.final[i])];
    }
    event = s.tell(quote.received_ms);
  }
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
  PriceEvent event;
  {
    const std::lock_guard lock(s.lock);
    s.received_ns[feed.slot] = std::max(s.received_ns[feed.slot], received_mono_ns);
    s.now_ns = std::max(s.now_ns, received_mono_ns);
    s.evaluate(s.now_ns, options_);
    if (!s.news()) return;
    event = s.tell(received_ms);
  }
  publish(event);
}

void Aggregator::remove(Feed& feed, Out why) {
  Symbol& s = *feed.symbol;
  const std::uint64_t now = clock_.mono_ns();
  PriceEvent event;
  {
    const std::lock_guard lock(s.lock);
    if (s.own[feed.slot] == Out::kFrozen || s.own[feed.slot] == why) return;
    s.own[feed.slot] = why;
    if (why != Out::kWithdrawn) s.forget(feed.slot);
    s.now_ns = std::max(s.now_ns, now);
    s.evaluate(s.now_ns, options_);
    if (!s.news()) return;
    event = s.tell(clock_.wall_ms());
  }
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
    PriceEvent event;
    {
      const std::lock_guard lock(s->lock);
      s->now_ns = std::max(s->now_ns, now);
      s->evaluate(s->now_ns, options_);
      if (!s->news()) continue;
      event = s->tell(wall_ms);
    }
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
    out.timestamp = s->newest_ms();
    if (s->has_price()) {
      out.best_bid = s->bid[s->best_bid].exact;
      out.best_ask = s->ask[s->best_ask].exact;
    }
    for (std::size_t i = 0; i < count; ++i) {
      VenueEntry& entry = out.venues[i];
      entry.bid = s->bid[i].exact;
      entry.ask = s->ask[i].exact;
      entry.timestamp = s->slots[i].venue_ms;
      entry.age_ms = now > s->received_ns[i] ? static_cast<std::int64_t>((now - s->received_ns[i]) / kNsPerMs) : 0;
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
    out.median_mid =
        mids.size() % 2 == 1 ? mids[half] : Decimal::divide(mids[half - 1] + mids[half], 2, kDerivedDecimals);
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
