// A key inside AWS KMS (spec ECC_SECG_P256K1): each signature is one HTTPS request. Its signatures are DER, may
// have a high s, carry no parity and differ each time; here they become ours. Thread: one caller at a time;
// blocks up to the timeout. The clock outlives it.
#pragma once
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "chain/aws_sigv4.hpp"
#include "chain/signer.hpp"

namespace anduin::net {
class TlsContext;
}

namespace anduin::chain {

struct KmsOptions {
  std::string key_id, region;
  std::string endpoint;  ///< empty = https://kms.REGION.amazonaws.com
  aws::Credentials credentials;
  Address address;         ///< of the key
  int timeout_ms = 5'000;  ///< KMS answers in tens of milliseconds; the submitter waits for it
  std::shared_ptr<net::TlsContext> tls = nullptr;  ///< nothing = the system's authorities
};

class KmsSigner final : public Signer {
 public:
  /// kBadRequest when the endpoint is no http(s) URL.
  static Result<std::unique_ptr<KmsSigner>> create(KmsOptions options, Clock& clock);
  ~KmsSigner() override;

  [[nodiscard]] const Address& address() const override;
  /// kRetryable, kRetryableAfter (throttled); kAuth: credentials or rights; kBadRequest: no such key, or it is
  /// not the address's; kProtocol: an answer that is no signature.
  Result<Signature> sign(const Hash& digest) override;
  [[nodiscard]] bool deterministic() const override { return false; }
  /// Signs a sentence that is no transaction.
  Result<void> verify() override;

 private:
  struct Impl;
  explicit KmsSigner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct DerSignature {
  std::array<std::uint8_t, 32> r{}, s{};
};
/// SEQUENCE of two positive INTEGERs in strict DER: shortest lengths, no needless zero, nothing behind. kProtocol
/// otherwise.
Result<DerSignature> parse_der_signature(std::span<const std::uint8_t> der);

}  // namespace anduin::chain
