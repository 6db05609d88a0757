// May this profit be paid without a person? Where the reporter could have invented it (a user's own terminal), a
// signature proves nothing: only limits and prices from elsewhere do. Seizures are never held by this.
// Pure function, any thread; the RateSource is called on the caller's.
#pragma once
#include <optional>
#include <string>

#include "settle/money.hpp"

namespace anduin::settle {

struct CreditPolicy {
  bool trusted = true;  ///< the venue itself, or an operator, vouches for the closes: nothing below applies
  /// US dollars. Without both limits every credit waits for approval.
  std::optional<Decimal> per_close_usd, per_day_usd;
  /// How far the exit price may be from the aggregated price of its moment, as a fraction.
  Decimal price_band{1, -2};
};

/// The day of per_day_usd: any 24 hours that end now.
inline constexpr std::int64_t kCreditWindowMs = 86'400'000;
/// What a claimed profit may exceed the one that its own prices give, in dollars and as a fraction: rounding, swaps.
inline const Decimal kClaimSlackUsd{1, 0};
inline const Decimal kClaimSlackRelative{5, -2};

/// Why a credit of `usd` must be held; empty when it may be paid. `credited_usd`: paid or queued within the window.
std::string hold_credit(const ClosedPosition& close, const Decimal& usd, const Decimal& credited_usd,
                        const CreditPolicy& policy, const RateSource* rates);

}  // namespace anduin::settle
