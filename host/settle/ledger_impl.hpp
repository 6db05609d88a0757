// What the parts of the ledger share: the guarded write and the transitions. Internal to host/settle.
// Thread: every entry takes the mutex in write() or read().
#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <type_traits>

#include "settle/audit.hpp"
#include "settle/ledger.hpp"
#include "settle/ledger_schema.hpp"
#include "settle/limits.hpp"

namespace anduin::settle {

/// Of the items `i` (slot_item) with their settlements `s`: those that the slot still answers for. An item moves on to
/// a later slot only when this one is over; a reopened slot must leave it there.
#define ANDUIN_OWN_ITEM                                                                            \
  "s.state <> 'REJECTED' AND NOT EXISTS (SELECT 1 FROM slot_item later WHERE later.settlement_id = " \
  "i.settlement_id AND later.slot_id > i.slot_id)"

/// How the audit detail of a reopening begins.
inline constexpr std::string_view kReopened = "reopened: ";

struct Ledger::Impl {
  Impl(LedgerOptions o, Clock& c, std::unique_ptr<Database> d)
      : options(std::move(o)), clock(c), db(std::move(d)) {}

  struct Account {
    AccountTerms terms;
    std::int64_t settle_from_ms = 0;
  };

  LedgerOptions options;
  Clock& clock;
  std::mutex mutex;
  std::unique_ptr<Database> db;
  std::atomic<bool> failed = false;  ///< the last write did
  std::map<std::string, Account> accounts;  ///< registered by this process
  std::map<std::pair<std::uint64_t, Address>, Address>
      signers;  ///< acquired by this process, and for which vault
  FlowBook flows;  ///< what the limits compare with

  /// Runs `body` in one durable transaction. What it throws as ErrorException becomes the error, with
  /// nothing kept; a WriteHook's exception passes through.
  template <class F>
  auto write(const char* what, F&& body) -> Result<std::invoke_result_t<F>> {
    using T = std::invoke_result_t<F>;
    const std::lock_guard lock(mutex);
    try {
      if (db->broken()) return after_sync_failure();
      Transaction tx(*db);
      if constexpr (std::is_void_v<T>) {
        body();
        commit(what, tx);
        failed = false;
        return {};
      } else {
        T out = body();
        commit(what, tx);
        failed = false;
        return out;
      }
    } catch (const ErrorException& e) {
      if (e.error.kind == ErrorKind::kFatal) failed = true;
      flows.forget();  // it may hold what was not kept
      return e.error;
    }
  }

  template <class F>
  auto read(F&& body) -> Result<std::invoke_result_t<F>> {
    const std::lock_guard lock(mutex);
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
        body();
        return {};
      } else {
        return body();
      }
    } catch (const ErrorException& e) {
      return e.error;
    }
  }

  void audit(const AuditRow& row) { append_audit(*db, clock.wall_ms(), row); }
  [[noreturn]] void refuse(ErrorKind kind, std::string text) const {
    throw ErrorException(Error{kind, db->path(), std::move(text)});
  }

  /// The one place where a settlement changes its state: compare-and-set and its audit row. Throws
  /// kRetryable when the row is not in `from` any more.
  void move_settlement(std::int64_t id, State from, State to, const std::string& actor,
                       const std::string& reason, const std::optional<U256>& onchain_units,
                       std::optional<std::int64_t> slot_id);
  /// The same for a slot.
  void move_slot(std::int64_t id, SlotState from, SlotState to, const std::string& detail);
  /// Throws kFatal when another process has taken the signer over (I8).
  void check_epoch(const SignerKey& key);

  /// The settlement of a refId as the submitter needs it. ledger_slots.cpp
  std::optional<QueuedItem> find_item(std::uint64_t chain_id, const Address& vault, const Hash& ref_id);
  /// ledger_recovery.cpp: once after a copy was restored; inside a transaction.
  void adopt_copy();

  // ledger_commit.cpp
  std::vector<CloseOutcome> commit_one(const AccountBatch& batch, std::int64_t now_ms);
  // ledger_accounts.cpp
  void apply_coverage(const std::string& account, const Coverage& coverage, std::int64_t now_ms);

 private:
  Error after_sync_failure() const {
    return {ErrorKind::kFatal, db->path(),
            "an earlier write failed on the disk; restart the host after checking it"};
  }
  void commit(const char* what, Transaction& tx) {
    if (options.hook != nullptr) options.hook->before_commit(what);
    tx.commit();
    if (options.hook != nullptr) options.hook->after_commit(what);
  }
};

}  // namespace anduin::settle
