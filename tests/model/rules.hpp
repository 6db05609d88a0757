// The moves of the small world. Decisions are the product's own functions (settle/slot_logic.hpp); the writes follow
// the ledger's rules, each of which can be switched off to show that its invariant fails without it. Pure functions.
#pragma once
#include <functional>

#include "model/state.hpp"

namespace anduin::model {

/// The rules of the product; a mutant has one of them off.
struct Rules {
  bool duplicate_check = true;      ///< of the vault, not of ours
  bool persist_before_send = true;  ///< I1
  bool frozen_amounts = true;       ///< I2
  bool compare_and_set = true;      ///< I3
  bool unique_in_slot = true;       ///< I3
  bool nonce_from_final = true;     ///< I4: raised to the finalized count, never to the latest
  bool final_only = true;           ///< I5: outcomes at the finalized height, not at the head
  bool second_look = true;          ///< I6
  bool audited = true;              ///< I7
  bool fenced = true;               ///< I8
};

using Emit = std::function<void(const World& next, const char* step)>;

/// Every world that can follow: the host's steps, its death, the chain's steps.
void successors(const World& w, const Rules& rules, const Emit& emit);

/// Empty, or the number and words of an invariant that this state breaks ("I5: ...").
std::string broken(const World& w);

/// How much may go wrong in one history, so that the search ends. Crashes cost nothing: they are everywhere.
struct Budget {
  std::uint8_t reorgs = 1, foreign = 1, reverts = 1, rivals = 1;
};

/// The two items queued, or one of them held. A vault without the check has no rivals: what a second settler does there
/// is the vault's doing.
World first_world(bool one_held, const Rules& rules, const Budget& budget);

}  // namespace anduin::model
