// What the ledger remembers of the chain beyond its own rows: how far the vault's events were read, events of
// refIds that no row here has, and the fence of a signer after a restored copy.
#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

std::int64_t i64(std::uint64_t v) { return static_cast<std::int64_t>(v); }

}  // namespace

void Ledger::Impl::adopt_copy() {
  std::int64_t copied = 0;
  std::string what;
  {
    Query q(*db, "SELECT copied_ms, audit_rows, audit_digest FROM copy_mark WHERE adopted_ms IS NULL");
    if (!q.step()) return;
    copied = q.integer(0);
    what = Checkpoint{static_cast<std::uint64_t>(q.integer(1)), q.hash(2)}.to_string();
  }
  {
    Query q(*db, "UPDATE copy_mark SET adopted_ms = ?");
    q.bind(clock.wall_ms());
    q.run();
  }
  db->exec("UPDATE signer SET restored = 1, fence_until = NULL");
  audit({"host", "restore", {}, {}, "", "adopted", "a copy of " + std::to_string(copied) + " ms, checkpoint " + what});
}

Result<std::optional<std::uint64_t>> Ledger::scan_from(std::uint64_t chain_id, const Address& vault) {
  return impl_->read([&]() -> std::optional<std::uint64_t> {
    {
      Query q(*impl_->db, "SELECT next_block FROM vault_scan WHERE chain_id = ? AND vault = ?");
      q.bind(i64(chain_id), vault);
      if (q.step()) return static_cast<std::uint64_t>(q.integer(0));
    }
    // A ledger of before the cursor: nothing of it can be older than its first transaction.
    Query q(*impl_->db, "SELECT min(block_number) FROM slot WHERE chain_id = ? AND vault = ?");
    q.bind(i64(chain_id), vault);
    if (q.step() && !q.null(0)) return static_cast<std::uint64_t>(q.integer(0));
    // A restored copy of before the first start: the lost ledger may have begun anywhere.
    Query restored(*impl_->db, "SELECT 1 FROM copy_mark WHERE adopted_ms IS NOT NULL");
    if (restored.step()) return 0;
    return std::nullopt;
  });
}

Result<std::vector<QueuedItem>> Ledger::record_scan(const SignerKey& key, const Address& vault,
                                                    const std::vector<chain::VaultEvent>& events, std::uint64_t next_block) {
  return impl_->write("scan", [&] {
    impl_->check_epoch(key);
    auto& db = *impl_->db;
    std::vector<QueuedItem> waiting;
    for (const auto& e : events) {
      if (auto item = impl_->find_item(key.chain_id, vault, e.ref_id)) {
        if (item->state == State::kQueued || item->state == State::kBlocked) waiting.push_back(std::move(*item));
        continue;
      }
      Query q(db,
              "INSERT OR IGNORE INTO foreign_event(chain_id, vault, ref_id, credit, user_addr, requested, moved, "
              "block_number, block_hash, transaction_hash, seen_ms) VALUES(?,?,?,?,?,?,?,?,?,?,?)");
      q.bind(i64(key.chain_id), vault, e.ref_id, std::int64_t{e.credit}, e.user, e.requested, e.moved, i64(e.block_number),
             e.block_hash, e.transaction_hash, impl_->clock.wall_ms());
      if (q.run() == 0) continue;
      impl_->audit({"submitter", "foreign", {}, {}, "", e.ref_id.to_string(),
                    (e.credit ? "credit " : "seizure ") + e.moved.str() + " of " + e.user.to_string() + ", transaction " +
                        e.transaction_hash.to_string()});
    }
    Query q(db,
            "INSERT INTO vault_scan(chain_id, vault, next_block) VALUES(?,?,?) ON CONFLICT(chain_id, vault) DO UPDATE SET "
            "next_block = max(next_block, excluded.next_block)");
    q.bind(i64(key.chain_id), vault, i64(next_block));
    q.run();
    return waiting;
  });
}

Result<std::optional<chain::VaultEvent>> Ledger::foreign_event(std::uint64_t chain_id, const Address& vault,
                                                               const Hash& ref_id) {
  return impl_->read([&]() -> std::optional<chain::VaultEvent> {
    Query q(*impl_->db,
            "SELECT credit, user_addr, requested, moved, block_number, block_hash, transaction_hash FROM foreign_event "
            "WHERE chain_id = ? AND vault = ? AND ref_id = ? ORDER BY id LIMIT 1");
    q.bind(i64(chain_id), vault, ref_id);
    if (!q.step()) return std::nullopt;
    chain::VaultEvent e;
    e.credit = q.integer(0) != 0;
    e.user = q.address(1);
    e.requested = q.number(2);
    e.moved = q.number(3);
    e.ref_id = ref_id;
    e.block_number = static_cast<std::uint64_t>(q.integer(4));
    e.block_hash = q.hash(5);
    e.transaction_hash = q.hash(6);
    return e;
  });
}

Result<std::uint64_t> Ledger::foreign_events(std::uint64_t chain_id, const Address& vault) {
  return impl_->read([&] {
    Query q(*impl_->db,
            "SELECT count(*) FROM foreign_event f WHERE chain_id = ?1 AND vault = ?2 AND NOT EXISTS (SELECT 1 FROM "
            "settlement s WHERE s.chain_id = ?1 AND s.vault = ?2 AND s.ref_id = f.ref_id)");
    q.bind(i64(chain_id), vault);
    return q.step() ? static_cast<std::uint64_t>(q.integer(0)) : 0;
  });
}

Result<Fence> Ledger::fence(const SignerKey& key) {
  return impl_->read([&] {
    Query q(*impl_->db, "SELECT restored, fence_until FROM signer WHERE chain_id = ? AND address = ?");
    q.bind(i64(key.chain_id), key.signer);
    Fence out;
    if (!q.step()) return out;
    out.wanted = q.integer(0) != 0;
    if (!q.null(1)) out.until = static_cast<std::uint64_t>(q.integer(1));
    return out;
  });
}

Result<void> Ledger::set_fence(const SignerKey& key, const std::optional<std::uint64_t>& until, const std::string& why) {
  return impl_->write("fence", [&] {
    impl_->check_epoch(key);
    Query q(*impl_->db, "UPDATE signer SET restored = 0, fence_until = ? WHERE chain_id = ? AND address = ?");
    if (until) q.bind(i64(*until));
    else q.bind(nullptr);
    q.bind(i64(key.chain_id), key.signer);
    q.run();
    impl_->audit({"submitter", "fence", {}, {}, "", until ? std::to_string(*until) : "open", key.signer.to_string() + " " + why});
  });
}

Result<std::vector<Address>> Ledger::other_signers(const SignerKey& key, const Address& vault) {
  return impl_->read([&] {
    std::vector<Address> out;
    Query q(*impl_->db,
            "SELECT DISTINCT signer FROM slot WHERE chain_id = ? AND vault = ? AND signer <> ? AND state NOT IN "
            "('FINAL','LOST')");
    q.bind(i64(key.chain_id), vault, key.signer);
    while (q.step()) out.push_back(q.address(0));
    return out;
  });
}

}  // namespace anduin::settle
