// The words of the settlement ledger: states, outcomes, terms. Plain values, any thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/events.hpp"
#include "chain/vault.hpp"
#include "settle/credit_policy.hpp"

namespace anduin::settle {

using chain::Address;
using chain::Hash;
using chain::U256;

/// Persisted by name: to_string() values are frozen.
enum class State : std::uint8_t {
  kNoAction,
  kRejected,
  kBeforeActivation,
  kDryRun,  // terminal, never sent
  kQuarantined,
  kQueued,
  kAssigned,
  kIncluded,
  kSafe,
  kSettled,
  kAlreadySettled,  // terminal
  kConflict,
  kBlocked,  // need a person, a policy, or a cleared condition
};
const char* to_string(State s);  ///< "NO_ACTION", "QUEUED", ...
std::optional<State> parse_state(std::string_view text);

enum class SlotState : std::uint8_t { kReserved, kSigned, kSent, kMined, kFinal, kLost };
const char* to_string(SlotState s);
std::optional<SlotState> parse_slot_state(std::string_view text);

/// What commit_batch did with one close.
enum class Outcome : std::uint8_t {
  kAccepted,   ///< a new row, QUEUED
  kDuplicate,  ///< known already, same amount: ignored
  kConflict,   ///< known with another amount or from another account: a report of its own, never sent
  kHeld,       ///< a new row, QUARANTINED with a reason
  kNoAction,   ///< a new row, zero units
  kBeforeActivation,  ///< a new row, closed before the account's settle_from
  kDryRun,            ///< a new row, terminal
  kRejected,          ///< malformed: a report, never a settlement
};
const char* to_string(Outcome o);

struct CloseOutcome {
  Outcome outcome = Outcome::kRejected;
  Hash ref_id;         ///< zero when rejected
  std::string reason;  ///< for kHeld, kConflict, kRejected
};

/// A vault as the pipeline names it. Its identity is (chain_id, address).
struct VaultTerms {
  std::string name;
  std::uint64_t chain_id = 0;
  Address address;  ///< may be zero in dry-run
  bool live = false;
};

/// An account as the pipeline names it.
struct AccountTerms {
  std::string name;   ///< unique
  std::string venue;  ///< display name
  std::string uid;    ///< the venue's own user id; may be empty until the venue has said it
  Address user;       ///< credited or seized from
  VaultTerms vault;
  bool capped_seizure = false;
  CreditPolicy credit;  ///< of this process; what was decided by it stands in the rows
  std::optional<std::int64_t> settle_from_ms;  ///< nothing = the moment of first registration
};

/// Where an account's history has been read to. Opaque to everyone but the plugin that wrote it.
struct Watermark {
  Bytes cursor;
  std::uint32_t version = 0;
  bool operator==(const Watermark&) const = default;
};

/// What a backfill says about a stretch of history.
struct Coverage {
  std::int64_t from_ms = 0, to_ms = 0;
  bool proven = false;
};

struct AccountInfo {
  std::string name;
  std::int64_t settle_from_ms = 0;  ///< durable; a later change in the pipeline file does not move it
  std::int64_t registered_ms = 0;
  std::optional<Watermark> watermark;
  bool settle_from_differs = false;  ///< the pipeline states another one than the ledger holds: say so
};

struct UnprovenRange {
  std::int64_t id = 0;
  std::string account;
  std::int64_t from_ms = 0, to_ms = 0;
  std::string state;  ///< "open", "proven", "accepted"
  std::string actor, reason;
};

/// One call into the ledger's durable write: everything of it or nothing.
struct AccountBatch {
  std::string account;
  std::vector<ClosedPosition> closes;
  std::optional<Watermark> watermark;
  std::vector<Coverage> coverage;
};

}  // namespace anduin::settle
