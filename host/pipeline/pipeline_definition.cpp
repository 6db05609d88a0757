#include "pipeline/pipeline_definition.hpp"

#include "pipeline/policy_definition.hpp"
#include "pipeline/signer_definition.hpp"

namespace anduin::pipeline {
namespace {

const std::string kNamePattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
const std::string kSymbolPattern = R"([^\s,"']{1,64})";
const std::string kCanonicalPattern = "[A-Z0-9]{4,40}";
const std::string kSignaturePattern = R"(([A-Za-z_][A-Za-z0-9_]*\(.*\))?)";
const std::string kAnyUrlPattern = R"((https?|wss?)://[^\s/?#@]+([/?#]\S*)?)";

Def<std::string> name(std::string what) { return text(std::move(what), kNamePattern); }
Def<std::string> symbol() { return text("a symbol such as BTCUSDT", kSymbolPattern); }

Def<PluginSettings> plugins() {
  return Object<PluginSettings>("plugins")
      .member("dirs", &PluginSettings::dirs, list(path(), "folders", 1),
              "Folders with plugin files (anduin-NAME.so), searched in order. Default: those that came "
              "with the program.")
      .member("pins", &PluginSettings::pins,
              map_of(text("a hash such as sha256:<64 hex digits>", "sha256:[0-9a-fA-F]{64}"),
                     "a plugin's name", kNamePattern),
              "Plugin -> hash of its file. A plugin that is not ours must be pinned; a mismatch refuses to "
              "load it.")
      .done();
}

Def<RawVenue> venue() {
  const auto settings = [](auto VenueSettings::*member) {
    return [member](Context&, Place, RawVenue& v, auto value) { v.settings.*member = std::move(value); };
  };
  return Object<RawVenue>("a venue")
      .with<std::string>("plugin", name("a plugin's name"),
                         "Which plugin serves it. Default: the venue's key.",
                         settings(&VenueSettings::plugin))
      .with<bool>(
          "isolation", choice<bool>({{"in-process", true}, {"process", false}}),
          "Where the plugin runs: in this process, or in a sealed child process (not available yet).",
          [](Context&, Place, RawVenue& v, bool in) { v.in_process = in; }, "in-process")
      .with<std::vector<std::string>>("market",
                                      one_or_list(name("a market such as linear or spot"), "markets"),
                                      "The venue's products, one or a list. Default: the plugin's own.",
                                      settings(&VenueSettings::markets))
      .with<std::vector<std::string>>(
          "symbols", list(symbol(), "symbols", 0, true),
          "Symbols whose prices are wanted, canonical (BTCUSDT) or the venue's own names.",
          settings(&VenueSettings::symbols))
      .optional("dialect", &RawVenue::dialect, name("an API generation"),
                "API generation for prices. Default: the plugin's own.")
      .optional("private_dialect", &RawVenue::private_dialect, name("an API generation"),
                "API generation for accounts. Default: the plugin's own.")
      .optional("price_channel", &RawVenue::price_channel, name("a channel name"),
                "The venue's own name of the channel that prices come from. Default: the plugin's own.")
      .with<std::string>("options", any_object("the plugin's options"),
                         "Settings of the plugin; its manifest says which.",
                         [](Context&, Place, RawVenue& v, std::string json) {
                           if (!json.empty()) v.options_json = std::move(json);
                         })
      .with<std::map<std::string, std::string>>(
          "endpoints",
          map_of(text("a URL (https, wss; http, ws)", kAnyUrlPattern), "an endpoint's id",
                 R"([A-Za-z0-9][A-Za-z0-9._-]*)"),
          "Endpoint id of the plugin -> URL to use instead of the venue's.",
          settings(&VenueSettings::endpoints))
      .with<TlsClient>("tls", tls_client(), "TLS towards this venue.", settings(&VenueSettings::tls))
      .done();
}

/// A venue may be named without any settings: `kraken:` or `kraken: {}`.
Def<std::vector<RawVenue>> venues() {
  auto one = venue();
  Json schema{{"type", "object"},
              {"additionalProperties", one.schema},
              {"propertyNames", {{"pattern", "^(" + kNamePattern + ")$"}}},
              {"minProperties", 1}};
  return {schema, [one](Context& c, const YAML::Node& n, std::vector<RawVenue>& out) {
            const bool is_map = c.each_member(
                n, "a map of venues", [&](const std::string& key, Place place, const YAML::Node& entry) {
                  if (!matches(key, kNamePattern)) {
                    c.error(place, "'" + key +
                                       "' cannot be a venue's name; use letters, digits, '.', '_' and '-'");
                  }
                  RawVenue v;
                  v.settings.name = v.settings.plugin = key;
                  v.settings.place = place;
                  one.read(c, entry, v);
                  out.push_back(std::move(v));
                });
            if (is_map && out.empty())
              c.error(place_of(n), "no venue; name at least one, such as bybit: { symbols: [BTCUSDT] }");
          }};
}

Def<std::map<std::string, std::map<std::string, std::string>>> symbols() {
  return map_of(map_of(text("the venue's name of it", R"(\S.{0,63})"), "a venue", kNamePattern),
                "a canonical symbol (base and quote in capitals, BTCUSDT)", kCanonicalPattern);
}

Def<std::vector<AccountSettings>> accounts() {
  return list(
      Object<AccountSettings>("an account")
          .placed(&AccountSettings::place)
          .member("name", &AccountSettings::name, name("a name of letters, digits, '.', '_' and '-'"),
                  "Unique; stands in every row and event of this account.")
          .member("venue", &AccountSettings::venue, name("a venue's name"), "Key under venues.")
          .member("user", &AccountSettings::user, address(),
                  "Whom the vault credits or seizes from: 0x address, EIP-55.")
          .member("vault", &AccountSettings::vault, name("a vault's name"),
                  "Key under vaults. Default: the only vault.")
          .member("market", &AccountSettings::market, name("a market"),
                  "Which product the key serves. Default: the venue's only market.")
          .member("credentials", &AccountSettings::credentials,
                  map_of(secret("a credential"), "a credential's name", "[a-z][a-z0-9_]*"),
                  "The API key as the plugin names its parts: key, secret, where the venue has one "
                  "passphrase. May be "
                  "absent in dry-run; then the account has no private feed.")
          .optional(
              "settle_from", &AccountSettings::settle_from_ms, time_ms(),
              "Closes before it are recorded and never settled. Default: the moment of first registration.")
          .optional("capped_seizure", &AccountSettings::capped_seizure, boolean(),
                    "seizeCollateralCapped instead of seizeCollateral. Default: bridge.capped_seizure.")
          .member("allow_trading_key", &AccountSettings::allow_trading_key, boolean(),
                  "Accept an API key that can trade. One that can withdraw is always refused.", false)
          .with<std::string>("options", any_object("the plugin's options for this account"),
                             "Settings of the plugin for this account; its manifest says which.",
                             [](Context&, Place, AccountSettings& a, std::string json) {
                               if (!json.empty()) a.options_json = std::move(json);
                             })
          .with<bool>("trust", choice<bool>({{"operator", true}, {"user", false}}),
                      "Who vouches for the closes. user: seizures flow, credits are held but for what the limits "
                      "below and an independent price allow. Default: operator; user where closes come in by webhook.",
                      [](Context&, Place, AccountSettings& a, bool trusted) { a.trusted = trusted; })
          .optional("max_credit_per_close", &AccountSettings::max_credit_per_close, positive_decimal("US dollars"),
                    "trust user: a larger credit is held. Default: none, every credit is held.")
          .optional("max_credit_per_day", &AccountSettings::max_credit_per_day, positive_decimal("US dollars"),
                    "trust user: credits beyond this sum in 24 hours are held. Default: none, every credit is held.")
          .member("price_band_percent", &AccountSettings::price_band_percent, positive_decimal("percent"),
                  "trust user: how far the exit price of a credit may be from the aggregated price.", 1)
          .required("name")
          .required("venue")
          .required("user")
          .done(),
      "accounts");
}

Def<market::GateOptions> aggregator() {
  using G = market::GateOptions;
  return Object<G>("aggregator")
      .member("stale_after", &G::stale_after_ms, duration_ms(100, 3'600'000),
              "A quote received longer ago than this is out.", "30s")
      .member("venue_time_departure", &G::venue_time_departure_ms, duration_ms(0, 600'000),
              "How far a venue's time may depart from the lag learned for its connection. 0s = off.", "2s")
      .member("spread_bp_max", &G::spread_bp_max, number(0, 10'000, "bp"),
              "A wider spread is never a price. 0 = off.", 1000)
      .member("spread_median_factor", &G::spread_median_factor, number(0, 1'000, ""),
              "A spread above this many times the venue's rolling median, and above spread_bp_floor, is "
              "out. 0 = off.",
              10)
      .member("spread_bp_floor", &G::spread_bp_floor, number(0, 10'000, "bp"),
              "Spreads up to this pass the median rule.", 50)
      .member("own_history_sds", &G::own_history_sds, number(0, 1'000, ""),
              "A move of more than this many standard deviations of the venue's own moves waits. 0 = off.",
              6)
      .member("own_history_bp_floor", &G::own_history_bp_floor, number(0, 10'000, "bp"),
              "Moves up to this pass, and one tick always.", 0.3)
      .member("own_history_strikes", &G::own_history_strikes, integer_as<int>(1, 1'000, "quotes"),
              "A move is genuine when that many quotes in a row show it.", 3)
      .member("own_history_hold", &G::own_history_hold_ms, duration_ms(0, 600'000),
              "A move is genuine when it has stood this long.", "2s")
      .member("cross_mads", &G::cross_mads, number(0, 1'000, ""),
              "With three or more fresh venues, one further than this many scaled median deviations from "
              "the median is out. 0 = off.",
              3.5)
      .member("cross_bp_floor", &G::cross_bp_floor, number(0, 10'000, "bp"),
              "Distances up to this are never out.", 5)
      .member("cross_bp_max", &G::cross_bp_max, number(0, 10'000, "bp"),
              "Distances beyond this are always out.", 100)
      .done();
}

Def<BridgeSettings> bridge() {
  return Object<BridgeSettings>("bridge")
      .member("pnl", &BridgeSettings::pnl,
              choice<PnlRule>({{"net", PnlRule::kNet}, {"venue", PnlRule::kVenue}}),
              "net: the venue's figure less the fee it leaves out; venue: its figure as it is.", "net")
      .member("capped_seizure", &BridgeSettings::capped_seizure, boolean(),
              "Default of the accounts' capped_seizure.", false)
      .member("ref_id", &BridgeSettings::ref_id,
              choice<RefIdRule>({{"keccak256", RefIdRule::kKeccak256}, {"sha256", RefIdRule::kSha256}}),
              "Hash of VenueName:id. sha256 only for a vault that was already fed with it.", "keccak256")
      .optional("item_limit_usd", &BridgeSettings::item_limit_usd, positive_decimal("US dollars"),
                "A single close above this waits for a person. Default: no limit.")
      .done();
}

Def<FinalityRuleSetting> finality() {
  auto word = text("finalized, safe or depth:N with N from 1 to 10000",
                   "finalized|safe|depth:([1-9][0-9]{0,3}|10000)");
  return {word.schema, [read = word.read](Context& c, const YAML::Node& n, FinalityRuleSetting& out) {
            std::string value;
            read(c, n, value);
            using At = FinalityRuleSetting::At;
            if (value == "safe") out.at = At::kSafe;
            if (!value.starts_with("depth:")) return;
            out.at = At::kDepth;
            out.depth = std::stoull(value.substr(6));
          }};
}

Def<VaultEventSettings> vault_event() {
  const auto parameter = text("a parameter's name", "[A-Za-z_][A-Za-z0-9_]*");
  return Object<VaultEventSettings>("an event")
      .member("signature", &VaultEventSettings::signature, text("an event's signature", kSignaturePattern),
              "As Solidity writes it, with names and indexed; empty = the vault does not emit it.")
      .optional("user", &VaultEventSettings::user, parameter, "Parameter that names the user.")
      .optional("amount", &VaultEventSettings::amount, parameter, "Parameter with the amount asked for.")
      .optional("seized", &VaultEventSettings::seized, parameter, "Parameter with the amount really moved.")
      .optional("ref_id", &VaultEventSettings::ref_id, parameter, "Parameter with the refId.")
      .required("signature")
      .done();
}

Def<VaultAbiSettings> vault_abi() {
  using V = VaultAbiSettings;
  const auto signature = text("a signature such as creditPnl(address,uint256,bytes32)", kSignaturePattern);
  std::vector<std::pair<std::string, std::string>> classes;
  for (const auto* word : {"DUPLICATE_REF_ID", "INSUFFICIENT_COLLATERAL", "INSUFFICIENT_POOL", "PAUSED",
                           "MISSING_ROLE", "BAD_ITEM", "OTHER"}) {
    classes.emplace_back(word, word);
  }
  return Object<V>("abi")
      .optional("credit", &V::credit, signature, "Pays a profit.")
      .optional("seize", &V::seize, signature, "Takes a loss, all of it or nothing.")
      .optional("seize_capped", &V::seize_capped, signature, "Takes a loss up to what there is.")
      .optional("used_ref_ids", &V::used_ref_ids, signature, "Tells whether a refId was used.")
      .optional("token", &V::token, signature, "Gives the collateral token.")
      .optional("decimals", &V::decimals, signature, "Asked of the token.")
      .optional("batch", &V::batch, signature, "Several items, all or none.")
      .optional("try_batch", &V::try_batch, signature, "Several items, each on its own.")
      .optional("skipped", &V::skipped, signature, "Event of an item that try_batch left out.")
      .optional("credited", &V::credited, vault_event(), "Event of a credit.")
      .optional("seized", &V::seized, vault_event(), "Event of a seizure.")
      .member("errors", &V::errors,
              map_of(choice<std::string>(classes), "an error's name", "[A-Za-z_][A-Za-z0-9_]*"),
              "Error name of the contract -> what it means to us; replaces the whole default table.")
      .optional("token_address", &V::token_address, address(),
                "The collateral token, for a vault that cannot be asked.")
      .done();
}

Def<VaultSettings> vault() {
  using V = VaultSettings;
  return Object<V>("a vault")
      .placed(&V::place)
      .member("mode", &V::mode,
              choice<VaultMode>({{"dry-run", VaultMode::kDryRun}, {"live", VaultMode::kLive}}),
              "dry-run: everything but sending. live: settles on the chain.", "dry-run")
      .member("chain_id", &V::chain_id, integer_as<std::uint64_t>(1, 9'007'199'254'740'991),
              "EIP-155 chain id; every endpoint must report it. Needed for live.")
      .member("rpc", &V::rpc, list(secret("an http or https URL", kHttpUrlPattern, false), "URLs", 1),
              "JSON-RPC endpoints of that chain, in order of preference. Bytes go to all of them; two must "
              "agree on what is absent. Needed for live.")
      .member("address", &V::address, maybe_address(), "The vault's address, EIP-55. Needed for live.")
      .member("signer", &V::signer, signer_definition(),
              "Who signs and pays for gas: one of key, keystore, web3signer, kms. Needed for live.")
      .optional("executor", &V::executor, executor_definition(),
                "The vault's settler is a Safe. Default: the signer calls the vault itself.")
      .member("settled_at", &V::settled_at, finality(),
              "When a settlement counts as settled: finalized, safe or depth:N.", "finalized")
      .member("in_flight", &V::in_flight, integer_as<std::uint32_t>(1, 16, "transactions"),
              "Transactions under way at once.", 16)
      .member("batch_max", &V::batch_max, integer_as<std::uint32_t>(1, 250, "settlements"),
              "Settlements in one transaction, where the vault takes several; 1 turns batches off.", 100)
      .member("batch_window_ms", &V::batch_window_ms, integer_as<std::uint32_t>(0, 250, "milliseconds"),
              "How long a first close waits for others that can share its transaction.", 100)
      .member("token_decimals", &V::token_decimals, integer_as<std::uint32_t>(0, 36, "decimals"),
              "Decimals of the collateral token; checked against it at the start.", 6)
      .member("fee_max_gwei", &V::fee_max_gwei, positive_decimal("gwei"), "Ceiling of the fee per gas.",
              100)
      .optional("gas_reserve_eth", &V::gas_reserve_eth, positive_decimal("ETH"),
                "Of the signer's balance: never spent on gas. Default: none.")
      .member("gas_limit_max", &V::gas_limit_max, integer_as<std::uint64_t>(100'000, 30'000'000, "gas"),
              "Gas limit that no transaction exceeds; Base and Ethereum refuse more than 16777216.", 12'000'000)
      .member("abi", &V::abi, vault_abi(),
              "Signatures, events and errors where they differ from the reference vault's.")
      .done();
}

Def<HttpSettings> http() {
  return Object<HttpSettings>("http")
      .member("listen", &HttpSettings::listen, listen(), "Address and port; loopback unless you mean it.",
              "127.0.0.1:8080")
      .member("operator_token", &HttpSettings::operator_token,
              secret("a token of at least 16 characters", ".{16,}"),
              "Needed to approve and reject over HTTP. Default: none, both are refused.")
      .done();
}

Def<WebhookSettings> webhook() {
  struct Files {
    std::filesystem::path certificate, key;
  };
  const auto tls =
      Object<Files>("tls")
          .member("certificate", &Files::certificate, path(), "PEM file with the certificate chain.")
          .member("key", &Files::key, path(), "PEM file with its private key.")
          .required("certificate")
          .required("key")
          .done();
  return Object<WebhookSettings>("webhook")
      .member("listen", &WebhookSettings::listen, listen(), "Address and port of the inbound listener.",
              "127.0.0.1:8443")
      .with<Files>("tls", tls, "Certificate to serve with.",
                   [](Context&, Place, WebhookSettings& w, Files f) {
                     w.certificate = std::move(f.certificate);
                     w.key = std::move(f.key);
                   })
      .done();
}

Def<ControlSettings> control() {
  return Object<ControlSettings>("control")
      .member("socket", &ControlSettings::socket, path(), "Unix socket of anduin ctl, mode 0600.")
      .required("socket")
      .done();
}

Def<RawPipeline> pipeline() {
  using R = RawPipeline;
  const auto in_settings = [](auto Settings::*member) {
    return [member](Context&, Place, R& r, auto value) { r.settings.*member = std::move(value); };
  };
  return Object<R>("the pipeline")
      .with<int>("version",
                 {Json{{"const", 1}},
                  [](Context& c, const YAML::Node& n, int& out) {
                    const auto scalar = c.scalar(n, "the version of this format, which is 1");
                    if (scalar && (!scalar->plain || scalar->text != "1")) {
                      c.error(scalar->place, "version '" + scalar->text +
                                                 "' is not known to this program; it reads version: 1");
                    }
                    out = 1;
                  }},
                 "Version of this format.", in_settings(&Settings::version))
      .with<PluginSettings>("plugins", plugins(), "Where plugins are and which are trusted.",
                            in_settings(&Settings::plugins))
      .member("venues", &R::venues, venues(), "Venues by name.")
      .member(
          "symbols", &R::symbols, symbols(),
          "Canonical symbol -> venue -> the venue's own name, in any spelling its instrument list knows.")
      .with<std::vector<AccountSettings>>("accounts", accounts(), "Accounts whose closes are settled.",
                                          in_settings(&Settings::accounts))
      .with<market::GateOptions>("aggregator", aggregator(), "Gates and limits of the aggregated price.",
                                 in_settings(&Settings::aggregator))
      .with<BridgeSettings>("bridge", bridge(), "From closes to settlements.",
                            in_settings(&Settings::bridge))
      .with<settle::Policy>("policy", policy_definition(), "What is paid without a person, and on whose word the rest is.",
                            in_settings(&Settings::policy))
      .with<std::vector<VaultSettings>>("vaults",
                                        named(vault(), &VaultSettings::name, "vaults", kNamePattern),
                                        "Vaults by name.", in_settings(&Settings::vaults))
      .member("ledger", &R::ledger,
              text("sqlite:FILE (or postgres://..., not available yet)", "sqlite:.+|postgres(ql)?://.+"),
              "Where settlements are kept.", "sqlite:anduin.db")
      .with<HttpSettings>("http", http(), "HTTP API and dashboard. Default: none.",
                          [](Context&, Place, R& r, HttpSettings v) { r.settings.http = std::move(v); })
      .with<WebhookSettings>(
          "webhook", webhook(), "Listener for inbound closes. Default: none.",
          [](Context&, Place, R& r, WebhookSettings v) { r.settings.webhook = std::move(v); })
      .with<ControlSettings>(
          "control", control(), "Control socket. Default: none.",
          [](Context&, Place, R& r, ControlSettings v) { r.settings.control = std::move(v); })
      .required("version")
      .required("venues")
      .done();
}

}  // namespace

const Def<RawPipeline>& pipeline_definition() {
  static const Def<RawPipeline> definition = pipeline();
  return definition;
}

}  // namespace anduin::pipeline
