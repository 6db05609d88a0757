#include "pipeline/live_vault.hpp"

#include "base/log.hpp"
#include "chain/http_transport.hpp"
#include "chain/json_rpc_node.hpp"
#include "chain/vault.hpp"
#include "pipeline/vault_options.hpp"
#include "settle/submitter_thread.hpp"

namespace anduin::pipeline {
namespace {

constexpr std::int64_t kPollMs = 500;  // blocks come every 1 to 2 s on the chains this is for

chain::U256 wei_of_gwei(const Decimal& gwei) {
  const Decimal wei = (gwei * Decimal(1'000'000'000)).truncated(0);
  return chain::U256(wei.to_string());
}

}  // namespace

struct LiveVault::Impl {
  VaultSettings settings;
  std::unique_ptr<chain::HttpTransport> transport;
  std::unique_ptr<chain::JsonRpcNode> node;
  std::unique_ptr<chain::LocalSigner> signer;
  std::unique_ptr<chain::Vault> vault;
  std::unique_ptr<settle::Submitter> submitter;
  std::unique_ptr<settle::SubmitterThread> thread;
};

LiveVault::LiveVault(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LiveVault::~LiveVault() = default;
void LiveVault::wake() { impl_->thread->wake(); }
settle::SubmitterStatus LiveVault::status() const { return impl_->thread->status(); }
const std::string& LiveVault::name() const { return impl_->settings.name; }

Result<std::unique_ptr<LiveVault>> LiveVault::start(const VaultSettings& settings, settle::Ledger& ledger, Clock& clock,
                                                    Random& random) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  const std::string where = "vault " + settings.name;
  const auto bad = [&](std::string text) { return Error{ErrorKind::kBadRequest, where, std::move(text)}; };
  const auto address = chain::Address::parse(settings.address.value);
  if (!address) return bad("its address is not an address");
  if (settings.rpc.empty()) return bad("it is live and has no rpc");
  if (settings.rpc.size() > 1)
    spdlog::warn("[{}] uses the first of {} rpc endpoints: fail-over between several is not there yet", where, settings.rpc.size());

  auto transport = chain::HttpTransport::create(settings.rpc.front().value);
  if (!transport) return transport.error();
  impl->transport = std::move(*transport);
  impl->node = std::make_unique<chain::JsonRpcNode>(*impl->transport);
  auto signer = chain::LocalSigner::from_hex_key(settings.signer_key.value, random);
  if (!signer) return bad("its signer key cannot be used: " + signer.error().text);
  impl->signer = std::move(*signer);
  auto abi = vault_abi(settings.abi, where);
  if (!abi) return abi.error();
  auto vault = chain::Vault::create(*address, *abi);
  if (!vault) return vault.error();
  impl->vault = std::make_unique<chain::Vault>(std::move(*vault));

  auto facts = impl->vault->probe(*impl->node, settings.chain_id, settings.token_decimals, impl->signer->address(), random);
  if (!facts) return bad(facts.error().to_string());
  if (facts->role_missing())
    return bad("signer " + impl->signer->address().to_string() + " may not settle on " + address->to_string() + ": " +
               facts->credit_revert->to_string() + "; grant it the role");
  if (facts->credit_revert) spdlog::warn("[{}] a credit would fail now: {}", where, facts->credit_revert->to_string());

  settle::SubmitterOptions o;
  o.vault_name = settings.name;
  o.chain_id = settings.chain_id;
  o.token_decimals = settings.token_decimals;
  o.settled_at.kind = settings.settled_at.at == FinalityRuleSetting::At::kFinalized ? settle::FinalityRule::Kind::kFinalized
                      : settings.settled_at.at == FinalityRuleSetting::At::kSafe    ? settle::FinalityRule::Kind::kSafe
                                                                                    : settle::FinalityRule::Kind::kDepth;
  o.settled_at.depth = settings.settled_at.depth;
  o.in_flight_max = settings.in_flight;
  o.fees.max_fee_ceiling = wei_of_gwei(settings.fee_max_gwei);
  o.gas_limit_max = settings.gas_limit_max;
  impl->submitter = std::make_unique<settle::Submitter>(std::move(o), ledger, *impl->vault, *impl->node, *impl->signer, clock);
  if (auto ok = impl->submitter->start(); !ok) return ok.error();
  spdlog::info("[{}] live on chain {} at {} as {}", where, facts->chain_id, address->to_string(), impl->signer->address().to_string());
  impl->thread = std::make_unique<settle::SubmitterThread>(*impl->submitter, kPollMs, [where](const Error& e) {
    spdlog::error("[{}] nothing is sent: {}", where, e.to_string());
  });
  return std::unique_ptr<LiveVault>(new LiveVault(std::move(impl)));
}

}  // namespace anduin::pipeline
