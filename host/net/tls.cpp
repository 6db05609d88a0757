#include "net/tls.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

#include "net/tls_impl.hpp"

namespace anduin::net {
namespace {

/// OpenSSL reads ahead this much: many small records then cost one system call.
constexpr std::size_t kTlsReadAhead = 64U << 10U;

bool is_ip_address(const std::string& host) {
  std::array<unsigned char, 16> out{};
  return inet_pton(AF_INET, host.c_str(), out.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), out.data()) == 1;
}

int verdict_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string time_text(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  ASN1_TIME_print(bio.get(), time);
  return bio_text(bio.get());
}

std::string subject_text(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  return bio_text(bio.get());
}

/// "localhost, 127.0.0.1", at most eight of them.
std::string names_text(X509* certificate) {
  constexpr int kNamesShownMax = 8;  // a content network's certificate may list hundreds
  std::string out;
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < kNamesShownMax; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    std::string one;
    if (name->type == GEN_DNS) {
      one.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                 static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
      inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text.data(), text.size());
      one = text.data();
    }
    if (!one.empty()) out += (out.empty() ? "" : ", ") + one;
  }
  GENERAL_NAMES_free(names);
  return out;
}

/// Keeps the first failure: later ones follow from it.
int note_verdict(int good, X509_STORE_CTX* store) {
  if (good == 1) return good;
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* verdict = static_cast<TlsVerdict*>(SSL_get_ex_data(ssl, verdict_index()));
  if (!verdict || verdict->code != 0) return good;
  verdict->code = X509_STORE_CTX_get_error(store);
  if (X509* certificate = X509_STORE_CTX_get_current_cert(store)) {
    verdict->subject = subject_text(certificate);
    verdict->not_before = time_text(X509_get0_notBefore(certificate));
    verdict->not_after = time_text(X509_get0_notAfter(certificate));
    verdict->names = names_text(certificate);
  }
  return good;
}

Error unusable(const std::string& where, std::string text) {
  return {.kind = ErrorKind::kBadRequest, .where = where, .text = std::move(text)};
}

std::unique_ptr<TlsContext::Impl> new_impl(bool server) {
  auto impl = std::make_unique<TlsContext::Impl>();
  impl->server = server;
  impl->context.reset(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* context = impl->context.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Buffers of idle connections are given back: 5,000 private streams are mostly idle.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kTlsReadAhead);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return impl;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_error();
  std::array<char, 256> text{};
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : text.data();
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::client(const TlsOptions& options) {
  auto impl = new_impl(false);
  SSL_CTX* context = impl->context.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verdict);
  impl->ca_file = options.ca_file;
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return unusable("system CAs", "cannot be read (" + take_openssl_error() + "): install ca-certificates");
  } else if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
    return unusable(options.ca_file, "no CA certificate can be read from it (" + take_openssl_error() +
                                         "): it must be a readable PEM file");
  }
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(const std::string& certificate_file,
                                                       const std::string& key_file) {
  auto impl = new_impl(true);
  SSL_CTX* context = impl->context.get();
  SSL_CTX_set_num_tickets(context, 0);
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return unusable(certificate_file, "no certificate can be read from it (" + take_openssl_error() + ")");
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable(key_file, "no private key for " + certificate_file + " can be read from it (" +
                                  take_openssl_error() + ")");
  return std::shared_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

SslPtr TlsContext::Impl::client_session(const std::string& host, TlsVerdict& verdict) const {
  SslPtr ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_ex_data(ssl.get(), verdict_index(), &verdict);
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl.get());
  if (is_ip_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  } else {
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  }
  return ssl;
}

SslPtr TlsContext::Impl::server_session() const {
  SslPtr ssl(SSL_new(context.get()));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

Error TlsContext::Impl::handshake_error(const std::string& host, const std::string& where,
                                        const TlsVerdict& verdict, const std::string& fault) const {
  const auto refused = [&](std::string text) {
    return Error{.kind = ErrorKind::kAuth, .where = where, .text = std::move(text)};
  };
  const std::string whose =
      "the certificate of " + (verdict.subject.empty() ? host : "\"" + verdict.subject + "\"");
  const std::string trusted = ca_file.empty() ? "the system's CAs" : ca_file;
  switch (verdict.code) {
    case X509_V_OK:
      // No complaint about the certificate: the network or the other side ended it.
      return {.kind = ErrorKind::kRetryable,
              .where = where,
              .text = "the TLS handshake failed: " + (fault.empty() ? "the connection ended" : fault)};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return refused(whose + " expired on " + verdict.not_after +
                     ": the server must renew it (or this machine's clock is wrong)");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return refused(whose + " is valid only from " + verdict.not_before + ": check this machine's clock");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return refused("the certificate is not for " + host + " but for " +
                     (verdict.names.empty() ? verdict.subject : verdict.names) +
                     ": check the host in the URL; somebody may be in between");
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // a CA of the same name with another key: a remade throw-away CA
      return refused(whose + " is signed by a CA that is not in " + trusted + " (" +
                     X509_verify_cert_error_string(verdict.code) + "): set tls.ca to the right CA file");
    default: return refused(whose + " was refused: " + X509_verify_cert_error_string(verdict.code));
  }
}

}  // namespace anduin::net
