#include "chain/rpc_health.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace anduin::chain {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
std::uint64_t ns(std::int64_t ms) { return static_cast<std::uint64_t>(ms) * kMs; }

/// Weight of the newest latency: 1/8, as TCP smooths its round trip.
constexpr std::int64_t kSmoothing = 8;

}  // namespace

const char* to_string(EndpointState s) {
  switch (s) {
    case EndpointState::kHealthy: return "healthy";
    case EndpointState::kLagging: return "lagging";
    case EndpointState::kStale: return "stale";
    case EndpointState::kUntrue: return "untrue";
    case EndpointState::kPaused: return "paused";
    case EndpointState::kFailing: return "failing";
    case EndpointState::kBanned: return "banned";
    case EndpointState::kUnchecked: break;
  }
  return "unchecked";
}

void EndpointHealth::set(EndpointState state, std::string why) {
  const bool good = state == EndpointState::kHealthy;
  if (state != status_.state && !(good && status_.state == EndpointState::kUnchecked)) {
    // A little behind, and back, is every day's business.
    if (state == EndpointState::kLagging || status_.state == EndpointState::kLagging)
      spdlog::debug("[{}] {}", status_.name, to_string(state));
    else if (good)
      spdlog::info("[{}] healthy again", status_.name);
    else if (state == EndpointState::kBanned)
      spdlog::error("[{}] banned: {}", status_.name, why);
    else
      spdlog::warn("[{}] {}: {}", status_.name, to_string(state), why);
  }
  status_.state = state;
  status_.why = good ? std::string() : std::move(why);
}

void EndpointHealth::answered(std::uint64_t, std::uint64_t took_ns) {
  ++status_.calls;
  const auto us = static_cast<std::int64_t>(took_ns / 1'000);
  status_.latency_us = status_.latency_us == 0 ? us : status_.latency_us + (us - status_.latency_us) / kSmoothing;
  failures_ = 0;
  pause_ms_ = 0;
  const bool was_out = pause_until_ns_ != 0 || status_.state == EndpointState::kFailing;
  pause_until_ns_ = 0;
  if (was_out && !banned_ && checked_) set(EndpointState::kHealthy, {});
}

void EndpointHealth::failed(std::uint64_t now_ns, std::uint64_t took_ns, const Error& error) {
  ++status_.calls;
  ++status_.failures;
  failures_ += took_ns >= ns(kSlowFailureMs) ? kFailuresMax : 1;
  if (now_ns < pause_until_ns_ || banned_) return;  // an answer to a question from before the pause
  const bool again = pause_until_ns_ != 0;
  std::int64_t pause = 0;
  if (again || failures_ >= kFailuresMax)
    pause = pause_ms_ = pause_ms_ == 0 ? kPauseMs : std::min(pause_ms_ * 2, kPauseMsMax);
  else if (error.kind == ErrorKind::kRetryableAfter)
    pause = error.retry_after_ms;  // the endpoint's own wish
  if (pause == 0) return;
  if (alone_) return set(EndpointState::kFailing, error.text);
  pause_until_ns_ = now_ns + ns(pause);
  set(EndpointState::kPaused, "for " + std::to_string(pause / 1'000) + " s after: " + error.text);
}

void EndpointHealth::chain(std::uint64_t now_ns, std::uint64_t expected, std::uint64_t got) {
  checked_ = true;
  banned_ = got != expected;
  banned_until_ns_ = banned_ ? now_ns + ns(kRecheckMs) : 0;
  if (banned_)
    set(EndpointState::kBanned, "it answers for chain " + std::to_string(got) + ", not " + std::to_string(expected));
  else if (status_.state == EndpointState::kUnchecked || status_.state == EndpointState::kBanned)
    set(EndpointState::kHealthy, {});
}

void EndpointHealth::Height::note(std::uint64_t now_ns, bool moved) {
  answered_ns = now_ns;
  if (!moved) return;
  moved_ns = now_ns;
  behind_since_ns = 0;
}

bool EndpointHealth::Height::stands(std::uint64_t now_ns, bool behind, std::uint64_t allowed_ns) {
  if (!behind) behind_since_ns = 0;
  else if (behind_since_ns == 0) behind_since_ns = now_ns;
  return behind_since_ns != 0 && answered_ns > behind_since_ns + allowed_ns;
}

void EndpointHealth::head(std::uint64_t now_ns, std::uint64_t number) {
  head_.note(now_ns, number != status_.head);
  status_.head = number;
}

void EndpointHealth::finalized(std::uint64_t now_ns, std::uint64_t number) {
  finalized_.note(now_ns, number != status_.finalized);
  status_.finalized = number;
}

void EndpointHealth::untrue(std::uint64_t now_ns, const std::string& what) {
  if (++untrue_ < kUntrueMax) return;
  untrue_until_ns_ = now_ns + ns(kRecheckMs);
  set(EndpointState::kUntrue, what);
}

void EndpointHealth::compare(std::uint64_t now_ns, const Others& others) {
  if (banned_ || pause_until_ns_ != 0 || !checked_ || status_.state == EndpointState::kFailing) return;
  if (untrue_until_ns_ > now_ns) return;
  untrue_until_ns_ = 0;
  const std::uint64_t allowed = ns(std::max(kStaleHeadMs, kStaleHeadBlocks * others.block_ms));
  const bool head_stands = head_.stands(now_ns, others.best_head > status_.head, allowed);
  const bool finalized_stands =
      finalized_.stands(now_ns, others.best_finalized > status_.finalized, ns(kStaleFinalizedMs));
  if (head_stands) return set(EndpointState::kStale, "its head stands at block " + std::to_string(status_.head));
  if (finalized_stands)
    return set(EndpointState::kStale, "its finalized block stands at " + std::to_string(status_.finalized));
  if (status_.head != 0 && others.best_head > status_.head + kLagBlocks)
    return set(EndpointState::kLagging,
               std::to_string(others.best_head - status_.head) + " blocks behind the best head");
  set(EndpointState::kHealthy, {});
}

bool EndpointHealth::probe_due(std::uint64_t now_ns) const {
  if (banned_) return now_ns >= banned_until_ns_;
  return pause_until_ns_ != 0 && now_ns >= pause_until_ns_;
}

EndpointStatus EndpointHealth::status(std::uint64_t now_ns) const {
  EndpointStatus out = status_;
  if (head_.moved_ns != 0 && now_ns > head_.moved_ns)
    out.head_age_ms = static_cast<std::int64_t>((now_ns - head_.moved_ns) / kMs);
  return out;
}

}  // namespace anduin::chain
