#include "simulation/anvil_outside.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "chain/http_transport.hpp"
#include "support/anvil.hpp"

namespace anduin::simulation {
namespace {

using nlohmann::json;
using test::dev_accounts;

/// The first accounts of the node: the admin is also the rival, two settle, the rest are users.
constexpr std::size_t kRival = 0, kSettler = 1, kSecondSettler = 2, kUser = 3;
/// Blocks over the vault's deployment, so that it is final before the first question.
constexpr std::uint64_t kQuietBlocks = 12;
const chain::U256 kCollateral = 1'000'000'000'000;  // a million dollars: no seizure of a run comes near it

class AnvilOutside final : public Outside {
 public:
  AnvilOutside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates)
      : dice_(dice),
        anvil_(node_options()),
        vault_(anvil_, vault_options(duplicate_check)),
        transport_(need(chain::HttpTransport::create(anvil_.url()))),
        real_(*transport_),
        node_(real_, dice, rates) {
    for (std::size_t i = 0; i < std::size(signers_); ++i)
      signers_[i] = need(chain::LocalSigner::from_hex_key(dev_accounts()[kSettler + i].key, dice));
    vault_.set_settler(dev_accounts()[kSecondSettler].address, true);
    vault_.set_settler(dev_accounts()[kRival].address, true);
    // The last account of the world is the poor one: it owns nothing until the storm is over.
    for (std::size_t i = kUser; i + 1 < dev_accounts().size(); ++i)
      vault_.deposit_for(dev_accounts()[i].address, kCollateral);
    anvil_.mine(kQuietBlocks);
  }

  FaultyNode& node() override { return node_; }
  const chain::Vault& vault() override { return vault_.vault(); }
  chain::Signer& signer(std::size_t index) override { return *signers_[index]; }
  Address user(std::size_t index) override { return dev_accounts()[kUser + index].address; }
  void mine() override { anvil_.mine(); }
  void reorg(std::uint64_t depth) override {
    anvil_.reorg(depth);
    anvil_.mine();
  }
  void drop_one() override {
    const json pool = json::parse(anvil_.rpc("txpool_content"));
    std::vector<std::string> hashes;
    for (const char* part : {"pending", "queued"}) {
      for (const auto& [who, by_nonce] : pool.at(part).items()) {
        for (const auto& [nonce, tx] : by_nonce.items()) hashes.push_back(tx.at("hash"));
      }
    }
    if (!hashes.empty()) anvil_.drop_transaction(*chain::Hash::parse(hashes[dice_.below(hashes.size())]));
  }
  void use_key() override {
    const Address& who = dev_accounts()[kSettler].address;
    const auto nonce = anvil_.node().transaction_count(who, chain::Tag::kLatest);
    // A fee above anything of ours, so that it takes the nonce from what waits in the pool.
    if (nonce) send({{"from", to_hex(who.bytes)}, {"to", to_hex(who.bytes)}, {"nonce", chain::to_quantity(*nonce)},
                     {"gas", "0x5208"}, {"maxFeePerGas", "0x174876e800"}, {"maxPriorityFeePerGas", "0xba43b7400"}});
  }
  void rival(const chain::VaultItem& item) override {
    send({{"from", to_hex(dev_accounts()[kRival].address.bytes)}, {"to", to_hex(vault_.address().bytes)},
          {"gas", "0x4c4b40"}, {"input", to_hex(*vault_.vault().settle_call(item))}});
  }
  void poison(const chain::VaultItem&) override {}  // the poor account's balance does it
  void set_paused(bool paused) override { vault_.set_paused(paused); }
  void calm() override {
    node_.set_calm();
    vault_.set_paused(false);
    vault_.deposit_for(dev_accounts().back().address, kCollateral);
  }
  std::vector<chain::VaultEvent> events() override { return vault_.events(); }

 private:
  template <class T>
  static T need(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().to_string());
    return std::move(*result);
  }
  static test::AnvilOptions node_options() {
    test::AnvilOptions o;
    o.mine_on_demand = true;
    o.slots_in_an_epoch = FakeChain::kFinalizedDepth / 2;
    return o;
  }
  static test::VaultOptions vault_options(bool duplicate_check) {
    test::VaultOptions o;
    o.duplicate_check = duplicate_check;
    return o;
  }
  /// The node may refuse it (another transaction holds the nonce): then nothing happened.
  void send(const json& transaction) {
    (void)anvil_.node().raw_call("eth_sendTransaction", json::array({transaction}).dump());
  }

  SeededRandom& dice_;
  test::Anvil anvil_;
  test::TestVault vault_;
  std::unique_ptr<chain::RpcTransport> transport_;
  chain::JsonRpcNode real_;
  FaultyNode node_;
  std::unique_ptr<chain::LocalSigner> signers_[2];
};

}  // namespace

std::unique_ptr<Outside> make_anvil_outside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates) {
  return std::make_unique<AnvilOutside>(duplicate_check, dice, rates);
}

}  // namespace anduin::simulation
