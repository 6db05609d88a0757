// The OpenSSL side of TlsContext: sessions and the explanation of a refused certificate.
// Internal to net. Thread: make_session from any; a session and its Verdict belong to one connection.
#pragma once
#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "net/tls.hpp"

namespace anduin::net {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;

/// Why verification failed, noted by OpenSSL's callback while the certificate is still at hand.
struct TlsVerdict {
  int code = 0;         ///< X509_V_*, 0 = good
  std::string subject;  ///< of the certificate at fault
  std::string not_before, not_after;
  std::string names;  ///< the hosts it is for
};

struct TlsContext::Impl {
  std::unique_ptr<SSL_CTX, SslDeleter> context;
  bool server = false;
  std::string ca_file;

  /// A client's session: SNI and the name that the certificate must have. `verdict` outlives the session.
  [[nodiscard]] SslPtr client_session(const std::string& host, TlsVerdict& verdict) const;
  [[nodiscard]] SslPtr server_session() const;
  /// What a failed handshake of a client means and what to do about it. `fault` is OpenSSL's own word, or
  /// empty.
  [[nodiscard]] Error handshake_error(const std::string& host, const std::string& where,
                                      const TlsVerdict& verdict, const std::string& fault) const;
};

/// The oldest entry of this thread's OpenSSL error queue as text; empties the queue.
std::string take_openssl_error();

}  // namespace anduin::net
