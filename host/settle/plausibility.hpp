// Does a close's pnl agree with its own prices and size? Recomputed with exact decimals.
// Pure functions, any thread.
#pragma once
#include "base/events.hpp"
#include "settle/bridge.hpp"

namespace anduin::settle {

/// Beyond these and the stated fee a close is held. Relative to the expected pnl: venues round fills and
/// mark prices in the last digits they show.
inline const Decimal kPnlToleranceRelative{5, -3};  // 0.5 %
/// Relative to the notional: averaged entry prices are cut to the tick, an error that scales with the
/// position and not with its pnl.
inline const Decimal kPnlToleranceNotional{2, -4};  // 0.02 %
inline const Decimal kPnlToleranceUsd{5, -2};  // 5 cents: tiny closes, rounded by the venue to its cents
/// Fees, funding and penalties that a venue counts into pnl are known beside it, and are taken out before prices and pnl
/// are compared. Three months of high funding make a quarter of the notional; more is no cost of holding a position.
inline const Decimal kInsideToNotionalMax{25, -2};
/// Where entry or size were derived from pnl, or entry is not said, the check would be circular: only the magnitude is
/// looked at. Losing or winning more than this many times what the position was worth at its exit price (never at its
/// entry, which pnl may have made) is a fall by three quarters or more: rare enough for a person.
inline const Decimal kPnlToNotionalMax{3, 0};

struct Plausibility {
  Verified verified = Verified::kUnverified;
  std::string reason;  ///< why it failed; empty otherwise
};

/// Linear: (exit - entry) * size * direction. Inverse: size * (1/entry - 1/exit) * direction, size in USD,
/// in the coin.
Plausibility check_pnl(const ClosedPosition& close);

/// For closes whose pnl cannot be recomputed: the exit price against the market's at the close (of the symbol, else
/// the base coin in dollars), where there is one. Empty, or why the close must be held.
std::string check_exit_price(const ClosedPosition& close, const RateSource& rates);

}  // namespace anduin::settle
