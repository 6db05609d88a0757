#include "net/http_wire.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace anduin::net;

namespace {

/// Feeds in pieces of `step` bytes; returns what was left over, or nothing on a fault.
std::optional<std::string> feed_all(HttpParser& parser, std::string_view bytes, std::size_t step) {
  std::string rest;
  while (!bytes.empty()) {
    const auto piece = bytes.substr(0, step);
    if (parser.done()) return std::string(bytes);
    std::size_t used = 0;
    if (parser.feed(piece, used) != WireFault::kNone) return std::nullopt;
    if (used == 0) return std::nullopt;
    bytes.remove_prefix(used);
  }
  return std::string();
}

}  // namespace

TEST_CASE("a request is parsed the same however it is cut") {
  const std::string text =
      "POST /v5/order?a=%2F&b=1 HTTP/1.1\r\nHost: h\r\nX-Sign:  abc \r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n";
  for (std::size_t step = 1; step <= text.size() + 5; ++step) {
    INFO("step " << step);
    HttpParser parser({.request = true, .body_bytes_max = 100});
    const auto rest = feed_all(parser, text + "NEXT", step);
    REQUIRE(rest);
    CHECK(*rest == "NEXT");
    CHECK(parser.method() == "POST");
    CHECK(parser.target() == "/v5/order?a=%2F&b=1");
    CHECK(find_header(parser.headers(), "x-sign") == "abc");
    CHECK(parser.raw_head() == text.substr(0, text.find("\r\n\r\n") + 4));
    CHECK(parser.keep_alive());
    CHECK(parser.take_body() == "hello world");
  }
}

TEST_CASE("limits and nonsense are told apart") {
  std::size_t used = 0;
  HttpParser head({.request = true, .head_bytes_max = 100});
  CHECK(head.feed("GET / HTTP/1.1\r\nX: " + std::string(200, 'a'), used) == WireFault::kHeadTooLarge);
  HttpParser body({.request = true, .body_bytes_max = 10});
  CHECK(body.feed("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", used) == WireFault::kBodyTooLarge);
  HttpParser chunked({.request = true, .body_bytes_max = 10});
  CHECK(chunked.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'a'),
                     used) == WireFault::kBodyTooLarge);
  for (const std::string bad :
       {"\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / a HTTP/1.1\r\n\r\n"}) {
    INFO(bad);
    HttpParser parser({.request = true, .body_bytes_max = 10});
    CHECK(parser.feed(bad, used) == WireFault::kSyntax);
    CHECK_FALSE(parser.fault_text().empty());
  }
}

TEST_CASE("the end of an answer") {
  std::size_t used = 0;
  HttpParser until_end({.body_bytes_max = 100});
  REQUIRE(until_end.feed("HTTP/1.1 200 OK\r\n\r\nabc", used) == WireFault::kNone);
  CHECK(until_end.until_end());
  CHECK_FALSE(until_end.done());
  CHECK(until_end.end());
  CHECK(until_end.take_body() == "abc");
  HttpParser short_body({.body_bytes_max = 100});
  REQUIRE(short_body.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", used) == WireFault::kNone);
  CHECK_FALSE(short_body.end());
  HttpParser no_content({.body_bytes_max = 100});
  REQUIRE(no_content.feed("HTTP/1.1 204 No Content\r\n\r\nHTTP", used) == WireFault::kNone);
  CHECK(no_content.done());
  HttpParser head({.body_bytes_max = 10, .head_method = true});
  REQUIRE(head.feed("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", used) == WireFault::kNone);
  CHECK(head.done());
}

TEST_CASE("headers that would break the message are refused") {
  CHECK_FALSE(header_fault({{"X-A", "b c\td"}}));
  CHECK(header_fault({{"X-A", "b\r\nX-B: c"}}));
  CHECK(header_fault({{"X A", "b"}}));
  CHECK(header_fault({{"", "b"}}));
  CHECK(header_fault({{"content-length", "1"}}));
  CHECK(list_has_token("keep-alive, Upgrade", "upgrade"));
  CHECK_FALSE(list_has_token("keep-alive, Upgraded", "upgrade"));
}

TEST_CASE("random bytes never confuse the parser", "[property]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string base =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (int round = 0; round < 2000; ++round) {
    std::string text = base;
    for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random());
    HttpParser parser({.request = true, .head_bytes_max = 200, .body_bytes_max = 50});
    (void)feed_all(parser, text, 1 + random() % 20);
  }
  SUCCEED();
}
