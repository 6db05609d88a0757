// A local EVM node (anvil) in a child process, for tests and the demo; no Catch2 in here.
// Thread: one caller at a time; several Anvil objects are independent. The child dies with the object, and
// with the thread that made it (PR_SET_PDEATHSIG): start it from a thread that lives as long as the node is
// needed. Everything throws std::runtime_error with a text that says what failed.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "chain/json_rpc_node.hpp"
#include "chain/vault.hpp"

namespace anduin::test {

struct AnvilOptions {
  unsigned block_time_s = 0;       ///< 0 = a block for each transaction (automine)
  bool mine_on_demand = false;     ///< no block until mine(); excludes block_time_s
  unsigned slots_in_an_epoch = 2;  ///< safe = latest - this, finalized = latest - twice this
  std::uint64_t gas_limit = 0;     ///< of a block; 0 = anvil's own (30 M)
  std::uint64_t chain_id = 31337;
  std::uint16_t port = 0;              ///< 0 = a free one
  unsigned accounts = 10;              ///< unlocked development accounts of 10,000 ETH
  std::vector<std::string> more = {};  ///< further command line arguments, as they are
  int start_ms_max = 20'000;           ///< a loaded test machine takes seconds to map 44 MB
};

/// A publicly known development key; never of value anywhere.
struct DevAccount {
  chain::Address address;
  std::string key;  ///< 0x hex
};
/// 0 deploys and funds, 1 settles, from 3 on: users.
const std::vector<DevAccount>& dev_accounts();

class Anvil {
 public:
  /// The binary that `npm ci` puts into tests/node; ANDUIN_ANVIL overrides. Nothing when it is not
  /// installed.
  static std::optional<std::filesystem::path> find_binary();

  explicit Anvil(const AnvilOptions& options = {});
  ~Anvil();
  Anvil(const Anvil&) = delete;
  Anvil& operator=(const Anvil&) = delete;

  [[nodiscard]] std::string url() const;  ///< http://127.0.0.1:PORT
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int pid() const { return pid_; }
  /// Frozen: connections stay up, nothing is answered until resume() (a hanging endpoint).
  void suspend();
  void resume();

  /// A node of this object's own connection.
  [[nodiscard]] chain::JsonRpcNode& node() { return *node_; }
  /// Any method; parameters and result are JSON text.
  std::string rpc(const std::string& method, const std::string& params_json = "[]");
  std::uint64_t height();

  void mine(std::uint64_t blocks = 1);
  void set_automine(bool on);
  void set_interval_mining(unsigned seconds);  ///< 0 = off
  /// The last `depth` blocks are replaced by empty ones; their transactions do not return to the pool by
  /// themselves.
  void reorg(std::uint64_t depth);
  /// The same, with raw transactions placed into the new blocks: (raw, index from the oldest new block).
  void reorg_with(std::uint64_t depth, const std::vector<std::pair<Bytes, std::uint64_t>>& transactions);
  void drop_transaction(const chain::Hash& hash);
  void drop_all_transactions();
  std::string snapshot();
  void revert_to(const std::string& snapshot);
  void set_next_base_fee(const chain::U256& wei);
  void set_balance(const chain::Address& who, const chain::U256& wei);
  /// Sent by the node from an unlocked (or, for the call, impersonated) account and waited for; in other
  /// modes than automine a block is mined for it. Throws when it reverts.
  chain::Receipt send(const chain::Address& from, const std::optional<chain::Address>& to,
                      const Bytes& data);
  /// Waits until a receipt is there; throws after timeout_ms.
  chain::Receipt wait_receipt(const chain::Hash& hash, int timeout_ms = 10'000);

 private:
  void launch(const std::filesystem::path& binary, const AnvilOptions& options);
  void wait_until_listening(int timeout_ms);
  void kill_child() noexcept;

  int pid_ = -1;
  int output_fd_ = -1;
  std::uint16_t port_ = 0;
  bool mines_itself_ = true;
  std::unique_ptr<chain::RpcTransport> transport_;
  std::unique_ptr<chain::JsonRpcNode> node_;
};

struct VaultOptions {
  bool duplicate_check = true;  ///< false: the vault that settles a refId as often as it is told to
  chain::Address admin = dev_accounts()[0].address;
  chain::Address settler = dev_accounts()[1].address;
  chain::U256 pool = chain::U256{1'000'000'000'000'000};  ///< token units for credits: 1 billion USDC
};

/// The reference vault with its token on a node, and what tests do to it besides settling.
class TestVault {
 public:
  /// Deploys the committed bytecode and funds the pool. The node outlives the object.
  explicit TestVault(Anvil& anvil, const VaultOptions& options = {});

  [[nodiscard]] const chain::Address& address() const { return vault_.address(); }
  [[nodiscard]] const chain::Address& token() const { return token_; }
  /// Our own view of it, with the default ABI.
  [[nodiscard]] const chain::Vault& vault() const { return vault_; }

  /// Collateral for seizures, minted and paid by the deployer.
  void deposit_for(const chain::Address& user, const chain::U256& units);
  void fund_pool(const chain::U256& units);
  void set_paused(bool paused);
  /// Gives or takes the right to settle.
  void set_settler(const chain::Address& who, bool enabled);

  chain::U256 collateral(const chain::Address& user);
  chain::U256 pool();
  bool used(const chain::Hash& ref_id);

  /// All settlement events of the canonical chain up to the latest block, by block.
  std::vector<chain::VaultEvent> events();
  struct Sum {
    std::size_t count = 0;
    chain::U256 credited = 0, seized = 0;  ///< token units, seized as really moved
  };
  Sum sum();

 private:
  static chain::Vault deploy(Anvil& anvil, const VaultOptions& options, chain::Address& token);
  void admin_call(const chain::Address& to, const char* signature,
                  const std::vector<chain::abi::Value>& arguments);
  chain::U256 read(const char* signature, const std::vector<chain::abi::Value>& arguments);

  Anvil& anvil_;
  chain::Address admin_, token_;
  chain::Vault vault_;
};

/// Creation bytecode from tests/chain/vault/NAME.json.
Bytes contract_bytecode(const std::string& name);

}  // namespace anduin::test
