// One account: its private instance, the completion of its closes (name, size, uid), their way into the ledger.
// Nothing is acknowledged before it is durable; what cannot be completed yet waits and holds the watermark back.
// Thread: the loop's. Lifetime: everything referred to outlives it; destroyed on the loop after the writer stopped.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "market/symbols.hpp"
#include "pipeline/public_venue.hpp"
#include "pipeline/webhook.hpp"
#include "settle/ledger.hpp"
#include "settle/ledger_writer.hpp"

namespace anduin::pipeline {

class AccountFeed {
 public:
  static Result<std::unique_ptr<AccountFeed>> start(VenueShared shared, const AccountSettings& settings,
                                                    const PublicVenue& venue, const market::Instruments& registry,
                                                    settle::Ledger& ledger, settle::LedgerWriter& writer,
                                                    const settle::AccountInfo& info);
  ~AccountFeed();

  /// A request of this account's key, authenticated. On the loop; `answer` runs once, there, or never.
  void inbound(const InboundRequest& request, Webhook::Answer answer);

  struct Health {
    bool ready = false, refused = false;
    std::uint64_t losses = 0;
    std::size_t waiting = 0;  ///< closes that wait for a uid or an instrument
    std::string problem;
  };
  [[nodiscard]] Health health() const;
  [[nodiscard]] const std::string& name() const;

 private:
  class Impl;
  explicit AccountFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The ledger's word on an inbound close, as AND_IN_CLOSE_RESULT tells it: dry runs and closes without an amount count as
/// accepted, what an account's settle_from leaves out as refused.
venue::CloseResult close_result(std::uint64_t ref_seq, std::string id, const settle::CloseOutcome& outcome);

/// Who vouches for an account's closes: what the pipeline file says, else what its venue's manifest implies.
bool is_trusted(const plugin::Manifest& manifest, const AccountSettings& account);

/// Completes a close from its instrument: canonical name, kind, base coin, size in base units (USD on inverse). `known`
/// null: the venue's list does not have it; it is kept under its native name and held for a person.
void complete_close(venue::CloseReport& report, const Instrument* known, const std::string& frozen);

}  // namespace anduin::pipeline
