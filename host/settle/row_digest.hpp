// What the audit trail remembers of a row: a digest of the columns that money, identity and state stand in.
// An audit row carries the digest of its row as it was left by that transition, so that a later edit by hand
// shows. Thread: as the Database. Column lists are frozen by version: a digest begins with the version it was made by.
#pragma once
#include "settle/db.hpp"

namespace anduin::settle {

/// One byte of version, 32 bytes of sha256.
using RowDigest = Bytes;

/// Of the rows as they stand now; empty when there is no such row. Not covered, because they count or
/// describe and move without a transition: settlement.slots_used (checked against slot_item instead),
/// settlement.duplicates, report.seen, an attempt's times and last error of sending.
RowDigest settlement_digest(Database& db, std::int64_t id);
RowDigest report_digest(Database& db, std::int64_t id);
/// The slot with what identifies its attempts; the signed bytes are covered by their own hash.
RowDigest slot_digest(Database& db, std::int64_t id);

/// Every row of a table with its digest, in the order of ids. For a reader of the whole book.
class DigestScan {
 public:
  enum class Table : std::uint8_t { kSettlement, kReport };
  DigestScan(Database& db, Table table);
  /// True while there is a row.
  bool step();
  [[nodiscard]] std::int64_t id() const { return query_.integer(0); }
  [[nodiscard]] RowDigest digest() const;

 private:
  Query query_;
  int columns_;
};

}  // namespace anduin::settle
