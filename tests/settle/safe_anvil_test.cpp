// A real Safe 1.4.1, two of three owners, settles through the real submitter and ledger on a real node. What
// anybody with a copy of our SafeTx can do, what owners who are away do, and what a crash in between does.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/random.hpp"
#include "chain/http_transport.hpp"
#include "chain/transaction.hpp"
#include "settle/safe_exchange.hpp"
#include "settle/safe_executor.hpp"
#include "settle/submitter.hpp"
#include "settle/support.hpp"
#include "support/test_safe.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::test::Anvil;
using anduin::test::AnvilOptions;
using anduin::test::dev_accounts;
using anduin::test::TestSafe;
using anduin::test::TestVault;
using anduin::test::VaultOptions;

#define NEED_SAFE()                                                                               \
  do {                                                                                            \
    if (!Anvil::find_binary() || !TestSafe::installed()) {                                        \
      std::puts("SKIPPED: anvil or the Safe contracts are not installed (npm ci in tests/node)"); \
      SUCCEED();                                                                                  \
      return;                                                                                     \
    }                                                                                             \
  } while (false)

namespace {

/// Development accounts: 0 deploys, 3 is the user.
constexpr std::size_t kRelayer = 1, kOwners[] = {2, 4, 5}, kStranger = 0;

std::unique_ptr<chain::LocalSigner> key_of(std::size_t account) {
  static SystemRandom random;
  return std::move(*chain::LocalSigner::from_hex_key(dev_accounts()[account].key, random));
}

/// An owner whose backend can be away.
class Owner final : public chain::TransactionSigner {
 public:
  explicit Owner(std::size_t account) : key_(key_of(account)) {}
  bool away = false;
  int asked = 0;
  [[nodiscard]] const Address& address() const override { return key_->address(); }
  Result<Bytes> sign_raw(const chain::Transaction& t) override { return key_->sign_raw(t); }
  Result<chain::SafeSignature> sign_safe(const Hash& h) override {
    if (away) return Error{ErrorKind::kRetryable, "owner", "the key service does not answer"};
    ++asked;
    return key_->sign_safe(h);
  }
  Result<void> verify() override { return {}; }

 private:
  std::unique_ptr<chain::LocalSigner> key_;
};

struct Died : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Ends the "process" at one durable write.
struct Killer final : WriteHook {
  std::string before, after;
  void before_commit(const char* write) override {
    if (before == write) throw Died(write);
  }
  void after_commit(const char* write) override {
    if (after == write) throw Died(write);
  }
};

struct WorldOptions {
  bool duplicate_check = true;
  std::uint64_t safe_tx_gas = 0;
  std::size_t hand_owners = 0;  ///< the last ones sign by file
  enum class Packs { kVaultBatches, kMultiSend, kNothingThere, kAnotherContract } packs = Packs::kVaultBatches;
};
using Packs = WorldOptions::Packs;

struct World {
  WorldOptions how;
  Anvil anvil{[] {
    AnvilOptions o;
    o.mine_on_demand = true;
    return o;
  }()};
  std::vector<Owner> owners;
  std::unique_ptr<TestSafe> safe;
  std::unique_ptr<TestVault> vault;
  std::optional<chain::Vault> seen;  ///< the vault as the submitter knows it
  Address multi_send = chain::default_multi_send();
  TempDir dir;
  ManualClock clock{kNow};
  Killer killer;
  std::unique_ptr<chain::HttpTransport> transport = std::move(*chain::HttpTransport::create(anvil.url()));
  chain::JsonRpcNode node{*transport};
  std::unique_ptr<chain::LocalSigner> relayer = key_of(kRelayer);
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<SafeExecutor> executor;
  std::unique_ptr<Submitter> submitter;

  explicit World(WorldOptions options = {}) : how(options) {
    spdlog::set_level(spdlog::level::off);
    for (const std::size_t account : kOwners) owners.emplace_back(account);
    safe = std::make_unique<TestSafe>(
        anvil, std::vector<Address>{owners[0].address(), owners[1].address(), owners[2].address()}, 2);
    VaultOptions vo;
    vo.duplicate_check = how.duplicate_check;
    vo.settler = safe->address();
    vault = std::make_unique<TestVault>(anvil, vo);
    chain::VaultAbi abi;
    if (how.packs != Packs::kVaultBatches) abi.batch = abi.try_batch = "";
    seen = *chain::Vault::create(vault->address(), abi);
    if (how.packs == Packs::kMultiSend) multi_send = safe->deploy_multi_send();
    if (how.packs == Packs::kAnotherContract) multi_send = vault->address();
    anvil.mine(8);  // the settled block knows the Safe
    open();
  }
  [[nodiscard]] std::filesystem::path exchange() const { return dir.ledger().parent_path() / "exchange"; }
  void open() {
    LedgerOptions lo;
    lo.hook = &killer;
    lo.synchronous = false;
    ledger = open_ledger(dir, clock, lo);
    auto t = terms("alice");
    t.user = dev_accounts()[3].address;
    t.vault = {"main", 31337, vault->address(), true};
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
    SafeExecutorOptions eo;
    eo.vault_name = "main";
    eo.safe_tx_gas = how.safe_tx_gas;
    eo.exchange = exchange();
    eo.multi_send = multi_send;
    std::vector<chain::TransactionSigner*> asked;
    std::vector<Address> by_file;
    for (std::size_t i = 0; i < owners.size(); ++i) {
      if (i + how.hand_owners < owners.size()) {
        asked.push_back(&owners[i]);
      } else {
        by_file.push_back(owners[i].address());
      }
    }
    executor = std::make_unique<SafeExecutor>(eo, *ledger, safe->safe(), asked, by_file, clock);
    SubmitterOptions so;
    so.vault_name = "main";
    so.chain_id = 31337;
    submitter = std::make_unique<Submitter>(so, *ledger, *seen, node, *relayer, clock, executor.get());
  }
  void restart() {
    submitter.reset();
    executor.reset();
    ledger.reset();
    killer = {};
    open();
  }
  Result<bool> tick() { return submitter->tick(); }
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      const auto done = tick();
      if (!done) FAIL(done.error().to_string());
      anvil.mine();
      clock.advance_ms(2'000);
    }
  }
  void commit_close(const std::string& id, const std::string& pnl, std::int64_t later_ms = 0) {
    auto close = close_of(id, pnl);
    close.closed_ms += later_ms;
    REQUIRE(commit(*ledger, close) == Outcome::kAccepted);
  }
  [[nodiscard]] std::string state(const std::string& id) const {
    return reader(dir)->show(id)->at("state").get<std::string>();
  }
  void commit_many(const std::string& prefix, int count, const std::string& pnl) {
    for (int i = 0; i < count; ++i) commit_close(prefix + std::to_string(i), pnl, i);
  }
  /// Somebody else seizes all that this user has; the vault allows that for the moment.
  void empty_user() {
    const Address& other = dev_accounts()[0].address;
    vault->set_settler(other, true);
    anvil.send(other, vault->address(),
               *vault->vault().settle_call({chain::Action::kSeize, user(), vault->collateral(user()), chain::keccak256("other")}));
    vault->set_settler(other, false);
  }
  [[nodiscard]] static const Address& user() { return dev_accounts()[3].address; }
  /// Rounds until every one of them is in this state.
  void run_until(const std::string& wanted, const std::vector<std::string>& ids) {
    for (int i = 0; i < 120; ++i) {
      if (std::all_of(ids.begin(), ids.end(), [&](const std::string& id) { return state(id) == wanted; })) return;
      run(1);
    }
    for (const auto& id : ids) UNSCOPED_INFO(id << " is " << state(id));
    FAIL("not " << wanted << " after 120 rounds; " << submitter->status().last_error);
  }
  /// The calldata of the transaction that the submitter has sent last.
  Bytes sent_calldata() {
    const auto slots = *ledger->open_slots(*ledger->acquire_signer(31337, relayer->address(), vault->address()));
    REQUIRE_FALSE(slots.empty());
    SlotRow last = slots.back();
    REQUIRE(ledger->load_slot(last));
    return last.call.calldata;
  }
  std::uint64_t relayer_nonce() { return *node.transaction_count(relayer->address(), chain::Tag::kLatest); }
};

/// A fenced submitter has lost its key to acquire_signer() above: a new one takes over, as after a restart.
Bytes take_copy(World& w) {
  const Bytes copy = w.sent_calldata();
  w.restart();
  return copy;
}

}  // namespace

TEST_CASE("safe: two of three owners settle, hash and texts are the contract's own", "[anvil]") {
  NEED_SAFE();
  World w;
  const auto facts = w.safe->safe().probe(w.node);
  REQUIRE(facts);
  CHECK(facts->version == "1.4.1");
  CHECK(facts->threshold == 2);
  CHECK(facts->owners.size() == 3);
  CHECK(chain::Safe(w.safe->address(), 1).probe(w.node).error().text.find("another chain") != std::string::npos);
  CHECK(chain::Safe(w.vault->address(), 31337).probe(w.node).error().kind == ErrorKind::kBadRequest);
  CHECK(chain::Safe(dev_accounts()[kStranger].address, 31337).probe(w.node).error().text.find("no contract") !=
        std::string::npos);

  for (int i = 0; i < 5; ++i) w.commit_close("win" + std::to_string(i), "12.5");
  w.run_until("SETTLED", {"win0", "win1", "win2", "win3", "win4"});
  CHECK(w.vault->sum().count == 5);
  CHECK(w.vault->sum().credited == 62'500'000);
  CHECK(w.safe->nonce() >= 1);
  CHECK(w.owners[2].asked == 0);  // two are enough
  CHECK(reader(w.dir)->verify_audit()->ok);

  chain::SafeTx tx;
  tx.to = w.vault->address();
  tx.data = *w.vault->vault().settle_call({chain::Action::kCredit, dev_accounts()[3].address, 7, chain::keccak256("x")});
  tx.nonce = w.safe->nonce();
  const Hash hash = chain::safe_tx_hash(31337, w.safe->address(), tx);
  CHECK(hash == w.safe->transaction_hash(tx));
  const auto one = *w.owners[0].sign_safe(hash), two = *w.owners[1].sign_safe(hash);
  const Bytes good = *chain::pack_safe_signatures(hash, std::array{one, two});
  CHECK(w.safe->why_refused(chain::safe_execution_call(tx, good)).empty());
  Bytes swapped(good.begin() + 65, good.end());
  swapped.insert(swapped.end(), good.begin(), good.begin() + 65);
  const auto says = [&](const chain::SafeTx& t, const Bytes& signatures) {
    return chain::safe_error_words(w.safe->why_refused(chain::safe_execution_call(t, signatures))).substr(0, 5);
  };
  CHECK(says(tx, swapped) == "GS026");
  CHECK(says(tx, Bytes(good.begin(), good.begin() + 65)) == "GS020");
  chain::SafeTx other = tx;
  other.data.back() ^= 1U;  // signed was another call
  CHECK(says(other, good) == "GS026");
  chain::SafeTx failing = tx;
  failing.data = *w.vault->vault().settle_call({chain::Action::kSeize, dev_accounts()[4].address, 7, chain::keccak256("y")});
  const Hash failing_hash = chain::safe_tx_hash(31337, w.safe->address(), failing);
  CHECK(says(failing, *chain::pack_safe_signatures(failing_hash, std::array{*w.owners[0].sign_safe(failing_hash),
                                                                            *w.owners[2].sign_safe(failing_hash)})) ==
        "GS013");
}

TEST_CASE("safe: too few owners stop it visibly, and it goes on when one is back", "[anvil]") {
  NEED_SAFE();
  World w;
  w.owners[1].away = w.owners[2].away = true;
  w.commit_close("win", "3");
  const std::uint64_t before = w.relayer_nonce();
  w.run(4);
  CHECK(w.state("win") == "QUEUED");
  CHECK(w.relayer_nonce() == before);
  const std::string said = w.submitter->status().last_error;
  INFO(said);
  CHECK(said.find("has 1 of the 2 approvals that it needs for its nonce 0") != std::string::npos);
  CHECK(said.find(w.owners[1].address().to_string() + ": owner: the key service does not answer") != std::string::npos);
  CHECK(said.find(w.owners[2].address().to_string()) != std::string::npos);
  CHECK(said.find(w.owners[0].address().to_string()) == std::string::npos);
  w.restart();  // the approval that was given is durable
  w.run(2);
  CHECK(w.owners[0].asked == 1);
  CHECK(w.state("win") == "QUEUED");
  w.owners[2].away = false;
  w.run_until("SETTLED", {"win"});
  CHECK(w.owners[0].asked == 1);
  CHECK(w.vault->sum().count == 1);
}

TEST_CASE("safe: an inner failure is noticed although the receipt says success", "[anvil]") {
  NEED_SAFE();
  for (const std::uint64_t gas : {std::uint64_t{300'000}, std::uint64_t{0}}) {
    CAPTURE(gas);
    World w({true, gas, 0});
    w.commit_close("win", "3");
    REQUIRE(w.tick());
    CHECK(w.state("win") == "ASSIGNED");
    w.anvil.drop_all_transactions();
    w.vault->set_paused(true);
    w.run_until("BLOCKED", {"win"});
    CHECK(w.vault->sum().count == 0);
    // With gas kept for the call the transaction succeeded and used the nonce up; without, it reverted.
    CHECK(w.safe->nonce() == (gas == 0 ? 0 : 1));
    const auto row = *reader(w.dir)->show("win");
    CHECK(row["slots"][0]["state"] == "FINAL");
    w.vault->set_paused(false);
    w.clock.advance_ms(120'000);
    w.run_until("SETTLED", {"win"});
    CHECK(w.vault->sum().count == 1);
    CHECK(w.safe->nonce() == (gas == 0 ? 1 : 2));
  }
}

TEST_CASE("safe: a stranger who executes a copy settles nothing twice, on either vault", "[anvil]") {
  NEED_SAFE();
  for (const bool checked : {true, false}) {
    CAPTURE(checked);
    World w({checked, 0, 0});
    w.commit_close("win", "3");
    REQUIRE(w.tick());
    const Bytes copy = take_copy(w);
    w.anvil.drop_all_transactions();
    w.anvil.send(dev_accounts()[kStranger].address, w.safe->address(), copy);
    CHECK(w.vault->sum().count == 1);
    CHECK(w.safe->nonce() == 1);
    CHECK(chain::safe_error_words(w.safe->why_refused(copy)).substr(0, 5) == "GS026");
    // Nothing new is approved while it is not final that the old one is done.
    const auto head = **w.node.block(chain::Tag::kLatest);
    const Call inner{w.vault->address(), {1, 2, 3}};
    const auto early = w.executor->wrap({&inner, 1}, {w.node, head, chain::Tag::kFinalized, {}});
    REQUIRE_FALSE(early);
    CHECK(early.error().kind == ErrorKind::kRetryable);
    CHECK(early.error().text.find("its nonce is 1 and 0 at the settled block") != std::string::npos);
    SlotRow open;
    open.call.to = w.safe->address();
    const SlotRow* one = &open;
    CHECK(w.executor->wrap({&inner, 1}, {w.node, head, head.number, {&one, 1}}).error().text.find("is still under way") !=
          std::string::npos);
    w.run_until("ALREADY_SETTLED", {"win"});
    w.commit_close("next", "4");
    w.run_until("SETTLED", {"next"});
    CHECK(w.vault->sum().count == 2);
    CHECK(w.vault->sum().credited == 7'000'000);
  }
}

TEST_CASE("safe: after a lost transaction the next payload excludes the old one by the same Safe nonce", "[anvil]") {
  NEED_SAFE();
  for (const bool checked : {true, false}) {
    CAPTURE(checked);
    World w({checked, 0, 0});
    w.commit_close("old", "3");
    REQUIRE(w.tick());
    const Bytes copy = take_copy(w);
    // Somebody else uses the relayer's key: our nonce is gone, our SafeTx is not.
    w.anvil.drop_all_transactions();
    w.anvil.send(w.relayer->address(), w.relayer->address(), {});
    // Another payload is made for the same Safe nonce, and is on its way when the copy is executed.
    w.commit_close("older", "5", -500);
    for (int i = 0; i < 40 && w.state("older") != "ASSIGNED"; ++i) {
      REQUIRE(w.tick());
      if (w.state("older") == "ASSIGNED") break;
      w.anvil.mine();
      w.clock.advance_ms(2'000);
    }
    CHECK(w.safe->nonce() == 0);
    CHECK(w.state("older") == "ASSIGNED");
    w.anvil.drop_all_transactions();
    w.anvil.send(dev_accounts()[kStranger].address, w.safe->address(), copy);
    CHECK(w.safe->nonce() == 1);
    w.run_until("SETTLED", {"older"});
    for (int i = 0; i < 40 && w.state("old") != "ALREADY_SETTLED"; ++i) w.run(1);
    CHECK(w.state("old") == "ALREADY_SETTLED");
    CHECK(w.vault->sum().count == 2);
    CHECK(w.vault->sum().credited == 8'000'000);
    CHECK(w.safe->nonce() == 2);
  }
}

TEST_CASE("safe: a crash around approving, reserving and signing settles once", "[anvil]") {
  NEED_SAFE();
  World w;
  int n = 0;
  for (const char* write : {"safe_tx", "safe_signature", "reserve", "attempt", "sent"}) {
    for (const bool after : {false, true}) {
      CAPTURE(write, after);
      const std::string id = "crash" + std::to_string(n++);
      w.commit_close(id, "1");
      (after ? w.killer.after : w.killer.before) = write;
      bool died = false;
      try {
        for (int i = 0; i < 20 && w.state(id) != "SETTLED"; ++i) w.run(1);
      } catch (const Died&) {
        died = true;
      }
      CHECK(died);
      w.restart();
      w.run_until("SETTLED", {id});
    }
  }
  CHECK(w.vault->sum().count == static_cast<std::size_t>(n));
  CHECK(reader(w.dir)->verify_audit()->ok);
}

TEST_CASE("safe: an owner signs by file with the program, and only the owner's own signature counts", "[anvil]") {
  NEED_SAFE();
  World w({true, 0, 2});
  w.commit_close("win", "3");
  w.run(2);
  CHECK(w.state("win") == "QUEUED");
  const std::string said = w.submitter->status().last_error;
  INFO(said);
  CHECK(said.find("has 1 of the 2 approvals") != std::string::npos);
  CHECK(said.find("anduin safe sign") != std::string::npos);
  std::vector<std::filesystem::path> requests;
  for (const auto& entry : std::filesystem::directory_iterator(w.exchange())) requests.push_back(entry.path());
  REQUIRE(requests.size() == 1);
  const auto request = read_safe_request(requests.front());
  REQUIRE(request);
  CHECK(request->tx.to == w.vault->address());
  CHECK(requests.front() == safe_request_file(w.exchange(), request->hash()));

  // A stranger's signature under the owner's name.
  const auto theirs = *key_of(kStranger)->sign_safe(request->hash());
  REQUIRE(write_safe_signature(safe_signature_file(w.exchange(), request->hash(), w.owners[1].address()),
                               request->hash(), w.owners[1].address(), theirs));
  w.run(2);
  CHECK(w.state("win") == "QUEUED");
  CHECK(w.submitter->status().last_error.find("the signature in its file is not this owner's") != std::string::npos);

  const std::string program = std::string(ANDUIN_BINARY_DIR) + "/bin/anduin safe sign ";
  const auto runs = [&](const std::string& rest) {
    return std::system(("OWNER_KEY=" + dev_accounts()[kOwners[2]].key + " " + program + rest + " >/dev/null 2>&1").c_str());
  };
  CHECK(runs(requests.front().string()) != 0);                          // no key named
  CHECK(runs(requests.front().string() + " --key-env NOT_THERE") != 0);
  CHECK(runs(requests.front().string() + " --show") == 0);
  std::filesystem::path changed = requests.front();
  changed.replace_filename("changed.json");
  {
    std::ifstream in(requests.front());
    auto doc = nlohmann::json::parse(in);
    doc["data"] = "0x00";
    std::ofstream(changed) << doc;
  }
  CHECK(runs(changed.string() + " --key-env OWNER_KEY") != 0);
  CHECK(read_safe_request(changed).error().text.find("it was changed") != std::string::npos);
  CHECK(w.state("win") == "QUEUED");
  CHECK(runs(requests.front().string() + " --key-env OWNER_KEY") == 0);
  w.run_until("SETTLED", {"win"});
  CHECK(w.vault->sum().count == 1);
}

TEST_CASE("safe: a batch is one SafeTx, and what the vault skips in it is noticed", "[anvil]") {
  NEED_SAFE();
  World w;
  w.vault->deposit_for(World::user(), 5'000'000);
  w.commit_many("win", 20, "1.5");
  w.commit_close("loss", "-32", 1'000);  // the credits ahead of it and the deposit cover it
  REQUIRE(w.tick());
  CHECK(w.state("loss") == "ASSIGNED");
  w.anvil.drop_all_transactions();
  w.empty_user();  // now the credits alone do not
  w.run_until("SETTLED", {"win0", "win19"});
  CHECK(w.vault->sum().count == 21);  // 20 of ours and the other's
  CHECK(w.vault->sum().credited == 30'000'000);
  CHECK(w.safe->nonce() == 1);
  w.run_until("BLOCKED", {"loss"});
  const auto row = *reader(w.dir)->show("win7");
  REQUIRE(row["slots"].size() == 1);
}

TEST_CASE("safe: MultiSendCallOnly packs for a vault without batches, and one poisoned call costs only itself", "[anvil]") {
  NEED_SAFE();
  for (const bool checked : {true, false}) {
    CAPTURE(checked);
    World w({.duplicate_check = checked, .packs = Packs::kMultiSend});
    w.vault->deposit_for(World::user(), 5'000'000);
    w.commit_many("win", 12, "1.5");
    w.commit_close("loss", "-4", 1'000);
    w.commit_close("hopeless", "-900", 2'000);
    w.run_until("SETTLED", {"win0", "win11", "loss"});
    CHECK(w.safe->nonce() == 1);
    w.run_until("BLOCKED", {"hopeless"});  // it waited for the credits
    CHECK(w.safe->nonce() == 1);
    CHECK(w.vault->sum().count == 13);
    CHECK(w.vault->sum().credited == 18'000'000);
    CHECK(w.vault->sum().seized == 4'000'000);
    CHECK(reader(w.dir)->verify_audit()->ok);

    // All or nothing: what passed when it was planned fails in its block, and takes the others along for one block.
    w.commit_many("later", 4, "2");
    w.commit_close("gone", "-15", 1'000);
    REQUIRE(w.tick());
    CHECK(w.state("gone") == "ASSIGNED");
    w.anvil.drop_all_transactions();
    w.empty_user();
    w.run_until("SETTLED", {"later0", "later1", "later2", "later3"});
    w.run_until("BLOCKED", {"gone"});
    CHECK(w.vault->sum().count == 18);
  }
}

TEST_CASE("safe: without MultiSendCallOnly one at a time, and another contract in its place is refused", "[anvil]") {
  NEED_SAFE();
  {
    World w({.packs = Packs::kNothingThere});
    w.commit_many("win", 2, "1");
    w.run_until("SETTLED", {"win0", "win1"});
    CHECK(w.safe->nonce() == 2);
  }
  World w({.packs = Packs::kAnotherContract});
  w.commit_many("win", 2, "1");
  w.run(3);
  CHECK(w.state("win0") == "QUEUED");
  CHECK(w.submitter->status().last_error.find("this contract is not MultiSendCallOnly 1.4.1") != std::string::npos);
  CHECK(w.safe->nonce() == 0);
}

TEST_CASE("safe: the contract that may be delegated to is the one that the Safe project has deployed", "[anvil]") {
  NEED_SAFE();
  // CREATE2 by the Safe singleton factory, salt 0: the code decides the address.
  const Address factory = *Address::parse("0x914d7Fec6aaC8cd542e72Bca78B30650d45643d7");
  Bytes packed{0xff};
  packed.insert(packed.end(), factory.bytes.begin(), factory.bytes.end());
  packed.resize(packed.size() + 32);
  const Hash code = chain::keccak256(TestSafe::multi_send_code());
  packed.insert(packed.end(), code.bytes.begin(), code.bytes.end());
  const Hash address = chain::keccak256(packed);
  CHECK(std::equal(address.bytes.begin() + 12, address.bytes.end(), chain::default_multi_send().bytes.begin()));
}

TEST_CASE("safe: an owner by file sees what is packed, and signs no other delegation", "[anvil]") {
  NEED_SAFE();
  World w({.hand_owners = 2, .packs = Packs::kMultiSend});
  w.commit_many("win", 3, "1");
  w.run(2);
  std::vector<std::filesystem::path> requests;
  for (const auto& entry : std::filesystem::directory_iterator(w.exchange())) requests.push_back(entry.path());
  REQUIRE(requests.size() == 1);
  CHECK(chain::parse_multi_send(read_safe_request(requests.front())->tx.data)->size() == 3);
  const std::string program = "OWNER_KEY=" + dev_accounts()[kOwners[2]].key + " " + std::string(ANDUIN_BINARY_DIR) +
                              "/bin/anduin safe sign " + requests.front().string() + " --key-env OWNER_KEY";
  CHECK(std::system((program + " >/dev/null 2>&1").c_str()) != 0);  // not where the Safe project has put it
  CHECK(std::system((program + " --multi-send 0x12 >/dev/null 2>&1").c_str()) != 0);
  w.run(1);
  CHECK(w.state("win0") == "QUEUED");
  std::string lower = w.multi_send.to_string();
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  CHECK(std::system((program + " --multi-send " + lower + " >/dev/null 2>&1").c_str()) == 0);
  w.run_until("SETTLED", {"win0", "win1", "win2"});
  CHECK(w.safe->nonce() == 1);
}
