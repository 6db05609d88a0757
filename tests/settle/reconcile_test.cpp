// The book against the chain: agreement, and each way of disagreeing.
#include "settle/reconcile.hpp"

#include <spdlog/spdlog.h>

#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

Reconciliation check(Bench& b, std::uint64_t window = 3) {
  auto r = reader(b.dir);
  auto done = reconcile(*r, b.vault, b.fake, b.options.chain_id, 0, b.chain.height(), window);
  REQUIRE(done);
  return *done;
}

void rival(Bench& b, const char* id, int units) {
  b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user,
                                                        U256(units), *ref_id("Bybit", id)}));
}

}  // namespace

TEST_CASE("reconcile: the books agree", "[reconcile]") {
  spdlog::set_level(spdlog::level::off);
  Bench b;
  commit(*b.ledger, close_of("win", "10"));
  commit(*b.ledger, close_of("capped", "-800", "bob"));
  commit(*b.ledger, close_of("zero", "0"));
  b.run(7);
  commit(*b.ledger, close_of("late", "1"));
  b.run(1);
  rival(b, "somebody else's", 5);
  b.chain.mine();
  const auto r = check(b);
  CHECK(r.problems.empty());
  CHECK(r.matched == 2);
  CHECK(r.pending == 1);
  CHECK(r.foreign == 1);
  CHECK(r.onchain == 4);
  CHECK(r.onchain_sum == "-688999995");
  CHECK(check(b, 1'000).onchain == 4);
}

TEST_CASE("reconcile: a double effect, a missing one, one that nobody ordered", "[reconcile]") {
  spdlog::set_level(spdlog::level::off);
  Bench b(false);
  commit(*b.ledger, close_of("twice", "10"));
  commit(*b.ledger, close_of("gone", "20"));
  auto held = close_of("held", "30");
  held.hold_reason = "look at it";
  commit(*b.ledger, held);
  b.run(7);
  rival(b, "twice", 10'000'000);
  rival(b, "held", 30'000'000);
  b.chain.mine();
  // Events up to the block before the closes were mined do not hold "gone".
  auto r = check(b);
  CHECK(r.duplicate == 1);
  REQUIRE(r.problems.size() == 2);
  CHECK(r.problems[0].text.find("took effect 2 times") != std::string::npos);
  CHECK(r.problems[1].text.find("is QUARANTINED, and the chain has an event") != std::string::npos);
  auto book = reader(b.dir);
  const auto none = *reconcile(*book, b.vault, b.fake, b.options.chain_id, 0, 1);
  CHECK(none.problems.size() == 2);
  CHECK(none.problems[1].text.find("no event of it") != std::string::npos);
}
