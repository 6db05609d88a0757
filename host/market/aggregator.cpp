#include "market/aggregator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
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

constexpr std::array kTenthPowers{1e0,   1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,  1e-7, 1e-8,
                                  1e-9,  1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16};

/// to_double_for_statistics() by a table, for the mantissas and exponents that prices have.
double statistic(const Decimal& d) {
  const auto narrow = static_cast<std::int64_t>(d.mantissa());
  const auto decimals = static_cast<std::uint32_t>(-d.exp10());
  if (narrow == d.mantissa() && decimals < kTenthPowers.size()) {
    return static_cast<double>(narrow) * kTenthPowers[decimals];
  }
  return d.to_double_for_statistics();
}

/// Exact order of two prices, by their statistics where those are far enough apart.
bool less(const Decimal& a, double about_a, const Decimal& b, double about_b) {
  const double difference = about_a - about_b;
  const double unsure = kSureShare * about_b;
  if (difference < -unsure) return true;
  if (difference > unsure) return false;
  return a < b;
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
    std::int64_t venue_ms = 0;
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
  std::array<double, kFeedsPerSymbolMax> about_bid{}, about_ask{};
  std::array<std::int64_t, kFeedsPerSymbolMax> stamp_ms{};  ///< venue time, receive time where that is unusable
  std::array<Decimal, kFeedsPerSymbolMax> bid, ask;
  std::array<Slot, kFeedsPerSymbolMax> slots;

  // The aggregate as of the last evaluate().
  Standing standing = Standing::kNone;
  std::uint32_t fresh_mask = 0, in_mask = 0;
  std::uint8_t fresh = 0, in = 0;  ///< bits set in them
  std::size_t best_bid = 0, best_ask = 0;  ///< slots
  std::int64_t newest_ms = 0;

  // What subscribers were last told.
  std::uint64_t sequence = 0;
  Standing told_standing = Standing::kNone;
  std::uint32_t told_mask = 0;
  Decimal told_bid, told_ask;

  Out own_gates(std::size_t i, const Quote& quote, const GateOptions& options);
  void evaluate(std::uint64_t at_ns, const GateOptions& options);
  [[nodiscard]] bool nobody_can_be_out(const GateOptions& options) const;
  void compare_venues(const GateOptions& options);
  void choose_best();
  [[nodiscard]] bool has_price() const {
    return standing == Standing::kConfirmed || standing == Standing::kUnconfirmed;
  }
  [[nodiscard]] bool news() const {
    if (standing != told_standing || in_mask != told_mask) return true;
    return has_price() && !(same(bid[best_bid], told_bid) && same(ask[best_ask], told_ask));
  }
  void tell(std::int64_t received_ms, PriceEvent& event);
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
  if (!(about_bid[i] < kPriceMax && about_ask[i] < kPriceMax)) return Out::kNotPrice;
  if (less(quote.ask, about_ask[i], quote.bid, about_bid[i])) return Out::kCrossed;
  Slot& slot = slots[i];
  if (!slot.time.passes(quote.venue_ms, quote.received_ms, options)) return Out::kVenueTime;
  const double per_bp = 1e4 / mid[i];
  if (!slot.spread.passes((about_ask[i] - about_bid[i]) * per_bp, quote.received_mono_ns, options)) return Out::kSpread;
  if (!slot.history.passes(mid[i], per_bp, slot.tick, quote.received_mono_ns, options)) return Out::kOwnHistory;
  return Out::kIn;
}

/// Staleness and the cross-venue gate over all feeds, then the best prices.
void Aggregator::Symbol::evaluate(std::uint64_t at_ns, const GateOptions& options) {
  const std::uint64_t stale_ns = static_cast<std::uint64_t>(options.stale_after_ms) * kNsPerMs;
  std::uint32_t mask = 0, fresh_count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (own[i] == Out::kOwnHistory) {
      const std::uint64_t hold_ns = static_cast<std::uint64_t>(options.own_history_hold_ms) * kNsPerMs;
      if (at_ns >= slots[i].history.waiting_since_ns() + hold_ns) {
        slots[i].history.accept(mid[i], received_ns[i]);  // it has stood long enough to be the price
        own[i] = Out::kIn;
      }
    }
    const bool stale = at_ns > received_ns[i] + stale_ns;
    final[i] = own[i] == Out::kIn && stale ? Out::kStale : own[i];
    const auto bit = static_cast<std::uint32_t>(final[i] == Out::kIn);
    mask |= bit << i;
    fresh_count += bit;
  }
  in_mask = fresh_mask = mask;
  in = fresh = static_cast<std::uint8_t>(fresh_count);
  standing = fresh == 0 ? Standing::kNone : fresh < 3 ? Standing::kUnconfirmed : Standing::kConfirmed;
  if (fresh >= 3 && !nobody_can_be_out(options)) compare_venues(options);
  choose_best();
}

/// All mids lie within the floor of each other, so also within it of their median: no need to know it.
bool Aggregator::Symbol::nobody_can_be_out(const GateOptions& options) const {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool counts = (fresh_mask >> i & 1U) != 0;
    low = std::min(low, counts ? mid[i] : low);
    high = std::max(high, counts ? mid[i] : high);
  }
  return options.cross_mads <= 0 || high - low <= options.cross_bp_floor * 1e-4 * low;
}

void Aggregator::Symbol::compare_venues(const GateOptions& options) {
  std::array<double, kFeedsPerSymbolMax> mids;
  std::size_t n = 0;
  for (std::uint32_t left = fresh_mask; left != 0; left &= left - 1) {
    const double m = mid[static_cast<std::size_t>(__builtin_ctz(left))];
    std::size_t at = n++;
    for (; at > 0 && mids[at - 1] > m; --at) mids[at] = mids[at - 1];
    mids[at] = m;
  }
  const CrossVerdict verdict = cross_venue(std::span(mids.data(), n), options);
  for (std::uint32_t left = fresh_mask; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(left));
    if (std::abs(mid[i] - verdict.median) <= verdict.limit) continue;
    final[i] = Out::kCrossVenue;
    in_mask &= ~(1U << i);
    --in;
  }
  if (verdict.disputed) standing = Standing::kDisputed;
}

/// Without a branch per venue: the best statistic first, then those so close to it that only exact order can tell.
void Aggregator::Symbol::choose_best() {
  newest_ms = 0;
  if (in_mask == 0) return;
  double top = 0, bottom = std::numeric_limits<double>::infinity();
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const bool counts = (in_mask >> i & 1U) != 0;
    newest = std::max(newest, counts ? stamp_ms[i] : newest);
    top = std::max(top, counts ? about_bid[i] : top);
    bottom = std::min(bottom, counts ? about_ask[i] : bottom);
  }
  newest_ms = newest;
  const double bid_from = top * (1 - kSureShare), ask_to = bottom * (1 + kSureShare);
  std::uint32_t bids = 0, asks = 0;
  for (std::size_t i = 0; i < count; ++i) {
    bids |= static_cast<std::uint32_t>(about_bid[i] >= bid_from) << i;
    asks |= static_cast<std::uint32_t>(about_ask[i] <= ask_to) << i;
  }
  bids &= in_mask;
  asks &= in_mask;
  best_bid = static_cast<std::size_t>(__builtin_ctz(bids));
  for (bids &= bids - 1; bids != 0; bids &= bids - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(bids));
    if (bid[best_bid] < bid[i]) best_bid = i;
  }
  best_ask = static_cast<std::size_t>(__builtin_ctz(asks));
  for (asks &= asks - 1; asks != 0; asks &= asks - 1) {
    const auto i = static_cast<std::size_t>(__builtin_ctz(asks));
    if (ask[i] < ask[best_ask]) best_ask = i;
  }
}

void Aggregator::Symbol::tell(std::int64_t received_ms, PriceEvent& event) {
  event.symbol = name;
  event.symbol_id = id;
  event.sequence = ++sequence;
  event.standing = standing;
  event.venues_in = in;
  event.venues_fresh = fresh;
  event.received_ms = received_ms;
  event.received_mono_ns = now_ns;
  event.timestamp = newest_ms;
  if (has_price()) {
    event.bid = bid[best_bid];
    event.ask = ask[best_ask];
  }
  event.best_changed = standing != told_standing || !same(event.bid, told_bid) || !same(event.ask, told_ask);
  told_standing = standing;
  told_mask = in_mask;
  told_bid = event.bid;
  told_ask = event.ask;
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
    s.tell(quote.received_ms, event);
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
    s.tell(received_ms, event);
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
    s.tell(clock_.wall_ms(), event);
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
      s->tell(wall_ms, event);
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
