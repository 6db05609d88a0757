// Who signs: the interfaces that key backends implement, and the key in this process's memory.
// Thread: one caller at a time per signer; free functions from any thread. A LocalSigner's key lives in one
// locked page and is wiped when the signer goes.
#pragma once
#include <memory>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin {
class Random;
}

namespace anduin::chain {

struct Signature {
  std::array<std::uint8_t, 32> r{}, s{};  ///< big-endian; s in the lower half of the group order
  std::uint8_t y_parity = 0;              ///< 0 or 1
  bool operator==(const Signature&) const = default;
};

struct Transaction;

/// 65 bytes r, s, v by which a Safe contract accepts an owner: v 27 or 28 over the hash itself, 31 or 32 over
/// the hash as a personal message (EIP-191).
using SafeSignature = std::array<std::uint8_t, 65>;

/// Whoever can sign our transactions: a key that signs digests, or a service that takes the whole
/// transaction. What comes back is only a claim: chain::sign() and recover_safe_owner() check it.
class TransactionSigner {
 public:
  virtual ~TransactionSigner() = default;
  [[nodiscard]] virtual const Address& address() const = 0;
  /// The finished bytes, unchecked: call chain::sign() instead. kRetryable, kRetryableAfter: the backend is
  /// away, nothing was signed as far as we know; kAuth: it refuses us.
  virtual Result<Bytes> sign_raw(const Transaction& transaction) = 0;
  /// Approves a SafeTx hash as one of a Safe's owners, unchecked. Errors as sign_raw.
  virtual Result<SafeSignature> sign_safe(const Hash& safe_tx_hash) = 0;
  /// Asks the backend, before anything depends on it, whether it holds this address's key. kBadRequest: it
  /// holds another one; otherwise as sign_raw.
  virtual Result<void> verify() = 0;
};

/// A key that signs 32 bytes as they are.
class Signer : public TransactionSigner {
 public:
  /// kRetryable: the backend is away, nothing was signed as far as we know.
  virtual Result<Signature> sign(const Hash& digest) = 0;
  /// True when the same digest always gives the same signature (RFC 6979): a crash before persisting is
  /// then harmless even for the transaction hash.
  [[nodiscard]] virtual bool deterministic() const = 0;

  Result<Bytes> sign_raw(const Transaction& transaction) override;
  Result<SafeSignature> sign_safe(const Hash& safe_tx_hash) override;
  Result<void> verify() override { return {}; }
};

class LocalSigner final : public Signer {
 public:
  /// 32 bytes as hex, 0x optional. kBadRequest when the text is no valid key (the text is never quoted);
  /// kFatal when the memory cannot be obtained. Where locking is refused by the system the key is used
  /// unlocked: locked() tells. The caller wipes its own copy and registers it as a log secret.
  static Result<std::unique_ptr<LocalSigner>> from_hex_key(std::string_view hex, Random& random);
  /// The same from 32 bytes, big-endian.
  static Result<std::unique_ptr<LocalSigner>> from_key(std::span<const std::uint8_t, 32> key, Random& random);
  ~LocalSigner() override;
  LocalSigner(const LocalSigner&) = delete;
  LocalSigner& operator=(const LocalSigner&) = delete;

  [[nodiscard]] const Address& address() const override { return address_; }
  Result<Signature> sign(const Hash& digest) override;
  [[nodiscard]] bool deterministic() const override { return true; }
  [[nodiscard]] bool locked() const;

 private:
  struct Secret;
  explicit LocalSigner(std::unique_ptr<Secret> secret, const Address& address);
  static Result<std::unique_ptr<LocalSigner>> from_secret(std::unique_ptr<Secret> secret, Random& random);
  std::unique_ptr<Secret> secret_;
  Address address_;
};

/// The address whose key made this signature. kProtocol when there is none, or when s is in the upper half.
Result<Address> recover(const Hash& digest, const Signature& signature);

/// The signature with the low one of its two possible s; the parity changes with it.
Signature with_low_s(Signature signature);

/// EIP-191 personal message digest: keccak256("\x19Ethereum Signed Message:\n" || decimal length ||
/// message).
Hash personal_message_hash(std::string_view message);

/// The owner whose approval of this hash it is. kProtocol for another v than 27, 28, 31, 32, or no key.
Result<Address> recover_safe_owner(const Hash& safe_tx_hash, const SafeSignature& signature);

/// 20 bytes of keccak256 of an uncompressed public key (64 bytes, without the leading 0x04).
Address address_of_public_key(std::span<const std::uint8_t, 64> key);

}  // namespace anduin::chain
