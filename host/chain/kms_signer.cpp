#include "chain/kms_signer.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "net/http_client.hpp"

namespace anduin::chain {
namespace {

using Json = nlohmann::json;

/// An answer of Sign has about 400 bytes.
constexpr std::size_t kBodyBytesMax = 64U << 10U;
constexpr std::size_t kQuotedBytesMax = 300;
/// KMS throttles per second.
constexpr std::int64_t kThrottledMs = 1'000;

std::string base64(std::span<const std::uint8_t> bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
  return out;
}

std::optional<Bytes> from_base64(const std::string& text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  Bytes out(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size != static_cast<int>(out.size())) return std::nullopt;
  // It counts the padding as bytes.
  for (auto i = text.size(); i-- > 0 && text[i] == '=' && text.size() - i <= 2;) out.pop_back();
  return out;
}

/// Which of KMS's words mean what. By the name at the end of `__type` ("prefix#Name").
ErrorKind kind_of(int status, const std::string& type) {
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return type == name; });
  };
  if (status == 429 || is({"ThrottlingException", "Throttling", "LimitExceededException", "TooManyRequestsException"}))
    return ErrorKind::kRetryableAfter;
  if (status >= 500 || is({"KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException",
                           "RequestTimeoutException", "ServiceUnavailableException", "InternalFailure"}))
    return ErrorKind::kRetryable;
  if (is({"NotFoundException", "InvalidKeyUsageException", "InvalidArnException", "ValidationException",
          "UnsupportedOperationException"}))
    return ErrorKind::kBadRequest;
  // Expired or wrong credentials, missing rights, a disabled key, a clock that is off: a person must act.
  return ErrorKind::kAuth;
}

}  // namespace

struct KmsSigner::Impl {
  Impl(KmsOptions o, net::Url u, Clock& c)
      : options(std::move(o)),
        url(std::move(u)),
        where("kms " + options.key_id + " in " + options.region),
        clock(c),
        client({.tls = options.tls, .body_bytes_max = kBodyBytesMax}) {}

  /// The text member `wanted` of the answer.
  Result<std::string> ask(const std::string& target, const Json& body, const char* wanted);
  [[nodiscard]] Error refused(const net::HttpResponse& response) const;
  [[nodiscard]] Error protocol(const std::string& text) const { return {ErrorKind::kProtocol, where, text}; }

  KmsOptions options;
  net::Url url;
  std::string where;
  Clock& clock;
  net::BlockingHttpClient client;
};

Error KmsSigner::Impl::refused(const net::HttpResponse& response) const {
  const Json doc = Json::parse(response.body, nullptr, false);
  const auto word = [&](const char* key) {
    return doc.is_object() && doc.contains(key) && doc[key].is_string() ? doc[key].get<std::string>() : std::string();
  };
  std::string type = word("__type");
  type = type.substr(type.find('#') == std::string::npos ? 0 : type.find('#') + 1);
  const std::string said = word("message").empty() ? word("Message") : word("message");
  Error error{kind_of(response.status, type), where,
              "refused with status " + std::to_string(response.status) + (type.empty() ? "" : ", " + type) +
                  (said.empty() ? "" : ": " + said.substr(0, kQuotedBytesMax))};
  if (error.kind == ErrorKind::kRetryableAfter) error.retry_after_ms = kThrottledMs;
  return error;
}

Result<std::string> KmsSigner::Impl::ask(const std::string& target, const Json& body, const char* wanted) {
  aws::Request signed_part;
  signed_part.path = std::string(url.path());
  signed_part.query = std::string(url.query());
  signed_part.body = body.dump();
  signed_part.headers = {{"content-type", "application/x-amz-json-1.1"},
                         {"host", url.authority()},
                         {"x-amz-target", "TrentService." + target}};
  net::HttpRequest request;
  request.method = signed_part.method;
  request.url = url;
  for (const auto& [name, value] : signed_part.headers) {
    if (name != "host") request.headers.emplace_back(name, value);  // the client's own
  }
  for (auto& header : aws::sign(signed_part, options.credentials, options.region, "kms",
                                aws::timestamp(clock.wall_ms())))
    request.headers.push_back(std::move(header));
  request.body = std::move(signed_part.body);
  request.timeout_ms = options.timeout_ms;
  request.idempotent = true;  // a second signature over the same bytes harms nobody
  const auto response = client.send(std::move(request));
  if (!response) return Error{response.error().kind, where, response.error().text};
  if (response->status != 200) return refused(*response);
  const Json doc = Json::parse(response->body, nullptr, false);
  if (!doc.is_object() || !doc.contains(wanted) || !doc[wanted].is_string())
    return protocol(std::string("the answer holds no ") + wanted);
  return doc[wanted].get<std::string>();
}

KmsSigner::KmsSigner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KmsSigner::~KmsSigner() = default;
const Address& KmsSigner::address() const { return impl_->options.address; }

Result<std::unique_ptr<KmsSigner>> KmsSigner::create(KmsOptions options, Clock& clock) {
  const std::string text =
      options.endpoint.empty() ? "https://kms." + options.region + ".amazonaws.com" : options.endpoint;
  auto url = net::Url::parse(text);
  if (!url || url->websocket())
    return Error{ErrorKind::kBadRequest, "kms " + options.key_id, "its endpoint is no http or https URL"};
  return std::unique_ptr<KmsSigner>(
      new KmsSigner(std::make_unique<Impl>(std::move(options), std::move(*url), clock)));
}

Result<Signature> KmsSigner::sign(const Hash& digest) {
  const auto answer = impl_->ask("Sign", Json{{"KeyId", impl_->options.key_id},
                                              {"Message", base64(digest.bytes)},
                                              {"MessageType", "DIGEST"},
                                              {"SigningAlgorithm", "ECDSA_SHA_256"}},
                                 "Signature");
  if (!answer) return answer.error();
  const auto der = from_base64(*answer);
  if (!der) return impl_->protocol("its signature is not base64");
  const auto parsed = parse_der_signature(*der);
  if (!parsed) return impl_->protocol(parsed.error().text);
  for (const std::uint8_t parity : {std::uint8_t{0}, std::uint8_t{1}}) {
    const Signature candidate = with_low_s({parsed->r, parsed->s, parity});
    const auto who = recover(digest, candidate);
    if (who && *who == impl_->options.address) return candidate;
  }
  return Error{ErrorKind::kBadRequest, impl_->where,
               "its key is not that of " + impl_->options.address.to_string()};
}

Result<void> KmsSigner::verify() {
  const auto proof = sign(keccak256("anduin asks for the key of " + address().to_string()));
  return proof ? Result<void>() : Result<void>(proof.error());
}

Result<DerSignature> parse_der_signature(std::span<const std::uint8_t> der) {
  const auto bad = [](const char* why) { return Error{ErrorKind::kProtocol, "DER signature", why}; };
  constexpr std::uint8_t kSequence = 0x30, kInteger = 0x02;
  // Two integers of at most 33 bytes: every length fits one byte.
  if (der.size() < 8 || der[0] != kSequence || der[1] != der.size() - 2) return bad("no sequence of this length");
  DerSignature out;
  std::size_t at = 2;
  for (auto* number : {&out.r, &out.s}) {
    if (at + 2 > der.size() || der[at] != kInteger) return bad("an integer is missing");
    const std::size_t size = der[at + 1];
    if (size == 0 || at + 2 + size > der.size()) return bad("an integer has no such length");
    auto digits = der.subspan(at + 2, size);
    at += 2 + size;
    if ((digits[0] & 0x80U) != 0) return bad("an integer is negative");
    if (digits[0] == 0) {
      if (size == 1 || (digits[1] & 0x80U) == 0) return bad("an integer is zero or has a needless zero in front");
      digits = digits.subspan(1);
    }
    if (digits.size() > 32) return bad("an integer is too large");
    std::copy(digits.begin(), digits.end(), number->end() - static_cast<std::ptrdiff_t>(digits.size()));
  }
  if (at != der.size()) return bad("something stands behind it");
  return out;
}

}  // namespace anduin::chain
