// The best bid and ask over all venues that are fresh and passed every gate, per canonical symbol.
// Thread: feed() and subscribe() while setting up; update() and the rest from any I/O thread, one thread
// per feed. Subscribers are called on the updating thread with no lock held; `sequence` orders calls that
// race. Lifetime: feeds and symbol names live as long as the aggregator. No allocation in update().
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/events.hpp"
#include "market/gates.hpp"

namespace anduin::market {

/// How much a symbol's price may be relied on.
enum class Standing : std::uint8_t {
  kNone,         ///< no venue is in: there is no price
  kUnconfirmed,  ///< one or two fresh venues: nobody can contradict
  kConfirmed,    ///< three or more fresh venues, a strict majority agrees
  kDisputed,     ///< three or more fresh venues and no majority: no price is offered
};
[[nodiscard]] const char* to_string(Standing standing);

/// One venue's quote of one instrument.
struct Quote {
  Decimal bid, ask;
  std::int64_t venue_ms = 0;  ///< 0 = unusable or not said
  std::uint64_t received_mono_ns = 0;
  std::int64_t received_ms = 0;
};

/// What subscribers get on every change: a small value on the stack, without the venue list
/// (Aggregator::get has it).
struct PriceEvent {
  std::string_view symbol;      ///< lives as long as the aggregator
  std::uint32_t symbol_id = 0;  ///< dense, from 0
  std::uint64_t sequence =
      0;  ///< per symbol, strictly growing; a smaller one that arrives later is outdated
  Standing standing = Standing::kNone;
  bool best_changed = false;  ///< bid, ask or standing differ from the event before
  std::uint8_t venues_in = 0, venues_fresh = 0;
  Decimal bid, ask;  ///< zero unless has_price()
  std::int64_t timestamp =
      0;  ///< newest venue time over the venues in, ms since the epoch; receive time if unusable
  std::int64_t received_ms = 0;
  std::uint64_t received_mono_ns = 0;
  [[nodiscard]] bool has_price() const {
    return standing == Standing::kConfirmed || standing == Standing::kUnconfirmed;
  }
};

/// One venue's line in a snapshot.
struct VenueEntry {
  std::string venue, market, native;
  InstrumentKind kind = InstrumentKind::kUnknown;
  Decimal bid, ask;            ///< the last quote received, also when it is out; zero before the first
  std::int64_t timestamp = 0;  ///< venue time, ms since the epoch; 0 = unusable
  std::int64_t age_ms = 0;     ///< since it was received
  Out out = Out::kIn;
  std::array<std::uint64_t, kOutCount> refused{};  ///< quotes refused so far, by gate
  std::uint64_t accepted = 0;
};

/// The seed's AggregatedPrice, and what explains it.
struct AggregatedPrice {
  std::string symbol;
  Standing standing = Standing::kNone;
  std::optional<Decimal> best_bid, best_ask;
  /// best_ask - best_bid: negative when venues cross each other, which is normal
  std::optional<Decimal> spread;
  std::optional<Decimal> median_mid;  ///< over the venues in, at most 8 decimals
  bool crossed = false;
  bool mixed_kinds = false;        ///< venues in are of more than one kind (spot and perpetual)
  std::vector<VenueEntry> venues;  ///< in the order in which they were registered
  std::int64_t timestamp = 0;
  std::uint64_t sequence = 0;
};

class Aggregator {
 public:
  /// Venues on one symbol. Eight exchanges exist; a symbol with more feeds than this is a mistake and is
  /// refused.
  static constexpr std::size_t kFeedsPerSymbolMax = 16;

  struct Symbol;
  /// One venue's place in one symbol; opaque, address stable for the aggregator's life.
  struct Feed {
    Symbol* symbol = nullptr;
    std::size_t slot = 0;
  };
  using Subscriber = std::function<void(const PriceEvent&)>;

  Aggregator(const Clock& clock, GateOptions options);
  ~Aggregator();
  Aggregator(const Aggregator&) = delete;
  Aggregator& operator=(const Aggregator&) = delete;

  /// Registers (or finds) the feed of an instrument; `symbol` is its canonical name, its native one where
  /// it has none. Errors, kBadRequest: another market of the same venue is already on this symbol; too many
  /// feeds. Must not be called from within a subscriber.
  Result<Feed*> feed(const Instrument& instrument, std::string_view symbol);

  /// Every later change of every symbol goes to `subscriber`. Before the first update only: throws
  /// afterwards.
  void subscribe(Subscriber subscriber);

  /// The hot path: gates, aggregate, subscribers. Does not allocate.
  void update(Feed& feed, const Quote& quote);
  /// The same by names; slower by a hash look-up. An unknown feed is ignored (false).
  bool update(const PriceUpdate& price);
  /// The venue's quote stands (it confirmed it without a change): its age restarts.
  void confirm(Feed& feed, std::uint64_t received_mono_ns, std::int64_t received_ms);

  /// Out at once. kDisconnected also forgets what was learned about the connection (lag, spread, history);
  /// kWithdrawn keeps it; after kFrozen later quotes are ignored for good.
  void remove(Feed& feed, Out why = Out::kDisconnected);
  /// All feeds of a venue (of one market, unless `market` is empty).
  void disconnect(std::string_view venue, std::string_view market = {});

  /// Takes out what has become stale and lets in what has held out. Call it at least every 250 ms.
  void expire();

  [[nodiscard]] std::optional<AggregatedPrice> get(std::string_view symbol) const;
  [[nodiscard]] std::vector<std::string> symbols() const;
  [[nodiscard]] const GateOptions& options() const { return options_; }

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
  };
  [[nodiscard]] Symbol* find_symbol(std::string_view symbol) const;
  [[nodiscard]] std::vector<Symbol*> all_symbols() const;
  void publish(const PriceEvent& event) const;

  const Clock& clock_;
  const GateOptions options_;
  mutable std::shared_mutex registry_mutex_;
  std::unordered_map<std::string, std::unique_ptr<Symbol>, NameHash, std::equal_to<>> symbols_;
  std::vector<Symbol*> in_order_;
  std::vector<Subscriber> subscribers_;
  std::atomic<bool> running_{false};
};

}  // namespace anduin::market
