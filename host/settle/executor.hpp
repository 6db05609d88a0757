// How a call to the vault becomes the call of a transaction: by the signer itself, or inside the call of another
// contract (a Safe). The submitter owns nonce, bytes and outcome; the executor only wraps and reads.
// Thread: the submitter's. Lifetime: it outlives the submitter that uses it.
#pragma once
#include <span>

#include "settle/ledger.hpp"

namespace anduin::settle {

/// What wrap() may know: the chain through the node, and what of ours is still open.
struct WrapContext {
  chain::Node& node;
  chain::Block head;                     ///< the head of this round
  chain::BlockId settled;                ///< the block at and below which outcomes are final
  std::span<const SlotRow* const> open;  ///< not FINAL and not LOST, lowest nonce first
};

/// What became of the vault call in a transaction that has a receipt.
struct Executed {
  bool done = false;  ///< the vault call ran to its end; items may still have been skipped by the vault
  std::string why;    ///< when not done, in words, as far as the receipt tells; may be empty
};

/// How many slots may be open towards the chain at the same time.
struct InFlight {
  std::size_t max = 16;      ///< never more than the submitter's own in_flight_max
  bool until_final = false;  ///< true: a mined slot counts until it is FINAL; false: until it is in a block
};

/// The contract with the submitter, in the order of a slot's life:
/// 1. The vault sees caller() as msg.sender: role probe, simulations and the search for a revert's reason use it.
///    Where the vault has no batch function and packs() says yes, several calls go into one wrap().
/// 2. wrap() is asked once for a slot, before the nonce is reserved; what it returns is the slot's payload for ever:
///    every attempt (resend, fee bump) signs exactly these bytes. Only the no-op that gives a nonce up is another.
/// 3. An Error of wrap() leaves the items QUEUED, no nonce is used, and its text is the vault's visible status:
///    kRetryable: asked again, for the same items as long as all of them are QUEUED, so that signatures collected for
///    them stay good; kBadRequest: the same, a person must act (too few owners); kFatal stops the submitter.
/// 4. The submitter moves items to another slot only when the first slot is over at the settled block AND usedRefIds
///    there says no. Bytes that a third party could still execute after that (a SafeTx whose Safe nonce was not
///    consumed) are the executor's: wrap() must make the new payload exclude the old one, by taking the same inner
///    nonce, or answer kRetryable until the old one cannot run any more.
/// 5. read() judges the transaction as a whole; what became of each item is judged by the item's own event and
///    usedRefIds, never by read() alone.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Who the vault sees.
  [[nodiscard]] virtual const Address& caller() const = 0;
  [[nodiscard]] virtual InFlight in_flight() const = 0;
  /// Whether wrap() makes one call of several, which run in their order, all or none. Asked once; errors as wrap().
  virtual Result<bool> packs(chain::Node&) { return false; }
  /// The outer call of `inner`: one call to the vault, or several where packs() says so. May talk to the node and to
  /// key backends.
  virtual Result<Call> wrap(std::span<const Call> inner, const WrapContext& context) = 0;
  /// The receipt of a transaction that carried `outer`. No I/O.
  [[nodiscard]] virtual Executed read(const Call& outer, const chain::Receipt& receipt) const = 0;
};

/// The signer calls the vault.
class DirectExecutor final : public Executor {
 public:
  explicit DirectExecutor(const Address& signer) : signer_(signer) {}
  [[nodiscard]] const Address& caller() const override { return signer_; }
  [[nodiscard]] InFlight in_flight() const override { return {kUnlimited, false}; }
  Result<Call> wrap(std::span<const Call> inner, const WrapContext&) override { return inner.front(); }
  [[nodiscard]] Executed read(const Call&, const chain::Receipt& receipt) const override {
    return {receipt.success, receipt.success ? "" : "reverted"};
  }

 private:
  static constexpr std::size_t kUnlimited = 1'000'000;  ///< the submitter's own bound decides
  Address signer_;
};

}  // namespace anduin::settle
