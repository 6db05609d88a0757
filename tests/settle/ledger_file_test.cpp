// The ledger as a file: mode, locks, readers, versions, triggers, the audit chain, a full disk.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "settle/ledger_schema.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

unsigned mode_of(const std::filesystem::path& p) {
  struct stat s {};
  return ::stat(p.c_str(), &s) == 0 ? static_cast<unsigned>(s.st_mode & 0777U) : 0U;
}

/// A connection that goes around the ledger, as an intruder would.
struct Raw {
  explicit Raw(const std::filesystem::path& p) { REQUIRE(sqlite3_open(p.c_str(), &db) == SQLITE_OK); }
  ~Raw() { sqlite3_close(db); }
  std::string run(const std::string& sql) {
    char* error = nullptr;
    sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error);
    std::string out = error != nullptr ? error : "";
    sqlite3_free(error);
    return out;
  }
  sqlite3* db = nullptr;
};

std::unique_ptr<Ledger> with_rows(const TempDir& dir, Clock& clock) {
  auto ledger = open_ledger(dir, clock);
  REQUIRE(ledger->register_account(terms("alice")));
  commit(*ledger, close_of("1", "10"));
  commit(*ledger, close_of("2", "0"));
  return ledger;
}

}  // namespace

TEST_CASE("ledger file: mode 0600, also beside a looser umask or an older file", "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  const auto old = ::umask(0);
  std::ofstream(dir.ledger()).close();
  auto ledger = with_rows(dir, clock);
  ::umask(old);
  CHECK(mode_of(dir.ledger()) == 0600);
  CHECK(mode_of(dir.ledger().string() + "-wal") == 0600);
  CHECK(mode_of(dir.ledger().string() + "-shm") == 0600);
  CHECK(mode_of(dir.ledger().string() + ".lock") == 0600);
}

TEST_CASE("ledger file: one writing process, any number of readers", "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = with_rows(dir, clock);
  LedgerOptions o;
  o.path = dir.ledger();
  const auto second = Ledger::open(o, clock);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kFatal);
  CHECK(second.error().text.find("another process") != std::string::npos);
  auto r1 = reader(dir), r2 = reader(dir);
  CHECK(r1->list({})->size() == 2);
  commit(*ledger, close_of("3", "1"));
  CHECK(r1->list({})->size() == 3);
  CHECK(r2->list({})->size() == 3);
  ledger.reset();
  CHECK(Ledger::open(o, clock));
}

TEST_CASE("ledger file: what cannot be opened says why", "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  LedgerOptions o;
  o.path = dir.path() / "absent" / "x.db";
  CHECK(Ledger::open(o, clock).error().kind == ErrorKind::kFatal);
  CHECK(LedgerReader::open(dir.ledger()).error().kind == ErrorKind::kBadRequest);
  std::ofstream(dir.ledger()) << "this is a text file and no database at all, whatever its name says";
  o.path = dir.ledger();
  CHECK(Ledger::open(o, clock).error().text.find("no ledger") != std::string::npos);
  CHECK_FALSE(LedgerReader::open(dir.ledger()));
  std::filesystem::remove(dir.ledger());
  { Raw(dir.ledger()).run("CREATE TABLE cats(name TEXT)"); }
  CHECK(Ledger::open(o, clock).error().text.find("not an anduin ledger") != std::string::npos);
}

TEST_CASE("ledger file: a newer schema is refused with words, an older one is brought forward",
          "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  with_rows(dir, clock).reset();
  const auto next = std::to_string(schema_steps().size() + 1);
  { CHECK(Raw(dir.ledger()).run("PRAGMA user_version=" + next).empty()); }
  LedgerOptions o;
  o.path = dir.ledger();
  const auto refused = Ledger::open(o, clock);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("schema version " + next) != std::string::npos);
  CHECK(refused.error().text.find("newer anduin") != std::string::npos);
  CHECK(LedgerReader::open(dir.ledger()).error().kind == ErrorKind::kFatal);

  // Forward: this version plus one more step, on a ledger with rows in it.
  { CHECK(Raw(dir.ledger()).run("PRAGMA user_version=" + std::to_string(schema_steps().size())).empty()); }
  std::vector<const char*> steps(schema_steps().begin(), schema_steps().end());
  steps.push_back("ALTER TABLE settlement ADD COLUMN note TEXT");
  auto db = Database::open(dir.ledger(), Database::Mode::kReadWrite);
  REQUIRE(db);
  REQUIRE(migrate(**db, steps));
  Query q(**db,
          "SELECT count(note IS NULL), (SELECT user_version FROM pragma_user_version) FROM settlement");
  REQUIRE(q.step());
  CHECK(q.integer(0) == 2);
  CHECK(std::to_string(q.integer(1)) == next);
}

TEST_CASE("ledger file: a step that fails leaves the old version whole", "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  with_rows(dir, clock).reset();
  std::vector<const char*> steps(schema_steps().begin(), schema_steps().end());
  steps.push_back(
      "CREATE TABLE extra(x) STRICT");  // STRICT wants a type: an error after an earlier statement
  auto db = Database::open(dir.ledger(), Database::Mode::kReadWrite);
  CHECK_FALSE(migrate(**db, steps));
  db->reset();
  CHECK(Ledger::open(
      [&] {
        LedgerOptions o;
        o.path = dir.ledger();
        return o;
      }(),
      clock));
}

TEST_CASE("ledger file: frozen means frozen, also for a direct connection", "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = with_rows(dir, clock);
  Raw raw(dir.ledger());
  CHECK(raw.run("UPDATE settlement SET units = '1' WHERE id = 1").find("frozen") != std::string::npos);
  CHECK(raw.run("UPDATE settlement SET action = 'seize' WHERE id = 1").find("frozen") != std::string::npos);
  CHECK(raw.run("UPDATE settlement SET user_addr = zeroblob(20) WHERE id = 1").find("frozen") !=
        std::string::npos);
  CHECK(raw.run("UPDATE settlement SET ref_id = zeroblob(32)").find("identity") != std::string::npos);
  CHECK(raw.run("UPDATE settlement SET state = 'QUEUED' WHERE id = 2") != "");
  CHECK(raw.run("UPDATE settlement SET state = 'BLOCKED' WHERE id = 2").find("terminal") !=
        std::string::npos);
  CHECK(raw.run("DELETE FROM settlement").find("never deleted") != std::string::npos);
  CHECK(raw.run("DELETE FROM audit").find("append-only") != std::string::npos);
  CHECK(raw.run("UPDATE audit SET detail = 'x'").find("append-only") != std::string::npos);
  CHECK(raw.run("INSERT INTO settlement(id) VALUES('text')") != "");
  CHECK(reader(dir)->verify_audit()->ok);
}

TEST_CASE("ledger file: one audit row for each transition, and a chain that shows tampering",
          "[ledger][file]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = with_rows(dir, clock);
  commit(*ledger, close_of("1", "11"));  // a conflict report
  auto held = close_of("3", "1");
  held.hold_reason = "look at it";
  commit(*ledger, held);
  REQUIRE(ledger->approve(*ref_id("Bybit", "3"), "carol", "fine"));
  const auto check = reader(dir)->verify_audit();
  CHECK(check->ok);
  CHECK(check->rows == 6);  // account, three settlements, one report, one approval
  Raw raw(dir.ledger());
  CHECK(raw.run("DROP TRIGGER audit_update; DROP TRIGGER audit_delete").empty());
  CHECK(raw.run("UPDATE audit SET detail = 'nothing happened' WHERE id = 3").empty());
  const auto broken = reader(dir)->verify_audit();
  CHECK_FALSE(broken->ok);
  CHECK(broken->text.find("audit row 3") != std::string::npos);
  CHECK(raw.run("DELETE FROM audit WHERE id = 3").empty());
  CHECK(reader(dir)->verify_audit()->text.find("audit row 3 is missing") != std::string::npos);
}

TEST_CASE("ledger file: a full disk is a fatal error with words, and loses nothing that was acknowledged",
          "[ledger][file]") {
  TempDir dir;
  int acknowledged_pipe[2];
  REQUIRE(::pipe(acknowledged_pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // In a child: the limit on file sizes is the full disk, and concerns nobody else.
    ::signal(SIGXFSZ, SIG_IGN);
    ManualClock clock(kNow);
    LedgerOptions o;
    o.path = dir.ledger();
    auto ledger = Ledger::open(o, clock);
    int status = 1;
    if (ledger && (*ledger)->register_account(terms("alice"))) {
      rlimit limit{};
      ::getrlimit(RLIMIT_FSIZE, &limit);
      limit.rlim_cur = 800 * 1024;  // the schema alone takes most of 600 KiB of log
      ::setrlimit(RLIMIT_FSIZE, &limit);
      int n = 0;
      for (; n < 5'000; ++n) {
        const auto out =
            (*ledger)->commit_batch({"alice", {close_of("full-" + std::to_string(n), "1")}, {}, {}});
        if (out) continue;
        const bool words = out.error().text.find("disk") != std::string::npos;
        status = out.error().kind == ErrorKind::kFatal && words ? 0 : 2;
        break;
      }
      [[maybe_unused]] const auto written = ::write(acknowledged_pipe[1], &n, sizeof n);
    }
    ::_exit(status);  // no destructors: the process is gone as by a kill
  }
  int status = 0, acknowledged = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(::read(acknowledged_pipe[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged);
  ::close(acknowledged_pipe[0]);
  ::close(acknowledged_pipe[1]);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(acknowledged > 10);
  ManualClock clock(kNow);
  auto ledger = open_ledger(dir, clock);
  ListFilter all;
  all.limit = 10'000;
  CHECK(reader(dir)->list(all)->size() == static_cast<std::size_t>(acknowledged));
  CHECK(reader(dir)->verify_audit()->ok);
  REQUIRE(ledger->register_account(terms("alice")));
  CHECK(commit(*ledger, close_of("full-" + std::to_string(acknowledged), "1")) == Outcome::kAccepted);
}
