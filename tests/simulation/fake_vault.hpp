// The reference vault in memory: what its calls do, item by item, and what they would do at an older block. It decodes
// calldata by itself, so that a wrong encoder is seen. One thread; plain values, no lifetime rule.
#pragma once
#include <map>
#include <optional>
#include <vector>

#include "chain/node.hpp"

namespace anduin::simulation {

using chain::Address;
using chain::Hash;
using chain::U256;

struct VaultCall {
  enum class Kind : std::uint8_t { kUsed, kSingle, kBatch, kTryBatch };
  struct Item {
    std::uint8_t action = 0;  ///< 0 credit, 1 seize, 2 seize capped
    Address user;
    U256 amount;
    Hash ref_id;
  };
  Kind kind = Kind::kSingle;
  std::vector<Item> items;  ///< of kUsed: one, with its refId only
};
/// Nothing when it is no call of the vault.
std::optional<VaultCall> parse_vault_call(const Bytes& data);

class FakeVault {
 public:
  static constexpr std::uint64_t kCapUnits = 700'000'000;  ///< what a capped seizure finds at most

  FakeVault(const Address& address, bool duplicate_check) : address_(address), duplicate_check_(duplicate_check) {}

  struct Outcome {
    std::optional<Bytes> revert;      ///< revert data: nothing of it happened
    std::vector<Hash> settled;        ///< in the order of the call
    std::vector<chain::Log> logs;     ///< address, topics and data; the block fills in the rest
    std::uint64_t gas = 21'000;
  };
  /// What the call does on the state after block `height`; keeps nothing.
  [[nodiscard]] Outcome run(const VaultCall& call, std::uint64_t height) const;
  /// The effects of a transaction in block `height`.
  void keep(const Outcome& outcome, std::uint64_t height);
  /// Block `height` is gone.
  void forget(std::uint64_t height);
  [[nodiscard]] bool used(const Hash& ref_id, std::uint64_t height) const;

  /// From now on an item of this refId fails with these bytes, until accept(): a poison item.
  void refuse(const Hash& ref_id, Bytes error) { refused_[ref_id] = std::move(error); }
  void accept(const Hash& ref_id) { refused_.erase(ref_id); }
  void accept_all() { refused_.clear(); }
  void set_paused(bool paused) { paused_ = paused; }

  /// Revert data of the vault's own errors.
  static Bytes insufficient_collateral(const Address& user, const U256& available, const U256& requested);

 private:
  /// Nothing, or why the item fails.
  [[nodiscard]] std::optional<Bytes> refusal(const VaultCall::Item& item, const Outcome& so_far,
                                             std::uint64_t height) const;
  [[nodiscard]] chain::Log effect(const VaultCall::Item& item) const;
  [[nodiscard]] chain::Log skipped(const VaultCall::Item& item, const Bytes& reason) const;

  Address address_;
  bool duplicate_check_;
  bool paused_ = false;
  std::map<Hash, std::vector<std::uint64_t>> used_at_;  ///< heights, rising
  std::map<Hash, Bytes> refused_;
};

}  // namespace anduin::simulation
