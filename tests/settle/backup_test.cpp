// A copy of the book while it is written: whole, private, checked, never over another file.
#include "settle/backup.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

TEST_CASE("backup: a copy taken while the ledger is written is whole, and its checkpoint is in the trail that went on", "[backup]") {
  TempDir dir;
  SystemClock clock;
  auto ledger = open_ledger(dir, clock, {.path = {}, .synchronous = false});
  REQUIRE(ledger->register_account(terms("alice")));
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      auto c = close_of("w" + std::to_string(i), "1.5");
      c.closed_ms = clock.wall_ms();
      if (!ledger->commit_batch({"alice", {c}, {}, {}})) return;
      ++written;
    }
  });
  const auto wait_for = [&](int more) {
    const int wanted = written + more;
    for (int i = 0; i < 2'000 && written < wanted; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  };
  std::vector<BackupReport> copies;
  for (int i = 0; i < 5; ++i) {
    wait_for(200);
    const auto made = backup_ledger(dir.ledger(), dir.path() / ("copy" + std::to_string(i)), clock.wall_ms());
    if (!made) FAIL(made.error().to_string());
    copies.push_back(*made);
  }
  wait_for(200);
  stop = true;
  writer.join();
  CHECK(written >= 1'000);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const auto path = dir.path() / ("copy" + std::to_string(i));
    struct stat s {};
    REQUIRE(::stat(path.c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0600);
    CHECK_FALSE(std::filesystem::exists(path.string() + "-wal"));
    auto copy = LedgerReader::open(path);
    REQUIRE(copy);
    const auto proof = (*copy)->verify();
    REQUIRE(proof);
    CHECK(proof->good());
    CHECK(proof->checkpoint == copies[i].checkpoint);
    CHECK(reader(dir)->verify(copies[i].checkpoint)->good());
  }
  CHECK(copies.front().checkpoint.rows < copies.back().checkpoint.rows);
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    CHECK(entry.path().string().find(".partial") == std::string::npos);
}

TEST_CASE("backup: what stands there stays, and what is no ledger is no backup", "[backup]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = open_ledger(dir, clock);
  REQUIRE(ledger->register_account(terms("alice")));
  commit(*ledger, close_of("1", "10"));
  std::ofstream(dir.path() / "taken") << "precious";
  const auto refused = backup_ledger(dir.ledger(), dir.path() / "taken", kNow);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kBadRequest);
  CHECK(refused.error().text.find("never overwrites") != std::string::npos);
  std::string kept;
  std::ifstream(dir.path() / "taken") >> kept;
  CHECK(kept == "precious");
  CHECK(backup_ledger(dir.path() / "absent", dir.path() / "x", kNow).error().kind == ErrorKind::kBadRequest);
  CHECK(backup_ledger(dir.ledger(), dir.path() / "no" / "folder", kNow).error().kind == ErrorKind::kFatal);
  std::ofstream(dir.path() / "text") << std::string(8'192, 'x');
  CHECK_FALSE(backup_ledger(dir.path() / "text", dir.path() / "y", kNow));
  CHECK_FALSE(std::filesystem::exists(dir.path() / "y"));
}

TEST_CASE("backup: a damaged page is found in the copy, and no copy is left", "[backup]") {
  TempDir dir;
  ManualClock clock(kNow);
  {
    auto ledger = open_ledger(dir, clock);
    REQUIRE(ledger->register_account(terms("alice")));
    for (int i = 0; i < 200; ++i) commit(*ledger, close_of("d" + std::to_string(i), "10"));
  }
  const auto size = std::filesystem::file_size(dir.ledger());
  {
    std::fstream file(dir.ledger(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 4096 / 2 * 4096));
    file << std::string(4096, '\xa5');
  }
  const auto made = backup_ledger(dir.ledger(), dir.path() / "copy", kNow);
  REQUIRE_FALSE(made);
  INFO(made.error().text);
  CHECK(made.error().kind == ErrorKind::kFatal);
  CHECK_FALSE(std::filesystem::exists(dir.path() / "copy"));
}
