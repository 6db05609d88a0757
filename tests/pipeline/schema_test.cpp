// The schema and the loader say the same about the form of a file. What a schema cannot say (references,
// checksums, manifests, ranges of times) is the loader's alone and is left out here.
#include <yaml-cpp/yaml.h>

#include <catch2/catch.hpp>
#include <regex>

#include "catalog.hpp"
#include "json_schema.hpp"

using namespace anduin::pipeline;
using anduin::pipeline::test::environment;
using anduin::pipeline::test::violation;
using nlohmann::json;

namespace {

/// YAML as an editor would hand it to a schema: core rules, without the loader's code.
json as_json(const YAML::Node& n) {
  if (n.IsMap()) {
    json out = json::object();
    for (const auto& e : n) out[e.first.Scalar()] = as_json(e.second);
    return out;
  }
  if (n.IsSequence()) {
    json out = json::array();
    for (const auto& e : n) out.push_back(as_json(e));
    return out;
  }
  if (!n.IsScalar()) return nullptr;
  const std::string& text = n.Scalar();
  if (n.Tag() != "?") return text;
  if (text == "true" || text == "false") return text == "true";
  if (std::regex_match(text, std::regex("-?[0-9]+(\\.[0-9]+)?"))) return json::parse(text);
  return text;
}

const std::string kHead = "version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\n";
const std::string kUser = "user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"";

}  // namespace

TEST_CASE("schema and loader accept and refuse the same documents") {
  const json schema = json::parse(schema_text());
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  const std::vector<std::string> good{
      kHead,
      kHead +
          "vaults: { main: { mode: live, chain_id: 1, rpc: [\"https://a/b\"], address: "
          "\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\", signer: { key: \"${env:KEY}\" } } }\n",
      kHead +
          "vaults: { main: { settled_at: safe, in_flight: 1, fee_max_gwei: 0.1, token_decimals: 0 } }\n",
      kHead + "vaults: { main: { in_flight: \"${env:N}\" } }\n",
      kHead + "vaults: { m: { signer: { keystore: key.json, password_file: pw } } }\n",
      kHead +
          "vaults: { m: { signer: { web3signer: \"http://127.0.0.1:9000\", tls: { ca: ca.pem }, address: "
          "\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" } } }\n",
      kHead +
          "vaults: { m: { signer: { kms: { key_id: alias/x, region: eu-central-1, access_key: \"${env:KEY}\", "
          "secret_key: \"${env:KEY}\" }, address: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" } } }\n",
      kHead +
          "vaults: { m: { signer: { key: \"${env:KEY}\" }, executor: { safe: "
          "\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\", owners: [{ key: \"${env:KEY}\" }, { by_file: "
          "\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" }] } } }\n",
      kHead + "aggregator: { stale_after: 1.5s, cross_mads: 0, own_history_bp_floor: 0.25 }\n",
      kHead + "bridge: { pnl: venue, capped_seizure: true, item_limit_usd: 1 }\n",
      kHead + "http: { listen: \"[::1]:80\" }\ncontrol: { socket: s }\n",
      kHead + "ledger: sqlite:x.db\nplugins: { dirs: [a, b], pins: {} }\n",
      kHead + "symbols: { BTCUSDT: { bybit: \"BTC-USDT\" } }\n",
      "version: 1\nvenues: { bybit: { market: linear, symbols: [A, B], options: {}, tls: {} } }\n",
      "version: 1\nvenues: { bybit: { market: [linear, spot], symbols: [] } }\n",
      kHead + "vaults: { m: {} }\naccounts:\n  - { name: a, venue: bybit, " + kUser +
          ", settle_from: 2026-01-01T00:00:00.5Z, credentials: { key: \"${env:A}\" } }\n",
  };
  const std::vector<std::string> bad{
      "venues: { bybit: {} }\n",
      "version: 1\n",
      "version: \"1\"\nvenues: { bybit: {} }\n",
      "version: 2\nvenues: { bybit: {} }\n",
      "version: 1\nvenues: {}\n",
      "version: 1\nvenues: [bybit]\n",
      "version: 1\nvenues: { \"-x\": {} }\n",
      "version: 1\nvenues: { bybit: { symbols: BTCUSDT } }\n",
      "version: 1\nvenues: { bybit: { symbols: [A, A] } }\n",
      "version: 1\nvenues: { bybit: { symbols: [\"A B\"] } }\n",
      "version: 1\nvenues: { bybit: { market: [] } }\n",
      "version: 1\nvenues: { bybit: { colour: red } }\n",
      "version: 1\nvenues: { bybit: { options: 5 } }\n",
      "version: 1\nvenues: { bybit: { isolation: none } }\n",
      "version: 1\nvenues: { bybit: { endpoints: { rest: \"ftp://x\" } } }\n",
      kHead + "nonsense: 1\n",
      kHead + "vaults: { m: { mode: wet } }\n",
      kHead + "vaults: { m: { chain_id: 0 } }\n",
      kHead + "vaults: { m: { chain_id: \"1\" } }\n",
      kHead + "vaults: { m: { chain_id: 1.5 } }\n",
      kHead + "vaults: { m: { rpc: [] } }\n",
      kHead + "vaults: { m: { rpc: [\"wss://x\"] } }\n",
      kHead + "vaults: { m: { address: \"0x12\" } }\n",
      kHead + "vaults: { m: { signer: {} } }\n",
      kHead + "vaults: { m: { signer: { key: \"abc\" } } }\n",
      kHead + "vaults: { m: { signer: { web3signer: \"ws://x\" } } }\n",
      kHead + "vaults: { m: { signer: { kms: { key_id: x } } } }\n",
      kHead + "vaults: { m: { signer: { by_file: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" } } }\n",
      kHead + "vaults: { m: { executor: { owners: [] } } }\n",
      kHead + "vaults: { m: { settled_at: \"depth:0\" } }\n",
      kHead + "vaults: { m: { in_flight: 17 } }\n",
      kHead + "vaults: { m: { fee_max_gwei: 0 } }\n",
      kHead + "vaults: { m: { abi: { credit: 5 } } }\n",
      kHead + "vaults: { m: { abi: { errors: { X: WHATEVER } } } }\n",
      kHead + "aggregator: { stale_after: 30 }\n",
      kHead + "aggregator: { stale_after: \"30\" }\n",
      kHead + "aggregator: { cross_mads: -1 }\n",
      kHead + "aggregator: { cross_mads: \"3\" }\n",
      kHead + "aggregator: { own_history_strikes: 0 }\n",
      kHead + "bridge: { pnl: gross }\n",
      kHead + "bridge: { capped_seizure: 1 }\n",
      kHead + "bridge: { item_limit_usd: 0 }\n",
      kHead + "ledger: 5\n",
      kHead + "ledger: mysql://x\n",
      kHead + "http: { listen: \"8080\" }\n",
      kHead + "http: { operator_token: short }\n",
      kHead + "webhook: { tls: { certificate: a } }\n",
      kHead + "control: {}\n",
      kHead + "plugins: { dirs: [] }\n",
      kHead + "plugins: { pins: { x: \"md5:1\" } }\n",
      kHead + "symbols: { btc: { bybit: X } }\n",
      kHead + "symbols: { BTCUSDT: X }\n",
      kHead + "accounts: {}\n",
      kHead + "accounts: [{ venue: bybit }]\nvaults: { m: {} }\n",
      kHead + "vaults: { m: {} }\naccounts: [{ name: a, venue: bybit, user: \"0x1\" }]\n",
      kHead + "vaults: { m: {} }\naccounts: [{ name: a, venue: bybit, " + kUser +
          ", settle_from: 2026-01-01 }]\n",
      kHead + "vaults: { m: {} }\naccounts: [{ name: a, venue: bybit, " + kUser +
          ", credentials: { Key: x } }]\n",
      kHead + "vaults: { m: {} }\naccounts: [{ name: a b, venue: bybit, " + kUser + " }]\n",
  };
  const auto variables = environment({{"KEY", std::string(64, '1')}, {"N", "3"}, {"A", "a-key"}});
  const auto agree = [&](const std::string& text, bool expected) {
    const auto result = parse_settings(text, "p.yaml", variables, nullptr);
    const std::string broken = violation(schema, schema, as_json(YAML::Load(text)));
    CAPTURE(text, result.report(), broken);
    CHECK(result.ok() == expected);
    CHECK(broken.empty() == expected);
  };
  for (const std::string& text : good) agree(text, true);
  for (const std::string& text : bad) agree(text, false);
}

TEST_CASE(
    "every key of the schema is described, and the defaults it names are those that a file without them "
    "gets") {
  const json schema = json::parse(schema_text());
  std::size_t described = 0;
  const std::function<void(const json&, const std::string&)> walk = [&](const json& node,
                                                                        const std::string& where) {
    if (node.is_object() && node.contains("properties")) {
      for (const auto& [key, value] : node["properties"].items()) {
        CAPTURE(where, key);
        CHECK(value.value("description", "").size() > 5);
        ++described;
      }
    }
    if (node.is_structured()) {
      for (const auto& [key, value] : node.items()) walk(value, where + "/" + key);
    }
  };
  walk(schema, "");
  CHECK(described > 70);

  // A file with every documented default written out means the same as one without them.
  const auto block = [&](const char* key) {
    std::string out = std::string(key) + ":\n";
    for (const auto& [name, value] : schema["properties"][key]["properties"].items()) {
      if (value.contains("default"))
        out +=
            "  " + name + ": " +
            (value["default"].is_string() ? value["default"].get<std::string>() : value["default"].dump()) +
            "\n";
    }
    return out;
  };
  const auto written =
      parse_settings(kHead + block("aggregator") + block("bridge"), "p.yaml", environment({}), nullptr);
  INFO(written.report());
  REQUIRE(written.ok());
  const auto& a = written.settings.aggregator;
  const anduin::market::GateOptions d;
  CHECK(std::tuple(a.stale_after_ms, a.venue_time_departure_ms, a.spread_bp_max, a.spread_median_factor,
                   a.spread_bp_floor, a.own_history_sds, a.own_history_bp_floor, a.own_history_strikes,
                   a.own_history_hold_ms, a.cross_mads, a.cross_bp_floor, a.cross_bp_max) ==
        std::tuple(d.stale_after_ms, d.venue_time_departure_ms, d.spread_bp_max, d.spread_median_factor,
                   d.spread_bp_floor, d.own_history_sds, d.own_history_bp_floor, d.own_history_strikes,
                   d.own_history_hold_ms, d.cross_mads, d.cross_bp_floor, d.cross_bp_max));
  CHECK(written.settings.bridge.pnl == BridgeSettings{}.pnl);
}
