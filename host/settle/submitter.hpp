// Sends the ledger's QUEUED settlements of one vault through one signer, and tracks them to finality:
// reserve -> sign -> persist -> broadcast -> track. No thread of its own: tick() does all that can be done
// now. Thread: one caller at a time. Ledger, vault, node, signer and clock outlive it. What it does not
// promise: a tick that fails may have sent bytes; outcomes come only from the chain, at the settled height.
// One submitter per signer and chain: a second one on the same key takes it over, so every live vault needs
// a signer of its own.
#pragma once
#include <map>

#include "base/clock.hpp"
#include "chain/signer.hpp"
#include "settle/executor.hpp"
#include "settle/ledger.hpp"
#include "settle/recovery.hpp"
#include "settle/slot_logic.hpp"

namespace anduin::settle {

struct SubmitterOptions {
  std::string vault_name;  ///< for log lines
  std::uint64_t chain_id = 0;
  unsigned token_decimals = 6;
  FinalityRule settled_at;         ///< default: finalized
  std::size_t in_flight_max = 16;  ///< geth and reth keep 16 per sender
  FeeLimits fees;
  std::uint64_t gas_limit_max = 12'000'000;  ///< under Base's 2^24 per transaction, with room
  std::uint64_t resend_blocks = 2;           ///< missed blocks before the same bytes go out again
  std::uint64_t bump_blocks = 5;             ///< missed blocks before a higher fee
  std::int64_t resend_ms = 12'000;           ///< the same on the clock, for chains whose head stands still
  std::size_t attempts_max = 8;              ///< afterwards only resend
  std::int64_t probe_blocked_ms = 60'000;    ///< how often BLOCKED items are tried again
  std::uint64_t log_window_blocks = 2'000;   ///< event searches, per request
  bool drain = false;  ///< only follows the slots that are there, plans nothing
  std::uint64_t vault_since_block = 0;       ///< the vault's first block: where an event search may stop
};

struct SubmitterStatus {
  std::string last_error;  ///< empty when the last tick met none
  std::uint64_t ticks = 0, sent = 0, settled = 0, lost_slots = 0, bumps = 0, resends = 0;
  std::size_t open_slots = 0, queued = 0;
  std::uint64_t head = 0, finalized = 0;
  bool key_shared = false;  ///< somebody else uses this key
  std::uint64_t foreign_events = 0;  ///< settlements on the vault that no row of this ledger explains
};

class Submitter {
 public:
  /// Without an executor the signer calls the vault itself. One that is given outlives the submitter.
  Submitter(SubmitterOptions options, Ledger& ledger, const chain::Vault& vault, chain::Node& node,
            chain::TransactionSigner& signer, Clock& clock, Executor* executor = nullptr);
  virtual ~Submitter();

  /// Fences the signer and loads the open slots. The start-up probes of the vault are the caller's
  /// (Vault::probe). kRetryable while the node does not answer and the very first nonce is unknown; call
  /// again.
  Result<void> start();

  /// One round: track, resend, plan, sign, send. Call it when rows were written and every poll interval.
  /// kFatal: the ledger failed or the signer was taken over, nothing more may be sent by this object; other
  /// errors are in the status and the next tick tries again. True: there is more to do at once.
  Result<bool> tick();
  [[nodiscard]] const SubmitterStatus& status() const { return status_; }

 protected:
  struct Slot {
    SlotRow row;
    std::uint64_t sent_head = 0;     ///< head at the last send
    std::uint64_t attempt_head = 0;  ///< head when the newest attempt was first sent
    std::uint64_t sent_mono_ns = 0;  ///< 0 = to be sent now: fresh, after a restart, or after a reorg
    std::optional<std::uint64_t> absent_since;  ///< head at the first look that found the nonce gone
    bool bump_now = false;
    std::string abandon;  ///< not empty: why this payload is given up for a no-op
  };
  /// The chain at the start of a tick.
  struct View {
    chain::Block head, settled;
    chain::BlockId settled_id = chain::Tag::kFinalized;  ///< how that block is named in questions
    Heights heights;
    std::uint64_t settled_nonce = 0;
  };

  // The steps in the order of a slot's life. Virtual so that the simulation can put a wrong one in their
  // place and prove that it would be caught.

  /// C2 to C5: reserve, sign, persist, broadcast.
  virtual Result<void> launch(const std::vector<QueuedItem>& items, const Call& call, std::uint64_t gas_limit,
                              const View& view);
  /// C4, C5: the newest attempt's bytes go out.
  virtual Result<void> broadcast(Slot& slot, const View& view);
  virtual Result<void> handle_answer(Slot& slot, const View& view, const chain::SendResult& answer);
  /// Nothing of this slot is in a block for resend_blocks: the same bytes again.
  virtual Result<void> resend(Slot& slot, const View& view);
  /// The block at and below which outcomes are taken.
  virtual Result<chain::Block> settled_block(const chain::Block& head);

  /// C3, C6: signs the slot's payload (or a no-op) and persists the bytes.
  Result<void> sign_slot(Slot& slot, const Fees& fees, bool noop);
  Result<Fees> fresh();

  SubmitterOptions options_;
  Ledger& ledger_;
  const chain::Vault& vault_;
  chain::Node& node_;
  chain::TransactionSigner& signer_;
  Clock& clock_;
  DirectExecutor direct_;
  Executor& executor_;
  SignerKey key_;
  SubmitterStatus status_;
  std::vector<Slot> slots_;  ///< open ones, lowest nonce first

 private:
  struct Look;  ///< what was found of one slot
  Result<bool> tick_inner();
  Result<void> reload();
  Result<View> look(const chain::Block& head);

  // submitter_track.cpp
  Result<void> track(const View& view);
  Result<Look> look_up(const Slot& slot);
  /// True when the slot moved, so that it is worth another look at the same head.
  Result<bool> act_on(Slot& slot, const Look& found, const View& view);
  Result<void> record_mined(Slot& slot, const Look& found);
  Result<void> finish(Slot& slot, const Look& found, const View& view);
  Result<void> lose(Slot& slot, const View& view);
  Result<void> close(Slot& slot, SlotState end, const std::vector<ItemMove>& moves, const std::string& why);
  void forget_closed();
  Result<void> promote_safe(Slot& slot, const View& view);
  Result<ItemFacts> facts_of(const QueuedItem& item, const View& view, const Look* own);
  Result<std::optional<chain::VaultEvent>> find_event(const Hash& ref_id, const View& view);

  // submitter_plan.cpp
  enum class Due : std::uint8_t { kNothing, kSign, kSend, kResend, kBump };
  [[nodiscard]] Due due(const Slot& slot, const chain::Block& head, bool lowest) const;
  [[nodiscard]] bool anything_due(const chain::Block& head) const;
  Result<void> send_due(const View& view);
  Result<void> bump(Slot& slot, const View& view);
  Result<void> plan(const View& view, bool& more);
  enum class Planned : std::uint8_t { kLaunched, kSkipped, kStop };
  Result<Planned> plan_item(const QueuedItem& item, const View& view);
  Result<Planned> handle_revert(const QueuedItem& item, const chain::VaultRevert& revert, const View& view);
  Result<void> resolve_used(const QueuedItem& item, const View& view);
  Result<void> probe_blocked();
  Result<bool> can_pay(std::uint64_t gas_limit);
  Result<Call> wrap(const Call& inner, const View& view);
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] chain::VaultItem vault_item(const QueuedItem& item) const;

  // submitter_recover.cpp
  struct Drain;
  /// True when new slots may be planned: the vault's events are read, and no fence stands.
  Result<bool> recover(const View& view);
  /// Goes on reading the vault's events as the settled block moves: somebody else who settles shows at once.
  Result<void> watch(const View& view);
  Result<void> read_events(const View& view);
  Result<void> find_drains();
  Result<void> tick_drains();
  Result<bool> pass_fence(const View& view);

  void note(const std::string& text, const QueuedItem* item = nullptr);
  void note(const Error& error, const QueuedItem* item = nullptr) { note(error.to_string(), item); }

  bool started_ = false, reload_ = true;
  Hash tracked_head_;                         ///< the head at which every slot was looked at and none moved
  std::optional<chain::FeeSuggestion> fees_;  ///< of this tick
  std::optional<U256> balance_;               ///< of this tick
  std::map<std::int64_t, std::uint64_t> waiting_;  ///< settlement row -> head at which it was put off
  std::map<Hash, std::uint64_t> search_from_;      ///< event searches in progress: next block downwards
  std::uint64_t plan_paused_until_ns_ = 0, probe_due_ns_ = 0;
  std::string logged_error_;
  Recovery recovery_;
  bool caught_up_ = false;      ///< every event up to some settled block was read since the start
  std::optional<Fence> fence_;  ///< as the ledger has it; nothing = not asked yet
  std::vector<std::unique_ptr<Drain>> drains_;
};

}  // namespace anduin::settle
