// What one instance reports upward, before names are canonical and sizes are scaled. Called on the runner's thread,
// from inside a step: implementations note and return, they do not call the runner back.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/plugin.h"
#include "base/error.hpp"
#include "base/events.hpp"

namespace anduin::venue {

/// An INSTRUMENT record: base/events.hpp's Instrument without its canonical name.
struct InstrumentReport {
  std::uint32_t id = 0;
  Instrument instrument;             ///< codes are the venue's own
  std::vector<std::string> aliases;
  bool described = false;            ///< false: only the name is known so far
};

struct PriceReport {
  std::uint32_t instrument = 0;
  Decimal bid, ask, bid_size, ask_size;
  std::int64_t venue_ms = 0;  ///< 0 = not said or unusable
  std::uint64_t received_mono_ns = 0;
  std::int64_t received_ms = 0;
};

/// A FUNDING record: a fraction of one interval, positive where longs pay.
struct FundingReport {
  std::uint32_t instrument = 0;
  Decimal rate;
  std::optional<Decimal> next_rate;
  std::int64_t due_ms = 0, venue_ms = 0;  ///< 0 = not said
};

/// A CLOSE_POS record; `position.symbol` is the native name still.
struct CloseReport {
  ClosedPosition position;
  bool size_in_contracts = true;
  std::uint64_t ref_seq = 0;  ///< the input that it came from; CloseResult names it
};

/// What the ledger did with a close that an inbound request reported (AND_IN_CLOSE_RESULT).
struct CloseResult {
  std::uint64_t ref_seq = 0;
  std::string id, outcome;  ///< accepted, duplicate, conflict, held, refused
  std::string ref_id, reason;
};

enum class FeedState : std::uint8_t { kReady, kResync, kFailed };

/// An ACCOUNT record: whose key it is and what it may do; the three-valued fields are AND_TRI_*.
struct AccountReport {
  std::string uid, detail;
  std::uint32_t can_trade = 0, can_withdraw = 0, can_transfer = 0, ip_bound = 0, sub_account = 0;
  std::int64_t expires_ms = 0;  ///< 0 = none or not said
};

class RunnerEvents {
 public:
  virtual ~RunnerEvents() = default;
  virtual void on_instrument(const InstrumentReport&) {}
  virtual void on_price(const PriceReport&) {}
  /// This instrument has no two-sided quote now; `disconnected`: the connection that quoted it last is gone.
  virtual void on_withdrawn(std::uint32_t instrument, bool disconnected) { (void)instrument, (void)disconnected; }
  virtual void on_funding(const FundingReport&) {}
  virtual void on_close(CloseReport) {}
  virtual void on_watermark(std::string cursor, std::uint32_t version) { (void)cursor, (void)version; }
  virtual void on_balance(const Balance&) {}
  virtual void on_status(std::string_view feed, FeedState, std::string_view detail) { (void)feed, (void)detail; }
  virtual void on_coverage(std::int64_t from_ms, std::int64_t to_ms, bool proven, std::string_view reason) {
    (void)from_ms, (void)to_ms, (void)proven, (void)reason;
  }
  virtual void on_account(const AccountReport&) {}
  /// The plugin's answer to an inbound request.
  virtual void on_reply(std::uint32_t inbound, int status, std::string_view content_type, std::string_view body) {
    (void)inbound, (void)status, (void)content_type, (void)body;
  }
  /// Closes and watermark of one step are complete: commit them together.
  virtual void on_step_end() {}
  /// Something went wrong that a person may want to see; the instance goes on unless `fatal`.
  virtual void on_error(const Error&, bool fatal) { (void)fatal; }
  virtual void on_connection(std::uint32_t connection, bool open, std::string_view detail) {
    (void)connection, (void)open, (void)detail;
  }
};

}  // namespace anduin::venue
