// The ledger's tables, version by version, and the way from an older version to this one.
// Thread: as the Database. Schema texts are frozen once released: a change is a new step at the end.
#pragma once
#include <span>

#include "settle/db.hpp"

namespace anduin::settle {

/// "Andu": tells a ledger from any other SQLite file.
inline constexpr std::int64_t kApplicationId = 0x416e6475;

/// Step n brings version n to n+1.
std::span<const char* const> schema_steps();

/// Ids of the settlements with refId ?1 or close id ?2, found by indexes in every vault and venue (CROSS JOIN keeps the order).
#define ANDUIN_SETTLEMENT_IDS \
  "SELECT s.id FROM settlement_vault v CROSS JOIN settlement s ON s.chain_id = v.chain_id AND s.vault = v.vault AND " \
  "s.ref_id = ?1 UNION SELECT s.id FROM settlement_venue v CROSS JOIN settlement s ON s.venue = v.venue AND " \
  "s.position_id = ?2"

/// 0 for an empty file and for what is no ledger; migrate() tells them apart.
Result<std::int64_t> schema_version(Database& db);

/// Brings the file to the newest version in one transaction. kFatal: newer than this program, or not a
/// ledger. `now_ms` dates the audit rows that a step may write.
Result<void> migrate(Database& db, std::span<const char* const> steps, std::int64_t now_ms = 0);

/// For readers: the same checks without writing. kFatal also when the file is older (a host must migrate it
/// first).
Result<void> check_version(Database& db, std::size_t newest);

}  // namespace anduin::settle
