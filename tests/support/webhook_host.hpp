// A running pipeline with inbound accounts, in this process, and somebody who signs requests for it.
// Thread: one caller. Everything it started ends with it. Throws std::runtime_error with what failed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "net/http_client.hpp"
#include "pipeline/host.hpp"

namespace anduin::test {

/// The figures of one signed request, each of which a test may spoil.
struct SignedRequest {
  std::string method = "POST", path = "/webhook/metatrader", content_type = "application/json";
  std::string key = "ea_ic01", secret = {}, body = {};
  std::int64_t timestamp_ms = 0;  ///< 0 = now
  std::string nonce = {};         ///< empty = a fresh one
  std::string signature = {};     ///< empty = the right one
  std::vector<std::string> without = {};  ///< headers left out
};
/// "v1=<hex>" by OpenSSL, not by the code under test.
std::string signature_of(const SignedRequest& r, const std::string& timestamp, const std::string& nonce);

struct Answered {
  int status = 0;
  nlohmann::json body;  ///< discarded when it is no JSON
  std::string retry_after;
  std::string error;    ///< why there is no answer
};

/// Sends signed requests over TLS.
class Signer {
 public:
  Signer(std::string origin, const std::string& ca_file, std::string secret);
  Answered post(SignedRequest request);
  Answered post(const nlohmann::json& body) { return post(SignedRequest{.body = body.dump()}); }
  [[nodiscard]] const std::string& secret() const { return secret_; }
  std::string key = "ea_ic01", path = "/webhook/metatrader";

 private:
  std::string origin_, secret_;
  std::unique_ptr<net::BlockingHttpClient> client_;
};

/// A folder with certificate, pipeline file and ledger, and the host on it.
class WebhookHost {
 public:
  /// `more` is put into the first account's entry ("trust: operator, ..."); `venues` before `accounts:`.
  explicit WebhookHost(std::string more = "trust: operator", std::string venues = "", std::string accounts = "");
  ~WebhookHost();
  void start();
  void stop();  ///< drains, as SIGTERM does
  [[nodiscard]] pipeline::Host& host() { return *host_; }
  [[nodiscard]] Signer signer(const std::string& key = "ea_ic01", const std::string& secret = kSecret) const;
  [[nodiscard]] std::filesystem::path ledger() const { return dir_ / "anduin.db"; }
  [[nodiscard]] std::filesystem::path dir() const { return dir_; }
  [[nodiscard]] std::string ca() const { return (dir_ / "tls" / "ca.pem").string(); }
  [[nodiscard]] std::uint16_t port() const { return host_->webhook_port(); }
  /// Rows of the ledger; it may be read while the host runs.
  [[nodiscard]] std::vector<nlohmann::json> rows() const;
  [[nodiscard]] nlohmann::json show(const std::string& ref) const;

  static constexpr const char* kSecret = "6b1f0c5d9e3a47b28c40d7715f92ae6330bd84f1c2e95a07d6481b3f7ca0e952";

 private:
  std::filesystem::path dir_;
  std::string ca_, text_;
  std::unique_ptr<pipeline::Host> host_;
};

/// A close as the Expert Advisor posts it, closed now.
nlohmann::json close_body(const std::string& ticket, const std::string& pnl = "248.00");

}  // namespace anduin::test
