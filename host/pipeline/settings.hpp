// The pipeline file as typed values: the documentation of every key (default, unit, range, effect). Every
// key takes effect at a restart; none is read again while running. Plain values: any thread, nothing points
// outside. settings_loader.hpp makes them; a Settings that it returns without an error has been checked as
// a whole.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anduin/decimal.hpp"
#include "market/gates.hpp"
#include "settle/policy.hpp"

namespace anduin::pipeline {

/// Where in the file something stands; 1-based, 0 = nowhere (a default).
struct Place {
  int line = 0, column = 0;
};

/// A text that may come from the environment: `${env:NAME}`. Its value never stands in a message.
struct Secret {
  std::string value;  ///< empty = absent: the variable is not set, which dry-run allows
  std::string env;    ///< the (first) variable it names; empty = written literally
  Place place;
  [[nodiscard]] bool present() const { return !value.empty(); }
};

struct TlsClient {
  std::filesystem::path ca;  ///< PEM; trusted besides the system's authorities. Default: none
};

struct PluginSettings {
  /// searched in order for anduin-<plugin>.so. Default: the program's own
  std::vector<std::filesystem::path> dirs;
  /// plugin -> "sha256:<64 hex>" of its file; a mismatch refuses to load
  std::map<std::string, std::string> pins;
};

/// One venue whose prices are wanted, or that accounts refer to.
struct VenueSettings {
  std::string name;     ///< the key under `venues:`
  std::string plugin;   ///< default: the name
  std::string display;  ///< the manifest's venue name ("Bybit"), "" when the plugin is not installed
  std::vector<std::string> markets;  ///< `market:` one or a list. Default: the plugin's own default
  std::vector<std::string> symbols;  ///< canonical or native names. Default: none, then no prices
  /// What the plugin is created with, a JSON object as text, checked and with the manifest's defaults:
  /// `options:`, dialect, private_dialect, price_channel and market (a list; an account's instance gets its
  /// own one instead).
  std::string options_json = "{}";
  /// endpoint id of the manifest -> URL. Default: the manifest's
  std::map<std::string, std::string> endpoints;
  TlsClient tls;
  Place place;
};

struct SymbolOverride {
  std::string canonical;   ///< "BTCUSDT"
  std::string venue;       ///< key under `venues:`
  std::string venue_name;  ///< any spelling the venue's instrument list knows
  Place place;
};

struct AccountSettings {
  std::string name;    ///< unique; in every row and event
  std::string venue;   ///< key under `venues:`
  std::string user;    ///< 0x address with EIP-55 case: whom the vault credits or seizes from
  std::string vault;   ///< key under `vaults:`. Default: the only vault there is
  std::string market;  ///< which product the key serves. Default: the venue's only market
  std::map<std::string, Secret> credentials;  ///< as the manifest names them: key, secret, passphrase
  /// since the epoch UTC. Default: the moment of first registration
  std::optional<std::int64_t> settle_from_ms;
  std::optional<bool> capped_seizure;  ///< default: bridge.capped_seizure
  bool allow_trading_key = false;      ///< accept a key that can trade; one that can withdraw never
  /// Options of the plugin for this account, a JSON object as text, checked and with the manifest's defaults.
  std::string options_json = "{}";
  /// Who vouches for its closes. Default: operator; of a venue whose closes come in from outside: user
  std::optional<bool> trusted;
  /// trust: user only. US dollars, > 0; without both every credit is held
  std::optional<Decimal> max_credit_per_close, max_credit_per_day;
  Decimal price_band_percent = 1;      ///< trust: user only; how far exit may stray from the aggregate, > 0
  Place place;
  /// All credentials have a value. Without them a dry-run account has no private feed.
  [[nodiscard]] bool complete() const;
};

enum class PnlRule : std::uint8_t { kNet, kVenue };
enum class RefIdRule : std::uint8_t { kKeccak256, kSha256 };

struct BridgeSettings {
  PnlRule pnl = PnlRule::kNet;               ///< net: pnl - fee; venue: the venue's figure as it is
  bool capped_seizure = false;               ///< seizeCollateralCapped instead of seizeCollateral
  RefIdRule ref_id = RefIdRule::kKeccak256;  ///< sha256 only for a vault that was already fed with it
  /// a single close above it waits for approval, > 0. Default: none
  std::optional<Decimal> item_limit_usd;
};

enum class VaultMode : std::uint8_t { kDryRun, kLive };
struct FinalityRuleSetting {
  enum class At : std::uint8_t { kFinalized, kSafe, kDepth } at = At::kFinalized;
  std::uint64_t depth = 0;  ///< blocks on top, for kDepth; 1..10,000
};

/// An event of the vault: its signature text, and the names of the parameters that say who and how much.
struct VaultEventSettings {
  std::string signature;
  std::optional<std::string> user, amount, seized, ref_id;
};

/// `abi:` of a vault: signatures, events and error names where they differ from those of the reference
/// vault. Empty text = the vault does not have it; absent = as the reference vault.
struct VaultAbiSettings {
  std::optional<std::string> credit, seize, seize_capped, used_ref_ids, token, decimals, batch, try_batch,
      skipped;
  std::optional<VaultEventSettings> credited, seized;
  /// error name -> class (duplicate_ref_id, paused, ...); replaces all
  std::map<std::string, std::string> errors;
  std::optional<std::string> token_address;  ///< EIP-55; instead of asking the vault
};

/// AWS KMS: an asymmetric key of spec ECC_SECG_P256K1 for signing.
struct KmsSettings {
  std::string key_id;  ///< id, ARN or alias/NAME
  std::string region;  ///< "eu-central-1"
  std::string endpoint;  ///< default: https://kms.REGION.amazonaws.com
  Secret access_key, secret_key;
  Secret session_token;  ///< of temporary credentials. Default: none
};

/// Who signs: exactly one of key, keystore, web3signer, kms; as an owner of a Safe also by_file.
struct SignerSettings {
  enum class Kind : std::uint8_t { kNone, kKey, kKeystore, kWeb3signer, kKms, kByFile };
  Kind kind = Kind::kNone;
  Secret key;                           ///< 32 bytes hex
  std::filesystem::path keystore;       ///< a version 3 file
  Secret password;                      ///< of the keystore; or
  std::filesystem::path password_file;  ///< its first line is the password
  Secret web3signer;                    ///< http(s) URL
  KmsSettings kms;
  Secret address;  ///< of web3signer and kms: EIP-55; a backend with another key is refused
  TlsClient tls;   ///< towards web3signer or kms.endpoint
  Place place;
  [[nodiscard]] bool configured() const { return kind != Kind::kNone; }
  /// The first secret that is needed and absent (its variable is not set).
  [[nodiscard]] const Secret* missing() const;
  [[nodiscard]] bool complete() const { return configured() && missing() == nullptr; }
};

/// `executor:`: the vault's settler is a Safe; `signer` then only pays for gas and sends.
struct SafeSettings {
  Secret safe;                         ///< its address, EIP-55
  std::vector<SignerSettings> owners;  ///< those that this host can ask; the threshold is read from the chain
  /// 0: a vault call that fails reverts the whole transaction. More: gas kept for it, and a failure uses up the
  /// Safe's nonce. 0..30,000,000
  std::uint64_t safe_tx_gas = 0;
  std::filesystem::path exchange;      ///< folder for owners that sign by file. Default: safe-exchange
  /// MultiSendCallOnly 1.4.1. Default: where the Safe project has put it
  std::string multi_send = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";
};

struct VaultSettings {
  std::string name;                     ///< the key under `vaults:`
  VaultMode mode = VaultMode::kDryRun;  ///< live is an explicit act
  std::uint64_t chain_id = 0;           ///< EIP-155, > 0; checked against every endpoint. Needed for live
  std::vector<Secret> rpc;              ///< http(s) URLs of JSON-RPC endpoints. Live needs one, better two
  Secret address;                       ///< of the vault, EIP-55. Needed for live
  SignerSettings signer;                ///< whose nonces are used and who pays for gas. Needed for live
  std::optional<SafeSettings> executor;  ///< default: the signer itself calls the vault
  FinalityRuleSetting settled_at;       ///< `finalized`, `safe` or `depth:N`
  std::uint32_t in_flight = 16;         ///< transactions under way at once, 1..16
  std::uint32_t batch_max = 100;        ///< settlements in one transaction, 1..250; 1 = no batches
  std::uint32_t batch_window_ms = 100;  ///< how long a first close waits for others, 0..250
  std::uint32_t token_decimals = 6;     ///< of the collateral, 0..36; the start-up probe compares
  Decimal fee_max_gwei = 100;           ///< ceiling of the fee per gas a bump may reach, > 0
  std::optional<Decimal> gas_reserve_eth;  ///< of the signer's balance, never spent on gas. Default: none
  std::uint64_t gas_limit_max = 12'000'000;  ///< per transaction, 100,000..30,000,000
  VaultAbiSettings abi;
  Place place;
};

struct LedgerSettings {
  std::filesystem::path sqlite;  ///< default: anduin.db
  Place place;
};

/// host:port; port 0 = any free one, reported at start.
struct Listen {
  std::string host;
  std::uint16_t port = 0;
};

struct HttpSettings {
  Listen listen;          ///< default: 127.0.0.1:8080
  Secret operator_token;  ///< needed for approve and reject over HTTP. Default: none, they are refused
};

struct WebhookSettings {
  Listen listen;                           ///< default: 127.0.0.1:8443
  std::filesystem::path certificate, key;  ///< PEM
};

struct ControlSettings {
  std::filesystem::path socket;  ///< created with mode 0600
};

struct Settings {
  std::filesystem::path
      file;  ///< the pipeline file; relative paths below are already made absolute against it
  int version = 1;
  PluginSettings plugins;
  std::vector<VenueSettings> venues;  ///< in the order of the file, like the rest
  std::vector<SymbolOverride> symbols;
  std::vector<AccountSettings> accounts;
  market::GateOptions aggregator;
  BridgeSettings bridge;
  settle::Policy policy;  ///< what is paid without a person; approvers are checked to be as many as needed
  std::vector<VaultSettings> vaults;
  LedgerSettings ledger;
  std::optional<HttpSettings> http;        ///< default: no HTTP
  std::optional<WebhookSettings> webhook;  ///< default: none
  std::optional<ControlSettings> control;  ///< default: none

  [[nodiscard]] const VenueSettings* venue(std::string_view name) const;
  [[nodiscard]] const VaultSettings* vault(std::string_view name) const;
};

}  // namespace anduin::pipeline
