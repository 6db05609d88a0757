// What KuCoin's answers mean: `code`, a text in REST answers, by the table of the error page; parameters are refused
// with HTTP 200. Pure functions, any thread. Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::kucoin {

inline constexpr std::int64_t kNoPermission = 400007;
/// What the network in front of KuCoin imposes on an address that asked too often (its code 1015).
inline constexpr std::uint64_t kBanMs = 30'000;

/// `now_ms`: the venue's time, to which the headers' durations are added.
[[nodiscard]] Answer judge(const venue::Reply& reply, std::int64_t now_ms);
/// The class of a code; anything not in the table is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::kucoin
