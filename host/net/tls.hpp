// TLS settings shared by many connections, and a throw-away CA for simulators and tests.
// A TlsContext is immutable once made: share it between loops and threads. Connections keep it alive.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace anduin::net {

struct TlsOptions {
  std::string ca_file = {};  ///< PEM bundle that replaces the system's CAs; empty = the system's
};

/// TLS 1.2 or later, always verified on the client side: chain, validity and host name (or IP address).
class TlsContext {
 public:
  /// kBadRequest when the CA file cannot be read or holds no certificate.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> client(const TlsOptions& options = {});
  /// PEM files; the certificate file holds the chain, the server's own first. kBadRequest when unusable.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> server(const std::string& certificate_file,
                                                                  const std::string& key_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // For the rest of net only.
  struct Impl;
  [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

 private:
  explicit TlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct ThrowawayCa {
  std::string ca_file;           ///< PEM, what clients trust
  std::string certificate_file;  ///< PEM, the server's certificate
  std::string key_file;          ///< PEM, mode 0600
};
struct ThrowawayCaOptions {
  std::vector<std::string> hosts = {"localhost", "127.0.0.1",
                                    "::1"};  ///< names and addresses in the certificate
  int valid_days = 30;                       ///< from an hour ago; negative: it ended that many days ago
};
/// Makes a fresh CA and a certificate signed by it (P-256) in `directory`, which is created. kFatal when it
/// cannot.
[[nodiscard]] Result<ThrowawayCa> make_throwaway_ca(const std::filesystem::path& directory,
                                                    const ThrowawayCaOptions& options = {});

}  // namespace anduin::net
