// Chain words: 256-bit integers, addresses, hashes. Plain values, any thread.
#pragma once
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/hex.hpp"

namespace anduin::chain {

/// Checked: overflow and underflow throw std::overflow_error / std::range_error, never wrap.
using U256 = boost::multiprecision::checked_uint256_t;

struct Hash {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const Hash&) const = default;
  [[nodiscard]] std::string to_string() const { return to_hex(bytes); }
  [[nodiscard]] bool is_zero() const { return *this == Hash{}; }
  /// 0x + 64 hex digits, any case; nothing otherwise.
  static std::optional<Hash> parse(std::string_view text);
};

struct Address {
  std::array<std::uint8_t, 20> bytes{};
  auto operator<=>(const Address&) const = default;
  /// EIP-55 mixed case.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_zero() const { return *this == Address{}; }
  /// 0x + 40 hex digits: all lower, all upper, or a correct EIP-55 checksum; nothing otherwise.
  static std::optional<Address> parse(std::string_view text);
};

/// An address as a person configures it: Address::parse and not zero. The error (kBadRequest) says what is
/// wrong.
Result<Address> parse_account_address(std::string_view text);

/// Big-endian, exactly 32 bytes.
std::array<std::uint8_t, 32> to_word(const U256& value);
/// Big-endian, at most 32 bytes (more: std::range_error).
U256 from_big_endian(std::span<const std::uint8_t> bytes);

/// keccak-256 with the original padding (not SHA3-256).
Hash keccak256(std::span<const std::uint8_t> data);
Hash keccak256(std::string_view text);

}  // namespace anduin::chain
