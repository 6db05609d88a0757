// A reorg below the settled block: what was FINAL is gone. The signer stops, a person reopens, the chain
// decides again.
#include <sqlite3.h>

#include <nlohmann/json.hpp>

#include "settle/audit.hpp"
#include "settle/chain_support.hpp"
#include "settle/verify.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

/// A connection that goes around the ledger, as an intruder would.
std::string edit(const TempDir& dir, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(dir.ledger().c_str(), &db) == SQLITE_OK);
  char* error = nullptr;
  sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
  std::string out = error != nullptr ? error : "";
  sqlite3_free(error);
  sqlite3_close(db);
  return out;
}

std::string audit_verdict(const TempDir& dir) {
  auto db = Database::open(dir.ledger(), Database::Mode::kReadOnly);
  REQUIRE(db);
  const auto report = verify_book(**db);
  return report.good() ? "" : report.problems.front().where + " " + report.problems.front().text;
}

struct Deep : Bench {
  /// Two settlements, settled.
  Deep() {
    commit(*ledger, close_of("1", "1.5"));
    commit(*ledger, close_of("2", "2.5"));
    run(8);
    REQUIRE(state("1") == "SETTLED");
    REQUIRE(state("2") == "SETTLED");
  }
  std::string stopped() { return submitter->status().stopped; }
};

}  // namespace

TEST_CASE("reopen: reorg deeper than finalized stops the signer visibly, also after a restart", "[reopen]") {
  Deep b;
  const auto sent = b.node.sent.size();
  b.chain.reorg_below_finalized(10, false);
  commit(*b.ledger, close_of("3", "3.5"));
  b.run(3);
  CHECK_THAT(b.stopped(), Catch::Contains("STOPPED") && Catch::Contains("anduin ctl reopen main"));
  CHECK(b.submitter->status().last_error.find("STOPPED") != std::string::npos);
  CHECK(b.node.sent.size() == sent);
  CHECK(b.state("1") == "SETTLED");  // nothing is guessed
  CHECK(b.state("3") == "QUEUED");
  b.close_down();
  b.open();
  b.run(3);
  CHECK_THAT(b.stopped(), Catch::Contains("STOPPED"));
  CHECK(b.node.sent.size() == sent);
}

TEST_CASE("reopen: transactions that vanished are sent again, those that came back are found", "[reopen]") {
  const bool come_back = GENERATE(false, true);
  INFO("the transactions come back: " << come_back);
  Deep b;
  b.chain.reorg_below_finalized(10, come_back);
  commit(*b.ledger, close_of("3", "3.5"));
  b.run(2);
  REQUIRE_FALSE(b.stopped().empty());
  CHECK(b.submitter->reopen("operator eve", "").error().kind == ErrorKind::kBadRequest);
  const auto slots = b.submitter->reopen("operator eve", "the sequencer was down");
  REQUIRE(slots);
  CHECK(*slots >= 1);
  CHECK(b.state("1") == "ASSIGNED");
  CHECK(b.state("2") == "ASSIGNED");
  b.run(12);
  CHECK(b.stopped().empty());
  for (const char* id : {"1", "2", "3"}) CHECK(b.state(id) == "SETTLED");
  CHECK(b.events().size() == 3);
  CHECK(audit_verdict(b.dir).empty());
  // The trail tells who and why.
  const auto row = *reader(b.dir)->show("1");
  CHECK_THAT(row.dump(), Catch::Contains("operator eve") && Catch::Contains("the sequencer was down"));
}

TEST_CASE("reopen: refused while every FINAL slot stands", "[reopen]") {
  Deep b;
  const auto none = b.submitter->reopen("operator eve", "just in case");
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::kBadRequest);
  CHECK(b.state("1") == "SETTLED");
}

TEST_CASE("reopen: what went on to a later nonce stays there, its first nonce is given up", "[reopen]") {
  Bench b;
  commit(*b.ledger, close_of("1", "1.5"));
  b.tick();
  b.chain.use_key(b.key->address());  // nonce 0 is somebody else's: LOST, settled under nonce 1
  b.run(14);
  REQUIRE(b.state("1") == "SETTLED");
  REQUIRE(b.submitter->status().lost_slots == 1);
  b.chain.reorg_below_finalized(14, false);
  b.clock.advance_ms(b.options.probe_blocked_ms);  // with nothing to do it looks once a minute
  b.run(2);
  REQUIRE_FALSE(b.submitter->status().stopped.empty());
  const auto slots = b.submitter->reopen("operator eve", "outage");
  REQUIRE(slots);
  CHECK(*slots == 2);
  b.close_down();  // what is known of it is in the ledger
  b.open();
  b.run(16);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.events().size() == 1);
  CHECK(audit_verdict(b.dir).empty());
  const auto reverted = std::count_if(b.node.sent.begin(), b.node.sent.end(), [](const Bytes& raw) {
    return chain::decode_transaction(raw)->transaction.data.empty();
  });
  CHECK(reverted >= 1);  // the no-op
}

TEST_CASE("reopen: nobody reopens by an edit of the file", "[reopen]") {
  Deep b;
  CHECK_THAT(edit(b.dir, "UPDATE slot SET state = 'SENT' WHERE state = 'FINAL'"), Catch::Contains("never moves"));
  CHECK_THAT(edit(b.dir, "UPDATE settlement SET state = 'ASSIGNED' WHERE state = 'SETTLED'"),
             Catch::Contains("never moves"));
  CHECK_THAT(edit(b.dir, "INSERT INTO reopening(audit_id, slot_id) SELECT max(a.id), 1 FROM audit a"),
             Catch::Contains("its own audit row"));
  b.chain.reorg_below_finalized(10, false);
  b.run(1);
  REQUIRE(b.submitter->reopen("operator eve", "outage"));
  b.run(12);
  REQUIRE(b.state("1") == "SETTLED");
  // A reopening that has been used opens nothing a second time.
  CHECK_THAT(edit(b.dir, "UPDATE slot SET state = 'SENT' WHERE state = 'FINAL'"), Catch::Contains("never moves"));
  CHECK_FALSE(edit(b.dir, "UPDATE reopening SET slot_id = 2").empty());
  CHECK_FALSE(edit(b.dir, "DELETE FROM reopening").empty());
  // Whoever forges the permit leaves a row that is not as the trail left it.
  CHECK(edit(b.dir,
             "BEGIN; INSERT INTO reopening(audit_id, slot_id, block_hash) SELECT (SELECT max(id) + 1 FROM audit), id, "
             "block_hash FROM slot WHERE id = 1; UPDATE slot SET state = 'SENT' WHERE id = 1; COMMIT;")
            .empty());
  CHECK_THAT(audit_verdict(b.dir), Catch::Contains("slot 1") && Catch::Contains("by hand"));
}
