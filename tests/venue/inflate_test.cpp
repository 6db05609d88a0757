// Compressed frames. Method: zlib's own compressor makes the members, whole and spoilt; what comes out is compared.
#include <catch2/catch.hpp>
#include <zlib.h>

#include <string>

#include "anduin/plugin.h"
#include "venue/inflate.hpp"

namespace {

using anduin::venue::FrameBytes;
using anduin::venue::Inflate;

std::string packed(const std::string& text, int window = 15 + 16) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

FrameBytes frame(const std::string& bytes, bool binary = true) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<std::uint32_t>(bytes.size()),
          static_cast<std::uint32_t>(bytes.size()), binary, 7, 8};
}

std::string text(const FrameBytes& f) { return {reinterpret_cast<const char*>(f.data), f.size}; }

constexpr std::size_t kMax = 1U << 20U;

}  // namespace

TEST_CASE("a batch of compressed and plain messages comes out in order, padded") {
  Inflate inflate(AND_DECODE_GZIP);
  const std::string long_text(100'000, 'x');  // longer than the first room: the buffer moves under the first frame
  const std::string one = packed(R"({"ping":1})"), two = packed(long_text), three = packed("");
  for (int round = 0; round < 3; ++round) {
    inflate.clear();
    REQUIRE(inflate.add(frame(one), kMax).has_value());
    REQUIRE(inflate.add(frame("{\"plain\":1}", false), kMax).has_value());
    REQUIRE(inflate.add(frame(two), kMax).has_value());
    REQUIRE(inflate.add(frame(three), kMax).has_value());
    const auto& out = inflate.frames();
    REQUIRE(out.size() == 4);
    CHECK(text(out[0]) == R"({"ping":1})");
    CHECK(text(out[2]) == long_text);
    CHECK(text(out[3]).empty());
    CHECK_FALSE(out[1].binary);
    CHECK(out[0].wall_ms == 7);
    for (const std::size_t i : {0U, 2U, 3U}) {
      CHECK_FALSE(out[i].binary);
      REQUIRE(out[i].capacity == out[i].size + 64);
      for (std::uint32_t at = out[i].size; at < out[i].capacity; ++at) REQUIRE(out[i].data[at] == 0);
    }
  }
}

TEST_CASE("a damaged, cut, too long or doubled message is an error and costs no other") {
  Inflate inflate(AND_DECODE_GZIP);
  const std::string good = packed("good"), bomb = packed(std::string(kMax + 1, '0'));
  std::string long_text(200, 'a');
  long_text.back() = 'b';
  std::string spoilt = packed(long_text);
  spoilt[spoilt.size() - 6] = static_cast<char>(spoilt[spoilt.size() - 6] ^ 0x55);  // the checksum
  for (std::size_t n = 2; n < good.size(); ++n) CHECK_FALSE(inflate.add(frame(good.substr(0, n)), kMax).has_value());
  CHECK_FALSE(inflate.add(frame(spoilt), kMax).has_value());
  CHECK_FALSE(inflate.add(frame(good + "x"), kMax).has_value());
  CHECK_FALSE(inflate.add(frame(bomb), kMax).has_value());
  CHECK(inflate.add(frame(packed(std::string(kMax, '0'))), kMax).has_value());
  CHECK(inflate.add(frame(good), kMax).has_value());
  REQUIRE(inflate.frames().size() == 2);
  CHECK(text(inflate.frames()[1]) == "good");
}

TEST_CASE("what is not compressed passes as it is, zlib streams are another setting") {
  Inflate gzip(AND_DECODE_GZIP), zlib(AND_DECODE_DEFLATE);
  const std::string plain = "\x01\x02\x03", stream = packed("hello", 15);
  CHECK(gzip.add(frame(plain), kMax).has_value());
  CHECK(gzip.add(frame(stream), kMax).has_value());
  CHECK(text(gzip.frames()[0]) == plain);
  CHECK(gzip.frames()[0].binary);
  CHECK(text(gzip.frames()[1]) == stream);
  REQUIRE(zlib.add(frame(stream), kMax).has_value());
  CHECK(text(zlib.frames()[0]) == "hello");
}
