// A key was used by a stranger just before our first start, a reorg took that transaction back, and our first nonce was
// one above a hole that nobody filled: every settlement of the key stayed SENT for ever. Found by the simulation.
#include "chain/transaction.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

/// A close waits, and somebody has just used the key: the submitter's first round.
void begin_after_a_stranger(Bench& b) {
  for (int i = 0; i < 8; ++i) b.chain.mine();
  b.chain.use_key(b.key->address());
  b.chain.mine();
  commit(*b.ledger, close_of("first", "5"));
  b.tick();
}

}  // namespace

TEST_CASE("a key's first nonce: what a reorg may take back is not counted") {
  Bench b;
  begin_after_a_stranger(b);
  CHECK(b.node.sent.empty());
  CHECK(b.submitter->status().last_error.find("was used lately by somebody else (nonce 1 at the head, 0 at the settled block)") !=
        std::string::npos);
  b.chain.reorg(1, false);  // the stranger's transaction is gone for good
  b.run(12);
  CHECK(b.state("first") == "SETTLED");
  CHECK(b.events().size() == 1);
}

TEST_CASE("a key's first nonce: once the stranger's transaction is settled, ours comes after it") {
  Bench b;
  begin_after_a_stranger(b);
  CHECK(b.node.sent.empty());
  b.run(16);
  CHECK(b.state("first") == "SETTLED");
  REQUIRE_FALSE(b.node.sent.empty());
  CHECK(chain::decode_transaction(b.node.sent.front())->transaction.nonce == 1);
}
