#include "errors.hpp"

namespace anduin::htx {
namespace {

constexpr std::int64_t kOkCode = 200;
constexpr std::int64_t kLimitDefaultMs = 3'000;  // the window of the read limit, where no header says when it ends
constexpr std::int64_t kDurationMax = 100'000'000'000;  // larger figures are points in time

}  // namespace

Verdict verdict_of(std::int64_t code, Envelope envelope) {
  switch (code) {
    case kOkCode:
      return Verdict::kOk;
    case 1003:
      return envelope == Envelope::kV5 ? Verdict::kAuth : Verdict::kServer;  // signature; their database
    case 1000:
    case 1001:
    case 1002:
    case 1004:
    case 1005:
    case 1056:  // settlement: nothing is there to be read
    case 1077:
    case 1078:
    case 1079:
    case 1080:
      return Verdict::kServer;
    case 1032:
      return Verdict::kRate;
    case 12001:
    case 12006:
      return Verdict::kClock;
    case 403:
    case 1220:
    case 1510:
    case 4002:
    case 4007:
    case 12002:
    case 12003:
    case 12004:
    case 12005:
    case 12007:
    case 12008:
    case 12009:
      return Verdict::kAuth;
    default:
      return Verdict::kRequest;
  }
}

Verdict login_verdict_of(std::int64_t code, std::string_view text) {
  switch (code) {
    case 0:
    case 2005:
      return Verdict::kOk;
    case 2004:
      return Verdict::kRate;
    case 2002:  // something was sent before the login had ended: log in anew
    case 2030:
      return Verdict::kServer;
    default:
      // A login stamp outside the window has no code of its own.
      return text.find("submission time") != std::string_view::npos || text.find("imestamp") != std::string_view::npos
                 ? Verdict::kClock
                 : Verdict::kAuth;
  }
}

Answer judge(const venue::Reply& reply, std::int64_t now_ms) {
  const auto reset_at = [&] {
    const std::int64_t stated = reply.header("ratelimit-reset").i64_or_none().value_or(kLimitDefaultMs);
    return stated < kDurationMax ? now_ms + stated : stated;
  };
  if (auto known = judge_transport(reply)) {
    if (known->verdict == Verdict::kRate) known->retry_at_ms = reset_at();
    return *known;
  }
  try {
    const json::View whole = reply.json();
    const auto [code, message, msg, status, err_code, err_dash, err_msg, err_dash_msg] =
        whole.get<"code", "message", "msg", "status", "err_code", "err-code", "err_msg", "err-msg">();
    Answer out;
    if (!status.absent()) {
      const json::View said = err_code ? err_code : err_dash;
      out.text = (err_msg ? err_msg : err_dash_msg).text();
      if (status == "ok") {
        out.verdict = Verdict::kOk;
      } else {
        out.code = said.i64_or_none().value_or(0);
        out.verdict = verdict_of(out.code, Envelope::kOld);
      }
    } else if (const auto number = code.i64_or_none()) {
      out.code = *number;
      out.text = (message ? message : msg).text();
      out.verdict = verdict_of(*number, Envelope::kV5);
    } else {
      return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest,
                            "HTTP " + std::to_string(reply.status) + " without a code", reply.status);
    }
    if (out.ok() && !reply.ok())
      return Answer::failed(Verdict::kServer, "HTTP " + std::to_string(reply.status) + " with a body that says success",
                            reply.status);
    if (out.ok()) out.result = whole;
    if (out.verdict == Verdict::kRate) out.retry_at_ms = reset_at();
    return out;
  } catch (const BadFrame& e) {
    return Answer::failed(Verdict::kServer, std::string("an answer that is no JSON: ") + e.what(), reply.status);
  }
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (HTX " + std::to_string(code) + " at " + std::string(path) + ": " +
           std::string(venue_text) + ")";
  };
  switch (code) {
    case 403:
      return because("HTX does not know this API key: check the account's key");
    case 1003:
    case 2001:
    case 2003:
      return because(
          "HTX refuses the signature: check key and secret, and that the account's endpoints name the host "
          "that is really connected to, since it is part of what is signed");
    case 1220:
    case 2007:
      return because("Futures are not opened on this HTX account: open them on the site");
    case 1510:
    case 4002:
    case 4007:
      return because(
          "This HTX account is of another type than the V5 API serves: move it to the multi-asset account "
          "on the site");
    case 12002:
    case 12003:
      return because("HTX refuses the signature method: the plugin and the venue do not agree, report it");
    case 12004:
      return because("The HTX API key has expired: make a new one and bind it to this host's address");
    case 12005:
      return because("The HTX API key is bound to other IP addresses: add this host's address to the key");
    default:
      return because("HTX refused the login: check key, secret and endpoints of the account");
  }
}

}  // namespace anduin::htx
