// What HTX's answers mean. Two envelopes are in use: `code` and `message` of V5 and the spot host, `status` with
// `err_code` and `err_msg` of older paths; most errors come with HTTP 200, and 1003 means one thing in each.
// Pure functions, any thread. Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/rest.hpp"

namespace anduin::htx {

enum class Envelope : std::uint8_t { kV5, kOld };

/// kOk: `result` is the whole answer, envelope included. `now_ms` turns a waiting time into a time.
[[nodiscard]] Answer judge(const venue::Reply& reply, std::int64_t now_ms);
/// The class of a REST code; anything not in the table is kRequest.
[[nodiscard]] Verdict verdict_of(std::int64_t code, Envelope envelope);
/// The class of an `err-code` of the private link's login. kOk: it is, or was, logged in.
[[nodiscard]] Verdict login_verdict_of(std::int64_t code, std::string_view text);
/// One sentence for a kAuth code: what is wrong and what a person should do.
[[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path);

}  // namespace anduin::htx
