// What a venue's answer to a request means for the asker: the venue's own table of codes brought into seven verdicts.
// A venue writes `judge(reply)`; PublicVenue and AccountVenue act on the verdict. Plain values; any thread.
// Views point into the reply: valid until its callback returns.
#pragma once
#include <cstdint>
#include <string>

#include "anduin/plugin.hpp"

namespace anduin {

enum class Verdict : std::uint8_t {
  kOk,
  kClock,    ///< our time stamp is outside the window: learn the clock, then once more
  kRate,     ///< asked too often: once more at `retry_at_ms`
  kBanned,   ///< every request of this address is refused for a while
  kServer,   ///< the venue's trouble, or no answer at all: once more, later and later
  kRequest,  ///< this request is wrong: asking again as it is cannot help
  kAuth,     ///< the key: a person has to act
};

struct Answer {
  Verdict verdict = Verdict::kOk;
  std::int64_t code = 0;         ///< the venue's, or the HTTP status
  std::string text;              ///< the venue's words, or the transport's
  std::int64_t retry_at_ms = 0;  ///< kRate, kBanned: venue time, 0 = not said
  json::View result;             ///< kOk: the payload without its envelope
  RequestId request = 0;         ///< kOk: for clock()

  [[nodiscard]] bool ok() const { return verdict == Verdict::kOk; }
  static Answer failed(Verdict verdict, std::string text, std::int64_t code = 0) {
    Answer a;
    a.verdict = verdict;
    a.code = code;
    a.text = std::move(text);
    return a;
  }
};

/// The part that is the same everywhere: no answer at all, and the statuses without a body worth reading.
/// Nothing when the body decides.
inline std::optional<Answer> judge_transport(const venue::Reply& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (reply.status == AND_HTTP_REFUSED) return Answer::failed(Verdict::kRequest, "not sent: " + reply.reason());
  if (reply.status < 0) return Answer::failed(Verdict::kServer, "no answer: " + reply.reason());
  if (reply.status == 403 && !reply.body.starts_with('{'))
    return Answer::failed(Verdict::kBanned, status + ": too many requests, or this address is not served", 403);
  if (reply.status == 418) return Answer::failed(Verdict::kBanned, status + ": this address is banned for a while", 418);
  if (reply.status == 429) {
    Answer a = Answer::failed(Verdict::kRate, status, 429);
    return a;
  }
  if (reply.status >= 500) return Answer::failed(Verdict::kServer, status, reply.status);
  return std::nullopt;
}

/// The envelope {code, msg, data} that several venues use. `verdict_of` is the venue's own table of codes; a code that
/// it does not know, behind a status that says it passes, passes. The caller looks at the shape of `result`.
inline Answer judge_envelope(const venue::Reply& reply, Verdict (*verdict_of)(std::int64_t code)) {
  const auto transport = judge_transport(reply);
  // 429 and the like carry a body with a code of the table; a gateway's page does not.
  if (transport && !(reply.status >= 400 && reply.body.starts_with('{'))) return *transport;
  Answer out;
  try {
    const auto [code, message, data] = reply.json().get<"code", "msg", "data">();
    const auto number = code.i64_or_none();
    if (!number) {
      if (transport) return *transport;
      return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest,
                            "HTTP " + std::to_string(reply.status) + " without a code", reply.status);
    }
    out.code = *number;
    out.verdict = verdict_of(*number);
    out.text = message.text();
    out.result = data;
    if (transport && (out.verdict == Verdict::kRequest || out.verdict == Verdict::kOk))
      out.verdict = transport->verdict;
  } catch (const BadFrame& e) {
    return Answer::failed(Verdict::kServer, std::string("an answer that is no JSON: ") + e.what());
  }
  return out;
}

}  // namespace anduin
