#include "pipeline/vault_signers.hpp"

#include <algorithm>
#include <set>

namespace anduin::pipeline {
namespace {

Result<void> add_safe(VaultSigners& out, const VaultSettings& settings, const std::string& where, Clock& clock,
                      Random& random) {
  const SafeSettings& s = *settings.executor;
  const auto bad = [&](const std::string& text) { return Error{ErrorKind::kBadRequest, where, text}; };
  const auto address = chain::Address::parse(s.safe.value);
  if (!address) return bad("its executor's Safe is not an address");
  out.safe.emplace(*address, settings.chain_id);
  out.safe_tx_gas = s.safe_tx_gas;
  out.exchange = s.exchange;
  const auto multi_send = chain::Address::parse(s.multi_send);
  if (!multi_send) return bad("its executor's multi_send is not an address");
  out.multi_send = *multi_send;
  std::set<chain::Address> seen;
  for (const SignerSettings& owner : s.owners) {
    chain::Address who;
    if (owner.kind == SignerSettings::Kind::kByFile) {
      const auto parsed = chain::Address::parse(owner.address.value);
      if (!parsed) return bad("an owner's by_file is not an address");
      out.by_file.push_back(who = *parsed);
    } else {
      auto made = make_signer(owner, where + " owner", clock, random);
      if (!made) return made.error();
      who = (*made)->address();
      out.owners.push_back(std::move(*made));
    }
    if (!seen.insert(who).second) return bad("owner " + who.to_string() + " stands in its executor twice");
  }
  return {};
}

}  // namespace

std::unique_ptr<settle::SafeExecutor> VaultSigners::executor(const std::string& vault_name,
                                                             settle::Ledger& ledger, Clock& clock) const {
  if (!safe) return nullptr;
  std::vector<chain::TransactionSigner*> asked;
  for (const auto& owner : owners) asked.push_back(owner.get());
  settle::SafeExecutorOptions o;
  o.vault_name = vault_name;
  o.safe_tx_gas = safe_tx_gas;
  o.exchange = exchange;
  o.multi_send = multi_send;
  return std::make_unique<settle::SafeExecutor>(std::move(o), ledger, *safe, std::move(asked), by_file, clock);
}

Result<VaultSigners> make_vault_signers(const VaultSettings& settings, const std::string& where, Clock& clock,
                                        Random& random) {
  VaultSigners out;
  auto signer = make_signer(settings.signer, where, clock, random);
  if (!signer) return signer.error();
  out.signer = std::move(*signer);
  if (settings.executor) {
    if (auto added = add_safe(out, settings, where, clock, random); !added) return added.error();
  }
  return out;
}

Result<SignersProof> prove_signers(const VaultSigners& s, chain::Node& node) {
  if (auto ours = s.signer->verify(); !ours) return ours.error();
  SignersProof out{"signs as " + s.signer->address().to_string(), {}};
  if (!s.safe) return out;
  const auto facts = s.safe->probe(node);
  if (!facts) return facts.error();
  const std::string where = "Safe " + s.safe->address().to_string();
  std::vector<chain::Address> named = s.by_file;
  for (const auto& owner : s.owners) {
    named.push_back(owner->address());
    const auto ours = owner->verify();
    if (!ours && ours.error().kind == ErrorKind::kBadRequest) return ours.error();
    if (!ours) out.warnings.push_back("owner " + owner->address().to_string() + " is away: " + ours.error().to_string());
  }
  for (const chain::Address& who : named) {
    if (std::find(facts->owners.begin(), facts->owners.end(), who) == facts->owners.end())
      return Error{ErrorKind::kBadRequest, where, who.to_string() + " is none of its owners"};
  }
  if (named.size() < facts->threshold)
    return Error{ErrorKind::kBadRequest, where,
                 "needs " + std::to_string(facts->threshold) + " of its " + std::to_string(facts->owners.size()) +
                     " owners, and the file names " + std::to_string(named.size())};
  out.sentence += ", executes by " + where + " " + facts->version + ": " + std::to_string(facts->threshold) + " of " +
                  std::to_string(facts->owners.size()) + " owners approve, " + std::to_string(named.size()) +
                  " are named here";
  const auto packs = chain::probe_multi_send(node, s.multi_send);
  if (!packs) return packs.error();
  if (!*packs) out.sentence += "; no MultiSendCallOnly at " + s.multi_send.to_string();
  return out;
}

}  // namespace anduin::pipeline
