// What Bybit's answers mean: HTTP status first, then `retCode` (errors come with HTTP 200), by the table of the error
// page. Pure functions, any thread. Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::bybit {

/// HTTP 403 lasts at least so long, and every further request prolongs it.
inline constexpr std::uint64_t kBanMs = 10 * 60 * 1000 + 5'000;

[[nodiscard]] Answer judge(const venue::Reply& reply);
/// The class of a code; anything not in the table is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::bybit
