// The real code with exactly one rule taken out, each in its place: a step of the submitter, a constraint of the
// ledger's file, the order of two writes. The simulation must catch them. One thread; nothing outlives a run.
#pragma once
#include "chain/transaction.hpp"
#include "simulation/books.hpp"
#include "simulation/world.hpp"

namespace anduin::simulation {

/// Sends first and remembers afterwards: a crash in between forgets that the nonce is taken.
class SendBeforePersist final : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<void> launch(const std::vector<settle::QueuedItem>& items, const settle::Call& call,
                      std::uint64_t gas_limit, const View& view) override {
    const auto fees = fresh();
    if (!fees) return fees.error();
    const auto nonce = ledger_.next_nonce(key_);
    if (!nonce) return nonce.error();
    chain::Transaction tx;
    tx.chain_id = options_.chain_id;
    tx.nonce = **nonce;
    tx.tip = fees->tip;
    tx.max_fee = fees->max_fee;
    tx.gas_limit = gas_limit;
    tx.to = call.to;
    tx.data = call.calldata;
    const auto made = chain::sign(tx, signer_);
    if (!made) return made.error();
    if (const auto sent = node_.send_raw(made->raw); !sent) return sent.error();
    return Submitter::launch(items, call, gas_limit, view);
  }
};

/// Takes the head for the settled block.
class SettledAtFirstReceipt final : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<chain::Block> settled_block(const chain::Block& head) override { return head; }
};

/// "nonce too low": it must have been ours.
class NonceTooLowIsSuccess final : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<void> handle_answer(Slot& slot, const View& view, const chain::SendResult& answer) override {
    if (answer.what != chain::SendClass::kNonceConsumed)
      return Submitter::handle_answer(slot, view, answer);
    // The ledger ends a slot only from a block, so the mistake takes the head for it.
    std::vector<settle::ItemMove> seen, moves;
    for (const auto& item : slot.row.items) {
      seen.push_back({item.ref_id, item.state, settle::State::kIncluded, "nonce too low", {}});
      moves.push_back({item.ref_id, settle::State::kIncluded, settle::State::kSettled, "nonce too low", {}});
    }
    if (auto r = ledger_.mark_mined(key_, slot.row.id, slot.row.attempts.back().hash, view.head.hash,
                                    view.head.number, seen);
        !r) {
      return r.error();
    }
    if (auto r = ledger_.close_slot(key_, slot.row.id, settle::SlotState::kFinal, moves, "nonce too low");
        !r) {
      return r.error();
    }
    slot.row.state = settle::SlotState::kFinal;
    return {};
  }
};

/// Not in a block for a while: it must have been dropped, so it goes out again under a new nonce.
class DroppedUnderNewNonce final : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<void> resend(Slot& slot, const View&) override {
    std::vector<settle::ItemMove> moves;
    for (const auto& item : slot.row.items) {
      moves.push_back({item.ref_id, item.state, settle::State::kQueued, "dropped", {}});
    }
    if (auto r = ledger_.close_slot(key_, slot.row.id, settle::SlotState::kLost, moves, "dropped"); !r) {
      return r.error();
    }
    slot.row.state = settle::SlotState::kLost;
    return {};
  }
};

/// The planner works from a list that it read earlier: now and then it launches again what it has launched before. With
/// the ledger's compare-and-set this does no harm.
class StalePlanner : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<void> launch(const std::vector<settle::QueuedItem>& items, const settle::Call& call, std::uint64_t gas_limit,
                      const View& view) override {
    if (old_ && ++launches_ % 2 == 0) {
      const auto again = Submitter::launch(old_->items, old_->call, old_->gas_limit, view);
      if (!again && again.error().kind == ErrorKind::kFatal) return again.error();
    }
    old_ = Old{items, call, gas_limit};
    return Submitter::launch(items, call, gas_limit, view);
  }

 private:
  struct Old {
    std::vector<settle::QueuedItem> items;
    settle::Call call;
    std::uint64_t gas_limit;
  };
  std::optional<Old> old_;
  int launches_ = 0;
};

/// The planner's list has an item twice, and the batch with it.
class SameRefIdTwice final : public settle::Submitter {
 public:
  using Submitter::Submitter;

 protected:
  Result<void> launch(const std::vector<settle::QueuedItem>& items, const settle::Call& call, std::uint64_t gas_limit,
                      const View& view) override {
    if (!vault_.has_batch(false)) return Submitter::launch(items, call, gas_limit, view);
    std::vector<settle::QueuedItem> twice = items;
    twice.push_back(items.front());
    std::vector<chain::VaultItem> calls;
    for (const auto& i : twice) calls.push_back({i.action, i.user, i.units, i.ref_id});
    const auto data = vault_.batch_call(calls, false);
    if (!data) return data.error();
    return Submitter::launch(twice, {vault_.address(), *data}, gas_limit * 2, view);
  }
};

template <class Mutant>
std::unique_ptr<settle::Submitter> make_mutant(const Parts& p) {
  return std::make_unique<Mutant>(p.options, p.ledger, p.vault, p.node, p.signer, p.clock);
}

template <class Mutant>
Mutation submitter_mutant() {
  Mutation m;
  m.make = make_mutant<Mutant>;
  return m;
}

/// Reserve takes a settlement whatever its state is: within the reserving transaction, the row is QUEUED again just
/// before its compare-and-set. The planner is the stale one, against which the rule stands.
inline Mutation reserve_without_compare_and_set() {
  Mutation m = submitter_mutant<StalePlanner>();
  m.restarts = true;
  m.on_open = [](const std::filesystem::path& file) {
    edit(file,
         "CREATE TRIGGER IF NOT EXISTS mutant AFTER INSERT ON slot_item BEGIN UPDATE settlement SET state = 'QUEUED' "
         "WHERE id = NEW.settlement_id AND state IN ('ASSIGNED','INCLUDED','SAFE','BLOCKED'); END");
  };
  return m;
}

/// One batch may hold a refId twice: neither the slot's list nor the compare-and-set of the second copy refuses it.
inline Mutation same_ref_id_twice() {
  Mutation m = submitter_mutant<SameRefIdTwice>();
  m.on_open = [](const std::filesystem::path& file) {
    drop_from_slot_items(file, ", UNIQUE(slot_id, ref_id)");
    edit(file,
         "CREATE TRIGGER IF NOT EXISTS mutant AFTER INSERT ON slot_item WHEN (SELECT count(*) FROM slot_item WHERE "
         "slot_id = NEW.slot_id AND ref_id = NEW.ref_id) > 1 BEGIN UPDATE settlement SET state = 'QUEUED' WHERE id = "
         "NEW.settlement_id; END");
  };
  return m;
}

/// The amount is not frozen from QUEUED on, and a later report's amount replaces the first one.
inline Mutation amount_changed_after_queued() {
  Mutation m;
  m.on_open = [](const std::filesystem::path& file) { edit(file, "DROP TRIGGER IF EXISTS settlement_frozen"); };
  m.on_correction = [](const std::filesystem::path& file, const ClosedPosition& close) {
    const auto amount = settle::amount_of(close.pnl, 6);
    edit(file, "UPDATE settlement SET units = '" + amount->units.str() + "' WHERE position_id = '" + close.id +
                   "' AND state IN ('QUEUED','ASSIGNED','INCLUDED','SAFE','BLOCKED')");
  };
  return m;
}

/// The place in the venue's history is durable in a transaction of its own, before the closes are.
inline Mutation watermark_before_row() {
  Mutation m;
  m.commit = [](settle::Ledger& ledger, const settle::AccountBatch& batch) {
    if (batch.watermark && !ledger.commit_batch({batch.account, {}, batch.watermark, {}})) return false;
    return static_cast<bool>(ledger.commit_batch({batch.account, batch.closes, {}, batch.coverage}));
  };
  return m;
}

}  // namespace anduin::simulation
