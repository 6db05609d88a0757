// What Bitget's answers mean: `code` of the body first (a text or a number, with HTTP 200, 400, 401 and 429 alike), the
// HTTP status where there is none. Pure functions but Strikes, which is one instance's; any thread.
// Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::bitget {

inline constexpr std::uint64_t kBanMs = 5 * 60'000;  ///< so long the 6,000 requests a minute of an address stay shut
inline constexpr std::int64_t kUnifiedAccount = 40085, kClassicAccount = 40084, kOtherMode = 25245;

/// Codes of REST and of the sockets; anything not in the tables is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// `result` is `data`.
[[nodiscard]] Answer judge(const venue::Reply& reply);
/// The request was of the API generation that this account is not of.
[[nodiscard]] bool is_other_generation(std::int64_t code);
/// The key may not do this one thing.
[[nodiscard]] bool is_missing_right(std::int64_t code);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

/// Refusals for asking too often, in a row: one is a busy second, several are the address's own limit.
class Strikes {
 public:
  [[nodiscard]] Answer count(Answer answer) {
    if (answer.verdict == Verdict::kOk) strikes_ = 0;
    if (answer.verdict == Verdict::kRate && ++strikes_ >= kStrikesMax) {
      answer.verdict = Verdict::kBanned;
      strikes_ = 0;
    }
    return answer;
  }

 private:
  static constexpr unsigned kStrikesMax = 4;
  unsigned strikes_ = 0;
};

}  // namespace anduin::bitget
