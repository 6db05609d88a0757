// A copy of the ledger while a host writes it: whole, checked, durable, private, under its name only when complete.
// Thread: the caller's; opens connections of its own. The copy knows that it is one: a host that is started on it
// first finds out what happened since (recovery.hpp).
#pragma once
#include <filesystem>

#include "settle/audit.hpp"

namespace anduin::settle {

struct BackupReport {
  Checkpoint checkpoint;  ///< of the copy
  std::uint64_t bytes = 0;
};

/// Copies `ledger` to `target` (mode 0600, one file without -wal), checks the copy page by page, syncs file and folder.
/// kBadRequest: there is no such ledger, or `target` exists (it is never overwritten). kFatal: disk, or a damaged
/// ledger; nothing is left under `target`. `now_ms` stands in the copy as its time.
Result<BackupReport> backup_ledger(const std::filesystem::path& ledger, const std::filesystem::path& target,
                                   std::int64_t now_ms);

/// The same without the mark of a copy and from any schema version: what a migration leaves behind, for going back to
/// the older program.
Result<BackupReport> copy_as_it_is(const std::filesystem::path& ledger, const std::filesystem::path& target);

}  // namespace anduin::settle
