// Our words against a real EVM node: the committed reference vault, our signatures, our reading of its
// answers.
#include <catch2/catch.hpp>
#include <signal.h>

#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "chain/transaction.hpp"
#include "support/anvil.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;
using test::Anvil;
using test::TestVault;

namespace {

/// Signs with the settler's key; nonces are counted here, fees are far above what a quiet chain asks.
struct Sender {
  explicit Sender(Anvil& a, std::size_t account = 1) : anvil(a) {
    SeededRandom random(7);
    signer = LocalSigner::from_hex_key(test::dev_accounts()[account].key, random).value();
    nonce = anvil.node().transaction_count(signer->address(), Tag::kLatest).value();
  }
  SignedTransaction make(const Address& to, const Bytes& data, std::uint64_t gas = 300'000) {
    Transaction t;
    t.chain_id = 31337;
    t.nonce = nonce++;
    t.tip = 1'000'000'000;
    t.max_fee = 20'000'000'000;
    t.gas_limit = gas;
    t.to = to;
    t.data = data;
    return sign(t, *signer).value();
  }
  Receipt settle(const TestVault& vault, const VaultItem& item) {
    const auto made = make(vault.address(), vault.vault().settle_call(item).value());
    const auto sent = anvil.node().send_raw(made.raw).value();
    INFO(sent.message);
    REQUIRE(sent.what == SendClass::kAccepted);
    return anvil.wait_receipt(made.hash);
  }
  Anvil& anvil;
  std::unique_ptr<LocalSigner> signer;
  std::uint64_t nonce = 0;
};

const Address kUser = test::dev_accounts()[3].address;
const Address kOther = test::dev_accounts()[4].address;

}  // namespace

TEST_CASE("anvil: a credit from calldata to finalized event") {
  Anvil anvil;
  TestVault vault(anvil);
  Sender sender(anvil);
  Node& node = anvil.node();

  SeededRandom random(3);
  const auto facts = vault.vault().probe(node, 31337, 6, sender.signer->address(), random);
  REQUIRE(facts);
  CHECK(facts->token == vault.token());
  CHECK_FALSE(facts->credit_revert);
  const auto stranger = vault.vault().probe(node, 31337, 6, kUser, random);
  REQUIRE(stranger);
  CHECK(stranger->role_missing());

  const Hash ref = keccak256("Bybit:12345");
  const VaultItem item{Action::kCredit, kUser, 500'000'000, ref};
  CHECK_FALSE(vault.used(ref));
  const auto gas =
      node.estimate_gas(sender.signer->address(), vault.address(), vault.vault().settle_call(item).value());
  REQUIRE(gas);
  const Receipt receipt = sender.settle(vault, item);
  CHECK(receipt.success);
  CHECK(receipt.gas_used <= std::get<std::uint64_t>(*gas));
  REQUIRE(receipt.logs.size() == 1);
  const auto event = vault.vault().parse_event(receipt.logs[0]);
  REQUIRE(event);
  REQUIRE(*event);
  CHECK((*event)->ref_id == ref);
  CHECK((*event)->user == kUser);
  CHECK((*event)->moved == 500'000'000);
  CHECK(vault.used(ref));
  CHECK(vault.collateral(kUser) == 500'000'000);
  CHECK(vault.events() == std::vector<VaultEvent>{**event});
  CHECK(vault.vault().events(node, 0, anvil.height(), ref)->size() == 1);
  CHECK(vault.vault().events(node, 0, anvil.height(), keccak256("other"))->empty());

  // The receipt's block is the canonical one of its height; finalized follows two epochs behind.
  CHECK(node.block(receipt.block_number).value()->hash == receipt.block_hash);
  CHECK(node.block(Tag::kFinalized).value()->number < receipt.block_number);
  anvil.mine(4);
  CHECK(node.block(Tag::kFinalized).value()->number >= receipt.block_number);
  CHECK(vault.vault().used(node, ref, Tag::kFinalized).value());
  CHECK(vault.vault().used(node, ref, receipt.block_hash).value());
  CHECK_FALSE(vault.vault().used(node, ref, BlockId{receipt.block_number - 1}).value());
  // A block that the chain does not hold gives an error and not another branch's answer.
  CHECK_FALSE(vault.vault().used(node, ref, keccak256("no such block")));
  CHECK(node.transaction_count(sender.signer->address(), Tag::kFinalized).value() == 1);
}

TEST_CASE("anvil: the vault refuses in the words we read") {
  Anvil anvil;
  TestVault vault(anvil, {.pool = 1'000});
  Sender sender(anvil);
  Node& node = anvil.node();
  const Hash ref = keccak256("OKX:1");
  REQUIRE(sender.settle(vault, {Action::kCredit, kUser, 100, ref}).success);

  const auto revert_of = [&](const VaultItem& item, const Address& from) {
    const auto answer =
        node.call(from, vault.address(), vault.vault().settle_call(item).value(), Tag::kLatest);
    REQUIRE(answer);
    REQUIRE(answer->reverted);
    return vault.vault().decode_revert(answer->data);
  };
  const Address settler = sender.signer->address();
  CHECK(revert_of({Action::kCredit, kUser, 100, ref}, settler).what == RevertClass::kDuplicateRefId);
  const auto poor = revert_of({Action::kSeize, kUser, 101, keccak256("a")}, settler);
  CHECK(poor.what == RevertClass::kInsufficientCollateral);
  CHECK(*poor.revert.arguments.at(1).get<U256>() == 100);
  CHECK(revert_of({Action::kCredit, kUser, 901, keccak256("a")}, settler).what ==
        RevertClass::kInsufficientPool);
  CHECK(revert_of({Action::kCredit, kUser, 1, keccak256("a")}, kUser).what == RevertClass::kMissingRole);
  vault.set_paused(true);
  CHECK(revert_of({Action::kCredit, kUser, 1, keccak256("a")}, settler).what == RevertClass::kPaused);
  vault.set_paused(false);
  vault.set_settler(settler, false);
  CHECK(revert_of({Action::kCredit, kUser, 1, keccak256("a")}, settler).what == RevertClass::kMissingRole);
  vault.set_settler(settler, true);

  // Mined all the same, a duplicate is a receipt with status 0 and without data.
  const Receipt duplicate = sender.settle(vault, {Action::kCredit, kUser, 100, ref});
  CHECK_FALSE(duplicate.success);
  CHECK(duplicate.logs.empty());
  const auto estimate = node.estimate_gas(
      settler, vault.address(), vault.vault().settle_call({Action::kCredit, kUser, 100, ref}).value());
  REQUIRE(std::holds_alternative<CallResult>(*estimate));
  CHECK(vault.vault().decode_revert(std::get<CallResult>(*estimate).data).what ==
        RevertClass::kDuplicateRefId);
}

TEST_CASE("anvil: seizures, capped and batched") {
  Anvil anvil;
  TestVault vault(anvil);
  Sender sender(anvil);
  vault.deposit_for(kUser, 1'000);
  CHECK(vault.collateral(kUser) == 1'000);
  REQUIRE(sender.settle(vault, {Action::kSeize, kUser, 400, keccak256("1")}).success);
  REQUIRE(sender.settle(vault, {Action::kSeizeCapped, kUser, 800, keccak256("2")}).success);
  CHECK(vault.collateral(kUser) == 0);
  auto events = vault.events();
  REQUIRE(events.size() == 2);
  CHECK(events[1].requested == 800);
  CHECK(events[1].moved == 600);

  // One bad item: the atomic batch fails, the tolerant one skips it and says so.
  const std::vector<VaultItem> items = {{Action::kCredit, kUser, 5, keccak256("3")},
                                        {Action::kCredit, kUser, 5, keccak256("1")},
                                        {Action::kCredit, kOther, 7, keccak256("4")}};
  const auto send_batch = [&](bool tolerant) {
    const auto made = sender.make(vault.address(), vault.vault().batch_call(items, tolerant).value());
    REQUIRE(anvil.node().send_raw(made.raw).value().what == SendClass::kAccepted);
    return anvil.wait_receipt(made.hash);
  };
  CHECK_FALSE(send_batch(false).success);
  const Receipt tolerant = send_batch(true);
  CHECK(tolerant.success);
  std::size_t skipped = 0;
  for (const Log& log : tolerant.logs) {
    if (const auto item = vault.vault().parse_skipped(log).value()) {
      ++skipped;
      CHECK(item->ref_id == keccak256("1"));
      CHECK(item->reason.what == RevertClass::kDuplicateRefId);
    }
  }
  CHECK(skipped == 1);
  const TestVault::Sum sum = vault.sum();
  CHECK(sum.count == 4);
  CHECK(sum.credited == 12);
  CHECK(sum.seized == 1'000);
}

TEST_CASE("anvil: the vault without the check pays a refId twice") {
  Anvil anvil;
  TestVault vault(anvil, {.duplicate_check = false});
  Sender sender(anvil);
  const VaultItem item{Action::kCredit, kUser, 10, keccak256("HTX:1")};
  CHECK(sender.settle(vault, item).success);
  CHECK(sender.settle(vault, item).success);
  CHECK(vault.sum().credited == 20);
}

TEST_CASE("anvil: a reorg takes a settlement back and the same bytes bring it again") {
  Anvil anvil;
  TestVault vault(anvil);
  Sender sender(anvil);
  Node& node = anvil.node();
  const auto made = sender.make(
      vault.address(), vault.vault().settle_call({Action::kCredit, kUser, 9, keccak256("MEXC:1")}).value());
  REQUIRE(node.send_raw(made.raw).value().what == SendClass::kAccepted);
  const Receipt first = anvil.wait_receipt(made.hash);
  CHECK(node.send_raw(made.raw).value().what == SendClass::kNonceConsumed);

  anvil.reorg(1);
  const auto now = node.block(first.block_number).value();
  REQUIRE(now);
  CHECK(now->hash != first.block_hash);
  CHECK_FALSE(node.block(first.block_hash).value().has_value());
  CHECK_FALSE(node.receipt(made.hash).value().has_value());
  CHECK(vault.events().empty());
  CHECK_FALSE(vault.used(keccak256("MEXC:1")));

  REQUIRE(node.send_raw(made.raw).value().what == SendClass::kAccepted);
  const Receipt again = anvil.wait_receipt(made.hash);
  CHECK(again.success);
  CHECK(node.block(again.block_number).value()->hash == again.block_hash);
  CHECK(vault.events().size() == 1);

  // A reorg that holds another transaction of the same nonce: ours can never be mined again.
  --sender.nonce;
  const auto rival = sender.make(sender.signer->address(), {}, 21'000);
  anvil.reorg_with(1, {{rival.raw, 0}});
  CHECK(node.receipt(rival.hash).value().has_value());
  CHECK(node.send_raw(made.raw).value().what == SendClass::kNonceConsumed);
  CHECK(vault.events().empty());
}

TEST_CASE("anvil: pool controls and its answers to sending") {
  Anvil anvil({.mine_on_demand = true, .gas_limit = 400'000'000});
  TestVault vault(anvil);
  Sender sender(anvil);
  Node& node = anvil.node();
  const auto call = vault.vault().settle_call({Action::kCredit, kUser, 9, keccak256("KuCoin:1")}).value();
  const auto made = sender.make(vault.address(), call);
  REQUIRE(node.send_raw(made.raw).value().what == SendClass::kAccepted);
  CHECK(node.send_raw(made.raw).value().what == SendClass::kAlreadyKnown);
  --sender.nonce;
  const auto cheaper = sender.make(vault.address(), call, 299'999);
  CHECK(node.send_raw(cheaper.raw).value().what == SendClass::kReplaceUnderpriced);
  anvil.drop_transaction(made.hash);
  anvil.mine();
  CHECK_FALSE(node.receipt(made.hash).value().has_value());
  REQUIRE(node.send_raw(made.raw).value().what == SendClass::kAccepted);
  anvil.mine();
  CHECK(node.receipt(made.hash).value()->success);

  const std::string snapshot = anvil.snapshot();
  anvil.set_balance(sender.signer->address(), 1);
  CHECK(node.send_raw(sender.make(vault.address(), call).raw).value().what ==
        SendClass::kInsufficientFunds);
  CHECK(node.balance(sender.signer->address(), Tag::kLatest).value() == 1);
  anvil.revert_to(snapshot);
  CHECK(node.balance(sender.signer->address(), Tag::kLatest).value() > 1);
  anvil.set_next_base_fee(U256{30'000'000'000});
  anvil.mine();
  CHECK(node.block(Tag::kLatest).value()->base_fee == U256{30'000'000'000});
  const auto fees = node.suggest_fees();
  REQUIRE(fees);
  CHECK(fees->base_fee_next > 20'000'000'000);
  CHECK(fees->tip >= 1'000'000);
  const auto low = node.send_raw(sender.make(vault.address(), call).raw).value();
  CHECK(low.what == SendClass::kUnderpriced);
}

TEST_CASE("anvil: blocks by the clock, and a node that hangs") {
  Anvil anvil({.block_time_s = 1});
  TestVault vault(anvil);
  Sender sender(anvil);
  CHECK(sender.settle(vault, {Action::kCredit, kUser, 9, keccak256("Kraken:1")}).success);

  auto transport = HttpTransport::create(anvil.url()).value();
  JsonRpcNode impatient(*transport, {.timeout_ms = 200});
  CHECK(impatient.chain_id());
  anvil.suspend();
  const auto answer = impatient.chain_id();
  anvil.resume();
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::kRetryable);
  CHECK(impatient.chain_id());  // and afterwards it is usable again
}

TEST_CASE("the node is gone when its object is") {
  std::string url;
  int pid = 0;
  {
    Anvil anvil;
    url = anvil.url();
    pid = anvil.pid();
    CHECK(::kill(pid, 0) == 0);
  }
  CHECK(::kill(pid, 0) != 0);
  auto transport = HttpTransport::create(url).value();
  CHECK(JsonRpcNode(*transport).chain_id().error().kind == ErrorKind::kRetryable);
}

TEST_CASE("an RPC URL is never quoted: it may carry a key") {
  const auto bad = HttpTransport::create("https://node.example:70000/v2/SECRETKEY");
  REQUIRE_FALSE(bad);
  CHECK_THAT(bad.error().to_string(), !Catch::Contains("SECRETKEY"));
  CHECK_FALSE(HttpTransport::create("wss://node.example/v2/SECRETKEY"));
  CHECK(HttpTransport::create("https://node.example/v2/SECRETKEY").value()->name() ==
        "rpc https://node.example:443");
}
