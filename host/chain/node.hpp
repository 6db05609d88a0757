// The calls that settlement makes to an EVM node, and nothing more. One implementation speaks JSON-RPC, one is the
// in-process chain of the simulation. Thread: one caller at a time. A returned Error is a transport failure or an
// answer we do not understand: it says nothing about whether a transaction was accepted.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::chain {

enum class Tag : std::uint8_t { kLatest, kSafe, kFinalized };
/// A block by tag, by height or by hash (EIP-1898).
using BlockId = std::variant<Tag, std::uint64_t, Hash>;

struct Block {
  std::uint64_t number = 0;
  Hash hash;
  std::int64_t timestamp_s = 0;
  U256 base_fee = 0;  ///< wei
};

struct Log {
  Address address;
  std::vector<Hash> topics;
  Bytes data;
  std::uint64_t block_number = 0;
  Hash block_hash;
  Hash transaction_hash;
};

struct Receipt {
  Hash transaction_hash;
  bool success = false;
  std::uint64_t block_number = 0;
  Hash block_hash;
  std::uint64_t gas_used = 0;
  std::vector<Log> logs;
};

/// What a node answers to eth_call: return data, or the revert with its data.
struct CallResult {
  bool reverted = false;
  Bytes data;           ///< return data or revert data
  std::string message;  ///< the node's text on a revert
};

/// The class of a send error (vectors/evm.json rpcErrors). None of them decides an outcome.
enum class SendClass : std::uint8_t {
  kAccepted, kAlreadyKnown, kNonceConsumed, kNonceGap, kReplaceUnderpriced, kUnderpriced,
  kInsufficientFunds, kPermanent, kRevert, kPoolFull, kUnknown,
};
struct SendResult {
  SendClass what = SendClass::kUnknown;
  std::string message;
};

struct FeeSuggestion {
  U256 base_fee_next;  ///< wei, of the pending block
  U256 tip;            ///< wei, median of recent blocks
};

struct LogFilter {
  Address address;
  std::uint64_t from_block = 0, to_block = 0;
  std::vector<std::optional<Hash>> topics;  ///< by position; nothing = any
};

class Node {
 public:
  virtual ~Node() = default;
  virtual Result<std::uint64_t> chain_id() = 0;
  /// Nothing when the node does not know such a block.
  virtual Result<std::optional<Block>> block(const BlockId& id) = 0;
  virtual Result<std::uint64_t> transaction_count(const Address& who, const BlockId& at) = 0;
  virtual Result<U256> balance(const Address& who, const BlockId& at) = 0;
  virtual Result<Bytes> code(const Address& who, const BlockId& at) = 0;
  virtual Result<CallResult> call(const Address& from, const Address& to, const Bytes& data, const BlockId& at) = 0;
  /// Gas units, or the revert.
  virtual Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address& from, const Address& to,
                                                                       const Bytes& data) = 0;
  virtual Result<FeeSuggestion> suggest_fees() = 0;
  /// An Error is a lost answer: the bytes may have been taken.
  virtual Result<SendResult> send_raw(const Bytes& raw) = 0;
  /// Nothing when the node has no receipt. A receipt is positive fact only if its block is canonical.
  virtual Result<std::optional<Receipt>> receipt(const Hash& transaction) = 0;
  /// The same for many, in the order asked; all or an Error. Here: one by one. A node with batches overrides it.
  virtual Result<std::vector<std::optional<Receipt>>> receipts(std::span<const Hash> transactions);
  /// Several calls to one contract at one block, answered in order. Any answer that is missing is an Error of all.
  virtual Result<std::vector<CallResult>> calls(const Address& from, const Address& to, std::span<const Bytes> data,
                                                const BlockId& at);
  virtual Result<std::vector<Log>> logs(const LogFilter& filter) = 0;
};

}  // namespace anduin::chain
