// Each mistake at its own place with its own advice.
#include <catch2/catch.hpp>

#include "catalog.hpp"

using namespace anduin;
using namespace anduin::pipeline;
using anduin::pipeline::test::environment;
using anduin::pipeline::test::SourceCatalog;

namespace {

std::string report(const std::string& text, bool only_errors = true) {
  SourceCatalog catalog;
  auto result = parse_settings(
      text, "p.yaml", environment({{"PORT", "70000"}, {"DAY", "2026-01-01T00:00:00Z"}, {"N", "5"}}),
      &catalog);
  if (only_errors)
    std::erase_if(result.problems,
                  [](const Problem& p) { return p.severity == Problem::Severity::kWarning; });
  return result.report();
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

const std::string kStart = "version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\n";

}  // namespace

TEST_CASE("ten different mistakes are ten lines with place and advice") {
  const std::string file = R"(version: 1
venus: {}
venues:
  bybit: { market: [linaer], symbols: BTCUSDT }
  kraken: { symbols: [BTCUSD], symbols: [ETHUSD] }
accounts:
  - name: alice
    venue: bibyt
    market: linear
    user: "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    vault: main
    settle_from: yesterday
aggregator: { stale_after: 30 }
bridge: { pnl: gross }
vaults:
  main: { chain_id: "8453", rpc: ["ftp://node"], settled_at: finalised }
)";
  const std::string found = report(file);
  INFO(found);
  for (const auto* line : {
           "p.yaml:2:1: error: unknown key 'venus' in the pipeline; did you mean 'venues'?",
           "p.yaml:4:20: error: market: must be one of linear, inverse, spot",
           "p.yaml:4:39: error: expected a list of symbols, as in [a, b], found 'BTCUSDT'",
           "p.yaml:5:32: error: 'symbols' stands here a second time; keep this one or the one in line 5",
           "p.yaml:8:12: error: no venue 'bibyt' under venues; did you mean 'bybit'?",
           "p.yaml:10:11: error: '0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed' has a wrong EIP-55 checksum",
           "p.yaml:12:18: error: 'yesterday' is not a time such as 2026-11-01T00:00:00Z",
           "p.yaml:13:28: error: '30' is not a time with its unit (250ms, 30s, 5m, 1h) from 100ms to 1h; "
           "did you mean 30s?",
           "p.yaml:14:16: error: 'gross' is not one of net, venue",
           "p.yaml:16:21: error: expected a whole number",
           "p.yaml:16:35: error: this is not an http or https URL",
           "p.yaml:16:62: error: 'finalised' is not finalized, safe or depth:N with N from 1 to 10000",
       }) {
    CAPTURE(line);
    CHECK(found.find(line) != std::string::npos);
  }
  CHECK(lines(found) == 12);
}

TEST_CASE("each mistake alone: its place and what to write instead") {
  const struct {
    const char* name;
    std::string text;
    const char* expected;
  } cases[] = {
      {"version missing", "venues: { bybit: {} }\n",
       "p.yaml:1:1: error: the pipeline lacks 'version'; add version: ..."},
      {"version unknown", "version: 2\nvenues: { bybit: {} }\n",
       "p.yaml:1:10: error: version '2' is not known to this program; it reads version: 1"},
      {"no venue", "version: 1\nvenues: {}\n", "p.yaml:2:9: error: no venue; name at least one"},
      {"venue without a body", "version: 1\nvenues:\n  bybit:\n",
       "error: expected a venue (lines of key: value), found nothing"},
      {"number as text",
       kStart + "vaults: { 7: {} }\naccounts: [{ name: 7, venue: bybit, market: linear, user: "
                "\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" }]\n",
       "p.yaml:4:20: error: '7' is a number or a boolean to YAML; expected a name of letters, digits, '.', "
       "'_' and '-': if it is meant as text, write \"7\""},
      {"text as boolean", kStart + "bridge: { capped_seizure: yes }\n",
       "p.yaml:3:27: error: 'yes' is neither true nor false"},
      {"quoted boolean", kStart + "bridge: { capped_seizure: \"true\" }\n",
       "p.yaml:3:27: error: expected true or false, found text; write true without quotes"},
      {"range", kStart + "vaults: { m: { in_flight: 17 } }\n",
       "p.yaml:3:27: error: '17' is not a whole number of transactions from 1 to 16"},
      {"not whole", kStart + "vaults: { m: { in_flight: 1.5 } }\n",
       "'1.5' is not a whole number of transactions"},
      {"huge", kStart + "vaults: { m: { chain_id: 99999999999999999999999999 } }\n",
       "is not a whole number from 1 to"},
      {"number range", kStart + "aggregator: { cross_bp_max: -1 }\n",
       "p.yaml:3:29: error: '-1' is not a number of bp from 0 to 10000"},
      {"duration range", kStart + "aggregator: { stale_after: 10ms }\n",
       "'10ms' is not a time with its unit"},
      {"duration fraction of a ms", kStart + "aggregator: { stale_after: 1000.5ms }\n",
       "'1000.5ms' is not a time with its unit"},
      {"money", kStart + "bridge: { item_limit_usd: 0 }\n", "'0' is not a number of US dollars above zero"},
      {"listen", kStart + "http: { listen: 8080 }\n",
       "p.yaml:3:17: error: '8080' is not an address and a port such as 127.0.0.1:8080"},
      {"port", kStart + "http: { listen: \"127.0.0.1:${env:PORT}\" }\n",
       "'127.0.0.1:70000' is not an address and a port"},
      {"no such day",
       kStart + "vaults: {m: {}}\naccounts:\n  - {name: a, venue: bybit, market: linear, settle_from: "
                "2026-02-30T00:00:00Z, user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"}\n",
       "'2026-02-30T00:00:00Z' is not a time"},
      {"missing variable", kStart + "ledger: \"sqlite:${env:NOWHERE}\"\n",
       "p.yaml:3:9: error: environment variable NOWHERE is not set; set it, or write sqlite:FILE"},
      {"broken variable", kStart + "ledger: \"sqlite:${env:}\"\n", "a variable is written ${env:NAME}"},
      {"unpinned plugin", "version: 1\nvenues: { x: { plugin: acme } }\n",
       "p.yaml:2:24: error: plugin 'acme' is not one of ours and must be pinned"},
      {"unknown plugin", "version: 1\nvenues: { okx: {} }\n",
       "p.yaml:2:11: error: no plugin 'okx' in /usr/lib/anduin/plugins; known are bybit, kraken"},
      {"broken plugin",
       "version: 1\nplugins: { pins: { broken: \"sha256:" + std::string(64, 'b') +
           "\" } }\nvenues: { broken: {} }\n",
       "p.yaml:3:11: error: plugin 'broken' cannot be used: half of the file is missing"},
      {"another hash", kStart + "plugins: { pins: { bybit: \"sha256:" + std::string(64, 'b') + "\" } }\n",
       "p.yaml:3:27: error: the file of plugin 'bybit' has another hash: sha256:aaaa"},
      {"pin", kStart + "plugins: { pins: { bybit: abc } }\n",
       "'abc' is not a hash such as sha256:<64 hex digits>"},
      {"option", "version: 1\nvenues: { bybit: { symbols: [BTCUSDT], options: { recv_windw_ms: 5 } } }\n",
       "p.yaml:2:66: error: recv_windw_ms: the plugin bybit has no such option; did you mean "
       "'recv_window_ms'?"},
      {"option's value",
       "version: 1\nvenues: { bybit: { symbols: [BTCUSDT], options: { recv_window_ms: 5 } } }\n",
       "p.yaml:2:67: error: recv_window_ms: must be 1000 or more"},
      {"dialect twice",
       "version: 1\nvenues: { bybit: { symbols: [B], dialect: v5, options: { dialect: v5 } } }\n",
       "dialect stands under options as well"},
      {"channel", "version: 1\nvenues:\n  bybit:\n    symbols: [BTCUSDT]\n    price_channel: books\n",
       "p.yaml:5:20: error: price_channel: must match"},
      {"endpoint",
       "version: 1\nvenues: { bybit: { symbols: [B], endpoints: { rst: \"https://127.0.0.1\" } } }\n",
       "plugin 'bybit' has no endpoint 'rst'; did you mean 'rest'?"},
      {"endpoint in the clear",
       "version: 1\nvenues: { bybit: { symbols: [B], endpoints: { rest: \"http://10.0.0.1\" } } }\n",
       "in the clear; write https://"},
      {"endpoint of the other kind",
       "version: 1\nvenues: { bybit: { symbols: [B], endpoints: { rest: \"wss://127.0.0.1\" } } }\n",
       "endpoint 'rest' speaks HTTP; write https://"},
      {"endpoint no URL",
       "version: 1\nvenues: { bybit: { symbols: [B], endpoints: { rest: localhost } } }\n",
       "'localhost' is not a URL"},
      {"CA", "version: 1\nvenues: { bybit: { symbols: [B], tls: { ca: nowhere.pem } } }\n",
       "p.yaml:2:45: error: there is no file"},
      {"symbol twice", "version: 1\nvenues: { bybit: { symbols: [BTCUSDT, BTCUSDT] } }\n",
       "p.yaml:2:39: error: stands in this list twice"},
      {"two entries of one venue",
       "version: 1\nvenues:\n  spot: { plugin: kraken, market: spot, symbols: [BTCUSD] }\n  fut: { plugin: "
       "kraken, market: futures, symbols: [BTCUSD] }\n",
       "p.yaml:4:53: error: 'spot' has BTCUSD too, of the same venue"},
      {"override of no venue", kStart + "symbols: { BTCUSDT: { krakn: \"XBT/USDT\" } }\n",
       "no venue 'krakn' under venues"},
      {"override of no canonical name", kStart + "symbols: { btc-usdt: { bybit: BTCUSDT } }\n",
       "'btc-usdt' is not a canonical symbol"},
      {"webhook without certificate", kStart + "webhook: { listen: \"127.0.0.1:1\" }\n",
       "webhook lacks 'tls'"},
      {"policy hard below soft", kStart + "policy: { credits: { venue_hour: { soft_usd: 100, hard_usd: 99 } } }\n",
       "hard_usd is below soft_usd"},
      {"policy with counts of one item", kStart + "policy: { credits: { item: { soft_count: 1 } } }\n",
       "unknown key 'soft_count'"},
      {"policy of a double nature", kStart + "policy: { seizures: { item: { soft_usd: -1 } } }\n", "p.yaml:"},
      {"too few approvers",
       kStart + "policy: { approvers: [\"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"], approvals_needed: 2 }\n",
       "approvals_needed is 2 of 1 approvers"},
      {"approvals without approvers", kStart + "policy: { approvals_needed: 2 }\n", "approvals_needed is 2 of 0 approvers"},
      {"signatures of nobody", kStart + "policy: { signed_above_usd: 100 }\n", "signed_above_usd needs approvers"},
      {"an approver that is no address", kStart + "policy: { approvers: [\"0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"] }\n",
       "p.yaml:"},
      {"control without socket", kStart + "control: {}\n", "control lacks 'socket'; add socket: ..."},
      {"merge key", "version: 1\nbase: &b { symbols: [BTCUSDT] }\nvenues: { bybit: { <<: *b } }\n",
       "unknown key '<<' in a venue"},
  };
  for (const auto& c : cases) {
    const std::string found = report(c.text);
    CAPTURE(c.name, found);
    CHECK(found.find(c.expected) != std::string::npos);
  }
}

TEST_CASE("accounts: names, references, markets, credentials") {
  const auto with = [](const std::string& account, const std::string& vaults = "{ main: {} }") {
    return report("version: 1\nvenues: { bybit: { symbols: [BTCUSDT] }, kraken: {} }\nvaults: " + vaults +
                      "\naccounts:\n" + account,
                  false);
  };
  const std::string user = "user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"";
  CHECK(with("  - { name: a, venue: bybit, market: linear, " + user +
             " }\n  - { name: a, venue: bybit, market: linear, " + user + " }\n")
            .find("p.yaml:6:13: error: another account is called 'a' (line 5); give each its own name") !=
        std::string::npos);
  CHECK(with("  - { name: a, venue: bybit, vault: mian, market: linear, " + user + " }\n")
            .find("p.yaml:5:37: error: no vault 'mian' under vaults; did you mean 'main'?") !=
        std::string::npos);
  CHECK(with("  - { name: a, venue: bybit, market: linear, " + user + " }\n", "{ one: {}, two: {} }")
            .find("p.yaml:5:5: error: there is more than one vault; add vault: with one of one, two") !=
        std::string::npos);
  CHECK(with("  - { name: a, venue: bybit, market: linear, " + user + " }\n", "{}")
            .find("an account needs a vault and there is none") != std::string::npos);
  CHECK(with("  - { name: a, venue: kraken, " + user + " }\n")
            .find("p.yaml:5:5: error: venue 'kraken' has more than one product; add market: with one of") !=
        std::string::npos);
  CHECK(with("  - { name: a, venue: kraken, market: futurs, " + user + " }\n")
            .find("did you mean 'futures'?") != std::string::npos);
  CHECK(with("  - { name: a, venue: kraken, market: spot }\n")
            .find("p.yaml:5:5: error: an account lacks 'user'") != std::string::npos);
  CHECK(with("  - { name: a, venue: kraken, market: spot, credentials: { key: \"${env:A}\", passphrase: "
             "\"${env:B}\" }, " +
             user + " }\n")
            .find("error: venue 'kraken' has no credential 'passphrase'") != std::string::npos);
  CHECK(with("  - { name: a, venue: kraken, market: spot, credentials: { key: \"${env:A}\" }, " + user +
             " }\n")
            .find("warning: account 'a' lacks credential 'secret'") != std::string::npos);
}

TEST_CASE("problems come in the order of the file, and a variable may stand for any value") {
  const std::string found = report("ledger: mysql\nversion: 1\nvenues: { bybit: { symbols: [1] } }\n");
  CHECK(found.find("p.yaml:1:9") < found.find("p.yaml:3:30"));
  const std::string good = report(
      kStart +
      "vaults: { m: { in_flight: \"${env:N}\" } }\naccounts:\n  - {name: a, venue: bybit, market: linear, "
      "settle_from: \"${env:DAY}\", user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"}\n");
  CHECK(good == "");
}

TEST_CASE("vaults of one file share the token's decimals: another number would be another amount") {
  const std::string found = report(kStart + "vaults:\n  a: { token_decimals: 6 }\n  b: { token_decimals: 18 }\n");
  INFO(found);
  CHECK(found.find("p.yaml:5:") != std::string::npos);
  CHECK(found.find("run the other vault from a file of its own") != std::string::npos);
}

TEST_CASE("a signer names one backend and what belongs to it") {
  const auto signer = [](const std::string& block) {
    return report("version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\nvaults: { m: { signer: " + block + " } }\n");
  };
  const std::string address = "address: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\"";
  const std::string key(64, '1');
  const struct {
    std::string block;
    const char* expected;
  } cases[] = {
      {"{}", "p.yaml:3:24: error: it names no backend; write exactly one of key, keystore, web3signer and kms"},
      {"{ key: \"" + key + "\", keystore: k.json, password_file: p }", "it names more than one backend"},
      {"{ keystore: k.json }", "a keystore needs its password"},
      {"{ keystore: k.json, password: a-password, password_file: p }", "a keystore needs its password; write one of"},
      {"{ key: \"" + key + "\", password: a-password }", "a password belongs to a keystore"},
      {"{ web3signer: \"http://h:9000\" }", "it lacks 'address'; add address: 0x... of the key"},
      {"{ key: \"" + key + "\", " + address + " }", "address belongs to web3signer and kms"},
      {"{ key: \"" + key + "\", tls: { ca: c } }", "tls belongs to web3signer and kms"},
      {"{ kms: { key_id: a, region: eu-central-1 }, " + address + " }", "kms lacks 'access_key'; add access_key: ..."},
      {"{ by_file: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" }", "unknown key 'by_file' in signer"},
  };
  for (const auto& c : cases) {
    const std::string found = signer(c.block);
    CAPTURE(c.block, found);
    CHECK(found.find(c.expected) != std::string::npos);
    CHECK(found.find("a-password") == std::string::npos);
  }
}
