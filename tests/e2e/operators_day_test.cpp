// An operator's day with the real programs: a wrong PnL is held, seen, approved, settles and is explained; a backup is
// taken; somebody edits the book by hand and is found out; the disk dies, the backup comes back, nothing settles twice.
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "e2e/command.hpp"
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using e2e::Ran;
using e2e::Stage;
using nlohmann::json;

json close(const char* account, const char* pnl) {
  return {{"account", account}, {"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.5"}, {"pnl", pnl}, {"fee", "0"}};
}

/// What a person with the file and a database program can do, triggers or not.
void edit_by_hand(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  char* fault = nullptr;
  const int status = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &fault);
  const std::string text = fault ? fault : "";
  sqlite3_free(fault);
  sqlite3_close(db);
  INFO(text);
  REQUIRE(status == SQLITE_OK);
}

/// The export's row of one close.
json exported(const Ran& ran, const std::string& ref) {
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);)
    if (const json row = json::parse(line); row.value("ref", "") == ref) return row;
  FAIL("the export has no row of " << ref << ":\n" << ran.out);
  return {};
}

}  // namespace

TEST_CASE("an operator's day: held, seen, approved, settled, explained, edited by hand, lost, restored") {
  const bool duplicate_check = GENERATE(true, false);
  INFO("the vault " << (duplicate_check ? "refuses" : "takes") << " a refId twice");
  const e2e::TempDir dir("day");
  e2e::StageOptions options;
  options.bin = e2e::programs();
  options.dir = dir.path;
  options.cast = {e2e::two_venues().front()};  // Bybit
  options.duplicate_check = duplicate_check;
  Stage stage(options);
  const std::string socket = stage.control_socket().string(), ledger = "sqlite:" + stage.ledger_file().string();
  const auto run = [&](std::vector<std::string> args) { return e2e::run_anduin(dir.path, std::move(args), stage.environment()); };
  stage.start_host();
  stage.wait_log("positions ready", 2, 60'000);

  // A wrong PnL among good ones is held and seen.
  stage.bybit().control("close", close("bybit-1", "40.5"));
  stage.bybit().control("close", close("bybit-1", "500000"));
  stage.bybit().control("close", close("bybit-2", "-12.25"));
  stage.wait_log("-> held", 1, 20'000);
  REQUIRE(stage.drain(60'000));
  const Ran held = run({"ledger", "list", "--state", "QUARANTINED", "--json", "--ledger", ledger});
  const json rows = json::parse(held.out);
  REQUIRE(rows.size() == 1);
  const std::string ref = rows[0].at("ref");

  // The venue's statement proves it right: approved with a reason, it settles, and the export explains it.
  const Ran approved = run({"ctl", "approve", ref, "--reason", "statement of the venue, ticket 42", "--socket", socket});
  INFO(approved.out << approved.err);
  REQUIRE(approved.status == 0);
  REQUIRE(stage.drain(60'000));
  CHECK(stage.reconcile().onchain == 3);
  const json row = exported(run({"ledger", "export", "--ledger", ledger}), ref);
  INFO(row.dump(2));
  CHECK(row.at("state") == "SETTLED");
  const std::string told = row.dump();
  for (const char* part : {"plausibility", "ticket 42", "500000"}) CHECK(e2e::has(told, part));
  CHECK(row.at("outcome").at("transaction").get<std::string>().size() == 66);
  CHECK(row.at("outcome").at("blockNumber").get<std::uint64_t>() > 0);

  // A backup while the host runs; work goes on after it.
  const std::string backup = (dir.path / "backup.db").string();
  REQUIRE(run({"ledger", "backup", backup, "--ledger", ledger}).status == 0);
  CHECK(run({"ledger", "backup", backup, "--ledger", ledger}).status != 0);  // never overwritten
  stage.bybit().control("close", close("bybit-1", "7.01"));
  stage.bybit().control("close", close("bybit-2", "8.02"));
  REQUIRE(stage.drain(60'000));
  const auto before = stage.reconcile();
  CHECK(before.onchain == 5);
  const std::string pipeline = stage.pipeline_file().string();
  const Ran good = run({"ledger", "verify", "--pipeline", pipeline});
  INFO(good.out << good.err);
  REQUIRE(good.status == 0);
  CHECK(stage.stop_host() == 0);

  // Somebody makes it more. The book says so, and names the row.
  edit_by_hand(stage.ledger_file(), "DROP TRIGGER settlement_frozen; UPDATE settlement SET units = '900000000000' WHERE ref_id = x'" +
                                        ref.substr(2) + "'");
  const Ran edited = run({"ledger", "verify", "--pipeline", pipeline});
  INFO(edited.out << edited.err);
  CHECK(edited.status == 1);
  CHECK(e2e::has(edited.out, ref));

  // The disk dies. The backup, older than two settlements, takes its place; what it lacks comes from the venue's
  // history and meets what the chain shows.
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(stage.ledger_file().string() + end);
  std::filesystem::copy_file(backup, stage.ledger_file());
  stage.start_host();
  stage.wait_log("positions ready", 4, 60'000);
  stage.bybit().control("close", close("bybit-1", "-3.03"));
  REQUIRE(stage.drain(120'000));
  const auto after = stage.reconcile();
  INFO(after.line());
  CHECK(after.good());
  CHECK(after.injected == 6);
  CHECK(after.onchain == 6);
  CHECK(after.held == 0);
  const Ran proved = run({"ledger", "verify", "--pipeline", pipeline});
  INFO(proved.out << proved.err);
  CHECK(proved.status == 0);
  CHECK(stage.stop_host() == 0);
}
