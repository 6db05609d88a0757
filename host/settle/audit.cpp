#include "settle/audit.hpp"

#include <charconv>

#include "settle/ref_id.hpp"
#include "settle/row_digest.hpp"

namespace anduin::settle {
namespace {

/// Every field with its length, so that no two rows have the same bytes. Frozen: old digests must keep
/// verifying. A row of before the row digests has none of the last two fields.
chain::Hash digest_of(const chain::Hash& prev, std::int64_t id, std::int64_t at_ms, const AuditRow& row,
                      const RowDigest& row_digest) {
  std::string bytes(reinterpret_cast<const char*>(prev.bytes.data()), prev.bytes.size());
  const auto add = [&bytes](std::string_view field) {
    bytes += std::to_string(field.size());
    bytes += ':';
    bytes += field;
  };
  add(std::to_string(id));
  add(std::to_string(at_ms));
  add(row.actor);
  add(row.kind);
  add(row.settlement_id ? std::to_string(*row.settlement_id) : "");
  add(row.slot_id ? std::to_string(*row.slot_id) : "");
  add(row.from_state);
  add(row.to_state);
  add(row.detail);
  if (!row_digest.empty()) {
    add(row.report_id ? std::to_string(*row.report_id) : "");
    add({reinterpret_cast<const char*>(row_digest.data()), row_digest.size()});
  }
  return sha256(bytes);
}

RowDigest row_digest_of(Database& db, const AuditRow& row) {
  if (row.settlement_id) return settlement_digest(db, *row.settlement_id);
  if (row.slot_id) return slot_digest(db, *row.slot_id);
  if (row.report_id) return report_digest(db, *row.report_id);
  return {};
}

std::vector<std::int64_t> ids(Database& db, std::string_view sql) {
  std::vector<std::int64_t> out;
  Query q(db, sql);
  while (q.step()) out.push_back(q.integer(0));
  return out;
}

}  // namespace

void append_audit(Database& db, std::int64_t at_ms, const AuditRow& row) {
  chain::Hash prev;
  std::int64_t id = 1;
  {
    Query last(db, "SELECT id, digest FROM audit ORDER BY id DESC LIMIT 1");
    if (last.step()) {
      id = last.integer(0) + 1;
      prev = last.hash(1);
    }
  }
  const RowDigest row_digest = row_digest_of(db, row);
  Query insert(db,
               "INSERT INTO audit(id, at_ms, actor, kind, settlement_id, slot_id, from_state, to_state, detail, prev, "
               "digest, report_id, row_digest) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)");
  insert.bind(id, at_ms, row.actor, row.kind, row.settlement_id, row.slot_id, row.from_state, row.to_state,
              row.detail, prev, digest_of(prev, id, at_ms, row, row_digest), row.report_id);
  if (row_digest.empty()) insert.bind(nullptr);
  else insert.bind(row_digest);
  insert.run();
}

std::uint64_t anchor_rows(Database& db, std::int64_t at_ms) {
  const auto settlements = ids(db,
                               "SELECT id FROM settlement s WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE "
                               "a.settlement_id = s.id AND a.row_digest IS NOT NULL) ORDER BY id");
  const auto slots = ids(db,
                         "SELECT id FROM slot WHERE id NOT IN (SELECT slot_id FROM audit WHERE settlement_id IS NULL AND "
                         "slot_id IS NOT NULL AND row_digest IS NOT NULL) ORDER BY id");
  const auto reports = ids(db,
                           "SELECT id FROM report WHERE id NOT IN (SELECT report_id FROM audit WHERE report_id IS NOT "
                           "NULL AND row_digest IS NOT NULL) ORDER BY id");
  const std::string why = "as it stood when this ledger was brought to row digests";
  for (const auto id : settlements) append_audit(db, at_ms, {"host", "anchor", id, {}, "", "", why});
  for (const auto id : slots) append_audit(db, at_ms, {"host", "anchor", {}, id, "", "", why});
  for (const auto id : reports) append_audit(db, at_ms, {"host", "anchor", {}, {}, "", "", why, id});
  return settlements.size() + slots.size() + reports.size();
}

std::string Checkpoint::to_string() const { return std::to_string(rows) + ":" + digest.to_string(); }

std::optional<Checkpoint> Checkpoint::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Checkpoint out;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, out.rows);
  const auto hash = chain::Hash::parse(text.substr(colon + 1));
  if (error != std::errc() || end != text.data() + colon || !hash) return std::nullopt;
  out.digest = *hash;
  return out;
}

Checkpoint checkpoint(Database& db) {
  Query q(db, "SELECT id, digest FROM audit ORDER BY id DESC LIMIT 1");
  if (!q.step()) return {};
  return {static_cast<std::uint64_t>(q.integer(0)), q.hash(1)};
}

AuditScan::AuditScan(Database& db)
    : query_(db,
             "SELECT id, at_ms, actor, kind, settlement_id, slot_id, from_state, to_state, detail, prev, digest, "
             "report_id, row_digest FROM audit ORDER BY id") {}

bool AuditScan::step() {
  if (!query_.step()) return false;
  entry_ = {};
  entry_.id = query_.integer(0);
  AuditRow& row = entry_.row;
  row = {query_.text(2), query_.text(3), {}, {}, query_.text(6), query_.text(7), query_.text(8), {}};
  if (!query_.null(4)) row.settlement_id = query_.integer(4);
  if (!query_.null(5)) row.slot_id = query_.integer(5);
  if (!query_.null(11)) row.report_id = query_.integer(11);
  entry_.row_digest = query_.blob(12);
  entry_.digest = query_.hash(10);
  const std::string name = "audit row " + std::to_string(entry_.id);
  if (entry_.id != expected_) {
    entry_.broken = "audit row " + std::to_string(expected_) + " is missing";
  } else if (query_.hash(9) != prev_ ||
             entry_.digest != digest_of(prev_, entry_.id, query_.integer(1), row, entry_.row_digest)) {
    entry_.broken = name + " does not fit the chain: it or an earlier one was changed";
  }
  expected_ = entry_.id + 1;
  prev_ = entry_.digest;
  return true;
}

}  // namespace anduin::settle
