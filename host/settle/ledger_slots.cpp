// C2 to C9: the submitter's writes. Each is one transaction, compare-and-set on every state, one audit row
// per move.
#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

std::int64_t i64(std::uint64_t v) { return static_cast<std::int64_t>(v); }

struct SlotHead {
  SlotState state = SlotState::kReserved;
  std::uint64_t chain_id = 0;
  Address vault;
};

SlotHead slot_head(Ledger::Impl& impl, const SignerKey& key, std::int64_t slot) {
  Query q(*impl.db, "SELECT state, chain_id, vault FROM slot WHERE id = ? AND chain_id = ? AND signer = ?");
  q.bind(slot, i64(key.chain_id), key.signer);
  if (!q.step()) impl.refuse(ErrorKind::kFatal, "slot " + std::to_string(slot) + " is not of this signer");
  return {parse_slot_state(q.text(0)).value_or(SlotState::kLost), static_cast<std::uint64_t>(q.integer(1)),
          q.address(2)};
}

/// The settlement row of a move; through the slot's own item list, so that a move can only concern its
/// items.
std::int64_t settlement_in_slot(Ledger::Impl& impl, std::int64_t slot, const Hash& ref_id) {
  Query q(*impl.db, "SELECT settlement_id FROM slot_item WHERE slot_id = ? AND ref_id = ?");
  q.bind(slot, ref_id);
  if (!q.step())
    impl.refuse(ErrorKind::kFatal, ref_id.to_string() + " is not in slot " + std::to_string(slot));
  return q.integer(0);
}

void move_items(Ledger::Impl& impl, std::int64_t slot, const std::vector<ItemMove>& items) {
  for (const auto& m : items) {
    impl.move_settlement(settlement_in_slot(impl, slot, m.ref_id), m.from, m.to, "submitter", m.reason,
                         m.onchain_units, slot);
  }
}

/// I3: QUEUED -> ASSIGNED by compare-and-set, of exactly the settlement that the payload was made of.
void assign(Ledger::Impl& impl, const QueuedItem& item, std::int64_t slot) {
  {
    Query q(*impl.db,
            "UPDATE settlement SET state = 'ASSIGNED', reason = '', slots_used = slots_used + 1 "
            "WHERE id = ? AND state = 'QUEUED' AND ref_id = ? AND user_addr = ? AND action = ? AND units = ?");
    q.bind(item.id, item.ref_id, item.user, std::string_view(chain::to_string(item.action)), item.units);
    if (q.run() != 1) {
      impl.refuse(ErrorKind::kRetryable,
                  "settlement " + std::to_string(item.id) + " is not QUEUED any more, or not as it was read");
    }
  }
  impl.audit({"submitter", "settlement", item.id, slot, to_string(State::kQueued), to_string(State::kAssigned), ""});
}

}  // namespace

Result<SignerKey> Ledger::acquire_signer(std::uint64_t chain_id, const Address& signer,
                                         const Address& vault) {
  return impl_->write("signer", [&] {
    const auto held = impl_->signers.try_emplace({chain_id, signer}, vault).first;
    if (held->second != vault) {
      impl_->refuse(ErrorKind::kBadRequest, "signer " + signer.to_string() + " serves vault " +
                                                held->second.to_string() + " on chain " +
                                                std::to_string(chain_id) +
                                                " already: give every live vault a signer of its own");
    }
    Query up(*impl_->db,
             // A signer that this ledger never saw may have been used by the one that was lost.
             "INSERT INTO signer(chain_id, address, epoch, restored) VALUES(?, ?, 1, "
             "(SELECT count(*) FROM copy_mark WHERE adopted_ms IS NOT NULL)) "
             "ON CONFLICT(chain_id, address) DO UPDATE SET epoch = epoch + 1");
    up.bind(i64(chain_id), signer);
    up.run();
    Query q(*impl_->db, "SELECT epoch FROM signer WHERE chain_id = ? AND address = ?");
    q.bind(i64(chain_id), signer);
    if (!q.step()) impl_->refuse(ErrorKind::kFatal, "the signer row is missing");
    return SignerKey{chain_id, signer, q.integer(0)};
  });
}

Result<std::optional<std::uint64_t>> Ledger::next_nonce(const SignerKey& key) {
  return impl_->read([&]() -> std::optional<std::uint64_t> {
    Query q(*impl_->db, "SELECT next_nonce FROM signer WHERE chain_id = ? AND address = ?");
    q.bind(i64(key.chain_id), key.signer);
    if (!q.step() || q.null(0)) return std::nullopt;
    return static_cast<std::uint64_t>(q.integer(0));
  });
}

Result<void> Ledger::raise_nonce(const SignerKey& key, std::uint64_t at_least, const std::string& why) {
  return impl_->write("raise_nonce", [&] {
    impl_->check_epoch(key);
    Query q(*impl_->db,
            "UPDATE signer SET next_nonce = ?1 WHERE chain_id = ?2 AND address = ?3 AND "
            "coalesce(next_nonce, -1) < ?1");
    q.bind(i64(at_least), i64(key.chain_id), key.signer);
    if (q.run() != 0) {
      impl_->audit({"submitter",
                    "signer",
                    {},
                    {},
                    "",
                    std::to_string(at_least),
                    key.signer.to_string() + " " + why});
    }
  });
}

Result<SlotRow> Ledger::reserve(const SignerKey& key, const Address& vault,
                                const std::vector<QueuedItem>& items, const Call& call,
                                std::uint64_t gas_limit) {
  return impl_->write("reserve", [&] {
    auto& db = *impl_->db;
    impl_->check_epoch(key);
    SlotRow slot;
    slot.call = call;
    slot.gas_limit = gas_limit;
    {
      Query q(db, "SELECT next_nonce FROM signer WHERE chain_id = ? AND address = ?");
      q.bind(i64(key.chain_id), key.signer);
      if (!q.step() || q.null(0)) impl_->refuse(ErrorKind::kFatal, "the signer's first nonce is not known");
      slot.nonce = static_cast<std::uint64_t>(q.integer(0));
    }
    {
      Query q(db, "UPDATE signer SET next_nonce = next_nonce + 1 WHERE chain_id = ? AND address = ?");
      q.bind(i64(key.chain_id), key.signer);
      q.run();
    }
    {
      Query q(db,
              "INSERT INTO slot(chain_id, signer, nonce, vault, to_addr, calldata, gas_limit, state, created_ms) "
              "VALUES(?,?,?,?,?,?,?,'RESERVED',?)");
      q.bind(i64(key.chain_id), key.signer, i64(slot.nonce), vault, call.to, call.calldata, i64(gas_limit),
             impl_->clock.wall_ms());
      q.run();
      slot.id = db.last_id();
    }
    impl_->audit({"submitter", "slot", {}, slot.id, "", "RESERVED", "nonce " + std::to_string(slot.nonce)});
    std::int64_t seq = 0;
    for (const auto& item : items) {
      {
        Query q(db, "INSERT INTO slot_item(slot_id, seq, ref_id, settlement_id) VALUES(?,?,?,?)");
        q.bind(slot.id, seq++, item.ref_id, item.id);
        q.run();
      }
      assign(*impl_, item, slot.id);
      slot.items.push_back(item);
      slot.items.back().state = State::kAssigned;
      slot.items.back().reason.clear();
      ++slot.items.back().slots_used;
    }
    return slot;
  });
}

Result<void> Ledger::add_attempt(const SignerKey& key, std::int64_t slot, const AttemptRow& a) {
  return impl_->write("attempt", [&] {
    impl_->check_epoch(key);
    const SlotHead head = slot_head(*impl_, key, slot);
    // Bytes for a slot that is over, or is in a block, could only do harm.
    if (head.state != SlotState::kReserved && head.state != SlotState::kSigned && head.state != SlotState::kSent) {
      impl_->refuse(ErrorKind::kRetryable,
                    "slot " + std::to_string(slot) + " is " + to_string(head.state) + ": no further attempt");
    }
    {
      Query q(*impl_->db,
              "INSERT INTO attempt(hash, slot_id, seq, noop, raw, max_fee, tip, gas_limit, created_ms) "
              "SELECT ?1, ?2, count(*), ?3, ?4, ?5, ?6, ?7, ?8 FROM attempt WHERE slot_id = ?2");
      q.bind(a.hash, slot, std::int64_t{a.noop}, a.raw, a.max_fee, a.tip, i64(a.gas_limit),
             impl_->clock.wall_ms());
      q.run();
    }
    if (head.state == SlotState::kReserved) {
      impl_->move_slot(slot, SlotState::kReserved, SlotState::kSigned, a.hash.to_string());
    } else {
      impl_->audit({"submitter", "attempt", {}, slot, "", a.noop ? "no-op" : "bump", a.hash.to_string()});
    }
  });
}

Result<void> Ledger::mark_sent(const SignerKey& key, std::int64_t slot, const Hash& attempt,
                               const std::string& last_error) {
  return impl_->write("sent", [&] {
    impl_->check_epoch(key);
    const std::int64_t now = impl_->clock.wall_ms();
    {
      Query q(*impl_->db,
              "UPDATE attempt SET first_sent_ms = coalesce(first_sent_ms, ?1), last_sent_ms = ?1, sends = "
              "sends + 1, "
              "last_error = ?2 WHERE hash = ?3 AND slot_id = ?4");
      q.bind(now, last_error, attempt, slot);
      if (q.run() != 1) impl_->refuse(ErrorKind::kFatal, "sent bytes are not in the ledger");
    }
    if (slot_head(*impl_, key, slot).state == SlotState::kSigned) {
      impl_->move_slot(slot, SlotState::kSigned, SlotState::kSent, last_error);
    }
  });
}

Result<void> Ledger::mark_mined(const SignerKey& key, std::int64_t slot, const Hash& attempt,
                                const Hash& block_hash, std::uint64_t block_number,
                                const std::vector<ItemMove>& items) {
  return impl_->write("mined", [&] {
    impl_->check_epoch(key);
    const SlotHead head = slot_head(*impl_, key, slot);
    if (head.state != SlotState::kSigned && head.state != SlotState::kSent && head.state != SlotState::kMined) {
      impl_->refuse(ErrorKind::kRetryable, "slot " + std::to_string(slot) + " is " + to_string(head.state));
    }
    {
      Query q(*impl_->db, "UPDATE slot SET win_hash = ?, block_hash = ?, block_number = ? WHERE id = ?");
      q.bind(attempt, block_hash, i64(block_number), slot);
      q.run();
    }
    impl_->move_slot(slot, head.state, SlotState::kMined,
                     "block " + std::to_string(block_number) + " " + block_hash.to_string());
    move_items(*impl_, slot, items);
  });
}

Result<void> Ledger::mark_safe(const SignerKey& key,
                               const std::vector<std::pair<std::int64_t, std::vector<ItemMove>>>& slots) {
  return impl_->write("safe", [&] {
    impl_->check_epoch(key);
    for (const auto& [slot, items] : slots) {
      if (slot_head(*impl_, key, slot).state != SlotState::kMined)
        impl_->refuse(ErrorKind::kRetryable, "slot " + std::to_string(slot) + " is not MINED any more");
      move_items(*impl_, slot, items);
    }
  });
}

Result<void> Ledger::mark_unmined(const SignerKey& key, std::int64_t slot,
                                  const std::vector<ItemMove>& items, const std::string& why) {
  return impl_->write("unmined", [&] {
    impl_->check_epoch(key);
    {
      Query q(*impl_->db,
              "UPDATE slot SET win_hash = NULL, block_hash = NULL, block_number = NULL WHERE id = ?");
      q.bind(slot);
      q.run();
    }
    impl_->move_slot(slot, SlotState::kMined, SlotState::kSent, why);
    move_items(*impl_, slot, items);
  });
}

Result<void> Ledger::close_slot(const SignerKey& key, std::int64_t slot, SlotState end,
                                const std::vector<ItemMove>& items, const std::string& why) {
  return impl_->write(end == SlotState::kFinal ? "final" : "lost", [&] {
    impl_->check_epoch(key);
    const SlotHead head = slot_head(*impl_, key, slot);
    if (end != SlotState::kFinal && end != SlotState::kLost) {
      impl_->refuse(ErrorKind::kFatal, "a slot ends FINAL or LOST");
    }
    // FINAL is what was seen in a block twice; LOST is what was in none.
    const bool mined = head.state == SlotState::kMined;
    const bool sent = head.state == SlotState::kSigned || head.state == SlotState::kSent;
    if (end == SlotState::kFinal ? !mined : !sent) {
      impl_->refuse(ErrorKind::kRetryable, "slot " + std::to_string(slot) + " is " + to_string(head.state) +
                                               " and cannot become " + to_string(end));
    }
    {
      Query q(*impl_->db, "SELECT count(*) FROM slot_item i JOIN settlement s ON s.id = i.settlement_id "
                          "WHERE i.slot_id = ? AND " ANDUIN_OWN_ITEM);
      q.bind(slot);
      if (!q.step() || static_cast<std::size_t>(q.integer(0)) != items.size())
        impl_->refuse(ErrorKind::kFatal, "every item of a closing slot must move");
    }
    impl_->move_slot(slot, head.state, end, why);
    move_items(*impl_, slot, items);
  });
}

Result<void> Ledger::move_item(const SignerKey& key, const Address& vault, const ItemMove& m) {
  return impl_->write("item", [&] {
    impl_->check_epoch(key);
    std::int64_t id = 0;
    {
      Query q(*impl_->db, "SELECT id FROM settlement WHERE chain_id = ? AND vault = ? AND ref_id = ?");
      q.bind(i64(key.chain_id), vault, m.ref_id);
      if (!q.step()) impl_->refuse(ErrorKind::kFatal, m.ref_id.to_string() + " is not in this ledger");
      id = q.integer(0);
    }
    impl_->move_settlement(id, m.from, m.to, "submitter", m.reason, m.onchain_units, {});
  });
}

}  // namespace anduin::settle
