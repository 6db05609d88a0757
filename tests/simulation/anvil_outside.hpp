// The world's chain as a real EVM node with the reference vault. Blocks only when the world says so; reorgs, forgotten
// transactions, rivals and uses of the key are the node's own. One thread; not exactly repeatable: block times are real.
#pragma once
#include "simulation/outside.hpp"

namespace anduin::simulation {

/// Throws std::runtime_error when the node cannot be started.
std::unique_ptr<Outside> make_anvil_outside(bool duplicate_check, SeededRandom& dice, const FaultRates& rates);

}  // namespace anduin::simulation
