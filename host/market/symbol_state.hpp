// One symbol of the aggregator: its feeds, their gates, the evaluation. Internal to aggregator.cpp and
// symbol_state.cpp. Thread: everything below `lock` is guarded by it. Lifetime: the aggregator's.
#pragma once
#include <thread>

#include "market/aggregator.hpp"

namespace anduin::market {

inline constexpr std::uint64_t kNsPerMs = 1'000'000;

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

/// to_double_for_statistics() by a table, for the mantissas and exponents that prices have.
double statistic(const Decimal& price);

/// The same digits: enough to know that nothing changed.
inline bool same(const Decimal& a, const Decimal& b) {
  return a.mantissa() == b.mantissa() && a.exp10() == b.exp10();
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
  /// venue time, receive time where that is unusable
  std::array<std::int64_t, kFeedsPerSymbolMax> stamp_ms{};
  std::array<Decimal, kFeedsPerSymbolMax> bid, ask;
  std::array<Slot, kFeedsPerSymbolMax> slots;

  // The aggregate as of the last evaluate().
  Standing standing = Standing::kNone;
  std::uint32_t fresh_mask = 0, in_mask = 0;
  std::uint8_t fresh = 0, in = 0;          ///< bits set in them
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
  [[nodiscard]] PriceEvent tell(std::int64_t received_ms);
  void forget(std::size_t i) {
    slots[i].time.reset();
    slots[i].spread.reset();
    slots[i].history.reset();
  }
};

}  // namespace anduin::market
