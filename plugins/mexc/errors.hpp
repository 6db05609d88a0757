// What MEXC's answers mean. Two dialects on one host: the contract API answers HTTP 200 with {success, code, message,
// data}, the spot API (key probe) a bare object, or {code, msg} with a table of its own. Pure functions, any thread.
// Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::mexc {

/// "Signature verification failed!": seen on single calls while others of the same key work.
inline constexpr std::int64_t kBadSignature = 602;
/// The contract's row has left the catalogue, or never was there.
inline constexpr std::int64_t kNoContract = 1001;

[[nodiscard]] Answer judge(const venue::Reply& reply);
/// The class of a code of the contract API; anything not in the table is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// The same for the spot API, whose numbers mean other things.
[[nodiscard]] Verdict spot_verdict_of(std::int64_t code);
/// A code that says: not this request, with this key; the rest may work.
[[nodiscard]] bool is_missing_right(std::int64_t code);
/// What the words of a refused login mean: a socket names no code. kServer where they tell nothing: REST will tell.
[[nodiscard]] Verdict verdict_of_login(std::string_view text);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::mexc
