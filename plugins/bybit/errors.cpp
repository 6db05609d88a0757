#include "errors.hpp"

namespace anduin::bybit {

Verdict verdict_of(std::int64_t code) {
  switch (code) {
    case 0: return Verdict::kOk;
    case -1:
    case 10002: return Verdict::kClock;
    case 10006:
    case 10429: return Verdict::kRate;
    case 10000:
    case 10016:
    case 10019: return Verdict::kServer;
    case 10003:
    case 10004:
    case 10005:
    case 10010:
    case 10024:
    case 10027:
    case 10028:
    case 10029:
    case 33004:
    case -2015: return Verdict::kAuth;
    default: return Verdict::kRequest;
  }
}

Answer judge(const venue::Reply& reply) {
  if (auto failed = judge_transport(reply)) return std::move(*failed);
  if (reply.status == 403)
    return Answer::failed(Verdict::kBanned, "HTTP 403: too many requests, or this address is not served", 403);
  Answer out;
  try {
    const auto [code, message, result] = reply.json().get<"retCode", "retMsg", "result">();
    const auto number = code.i64_or_none();
    if (!number)
      return Answer::failed(reply.ok() ? Verdict::kServer : Verdict::kRequest,
                            "HTTP " + std::to_string(reply.status) + " without a retCode");
    out.code = *number;
    out.verdict = verdict_of(*number);
    out.text = message.text();
    out.result = result;
    if (out.verdict == Verdict::kRate)
      out.retry_at_ms = reply.header("x-bapi-limit-reset-timestamp").i64_or_none().value_or(0);
  } catch (const BadFrame& e) {
    return Answer::failed(Verdict::kServer, std::string("an answer that is no JSON: ") + e.what());
  }
  return out;
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (Bybit " + std::to_string(code) + ": " + std::string(venue_text) + ")";
  };
  switch (code) {
    case 10003:
      return because("Bybit does not know this API key at this address: check the key, and that the account's "
                     "endpoints are those of its site (mainnet, testnet, demo and each region have keys of their own)");
    case 10004: return because("Bybit found a wrong signature: check the account's secret");
    case 10005:
      return because("The API key may not read " + std::string(path) +
                     ": give it read access to contract orders, positions and the wallet");
    case 10010: return because("The API key is bound to other IP addresses: add this host's address to the key");
    case 10024: return because("Bybit serves this account under other rules of its region: use that region's endpoints");
    case 10027: return because("Bybit has suspended this account: ask its support");
    case 10028: return because("The account is no unified account: upgrade it to the unified trading account");
    case 10029: return because("The API key is limited to a list of symbols: remove that limit");
    case 33004:
    case -2015:
      return because("The API key has expired (keys without an IP binding live 90 days): make a new one and bind it");
    default: return because("Bybit refused the login: check key, secret and endpoints of the account");
  }
}

}  // namespace anduin::bybit
