#include "errors.hpp"

namespace anduin::okx {

Verdict verdict_of(std::int64_t code) {
  switch (code) {
    case 0:
      return Verdict::kOk;
    case 50102:
    case 50112:
    case 60004:
    case 60006:
      return Verdict::kClock;
    case 50011:
    case 50013:
    case 50040:
    case 50061:
    case 60014:
    case 60023:
      return Verdict::kRate;
    case 50001:
    case 50004:
    case 50026:
    case 60009:
    case 63999:
    case 64007:
    case 64008:
      return Verdict::kServer;
    case 50030:
    case 50035:
    case 50100:
    case 50101:
    case 50103:
    case 50104:
    case 50105:
    case 50106:
    case 50107:
    case 50108:
    case 50110:
    case 50111:
    case 50113:
    case 50114:
    case 50119:
    case 50120:
    case 60005:
    case 60007:
    case 60024:
    case 60032:
      return Verdict::kAuth;
    default:
      return Verdict::kRequest;
  }
}

bool is_missing_right(std::int64_t code) { return code == 50120 || code == 50030; }

Answer judge(const venue::Reply& reply) {
  Answer answer = judge_envelope(reply, verdict_of);
  if (answer.ok() && !answer.result.is_array()) return Answer::failed(Verdict::kServer, "an answer without data");
  return answer;
}

std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  const auto because = [&](std::string_view sentence) {
    return std::string(sentence) + " (OKX " + std::to_string(code) + ": " + std::string(venue_text) + ")";
  };
  switch (code) {
    case 50101:
    case 50119:
    case 60032:
      return because(
          "OKX does not know this API key at this address: www.okx.com, my.okx.com, app.okx.com and demo "
          "trading have keys and endpoints of their own; set the account's endpoints, or the option demo");
    case 50111:
    case 60005:
      return because("OKX does not know this API key: check the account's key");
    case 50105:
    case 60024:
    case 50104:
      return because("The passphrase is not the one that this API key was made with: check it");
    case 50113:
    case 60007:
      return because("OKX found a wrong signature: check the account's secret");
    case 50110:
    case 50035:
      return because(
          "The API key is bound to other IP addresses, or to none where one is needed: bind it to "
          "this host's address");
    case 50030:
    case 50120:
      return because("The API key may not read " + std::string(path) + ": give it the right Read");
    case 50102:
    case 50112:
    case 60004:
    case 60006:
      return because("OKX refuses our time stamps though its clock was asked: check this host's clock");
    default:
      return because("OKX refused the login: check key, secret, passphrase and endpoints of the account");
  }
}

}  // namespace anduin::okx
