// A JSON-RPC node on loopback that enforces what anvil does not: the pool rules and texts of real clients,
// and the ways in which endpoints behind a vendor's balancer misbehave. Several nodes share one StrictWorld;
// each has a pool of its own. Thread: the test's, requests come in on each node's own thread; the world's
// lock is taken inside. Lifetime: the world outlives its nodes.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "chain/vault.hpp"
#include "simulation/fake_chain.hpp"

namespace anduin::test {

/// What a pool refuses, and in whose words.
struct StrictRules {
  enum class Client : std::uint8_t { kGeth, kReth, kNethermind, kBesu, kErigon };
  Client client = Client::kGeth;
  std::size_t account_slots = 16;  ///< geth and reth: per sender
  bool queue_gaps = true;          ///< false: a nonce with a gap before it is refused, as Nethermind and Besu do
  std::uint64_t gas_cap = 1U << 24U;  ///< EIP-7825
  chain::U256 balance = chain::U256("100000000000000000000");  ///< wei, of every account
};

/// How the endpoint misbehaves; change it at any time through StrictNode::faults().
struct StrictFaults {
  bool down = false;                 ///< every request: 503
  std::uint64_t chain_id = 0;        ///< another chain's, when not 0
  std::uint64_t lag = 0;             ///< blocks its head is behind
  std::optional<std::uint64_t> finalized_stands_at;
  bool no_eip1898 = false;
  bool no_batch = false;
  bool no_receipts = false;          ///< a backend that has lost its index: null for every receipt
  bool preconfirms = false;          ///< receipts of pooled transactions, in a block that is not there yet
  bool lies = false;                 ///< receipts name a block that nobody has
  std::uint64_t stale_nonces = 0;    ///< counts are this much lower (an old backend)
  unsigned lost_replies = 0;         ///< so many sends are taken and then not answered
  std::string send_answer;           ///< not empty: this error text for every send, nothing is taken
  std::int64_t send_code = -32000;
};

class StrictWorld {
 public:
  explicit StrictWorld(const chain::Address& vault, bool duplicate_check = true);
  void mine(unsigned blocks = 1);
  /// The last blocks are replaced; their transactions are gone, from every pool too.
  void reorg(std::uint64_t depth);
  void use_key(const chain::Address& who);
  void rival(const chain::Address& who, const Bytes& calldata);
  [[nodiscard]] std::uint64_t height();
  [[nodiscard]] std::vector<chain::VaultEvent> events(const chain::Vault& vault);
  /// Wei; pools refuse what pays less, and so do blocks.
  void set_base_fee(const chain::U256& wei);
  /// OP-stack fees: the predeploy answers wei per byte and wei per transaction. Nothing: a plain chain.
  struct OpStack {
    chain::U256 l1_wei_per_byte, operator_wei;
  };
  void set_op_stack(std::optional<OpStack> fees);

 private:
  friend class StrictNode;
  std::mutex mutex_;
  SeededRandom dice_{7};
  simulation::FakeChain chain_;
  simulation::ChainNode calm_;
  chain::U256 base_fee_ = 1'000'000'000;
  std::optional<OpStack> op_stack_;
  std::vector<class StrictNode*> nodes_;
};

class StrictNode {
 public:
  explicit StrictNode(StrictWorld& world, StrictRules rules = {});
  ~StrictNode();
  StrictNode(const StrictNode&) = delete;
  StrictNode& operator=(const StrictNode&) = delete;
  [[nodiscard]] std::string url() const;

  /// Under the world's lock.
  void faults(const std::function<void(StrictFaults&)>& change);
  void rules(const std::function<void(StrictRules&)>& change);
  [[nodiscard]] std::size_t pooled();
  /// Everything in its pool is forgotten.
  void drop_pool();
  struct Counters {
    std::uint64_t requests = 0, batches = 0, sends = 0, accepted = 0;
    std::vector<std::string> refusals;  ///< texts of refused sends, in order
  };
  [[nodiscard]] Counters counters();

 private:
  friend class StrictWorld;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::test
