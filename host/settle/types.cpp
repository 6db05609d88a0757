#include "settle/types.hpp"

#include <array>
#include <utility>

namespace anduin::settle {
namespace {

// Persisted names: do not change.
constexpr std::array<std::pair<State, const char*>, 13> kStates{{
    {State::kNoAction, "NO_ACTION"},
    {State::kRejected, "REJECTED"},
    {State::kBeforeActivation, "BEFORE_ACTIVATION"},
    {State::kDryRun, "DRY_RUN"},
    {State::kQuarantined, "QUARANTINED"},
    {State::kQueued, "QUEUED"},
    {State::kAssigned, "ASSIGNED"},
    {State::kIncluded, "INCLUDED"},
    {State::kSafe, "SAFE"},
    {State::kSettled, "SETTLED"},
    {State::kAlreadySettled, "ALREADY_SETTLED"},
    {State::kConflict, "CONFLICT"},
    {State::kBlocked, "BLOCKED"},
}};
constexpr std::array<std::pair<SlotState, const char*>, 6> kSlotStates{{
    {SlotState::kReserved, "RESERVED"},
    {SlotState::kSigned, "SIGNED"},
    {SlotState::kSent, "SENT"},
    {SlotState::kMined, "MINED"},
    {SlotState::kFinal, "FINAL"},
    {SlotState::kLost, "LOST"},
}};

template <class Table, class E>
const char* name_of(const Table& table, E value) {
  for (const auto& [v, name] : table) {
    if (v == value) return name;
  }
  return "?";
}

}  // namespace

const char* to_string(State s) { return name_of(kStates, s); }
const char* to_string(SlotState s) { return name_of(kSlotStates, s); }

std::optional<State> parse_state(std::string_view text) {
  for (const auto& [v, name] : kStates) {
    if (text == name) return v;
  }
  return std::nullopt;
}

std::optional<SlotState> parse_slot_state(std::string_view text) {
  for (const auto& [v, name] : kSlotStates) {
    if (text == name) return v;
  }
  return std::nullopt;
}

const char* to_string(Outcome o) {
  switch (o) {
    case Outcome::kAccepted:
      return "accepted";
    case Outcome::kDuplicate:
      return "duplicate";
    case Outcome::kConflict:
      return "conflict";
    case Outcome::kHeld:
      return "held";
    case Outcome::kNoAction:
      return "no_action";
    case Outcome::kBeforeActivation:
      return "before_activation";
    case Outcome::kDryRun:
      return "dry_run";
    case Outcome::kRejected:
      return "rejected";
  }
  return "?";
}

}  // namespace anduin::settle
