#include "settle/audit.hpp"

#include "settle/ref_id.hpp"

namespace anduin::settle {
namespace {

/// Every field with its length, so that no two rows have the same bytes. Frozen: old digests must keep
/// verifying.
chain::Hash digest_of(const chain::Hash& prev, std::int64_t id, std::int64_t at_ms, const AuditRow& row) {
  std::string bytes(reinterpret_cast<const char*>(prev.bytes.data()), prev.bytes.size());
  const auto add = [&bytes](const std::string& field) {
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
  return sha256(bytes);
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
  Query insert(db,
               "INSERT INTO audit(id, at_ms, actor, kind, settlement_id, slot_id, from_state, to_state, "
               "detail, prev, "
               "digest) VALUES(?,?,?,?,?,?,?,?,?,?,?)");
  insert.bind(id, at_ms, row.actor, row.kind, row.settlement_id, row.slot_id, row.from_state, row.to_state,
              row.detail, prev, digest_of(prev, id, at_ms, row));
  insert.run();
}

AuditVerdict verify_audit_chain(Database& db) {
  AuditVerdict out;
  chain::Hash prev;
  Query q(db,
          "SELECT id, at_ms, actor, kind, settlement_id, slot_id, from_state, to_state, detail, prev, "
          "digest FROM audit "
          "ORDER BY id");
  while (q.step()) {
    AuditRow row{q.text(2), q.text(3), {}, {}, q.text(6), q.text(7), q.text(8)};
    if (!q.null(4)) row.settlement_id = q.integer(4);
    if (!q.null(5)) row.slot_id = q.integer(5);
    ++out.rows;
    if (q.integer(0) != static_cast<std::int64_t>(out.rows)) {
      out.broken = "audit row " + std::to_string(out.rows) + " is missing";
    } else if (q.hash(9) != prev || q.hash(10) != digest_of(prev, q.integer(0), q.integer(1), row)) {
      out.broken = "audit row " + std::to_string(q.integer(0)) +
                   " does not fit the chain: it or an earlier one was changed";
    }
    if (!out.broken.empty()) return out;
    prev = q.hash(10);
  }
  return out;
}

}  // namespace anduin::settle
