// A reorg below the settled block: noticed, stopped at, and undone by an operator.
#include "base/log.hpp"
#include "settle/submitter.hpp"

namespace anduin::settle {
namespace {

/// FINAL slots read from the ledger at a time on the way down to one that still stands.
constexpr std::size_t kPage = 64;

}  // namespace

/// A block's hash stands for all blocks below it: one look at the newest FINAL slot proves all of them.
Result<void> Submitter::check_final(const View& view) {
  if (!newest_final_known_) {
    const auto newest = ledger_.final_slots(key_, UINT64_MAX, 1);
    if (!newest) return newest.error();
    newest_final_ = newest->empty() ? std::nullopt : std::optional(newest->front());
    newest_final_known_ = true;
  }
  if (!newest_final_ || checked_settled_ == view.settled.hash) return {};
  const ClosedSlot& slot = *newest_final_;
  if (view.head.number < slot.block_number)
    return Error{ErrorKind::kRetryable, options_.vault_name,
                 "the node's head is below block " + std::to_string(slot.block_number) + ", which was final"};
  const auto block = node_.block(slot.block_number);
  if (!block) return block.error();
  if (!*block)
    return Error{ErrorKind::kRetryable, options_.vault_name,
                 "the node does not show block " + std::to_string(slot.block_number) + ", which was final"};
  if ((*block)->hash == slot.block_hash) {
    checked_settled_ = view.settled.hash;
    status_.stopped.clear();
    return {};
  }
  const std::string text = "STOPPED: block " + std::to_string(slot.block_number) + " of nonce " +
                           std::to_string(slot.nonce) + " was final as " + slot.block_hash.to_string() +
                           " and is another one now. Nothing is sent. When the chain has settled: anduin ctl reopen " +
                           options_.vault_name;
  if (status_.stopped != text) spdlog::error("vault {}: {}", options_.vault_name, text);
  status_.stopped = text;
  return Error{ErrorKind::kRetryable, options_.vault_name, text};
}

Result<std::size_t> Submitter::reopen(const std::string& actor, const std::string& reason) {
  if (reason.empty()) return Error{ErrorKind::kBadRequest, options_.vault_name, "say why"};
  if (auto started = start(); !started) return started.error();
  std::vector<ClosedSlot> gone;
  for (bool stands = false; !stands;) {
    const auto page = ledger_.final_slots(key_, gone.empty() ? UINT64_MAX : gone.back().nonce, kPage);
    if (!page) return page.error();
    for (const ClosedSlot& slot : *page) {
      const auto block = node_.block(slot.block_number);
      if (!block) return block.error();
      stands = *block && (*block)->hash == slot.block_hash;
      if (stands) break;
      gone.push_back(slot);
    }
    if (page->size() < kPage) break;
  }
  if (gone.empty())
    return Error{ErrorKind::kBadRequest, options_.vault_name, "every FINAL slot is in the chain: nothing to reopen"};
  // A nonce that somebody else had consumed may be free again, and everything above it waits for it.
  const auto count = node_.transaction_count(key_.signer, chain::Tag::kLatest);
  if (!count) return count.error();
  const auto lost = ledger_.lost_slots(key_, *count);
  if (!lost) return lost.error();
  gone.insert(gone.end(), lost->begin(), lost->end());
  if (auto done = ledger_.reopen(key_, gone, actor, reason); !done) return done.error();
  spdlog::warn("vault {}: {} reopened {} slots: {}", options_.vault_name, actor, gone.size(), reason);
  newest_final_known_ = false;
  checked_settled_ = {};
  recovery_.begin_again();
  caught_up_ = false;
  view_.reset();
  reload_ = true;
  status_.stopped.clear();
  return gone.size();
}

}  // namespace anduin::settle
