#include "model/rules.hpp"

#include <array>

#include "settle/slot_logic.hpp"

namespace anduin::model {
namespace {

using settle::Hash;
using settle::ItemFacts;
using settle::SlotFacts;
using settle::SlotMove;

/// Heights as the real functions want them: the last final block, and the blocks on top of it.
constexpr std::uint64_t kFinalHeight = 10;
/// Blocks since the first look that found an absence, plus one; more makes no difference.
constexpr std::uint8_t kAbsentMax = static_cast<std::uint8_t>(settle::kSecondLookBlocks + 1);
constexpr std::uint64_t kAmount = 100, kChangedAmount = 101, kRivalAmount = 102;

std::uint8_t bit(std::size_t i) { return static_cast<std::uint8_t>(1U << i); }
std::uint8_t attempt_bit(std::size_t slot, std::size_t attempt) { return bit(slot * kAttempts + attempt); }
bool open(const Slot& s) { return s.used != 0 && s.state != SlotState::kFinal && s.state != SlotState::kLost; }
bool is_noop(const Slot& s, std::size_t attempt) { return attempt == 1 && s.noop != 0; }

Hash hash_of(Place p) {
  Hash h;
  h.bytes[0] = static_cast<std::uint8_t>(p);
  return h;
}
std::uint64_t height_of(Place p) {
  return p == Place::kTop0 ? kFinalHeight + 1 : p == Place::kTop1 ? kFinalHeight + 2 : kFinalHeight;
}

/// The ledger's writes: a state and its audit row, in one.
struct Writer {
  World w;
  const Rules& rules;
  void item(std::size_t i, State to) {
    w.items[i].state = to;
    if (rules.audited) w.items[i].trail = to;
  }
  void slot(std::size_t s, SlotState to) {
    w.slots[s].state = to;
    if (rules.audited) w.slots[s].trail = to;
  }
};

/// One of our attempts in a canonical block: where, which one, and whether it succeeded.
struct Found {
  Place place = Place::kNowhere;
  std::size_t attempt = 0;
  bool success = false;
};

Found find(const World& w, std::size_t s) {
  if (w.final_of[s].tx == Tx::kOurs) return {Place::kFinal, w.final_of[s].attempt, w.final_of[s].success != 0};
  for (std::size_t i = 0; i < w.top_size; ++i) {
    const Block& b = w.top[i];
    if (b.tx == Tx::kOurs && b.slot == s) return {i == 0 ? Place::kTop0 : Place::kTop1, b.attempt, b.success != 0};
  }
  return {};
}

chain::VaultEvent event_of(const Effects& e) {
  chain::VaultEvent out;
  out.credit = true;
  out.requested = out.moved = e.rival_wrong != 0 ? kRivalAmount : e.ours_changed != 0 ? kChangedAmount : kAmount;
  return out;
}

/// The real judgement on an item, from what the chain shows at the height where outcomes are taken.
State judge(const World& w, const Rules& rules, std::size_t i, const Found* own, bool knows_why) {
  const Effects e = rules.final_only ? w.final_effects[i] : effects_on_chain(w, i);
  ItemFacts facts;
  facts.used = e.any();
  if (facts.used) facts.event = event_of(e);
  facts.own_slot = own != nullptr && own->success && (e.ours != 0 || e.ours_changed != 0);
  if (own != nullptr && !own->success && knows_why) facts.why = chain::RevertClass::kPaused;
  facts.slots_used = w.items[i].slots_used;
  const std::uint64_t units = w.items[i].changed != 0 ? kChangedAmount : kAmount;
  return settle::judge_item(chain::Action::kCredit, {}, units, facts).to;
}

void move_items(Writer& out, std::size_t s, State to) {
  for (std::size_t i = 0; i < kItems; ++i) {
    if ((out.w.slots[s].items & bit(i)) != 0 && out.w.items[i].state != to) out.item(i, to);
  }
}

// ---- the host ----

void reserve(const World& w, const Rules& rules, const Emit& emit) {
  std::size_t s = 0;
  while (s < kSlots && w.slots[s].used != 0) ++s;
  if (s == kSlots) return;
  for (std::uint8_t chosen = 1; chosen < bit(kItems); ++chosen) {
    bool allowed = true;
    for (std::size_t i = 0; i < kItems; ++i) {
      if ((chosen & bit(i)) == 0) continue;
      const State state = w.items[i].state;
      const bool stale = state == State::kAssigned || state == State::kIncluded || state == State::kBlocked;
      allowed = allowed && (state == State::kQueued || (!rules.compare_and_set && stale));
    }
    for (std::uint8_t twice = 0; allowed && twice <= (rules.unique_in_slot ? 0U : 1U); ++twice) {
      Writer next{w, rules};
      Slot& slot = next.w.slots[s];
      slot.used = 1;
      slot.nonce = next.w.next_nonce++;
      slot.items = chosen;
      slot.twice = twice != 0 ? chosen : std::uint8_t{0};
      for (std::size_t i = 0; i < kItems; ++i) {
        if ((chosen & bit(i)) == 0) continue;
        ++next.w.items[i].slots_used;
        if (w.items[i].changed != 0) slot.changed |= bit(i);
        next.item(i, State::kAssigned);
      }
      next.slot(s, SlotState::kReserved);
      emit(next.w, "reserve");
    }
  }
}

void sign(const World& w, const Rules& rules, std::size_t s, bool noop, const Emit& emit) {
  Writer next{w, rules};
  Slot& slot = next.w.slots[s];
  if (slot.attempts == 1 && noop) slot.noop = 1;
  ++slot.attempts;
  if (slot.state == SlotState::kReserved) next.slot(s, SlotState::kSigned);
  emit(next.w, noop ? "sign a no-op" : "sign");
}

void send(const World& w, const Rules& rules, std::size_t s, const Emit& emit) {
  const Slot& slot = w.slots[s];
  const std::size_t newest = slot.attempts - 1U;
  Writer next{w, rules};
  next.w.out |= attempt_bit(s, newest);
  if (slot.state == SlotState::kSigned) emit(next.w, "send, and die before it is noted");
  if (slot.state == SlotState::kSigned) next.slot(s, SlotState::kSent);
  emit(next.w, "send");
  // Whatever the node answers: no answer may do more than ask for another attempt.
  for (int what = 0; what <= static_cast<int>(chain::SendClass::kUnknown); ++what) {
    switch (settle::after_send(static_cast<chain::SendClass>(what), slot.attempts)) {
      case settle::AfterSend::kBump:
        if (slot.attempts < kAttempts) sign(next.w, rules, s, is_noop(slot, newest), emit);
        break;
      case settle::AfterSend::kAbandon:
        if (slot.attempts < kAttempts) sign(next.w, rules, s, true, emit);
        break;
      case settle::AfterSend::kTrack:
      case settle::AfterSend::kAlarm:
      case settle::AfterSend::kHold:
        break;
    }
  }
}

void end(const World& w, const Rules& rules, std::size_t s, SlotState to, const Found* own, const Emit& emit) {
  for (const bool knows_why : {false, true}) {
    Writer next{w, rules};
    for (std::size_t i = 0; i < kItems; ++i) {
      if ((w.slots[s].items & bit(i)) != 0) next.item(i, judge(w, rules, i, own, knows_why));
    }
    next.slot(s, to);
    next.w.slots[s].absent = 0;
    next.w.lagged = static_cast<std::uint8_t>(w.lagged & ~bit(s));
    next.w.slots[s].recorded = Place::kNowhere;
    emit(next.w, to == SlotState::kFinal ? "final" : "lost");
    if (own == nullptr || own->success) return;
  }
}

/// One look at a slot. An endpoint that lags shows the time before, at most one look long.
void look(const World& w, const Rules& rules, std::size_t s, bool lagging, const Emit& emit) {
  const Slot& slot = w.slots[s];
  const Found found = lagging ? Found{} : find(w, s);
  SlotFacts facts;
  facts.state = slot.state;
  facts.block_hash = slot.recorded == Place::kNowhere ? Hash{} : hash_of(slot.recorded);
  if (found.place != Place::kNowhere) {
    settle::Sighting sighting;
    sighting.block_hash = hash_of(found.place);
    sighting.block_number = height_of(found.place);
    sighting.success = found.success;
    facts.sighting = sighting;
  }
  facts.all_looked_up = true;
  facts.nonce = slot.nonce;
  facts.finalized_nonce = w.final_nonce;
  facts.settled_height = rules.final_only ? kFinalHeight : kFinalHeight + kTop;
  facts.absent_before = slot.absent >= kAbsentMax || (!rules.second_look && facts.finalized_nonce > facts.nonce);
  Writer next{w, rules};
  next.w.lagged = static_cast<std::uint8_t>(lagging ? w.lagged | bit(s) : w.lagged & ~bit(s));
  switch (settle::next_move(facts)) {
    case SlotMove::kMined:
      next.w.slots[s].recorded = found.place;
      next.w.slots[s].absent = 0;
      move_items(next, s, found.success && !is_noop(slot, found.attempt) ? State::kIncluded : State::kAssigned);
      next.slot(s, SlotState::kMined);
      return emit(next.w, "mined");
    case SlotMove::kUnmined:
      next.w.slots[s].recorded = Place::kNowhere;
      move_items(next, s, State::kAssigned);
      next.slot(s, SlotState::kSent);
      return emit(next.w, "unmined");
    case SlotMove::kSuspect:
      if (slot.absent == 0) next.w.slots[s].absent = 1;
      return emit(next.w, "suspect");
    case SlotMove::kFinal:
      return end(w, rules, s, SlotState::kFinal, &found, emit);
    case SlotMove::kLost:
      return end(w, rules, s, SlotState::kLost, nullptr, emit);
    case SlotMove::kWait:
      if (found.place != Place::kNowhere) next.w.slots[s].absent = 0;
      return emit(next.w, "look");
  }
}

void steps_of_slot(const World& w, const Rules& rules, std::size_t s, const Emit& emit) {
  const Slot& slot = w.slots[s];
  if (!open(slot)) return;
  if (slot.attempts == 0) {
    if (!rules.persist_before_send) {
      // The bytes exist and are sent; no row has them.
      World next = w;
      next.lost_bytes = 1;
      emit(next, "send before persist");
    }
    return sign(w, rules, s, false, emit);
  }
  if (slot.state != SlotState::kMined) {
    send(w, rules, s, emit);
    // Late: a higher fee, of the same kind as the attempt before.
    if (slot.state == SlotState::kSent && slot.attempts < kAttempts) sign(w, rules, s, false, emit);
  }
  look(w, rules, s, false, emit);
  if ((w.lagged & bit(s)) == 0) look(w, rules, s, true, emit);
}

void steps_of_items(const World& w, const Rules& rules, const Emit& emit) {
  for (std::size_t i = 0; i < kItems; ++i) {
    const Item& item = w.items[i];
    const auto to = [&](State state, const char* step) {
      Writer next{w, rules};
      next.item(i, state);
      emit(next.w, step);
    };
    if (item.state == State::kQueued && w.final_effects[i].any()) to(judge(w, rules, i, nullptr, false), "already used");
    if (item.state == State::kBlocked) to(State::kQueued, "probe");
    if (item.state == State::kQuarantined) {
      to(State::kQueued, "approve");
      to(State::kRejected, "reject");
    }
    const bool settled_over = item.state == State::kSettled || item.state == State::kAlreadySettled;
    if (!rules.frozen_amounts && item.changed == 0 && item.state != State::kQuarantined && !settled_over) {
      World next = w;
      next.items[i].changed = 1;
      emit(next, "the amount is changed");
    }
  }
}

void host(const World& w, const Rules& rules, const Emit& emit) {
  reserve(w, rules, emit);
  for (std::size_t s = 0; s < kSlots; ++s) steps_of_slot(w, rules, s, emit);
  steps_of_items(w, rules, emit);
  const std::uint8_t seen = rules.nonce_from_final ? w.final_nonce : nonce_on_chain(w);
  if (seen > w.next_nonce) {
    World next = w;
    next.next_nonce = seen;
    emit(next, "raise the nonce");
  }
}

// ---- the chain ----

/// The oldest block on top becomes final.
void finalize_one(World& w) {
  const Block b = w.top[0];
  for (std::size_t i = 0; i < kItems; ++i) {
    World only = w;
    only.top_size = 1;
    w.final_effects[i] = effects_on_chain(only, i);
  }
  if (b.tx == Tx::kOurs) w.final_of[b.slot] = b;
  if (b.tx == Tx::kOurs || b.tx == Tx::kForeign) ++w.final_nonce;
  w.top[0] = w.top[1];
  w.top[1] = {};
  --w.top_size;
  for (Slot& s : w.slots) {
    if (s.recorded == Place::kTop0) s.recorded = Place::kFinal;
    else if (s.recorded == Place::kTop1) s.recorded = Place::kTop0;
  }
}

void append(World w, const Block& b, const Emit& emit, const char* step) {
  w.top[w.top_size++] = b;
  for (Slot& s : w.slots) {
    if (s.absent != 0 && s.absent < kAbsentMax) ++s.absent;
  }
  emit(w, step);
  // Finality follows behind; it may also wait.
  while (w.top_size > 0) {
    finalize_one(w);
    emit(w, "a block, and finality moves");
  }
}

void chain_steps(const World& w, const Rules& rules, const Emit& emit) {
  if (w.top_size == kTop) {
    World next = w;
    finalize_one(next);
    return emit(next, "finality moves");
  }
  append(w, {}, emit, "an empty block");
  const std::uint8_t nonce = nonce_on_chain(w);
  for (std::size_t s = 0; s < kSlots; ++s) {
    const Slot& slot = w.slots[s];
    for (std::size_t a = 0; a < kAttempts; ++a) {
      if (slot.used == 0 || slot.nonce != nonce || (w.out & attempt_bit(s, a)) == 0) continue;
      bool refused = false;
      for (std::size_t i = 0; i < kItems && !is_noop(slot, a); ++i) {
        const bool again = effects_on_chain(w, i).any() || (slot.twice & bit(i)) != 0;
        refused = refused || (rules.duplicate_check && (slot.items & bit(i)) != 0 && again);
      }
      const std::uint8_t success = refused ? 0 : 1;
      Block b{Tx::kOurs, static_cast<std::uint8_t>(s), static_cast<std::uint8_t>(a), success, 0, 0};
      append(w, b, emit, "ours is mined");
      if (!refused && w.reverts_left != 0 && !is_noop(slot, a)) {
        World next = w;
        --next.reverts_left;
        b.success = 0;
        append(next, b, emit, "ours is mined and reverts");
      }
    }
  }
  if (w.foreign_left != 0) {
    World next = w;
    --next.foreign_left;
    append(next, {Tx::kForeign, 0, 0, 1, 0, 0}, emit, "the key is used elsewhere");
  }
  for (std::size_t i = 0; w.rivals_left != 0 && i < kItems; ++i) {
    if (effects_on_chain(w, i).any()) continue;
    for (const std::uint8_t wrong : {std::uint8_t{0}, std::uint8_t{1}}) {
      World next = w;
      --next.rivals_left;
      append(next, {Tx::kRival, 0, 0, 1, static_cast<std::uint8_t>(i), wrong}, emit, "a rival settles it");
    }
  }
}

void reorg(const World& w, const Emit& emit) {
  if (w.reorgs_left == 0 || w.top_size == 0) return;
  World next = w;
  --next.reorgs_left;
  while (next.top_size > 0) {
    next.top[--next.top_size] = {};
    const Place gone = next.top_size == 0 ? Place::kTop0 : Place::kTop1;
    for (Slot& s : next.slots) {
      if (s.recorded == gone) s.recorded = Place::kGone;
    }
    emit(next, "reorg");
  }
}

void death(const World& w, const Rules& rules, const Emit& emit) {
  World next = w;
  for (Slot& s : next.slots) s.absent = 0;
  next.lagged = 0;
  emit(next, "crash");
  if (w.old_host != 0 || rules.fenced) return;  // a fenced one can do nothing any more: no new world
  next.old_host = 1;
  emit(next, "another host takes the signer over; the old one goes on");
}

}  // namespace

void successors(const World& w, const Rules& rules, const Emit& emit) {
  host(w, rules, emit);
  if (w.old_host != 0 && !rules.fenced) {
    // What the old host writes is kept although its epoch is over.
    host(w, rules, [&](World next, const char* step) {
      next.stale_write = 1;
      emit(next, step);
    });
  }
  chain_steps(w, rules, emit);
  reorg(w, emit);
  death(w, rules, emit);
}

std::string broken(const World& w) {
  for (std::size_t i = 0; i < kItems; ++i) {
    const Item& item = w.items[i];
    const Effects chain = effects_on_chain(w, i), final = w.final_effects[i];
    // First what money shows, then the rule behind it.
    if (item.trail != item.state) return "I7: a settlement moved without an audit row";
    int slots = 0;
    for (const Slot& s : w.slots) {
      if (!open(s) || (s.items & bit(i)) == 0) continue;
      ++slots;
      if (s.twice != 0) return "I3: twice in one slot";
    }
    if (slots > 1) return "I3: in two open slots";
    if (item.changed != 0) return "I2: the amount changed after QUEUED";
    if (item.state == State::kSettled && (final.ours != 1 || final.count() != 1))
      return "I5: SETTLED, and not once, by us, in full, at the finalized block";
    if (item.state == State::kAlreadySettled && (final.count() != 1 || final.rival_wrong != 0))
      return "I5: ALREADY_SETTLED, and not once, in full, at the finalized block";
    if (chain.count() > 1) return "money: an item took effect twice";
    if (item.state == State::kRejected && chain.ours != 0) return "money: a rejected item took effect";
  }
  if (w.lost_bytes != 0) return "I1: bytes left that no row has";
  for (std::size_t s = 0; s < kSlots; ++s) {
    const Slot& slot = w.slots[s];
    if (slot.used == 0) continue;
    if (slot.trail != slot.state) return "I7: a slot moved without an audit row";
    if (slot.state == SlotState::kLost && (w.final_nonce <= slot.nonce || w.final_of[s].tx == Tx::kOurs))
      return "I6: LOST, and its nonce can still be ours, or was";
    for (std::size_t a = 0; a < kAttempts; ++a) {
      if ((w.out & attempt_bit(s, a)) != 0 && a >= slot.attempts) return "I1: bytes left that no row has";
    }
  }
  // I4: no hole. Every nonce below the next one is a slot's, or was used at the finalized block.
  for (std::uint8_t n = w.final_nonce; n < w.next_nonce; ++n) {
    int slots = 0;
    for (const Slot& s : w.slots) slots += s.used != 0 && s.nonce == n ? 1 : 0;
    if (slots != 1) return "I4: nonce " + std::to_string(n) + " belongs to " + std::to_string(slots) + " slots";
  }
  if (w.stale_write != 0) return "I8: a host whose epoch is over has written";
  return {};
}

World first_world(bool one_held, const Rules& rules, const Budget& budget) {
  World w;
  if (one_held) w.items[1].state = w.items[1].trail = State::kQuarantined;
  w.reorgs_left = budget.reorgs;
  w.foreign_left = budget.foreign;
  w.reverts_left = budget.reverts;
  w.rivals_left = rules.duplicate_check ? budget.rivals : std::uint8_t{0};
  return w;
}

}  // namespace anduin::model
