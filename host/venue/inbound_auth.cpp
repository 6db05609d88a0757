#include "venue/inbound_auth.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/hex.hpp"

namespace anduin::venue {
namespace {

constexpr std::size_t kMacBytes = SHA256_DIGEST_LENGTH;
constexpr std::string_view kPrefix = "/webhook/";
constexpr std::string_view kVersion = "v1=";
constexpr std::size_t kKeyMax = 64, kNonceMin = 8, kNonceMax = 64, kStampMax = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_letters(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// The one value of a header; nothing when it is absent or, `twice`, stands more than once.
std::optional<std::string_view> single(const HeaderList& headers, std::string_view name, bool& twice) {
  std::optional<std::string_view> found;
  for (const auto& [n, value] : headers) {
    if (!same_letters(n, name)) continue;
    if (found) twice = true;
    found = value;
  }
  return found;
}

bool is_name(std::string_view text, std::size_t min, std::size_t max) {
  return text.size() >= min && text.size() <= max && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string sha256_hex(std::string_view bytes) {
  std::array<std::uint8_t, kMacBytes> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return to_hex(digest).substr(2);
}

std::string mac_hex(std::string_view secret, std::string_view message) {
  std::array<std::uint8_t, kMacBytes> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const std::uint8_t*>(message.data()), message.size(), mac.data(), &size);
  return to_hex(mac).substr(2);
}

InboundRefusal no(int status, const char* code, std::string message) { return {status, code, std::move(message), 0}; }

}  // namespace

struct InboundAuth::Stamp {
  std::string_view key, timestamp, nonce, mac;
  std::int64_t at_ms = 0;
};

InboundAuth::InboundAuth(const Clock& clock) : clock_(clock), dummy_(std::string(64, '0')) {}

void InboundAuth::add_venue(const std::string& venue, std::string content_type, std::size_t body_bytes_max) {
  venues_.insert_or_assign(std::string(kPrefix) + venue, Venue{std::move(content_type), body_bytes_max, {}});
}

bool InboundAuth::add_key(const std::string& venue, const std::string& key, std::string_view secret) {
  Key k;
  k.secret = Secret(secret);
  k.filled_mono_ns = clock_.mono_ns();
  return venues_.at(std::string(kPrefix) + venue).keys.emplace(key, std::move(k)).second;
}

InboundAuth::Venue* InboundAuth::venue_of(std::string_view target) {
  const auto it = venues_.find(target);
  return it == venues_.end() ? nullptr : &it->second;
}
const InboundAuth::Venue* InboundAuth::venue_of(std::string_view target) const {
  const auto it = venues_.find(target);
  return it == venues_.end() ? nullptr : &it->second;
}

std::optional<InboundRefusal> InboundAuth::check_shape(const InboundHead& head, const Venue& venue) const {
  if (head.method != "POST") return no(405, "method_not_allowed", "only POST is served here");
  bool twice = false;
  const auto length = single(head.headers, "Content-Length", twice);
  if (!length || twice || single(head.headers, "Transfer-Encoding", twice))
    return no(411, "length_required", "a body of known length is needed: Content-Length, no chunks");
  if (head.body.size() > venue.body_bytes_max)
    return no(413, "too_large", "the body has more than " + std::to_string(venue.body_bytes_max) + " bytes");
  const auto type = single(head.headers, "Content-Type", twice);
  std::string_view media = type.value_or("");
  media = media.substr(0, media.find(';'));
  while (media.ends_with(' ') || media.ends_with('\t')) media.remove_suffix(1);
  if (twice || !same_letters(media, venue.content_type))
    return no(415, "unsupported_media_type", "Content-Type must be " + venue.content_type);
  return std::nullopt;
}

std::optional<InboundRefusal> InboundAuth::read_stamp(const InboundHead& head, Stamp& out) const {
  bool twice = false;
  const auto key = single(head.headers, "X-Anduin-Key", twice);
  const auto timestamp = single(head.headers, "X-Anduin-Timestamp", twice);
  const auto nonce = single(head.headers, "X-Anduin-Nonce", twice);
  const auto signature = single(head.headers, "X-Anduin-Signature", twice);
  if (!key || !timestamp || !nonce || !signature)
    return no(401, "missing_auth", "X-Anduin-Key, -Timestamp, -Nonce and -Signature are needed");
  if (twice) return no(400, "bad_header", "a header of the signature stands twice");
  if (!is_name(*key, 1, kKeyMax)) return no(400, "bad_header", "X-Anduin-Key is malformed");
  if (timestamp->empty() || timestamp->size() > kStampMax || !is_digits(*timestamp))
    return no(400, "bad_header", "X-Anduin-Timestamp must be milliseconds since the epoch, digits only");
  if (!is_name(*nonce, kNonceMin, kNonceMax)) return no(400, "bad_header", "X-Anduin-Nonce is malformed");
  const bool hex = signature->starts_with(kVersion) && signature->size() == kVersion.size() + 2 * kMacBytes &&
                   std::all_of(signature->begin() + kVersion.size(), signature->end(),
                               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!hex) return no(401, "bad_signature", "X-Anduin-Signature must be v1= and 64 lower-case hex digits");
  out = {*key, *timestamp, *nonce, signature->substr(kVersion.size()), 0};
  std::from_chars(timestamp->data(), timestamp->data() + timestamp->size(), out.at_ms);
  return std::nullopt;
}

std::variant<InboundAuth::Verified, InboundRefusal> InboundAuth::check(const InboundHead& head) {
  Venue* const venue = venue_of(head.target);
  if (!venue) return no(404, "not_found", "nothing is served at this path");
  if (auto refused = check_shape(head, *venue)) return *refused;
  Stamp stamp;
  if (auto refused = read_stamp(head, stamp)) return *refused;
  const std::int64_t now = clock_.wall_ms();
  if (stamp.at_ms > now + kWindowMs || stamp.at_ms < now - kWindowMs)
    return no(401, "clock_skew", "the timestamp is more than 120 s from our time");
  const auto found = venue->keys.find(stamp.key);
  Key* const key = found == venue->keys.end() ? nullptr : &found->second;
  std::string message = "ANDUIN-HMAC-V1\nPOST\n";
  message.append(head.target).append("\n").append(stamp.key).append("\n").append(stamp.timestamp).append("\n");
  message.append(stamp.nonce).append("\n").append(sha256_hex(head.body));
  const std::string mac = mac_hex(key ? key->secret.reveal() : dummy_.reveal(), message);
  const bool good = CRYPTO_memcmp(mac.data(), stamp.mac.data(), mac.size()) == 0;
  if (!key) return no(401, "unknown_key", "this key is not known here");
  if (!good) return no(401, "bad_signature", "the signature is not that of this request");
  if (auto busy = check_rate(*key)) return *busy;
  if (!remember(*key, stamp.nonce)) return no(401, "replayed_nonce", "this nonce was used before");
  return Verified{std::string(head.target.substr(kPrefix.size())), std::string(stamp.key)};
}

/// After the signature: nobody else can spend a key's budget. A refused request keeps its nonce.
std::optional<InboundRefusal> InboundAuth::check_rate(Key& key) const {
  const std::uint64_t now = clock_.mono_ns();
  const auto passed_ms = static_cast<std::int64_t>((now - key.filled_mono_ns) / 1'000'000U);
  if (passed_ms > 0) {
    key.tokens_milli = std::min(kBurst * 1'000, key.tokens_milli + std::min(passed_ms, std::int64_t{60'000}) * kPerSecond);
    key.filled_mono_ns = now;
  }
  if (key.tokens_milli < 1'000) return InboundRefusal{429, "too_many_requests", "this key sends too much", 1};
  key.tokens_milli -= 1'000;
  return std::nullopt;
}

bool InboundAuth::remember(Key& key, std::string_view nonce) const {
  const std::int64_t now = clock_.wall_ms();
  while (!key.order.empty() && key.order.front().first + kNonceMs < now) {
    key.nonces.erase(key.order.front().second);
    key.order.pop_front();
  }
  if (!key.nonces.emplace(nonce).second) return false;
  key.order.emplace_back(now, nonce);
  return true;
}

InboundRefusal InboundAuth::refusal(int status, const std::string& text, std::string_view method,
                                    std::string_view target) const {
  if (status == 413) {
    if (!venue_of(target)) return no(404, "not_found", "nothing is served at this path");
    if (method != "POST") return no(405, "method_not_allowed", "only POST is served here");
    return no(413, "too_large", "the body is too large");
  }
  if (status == 431) return no(431, "head_too_large", text);
  return no(status, "bad_request", text);
}

}  // namespace anduin::venue
