// The health of one RPC endpoint: what its answers so far say about using it. Plain state without I/O; the
// caller passes the time and keeps it to one thread at a time.
#pragma once
#include <optional>
#include <string>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::chain {

enum class EndpointState : std::uint8_t {
  kUnchecked,  ///< nothing asked yet
  kHealthy,
  kLagging,    ///< behind the best head: asked last
  kStale,      ///< its head or its finalized block stands while others move: asked nothing that decides
  kUntrue,     ///< showed receipts of blocks that are not in the chain
  kPaused,     ///< failed repeatedly: not asked until the pause is over
  kFailing,    ///< the same of the only endpoint, which is asked all the same
  kBanned,     ///< answers for another chain
};
const char* to_string(EndpointState s);

struct EndpointStatus {
  std::string name;  ///< scheme, host and port; no credentials
  EndpointState state = EndpointState::kUnchecked;
  std::string why;  ///< empty when healthy
  std::uint64_t head = 0, finalized = 0;
  std::int64_t head_age_ms = 0;  ///< since its head last moved; 0 = no head yet
  std::int64_t latency_us = 0;   ///< smoothed
  std::uint64_t calls = 0, failures = 0;
};

/// Consecutive failures that pause an endpoint, and for how long; doubled each time it fails again at once
/// (settlement.md section 11).
inline constexpr unsigned kFailuresMax = 3;
inline constexpr std::int64_t kPauseMs = 60'000, kPauseMsMax = 16 * 60'000;
/// A failure that took this long costs the whole budget: three of them would hold everything up for half a
/// minute.
inline constexpr std::int64_t kSlowFailureMs = 5'000;
/// A head is stale when it stands this long, and this many block times, while another endpoint's moves.
inline constexpr std::int64_t kStaleHeadMs = 30'000;
inline constexpr std::int64_t kStaleHeadBlocks = 3;
/// OP-stack chains finalize after 13 to 30 minutes.
inline constexpr std::int64_t kStaleFinalizedMs = 45 * 60'000;
/// Blocks behind the best head that are more than the jitter of propagation.
inline constexpr std::uint64_t kLagBlocks = 3;
/// Receipts of blocks outside the chain before an endpoint is distrusted: a reorg shows an honest one
/// between two branches for a moment.
inline constexpr unsigned kUntrueMax = 3;
/// Another look at a banned or distrusted endpoint.
inline constexpr std::int64_t kRecheckMs = 10 * 60'000;

class EndpointHealth {
 public:
  /// `alone`: there is no other to ask instead, so it is never paused.
  EndpointHealth(std::string name, bool alone) : alone_(alone) { status_.name = std::move(name); }

  void answered(std::uint64_t now_ns, std::uint64_t took_ns);
  void failed(std::uint64_t now_ns, std::uint64_t took_ns, const Error& error);
  void chain(std::uint64_t now_ns, std::uint64_t expected, std::uint64_t got);
  void head(std::uint64_t now_ns, std::uint64_t number);
  void finalized(std::uint64_t now_ns, std::uint64_t number);
  void untrue(std::uint64_t now_ns, const std::string& what);
  void truthful() { untrue_ = 0; }
  /// The best of all; `block_ms` 0 = not known.
  struct Others {
    std::uint64_t best_head = 0, best_finalized = 0;
    std::int64_t block_ms = 0;
  };
  void compare(std::uint64_t now_ns, const Others& others);

  [[nodiscard]] bool paused() const { return pause_until_ns_ != 0; }
  /// The pause is over or the ban due for another look: one probe may be sent.
  [[nodiscard]] bool probe_due(std::uint64_t now_ns) const;
  [[nodiscard]] bool checked() const { return checked_; }
  [[nodiscard]] std::uint64_t head_number() const { return status_.head; }
  [[nodiscard]] std::uint64_t finalized_number() const { return status_.finalized; }
  [[nodiscard]] EndpointState state() const { return status_.state; }
  [[nodiscard]] EndpointStatus status(std::uint64_t now_ns) const;

 private:
  void set(EndpointState state, std::string why);
  const bool alone_;
  EndpointStatus status_;
  bool checked_ = false, banned_ = false;
  unsigned failures_ = 0, untrue_ = 0;
  std::uint64_t pause_until_ns_ = 0, untrue_until_ns_ = 0, banned_until_ns_ = 0;
  std::int64_t pause_ms_ = 0;
  /// A height of this endpoint: since when others are ahead of it without its moving.
  struct Height {
    std::uint64_t moved_ns = 0, answered_ns = 0, behind_since_ns = 0;
    void note(std::uint64_t now_ns, bool moved);
    /// It stood still for longer than `allowed_ns` while another was ahead. Measured at its own answers: one
    /// that was not asked for an hour has not stood still for an hour.
    bool stands(std::uint64_t now_ns, bool behind, std::uint64_t allowed_ns);
  };
  Height head_, finalized_;
};

}  // namespace anduin::chain
