#include "settle/ledger.hpp"

#include "settle/backup.hpp"
#include "settle/ledger_impl.hpp"

namespace anduin::settle {

namespace {

/// A migration cannot be undone: the older file stays beside the new one, for the older program.
Result<void> keep_older(Database& db, const std::filesystem::path& path) {
  const auto version = schema_version(db);
  if (!version) return version.error();
  if (*version == 0 || *version >= static_cast<std::int64_t>(schema_steps().size())) return {};
  const std::filesystem::path copy = path.string() + ".v" + std::to_string(*version) + ".bak";
  std::error_code ignored;
  if (std::filesystem::exists(copy, ignored)) return {};  // of an attempt that did not come through
  const auto made = copy_as_it_is(path, copy);
  if (made) return {};
  Error e = made.error();
  e.text = "the older ledger cannot be kept as " + copy.string() + " before it is migrated: " + e.text;
  return e;
}

}  // namespace

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const LedgerOptions& options, Clock& clock) {
  auto db = Database::open(options.path, Database::Mode::kReadWrite, options.synchronous);
  if (!db) return db.error();
  if (auto kept = keep_older(**db, options.path); !kept) return kept.error();
  if (auto migrated = migrate(**db, schema_steps(), clock.wall_ms()); !migrated) return migrated.error();
  auto impl = std::make_unique<Impl>(options, clock, std::move(*db));
  if (auto adopted = impl->write("restore", [&] { impl->adopt_copy(); }); !adopted) return adopted.error();
  return std::unique_ptr<Ledger>(new Ledger(std::move(impl)));
}

void Ledger::Impl::move_settlement(std::int64_t id, State from, State to, const std::string& actor,
                                   const std::string& reason, const std::optional<U256>& onchain_units,
                                   std::optional<std::int64_t> slot_id) {
  Query update(*db,
               "UPDATE settlement SET state = ?, reason = ?, onchain_units = coalesce(?, onchain_units) "
               "WHERE id = ? AND state = ?");
  update.bind(to_string(to), reason, onchain_units, id, to_string(from));
  if (update.run() != 1) {
    refuse(ErrorKind::kRetryable,
           "settlement " + std::to_string(id) + " is not " + to_string(from) + " any more");
  }
  audit({actor, "settlement", id, slot_id, to_string(from), to_string(to), reason});
}

void Ledger::Impl::move_slot(std::int64_t id, SlotState from, SlotState to, const std::string& detail) {
  const bool over = to == SlotState::kFinal || to == SlotState::kLost;
  Query update(*db, "UPDATE slot SET state = ?, ended_ms = ? WHERE id = ? AND state = ?");
  update.bind(to_string(to), over ? std::optional<std::int64_t>(clock.wall_ms()) : std::nullopt, id,
              to_string(from));
  if (update.run() != 1) {
    refuse(ErrorKind::kRetryable,
           "slot " + std::to_string(id) + " is not " + to_string(from) + " any more");
  }
  audit({"submitter", "slot", {}, id, to_string(from), to_string(to), detail});
}

void Ledger::Impl::check_epoch(const SignerKey& key) {
  Query q(*db, "SELECT epoch FROM signer WHERE chain_id = ? AND address = ?");
  q.bind(static_cast<std::int64_t>(key.chain_id), key.signer);
  if (!q.step() || q.integer(0) != key.epoch) {
    refuse(ErrorKind::kFatal, "signer " + key.signer.to_string() + " was taken over by another submitter");
  }
}

Result<Checkpoint> Ledger::checkpoint() {
  return impl_->read([&] { return settle::checkpoint(*impl_->db); });
}

Result<void> Ledger::ready() {
  if (!impl_->failed) return {};
  // A value that differs: SQLite writes nothing for one that does not.
  return impl_->write("ready", [&] {
    impl_->db->exec("INSERT INTO nonce_block(scope, next) VALUES('ledger: ready', 1) ON CONFLICT(scope) DO UPDATE SET next = next + 1");
  });
}

Result<bool> Ledger::is_processed(const Hash& ref_id) {
  return impl_->read([&] {
    Query q(*impl_->db, "SELECT 1 FROM settlement_vault v CROSS JOIN settlement s "
            "ON s.chain_id = v.chain_id AND s.vault = v.vault AND s.ref_id = ?");
    q.bind(ref_id);
    return q.step();
  });
}

Result<std::uint64_t> Ledger::reserve_nonces(const std::string& scope, std::uint64_t at_least,
                                             std::uint64_t count) {
  return impl_->write("nonces", [&] {
    std::uint64_t first = at_least;
    {
      Query q(*impl_->db, "SELECT next FROM nonce_block WHERE scope = ?");
      q.bind(scope);
      if (q.step()) first = std::max(first, static_cast<std::uint64_t>(q.integer(0)));
    }
    Query set(*impl_->db,
              "INSERT INTO nonce_block(scope, next) VALUES(?, ?) ON CONFLICT(scope) DO UPDATE SET next = "
              "excluded.next");
    set.bind(scope, static_cast<std::int64_t>(first + count));
    set.run();
    return first;
  });
}

}  // namespace anduin::settle
