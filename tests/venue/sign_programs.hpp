// Sign programs of venues without a plugin, as their manifests would hold them: data of signing_rows_test.cpp.
#pragma once

namespace anduin::test::sign {

inline constexpr const char* kBybitFive = R"({
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["GET/realtime{{ts_ms+5000}}"]}})";

inline constexpr const char* kMexc = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
           "message":["{{key}}","{{ts_ms}}","{{query}}","{{body}}"]},
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["{{key}}","{{ts_ms}}"]},
  "spot": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["{{query}}"]}})";

inline constexpr const char* kKucoinPlain = R"({
  "plain": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","args":{"plain":"token"},
            "message":["{{arg.plain}}"]}})";

inline constexpr const char* kMetatrader = R"({
  "v1": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
         "message":["ANDUIN-HMAC-V1\n{{method}}\n{{path}}\n{{key}}\n{{ts_ms}}\n{{nonce}}\n",
                    {"hash":"SHA256","out":"hex","message":["{{body}}"]}]}})";

}  // namespace anduin::test::sign
