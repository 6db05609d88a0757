// The seam between submitter and executor: what is wrapped, who asks, what a failure of either looks like.
#include "settle/executor.hpp"

#include "chain/transaction.hpp"
#include "settle/ledger_schema.hpp"
#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

/// Another contract in between, which calls the vault with the same data. The chain in memory does not care who.
struct Between final : Executor {
  Address self = address_of(0xcc);
  std::optional<Error> refuses;
  InFlight bound{1, false};
  bool inner_fails = false;
  int wrapped = 0;
  [[nodiscard]] const Address& caller() const override { return self; }
  [[nodiscard]] InFlight in_flight() const override { return bound; }
  Result<Call> wrap(std::span<const Call> inner, const WrapContext& context) override {
    ++wrapped;
    CHECK(context.open.size() <= bound.max);
    CHECK(context.head.number > 0);
    if (refuses) return *refuses;
    REQUIRE(inner.size() == 1);
    return Call{self, inner.front().calldata};
  }
  [[nodiscard]] Executed read(const Call& outer, const chain::Receipt& r) const override {
    CHECK(outer.to == self);
    return {r.success && !inner_fails, inner_fails ? "the inner call failed" : ""};
  }
};

}  // namespace

TEST_CASE("executor: slots call it, the vault's view of the caller is its own, one in flight", "[executor]") {
  Bench b;
  Between between;
  b.submitter = std::make_unique<Submitter>(b.options, *b.ledger, b.vault, b.node, b.signer, b.clock, &between);
  commit(*b.ledger, close_of("1", "10"));
  commit(*b.ledger, close_of("2", "20"));
  b.tick();
  REQUIRE(b.node.sent.size() == 1);
  const auto sent = *chain::decode_transaction(b.node.sent[0]);
  CHECK(sent.transaction.to == between.self);
  CHECK(sent.sender == b.key->address());
  const auto open = *b.ledger->open_slots({b.options.chain_id, b.key->address(), 1});
  REQUIRE(open.size() == 1);
  CHECK(open[0].call.to == between.self);
  CHECK(b.load(open[0]).call.calldata == sent.transaction.data);
  b.run(14);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.state("2") == "SETTLED");
  CHECK(b.node.estimate_from.contains(between.self));
}

TEST_CASE("executor: what it refuses stays queued without a nonce, and the words are the status", "[executor]") {
  Bench b;
  Between between;
  between.refuses = Error{ErrorKind::kBadRequest, "safe", "1 of 2 owners have signed"};
  b.submitter = std::make_unique<Submitter>(b.options, *b.ledger, b.vault, b.node, b.signer, b.clock, &between);
  commit(*b.ledger, close_of("1", "10"));
  b.run(3);
  CHECK(b.state("1") == "QUEUED");
  CHECK(b.node.sent.empty());
  CHECK(b.submitter->status().last_error.find("1 of 2 owners") != std::string::npos);
  between.refuses.reset();
  b.run(7);
  CHECK(b.state("1") == "SETTLED");
  CHECK(b.chain.nonce(b.key->address(), b.chain.height()) == 1);
}

TEST_CASE("executor: it may count mined slots until they are final", "[executor]") {
  Bench b;
  Between between;
  between.bound.until_final = true;
  b.submitter = std::make_unique<Submitter>(b.options, *b.ledger, b.vault, b.node, b.signer, b.clock, &between);
  commit(*b.ledger, close_of("1", "10"));
  b.run(2);
  REQUIRE(b.state("1") == "INCLUDED");
  commit(*b.ledger, close_of("2", "20"));
  b.run(1);
  CHECK(b.state("2") == "QUEUED");
  b.run(14);
  CHECK(b.state("2") == "SETTLED");
}

TEST_CASE("executor: a slot of an older ledger called the vault", "[executor][file]") {
  TempDir dir;
  {
    auto db = Database::open(dir.ledger(), Database::Mode::kReadWrite, false);
    REQUIRE(db);
    REQUIRE(migrate(**db, schema_steps().first(2)));
    (*db)->exec(
        "INSERT INTO signer VALUES(31337, zeroblob(20), 8, 1);"
        "INSERT INTO slot(chain_id, signer, nonce, vault, calldata, gas_limit, state, created_ms) "
        "VALUES(31337, zeroblob(20), 7, x'5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e', x'01', 21000, 'SENT', 1)");
  }
  ManualClock clock(kNow);
  auto ledger = open_ledger(dir, clock);
  auto open = ledger->open_slots({31337, Address{}, 1});
  REQUIRE(open);
  REQUIRE(open->size() == 1);
  SlotRow slot = open->front();
  CHECK_FALSE(slot.whole);
  REQUIRE(ledger->load_slot(slot));
  CHECK(slot.call == Call{address_of(0x5e), Bytes{1}});
}
