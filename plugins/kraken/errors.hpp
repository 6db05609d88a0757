// What Kraken's error answers mean, and requests that are repeated until they are answered or refused for good.
// Thread and lifetime: those of the account instance.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "account.hpp"

namespace anduin::kraken {

enum class Verdict : std::uint8_t {
  kOk,
  kFatal,      ///< the key is wrong, or lacks a right: a person has to act
  kDenied,     ///< this call is not permitted for the key
  kNonce,      ///< once more with a higher nonce, then fatal
  kLockout,    ///< about 15 minutes; every try extends it
  kRateLimit,  ///< wait
  kRetry,      ///< the venue is busy, or not reachable
};

struct Judgement {
  Verdict verdict = Verdict::kOk;
  std::string text;          ///< the venue's words
  std::int64_t wait_ms = 0;  ///< for kRateLimit and kLockout
};

/// Spot: HTTP 200 with a non-empty `error` list; entries that begin with W are warnings.
Judgement judge_spot(const venue::Reply& reply, std::int64_t now_ms);
/// Futures: `result: error`, or the bare HTTP status of the history service.
Judgement judge_futures(const venue::Reply& reply);

/// A signed request that is repeated with growing pauses.
struct Call {
  std::string endpoint, target, method = "GET", body, headers, sign, rate;
  std::uint32_t cost = 1;
  bool spot = false;
  /// The good answer. A BadFrame from here counts as a failed try.
  std::function<void(RequestId, const venue::Reply&)> done;
  /// A try failed. True ends the call. Called for fatal answers too, where the call ends in any case.
  std::function<bool(const Judgement&, int tries)> failed = {};
};

/// A signed POST of Kraken spot; `args` are form fields behind the nonce.
Call spot_call(const std::string& path, const std::string& args, std::uint32_t cost);
/// A signed GET of Kraken futures.
Call futures_call(const std::string& path, const std::string& query, const std::string& rate, std::uint32_t cost);

/// Sends it. Fatal answers end in failed("positions", ...) and AuthRefused.
void send_call(Account& host, Call call);

/// Runs a fatal end: tells the host what a person has to do, and throws AuthRefused.
[[noreturn]] void refuse_key(Account& host, bool spot, const std::string& words);

}  // namespace anduin::kraken
