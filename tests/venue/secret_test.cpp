#include "venue/secret.hpp"

#include <catch2/catch.hpp>

#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>

#include "base/log.hpp"

namespace {

using anduin::venue::Credentials;
using anduin::venue::Secret;

template <class T, class = void>
struct Printable : std::false_type {};
template <class T>
struct Printable<T, std::void_t<decltype(std::declval<std::ostream&>() << std::declval<const T&>())>>
    : std::true_type {};

static_assert(Printable<std::string>::value);
static_assert(!Printable<Secret>::value, "a secret must not be printable");
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_copy_constructible_v<Secret>);

}  // namespace

TEST_CASE("a secret gives its value to who asks, and moves without copies") {
  Secret a("hunter2-hunter2");
  CHECK(a.reveal() == "hunter2-hunter2");
  const char* place = a.reveal().data();
  Secret b(std::move(a));
  CHECK(b.reveal().data() == place);
  Secret c("other");
  c = std::move(b);
  CHECK(c.reveal() == "hunter2-hunter2");
  CHECK(Secret().empty());
  CHECK(Secret("").reveal().empty());
}

TEST_CASE("thousands of secrets keep their values") {
  std::vector<Secret> all;
  for (int i = 0; i < 20'000; ++i)
    all.emplace_back("value-" + std::to_string(i) +
                     std::string(48, 'x'));  // more than the locked heap holds
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(all[static_cast<std::size_t>(i)].reveal() ==
            "value-" + std::to_string(i) + std::string(48, 'x'));
}

TEST_CASE("credentials are known to the log's redaction from the start") {
  const Credentials credentials(
      {{"key", "key-of-this-test"}, {"secret", "secret/of+this=test"}, {"passphrase", ""}});
  CHECK(credentials.find("key")->reveal() == "key-of-this-test");
  CHECK(credentials.find("passphrase") == nullptr);
  CHECK(credentials.find("other") == nullptr);
  const std::string shown =
      anduin::log::redact("GET /?k=key-of-this-test&s=secret%2Fof%2Bthis%3Dtest secret/of+this=test");
  CHECK(shown == "GET /?k=[redacted]&s=[redacted] [redacted]");
}
