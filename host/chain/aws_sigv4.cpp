#include "chain/aws_sigv4.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <span>
#include <string_view>

#include "base/hex.hpp"

namespace anduin::chain::aws {
namespace {

using Digest = std::array<std::uint8_t, 32>;
constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";

Digest sha256(std::string_view text) {
  Digest out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

Digest hmac(std::span<const std::uint8_t> key, std::string_view text) {
  Digest out{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), nullptr);
  return out;
}

std::string bare_hex(const Digest& digest) { return to_hex(digest).substr(2); }

Digest signing_key(const std::string& secret, const std::string& day, const std::string& region,
                   const std::string& service) {
  std::string first = "AWS4" + secret;
  Digest key = hmac({reinterpret_cast<const std::uint8_t*>(first.data()), first.size()}, day);
  OPENSSL_cleanse(first.data(), first.size());
  for (const std::string_view part : {std::string_view(region), std::string_view(service),
                                      std::string_view("aws4_request")})
    key = hmac(key, part);
  return key;
}

}  // namespace

std::string timestamp(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
  return {text.data(), size};
}

std::vector<std::pair<std::string, std::string>> sign(const Request& request, const Credentials& credentials,
                                                      const std::string& region, const std::string& service,
                                                      const std::string& timestamp) {
  std::vector<std::pair<std::string, std::string>> added{{"x-amz-date", timestamp}};
  if (!credentials.session_token.empty()) added.emplace_back("x-amz-security-token", credentials.session_token);
  auto headers = request.headers;
  headers.insert(headers.end(), added.begin(), added.end());
  std::sort(headers.begin(), headers.end());

  std::string names;
  std::string canonical = request.method + "\n" + request.path + "\n" + request.query + "\n";
  for (const auto& [name, value] : headers) {
    canonical += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += "\n" + names + "\n" + bare_hex(sha256(request.body));

  const std::string day = timestamp.substr(0, 8);
  const std::string scope = day + "/" + region + "/" + service + "/aws4_request";
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + timestamp + "\n" + scope + "\n" + bare_hex(sha256(canonical));
  Digest key = signing_key(credentials.secret_key, day, region, service);
  const std::string signature = bare_hex(hmac(key, to_sign));
  OPENSSL_cleanse(key.data(), key.size());
  added.emplace_back("authorization", std::string(kAlgorithm) + " Credential=" + credentials.access_key + "/" +
                                          scope + ", SignedHeaders=" + names + ", Signature=" + signature);
  return added;
}

}  // namespace anduin::chain::aws
