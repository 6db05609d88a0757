// The allow lists: every row of vectors/keys.json that says what may leave, then the tricks one by one.
#include "venue/egress.hpp"

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>
#include <string>

#include "support/shared.hpp"

namespace {

using namespace anduin::venue;
using nlohmann::json;

/// A row of `ws_allow` as a manifest would write it. Where topics stand in a frame is the venue's own
/// grammar.
json rules_of(const std::string& endpoint, const json& row) {
  json out = {{"key", row.at("key")}, {"allow", row.at("allow")}, {"fields", row.at("fields")}};
  if (row.contains("raw")) out["raw"] = row.at("raw");
  if (!row.contains("topics")) return out;
  const std::map<std::string, std::string> at{{"bybit.private", "args"},
                                              {"kraken.spot.v2", "params.channel"},
                                              {"kraken.spot.v1", "subscription.name"},
                                              {"kraken.futures", "feed"},
                                              {"okx.private", "args.channel"},
                                              {"bitget.v2.private", "args.channel"},
                                              {"bitget.v3.private", "args.topic"},
                                              {"kucoin.private", "topic"},
                                              {"htx.v5", "topic"}};
  out["topics"] = row.at("topics");
  out["topics_at"] = at.at(endpoint);
  out["topic_ops"] = endpoint == "htx.v5" ? json{"sub", "unsub"} : json{"subscribe", "unsubscribe"};
  return out;
}

json manifest_with(const json& rules) {
  return {{"endpoints",
           {{{"id", "private"}, {"kind", "ws"}, {"auth", true}, {"url", "wss://venue.example/private"}}}},
          {"ws_egress", {{"private", rules}}}};
}

anduin::Result<void> frame(const EgressPolicy& policy, const std::string& text) {
  return policy.allow_frame("private", {text, true, {}});
}

const json kRules = {{"key", "op"},
                     {"allow", {"auth", "subscribe", "ping"}},
                     {"fields", {"op", "args", "req_id"}},
                     {"topics_at", "args"},
                     {"topic_ops", {"subscribe"}},
                     {"topics", {"wallet", "orders:*"}},
                     {"raw", {"ping"}}};

std::string refusal(const anduin::Result<void>& result) {
  return result ? "(allowed)" : result.error().to_string();
}

}  // namespace

TEST_CASE("egress_ws: every row is allowed or refused as written") {
  ANDUIN_NEED_SHARED();
  const json file = anduin::test::shared_json("vectors/keys.json");
  std::map<std::string, EgressPolicy> policies;
  for (const auto& [endpoint, row] : file.at("ws_allow").items()) {
    auto made = EgressPolicy::create(manifest_with(rules_of(endpoint, row)));
    if (!made) FAIL(endpoint << ": " << made.error().to_string());
    policies.emplace(endpoint, std::move(*made));
  }
  std::size_t rows = 0;
  for (const json& row : file.at("egress_ws")) {
    const auto result = frame(policies.at(row.at("endpoint")), row.at("frame"));
    INFO(row.dump() << " -> " << refusal(result));
    CHECK(result.has_value() == row.at("allow").get<bool>());
    if (!result) CHECK(result.error().where.starts_with("/ws_egress/private"));
    ++rows;
  }
  CHECK(rows == 76);
}

TEST_CASE("egress_url: every row is allowed or refused as written") {
  ANDUIN_NEED_SHARED();
  const json ws = json::parse(R"({
    "kucoin": {"hosts":["wss://ws-api-*.kucoin.com/"],
      "endpoints":[{"id":"private","kind":"ws","auth":true,"url":"wss://ws-api-futures.kucoin.com/"}]},
    "bybit": {"endpoints":[
      {"id":"private","kind":"ws","auth":true,"url":"wss://stream.bybit.com/v5/private"}]},
    "htx": {"endpoints":[
      {"id":"private","kind":"ws","auth":true,"url":"wss://api.hbdm.com/ws/v5/notification"}]}})");
  const json file = anduin::test::shared_json("vectors/keys.json");
  std::size_t rows = 0;
  for (const json& row : file.at("egress_url")) {
    const auto policy = EgressPolicy::create(ws.at(row.at("venue").get<std::string>()));
    REQUIRE(policy.has_value());
    const auto result = policy->allow_url("private", row.at("url").get<std::string>());
    INFO(row.dump() << " -> " << refusal(result));
    CHECK(result.has_value() == row.at("allow").get<bool>());
    ++rows;
  }
  CHECK(rows == 8);
}

TEST_CASE("egress_rest: every row is allowed or refused as written") {
  ANDUIN_NEED_SHARED();
  const json rest = json::parse(R"({
    "mexc": [{"endpoint":"rest","method":"GET","path":"/api/v3/apiKeyInfo","auth":true}],
    "bybit": [{"endpoint":"rest","method":"GET","path":"/v5/user/query-api","auth":true}],
    "kraken": [{"endpoint":"rest","method":"POST","path":"/0/private/GetApiKeyInfo","auth":true}],
    "htx": [{"endpoint":"rest","method":"GET","path":"/v2/user/api-key","auth":true}]})");
  const json file = anduin::test::shared_json("vectors/keys.json");
  std::size_t rows = 0;
  for (const json& row : file.at("egress_rest")) {
    const json manifest = {
        {"endpoints", {{{"id", "rest"}, {"kind", "http"}, {"url", "https://venue.example"}}}},
        {"egress", rest.at(row.at("venue").get<std::string>())}};
    const auto policy = EgressPolicy::create(manifest);
    REQUIRE(policy.has_value());
    const auto result =
        policy->allow("rest", row.at("method").get<std::string>(), row.at("path").get<std::string>(), true);
    INFO(row.dump() << " -> " << refusal(result));
    CHECK(result.has_value() == row.at("allow").get<bool>());
    ++rows;
  }
  CHECK(rows == 10);
}

TEST_CASE("a frame is one plain object with known members and listed topics") {
  const auto policy = EgressPolicy::create(manifest_with(kRules));
  REQUIRE(policy.has_value());
  for (const char* good :
       {"ping", R"({"op":"ping"})", R"({"op":"subscribe","args":["wallet"]})",
        R"({"op":"subscribe","args":["wallet","orders:BTC"],"req_id":"7"})",
        R"({"op":"auth","args":["k",1,"s"]})", R"({ "op" : "subscribe", "args" : "wallet" })"}) {
    INFO(good);
    CHECK(refusal(frame(*policy, good)) == "(allowed)");
  }
  for (const char* bad : {"pong",
                          "ping ",
                          "",
                          "{}",
                          "[]",
                          "null",
                          "\"ping\"",
                          R"({"op":"order"})",
                          R"({"OP":"ping"})",
                          R"({"op":["subscribe"],"args":["wallet"]})",
                          R"({"op":"subscribe","args":["order"]})",
                          R"({"op":"subscribe","args":["orders:"]})",  // nothing stands for the star
                          R"({"op":"subscribe","args":["wallet",["order"]]})",
                          R"({"op":"subscribe","args":[]})",
                          R"({"op":"subscribe","args":["wallet",{"topic":"order"}]})",
                          R"({"op":"subscribe"})",
                          R"({"op":"subscribe","args":{"0":"wallet"}})",
                          R"({"op":"ping","extra":1})",
                          R"({"op":"ping","op":"order"})",
                          R"({"op":"ping","\u006fp":"order"})",
                          R"({"op":"auth","args":[{"a":1,"a":2}]})",
                          R"({"op":"ping"} {"op":"order"})",
                          R"({"op":"ping"}x)",
                          " {\"op\":\"ping\"}",
                          "{\"op\":\"ping\"}\n",
                          "\xEF\xBB\xBF{\"op\":\"ping\"}",
                          R"({"op":"ping",})",
                          R"({'op':'ping'})",
                          "{\"op\":\"ping\"/*x*/}",
                          "{\"op\":\"pi\xFFng\"}",
                          R"({"op\u0000":"order","op":"ping"})"}) {
    INFO(bad);
    CHECK_FALSE(frame(*policy, bad).has_value());
  }
  std::string deep = R"({"op":"auth","args":)";
  deep += std::string(5000, '[') + std::string(5000, ']') + "}";
  CHECK(refusal(frame(*policy, deep)).find("too deep") != std::string::npos);
  CHECK_FALSE(policy->allow_frame("private", {"ping", false, {}}, 2).has_value());
}

TEST_CASE("a refusal says what was refused and where the entry is missing") {
  const auto policy = EgressPolicy::create(manifest_with(kRules));
  REQUIRE(policy.has_value());
  CHECK(refusal(frame(*policy, R"({"op":"order.create"})")) ==
        "/ws_egress/private/allow: frame refused: op \"order.create\" is not listed there");
  CHECK(refusal(frame(*policy, R"({"op":"subscribe","args":["dcp.future"]})")) ==
        "/ws_egress/private/topics: frame refused: topic \"dcp.future\" is not listed there");
  CHECK(refusal(frame(*policy, R"({"op":"ping","header":{}})")) ==
        "/ws_egress/private/fields: frame refused: member \"header\" is not listed there");
}

TEST_CASE("frames without rules: only a public instance, never with credentials") {
  const json manifest =
      json::parse(R"({"endpoints":[{"id":"public","kind":"ws","url":"wss://venue.example/public"}]})");
  EgressPolicy::Options prices;
  prices.account = false;
  const auto open = EgressPolicy::create(manifest, prices);
  const auto account = EgressPolicy::create(manifest);
  REQUIRE((open.has_value() && account.has_value()));
  CHECK(open->allow_frame("public", {R"({"op":"subscribe"})", false, {}}).has_value());
  CHECK_FALSE(open->allow_frame("public", {R"({"op":"auth"})", true, {}}).has_value());
  CHECK_FALSE(account->allow_frame("public", {R"({"op":"subscribe"})", false, {}}).has_value());
  CHECK_FALSE(open->allow_frame("nowhere", {"x", false, {}}).has_value());
}

TEST_CASE("a request: method and path together, nothing that reads differently elsewhere") {
  const json manifest =
      json::parse(R"({"endpoints":[{"id":"rest","kind":"http","url":"https://venue.example"}],
    "egress":[{"endpoint":"rest","method":"GET","path":"/v5/list","auth":true},
              {"endpoint":"rest","method":"GET","path":"/v5/time","auth":false},
              {"endpoint":"rest","method":"GET","path":"/v5/depth/*"}]})");
  const auto policy = EgressPolicy::create(manifest);
  REQUIRE(policy.has_value());
  CHECK(policy->allow("rest", "GET", "/v5/list", true).has_value());
  CHECK(policy->allow("rest", "GET", "/v5/time").has_value());
  CHECK(policy->allow("rest", "GET", "/v5/depth/BTC_USDT").has_value());
  for (const auto& [method, path] : std::initializer_list<std::pair<const char*, const char*>>{
           {"POST", "/v5/list"},   {"get", "/v5/list"},      {"GET", "/V5/list"},
           {"GET", "/v5/list/"},   {"GET", "/v5//list"},     {"GET", "//v5/list"},
           {"GET", "/v5/./list"},  {"GET", "/v5/x/../list"}, {"GET", "/v5/list/.."},
           {"GET", "/v5/%6cist"},  {"GET", "/v5/list%00"},   {"GET", "/v5/list;x"},
           {"GET", "/v5/list?a"},  {"GET", "/v5/list#a"},    {"GET", "v5/list"},
           {"GET", "/v5\\list"},   {"GET", "/v5/list "},     {"GET", ""},
           {"GET", "/v5/order"},   {"GET", "/v5/depth/"},    {"GET", "/v5/depth/a/b"},
           {"GET", "/v5/depth/.."}}) {
    INFO(method << " " << path);
    CHECK_FALSE(policy->allow("rest", method, path).has_value());
  }
  CHECK(refusal(policy->allow("rest", "GET", "/v5/time", true)).find("\"auth\": true") !=
        std::string::npos);
  CHECK(refusal(policy->allow("rest", "POST", "/v5/list")).find("another method") != std::string::npos);
}

TEST_CASE("a request's headers cannot take the host's place or another method") {
  const json manifest =
      json::parse(R"({"endpoints":[{"id":"rest","kind":"http","url":"https://venue.example"}],
    "egress":[{"endpoint":"rest","method":"GET","path":"/a","auth":true}]})");
  const auto policy = EgressPolicy::create(manifest);
  REQUIRE(policy.has_value());
  RenderedRequest request;
  request.method = "GET";
  request.path = "/a";
  request.headers = {{"X-Key", "k"}, {"Content-Type", "application/json"}};
  CHECK(policy->allow("rest", request).has_value());
  for (const char* name : {"Host", "host", "Content-Length", "Transfer-Encoding", "X-HTTP-Method-Override",
                           "x-original-url", "Sec-WebSocket-Key", "Connection"}) {
    request.headers = {{name, "v"}};
    INFO(name);
    CHECK_FALSE(policy->allow("rest", request).has_value());
  }
}

TEST_CASE("a URL: scheme, host, port and path") {
  const json manifest =
      json::parse(R"({"hosts":["wss://ws-api-*.venue.example/","wss://stream.venue.example/v5/public/*"],
    "endpoints":[{"id":"private","kind":"ws","auth":true,"url":"wss://stream.venue.example/v5/private"},
                 {"id":"rest","kind":"http","url":"https://venue.example"}]})");
  const auto policy = EgressPolicy::create(manifest);
  REQUIRE(policy.has_value());
  for (const char* good :
       {"wss://stream.venue.example/v5/private", "wss://stream.venue.example:443/v5/private?x=%2F",
        "wss://ws-api-spot.venue.example", "wss://ws-api-spot.venue.example/?token=a%3D%3D",
        "wss://stream.venue.example/v5/public/linear"}) {
    INFO(good);
    CHECK(refusal(policy->allow_url("private", good)) == "(allowed)");
  }
  for (const char* bad : {"ws://stream.venue.example/v5/private",
                          "wss://stream.venue.example:8443/v5/private",
                          "wss://stream.venue.example/v5/trade",
                          "wss://stream.venue.example/v5/private/",
                          "wss://stream.venue.example/v5/public/a/b",
                          "wss://stream.venue.example/v5/public/",
                          "wss://ws-api-.venue.example/",
                          "wss://ws-api-a.b.venue.example/",
                          "wss://ws-api-a.venue.example.evil.example/",
                          "wss://evil.example/ws-api-a.venue.example/",
                          "wss://user@ws-api-a.venue.example/",
                          "wss://ws-api-a.venue.example@evil.example/",
                          "wss://ws-api-a.venue.example\\@evil.example/",
                          "wss://ws-api-a.venue.example/#x",
                          "WSS://stream.venue.example/v5/private",
                          "wss://STREAM.venue.example/v5/private",
                          "wss://stream.venue.example/v5/%70rivate",
                          "wss://stream.venue.example/v5/x/../private",
                          "wss://stream.venue.example//v5/private",
                          "wss://",
                          "/v5/private",
                          "https://venue.example/"}) {
    INFO(bad);
    CHECK_FALSE(policy->allow_url("private", bad).has_value());
  }
  CHECK_FALSE(policy->allow_url("rest", "https://venue.example/").has_value());
}

TEST_CASE("an overridden endpoint allows the same paths on its own address") {
  const json manifest = json::parse(R"({"hosts":["wss://stream.venue.example/v5/public/*"],
    "endpoints":[{"id":"public","kind":"ws","url":"wss://stream.venue.example/v5/public/linear"},
                 {"id":"rest","kind":"http","url":"https://venue.example"}]})");
  EgressPolicy::Options options;
  options.endpoint_overrides = {{"public", "ws://127.0.0.1:9001/v5/public/linear"},
                                {"rest", "http://127.0.0.1:9001/venue"}};
  const auto policy = EgressPolicy::create(manifest, options);
  REQUIRE(policy.has_value());
  CHECK(policy->allow_url("public", "ws://127.0.0.1:9001/v5/public/linear?a=b").has_value());
  CHECK(policy->allow_url("public", "ws://127.0.0.1:9001/v5/public/spot").has_value());
  CHECK_FALSE(policy->allow_url("public", "ws://127.0.0.1:9001/v5/trade").has_value());
  CHECK_FALSE(policy->allow_url("public", "ws://127.0.0.1:9002/v5/public/spot").has_value());
  CHECK(policy->url("public", "/v5/public/spot?x").value() == "ws://127.0.0.1:9001/v5/public/spot?x");
  CHECK(policy->url("rest", "/v5/time?x").value() == "http://127.0.0.1:9001/venue/v5/time?x");
  CHECK(policy->url("public").value() == "ws://127.0.0.1:9001/v5/public/linear");
  options.endpoint_overrides = {{"nowhere", "ws://127.0.0.1:1/"}};
  CHECK_FALSE(EgressPolicy::create(manifest, options).has_value());
  options.endpoint_overrides = {{"public", "https://127.0.0.1/"}};
  CHECK_FALSE(EgressPolicy::create(manifest, options).has_value());
}

TEST_CASE("an OPEN: its URL, its headers and whether credentials may go there") {
  const json manifest =
      json::parse(R"({"endpoints":[{"id":"public","kind":"ws","url":"wss://venue.example/public"},
    {"id":"private","kind":"ws","auth":true,"url":"wss://venue.example/private"}]})");
  const auto policy = EgressPolicy::create(manifest);
  REQUIRE(policy.has_value());
  RenderedRequest request;
  CHECK(policy->allow_open("public", "wss://venue.example/public", request).has_value());
  request.headers = {{"Host", "other.example"}};
  CHECK_FALSE(policy->allow_open("public", "wss://venue.example/public", request).has_value());
  request.headers = {{"X-Key", "k"}};
  request.uses_credentials = true;
  CHECK_FALSE(policy->allow_open("public", "wss://venue.example/public", request).has_value());
  CHECK(policy->allow_open("private", "wss://venue.example/private", request).has_value());
}

TEST_CASE("a manifest that cannot work is refused with its place") {
  const auto where = [](const char* text) {
    const auto made = EgressPolicy::create(json::parse(text));
    return made ? std::string("(accepted)") : made.error().where;
  };
  const std::string rest = R"("endpoints":[{"id":"rest","kind":"http","url":"https://venue.example"}])";
  const std::string ws =
      R"("endpoints":[{"id":"p","kind":"ws","auth":true,"url":"wss://venue.example/p"}])";
  CHECK(where(("{" + rest + R"(,"egress":[{"endpoint":"rest","method":"get","path":"/a"}]})").c_str()) ==
        "/egress/0/method");
  CHECK(
      where(("{" + rest + R"(,"egress":[{"endpoint":"rest","method":"GET","path":"/a/../b"}]})").c_str()) ==
      "/egress/0/path");
  CHECK(where(("{" + rest + R"(,"egress":[{"endpoint":"rest","method":"GET","path":"/a/*","auth":true}]})")
                  .c_str()) == "/egress/0/path");
  CHECK(where(("{" + rest + R"(,"egress":[{"endpoint":"other","method":"GET","path":"/a"}]})").c_str()) ==
        "/egress/0/endpoint");
  CHECK(where(R"({"endpoints":[{"id":"rest","kind":"http","url":"https://venue.example/v5"}]})") ==
        "/endpoints/0/url");
  CHECK(where(R"({"endpoints":[{"id":"rest","kind":"http","url":"wss://venue.example"}]})") ==
        "/endpoints/0/url");
  CHECK(where(("{" + ws + R"(,"ws_egress":{"q":{"key":"op","allow":["a"],"fields":["op"]}}})").c_str()) ==
        "/ws_egress/q");
  CHECK(where(("{" + ws + R"(,"ws_egress":{"p":{"key":"op","allow":["a"],"fields":[]}}})").c_str()) ==
        "/ws_egress/p/fields");
  CHECK(where(("{" + ws + R"(,"ws_egress":{"p":{"key":"op","fields":["op"]}}})").c_str()) ==
        "/ws_egress/p/allow");
  CHECK(
      where(("{" + ws + R"(,"ws_egress":{"p":{"key":"op","allow":["a"],"fields":["op"],"topics":["t"]}}})")
                .c_str()) == "/ws_egress/p");
  CHECK(where(R"({"hosts":["wss://*.example/"]})") == "/hosts");
  CHECK(where(R"({"hosts":["wss://*/"]})") == "/hosts");
}
