// What one round found out about one slot. Internal to the submitter; plain values.
#pragma once
#include "settle/submitter.hpp"

namespace anduin::settle {

struct Submitter::Look {
  std::optional<Sighting> sighting;
  chain::Receipt receipt;     ///< of the sighting
  bool noop = false;          ///< the attempt that was mined is the no-op
  bool executed = false;      ///< the vault call ran (never true for a no-op)
  std::string failure;        ///< why it did not, as far as the receipt tells
  bool all_looked_up = true;  ///< no question stayed without an answer
  bool orphaned = false;      ///< a receipt of a block that is not canonical
};

/// What the vault said of each refId in one transaction.
struct VaultWords {
  std::map<Hash, chain::VaultEvent> done;
  std::map<Hash, chain::VaultRevert> skipped;
};
/// kProtocol for an event that we know and cannot read.
Result<VaultWords> words_of(const chain::Vault& vault, const chain::Receipt& receipt);

/// Reasons that concern the vault or its signer, not one item: planning pauses.
bool concerns_vault(chain::RevertClass c);

inline constexpr std::uint64_t kNsPerMs = 1'000'000;

}  // namespace anduin::settle
