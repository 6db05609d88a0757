// What Bybit's answers mean: HTTP status first, then `retCode` (errors come with HTTP 200), by the table of the error
// page. Pure functions, any thread. Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::bybit {

enum class Verdict : std::uint8_t {
  kOk,
  kClock,    ///< our time stamp is outside the window: learn the clock, then once more
  kRate,     ///< asked too often: once more at `retry_at_ms`
  kBanned,   ///< HTTP 403: every request of this address is refused for ten minutes
  kServer,   ///< the venue's trouble, or no answer at all: once more, later and later
  kRequest,  ///< this request is wrong: asking again as it is cannot help
  kAuth,     ///< the key: a person has to act
};

struct Answer {
  Verdict verdict = Verdict::kOk;
  std::int64_t code = 0;          ///< retCode, or 0
  std::string text;               ///< retMsg or the transport's words
  std::int64_t retry_at_ms = 0;   ///< kRate: venue time, 0 = not said
  json::View result;              ///< kOk: `result`
  std::int64_t server_ms = 0;     ///< kOk: the envelope's `time`, 0 = not said
};

/// HTTP 403 lasts at least so long, and every further request prolongs it.
inline constexpr std::uint64_t kBanMs = 10 * 60 * 1000 + 5'000;

[[nodiscard]] Answer judge(const venue::Reply& reply);
/// The class of a code; anything not in the table is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::bybit
