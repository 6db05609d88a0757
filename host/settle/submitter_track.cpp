// Tracking: what the chain shows of each open slot, and what follows from it.
#include <algorithm>

#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// Slots whose receipts are asked for in one round: a receipt of a batch of 100 has some 70 kB.
constexpr std::size_t kLooksPerRound = 32;
/// Blocks asked for in one round to verify mined slots. One or two are needed; after a restart or a reorg as many as
/// there are heights with slots, and the rest of it waits for the next round.
constexpr std::size_t kHeightsPerRound = 200;
/// Mined slots whose items become SAFE in one round: each is loaded for it.
constexpr std::size_t kPromotionsPerRound = 64;

std::vector<ItemMove> moves_to(const std::vector<QueuedItem>& items, State to, const std::string& reason) {
  std::vector<ItemMove> out;
  for (const auto& item : items) {
    if (item.state != to) out.push_back({item.ref_id, item.state, to, reason, {}});
  }
  return out;
}

/// Of a mined slot only the head stays in memory: thousands may wait for finality.
void slim(SlotRow& row) {
  row.items = {};
  row.call.calldata = {};
  for (auto& attempt : row.attempts) attempt.raw = {};
  row.whole = false;
}

}  // namespace

Result<VaultWords> words_of(const chain::Vault& vault, const chain::Receipt& receipt) {
  VaultWords out;
  for (const auto& log : receipt.logs) {
    auto event = vault.parse_event(log);
    if (!event) return event.error();
    if (*event) {
      out.done[(*event)->ref_id] = **event;
      continue;
    }
    auto skipped = vault.parse_skipped(log);
    if (!skipped) return skipped.error();
    if (*skipped) out.skipped[(*skipped)->ref_id] = (*skipped)->reason;
  }
  return out;
}

Result<std::optional<Hash>> Submitter::canonical_at(std::uint64_t number) {
  if (const auto it = canonical_.find(number); it != canonical_.end()) return it->second;
  const auto block = node_.block(number);
  if (!block) return block.error();
  return canonical_[number] = *block ? std::optional((*block)->hash) : std::nullopt;
}

/// A block's hash stands for all blocks below it. So mined slots stay verified while the head they were verified
/// against is still on the chain: one question a block, however many slots wait for finality.
Result<void> Submitter::verify_mined(const View& view, bool& clean) {
  bool same_branch = verified_.hash == view.head.hash;
  if (!same_branch && verified_.number != 0 && verified_.number <= view.head.number) {
    const auto there = canonical_at(verified_.number);
    if (!there) return there.error();
    same_branch = *there && **there == verified_.hash;
  }
  for (auto& slot : slots_) {
    if (slot.row.state != SlotState::kMined) continue;
    if (!same_branch) slot.verified = slot.doubtful = false;
    if (slot.verified) continue;
    if (canonical_.size() >= kHeightsPerRound && !canonical_.contains(slot.row.block_number)) {
      clean = false;
      continue;
    }
    const auto there = canonical_at(slot.row.block_number);
    if (!there) return there.error();
    slot.verified = *there && **there == slot.row.block_hash;
    slot.doubtful = !slot.verified;
  }
  verified_ = view.head;
  return {};
}

std::vector<Submitter::Slot*> Submitter::worth_a_look(const View& view, bool& more) {
  std::vector<Slot*> out;
  for (auto& slot : slots_) {
    if (slot.row.state == SlotState::kReserved) continue;
    // Not mined: only a nonce that is taken at the head can have a receipt. Mined: when it is to be judged, or when
    // its block is not on the chain any more.
    const bool worth = slot.row.state == SlotState::kMined
                           ? slot.doubtful || slot.row.block_number <= view.settled.number
                           : slot.row.nonce < view.taken_nonce;
    if (!worth) continue;
    if (out.size() == kLooksPerRound) {
      more = true;
      break;
    }
    out.push_back(&slot);
  }
  return out;
}

Result<std::vector<Submitter::Look>> Submitter::look_up(const std::vector<Slot*>& slots) {
  std::vector<Hash> hashes;
  for (const Slot* slot : slots) {
    for (const auto& attempt : slot->row.attempts) hashes.push_back(attempt.hash);
  }
  auto receipts = node_.receipts(hashes);
  if (!receipts) return receipts.error();
  std::vector<Look> out(slots.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Look& look = out[i];
    for (const auto& attempt : slots[i]->row.attempts) {
      auto& receipt = (*receipts)[next++];
      if (!receipt) continue;
      const auto canonical = canonical_at(receipt->block_number);
      if (!canonical) {
        note(canonical.error());
        look.all_looked_up = false;
      } else if (!*canonical) {
        look.all_looked_up = false;  // a preconfirmed block: neither there nor absent
      } else if (**canonical != receipt->block_hash) {
        look.orphaned = true;
      } else if (!look.sighting) {
        look.sighting = Sighting{attempt.hash, receipt->block_hash, receipt->block_number, receipt->success};
        look.noop = attempt.noop;
        if (!attempt.noop) {
          Executed done = executor_.read(slots[i]->row.call, *receipt);
          look.executed = receipt->success && done.done;
          look.failure = std::move(done.why);
        }
        look.receipt = std::move(*receipt);
      }
    }
  }
  return out;
}

Result<void> Submitter::track(const View& view, bool& more) {
  bool clean = true;
  if (auto r = verify_mined(view, clean); !r) {
    note(r.error());
    clean = false;
  }
  const auto slots = worth_a_look(view, more);
  if (more) clean = false;
  for (Slot* slot : slots) {
    if (auto r = whole(*slot); !r) return r.error();
  }
  const auto looks = look_up(slots);
  if (!looks) {
    note(looks.error());  // an unanswered question is no absence
    tracked_head_ = {};
    return {};
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Look& found = (*looks)[i];
    clean = clean && found.all_looked_up && !found.orphaned;
    if (auto moved = act_on(*slots[i], found, view); !moved) {
      if (moved.error().kind == ErrorKind::kFatal) return moved.error();
      note(moved.error());  // this slot again in the next round, the others now
      clean = false;
    } else if (*moved) {
      clean = false;
    }
  }
  forget_closed();
  if (auto r = promote_safe(view); !r) return r.error();
  tracked_head_ = clean ? view.head.hash : Hash{};
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
    case SlotMove::kUnmined:
      return moved(record_unmined(slot));
    case SlotMove::kSuspect:
      if (!slot.absent_since) slot.absent_since = view.heights.head;
      return false;
    case SlotMove::kWait:
      break;
  }
  if (found.sighting) slot.absent_since.reset();
  return false;
}

Result<void> Submitter::record_mined(Slot& slot, const Look& found) {
  const Sighting& s = *found.sighting;
  const auto words = words_of(vault_, found.receipt);
  if (!words) return words.error();
  // Only an item that the vault itself names is INCLUDED. A failed transaction, a no-op and a skipped item settle
  // nothing: those stay ASSIGNED until the slot is final.
  std::vector<ItemMove> moves;
  for (const auto& item : slot.row.items) {
    const bool in = vault_.proves_amount() ? words->done.contains(item.ref_id) : found.executed;
    const State to = in ? State::kIncluded : State::kAssigned;
    if (item.state != to) moves.push_back({item.ref_id, item.state, to, "", {}});
  }
  auto kept = ledger_.mark_mined(key_, slot.row.id, s.attempt, s.block_hash, s.block_number, moves);
  if (!kept) return doubt(kept.error());
  for (const auto& [ref, why] : words->skipped) {
    if (!concerns_vault(why.what)) continue;
    note("nonce " + std::to_string(slot.row.nonce) + ": the vault skips settlements: " + why.to_string());
    plan_paused_until_ns_ = clock_.mono_ns() + static_cast<std::uint64_t>(options_.probe_blocked_ms) * kNsPerMs;
    break;
  }
  slot.row.state = SlotState::kMined;
  slot.row.block_hash = s.block_hash;
  slot.row.block_number = s.block_number;
  slot.row.win_hash = s.attempt;
  slot.absent_since.reset();
  slot.verified = slot.doubtful = slot.safe = false;
  slim(slot.row);
  return {};
}

Result<void> Submitter::record_unmined(Slot& slot) {
  const std::string why = "not in block " + std::to_string(slot.row.block_number) + " any more";
  auto kept = ledger_.mark_unmined(key_, slot.row.id, moves_to(slot.row.items, State::kAssigned, why), why);
  if (!kept) return doubt(kept.error());
  for (auto& item : slot.row.items) item.state = State::kAssigned;
  slot.row.state = SlotState::kSent;
  slot.row.block_hash = {};
  slot.verified = slot.doubtful = slot.safe = false;
  slot.sent_mono_ns = 0;  // send again at once
  return {};
}

Result<void> Submitter::promote_safe(const View& view) {
  std::vector<std::pair<std::int64_t, std::vector<ItemMove>>> moves;
  std::vector<Slot*> done;
  for (auto& slot : slots_) {
    const bool ready = slot.row.state == SlotState::kMined && slot.verified && !slot.safe &&
                       slot.row.block_number <= view.heights.safe;
    if (!ready) continue;
    if (done.size() == kPromotionsPerRound) break;
    if (auto r = whole(slot); !r) return r.error();
    std::vector<ItemMove> items;
    for (const auto& item : slot.row.items) {
      if (item.state == State::kIncluded) items.push_back({item.ref_id, State::kIncluded, State::kSafe, "", {}});
    }
    if (!items.empty()) moves.emplace_back(slot.row.id, std::move(items));
    slim(slot.row);
    done.push_back(&slot);
  }
  if (!moves.empty()) {
    if (auto kept = ledger_.mark_safe(key_, moves); !kept) return doubt(kept.error());
  }
  for (Slot* slot : done) slot->safe = true;
  return {};
}

}  // namespace anduin::settle
