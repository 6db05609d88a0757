// How often the venue may be asked: the manifest's `rates`, tightened by what its answers say.
// In any `per_ms` never more than `tokens` leave, whichever way the venue counts (bucket, fixed or sliding
// window). RateLimiter: one instance, one thread at a time. HostBudgets: any thread, shared by all accounts
// of the process.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "venue/renderer.hpp"

namespace anduin::venue {

/// The answer to "may I call now?".
struct Permit {
  bool ready = false;          ///< the tokens are taken: call
  bool after_release = false;  ///< a serial class is busy: ask again when its call has ended
  std::int64_t delay_ms = 0;   ///< otherwise: ask again then
};

/// At most `tokens` in any `per_ms`, and nothing before a stated time. Not thread-safe.
class Budget {
 public:
  Budget(std::uint32_t tokens, std::int64_t per_ms) : tokens_(tokens), per_ms_(per_ms) {}
  Permit take(std::uint32_t cost, std::int64_t mono_ms);
  /// The venue says that `remaining` are left until `until_mono_ms`.
  void learn(std::uint32_t remaining, std::int64_t until_mono_ms);
  void block_until(std::int64_t mono_ms);
  [[nodiscard]] std::uint32_t tokens() const { return tokens_; }
  [[nodiscard]] std::int64_t per_ms() const { return per_ms_; }

 private:
  struct Spent {
    std::int64_t mono_ms;
    std::uint32_t cost;
  };
  std::uint32_t tokens_;
  std::int64_t per_ms_;
  std::deque<Spent> spent_;  ///< of the last per_ms: at most `tokens` entries
  std::uint64_t sum_ = 0;
  std::uint32_t learned_left_ = 0;
  std::int64_t learned_until_ = 0, blocked_until_ = 0;
};

/// Budgets that belong to this machine's address, by "venue/class", and bans of a whole venue.
class HostBudgets {
 public:
  Permit take(const std::string& key, std::uint32_t tokens, std::int64_t per_ms, std::uint32_t cost,
              std::int64_t mono_ms);
  void learn(const std::string& key, std::uint32_t remaining, std::int64_t until_mono_ms);
  void block(const std::string& key, std::int64_t until_mono_ms);
  void ban_venue(const std::string& venue, std::int64_t until_mono_ms);
  [[nodiscard]] std::int64_t banned_until(const std::string& venue) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Budget> budgets_;
  std::map<std::string, std::int64_t> bans_;
};

class RateLimiter {
 public:
  /// `rates` is the manifest's list (null for none); `venue` is the plugin's id; `host` may be shared.
  static Result<RateLimiter> create(const nlohmann::json& rates, std::string venue, Clock& clock,
                                    std::shared_ptr<HostBudgets> host);

  /// Takes `cost` tokens (0 counts as 1) of the class or says when to ask again. The empty class has no
  /// limit of its own, but waits for bans too. kBadRequest: no such class, or more than it can ever give.
  Result<Permit> acquire(std::string_view rate_class, std::uint32_t cost);
  /// A call of a serial class has ended, with or without an answer. Others: nothing happens.
  void release(std::string_view rate_class);
  /// AND_REC_RATE: remaining < 0 and reset_ms = 0 mean "not said"; reset_ms in the venue's time.
  Result<void> feed(std::string_view rate_class, std::int64_t remaining, std::int64_t reset_ms,
                    std::int64_t venue_ms);
  /// Status and headers of an answer: 429 blocks the class, 403 and 418 the venue for this host, each until
  /// the time the venue states (Retry-After, the class's reset header), else for a default.
  void on_reply(std::string_view rate_class, int status, const HeaderList& headers, std::int64_t venue_ms);

 private:
  struct Class {
    std::uint32_t tokens = 0;
    std::int64_t per_ms = 0;
    bool host = false, serial = false, busy = false;
    std::string key, remaining_header, reset_header;
    std::optional<Budget> own;
    unsigned refusals = 0;  ///< 429 in a row without a stated time
  };
  RateLimiter(std::string venue, Clock& clock, std::shared_ptr<HostBudgets> host);
  static Result<Class> parse_class(const nlohmann::json& entry, const std::string& where);
  [[nodiscard]] std::int64_t now_ms() const;
  void learn(Class& c, std::int64_t remaining, std::int64_t until_mono_ms);
  void block(Class& c, std::int64_t until_mono_ms);

  std::string venue_;
  Clock* clock_;
  std::shared_ptr<HostBudgets> host_;
  std::map<std::string, Class, std::less<>> classes_;
};

/// Milliseconds from now that a Retry-After header asks for (seconds or a date); nothing if not understood.
[[nodiscard]] std::optional<std::int64_t> retry_after_ms(std::string_view value, std::int64_t now_ms);

}  // namespace anduin::venue
