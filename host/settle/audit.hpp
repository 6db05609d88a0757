// The tamper-evident trail: one row for each transition, each row's digest covering the one before it.
// Thread: as the Database. Called only inside the transaction of the transition that it records.
#pragma once
#include "settle/db.hpp"

namespace anduin::settle {

struct AuditRow {
  std::string actor;  ///< "host", "submitter", or an operator's name
  std::string kind;   ///< "settlement", "slot", "account", "coverage", "attempt"
  std::optional<std::int64_t> settlement_id, slot_id;
  std::string from_state, to_state;
  std::string detail;
};

/// Appends. Throws ErrorException.
void append_audit(Database& db, std::int64_t at_ms, const AuditRow& row);

struct AuditVerdict {
  std::uint64_t rows = 0;
  std::string broken;  ///< empty when the whole chain holds
};
AuditVerdict verify_audit_chain(Database& db);

}  // namespace anduin::settle
