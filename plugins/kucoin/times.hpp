// KuCoin's times: nanoseconds in tickers, milliseconds in order books and rows, by the field and the year. And the day
// that a token, and with it a connection, lives. Pure, any thread.
#pragma once
#include <cstdint>

namespace anduin::kucoin {

/// Connections end after 24 hours: they are replaced an hour before.
inline constexpr std::uint64_t kRotateMs = 23ULL * 3600 * 1000;

/// A time by its magnitude, in ms since the Unix epoch; 0 stays 0.
constexpr std::int64_t to_ms(std::int64_t t) {
  constexpr std::int64_t kNanosFrom = 100'000'000'000'000'000, kMicrosFrom = 100'000'000'000'000;
  return t >= kNanosFrom ? t / 1'000'000 : t >= kMicrosFrom ? t / 1'000 : t;
}

}  // namespace anduin::kucoin
