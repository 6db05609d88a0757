// Judging: what became of each item of a slot that is over, by the item's own event and usedRefIds.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// Windows of an event search in one round: a search over a long chain is spread over rounds.
constexpr int kWindowsPerRound = 16;

}  // namespace

Result<std::optional<chain::VaultEvent>> Submitter::find_event(const Hash& ref_id, const View& view) {
  // Met by the reading of all events before its close came: good while its block still is the chain's.
  const auto met = ledger_.foreign_event(options_.chain_id, vault_.address(), ref_id);
  if (!met) return met.error();
  if (*met && (*met)->block_number <= view.settled.number) {
    const auto block = node_.block((*met)->block_number);
    if (!block) return block.error();
    if (*block && (*block)->hash == (*met)->block_hash) return **met;
  }
  auto [it, fresh] = search_from_.try_emplace(ref_id, view.settled.number);
  for (int i = 0; i < kWindowsPerRound; ++i) {
    const std::uint64_t to = it->second;
    const std::uint64_t span = options_.log_window_blocks - 1;
    const std::uint64_t low = options_.vault_since_block;
    const std::uint64_t from = to > low + span ? to - span : low;
    auto events = vault_.events(node_, from, to, ref_id);
    if (!events) return events.error();
    if (!events->empty() || from <= low) {
      search_from_.erase(it);
      if (events->empty()) return std::optional<chain::VaultEvent>{};
      return std::optional<chain::VaultEvent>{events->front()};
    }
    it->second = from - 1;
  }
  return Error{ErrorKind::kRetryable, ref_id.to_string(), "still searching the vault's events"};
}

Result<std::vector<ItemFacts>> Submitter::facts_of(const std::vector<QueuedItem>& items, const View& view,
                                                   const Look* own) {
  std::vector<Hash> refs;
  for (const auto& item : items) refs.push_back(item.ref_id);
  const auto used = vault_.used(node_, refs, view.settled_id);
  if (!used) return used.error();
  VaultWords words;
  if (own != nullptr) {
    auto said = words_of(vault_, own->receipt);
    if (!said) return said.error();
    words = std::move(*said);
  }
  std::vector<ItemFacts> out(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    ItemFacts& facts = out[i];
    facts.slots_used = items[i].slots_used;
    facts.amount_provable = vault_.proves_amount();
    facts.used = (*used)[i];
    if (const auto it = words.done.find(items[i].ref_id); it != words.done.end()) {
      facts.event = it->second;
      facts.own_slot = true;
    }
    if (const auto it = words.skipped.find(items[i].ref_id); it != words.skipped.end()) facts.why = it->second.what;
    if (facts.used && !facts.event && facts.amount_provable) {
      auto event = find_event(items[i].ref_id, view);
      if (!event) return event.error();
      facts.event = *event;
    }
  }
  if (own != nullptr && !own->executed && !own->noop) {
    if (auto r = add_reasons(items, *own, out); !r) return r.error();
  }
  return out;
}

/// A receipt carries no revert data: ask what each item by itself says at that block. A node that has forgotten that
/// state is asked at the head: the reason only decides between trying again and a person, never about money.
Result<void> Submitter::add_reasons(const std::vector<QueuedItem>& items, const Look& own,
                                    std::vector<ItemFacts>& facts) {
  std::vector<std::size_t> open;
  std::vector<Bytes> questions;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (facts[i].used || facts[i].why) continue;
    auto call = payload({items[i]});
    if (!call) continue;
    open.push_back(i);
    questions.push_back(std::move(*call));
  }
  auto answers = node_.calls(executor_.caller(), vault_.address(), questions, own.sighting->block_hash);
  if (!answers) answers = node_.calls(executor_.caller(), vault_.address(), questions, chain::Tag::kLatest);
  if (!answers) return answers.error();
  for (std::size_t i = 0; i < open.size(); ++i) {
    if ((*answers)[i].reverted) facts[open[i]].why = vault_.decode_revert((*answers)[i].data).what;
  }
  return {};
}

Result<std::vector<ItemMove>> Submitter::judge(const std::vector<QueuedItem>& items, const View& view,
                                               const Look* own) {
  const auto facts = facts_of(items, view, own);
  if (!facts) return facts.error();
  std::vector<ItemMove> out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const QueuedItem& item = items[i];
    const ItemVerdict v = judge_item(item.action, item.user, item.units, (*facts)[i]);
    out.push_back({item.ref_id, item.state, v.to, v.reason, v.onchain_units});
  }
  return out;
}

Result<void> Submitter::resolve_used(const QueuedItem& item, const View& view) {
  const auto used = vault_.used(node_, item.ref_id, view.settled_id);
  if (!used) return used.error();
  if (!*used) {
    put_off(item, view, false);  // used at the head, not yet at the settled block
    return {};
  }
  const auto judged = judge({item}, view, nullptr);
  if (!judged) return judged.error();
  const ItemMove& move = judged->front();
  if (auto kept = ledger_.move_item(key_, vault_.address(), move); !kept) return doubt(kept.error());
  if (move.to == State::kAlreadySettled) {
    ++status_.settled;
    spdlog::info("vault {}: ALREADY_SETTLED {} id {} ref {}", options_.vault_name, item.venue,
                 item.position_id, item.ref_id.to_string());
  } else {
    note(std::string(to_string(move.to)) + ": " + move.reason, &item);
  }
  return {};
}

Result<void> Submitter::close(Slot& slot, SlotState end, const std::vector<ItemMove>& moves,
                              const std::string& why) {
  auto kept = ledger_.close_slot(key_, slot.row.id, end, moves, why);
  if (!kept) return doubt(kept.error());
  slot.row.state = end;
  if (end == SlotState::kFinal && (!newest_final_ || newest_final_->nonce < slot.row.nonce))
    newest_final_ = ClosedSlot{slot.row.id, slot.row.nonce, end, slot.row.block_hash, slot.row.block_number};
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const QueuedItem& item = slot.row.items[i];
    const bool good = moves[i].to == State::kSettled || moves[i].to == State::kAlreadySettled;
    if (good) {
      ++status_.settled;
      spdlog::info("vault {}: {} {} id {} account {} ref {} nonce {}", options_.vault_name,
                   to_string(moves[i].to), item.venue, item.position_id, item.account,
                   item.ref_id.to_string(), slot.row.nonce);
    } else {
      note(std::string(to_string(moves[i].to)) + ": " + moves[i].reason, &item);
    }
  }
  return {};
}

Result<void> Submitter::finish(Slot& slot, const Look& found, const View& view) {
  const auto moves = judge(slot.row.items, view, &found);
  if (!moves) return moves.error();
  const std::size_t size = slot.row.items.size();
  if (found.executed && batch_cap_ != 0 && size >= batch_cap_) {
    batch_cap_ = batch_cap_ * 2 >= options_.batch_max ? 0 : batch_cap_ * 2;
  } else if (size > 1 && !found.executed) {
    smaller_batches(size);
  }
  const std::string why = found.noop ? "given up: " + slot.abandon
                                     : "block " + std::to_string(found.sighting->block_number) +
                                           (found.executed ? "" : ", " + found.failure);
  return close(slot, SlotState::kFinal, *moves, why);
}

Result<void> Submitter::lose(Slot& slot, const View& view) {
  const auto moves = judge(slot.row.items, view, nullptr);
  if (!moves) return moves.error();
  status_.key_shared = true;
  if (auto r = close(slot, SlotState::kLost, *moves,
                     "nonce " + std::to_string(slot.row.nonce) + " was consumed by a transaction that is not ours");
      !r) {
    return r.error();
  }
  ++status_.lost_slots;
  return {};
}

}  // namespace anduin::settle
