#include "chain/safe.hpp"

#include <algorithm>
#include <array>

#include "chain/abi.hpp"

namespace anduin::chain {
namespace {

using abi::Value;

constexpr const char* kExecute =
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)";
constexpr const char* kMultiSend = "multiSend(bytes)";
constexpr std::size_t kSignatureBytes = 65;

/// Constant texts of this file: they parse.
abi::Signature known(const char* text) { return *abi::Signature::parse(text); }

Bytes call(const char* function, std::vector<Value> arguments) {
  return *known(function).encode_call(arguments);
}

Hash hash_of_words(std::span<const std::array<std::uint8_t, 32>> words) {
  Bytes joined;
  for (const auto& word : words) joined.insert(joined.end(), word.begin(), word.end());
  return keccak256(joined);
}

std::array<std::uint8_t, 32> word_of(const Address& address) { return to_word(from_big_endian(address.bytes)); }

Error not_understood(const char* why) { return {ErrorKind::kProtocol, "Safe", why}; }

}  // namespace

Hash safe_domain_separator(std::uint64_t chain_id, const Address& safe) {
  static const Hash kType = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
  return hash_of_words(std::array{kType.bytes, to_word(chain_id), word_of(safe)});
}

Hash safe_tx_hash(std::uint64_t chain_id, const Address& safe, const SafeTx& tx) {
  static const Hash kType = keccak256(
      "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,"
      "uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)");
  const std::array<std::uint8_t, 32> zero{};
  const Hash body = hash_of_words(std::array{kType.bytes, word_of(tx.to), to_word(tx.value),
                                             keccak256(tx.data).bytes, to_word(static_cast<unsigned>(tx.operation)),
                                             to_word(tx.safe_tx_gas), zero, zero, zero, zero, to_word(tx.nonce)});
  Bytes text{0x19, 0x01};
  const Hash domain = safe_domain_separator(chain_id, safe);
  text.insert(text.end(), domain.bytes.begin(), domain.bytes.end());
  text.insert(text.end(), body.bytes.begin(), body.bytes.end());
  return keccak256(text);
}

Result<Bytes> pack_safe_signatures(const Hash& hash, std::span<const SafeSignature> signatures) {
  std::vector<std::pair<Address, SafeSignature>> sorted;
  for (const SafeSignature& each : signatures) {
    const auto owner = recover_safe_owner(hash, each);
    if (!owner) return owner.error();
    sorted.emplace_back(*owner, each);
  }
  std::sort(sorted.begin(), sorted.end());
  Bytes out;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].first == sorted[i - 1].first)
      return Error{ErrorKind::kBadRequest, "Safe", "owner " + sorted[i].first.to_string() + " stands there twice"};
    out.insert(out.end(), sorted[i].second.begin(), sorted[i].second.end());
  }
  return out;
}

Bytes safe_execution_call(const SafeTx& tx, const Bytes& packed_signatures) {
  return call(kExecute, {Value(tx.to), Value(tx.value), Value(tx.data), Value(U256(static_cast<unsigned>(tx.operation))),
                         Value(U256(tx.safe_tx_gas)), Value(U256(0)), Value(U256(0)), Value(Address{}),
                         Value(Address{}), Value(packed_signatures)});
}

Result<SafeExecution> parse_safe_execution(std::span<const std::uint8_t> calldata) {
  const auto values = known(kExecute).decode_call(calldata);
  if (!values) return values.error();
  const auto& v = *values;
  const auto number = [&](std::size_t i) { return *v[i].get<U256>(); };
  if (number(3) > 1 || number(4) > U256(UINT64_MAX)) return not_understood("an execution with fields out of range");
  if (number(5) != 0 || number(6) != 0 || !v[7].get<Address>()->is_zero() || !v[8].get<Address>()->is_zero())
    return not_understood("an execution that pays somebody");
  SafeExecution out;
  out.tx.to = *v[0].get<Address>();
  out.tx.value = number(1);
  out.tx.data = *v[2].get<Bytes>();
  out.tx.operation = number(3) == 0 ? SafeOperation::kCall : SafeOperation::kDelegateCall;
  out.tx.safe_tx_gas = static_cast<std::uint64_t>(number(4));
  out.signatures = *v[9].get<Bytes>();
  if (out.signatures.size() % kSignatureBytes != 0) return not_understood("signatures of another length");
  return out;
}

Bytes multi_send_call(std::span<const SafeCall> calls) {
  Bytes packed;
  for (const SafeCall& each : calls) {
    packed.push_back(static_cast<std::uint8_t>(SafeOperation::kCall));
    packed.insert(packed.end(), each.to.bytes.begin(), each.to.bytes.end());
    packed.resize(packed.size() + 32);  // no value
    const auto size = to_word(each.data.size());
    packed.insert(packed.end(), size.begin(), size.end());
    packed.insert(packed.end(), each.data.begin(), each.data.end());
  }
  return call(kMultiSend, {Value(std::move(packed))});
}

Result<std::vector<SafeCall>> parse_multi_send(std::span<const std::uint8_t> calldata) {
  constexpr std::size_t kHead = 1 + 20 + 32 + 32;  // operation, to, value, size of the data
  const auto values = known(kMultiSend).decode_call(calldata);
  if (!values) return values.error();
  std::span<const std::uint8_t> left = *(*values)[0].get<Bytes>();
  std::vector<SafeCall> out;
  while (!left.empty()) {
    if (left.size() < kHead) return not_understood("calls that end in the middle of one");
    if (left[0] != static_cast<std::uint8_t>(SafeOperation::kCall)) return not_understood("a delegatecall among calls");
    SafeCall& each = out.emplace_back();
    std::copy_n(left.begin() + 1, each.to.bytes.size(), each.to.bytes.begin());
    if (from_big_endian(left.subspan(21, 32)) != 0) return not_understood("a call that pays somebody");
    const U256 size = from_big_endian(left.subspan(53, 32));
    left = left.subspan(kHead);
    if (size > left.size()) return not_understood("calls that end in the middle of one");
    const auto count = static_cast<std::size_t>(size);
    each.data.assign(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));
    left = left.subspan(count);
  }
  return out;
}

Result<bool> probe_multi_send(Node& node, const Address& at) {
  // keccak256 of the runtime code of release 1.4.1; a test makes the deployed address from the same build.
  static const Hash kCode = *Hash::parse("0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939");
  const auto code = node.code(at, Tag::kLatest);
  if (!code) return code.error();
  if (code->empty()) return false;
  if (keccak256(*code) == kCode) return true;
  return Error{ErrorKind::kBadRequest, "multi_send " + at.to_string(), "this contract is not MultiSendCallOnly 1.4.1"};
}

Address default_multi_send() { return *Address::parse("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"); }

std::optional<SafeExecuted> parse_safe_event(const Address& safe, const Log& log) {
  static const Hash kSuccess = known("ExecutionSuccess(bytes32,uint256)").topic();
  static const Hash kFailure = known("ExecutionFailure(bytes32,uint256)").topic();
  if (log.address != safe || log.topics.empty()) return std::nullopt;
  if (log.topics[0] != kSuccess && log.topics[0] != kFailure) return std::nullopt;
  SafeExecuted out;
  out.success = log.topics[0] == kSuccess;
  // The hash is indexed from 1.4.0 on.
  if (log.topics.size() == 2) {
    out.safe_tx_hash = log.topics[1];
  } else if (log.topics.size() == 1 && log.data.size() == 64) {
    std::copy_n(log.data.begin(), 32, out.safe_tx_hash.bytes.begin());
  } else {
    return std::nullopt;
  }
  return out;
}

std::string safe_error_words(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 5> kWords{{
      {"GS010", "the gas limit is below what the SafeTx asks for"},
      {"GS013", "the call inside the Safe failed"},
      {"GS020", "fewer signatures than the Safe's threshold"},
      {"GS025", "an owner has not approved this hash"},
      {"GS026", "a signature is of no owner, out of order, or for another Safe nonce"},
  }};
  for (const auto& [code, words] : kWords) {
    if (text.find(code) != std::string_view::npos) return std::string(code) + ": " + words;
  }
  return {};
}

Result<Bytes> Safe::ask(Node& node, const char* function, const BlockId& at) const {
  const std::string where = "Safe " + address_.to_string() + " " + function;
  auto answer = node.call(Address{}, address_, call(function, {}), at);
  if (!answer) return answer.error();
  // eth_call of an address without code succeeds with no data.
  if (answer->reverted || answer->data.empty())
    return Error{ErrorKind::kProtocol, where, answer->reverted ? "reverts: " + answer->message : "no answer: is this a Safe?"};
  return std::move(answer->data);
}

namespace {

Result<std::vector<Value>> read(const Result<Bytes>& data, const char* type) {
  if (!data) return data.error();
  const abi::Type parsed = *abi::parse_type(type);
  return abi::decode({&parsed, 1}, *data);
}

Result<std::uint64_t> small_number(const Result<Bytes>& data) {
  const auto values = read(data, "uint256");
  if (!values) return values.error();
  const U256& number = *(*values)[0].get<U256>();
  if (number > U256(UINT64_MAX)) return not_understood("a counter beyond 64 bits");
  return static_cast<std::uint64_t>(number);
}

}  // namespace

Result<std::uint64_t> Safe::nonce(Node& node, const BlockId& at) const {
  return small_number(ask(node, "nonce()", at));
}

Result<std::uint64_t> Safe::threshold(Node& node, const BlockId& at) const {
  return small_number(ask(node, "getThreshold()", at));
}

Result<std::vector<Address>> Safe::owners(Node& node, const BlockId& at) const {
  const auto values = read(ask(node, "getOwners()", at), "address[]");
  if (!values) return values.error();
  std::vector<Address> out;
  for (const Value& each : *(*values)[0].get<Value::List>()) out.push_back(*each.get<Address>());
  return out;
}

Result<SafeFacts> Safe::probe(Node& node) const {
  const auto bad = [&](const std::string& why) {
    return Error{ErrorKind::kBadRequest, "Safe " + address_.to_string(), why};
  };
  // What a contract that is no Safe answers is not a fault of the node.
  const auto as_bad = [](const Error& e) {
    return e.kind == ErrorKind::kProtocol ? Error{ErrorKind::kBadRequest, e.where, e.text} : e;
  };
  const auto code = node.code(address_, Tag::kLatest);
  if (!code) return code.error();
  if (code->empty()) return bad("there is no contract at this address on this chain");
  SafeFacts facts;
  const auto version = read(ask(node, "VERSION()", Tag::kLatest), "string");
  if (!version) return as_bad(version.error());
  facts.version = *(*version)[0].get<std::string>();
  if (facts.version != "1.3.0" && facts.version != "1.4.1")
    return bad("it is of version " + facts.version + "; 1.3.0 and 1.4.1 are known here");
  const auto domain = ask(node, "domainSeparator()", Tag::kLatest);
  if (!domain) return as_bad(domain.error());
  const Hash expected = safe_domain_separator(chain_id_, address_);
  if (!std::equal(domain->begin(), domain->end(), expected.bytes.begin(), expected.bytes.end()))
    return bad("its owners would sign for another chain or address");
  const auto nonce_now = nonce(node, Tag::kLatest), threshold_now = threshold(node, Tag::kLatest);
  auto owners_now = owners(node, Tag::kLatest);
  if (!nonce_now) return as_bad(nonce_now.error());
  if (!threshold_now) return as_bad(threshold_now.error());
  if (!owners_now) return as_bad(owners_now.error());
  facts.nonce = *nonce_now;
  facts.threshold = *threshold_now;
  facts.owners = std::move(*owners_now);
  return facts;
}

}  // namespace anduin::chain
