#include "chain/signer.hpp"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/random.hpp"
#include "chain/transaction.hpp"

namespace anduin::chain {

namespace {

/// Half of the order of secp256k1: EIP-2 refuses signatures with a larger s.
constexpr std::array<std::uint8_t, 32> kHalfOrder = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

constexpr std::array<std::uint8_t, 32> kOrder = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

/// v of a signature over the hash, and what a Safe adds to it for a personal message.
constexpr std::uint8_t kSafeV = 27, kSafeMessage = 4;

/// For recovery only: holds no secret, is never written after its creation, so all threads share it.
const secp256k1_context* verify_context() {
  static const secp256k1_context* const context = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
  return context;
}

/// A store the optimizer must keep although nobody reads it.
void wipe(void* data, std::size_t size) { ::explicit_bzero(data, size); }

Address address_of(const secp256k1_context* context, const secp256k1_pubkey& key) {
  std::array<std::uint8_t, 65> plain{};
  std::size_t size = plain.size();
  secp256k1_ec_pubkey_serialize(context, plain.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
  return address_of_public_key(std::span<const std::uint8_t, 64>(plain.data() + 1, 64));
}

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

/// The key in pages of its own, so that locking and dump exclusion cover it and nothing else.
struct LocalSigner::Secret {
  static constexpr std::size_t kPage = 4096;
  std::uint8_t* key = nullptr;
  secp256k1_context* context = nullptr;
  bool locked = false;

  Secret() {
    void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    locked = ::mlock(page, kPage) == 0;
    ::madvise(page, kPage, MADV_DONTDUMP);
    key = static_cast<std::uint8_t*>(page);
  }
  ~Secret() {
    if (context) secp256k1_context_destroy(context);
    if (!key) return;
    wipe(key, kPage);
    ::munmap(key, kPage);
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
};

LocalSigner::LocalSigner(std::unique_ptr<Secret> secret, const Address& address)
    : secret_(std::move(secret)), address_(address) {}
LocalSigner::~LocalSigner() = default;
bool LocalSigner::locked() const { return secret_->locked; }

Result<std::unique_ptr<LocalSigner>> LocalSigner::from_hex_key(std::string_view hex, Random& random) {
  const auto bad = [](const char* why) { return Error{ErrorKind::kBadRequest, "private key", why}; };
  if (hex.starts_with("0x")) hex.remove_prefix(2);
  if (hex.size() != 64) return bad("a key has 64 hex digits");

  auto secret = std::make_unique<Secret>();
  if (!secret->key) return Error{ErrorKind::kFatal, "private key", "no memory for the key"};
  for (std::size_t i = 0; i < 32; ++i) {
    const int hi = nibble(hex[2 * i]);
    const int lo = nibble(hex[2 * i + 1]);
    if (hi < 0 || lo < 0) return bad("not a hex digit");
    secret->key[i] = static_cast<std::uint8_t>(hi * 16 + lo);
  }
  return from_secret(std::move(secret), random);
}

Result<std::unique_ptr<LocalSigner>> LocalSigner::from_key(std::span<const std::uint8_t, 32> key,
                                                           Random& random) {
  auto secret = std::make_unique<Secret>();
  if (!secret->key) return Error{ErrorKind::kFatal, "private key", "no memory for the key"};
  std::copy(key.begin(), key.end(), secret->key);
  return from_secret(std::move(secret), random);
}

Result<std::unique_ptr<LocalSigner>> LocalSigner::from_secret(std::unique_ptr<Secret> secret,
                                                              Random& random) {
  secret->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
  std::array<std::uint8_t, 32> seed{};
  for (std::uint8_t& b : seed) b = static_cast<std::uint8_t>(random.next() >> 56U);
  // Blinds the arithmetic against side channels; signatures stay the same.
  if (!secp256k1_context_randomize(secret->context, seed.data()))
    return Error{ErrorKind::kFatal, "private key", "the signing context cannot be randomized"};
  wipe(seed.data(), seed.size());

  secp256k1_pubkey key;
  if (!secp256k1_ec_seckey_verify(secret->context, secret->key) ||
      !secp256k1_ec_pubkey_create(secret->context, &key, secret->key))
    return Error{ErrorKind::kBadRequest, "private key", "zero or beyond the order of the curve"};
  const Address address = address_of(secret->context, key);
  return std::unique_ptr<LocalSigner>(new LocalSigner(std::move(secret), address));
}

Result<Bytes> Signer::sign_raw(const Transaction& transaction) {
  const auto signature = sign(transaction.signing_hash());
  if (!signature) return signature.error();
  return transaction.raw(*signature);
}

Result<SafeSignature> Signer::sign_safe(const Hash& safe_tx_hash) {
  const auto signature = sign(safe_tx_hash);
  if (!signature) return signature.error();
  SafeSignature out{};
  std::copy(signature->r.begin(), signature->r.end(), out.begin());
  std::copy(signature->s.begin(), signature->s.end(), out.begin() + 32);
  out[64] = static_cast<std::uint8_t>(kSafeV + signature->y_parity);
  return out;
}

Result<Signature> LocalSigner::sign(const Hash& digest) {
  secp256k1_ecdsa_recoverable_signature made;
  // The default nonce function is RFC 6979 and the result has a low s.
  if (!secp256k1_ecdsa_sign_recoverable(secret_->context, &made, digest.bytes.data(), secret_->key, nullptr,
                                        nullptr))
    return Error{ErrorKind::kFatal, "local signer", "signing failed"};
  std::array<std::uint8_t, 64> compact{};
  int recovery = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(secret_->context, compact.data(), &recovery,
                                                          &made);
  // 2 and 3 mean that r overflowed the field: one chance in 2^127, and no transaction can carry it.
  if (recovery > 1) return Error{ErrorKind::kFatal, "local signer", "signature without a parity"};
  Signature out;
  std::copy_n(compact.begin(), 32, out.r.begin());
  std::copy_n(compact.begin() + 32, 32, out.s.begin());
  out.y_parity = static_cast<std::uint8_t>(recovery);
  return out;
}

Result<Address> recover(const Hash& digest, const Signature& signature) {
  const auto bad = [](const char* why) { return Error{ErrorKind::kProtocol, "signature", why}; };
  if (signature.y_parity > 1) return bad("yParity is 0 or 1");
  if (signature.s > kHalfOrder) return bad("s is in the upper half");
  std::array<std::uint8_t, 64> compact{};
  std::copy(signature.r.begin(), signature.r.end(), compact.begin());
  std::copy(signature.s.begin(), signature.s.end(), compact.begin() + 32);
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey key;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(verify_context(), &parsed, compact.data(),
                                                           signature.y_parity) ||
      !secp256k1_ecdsa_recover(verify_context(), &key, &parsed, digest.bytes.data()))
    return bad("no key has made it");
  return address_of(verify_context(), key);
}

Signature with_low_s(Signature signature) {
  if (signature.s <= kHalfOrder) return signature;
  // order - s, digit by digit from the right; s is below the order, or recover() refuses it anyway.
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = kOrder[i] - signature.s[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    signature.s[i] = static_cast<std::uint8_t>(digit + (borrow != 0 ? 256 : 0));
  }
  signature.y_parity ^= 1U;
  return signature;
}

Result<Address> recover_safe_owner(const Hash& safe_tx_hash, const SafeSignature& signature) {
  Signature plain;
  std::copy_n(signature.begin(), 32, plain.r.begin());
  std::copy_n(signature.begin() + 32, 32, plain.s.begin());
  const std::uint8_t v = signature[64];
  const bool message = v == kSafeV + kSafeMessage || v == kSafeV + kSafeMessage + 1;
  if (!message && v != kSafeV && v != kSafeV + 1)
    return Error{ErrorKind::kProtocol, "owner signature", "v is " + std::to_string(v) + ", not 27, 28, 31 or 32"};
  plain.y_parity = static_cast<std::uint8_t>(v - kSafeV - (message ? kSafeMessage : 0));
  if (!message) return recover(safe_tx_hash, plain);
  const auto& bytes = safe_tx_hash.bytes;
  return recover(personal_message_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()}), plain);
}

Hash personal_message_hash(std::string_view message) {
  std::string text =
      "\x19"
      "Ethereum Signed Message:\n" +
      std::to_string(message.size());
  text += message;
  return keccak256(text);
}

Address address_of_public_key(std::span<const std::uint8_t, 64> key) {
  const Hash hash = keccak256(std::span<const std::uint8_t>(key));
  Address out;
  std::copy(hash.bytes.begin() + 12, hash.bytes.end(), out.bytes.begin());
  return out;
}

}  // namespace anduin::chain
