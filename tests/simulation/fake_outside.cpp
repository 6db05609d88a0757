#include "simulation/outside.hpp"

namespace anduin::simulation {
namespace {

constexpr const char* kVaultAddress = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512";
/// Publicly known development keys, of no value anywhere.
constexpr const char* kKeys[] = {"0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
                                 "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"};

/// Vaults differ in what they offer: tolerant batches, whole ones, or single calls only.
chain::VaultAbi some_abi(SeededRandom& dice) {
  chain::VaultAbi abi;
  const auto kind = dice.below(4);
  if (kind >= 2) abi.try_batch = "";
  if (kind == 3) abi.batch = "";
  return abi;
}

class FakeOutside final : public Outside {
 public:
  FakeOutside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates)
      : vault_(*chain::Vault::create(*Address::parse(kVaultAddress), some_abi(dice))),
        chain_(vault_.address(), duplicate_check, dice),
        node_(chain_, dice, rates) {
    rival_.bytes.fill(0x77);
    for (std::size_t i = 0; i < std::size(kKeys); ++i) signers_[i] = *chain::LocalSigner::from_hex_key(kKeys[i], dice);
  }

  FaultyNode& node() override { return node_; }
  const chain::Vault& vault() override { return vault_; }
  chain::Signer& signer(std::size_t index) override { return *signers_[index]; }
  Address user(std::size_t index) override {
    Address out;
    out.bytes.fill(static_cast<std::uint8_t>(0xa0 + index));
    return out;
  }
  void mine() override { chain_.mine(); }
  void reorg(std::uint64_t depth) override { chain_.reorg(depth); }
  void drop_one() override { chain_.drop_one(); }
  void use_key() override { chain_.use_key(signers_[0]->address()); }
  void rival(const chain::VaultItem& item) override { chain_.rival(rival_, *vault_.settle_call(item)); }
  void poison(const chain::VaultItem& item) override {
    chain_.vault().refuse(item.ref_id, FakeVault::insufficient_collateral(item.user, 0, item.amount));
  }
  void set_paused(bool paused) override { chain_.vault().set_paused(paused); }
  void calm() override {
    node_.set_calm();
    chain_.set_calm();
    chain_.vault().accept_all();
    chain_.vault().set_paused(false);
  }
  std::vector<chain::VaultEvent> events() override {
    std::vector<chain::VaultEvent> out;
    for (const auto& block : chain_.blocks()) {
      for (const auto& tx : block.transactions) {
        for (const auto& log : block.receipts.at(tx.decoded.hash).logs) {
          if (auto event = vault_.parse_event(log); event && *event) out.push_back(**event);
        }
      }
    }
    return out;
  }

 private:
  chain::Vault vault_;
  FakeChain chain_;
  FakeNode node_;
  Address rival_;
  std::unique_ptr<chain::LocalSigner> signers_[std::size(kKeys)];
};

}  // namespace

std::unique_ptr<Outside> make_fake_outside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates) {
  return std::make_unique<FakeOutside>(duplicate_check, dice, rates);
}

}  // namespace anduin::simulation
