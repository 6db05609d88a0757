#include "venue/sign_program.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

namespace {

using namespace anduin::venue;
using nlohmann::json;

anduin::Result<std::string> none(const Placeholder& p) {
  return anduin::Error{anduin::ErrorKind::kFatal, p.text, "no value"};
}

std::string signed_with(const char* program, const char* secret) {
  auto parsed = SignProgram::parse(json::parse(program), "/sign/x");
  if (!parsed) return "error: " + parsed.error().to_string();
  auto out = parsed->run(Secret(secret), none);
  return out ? *out : "error: " + out.error().to_string();
}

std::string where(const char* sign) {
  auto parsed = parse_sign_programs(json::parse(sign));
  return parsed ? "(accepted)" : parsed.error().where;
}

}  // namespace

// RFC 4231 test case 2: key "Jefe", data "what do ya want for nothing?".
TEST_CASE("the three HMACs, in every coding") {
  const std::string message = R"("message":["what do ya ","want for nothing?"]})";
  const auto run = [&](const std::string& head) {
    return signed_with(("{" + head + "," + message).c_str(), "Jefe");
  };
  CHECK(run(R"("alg":"HMAC-SHA256","out":"hex")") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(run(R"("alg":"HMAC-SHA256","out":"HEX")") ==
        "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
  CHECK(run(R"("alg":"HMAC-SHA256","out":"base64")") == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  CHECK(run(R"("alg":"HMAC-SHA256","out":"base64-pct")") ==
        "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM%3D");
  CHECK(run(R"("alg":"HMAC-SHA384")") ==
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  CHECK(run(R"("alg":"HMAC-SHA512")") ==
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdca"
        "eab1a34d4a6b4b636e070a38bce737");
}

TEST_CASE("the secret is decoded as the manifest says, or refused without showing it") {
  const char* hex = R"({"alg":"HMAC-SHA256","secret":"hex","message":["what do ya want for nothing?"]})";
  const char* b64 = R"({"alg":"HMAC-SHA256","secret":"base64","message":["what do ya want for nothing?"]})";
  const std::string good = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  CHECK(signed_with(hex, "4A656665") == good);
  CHECK(signed_with(b64, "SmVmZQ==") == good);
  // Keys beyond the hash's block are hashed first: a padding byte too many would show.
  std::string coded = "a2s=";
  for (int i = 0; i < 21; ++i) coded.insert(0, "a2tr");
  const char* raw = R"({"alg":"HMAC-SHA256","message":["what do ya want for nothing?"]})";
  CHECK(signed_with(b64, coded.c_str()) == signed_with(raw, std::string(65, 'k').c_str()));
  for (const auto& [program, secret] :
       {std::pair{hex, "4A65666"}, {hex, "4A65666g"}, {b64, "SmVmZ"}, {b64, "Sm!mZQ=="}, {b64, ""}}) {
    const std::string said = signed_with(program, secret);
    INFO(secret);
    CHECK(said.starts_with("error: secret: "));
    if (*secret != 0) CHECK(said.find(secret) == std::string::npos);
  }
}

TEST_CASE("hashes nest, raw or coded") {
  const char* raw = R"({"alg":"HMAC-SHA256","message":["a",{"hash":"SHA256","message":["abc"]}]})";
  const char* coded =
      R"({"alg":"HMAC-SHA256","message":[
        {"hash":"SHA512","out":"HEX","message":[{"hash":"SHA384","message":["abc"]}]}]})";
  auto parsed = SignProgram::parse(json::parse(raw), "");
  REQUIRE(parsed.has_value());
  const std::string text = parsed->message(none).value();
  CHECK(text.size() == 33);
  CHECK(static_cast<unsigned char>(text[1]) == 0xba);  // SHA-256 of "abc" begins ba7816bf
  CHECK(SignProgram::parse(json::parse(coded), "")->message(none).value().size() == 128);
}

TEST_CASE("errors name the member and say what to write") {
  CHECK(where(R"({"a":{"alg":"HMAC-MD5","message":["x"]}})") == "/sign/a/alg");
  CHECK(where(R"({"a":{"alg":"SHA256","message":["x"]}})") == "/sign/a/alg");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","secret":"utf8","message":["x"]}})") == "/sign/a/secret");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","out":"raw","message":["x"]}})") == "/sign/a/out");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256"}})") == "/sign/a/message");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":[]}})") == "/sign/a/message");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":["x",{"hash":"MD5","message":["y"]}]}})") ==
        "/sign/a/message/1/hash");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":[{"hash":"SHA256","message":[1]}]}})") ==
        "/sign/a/message/0/message/0");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":["{{secret}}"]}})") == "/sign/a/message/0");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":["{{sig}}"]}})") == "/sign/a/message");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","message":["{{arg.x}}"]}})") == "/sign/a/args");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","args":{"x":"text"},"message":["{{arg.x}}"]}})") ==
        "/sign/a/args/x");
  CHECK(where(R"({"a":{"alg":"HMAC-SHA256","mesage":["x"],"message":["x"]}})") == "/sign/a/mesage");
  CHECK(where(R"(["a"])") == "/sign");
  CHECK(where("null") == "(accepted)");
  std::string deep = "\"x\"";
  for (int i = 0; i < 10; ++i) deep = R"({"hash":"SHA256","message":[)" + deep + "]}";
  CHECK(where((R"({"a":{"alg":"HMAC-SHA256","message":[)" + deep + "]}}").c_str())
            .starts_with("/sign/a/message/0"));
}

TEST_CASE("arguments are narrow") {
  CHECK(fits(ArgType::kUuid, "c100b894-1729-464d-ace1-52dbce11db42"));
  for (const char* bad : {"", "c100b894-1729-464d-ace1-52dbce11db4", "c100b894+1729-464d-ace1-52dbce11db42",
                          "g100b894-1729-464d-ace1-52dbce11db42", "c100b894-1729-464d-ace1-52dbce11db42\n"})
    CHECK_FALSE(fits(ArgType::kUuid, bad));
  for (const char* good : {"0", "-1", "1234567890123456789"}) CHECK(fits(ArgType::kInteger, good));
  for (const char* bad : {"", "-", "1.0", "+1", " 1", "12345678901234567890"})
    CHECK_FALSE(fits(ArgType::kInteger, bad));
  CHECK(fits(ArgType::kToken, "aZ0._-"));
  for (const char* bad : {"", "a b", "a&b", "a=b", "a/b", "nonce\n"})
    CHECK_FALSE(fits(ArgType::kToken, bad));
  CHECK_FALSE(fits(ArgType::kToken, std::string(257, 'a')));
}
