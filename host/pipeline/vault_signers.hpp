// Everybody who signs for a vault: the signer of its transactions and, with an executor, the Safe and its
// owners; and the proof before the first settlement that they are who the file says. Thread: the caller's.
// Lifetime: clock and random outlive it.
#pragma once
#include "chain/safe.hpp"
#include "pipeline/signer_factory.hpp"
#include "settle/safe_executor.hpp"

namespace anduin::pipeline {

struct VaultSigners {
  std::unique_ptr<chain::TransactionSigner> signer;
  std::optional<chain::Safe> safe;  ///< nothing = the signer calls the vault itself
  std::vector<std::unique_ptr<chain::TransactionSigner>> owners;
  std::vector<chain::Address> by_file;
  std::uint64_t safe_tx_gas = 0;
  std::filesystem::path exchange;
  chain::Address multi_send;

  /// Whom the vault sees, and must let settle.
  [[nodiscard]] const chain::Address& settler() const { return safe ? safe->address() : signer->address(); }
  /// Nothing without a Safe. The signers outlive it.
  [[nodiscard]] std::unique_ptr<settle::SafeExecutor> executor(const std::string& vault_name,
                                                               settle::Ledger& ledger, Clock& clock) const;
};

/// Errors as make_signer, and kBadRequest for an owner who stands there twice.
Result<VaultSigners> make_vault_signers(const VaultSettings& settings, const std::string& where, Clock& clock,
                                        Random& random);

/// Asks backends and chain: the signer's key, that the Safe is one, that the owners named are its owners and
/// enough of them. An owner's backend that is away is a warning as long as enough others are named. The answer is
/// one sentence for a person. kBadRequest when something is wrong, kRetryable when node or signer are away.
struct SignersProof {
  std::string sentence;
  std::vector<std::string> warnings;
};
Result<SignersProof> prove_signers(const VaultSigners& signers, chain::Node& node);

}  // namespace anduin::pipeline
