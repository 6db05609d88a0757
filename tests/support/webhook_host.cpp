#include "support/webhook_host.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <span>
#include <stdexcept>

#include "base/hex.hpp"
#include "net/tls.hpp"
#include "pipeline/plugin_catalog.hpp"
#include "pipeline/settings_loader.hpp"
#include "settle/ledger_query.hpp"

namespace anduin::test {
namespace {

using nlohmann::json;

std::atomic<std::uint64_t> nonces{0};  // of this process: signers of one key must not share one

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

net::HttpClientOptions client_options(const std::string& ca_file) {
  auto tls = net::TlsContext::client({ca_file});
  if (!tls) throw std::runtime_error(tls.error().to_string());
  net::HttpClientOptions o;
  o.tls = *tls;
  return o;
}

}  // namespace

std::string signature_of(const SignedRequest& r, const std::string& timestamp, const std::string& nonce) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(r.body.data()), r.body.size(), digest.data());
  const std::string message = "ANDUIN-HMAC-V1\n" + r.method + "\n" + r.path + "\n" + r.key + "\n" + timestamp + "\n" + nonce +
                              "\n" + to_hex(digest).substr(2);
  unsigned size = 0;
  HMAC(EVP_sha256(), r.secret.data(), static_cast<int>(r.secret.size()),
       reinterpret_cast<const std::uint8_t*>(message.data()), message.size(), digest.data(), &size);
  return "v1=" + to_hex(digest).substr(2);
}

Signer::Signer(std::string origin, const std::string& ca_file, std::string secret)
    : origin_(std::move(origin)), secret_(std::move(secret)), client_(std::make_unique<net::BlockingHttpClient>(client_options(ca_file))) {}

Answered Signer::post(SignedRequest r) {
  if (r.secret.empty()) r.secret = secret_;
  if (r.key == "ea_ic01") r.key = key;
  if (r.path == "/webhook/metatrader") r.path = path;
  const std::string timestamp = std::to_string(r.timestamp_ms != 0 ? r.timestamp_ms : now_ms());
  if (r.nonce.empty()) r.nonce = "nonce-" + std::to_string(getpid()) + "-" + std::to_string(now_ms()) + "-" + std::to_string(++nonces);
  if (r.signature.empty()) r.signature = signature_of(r, timestamp, r.nonce);
  net::HttpRequest q;
  q.method = r.method;
  q.url = *net::Url::parse(origin_ + r.path);
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string, std::string>>{
           {"Content-Type", r.content_type}, {"X-Anduin-Key", r.key}, {"X-Anduin-Timestamp", timestamp},
           {"X-Anduin-Nonce", r.nonce}, {"X-Anduin-Signature", r.signature}}) {
    bool left_out = false;
    for (const std::string& w : r.without) left_out = left_out || w == name;
    if (!left_out) q.headers.emplace_back(name, value);
  }
  q.body = r.body;
  Answered out;
  auto answer = client_->send(std::move(q));
  if (!answer) {
    out.error = answer.error().to_string();
    return out;
  }
  out.status = answer->status;
  out.body = json::parse(answer->body, nullptr, false);
  out.retry_after = std::string(answer->header("Retry-After").value_or(""));
  return out;
}

WebhookHost::WebhookHost(std::string more, std::string venues, std::string accounts) {
  std::string pattern = (std::filesystem::temp_directory_path() / "anduin-webhook-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("no folder for the test");
  dir_ = pattern;
  auto made = net::make_throwaway_ca(dir_ / "tls");
  if (!made) throw std::runtime_error(made.error().to_string());
  ca_ = made->ca_file;
  // A live vault whose node is away: closes are queued for real, nothing leaves.
  text_ = "version: 1\nplugins: { dirs: [\"" + std::string(ANDUIN_BINARY_DIR) + "/plugins\"] }\nvenues:\n" + venues +
          "  metatrader: { symbols: [XAUUSD, BTCUSDT] }\naccounts:\n  - { name: mt-ic01, venue: metatrader, user: "
          "\"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", settle_from: 2024-01-01T00:00:00Z, credentials: { key: ea_ic01, "
          "secret: \"" + std::string(kSecret) + "\" }, options: { ref: ic01, login: 5012345, server: Broker-Live }, " + more + " }\n" +
          accounts + "vaults:\n  main: { mode: live, chain_id: 31337, rpc: [\"http://127.0.0.1:1\"], address: "
          "\"0x5FbDB2315678afecb367f032d93F642f64180aa3\", signer: { key: "
          "\"0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d\" } }\nledger: \"sqlite:" + ledger().string() +
          "\"\nwebhook: { listen: \"127.0.0.1:0\", tls: { certificate: \"" + made->certificate_file + "\", key: \"" +
          made->key_file + "\" } }\n";
}

WebhookHost::~WebhookHost() {
  host_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void WebhookHost::start() {
  pipeline::PluginCatalog catalog({});
  auto loaded = pipeline::parse_settings(text_, dir_ / "pipeline.yaml", [](const std::string&) { return std::nullopt; }, &catalog);
  if (!loaded.ok()) throw std::runtime_error(loaded.report());
  auto host = pipeline::Host::start(std::move(loaded.settings));
  if (!host) throw std::runtime_error(host.error().to_string());
  host_ = std::move(*host);
}

void WebhookHost::stop() { host_.reset(); }

Signer WebhookHost::signer(const std::string& key, const std::string& secret) const {
  Signer s("https://127.0.0.1:" + std::to_string(port()), ca_, secret);
  s.key = key;
  return s;
}

std::vector<json> WebhookHost::rows() const {
  auto reader = settle::LedgerReader::open(ledger());
  if (!reader) throw std::runtime_error(reader.error().to_string());
  auto rows = (*reader)->list({});
  if (!rows) throw std::runtime_error(rows.error().to_string());
  std::erase_if(*rows, [](const json& row) { return row.contains("report"); });
  return *rows;
}

json WebhookHost::show(const std::string& ref) const {
  auto reader = settle::LedgerReader::open(ledger());
  if (!reader) throw std::runtime_error(reader.error().to_string());
  auto row = (*reader)->show(ref);
  if (!row) throw std::runtime_error(row.error().to_string());
  return *row;
}

json close_body(const std::string& ticket, const std::string& pnl) {
  return {{"type", "close"}, {"positionId", "MT5-ic01-" + ticket}, {"symbol", "XAUUSD.m"}, {"side", "long"},
          {"entryPrice", "2050.50"}, {"exitPrice", "2075.30"}, {"size", "10"}, {"pnl", pnl}, {"closedAt", now_ms()},
          {"currency", "USD"}, {"login", "5012345"}};
}

}  // namespace anduin::test
