// Recursive Length Prefix, the byte format of Ethereum transactions: encoding, and strict decoding.
// Pure functions, any thread. Decoding accepts canonical encodings only, so that encode(decode(x)) == x.
#pragma once
#include <vector>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::chain::rlp {

/// A byte string, or a list of items.
struct Item {
  bool is_list = false;
  Bytes bytes;              ///< when not a list
  std::vector<Item> items;  ///< when a list

  static Item string(Bytes b) { return {false, std::move(b), {}}; }
  static Item list(std::vector<Item> l) { return {true, {}, std::move(l)}; }
  /// The shortest big-endian form; zero is the empty string.
  static Item integer(const U256& value);
  bool operator==(const Item&) const = default;
};

/// Nesting that decode() accepts; transactions nest three deep, the bound keeps the stack small.
inline constexpr int kDepthMax = 32;

Bytes encode(const Item& item);
/// The whole input must be one item. kProtocol on truncation, trailing bytes, non-minimal lengths or depth.
Result<Item> decode(std::span<const std::uint8_t> data);
/// A string item as an integer: at most 32 bytes, no leading zero. kProtocol otherwise.
Result<U256> to_integer(const Item& item);

}  // namespace anduin::chain::rlp
