// A key in a password-protected file: the Web3 Secret Storage format, version 3, as wallets and nodes write it.
// Pure but for time and memory: a usual file takes a second and 256 MiB. Any thread. The decrypted key exists
// outside the signer's locked page only inside the call.
#pragma once
#include <memory>
#include <string_view>

#include "chain/signer.hpp"

namespace anduin::chain {

/// What one file may cost us; the file is not trusted before its password has proven right.
struct KeystoreLimits {
  std::uint64_t scrypt_bytes_max = 512ULL << 20U;  ///< 128 x n x r; twice what wallets write (n 262,144, r 8)
  std::uint64_t scrypt_work_max = 1ULL << 24U;     ///< n x r x p; eight times what wallets write
  std::uint64_t pbkdf2_rounds_max = 10'000'000;    ///< about ten seconds
};
/// A real one has about 500 bytes.
inline constexpr std::size_t kKeystoreBytesMax = 64U << 10U;

/// scrypt or PBKDF2 (HMAC-SHA-256), aes-128-ctr. kAuth: the password is wrong. kBadRequest: no keystore of this
/// kind, beyond the limits, or its `address` is not that of its key. Nothing of the password or the key is
/// ever in a message.
Result<std::unique_ptr<LocalSigner>> open_keystore(std::string_view json, std::string_view password,
                                                   Random& random, const KeystoreLimits& limits = {});

}  // namespace anduin::chain
