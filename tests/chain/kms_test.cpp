// AWS KMS against a local double over TLS that checks each request's signature by itself and answers as KMS
// does: DER, sometimes a high s, never twice the same. SigV4 against the figures that AWS publishes.
#include <catch2/catch.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/random.hpp"
#include "chain/http_double.hpp"
#include "chain/kms_signer.hpp"
#include "chain/transaction.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::chain;
using anduin::chain::test::HttpDouble;
using nlohmann::json;

namespace {

// A publicly known development key, of no value anywhere.
const char* const kKey = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const char* const kAddress = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const char* const kOtherAddress = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
// AWS's own documentation example.
const char* const kAccess = "AKIDEXAMPLE";
const char* const kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

std::string header(const std::vector<std::pair<std::string, std::string>>& in, const std::string& name) {
  for (const auto& [key, value] : in) {
    if (key == name) return value;
  }
  return {};
}

using Raw = std::string;
Raw mac(const Raw& key, const Raw& text) {
  unsigned char out[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out, &size);
  return {reinterpret_cast<char*>(out), size};
}
Raw hex_of(const Raw& bytes) {
  return to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}).substr(2);
}
Raw hash_of(const Raw& text) {
  unsigned char out[32];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, EVP_sha256(), nullptr);
  return hex_of({reinterpret_cast<char*>(out), size});
}

/// The service's side of Signature Version 4, from the request as it came. Empty = it is right.
std::string sigv4_problem(const net::ServerRequest& r, const std::string& region, const std::string& now_day) {
  const std::string given{r.header("Authorization").value_or("")};
  const auto part = [&](const std::string& name) {
    const auto at = given.find(name + "=");
    if (at == std::string::npos) return std::string();
    const auto from = at + name.size() + 1;
    return given.substr(from, given.find(',', from) - from);
  };
  const std::string scope = now_day + "/" + region + "/kms/aws4_request";
  if (part("Credential") != std::string(kAccess) + "/" + scope) return "credential " + part("Credential");
  std::istringstream names(part("SignedHeaders"));
  std::string canonical = r.method + "\n" + std::string(r.path()) + "\n" + std::string(r.query()) + "\n";
  std::set<std::string> signed_names;
  for (std::string name; std::getline(names, name, ';');) {
    const auto value = r.header(name);
    if (!value) return "header " + name + " is signed and absent";
    canonical += name + ":" + std::string(*value) + "\n";
    signed_names.insert(name);
  }
  for (const char* must : {"host", "x-amz-date", "x-amz-target", "content-type"}) {
    if (!signed_names.contains(must)) return std::string(must) + " is not signed";
  }
  if (r.header("x-amz-security-token") && !signed_names.contains("x-amz-security-token"))
    return "the token is not signed";
  canonical += "\n" + part("SignedHeaders") + "\n" + hash_of(r.body);
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + std::string(*r.header("x-amz-date")) + "\n" + scope + "\n" +
                              hash_of(canonical);
  const Raw key = mac(mac(mac(mac(std::string("AWS4") + kSecret, now_day), region), "kms"), "aws4_request");
  return hex_of(mac(key, to_sign)) == part("Signature") ? "" : "the signature does not fit";
}

Bytes der_integer(std::span<const std::uint8_t> word) {
  while (word.size() > 1 && word[0] == 0) word = word.subspan(1);
  Bytes out{0x02, static_cast<std::uint8_t>(word.size() + (word[0] >> 7U))};
  if ((word[0] & 0x80U) != 0) out.push_back(0);
  out.insert(out.end(), word.begin(), word.end());
  return out;
}

struct FakeKms {
  std::string region = "eu-central-1", day = "20231114", key = kKey, token;
  std::optional<net::HttpResponse> instead;
  std::string problem;
  bool high_s = false;
  std::set<std::string> seen;
  int made = 0;
  secp256k1_context* context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
  ~FakeKms() { secp256k1_context_destroy(context); }

  Bytes signature(const Bytes& digest) {
    std::array<std::uint8_t, 32> salt{};  // another signature each time
    salt[0] = static_cast<std::uint8_t>(++made);
    secp256k1_ecdsa_signature s;
    REQUIRE(secp256k1_ecdsa_sign(context, &s, digest.data(), from_hex(key)->data(), nullptr, salt.data()));
    std::array<std::uint8_t, 64> compact{};
    secp256k1_ecdsa_signature_serialize_compact(context, compact.data(), &s);
    if (high_s) {
      const U256 order{"0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"};
      const auto high = to_word(order - from_big_endian(std::span(compact).subspan(32)));
      std::copy(high.begin(), high.end(), compact.begin() + 32);
    }
    Bytes body = der_integer(std::span(compact).first(32));
    const Bytes second = der_integer(std::span(compact).subspan(32));
    body.insert(body.end(), second.begin(), second.end());
    Bytes der{0x30, static_cast<std::uint8_t>(body.size())};
    der.insert(der.end(), body.begin(), body.end());
    return der;
  }

  std::optional<net::HttpResponse> operator()(const net::ServerRequest& r) {
    if (instead) return instead;
    problem = sigv4_problem(r, region, day);
    if (!token.empty() && r.header("x-amz-security-token") != token) problem = "another token";
    if (!problem.empty()) return error("InvalidSignatureException", problem);
    if (r.header("x-amz-target") != "TrentService.Sign") return error("UnknownOperationException", "");
    const json q = json::parse(r.body);
    if (q.at("MessageType") != "DIGEST" || q.at("SigningAlgorithm") != "ECDSA_SHA_256" ||
        q.at("KeyId") != "alias/anduin")
      return error("ValidationException", "not as it should be");
    std::string coded = q.at("Message");
    Bytes digest(coded.size() / 4 * 3);
    EVP_DecodeBlock(digest.data(), reinterpret_cast<const unsigned char*>(coded.data()),
                    static_cast<int>(coded.size()));
    digest.resize(32);
    const Bytes der = signature(digest);
    seen.insert(to_hex(der));
    std::string out(4 * ((der.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), der.data(), static_cast<int>(der.size()));
    return net::HttpResponse{200, {}, json{{"KeyId", "arn"}, {"Signature", out}, {"SigningAlgorithm", "ECDSA_SHA_256"}}.dump()};
  }
  static net::HttpResponse error(const std::string& type, const std::string& message, int status = 400) {
    return {status, {}, json{{"__type", "com.amazonaws.kms#" + type}, {"message", message}}.dump()};
  }
};

struct Fixture {
  FakeKms fake;
  HttpDouble server{[this](const net::ServerRequest& r) { return fake(r); }, true};
  ManualClock clock{1'700'000'000'000};  // 2023-11-14
  std::unique_ptr<KmsSigner> signer = make();

  KmsOptions options() {
    KmsOptions o;
    o.key_id = "alias/anduin";
    o.region = "eu-central-1";
    o.endpoint = server.url;
    o.credentials = {kAccess, kSecret, ""};
    o.address = *Address::parse(kAddress);
    o.tls = *net::TlsContext::client({.ca_file = server.ca.ca_file});
    return o;
  }
  std::unique_ptr<KmsSigner> make() { return std::move(*KmsSigner::create(options(), clock)); }
  Error refused() {
    const auto made = signer->sign(keccak256("x"));
    REQUIRE_FALSE(made);
    CHECK(made.error().to_string().find(kSecret) == std::string::npos);
    return made.error();
  }
};

}  // namespace

TEST_CASE("SigV4: the figures that AWS publishes") {
  aws::Request list_users;
  list_users.method = "GET";
  list_users.query = "Action=ListUsers&Version=2010-05-08";
  list_users.headers = {{"host", "iam.amazonaws.com"},
                        {"content-type", "application/x-www-form-urlencoded; charset=utf-8"}};
  const auto made = aws::sign(list_users, {kAccess, kSecret, ""}, "us-east-1", "iam", "20150830T123600Z");
  CHECK(header(made, "x-amz-date") == "20150830T123600Z");
  CHECK(header(made, "authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  aws::Request post;
  post.headers = {{"host", "example.amazonaws.com"}};
  const auto vanilla = aws::sign(post, {kAccess, kSecret, ""}, "us-east-1", "service", "20150830T123600Z");
  CHECK(header(vanilla, "authorization")
            .ends_with("Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"));
  CHECK(aws::timestamp(1'440'938'160'999) == "20150830T123600Z");
}

TEST_CASE("kms: DER with low and high s, another signature each time, always ours") {
  Fixture f;
  REQUIRE(f.signer->verify());
  for (int i = 0; i < 20; ++i) {
    f.fake.high_s = i % 2 == 1;
    const Hash digest = keccak256("digest " + std::to_string(i / 10));
    const auto signature = f.signer->sign(digest);
    INFO(f.fake.problem);
    REQUIRE(signature);
    CHECK(recover(digest, *signature)->to_string() == kAddress);
  }
  CHECK(f.fake.seen.size() == 21);  // two digests and the check's own
  CHECK_FALSE(f.signer->deterministic());

  Transaction t;
  t.chain_id = 8453;
  t.nonce = 7;
  t.gas_limit = 21'000;
  t.to = f.signer->address();
  const auto one = chain::sign(t, *f.signer), two = chain::sign(t, *f.signer);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one->hash != two->hash);  // same nonce: only one of them can ever be mined
  CHECK(decode_transaction(two->raw)->sender.to_string() == kAddress);
}

TEST_CASE("kms: the key of another address is refused") {
  Fixture f;
  auto other = f.options();
  other.address = *Address::parse(kOtherAddress);
  f.signer = std::move(*KmsSigner::create(other, f.clock));
  const auto verified = f.signer->verify();
  REQUIRE_FALSE(verified);
  CHECK(verified.error().kind == ErrorKind::kBadRequest);
  CHECK(verified.error().text == std::string("its key is not that of ") + kOtherAddress);
}

TEST_CASE("kms: temporary credentials send their token, signed") {
  Fixture f;
  auto temporary = f.options();
  temporary.credentials.session_token = "FwoGZXIvYXdzEXAMPLE";
  f.fake.token = "FwoGZXIvYXdzEXAMPLE";
  f.signer = std::move(*KmsSigner::create(temporary, f.clock));
  const auto verified = f.signer->verify();
  INFO(f.fake.problem);
  CHECK(verified);
}

TEST_CASE("kms: throttled, expired, disabled, away: each by its kind, the secret in none") {
  Fixture f;
  const auto says = [&](const char* type, int status = 400) {
    f.fake.instead = FakeKms::error(type, "words of the service", status);
    return f.refused();
  };
  const Error throttled = says("ThrottlingException");
  CHECK(throttled.kind == ErrorKind::kRetryableAfter);
  CHECK(throttled.retry_after_ms == 1'000);
  CHECK(throttled.text == "refused with status 400, ThrottlingException: words of the service");
  for (const char* person : {"ExpiredTokenException", "UnrecognizedClientException", "AccessDeniedException",
                             "InvalidSignatureException", "DisabledException", "KMSInvalidStateException"})
    CHECK(says(person).kind == ErrorKind::kAuth);
  for (const char* wrong : {"NotFoundException", "InvalidKeyUsageException"})
    CHECK(says(wrong).kind == ErrorKind::kBadRequest);
  CHECK(says("KMSInternalException", 500).kind == ErrorKind::kRetryable);
  CHECK(says("DependencyTimeoutException", 503).kind == ErrorKind::kRetryable);

  f.fake.instead = net::HttpResponse{200, {}, "{}"};
  CHECK(f.refused().kind == ErrorKind::kProtocol);
  f.fake.instead = net::HttpResponse{200, {}, R"({"Signature":"AAAA"})"};
  CHECK(f.refused().kind == ErrorKind::kProtocol);
  f.fake.instead = net::HttpResponse{200, {}, "<html>"};
  CHECK(f.refused().kind == ErrorKind::kProtocol);
  f.fake.instead.reset();
  f.fake.day = "20231115";  // the clocks differ by a day
  CHECK(f.refused().kind == ErrorKind::kAuth);
  f.fake.day = "20231114";
  CHECK(f.signer->verify());
}

TEST_CASE("kms: a service whose certificate nobody vouches for gets no request") {
  Fixture f;
  auto blind = f.options();
  blind.tls = nullptr;
  f.signer = std::move(*KmsSigner::create(blind, f.clock));
  CHECK(f.refused().kind == ErrorKind::kAuth);
  CHECK(f.server.asked() == 0);
}

TEST_CASE("kms: DER is read strictly") {
  const auto word = [](std::uint8_t first) {
    Bytes out(32, 0x11);
    out[0] = first;
    return out;
  };
  const auto der = [](const Bytes& r, const Bytes& s) {
    Bytes out{0x30, static_cast<std::uint8_t>(4 + r.size() + s.size()), 0x02, static_cast<std::uint8_t>(r.size())};
    out.insert(out.end(), r.begin(), r.end());
    out.insert(out.end(), {0x02, static_cast<std::uint8_t>(s.size())});
    out.insert(out.end(), s.begin(), s.end());
    return out;
  };
  const Bytes plain = word(0x7f);
  Bytes padded{0};
  const Bytes high = word(0x80);
  padded.insert(padded.end(), high.begin(), high.end());
  const auto good = parse_der_signature(der(plain, padded));
  REQUIRE(good);
  CHECK(good->s[0] == 0x80);
  const auto tiny = parse_der_signature(der({0x05}, {0x00, 0xff}));
  REQUIRE(tiny);
  CHECK(tiny->r[31] == 5);
  CHECK(tiny->s[31] == 0xff);

  Bytes long_number(33, 0x11), needless{0x00, 0x11}, behind = der(plain, plain), wrong_tag = der(plain, plain);
  behind.push_back(0);
  wrong_tag[2] = 0x03;
  Bytes long_form = der(plain, plain);
  long_form.insert(long_form.begin() + 1, 0x81);
  for (const Bytes& bad : {Bytes{}, Bytes{0x30}, Bytes(8, 0), der(high, plain), der(plain, {}), der({0}, plain),
                           der(needless, plain), der(long_number, plain), behind, wrong_tag, long_form,
                           Bytes(behind.begin(), behind.end() - 2)})
    CHECK(parse_der_signature(bad).error().kind == ErrorKind::kProtocol);
}
