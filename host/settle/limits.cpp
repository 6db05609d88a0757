#include "settle/limits.hpp"

namespace anduin::settle {
namespace {

constexpr FlowScope kScopes[] = {FlowScope::kUser, FlowScope::kVenue, FlowScope::kGlobal};

std::int64_t window_ms(FlowScope scope) { return scope == FlowScope::kUser ? kDayMs : kHourMs; }

const Limit& limit_of(const FlowLimits& limits, FlowScope scope) {
  return scope == FlowScope::kUser ? limits.user_day : scope == FlowScope::kVenue ? limits.venue_hour : limits.global_hour;
}

const char* key_of(FlowScope scope) {
  return scope == FlowScope::kUser ? "user_day" : scope == FlowScope::kVenue ? "venue_hour" : "global_hour";
}

std::string book_key(const FlowItem& item, FlowScope scope) {
  return scope_text(scope, item) + (item.credit ? " credits" : " seizures") + (item.dry_run ? " dry-run" : "");
}

void count_in(Flow& flow, const Decimal& usd) {
  ++flow.count;
  flow.usd = flow.usd + usd;
}

void take_out(Flow& from, const Flow& what) {
  from.count -= what.count;
  from.usd = from.usd - what.usd;
}

/// "policy.credits.venue_hour.soft_usd: 1200 USD of venue:Bybit with this one, the limit is 1000"
std::string words(const std::string& key, const std::string& figure, const std::string& of, const std::string& limit) {
  return "limit: " + key + ": " + figure + " " + of + " with this one, the limit is " + limit;
}

struct Figures {
  std::string soft, hard;  ///< why it is beyond, empty = it is not
};

Figures compare(const Limit& limit, const std::string& key, const std::string& of, const Flows& before, const Decimal& usd) {
  Figures out;
  const Decimal paid = before.paid.usd + usd, seen = before.seen.usd + usd;
  if (limit.soft_usd && paid > *limit.soft_usd)
    out.soft = words(key + ".soft_usd", paid.to_string() + " USD", of, limit.soft_usd->to_string());
  else if (limit.soft_count && before.paid.count + 1 > *limit.soft_count)
    out.soft = words(key + ".soft_count", std::to_string(before.paid.count + 1) + " closes", of, std::to_string(*limit.soft_count));
  if (limit.hard_usd && seen > *limit.hard_usd)
    out.hard = words(key + ".hard_usd", seen.to_string() + " USD", of, limit.hard_usd->to_string());
  else if (limit.hard_count && before.seen.count + 1 > *limit.hard_count)
    out.hard = words(key + ".hard_count", std::to_string(before.seen.count + 1) + " closes", of, std::to_string(*limit.hard_count));
  return out;
}

}  // namespace

std::string account_scope(const std::string& account) { return "account:" + account; }

std::string scope_text(FlowScope scope, const FlowItem& item) {
  if (scope == FlowScope::kUser) return "user:" + item.user;
  if (scope == FlowScope::kVenue) return "venue:" + item.venue;
  return "global";
}

void FlowBook::add(const FlowItem& item, FlowScope scope, bool paid, bool seen, std::int64_t at_ms) {
  Window& window = keys_[book_key(item, scope)];
  Flows& minute = window.minutes[at_ms / kFlowStepMs];
  if (paid) count_in(minute.paid, item.usd), count_in(window.total.paid, item.usd);
  if (seen) count_in(minute.seen, item.usd), count_in(window.total.seen, item.usd);
}

void FlowBook::add(const FlowItem& item, bool paid, std::int64_t now_ms) {
  if (!loaded_) return;  // the row itself will be read
  for (const FlowScope scope : kScopes) add(item, scope, paid, true, now_ms);
}

void FlowBook::load(Database& db, const Policy& policy, std::int64_t now_ms) {
  keys_.clear();
  std::map<std::string, std::int64_t> closed;  // rows up to here count for a scope's hard limit no more
  {
    Query q(db, "SELECT scope, max(closed_row) FROM breaker WHERE closed_ms IS NOT NULL GROUP BY scope");
    while (q.step()) closed[q.text(0)] = q.integer(1);
  }
  const bool days = policy.credits.user_day.any() || policy.seizures.user_day.any();
  const std::int64_t from = (now_ms - (days ? kDayMs : kHourMs)) / kFlowStepMs * kFlowStepMs;
  Query q(db,
          "SELECT id, received_ms, account, venue, user_addr, action, usd, state, reason FROM settlement "
          "WHERE received_ms >= ? AND action IS NOT NULL AND state NOT IN ('REJECTED','BEFORE_ACTIVATION','NO_ACTION')");
  q.bind(from);
  while (q.step()) {
    const std::string state = q.text(7);
    FlowItem item{q.text(2), q.text(3), q.address(4).to_string(), q.text(5) == "credit", state == "DRY_RUN",
                  Decimal::of(q.text(6)).abs()};
    const bool held = state == "QUARANTINED" || (item.dry_run && !q.text(8).empty());
    for (const FlowScope scope : kScopes) {
      if (q.integer(1) / kFlowStepMs < (now_ms - window_ms(scope)) / kFlowStepMs) continue;
      const auto reset = closed.find(scope_text(scope, item));
      const bool seen = item.dry_run || reset == closed.end() || q.integer(0) > reset->second;
      add(item, scope, !held, seen, q.integer(1));
    }
  }
  loaded_ = true;
}

Flows FlowBook::within(Database& db, const Policy& policy, FlowScope scope, const FlowItem& of, std::int64_t now_ms) {
  if (!loaded_) load(db, policy, now_ms);
  const auto found = keys_.find(book_key(of, scope));
  if (found == keys_.end()) return {};
  Window& window = found->second;
  const std::int64_t first = (now_ms - window_ms(scope)) / kFlowStepMs;
  while (!window.minutes.empty() && window.minutes.begin()->first < first) {
    take_out(window.total.paid, window.minutes.begin()->second.paid);
    take_out(window.total.seen, window.minutes.begin()->second.seen);
    window.minutes.erase(window.minutes.begin());
  }
  return window.total;
}

LimitVerdict check_limits(FlowBook& book, Database& db, const Policy& policy, const FlowItem& item, std::int64_t now_ms) {
  const FlowLimits& limits = item.credit ? policy.credits : policy.seizures;
  const std::string prefix = item.credit ? "policy.credits." : "policy.seizures.";
  LimitVerdict out;
  const auto take = [&out](const Figures& figures, const std::string& scope) {
    if (out.hold.empty()) out.hold = !figures.hard.empty() ? figures.hard : figures.soft;
    if (!figures.hard.empty()) out.open.push_back({scope, figures.hard});
  };
  if (limits.item.any()) {
    Limit one = limits.item;
    one.soft_count.reset(), one.hard_count.reset();
    take(compare(one, prefix + "item", "of one close", {}, item.usd), account_scope(item.account));
  }
  for (const FlowScope scope : kScopes) {
    const Limit& limit = limit_of(limits, scope);
    if (!limit.any()) continue;
    const std::string name = scope_text(scope, item);
    const std::string of = "of " + (scope == FlowScope::kGlobal ? "all venues" : name) +
                           (scope == FlowScope::kUser ? " in 24 hours" : " in an hour");
    take(compare(limit, prefix + key_of(scope), of, book.within(db, policy, scope, item, now_ms), item.usd), name);
  }
  return out;
}

}  // namespace anduin::settle
