// Decisions about batches without any I/O: who may go now, how many fit, whose fault a revert is.
// Pure functions and plain values, any thread.
#pragma once
#include <functional>
#include <set>

#include "settle/ledger.hpp"

namespace anduin::settle {

/// Whose closes keep their order.
using AccountKey = std::pair<std::string, std::string>;  ///< venue, account
inline AccountKey account_of(const QueuedItem& item) { return {item.venue, item.account}; }

/// Estimates are exact for the state they saw; others may change it before the block. Not more: builders
/// reserve the limit, not the use (settlement.md section 10).
std::uint64_t gas_limit_for(std::uint64_t estimate);

/// How many of `count` items fit when all of them would need `limit` and `limit_max` is the bound. At least 1.
std::size_t fitting(std::size_t count, std::uint64_t limit, std::uint64_t limit_max);

/// What one look at a prefix of a batch says: nothing = it passes.
using Trial = std::function<Result<std::optional<chain::VaultRevert>>(std::size_t prefix)>;
struct Culprit {
  std::size_t index = 0;  ///< of the item; everything before it passes together
  chain::VaultRevert why;
};
/// The item that breaks a batch of `size` which is known to fail with `why`; its first `good` items are known to
/// pass. Halves: about log2(size) trials. An item's success may depend on those before it, so prefixes are tried,
/// never items by themselves.
Result<Culprit> find_culprit(std::size_t good, std::size_t size, chain::VaultRevert why, const Trial& trial);

/// Removes the items of one account from place `from` on: what comes later must not overtake.
void drop_account(std::vector<QueuedItem>& items, std::size_t from, const AccountKey& account);

}  // namespace anduin::settle
