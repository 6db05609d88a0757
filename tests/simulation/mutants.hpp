// Submitters with one deliberate mistake each, put in the place of the right step. The simulation must
// catch them.
#pragma once
#include "chain/transaction.hpp"
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
    std::vector<settle::ItemMove> moves;
    for (const auto& item : slot.row.items) {
      moves.push_back({item.ref_id, item.state, settle::State::kSettled, "nonce too low", {}});
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

template <class Mutant>
std::unique_ptr<settle::Submitter> make_mutant(const Parts& p) {
  return std::make_unique<Mutant>(p.options, p.ledger, p.vault, p.node, p.signer, p.clock);
}

}  // namespace anduin::simulation
