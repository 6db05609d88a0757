// A ledger that is a restored copy, and a key that was rotated: what was settled since, or is still under way, settles
// once, on the vault with and without the duplicate check. In-memory chain; the same on a real node: runbook_test.cpp.
#include "settle/recovery.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "chain/transaction.hpp"

#include "settle/backup.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

struct Restored : Bench {
  explicit Restored(bool duplicate_check) : Bench(duplicate_check) { spdlog::set_level(spdlog::level::off); }
  std::filesystem::path copy = dir.path() / "copy.db";
  void backup() {
    const auto made = backup_ledger(dir.ledger(), copy, clock.wall_ms());
    if (!made) FAIL(made.error().to_string());
  }
  /// The disk is gone; the copy stands in its place.
  void restore() {
    close_down();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(dir.ledger().string() + suffix);
    std::filesystem::copy_file(copy, dir.ledger());
    open();
  }
  std::size_t effects(const std::string& id) {
    std::size_t n = 0;
    for (const auto& e : events()) n += e.ref_id == *ref_id("Bybit", id) ? 1 : 0;
    return n;
  }
  void run_until_idle(int rounds = 60) { run(rounds); }
};

}  // namespace

TEST_CASE("restore: what settled after the backup is found on the chain and settles no second time", "[recovery]") {
  const bool duplicate_check = GENERATE(true, false);
  CAPTURE(duplicate_check);
  Restored b(duplicate_check);
  commit(*b.ledger, close_of("before", "1"));
  commit(*b.ledger, close_of("queued", "2"));
  b.backup();  // both QUEUED
  b.run(8);
  commit(*b.ledger, close_of("after", "3"));
  commit(*b.ledger, close_of("capped", "-800", "bob"));
  b.run(8);
  REQUIRE(b.events().size() == 4);
  b.restore();
  b.run(3);
  CHECK(b.submitter->status().foreign_events == 2);  // "after" and "capped": no row here knows them
  CHECK(b.state("before") == "ALREADY_SETTLED");
  CHECK(b.state("queued") == "ALREADY_SETTLED");
  // The venue's history brings them again.
  commit(*b.ledger, close_of("after", "3"));
  commit(*b.ledger, close_of("capped", "-800", "bob"));
  commit(*b.ledger, close_of("new", "4"));
  b.run_until_idle();
  for (const char* id : {"after", "capped"}) CHECK(b.state(id) == "ALREADY_SETTLED");
  CHECK(b.state("new") == "SETTLED");
  CHECK(b.submitter->status().foreign_events == 0);
  for (const char* id : {"before", "queued", "after", "capped", "new"}) CHECK(b.effects(id) == 1);
  auto row = (*reader(b.dir)->show("capped"));
  CHECK(row["onchainUnits"] == "700000000");
  const auto proof = reader(b.dir)->verify_audit();
  INFO(proof->text);
  CHECK(proof->ok);
}

TEST_CASE("restore: an amount that the chain has otherwise is a conflict for a person, never taken over", "[recovery]") {
  Restored b(true);
  b.backup();
  commit(*b.ledger, close_of("x", "5"));
  b.run(8);
  b.restore();
  b.run(3);
  commit(*b.ledger, close_of("x", "6"));  // the venue now says something else
  b.run_until_idle();
  CHECK(b.state("x") == "CONFLICT");
  CHECK(b.effects("x") == 1);
}

TEST_CASE("restore: lost transactions that are in no block yet exclude the ones that are sent again", "[recovery]") {
  // The worst case: after the backup three transactions are signed and sent, none is mined, the disk dies. The pool still
  // has them; the restored ledger fetches the closes again in another order. Nonces are used again, never skipped.
  const bool duplicate_check = GENERATE(true, false);
  const int mined_of_lost = GENERATE(0, 1, 3);
  CAPTURE(duplicate_check, mined_of_lost);
  Restored b(duplicate_check);
  commit(*b.ledger, close_of("first", "1"));
  b.run(8);
  b.backup();
  std::vector<Bytes> lost;
  b.node.on_send = [&](const Bytes& raw) -> std::optional<chain::SendResult> {
    lost.push_back(raw);
    return chain::SendResult{chain::SendClass::kAccepted, ""};  // a pool that this node does not show
  };
  for (const char* id : {"a", "b", "c"}) commit(*b.ledger, close_of(id, "7"));
  for (int i = 0; i < 6 && lost.size() < 3; ++i) b.tick();
  REQUIRE(lost.size() == 3);
  b.node.on_send = {};
  b.restore();
  for (const char* id : {"c", "new", "b", "a"}) commit(*b.ledger, close_of(id, "7"));
  // The lost bytes come back whenever they like.
  for (int i = 0; i < mined_of_lost; ++i) b.fake.send_raw(lost[static_cast<std::size_t>(i)]);
  for (int round = 0; round < 40; ++round) {
    b.run(1);
    for (const auto& raw : lost) b.fake.send_raw(raw);
  }
  b.run_until_idle();
  for (const char* id : {"first", "a", "b", "c", "new"}) {
    CAPTURE(id, b.state(id));
    CHECK(b.effects(id) == 1);
    CHECK((b.state(id) == "SETTLED" || b.state(id) == "ALREADY_SETTLED"));
  }
  const auto proof = reader(b.dir)->verify_audit();
  INFO(proof->text);
  CHECK(proof->ok);
}

TEST_CASE("restore: the fence survives an end of the process and falls once", "[recovery]") {
  Restored b(false);
  commit(*b.ledger, close_of("first", "1"));
  b.run(8);
  b.backup();
  b.restore();
  commit(*b.ledger, close_of("new", "2"));
  b.tick();
  CHECK(b.state("new") == "QUEUED");
  CHECK(b.submitter->status().last_error.find("restored ledger") != std::string::npos);
  b.close_down();
  b.open();
  b.tick();
  CHECK(b.state("new") == "QUEUED");
  b.run_until_idle();
  CHECK(b.state("new") == "SETTLED");
  b.close_down();
  b.open();
  commit(*b.ledger, close_of("newer", "3"));
  b.tick();
  CHECK(b.state("newer") == "ASSIGNED");  // no second fence: the copy was adopted
}

TEST_CASE("recovery: events are read window by window and from where they were left", "[recovery]") {
  Restored b(true);
  b.options.log_window_blocks = 2;
  b.close_down();
  b.open();
  b.run(2);
  // A rival settles something every few blocks while we are away.
  for (int i = 0; i < 5; ++i) {
    b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user, U256(5 + i),
                                                          *ref_id("Bybit", "foreign" + std::to_string(i))}));
    for (int k = 0; k < 10; ++k) b.chain.mine();
  }
  b.close_down();
  b.open();
  const auto cursor = [&] { return **b.ledger->scan_from(b.options.chain_id, b.vault.address()); };
  const auto before = cursor();
  b.tick();
  CHECK(b.submitter->status().last_error.find("reading the vault's events") != std::string::npos);
  const auto middle = cursor();
  CHECK(middle > before);  // with its events, durable
  CHECK(middle <= before + 2 * Recovery::kWindowsPerStep);
  b.close_down();
  b.open();
  for (int i = 0; i < 5; ++i) b.tick();
  CHECK(b.submitter->status().foreign_events == 5);
  CHECK(b.submitter->status().last_error == "");
  // A close that comes later meets its event without another search.
  commit(*b.ledger, close_of("foreign3", "0.000008"));
  b.run(2);
  CHECK(b.state("foreign3") == "ALREADY_SETTLED");
  CHECK(b.effects("foreign3") == 1);
}

TEST_CASE("rotation: open slots of the earlier key are followed to their end, then their items move", "[recovery]") {
  const bool duplicate_check = GENERATE(true, false);
  CAPTURE(duplicate_check);
  Restored b(duplicate_check);
  b.node.on_send = [](const Bytes&) -> std::optional<chain::SendResult> {
    return chain::SendResult{chain::SendClass::kAccepted, ""};  // taken, and not shown
  };
  commit(*b.ledger, close_of("old", "1"));
  commit(*b.ledger, close_of("old2", "2"));
  b.tick();
  b.tick();
  REQUIRE(b.state("old") == "ASSIGNED");
  b.node.on_send = {};
  b.close_down();
  const auto earlier_key = std::move(b.key);  // the bench's own submitter still names it
  const Address earlier = earlier_key->address();
  b.key = *chain::LocalSigner::from_hex_key("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a", b.dice);
  ScriptedSigner fresh(*b.key);
  b.open();
  b.submitter = std::make_unique<Submitter>(b.options, *b.ledger, b.vault, b.node, fresh, b.clock);
  commit(*b.ledger, close_of("new", "3"));
  b.tick();
  CHECK(b.state("old") == "ASSIGNED");  // not forgotten, not moved
  SECTION("the earlier key's bytes are sent again and settle") {
    b.run_until_idle(20);
    CHECK(b.state("old") == "SETTLED");
    CHECK(b.state("old2") == "SETTLED");
  }
  SECTION("its nonces are used for something else: proven lost, then sent by the new key") {
    b.node.on_send = [&](const Bytes& raw) -> std::optional<chain::SendResult> {
      const auto tx = chain::decode_transaction(raw);
      if (tx && tx->sender == earlier) return chain::SendResult{chain::SendClass::kAccepted, ""};
      return std::nullopt;
    };
    b.chain.use_key(earlier);
    b.chain.mine();
    b.chain.use_key(earlier);
    b.run_until_idle(30);
    CHECK(b.state("old") == "SETTLED");
    CHECK(b.state("old2") == "SETTLED");
  }
  CHECK(b.state("new") == "SETTLED");
  for (const char* id : {"old", "old2", "new"}) CHECK(b.effects(id) == 1);
  const auto proof = reader(b.dir)->verify_audit();
  INFO(proof->text);
  CHECK(proof->ok);
  b.submitter.reset();  // before the signer that it uses
}
