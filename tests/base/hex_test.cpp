#include "base/hex.hpp"

#include <catch2/catch.hpp>

using namespace anduin;

TEST_CASE("hex: bytes survive the way there and back, foreign text is nothing") {
  const Bytes bytes{0x00, 0x7f, 0xff, 0x10};
  CHECK(to_hex(bytes) == "0x007fff10");
  CHECK(from_hex("0x007FFF10") == bytes);
  CHECK(from_hex("007fff10") == bytes);
  CHECK(from_hex("") == Bytes{});
  for (const char* bad : {"0x0", "0x0g", "xyz0", "0x 0"}) CHECK_FALSE(from_hex(bad));
}
