#include "settle/ledger.hpp"

#include "settle/ledger_impl.hpp"

namespace anduin::settle {

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(const LedgerOptions& options, Clock& clock) {
  auto db = Database::open(options.path, Database::Mode::kReadWrite, options.synchronous);
  if (!db) return db.error();
  if (auto migrated = migrate(**db, schema_steps(), clock.wall_ms()); !migrated) return migrated.error();
  return std::unique_ptr<Ledger>(new Ledger(std::make_unique<Impl>(options, clock, std::move(*db))));
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

Result<bool> Ledger::is_processed(const Hash& ref_id) {
  return impl_->read([&] {
    Query q(*impl_->db, "SELECT 1 FROM settlement WHERE ref_id = ?");
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
