#include "venue/redaction.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include "base/log.hpp"

namespace {
using anduin::venue::Redaction;
using nlohmann::json;
}  // namespace

TEST_CASE("a token is learned from the answer and blanked everywhere") {
  auto redaction = Redaction::create(json::parse(R"(["result.token","data.keys.accessKey","id"])")).value();
  CHECK(
      redaction.learn(
          R"({"error":[],"result":{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw","expires":900}})") ==
      1);
  CHECK(redaction.redact("token=1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw!") == "token=[redacted]!");
  CHECK(anduin::log::redact("1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw") == "[redacted]");
  CHECK(redaction.learn(
            R"({"data":{"keys":[{"accessKey":"first-key-of-list"},{"accessKey":"other/key+list"}]}})") ==
        2);
  CHECK(redaction.redact("first-key-of-list other%2Fkey%2Blist other\\/key+list") ==
        "[redacted] [redacted] [redacted]");
  CHECK(redaction.learn(R"({"id":1234567890})") == 1);
  CHECK(redaction.redact("uid 1234567890") == "uid [redacted]");
}

TEST_CASE("what is not there is not learned") {
  auto redaction = Redaction::create(json::parse(R"(["result.token"])")).value();
  CHECK(redaction.learn("") == 0);
  CHECK(redaction.learn("not json token") == 0);
  CHECK(redaction.learn(R"({"token":"at-the-wrong-place"})") == 0);
  CHECK(redaction.learn(R"({"result":{"token":{"nested":"x"}}})") == 0);
  CHECK(redaction.learn(R"([{"result":{"token":"inside-a-list"}}])") == 1);
  CHECK(redaction.redact("at-the-wrong-place") == "at-the-wrong-place");
  CHECK(Redaction::create(json()).value().learn(R"({"a":1})") == 0);
}

TEST_CASE("values are forgotten when they are old and when the instance goes") {
  {
    auto redaction = Redaction::create(json::parse(R"(["token"])")).value();
    CHECK(redaction.learn(R"({"token":"the-living-token"})") == 1);
    for (int i = 0; i < 200; ++i) redaction.add("signature-number-" + std::to_string(i));
    CHECK(redaction.redact("signature-number-199") == "[redacted]");
    CHECK(redaction.redact("signature-number-0 ") == "signature-number-0 ");
    CHECK(redaction.redact("the-living-token") == "[redacted]");  // signatures do not push it out
    Redaction moved = std::move(redaction);
    CHECK(moved.redact("the-living-token") == "[redacted]");
  }
  CHECK(anduin::log::redact("the-living-token signature-number-199") ==
        "the-living-token signature-number-199");
}

TEST_CASE("two instances may hold the same value, it is shown only when both are gone") {
  auto list = json::parse(R"(["token"])");
  auto first = std::make_unique<Redaction>(Redaction::create(list).value());
  auto second = std::make_unique<Redaction>(Redaction::create(list).value());
  first->learn(R"({"token":"shared-between-two"})");
  second->learn(R"({"token":"shared-between-two"})");
  first.reset();
  CHECK(anduin::log::redact("shared-between-two") == "[redacted]");
  second.reset();
  CHECK(anduin::log::redact("shared-between-two") == "shared-between-two");
}

TEST_CASE("a list that cannot work is refused") {
  for (const char* bad : {"{}", "[1]", R"([""])", R"(["a..b"])", R"(["a."])"}) {
    INFO(bad);
    CHECK_FALSE(Redaction::create(json::parse(bad)).has_value());
  }
}
