#include "chain/op_stack.hpp"

#include "chain/abi.hpp"

namespace anduin::chain {
namespace {

Bytes call_with(const char* signature, std::uint64_t argument) {
  const auto parsed = abi::Signature::parse(signature);
  const abi::Value value{U256(argument)};
  return *parsed->encode_call({&value, 1});
}

Result<std::optional<U256>> ask(Node& node, const Bytes& data) {
  const auto answer = node.call(Address{}, kGasPriceOracle, data, Tag::kLatest);
  if (!answer) return answer.error();
  if (answer->reverted) return std::optional<U256>();
  if (answer->data.size() != 32)
    return Error{ErrorKind::kProtocol, "gas price oracle",
                 "answered " + std::to_string(answer->data.size()) + " bytes instead of a number"};
  return std::optional(from_big_endian(answer->data));
}

}  // namespace

const Address kGasPriceOracle = *Address::parse("0x420000000000000000000000000000000000000F");

Bytes l1_fee_upper_bound_call(std::uint64_t unsigned_bytes) {
  return call_with("getL1FeeUpperBound(uint256)", unsigned_bytes);
}

Bytes operator_fee_call(std::uint64_t gas) { return call_with("getOperatorFee(uint256)", gas); }

Result<bool> is_op_stack(Node& node) {
  const auto code = node.code(kGasPriceOracle, Tag::kLatest);
  if (!code) return code.error();
  return !code->empty();
}

Result<U256> op_stack_fee(Node& node, std::uint64_t unsigned_bytes, std::uint64_t gas_limit) {
  const auto l1 = ask(node, l1_fee_upper_bound_call(unsigned_bytes));
  if (!l1) return l1.error();
  if (!*l1)
    return Error{ErrorKind::kProtocol, "gas price oracle", "getL1FeeUpperBound reverts: the chain is older than Fjord"};
  const auto operator_fee = ask(node, operator_fee_call(gas_limit));
  if (!operator_fee) return operator_fee.error();
  return **l1 + operator_fee->value_or(U256(0));
}

}  // namespace anduin::chain
