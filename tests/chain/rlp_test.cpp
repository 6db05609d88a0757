#include "chain/rlp.hpp"

#include <catch2/catch.hpp>

#include "base/random.hpp"
#include "support/result.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;

namespace {

rlp::Item item_of(const nlohmann::json& v) {
  if (v.is_string()) return rlp::Item::string(*from_hex(v.get<std::string>()));
  rlp::Item out = rlp::Item::list({});
  for (const auto& each : v) out.items.push_back(item_of(each));
  return out;
}

/// Lengths around the borders of the format, nested a few deep.
rlp::Item random_item(Random& random, int depth) {
  constexpr std::size_t kLengths[] = {0, 1, 2, 31, 32, 54, 55, 56, 57, 255, 256, 257, 1000};
  if (depth == 0 || random.below(3) != 0) {
    Bytes bytes(kLengths[random.below(std::size(kLengths))]);
    for (auto& b : bytes) b = static_cast<std::uint8_t>(random.next());
    return rlp::Item::string(std::move(bytes));
  }
  rlp::Item out = rlp::Item::list({});
  for (auto n = random.below(6); n > 0; --n) out.items.push_back(random_item(random, depth - 1));
  return out;
}

Bytes hex(const char* text) { return *from_hex(text); }

}  // namespace

TEST_CASE("RLP vectors encode and decode") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("rlp");
  REQUIRE(vectors.size() == 15);
  for (const auto& v : vectors) {
    INFO(v.at("label"));
    const rlp::Item item = item_of(v.at("input"));
    CHECK(to_hex(rlp::encode(item)) == v.at("rlp"));
    const auto back = rlp::decode(*from_hex(v.at("rlp").get<std::string>()));
    REQUIRE(back);
    CHECK(*back == item);
  }
}

TEST_CASE("RLP integers are minimal") {
  CHECK(to_hex(rlp::encode(rlp::Item::integer(0))) == "0x80");
  CHECK(to_hex(rlp::encode(rlp::Item::integer(127))) == "0x7f");
  CHECK(to_hex(rlp::encode(rlp::Item::integer(128))) == "0x8180");
  CHECK(to_hex(rlp::encode(rlp::Item::integer(1024))) == "0x820400");
  CHECK(*rlp::to_integer(rlp::Item::integer(std::numeric_limits<U256>::max())) ==
        std::numeric_limits<U256>::max());
  CHECK_FALSE(rlp::to_integer(rlp::Item::string({0, 1})));
  CHECK_FALSE(rlp::to_integer(rlp::Item::string({0})));
  CHECK_FALSE(rlp::to_integer(rlp::Item::string(Bytes(33, 1))));
  CHECK_FALSE(rlp::to_integer(rlp::Item::list({})));
}

TEST_CASE("RLP that is not canonical is refused") {
  for (const char* bad :
       {"0x", "0x8100", "0x817f", "0x81", "0x83646f", "0xb800", "0xb83761", "0xb90000", "0xb8", "0xc1",
        "0xf800", "0xc28080c0", "0x8080", "0xbfffffffffffffffff", "0xffffffffffffffffff", "0xb90001ff"})
    CHECK_FALSE(rlp::decode(hex(bad)));
  // The long form of lengths that the short form holds: the same item would have two encodings.
  for (const char* bad : {"0xb801ff", "0xb80161", "0xf80180", "0xb90001ff"})
    CHECK_FALSE(rlp::decode(hex(bad)));
  Bytes longer(2 + 55, 0x61);
  longer[0] = 0xb8;
  longer[1] = 55;
  CHECK_FALSE(rlp::decode(longer));
  longer[1] = 56;
  longer.push_back(0x61);
  CHECK(rlp::decode(longer));
  Bytes deep(100, 0xc1);
  deep.push_back(0xc0);
  CHECK_FALSE(rlp::decode(deep));
}

TEST_CASE("random RLP items survive, and every accepted input is the one encoding") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("seed " << seed << ": set ANDUIN_SEED to repeat");
  SeededRandom random(seed);
  for (int i = 0; i < 2'000; ++i) {
    const rlp::Item item = random_item(random, 4);
    Bytes bytes = rlp::encode(item);
    const auto back = rlp::decode(bytes);
    REQUIRE(back);
    REQUIRE(*back == item);
    // Damage: either refused, or still what the same bytes would be written as.
    for (int damage = 0; damage < 4; ++damage) {
      Bytes other = bytes;
      switch (random.below(3)) {
        case 0: other[random.below(other.size())] = static_cast<std::uint8_t>(random.next()); break;
        case 1: other.resize(random.below(other.size())); break;
        default: other.push_back(static_cast<std::uint8_t>(random.next()));
      }
      if (const auto parsed = rlp::decode(other)) REQUIRE(rlp::encode(*parsed) == other);
    }
  }
  for (int i = 0; i < 20'000; ++i) {
    Bytes noise(random.below(24));
    for (auto& b : noise)
      b = static_cast<std::uint8_t>(random.below(2) ? random.next() : 0xc0 + random.below(64));
    if (const auto parsed = rlp::decode(noise)) REQUIRE(rlp::encode(*parsed) == noise);
  }
}
