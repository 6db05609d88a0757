// Tracking: what the chain shows of each open slot, and what follows from it.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// Windows of an event search in one round: a search over a long chain is spread over rounds.
constexpr int kWindowsPerRound = 16;

std::vector<ItemMove> moves_to(const std::vector<QueuedItem>& items, State to, const std::string& reason) {
  std::vector<ItemMove> out;
  for (const auto& item : items) {
    if (item.state != to) out.push_back({item.ref_id, item.state, to, reason, {}});
  }
  return out;
}

void apply(std::vector<QueuedItem>& items, State to) {
  for (auto& item : items) item.state = to;
}

}  // namespace

Result<Submitter::Look> Submitter::look_up(const Slot& slot) {
  Look out;
  for (const auto& attempt : slot.row.attempts) {
    const auto receipt = node_.receipt(attempt.hash);
    if (!receipt) {
      note(receipt.error());
      out.all_looked_up = false;
      continue;
    }
    if (!*receipt) continue;
    const chain::Receipt& r = **receipt;
    const auto canonical = node_.block(r.block_number);
    if (!canonical) {
      note(canonical.error());
      out.all_looked_up = false;
    } else if (!*canonical) {
      out.all_looked_up = false;  // a preconfirmed block: neither there nor absent
    } else if ((*canonical)->hash != r.block_hash) {
      out.orphaned = true;
    } else if (!out.sighting) {
      out.sighting = Sighting{attempt.hash, r.block_hash, r.block_number, r.success};
      out.receipt = r;
      out.noop = attempt.noop;
      if (attempt.noop) continue;
      const Executed done = executor_.read(slot.row.call, r);
      out.executed = r.success && done.done;
      out.failure = done.why;
    }
  }
  return out;
}

Result<void> Submitter::track(const View& view) {
  bool clean = true;
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kReserved) continue;
    auto found = look_up(slot);
    if (!found) return found.error();
    clean = clean && found->all_looked_up && !found->orphaned;
    if (auto moved = act_on(slot, *found, view); !moved) {
      if (moved.error().kind == ErrorKind::kFatal) return moved.error();
      note(moved.error());  // this slot again in the next round, the others now
      clean = false;
    } else if (*moved) {
      clean = false;
    }
  }
  tracked_head_ = clean ? view.head.hash : Hash{};
  forget_closed();
  return {};
}

void Submitter::forget_closed() {
  std::erase_if(slots_, [](const Slot& s) {
    return s.row.state == SlotState::kFinal || s.row.state == SlotState::kLost;
  });
}

Result<bool> Submitter::act_on(Slot& slot, const Look& found, const View& view) {
  const auto moved = [](const Result<void>& done) {
    return done ? Result<bool>(true) : Result<bool>(done.error());
  };
  SlotFacts facts;
  facts.state = slot.row.state;
  facts.block_hash = slot.row.block_hash;
  facts.sighting = found.sighting;
  facts.all_looked_up = found.all_looked_up;
  facts.orphaned = found.orphaned;
  facts.nonce = slot.row.nonce;
  facts.finalized_nonce = view.settled_nonce;
  facts.settled_height = view.settled.number;
  facts.absent_before = slot.absent_since && view.heights.head >= *slot.absent_since + kSecondLookBlocks;
  switch (next_move(facts)) {
    case SlotMove::kMined:
      return moved(record_mined(slot, found));
    case SlotMove::kFinal:
      return moved(finish(slot, found, view));
    case SlotMove::kLost:
      return moved(lose(slot, view));
    case SlotMove::kSuspect:
      if (!slot.absent_since) slot.absent_since = view.heights.head;
      return false;
    case SlotMove::kUnmined: {
      const std::string why = "not in block " + std::to_string(slot.row.block_number) + " any more";
      auto kept =
          ledger_.mark_unmined(key_, slot.row.id, moves_to(slot.row.items, State::kAssigned, why), why);
      if (!kept) return kept.error();
      apply(slot.row.items, State::kAssigned);
      slot.row.state = SlotState::kSent;
      slot.row.block_hash = {};
      slot.sent_mono_ns = 0;  // send again at once
      return true;
    }
    case SlotMove::kWait:
      break;
  }
  if (!found.sighting) return false;
  slot.absent_since.reset();
  const auto promoted = promote_safe(slot, view);
  return promoted ? Result<bool>(false) : Result<bool>(promoted.error());
}

Result<void> Submitter::record_mined(Slot& slot, const Look& found) {
  const Sighting& s = *found.sighting;
  // A failed transaction or a no-op settles nothing: its items stay ASSIGNED until the slot is final.
  const State to = found.executed ? State::kIncluded : State::kAssigned;
  auto kept = ledger_.mark_mined(key_, slot.row.id, s.attempt, s.block_hash, s.block_number,
                                 moves_to(slot.row.items, to, ""));
  if (!kept) return kept.error();
  apply(slot.row.items, to);
  slot.row.state = SlotState::kMined;
  slot.row.block_hash = s.block_hash;
  slot.row.block_number = s.block_number;
  slot.row.win_hash = s.attempt;
  slot.absent_since.reset();
  return {};
}

Result<void> Submitter::promote_safe(Slot& slot, const View& view) {
  if (slot.row.state != SlotState::kMined || slot.row.block_number > view.heights.safe) return {};
  const bool any = std::any_of(slot.row.items.begin(), slot.row.items.end(),
                               [](const QueuedItem& i) { return i.state == State::kIncluded; });
  if (!any) return {};
  std::vector<ItemMove> moves;
  for (const auto& item : slot.row.items) {
    if (item.state == State::kIncluded)
      moves.push_back({item.ref_id, State::kIncluded, State::kSafe, "", {}});
  }
  auto kept = ledger_.mark_mined(key_, slot.row.id, slot.row.win_hash, slot.row.block_hash,
                                 slot.row.block_number, moves);
  if (!kept) return kept.error();
  for (auto& item : slot.row.items) {
    if (item.state == State::kIncluded) item.state = State::kSafe;
  }
  return {};
}

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

Result<ItemFacts> Submitter::facts_of(const QueuedItem& item, const View& view, const Look* own) {
  ItemFacts facts;
  facts.slots_used = item.slots_used;
  facts.amount_provable = vault_.proves_amount();
  const auto used = vault_.used(node_, item.ref_id, view.settled_id);
  if (!used) return used.error();
  facts.used = *used;
  if (own != nullptr && own->sighting->success) {
    for (const auto& log : own->receipt.logs) {
      auto event = vault_.parse_event(log);
      if (!event) return event.error();
      if (*event && (*event)->ref_id == item.ref_id) {
        facts.event = **event;
        facts.own_slot = true;
      }
    }
  }
  if (facts.used && !facts.event && facts.amount_provable) {
    auto event = find_event(item.ref_id, view);
    if (!event) return event.error();
    facts.event = *event;
  }
  if (!facts.used && own != nullptr && !own->executed && !own->noop) {
    // A receipt carries no revert data: ask what the same call says at that block.
    const auto calldata = vault_.settle_call(vault_item(item));
    if (!calldata) return calldata.error();
    const auto replay = node_.call(executor_.caller(), vault_.address(), *calldata, own->sighting->block_hash);
    if (!replay) return replay.error();
    if (replay->reverted) facts.why = vault_.decode_revert(replay->data).what;
  }
  return facts;
}

Result<void> Submitter::close(Slot& slot, SlotState end, const std::vector<ItemMove>& moves,
                              const std::string& why) {
  auto kept = ledger_.close_slot(key_, slot.row.id, end, moves, why);
  if (!kept) return kept.error();
  slot.row.state = end;
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
  std::vector<ItemMove> moves;
  for (const auto& item : slot.row.items) {
    const auto facts = facts_of(item, view, &found);
    if (!facts) return facts.error();
    const ItemVerdict v = judge_item(item.action, item.user, item.units, *facts);
    moves.push_back({item.ref_id, item.state, v.to, v.reason, v.onchain_units});
  }
  const std::string why = found.noop ? "given up: " + slot.abandon
                                     : "block " + std::to_string(found.sighting->block_number) +
                                           (found.executed ? "" : ", " + found.failure);
  return close(slot, SlotState::kFinal, moves, why);
}

Result<void> Submitter::lose(Slot& slot, const View& view) {
  std::vector<ItemMove> moves;
  for (const auto& item : slot.row.items) {
    const auto facts = facts_of(item, view, nullptr);
    if (!facts) return facts.error();
    const ItemVerdict v = judge_item(item.action, item.user, item.units, *facts);
    moves.push_back({item.ref_id, item.state, v.to, v.reason, v.onchain_units});
  }
  status_.key_shared = true;
  ++status_.lost_slots;
  return close(
      slot, SlotState::kLost, moves,
      "nonce " + std::to_string(slot.row.nonce) + " was consumed by a transaction that is not ours");
}

}  // namespace anduin::settle
