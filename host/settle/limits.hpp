// How much money flows: per item, user and day, venue and hour, all and hour, credits and seizures apart, against the
// operator's limits. Sums come from the settlement rows themselves, so that a restart forgets nothing; they are kept by
// the minute while the process runs, so that a close costs the same whatever the ledger holds.
// Thread: as the Database. Lifetime: a FlowBook belongs to one ledger; forget() after anything that was not committed.
#pragma once
#include <map>
#include <string>

#include "settle/db.hpp"
#include "settle/policy.hpp"

namespace anduin::settle {

inline constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 86'400'000;
/// Windows move in these steps: a close counts for its window and up to a minute more, never less.
inline constexpr std::int64_t kFlowStepMs = 60'000;

/// One close that would move money.
struct FlowItem {
  std::string account, venue, user;  ///< user as 0x..., EIP-55
  bool credit = false;
  bool dry_run = false;  ///< counted apart: what is only recorded does not use up what may be paid
  Decimal usd;           ///< magnitude
};

struct Flow {
  std::uint64_t count = 0;
  Decimal usd;
};

/// `paid`: what passed. `seen`: what was held, too, since the scope's breaker was last closed. A venue that runs wild is
/// held at the soft limit, so only `seen` tells how wild.
struct Flows {
  Flow paid, seen;
};

enum class FlowScope : std::uint8_t { kUser, kVenue, kGlobal };

class FlowBook {
 public:
  /// Throws ErrorException; reads the rows of the longest window in use the first time and after forget().
  Flows within(Database& db, const Policy& policy, FlowScope scope, const FlowItem& of, std::int64_t now_ms);
  /// After the close's own row was decided, in the same transaction.
  void add(const FlowItem& item, bool paid, std::int64_t now_ms);
  void forget() { keys_.clear(), loaded_ = false; }

 private:
  struct Window {
    std::map<std::int64_t, Flows> minutes;
    Flows total;
  };
  void load(Database& db, const Policy& policy, std::int64_t now_ms);
  void add(const FlowItem& item, FlowScope scope, bool paid, bool seen, std::int64_t at_ms);
  std::map<std::string, Window> keys_;
  bool loaded_ = false;
};

/// A breaker that must open, and why.
struct Opening {
  std::string scope, reason;
};

struct LimitVerdict {
  std::string hold;  ///< which limit and what figure; empty = within all
  std::vector<Opening> open;
};

/// Throws ErrorException (disk) and DecimalError (figures beyond 38 digits).
LimitVerdict check_limits(FlowBook& book, Database& db, const Policy& policy, const FlowItem& item, std::int64_t now_ms);

/// What a breaker stands for: "account:alice", "user:0x...", "venue:Bybit", "global".
std::string account_scope(const std::string& account);
std::string scope_text(FlowScope scope, const FlowItem& item);

}  // namespace anduin::settle
