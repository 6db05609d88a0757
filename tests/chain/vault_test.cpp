#include "chain/vault.hpp"

#include <catch2/catch.hpp>
#include <functional>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;

namespace {

const Address kVault = *Address::parse("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512");
const Address kToken = *Address::parse("0x5FbDB2315678afecb367f032d93F642f64180aa3");
const Address kUser = *Address::parse("0x90F79bf6EB2c4f870365E785982E1f101E93b906");
const Hash kRef = keccak256("Bybit:12345");

Vault make(const VaultAbi& abi = {}) {
  auto out = Vault::create(kVault, abi);
  if (!out) throw std::runtime_error(out.error().to_string());
  return std::move(*out);
}

std::string refused(const std::function<void(VaultAbi&)>& change) {
  VaultAbi abi;
  change(abi);
  const auto out = Vault::create(kVault, abi);
  return out ? "accepted" : out.error().to_string();
}

Log log_of(const nlohmann::json& v) {
  Log out;
  out.address = kVault;
  for (const auto& t : v.at("topics")) out.topics.push_back(*Hash::parse(t.get<std::string>()));
  out.data = *from_hex(v.at("data").get<std::string>());
  out.block_number = 12;
  return out;
}

Bytes words(std::initializer_list<U256> values) {
  Bytes out;
  for (const U256& v : values) {
    const auto word = to_word(v);
    out.insert(out.end(), word.begin(), word.end());
  }
  return out;
}

Hash topic(const Address& a) {
  Hash out;
  std::copy(a.bytes.begin(), a.bytes.end(), out.bytes.begin() + 12);
  return out;
}

/// A chain of answers by selector; everything else is a lost answer.
class FakeNode final : public Node {
 public:
  std::uint64_t id = 8453;
  std::map<Address, Bytes> codes = {{kVault, {1}}, {kToken, {1}}};
  std::map<std::string, CallResult> calls;  ///< by selector in hex
  std::vector<Log> stored;
  Bytes last_call;

  Result<std::uint64_t> chain_id() override { return id; }
  Result<Bytes> code(const Address& who, const BlockId&) override { return codes[who]; }
  Result<CallResult> call(const Address&, const Address&, const Bytes& data, const BlockId&) override {
    last_call = data;
    const auto found = calls.find(to_hex(std::span(data).first(4)));
    if (found == calls.end()) return lost();
    return found->second;
  }
  Result<std::vector<Log>> logs(const LogFilter&) override { return stored; }

  Result<std::optional<Block>> block(const BlockId&) override { return lost(); }
  Result<std::uint64_t> transaction_count(const Address&, const BlockId&) override { return lost(); }
  Result<U256> balance(const Address&, const BlockId&) override { return lost(); }
  Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address&, const Address&,
                                                               const Bytes&) override {
    return lost();
  }
  Result<FeeSuggestion> suggest_fees() override { return lost(); }
  Result<SendResult> send_raw(const Bytes&) override { return lost(); }
  Result<std::optional<Receipt>> receipt(const Hash&) override { return lost(); }

 private:
  static Error lost() { return {ErrorKind::kRetryable, "fake", "lost"}; }
};

constexpr const char* kUsed = "0x0f2c61e5";
constexpr const char* kDecimals = "0x313ce567";
constexpr const char* kCredit = "0x247c55b2";
constexpr const char* kTokenCall = "0xfc0c546a";

FakeNode healthy() {
  FakeNode node;
  node.calls[kUsed] = {false, words({0}), {}};
  node.calls[kDecimals] = {false, words({6}), {}};
  node.calls[kCredit] = {false, {}, {}};
  node.calls[kTokenCall] = {false, words({from_big_endian(kToken.bytes)}), {}};
  return node;
}

}  // namespace

TEST_CASE("calldata of the vectors through the vault") {
  ANDUIN_NEED_SHARED();
  const Vault vault = make();
  const auto item_of = [](const nlohmann::json& v) {
    return VaultItem{
        static_cast<Action>(v.at("action").get<int>()), *Address::parse(v.at("user").get<std::string>()),
        U256{v.at("amount").get<std::string>()}, *Hash::parse(v.at("refId").get<std::string>())};
  };
  const auto vectors = test::shared_json("vectors/evm.json").at("abi");
  for (const auto& v : vectors) {
    const auto name = v.at("function").get<std::string>();
    const auto& args = v.at("args");
    Result<Bytes> made = Bytes{};
    if (name == "usedRefIds") {
      made = vault.used_ref_ids_call(*Hash::parse(args[0].get<std::string>()));
    } else if (name.ends_with("atchSettle")) {
      std::vector<VaultItem> items;
      for (const auto& each : args[0]) items.push_back(item_of(each));
      made = vault.batch_call(items, name == "tryBatchSettle");
    } else {
      const Action action = name == "creditPnl"         ? Action::kCredit
                            : name == "seizeCollateral" ? Action::kSeize
                                                        : Action::kSeizeCapped;
      made =
          vault.settle_call({action, *Address::parse(args[0].get<std::string>()),
                             U256{args[1].get<std::string>()}, *Hash::parse(args[2].get<std::string>())});
    }
    REQUIRE(made);
    CHECK(to_hex(*made) == v.at("calldata"));
  }
}

TEST_CASE("the vectors' event is read") {
  ANDUIN_NEED_SHARED();
  const auto v = test::shared_json("vectors/evm.json").at("events").at(0);
  const auto event = make().parse_event(log_of(v.at("log")));
  REQUIRE(event);
  REQUIRE(*event);
  CHECK((*event)->credit);
  CHECK((*event)->user.to_string() == v.at("decoded").at("user"));
  CHECK((*event)->requested.str() == v.at("decoded").at("amount"));
  CHECK((*event)->moved == (*event)->requested);
  CHECK((*event)->ref_id.to_string() == v.at("decoded").at("refId"));
  CHECK((*event)->block_number == 12);
}

TEST_CASE("revert classes of the vectors") {
  ANDUIN_NEED_SHARED();
  const Vault vault = make();
  const std::map<std::string, RevertClass> expected = {
      {"DuplicateRefId()", RevertClass::kDuplicateRefId},
      {"InsufficientCollateral", RevertClass::kInsufficientCollateral},
      {"MissingRole", RevertClass::kMissingRole},
      {"InsufficientPool", RevertClass::kInsufficientPool},
      {"Paused()", RevertClass::kPaused},
      {"Error(string)", RevertClass::kOther},
      {"Panic(uint256)", RevertClass::kOther},
      {"empty (no data)", RevertClass::kNoData}};
  const auto vectors = test::shared_json("vectors/evm.json").at("revertData");
  for (const auto& v : vectors) {
    INFO(v.at("name"));
    CHECK(vault.decode_revert(*from_hex(v.at("data").get<std::string>())).what ==
          expected.at(v.at("name").get<std::string>()));
  }
}

TEST_CASE("every revert class has a name that configuration can use") {
  for (const auto& [text, what] : VaultAbi::default_errors())
    CHECK(parse_revert_class(to_string(what)) == what);
  CHECK_FALSE(parse_revert_class("NO_DATA"));
  CHECK_FALSE(parse_revert_class("paused"));
}

TEST_CASE("a seizure says what was asked and what was moved") {
  const Vault vault = make();
  Log log;
  log.address = kVault;
  log.topics = {keccak256("CollateralSeized(address,uint256,uint256,bytes32)"), topic(kUser), kRef};
  log.data = words({500, 300});
  auto event = vault.parse_event(log);
  REQUIRE(event);
  REQUIRE(*event);
  CHECK_FALSE((*event)->credit);
  CHECK((*event)->requested == 500);
  CHECK((*event)->moved == 300);
  CHECK((*event)->user == kUser);

  log.data.pop_back();
  CHECK(vault.parse_event(log).error().kind == ErrorKind::kProtocol);
  log.data = words({500, 300});
  log.topics.pop_back();
  CHECK(vault.parse_event(log).error().kind == ErrorKind::kProtocol);
  // Somebody else's contract may emit the same event; it is not our vault's word.
  log.address = kToken;
  CHECK_FALSE(vault.parse_event(log)->has_value());
}

TEST_CASE("another vault: other names, other order, unindexed refId") {
  VaultAbi abi;
  abi.credit = "payOut(address,uint256,bytes32)";
  abi.seize_capped.clear();
  abi.batch.clear();
  abi.credited = {"Paid(bytes32 ref,uint256 indexed paid,address who)", "who", "paid", "", "ref"};
  abi.errors = {{"AlreadyPaid(bytes32)", RevertClass::kDuplicateRefId}};
  const Vault vault = make(abi);
  CHECK(vault.can(Action::kCredit));
  CHECK_FALSE(vault.can(Action::kSeizeCapped));
  CHECK_FALSE(vault.has_batch(false));
  CHECK(vault.has_batch(true));
  const auto call = vault.settle_call({Action::kCredit, kUser, 1, kRef});
  const Hash selector_hash = keccak256("payOut(address,uint256,bytes32)");
  CHECK(to_hex(std::span(*call).first(4)) == to_hex(std::span(selector_hash.bytes).first(4)));
  CHECK_FALSE(vault.settle_call({Action::kSeizeCapped, kUser, 1, kRef}));

  Log log;
  log.address = kVault;
  log.topics = {keccak256("Paid(bytes32,uint256,address)"), Hash{to_word(77)}};
  log.data = words({from_big_endian(kRef.bytes), from_big_endian(kUser.bytes)});
  const auto event = vault.parse_event(log);
  REQUIRE(event);
  REQUIRE(*event);
  CHECK((*event)->ref_id == kRef);
  CHECK((*event)->user == kUser);
  CHECK((*event)->moved == 77);

  const auto filters = vault.event_filters(5, 9, kRef);
  REQUIRE(filters.size() == 2);
  CHECK(filters[0].topics.size() == 1);  // refId is not indexed: everything, then our own check
  CHECK(filters[1].topics.size() == 3);
  CHECK(filters[1].topics[2] == kRef);
  CHECK_FALSE(filters[1].topics[1].has_value());

  Bytes data = words({0});
  const auto selector = keccak256("AlreadyPaid(bytes32)");
  data.insert(data.begin(), selector.bytes.begin(), selector.bytes.begin() + 4);
  CHECK(vault.decode_revert(data).what == RevertClass::kDuplicateRefId);
  CHECK(vault.decode_revert(*from_hex("0xc5192771")).what == RevertClass::kOther);
}

TEST_CASE("events of other refIds or blocks that a node slips in are left out") {
  FakeNode node;
  Log log;
  log.address = kVault;
  log.topics = {keccak256("PnlCredited(address,uint256,bytes32)"), topic(kUser), kRef};
  log.data = words({5});
  log.block_number = 7;
  node.stored = {log};
  const Vault vault = make();
  // The fake gives the same log to both filters; each is read by its own topic.
  CHECK(vault.events(node, 0, 10)->size() == 2);
  CHECK(vault.events(node, 0, 10, kRef)->size() == 2);
  CHECK(vault.events(node, 0, 10, keccak256("other"))->empty());
  CHECK(vault.events(node, 8, 10)->empty());
}

TEST_CASE("a configuration that cannot be right is refused and names the setting") {
  CHECK(refused([](VaultAbi&) {}) == "accepted");
  CHECK_THAT(refused([](VaultAbi& a) { a.credit = "creditPnl(address,uint128,bytes32)"; }),
             Catch::Contains("credit"));
  CHECK_THAT(refused([](VaultAbi& a) { a.seize = "seize(address"; }), Catch::Contains("seize"));
  CHECK_THAT(refused([](VaultAbi& a) { a.used_ref_ids = ""; }), Catch::Contains("used_ref_ids"));
  CHECK_THAT(refused([](VaultAbi& a) { a.token = ""; }), Catch::Contains("token"));
  CHECK_THAT(refused([](VaultAbi& a) { a.credited.amount = "units"; }),
             Catch::Contains("no parameter is named"));
  CHECK_THAT(refused([](VaultAbi& a) { a.seized.ref_id = "user"; }),
             Catch::Contains("must be of type bytes32"));
  CHECK_THAT(refused([](VaultAbi& a) { a.errors["Nonsense"] = RevertClass::kOther; }),
             Catch::Contains("errors"));
  CHECK(refused([](VaultAbi& a) { a.credited.signature = ""; }) == "accepted");
  CHECK_FALSE(Vault::create(Address{}));
  VaultAbi mute;
  mute.seized.signature.clear();
  CHECK_FALSE(make(mute).proves_amount());
  CHECK(make().proves_amount());
}

TEST_CASE("items that no vault should see are refused before they are encoded") {
  const Vault vault = make();
  CHECK_FALSE(vault.settle_call({Action::kCredit, kUser, 0, kRef}));
  CHECK_FALSE(vault.settle_call({Action::kCredit, Address{}, 1, kRef}));
  CHECK_FALSE(vault.settle_call({Action::kCredit, kUser, 1, Hash{}}));
  const std::vector<VaultItem> items = {{Action::kCredit, kUser, 1, kRef},
                                        {Action::kSeize, kUser, 0, kRef}};
  CHECK_FALSE(vault.batch_call(items, true));
}

TEST_CASE("usedRefIds: an empty answer is not a no") {
  FakeNode node = healthy();
  const Vault vault = make();
  CHECK(*vault.used(node, kRef, Tag::kFinalized) == false);
  CHECK(to_hex(node.last_call) == kUsed + kRef.to_string().substr(2));
  node.calls[kUsed].data = words({1});
  CHECK(*vault.used(node, kRef, Tag::kFinalized) == true);
  for (const Bytes& data : {Bytes{}, Bytes(31), Bytes(64), words({2})}) {
    node.calls[kUsed].data = data;
    CHECK(vault.used(node, kRef, Tag::kFinalized).error().kind == ErrorKind::kProtocol);
  }
  node.calls[kUsed] = {true, {}, "execution reverted"};
  CHECK(vault.used(node, kRef, Tag::kFinalized).error().kind == ErrorKind::kProtocol);
}

TEST_CASE("start-up probes find what is wrong") {
  const Vault vault = make();
  SeededRandom random(1);
  const auto probe = [&](FakeNode node) { return vault.probe(node, 8453, 6, kUser, random); };
  const auto text = [&](FakeNode node) {
    const auto out = probe(std::move(node));
    return out                                          ? "passed"
           : out.error().kind == ErrorKind::kBadRequest ? out.error().to_string()
                                                        : "wrong kind";
  };
  const auto facts = probe(healthy());
  REQUIRE(facts);
  CHECK(facts->token == kToken);
  CHECK(facts->decimals == 6);
  CHECK_FALSE(facts->credit_revert);

  FakeNode node = healthy();
  node.id = 1;
  CHECK_THAT(text(node), Catch::Contains("chain 1"));
  node = healthy();
  node.codes.erase(kVault);
  CHECK_THAT(text(node), Catch::Contains("no contract at this address"));
  node = healthy();
  node.calls[kUsed].data.clear();
  CHECK_THAT(text(node), Catch::Contains("0 bytes instead of 32"));
  node = healthy();
  node.codes.erase(kToken);
  CHECK_THAT(text(node), Catch::Contains("token"));
  node = healthy();
  node.calls[kDecimals].data = words({18});
  CHECK_THAT(text(node), Catch::Contains("18 decimals"));
  node = healthy();
  node.calls.erase(kDecimals);  // a lost answer is no verdict on the configuration
  CHECK(text(node) == "wrong kind");

  node = healthy();
  Bytes missing = words({from_big_endian(kUser.bytes), 1});
  const auto selector = *from_hex("0x0161a64a");
  missing.insert(missing.begin(), selector.begin(), selector.end());
  node.calls[kCredit] = {true, missing, "execution reverted"};
  const auto out = probe(node);
  REQUIRE(out);
  CHECK(out->role_missing());
}
