// Bytes and their lower-case 0x-prefixed hex text. Pure functions, any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace anduin {

using Bytes = std::vector<std::uint8_t>;

/// "0x" + two lower-case digits a byte.
std::string to_hex(std::span<const std::uint8_t> bytes);
/// Accepts with or without 0x, any case; nothing for odd length or a foreign character.
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace anduin
