#include "base/log.hpp"

#include <catch2/catch.hpp>

using namespace anduin;

TEST_CASE("log: a registered secret is replaced in its plain, percent-encoded and JSON-escaped form") {
  log::add_secret("s3cr3t/+value==");
  CHECK(log::redact("key s3cr3t/+value== end") == "key [redacted] end");
  CHECK(log::redact("?sig=s3cr3t%2F%2Bvalue%3D%3D&x=1") == "?sig=[redacted]&x=1");
  CHECK(log::redact(R"({"k":"s3cr3t\/+value=="})") == R"({"k":"[redacted]"})");
  CHECK(log::redact("s3cr3t/+value==s3cr3t/+value==") == "[redacted][redacted]");
}

TEST_CASE("log: short values are not registered, they would blank ordinary words") {
  log::add_secret("the");
  CHECK(log::redact("the words stay") == "the words stay");
}
