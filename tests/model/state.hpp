// A small world of settlement for exhaustive search: two items, two slots, two attempts a slot, and a chain with a final
// part and at most two blocks on top of it. Everything that decides is in one plain value that can be compared and
// hashed. One thread; plain values.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "settle/types.hpp"

namespace anduin::model {

using settle::SlotState;
using settle::State;

inline constexpr std::size_t kItems = 2, kSlots = 2, kAttempts = 2, kTop = 2;
/// No slot at that place.
inline constexpr std::uint8_t kNone = 0xff;

struct Item {
  State state = State::kQueued;
  State trail = State::kQueued;   ///< to_state of its newest audit row (I7)
  std::uint8_t slots_used = 0;
  std::uint8_t changed = 0;       ///< its amount is another one than when it was queued (I2)
};

/// Where an attempt of ours was last recorded, or a transaction stands.
enum class Place : std::uint8_t { kNowhere, kFinal, kTop0, kTop1, kGone };

struct Slot {
  std::uint8_t used = 0;          ///< 0: this slot does not exist yet
  SlotState state = SlotState::kReserved;
  SlotState trail = SlotState::kReserved;
  std::uint8_t nonce = 0;
  std::uint8_t items = 0;         ///< bit per item
  std::uint8_t twice = 0;         ///< bit per item that stands in it a second time (I3)
  std::uint8_t changed = 0;       ///< bit per item whose payload has the changed amount
  std::uint8_t attempts = 0;      ///< signed and durable
  std::uint8_t noop = 0;          ///< the second attempt gives the slot up
  Place recorded = Place::kNowhere;
  // What a process forgets when it dies.
  std::uint8_t absent = 0;        ///< 0 = never seen absent; else blocks since the first such look, plus one, at most 3
};

/// What one block does.
enum class Tx : std::uint8_t { kEmpty, kOurs, kForeign, kRival };
struct Block {
  Tx tx = Tx::kEmpty;
  std::uint8_t slot = 0, attempt = 0;  ///< kOurs
  std::uint8_t success = 0;
  std::uint8_t item = 0, wrong = 0;    ///< kRival: whose refId, and whether with another amount
};

/// What the chain has done to one refId for ever.
struct Effects {
  std::uint8_t ours = 0, ours_changed = 0, rival = 0, rival_wrong = 0;
  [[nodiscard]] bool any() const { return ours != 0 || ours_changed != 0 || rival != 0 || rival_wrong != 0; }
  [[nodiscard]] int count() const { return ours + ours_changed + rival + rival_wrong; }
};

struct World {
  std::array<Item, kItems> items{};
  std::array<Slot, kSlots> slots{};
  std::uint8_t next_nonce = 0;    ///< durable, of the signer row
  std::uint8_t out = 0;           ///< bit per (slot, attempt): bytes that left the process; nobody can take them back
  std::uint8_t lost_bytes = 0;    ///< bytes left that no attempt row has (I1)
  std::uint8_t stale_write = 0;   ///< a write of a host whose epoch is over was kept (I8)
  std::uint8_t old_host = 0;      ///< such a host still runs
  std::uint8_t lagged = 0;        ///< bit per slot: the last answer about its receipts was an old one
  // The chain.
  std::uint8_t final_nonce = 0;
  std::array<Effects, kItems> final_effects{};
  std::array<Block, kSlots> final_of{};  ///< how a slot's nonce ended, if one of ours took it; kEmpty = not
  std::uint8_t top_size = 0;
  std::array<Block, kTop> top{};
  // What may still go wrong, so that the search ends.
  std::uint8_t reorgs_left = 0, foreign_left = 0, rivals_left = 0, reverts_left = 0;
};
static_assert(std::is_trivially_copyable_v<World>);
static_assert(std::has_unique_object_representations_v<World>, "padding would make equal states differ");

inline std::string_view bytes_of(const World& w) { return {reinterpret_cast<const char*>(&w), sizeof(World)}; }

/// What can matter no more is set to one value, so that worlds that differ only in it are one: the attempts of a slot
/// that is over, whose nonce is used at the finalized block.
void normalize(World& w);

/// Effects of an item on the whole chain, unfinished blocks included.
Effects effects_on_chain(const World& w, std::size_t item);
/// Transactions of our key on the whole chain.
std::uint8_t nonce_on_chain(const World& w);
/// One state, for a person who reads a violation.
std::string to_string(const World& w);

}  // namespace anduin::model
