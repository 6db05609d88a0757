#include "simulation/books.hpp"

#include <sqlite3.h>

#include <stdexcept>

#include "settle/db.hpp"

namespace anduin::simulation {
namespace {

using settle::Database;
using settle::Query;

std::unique_ptr<Database> open(const std::filesystem::path& ledger) {
  auto db = Database::open(ledger, Database::Mode::kReadOnly);
  if (!db) throw std::runtime_error(db.error().to_string());
  return std::move(*db);
}

/// Every row's moves lead from the one before to the next, and the last one is what the row says.
std::string check_paths(Database& db, const char* moves, const char* rows) {
  std::map<std::int64_t, std::string> reached;
  Query q(db, moves);
  while (q.step()) {
    std::string& at = reached[q.integer(0)];
    if (at != q.text(1)) return "audit: row " + std::to_string(q.integer(0)) + " leaps from '" + at + "' to " + q.text(2);
    at = q.text(2);
  }
  Query states(db, rows);
  while (states.step()) {
    if (reached[states.integer(0)] != states.text(1)) {
      return "audit: row " + std::to_string(states.integer(0)) + " is " + states.text(1) + ", its trail ends with '" +
             reached[states.integer(0)] + "'";
    }
  }
  return {};
}

}  // namespace

Book read_book(const std::filesystem::path& ledger) {
  Book out;
  const auto db = open(ledger);
  Query q(*db, "SELECT ref_id, state, slots_used, position_id FROM settlement");
  while (q.step()) {
    out[q.hash(0)] = {settle::parse_state(q.text(1)).value_or(settle::State::kConflict),
                      static_cast<int>(q.integer(2)), q.text(3)};
  }
  return out;
}

std::string check_trail(const std::filesystem::path& ledger) {
  {
    auto reader = settle::LedgerReader::open(ledger);
    if (!reader) return reader.error().to_string();
    const auto audit = (*reader)->verify_audit();
    if (!audit) return audit.error().to_string();
    if (!audit->ok) return "audit: " + audit->text;
  }
  const auto db = open(ledger);
  const std::string settlements = check_paths(
      *db, "SELECT settlement_id, from_state, to_state FROM audit WHERE kind = 'settlement' ORDER BY id",
      "SELECT id, state FROM settlement");
  if (!settlements.empty()) return settlements;
  const std::string slots =
      check_paths(*db, "SELECT slot_id, from_state, to_state FROM audit WHERE kind = 'slot' ORDER BY id",
                  "SELECT id, state FROM slot");
  if (!slots.empty()) return slots;
  Query twice(*db,
              "SELECT settlement_id FROM slot_item i JOIN slot s ON s.id = i.slot_id "
              "WHERE s.state NOT IN ('FINAL','LOST') GROUP BY settlement_id HAVING count(*) > 1");
  if (twice.step()) return "settlement " + std::to_string(twice.integer(0)) + " is in two open slots";
  return {};
}

SlotCounts count_slots(const std::filesystem::path& ledger) {
  const auto db = open(ledger);
  SlotCounts out;
  Query q(*db, "SELECT count(*) FROM slot_item GROUP BY slot_id");
  while (q.step()) {
    ++out.slots;
    out.batches += q.integer(0) > 1 ? 1U : 0U;
  }
  return out;
}

void drop_from_slot_items(const std::filesystem::path& ledger, const std::string& constraint) {
  std::string made;
  {
    const auto db = open(ledger);
    Query q(*db,
            "SELECT type, sql FROM sqlite_schema WHERE tbl_name = 'slot_item' AND sql IS NOT NULL "
            "ORDER BY type <> 'table'");
    while (q.step()) {
      std::string sql = q.text(1);
      if (q.text(0) == "table") {
        const auto at = sql.find(constraint);
        if (at == std::string::npos) return;
        sql.erase(at, constraint.size());
      }
      made += sql + ";";
    }
    Query rows(*db, "SELECT 1 FROM slot_item");
    if (rows.step()) throw std::runtime_error("slot_item is not empty");
  }
  edit(ledger, "DROP TABLE slot_item;" + made);
}

void edit(const std::filesystem::path& ledger, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string failure;
  if (sqlite3_open_v2(ledger.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK ||
      sqlite3_exec(db, ("PRAGMA synchronous=OFF; " + sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    failure = sqlite3_errmsg(db);
  }
  sqlite3_close(db);
  if (!failure.empty()) throw std::runtime_error("edit: " + failure + " in " + sql);
}

}  // namespace anduin::simulation
