#include "net/url.hpp"

#include <catch2/catch.hpp>

using anduin::ErrorKind;
using namespace anduin::net;

TEST_CASE("a URL is split, and its target kept as written") {
  const auto url = *Url::parse("WSS://Stream.Example.com/v5/public?a=%2f&b=1#top");
  CHECK(url.scheme == "wss");
  CHECK(url.host == "stream.example.com");
  CHECK(url.port == 443);
  CHECK(url.target == "/v5/public?a=%2f&b=1");
  CHECK(url.path() == "/v5/public");
  CHECK(url.query() == "a=%2f&b=1");
  CHECK(url.tls());
  CHECK(url.websocket());
  CHECK(url.to_string() == "wss://stream.example.com/v5/public?a=%2f&b=1");
  CHECK(Url::parse("http://h")->target == "/");
  CHECK(Url::parse("http://h")->port == 80);
  CHECK(Url::parse("http://h?q=1")->target == "/?q=1");
  CHECK(Url::parse("http://h/")->query().empty());
}

TEST_CASE("ports and IPv6 addresses") {
  const auto url = *Url::parse("https://[::1]:9443/x");
  CHECK(url.host == "::1");
  CHECK(url.port == 9443);
  CHECK(url.authority() == "[::1]:9443");
  CHECK(url.origin() == "https://[::1]:9443");
  CHECK(Url::parse("https://h:443/")->authority() == "h");
  CHECK(Url::parse("https://h:443/")->origin() == "https://h:443");
  CHECK(Url::parse("http://h:443/")->authority() == "h:443");
}

TEST_CASE("a bad URL is refused with its reason") {
  const auto text =
      GENERATE(as<std::string>{}, "", "example.com", "ftp://h/", "http://", "http:///x", "http://h:0/",
               "http://h:65536/", "http://h:/", "http://h:8x/", "http://h/a b", "http://h/\xc3\xa4",
               "http://h/a\r\nX: y", "http://ho st/", "http://[::1/", "http://[::1]x/", "http://[zz]/");
  INFO(text);
  const auto url = Url::parse(text);
  REQUIRE(url.has_error());
  CHECK(url.error().kind == ErrorKind::kBadRequest);
  CHECK_FALSE(url.error().text.empty());
}

TEST_CASE("a password in a URL is not repeated in the error") {
  const auto url = Url::parse("https://key:hunter2@h/");
  REQUIRE(url.has_error());
  CHECK(url.error().to_string().find("hunter2") == std::string::npos);
}

TEST_CASE("percent coding") {
  CHECK(percent_encode("a b&c=d/~-._") == "a%20b%26c%3Dd%2F~-._");
  CHECK(percent_encode("\xc3\xa4") == "%C3%A4");
  CHECK(*percent_decode("a%20b%2fc") == "a b/c");
  CHECK(*percent_decode("a+b") == "a+b");
  CHECK(*percent_decode("a+b", true) == "a b");
  CHECK(percent_decode("%").has_error());
  CHECK(percent_decode("%2").has_error());
  CHECK(percent_decode("%zz").has_error());
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  CHECK(*percent_decode(percent_encode(every)) == every);
}
