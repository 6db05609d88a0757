// The settlement book: one SQLite file (WAL, synchronous=FULL, mode 0600) that is written before anything
// is sent or acknowledged. Thread: any; calls serialise on one connection. One process per file (a second
// one is refused). A kFatal Error means that nothing of that call was kept: stop planning and sending, tell
// a person. The clock, the rate source and the fault hook must outlive the ledger.
#pragma once
#include <filesystem>
#include <limits>
#include <memory>
#include <span>

#include "base/clock.hpp"
#include "chain/safe.hpp"
#include "settle/audit.hpp"
#include "settle/breaker.hpp"
#include "settle/bridge.hpp"
#include "settle/decision.hpp"
#include "settle/policy.hpp"
#include "settle/types.hpp"

namespace anduin::settle {

/// Sees every durable write go by. The simulation ends the "process" here by throwing; the host has none.
class WriteHook {
 public:
  virtual ~WriteHook() = default;
  virtual void before_commit(const char* write) = 0;  ///< throwing here leaves the write undone
  virtual void after_commit(const char* write) = 0;   ///< throwing here leaves it done
};

struct LedgerOptions {
  std::filesystem::path path;
  BridgeOptions bridge;
  Policy policy;
  const RateSource* rates = nullptr;
  WriteHook* hook = nullptr;
  bool synchronous = true;  ///< false only for throw-away ledgers in tests: no fsync
};

/// A settlement as the submitter needs it.
struct QueuedItem {
  std::int64_t id = 0;  ///< row id: age order within equal close times
  Hash ref_id;
  chain::Action action = chain::Action::kCredit;
  Address user;
  U256 units;
  State state = State::kQueued;
  std::string venue, account, position_id, reason;
  int slots_used = 0;  ///< slots this item has been in
  std::int64_t closed_ms = 0;
};

struct AttemptRow {
  Hash hash;
  bool noop = false;  ///< a self-send that gives the slot up
  Bytes raw;
  U256 max_fee, tip;  ///< wei
  std::uint64_t gas_limit = 0;
};

/// What a slot is bound to for ever: the call that its transactions make. Empty data and no items never occur.
struct Call {
  Address to;
  Bytes calldata;
  bool operator==(const Call&) const = default;
};

struct SlotRow {
  std::int64_t id = 0;
  std::uint64_t nonce = 0;
  SlotState state = SlotState::kReserved;
  Call call;
  std::uint64_t gas_limit = 0;
  Hash block_hash, win_hash;  ///< where it was last seen mined, and by which attempt
  std::uint64_t block_number = 0;
  std::vector<AttemptRow> attempts;  ///< oldest first
  std::vector<QueuedItem> items;
  bool whole = true;  ///< false: items, calldata and raw bytes are in the ledger only (Ledger::load_slot)
  bool given_away = false;  ///< reopened, and items of it are in a later slot by now: it ends with a no-op
};

/// A slot that is over, as the chain was then.
struct ClosedSlot {
  std::int64_t id = 0;
  std::uint64_t nonce = 0;
  SlotState state = SlotState::kFinal;
  Hash block_hash;  ///< zero for LOST
  std::uint64_t block_number = 0;
};

/// A signer of one chain, fenced: `epoch` is what this process was given; writes with an older one are
/// refused.
struct SignerKey {
  std::uint64_t chain_id = 0;
  Address signer;
  std::int64_t epoch = 0;
};

/// A place in the order of closes.
struct QueuePlace {
  std::int64_t closed_ms = std::numeric_limits<std::int64_t>::min(), id = 0;
};

/// One settlement's move, decided by the submitter, applied by compare-and-set.
struct ItemMove {
  Hash ref_id;
  State from = State::kQueued, to = State::kQueued;
  std::string reason;
  std::optional<U256> onchain_units;  ///< what the vault's event says was moved
};

/// What a decision did to a row.
struct Decided {
  std::int64_t row = 0;
  Hash ref_id;
  std::string venue, position_id;
  State from = State::kQuarantined, to = State::kQuarantined;
};

/// After a restored copy: nonces that the lost ledger may have signed something for. Nothing is planned before all
/// of them are used at the settled block, by us for nothing or by what was lost.
struct Fence {
  bool wanted = false;                 ///< the copy was just restored: how far is not known yet
  std::optional<std::uint64_t> until;  ///< the first nonce that is free again
  [[nodiscard]] bool open() const { return !wanted && !until; }
};

/// What became of a signed decision.
struct SignedOutcome {
  Decided row;  ///< `to` equals `from` while signatures are wanting
  Address approver;
  std::uint32_t have = 0, needed = 1;
};

class Ledger {
 public:
  struct Impl;  ///< internal to host/settle

  /// Creates or opens, migrates forward (after leaving a copy of the older file beside it, <path>.v<version>.bak), and
  /// takes note when the file is a restored copy. kFatal with words: newer schema, another process, not a ledger,
  /// disk.
  static Result<std::unique_ptr<Ledger>> open(const LedgerOptions& options, Clock& clock);
  ~Ledger();

  // ---- the venue side ----

  /// Before an account's first batch, at every start. The first registration fixes settle_from for ever;
  /// going from dry-run to live starts a new one. kBadRequest: another account has this uid or this name
  /// means another venue.
  Result<AccountInfo> register_account(const AccountTerms& terms);
  /// The uid as the venue said it, once known. kBadRequest when another account has it.
  Result<void> set_account_uid(const std::string& account, const std::string& uid);
  Result<AccountInfo> account(const std::string& name);

  /// C1: closes, watermark and coverage in one durable transaction. One outcome for each close, in order.
  /// kBadRequest for an account that is not registered (nothing written).
  Result<std::vector<CloseOutcome>> commit_batch(const AccountBatch& batch);
  /// Several in one transaction (group commit). The outer error concerns all of them.
  using BatchResult = Result<std::vector<CloseOutcome>>;
  Result<std::vector<BatchResult>> commit_group(std::span<const AccountBatch> batches);

  /// First value of a block of `count` strictly growing nonces, durable before it is given out, never below
  /// `at_least` nor any value given out before for this scope (Kraken: one scope per key).
  Result<std::uint64_t> reserve_nonces(const std::string& scope, std::uint64_t at_least,
                                       std::uint64_t count);

  Result<std::vector<UnprovenRange>> unproven(const std::string& account = {}, bool open_only = true);
  /// An operator lives with it. kBadRequest when there is no such open range.
  Result<void> accept_unproven(std::int64_t id, const std::string& actor, const std::string& reason);

  // ---- a person's decisions (C10), each durable with who and why before it is answered ----

  /// QUARANTINED or BLOCKED to QUEUED. `ref` is a refId (0x...) or the venue's close id. kBadRequest: no such row or
  /// several, another state, no amount (no rate was known), no reason.
  Result<Decided> approve(const std::string& ref, const std::string& actor, const std::string& reason);
  /// QUARANTINED, BLOCKED or CONFLICT to REJECTED, for good; "report:N" marks a conflicting report as seen to. Errors as
  /// approve. Both refuse what policy.signed_above_usd leaves to signatures.
  Result<Decided> reject(const std::string& ref, const std::string& actor, const std::string& reason);
  Result<Decided> approve(const Hash& ref_id, const std::string& actor, const std::string& reason) {
    return approve(ref_id.to_string(), actor, reason);
  }
  Result<Decided> reject(const Hash& ref_id, const std::string& actor, const std::string& reason) {
    return reject(ref_id.to_string(), actor, reason);
  }

  /// The last audit row: number and digest.
  Result<Checkpoint> checkpoint();
  /// False after a write that failed, until one succeeds: tries one. The error says why nothing may be planned or
  /// sent. Costs nothing while all is well.
  Result<void> ready();
  /// What an approver would sign about this settlement as it stands. Errors as approve and reject.
  Result<Decision> draft_decision(const std::string& ref, Verdict verdict, const std::string& who,
                                  const std::string& reason, std::int64_t valid_ms);
  /// A signed decision: kept with its signature; carried out once policy.approvals_needed approvers have signed the
  /// same verdict while the settlement waits. kBadRequest: not an approver's, foreign, altered, expired, used before.
  Result<SignedOutcome> decide(const SignedDecision& decision);

  Result<std::vector<Breaker>> breakers(bool open_only = true);
  /// An operator's own: everything of the scope is held from now on. kBadRequest: no scope, open already, no reason.
  Result<void> open_breaker(const std::string& scope, const std::string& actor, const std::string& reason);
  /// What was held stays held until it is decided one by one. kBadRequest: it is not open, no reason.
  Result<void> close_breaker(const std::string& scope, const std::string& actor, const std::string& reason);

  /// For SettlementBridge::Known.
  Result<bool> is_processed(const Hash& ref_id);

  // ---- the submitter's side: each call is one durable transaction ----

  /// Takes the signer for a vault: raises its epoch, so that an older holder's writes fail from now on.
  /// kBadRequest when it serves another vault of this process: two submitters on one key would take it from
  /// each other for ever.
  Result<SignerKey> acquire_signer(std::uint64_t chain_id, const Address& signer, const Address& vault);
  /// Nothing before the first use.
  Result<std::optional<std::uint64_t>> next_nonce(const SignerKey& key);
  /// Sets it the first time, raises it later; never lowers.
  Result<void> raise_nonce(const SignerKey& key, std::uint64_t at_least, const std::string& why);

  /// In the order of closes, from behind `after` on.
  Result<std::vector<QueuedItem>> queued(std::uint64_t chain_id, const Address& vault, std::size_t limit,
                                         const QueuePlace& after = {});
  Result<std::vector<QueuedItem>> blocked(std::uint64_t chain_id, const Address& vault, std::size_t limit,
                                          const QueuePlace& after = {});
  /// How many are QUEUED; counted up to `most`.
  Result<std::size_t> queue_length(std::uint64_t chain_id, const Address& vault, std::size_t most);
  /// Not FINAL and not LOST, lowest nonce first, without what load_slot() brings: thousands may be open.
  Result<std::vector<SlotRow>> open_slots(const SignerKey& key);
  /// Fills in items, calldata and raw bytes.
  Result<void> load_slot(SlotRow& slot);

  /// C2: the next nonce, a RESERVED slot with these items, QUEUED -> ASSIGNED. Fails (kRetryable) when an
  /// item is not QUEUED any more; kFatal when the epoch is not ours any more.
  Result<SlotRow> reserve(const SignerKey& key, const Address& vault, const std::vector<QueuedItem>& items,
                          const Call& call, std::uint64_t gas_limit);
  /// C3 and C6: the bytes exist from here on. The slot becomes SIGNED if it was RESERVED.
  Result<void> add_attempt(const SignerKey& key, std::int64_t slot, const AttemptRow& attempt);
  /// C5: SIGNED -> SENT, or just the error and time of a resend.
  Result<void> mark_sent(const SignerKey& key, std::int64_t slot, const Hash& attempt,
                         const std::string& last_error);
  /// C7: SENT/SIGNED/MINED -> MINED in this block; the items move as told (INCLUDED).
  Result<void> mark_mined(const SignerKey& key, std::int64_t slot, const Hash& attempt,
                          const Hash& block_hash, std::uint64_t block_number,
                          const std::vector<ItemMove>& items);
  /// Progress of the items of several MINED slots (SAFE).
  Result<void> mark_safe(const SignerKey& key,
                         const std::vector<std::pair<std::int64_t, std::vector<ItemMove>>>& slots);
  /// Reorg: MINED -> SENT, the items back to ASSIGNED.
  Result<void> mark_unmined(const SignerKey& key, std::int64_t slot, const std::vector<ItemMove>& items,
                            const std::string& why);
  /// C8 and C9: the slot ends FINAL or LOST and every item of it moves.
  Result<void> close_slot(const SignerKey& key, std::int64_t slot, SlotState end,
                          const std::vector<ItemMove>& items, const std::string& why);
  /// FINAL ones below a nonce, highest nonce first; LOST ones from a nonce on, lowest first.
  Result<std::vector<ClosedSlot>> final_slots(const SignerKey& key, std::uint64_t below_nonce, std::size_t limit);
  Result<std::vector<ClosedSlot>> lost_slots(const SignerKey& key, std::uint64_t from_nonce);
  /// Operator, after a reorg below the settled block: these slots are SENT again, and what they were the last
  /// slot for is ASSIGNED again; the chain decides anew. The one way out of FINAL, LOST, SETTLED and
  /// ALREADY_SETTLED, all in one transaction, each with its audit row.
  Result<void> reopen(const SignerKey& key, const std::vector<ClosedSlot>& slots, const std::string& actor,
                      const std::string& reason);

  // ---- recovery: what the chain did beyond this ledger's rows ----

  /// The next block whose events were not read yet; nothing when this ledger never used the vault.
  Result<std::optional<std::uint64_t>> scan_from(std::uint64_t chain_id, const Address& vault);
  /// Events up to the block before `next_block`, all settled: those of refIds that no row has become durable as
  /// foreign, once. Returns the rows that wait although the chain shows them done.
  Result<std::vector<QueuedItem>> record_scan(const SignerKey& key, const Address& vault,
                                              const std::vector<chain::VaultEvent>& events, std::uint64_t next_block);
  /// What was recorded of a refId before its close came.
  Result<std::optional<chain::VaultEvent>> foreign_event(std::uint64_t chain_id, const Address& vault, const Hash& ref_id);
  /// Foreign events that still have no row here.
  Result<std::uint64_t> foreign_events(std::uint64_t chain_id, const Address& vault);
  Result<Fence> fence(const SignerKey& key);
  Result<void> set_fence(const SignerKey& key, const std::optional<std::uint64_t>& until, const std::string& why);
  /// Signers with open slots on this vault besides the key's own: a key was rotated while they were under way.
  Result<std::vector<Address>> other_signers(const SignerKey& key, const Address& vault);

  // ---- the Safe executor's side (ledger_safe.cpp) ----

  /// Durable before owners are asked. Once for each hash; again is no error.
  Result<void> record_safe_tx(std::uint64_t chain_id, const Address& safe, const chain::SafeTx& tx,
                              const Hash& hash);
  /// An approval of a recorded SafeTx; the first one of an owner stands.
  Result<void> add_safe_signature(const Hash& hash, const Address& owner, const chain::SafeSignature& signature);
  Result<std::vector<std::pair<Address, chain::SafeSignature>>> safe_signatures(const Hash& hash);

  /// A settlement outside any slot: QUEUED -> ALREADY_SETTLED / CONFLICT / BLOCKED, BLOCKED -> QUEUED.
  Result<void> move_item(const SignerKey& key, const Address& vault, const ItemMove& move);

 private:
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::settle
