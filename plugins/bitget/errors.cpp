#include "errors.hpp"

namespace anduin::bitget {

Verdict verdict_of(std::int64_t code) {
  switch (code) {
    case 0:
      return Verdict::kOk;
    case 40004:
    case 40005:
    case 40008:
    case 40078:
    case 30013:
    case 30014:
      return Verdict::kClock;
    case 429:
    case 25004:
    case 30006:
    case 30007:
      return Verdict::kRate;
    case 25000:
    case 25001:
    case 25003:
    case 40010:
    case 40015:
    case 40200:
    case 40725:
    case 40808:  // a parameter error on other days; while Bitget releases a version, one of its own
    case 45001:
      return Verdict::kServer;
    case 40001:
    case 40002:
    case 40003:
    case 40006:
    case 40009:
    case 40011:
    case 40012:
    case 40014:
    case 40018:
    case 40022:
    case 40023:
    case 40024:
    case 40025:
    case 40026:
    case 40036:
    case 40037:
    case 40038:
    case 40040:
    case 40041:
    case 40099:
    case 30002:
    case 30005:
    case 30011:
    case 30012:
    case 30015:
      return Verdict::kAuth;
    default:
      return Verdict::kRequest;
  }
}

bool is_other_generation(std::int64_t code) {
  return code == kUnifiedAccount || code == kClassicAccount || code == kOtherMode;
}

bool is_missing_right(std::int64_t code) { return code == 40014 || code == 40025 || code == 40040; }

Answer judge(const venue::Reply& reply) {
  Answer answer = judge_envelope(reply, verdict_of);
  if (answer.ok() && answer.result.absent()) return Answer::failed(Verdict::kServer, "an answer without data");
  return answer;
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (Bitget " + std::to_string(code) + ": " + std::string(venue_text) + ")";
  };
  switch (code) {
    case kUnifiedAccount:
      return because("This is a unified account, and the classic API was asked: set private_dialect to uta or auto");
    case kClassicAccount:
      return because(
          "This is a classic account, and the unified API was asked: set private_dialect to classic or auto");
    case kOtherMode:
      return because("Bitget names neither generation of its API for this account: set private_dialect");
    case 40001:
    case 40006:
    case 40037:
    case 30002:
    case 30011:
      return because("Bitget does not know this API key: check the account's key, and the option demo");
    case 40011:
    case 40012:
    case 30012:
      return because("The passphrase is not the one that this API key was made with: check it");
    case 40009:
    case 30005:
    case 30015:
      return because("Bitget found a wrong signature: check the account's secret");
    case 40099:
      return because("This API key is of the other environment, demo or live: see the option demo");
    case 40018:
      return because("The API key is bound to other IP addresses: bind it to this host's address");
    case 40038:
    case 40041:
      return because("The API key has ended, or was changed: make a new one");
    case 40014:
    case 40025:
    case 40040:
      return because("The API key may not read " + std::string(path) +
                     ": give it the right to read positions and orders of futures (unified: management and trade)");
    case 40004:
    case 40005:
    case 40008:
    case 40078:
    case 30013:
    case 30014:
      return because("Bitget refuses our time stamps though its clock was asked: check this host's clock");
    default:
      return because("Bitget refused the login: check key, secret, passphrase and endpoints of the account");
  }
}

}  // namespace anduin::bitget
