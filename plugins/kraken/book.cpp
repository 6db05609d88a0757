#include "book.hpp"

#include <array>

#include "anduin/json.hpp"

namespace anduin::kraken {
namespace {

constexpr std::size_t kChecksumLevels = 10;
/// More digits than any pair has; keeps the mantissa inside 128 bits.
constexpr int kDigitsMax = 37;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1U) : c >> 1U;
    table[i] = c;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

void append_digits(std::string& out, const Decimal& d, int decimals_min) {
  auto u = static_cast<Decimal::Unsigned>(d.abs().mantissa());
  char digits[40];
  int n = 0;
  for (; u != 0; u /= 10) digits[n++] = static_cast<char>('0' + static_cast<int>(u % 10));
  if (n == 0) return;
  while (n > 0) out += digits[--n];
  if (const int missing = decimals_min + d.exp10(); missing > 0) out.append(static_cast<std::size_t>(missing), '0');
}

void append_side(std::string& out, const std::vector<OrderBook::Level>& side, Precision at_least) {
  std::size_t n = 0;
  for (auto level = side.rbegin(); level != side.rend() && n < kChecksumLevels; ++level, ++n) {
    append_digits(out, level->price, at_least.price);
    append_digits(out, level->size, at_least.size);
  }
}

}  // namespace

Decimal exact_lexeme(std::string_view text) {
  Decimal::Unsigned m = 0;
  int digits = 0;
  std::int32_t exp10 = 0;
  bool point = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      m = m * 10 + static_cast<unsigned>(c - '0');
      if (m != 0) ++digits;
      if (point) --exp10;
      if (digits > kDigitsMax) throw BadFrame("a number with too many digits: " + std::string(text.substr(0, 64)));
    } else if (c == '.' && !point) {
      point = true;
    } else {
      // An exponent hides the precision that the checksum needs; the value is still right.
      if (const auto d = Decimal::parse(text); d && d->sign() >= 0) return *d;
      throw BadFrame("not a price or size: '" + std::string(text.substr(0, 64)) + "'");
    }
  }
  if (text.empty() || text == ".") throw BadFrame("a price or size is missing");
  return Decimal(static_cast<Decimal::Mantissa>(m), exp10);
}

std::uint32_t crc32(std::string_view text) {
  std::uint32_t c = 0xFFFFFFFFU;
  for (const char ch : text) c = kCrcTable[(c ^ static_cast<unsigned char>(ch)) & 0xFFU] ^ (c >> 8U);
  return c ^ 0xFFFFFFFFU;
}

std::string checksum_input(const OrderBook& book, Precision at_least) {
  std::string out;
  out.reserve(4 * kChecksumLevels * 16);
  append_side(out, book.asks(), at_least);
  append_side(out, book.bids(), at_least);
  return out;
}

}  // namespace anduin::kraken
