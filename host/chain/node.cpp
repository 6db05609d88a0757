#include "chain/node.hpp"

namespace anduin::chain {

Result<std::vector<std::optional<Receipt>>> Node::receipts(std::span<const Hash> transactions) {
  std::vector<std::optional<Receipt>> out;
  out.reserve(transactions.size());
  for (const Hash& transaction : transactions) {
    auto one = receipt(transaction);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

Result<std::vector<CallResult>> Node::calls(const Address& from, const Address& to, std::span<const Bytes> data,
                                            const BlockId& at) {
  std::vector<CallResult> out;
  out.reserve(data.size());
  for (const Bytes& each : data) {
    auto one = call(from, to, each, at);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace anduin::chain
