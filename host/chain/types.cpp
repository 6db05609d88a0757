#include "chain/types.hpp"

#include <cryptopp/keccak.h>

#include <algorithm>
#include <stdexcept>

namespace anduin::chain {

namespace {

constexpr bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// 0x, then exactly two digits for each byte of `out`.
bool parse_fixed(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != 2 + out.size() * 2 || !text.starts_with("0x")) return false;
  const auto bytes = from_hex(text);
  if (!bytes) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

}  // namespace

std::optional<Hash> Hash::parse(std::string_view text) {
  Hash out;
  if (!parse_fixed(text, out.bytes)) return std::nullopt;
  return out;
}

std::string Address::to_string() const {
  std::string text = to_hex(bytes);
  const Hash mask = keccak256(std::string_view(text).substr(2));
  for (std::size_t i = 0; i < 40; ++i) {
    const std::uint8_t nibble = (mask.bytes[i / 2] >> (i % 2 == 0 ? 4U : 0U)) & 15U;
    char& c = text[2 + i];
    if (nibble >= 8 && c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::optional<Address> Address::parse(std::string_view text) {
  Address out;
  if (!parse_fixed(text, out.bytes)) return std::nullopt;
  const std::string_view digits = text.substr(2);
  const bool lower = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'a'; });
  const bool upper = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (lower && upper && out.to_string() != text) return std::nullopt;
  return out;
}

Result<Address> parse_account_address(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Error{ErrorKind::kBadRequest, "address " + std::string(text.substr(0, 64)), why};
  };
  if (!text.starts_with("0x")) return bad("an address starts with 0x");
  if (text.size() != 42) return bad("an address has 40 hex digits behind 0x");
  if (!std::all_of(text.begin() + 2, text.end(), is_hex)) return bad("not a hex digit");
  const auto address = Address::parse(text);
  if (!address)
    return bad("the EIP-55 checksum (upper and lower case) is wrong: a digit was changed or mistyped");
  if (address->is_zero()) return bad("the zero address is nobody's account");
  return *address;
}

std::array<std::uint8_t, 32> to_word(const U256& value) {
  std::array<std::uint8_t, 32> out{};
  U256 rest = value;
  for (std::size_t i = 32; i-- > 0 && rest != 0;) {
    out[i] = static_cast<std::uint8_t>(rest & 0xff);
    rest >>= 8;
  }
  return out;
}

U256 from_big_endian(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > 32) throw std::range_error("an integer of more than 32 bytes");
  U256 out = 0;
  for (const std::uint8_t b : bytes) {
    out <<= 8;
    out |= b;
  }
  return out;
}

Hash keccak256(std::span<const std::uint8_t> data) {
  Hash out;
  CryptoPP::Keccak_256 hasher;
  hasher.Update(data.data(), data.size());
  hasher.TruncatedFinal(out.bytes.data(), out.bytes.size());
  return out;
}

Hash keccak256(std::string_view text) {
  return keccak256(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

}  // namespace anduin::chain
