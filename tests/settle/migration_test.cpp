// A ledger of every older schema version, built by the old steps themselves and filled with rows as they were then,
// comes forward: nothing changes but what the step says, the proof holds, and the older file stays beside it.
#include <nlohmann/json.hpp>

#include "settle/ledger_schema.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

/// The columns of version 1 and nothing else, so that every version takes them.
constexpr const char* kRows = R"sql(
INSERT INTO account(name, venue, uid, user_addr, chain_id, vault, live, settle_from_ms, registered_ms)
  VALUES('alice', 'Bybit', 'u', X'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 31337, X'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e', 1, 1, 1);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
INSERT INTO settlement(id, chain_id, vault, ref_id, venue, position_id, account, user_addr, action, units, symbol, native_symbol,
  market, side, pnl, pnl_text, currency, fee, fee_text, fee_currency, usd, closed_ms, received_ms, origin, evidence, digest,
  verified, state, reason, slots_used, onchain_units)
  SELECT i, 31337, X'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e', CAST(substr('00000000000000000000000000000000' || i, -32) AS BLOB),
  'Bybit', 'p' || i, 'alice', X'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'credit', '5000000', 'BTCUSDT', 'BTCUSDT', 'linear', 'long',
  '5', '5', 'USDT', '0', '0', 'USDT', '5', 1700000001000, 1700000002000, 'stream', '', zeroblob(32), 'ok',
  CASE i WHEN 1 THEN 'SETTLED' WHEN 2 THEN 'QUARANTINED' WHEN 3 THEN 'ASSIGNED' ELSE 'QUEUED' END, '', i IN (1, 3),
  CASE i WHEN 1 THEN '5000000' END FROM n;
INSERT INTO report(kind, chain_id, vault, venue, position_id, account, user_addr, pnl, currency, fee, fee_currency, closed_ms,
  received_ms, origin, evidence, reason, digest)
  VALUES('CONFLICT', 31337, X'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e', 'Bybit', 'p1', 'alice',
  X'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', '6', 'USDT', '0', 'USDT', 1, 1, 'stream', '', 'amount', zeroblob(32));
INSERT INTO signer(chain_id, address, next_nonce, epoch) VALUES(31337, X'0101010101010101010101010101010101010101', 2, 1);
)sql";

constexpr const char* kSlots = R"sql(
INSERT INTO slot(id, chain_id, signer, nonce, vault, %TO% calldata, gas_limit, state, win_hash, block_hash, block_number, created_ms)
  SELECT i, 31337, X'0101010101010101010101010101010101010101', i - 1, X'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e', %VALUE%
  CAST(X'247c55b2000000000000000000000000a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1' ||
    X'00000000000000000000000000000000000000000000000000000000004c4b40' ||
    substr('00000000000000000000000000000000' || (i * 2 - 1), -32) AS BLOB), 100000,
  CASE i WHEN 1 THEN 'FINAL' ELSE 'RESERVED' END, CASE i WHEN 1 THEN zeroblob(32) END, CASE i WHEN 1 THEN zeroblob(32) END,
  CASE i WHEN 1 THEN 7 END, 1 FROM (SELECT 1 AS i UNION SELECT 2);
INSERT INTO slot_item(slot_id, seq, ref_id, settlement_id)
  SELECT (id + 1) / 2, 0, ref_id, id FROM settlement WHERE id IN (1, 3);
)sql";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what)) text.replace(at, what.size(), by);
  return text;
}

/// Exactly as a program of that version would have left it, as far as its schema goes.
void build(const std::filesystem::path& path, std::size_t version) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  const auto run = [&](const std::string& sql) {
    char* error = nullptr;
    const int rc = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
    INFO((error != nullptr ? error : "") << "\n" << sql);
    REQUIRE(rc == SQLITE_OK);
  };
  run("PRAGMA journal_mode=WAL");
  for (std::size_t v = 0; v < version; ++v) run(schema_steps()[v]);
  run("PRAGMA application_id=" + std::to_string(kApplicationId));
  run("PRAGMA user_version=" + std::to_string(version));
  run(kRows);
  const bool calls_somebody = version >= 3;
  run(replaced(replaced(kSlots, "%TO%", calls_somebody ? "to_addr," : ""), "%VALUE%",
               calls_somebody ? "X'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e'," : ""));
  sqlite3_close(db);
}

}  // namespace

TEST_CASE("migration: a ledger of every older version comes forward whole", "[migration]") {
  // From version 4 on the trail anchors rows as they are written: a file of rows without one is no such ledger.
  constexpr std::size_t kLastWithoutAnchors = 3;
  for (std::size_t version = 1; version <= kLastWithoutAnchors; ++version) {
    CAPTURE(version);
    TempDir dir;
    build(dir.ledger(), version);
    ManualClock clock(kNow);
    auto ledger = open_ledger(dir, clock);
    auto r = reader(dir);
    const auto rows = *r->list({});
    REQUIRE(rows.size() == 7);  // six settlements and the report
    CHECK(rows[0]["state"] == "SETTLED");
    CHECK(rows[0]["units"] == "5000000");
    CHECK(r->sums()->ledger_sum == "5000000");
    const auto proof = *r->verify();
    for (const auto& p : proof.problems) {
      // The rows were put in without the program: their audit trail begins with the migration.
      INFO(p.where << ": " << p.text);
      const bool of_before = p.text.find("without an audit row that put it there") != std::string::npos ||
                             p.text.find("nonce 0 that does not follow") != std::string::npos;
      CHECK(of_before);
    }
    CHECK(proof.settlements == 6);
    CHECK(proof.checkpoint.rows == 6 + 2 + 1);  // an anchor for each settlement, slot and report
    // An edit after the migration shows.
    {
      sqlite3* db = nullptr;
      REQUIRE(sqlite3_open(dir.ledger().c_str(), &db) == SQLITE_OK);
      CHECK(sqlite3_exec(db, "UPDATE settlement SET usd = '50' WHERE id = 4", nullptr, nullptr, nullptr) == SQLITE_OK);
      sqlite3_close(db);
    }
    CHECK(reader(dir)->verify_audit()->text.find("settlement 4 (Bybit p4)") != std::string::npos);
    // The older file is there, as it was, for the older program.
    const auto kept = dir.ledger().string() + ".v" + std::to_string(version) + ".bak";
    auto old = Database::open_copy(kept);
    REQUIRE(old);
    CHECK(*schema_version(**old) == static_cast<std::int64_t>(version));
    Query q(**old, "SELECT count(*) FROM settlement");
    REQUIRE(q.step());
    CHECK(q.integer(0) == 6);
    // And it goes on working: the next report of a known close is a duplicate, a new one is accepted.
    REQUIRE(ledger->register_account(terms("alice")));
    CHECK(commit(*ledger, close_of("new", "1")) == Outcome::kAccepted);
  }
}

TEST_CASE("migration: without room for the older file nothing is touched, and it says so", "[migration]") {
  TempDir dir;
  build(dir.ledger(), 1);
  // A folder stands where the copy is to be made.
  std::filesystem::create_directories(dir.ledger().string() + ".v1.bak.partial-" + std::to_string(::getpid()));
  ManualClock clock(kNow);
  LedgerOptions o;
  o.path = dir.ledger();
  const auto refused = Ledger::open(o, clock);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("before it is migrated") != std::string::npos);
  auto db = Database::open_copy(dir.ledger());
  CHECK(*schema_version(**db) == 1);
}

TEST_CASE("migration: backwards is refused with words, by host and reader", "[migration]") {
  TempDir dir;
  ManualClock clock(kNow);
  open_ledger(dir, clock).reset();
  auto db = *Database::open(dir.ledger(), Database::Mode::kReadWrite);
  for (std::size_t older = 1; older < schema_steps().size(); ++older) {
    const auto refused = migrate(*db, schema_steps().first(older));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text.find("install the newer anduin") != std::string::npos);
    CHECK(check_version(*db, older).error().text.find("install the newer anduin") != std::string::npos);
  }
}
