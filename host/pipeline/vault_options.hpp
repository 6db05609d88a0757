// A vault of the pipeline file in the words of the chain room, and the start-up probe of it. Thread: the
// caller's.
#pragma once
#include <memory>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "chain/rpc_pool.hpp"
#include "chain/vault.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

/// What the file says of the vault's words, over the reference vault's.
Result<chain::VaultAbi> vault_abi(const VaultAbiSettings& settings, const std::string& where);

/// All endpoints of the vault as one node. Asks nothing yet. kBadRequest for an URL that is none. The clock
/// outlives it.
Result<std::unique_ptr<chain::RpcPool>> rpc_pool(const VaultSettings& settings, Clock& clock);

/// Chain id, code, token, decimals, and whether `settler` may settle, asked of one endpoint. Errors: as
/// Vault::probe, and kBadRequest for an address that is none.
Result<chain::VaultFacts> probe_vault(const VaultSettings& settings, const Secret& endpoint,
                                      const chain::Address& settler, Random& random);

}  // namespace anduin::pipeline
