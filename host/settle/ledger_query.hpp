// The settlement book as a reader sees it: list, show, sums, proof. Opens the file read-only,
// also while a host writes it. Thread: one caller at a time per reader. Rows are JSON with the fields of
// docs and `ledger show`.
#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "settle/types.hpp"
#include "settle/verify.hpp"

namespace anduin::settle {

struct ListFilter {
  std::string state, venue, account, user;  ///< empty = any; user as 0x..., any case
  std::int64_t after_id = 0;                ///< cursor: rows with a larger id
  std::size_t limit = 1'000;
};

/// The sums of the reconciliation line (interfaces.md). `held` also counts what still waits for its block.
struct Sums {
  std::uint64_t settled = 0;    ///< SETTLED and ALREADY_SETTLED
  std::uint64_t held = 0;       ///< QUARANTINED, BLOCKED, CONFLICT, QUEUED, ASSIGNED, INCLUDED, SAFE
  std::uint64_t no_action = 0;  ///< NO_ACTION, BEFORE_ACTIVATION, REJECTED, DRY_RUN
  std::uint64_t waiting = 0;    ///< the part of `held` that moves on by itself
  std::string ledger_sum;       ///< token units, signed: credits minus seizures, as seized
  std::uint64_t conflict_reports = 0;
};

struct AuditCheck {
  bool ok = false;
  std::uint64_t rows = 0;
  std::string text;  ///< the first broken row, in words
};

class LedgerReader {
 public:
  /// kBadRequest when there is no such file or it is no ledger; kFatal when its schema is newer than this
  /// program.
  static Result<std::unique_ptr<LedgerReader>> open(const std::filesystem::path& path);
  ~LedgerReader();

  Result<std::vector<nlohmann::json>> list(const ListFilter& filter);
  /// Full trail of one settlement: frame -> close -> policy -> slots and attempts -> block, audit rows,
  /// reports with the same refId. `ref` is a refId (0x...) or a venue's close id. kBadRequest when unknown.
  Result<nlohmann::json> show(const std::string& ref);
  Result<Sums> sums();
  /// verify(), as one sentence.
  Result<AuditCheck> verify_audit();
  /// The whole proof of verify.hpp over one snapshot.
  Result<VerifyReport> verify(const std::optional<Checkpoint>& since = {});
  /// From here on every call sees the book as it is now, whatever a host writes; until release(). The file's log
  /// grows meanwhile.
  Result<void> hold();
  void release();
  /// Distinct close ids known to the ledger ("Venue:id"), for reconciling with the simulators' logs.
  Result<std::vector<std::string>> close_ids();
  /// The vaults that settlements of this ledger belong to.
  struct VaultKey {
    std::uint64_t chain_id = 0;
    Address address;
  };
  Result<std::vector<VaultKey>> vaults();
  Result<std::vector<UnprovenRange>> unproven(bool open_only = true);

  /// For other readers in host/settle.
  [[nodiscard]] Database& database() { return *db_; }

 private:
  explicit LedgerReader(std::unique_ptr<Database> db);
  std::unique_ptr<Database> db_;
};

}  // namespace anduin::settle
