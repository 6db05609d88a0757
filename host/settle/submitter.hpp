// Sends the ledger's QUEUED settlements of one vault through one signer, and tracks them to finality:
// reserve -> sign -> persist -> broadcast -> track. No thread of its own: tick() does all that can be done now.
// Thread: one caller at a time. Ledger, vault, node, signer and clock outlive it. What it does not promise: a tick
// that fails may have sent bytes; outcomes come only from the chain, at the settled height.
#pragma once
#include <map>
#include <set>

#include "base/clock.hpp"
#include "chain/signer.hpp"
#include "settle/ledger.hpp"
#include "settle/slot_logic.hpp"

namespace anduin::settle {

struct SubmitterOptions {
  std::string vault_name;             ///< for log lines
  std::uint64_t chain_id = 0;
  unsigned token_decimals = 6;
  FinalityRule settled_at;            ///< default: finalized
  std::size_t in_flight_max = 16;     ///< geth and reth keep 16 per sender
  FeeLimits fees;
  std::uint64_t gas_limit_max = 12'000'000;  ///< under Base's 2^24 per transaction, with room
  std::uint64_t resend_blocks = 2;    ///< missed blocks before the same bytes go out again
  std::uint64_t bump_blocks = 5;      ///< missed blocks before a higher fee
  std::int64_t resend_ms = 12'000;    ///< the same on the clock, for chains whose head stands still
  std::size_t attempts_max = 8;       ///< afterwards only resend
  std::int64_t probe_blocked_ms = 60'000;  ///< how often BLOCKED items are tried again
  std::uint64_t log_window_blocks = 2'000; ///< event searches, per request
  std::uint64_t vault_since_block = 0;     ///< the vault's first block: where an event search may stop
};

struct SubmitterStatus {
  std::string last_error;             ///< empty when the last tick met none
  std::uint64_t ticks = 0, sent = 0, settled = 0, lost_slots = 0, bumps = 0, resends = 0;
  std::size_t open_slots = 0, queued = 0;
  std::uint64_t head = 0, finalized = 0;
  bool key_shared = false;            ///< somebody else uses this key
};

class Submitter {
 public:
  Submitter(SubmitterOptions options, Ledger& ledger, const chain::Vault& vault, chain::Node& node,
            chain::Signer& signer, Clock& clock);
  virtual ~Submitter();

  /// Fences the signer and loads the open slots. The start-up probes of the vault are the caller's (Vault::probe).
  /// kRetryable while the node does not answer and the very first nonce is unknown; call again.
  Result<void> start();

  /// One round: track, resend, plan, sign, send. Call it when rows were written and every poll interval. kFatal: the
  /// ledger failed or the signer was taken over, nothing more may be sent by this object; other errors are in the status
  /// and the next tick tries again. True: there is more to do at once.
  Result<bool> tick();
  [[nodiscard]] const SubmitterStatus& status() const { return status_; }

 protected:
  // The steps, in the order of a slot's life. Virtual so that the simulation can put a wrong one in their place and
  // prove that it would be caught.
  struct Slot {
    SlotRow row;
    std::uint64_t sent_head = 0, attempt_head = 0;  ///< head at the last send, at the last new attempt
    std::uint64_t sent_mono_ns = 0;                 ///< 0 = not sent by this process
    std::optional<std::uint64_t> absent_since;      ///< head at the first look that found nothing
    std::string abandon;                            ///< why this payload is given up
  };
  struct View {                                     ///< the chain at the start of a tick
    chain::Block head, settled;
    Heights heights;
    std::uint64_t settled_nonce = 0;
  };

  virtual Result<void> sign_slot(Slot& slot, const Fees& fees, bool noop);
  virtual Result<void> broadcast(Slot& slot, const View& view);
  virtual Result<void> handle_answer(Slot& slot, const View& view, const chain::SendResult& answer);
  virtual Result<void> handle_missing(Slot& slot, const View& view);
  virtual bool is_settled(const Sighting& sighting, const View& view) const;

  SubmitterOptions options_;
  Ledger& ledger_;
  const chain::Vault& vault_;
  chain::Node& node_;
  chain::Signer& signer_;
  Clock& clock_;
  SignerKey key_;
  SubmitterStatus status_;
  std::vector<Slot> slots_;  ///< open ones, lowest nonce first

 private:
  struct Impl;
  Result<View> look();
  Result<void> track(const View& view);
  Result<void> track_slot(Slot& slot, const View& view);
  Result<void> finish_slot(Slot& slot, const View& view, const Sighting& sighting);
  Result<void> lose_slot(Slot& slot, const View& view);
  Result<void> send_due(const View& view);
  Result<void> plan(const View& view);
  Result<void> plan_item(const QueuedItem& item, const View& view, bool& planned);
  Result<void> resolve_used(const QueuedItem& item, const View& view);
  Result<void> probe_blocked(const View& view);
  Result<ItemFacts> item_facts(const QueuedItem& item, const View& view);
  void note(const Error& error, const QueuedItem* item = nullptr);
};

/// A thread that ticks: at once after wake(), else every poll interval.
class SubmitterThread;

}  // namespace anduin::settle
