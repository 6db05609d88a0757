#include "model/state.hpp"

namespace anduin::model {
namespace {

/// Adds what a block does to an item.
void add(Effects& e, const World& w, const Block& b, std::size_t item) {
  const auto bit = static_cast<std::uint8_t>(1U << item);
  if (b.tx == Tx::kRival && b.item == item && b.success != 0) ++(b.wrong != 0 ? e.rival_wrong : e.rival);
  if (b.tx != Tx::kOurs || b.success == 0) return;
  const Slot& s = w.slots[b.slot];
  if (b.attempt == 1 && s.noop != 0) return;
  if ((s.items & bit) == 0) return;
  std::uint8_t& count = (s.changed & bit) != 0 ? e.ours_changed : e.ours;
  count = static_cast<std::uint8_t>(count + 1 + ((s.twice & bit) != 0 ? 1 : 0));
}

}  // namespace

Effects effects_on_chain(const World& w, std::size_t item) {
  Effects e = w.final_effects[item];
  for (std::size_t i = 0; i < w.top_size; ++i) add(e, w, w.top[i], item);
  return e;
}

void normalize(World& w) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    Slot& s = w.slots[i];
    const bool over = s.state == SlotState::kFinal || s.state == SlotState::kLost;
    if (s.used == 0 || !over || w.final_nonce <= s.nonce) continue;
    s.items = s.twice = s.changed = s.attempts = s.noop = s.absent = 0;
    s.recorded = Place::kNowhere;
    w.out = static_cast<std::uint8_t>(w.out & ~(((1U << kAttempts) - 1U) << (i * kAttempts)));
  }
}

std::uint8_t nonce_on_chain(const World& w) {
  std::uint8_t n = w.final_nonce;
  for (std::size_t i = 0; i < w.top_size; ++i) {
    if (w.top[i].tx == Tx::kOurs || w.top[i].tx == Tx::kForeign) ++n;
  }
  return n;
}

std::string to_string(const World& w) {
  std::string out;
  for (const Item& i : w.items) {
    out += std::string(settle::to_string(i.state)) + (i.changed != 0 ? " (changed)" : "") + ", in " +
           std::to_string(i.slots_used) + " slots; ";
  }
  for (const Slot& s : w.slots) {
    if (s.used == 0) continue;
    out += "slot of nonce " + std::to_string(s.nonce) + " " + settle::to_string(s.state) + " items " +
           std::to_string(s.items) + " attempts " + std::to_string(s.attempts) + (s.noop != 0 ? " (no-op)" : "") + "; ";
  }
  out += "next nonce " + std::to_string(w.next_nonce) + ", final nonce " + std::to_string(w.final_nonce) + ", on top " +
         std::to_string(w.top_size);
  return out;
}

}  // namespace anduin::model
