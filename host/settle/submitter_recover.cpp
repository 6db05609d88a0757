// Before anything is planned: what the chain did without us, the fence after a restored copy, and slots that another
// signer of this vault left open.
#include <algorithm>

#include "base/log.hpp"
#include "settle/submitter_drain.hpp"

namespace anduin::settle {
namespace {

/// A plain transfer to oneself.
constexpr std::uint64_t kNoopGas = 21'000;
/// A lost host had at most this many nonces outside of blocks (SubmitterOptions::in_flight_max of any host).
constexpr std::uint64_t kFenceSlots = 16;

}  // namespace

Result<void> Submitter::find_drains() {
  if (options_.drain) return {};
  const auto others = ledger_.other_signers(key_, vault_.address());
  if (!others) return others.error();
  for (const Address& who : *others) {
    const bool known = std::any_of(drains_.begin(), drains_.end(), [&](const auto& d) { return d->signer.address() == who; });
    if (known) continue;
    SubmitterOptions options = options_;
    options.drain = true;
    options.vault_name += ", earlier signer " + who.to_string();
    drains_.push_back(std::make_unique<Drain>(who, options, *this));
    spdlog::warn("vault {}: signer {} left slots open; they are followed to their end, their items wait for it",
                 options_.vault_name, who.to_string());
  }
  return {};
}

Result<void> Submitter::tick_drains() {
  for (auto& d : drains_) {
    const auto done = d->submitter.tick();
    if (!done) return done.error();
    const auto& s = d->submitter.status();
    if (s.open_slots > 0)
      note("earlier signer " + d->signer.address().to_string() + " has " + std::to_string(s.open_slots) + " open slots" +
           (s.last_error.empty() ? "" : ": " + s.last_error));
  }
  std::erase_if(drains_, [&](const auto& d) {
    if (!d->submitter.started_ || d->submitter.reload_ || !d->submitter.slots_.empty()) return false;
    status_.settled += d->submitter.status().settled;
    spdlog::info("vault {}: every slot of the earlier signer {} is over", options_.vault_name, d->signer.address().to_string());
    return true;
  });
  return {};
}

// No-ops take every nonce that the lost ledger may have signed something for. Until all of them are used at the
// settled block, by us or by what was lost, an item sent again could meet its own lost transaction.
Result<bool> Submitter::pass_fence(const View& view) {
  if (!fence_) {
    const auto fence = ledger_.fence(key_);
    if (!fence) return fence.error();
    fence_ = *fence;
  }
  if (fence_->open()) return true;
  if (fence_->wanted) {
    const auto count = node_.transaction_count(key_.signer, chain::Tag::kLatest);
    if (!count) return count.error();
    const std::uint64_t until = std::max(*count, view.settled_nonce) + std::max<std::uint64_t>(kFenceSlots, options_.in_flight_max);
    const std::string why = "a copy was restored: nonces below may have been signed by the lost ledger";
    if (auto kept = ledger_.set_fence(key_, until, why); !kept) return kept.error();
    fence_ = Fence{false, until};
  }
  for (;;) {
    const auto next = ledger_.next_nonce(key_);
    if (!next) return next.error();
    if (!*next || **next >= *fence_->until || !has_room()) break;
    const auto paid = can_pay(kNoopGas);
    if (!paid) return paid.error();
    if (!*paid) break;
    if (auto sent = launch({}, Call{key_.signer, {}}, kNoopGas, view); !sent) return sent.error();
  }
  if (view.settled_nonce < *fence_->until) {
    note("a restored ledger: nothing is planned before nonce " + std::to_string(*fence_->until - 1) + " is settled, it is at " +
         std::to_string(view.settled_nonce));
    return false;
  }
  if (auto kept = ledger_.set_fence(key_, {}, "every nonce of before the restore is settled"); !kept) return kept.error();
  fence_ = Fence{};
  return true;
}

Result<void> Submitter::read_events(const View& view) {
  const auto read = recovery_.step(key_, view.settled, view.settled_id);
  if (!read) return read.error();
  if (recovery_.foreign() > status_.foreign_events)
    spdlog::error("vault {}: {} settlements on the chain have no row in this ledger: closes that have yet to be fetched "
                  "again, or somebody else who settles", options_.vault_name, recovery_.foreign());
  status_.foreign_events = recovery_.foreign();
  caught_up_ = caught_up_ || *read;
  return {};
}

Result<bool> Submitter::recover(const View& view) {
  if (options_.drain) return false;  // an earlier signer plans nothing
  if (!caught_up_) {
    if (auto found = find_drains(); !found) return found.error();
    if (auto read = read_events(view); !read) return read.error();
  }
  if (!caught_up_) {
    note("reading the vault's events, at block " + std::to_string(recovery_.read_to().value_or(0)) + ", before anything is planned");
    return false;
  }
  return pass_fence(view);
}

Result<void> Submitter::watch(const View& view) {
  if (recovery_.read_to() && *recovery_.read_to() >= view.settled.number) return {};
  return read_events(view);
}

}  // namespace anduin::settle
