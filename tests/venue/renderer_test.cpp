// Rendering and signing one record: what is sampled once, what is signed, what is refused.
// The rows of the venues run in signing_rows_test.cpp.
#include "venue/renderer.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <optional>

namespace {

using namespace anduin::venue;
using nlohmann::json;

struct Rig {
  explicit Rig(const char* sign) : renderer(*Renderer::create(json::parse(sign))) {
    context.credentials = &credentials;
    context.venue_ms = 1'700'000'000'000;
    context.host = "venue.example";
    context.next_nonce = [this]() -> anduin::Result<std::string> { return std::to_string(++nonce); };
  }
  std::string error(const HttpTemplate& t) {
    auto out = renderer.render_http(t, context);
    return out ? "(rendered)" : out.error().to_string();
  }
  Renderer renderer;
  Credentials credentials{{{"key", "the-key"}, {"secret", "the-secret"}, {"passphrase", "pass\"phrase"}}};
  RenderContext context;
  int nonce = 0;
};

constexpr const char* kSign = R"({
  "all": {"alg":"HMAC-SHA256","message":[
    "{{method}} {{host}} {{path}} {{query}} {{target}} {{body}} {{ts_ms}} {{nonce}}"]},
  "query": {"alg":"HMAC-SHA256","message":["{{query}}|{{body}}"]},
  "time": {"alg":"HMAC-SHA256","message":["{{ts_ms}}"]},
  "typed": {"alg":"HMAC-SHA256","args":{"id":"integer"},"message":["{{arg.id}}"]},
  "frame": {"alg":"HMAC-SHA256","message":["{{host}}{{path}}"]}})";

std::string message(Rig& rig, const HttpTemplate& t) {
  auto out = rig.renderer.signed_text(t, rig.context);
  return out ? *out : "error: " + out.error().to_string();
}

}  // namespace

TEST_CASE("a sign program sees the rendered request") {
  Rig rig(kSign);
  const HttpTemplate t{"POST", "/v1/{{arg.what}}?t={{ts_ms}}&c={{arg.c|pct}}",
                       "",     R"({"n":{{nonce}}})",
                       "all",  R"({"what":"list","c":"a&b"})"};
  CHECK(message(rig, t) ==
        "POST venue.example /v1/list t=1700000000000&c=a%26b /v1/list?t=1700000000000&c=a%26b {\"n\":1} "
        "1700000000000 1");
  CHECK(message(rig, {"GET", "/v1/x", "", "", "all"}).find(" /v1/x  /v1/x ") != std::string::npos);
}

TEST_CASE("one time sample and one nonce serve the whole record") {
  Rig rig(kSign);
  const auto out = rig.renderer.render_http(
      {"GET", "/a?n={{nonce}}&t={{ts_ms}}", "N: {{nonce}}\nT: {{ts_iso}}\nS: {{sig}}\nU: {{sig}}\n",
       "{{nonce}}", "all"},
      rig.context);
  REQUIRE(out.has_value());
  CHECK(rig.nonce == 1);
  CHECK(out->query == "n=1&t=1700000000000");
  CHECK(out->body == "1");
  CHECK(out->headers[0].second == "1");
  CHECK(out->headers[1].second == "2023-11-14T22:13:20.000Z");
  CHECK(out->headers[2].second == out->headers[3].second);
  CHECK(out->sensitive == std::vector<std::string>{out->headers[2].second});
  CHECK(rig.renderer.render_http({"GET", "/a", "", "plain"}, rig.context).has_value());
  CHECK(rig.nonce == 1);  // a record that needs none takes none
}

TEST_CASE("the parameter that carries the signature is not part of what is signed") {
  Rig rig(kSign);
  CHECK(message(rig, {"GET", "/a?x=1&sig={{sig}}", "", "", "query"}) == "x=1|");
  CHECK(message(rig, {"GET", "/a?sig={{sig}}&x=1&y=2", "", "", "query"}) == "x=1&y=2|");
  CHECK(message(rig, {"GET", "/a?sig={{sig}}", "", "", "query"}) == "|");
  CHECK(message(rig, {"POST", "/a", "", "x=1&sig={{sig}}&y=2", "query"}) == "|x=1&y=2");
  const auto out =
      rig.renderer.render_http({"GET", "/a?s1={{sig}}&x=1&s2={{sig.time}}", "", "", "query"}, rig.context);
  REQUIRE(out.has_value());
  CHECK(out->query.find("&x=1&s2=") == 67);
  CHECK(out->sensitive.size() == 2);
}

TEST_CASE(
    "a signature inside a JSON body has no text to be made over, unless the program does not ask for it") {
  Rig rig(kSign);
  CHECK(rig.error({"POST", "/a", "", R"({"sig":"{{sig}}"})", "query"})
            .find("there is no text of it to sign") != std::string::npos);
  const auto out =
      rig.renderer.render_http({"POST", "/a", "", R"({"a":"&","sig":"{{sig}}"})", "time"}, rig.context);
  REQUIRE(out.has_value());
  CHECK(out->body.starts_with(R"({"a":"&","sig":")"));
}

TEST_CASE("credentials are marked, filtered and never the secret") {
  Rig rig(kSign);
  const auto plain = rig.renderer.render_frame({R"({"op":"ping"})"}, rig.context);
  CHECK((plain.has_value() && !plain->uses_credentials));
  const auto login =
      rig.renderer.render_frame({R"({"p":"{{passphrase|json}}","k":"{{key}}"})"}, rig.context);
  REQUIRE(login.has_value());
  CHECK(login->text == R"({"p":"pass\"phrase","k":"the-key"})");
  CHECK(login->uses_credentials);
  CHECK(rig.error({"GET", "/{{secret}}"}).find("{{secret}}") == 0);
  rig.context.credentials = nullptr;
  const auto missing = rig.renderer.render_frame({"{{key}}"}, rig.context);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().kind == anduin::ErrorKind::kAuth);
  CHECK(rig.error({"GET", "/", "S: {{sig}}", "", "time"}).find("\"secret\"") != std::string::npos);
}

TEST_CASE("arguments: typed where signed, scalar everywhere, never a template") {
  Rig rig(kSign);
  const auto frame = [&](std::string_view payload, std::string_view sign, std::string_view args) {
    auto out = rig.renderer.render_frame({payload, sign, args}, rig.context);
    return out ? out->text : "error: " + out.error().to_string();
  };
  CHECK(frame("{{arg.a}} {{arg.b}}", "", R"({"a":"{{key}}","b":-7})") == "{{key}} -7");
  CHECK(frame("{{arg.c}}", "", "{}").find("\"c\"") != std::string::npos);
  CHECK(frame("{{arg.a}}", "", R"({"a":1.5})").find("a whole number") != std::string::npos);
  CHECK(frame("x", "", "[1]").find("JSON object") != std::string::npos);
  CHECK(frame("{{sig}}", "typed", R"({"id":"1&2"})").find("args/id") != std::string::npos);
  CHECK(frame("{{sig}}", "typed", "").find("args/id") != std::string::npos);
  CHECK(frame("{{sig}}", "typed", R"({"id":12})").size() == 64);
}

TEST_CASE("what does not exist is named") {
  Rig rig(kSign);
  CHECK(rig.error({"GET", "/", "S: {{sig}}", "", "nothing"}).find("/sign/nothing") == 0);
  CHECK(rig.error({"GET", "/", "S: {{sig}}"}).find("names no sign program") != std::string::npos);
  CHECK(rig.error({"GET", "/", "S: {{sig.other}}"}).find("/sign/other") == 0);
  CHECK(rig.error({"GET", "/", "S: {{path}}"}).find("belongs into a sign program") != std::string::npos);
  rig.context.next_nonce = nullptr;
  CHECK(rig.error({"GET", "/{{nonce}}"}).find("`nonce`") != std::string::npos);
}

TEST_CASE("a frame is signed over its connection, not over a request") {
  Rig rig(kSign);
  rig.context.path = "/ws/v5";
  CHECK(rig.renderer.signed_text(FrameTemplate{"", "frame"}, rig.context).value() == "venue.example/ws/v5");
  CHECK(
      rig.renderer.signed_text(FrameTemplate{"", "query"}, rig.context).error().text.find("a frame has") ==
      0);
}

TEST_CASE("values cannot break a request apart") {
  Rig rig(kSign);
  const auto with = [&](const char* value, HttpTemplate t) {
    const std::string args = json{{"v", value}}.dump();
    t.args = args;
    return rig.error(t);
  };
  CHECK(with("x", {"GET", "/a/{{arg.v}}", "H: {{arg.v}}\n"}) == "(rendered)");
  for (const char* v : {"a b", "a\r\nHost: evil", "a#b", "\xC3\xA9", "a?b"})
    CHECK(with(v, {"GET", "/a/{{arg.v}}"}) != "(rendered)");
  for (const char* v : {"a b", "a\r\nb", "a#b", "\x7f"})
    CHECK(with(v, {"GET", "/a?x={{arg.v}}"}) != "(rendered)");
  for (const char* v : {"a\r\nEvil: 1", "a\nb", "\t"})
    CHECK(with(v, {"GET", "/a", "H: {{arg.v}}\n"}) != "(rendered)");
  CHECK(rig.error({"GET", "/a", "No colon\n"}) != "(rendered)");
  CHECK(rig.error({"GET", "/a", "Bad name: x\n"}) != "(rendered)");
  CHECK(rig.error({"GET", "/a", "{{key}}: x\n"}) != "(rendered)");
  CHECK(rig.error({"get", "/a"}) != "(rendered)");
  CHECK(rig.error({"GET", "a"}) != "(rendered)");
  CHECK(rig.error({"GET", "/{{sig}}", "", "", "time"}) != "(rendered)");
  CHECK(rig.error({"GET", "{{arg.v}}", "", "", "", R"({"v":"//evil"})"}) ==
        "(rendered)");  // the egress list compares it
}

TEST_CASE("the cache stays bounded and does not change what is rendered") {
  Rig rig(kSign);
  for (int i = 0; i < 2000; ++i) {
    const std::string payload = "{{ts_ms}}-" + std::to_string(i % 700);
    CHECK(rig.renderer.render_frame({payload}, rig.context)->text ==
          "1700000000000-" + std::to_string(i % 700));
  }
}
