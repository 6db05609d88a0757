// How long a signer's gas money lasts at the rate at which it was spent lately. Plain state, the caller's
// thread; starts anew with the process.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>

#include "chain/types.hpp"

namespace anduin::settle {

/// Below this somebody should top up: a day covers a night and a weekend morning (settlement.md section 10).
inline constexpr std::uint64_t kRunwayHoursMin = 24;
/// A shorter measurement says nothing: a burst of closes is not a rate.
inline constexpr std::uint64_t kRunwayMeasuredMinutesMin = 30;

class GasRunway {
 public:
  /// A balance in wei, read at this monotonic time. A rise is a top-up, not negative spending.
  void note(std::uint64_t now_ns, const chain::U256& balance);
  /// Whole hours at the rate of the last day. Nothing while too little is measured or nothing was spent.
  [[nodiscard]] std::optional<std::uint64_t> hours() const;

 private:
  struct Minute {
    std::uint64_t start_ns = 0;
    chain::U256 spent = 0;  ///< wei
  };
  std::deque<Minute> minutes_;  ///< of the last day, at most one entry a minute
  std::optional<chain::U256> balance_;
  std::uint64_t last_ns_ = 0;
};

}  // namespace anduin::settle
