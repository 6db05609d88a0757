// EIP-1559 (type 2) transactions without access list: the bytes to sign, the bytes to send, and back.
// Plain values and pure functions, any thread.
#pragma once
#include "base/error.hpp"
#include "chain/signer.hpp"
#include "chain/types.hpp"

namespace anduin::chain {

struct Transaction {
  std::uint64_t chain_id = 0;
  std::uint64_t nonce = 0;
  U256 tip = 0;      ///< maxPriorityFeePerGas, wei
  U256 max_fee = 0;  ///< maxFeePerGas, wei
  std::uint64_t gas_limit = 0;
  std::optional<Address> to;  ///< nothing = contract creation
  U256 value = 0;             ///< wei
  Bytes data;
  bool operator==(const Transaction&) const = default;

  /// 0x02 || rlp(fields)
  [[nodiscard]] Bytes unsigned_bytes() const;
  [[nodiscard]] Hash signing_hash() const;
  /// 0x02 || rlp(fields, yParity, r, s)
  [[nodiscard]] Bytes raw(const Signature& signature) const;
};

struct SignedTransaction {
  Bytes raw;
  Hash hash;  ///< keccak256(raw)
};

/// Signs, then reads the finished bytes back as a node will: every field must be what was asked and the
/// recovered sender the signer's address, else kFatal. Never sends. The signer's own error passes through (a
/// remote signer may be down: kRetryable).
Result<SignedTransaction> sign(const Transaction& transaction, TransactionSigner& signer);

struct DecodedTransaction {
  Transaction transaction;
  Signature signature;
  Address sender;  ///< recovered
  Hash hash;
};
/// Raw bytes back into fields, for chains in tests and for checks of our own bytes. kProtocol on anything
/// but one canonical type 2 transaction with an empty access list and a valid low-s signature.
Result<DecodedTransaction> decode_transaction(std::span<const std::uint8_t> raw);

/// Address of the contract that `sender` creates with `nonce`.
Address create_address(const Address& sender, std::uint64_t nonce);

}  // namespace anduin::chain
