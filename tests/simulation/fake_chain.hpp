// An EVM chain in memory with a model of the vault: blocks, pool, reorgs, finality, and every fault by
// dice. One thread. The Node that the host talks to is FakeNode; the world moves the chain through
// FakeChain.
#pragma once
#include <map>
#include <set>
#include <vector>

#include "chain/transaction.hpp"
#include "simulation/fake_vault.hpp"
#include "simulation/faulty_node.hpp"

namespace anduin::simulation {

struct PoolTransaction {
  chain::DecodedTransaction decoded;
  Bytes raw;
};

struct FakeBlock {
  chain::Block head;
  std::vector<PoolTransaction> transactions;
  std::map<Hash, chain::Receipt> receipts;
};

class FakeChain {
 public:
  FakeChain(const Address& vault, bool duplicate_check, SeededRandom& dice);

  static constexpr std::uint64_t kChainId = 31337;
  static constexpr std::uint64_t kSafeDepth = 2, kFinalizedDepth = 4;
  static constexpr std::uint64_t kReorgMax = 3;  ///< never below finalized
  static constexpr std::uint64_t kCapUnits = FakeVault::kCapUnits;

  [[nodiscard]] const FakeBlock* at(const chain::BlockId& id) const;
  [[nodiscard]] std::uint64_t height() const { return blocks_.back().head.number; }
  [[nodiscard]] std::uint64_t nonce(const Address& who, std::uint64_t height) const;
  [[nodiscard]] bool used(const Hash& ref_id, std::uint64_t height) const { return vault_.used(ref_id, height); }
  [[nodiscard]] const chain::Receipt* receipt(const Hash& hash) const;
  [[nodiscard]] const chain::Receipt* orphaned_receipt(const Hash& hash) const;
  [[nodiscard]] std::vector<chain::Log> logs(const chain::LogFilter& filter) const;
  [[nodiscard]] const std::vector<FakeBlock>& blocks() const { return blocks_; }
  [[nodiscard]] U256 base_fee_next() const { return base_fee_; }
  /// What a call would do on top of block `height`; without a vault call, a plain transfer.
  [[nodiscard]] FakeVault::Outcome run(const Bytes& data, std::uint64_t height) const;
  FakeVault& vault() { return vault_; }

  chain::SendResult submit(const Bytes& raw);
  void mine();
  /// Replaces the last `depth` blocks; their transactions return to the pool or vanish, by dice where not
  /// said.
  void reorg(std::uint64_t depth, std::optional<bool> come_back = {});
  /// The same below finalized: a failure of the chain itself.
  void reorg_below_finalized(std::uint64_t depth, bool come_back);
  /// A transaction of the pool is forgotten.
  void drop_one();
  /// In the next block somebody uses `who`'s next nonce for something else.
  void use_key(const Address& who) { foreign_ = who; }
  /// In the next block a rival settles this.
  void rival(const Address& who, const Bytes& calldata) { rivals_.push_back({who, calldata}); }
  void set_calm() { calm_ = true; }

 private:
  void append(std::vector<PoolTransaction> transactions);
  void replace(std::uint64_t depth, std::optional<bool> come_back);
  chain::Receipt execute(const PoolTransaction& tx, const FakeBlock& block);
  std::vector<PoolTransaction> pick();
  void remove_last();

  FakeVault vault_;
  bool calm_ = false;
  SeededRandom& dice_;
  std::vector<FakeBlock> blocks_;
  std::map<std::pair<Address, std::uint64_t>, PoolTransaction> pool_;
  std::map<Hash, chain::Receipt> orphans_;
  std::map<Hash, chain::DecodedTransaction> decoded_;
  std::map<Hash, std::uint64_t> mined_;                       ///< transaction -> its block, canonical ones
  std::map<Address, std::vector<std::uint64_t>> sent_by_;     ///< heights of a sender's transactions, rising
  std::optional<Address> foreign_;
  std::vector<std::pair<Address, Bytes>> rivals_;
  U256 base_fee_ = 1'000'000'000;
};

/// The chain as a node shows it, without faults.
class ChainNode final : public chain::Node {
 public:
  explicit ChainNode(FakeChain& chain) : chain_(chain) {}
  Result<std::uint64_t> chain_id() override;
  Result<std::optional<chain::Block>> block(const chain::BlockId& id) override;
  Result<std::uint64_t> transaction_count(const Address& who, const chain::BlockId& at) override;
  Result<U256> balance(const Address& who, const chain::BlockId& at) override;
  Result<Bytes> code(const Address& who, const chain::BlockId& at) override;
  Result<chain::CallResult> call(const Address& from, const Address& to, const Bytes& data,
                                 const chain::BlockId& at) override;
  Result<std::variant<std::uint64_t, chain::CallResult>> estimate_gas(const Address& from, const Address& to,
                                                                      const Bytes& data) override;
  Result<chain::FeeSuggestion> suggest_fees() override;
  Result<chain::SendResult> send_raw(const Bytes& raw) override;
  Result<std::optional<chain::Receipt>> receipt(const Hash& transaction) override;
  Result<std::vector<chain::Log>> logs(const chain::LogFilter& filter) override;

 private:
  FakeChain& chain_;
};

namespace detail {
struct ChainNodeHolder {
  explicit ChainNodeHolder(FakeChain& chain) : real_node(chain) {}
  ChainNode real_node;
};
}  // namespace detail

/// The chain through a node that fails by dice. A stale receipt is one of a block that a reorg took away.
class FakeNode final : private detail::ChainNodeHolder, public FaultyNode {
 public:
  FakeNode(FakeChain& chain, SeededRandom& dice, FaultRates rates)
      : ChainNodeHolder(chain), FaultyNode(real_node, dice, rates), chain_(chain) {}

 protected:
  std::optional<chain::Receipt> stale_receipt(const Hash& transaction) override {
    const auto* orphan = chain_.orphaned_receipt(transaction);
    return orphan != nullptr ? std::optional(*orphan) : std::nullopt;
  }

 private:
  FakeChain& chain_;
};

}  // namespace anduin::simulation
