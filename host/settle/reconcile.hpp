// The settlement book against the vault's events: what `ledger verify` with a chain and the demo's last line rest on.
// Thread: one caller; reader, vault and node are used one after the other on it. Events are read window by window and
// not kept: memory is some 60 bytes a settlement.
#pragma once
#include <boost/multiprecision/cpp_int.hpp>
#include <map>

#include "settle/ledger_query.hpp"

namespace anduin::settle {

/// What truncation to token units left behind of a settlement: US dollars, at most kDustDecimals digits.
inline constexpr int kDustDecimals = 18;  ///< a sum of many fits into a Decimal
Decimal dust_of(const std::string& usd, const std::string& units, unsigned token_decimals);

/// Token units of one user; what the chain did and what the settled rows say.
struct UserSums {
  boost::multiprecision::cpp_int credited = 0, seized = 0;              ///< by the book
  boost::multiprecision::cpp_int not_seized = 0;                        ///< asked for under a refId, and not there
  Decimal dust;                                                         ///< US dollars below a token unit, never moved
  boost::multiprecision::cpp_int chain_credited = 0, chain_seized = 0;  ///< by the vault's events
  boost::multiprecision::cpp_int unbooked = 0;  ///< signed: events of rows that are not settled yet, or unknown here
  bool operator==(const UserSums&) const = default;
};

struct ReconcileProblem {
  std::string ref, text;  ///< the text names the row too
};

struct Reconciliation {
  std::uint64_t onchain = 0;          ///< settlement events of this vault in the range
  std::string onchain_sum;            ///< token units, signed: credits minus seizures, as really moved
  std::uint64_t matched = 0;          ///< settled rows with exactly their one event
  std::uint64_t pending = 0;          ///< events whose row waits for the settled block
  std::uint64_t foreign = 0;          ///< events of refIds that this ledger does not have
  std::uint64_t duplicate = 0;        ///< events beyond the first of a refId
  std::map<Address, UserSums> users;
  std::vector<ReconcileProblem> problems;  ///< empty when the books agree
};

/// Reads the vault's events in windows of at most `window` blocks. The range must hold every event of the
/// rows to be proven: from the vault's first block to the settled block, or to the head for a chain that
/// stands still. Read the range's end after the book's snapshot was taken.
Result<Reconciliation> reconcile(LedgerReader& reader, const chain::Vault& vault, chain::Node& node,
                                 std::uint64_t chain_id, std::uint64_t from_block, std::uint64_t to_block,
                                 std::uint64_t window = 2'000, unsigned token_decimals = 6);

}  // namespace anduin::settle
