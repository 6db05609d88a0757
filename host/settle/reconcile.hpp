// The settlement book against the vault's events: what `ledger verify` and the demo's last line rest on.
// Thread: one caller; reader, vault and node are used one after the other on it.
#pragma once
#include "settle/ledger_query.hpp"

namespace anduin::settle {

struct Reconciliation {
  std::uint64_t onchain = 0;          ///< settlement events of this vault in the range
  std::string onchain_sum;            ///< token units, signed: credits minus seizures, as really moved
  std::uint64_t matched = 0;          ///< settled rows with exactly their one event
  std::uint64_t pending = 0;          ///< events whose row waits for the settled block
  std::uint64_t foreign = 0;          ///< events of refIds that this ledger does not have
  std::uint64_t duplicate = 0;        ///< events beyond the first of a refId
  std::vector<std::string> problems;  ///< each a sentence with the refId; empty when the books agree
};

/// Reads the vault's events in windows of at most `window` blocks. The range must hold every event of the
/// rows to be proven: from the vault's first block to the settled block, or to the head for a chain that
/// stands still.
Result<Reconciliation> reconcile(LedgerReader& reader, const chain::Vault& vault, chain::Node& node,
                                 std::uint64_t chain_id, std::uint64_t from_block, std::uint64_t to_block,
                                 std::uint64_t window = 2'000);

}  // namespace anduin::settle
