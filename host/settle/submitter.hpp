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
#include "settle/batch_logic.hpp"
#include "settle/executor.hpp"
#include "settle/gas_runway.hpp"
#include "settle/ledger.hpp"
#include "settle/recovery.hpp"
#include "settle/slot_logic.hpp"

namespace anduin::settle {

struct SubmitterOptions {
  std::string vault_name;  ///< for log lines
  std::uint64_t chain_id = 0;
  unsigned token_decimals = 6;
  FinalityRule settled_at;         ///< default: finalized
  std::size_t in_flight_max = 16;  ///< not yet mined; geth and reth keep 16 per sender
  std::size_t batch_max = 100;     ///< settlements in one transaction; beyond 100 the gas saved is under 1 %
  std::int64_t batch_window_ms = 0;  ///< how long a first close waits for company, 0..250; 0 = not at all
  FeeLimits fees;
  U256 gas_reserve = 0;  ///< wei of the signer that gas may not touch
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
  std::size_t open_slots = 0;
  std::size_t queued = 0;  ///< counted up to 10,000
  std::uint64_t head = 0, finalized = 0;
  bool key_shared = false;  ///< somebody else uses this key
  std::string stopped;      ///< not empty: a FINAL block is gone; nothing is sent until reopen()
  U256 gas_missing = 0;     ///< wei that the signer lacks for what is under way and one more
  std::optional<std::uint64_t> gas_hours;  ///< what its balance lasts at the rate of the last day
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
  /// After how many milliseconds the next tick is worth its questions, at most `poll_ms`.
  [[nodiscard]] std::int64_t pause_ms(std::int64_t poll_ms) const;
  /// Operator, after a reorg below the settled block: every FINAL slot whose block is gone is tracked again, with
  /// what it settled; so are LOST ones whose nonce is free again. Returns how many slots. kBadRequest when every
  /// FINAL slot stands, or without a reason.
  Result<std::size_t> reopen(const std::string& actor, const std::string& reason);

 protected:
  struct Slot {
    SlotRow row;                     ///< of a mined slot only the head; whole() fills in the rest
    std::uint64_t sent_head = 0;     ///< head at the last send
    std::uint64_t attempt_head = 0;  ///< head when the newest attempt was first sent
    std::uint64_t sent_mono_ns = 0;  ///< 0 = to be sent now: fresh, after a restart, or after a reorg
    std::optional<std::uint64_t> absent_since = {};  ///< head at the first look that found the nonce gone
    bool bump_now = false;
    std::string abandon = {};  ///< not empty: why this payload is given up for a no-op
    bool verified = false;     ///< its block was seen on the branch of verified_
    bool doubtful = false;     ///< its block is not on that branch: ask for receipts
    bool safe = false;         ///< its items are SAFE, or need not be
  };
  /// The chain at the start of a tick.
  struct View {
    chain::Block head, settled;
    chain::BlockId settled_id = chain::Tag::kFinalized;  ///< how that block is named in questions
    Heights heights;
    std::uint64_t settled_nonce = 0;
    std::uint64_t taken_nonce = 0;  ///< nonces below it are in blocks at the head, ours or not
  };

  // The steps in the order of a slot's life. Virtual so that the simulation can put a wrong one in their
  // place and prove that it would be caught.

  /// The call to the vault that settles these items, in this order.
  virtual Result<Bytes> payload(const std::vector<QueuedItem>& items) const;
  /// C2 to C5: reserve, sign, persist, broadcast. All items are in the one call.
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
  Result<void> new_view(const chain::Block& head);
  Result<void> first_nonce();
  Result<void> reload();
  /// Loads what a slot of the ledger lacks in memory.
  Result<void> whole(Slot& slot);
  Result<View> look(const chain::Block& head);
  /// A write was refused or failed: what this object remembers may differ from what is durable.
  Error doubt(Error e) {
    reload_ = true;
    return e;
  }

  // submitter_track.cpp
  Result<void> track(const View& view, bool& more);
  Result<void> verify_mined(const View& view, bool& clean);
  [[nodiscard]] std::vector<Slot*> worth_a_look(const View& view, bool& more);
  Result<std::vector<Look>> look_up(const std::vector<Slot*>& slots);
  Result<std::optional<Hash>> canonical_at(std::uint64_t number);
  /// True when the slot moved, so that it is worth another look at the same head.
  Result<bool> act_on(Slot& slot, const Look& found, const View& view);
  Result<void> record_mined(Slot& slot, const Look& found);
  Result<void> record_unmined(Slot& slot);
  Result<void> promote_safe(const View& view);
  void forget_closed();

  // submitter_judge.cpp
  Result<void> finish(Slot& slot, const Look& found, const View& view);
  Result<void> lose(Slot& slot, const View& view);
  Result<void> close(Slot& slot, SlotState end, const std::vector<ItemMove>& moves, const std::string& why);
  Result<std::vector<ItemMove>> judge(const std::vector<QueuedItem>& items, const View& view, const Look* own);
  Result<std::vector<ItemFacts>> facts_of(const std::vector<QueuedItem>& items, const View& view, const Look* own);
  Result<void> add_reasons(const std::vector<QueuedItem>& items, const Look& own, std::vector<ItemFacts>& facts);
  Result<std::optional<chain::VaultEvent>> find_event(const Hash& ref_id, const View& view);
  Result<void> resolve_used(const QueuedItem& item, const View& view);

  // submitter_send.cpp
  enum class Due : std::uint8_t { kNothing, kSign, kSend, kResend, kBump };
  [[nodiscard]] Due due(const Slot& slot, const chain::Block& head, bool lowest) const;
  [[nodiscard]] bool anything_due(const chain::Block& head) const;
  Result<void> send_due(const View& view);
  Result<void> do_due(Slot& slot, Due what, const View& view);
  Result<void> bump(Slot& slot, const View& view);

  // submitter_plan.cpp
  enum class Planned : std::uint8_t { kGo, kSkipped, kStop };
  Result<void> plan(const View& view, bool& more);
  Result<std::vector<QueuedItem>> next_batch(const View& view, QueuePlace& after);
  [[nodiscard]] bool waits_for_company(std::size_t items);
  /// `after` is moved back to the last item that went, when the batch was cut.
  Result<Planned> plan_batch(std::vector<QueuedItem> items, QueuePlace& after, const View& view);
  struct Offer {
    Call call;
    std::uint64_t gas_limit = 0;
  };
  Result<Planned> make_offer(std::vector<QueuedItem>& items, Offer& out, const View& view);
  Result<Planned> price(std::vector<QueuedItem>& items, const Address& from, const Call& call,
                        std::uint64_t& limit, const View& view);
  Result<Planned> refuse_item(const QueuedItem& item, const std::string& why);
  Result<void> probe_blocked();
  Result<Call> wrap(std::span<const Call> inner, const View& view);
  /// The calls to the vault that settle these items: one, or one for each where the executor packs them.
  Result<std::vector<Call>> inner_calls(const std::vector<QueuedItem>& items) const;
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::size_t batch_limit() const;
  [[nodiscard]] chain::VaultItem vault_item(const QueuedItem& item) const;

  // submitter_gas.cpp
  Result<bool> can_pay(std::uint64_t gas_limit, std::uint64_t calldata_bytes = 0);
  Result<U256> gas_missing(std::uint64_t gas_limit, std::uint64_t calldata_bytes);
  Result<U256> beyond_gas(std::uint64_t bytes, std::uint64_t gas_limit);
  void note_gas();
  void note_runway();

  // submitter_reopen.cpp
  Result<void> check_final(const View& view);

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

  // submitter_batch.cpp
  Result<void> learn_form();
  Result<void> drop_used(std::vector<QueuedItem>& items, const View& view);
  Result<Planned> sift(std::vector<QueuedItem>& items, const View& view);
  Result<Planned> sift_prefixes(std::vector<QueuedItem>& items, const View& view);
  Result<Planned> sift_singly(std::vector<QueuedItem>& items, const View& view);
  Result<std::optional<chain::VaultRevert>> try_prefix(const std::vector<QueuedItem>& items, std::size_t size);
  /// BLOCKED, the ALREADY path, or put off. `ahead`: items before it in the same batch.
  Result<Planned> handle_revert(const QueuedItem& item, const chain::VaultRevert& revert,
                                std::span<const QueuedItem> ahead, const View& view);
  Result<bool> user_in_flight(const Address& user, std::span<const QueuedItem> ahead);
  void put_off(const QueuedItem& item, const View& view, bool holds_account);
  void smaller_batches(std::size_t failed_size);

  void note(const std::string& text, const QueuedItem* item = nullptr);
  void note(const Error& error, const QueuedItem* item = nullptr) { note(error.to_string(), item); }

  /// How this vault takes several settlements at once; found out at the first plan.
  struct BatchForm {
    bool tolerant = false, atomic = false;  ///< functions of the vault
    bool packed = false;                    ///< neither, but the executor packs several calls into one
    [[nodiscard]] bool any() const { return tolerant || atomic || packed; }
  };
  struct PutOff {
    std::uint64_t head = 0;      ///< not again before there is another head
    bool holds_account = false;  ///< later closes of the account wait too
  };

  bool started_ = false, reload_ = true;
  Hash tracked_head_;     ///< the head at which every slot was looked at and none moved
  chain::Block verified_;  ///< mined slots marked verified were on this branch
  std::map<std::uint64_t, std::optional<Hash>> canonical_;  ///< of this tick
  std::optional<View> view_;                                ///< of the head it names
  std::optional<chain::FeeSuggestion> fees_;                ///< of that head
  std::optional<U256> balance_;                             ///< of that head
  std::optional<bool> op_stack_;                            ///< whether the chain takes fees beyond gas; asked once
  std::map<std::pair<std::uint64_t, std::uint64_t>, U256> beyond_gas_;  ///< by size and gas limit, as old as balance_
  GasRunway runway_;
  bool newest_final_known_ = false;
  std::optional<ClosedSlot> newest_final_;
  Hash checked_settled_;  ///< the settled block at which newest_final_ still stood
  std::optional<BatchForm> form_;
  std::size_t batch_cap_ = 0;               ///< 0 = batch_max; less after a batch that was too big
  std::uint64_t window_until_ns_ = 0;       ///< 0 = no close waits for company
  std::map<std::int64_t, PutOff> waiting_;  ///< by settlement row
  std::set<AccountKey> held_accounts_;      ///< of this plan: an earlier close of them was put off
  std::set<std::int64_t> same_again_;       ///< rows that the executor could not wrap yet
  std::map<Hash, std::uint64_t> search_from_;  ///< event searches in progress: next block downwards
  QueuePlace probed_;                          ///< where the next look at BLOCKED items goes on
  std::uint64_t plan_paused_until_ns_ = 0, probe_due_ns_ = 0;
  std::string logged_error_;
  Recovery recovery_;
  bool caught_up_ = false;      ///< every event up to some settled block was read since the start
  std::optional<Fence> fence_;  ///< as the ledger has it; nothing = not asked yet
  std::vector<std::unique_ptr<Drain>> drains_;
};

}  // namespace anduin::settle
