// Who sent this request: what a window, a nonce and a budget mean when time moves. The contract's rows themselves are in
// tests/plugins/metatrader, the listener around it in tests/pipeline.
#include "venue/inbound_auth.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <catch2/catch.hpp>

#include "base/hex.hpp"

using namespace anduin;
using namespace anduin::venue;

namespace {

const std::string kSecret(64, 'a');

struct Door {
  Door() : auth(clock) {
    auth.add_venue("mt", "application/json", 1'000);
    REQUIRE(auth.add_key("mt", "alice", kSecret));
    REQUIRE(auth.add_key("mt", "bob", std::string(64, 'b')));
    REQUIRE_FALSE(auth.add_key("mt", "alice", kSecret));
  }
  /// "" when verified, else the code.
  std::string knock(const std::string& nonce, std::int64_t skew_ms = 0, const std::string& key = "alice") {
    const std::string body = "{}", stamp = std::to_string(clock.wall_ms() + skew_ms);
    std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const std::uint8_t*>(body.data()), body.size(), digest.data());
    const std::string text = "ANDUIN-HMAC-V1\nPOST\n/webhook/mt\n" + key + "\n" + stamp + "\n" + nonce + "\n" + to_hex(digest).substr(2);
    const std::string secret = key == "bob" ? std::string(64, 'b') : kSecret;
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), 64, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data(), &size);
    const HeaderList headers{{"content-type", "Application/JSON ; charset=utf-8"}, {"content-length", "2"}, {"x-anduin-key", key},
                             {"x-anduin-timestamp", stamp}, {"x-anduin-nonce", nonce}, {"x-anduin-signature", "v1=" + to_hex(digest).substr(2)}};
    const auto verdict = auth.check({"POST", "/webhook/mt", headers, body});
    const auto* no = std::get_if<InboundRefusal>(&verdict);
    return no ? no->code : "";
  }
  ManualClock clock{1'708'032'125'000};
  InboundAuth auth;
};

}  // namespace

TEST_CASE("inbound auth: a nonce counts per key, and is refused for longer than any stamp could carry it") {
  Door d;
  CHECK(d.knock("nonce-number-1").empty());
  CHECK(d.knock("nonce-number-1") == "replayed_nonce");
  CHECK(d.knock("nonce-number-1", 0, "bob").empty());
  // Sent with the earliest and the latest stamp that pass: until both are outside, the nonce is known.
  CHECK(d.knock("nonce-number-2", InboundAuth::kWindowMs).empty());
  d.clock.advance_ms(2 * InboundAuth::kWindowMs);
  CHECK(d.knock("nonce-number-2", -InboundAuth::kWindowMs) == "replayed_nonce");
  d.clock.advance_ms(InboundAuth::kNonceMs);
  CHECK(d.knock("nonce-number-2").empty());
}

TEST_CASE("inbound auth: a refused request leaves its nonce unused") {
  Door d;
  CHECK(d.knock("nonce-number-1", InboundAuth::kWindowMs + 1) == "clock_skew");
  CHECK(d.knock("nonce-number-1").empty());
  // The right nonce under a wrong key: nobody can use up another one's.
  CHECK(d.knock("nonce-number-2", 0, "nobody") == "unknown_key");
  CHECK(d.knock("nonce-number-2").empty());
}

TEST_CASE("inbound auth: a key has a burst and a rate, whatever the others do") {
  Door d;
  std::int64_t n = 0;
  const auto next = [&](const char* key = "alice") { return d.knock("nonce-number-" + std::to_string(1'000 + n++), 0, key); };
  for (std::int64_t i = 0; i < InboundAuth::kBurst; ++i) REQUIRE(next().empty());
  CHECK(next() == "too_many_requests");
  CHECK(next("bob").empty());
  d.clock.advance_ms(100);
  for (std::int64_t i = 0; i < InboundAuth::kPerSecond / 10; ++i) CHECK(next().empty());
  CHECK(next() == "too_many_requests");
  d.clock.advance_ms(3'600'000);
  for (std::int64_t i = 0; i < InboundAuth::kBurst; ++i) REQUIRE(next().empty());
  CHECK(next() == "too_many_requests");
}
