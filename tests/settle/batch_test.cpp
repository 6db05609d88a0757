// Several settlements in one transaction: who goes together, who is left behind, and that each item is judged by its
// own event.
#include "settle/batch_logic.hpp"

#include "chain/transaction.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using simulation::FakeVault;

namespace {

Hash hash_of(const std::string& id) { return *ref_id("Bybit", id); }

Bytes poor() { return FakeVault::insufficient_collateral(address_of(0xa1), 0, 1); }

Bytes bad_item() {
  const Hash topic = chain::keccak256("ZeroAmount()");
  return {topic.bytes[0], topic.bytes[1], topic.bytes[2], topic.bytes[3]};
}

struct BatchBench : Bench {
  explicit BatchBench(bool duplicate_check = true) : Bench(duplicate_check) {
    options.batch_max = 100;
    close_down();
    open();
  }
};

/// A vault with the functions that are named.
void vault_has(Bench& b, bool tolerant, bool atomic) {
  chain::VaultAbi abi;
  if (!tolerant) abi.try_batch.clear();
  if (!atomic) abi.batch.clear();
  b.close_down();
  b.vault = *chain::Vault::create(b.vault.address(), abi);
  b.open();
}

void close_many(Bench& b, int count, const char* prefix = "c") {
  for (int i = 0; i < count; ++i) {
    auto c = close_of(prefix + std::to_string(i), std::to_string(i + 1));
    c.closed_ms += i;
    commit(*b.ledger, c);
  }
}

chain::Transaction sent(const Bench& b, std::size_t i) { return chain::decode_transaction(b.node.sent.at(i))->transaction; }

Trial fails_from(std::size_t first_bad, int& trials) {
  return [first_bad, &trials](std::size_t n) -> Result<std::optional<chain::VaultRevert>> {
    ++trials;
    if (n > first_bad) return std::optional(chain::VaultRevert{chain::RevertClass::kBadItem, {}});
    return std::optional<chain::VaultRevert>();
  };
}

}  // namespace

TEST_CASE("batch logic: the culprit of a failing batch is found by halving prefixes", "[batch]") {
  for (std::size_t bad = 0; bad < 100; ++bad) {
    int trials = 0;
    const auto found = find_culprit(0, 100, {}, fails_from(bad, trials));
    REQUIRE(found);
    CHECK(found->index == bad);
    CHECK(trials <= 7);
  }
  int trials = 0;
  CHECK(find_culprit(40, 41, {chain::RevertClass::kOther, {}}, fails_from(40, trials))->why.what ==
        chain::RevertClass::kOther);
  CHECK(trials == 0);
  const auto away = [](std::size_t) -> Result<std::optional<chain::VaultRevert>> {
    return Error{ErrorKind::kRetryable, "node", "away"};
  };
  CHECK_FALSE(find_culprit(0, 2, {}, away));
}

TEST_CASE("batch logic: a limit that is too high cuts the batch", "[batch]") {
  CHECK(gas_limit_for(1'000) == 1'200);
  CHECK(fitting(100, 6'000'000, 12'000'000) == 100);
  CHECK(fitting(100, 24'000'000, 12'000'000) == 49);
  CHECK(fitting(2, 1'000, 1) == 1);
}

TEST_CASE("batch: closes that wait together are one transaction, each settled by its own event", "[batch]") {
  for (const bool tolerant : {true, false}) {
    BatchBench b;
    vault_has(b, tolerant, true);
    close_many(b, 20);
    b.tick();
    CHECK(b.node.sent.size() == 1);
    b.run(1);
    CHECK(b.state("c7") == "INCLUDED");
    b.run(6);
    CHECK(reader(b.dir)->sums()->settled == 20);
    CHECK(b.events().size() == 20);
    CHECK(b.chain.nonce(b.key->address(), b.chain.height()) == 1);
    CHECK(sent(b, 0).data == *b.vault.batch_call(
                                 [&] {
                                   std::vector<chain::VaultItem> items;
                                   for (int i = 0; i < 20; ++i)
                                     items.push_back({chain::Action::kCredit, address_of(0xa1), U256(i + 1) * 1'000'000,
                                                      hash_of("c" + std::to_string(i))});
                                   return items;
                                 }(),
                                 tolerant));
    CHECK(reader(b.dir)->verify_audit()->ok);
  }
}

TEST_CASE("batch: a vault that takes one at a time gets one at a time", "[batch]") {
  BatchBench b;
  vault_has(b, false, false);
  close_many(b, 3);
  b.tick();
  CHECK(b.node.sent.size() == 3);
  b.run(6);
  CHECK(reader(b.dir)->sums()->settled == 3);
}

TEST_CASE("batch: poison items are left behind before anything is sent, the rest goes in order", "[batch]") {
  for (const bool tolerant : {true, false}) {
    for (const bool atomic : {true, false}) {
      if (!tolerant && !atomic) continue;
      BatchBench b;
      vault_has(b, tolerant, atomic);
      close_many(b, 20);
      for (const char* id : {"c0", "c7", "c8", "c19"}) b.chain.vault().refuse(hash_of(id), bad_item());
      b.tick();
      CAPTURE(tolerant, atomic);
      CHECK(b.node.sent.size() == 1);
      for (const char* id : {"c0", "c7", "c8", "c19"}) CHECK(b.state(id) == "BLOCKED");
      b.run(7);
      CHECK(b.events().size() == 16);
      CHECK(reader(b.dir)->sums()->settled == 16);
      // The order of closes is the order in the vault.
      U256 last = 0;
      for (const auto& e : b.events()) {
        CHECK(e.requested > last);
        last = e.requested;
      }
    }
  }
}

TEST_CASE("batch: an item that the vault skips is not settled by the others' success", "[batch]") {
  BatchBench b;
  close_many(b, 5);
  b.tick();
  REQUIRE(b.node.sent.size() == 1);
  b.chain.vault().refuse(hash_of("c2"), poor());  // after it was sent
  b.chain.mine();
  b.tick();
  CHECK(b.state("c1") == "INCLUDED");
  CHECK(b.state("c2") == "ASSIGNED");
  b.run(5);
  CHECK(b.state("c1") == "SETTLED");
  CHECK(b.state("c2") == "BLOCKED");
  CHECK(b.show("c2").second.find("InsufficientCollateral") != std::string::npos);
  CHECK(b.events().size() == 4);
  b.chain.vault().accept_all();
  b.run(40);
  CHECK(b.state("c2") == "SETTLED");
  CHECK(b.events().size() == 5);
}

TEST_CASE("batch: all or nothing, failed on the chain: nothing of it counts, the innocent go again", "[batch]") {
  for (const bool check : {true, false}) {
    BatchBench b(check);
    vault_has(b, false, true);
    close_many(b, 6);
    b.tick();
    b.chain.vault().refuse(hash_of("c2"), poor());
    b.chain.mine();
    b.tick();
    CHECK(b.state("c1") == "ASSIGNED");
    CHECK(b.events().empty());
    b.run(20);
    CHECK(b.state("c2") == "BLOCKED");
    CHECK(reader(b.dir)->sums()->settled == 5);
    CHECK(b.events().size() == 5);
  }
}

TEST_CASE("batch: somebody else was first with one of it", "[batch]") {
  BatchBench b;
  close_many(b, 4);
  b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user,
                                                        U256(2'000'000), hash_of("c1")}));
  b.chain.mine();
  b.tick();
  REQUIRE(b.node.sent.size() == 1);
  CHECK(b.state("c1") == "QUEUED");
  CHECK(b.state("c2") == "ASSIGNED");
  b.run(8);
  CHECK(b.state("c1") == "ALREADY_SETTLED");
  CHECK(reader(b.dir)->sums()->settled == 4);
  CHECK(b.events().size() == 4);
}

TEST_CASE("batch: no transaction has a higher gas limit than allowed", "[batch]") {
  BatchBench b;
  b.options.gas_limit_max = 250'000;  // five items and a margin
  b.close_down();
  b.open();
  close_many(b, 20);
  b.run(12);
  CHECK(reader(b.dir)->sums()->settled == 20);
  CHECK(b.chain.nonce(b.key->address(), b.chain.height()) >= 4);
  CHECK(b.chain.nonce(b.key->address(), b.chain.height()) < 20);
  for (std::size_t i = 0; i < b.node.sent.size(); ++i) CHECK(sent(b, i).gas_limit <= 250'000);
}

TEST_CASE("batch: an item that needs more gas than allowed is blocked, and says so", "[batch]") {
  BatchBench b;
  b.options.gas_limit_max = 50'000;
  b.close_down();
  b.open();
  close_many(b, 1);
  b.tick();
  CHECK(b.state("c0") == "BLOCKED");
  CHECK(b.show("c0").second.find("gas_limit_max is 50000") != std::string::npos);
  CHECK(b.node.sent.empty());
}

TEST_CASE("batch: a seizure that waits keeps later closes of its account back, and nobody else's", "[batch]") {
  BatchBench b;
  commit(*b.ledger, close_of("win", "10"));
  b.tick();
  REQUIRE(b.node.sent.size() == 1);
  b.chain.vault().refuse(hash_of("loss"), poor());  // until the credit is there
  auto loss = close_of("loss", "-5"), later = close_of("later", "7"), other = close_of("other", "3", "bob");
  loss.closed_ms += 1;
  later.closed_ms += 2;
  other.closed_ms += 3;
  for (const auto& c : {loss, later, other}) commit(*b.ledger, c);
  b.tick();
  CHECK(b.state("loss") == "QUEUED");
  CHECK(b.state("later") == "QUEUED");
  CHECK(b.state("other") == "ASSIGNED");
  b.chain.vault().accept_all();
  b.run(8);
  CHECK(reader(b.dir)->sums()->settled == 4);
  std::size_t loss_at = 0, later_at = 0;
  const auto logs = b.chain.logs({b.vault.address(), 0, b.chain.height(), {}});
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (logs[i].topics.at(2) == hash_of("loss")) loss_at = i;
    if (logs[i].topics.at(2) == hash_of("later")) later_at = i;
  }
  CHECK(loss_at < later_at);
}

TEST_CASE("batch: the first close waits for company, as long as it is told to", "[batch]") {
  BatchBench b;
  b.options.batch_window_ms = 100;
  b.close_down();
  b.open();
  close_many(b, 1);
  b.tick();
  CHECK(b.node.sent.empty());
  CHECK(b.submitter->pause_ms(500) <= 101);
  b.clock.advance_ms(60);
  close_many(b, 2, "d");
  b.tick();
  CHECK(b.node.sent.empty());
  b.clock.advance_ms(41);
  b.tick();
  CHECK(b.node.sent.size() == 1);
  b.run(7);
  CHECK(reader(b.dir)->sums()->settled == 3);
  CHECK(b.chain.nonce(b.key->address(), b.chain.height()) == 1);
}

TEST_CASE("batch: mined slots do not count against the pool, and survive a restart and a reorg", "[batch]") {
  BatchBench b;
  b.options.batch_max = 1;
  b.close_down();
  b.open();
  close_many(b, 40);
  b.tick();
  CHECK(b.node.sent.size() == 16);
  b.chain.mine();
  b.tick();
  CHECK(b.node.sent.size() == 32);
  b.close_down();
  b.open();
  b.tick();
  CHECK(b.node.sent.size() == 48);  // those in no block, again
  b.chain.mine();
  b.chain.reorg(2, false);
  b.run(16);
  CHECK(reader(b.dir)->sums()->settled == 40);
  CHECK(b.events().size() == 40);
}

TEST_CASE("batch: two vaults in one ledger, each with its own signer and nonces", "[batch]") {
  BatchBench b;
  const auto second_vault = *chain::Vault::create(address_of(0x6f));
  simulation::FakeChain second_chain(second_vault.address(), true, b.dice);
  second_chain.set_calm();
  simulation::FakeNode second_node(second_chain, b.dice, {0, 0, 0, 0, 0});
  auto key = *chain::LocalSigner::from_hex_key("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a", b.dice);
  auto carol = terms("carol");
  carol.user = address_of(0xca);
  carol.vault.name = "second";
  carol.vault.address = second_vault.address();
  REQUIRE(b.ledger->register_account(carol));
  Submitter second(b.options, *b.ledger, second_vault, second_node, *key, b.clock);
  close_many(b, 10);
  for (int i = 0; i < 10; ++i) commit(*b.ledger, close_of("s" + std::to_string(i), "2", "carol"));
  for (int i = 0; i < 8; ++i) {
    b.run(1);
    REQUIRE(second.tick());
    second_chain.mine();
  }
  REQUIRE(second.tick());
  CHECK(reader(b.dir)->sums()->settled == 20);
  CHECK(b.events().size() == 10);
  CHECK(second_vault.events(second_node, 0, second_chain.height())->size() == 10);
  CHECK(second_chain.nonce(key->address(), second_chain.height()) == 1);
}

TEST_CASE("batch: a payload that can never be mined is given up also after the last attempt", "[batch]") {
  BatchBench b;
  b.options.attempts_max = 1;
  b.close_down();
  b.open();
  close_many(b, 2);
  b.node.on_send = [&](const Bytes& raw) -> std::optional<chain::SendResult> {
    if (chain::decode_transaction(raw)->transaction.data.size() < 200) return std::nullopt;
    return chain::SendResult{chain::SendClass::kPermanent, "oversized data"};
  };
  b.run(16);
  CHECK(reader(b.dir)->sums()->settled == 2);  // one by one after that
  CHECK(b.events().size() == 2);
}
