// Gas money: what the open slots may cost, whether the signer can pay one more, and for how long it lasts.
#include "chain/op_stack.hpp"
#include "settle/submitter.hpp"

namespace anduin::settle {
namespace {

/// A signed transaction around its calldata: fields and signature are below this.
constexpr std::uint64_t kEnvelopeBytes = 192;
/// The L1 fee is asked for sizes rounded up to this, so that one answer serves all slots of about one size.
constexpr std::uint64_t kSizeStep = 512;

}  // namespace

/// Wei beyond gas for bytes of that size: nothing on a plain chain.
Result<U256> Submitter::beyond_gas(std::uint64_t bytes, std::uint64_t gas_limit) {
  if (!op_stack_) {
    const auto is = chain::is_op_stack(node_);
    if (!is) return is.error();
    op_stack_ = *is;
  }
  if (!*op_stack_) return U256(0);
  const std::uint64_t size = (bytes + kSizeStep - 1) / kSizeStep * kSizeStep;
  const auto known = beyond_gas_.find({size, gas_limit});
  if (known != beyond_gas_.end()) return known->second;
  const auto fee = chain::op_stack_fee(node_, size, gas_limit);
  if (!fee) return fee.error();
  return beyond_gas_[{size, gas_limit}] = *fee;
}

/// Wei that the signer lacks for everything under way and one more transaction; 0 = it can pay.
Result<U256> Submitter::gas_missing(std::uint64_t gas_limit, std::uint64_t calldata_bytes) {
  const auto fees = fresh();
  if (!fees) return fees.error();
  if (!balance_) {
    const auto balance = node_.balance(key_.signer, chain::Tag::kLatest);
    if (!balance) return balance.error();
    balance_ = *balance;
    beyond_gas_.clear();  // as old as the balance
    runway_.note(clock_.mono_ns(), *balance_);
  }
  U256 need = options_.gas_reserve;
  const auto add = [&](const U256& max_fee, std::uint64_t gas, std::uint64_t bytes) -> Result<void> {
    const auto beyond = beyond_gas(bytes, gas);
    if (!beyond) return beyond.error();
    need += max_fee * gas + *beyond;
    return {};
  };
  if (gas_limit != 0) {
    if (auto r = add(fees->max_fee, gas_limit, calldata_bytes + kEnvelopeBytes); !r) return r.error();
  }
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;
    if (auto r = whole(slot); !r) return r.error();
    const auto& attempts = slot.row.attempts;
    const auto r = attempts.empty()
                       ? add(fees->max_fee, slot.row.gas_limit, slot.row.call.calldata.size() + kEnvelopeBytes)
                       : add(attempts.back().max_fee, attempts.back().gas_limit, attempts.back().raw.size());
    if (!r) return r.error();
  }
  return need > *balance_ ? need - *balance_ : U256(0);
}

Result<bool> Submitter::can_pay(std::uint64_t gas_limit, std::uint64_t calldata_bytes) {
  const auto missing = gas_missing(gas_limit, calldata_bytes);
  if (!missing) return missing.error();
  status_.gas_missing = *missing;
  status_.gas_hours = runway_.hours();
  if (*missing > 0) note_gas();
  return *missing == 0;
}

void Submitter::note_runway() {
  if (!status_.gas_hours || *status_.gas_hours >= kRunwayHoursMin) return;
  note("signer " + key_.signer.to_string() + " has gas for " + std::to_string(*status_.gas_hours) +
       " hours at the present rate: top it up");
}

/// The signed bytes wait for gas money; how much of it.
void Submitter::note_gas() {
  note("signer " + key_.signer.to_string() + " needs " + status_.gas_missing.str() +
       " wei more for gas: nothing new is sent until it is topped up");
}

}  // namespace anduin::settle
