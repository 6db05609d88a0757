#include "pipeline/signer_factory.hpp"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <fstream>

#include "base/log.hpp"
#include "chain/http_transport.hpp"
#include "chain/keystore.hpp"
#include "chain/kms_signer.hpp"
#include "chain/web3signer.hpp"
#include "net/tls.hpp"

namespace anduin::pipeline {
namespace {

using Made = Result<std::unique_ptr<chain::TransactionSigner>>;
using Kind = SignerSettings::Kind;

/// A password of this length is a wrong file.
constexpr std::size_t kPasswordBytesMax = 4096;

Error bad(const std::string& where, const std::string& text) { return {ErrorKind::kBadRequest, where, text}; }

Result<std::string> password_of(const SignerSettings& s) {
  if (s.password_file.empty()) return s.password.value;
  auto text = read_private_file(s.password_file, kPasswordBytesMax);
  if (!text) return text.error();
  // Editors end a line; the password is what stands in it.
  const auto end = text->find_first_of("\r\n");
  if (end != std::string::npos) {
    if (text->find_first_not_of("\r\n", end) != std::string::npos)
      return bad(s.password_file.string(), "it has more than one line; the first one is the password");
    text->resize(end);
  }
  log::add_secret(*text);
  return text;
}

Made from_keystore(const SignerSettings& s, const std::string& where, Random& random) {
  const auto file = read_private_file(s.keystore, chain::kKeystoreBytesMax);
  if (!file) return file.error();
  auto password = password_of(s);
  if (!password) return password.error();
  auto signer = chain::open_keystore(*file, *password, random);
  OPENSSL_cleanse(password->data(), password->size());
  if (!signer) return Error{signer.error().kind, where, s.keystore.string() + ": " + signer.error().text};
  return Made(std::move(*signer));
}

Result<std::shared_ptr<net::TlsContext>> tls_of(const SignerSettings& s) {
  if (s.tls.ca.empty()) return std::shared_ptr<net::TlsContext>();
  return net::TlsContext::client({.ca_file = s.tls.ca.string()});
}

/// A web3signer with the connection that is its own.
class ConnectedWeb3Signer final : public chain::TransactionSigner {
 public:
  ConnectedWeb3Signer(std::unique_ptr<chain::HttpTransport> transport, const chain::Address& address)
      : transport_(std::move(transport)), signer_(*transport_, address) {}
  [[nodiscard]] const chain::Address& address() const override { return signer_.address(); }
  Result<Bytes> sign_raw(const chain::Transaction& t) override { return signer_.sign_raw(t); }
  Result<chain::SafeSignature> sign_safe(const chain::Hash& h) override { return signer_.sign_safe(h); }
  Result<void> verify() override { return signer_.verify(); }

 private:
  std::unique_ptr<chain::HttpTransport> transport_;
  chain::Web3Signer signer_;
};

Made from_web3signer(const SignerSettings& s, const std::string& where) {
  const auto address = chain::Address::parse(s.address.value);
  if (!address) return bad(where, "its signer's address is not an address");
  auto tls = tls_of(s);
  if (!tls) return tls.error();
  auto transport = chain::HttpTransport::create(s.web3signer.value, std::move(*tls));
  if (!transport) return Error{transport.error().kind, where, "web3signer: " + transport.error().text};
  return Made(std::make_unique<ConnectedWeb3Signer>(std::move(*transport), *address));
}

Made from_kms(const SignerSettings& s, const std::string& where, Clock& clock) {
  const auto address = chain::Address::parse(s.address.value);
  if (!address) return bad(where, "its signer's address is not an address");
  auto tls = tls_of(s);
  if (!tls) return tls.error();
  chain::KmsOptions o;
  o.key_id = s.kms.key_id;
  o.region = s.kms.region;
  o.endpoint = s.kms.endpoint;
  o.credentials = {s.kms.access_key.value, s.kms.secret_key.value, s.kms.session_token.value};
  o.address = *address;
  o.tls = std::move(*tls);
  auto signer = chain::KmsSigner::create(std::move(o), clock);
  if (!signer) return bad(where, signer.error().text);
  return Made(std::move(*signer));
}

}  // namespace

Result<std::string> read_private_file(const std::filesystem::path& file, std::size_t bytes_max) {
  std::ifstream in(file, std::ios::binary);
  struct stat info {};
  if (!in || ::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return bad(file.string(), "it cannot be read as a file");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    spdlog::warn("{} can be read by others than its owner; chmod 600 it", file.string());
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max) return bad(file.string(), "it is larger than such a file can be");
  return text;
}

Made make_signer(const SignerSettings& s, const std::string& where, Clock& clock,
                 Random& random) {
  switch (s.kind) {
    case Kind::kKey: {
      auto signer = chain::LocalSigner::from_hex_key(s.key.value, random);
      if (!signer) return bad(where, "its signer key cannot be used: " + signer.error().text);
      return Made(std::move(*signer));
    }
    case Kind::kKeystore:
      return from_keystore(s, where, random);
    case Kind::kWeb3signer:
      return from_web3signer(s, where);
    case Kind::kKms:
      return from_kms(s, where, clock);
    case Kind::kByFile:
    case Kind::kNone:
      break;
  }
  return bad(where, "it names nobody who signs");
}

}  // namespace anduin::pipeline
