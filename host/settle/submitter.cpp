#include "settle/submitter.hpp"

#include "base/log.hpp"
#include "chain/transaction.hpp"
#include "settle/submitter_drain.hpp"
#include "settle/submitter_look.hpp"

namespace anduin::settle {
namespace {

/// A plain transfer to oneself: the cheapest transaction there is.
constexpr std::uint64_t kNoopGas = 21'000;
/// OP-stack chains finalize after 13 to 30 minutes; beyond this somebody should look (settlement.md section
/// 6).
constexpr std::int64_t kFinalityLagMaxS = 45 * 60;
/// The queue's length is counted up to here: a status line needs no more, and counting costs.
constexpr std::size_t kQueueCounted = 10'000;
/// A row that was put off is forgotten when it was not met again for so many blocks (rejected meanwhile).
constexpr std::uint64_t kPutOffHeads = 16;

}  // namespace

Submitter::Submitter(SubmitterOptions options, Ledger& ledger, const chain::Vault& vault, chain::Node& node,
                     chain::TransactionSigner& signer, Clock& clock, Executor* executor)
    : options_(std::move(options)),
      ledger_(ledger),
      vault_(vault),
      node_(node),
      signer_(signer),
      clock_(clock),
      direct_(signer.address()),
      executor_(executor != nullptr ? *executor : direct_),
      recovery_({options_.chain_id, options_.log_window_blocks}, ledger_, vault_, node_) {}

Submitter::~Submitter() = default;

void Submitter::note(const std::string& text, const QueuedItem* item) {
  status_.last_error = text;
  std::string line = "vault " + options_.vault_name + ": " + text;
  if (item != nullptr) {
    line += " [venue " + item->venue + ", account " + item->account + ", id " + item->position_id +
            ", ref " + item->ref_id.to_string() + "]";
  }
  // The same trouble every poll would bury everything else.
  if (line != logged_error_) spdlog::warn("{}", line);
  logged_error_ = std::move(line);
}

Result<void> Submitter::start() {
  if (started_) return {};
  if (key_.epoch == 0) {
    auto key = ledger_.acquire_signer(options_.chain_id, signer_.address(), vault_.address());
    if (!key) return key.error();
    key_ = *key;
  }
  auto next = ledger_.next_nonce(key_);
  if (!next) return next.error();
  if (!*next) {
    if (auto first = first_nonce(); !first) return first.error();
  }
  started_ = true;
  return {};
}

/// A transaction of somebody else that a reorg takes back would leave a hole below our first nonce, for ever: it is
/// taken only once the head and the settled block count the same.
Result<void> Submitter::first_nonce() {
  const auto head = node_.block(chain::Tag::kLatest);
  if (!head) return head.error();
  if (!*head) return Error{ErrorKind::kRetryable, options_.vault_name, "the node has no latest block"};
  const auto settled = settled_block(**head);
  if (!settled) return settled.error();
  const auto sure = node_.transaction_count(key_.signer, settled->number);
  if (!sure) return sure.error();
  const auto seen = node_.transaction_count(key_.signer, chain::Tag::kLatest);
  if (!seen) return seen.error();
  if (*sure != *seen) {
    return Error{ErrorKind::kRetryable, options_.vault_name,
                 "signer " + key_.signer.to_string() + " was used lately by somebody else (nonce " + std::to_string(*seen) +
                     " at the head, " + std::to_string(*sure) + " at the settled block): nothing is sent until both agree"};
  }
  return ledger_.raise_nonce(key_, *sure, "first use of this signer");
}

Result<void> Submitter::reload() {
  auto rows = ledger_.open_slots(key_);
  if (!rows) return rows.error();
  std::map<std::int64_t, Slot> known;
  for (auto& slot : slots_) known.emplace(slot.row.id, std::move(slot));
  slots_.clear();
  for (auto& row : *rows) {
    Slot slot;
    // What is not durable stays: when it was sent, and what was seen. After a start there is none of it.
    if (const auto it = known.find(row.id); it != known.end() && it->second.row.attempts.size() == row.attempts.size())
      slot = std::move(it->second);
    slot.verified = slot.doubtful = slot.safe = false;
    slot.row = std::move(row);
    if (slot.row.given_away && slot.abandon.empty()) slot.abandon = "reopened, and sent again with a later nonce before";
    slots_.push_back(std::move(slot));
  }
  reload_ = false;
  tracked_head_ = {};
  return {};
}

Result<void> Submitter::whole(Slot& slot) {
  if (slot.row.whole) return {};
  return ledger_.load_slot(slot.row);
}

Result<chain::Block> Submitter::settled_block(const chain::Block& head) {
  chain::BlockId id = chain::Tag::kFinalized;
  if (options_.settled_at.kind == FinalityRule::Kind::kSafe) id = chain::Tag::kSafe;
  if (options_.settled_at.kind == FinalityRule::Kind::kDepth) {
    id = settled_height(options_.settled_at, Heights{head.number, 0, 0});
  }
  const auto block = node_.block(id);
  if (!block) return block.error();
  if (!*block)
    return Error{ErrorKind::kRetryable, options_.vault_name, "the node does not know its settled block"};
  return **block;
}

Result<Submitter::View> Submitter::look(const chain::Block& head) {
  View view;
  view.head = head;
  const auto safe = node_.block(chain::Tag::kSafe);
  if (!safe) return safe.error();
  const auto settled = settled_block(view.head);
  if (!settled) return settled.error();
  view.settled = *settled;
  view.heights = {view.head.number, *safe ? (*safe)->number : 0, view.settled.number};
  // By hash, so that no other branch can answer; an endpoint without EIP-1898 is asked by height.
  view.settled_id = view.settled.hash;
  auto nonce = node_.transaction_count(key_.signer, view.settled_id);
  if (!nonce &&
      (nonce.error().kind == ErrorKind::kProtocol || nonce.error().kind == ErrorKind::kBadRequest)) {
    view.settled_id = view.settled.number;
    nonce = node_.transaction_count(key_.signer, view.settled_id);
  }
  if (!nonce) return nonce.error();
  view.settled_nonce = *nonce;
  const auto taken = node_.transaction_count(key_.signer, chain::Tag::kLatest);
  if (!taken) return taken.error();
  view.taken_nonce = std::max(*taken, *nonce);
  status_.finalized = view.settled.number;
  if (head.timestamp_s - view.settled.timestamp_s > kFinalityLagMaxS) {
    note("the settled block is " + std::to_string((head.timestamp_s - view.settled.timestamp_s) / 60) +
         " minutes behind the head: nothing becomes SETTLED until it moves");
  }
  return view;
}

Result<bool> Submitter::tick() {
  ++status_.ticks;
  const std::string before = status_.last_error;
  status_.last_error.clear();
  auto more = tick_inner();
  if (!more) {
    note(more.error());
    if (more.error().kind == ErrorKind::kFatal) reload_ = true; else more = false;
  }
  if (status_.last_error.empty()) note_runway();
  if (status_.last_error.empty() && !before.empty()) {
    logged_error_.clear();
    spdlog::info("vault {}: working again", options_.vault_name);
  }
  status_.open_slots = slots_.size();
  return more;
}

Result<bool> Submitter::tick_inner() {
  // What cannot be written down is not planned, and nothing is sent again either.
  if (auto ready = ledger_.ready(); !ready) return ready.error();
  if (auto started = start(); !started) return started.error();
  if (reload_) {
    if (auto loaded = reload(); !loaded) return loaded.error();
  }
  auto waiting = ledger_.queued(options_.chain_id, vault_.address(), 1);
  if (!waiting) return waiting.error();
  const bool probe_due = !options_.drain && clock_.mono_ns() >= probe_due_ns_;
  if (waiting->empty()) status_.queued = 0;
  const bool recovering = !options_.drain && (!caught_up_ || !fence_ || !fence_->open());
  if (slots_.empty() && waiting->empty() && !probe_due && !recovering && drains_.empty()) return false;

  const auto head = node_.block(chain::Tag::kLatest);
  if (!head) return head.error();
  if (!*head) return Error{ErrorKind::kRetryable, options_.vault_name, "the node has no latest block"};
  status_.head = (*head)->number;
  // Without a new block no receipt can have changed: most rounds end here, with one question asked.
  const bool new_head = (*head)->hash != tracked_head_;
  if (!new_head && waiting->empty() && !probe_due && !recovering && !anything_due(**head)) return false;
  if (!view_ || view_->head.hash != (*head)->hash) {
    if (auto r = new_view(**head); !r) return r.error();
  }
  bool more = false;
  canonical_.clear();
  if (new_head) {
    if (auto r = track(*view_, more); !r) return r.error();
  }
  if (auto r = send_due(*view_); !r) return r.error();
  forget_closed();
  if (auto r = tick_drains(); !r) return r.error();
  const auto may_plan = recover(*view_);
  if (!may_plan) return may_plan.error();
  if (!*may_plan) return more || (!options_.drain && !caught_up_);
  if (probe_due) {
    if (auto r = probe_blocked(); !r) return r.error();
  }
  if (!waiting->empty() || probe_due) {
    if (auto r = plan(*view_, more); !r) return r.error();
    const auto length = ledger_.queue_length(options_.chain_id, vault_.address(), kQueueCounted);
    if (!length) return length.error();
    status_.queued = *length;
  }
  if (auto r = watch(*view_); !r) return r.error();
  return more;
}

/// The chain at a head that was not looked at yet, and what follows from it for the signer.
Result<void> Submitter::new_view(const chain::Block& head) {
  view_.reset();
  auto view = look(head);
  if (!view) return view.error();
  if (auto stands = check_final(*view); !stands) return stands.error();
  fees_.reset();
  balance_.reset();
  std::erase_if(waiting_, [&](const auto& w) { return w.second.head + kPutOffHeads < head.number; });
  const auto next = ledger_.next_nonce(key_);
  if (!next) return next.error();
  if (*next && view->settled_nonce > **next) {
    status_.key_shared = true;
    note("the key was used elsewhere: its nonce is " + std::to_string(view->settled_nonce) + ", ours " +
         std::to_string(**next));
    if (auto r = ledger_.raise_nonce(key_, view->settled_nonce, "used elsewhere"); !r) return doubt(r.error());
  }
  view_ = std::move(*view);
  return {};
}

Result<Fees> Submitter::fresh() {
  if (!fees_) {
    const auto s = node_.suggest_fees();
    if (!s) return s.error();
    fees_ = *s;
  }
  return fresh_fees(*fees_, options_.fees);
}

Result<void> Submitter::sign_slot(Slot& slot, const Fees& fees, bool noop) {
  chain::Transaction tx;
  tx.chain_id = options_.chain_id;
  tx.nonce = slot.row.nonce;
  tx.tip = fees.tip;
  tx.max_fee = fees.max_fee;
  tx.gas_limit = noop ? kNoopGas : slot.row.gas_limit;
  tx.to = noop ? key_.signer : slot.row.call.to;
  if (!noop) tx.data = slot.row.call.calldata;
  auto made = chain::sign(tx, signer_);
  if (!made) return made.error();
  AttemptRow attempt{made->hash, noop, std::move(made->raw), fees.max_fee, fees.tip, tx.gas_limit};
  if (auto kept = ledger_.add_attempt(key_, slot.row.id, attempt); !kept) return doubt(kept.error());
  slot.row.attempts.push_back(std::move(attempt));
  if (slot.row.state == SlotState::kReserved) slot.row.state = SlotState::kSigned;
  slot.attempt_head = 0;
  return {};
}

Result<void> Submitter::broadcast(Slot& slot, const View& view) {
  if (auto r = whole(slot); !r) return r.error();
  const AttemptRow& attempt = slot.row.attempts.back();
  const auto answer = node_.send_raw(attempt.raw);
  ++status_.sent;
  slot.sent_head = view.head.number;
  if (slot.attempt_head == 0) slot.attempt_head = view.head.number;
  slot.sent_mono_ns = clock_.mono_ns();
  std::string text;
  if (!answer)
    text = answer.error().to_string();
  else if (answer->what != chain::SendClass::kAccepted)
    text = answer->message;
  if (auto kept = ledger_.mark_sent(key_, slot.row.id, attempt.hash, text); !kept) return doubt(kept.error());
  if (slot.row.state == SlotState::kSigned) slot.row.state = SlotState::kSent;
  if (!answer) {
    // A lost answer: the bytes may have been taken. Only the chain tells.
    note(answer.error(), slot.row.items.empty() ? nullptr : &slot.row.items.front());
    return {};
  }
  return handle_answer(slot, view, *answer);
}

Result<void> Submitter::handle_answer(Slot& slot, const View&, const chain::SendResult& answer) {
  const QueuedItem* item = slot.row.items.empty() ? nullptr : &slot.row.items.front();
  switch (after_send(answer.what, slot.row.attempts.size())) {
    case AfterSend::kTrack:
      if (answer.what == chain::SendClass::kPoolFull || answer.what == chain::SendClass::kUnknown) {
        note("nonce " + std::to_string(slot.row.nonce) + ": " + answer.message, item);
      }
      break;
    case AfterSend::kBump:
      slot.bump_now = slot.row.attempts.size() < options_.attempts_max;
      break;
    case AfterSend::kAlarm:
      status_.key_shared = true;
      note("another transaction holds nonce " + std::to_string(slot.row.nonce) +
               "; is the key used elsewhere? (" + answer.message + ")",
           item);
      break;
    case AfterSend::kHold:
      note("the signer cannot pay for gas: " + answer.message, item);
      if (const auto missing = gas_missing(0, 0); missing && *missing > 0) {
        status_.gas_missing = *missing;
        note_gas();
      }
      break;
    case AfterSend::kAbandon:
      note("nonce " + std::to_string(slot.row.nonce) + " cannot be mined as it is: " + answer.message,
           item);
      slot.abandon = answer.message.empty() ? "refused for good" : answer.message;
      if (slot.row.items.size() > 1) smaller_batches(slot.row.items.size());  // too much gas, or too many bytes
      break;
  }
  return {};
}

}  // namespace anduin::settle
