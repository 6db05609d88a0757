// What happens when the storage or the clock misbehaves. Each case shows the same four things: planning and sending stop
// at once, somebody can read why, what was acknowledged is there afterwards, and everything settles once in the end.
#include <spdlog/spdlog.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "settle/chain_support.hpp"
#include "settle/faulty_disk.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

struct Faulty : Bench {
  Faulty() {
    spdlog::set_level(spdlog::level::off);
    close_down();
    ledger_options.synchronous = true;
    open();
  }
  Result<std::vector<CloseOutcome>> post(const std::string& id) { return ledger->commit_batch({"alice", {close_of(id, "2")}, {}, {}}); }
  void again() {
    close_down();
    open();
  }
  void settled_once(const std::vector<std::string>& ids) {
    run(12);
    const auto seen = events();
    for (const auto& id : ids) {
      CAPTURE(id);
      CHECK(state(id) == "SETTLED");
      CHECK(std::count_if(seen.begin(), seen.end(), [&](const auto& e) { return e.ref_id == *ref_id("Bybit", id); }) == 1);
    }
    const auto proof = reader(dir)->verify_audit();
    INFO(proof->text);
    CHECK(proof->ok);
  }
};

std::string bytes_of(const std::filesystem::path& p) {
  std::ifstream in(p, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::filesystem::path& p, const std::string& bytes) { std::ofstream(p, std::ios::binary | std::ios::trunc) << bytes; }

}  // namespace

TEST_CASE("storage: a sync that fails stops everything until a restart, and loses nothing that was acknowledged", "[storage]") {
  FaultyDisk disk;
  Faulty b;
  REQUIRE(b.post("acknowledged"));
  b.tick();
  REQUIRE(b.state("acknowledged") == "ASSIGNED");
  const auto sent = b.node.sent.size();
  disk.on_sync = SQLITE_IOERR_FSYNC;
  const auto refused = b.post("lost");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kFatal);
  CHECK(refused.error().text.find("until the host is restarted") != std::string::npos);
  CHECK(disk.failed > 0);
  // The disk says that it works again: nobody knows what is on it, so nothing is written and nothing is sent.
  disk.on_sync = SQLITE_OK;
  CHECK(b.post("later").error().text.find("restart the host") != std::string::npos);
  for (int i = 0; i < 4; ++i) {
    b.chain.mine();
    b.clock.advance_ms(20'000);  // long past every resend
    const auto ticked = b.submitter->tick();
    REQUIRE_FALSE(ticked);
    CHECK(ticked.error().kind == ErrorKind::kFatal);
    CHECK(b.submitter->status().last_error.find("restart the host") != std::string::npos);
  }
  CHECK(b.node.sent.size() == sent);
  b.again();
  for (const char* id : {"acknowledged", "lost", "later"}) REQUIRE(b.post(id));  // the venue's history brings them
  b.settled_once({"acknowledged", "lost", "later"});
}

TEST_CASE("storage: a full disk stops planning and sending, and goes on by itself when there is room", "[storage]") {
  FaultyDisk disk;
  Faulty b;
  REQUIRE(b.post("one"));
  b.tick();
  REQUIRE(b.post("two"));
  const auto sent = b.node.sent.size();
  disk.on_write = SQLITE_FULL;
  CHECK(b.post("three").error().text.find("full") != std::string::npos);
  for (int i = 0; i < 4; ++i) {
    b.clock.advance_ms(20'000);
    const auto ticked = b.submitter->tick();
    REQUIRE_FALSE(ticked);
    CHECK(ticked.error().text.find("full") != std::string::npos);
    CHECK(b.submitter->status().last_error.find("Free space") != std::string::npos);
  }
  CHECK(b.node.sent.size() == sent);
  CHECK(b.state("two") == "QUEUED");
  disk.on_write = SQLITE_OK;
  REQUIRE(b.post("three"));
  b.settled_once({"one", "two", "three"});
}

TEST_CASE("storage: a disk that has become read-only is told and planned nothing on", "[storage]") {
  FaultyDisk disk;
  Faulty b;
  REQUIRE(b.post("one"));
  disk.on_write = SQLITE_READONLY;
  const auto refused = b.post("two");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kFatal);
  CHECK(refused.error().text.find("opened for writing") != std::string::npos);
  const auto ticked = b.submitter->tick();
  REQUIRE_FALSE(ticked);
  CHECK(b.node.sent.empty());
  disk.on_write = SQLITE_OK;
  b.again();
  REQUIRE(b.post("two"));
  b.settled_once({"one", "two"});
}

TEST_CASE("storage: a page that reads back wrong is named, and nothing is sent on its word", "[storage]") {
  // Every page of the file in turn: the proof finds it, or it holds nothing. The host either refuses with words or goes
  // on with rows that are whole.
  TempDir keep;
  std::string whole;
  std::size_t rows = 0;
  {
    Faulty b;
    for (int i = 0; i < 60; ++i) REQUIRE(b.post("row" + std::to_string(i)));
    b.run(2);
    rows = reader(b.dir)->list({})->size();
    b.close_down();  // the last connection brings the log into the file
    whole = bytes_of(b.dir.ledger());
  }
  REQUIRE(rows == 60);
  constexpr std::size_t kPage = 4096;
  const std::size_t pages = whole.size() / kPage;
  std::size_t found = 0, last_named = 0;
  for (std::size_t page = 1; page < pages; ++page) {
    std::string torn = whole;
    torn.replace(page * kPage + kPage / 2, kPage / 2, kPage / 2, '\x5a');  // the second half never reached the disk
    put(keep.ledger(), torn);
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(keep.ledger().string() + suffix);
    ManualClock clock(kNow);
    LedgerOptions o;
    o.path = keep.ledger();
    o.synchronous = false;
    const auto opened = Ledger::open(o, clock);
    if (!opened) {
      CHECK(opened.error().kind == ErrorKind::kFatal);
      ++found;
      continue;
    }
    const auto proof = LedgerReader::open(keep.ledger()).value()->verify();
    const bool named = !proof || !proof->good();
    found += named ? 1 : 0;
    if (!named) CHECK(LedgerReader::open(keep.ledger()).value()->list({})->size() == rows);
    if (page + 1 == pages) last_named = named ? 1 : 0;
  }
  CAPTURE(pages, found, last_named);
  CHECK(found > pages * 2 / 3);  // the rest are roots of empty tables: their second half holds nothing
}

TEST_CASE("storage: a log torn in the middle of a write keeps every write before it", "[storage]") {
  Faulty b;
  REQUIRE(b.post("one"));
  REQUIRE(b.post("two"));
  const auto wal = b.dir.ledger().string() + "-wal";
  const std::string file = bytes_of(b.dir.ledger()), before = bytes_of(wal);
  REQUIRE(b.post("three"));
  const std::string after = bytes_of(wal);
  REQUIRE(after.size() > before.size());
  b.close_down();
  TempDir torn;
  const std::size_t step = std::max<std::size_t>(1, (after.size() - before.size()) / 37);
  int checked = 0;
  for (std::size_t size = before.size(); size < after.size(); size += step, ++checked) {
    put(torn.ledger(), file);
    put(torn.ledger().string() + "-wal", after.substr(0, size));
    std::filesystem::remove(torn.ledger().string() + "-shm");
    ManualClock clock(kNow);
    auto ledger = open_ledger(torn, clock);
    const auto rows = *reader(torn)->list({});
    REQUIRE(rows.size() == 2);  // the third was never acknowledged
    CHECK(reader(torn)->verify_audit()->ok);
    REQUIRE(ledger->register_account(terms("alice")));
    CHECK(commit(*ledger, close_of("three", "2")) == Outcome::kAccepted);
  }
  CHECK(checked >= 37);
}

TEST_CASE("storage: a wall clock that jumps changes what is recorded and nothing else", "[storage]") {
  for (const std::int64_t jump_ms : {-400'000'000'000LL, -3'600'000LL, 3'600'000LL, 400'000'000'000LL}) {
    CAPTURE(jump_ms);
    Faulty b;
    REQUIRE(b.post("one"));
    b.tick();
    const auto sent = b.node.sent.size();
    b.clock.set_wall_ms(kNow + jump_ms);
    b.tick();
    CHECK(b.node.sent.size() == sent);  // no timer fired: they are monotonic
    auto two = close_of("two", "2");
    two.closed_ms = kNow + 2'000;
    const auto out = b.ledger->commit_batch({"alice", {two}, {}, {}});
    REQUIRE(out);
    // A close that is years ahead of the clock is held for a person; one that is behind it is not.
    const bool ahead = jump_ms < -86'400'000;
    CHECK(out->front().outcome == (ahead ? Outcome::kHeld : Outcome::kAccepted));
    b.settled_once({"one"});
    CHECK(b.state("two") == (ahead ? "QUARANTINED" : "SETTLED"));
  }
}
