// A Safe (multisig contract, 1.3.0 and 1.4.1): the hash its owners sign, the call that executes, its events and
// what it says of itself. Plain values and pure functions, any thread; Safe's questions go through the node.
#pragma once
#include <span>
#include <vector>

#include "chain/node.hpp"
#include "chain/signer.hpp"

namespace anduin::chain {

enum class SafeOperation : std::uint8_t { kCall = 0, kDelegateCall = 1 };

/// What owners approve. Fees are never refunded by the Safe: base gas, gas price, gas token and refund receiver
/// stay zero, so that nobody can be paid by it.
struct SafeTx {
  Address to;
  U256 value = 0;  ///< wei
  Bytes data;
  SafeOperation operation = SafeOperation::kCall;
  /// 0: when the inner call fails the whole transaction reverts (GS013) and the Safe's nonce stays. More: a
  /// failure is only an event, and the nonce is consumed.
  std::uint64_t safe_tx_gas = 0;
  std::uint64_t nonce = 0;  ///< of the Safe
  bool operator==(const SafeTx&) const = default;
};

Hash safe_domain_separator(std::uint64_t chain_id, const Address& safe);
/// EIP-712; equal to the contract's getTransactionHash.
Hash safe_tx_hash(std::uint64_t chain_id, const Address& safe, const SafeTx& tx);

/// In the order the contract wants: ascending by owner. kProtocol when one is no signature of this hash,
/// kBadRequest when an owner stands there twice.
Result<Bytes> pack_safe_signatures(const Hash& safe_tx_hash, std::span<const SafeSignature> signatures);

/// Calldata of execTransaction.
Bytes safe_execution_call(const SafeTx& tx, const Bytes& packed_signatures);
/// The payload of an execTransaction calldata and the owners' signatures; the nonce is not in there and stays 0.
/// kProtocol when it is another call, or one that pays somebody.
struct SafeExecution {
  SafeTx tx;
  Bytes signatures;
};
Result<SafeExecution> parse_safe_execution(std::span<const std::uint8_t> calldata);

struct SafeCall {
  Address to;
  Bytes data;
};
/// Calldata of MultiSendCallOnly.multiSend: all of the calls or none. Executed by delegatecall.
Bytes multi_send_call(std::span<const SafeCall> calls);
/// The calls in calldata of multi_send_call. kProtocol when it is anything else: another function, a delegatecall,
/// money with a call.
Result<std::vector<SafeCall>> parse_multi_send(std::span<const std::uint8_t> calldata);
/// Where the Safe project has deployed MultiSendCallOnly 1.4.1 on every chain it serves.
Address default_multi_send();
/// True when MultiSendCallOnly 1.4.1 is there, by the hash of its code: what a Safe delegates to acts as the Safe.
/// False when nothing is there; kBadRequest when something else is.
Result<bool> probe_multi_send(Node& node, const Address& at);

/// What a receipt's log says of an execution by this Safe; nothing when it says something else.
struct SafeExecuted {
  bool success = false;
  Hash safe_tx_hash;
};
std::optional<SafeExecuted> parse_safe_event(const Address& safe, const Log& log);

struct SafeFacts {
  std::string version;
  std::uint64_t nonce = 0, threshold = 0;
  std::vector<Address> owners;
};

/// Meaning of a Safe's own error text ("GS013") in words; empty for a text that is none of them.
std::string safe_error_words(std::string_view text);

class Safe {
 public:
  Safe(const Address& address, std::uint64_t chain_id) : address_(address), chain_id_(chain_id) {}
  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] std::uint64_t chain_id() const { return chain_id_; }

  /// kBadRequest when what is there is no Safe of a known version, or signs for another chain or address.
  Result<SafeFacts> probe(Node& node) const;
  Result<std::uint64_t> nonce(Node& node, const BlockId& at) const;
  Result<std::uint64_t> threshold(Node& node, const BlockId& at) const;
  Result<std::vector<Address>> owners(Node& node, const BlockId& at) const;

 private:
  Result<Bytes> ask(Node& node, const char* function, const BlockId& at) const;
  Address address_;
  std::uint64_t chain_id_;
};

}  // namespace anduin::chain
