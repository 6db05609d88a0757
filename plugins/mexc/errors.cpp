#include "errors.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace anduin::mexc {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

Verdict verdict_of(std::int64_t code) {
  switch (code) {
    case 0:
      return Verdict::kOk;
    case 513:
      return Verdict::kClock;
    case 510:
      return Verdict::kRate;
    case 500:
    case 501:
    case 9999:
      return Verdict::kServer;
    case 401:
    case 402:
    case 406:
    case kBadSignature:
    case 701:
    case 702:
    case 703:
    case 704:
      return Verdict::kAuth;
    default:
      return Verdict::kRequest;
  }
}

Verdict spot_verdict_of(std::int64_t code) {
  switch (code) {
    case 0:
      return Verdict::kOk;
    case 10073:
    case 700003:
      return Verdict::kClock;
    case 429:
      return Verdict::kRate;
    case 500:
      return Verdict::kServer;
    case 10072:
    case 700001:
    case 700002:
    case 700006:
    case 700007:
      return Verdict::kAuth;
    default:
      return Verdict::kRequest;
  }
}

bool is_missing_right(std::int64_t code) { return (code >= 701 && code <= 704) || code == 700007; }

Answer judge(const venue::Reply& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  // Errors of the spot API come with their own status; the body decides where there is one.
  if (!reply.body.starts_with('{') || reply.status < 0) {
    if (auto failed = judge_transport(reply)) return std::move(*failed);
    return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest, status + " without an answer",
                          reply.status);
  }
  if (reply.status == 429) return Answer::failed(Verdict::kRate, status, 429);
  Answer out;
  try {
    const json::View body = reply.json();
    const auto [success, code, message, words, data] = body.get<"success", "code", "message", "msg", "data">();
    const auto number = code.i64_or_none();
    const bool contract = !success.absent();
    if (!number && (contract || !reply.ok())) {
      if (auto failed = judge_transport(reply)) return std::move(*failed);
      return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest, status + " without a code",
                            reply.status);
    }
    out.code = number.value_or(0);
    out.text = message ? message.text() : words.text();
    out.verdict = contract || words.absent() ? verdict_of(out.code) : spot_verdict_of(out.code);
    // Neither half of an envelope that contradicts itself is believed.
    if (contract && out.ok() != success.truthy())
      return Answer::failed(out.ok() ? Verdict::kServer : out.verdict,
                            "success is " + success.text() + " with code " + std::to_string(out.code), out.code);
    if (out.verdict == Verdict::kRequest && reply.status >= 500) out.verdict = Verdict::kServer;
    out.result = contract ? data : body;
  } catch (const BadFrame& e) {
    return Answer::failed(Verdict::kServer, std::string("an answer that is no JSON: ") + e.what(), reply.status);
  }
  return out;
}

Verdict verdict_of_login(std::string_view text) {
  static constexpr std::array<std::string_view, 5> kKey{"signature", "api key", "apikey", "expired", "ip "};
  static constexpr std::array<std::string_view, 2> kTime{"time", "513"};
  const std::string words = lower(text);
  const auto has = [&](std::string_view w) { return words.find(w) != std::string::npos; };
  if (std::any_of(kKey.begin(), kKey.end(), has)) return Verdict::kAuth;
  if (std::any_of(kTime.begin(), kTime.end(), has)) return Verdict::kClock;
  return Verdict::kServer;
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (MEXC " + std::to_string(code) + ": " + std::string(venue_text) + ")";
  };
  switch (code) {
    case 401:
    case 10072:
    case 700001:
      return because("MEXC does not know this API key: check the key");
    case 402:
      return because("The API key has expired (keys without an IP list live 90 days): make a new one with an IP list");
    case 406:
    case 700006:
      return because("The API key is bound to other IP addresses: add this host's address to the key");
    case kBadSignature:
    case 700002:
      return because("MEXC found a wrong signature: check the account's secret");
    case 513:
    case 10073:
    case 700003:
      return because("MEXC refuses our time stamps although its clock was asked: a proxy may be holding requests back");
    case 701:
    case 702:
    case 703:
    case 704:
    case 700007:
      return because(
          "The API key may not read " + std::string(path) +
          ": give it the rights to read the contract account, its orders and positions, and the spot account");
    default:
      return because("MEXC refused the account: check key, secret and endpoints");
  }
}

}  // namespace anduin::mexc
