// The chain as the world of the simulation moves it: blocks, reorgs, rivals, poison, the vault paused. One
// implementation is in memory, one drives anvil. One thread; the dice outlive it.
#pragma once
#include <memory>
#include <string>

#include "chain/signer.hpp"
#include "chain/vault.hpp"
#include "simulation/fake_chain.hpp"

namespace anduin::simulation {

class Outside {
 public:
  static constexpr std::uint64_t kReorgMax = FakeChain::kReorgMax;

  virtual ~Outside() = default;
  virtual FaultyNode& node() = 0;
  virtual const chain::Vault& vault() = 0;
  /// Settlers: the second one is only used by worlds that rotate their key.
  virtual chain::Signer& signer(std::size_t index) = 0;
  virtual Address user(std::size_t index) = 0;  ///< of the world's accounts

  virtual void mine() = 0;
  virtual void reorg(std::uint64_t depth) = 0;
  virtual void drop_one() = 0;
  /// The first signer's next nonce is used for something else.
  virtual void use_key() = 0;
  /// Somebody else settles this.
  virtual void rival(const chain::VaultItem& item) = 0;
  /// The vault refuses this item until the storm is over.
  virtual void poison(const chain::VaultItem& item) = 0;
  virtual void set_paused(bool paused) = 0;
  /// No more faults; nothing is refused any more.
  virtual void calm() = 0;
  /// Settlement events of the canonical chain.
  virtual std::vector<chain::VaultEvent> events() = 0;
};

std::unique_ptr<Outside> make_fake_outside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates);

}  // namespace anduin::simulation
