// What OKX's answers mean: `code` of the body first (errors come with HTTP 200, 400, 401 and 429 alike), the HTTP
// status where there is none. Pure functions, any thread. Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::okx {

/// Codes of REST and of the sockets; anything not in the tables is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code);
/// `result` is the list `data`.
[[nodiscard]] Answer judge(const venue::Reply& reply);
/// The key may not do this one thing.
[[nodiscard]] bool is_missing_right(std::int64_t code);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::okx
