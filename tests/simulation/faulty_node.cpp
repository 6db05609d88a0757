#include "simulation/faulty_node.hpp"

namespace anduin::simulation {

std::optional<Error> FaultyNode::fault() {
  if (meanwhile) meanwhile();
  if (!hit(rates_.rpc_error)) return std::nullopt;
  ++rpc_errors;
  return Error{ErrorKind::kRetryable, "faulty node", "connection reset"};
}

Result<std::uint64_t> FaultyNode::chain_id() { return real_.chain_id(); }

Result<std::optional<chain::Block>> FaultyNode::block(const chain::BlockId& id) {
  if (auto e = fault()) return *e;
  return real_.block(id);
}

Result<std::uint64_t> FaultyNode::transaction_count(const chain::Address& who, const chain::BlockId& at) {
  if (auto e = fault()) return *e;
  return real_.transaction_count(who, at);
}

Result<chain::U256> FaultyNode::balance(const chain::Address& who, const chain::BlockId& at) {
  if (auto e = fault()) return *e;
  return real_.balance(who, at);
}

Result<Bytes> FaultyNode::code(const chain::Address& who, const chain::BlockId& at) { return real_.code(who, at); }

Result<chain::CallResult> FaultyNode::call(const chain::Address& from, const chain::Address& to, const Bytes& data,
                                           const chain::BlockId& at) {
  if (auto e = fault()) return *e;
  return real_.call(from, to, data, at);
}

Result<std::variant<std::uint64_t, chain::CallResult>> FaultyNode::estimate_gas(const chain::Address& from,
                                                                                const chain::Address& to,
                                                                                const Bytes& data) {
  if (auto e = fault()) return *e;
  return real_.estimate_gas(from, to, data);
}

Result<chain::FeeSuggestion> FaultyNode::suggest_fees() {
  if (auto e = fault()) return *e;
  return real_.suggest_fees();
}

Result<chain::SendResult> FaultyNode::send_raw(const Bytes& raw) {
  if (hit(rates_.crash_at_send)) {
    if (dice_.below(2) == 0) (void)real_.send_raw(raw);
    throw Crash{};
  }
  if (auto e = fault()) return *e;
  auto answer = real_.send_raw(raw);
  if (!hit(rates_.lost_reply)) return answer;
  ++lost_replies;
  return Error{ErrorKind::kRetryable, "faulty node", "timeout"};
}

Result<std::optional<chain::Receipt>> FaultyNode::receipt(const chain::Hash& transaction) {
  if (auto e = fault()) return *e;
  if (!hit(rates_.stale_receipt)) return real_.receipt(transaction);
  ++stale_receipts;
  return stale_receipt(transaction);
}

Result<std::vector<chain::Log>> FaultyNode::logs(const chain::LogFilter& filter) {
  if (auto e = fault()) return *e;
  return real_.logs(filter);
}

}  // namespace anduin::simulation
