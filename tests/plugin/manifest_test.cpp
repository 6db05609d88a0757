#include "plugin/manifest.hpp"

#include <catch2/catch.hpp>

#include "plugin/config_schema.hpp"
#include "support/result.hpp"

using namespace anduin::plugin;
using nlohmann::json;

namespace {

json sound() {
  return json::parse(R"({"schema":1,"id":"acme","name":"Acme","version":"1.0.0","abi":{"major":1,"minor":0,"minor_min":0},
    "venue":{"name":"Acme","type":"cex","position_ids":"account"},"feeds":{"prices":"stable"},"instruments":"listed",
    "endpoints":[{"id":"public","kind":"ws","url":"wss://a.example/v1","idle_ms":5000,"ping":{"every_ms":2000,"text":"ping"}},
                 {"id":"private","kind":"ws","url":"wss://a.example/p","auth":true},{"id":"rest","kind":"http","url":"https://a.example"}],
    "config":{"type":"object","properties":{"market":{"type":"array","items":{"enum":["linear","spot"]},"default":["linear"]},
      "depth":{"type":"integer","minimum":1,"maximum":500,"default":50},"price_channel":{"type":"string","pattern":"orderbook\\.[0-9]+","default":"orderbook.1"}}}})");
}

}  // namespace

TEST_CASE("manifest: a sound one is read whole") {
  const auto m = Manifest::parse(sound().dump(), "here");
  REQUIRE(m);
  CHECK(m->ids_per_account);
  CHECK(m->instruments_listed);
  CHECK(m->endpoint("public")->idle_ms == 5000);
  CHECK(m->endpoint("public")->liveness_by_data);
  CHECK_FALSE(m->endpoint("private")->liveness_by_data);
  CHECK(m->endpoint("public")->ping.text == "ping");
  CHECK(m->endpoint("none") == nullptr);
}

TEST_CASE("manifest: each mistake is named by its JSON pointer") {
  const auto [patch, pointer] = GENERATE(table<const char*, const char*>({
      {R"([{"op":"remove","path":"/id"}])", "/id"},
      {R"([{"op":"replace","path":"/schema","value":2}])", "/schema"},
      {R"([{"op":"replace","path":"/venue/position_ids","value":"both"}])", "/venue/position_ids"},
      {R"([{"op":"replace","path":"/venue/name","value":"A:B"}])", "/venue/name"},
      {R"([{"op":"replace","path":"/endpoints/0/url","value":"ws://plain.example"}])", "/endpoints/0/url"},
      {R"([{"op":"replace","path":"/endpoints/1/id","value":"public"}])", "/endpoints/1/id"},
      {R"([{"op":"replace","path":"/endpoints/0/ping/every_ms","value":10}])", "/endpoints/0/ping/every_ms"},
      {R"([{"op":"replace","path":"/instruments","value":"some"}])", "/instruments"},
      {R"([{"op":"replace","path":"/endpoints","value":[]}])", "/endpoints"},
      {R"([{"op":"add","path":"/inbound","value":{"scheme":"basic"}}])", "/inbound/scheme"},
      {R"([{"op":"add","path":"/inbound","value":{"scheme":"anduin-hmac-v1","max_body":0}}])", "/inbound/max_body"},
      {R"([{"op":"add","path":"/inbound","value":{"scheme":"anduin-hmac-v1","trust":"all"}}])", "/inbound/trust"}}));
  const auto m = Manifest::parse(sound().patch(json::parse(patch)).dump(), "here");
  REQUIRE_FALSE(m);
  INFO(m.error().to_string());
  CHECK(m.error().text.find(pointer) != std::string::npos);
}

TEST_CASE("manifest: an inbound endpoint is enough, and its accounts have options of their own") {
  json j = sound();
  j["endpoints"] = json::array();
  j["inbound"] = {{"scheme", "anduin-hmac-v1"}, {"max_body", 1000}};
  j["account_config"] = json::parse(R"({"required":["ref"],"properties":{"ref":{"type":"string","pattern":"[a-z]+"},"age":{"type":"integer","default":14}}})");
  const auto m = Manifest::parse(j.dump(), "here");
  REQUIRE(m);
  CHECK(m->inbound.scheme == "anduin-hmac-v1");
  CHECK(m->inbound.content_type == "application/json");
  CHECK(m->inbound.body_bytes_max == 1000);
  CHECK_FALSE(m->inbound.trusted);
  json options{{"ref", "a"}};
  CHECK(check_account_options(*m, options).empty());
  CHECK(options.at("age") == 14);
  json none = json::object(), wrong{{"ref", "A"}};
  REQUIRE(check_account_options(*m, none).size() == 1);
  CHECK(check_account_options(*m, none).front().text.find("is needed") != std::string::npos);
  CHECK(check_account_options(*m, wrong).size() == 1);
}

TEST_CASE("options: defaults, conversions from text, and every problem with advice") {
  const auto m = Manifest::parse(sound().dump(), "here");
  json given{{"market", "linear,spot"}, {"depth", "5"}};
  CHECK(check_options(*m, given).empty());
  CHECK(given == json{{"market", {"linear", "spot"}}, {"depth", 5}, {"price_channel", "orderbook.1"}});
  json wrong{{"market", "futures"}, {"depth", 501}, {"price_channel", "book"}, {"dept", 1}};
  const auto problems = check_options(*m, wrong);
  REQUIRE(problems.size() == 4);
  std::string all;
  for (const auto& p : problems) all += p.name + ": " + p.text + "\n";
  INFO(all);
  CHECK(all.find("must be one of linear, spot") != std::string::npos);
  CHECK(all.find("must be 500 or less") != std::string::npos);
  CHECK(all.find("must match orderbook") != std::string::npos);
  CHECK(all.find("did you mean 'depth'") != std::string::npos);
}
