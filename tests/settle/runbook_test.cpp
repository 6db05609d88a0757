// The runbooks of docs/runbooks.md, rehearsed on a real EVM node with the program's own commands: each case is named
// after its page's heading and goes through its steps in order. The verdict comes from the vault's events.
#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "settle/backup.hpp"
#include "settle/ledger_writer.hpp"
#include "settle/submitter_thread.hpp"
#include "settle/support.hpp"
#include "support/need_anvil.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::test::Anvil;
using anduin::test::AnvilOptions;
using anduin::test::dev_accounts;
using anduin::test::TestVault;
using anduin::test::VaultOptions;

namespace {

constexpr std::uint64_t kChain = 31337;
constexpr std::size_t kOldKey = 1, kNewKey = 2;

struct Printed {
  int status = -1;
  std::string text;
};

/// `anduin ledger ...` as an operator runs it.
Printed anduin_ledger(const std::string& arguments) {
  const std::string command = std::string(ANDUIN_BINARY_DIR) + "/bin/anduin ledger " + arguments + " 2>&1";
  Printed out;
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe)) out.text.append(part.data(), n);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

/// One life of the host's settlement side with one key; destroying it is the end of the process.
struct Life {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<chain::RpcTransport> transport;
  std::unique_ptr<chain::JsonRpcNode> node;
  std::unique_ptr<chain::LocalSigner> signer;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Submitter> submitter;
  std::unique_ptr<SubmitterThread> thread;

  Life(const TempDir& dir, Anvil& anvil, TestVault& vault, std::size_t key) {
    spdlog::set_level(spdlog::level::off);
    transport = std::move(*chain::HttpTransport::create(anvil.url()));
    node = std::make_unique<chain::JsonRpcNode>(*transport);
    signer = std::move(*chain::LocalSigner::from_hex_key(dev_accounts()[key].key, random));
    ledger = open_ledger(dir, clock);
    auto t = terms("alice");
    t.user = dev_accounts()[3].address;
    t.vault = {"main", kChain, vault.address(), true};
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
    SubmitterOptions so;
    so.vault_name = "main";
    so.chain_id = kChain;
    so.resend_ms = 500;
    so.probe_blocked_ms = 1'000;
    submitter = std::make_unique<Submitter>(so, *ledger, vault.vault(), *node, *signer, clock);
    thread = std::make_unique<SubmitterThread>(*submitter, 30);
  }
  ~Life() { thread.reset(); }
  void close(const std::string& id, const std::string& pnl) {
    commit(*ledger, close_of(id, pnl));
    thread->wake();
  }
};

struct Drill {
  TempDir dir;
  Anvil anvil{AnvilOptions{.mine_on_demand = true}};
  TestVault vault;
  std::string ledger = "--ledger sqlite:" + dir.ledger().string();

  explicit Drill(bool duplicate_check = true) : vault(anvil, options(duplicate_check)) {
    vault.deposit_for(dev_accounts()[3].address, 1'000'000'000);
    anvil.mine(8);
  }
  static VaultOptions options(bool duplicate_check) {
    VaultOptions o;
    o.duplicate_check = duplicate_check;
    return o;
  }
  std::string state(const std::string& id) { return (*reader(dir)->show(id))["state"]; }
  /// Blocks until it holds, at most a minute; `mining` off for what must happen without a block.
  void wait(const char* what, const std::function<bool()>& holds, bool mining = true) {
    SystemClock clock;
    const auto end = clock.mono_ns() + 60'000'000'000U;
    while (!holds()) {
      if (clock.mono_ns() > end) {
        std::string rows;
        for (const auto& row : *reader(dir)->list({})) rows += row["id"].dump() + row["state"].dump() + row["reason"].dump();
        FAIL("not in a minute: " << what << " " << rows);
      }
      if (mining) anvil.mine();
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
    }
  }
  void wait_settled(const std::vector<std::string>& ids) {
    wait("settled", [&] {
      return std::all_of(ids.begin(), ids.end(), [&](const auto& id) { return state(id) == "SETTLED" || state(id) == "ALREADY_SETTLED"; });
    });
  }
  void once_each(std::size_t effects) {
    std::set<Hash> refs;
    for (const auto& e : vault.events()) CHECK(refs.insert(e.ref_id).second);
    CHECK(refs.size() == effects);
  }
  Printed verify() { return anduin_ledger("verify " + ledger + " --rpc " + anvil.url()); }
};

}  // namespace

TEST_CASE("runbook: restore drill", "[anvil][runbook]") {
  ANDUIN_NEED_ANVIL();
  const bool duplicate_check = GENERATE(true, false);
  CAPTURE(duplicate_check);
  Drill d(duplicate_check);
  const auto copy = d.dir.path() / "backup.db";
  {
    Life life(d.dir, d.anvil, d.vault, kOldKey);
    life.close("a", "10");
    d.wait_settled({"a"});
    life.close("under-way", "1");
    d.wait("assigned", [&] { return d.state("under-way") == "ASSIGNED"; }, false);
    const auto made = anduin_ledger("backup " + copy.string() + " " + d.ledger);
    INFO(made.text);
    REQUIRE(made.status == 0);
    // The host settles more, and dies with a transaction in the pool.
    life.close("b", "-20");
    d.wait_settled({"under-way", "b"});
    life.close("in-pool", "5");
    d.wait("assigned", [&] { return d.state("in-pool") == "ASSIGNED"; }, false);
  }
  // 1 The old host is dead, its disk gone. 2 The copy is good.
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(d.dir.ledger().string() + suffix);
  const auto checked = anduin_ledger("verify --ledger sqlite:" + copy.string());
  INFO(checked.text);
  REQUIRE(checked.status == 0);
  // 3 It takes the ledger's place. 4 The host starts; the venue's history brings the closes again, in another order.
  std::filesystem::copy_file(copy, d.dir.ledger());
  Life life(d.dir, d.anvil, d.vault, kOldKey);
  for (const auto& [id, pnl] : {std::pair("in-pool", "5"), std::pair("new", "3"), std::pair("b", "-20"), std::pair("a", "10"),
                                std::pair("under-way", "1")})
    life.close(id, pnl);
  d.wait_settled({"a", "b", "under-way", "in-pool", "new"});
  // 5 Book and chain agree, nothing settled twice.
  d.once_each(5);
  d.wait("nothing unexplained", [&] { return life.thread->status().foreign_events == 0; });
  const auto proof = d.verify();
  INFO(proof.text);
  CHECK(proof.status == 0);
  CHECK(proof.text.find("foreign=0 duplicate=0 sum=-1000000") != std::string::npos);
}

TEST_CASE("runbook: key rotation", "[anvil][runbook]") {
  ANDUIN_NEED_ANVIL();
  const bool duplicate_check = GENERATE(true, false);
  CAPTURE(duplicate_check);
  Drill d(duplicate_check);
  {
    Life life(d.dir, d.anvil, d.vault, kOldKey);
    life.close("old1", "1");
    life.close("old2", "2");
    d.wait("sent", [&] { return d.state("old2") == "ASSIGNED"; }, false);
  }
  // 1 The vault lets the new key settle. 2 The host starts with it while slots of the old one are open.
  d.vault.set_settler(dev_accounts()[kNewKey].address, true);
  d.anvil.rpc("anvil_dropAllTransactions");
  Life life(d.dir, d.anvil, d.vault, kNewKey);
  life.close("new", "3");
  // 3 They are followed to their end; only then the old key may go.
  d.wait_settled({"old1", "old2", "new"});
  d.vault.set_settler(dev_accounts()[kOldKey].address, false);
  d.once_each(3);
  const auto row = *reader(d.dir)->show("old1");
  CHECK(row["slots"].size() == 1);
  CHECK(row["slots"][0]["signer"] == dev_accounts()[kOldKey].address.to_string());
  const auto proof = d.verify();
  INFO(proof.text);
  CHECK(proof.status == 0);
}

TEST_CASE("runbook: lost key", "[anvil][runbook]") {
  ANDUIN_NEED_ANVIL();
  Drill d(false);  // the harder vault: nothing but our own proof keeps a second payment away
  {
    Life life(d.dir, d.anvil, d.vault, kOldKey);
    life.close("sent", "1");
    d.wait("sent", [&] { return d.state("sent") == "ASSIGNED"; }, false);
  }
  // The role goes before the old key's transaction is in a block: it can only revert.
  d.anvil.rpc("anvil_dropAllTransactions");
  d.vault.set_settler(dev_accounts()[kNewKey].address, true);
  d.vault.set_settler(dev_accounts()[kOldKey].address, false);
  Life life(d.dir, d.anvil, d.vault, kNewKey);
  life.close("new", "3");
  d.wait_settled({"sent", "new"});
  d.once_each(2);
  const auto row = *reader(d.dir)->show("sent");
  REQUIRE(row["slots"].size() == 2);  // the old key's reverted at the settled block, then the new key's
  CHECK(row["slots"][0]["signer"] == dev_accounts()[kOldKey].address.to_string());
  CHECK(row["slots"][1]["signer"] == dev_accounts()[kNewKey].address.to_string());
  CHECK(d.verify().status == 0);
}

TEST_CASE("runbook: compromised key", "[anvil][runbook]") {
  ANDUIN_NEED_ANVIL();
  Drill d;
  {
    Life life(d.dir, d.anvil, d.vault, kOldKey);
    life.close("mine", "10");
    d.wait_settled({"mine"});
    life.close("under-way", "4");
    d.wait("sent", [&] { return d.state("under-way") == "ASSIGNED"; }, false);
  }
  // The thief settles for himself with our key, and takes the nonce of our own transaction.
  d.anvil.rpc("anvil_dropAllTransactions");
  const Address thief = dev_accounts()[5].address;
  d.anvil.send(dev_accounts()[kOldKey].address, d.vault.address(),
               *d.vault.vault().settle_call({chain::Action::kCredit, thief, U256(999'000'000), *ref_id("Bybit", "theft")}));
  // 1 The role is taken at once. 2 What he did stands in the report, by refId.
  d.vault.set_settler(dev_accounts()[kOldKey].address, false);
  d.anvil.mine(8);
  const auto found = d.verify();
  INFO(found.text);
  CHECK(found.status == 0);  // the book itself is good
  CHECK(found.text.find("foreign=1") != std::string::npos);
  CHECK(found.text.find(thief.to_string()) != std::string::npos);
  // 3 A new key; what the old one had under way is proven lost and sent again.
  d.vault.set_settler(dev_accounts()[kNewKey].address, true);
  Life life(d.dir, d.anvil, d.vault, kNewKey);
  d.wait_settled({"under-way"});
  d.wait("the theft is seen", [&] { return life.thread->status().foreign_events == 1; });
  d.once_each(3);
  const auto book = anduin_ledger("export --format csv " + d.ledger);
  CHECK(book.text.find("foreign_event") != std::string::npos);
  CHECK(book.text.find(ref_id("Bybit", "theft")->to_string()) != std::string::npos);
}

TEST_CASE("runbook: an operator's day", "[anvil][runbook]") {
  ANDUIN_NEED_ANVIL();
  Drill d;
  const auto copy = d.dir.path() / "evening.db";
  const std::string wrong = ref_id("Bybit", "wrong")->to_string();
  {
    Life life(d.dir, d.anvil, d.vault, kOldKey);
    // A wrong PnL arrives: ten times what entry, exit and size give. It is held, and can be seen.
    auto c = close_of("wrong", "1000");
    c.kind = InstrumentKind::kLinearPerpetual;
    c.base_currency = "BTC";
    c.entry_price = Decimal::of("43000");
    c.exit_price = Decimal::of("43200");
    c.size = Decimal::of("0.5");
    CHECK(commit(*life.ledger, c) == Outcome::kHeld);
    life.close("right", "7");
    d.wait_settled({"right"});
    const auto list = anduin_ledger("list --state QUARANTINED " + d.ledger);
    INFO(list.text);
    CHECK(list.status == 0);
    CHECK(list.text.find("plausibility") != std::string::npos);
    CHECK(list.text.find("anduin ctl approve " + wrong) != std::string::npos);
    // It was right after all; a person says so, and why.
    REQUIRE(life.ledger->approve(wrong, "operator carol", "the venue paid a rebate, ticket 42"));
    life.thread->wake();
    d.wait_settled({"wrong"});
    REQUIRE(anduin_ledger("backup " + copy.string() + " " + d.ledger).status == 0);
    life.close("late", "2");
    d.wait_settled({"late"});
  }
  // The export explains it.
  bool explained = false;
  const auto book = anduin_ledger("export " + d.ledger);
  std::istringstream lines(book.text);
  for (std::string line; std::getline(lines, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row["ref"] != wrong) continue;
    explained = true;
    CHECK(row["policy"]["verdict"] == "QUARANTINED");
    CHECK(row["policy"]["decidedBy"] == "operator carol");
    CHECK(row["policy"]["decisionReason"] == "the venue paid a rebate, ticket 42");
    CHECK(row["outcome"]["blockNumber"].is_number());
    CHECK(row["outcome"]["moved"] == "1000000000");
  }
  CHECK(explained);
  // Somebody edits the database by hand: triggers off, one amount, one name.
  CHECK(d.verify().status == 0);
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(d.dir.ledger().c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "DROP TRIGGER settlement_frozen; UPDATE settlement SET units = '9000000' WHERE position_id = 'right'",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const auto found = anduin_ledger("verify " + d.ledger);
  INFO(found.text);
  CHECK(found.status == 1);
  CHECK(found.text.find(ref_id("Bybit", "right")->to_string()) != std::string::npos);
  CHECK(d.verify().text.find("the chain has 7000000 units") != std::string::npos);
  // The disk dies; the evening's copy takes its place, the venue shows its history again. Nothing settles twice.
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(d.dir.ledger().string() + suffix);
  std::filesystem::copy_file(copy, d.dir.ledger());
  Life life(d.dir, d.anvil, d.vault, kOldKey);
  for (const auto& [id, pnl] : {std::pair("late", "2"), std::pair("right", "7"), std::pair("next", "1")}) life.close(id, pnl);
  d.wait_settled({"wrong", "right", "late", "next"});
  d.once_each(4);
  const auto proof = d.verify();
  INFO(proof.text);
  CHECK(proof.status == 0);
  CHECK(proof.text.find("sum=1010000000") != std::string::npos);
}
