// An earlier signer's open slots, followed to their end by a submitter of their own that plans nothing. Internal to the
// submitter, which owns it and ticks it. What its owner refers to outlives it.
#pragma once
#include "settle/submitter.hpp"

namespace anduin::settle {

/// The address of a key that is not here: its signed bytes are followed and sent again, nothing new is signed.
class AbsentSigner final : public chain::Signer {
 public:
  explicit AbsentSigner(const Address& address) : address_(address) {}
  [[nodiscard]] const Address& address() const override { return address_; }
  Result<chain::Signature> sign(const Hash&) override {
    return Error{ErrorKind::kRetryable, address_.to_string(),
                 "the key of this earlier signer is not here, and a slot of it needs it: run once with that key"};
  }
  [[nodiscard]] bool deterministic() const override { return true; }

 private:
  Address address_;
};

struct Submitter::Drain {
  AbsentSigner signer;
  Submitter submitter;
  Drain(const Address& who, const SubmitterOptions& options, Submitter& owner)
      : signer(who),
        submitter(options, owner.ledger_, owner.vault_, owner.node_, signer, owner.clock_,
                  &owner.executor_ == &owner.direct_ ? nullptr : &owner.executor_) {}
};

}  // namespace anduin::settle
