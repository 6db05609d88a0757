#include "pipeline/signer_definition.hpp"

namespace anduin::pipeline {
namespace {

using Kind = SignerSettings::Kind;

Def<KmsSettings> kms() {
  return Object<KmsSettings>("kms")
      .member("key_id", &KmsSettings::key_id, text("a key id, an ARN or alias/NAME", R"([A-Za-z0-9:/_.-]{1,2048})"),
              "Id, ARN or alias/NAME of a key of spec ECC_SECG_P256K1 for signing.")
      .member("region", &KmsSettings::region, text("a region such as eu-central-1", "[a-z0-9-]{1,40}"),
              "The key's region.")
      .member("endpoint", &KmsSettings::endpoint, text("an http or https URL", kHttpUrlPattern),
              "Default: https://kms.REGION.amazonaws.com.")
      .member("access_key", &KmsSettings::access_key, secret("an access key id"), "AWS access key id.")
      .member("secret_key", &KmsSettings::secret_key, secret("a secret access key"), "AWS secret access key.")
      .member("session_token", &KmsSettings::session_token, secret("a session token"),
              "Of temporary credentials. Default: none.")
      .required("key_id")
      .required("region")
      .required("access_key")
      .required("secret_key")
      .done();
}

/// What goes together. `kind` is still unknown here: the keys that stand there decide it.
struct Given {
  SignerSettings settings;
  bool key = false, keystore = false, password = false, password_file = false, web3signer = false, kms = false,
       address = false, tls = false, by_file = false;
};

void settle_kind(Context& c, Given& g, bool owner) {
  SignerSettings& s = g.settings;
  const int backends = g.key + g.keystore + g.web3signer + g.kms + g.by_file;
  const char* names = owner ? "key, keystore, web3signer, kms and by_file" : "key, keystore, web3signer and kms";
  if (backends != 1)
    return c.error(s.place, std::string(backends == 0 ? "it names no backend" : "it names more than one backend") +
                                "; write exactly one of " + names);
  s.kind = g.key          ? Kind::kKey
           : g.keystore   ? Kind::kKeystore
           : g.web3signer ? Kind::kWeb3signer
           : g.kms        ? Kind::kKms
                          : Kind::kByFile;
  if (g.keystore && g.password == g.password_file)
    c.error(s.place, "a keystore needs its password; write one of password: ${env:NAME} and password_file: FILE");
  if (!g.keystore && (g.password || g.password_file)) c.error(s.place, "a password belongs to a keystore");
  const bool remote = g.web3signer || g.kms;
  if (remote && !g.address)
    c.error(s.place, "it lacks 'address'; add address: 0x... of the key, so that another key is noticed");
  if (!remote && g.address) c.error(s.place, "address belongs to web3signer and kms; a key has its own");
  if (!remote && g.tls) c.error(s.place, "tls belongs to web3signer and kms");
}

Def<SignerSettings> signer_or_owner(bool owner) {
  using S = SignerSettings;
  const auto put = [](auto S::*member, bool Given::*given) {
    return [member, given](Context&, Place, Given& g, auto value) {
      g.settings.*member = std::move(value);
      g.*given = true;
    };
  };
  const std::string what = owner ? "an owner" : "signer";
  Object<Given> object(what);
  object
      .with<Secret>("key", secret("a private key of 64 hex digits", "(0x)?[0-9a-fA-F]{64}"),
                    "Private key, 64 hex digits; from the environment.", put(&S::key, &Given::key))
      .with<std::filesystem::path>("keystore", path(), "Keystore file, version 3 (scrypt or pbkdf2).",
                                   put(&S::keystore, &Given::keystore))
      .with<Secret>("password", secret("a password"), "Of the keystore; from the environment.",
                    put(&S::password, &Given::password))
      .with<std::filesystem::path>("password_file", path(), "File whose first line is the keystore's password.",
                                   put(&S::password_file, &Given::password_file))
      .with<Secret>("web3signer", secret("an http or https URL", kHttpUrlPattern, false),
                    "URL of a web3signer in eth1 mode; only eth_signTransaction (and eth_sign for a Safe) is asked.",
                    put(&S::web3signer, &Given::web3signer))
      .with<KmsSettings>("kms", kms(), "AWS KMS.", put(&S::kms, &Given::kms))
      .with<Secret>("address", maybe_address(), "Address of web3signer's or kms's key: another one is refused.",
                    put(&S::address, &Given::address))
      .with<TlsClient>("tls", tls_client(), "TLS towards web3signer or kms.endpoint.", put(&S::tls, &Given::tls));
  if (owner)
    object.with<Secret>("by_file", maybe_address(),
                        "Address of an owner who signs by hand with `anduin safe sign`.",
                        [](Context&, Place, Given& g, Secret value) {
                          g.settings.address = std::move(value);
                          g.by_file = true;
                        });
  Def<Given> def = object.done();
  def.schema["minProperties"] = 1;
  return {def.schema, [read = def.read, owner](Context& c, const YAML::Node& n, SignerSettings& out) {
            Given given;
            read(c, n, given);
            given.settings.place = place_of(n);
            if (n.IsMap()) settle_kind(c, given, owner);
            out = std::move(given.settings);
          }};
}

}  // namespace

Def<TlsClient> tls_client() {
  return Object<TlsClient>("tls")
      .member("ca", &TlsClient::ca, path(), "PEM file with authorities to trust besides the system's.")
      .done();
}

Def<SignerSettings> signer_definition() { return signer_or_owner(false); }

Def<SafeSettings> executor_definition() {
  using S = SafeSettings;
  return Object<S>("executor")
      .member("safe", &S::safe, maybe_address(), "Address of the Safe (1.3.0 or 1.4.1) that the vault lets settle.")
      .member("owners", &S::owners, list(signer_or_owner(true), "owners", 1),
              "Owners of the Safe that this host can ask, each as signer, or by_file. As many as its threshold.")
      .member("safe_tx_gas", &S::safe_tx_gas, integer_as<std::uint64_t>(0, 30'000'000, "gas"),
              "0: a vault call that fails reverts the whole transaction. More: gas kept for it; a failure then uses "
              "up the Safe's nonce.",
              0)
      .member("exchange", &S::exchange, path(), "Folder where owners that sign by file find requests.",
              "safe-exchange")
      .member("multi_send", &S::multi_send, address(),
              "MultiSendCallOnly 1.4.1, which packs several settlements for a vault without a batch function.",
              "0x9641d764fc13c8B624c04430C7356C1C7C8102e2")
      .required("safe")
      .required("owners")
      .done();
}

const Secret* SignerSettings::missing() const {
  const auto absent = [](std::initializer_list<const Secret*> secrets) -> const Secret* {
    for (const Secret* s : secrets) {
      if (!s->present()) return s;
    }
    return nullptr;
  };
  switch (kind) {
    case Kind::kNone:
    case Kind::kKey:
      return absent({&key});
    case Kind::kKeystore:
      return password_file.empty() ? absent({&password}) : nullptr;
    case Kind::kWeb3signer:
      return absent({&web3signer, &address});
    case Kind::kKms:
      return absent({&kms.access_key, &kms.secret_key, &address});
    case Kind::kByFile:
      return absent({&address});
  }
  return nullptr;
}

}  // namespace anduin::pipeline
