#include "chain/types.hpp"

#include <catch2/catch.hpp>

#include "chain/signer.hpp"
#include "chain/transaction.hpp"
#include "support/result.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::chain;

TEST_CASE("keccak-256 is the original padding, not SHA3-256") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("keccak");
  REQUIRE(vectors.size() == 8);
  for (const auto& v : vectors) {
    const Hash hash = keccak256(v.at("inputUtf8").get<std::string>());
    CHECK(hash.to_string() == v.at("keccak256"));
    CHECK(hash.to_string() != v.at("sha3_256_contrast"));
  }
}

TEST_CASE("refId preimages hash to the vectors' refIds") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("refId");
  REQUIRE(vectors.size() == 17);
  for (const auto& v : vectors) {
    const std::string text = v.at("venue").get<std::string>() + ":" + v.at("positionId").get<std::string>();
    CHECK(keccak256(text).to_string() == v.at("refId"));
    CHECK(keccak256(*from_hex(v.at("preimageUtf8Hex").get<std::string>())).to_string() == v.at("refId"));
  }
}

TEST_CASE("addresses: from keys, from creations, checksums") {
  ANDUIN_NEED_SHARED();
  const auto vectors = test::shared_json("vectors/evm.json").at("addresses");
  for (const char* group : {"accounts", "small"}) {
    for (const auto& v : vectors.at(group)) {
      const auto key = *from_hex(v.at("publicKey").get<std::string>());
      REQUIRE(key.size() == 65);
      CHECK(address_of_public_key(std::span<const std::uint8_t, 64>(key.data() + 1, 64)).to_string() ==
            v.at("address"));
    }
  }
  for (const auto& v : vectors.at("create"))
    CHECK(create_address(*Address::parse(v.at("sender").get<std::string>()), v.at("nonce")).to_string() ==
          v.at("address"));
  for (const auto& v : vectors.at("eip55")) {
    const auto text = v.get<std::string>();
    REQUIRE(Address::parse(text));
    CHECK(Address::parse(text)->to_string() == text);
  }
  for (const auto& v : vectors.at("invalid")) CHECK_FALSE(parse_account_address(v.get<std::string>()));
}

TEST_CASE("an address is one case, or a right checksum") {
  const std::string good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  CHECK(Address::parse(good));
  CHECK(Address::parse("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed") == Address::parse(good));
  CHECK(Address::parse("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED") == Address::parse(good));
  for (const char* bad :
       {"", "0x", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed ",
        "0x0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeA", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAg0"})
    CHECK_FALSE(Address::parse(bad));
  // The zero address is an address, but nobody's account.
  CHECK(Address::parse("0x0000000000000000000000000000000000000000"));
}

TEST_CASE("a configured address that is refused says why") {
  const auto text = [](const char* address) { return parse_account_address(address).error().to_string(); };
  CHECK_THAT(text("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), Catch::Contains("starts with 0x"));
  CHECK_THAT(text("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe"), Catch::Contains("40 hex digits"));
  CHECK_THAT(text("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), Catch::Contains("checksum"));
  CHECK_THAT(text("0xzzaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"), Catch::Contains("not a hex digit"));
  CHECK_THAT(text("0x0000000000000000000000000000000000000000"), Catch::Contains("zero address"));
}

TEST_CASE("hashes are exactly 32 bytes of hex") {
  const std::string digits(64, 'a');
  CHECK(Hash::parse("0x" + digits));
  CHECK(Hash::parse("0x" + std::string(64, 'A')) == Hash::parse("0x" + digits));
  CHECK_FALSE(Hash::parse(digits));
  CHECK_FALSE(Hash::parse("0x" + digits + "a"));
  CHECK_FALSE(Hash::parse("0x" + std::string(63, 'a') + "g"));
}

TEST_CASE("256-bit words are big-endian and checked") {
  const U256 max = std::numeric_limits<U256>::max();
  CHECK(from_big_endian(to_word(max)) == max);
  CHECK(from_big_endian(to_word(0)) == 0);
  CHECK(to_word(258)[30] == 1);
  CHECK(to_word(258)[31] == 2);
  CHECK_THROWS_AS(from_big_endian(Bytes(33)), std::range_error);
  CHECK_THROWS(U256{0} - 1);
  CHECK_THROWS(max + 1);
}
