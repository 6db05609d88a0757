// Batches: how the vault takes them, and which items of one would break it.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// Items taken out of one batch before the rest waits for the next round: 7 calls each.
constexpr int kCulpritsPerBatch = 8;

}  // namespace

bool concerns_vault(chain::RevertClass c) {
  return c == chain::RevertClass::kInsufficientPool || c == chain::RevertClass::kPaused ||
         c == chain::RevertClass::kMissingRole;
}

chain::VaultItem Submitter::vault_item(const QueuedItem& item) const {
  return {item.action, item.user, item.units, item.ref_id};
}

std::size_t Submitter::batch_limit() const {
  if (!form_ || !form_->any()) return 1;
  return batch_cap_ == 0 ? options_.batch_max : std::min(batch_cap_, options_.batch_max);
}

void Submitter::smaller_batches(std::size_t failed_size) { batch_cap_ = std::max<std::size_t>(1, failed_size / 2); }

Result<void> Submitter::learn_form() {
  if (form_) return {};
  BatchForm form;
  if (options_.batch_max > 1) {
    const auto tolerant = vault_.probe_batch(node_, executor_.caller(), true);
    if (!tolerant) return tolerant.error();
    const auto atomic = vault_.probe_batch(node_, executor_.caller(), false);
    if (!atomic) return atomic.error();
    form = {*tolerant, *atomic};
    if (!form.any()) {
      const auto packs = executor_.packs(node_);
      if (!packs) return packs.error();
      form.packed = *packs;
    }
  }
  form_ = form;
  spdlog::info("vault {}: {}", options_.vault_name,
               form.tolerant ? "batches, item by item tolerant"
               : form.atomic ? "batches, all or nothing: each is simulated first"
               : form.packed ? "several calls in one transaction, all or nothing: each is simulated first"
                             : "one settlement a transaction");
  return {};
}

Result<Bytes> Submitter::payload(const std::vector<QueuedItem>& items) const {
  if (items.size() == 1 && vault_.can(items.front().action)) return vault_.settle_call(vault_item(items.front()));
  std::vector<chain::VaultItem> list;
  for (const auto& item : items) list.push_back(vault_item(item));
  return vault_.batch_call(list, form_ && form_->tolerant);
}

Result<std::vector<Call>> Submitter::inner_calls(const std::vector<QueuedItem>& items) const {
  std::vector<Call> out;
  const bool packed = form_ && form_->packed;
  for (std::size_t i = 0; i < (packed ? items.size() : 1); ++i) {
    auto data = packed ? payload({items[i]}) : payload(items);
    if (!data) return data.error();
    out.push_back({vault_.address(), std::move(*data)});
  }
  return out;
}

Result<void> Submitter::drop_used(std::vector<QueuedItem>& items, const View& view) {
  std::vector<Hash> refs;
  for (const auto& item : items) refs.push_back(item.ref_id);
  const auto used = vault_.used(node_, refs, chain::Tag::kLatest);
  if (!used) return used.error();
  std::vector<QueuedItem> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!(*used)[i]) {
      kept.push_back(std::move(items[i]));
    } else if (auto r = resolve_used(items[i], view); !r) {
      return r.error();
    }
  }
  items = std::move(kept);
  return {};
}

void Submitter::put_off(const QueuedItem& item, const View& view, bool holds_account) {
  waiting_[item.id] = {view.head.number, holds_account};
  if (holds_account) held_accounts_.insert(account_of(item));
}

Result<bool> Submitter::user_in_flight(const Address& user, std::span<const QueuedItem> ahead) {
  const auto his = [&](const QueuedItem& item) { return item.user == user; };
  if (std::any_of(ahead.begin(), ahead.end(), his)) return true;
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kMined) continue;  // what it did is in the state that was asked
    if (auto r = whole(slot); !r) return r.error();
    if (std::any_of(slot.row.items.begin(), slot.row.items.end(), his)) return true;
  }
  return false;
}

Result<Submitter::Planned> Submitter::handle_revert(const QueuedItem& item, const chain::VaultRevert& revert,
                                                    std::span<const QueuedItem> ahead, const View& view) {
  if (revert.what == chain::RevertClass::kDuplicateRefId) {
    if (auto r = resolve_used(item, view); !r) return r.error();
    return Planned::kSkipped;
  }
  if (revert.what == chain::RevertClass::kInsufficientCollateral) {
    const auto flying = user_in_flight(item.user, ahead);
    if (!flying) return flying.error();
    if (*flying) {
      put_off(item, view, true);  // a credit on its way may cover it
      return Planned::kSkipped;
    }
  }
  const std::string reason = revert.to_string();
  if (auto kept =
          ledger_.move_item(key_, vault_.address(), {item.ref_id, item.state, State::kBlocked, reason, {}});
      !kept) {
    return doubt(kept.error());
  }
  note("BLOCKED: " + reason, &item);
  if (!concerns_vault(revert.what)) return Planned::kSkipped;
  plan_paused_until_ns_ = clock_.mono_ns() + static_cast<std::uint64_t>(options_.probe_blocked_ms) * kNsPerMs;
  return Planned::kStop;
}

/// What the vault would do with the first `size` items, all or nothing. Nothing = it would settle them.
Result<std::optional<chain::VaultRevert>> Submitter::try_prefix(const std::vector<QueuedItem>& items,
                                                                std::size_t size) {
  std::vector<chain::VaultItem> list;
  for (std::size_t i = 0; i < size; ++i) list.push_back(vault_item(items[i]));
  const bool single = size == 1 && vault_.can(list.front().action);
  const auto call = single ? vault_.settle_call(list.front()) : vault_.batch_call(list, false);
  if (!call) return call.error();
  const auto tried = node_.call(executor_.caller(), vault_.address(), *call, chain::Tag::kLatest);
  if (!tried) return tried.error();
  if (!tried->reverted) return std::optional<chain::VaultRevert>();
  return std::optional(vault_.decode_revert(tried->data));
}

Result<Submitter::Planned> Submitter::sift(std::vector<QueuedItem>& items, const View& view) {
  if (items.size() < 2) return Planned::kGo;  // its estimate tells
  return form_->atomic ? sift_prefixes(items, view) : sift_singly(items, view);
}

Result<Submitter::Planned> Submitter::sift_prefixes(std::vector<QueuedItem>& items, const View& view) {
  std::size_t good = 0;
  for (int found = 0; items.size() > good || found == 0; ++found) {
    auto all = try_prefix(items, items.size());
    if (!all) return all.error();
    if (!*all) return Planned::kGo;
    if ((*all)->what == chain::RevertClass::kPaused || (*all)->what == chain::RevertClass::kMissingRole) {
      return handle_revert(items.front(), **all, {}, view);  // nobody's fault: the first one stands for all
    }
    if (found == kCulpritsPerBatch) break;
    const auto culprit = find_culprit(good, items.size(), **all, [&](std::size_t n) { return try_prefix(items, n); });
    if (!culprit) return culprit.error();
    good = culprit->index;
    const QueuedItem item = items[good];
    if (culprit->why.what == chain::RevertClass::kOther || culprit->why.what == chain::RevertClass::kNoData) {
      const auto alone = try_prefix({item}, 1);
      if (!alone) return alone.error();
      if (!*alone) {  // not its fault: the batch is too much for the node or the vault
        smaller_batches(good + 1);
        items.resize(std::max<std::size_t>(good, 1));
        return Planned::kGo;
      }
    }
    const auto done = handle_revert(item, culprit->why, std::span(items).first(good), view);
    if (!done || *done == Planned::kStop) return done;
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(good));
    if (held_accounts_.contains(account_of(item))) drop_account(items, good, account_of(item));
    if (items.empty()) return Planned::kGo;
  }
  items.resize(good);  // what passes together goes; the rest in the next round
  return items.empty() ? Planned::kStop : Planned::kGo;
}

/// A vault that is tolerant and has no other batch, or calls that are packed: each item by itself. What fails only
/// because of an item ahead of it may stay where the vault is tolerant: it judges in the order of the batch.
Result<Submitter::Planned> Submitter::sift_singly(std::vector<QueuedItem>& items, const View& view) {
  std::vector<Bytes> questions;
  for (auto it = items.begin(); it != items.end();) {
    const bool can = vault_.can(it->action);
    if (!can && form_->tolerant) return Planned::kGo;  // no way to ask; the batch's own events will tell
    auto call = vault_.settle_call(vault_item(*it));
    if (!call && can) return call.error();
    if (call) {
      questions.push_back(std::move(*call));
      ++it;
    } else {
      if (auto r = refuse_item(*it, call.error().text); !r) return r.error();
      it = items.erase(it);
    }
  }
  const auto answers = node_.calls(executor_.caller(), vault_.address(), questions, chain::Tag::kLatest);
  if (!answers) return answers.error();
  std::vector<QueuedItem> kept;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!(*answers)[i].reverted) {
      if (!held_accounts_.contains(account_of(items[i]))) kept.push_back(items[i]);
      continue;
    }
    const auto revert = vault_.decode_revert((*answers)[i].data);
    if (form_->tolerant && revert.what == chain::RevertClass::kInsufficientCollateral) {
      const auto flying = user_in_flight(items[i].user, kept);
      if (!flying) return flying.error();
      if (*flying) {
        kept.push_back(items[i]);
        continue;
      }
    }
    const auto done = handle_revert(items[i], revert, kept, view);
    if (!done || *done == Planned::kStop) return done;
  }
  items = std::move(kept);
  return Planned::kGo;
}

}  // namespace anduin::settle
