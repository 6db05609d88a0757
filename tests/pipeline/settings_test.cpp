#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "catalog.hpp"

using namespace anduin;
using namespace anduin::pipeline;
using anduin::pipeline::test::environment;
using anduin::pipeline::test::SourceCatalog;

namespace {

const std::map<std::string, std::string> kAllVariables{
    {"BYBIT_API_KEY", "bybit-key-1"},
    {"BYBIT_API_SECRET", "bybit-secret-1"},
    {"KRAKEN_API_KEY", "kraken-key-1"},
    {"KRAKEN_API_SECRET", "kraken-secret-1"},
    {"RPC_URL", "https://rpc.example/v1/abcdef"},
    {"VAULT_ADDRESS", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
    {"SETTLEMENT_PRIVATE_KEY", std::string(64, '7')}};

LoadResult load(const std::string& text, std::map<std::string, std::string> variables = kAllVariables) {
  SourceCatalog catalog;
  catalog.alias("bybit", "acme");
  return parse_settings(text, "/etc/anduin/pipeline.yaml", environment(std::move(variables)), &catalog);
}

/// The file of the interface description, its ellipses filled in and without what this version cannot do
/// yet.
const char* kDocumented = R"(
version: 1
plugins:
  dirs: [build/plugins]
  pins: { acme: "sha256:AAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
venues:
  bybit:  { market: [linear], symbols: [BTCUSDT, ETHUSDT] }
  kraken: { market: [spot], symbols: [BTCUSD, BTCUSDT] }
  acme:   { plugin: acme, isolation: in-process, symbols: [SOLUSDT], options: { recv_window_ms: 6000 },
            endpoints: { rest: "https://127.0.0.1:9443" } }
symbols:
  BTCUSDT: { kraken: "XBT/USDT" }
accounts:
  - name: alice-bybit
    venue: bybit
    user: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    vault: main
    market: linear
    credentials: { key: "${env:BYBIT_API_KEY}", secret: "${env:BYBIT_API_SECRET}" }
    settle_from: 2026-11-01T00:00:00Z
    capped_seizure: true
aggregator: { stale_after: 30s }
bridge: { pnl: net, capped_seizure: false, ref_id: keccak256 }
vaults:
  main:
    mode: dry-run
    chain_id: 8453
    rpc: ["${env:RPC_URL}"]
    address: "${env:VAULT_ADDRESS}"
    signer: { key: "${env:SETTLEMENT_PRIVATE_KEY}" }
    settled_at: finalized
ledger: "sqlite:anduin.db"
http: { listen: "127.0.0.1:8080" }
webhook: { listen: "127.0.0.1:8443", tls: { certificate: cert.pem, key: key.pem } }
control: { socket: anduin.sock }
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the documented file is read completely") {
  const auto result = load(kDocumented);
  INFO(result.report());
  REQUIRE(result.ok());
  const Settings& s = result.settings;
  CHECK(s.version == 1);
  CHECK(s.plugins.dirs.front() == "/etc/anduin/build/plugins");
  REQUIRE(s.venues.size() == 3);
  CHECK(s.venues[0].name == "bybit");
  CHECK(s.venues[0].display == "Bybit");
  CHECK(s.venues[0].markets == std::vector<std::string>{"linear"});
  CHECK(s.venues[1].symbols == std::vector<std::string>{"BTCUSD", "BTCUSDT"});
  CHECK(s.venues[2].endpoints.at("rest") == "https://127.0.0.1:9443");
  const auto options = nlohmann::json::parse(s.venues[2].options_json);
  CHECK(options["recv_window_ms"] == 6000);
  CHECK(options["price_channel"] == "orderbook.1");  // the manifest's default
  REQUIRE(s.symbols.size() == 1);
  CHECK(s.symbols[0].venue_name == "XBT/USDT");
  REQUIRE(s.accounts.size() == 1);
  CHECK(s.accounts[0].credentials.at("secret").value == "bybit-secret-1");
  CHECK(s.accounts[0].credentials.at("secret").env == "BYBIT_API_SECRET");
  CHECK(s.accounts[0].complete());
  CHECK(s.accounts[0].settle_from_ms == 1'793'491'200'000);
  CHECK(s.accounts[0].capped_seizure == true);
  CHECK(s.aggregator.stale_after_ms == 30'000);
  REQUIRE(s.vaults.size() == 1);
  CHECK(s.vaults[0].chain_id == 8453);
  CHECK(s.vaults[0].rpc.front().value == "https://rpc.example/v1/abcdef");
  CHECK(s.vaults[0].mode == VaultMode::kDryRun);
  CHECK(s.ledger.sqlite == "/etc/anduin/anduin.db");
  REQUIRE(s.http);
  CHECK(s.http->listen.port == 8080);
  REQUIRE(s.webhook);
  CHECK(s.webhook->certificate == "/etc/anduin/cert.pem");
  CHECK(s.control->socket == "/etc/anduin/anduin.sock");
}

TEST_CASE("what this version does not serve yet is said") {
  const auto result = load(kDocumented);
  for (const auto* key : {"http:"}) {
    CAPTURE(key, result.report());
    CHECK(result.report().find(std::string("warning: ") + key) != std::string::npos);
  }
  const auto process = load(replaced(kDocumented, "isolation: in-process", "isolation: process"));
  CHECK_FALSE(process.ok());
  CHECK(process.report().find("isolation: in-process") != std::string::npos);
  const auto postgres = load(replaced(kDocumented, "sqlite:anduin.db", "postgres://db/anduin"));
  CHECK_FALSE(postgres.ok());
  CHECK(postgres.report().find("not available in this version") != std::string::npos);
}

TEST_CASE("dry-run does without secrets and says which are absent, live does not") {
  const auto dry = load(kDocumented, {});
  INFO(dry.report());
  REQUIRE(dry.ok());
  CHECK_FALSE(dry.settings.accounts[0].complete());
  CHECK(dry.settings.vaults[0].rpc.empty());
  CHECK_FALSE(dry.settings.vaults[0].address.present());
  CHECK(dry.report().find("BYBIT_API_KEY is not set") != std::string::npos);
  CHECK(dry.report().find("RPC_URL is not set") != std::string::npos);

  const std::string live_text = replaced(kDocumented, "mode: dry-run", "mode: live");
  const auto complete = load(live_text);
  CHECK(complete.ok());
  CHECK(complete.report().find("no limit bounds its credits") != std::string::npos);
  CHECK(dry.report().find("no limit bounds") == std::string::npos);
  CHECK(load(live_text + "policy: { credits: { item: { soft_usd: 5000 } } }\n").report().find("no limit bounds") ==
        std::string::npos);
  const auto live = load(live_text, {});
  CHECK_FALSE(live.ok());
  for (const auto* variable :
       {"RPC_URL", "VAULT_ADDRESS", "SETTLEMENT_PRIVATE_KEY", "BYBIT_API_KEY", "BYBIT_API_SECRET"}) {
    CAPTURE(variable, live.report());
    CHECK(live.report().find(std::string("environment variable ") + variable + " is not set") !=
          std::string::npos);
  }
  const auto bare =
      load("version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\nvaults:\n  main: { mode: live }\n");
  for (const auto* key : {"needs chain_id", "needs rpc", "needs address", "needs signer"}) {
    CAPTURE(key, bare.report());
    CHECK(bare.report().find(key) != std::string::npos);
  }
}

TEST_CASE("defaults: one vault, the only market, every gate, the plugin's markets") {
  const auto result = load(R"(
version: 1
venues:
  bybit: { symbols: [BTCUSDT] }
accounts:
  - { name: a, venue: bybit, market: linear, user: "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed" }
vaults: { only: {} }
)");
  INFO(result.report());
  REQUIRE(result.ok());
  const Settings& s = result.settings;
  CHECK(s.accounts[0].vault == "only");
  CHECK(s.accounts[0].user == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
  CHECK(s.venues[0].markets == std::vector<std::string>{"linear", "inverse"});
  CHECK(s.ledger.sqlite == "/etc/anduin/anduin.db");
  CHECK(s.plugins.dirs.front() == "/usr/lib/anduin/plugins");
  CHECK_FALSE(s.http);
  const market::GateOptions defaults;
  CHECK(s.aggregator.cross_bp_floor == defaults.cross_bp_floor);
  CHECK(s.vaults[0].settled_at.at == FinalityRuleSetting::At::kFinalized);
}

TEST_CASE("every gate and every vault setting reaches its place") {
  const auto result = load(R"yaml(
version: 1
venues: { kraken: { market: spot, symbols: [BTCUSD], dialect: v1, price_channel: spread } }
aggregator: { stale_after: 1.5s, venue_time_departure: 3s, spread_bp_max: 900, spread_median_factor: 9, spread_bp_floor: 40,
              own_history_sds: 7, own_history_bp_floor: 0.5, own_history_strikes: 4, own_history_hold: 250ms,
              cross_mads: 4.5, cross_bp_floor: 6, cross_bp_max: 50 }
bridge: { pnl: venue, capped_seizure: true, ref_id: sha256, item_limit_usd: 50000.50 }
vaults:
  v: { settled_at: "depth:12", in_flight: 3, batch_max: 7, batch_window_ms: 0, token_decimals: 18, fee_max_gwei: 0.5, gas_reserve_eth: 0.05, gas_limit_max: 1000000,
       abi: { credit: "pay(address,uint256,bytes32)", batch: "", errors: { Used: DUPLICATE_REF_ID },
              credited: { signature: "Paid(address who,uint256 n,bytes32 r)", user: who } } }
)yaml");
  INFO(result.report());
  REQUIRE(result.ok());
  const auto& g = result.settings.aggregator;
  CHECK(g.stale_after_ms == 1'500);
  CHECK(g.venue_time_departure_ms == 3'000);
  CHECK(g.spread_bp_max == 900);
  CHECK(g.spread_median_factor == 9);
  CHECK(g.spread_bp_floor == 40);
  CHECK(g.own_history_sds == 7);
  CHECK(g.own_history_bp_floor == 0.5);
  CHECK(g.own_history_strikes == 4);
  CHECK(g.own_history_hold_ms == 250);
  CHECK(g.cross_mads == 4.5);
  CHECK(g.cross_bp_floor == 6);
  CHECK(g.cross_bp_max == 50);
  const auto& b = result.settings.bridge;
  CHECK(b.pnl == PnlRule::kVenue);
  CHECK(b.capped_seizure);
  CHECK(b.ref_id == RefIdRule::kSha256);
  CHECK(b.item_limit_usd == Decimal::of("50000.5"));
  const auto& v = result.settings.vaults[0];
  CHECK(v.settled_at.at == FinalityRuleSetting::At::kDepth);
  CHECK(v.settled_at.depth == 12);
  CHECK(v.in_flight == 3);
  CHECK(v.batch_max == 7);
  CHECK(v.batch_window_ms == 0);
  CHECK(VaultSettings().batch_max == 100);
  CHECK(VaultSettings().batch_window_ms == 100);
  CHECK(v.token_decimals == 18);
  CHECK(v.fee_max_gwei == Decimal::of("0.5"));
  CHECK(v.gas_reserve_eth == Decimal::of("0.05"));
  CHECK(v.gas_limit_max == 1'000'000);
  CHECK(v.abi.credit == "pay(address,uint256,bytes32)");
  CHECK(v.abi.batch == "");
  CHECK_FALSE(v.abi.seize);
  CHECK(v.abi.errors.at("Used") == "DUPLICATE_REF_ID");
  CHECK(v.abi.credited->user == "who");
  const auto options = nlohmann::json::parse(result.settings.venues[0].options_json);
  CHECK(options["dialect"] == "v1");
  CHECK(options["price_channel"] == "spread");
  CHECK(options["market"] == nlohmann::json{"spot"});
}

TEST_CASE("a secret in the file is warned about, kept out of messages and out of the log") {
  const std::string key(64, 'a');
  const auto result = load(
      "version: 1\nvenues: { bybit: { symbols: [BTCUSDT] } }\n"
      "accounts:\n  - { name: a, venue: bybit, market: linear, vault: v, credentials: { key: "
      "my-literal-key, secret: \"${env:X}\" },\n"
      "      user: \"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\" }\n"
      "vaults: { v: { signer: { key: \"" +
          key + "\" } } }\n",
      {{"X", "hidden-secret-x"}});
  INFO(result.report());
  REQUIRE(result.ok());
  CHECK(result.report().find("a secret is written in this file") != std::string::npos);
  CHECK(result.report().find(key) == std::string::npos);
  CHECK(log::redact("signing with " + key + " and hidden-secret-x").find("hidden") == std::string::npos);
  CHECK(log::redact(key).find(key) == std::string::npos);
  const auto bad = load(
      "version: 1\nvenues: { bybit: {} }\nvaults: { v: { signer: { key: \"${env:K}\" }, rpc: "
      "[\"${env:U}\"] } }\n",
      {{"K", "not-hex-but-secret"}, {"U", "ftp://user:password@host"}});
  CHECK_FALSE(bad.ok());
  CHECK(bad.report().find("not-hex") == std::string::npos);
  CHECK(bad.report().find("password") == std::string::npos);
  CHECK(bad.report().find("the value of K is not a private key") != std::string::npos);
}

TEST_CASE("kinds that are mixed, venues that do nothing and a missing dollar price are warned about") {
  const auto result = load(kDocumented);
  CHECK(result.report().find("BTCUSDT comes from spot at kraken and from contracts here") !=
        std::string::npos);
  CHECK(result.report().find("depeg guard") != std::string::npos);
  const auto idle = load("version: 1\nvenues:\n  bybit: {}\n");
  CHECK(idle.ok());
  CHECK(idle.report().find("would do nothing") != std::string::npos);
  const auto guarded = load(replaced(kDocumented, "[BTCUSD, BTCUSDT]", "[BTCUSD, USDTUSD]"));
  CHECK(guarded.report().find("depeg guard") == std::string::npos);
}

TEST_CASE("every example pipeline is good, with and without its variables") {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::string(ANDUIN_SOURCE_DIR) + "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    SourceCatalog catalog({"bybit", "kraken", "okx", "bitget", "mexc", "kucoin", "htx", "metatrader"});
    for (const auto& variables : {kAllVariables, std::map<std::string, std::string>{}}) {
      const auto result = load_settings(entry.path(), environment(variables), &catalog);
      INFO(result.report());
      CHECK(result.ok());
    }
    ++files;
  }
  CHECK(files >= 2);
}

TEST_CASE("accounts whose closes come in by webhook: options of their own, trust, limits, and a listener") {
  SourceCatalog catalog({"metatrader"});
  const std::string start = "version: 1\nvenues: { metatrader: {} }\nvaults: { main: {} }\n";
  const std::string listener = "webhook: { listen: \"0.0.0.0:443\", tls: { certificate: c.pem, key: k.pem } }\n";
  const auto account = [](const std::string& more) {
    return "accounts:\n  - { name: a, venue: metatrader, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: "
           "\"${env:K}\", secret: \"${env:S}\" }, " + more + " }\n";
  };
  const auto read = [&](const std::string& text, const std::string& secret = std::string(64, 'a')) {
    return parse_settings(text, "/etc/anduin/p.yaml", environment({{"K", "ea_a"}, {"S", secret}}), &catalog);
  };
  const auto good = read(start + listener + account("options: { ref: a1, login: 77 }, trust: user, max_credit_per_close: 500, max_credit_per_day: 1000.5"));
  INFO(good.report());
  REQUIRE(good.ok());
  const AccountSettings& a = good.settings.accounts[0];
  CHECK(a.trusted == false);
  CHECK(a.max_credit_per_close == Decimal(500));
  CHECK(a.max_credit_per_day == Decimal::of("1000.5"));
  CHECK(a.price_band_percent == Decimal(1));
  const auto options = nlohmann::json::parse(a.options_json);
  CHECK(options.at("login") == "77");
  CHECK(options.at("currency") == "USD");
  CHECK(options.at("max_age_days") == 14);
  const auto report = [&](const std::string& text, const std::string& secret = std::string(64, 'a')) { return read(text, secret).report(); };
  CHECK(report(start + account("options: { ref: a1, login: 77 }")).find("add webhook:") != std::string::npos);
  CHECK(report(start + listener + account("options: { ref: a1 }")).find("login: is needed") != std::string::npos);
  CHECK(report(start + listener + account("options: { ref: a1, login: 77 }"), "short").find("64 hex digits") != std::string::npos);
  CHECK(report(start + listener + account("options: { ref: a1, login: 77 }"), "short").find("'short'") == std::string::npos);
  CHECK(report(start + listener + account("options: { ref: a1, login: 77 }, trust: me")).find("not one of operator, user") != std::string::npos);
  CHECK(report(start + listener + account("options: { ref: a1, login: 77 }, max_credit_per_day: 0")).find("error") != std::string::npos);
  CHECK(report(start + listener).find("nothing will be served there") != std::string::npos);
}

TEST_CASE("a file that cannot be read, is empty, no map, no YAML, or two documents") {
  CHECK(load_settings("/nonexistent/p.yaml", environment({}), nullptr).report() ==
        "/nonexistent/p.yaml:1:1: error: this file cannot be read; name a pipeline file\n");
  CHECK(load("").report() ==
        "/etc/anduin/pipeline.yaml:1:1: error: the file is empty; start with version: 1\n");
  CHECK(load("- a\n").report().find(":1:1: error: expected the pipeline") != std::string::npos);
  CHECK(load("version: 1\nvenues: [a\n").report().find("error: this is not YAML") != std::string::npos);
  CHECK(load("version: 1\nvenues: {bybit: {}}\n---\nversion: 1\n").report().find("second document") !=
        std::string::npos);
}

TEST_CASE("signers of every kind and the owners of a Safe are read, secrets from the environment") {
  const std::string address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  const auto result = load(R"(
version: 1
venues: { bybit: { symbols: [BTCUSDT] } }
vaults:
  a: { signer: { keystore: keys/settler.json, password: "${env:KEYSTORE_PASSWORD}" } }
  b: { signer: { web3signer: "${env:SIGNER_URL}", address: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", tls: { ca: ca.pem } } }
  c:
    signer:
      kms: { key_id: "alias/anduin", region: eu-central-1, endpoint: "https://vpce.example", access_key: "${env:AWS_ID}",
             secret_key: "${env:AWS_SECRET}", session_token: "${env:AWS_TOKEN}" }
      address: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
  d:
    mode: live
    chain_id: 8453
    rpc: ["${env:RPC_URL}"]
    address: "${env:VAULT_ADDRESS}"
    signer: { key: "${env:SETTLEMENT_PRIVATE_KEY}" }
    executor:
      safe: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
      owners:
        - { keystore: keys/owner.json, password_file: keys/owner.txt }
        - { by_file: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed" }
        - { key: "${env:NOT_THERE}" }
)",
                           {{"KEYSTORE_PASSWORD", "open-sesame"},
                            {"SIGNER_URL", "https://signer.example:9000"},
                            {"AWS_ID", "AKIDEXAMPLE"},
                            {"AWS_SECRET", "aws-secret-key"},
                            {"RPC_URL", "https://rpc.example/v1"},
                            {"VAULT_ADDRESS", address},
                            {"SETTLEMENT_PRIVATE_KEY", std::string(64, '7')}});
  INFO(result.report());
  // Live needs every owner that is named; the rest is as it should be.
  CHECK(result.report().find("vault 'd' is live and needs all of executor.owners: environment variable NOT_THERE is not set") !=
        std::string::npos);
  const auto& v = result.settings.vaults;
  REQUIRE(v.size() == 4);
  using Kind = SignerSettings::Kind;
  CHECK(v[0].signer.kind == Kind::kKeystore);
  CHECK(v[0].signer.keystore == "/etc/anduin/keys/settler.json");
  CHECK(v[0].signer.complete());
  CHECK(v[1].signer.kind == Kind::kWeb3signer);
  CHECK(v[1].signer.web3signer.value == "https://signer.example:9000");
  CHECK(v[1].signer.tls.ca == "/etc/anduin/ca.pem");
  CHECK(v[1].signer.complete());
  CHECK(v[2].signer.kind == Kind::kKms);
  CHECK(v[2].signer.kms.endpoint == "https://vpce.example");
  CHECK(v[2].signer.complete());  // a token is not needed
  CHECK_FALSE(v[2].signer.kms.session_token.present());
  CHECK(v[2].signer.address.value == address);
  REQUIRE(v[3].executor);
  REQUIRE(v[3].executor->owners.size() == 3);
  CHECK(v[3].executor->safe.value == address);
  CHECK(v[3].executor->owners[0].password_file == "/etc/anduin/keys/owner.txt");
  CHECK(v[3].executor->owners[1].kind == Kind::kByFile);
  CHECK(v[3].executor->owners[1].complete());
  CHECK(v[3].executor->owners[2].missing()->env == "NOT_THERE");
  CHECK(log::redact("open-sesame aws-secret-key").find("sesame") == std::string::npos);
  CHECK(log::redact("open-sesame aws-secret-key").find("aws-secret") == std::string::npos);
}

TEST_CASE("policy: limits, approvers and what is not said") {
  const auto none = load(kDocumented);
  REQUIRE(none.ok());
  CHECK_FALSE(none.settings.policy.credits.any());
  CHECK_FALSE(none.settings.policy.hold_unverified);
  CHECK(none.settings.policy.approvals_needed == 1);
  const auto result = load(std::string(kDocumented) + R"(
policy:
  credits:
    item: { soft_usd: 5000, hard_usd: 50000.5 }
    user_day: { soft_usd: 20000 }
    venue_hour: { soft_count: 500, hard_count: 2000 }
    global_hour: { hard_usd: 1000000 }
  seizures: { item: { soft_usd: 7 } }
  unverified: hold
  approvers: ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"]
  approvals_needed: 2
  signed_above_usd: 1000
)");
  INFO(result.report());
  REQUIRE(result.ok());
  const settle::Policy& p = result.settings.policy;
  CHECK(*p.credits.item.hard_usd == Decimal::of("50000.5"));
  CHECK(*p.credits.user_day.soft_usd == Decimal(20'000));
  CHECK(*p.credits.venue_hour.hard_count == 2'000);
  CHECK_FALSE(p.credits.venue_hour.soft_usd);
  CHECK(*p.credits.global_hour.hard_usd == Decimal(1'000'000));
  CHECK(*p.seizures.item.soft_usd == Decimal(7));
  CHECK(p.hold_unverified);
  REQUIRE(p.approvers.size() == 2);
  CHECK(p.approvers[1].to_string() == "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359");
  CHECK(p.approvals_needed == 2);
  CHECK(*p.signed_above_usd == Decimal(1'000));
}
