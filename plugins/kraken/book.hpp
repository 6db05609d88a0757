// A spot order book that keeps the digits as they were sent, for Kraken's CRC32 over the ten best levels.
// Thread: one instance's. Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/book.hpp"

namespace anduin::kraken {

/// A non-negative decimal as written, trailing zeros kept in the mantissa: they are part of the checksum.
/// Throws BadFrame for anything else.
Decimal exact_lexeme(std::string_view text);

/// CRC-32 (the one of zlib) of a text.
std::uint32_t crc32(std::string_view text);

/// The decimals of a pair as its instrument list has them.
struct Precision {
  int price = 0, size = 0;
};

/// The checksum's input: price and size of the ten best asks, then bids, without point and leading zeros. `at_least`
/// brings back trailing zeros that a JSON writer dropped.
std::string checksum_input(const OrderBook& book, Precision at_least = {});

inline std::uint32_t checksum(const OrderBook& book, Precision at_least = {}) {
  return crc32(checksum_input(book, at_least));
}

}  // namespace anduin::kraken
