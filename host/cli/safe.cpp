// `anduin safe sign FILE`: an owner of a Safe approves, with a key that the host never sees, what the host asks.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/log.hpp"
#include "cli/command.hpp"
#include "pipeline/signer_factory.hpp"
#include "settle/safe_exchange.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string file, keystore, password_file, key_env, multi_send = chain::default_multi_send().to_string();
  bool show = false;
};

int failed(const Error& error) {
  std::fprintf(stderr, "anduin safe: %s\n", log::redact(error.to_string()).c_str());
  return error.kind == ErrorKind::kBadRequest || error.kind == ErrorKind::kAuth ? kWrongUse : kFailed;
}

/// What one is about to approve. A delegatecall acts as the Safe itself, so only MultiSendCallOnly may get one:
/// kBadRequest for any other.
Result<void> show(const settle::SafeRequest& r, const chain::Address& multi_send) {
  std::printf("Safe %s on chain %llu, nonce %llu\n", r.safe.to_string().c_str(),
              static_cast<unsigned long long>(r.chain_id), static_cast<unsigned long long>(r.tx.nonce));
  std::printf("%s %s, %zu bytes of data\n", r.tx.operation == chain::SafeOperation::kCall ? "calls" : "DELEGATES to",
              r.tx.to.to_string().c_str(), r.tx.data.size());
  const auto selector = [](const Bytes& data) { return to_hex(data).substr(0, 10); };
  std::printf("selector %s\n", selector(r.tx.data).c_str());
  if (r.tx.operation == chain::SafeOperation::kDelegateCall) {
    const auto calls = chain::parse_multi_send(r.tx.data);
    if (!calls) return calls.error();
    for (const auto& each : *calls)
      std::printf("  calls %s, selector %s\n", each.to.to_string().c_str(), selector(each.data).c_str());
    if (r.tx.to != multi_send)
      return Error{ErrorKind::kBadRequest, "request",
                   "delegates to " + r.tx.to.to_string() + ", not to MultiSendCallOnly " + multi_send.to_string() +
                       ": it would act as the Safe. If that is the one that your host is set to, name it with --multi-send"};
  }
  std::printf("hash %s\n", r.hash().to_string().c_str());
  return {};
}

Result<std::unique_ptr<chain::TransactionSigner>> owner_of(const Options& o, Clock& clock, Random& random) {
  pipeline::SignerSettings s;
  if (!o.keystore.empty()) {
    s.kind = pipeline::SignerSettings::Kind::kKeystore;
    s.keystore = o.keystore;
    s.password_file = o.password_file;
  } else {
    s.kind = pipeline::SignerSettings::Kind::kKey;
    const char* value = std::getenv(o.key_env.c_str());
    if (value == nullptr)
      return Error{ErrorKind::kBadRequest, "--key-env", "environment variable " + o.key_env + " is not set"};
    log::add_secret(value);
    s.key.value = value;
  }
  return pipeline::make_signer(s, "owner", clock, random);
}

int sign(const Options& o) {
  const auto request = settle::read_safe_request(o.file);
  if (!request) return failed(request.error());
  const auto multi_send = chain::parse_account_address(o.multi_send);
  if (!multi_send) return failed({ErrorKind::kBadRequest, "--multi-send", multi_send.error().text});
  if (const auto shown = show(*request, *multi_send); !shown) return failed(shown.error());
  if (o.show) return kGood;
  if (o.keystore.empty() == o.key_env.empty() || o.keystore.empty() != o.password_file.empty())
    return failed({ErrorKind::kBadRequest, "owner", "give --keystore FILE with --password-file FILE, or --key-env NAME"});
  SystemClock clock;
  SystemRandom random;
  const auto owner = owner_of(o, clock, random);
  if (!owner) return failed(owner.error());
  const auto signature = (*owner)->sign_safe(request->hash());
  if (!signature) return failed(signature.error());
  const auto file = settle::safe_signature_file(std::filesystem::path(o.file).parent_path(), request->hash(),
                                                (*owner)->address());
  if (const auto written = settle::write_safe_signature(file, request->hash(), (*owner)->address(), *signature);
      !written)
    return failed(written.error());
  std::printf("signed as %s: %s\n", (*owner)->address().to_string().c_str(), file.c_str());
  return kGood;
}

}  // namespace

void add_safe(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* safe = app.add_subcommand("safe", "approve what a Safe is asked to execute, as one of its owners");
  safe->require_subcommand(1);
  CLI::App* cmd = safe->add_subcommand("sign", "sign a request of the exchange folder; the signature goes beside it");
  cmd->add_option("FILE", o->file, "the request, HASH.json")->required();
  cmd->add_option("--keystore", o->keystore, "the owner's keystore file, version 3");
  cmd->add_option("--password-file", o->password_file, "file whose first line is the keystore's password");
  cmd->add_option("--key-env", o->key_env, "environment variable with the owner's private key");
  cmd->add_option("--multi-send", o->multi_send, "the only contract that a request may delegate to")->capture_default_str();
  cmd->add_flag("--show", o->show, "only show what would be signed");
  cmd->callback([o, &action] { action = [o] { return sign(*o); }; });
}

}  // namespace anduin::cli
