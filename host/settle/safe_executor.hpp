// The vault is called by a Safe: wraps a vault call into execTransaction, approved by k of n owners. The signer
// of the outer transaction only pays for gas. Thread: the submitter's. Lifetime: ledger, owners and clock
// outlive it. What it does not promise: whoever has seen a SafeTx with its signatures can execute it, too; that is
// why the next payload takes the same Safe nonce until the chain has used it up.
#pragma once
#include <filesystem>
#include <map>

#include "base/clock.hpp"
#include "chain/safe.hpp"
#include "settle/executor.hpp"

namespace anduin::settle {

struct SafeExecutorOptions {
  std::string vault_name;         ///< for log lines
  std::uint64_t safe_tx_gas = 0;  ///< see chain::SafeTx
  std::filesystem::path exchange;  ///< folder for owners that sign by file; not needed without them
  Address multi_send = chain::default_multi_send();  ///< MultiSendCallOnly; packs() proves it
  /// How long an owner's backend that failed is left alone: the others may be enough meanwhile.
  std::int64_t owner_retry_ms = 10'000;
};

class SafeExecutor final : public Executor {
 public:
  SafeExecutor(SafeExecutorOptions options, Ledger& ledger, const chain::Safe& safe,
               std::vector<chain::TransactionSigner*> owners, std::vector<Address> by_file, Clock& clock);

  [[nodiscard]] const Address& caller() const override { return safe_.address(); }
  /// One SafeTx until it is final: only then is it known which nonce the next one has.
  [[nodiscard]] InFlight in_flight() const override { return {1, true}; }
  /// Whether MultiSendCallOnly is where it should be. kBadRequest when another contract is there.
  Result<bool> packs(chain::Node& node) override;
  /// Errors as Executor::wrap. Too few owners: the text says how many of how many, and who is missing and why.
  Result<Call> wrap(std::span<const Call> inner, const WrapContext& context) override;
  [[nodiscard]] Executed read(const Call& outer, const chain::Receipt& receipt) const override;

 private:
  struct Trouble {
    std::string why;
    std::uint64_t not_before_ns = 0;
  };
  /// Approvals of one SafeTx: what is there, what is missing.
  struct Collected {
    std::map<Address, chain::SafeSignature> good;
    std::map<Address, std::string> missing;
    bool person = true;  ///< nobody who is missing comes back by himself
  };

  [[nodiscard]] chain::SafeTx payload(std::span<const Call> inner) const;
  Result<std::uint64_t> free_nonce(const WrapContext& context) const;
  Result<void> present(const chain::SafeTx& tx, const Hash& hash);
  Result<void> collect(const Hash& hash, const std::vector<Address>& owners, std::uint64_t threshold,
                       Collected& out);
  Result<bool> ask_owner(chain::TransactionSigner& owner, const Hash& hash, Collected& out);
  Result<void> read_file(const Address& owner, const Hash& hash, Collected& out);
  Result<void> keep(const Address& owner, const Hash& hash, const chain::SafeSignature& signature, Collected& out);

  SafeExecutorOptions options_;
  Ledger& ledger_;
  chain::Safe safe_;
  std::vector<chain::TransactionSigner*> owners_;
  std::vector<Address> by_file_;
  Clock& clock_;
  std::map<Address, Trouble> trouble_;  ///< of owners' backends, by owner
  std::optional<Hash> presented_;       ///< the SafeTx that owners are asked for now
};

}  // namespace anduin::settle
