// Sign programs of all venues as their manifests would hold them: data of signing_rows_test.cpp.
#pragma once

namespace anduin::test::sign {

inline constexpr const char* kBybit = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
           "message":["{{ts_ms}}","{{key}}","5000","{{query}}","{{body}}"]},
  "wide": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
           "message":["{{ts_ms}}","{{key}}","20000","{{query}}","{{body}}"]},
  "ws5":  {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["GET/realtime{{ts_ms+5000}}"]},
  "ws10": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["GET/realtime{{ts_ms+10000}}"]}})";

inline constexpr const char* kKraken = R"({
  "spot": {"alg":"HMAC-SHA512","secret":"base64","out":"base64",
           "message":["{{path}}",{"hash":"SHA256","message":["{{nonce}}","{{body}}"]}]},
  "futures": {"alg":"HMAC-SHA512","secret":"base64","out":"base64",
    "message":[{"hash":"SHA256","message":["{{query}}","{{body}}","{{path|strip:/derivatives}}"]}]},
  "futures_nonce": {"alg":"HMAC-SHA512","secret":"base64","out":"base64",
    "message":[{"hash":"SHA256",
                "message":["{{query}}","{{body}}","{{nonce}}","{{path|strip:/derivatives}}"]}]},
  "challenge": {"alg":"HMAC-SHA512","secret":"base64","out":"base64","args":{"challenge":"uuid"},
                "message":[{"hash":"SHA256","message":["{{arg.challenge}}"]}]}})";

inline constexpr const char* kOkx = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"base64",
           "message":["{{ts_iso}}","{{method}}","{{target}}","{{body}}"]},
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","message":["{{ts_s}}GET/users/self/verify"]}})";

inline constexpr const char* kBitget = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"base64",
           "message":["{{ts_ms}}","{{method}}","{{target}}","{{body}}"]},
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","message":["{{ts_s}}GET/user/verify"]}})";

inline constexpr const char* kMexc = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
           "message":["{{key}}","{{ts_ms}}","{{query}}","{{body}}"]},
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["{{key}}","{{ts_ms}}"]},
  "spot": {"alg":"HMAC-SHA256","secret":"raw","out":"hex","message":["{{query}}"]}})";

inline constexpr const char* kKucoin = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"base64",
           "message":["{{ts_ms}}","{{method}}","{{target}}","{{body}}"]},
  "passphrase": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","message":["{{passphrase}}"]},
  "plain": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","args":{"plain":"token"},
            "message":["{{arg.plain}}"]}})";

inline constexpr const char* kHtx = R"({
  "rest": {"alg":"HMAC-SHA256","secret":"raw","out":"base64",
           "message":["{{method}}\n{{host}}\n{{path}}\n{{query}}"]},
  "ws": {"alg":"HMAC-SHA256","secret":"raw","out":"base64","message":["GET\n{{host}}\n{{path}}\n",
    "AccessKeyId={{key}}&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={{ts_iso_s|pct}}"]}})";

inline constexpr const char* kMetatrader = R"({
  "v1": {"alg":"HMAC-SHA256","secret":"raw","out":"hex",
         "message":["ANDUIN-HMAC-V1\n{{method}}\n{{path}}\n{{key}}\n{{ts_ms}}\n{{nonce}}\n",
                    {"hash":"SHA256","out":"hex","message":["{{body}}"]}]}})";

}  // namespace anduin::test::sign
