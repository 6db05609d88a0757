#include "errors.hpp"

#include <charconv>

namespace anduin::kucoin {
namespace {

/// Nothing for a body that is no answer of KuCoin's.
std::optional<std::int64_t> code_of(const json::View& code) {
  const std::string_view s = code.str();
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  if (s.empty() || error != std::errc() || end != s.data() + s.size()) return std::nullopt;
  return out;
}

/// Without the headers of the limiter a 429000 is KuCoin's own overload, and passes like any trouble of its.
Answer limited(const venue::Reply& reply, std::int64_t now_ms, std::string text) {
  const auto reset = reply.header("gw-ratelimit-reset").i64_or_none();
  Answer out = Answer::failed(reset ? Verdict::kRate : Verdict::kServer, std::move(text), 429000);
  if (reset) out.retry_at_ms = now_ms + *reset;
  return out;
}

}  // namespace

Verdict verdict_of(std::int64_t code) {
  switch (code) {
    case 200:  // of older documentation samples
    case 200000: return Verdict::kOk;
    case 400002: return Verdict::kClock;
    case 429000:
    case 200002: return Verdict::kRate;
    case 1015: return Verdict::kBanned;
    case 230005:
    case 500000: return Verdict::kServer;
    case 400001:
    case 400003:
    case 400004:
    case 400005:
    case 400006:
    case 400007:
    case 400008:
    case 400009:
    case 411100: return Verdict::kAuth;
    default: return Verdict::kRequest;
  }
}

Answer judge(const venue::Reply& reply, std::int64_t now_ms) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (!reply.body.starts_with('{') || reply.status < 0) {
    if (reply.status == 429)
      return Answer::failed(Verdict::kBanned, status + ": too many requests of this address", 1015);
    if (auto done = judge_transport(reply)) return *done;
    return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest, status + " without an answer",
                          reply.status);
  }
  try {
    const auto [code, message, data] = reply.json().get<"code", "msg", "data">();
    const auto number = code_of(code);
    if (!number || *number == 429000) {
      if (reply.status == 429 || number) return limited(reply, now_ms, number ? message.text() : status);
      if (auto done = judge_transport(reply)) return *done;
      return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest, status + " without a code",
                            reply.status);
    }
    Answer out;
    out.code = *number;
    out.verdict = verdict_of(*number);
    if (out.verdict == Verdict::kRequest && reply.status >= 500) out.verdict = Verdict::kServer;
    if (out.verdict == Verdict::kRate) return limited(reply, now_ms, message.text());
    out.text = message.text();
    out.result = data;
    return out;
  } catch (const BadFrame& e) {
    return Answer::failed(Verdict::kServer, std::string("an answer that is no JSON: ") + e.what(), reply.status);
  }
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (KuCoin " + std::to_string(code) + ": " + std::string(venue_text) + ")";
  };
  switch (code) {
    case 400001: return because("KuCoin misses a part of the signature: the account needs key, secret and passphrase");
    case 400002:
      return because(
          "KuCoin refuses our time stamps although its clock was asked: a proxy may be holding requests back");
    case 400003:
      return because(
          "KuCoin does not know this API key: check the key, whether it has expired, and that the account's "
          "endpoints are those of its site (global or EU)");
    case 400004: return because("KuCoin found a wrong passphrase: it is the one chosen when the API key was made");
    case 400005: return because("KuCoin found a wrong signature: check the account's secret");
    case 400006: return because("The API key is bound to other IP addresses: add this host's address to the key");
    case kNoPermission:
      return because("The API key may not read " + std::string(path) +
                     ": KuCoin's documents ask for its permission Futures there, which is also the right to trade, so "
                     "the account needs allow_trading_key: true as well");
    case 400008: return because("The API key's version is too old: make a new key (version 3)");
    case 400009: return because("KuCoin does not take this key version: set key_version to what it shows for the key");
    case 411100: return because("KuCoin has frozen this account: ask its support");
    default: return because("KuCoin refused the account: check key, secret, passphrase and endpoints");
  }
}

}  // namespace anduin::kucoin
