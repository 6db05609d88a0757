// What the vault asks of the chain: usedRefIds, and the probes before the first settlement.
#include "base/random.hpp"
#include "chain/vault.hpp"

namespace anduin::chain {

namespace {

using abi::Value;

Error bad(const std::string& where, const std::string& why) { return {ErrorKind::kBadRequest, where, why}; }

std::string at_address(const char* what, const Address& address) {
  return std::string(what) + " " + address.to_string();
}

Hash random_hash(Random& random) {
  Hash out;
  for (std::uint8_t& b : out.bytes) b = static_cast<std::uint8_t>(random.next() >> 56U);
  return out;
}

}  // namespace

Result<Bytes> Vault::call_for_data(Node& node, const Address& from, const Address& to, const Bytes& data,
                                   const char* what) const {
  auto answer = node.call(from, to, data, Tag::kLatest);
  if (!answer) return answer.error();
  if (answer->reverted)
    return Error{ErrorKind::kBadRequest, at_address("contract", to),
                 std::string(what) + " reverts: " + decode_revert(answer->data).to_string()};
  return std::move(answer->data);
}

Result<std::vector<bool>> Vault::used(Node& node, std::span<const Hash> ref_ids, const BlockId& at) const {
  const auto where = [&] { return at_address("vault", address_) + " " + used_ref_ids_.name(); };
  std::vector<Bytes> questions;
  questions.reserve(ref_ids.size());
  for (const Hash& ref_id : ref_ids) questions.push_back(used_ref_ids_call(ref_id));
  const auto answers = node.calls(Address{}, address_, questions, at);
  if (!answers) return answers.error();
  if (answers->size() != ref_ids.size()) return Error{ErrorKind::kProtocol, where(), "an answer is missing"};
  static const abi::Type kBool{abi::Kind::kBool, 0, {}};
  std::vector<bool> out;
  out.reserve(ref_ids.size());
  for (const CallResult& answer : *answers) {
    if (answer.reverted) return Error{ErrorKind::kProtocol, where(), "reverts: " + answer.message};
    // eth_call of an address without code succeeds with no data: that is not "false".
    if (answer.data.size() != 32)
      return Error{
          ErrorKind::kProtocol, where(),
          "answered " + std::to_string(answer.data.size()) + " bytes instead of 32: is this the vault?"};
    const auto values = abi::decode({&kBool, 1}, answer.data);
    if (!values) return Error{ErrorKind::kProtocol, where(), values.error().text};
    out.push_back(*(*values)[0].get<bool>());
  }
  return out;
}

Result<bool> Vault::used(Node& node, const Hash& ref_id, const BlockId& at) const {
  const auto one = used(node, std::span(&ref_id, 1), at);
  if (!one) return one.error();
  return one->front();
}

Result<bool> Vault::probe_batch(Node& node, const Address& caller, bool tolerant) const {
  if (!has_batch(tolerant)) return false;
  const auto call = batch_call({}, tolerant);
  if (!call) return call.error();
  const auto tried = node.call(caller, address_, *call, Tag::kLatest);
  if (!tried) return tried.error();
  // A contract without the function reverts without a word; one that refuses (paused, role) says why.
  return !tried->reverted || !tried->data.empty();
}

Result<Address> Vault::token_of(Node& node, const Address& from) const {
  if (token_address_) return *token_address_;
  const auto answer = call_for_data(node, from, address_, *token_->encode_call({}), "token()");
  if (!answer) return answer.error();
  static const abi::Type kAddress{abi::Kind::kAddress, 0, {}};
  const auto values = abi::decode({&kAddress, 1}, *answer);
  if (!values) return bad(at_address("vault", address_), token_->canonical() + " answers no address");
  return *(*values)[0].get<Address>();
}

Result<unsigned> Vault::decimals_of(Node& node, const Address& from, const Address& token) const {
  const auto code = node.code(token, Tag::kLatest);
  if (!code) return code.error();
  if (code->empty()) return bad(at_address("token", token), "there is no contract at this address");
  const auto answer = call_for_data(node, from, token, *decimals_.encode_call({}), "decimals()");
  if (!answer) return answer.error();
  static const abi::Type kUint8{abi::Kind::kUint, 8, {}};
  const auto values = abi::decode({&kUint8, 1}, *answer);
  if (!values) return bad(at_address("token", token), decimals_.canonical() + " answers no small number");
  return static_cast<unsigned>(*(*values)[0].get<U256>());
}

Result<std::optional<VaultRevert>> Vault::try_credit(Node& node, const Address& signer,
                                                     Random& random) const {
  if (!credit_) return std::optional<VaultRevert>();
  const auto call = settle_call({Action::kCredit, signer, 1, random_hash(random)});
  if (!call) return call.error();
  const auto tried = node.call(signer, address_, *call, Tag::kLatest);
  if (!tried) return tried.error();
  if (!tried->reverted) return std::optional<VaultRevert>();
  return std::optional(decode_revert(tried->data));
}

Result<VaultFacts> Vault::probe(Node& node, std::uint64_t chain_id, unsigned decimals,
                                const Address& signer, Random& random) const {
  const auto chain = node.chain_id();
  if (!chain) return chain.error();
  if (*chain != chain_id)
    return bad("chain_id", "the node is on chain " + std::to_string(*chain) + ", the pipeline says " +
                               std::to_string(chain_id));
  const auto code = node.code(address_, Tag::kLatest);
  if (!code) return code.error();
  if (code->empty())
    return bad(at_address("vault", address_), "there is no contract at this address on this chain");
  const auto zero_used = used(node, Hash{}, Tag::kLatest);
  if (!zero_used) {
    const bool wrong_contract = zero_used.error().kind == ErrorKind::kProtocol;
    return wrong_contract ? bad(zero_used.error().where, zero_used.error().text) : zero_used.error();
  }
  const auto token = token_of(node, signer);
  if (!token) return token.error();
  const auto found = decimals_of(node, signer, *token);
  if (!found) return found.error();
  if (*found != decimals)
    return bad(at_address("token", *token), "has " + std::to_string(*found) +
                                                " decimals, the pipeline says " + std::to_string(decimals));
  auto credit_revert = try_credit(node, signer, random);
  if (!credit_revert) return credit_revert.error();
  return VaultFacts{*chain, *token, *found, std::move(*credit_revert)};
}

}  // namespace anduin::chain
