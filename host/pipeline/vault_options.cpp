#include "pipeline/vault_options.hpp"

#include "chain/http_transport.hpp"
#include "chain/json_rpc_node.hpp"

namespace anduin::pipeline {

Result<chain::VaultAbi> vault_abi(const VaultAbiSettings& s, const std::string& where) {
  chain::VaultAbi abi;
  const auto take = [](std::string& to, const std::optional<std::string>& from) {
    if (from) to = *from;
  };
  take(abi.credit, s.credit);
  take(abi.seize, s.seize);
  take(abi.seize_capped, s.seize_capped);
  take(abi.used_ref_ids, s.used_ref_ids);
  take(abi.token, s.token);
  take(abi.decimals, s.decimals);
  take(abi.batch, s.batch);
  take(abi.try_batch, s.try_batch);
  take(abi.skipped, s.skipped);
  const auto event = [](chain::EventSpec& to, const std::optional<VaultEventSettings>& from) {
    if (!from) return;
    to.signature = from->signature;
    if (from->user) to.user = *from->user;
    if (from->amount) to.amount = *from->amount;
    if (from->seized) to.seized = *from->seized;
    if (from->ref_id) to.ref_id = *from->ref_id;
  };
  event(abi.credited, s.credited);
  event(abi.seized, s.seized);
  if (!s.errors.empty()) {
    abi.errors.clear();
    for (const auto& [name, word] : s.errors) {
      const auto what = chain::parse_revert_class(word);
      if (!what)
        return Error{ErrorKind::kBadRequest, where,
                     "abi.errors." + name + ": '" + word + "' is no class of error"};
      abi.errors[name] = *what;
    }
  }
  if (s.token_address) abi.token_address = chain::Address::parse(*s.token_address);
  return abi;
}

Result<std::unique_ptr<chain::RpcPool>> rpc_pool(const VaultSettings& settings, Clock& clock) {
  std::vector<std::string> urls;
  for (const Secret& url : settings.rpc) urls.push_back(url.value);
  return chain::RpcPool::over_http(settings.chain_id, urls, clock);
}

Result<chain::VaultFacts> probe_vault(const VaultSettings& settings, const Secret& endpoint,
                                      const chain::Address& settler, Random& random) {
  const std::string where = "vault " + settings.name;
  const auto address = chain::Address::parse(settings.address.value);
  if (!address) return Error{ErrorKind::kBadRequest, where, "its address is not an address"};
  auto abi = vault_abi(settings.abi, where);
  if (!abi) return abi.error();
  auto vault = chain::Vault::create(*address, *abi);
  if (!vault) return vault.error();
  auto transport = chain::HttpTransport::create(endpoint.value);
  if (!transport) return transport.error();
  chain::JsonRpcNode node(**transport);
  return vault->probe(node, settings.chain_id, settings.token_decimals, settler, random);
}

}  // namespace anduin::pipeline
