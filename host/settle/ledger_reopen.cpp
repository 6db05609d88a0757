// What was closed and is not in the chain any more: the one way back, by an operator, after a reorg below
// the settled block. The triggers let a closed slot or a terminal settlement move only in the same breath
// with its own audit row.
#include <algorithm>

#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

std::int64_t i64(std::uint64_t v) { return static_cast<std::int64_t>(v); }

// A statement's text must outlive the database: literals only.
#define ANDUIN_CLOSED_SLOTS "SELECT id, nonce, state, block_hash, block_number FROM slot WHERE chain_id = ? AND signer = ? "

ClosedSlot closed_from(const Query& q) {
  return {q.integer(0), static_cast<std::uint64_t>(q.integer(1)),
          parse_slot_state(q.text(2)).value_or(SlotState::kFinal), q.hash(3),
          static_cast<std::uint64_t>(q.integer(4))};
}

struct Item {
  std::int64_t settlement = 0;
  State state = State::kConflict;
};

/// The row that the triggers ask for: it names the audit row that comes next.
void permit(Ledger::Impl& impl, std::int64_t slot, std::optional<std::int64_t> settlement) {
  Query q(*impl.db,
          "INSERT INTO reopening(audit_id, slot_id, settlement_id, block_hash) "
          "SELECT (SELECT coalesce(max(id), 0) + 1 FROM audit), id, ?, block_hash FROM slot WHERE id = ?");
  q.bind(settlement, slot);
  q.run();
}

void exactly_one(const Ledger::Impl& impl, int changed, const std::string& what) {
  if (changed != 1) impl.refuse(ErrorKind::kRetryable, what + " has moved meanwhile; ask again");
}

void reopen_items(Ledger::Impl& impl, std::int64_t slot, const std::string& actor, const std::string& why) {
  std::vector<Item> items;
  {
    Query q(*impl.db, "SELECT s.id, s.state FROM slot_item i JOIN settlement s ON s.id = i.settlement_id "
                      "WHERE i.slot_id = ? AND " ANDUIN_OWN_ITEM);
    q.bind(slot);
    while (q.step()) items.push_back({q.integer(0), parse_state(q.text(1)).value_or(State::kConflict)});
  }
  for (const Item& item : items) {
    permit(impl, slot, item.settlement);
    {
      Query q(*impl.db,
              "UPDATE settlement SET state = 'ASSIGNED', reason = ?, onchain_units = NULL WHERE id = ? AND state = ?");
      q.bind(why, item.settlement, to_string(item.state));
      exactly_one(impl, q.run(), "settlement " + std::to_string(item.settlement));
    }
    impl.audit({actor, "settlement", item.settlement, slot, to_string(item.state), to_string(State::kAssigned), why});
  }
}

}  // namespace

Result<std::vector<ClosedSlot>> Ledger::final_slots(const SignerKey& key, std::uint64_t below_nonce, std::size_t limit) {
  return impl_->read([&] {
    std::vector<ClosedSlot> out;
    Query q(*impl_->db, ANDUIN_CLOSED_SLOTS "AND nonce < ? AND state = 'FINAL' ORDER BY nonce DESC LIMIT ?");
    q.bind(i64(key.chain_id), key.signer, i64(std::min<std::uint64_t>(below_nonce, INT64_MAX)), i64(limit));
    while (q.step()) out.push_back(closed_from(q));
    return out;
  });
}

Result<std::vector<ClosedSlot>> Ledger::lost_slots(const SignerKey& key, std::uint64_t from_nonce) {
  return impl_->read([&] {
    std::vector<ClosedSlot> out;
    Query q(*impl_->db, ANDUIN_CLOSED_SLOTS "AND nonce >= ? AND state = 'LOST' ORDER BY nonce");
    q.bind(i64(key.chain_id), key.signer, i64(from_nonce));
    while (q.step()) out.push_back(closed_from(q));
    return out;
  });
}

Result<void> Ledger::reopen(const SignerKey& key, const std::vector<ClosedSlot>& slots, const std::string& actor,
                            const std::string& reason) {
  return impl_->write("reopen", [&] {
    impl_->check_epoch(key);
    const std::string why = std::string(kReopened) + reason;
    for (const ClosedSlot& slot : slots) {
      permit(*impl_, slot.id, {});
      {
        Query q(*impl_->db,
                "UPDATE slot SET state = 'SENT', win_hash = NULL, block_hash = NULL, block_number = NULL, "
                "ended_ms = NULL WHERE id = ? AND chain_id = ? AND signer = ? AND state = ?");
        q.bind(slot.id, i64(key.chain_id), key.signer, to_string(slot.state));
        exactly_one(*impl_, q.run(), "slot " + std::to_string(slot.id));
      }
      impl_->audit({actor, "slot", {}, slot.id, to_string(slot.state), to_string(SlotState::kSent), why});
      reopen_items(*impl_, slot.id, actor, why);
      // Events of the new branch stand in blocks that were read before.
      Query scan(*impl_->db,
                 "UPDATE vault_scan SET next_block = min(next_block, ?1) WHERE ?1 > 0 AND chain_id = ?2 AND "
                 "vault = (SELECT vault FROM slot WHERE id = ?3)");
      scan.bind(i64(slot.block_number), i64(key.chain_id), slot.id);
      scan.run();
    }
  });
}

}  // namespace anduin::settle
