#include "errors.hpp"

#include <algorithm>
#include <charconv>

namespace anduin::kraken {
namespace {

constexpr std::int64_t kRetryMsMin = 1'000;
constexpr std::int64_t kRetryMsMax = 60'000;
/// Spot counters sink by a third of a point a second: a ledger call is affordable again by then.
constexpr std::int64_t kSpotRateWaitMs = 15'000;
constexpr std::int64_t kLockoutMs = 15 * 60'000 + 5'000;
/// The history pool refills by one token in six seconds.
constexpr std::int64_t kFuturesRateWaitMs = 30'000;
/// A higher nonce is tried once; more of them ban the key.
constexpr int kNonceTriesMax = 2;
constexpr std::size_t kQuoteBytes = 200;

bool begins(std::string_view text, std::string_view with) { return text.starts_with(with); }

Judgement no_answer(const venue::Reply& reply) {
  return {Verdict::kRetry, reply.status == AND_HTTP_REFUSED ? "the host did not send it: " + reply.reason()
                                                            : "no answer: " + reply.reason()};
}

std::string quote_of(const venue::Reply& reply) {
  return "HTTP " + std::to_string(reply.status) + ": " + std::string(reply.body.substr(0, kQuoteBytes));
}

Judgement spot_error(const std::string& text, std::int64_t now_ms) {
  if (begins(text, "EAPI:Invalid nonce")) return {Verdict::kNonce, text};
  if (begins(text, "EAPI:Invalid key") || begins(text, "EAPI:Invalid signature") || begins(text, "EAuth:"))
    return {Verdict::kFatal, text};
  if (begins(text, "EGeneral:Permission denied") || begins(text, "EAPI:Feature disabled"))
    return {Verdict::kDenied, text};
  if (begins(text, "EGeneral:Temporary lockout")) return {Verdict::kLockout, text, kLockoutMs};
  constexpr std::string_view kThrottled = "EService:Throttled:";
  if (begins(text, kThrottled)) {
    std::int64_t until_s = 0;
    std::from_chars(text.data() + kThrottled.size(), text.data() + text.size(), until_s);
    return {Verdict::kRateLimit, text, std::clamp<std::int64_t>(until_s * 1000 - now_ms, kRetryMsMin, kLockoutMs)};
  }
  if (begins(text, "EAPI:Rate limit exceeded") || begins(text, "EGeneral:Too many requests"))
    return {Verdict::kRateLimit, text, kSpotRateWaitMs};
  return {Verdict::kRetry, text};  // EService:Unavailable, EService:Busy, EGeneral:Internal error, and new ones
}

Judgement futures_error(const std::string& text) {
  if (text == "apiLimitExceeded") return {Verdict::kRateLimit, text, kFuturesRateWaitMs};
  if (text == "authenticationError") return {Verdict::kFatal, text};
  if (text == "nonceBelowThreshold" || text == "nonceDuplicate") return {Verdict::kNonce, text};
  if (text == "accessDenied" || text == "permissionDenied") return {Verdict::kDenied, text};
  return {Verdict::kRetry, text};  // unavailable, Server Error, and new ones
}

}  // namespace

Judgement judge_spot(const venue::Reply& reply, std::int64_t now_ms) try {
  if (reply.status <= 0) return no_answer(reply);
  if (!reply.body.empty() && reply.body.front() == '{') {
    // The body first, whatever the status says.
    for (const json::View e : reply.json()["error"]) {
      const std::string text = e.text();
      if (!begins(text, "W")) return spot_error(text, now_ms);
    }
    if (reply.ok()) return {};
  }
  if (reply.status == 429) return {Verdict::kRateLimit, quote_of(reply), kSpotRateWaitMs};
  return {Verdict::kRetry, quote_of(reply)};
} catch (const BadFrame& e) {
  return {Verdict::kRetry, "an answer that is no JSON: " + std::string(e.what())};
}

Judgement judge_futures(const venue::Reply& reply) try {
  if (reply.status <= 0) return no_answer(reply);
  if (!reply.body.empty() && reply.body.front() == '{') {
    const auto [result, error, errors, status] = reply.json().get<"result", "error", "errors", "status">();
    if (result == "error" || (error && error.is_string() && reply.status != 401)) {
      const std::string text = error ? error.text() : errors[0]["message"].text();
      Judgement j = futures_error(text);
      if (j.verdict != Verdict::kRetry || reply.status < 400) return j;
    }
    if (reply.ok() && !(status == "unauthorized")) return {};
    if (status == "unauthorized") return {Verdict::kFatal, quote_of(reply)};
  }
  if (reply.status == 401) return {Verdict::kFatal, quote_of(reply)};
  if (reply.status == 403) return {Verdict::kDenied, quote_of(reply)};
  if (reply.status == 429) {
    const std::int64_t wait_s = reply.header("retry-after").i64_or_none().value_or(0);
    return {Verdict::kRateLimit, quote_of(reply), std::clamp(wait_s * 1000, kFuturesRateWaitMs, kLockoutMs)};
  }
  return {Verdict::kRetry, quote_of(reply)};
} catch (const BadFrame& e) {
  return {Verdict::kRetry, "an answer that is no JSON: " + std::string(e.what())};
}

Call spot_call(const std::string& path, const std::string& args, std::uint32_t cost) {
  Call c;
  c.endpoint = "spot.rest";
  c.target = path;
  c.method = "POST";
  c.body = args.empty() ? "nonce={{nonce}}" : "nonce={{nonce}}&" + args;
  c.headers = "API-Key: {{key}}\nAPI-Sign: {{sig}}\nContent-Type: application/x-www-form-urlencoded\n";
  c.sign = "spot";
  c.rate = "spot.private";
  c.cost = cost;
  c.spot = true;
  return c;
}

Call futures_call(const std::string& path, const std::string& query, const std::string& rate, std::uint32_t cost) {
  Call c;
  c.endpoint = "futures.rest";
  c.target = query.empty() ? path : path + "?" + query;
  c.headers = "APIKey: {{key}}\nAuthent: {{sig}}\n";
  c.sign = "futures";
  c.rate = rate;
  c.cost = cost;
  return c;
}

void refuse_key(Account& host, bool spot, const std::string& words) {
  const std::string text = std::string("Kraken ") + (spot ? "spot" : "futures") + " refuses the key: " + words +
                           ". Check key and secret, that the key is of Kraken " + (spot ? "spot" : "Futures") +
                           " (the two are not interchangeable), and its permissions and address list.";
  host.failed("positions", text);
  throw AuthRefused(text);
}

namespace {

struct Attempt {
  Call call;
  int tries = 0;
  int nonce_tries = 0;
};

void send_attempt(Account& host, const std::shared_ptr<Attempt>& a);

void again_after(Account& host, const std::shared_ptr<Attempt>& a, std::int64_t ms) {
  host.after(static_cast<std::uint64_t>(ms), [&host, a] { send_attempt(host, a); });
}

void on_failure(Account& host, const std::shared_ptr<Attempt>& a, Judgement j) {
  ++a->tries;
  if (j.verdict == Verdict::kNonce && ++a->nonce_tries >= kNonceTriesMax) {
    j.verdict = Verdict::kFatal;
    j.text += " (twice: another program uses this key, or its nonce is far ahead; give Anduin a key of its own)";
  }
  const bool over = a->call.failed && a->call.failed(j, a->tries);
  if (over) return;
  const std::string path = a->call.target.substr(0, a->call.target.find('?'));
  switch (j.verdict) {
    case Verdict::kFatal:
    case Verdict::kDenied: refuse_key(host, a->call.spot, j.text + " on " + path);
    case Verdict::kRateLimit:
    case Verdict::kLockout:
      host.rate_limit(a->call.rate, 0, host.now_ms() + j.wait_ms);
      return again_after(host, a, j.wait_ms);
    case Verdict::kNonce: return again_after(host, a, kRetryMsMin);
    default: break;
  }
  host.error(AND_E_PROTOCOL, path, j.text);
  again_after(host, a, std::min(kRetryMsMin << std::min(a->tries - 1, 10), kRetryMsMax));
}

void send_attempt(Account& host, const std::shared_ptr<Attempt>& a) {
  const Call& c = a->call;
  const auto id = std::make_shared<RequestId>(0);
  *id = host.http({.endpoint = c.endpoint,
                   .target = c.target,
                   .method = c.method,
                   .body = c.body,
                   .headers = c.headers,
                   .sign = c.sign,
                   .rate = c.rate,
                   .cost = c.cost,
                   .timeout_ms = 15'000,
                   .idempotent = !c.spot},  // a repeated body would carry a used nonce
                  [&host, a, id](const venue::Reply& reply) {
    Judgement j = a->call.spot ? judge_spot(reply, host.now_ms()) : judge_futures(reply);
    if (j.verdict == Verdict::kOk) {
      try {
        return a->call.done(*id, reply);
      } catch (const BadFrame& e) {
        j = {Verdict::kRetry, e.what()};
      } catch (const DecimalError& e) {
        j = {Verdict::kRetry, e.what()};
      }
    }
    on_failure(host, a, std::move(j));
  });
}

}  // namespace

void send_call(Account& host, Call call) {
  const auto a = std::make_shared<Attempt>();
  a->call = std::move(call);
  send_attempt(host, a);
}

}  // namespace anduin::kraken
