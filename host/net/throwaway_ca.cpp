#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "net/tls.hpp"
#include "net/tls_impl.hpp"

namespace anduin::net {
namespace {

constexpr long kDay = 86'400;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + " failed: " + take_openssl_error());
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  check(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "a certificate extension");
}

CertificatePtr new_certificate(EVP_PKEY* key, const char* name, X509_NAME* issuer, long from_s, long to_s) {
  CertificatePtr certificate(X509_new());
  check(X509_set_version(certificate.get(), X509_VERSION_3) == 1, "X509_set_version");
  std::uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "RAND_bytes");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to_s);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  check(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name),
                                   -1, -1, 0) == 1,
        "X509_NAME_add_entry");
  check(X509_set_issuer_name(certificate.get(), issuer ? issuer : subject) == 1, "X509_set_issuer_name");
  check(X509_set_pubkey(certificate.get(), key) == 1, "X509_set_pubkey");
  return certificate;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  std::array<unsigned char, 16> address{};
  for (const auto& host : hosts) {
    const bool ip = inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
                    inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
    out += (out.empty() ? "" : ",") + std::string(ip ? "IP:" : "DNS:") + host;
  }
  return out;
}

void write_file(const std::string& path, mode_t mode, BIO* content) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(content, &data);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  const bool written = fd >= 0 && ::write(fd, data, static_cast<std::size_t>(size)) == size;
  const int fault = errno;
  if (fd >= 0) ::close(fd);
  if (!written) throw std::system_error(fault, std::generic_category(), path);
}

ThrowawayCa make(const std::filesystem::path& directory, const ThrowawayCaOptions& options) {
  std::filesystem::create_directories(directory);
  const ThrowawayCa out{.ca_file = directory / "ca.pem",
                        .certificate_file = directory / "server.pem",
                        .key_file = directory / "server.key"};
  const long end = options.valid_days * kDay;
  const long start = options.valid_days < 0 ? end - kDay : -3600;
  const KeyPtr ca_key(EVP_EC_gen("P-256"));
  const KeyPtr key(EVP_EC_gen("P-256"));
  check(ca_key && key, "key generation");

  const auto ca = new_certificate(ca_key.get(), "Anduin throw-away CA", nullptr, -3650 * kDay, 3650 * kDay);
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  check(X509_sign(ca.get(), ca_key.get(), EVP_sha256()) != 0, "signing the CA");

  const auto server =
      new_certificate(key.get(), "Anduin simulator", X509_get_subject_name(ca.get()), start, end);
  add_extension(server.get(), ca.get(), NID_subject_alt_name, alternative_names(options.hosts));
  add_extension(server.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(server.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(server.get(), ca.get(), NID_ext_key_usage, "serverAuth");
  add_extension(server.get(), ca.get(), NID_authority_key_identifier, "keyid");
  check(X509_sign(server.get(), ca_key.get(), EVP_sha256()) != 0, "signing the certificate");

  const auto memory = [] { return BioPtr(BIO_new(BIO_s_mem())); };
  auto bio = memory();
  PEM_write_bio_X509(bio.get(), ca.get());
  write_file(out.ca_file, 0644, bio.get());
  bio = memory();
  PEM_write_bio_X509(bio.get(), server.get());
  write_file(out.certificate_file, 0644, bio.get());
  bio = memory();
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  write_file(out.key_file, 0600, bio.get());
  return out;
}

}  // namespace

Result<ThrowawayCa> make_throwaway_ca(const std::filesystem::path& directory,
                                      const ThrowawayCaOptions& options) {
  try {
    return make(directory, options);
  } catch (const std::exception& e) {
    return Error{.kind = ErrorKind::kFatal, .where = directory.string(), .text = e.what()};
  }
}

}  // namespace anduin::net
