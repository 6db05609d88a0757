// The ledger file beside the ledger, as a judge and an operator read it. One thread; ends before the file goes.
#pragma once
#include <filesystem>
#include <map>

#include "settle/ledger_query.hpp"

namespace anduin::simulation {

/// A settlement's row, as far as the simulation looks at it.
struct BookRow {
  settle::State state = settle::State::kQueued;
  int slots_used = 0;
  std::string position_id;
};
using Book = std::map<chain::Hash, BookRow>;
Book read_book(const std::filesystem::path& ledger);

/// Empty when the trail is whole: the hash chain holds, every settlement's and slot's audit rows form one path from
/// nothing to the state that its row has (I7), and no settlement is in two open slots (I3).
std::string check_trail(const std::filesystem::path& ledger);

struct SlotCounts {
  std::uint64_t slots = 0, batches = 0;  ///< all, and those with more than one item
};
SlotCounts count_slots(const std::filesystem::path& ledger);

/// Runs SQL on the file through a second connection, as a hand or a bug would. Throws std::runtime_error.
void edit(const std::filesystem::path& ledger, const std::string& sql);
/// Makes the empty table of the slots' items again without one constraint of it, its triggers and indexes kept; does
/// nothing when it is gone already. Throws when the table has rows.
void drop_from_slot_items(const std::filesystem::path& ledger, const std::string& constraint);

}  // namespace anduin::simulation
