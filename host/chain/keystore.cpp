#include "chain/keystore.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

namespace anduin::chain {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kKeyBytes = 32, kIvBytes = 16;
/// The first half decrypts, the second half authenticates; more than that is derived by nobody.
constexpr std::size_t kDerivedBytesMin = 32, kDerivedBytesMax = 64;
constexpr std::size_t kSaltBytesMax = 256;
/// scrypt's own working space besides its table.
constexpr std::uint64_t kScryptSlack = 1U << 20U;

/// Bytes that are wiped, whatever happens.
struct Wiped {
  std::vector<std::uint8_t> bytes;
  explicit Wiped(std::size_t size) : bytes(size) {}
  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
};

Error bad(std::string why) { return {ErrorKind::kBadRequest, "keystore", std::move(why)}; }

/// What stands in the file, checked for shape; never leaves this file.
struct Misshapen : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const Json& object(const Json& in, const char* key) {
  const auto it = in.find(key);
  if (it == in.end() || !it->is_object()) throw Misshapen(std::string("it has no '") + key + "'");
  return *it;
}
std::string text(const Json& in, const char* key) {
  const auto it = in.find(key);
  if (it == in.end() || !it->is_string()) throw Misshapen(std::string("it has no text '") + key + "'");
  return it->get<std::string>();
}
std::uint64_t number(const Json& in, const char* key) {
  const auto it = in.find(key);
  if (it == in.end() || !it->is_number_unsigned())
    throw Misshapen(std::string("it has no whole number '") + key + "'");
  return it->get<std::uint64_t>();
}
Bytes hex(const Json& in, const char* key, std::size_t min, std::size_t max) {
  auto bytes = from_hex(text(in, key));
  if (!bytes || bytes->size() < min || bytes->size() > max)
    throw Misshapen(std::string("'") + key + "' is not the hex text it should be");
  return std::move(*bytes);
}

void derive_scrypt(const Json& p, const Bytes& salt, std::string_view password, const KeystoreLimits& limits,
                   Wiped& out) {
  const std::uint64_t n = number(p, "n"), r = number(p, "r"), cost = number(p, "p");
  if (n < 2 || (n & (n - 1)) != 0 || r == 0 || cost == 0)
    throw Misshapen("scrypt needs n as a power of two above 1, r and p above 0");
  // Each factor first: their product must not wrap.
  const bool small = n <= limits.scrypt_work_max && r <= limits.scrypt_work_max && cost <= limits.scrypt_work_max;
  if (!small || n * r > limits.scrypt_bytes_max / 128 || n * r > limits.scrypt_work_max / cost)
    throw Misshapen("its scrypt parameters ask for more memory or time than a key is allowed to cost");
  const std::uint64_t memory = 128 * n * r + 128 * r * cost + kScryptSlack;
  if (EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(), n, r, cost, memory,
                     out.bytes.data(), out.bytes.size()) != 1)
    throw Misshapen("its scrypt parameters are refused; is there enough memory?");
}

void derive_pbkdf2(const Json& p, const Bytes& salt, std::string_view password, const KeystoreLimits& limits,
                   Wiped& out) {
  if (text(p, "prf") != "hmac-sha256") throw Misshapen("its prf is not hmac-sha256");
  const std::uint64_t rounds = number(p, "c");
  if (rounds == 0 || rounds > limits.pbkdf2_rounds_max)
    throw Misshapen("its pbkdf2 asks for " + std::to_string(rounds) + " rounds");
  if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                        static_cast<int>(out.bytes.size()), out.bytes.data()) != 1)
    throw Misshapen("its pbkdf2 parameters are refused");
}

bool mac_fits(const Wiped& derived, const Bytes& ciphertext, const Bytes& mac) {
  Wiped input(16 + ciphertext.size());
  std::copy_n(derived.bytes.begin() + 16, 16, input.bytes.begin());
  std::copy(ciphertext.begin(), ciphertext.end(), input.bytes.begin() + 16);
  const Hash made = keccak256(std::span<const std::uint8_t>(input.bytes));
  return CRYPTO_memcmp(made.bytes.data(), mac.data(), made.bytes.size()) == 0;
}

void decrypt(const Wiped& derived, const Bytes& iv, const Bytes& ciphertext, Wiped& key) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  int size = 0;
  if (!context ||
      EVP_DecryptInit_ex(context.get(), EVP_aes_128_ctr(), nullptr, derived.bytes.data(), iv.data()) != 1 ||
      EVP_DecryptUpdate(context.get(), key.bytes.data(), &size, ciphertext.data(),
                        static_cast<int>(ciphertext.size())) != 1 ||
      size != static_cast<int>(kKeyBytes))
    throw Misshapen("its key cannot be decrypted");
}

Result<std::unique_ptr<LocalSigner>> open(const Json& file, std::string_view password, Random& random,
                                          const KeystoreLimits& limits) {
  if (!file.is_object() || number(file, "version") != 3) return bad("it is not of version 3");
  // Very old files write Crypto.
  const Json& crypto = object(file, file.contains("Crypto") ? "Crypto" : "crypto");
  if (text(crypto, "cipher") != "aes-128-ctr") return bad("its cipher is not aes-128-ctr");
  const Bytes iv = hex(object(crypto, "cipherparams"), "iv", kIvBytes, kIvBytes);
  const Bytes ciphertext = hex(crypto, "ciphertext", kKeyBytes, kKeyBytes);
  const Bytes mac = hex(crypto, "mac", 32, 32);
  const Json& params = object(crypto, "kdfparams");
  const Bytes salt = hex(params, "salt", 1, kSaltBytesMax);
  const std::uint64_t derived_size = number(params, "dklen");
  if (derived_size < kDerivedBytesMin || derived_size > kDerivedBytesMax) return bad("its dklen is not 32 to 64");

  Wiped derived(derived_size);
  const std::string kdf = text(crypto, "kdf");
  if (kdf == "scrypt") {
    derive_scrypt(params, salt, password, limits, derived);
  } else if (kdf == "pbkdf2") {
    derive_pbkdf2(params, salt, password, limits, derived);
  } else {
    return bad("its kdf is neither scrypt nor pbkdf2");
  }
  if (!mac_fits(derived, ciphertext, mac)) return Error{ErrorKind::kAuth, "keystore", "the password is wrong"};
  Wiped key(kKeyBytes);
  decrypt(derived, iv, ciphertext, key);
  auto signer = LocalSigner::from_key(std::span<const std::uint8_t, kKeyBytes>(key.bytes.data(), kKeyBytes), random);
  if (!signer) return signer.error();
  if (file.contains("address")) {
    const auto said = from_hex(text(file, "address"));
    const auto& is = (*signer)->address().bytes;
    if (!said || !std::equal(said->begin(), said->end(), is.begin(), is.end()))
      return bad("it names another address than its key has, " + (*signer)->address().to_string());
  }
  return signer;
}

}  // namespace

Result<std::unique_ptr<LocalSigner>> open_keystore(std::string_view json, std::string_view password,
                                                   Random& random, const KeystoreLimits& limits) {
  if (json.size() > kKeystoreBytesMax) return bad("it is larger than a keystore can be");
  try {
    const Json file = Json::parse(json, nullptr, false);
    if (file.is_discarded()) return bad("it is no JSON");
    return open(file, password, random, limits);
  } catch (const Misshapen& e) {
    return bad(e.what());
  }
}

}  // namespace anduin::chain
