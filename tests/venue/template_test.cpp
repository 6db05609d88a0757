#include "venue/template.hpp"

#include <catch2/catch.hpp>

namespace {

using namespace anduin::venue;

std::string rendered(std::string_view text, const std::string& value = "v") {
  auto t = Template::parse(text);
  if (!t) return "error: " + t.error().to_string();
  auto out = t->render([&](const Placeholder&) -> anduin::Result<std::string> { return value; });
  return out ? *out : "error: " + out.error().to_string();
}

std::string refusal(std::string_view text) {
  auto t = Template::parse(text);
  return t ? "(accepted)" : t.error().to_string();
}

}  // namespace

TEST_CASE("placeholders are found between braces of JSON") {
  CHECK(rendered("") == "");
  CHECK(rendered("plain } { }} text") == "plain } { }} text");
  CHECK(rendered("{{key}}") == "v");
  CHECK(rendered(R"({"a":{"b":{{ts_ms}}}})") == R"({"a":{"b":v}})");
  CHECK(rendered(R"({{{arg.x}}:1})") == "{v:1}");
  CHECK(rendered("{{key}}{{sig}}-{{nonce}}") == "vv-v");
}

TEST_CASE("every documented placeholder is known, and no other") {
  for (const char* name : {"key", "passphrase", "ts_ms", "ts_ms+10000", "ts_ms-100", "ts_s", "ts_s+60",
                           "ts_iso", "ts_iso_s", "nonce", "sig", "sig.passphrase", "arg.challenge", "host",
                           "method", "path", "query", "target", "body"}) {
    INFO(name);
    CHECK(refusal("{{" + std::string(name) + "}}") == "(accepted)");
  }
  for (const char* name :
       {"", "secret", "Key", " key", "key ", "ts", "ts_us", "ts_ms+", "ts_ms+-1", "ts_ms+1s", "ts_ms*2",
        "ts_ms+9999999999", "arg.", "arg.a b", "sig.", "sig.a|", "time", "env.HOME", "ts_iso+1"}) {
    INFO(name);
    CHECK(refusal("{{" + std::string(name) + "}}").find("no such") != std::string::npos);
  }
  CHECK(refusal("a {{secret}} b").find("{{secret}}") == 0);
  CHECK(refusal("{{key").find("without its }}") != std::string::npos);
  CHECK(refusal("{{key|upper}}").find("\"upper\"") != std::string::npos);
  CHECK(refusal("{{path|strip:}}").find("no such filter") != std::string::npos);
}

TEST_CASE("filters are applied left to right") {
  CHECK(rendered("{{key|json}}", "a\"b\\c\n\x01/\xC3\xA9") == "a\\\"b\\\\c\\u000a\\u0001/\xC3\xA9");
  CHECK(rendered("{{sig|pct}}", "aZ09-_.~ +/=:\xC3\xA9") == "aZ09-_.~%20%2B%2F%3D%3A%C3%A9");
  CHECK(rendered("{{path|strip:/derivatives}}", "/derivatives/api/v3/fills") == "/api/v3/fills");
  CHECK(rendered("{{path|strip:/derivatives}}", "/api/derivatives") == "/api/derivatives");
  CHECK(rendered("{{path|strip:/a|pct}}", "/a/b") == "%2Fb");
}

TEST_CASE("values are never read as templates again") {
  CHECK(rendered("x={{arg.cursor}}", "{{key}}") == "x={{key}}");
}

TEST_CASE("a template is cut at literal characters only") {
  const auto t = Template::parse("/path?a={{arg.x}}&b=1&sig={{sig}}").value();
  const auto halves = t.cut('?');
  CHECK(halves.found);
  const auto value = [](const Placeholder&) -> anduin::Result<std::string> { return std::string("p?q&r"); };
  CHECK(halves.first.render(value).value() == "/path");
  CHECK(halves.rest.render(value).value() == "a=p?q&r&b=1&sig=p?q&r");
  const auto parts = halves.rest.split('&');
  REQUIRE(parts.size() == 3);
  CHECK(parts[0].render(value).value() == "a=p?q&r");
  CHECK(parts[1].render(value).value() == "b=1");
  CHECK((parts[2].uses(Var::kSig) && !parts[1].uses(Var::kSig)));
  CHECK(Template::parse("").value().split('&').size() == 1);
  CHECK(Template::parse("a&&b").value().split('&').size() == 3);
}

TEST_CASE("times as the venues write them") {
  CHECK(iso_time(1735689600123, true) == "2025-01-01T00:00:00.123Z");
  CHECK(iso_time(1784017805123, false) == "2026-07-14T08:30:05");
  CHECK(iso_time(0, true) == "1970-01-01T00:00:00.000Z");
  CHECK(iso_time(951782399999, true) == "2000-02-28T23:59:59.999Z");
  CHECK(iso_time(951782400000, false) == "2000-02-29T00:00:00");
}
