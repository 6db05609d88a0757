#include "settle/safe_executor.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "settle/safe_exchange.hpp"

namespace anduin::settle {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

bool contains(const std::vector<Address>& list, const Address& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

}  // namespace

SafeExecutor::SafeExecutor(SafeExecutorOptions options, Ledger& ledger, const chain::Safe& safe,
                           std::vector<chain::TransactionSigner*> owners, std::vector<Address> by_file,
                           Clock& clock)
    : options_(std::move(options)),
      ledger_(ledger),
      safe_(safe),
      owners_(std::move(owners)),
      by_file_(std::move(by_file)),
      clock_(clock) {}

/// The nonce of the next SafeTx. Only where head and settled block agree on it is it known that no SafeTx of
/// ours is under way: then either an earlier payload is void for ever, or it is excluded by the same nonce.
Result<std::uint64_t> SafeExecutor::free_nonce(const WrapContext& context) const {
  const auto wait = [&](const std::string& why) {
    return Error{ErrorKind::kRetryable, "Safe " + safe_.address().to_string(), why};
  };
  for (const SlotRow* slot : context.open) {
    if (slot->call.to == safe_.address())
      return wait("its SafeTx with the signer's nonce " + std::to_string(slot->nonce) + " is still under way");
  }
  const auto settled = safe_.nonce(context.node, context.settled);
  if (!settled) return settled.error();
  const auto now = safe_.nonce(context.node, chain::Tag::kLatest);
  if (!now) return now.error();
  if (*now != *settled)
    return wait("its nonce is " + std::to_string(*now) + " and " + std::to_string(*settled) +
                " at the settled block: the next SafeTx waits until that is final");
  return *now;
}

/// Durable before any owner sees it.
Result<void> SafeExecutor::present(const chain::SafeTx& tx, const Hash& hash) {
  if (presented_ == hash) return {};
  if (auto kept = ledger_.record_safe_tx(safe_.chain_id(), safe_.address(), tx, hash); !kept) return kept.error();
  if (!by_file_.empty()) {
    if (auto written = write_safe_request(options_.exchange, {safe_.chain_id(), safe_.address(), tx}); !written)
      return written.error();
    std::error_code ignored;
    if (presented_) std::filesystem::remove(safe_request_file(options_.exchange, *presented_), ignored);
  }
  presented_ = hash;
  return {};
}

Result<void> SafeExecutor::keep(const Address& owner, const Hash& hash, const chain::SafeSignature& signature,
                                Collected& out) {
  if (auto kept = ledger_.add_safe_signature(hash, owner, signature); !kept) return kept.error();
  out.good.emplace(owner, signature);
  out.missing.erase(owner);
  trouble_.erase(owner);
  return {};
}

/// True when the owner has approved. An owner's failure is no error of the whole: others may be enough.
Result<bool> SafeExecutor::ask_owner(chain::TransactionSigner& owner, const Hash& hash, Collected& out) {
  const Address& who = owner.address();
  Trouble& trouble = trouble_[who];
  if (trouble.not_before_ns <= clock_.mono_ns()) {
    const auto signature = owner.sign_safe(hash);
    const auto signed_by = signature ? chain::recover_safe_owner(hash, *signature) : Result<Address>(signature.error());
    if (signed_by && *signed_by == who) {
      if (auto kept = keep(who, hash, *signature, out); !kept) return kept.error();
      return true;
    }
    trouble.why = signed_by ? "signed as " + signed_by->to_string() : signed_by.error().to_string();
    trouble.not_before_ns = clock_.mono_ns() + static_cast<std::uint64_t>(options_.owner_retry_ms) * kMs;
  }
  out.missing[who] = trouble.why;
  out.person = false;
  return false;
}

Result<void> SafeExecutor::read_file(const Address& owner, const Hash& hash, Collected& out) {
  const auto signature = read_safe_signature(safe_signature_file(options_.exchange, hash, owner));
  if (!signature) {
    out.missing[owner] = signature.error().to_string();
    return {};
  }
  if (!*signature) {
    out.missing[owner] =
        "has not signed " + safe_request_file(options_.exchange, hash).string() + " yet (anduin safe sign)";
    return {};
  }
  const auto signed_by = chain::recover_safe_owner(hash, **signature);
  if (signed_by && *signed_by == owner) return keep(owner, hash, **signature, out);
  out.missing[owner] = "the signature in its file is not this owner's";
  return {};
}

Result<void> SafeExecutor::collect(const Hash& hash, const std::vector<Address>& owners, std::uint64_t threshold,
                                   Collected& out) {
  const auto before = ledger_.safe_signatures(hash);
  if (!before) return before.error();
  for (const auto& [owner, signature] : *before) {
    const auto signed_by = chain::recover_safe_owner(hash, signature);
    if (signed_by && *signed_by == owner && contains(owners, owner)) out.good.emplace(owner, signature);
  }
  for (chain::TransactionSigner* owner : owners_) {
    if (out.good.size() >= threshold) return {};
    if (out.good.contains(owner->address())) continue;
    if (!contains(owners, owner->address())) {
      out.missing[owner->address()] = "is no owner of this Safe any more";
      continue;
    }
    if (const auto asked = ask_owner(*owner, hash, out); !asked) return asked.error();
  }
  for (const Address& owner : by_file_) {
    if (out.good.size() >= threshold) return {};
    if (out.good.contains(owner)) continue;
    if (!contains(owners, owner)) {
      out.missing[owner] = "is no owner of this Safe any more";
    } else if (auto done = read_file(owner, hash, out); !done) {
      return done.error();
    }
  }
  return {};
}

chain::SafeTx SafeExecutor::payload(std::span<const Call> inner) const {
  chain::SafeTx tx;
  if (inner.size() == 1) {
    tx.to = inner.front().to;
    tx.data = inner.front().calldata;
    return tx;
  }
  std::vector<chain::SafeCall> calls;
  for (const Call& each : inner) calls.push_back({each.to, each.calldata});
  tx.to = options_.multi_send;
  tx.data = chain::multi_send_call(calls);
  tx.operation = chain::SafeOperation::kDelegateCall;
  return tx;
}

Result<bool> SafeExecutor::packs(chain::Node& node) { return chain::probe_multi_send(node, options_.multi_send); }

Result<Call> SafeExecutor::wrap(std::span<const Call> inner, const WrapContext& context) {
  const auto nonce = free_nonce(context);
  if (!nonce) return nonce.error();
  const auto threshold = safe_.threshold(context.node, chain::Tag::kLatest);
  if (!threshold) return threshold.error();
  const auto owners = safe_.owners(context.node, chain::Tag::kLatest);
  if (!owners) return owners.error();

  chain::SafeTx tx = payload(inner);
  tx.safe_tx_gas = options_.safe_tx_gas;
  tx.nonce = *nonce;
  const Hash hash = chain::safe_tx_hash(safe_.chain_id(), safe_.address(), tx);
  if (auto presented = present(tx, hash); !presented) return presented.error();

  Collected found;
  if (auto done = collect(hash, *owners, *threshold, found); !done) return done.error();
  if (found.good.size() < *threshold || *threshold == 0) {
    std::string text = "has " + std::to_string(found.good.size()) + " of the " + std::to_string(*threshold) +
                       " approvals that it needs for its nonce " + std::to_string(*nonce);
    for (const auto& [owner, why] : found.missing) text += "; " + owner.to_string() + ": " + why;
    return Error{found.person ? ErrorKind::kBadRequest : ErrorKind::kRetryable,
                 "Safe " + safe_.address().to_string(), text};
  }
  std::vector<chain::SafeSignature> signatures;
  for (const auto& [owner, signature] : found.good) {
    if (signatures.size() < *threshold) signatures.push_back(signature);
  }
  const auto packed = chain::pack_safe_signatures(hash, signatures);
  if (!packed) return packed.error();
  spdlog::info("vault {}: SafeTx {} with nonce {} has its {} approvals", options_.vault_name, hash.to_string(),
               *nonce, *threshold);
  return Call{safe_.address(), chain::safe_execution_call(tx, *packed)};
}

Executed SafeExecutor::read(const Call&, const chain::Receipt& receipt) const {
  if (!receipt.success) return {false, "the Safe's transaction reverted"};
  for (const chain::Log& log : receipt.logs) {
    const auto executed = chain::parse_safe_event(safe_.address(), log);
    if (!executed) continue;
    if (executed->success) return {true, {}};
    return {false, "the call inside the Safe failed (ExecutionFailure of " + executed->safe_tx_hash.to_string() + ")"};
  }
  return {false, "the receipt shows no execution by the Safe"};
}

}  // namespace anduin::settle
