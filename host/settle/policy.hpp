// The operator's rules on what is paid without a person, and on whose word the rest is. Plain values: any thread.
// docs/policy.md is the page of these knobs; `policy:` of the pipeline file sets them.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "anduin/decimal.hpp"
#include "chain/types.hpp"

namespace anduin::settle {

/// Nothing = no limit. Beyond soft a close is held; beyond hard a breaker opens, too.
struct Limit {
  std::optional<Decimal> soft_usd, hard_usd;               ///< magnitudes in US dollars, > 0
  std::optional<std::uint64_t> soft_count, hard_count;     ///< closes, >= 1
  [[nodiscard]] bool any() const { return soft_usd || hard_usd || soft_count || hard_count; }
};

/// The limits of one direction of money. Windows roll: they end with the close that is looked at.
struct FlowLimits {
  Limit item;         ///< one close (its counts mean nothing); beyond hard the breaker of its account opens
  Limit user_day;     ///< all closes of one user in 24 hours, over all venues and accounts
  Limit venue_hour;   ///< all closes of one venue in an hour
  Limit global_hour;  ///< all closes in an hour
  [[nodiscard]] bool any() const { return item.any() || user_day.any() || venue_hour.any() || global_hour.any(); }
};

struct Policy {
  FlowLimits credits, seizures;
  /// Hold each close whose pnl cannot be recomputed from prices and size of the venue's own.
  bool hold_unverified = false;
  /// Whose signature under a decision counts.
  std::vector<chain::Address> approvers;
  /// So many of them must sign the same decision before it is carried out, 1..approvers.
  std::uint32_t approvals_needed = 1;
  /// A close of more US dollars is decided by signatures only, not over the control socket. Nothing = never.
  std::optional<Decimal> signed_above_usd;
};

}  // namespace anduin::settle
