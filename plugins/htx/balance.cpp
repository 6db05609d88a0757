#include "balance.hpp"

namespace anduin::htx {

std::optional<Money> money_of(const json::View& data) {
  const auto [equity, available, details] = data.get<"equity", "available_margin", "details">();
  // An account of several assets is valued as a whole; one of a single asset has zeros there.
  const auto all = equity.dec_or_none();
  if (all && !all->is_zero()) {
    const auto free = available.dec_or_none();
    if (!free) return std::nullopt;
    return Money{*all, *free};
  }
  for (const json::View row : details) {
    const auto [currency, own, isolated, margin, free, isolated_free] =
        row.get<"currency", "equity", "isolated_equity", "initial_margin", "available_margin",
                "isolated_available_margin">();
    if (!(currency == "USDT")) continue;
    const Decimal zero;
    const Decimal cross = own.dec();
    // The member `available` is the wallet without unrealized results, not what is free.
    const Decimal usable =
        free.dec_or_none() ? free.dec() + isolated_free.dec_or_none().value_or(zero) : cross - margin.dec();
    return Money{cross + isolated.dec_or_none().value_or(zero), usable};
  }
  return std::nullopt;
}

}  // namespace anduin::htx
