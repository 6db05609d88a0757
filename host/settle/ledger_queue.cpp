// What the submitter reads: the queue in the order of closes, its open slots.
#include <algorithm>

#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

std::int64_t i64(std::uint64_t v) { return static_cast<std::int64_t>(v); }

chain::Action parse_action(const std::string& text) {
  if (text == chain::to_string(chain::Action::kCredit)) return chain::Action::kCredit;
  if (text == chain::to_string(chain::Action::kSeize)) return chain::Action::kSeize;
  return chain::Action::kSeizeCapped;
}

#define ANDUIN_ITEM_COLUMNS                                                                      \
  "s.id, s.ref_id, s.action, s.user_addr, s.units, s.state, s.venue, s.account, s.position_id, " \
  "s.slots_used, "                                                                               \
  "s.closed_ms, s.reason"

QueuedItem item_from(const Query& q) {
  QueuedItem out;
  out.id = q.integer(0);
  out.ref_id = q.hash(1);
  out.action = parse_action(q.text(2));
  out.user = q.address(3);
  out.units = q.number(4);
  out.state = parse_state(q.text(5)).value_or(State::kConflict);
  out.venue = q.text(6);
  out.account = q.text(7);
  out.position_id = q.text(8);
  out.slots_used = static_cast<int>(q.integer(9));
  out.closed_ms = q.integer(10);
  out.reason = q.text(11);
  return out;
}

std::vector<QueuedItem> items_where(Database& db, std::string_view sql, std::uint64_t chain_id,
                                    const Address& vault, std::size_t limit, const QueuePlace& after) {
  std::vector<QueuedItem> out;
  Query q(db, sql);
  q.bind(i64(chain_id), vault, after.closed_ms, after.id, i64(limit));
  while (q.step()) out.push_back(item_from(q));
  return out;
}

std::vector<QueuedItem> items_of(Database& db, std::int64_t slot) {
  std::vector<QueuedItem> out;
  Query q(
      db,
      "SELECT " ANDUIN_ITEM_COLUMNS
      " FROM slot_item i JOIN settlement s ON s.id = i.settlement_id WHERE i.slot_id = ? AND " ANDUIN_OWN_ITEM
      " ORDER BY i.seq");
  q.bind(slot);
  while (q.step()) out.push_back(item_from(q));
  return out;
}

}  // namespace

std::optional<QueuedItem> Ledger::Impl::find_item(std::uint64_t chain_id, const Address& vault, const Hash& ref_id) {
  Query q(*db, "SELECT " ANDUIN_ITEM_COLUMNS " FROM settlement s WHERE chain_id = ? AND vault = ? AND ref_id = ?");
  q.bind(i64(chain_id), vault, ref_id);
  if (!q.step()) return std::nullopt;
  return item_from(q);
}

Result<std::vector<QueuedItem>> Ledger::queued(std::uint64_t chain_id, const Address& vault,
                                               std::size_t limit, const QueuePlace& after) {
  return impl_->read([&] {
    return items_where(*impl_->db,
                       "SELECT " ANDUIN_ITEM_COLUMNS
                       " FROM settlement s WHERE chain_id = ? AND vault = ? AND state = 'QUEUED' "
                       "AND (closed_ms, id) > (?, ?) ORDER BY closed_ms, id LIMIT ?",
                       chain_id, vault, limit, after);
  });
}

Result<std::vector<QueuedItem>> Ledger::blocked(std::uint64_t chain_id, const Address& vault,
                                                std::size_t limit, const QueuePlace& after) {
  return impl_->read([&] {
    return items_where(*impl_->db,
                       "SELECT " ANDUIN_ITEM_COLUMNS
                       " FROM settlement s WHERE chain_id = ? AND vault = ? AND state = 'BLOCKED' "
                       "AND (closed_ms, id) > (?, ?) ORDER BY closed_ms, id LIMIT ?",
                       chain_id, vault, limit, after);
  });
}

Result<std::size_t> Ledger::queue_length(std::uint64_t chain_id, const Address& vault, std::size_t most) {
  return impl_->read([&]() -> std::size_t {
    Query q(*impl_->db,
            "SELECT count(*) FROM (SELECT 1 FROM settlement WHERE chain_id = ? AND vault = ? AND state = 'QUEUED' "
            "LIMIT ?)");
    q.bind(i64(chain_id), vault, i64(most));
    return q.step() ? static_cast<std::size_t>(q.integer(0)) : 0;
  });
}

Result<std::vector<SlotRow>> Ledger::open_slots(const SignerKey& key) {
  return impl_->read([&] {
    std::vector<SlotRow> out;
    {
      Query q(*impl_->db,
              "SELECT id, nonce, state, to_addr, gas_limit, block_hash, win_hash, block_number FROM slot "
              "WHERE chain_id = ? AND signer = ? AND state NOT IN ('FINAL','LOST') ORDER BY nonce");
      q.bind(i64(key.chain_id), key.signer);
      while (q.step()) {
        SlotRow s;
        s.id = q.integer(0);
        s.nonce = static_cast<std::uint64_t>(q.integer(1));
        s.state = parse_slot_state(q.text(2)).value_or(SlotState::kReserved);
        s.call.to = q.address(3);
        s.gas_limit = static_cast<std::uint64_t>(q.integer(4));
        s.block_hash = q.hash(5);
        s.win_hash = q.hash(6);
        s.block_number = static_cast<std::uint64_t>(q.integer(7));
        s.whole = false;
        out.push_back(std::move(s));
      }
    }
    // One question for all attempts: both come in the order of nonces.
    Query q(*impl_->db,
            "SELECT a.slot_id, a.hash, a.noop, a.max_fee, a.tip, a.gas_limit FROM slot s JOIN attempt a ON "
            "a.slot_id = s.id WHERE s.chain_id = ? AND s.signer = ? AND s.state NOT IN ('FINAL','LOST') "
            "ORDER BY s.nonce, a.seq");
    q.bind(i64(key.chain_id), key.signer);
    auto slot = out.begin();
    while (q.step()) {
      while (slot != out.end() && slot->id != q.integer(0)) ++slot;
      if (slot == out.end()) impl_->refuse(ErrorKind::kFatal, "attempts are not in the order of their slots");
      slot->attempts.push_back({q.hash(1), q.integer(2) != 0, {}, q.number(3), q.number(4),
                                static_cast<std::uint64_t>(q.integer(5))});
    }
    Query gone(*impl_->db,
               "SELECT DISTINCT r.slot_id FROM reopening r JOIN slot_item i ON i.slot_id = r.slot_id JOIN settlement s ON "
               "s.id = i.settlement_id WHERE r.settlement_id IS NULL AND NOT (" ANDUIN_OWN_ITEM ")");
    while (gone.step()) {
      const auto it = std::find_if(out.begin(), out.end(), [&](const SlotRow& s) { return s.id == gone.integer(0); });
      if (it != out.end()) it->given_away = true;
    }
    return out;
  });
}

Result<void> Ledger::load_slot(SlotRow& slot) {
  return impl_->read([&] {
    {
      Query q(*impl_->db, "SELECT calldata FROM slot WHERE id = ?");
      q.bind(slot.id);
      if (!q.step()) impl_->refuse(ErrorKind::kFatal, "slot " + std::to_string(slot.id) + " is missing");
      slot.call.calldata = q.blob(0);
    }
    Query q(*impl_->db, "SELECT raw FROM attempt WHERE slot_id = ? ORDER BY seq");
    q.bind(slot.id);
    for (auto& attempt : slot.attempts) {
      if (!q.step()) impl_->refuse(ErrorKind::kFatal, "an attempt is missing");
      attempt.raw = q.blob(0);
    }
    slot.items = items_of(*impl_->db, slot.id);
    slot.whole = true;
  });
}

}  // namespace anduin::settle
