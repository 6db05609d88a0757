// The real submitter over the real RPC pool and HTTP, against strict nodes: the rows of the failure catalogue
// (settlement.md section 6) that concern the node, each case named as its row.
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "chain/rpc_pool.hpp"
#include "chain/strict_node.hpp"
#include "settle/submitter.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::test::StrictFaults;
using anduin::test::StrictNode;
using anduin::test::StrictRules;
using anduin::test::StrictWorld;
using Client = StrictRules::Client;

namespace {

constexpr std::uint64_t kChainId = simulation::FakeChain::kChainId;

/// Ledger, submitter, pool, and as many strict nodes as asked for.
struct StrictBench {
  TempDir dir;
  ManualClock clock{kNow};
  SeededRandom dice{42};
  chain::Vault vault = *chain::Vault::create(address_of(0x5e));
  StrictWorld world;
  std::vector<std::unique_ptr<StrictNode>> nodes;
  // Publicly known development key, of no value anywhere.
  std::unique_ptr<chain::LocalSigner> key = *chain::LocalSigner::from_hex_key(
      "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d", dice);
  SubmitterOptions options;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<chain::RpcPool> pool;
  std::unique_ptr<Submitter> submitter;

  explicit StrictBench(std::vector<StrictRules> rules = {{}}) : world(vault.address()) {
    spdlog::set_level(spdlog::level::off);
    for (const auto& r : rules) nodes.push_back(std::make_unique<StrictNode>(world, r));
    options.vault_name = "main";
    options.chain_id = kChainId;
    options.batch_max = 1;  // these tests speak of transactions
    open();
  }
  explicit StrictBench(std::size_t count) : StrictBench(std::vector<StrictRules>(count)) {}
  ~StrictBench() {
    submitter.reset();
    pool.reset();
  }
  void open() {
    LedgerOptions quick;
    quick.synchronous = false;
    submitter.reset();
    ledger.reset();
    ledger = open_ledger(dir, clock, quick);
    REQUIRE(ledger->register_account(terms("alice")));
    std::vector<std::string> urls;
    for (const auto& n : nodes) urls.push_back(n->url());
    pool = *chain::RpcPool::over_http(kChainId, urls, clock);
    submitter = std::make_unique<Submitter>(options, *ledger, vault, *pool, *key, clock);
  }
  void tick() {
    const auto done = submitter->tick();
    if (!done) FAIL(done.error().to_string());
  }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      tick();
      world.mine();
      clock.advance_ms(2'000);
    }
    tick();
  }
  StrictNode& node(std::size_t i = 0) { return *nodes[i]; }
  void faults(std::size_t i, const std::function<void(StrictFaults&)>& change) { node(i).faults(change); }
  std::string state(const std::string& id) {
    const auto row = *reader(dir)->show(id);
    return row.is_null() ? "" : row["state"].get<std::string>();
  }
  std::string error() { return submitter->status().last_error; }
  std::size_t events() { return world.events(vault).size(); }
  /// Exactly one effect for each, all of them settled.
  void settled(int count) {
    for (int i = 1; i <= count; ++i) CHECK(state(std::to_string(i)) == "SETTLED");
    CHECK(events() == static_cast<std::size_t>(count));
  }
  void commit_many(int count) {
    for (int i = 1; i <= count; ++i) commit(*ledger, close_of(std::to_string(i), "1.5"));
  }
  /// Signed by the submitter's own key, as another program that has it would.
  Bytes foreign(std::uint64_t nonce, std::uint64_t gwei, std::uint64_t gas = 21'000) {
    chain::Transaction tx;
    tx.chain_id = kChainId;
    tx.nonce = nonce;
    tx.max_fee = chain::U256(gwei) * 1'000'000'000;
    tx.tip = tx.max_fee;
    tx.gas_limit = gas;
    tx.to = address_of(0x77);
    return chain::sign(tx, *key)->raw;
  }
};

const std::vector<std::pair<const char*, Client>> kClients = {{"geth", Client::kGeth},
                                                              {"reth", Client::kReth},
                                                              {"nethermind", Client::kNethermind},
                                                              {"besu", Client::kBesu},
                                                              {"erigon", Client::kErigon}};

StrictRules rules_of(Client c) {
  StrictRules r;
  r.client = c;
  return r;
}

}  // namespace

TEST_CASE("strict: a close settles on every client, one endpoint and three", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.commit_many(3);
    b.run(10);
    b.settled(3);
  }
  StrictBench b(std::size_t{3});
  b.commit_many(3);
  b.tick();
  // The first answer is enough for the pool to go on; the others get the bytes all the same.
  for (std::size_t i = 0; i < 3; ++i) {
    for (int ms = 0; ms < 10'000 && b.node(i).counters().accepted == 0; ++ms) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(b.node(i).counters().accepted >= 1);
  }
  b.run(10);
  b.settled(3);
}

TEST_CASE("strict: send response lost, timeout, 5xx", "[strict]") {
  StrictBench b(std::size_t{1});
  b.faults(0, [](StrictFaults& f) { f.lost_replies = 1; });
  b.commit_many(2);
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");
  b.run(10);
  b.settled(2);

  StrictBench down(std::size_t{1});
  down.commit_many(1);
  down.tick();
  down.faults(0, [](StrictFaults& f) { f.down = true; });
  down.run(3);
  CHECK_FALSE(down.error().empty());
  down.faults(0, [](StrictFaults& f) { f.down = false; });
  down.run(10);
  down.settled(1);
}

TEST_CASE("strict: already known, transaction already imported, known transaction", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.commit_many(1);
    b.tick();
    // No block: the same bytes go out again, and the pool has them.
    b.clock.advance_ms(20'000);
    b.tick();
    REQUIRE_FALSE(b.node().counters().refusals.empty());
    CHECK(b.submitter->status().bumps == 0);
    CHECK_FALSE(b.submitter->status().key_shared);
    b.run(8);
    b.settled(1);
  }
}

TEST_CASE("strict: nonce too low", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.commit_many(1);
    b.tick();
    b.world.mine();
    b.faults(0, [](StrictFaults& f) { f.no_receipts = true; });
    b.run(3);  // mined, but nobody shows it: resent, and answered with nonce too low
    CHECK(b.state("1") == "ASSIGNED");
    CHECK(b.events() == 1);
    b.faults(0, [](StrictFaults& f) { f.no_receipts = false; });
    b.run(8);
    b.settled(1);
  }
}

TEST_CASE("strict: replacement transaction underpriced", "[strict]") {
  SECTION("exactly ten percent more is enough for geth and not for reth, ours is enough for all") {
    for (const auto& [name, client] : kClients) {
      INFO(name);
      StrictBench b({rules_of(client)});
      CHECK(b.pool->send_raw(b.foreign(0, 100))->what == chain::SendClass::kAccepted);
      CHECK(b.pool->send_raw(b.foreign(0, 109))->what == chain::SendClass::kReplaceUnderpriced);
      const auto ten = b.pool->send_raw(b.foreign(0, 110))->what;
      CHECK(ten == (client == Client::kReth ? chain::SendClass::kReplaceUnderpriced : chain::SendClass::kAccepted));
      // The submitter's own step over its own transaction.
      const Fees old{chain::U256(200) * 1'000'000'000, chain::U256(200) * 1'000'000'000};
      CHECK(b.pool->send_raw(b.foreign(1, 200))->what == chain::SendClass::kAccepted);
      const auto more = bumped_fees(old, {chain::U256(100) * 1'000'000'000, 1}, {});
      REQUIRE(more);
      chain::Transaction tx;
      tx.chain_id = kChainId;
      tx.nonce = 1;
      tx.max_fee = more->max_fee;
      tx.tip = more->tip;
      tx.gas_limit = 21'000;
      tx.to = address_of(0x77);
      CHECK(b.pool->send_raw(chain::sign(tx, *b.key)->raw)->what == chain::SendClass::kAccepted);
    }
  }
  SECTION("a stranger's transaction holds our nonce: alarm, tracked, settled under the next nonce") {
    StrictBench b(std::size_t{1});
    b.tick();
    REQUIRE(b.pool->send_raw(b.foreign(0, 50)));
    b.commit_many(1);
    b.tick();
    CHECK(b.submitter->status().key_shared);
    CHECK_THAT(b.error(), Catch::Contains("nonce 0"));
    b.run(14);
    b.settled(1);
    CHECK(b.submitter->status().lost_slots == 1);
  }
}

TEST_CASE("strict: fee below base fee", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.commit_many(1);
    b.tick();
    b.node().drop_pool();
    b.world.set_base_fee(4'000'000'000);  // what was signed for 1 gwei offers 2.1
    b.run(12);
    CHECK(b.submitter->status().bumps >= 1);
    b.settled(1);
  }
}

TEST_CASE("strict: fee ceiling reached", "[strict]") {
  StrictBench b(std::size_t{1});
  b.options.fees.max_fee_ceiling = 2'200'000'000;
  b.open();
  b.commit_many(1);
  b.tick();
  b.world.set_base_fee(50'000'000'000);
  b.run(8);
  CHECK(b.submitter->status().bumps == 0);
  CHECK(b.submitter->status().resends >= 1);
  CHECK(b.state("1") == "ASSIGNED");
  b.world.set_base_fee(1'000'000'000);
  b.run(10);
  b.settled(1);
}

TEST_CASE("strict: insufficient ETH for gas", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.commit_many(1);
    b.tick();  // reserved and signed while there was money
    b.node().drop_pool();
    b.node().rules([](StrictRules& r) { r.balance = 1'000; });
    b.run(4);
    CHECK(b.state("1") == "ASSIGNED");
    CHECK_THAT(b.error(), Catch::Contains("gas"));
    b.node().rules([](StrictRules& r) { r.balance = chain::U256("100000000000000000000"); });
    b.run(10);
    b.settled(1);
    CHECK(b.submitter->status().lost_slots == 0);
  }
}

TEST_CASE("strict: transaction dropped from pool", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(2);
  b.tick();
  b.node(0).drop_pool();
  b.node(1).drop_pool();
  b.run(12);
  b.settled(2);
  CHECK(b.submitter->status().resends >= 1);
}

TEST_CASE("strict: nonce gap at one endpoint", "[strict]") {
  for (const bool queues : {true, false}) {
    INFO((queues ? "queued" : "refused"));
    StrictRules picky = rules_of(Client::kBesu);
    picky.queue_gaps = queues;
    StrictBench b({picky, picky});
    b.commit_many(1);
    b.tick();
    b.node(0).drop_pool();  // one endpoint has forgotten nonce 0
    commit(*b.ledger, close_of("2", "1.5"));
    b.tick();
    CHECK_FALSE(b.submitter->status().key_shared);
    b.clock.advance_ms(20'000);
    b.tick();  // the same bytes again, from the lowest on
    b.clock.advance_ms(20'000);
    b.tick();
    CHECK(b.node(0).pooled() == 2);
    b.run(10);
    b.settled(2);
  }
}

TEST_CASE("strict: sixteen per account, and a full pipeline behind it", "[strict]") {
  StrictRules tight;
  tight.account_slots = 4;
  StrictBench b({tight});
  b.options.batch_max = 1;
  b.open();
  b.commit_many(20);
  b.run(70);
  b.settled(20);
  CHECK_FALSE(b.node().counters().refusals.empty());
}

TEST_CASE("strict: per-transaction gas cap (EIP-7825)", "[strict]") {
  for (const auto& [name, client] : kClients) {
    INFO(name);
    StrictBench b({rules_of(client)});
    b.node().rules([](StrictRules& r) { r.gas_cap = 50'000; });
    b.commit_many(1);
    b.tick();
    CHECK(b.state("1") == "ASSIGNED");
    b.run(3);
    CHECK(b.node().counters().accepted >= 1);  // the no-op at the same nonce
    CHECK(b.events() == 0);
    b.node().rules([](StrictRules& r) { r.gas_cap = 1U << 24U; });
    b.run(20);
    b.settled(1);
  }
}

TEST_CASE("strict: intrinsic gas", "[strict]") {
  StrictBench b(std::size_t{1});
  CHECK(b.pool->send_raw(b.foreign(0, 100, 20'999))->what == chain::SendClass::kPermanent);
  CHECK(b.pool->send_raw(b.foreign(0, 100, 21'000))->what == chain::SendClass::kAccepted);
}

TEST_CASE("strict: reorg, transaction vanished, and re-included elsewhere", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(2);
  b.tick();
  b.world.mine();
  b.tick();
  CHECK(b.state("1") == "INCLUDED");
  b.world.reorg(2);
  b.tick();
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");
  b.run(12);
  b.settled(2);
  CHECK(b.submitter->status().lost_slots == 0);
}

TEST_CASE("strict: reorg, a competing transaction took the nonce, and key used by another program", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(1);
  b.tick();
  b.world.mine();
  b.tick();
  b.world.use_key(b.key->address());
  b.world.reorg(2);
  b.run(16);
  b.settled(1);
  CHECK(b.submitter->status().lost_slots == 1);
  CHECK(b.submitter->status().key_shared);
}

TEST_CASE("strict: DuplicateRefId, somebody else settled it first", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(1);
  b.tick();
  b.nodes[0]->drop_pool();
  b.nodes[1]->drop_pool();
  const auto ref = ref_id("Bybit", "1");
  REQUIRE(ref);
  b.world.rival(address_of(0x99), *b.vault.settle_call({chain::Action::kCredit, address_of(0xa1), 1'500'000, *ref}));
  b.run(16);
  CHECK(b.state("1") == "ALREADY_SETTLED");
  CHECK(b.events() == 1);
}

TEST_CASE("strict: wrong chain behind a URL", "[strict]") {
  StrictBench b(std::size_t{3});
  b.faults(1, [](StrictFaults& f) { f.chain_id = 1; });
  b.commit_many(1);
  b.run(10);
  b.settled(1);
  CHECK(b.pool->status()[1].state == chain::EndpointState::kBanned);
  CHECK(b.node(1).counters().sends == 0);

  StrictBench alone(std::size_t{1});
  alone.faults(0, [](StrictFaults& f) { f.chain_id = 1; });
  const auto id = alone.pool->chain_id();
  REQUIRE_FALSE(id);
  CHECK(id.error().kind == ErrorKind::kBadRequest);
}

TEST_CASE("strict: endpoint lags", "[strict]") {
  StrictBench b(std::size_t{3});
  b.faults(2, [](StrictFaults& f) { f.lag = 8; });
  b.commit_many(2);
  b.run(12);
  b.settled(2);
  CHECK(b.pool->status()[2].state == chain::EndpointState::kLagging);
}

TEST_CASE("strict: one endpoint goes away and comes back", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(1);
  b.tick();
  b.faults(0, [](StrictFaults& f) { f.down = true; });
  commit(*b.ledger, close_of("2", "1.5"));
  b.run(14);
  CHECK(b.pool->status()[0].state == chain::EndpointState::kPaused);
  b.settled(2);
  b.faults(0, [](StrictFaults& f) { f.down = false; });
  commit(*b.ledger, close_of("3", "1.5"));
  b.run(10);
  b.settled(3);
  b.clock.advance_ms(chain::kPauseMs);
  for (int i = 0; i < 200 && b.pool->status()[0].state != chain::EndpointState::kHealthy; ++i) {
    (void)b.pool->block(chain::Tag::kLatest);  // posts the probe; its answer comes when it comes
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(b.pool->status()[0].state == chain::EndpointState::kHealthy);
}

TEST_CASE("strict: endpoint lies (receipt for unknown block)", "[strict]") {
  StrictBench b(std::size_t{3});
  b.faults(0, [](StrictFaults& f) { f.lies = true; });
  b.commit_many(8);  // a submitter asks twice for each: when its nonce is taken, and when it is to be judged
  b.run(14);
  b.settled(8);
  CHECK(b.pool->status()[0].state == chain::EndpointState::kUntrue);

  // Alone it can hold up, and never settle.
  StrictBench alone(std::size_t{1});
  alone.faults(0, [](StrictFaults& f) { f.lies = true; });
  alone.commit_many(1);
  alone.run(12);
  CHECK(alone.state("1") == "ASSIGNED");
  alone.faults(0, [](StrictFaults& f) { f.lies = false; });
  alone.run(8);
  alone.settled(1);
}

TEST_CASE("strict: an endpoint without receipts proves nothing", "[strict]") {
  StrictBench b(std::size_t{2});
  b.faults(0, [](StrictFaults& f) { f.no_receipts = true; });
  b.commit_many(1);
  b.run(12);
  b.settled(1);
  CHECK(b.submitter->status().lost_slots == 0);
}

TEST_CASE("strict: finalized stops advancing", "[strict]") {
  StrictBench b(std::size_t{1});
  const std::uint64_t stand = b.world.height();
  b.faults(0, [&](StrictFaults& f) { f.finalized_stands_at = stand; });
  b.commit_many(2);
  b.run(10);
  CHECK(b.state("1") == "SAFE");  // sent and seen, never SETTLED
  CHECK(b.submitter->status().settled == 0);
  b.world.mine(1'500);  // 50 minutes of two-second blocks
  b.tick();
  CHECK_THAT(b.error(), Catch::Contains("minutes behind the head"));
  b.faults(0, [](StrictFaults& f) { f.finalized_stands_at.reset(); });
  b.run(3);
  b.settled(2);
}

TEST_CASE("strict: preconfirmed receipt (flashblock)", "[strict]") {
  StrictBench b(std::size_t{2});
  for (std::size_t i = 0; i < 2; ++i) b.faults(i, [](StrictFaults& f) { f.preconfirms = true; });
  b.commit_many(1);
  b.tick();
  b.clock.advance_ms(2'000);
  b.tick();
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");  // shown in a block that is not there: no progress
  b.run(10);
  b.settled(1);
}

TEST_CASE("strict: node behind a load balancer returns an old nonce", "[strict]") {
  StrictBench b(std::size_t{2});
  b.commit_many(2);
  b.run(10);
  b.settled(2);
  b.faults(0, [](StrictFaults& f) { f.stale_nonces = 2; });
  for (int i = 3; i <= 4; ++i) commit(*b.ledger, close_of(std::to_string(i), "1.5"));
  b.run(4);
  CHECK_THAT(b.error(), Catch::Contains("disagree"));  // visible, and no guess
  CHECK(b.submitter->status().lost_slots == 0);
  b.faults(0, [](StrictFaults& f) { f.stale_nonces = 0; });
  b.run(12);
  b.settled(4);
  CHECK(b.submitter->status().lost_slots == 0);
}

TEST_CASE("strict: endpoints without EIP-1898 and without batches", "[strict]") {
  StrictBench b(std::size_t{2});
  b.faults(0, [](StrictFaults& f) { f.no_eip1898 = f.no_batch = true; });
  b.faults(1, [](StrictFaults& f) { f.no_batch = true; });
  b.commit_many(3);
  b.run(10);
  b.settled(3);

  StrictBench alone(std::size_t{1});
  alone.faults(0, [](StrictFaults& f) { f.no_eip1898 = f.no_batch = true; });
  alone.commit_many(3);
  alone.run(10);
  alone.settled(3);
}

TEST_CASE("strict: unknown wording means maybe sent", "[strict]") {
  StrictBench b(std::size_t{1});
  b.faults(0, [](StrictFaults& f) { f.send_answer = "upstream says no"; });
  b.commit_many(1);
  b.tick();
  CHECK(b.state("1") == "ASSIGNED");
  CHECK_THAT(b.error(), Catch::Contains("upstream says no"));
  b.faults(0, [](StrictFaults& f) { f.send_answer.clear(); });
  b.run(10);
  b.settled(1);
}

TEST_CASE("strict: balance looked sufficient, but the L1 data fee and the operator fee were not counted", "[strict][gas]") {
  StrictBench b(std::size_t{1});
  // Gas of one settlement: 73,200 x 2.1 gwei; the rest is what the chain takes beyond it.
  const chain::U256 gas = chain::U256(73'200) * 2'100'000'000;
  b.node().rules([&](StrictRules& r) { r.balance = gas + 1'000; });
  SECTION("a plain chain takes it") {
    b.commit_many(1);
    b.run(10);
    b.settled(1);
  }
  SECTION("an OP-stack chain does not, and we know before it does") {
    b.world.set_op_stack(StrictWorld::OpStack{1'000'000'000, 500'000'000'000});
    b.commit_many(1);
    b.run(3);
    CHECK(b.state("1") == "QUEUED");
    CHECK(b.node().counters().sends == 0);
    CHECK_THAT(b.error(), Catch::Contains("wei more for gas"));
    CHECK(b.submitter->status().gas_missing > 0);
    const chain::U256 missing = b.submitter->status().gas_missing;
    b.node().rules([&](StrictRules& r) { r.balance += missing; });
    b.run(10);
    b.settled(1);
    CHECK(b.submitter->status().gas_missing == 0);
  }
  SECTION("the reserve is not touched") {
    b.options.gas_reserve = 2'000;
    b.open();
    b.commit_many(1);
    b.run(3);
    CHECK(b.state("1") == "QUEUED");
    CHECK(b.submitter->status().gas_missing == 1'000);
  }
}

TEST_CASE("strict: gas for less than a day is an alarm, and settles all the same", "[strict][gas]") {
  StrictBench b(std::size_t{1});
  int next = 0;
  for (int minute = 0; minute < 40; ++minute) {
    commit(*b.ledger, close_of(std::to_string(++next), "1.5"));
    b.node().rules([](StrictRules& r) { r.balance -= chain::U256("100000000000000000"); });  // 0.1 ETH
    b.run(1);
    b.clock.advance_ms(58'000);
  }
  REQUIRE(b.submitter->status().gas_hours);
  CHECK(*b.submitter->status().gas_hours >= 15);  // 96 ETH at 6 an hour
  CHECK(*b.submitter->status().gas_hours <= 16);
  CHECK_THAT(b.error(), Catch::Contains("gas for") && Catch::Contains("hours"));
  b.run(10);
  b.settled(next);
}
