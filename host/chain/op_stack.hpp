// What an OP-stack chain takes on top of gas: the L1 data fee and the operator fee, as its predeploy tells
// them. Plain chains have no code there and no such fee. Thread: the caller's.
#pragma once
#include "chain/node.hpp"

namespace anduin::chain {

/// GasPriceOracle, the same address on every OP-stack chain.
extern const Address kGasPriceOracle;

/// Call data of getL1FeeUpperBound(uint256 unsignedTxSize) and of getOperatorFee(uint256 gas).
Bytes l1_fee_upper_bound_call(std::uint64_t unsigned_bytes);
Bytes operator_fee_call(std::uint64_t gas);

/// Whether the chain has the oracle. Errors: the node's.
Result<bool> is_op_stack(Node& node);

/// Wei that a transaction of that size and gas limit may cost beyond gas, at the head. A chain before the
/// Isthmus upgrade has no operator fee: that call reverts and counts as none. kProtocol when the oracle
/// answers no number; a fee that cannot be read is never taken for none.
Result<U256> op_stack_fee(Node& node, std::uint64_t unsigned_bytes, std::uint64_t gas_limit);

}  // namespace anduin::chain
