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
  std::optional<std::int64_t> report_id = {};
};

/// Appends, with the digest of the settlement, slot or report that the row speaks of as it stands now: write the
/// transition first. Throws ErrorException.
void append_audit(Database& db, std::int64_t at_ms, const AuditRow& row);

/// Gives every settlement, slot and report that the trail has no digest of an audit row of kind "anchor": what a
/// ledger of before the digests holds counts as it stands from here on. Returns how many.
std::uint64_t anchor_rows(Database& db, std::int64_t at_ms);

/// How far the trail has come: two numbers that together pin every row up to there. Kept outside of the machine
/// (a log, a backup's name) they show later that nothing was cut off or written anew.
struct Checkpoint {
  std::uint64_t rows = 0;
  chain::Hash digest;
  bool operator==(const Checkpoint&) const = default;
  [[nodiscard]] std::string to_string() const;  ///< "1234:0xabcd..."
  static std::optional<Checkpoint> parse(std::string_view text);
};
Checkpoint checkpoint(Database& db);

/// One row of the trail, checked against the row before it.
struct AuditEntry {
  std::int64_t id = 0;
  AuditRow row;
  Bytes row_digest;     ///< empty for rows of before the digests
  chain::Hash digest;
  std::string broken;   ///< what does not fit, in words; empty when the row holds
};
/// The whole trail in order. Goes on after a row that does not hold: one edit is one finding.
class AuditScan {
 public:
  explicit AuditScan(Database& db);
  bool step();
  [[nodiscard]] const AuditEntry& entry() const { return entry_; }

 private:
  Query query_;
  AuditEntry entry_;
  chain::Hash prev_;
  std::int64_t expected_ = 1;
};

}  // namespace anduin::settle
