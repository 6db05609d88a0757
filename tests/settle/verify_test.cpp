// The proof of the book: an edit by hand of any column that money, identity or state stands in is noticed, and the
// row is named. The intruder has the file, drops the triggers, and even keeps the trail itself untouched.
#include "settle/verify.hpp"

#include <spdlog/spdlog.h>

#include "chain/transaction.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

/// A connection that goes around the ledger and its triggers.
struct Intruder {
  explicit Intruder(const std::filesystem::path& p) {
    REQUIRE(sqlite3_open(p.c_str(), &db) == SQLITE_OK);
    std::vector<std::string> names;
    for_each("SELECT name FROM sqlite_schema WHERE type = 'trigger'", [&](sqlite3_stmt* s) {
      names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)));
    });
    for (const auto& n : names) run("DROP TRIGGER " + n);
  }
  ~Intruder() { sqlite3_close(db); }
  void run(const std::string& sql) {
    char* error = nullptr;
    INFO(sql);
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
    const std::string text = error != nullptr ? error : "";
    sqlite3_free(error);
    INFO(text);
    REQUIRE(rc == SQLITE_OK);
  }
  template <class F>
  void for_each(const std::string& sql, F&& row) {
    sqlite3_stmt* s = nullptr;
    REQUIRE(sqlite3_prepare_v2(db, sql.c_str(), -1, &s, nullptr) == SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) row(s);
    sqlite3_finalize(s);
  }
  std::vector<std::string> columns(const std::string& table) {
    std::vector<std::string> out;
    for_each("SELECT name FROM pragma_table_info('" + table + "')", [&](sqlite3_stmt* s) {
      out.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(s, 0)));
    });
    return out;
  }
  sqlite3* db = nullptr;
};

/// A book with everything in it: settled, capped, held, a conflict report, a slot under way.
std::unique_ptr<Bench> full_book() {
  spdlog::set_level(spdlog::level::off);
  auto b = std::make_unique<Bench>();
  commit(*b->ledger, close_of("win", "10.0000005"));
  commit(*b->ledger, close_of("capped", "-800", "bob"));
  commit(*b->ledger, close_of("zero", "0"));
  b->run(7);
  commit(*b->ledger, close_of("win", "11"));  // a conflict report
  auto held = close_of("held", "30");
  held.hold_reason = "look at it";
  commit(*b->ledger, held);
  commit(*b->ledger, close_of("late", "1"));
  b->tick();
  return b;
}

VerifyReport verify(Bench& b, const std::optional<Checkpoint>& since = {}) {
  auto r = reader(b.dir)->verify(since);
  if (!r) FAIL(r.error().to_string());
  return *r;
}

std::string all(const VerifyReport& r) {
  std::string out;
  for (const auto& p : r.problems) out += p.ref + " " + p.where + ": " + p.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("verify: a book that nobody touched is good, also while the host has it open", "[verify]") {
  auto b = full_book();
  const auto r = verify(*b);
  INFO(all(r));
  CHECK(r.good());
  CHECK(r.settlements == 5);
  CHECK(r.slots == 3);
  CHECK(r.attempts == 3);
  CHECK(r.reports == 1);
  CHECK(r.checkpoint.rows > 20);
  CHECK(verify(*b, r.checkpoint).good());
  CHECK(Checkpoint::parse(r.checkpoint.to_string()) == r.checkpoint);
  b->run(7);
  CHECK(verify(*b, r.checkpoint).good());  // the trail has grown, and still holds the old point
}

TEST_CASE("verify: an edit of any column of a settlement is noticed and named by its refId", "[verify]") {
  auto b = full_book();
  const auto columns = [&] { return Intruder(b->dir.ledger()).columns("settlement"); }();
  CHECK(columns.size() >= 41);
  int checked = 0;
  for (const auto& column : columns) {
    if (column == "id" || column == "duplicates") continue;  // the key itself, and a mere count of repeats
    Intruder hand(b->dir.ledger());
    hand.run("BEGIN");
    hand.run("PRAGMA ignore_check_constraints = 1");
    const bool number = column.ends_with("_ms") || column == "chain_id" || column == "slots_used";
    const bool blob = column == "vault" || column == "ref_id" || column == "user_addr" || column == "digest";
    const std::string value = number ? "coalesce(" + column + ", 0) + 1"
                              : blob ? (column == "user_addr" || column == "vault" ? "zeroblob(20)" : "zeroblob(32)")
                                     : "coalesce(" + column + ", '') || '1'";
    const std::string keep = "CREATE TABLE kept AS SELECT * FROM settlement WHERE id = 1";
    hand.run(keep);
    hand.run("UPDATE settlement SET " + column + " = " + value + " WHERE id = 1");
    hand.run("COMMIT");
    const auto r = verify(*b);
    INFO(column << "\n" << all(r));
    CHECK_FALSE(r.good());
    const bool named = std::any_of(r.problems.begin(), r.problems.end(), [&](const VerifyProblem& p) {
      return p.ref == ref_id("Bybit", "win")->to_string() || (column == "ref_id" && p.where.starts_with("settlement 1 "));
    });
    CHECK(named);
    hand.run("UPDATE settlement SET " + column + " = (SELECT " + column + " FROM kept) WHERE id = 1");
    hand.run("DROP TABLE kept");
    ++checked;
  }
  CHECK(checked >= 39);
  CHECK(verify(*b).good());
}

TEST_CASE("verify: an edit of any column of a slot, an attempt, a report is noticed", "[verify]") {
  auto b = full_book();
  const std::map<std::string, std::set<std::string>> free{
      {"slot", {"id"}},
      {"attempt", {"first_sent_ms", "last_sent_ms", "sends", "last_error"}},  // a diary of sending, no claim
      {"report", {"id", "seen"}},
      {"slot_item", {"seq"}}};  // the order in the calldata is the calldata's
  for (const auto& [table, not_covered] : free) {
    const auto columns = [&] { return Intruder(b->dir.ledger()).columns(table); }();
    for (const auto& column : columns) {
      if (not_covered.contains(column)) continue;
      Intruder hand(b->dir.ledger());
      hand.run("PRAGMA ignore_check_constraints = 1");
      std::string type;
      hand.for_each("SELECT type FROM pragma_table_info('" + table + "') WHERE name = '" + column + "'",
                    [&](sqlite3_stmt* s) { type = reinterpret_cast<const char*>(sqlite3_column_text(s, 0)); });
      const std::string value = type == "INTEGER" ? "coalesce(" + column + ", 0) + 7"
                                : type == "BLOB"  ? "zeroblob(20)"
                                                  : "coalesce(" + column + ", '') || '1'";
      hand.run("CREATE TABLE kept AS SELECT rowid AS r, * FROM " + table + " ORDER BY rowid LIMIT 1");
      hand.run("UPDATE " + table + " SET " + column + " = " + value + " WHERE rowid = (SELECT r FROM kept)");
      const auto r = verify(*b);
      INFO(table << "." << column << "\n" << all(r));
      CHECK_FALSE(r.good());
      hand.run("UPDATE " + table + " SET " + column + " = (SELECT " + column + " FROM kept) WHERE rowid = (SELECT r FROM kept)");
      hand.run("DROP TABLE kept");
    }
  }
  CHECK(verify(*b).good());
}

TEST_CASE("verify: rows put in and taken out by hand", "[verify]") {
  auto b = full_book();
  {
    Intruder hand(b->dir.ledger());
    hand.run("CREATE TABLE copy AS SELECT * FROM settlement WHERE id = 1");
    hand.run("UPDATE copy SET id = 99, ref_id = randomblob(32), position_id = 'mine'");
    hand.run("INSERT INTO settlement SELECT * FROM copy");
    hand.run("DROP TABLE copy");
  }
  auto r = verify(*b);
  REQUIRE_FALSE(r.good());
  CHECK(all(r).find("settlement 99 (Bybit mine): the audit trail does not know this row") != std::string::npos);
  {
    Intruder hand(b->dir.ledger());
    hand.run("DELETE FROM settlement WHERE id = 99");
    hand.run("DELETE FROM settlement WHERE id = 3");
  }
  r = verify(*b);
  CHECK(all(r).find("settlement 3: is gone") != std::string::npos);
}

TEST_CASE("verify: a truncated or rewritten trail is held against a kept checkpoint", "[verify]") {
  auto b = full_book();
  const auto kept = verify(*b).checkpoint;
  b->close_down();
  // The last transition is undone in row and trail alike: from inside the file everything fits.
  {
    Intruder hand(b->dir.ledger());
    hand.run("DELETE FROM settlement WHERE position_id = 'held'");
    hand.run("DELETE FROM audit WHERE id >= (SELECT min(id) FROM audit WHERE settlement_id = 4)");
    hand.run("DELETE FROM attempt WHERE slot_id = 3; DELETE FROM slot_item WHERE slot_id = 3; DELETE FROM slot WHERE id = 3");
    hand.run("DELETE FROM settlement WHERE position_id = 'late'");
    hand.run("UPDATE signer SET next_nonce = next_nonce - 1");
  }
  const auto blind = verify(*b);
  INFO(all(blind));
  CHECK(blind.good());
  const auto seen = verify(*b, kept);
  CHECK_FALSE(seen.good());
  CHECK(all(seen).find("rows were cut off") != std::string::npos);
  b->open();
  for (int i = 0; i < 40; ++i) commit(*b->ledger, close_of("new" + std::to_string(i), "2"));
  CHECK(all(verify(*b, kept)).find("the trail was written anew") != std::string::npos);
}

TEST_CASE("verify: a state set by hand together with its slot does not fit the trail", "[verify]") {
  auto b = full_book();
  Intruder(b->dir.ledger()).run("UPDATE settlement SET state = 'QUEUED' WHERE position_id = 'late'");
  const auto text = all(verify(*b));
  CHECK(text.find("its last transition") != std::string::npos);
  CHECK(text.find("in 1 open slots") != std::string::npos);
}

// How long the proof of a large book takes: ANDUIN_ROWS=1000000 build/bin/settle_test "[scale]"
TEST_CASE("verify: the time a large book takes", "[.][scale]") {
  const char* wanted = std::getenv("ANDUIN_ROWS");
  const int rows = wanted != nullptr ? std::atoi(wanted) : 20'000;
  constexpr int kBatch = 100;
  Bench b;
  const auto key = *b.ledger->acquire_signer(b.options.chain_id, b.key->address(), b.vault.address());
  REQUIRE(b.ledger->raise_nonce(key, 0, "first use"));
  SystemClock clock;
  auto start = clock.mono_ns();
  for (int i = 0; i < rows; i += kBatch) {
    AccountBatch batch{"alice", {}, {}, {}};
    for (int k = 0; k < kBatch; ++k) batch.closes.push_back(close_of("n" + std::to_string(i + k), "12.3456789"));
    REQUIRE(b.ledger->commit_batch(batch));
    const auto queued = *b.ledger->queued(b.options.chain_id, b.vault.address(), kBatch);
    std::vector<chain::VaultItem> items;
    for (const auto& q : queued) items.push_back({q.action, q.user, q.units, q.ref_id});
    const auto slot = b.ledger->reserve(key, b.vault.address(), queued, Call{b.vault.address(), *b.vault.batch_call(items, true)}, 5'000'000);
    REQUIRE(slot);
    chain::Transaction tx;
    tx.chain_id = b.options.chain_id;
    tx.nonce = slot->nonce;
    tx.to = b.vault.address();
    tx.data = slot->call.calldata;
    const auto made = *chain::sign(tx, b.signer);
    REQUIRE(b.ledger->add_attempt(key, slot->id, {made.hash, false, made.raw, tx.max_fee, tx.tip, tx.gas_limit}));
    REQUIRE(b.ledger->mark_sent(key, slot->id, made.hash, ""));
    std::vector<ItemMove> mined, done;
    for (const auto& q : queued) {
      mined.push_back({q.ref_id, State::kAssigned, State::kIncluded, "", {}});
      done.push_back({q.ref_id, State::kIncluded, State::kSettled, "", q.units});
    }
    REQUIRE(b.ledger->mark_mined(key, slot->id, made.hash, made.hash, 7, mined));
    REQUIRE(b.ledger->close_slot(key, slot->id, SlotState::kFinal, done, ""));
  }
  const auto built = clock.mono_ns() - start;
  start = clock.mono_ns();
  const auto r = verify(b);
  const auto took = clock.mono_ns() - start;
  INFO(all(r));
  CHECK(r.good());
  std::printf("verify: %d settlements, %llu audit rows, built in %llu ms, proved in %llu ms, %llu MB of file\n", rows,
              static_cast<unsigned long long>(r.checkpoint.rows), static_cast<unsigned long long>(built / 1'000'000),
              static_cast<unsigned long long>(took / 1'000'000),
              static_cast<unsigned long long>(std::filesystem::file_size(b.dir.ledger()) >> 20));
}
