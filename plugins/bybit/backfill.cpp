#include "backfill.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace anduin::bybit {
namespace {

constexpr std::string_view kExecutions = "/v5/execution/list", kLog = "/v5/account/transaction-log";
/// The log may lag behind the fills when markets move; after these waits it is asked every minute, with an alarm.
constexpr std::array<std::uint64_t, 4> kLogWaitsMs{2'000, 5'000, 15'000, 60'000};
constexpr std::int64_t kLogMarginMs = 60'000;  // a row's time is its fill's, or a little later

}  // namespace

void Backfill::forget() {
  ++generation_;
  asking_ = log_timer_ = false;
  waiting_.clear();
  matched_.clear();
  found_.clear();
}

// -- windows --------------------------------------------------------------------------------------------------------

void Backfill::read_window(std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  found_.clear();
  const std::string query = "category=" + std::string(text(category_)) + "&startTime=" + std::to_string(from_ms) +
                            "&endTime=" + std::to_string(to_ms) + "&limit=100";
  source_.pages(kExecutions, query, [this](const json::View& list) { take_executions(list); },
                [this, from_ms, to_ms, done = std::move(done), generation = generation_](const std::string& failure) {
                  if (generation != generation_) return;
                  if (failure.empty()) join_window(from_ms, to_ms, done);
                  else done(failure);
                });
}

void Backfill::take_executions(const json::View& list) {
  for (const json::View row : list) {
    try {
      if (auto fill = parse_fill(row, category_, AND_ORIGIN_HISTORY)) found_.push_back(std::move(*fill));
    } catch (const std::exception& e) {
      source_.complain(kExecutions, e.what());
      std::int64_t time_ms = 0;
      try {
        time_ms = row["execTime"].i64();
      } catch (const BadFrame&) {
      }
      sweep_.unreadable(e.what(), time_ms);
    }
  }
}

/// All executions of the window are here; what they lack is in the log.
void Backfill::join_window(std::int64_t from_ms, std::int64_t to_ms, const HistorySweep::Done& done) {
  for (Fill& fill : found_) {
    if (source_.knows_fill(fill.id) || waiting_.contains(fill.id)) continue;
    std::string id = fill.id;
    auto& into = fill.complete() ? matched_ : waiting_;
    into.emplace(std::move(id), std::move(fill));
  }
  found_.clear();
  if (waiting_.empty()) return window_joined(done);
  source_.pages(kLog, log_query(from_ms - kLogMarginMs, to_ms + kLogMarginMs),
                [this](const json::View& list) { source_.offer_log_rows(list, category_); },
                [this, done, generation = generation_](const std::string& failure) {
                  if (generation != generation_) return;
                  if (failure.empty()) window_joined(done);
                  else done(failure);
                });
}

void Backfill::window_joined(const HistorySweep::Done& done) {
  emit_matched();
  for (auto& [id, fill] : waiting_) fill.asked = std::max(fill.asked, 1U);  // the window has asked
  if (!waiting_.empty()) ask_log_later(kLogWaitsMs.front());
  done("");
}

std::int64_t Backfill::oldest_waiting_ms() const {
  std::int64_t oldest = 0;
  for (const auto& [id, fill] : waiting_) oldest = oldest == 0 ? fill.time_ms : std::min(oldest, fill.time_ms);
  return oldest;
}

// -- the transaction log --------------------------------------------------------------------------------------------

std::string Backfill::log_query(std::int64_t from_ms, std::int64_t to_ms) const {
  return "accountType=UNIFIED&category=" + std::string(text(category_)) +
         "&startTime=" + std::to_string(std::max<std::int64_t>(from_ms, 0)) + "&endTime=" + std::to_string(to_ms) +
         "&limit=50";
}

void Backfill::wait_for(Fill fill) {
  if (waiting_.contains(fill.id) || source_.knows_fill(fill.id)) return;
  std::string id = fill.id;
  waiting_.emplace(std::move(id), std::move(fill));
  ask_log();
}

void Backfill::match(const LogRow& row) {
  if (const auto known = matched_.find(row.id); known != matched_.end()) {
    Fill& fill = known->second;
    if (is_trade_row(row.type) && row.cash_flow && *row.cash_flow != *fill.pnl)
      fill.hold = "two rows of the transaction log differ: " + fill.pnl_text + " and " + row.cash_flow_text;
    return;
  }
  const auto it = waiting_.find(row.id);
  if (it == waiting_.end()) return;
  if (!is_trade_row(row.type)) {
    source_.complain(kLog, "row of type " + row.type + " for the closing fill " + row.id + ": not taken as its result");
    return;
  }
  if (!complete_from(it->second, row)) return;
  matched_.emplace(row.id, std::move(it->second));
  waiting_.erase(it);
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Backfill::emit_matched() {
  std::vector<const Fill*> order;
  for (const auto& [id, fill] : matched_) order.push_back(&fill);
  std::sort(order.begin(), order.end(), [](const Fill* a, const Fill* b) {
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->id < b->id;
  });
  for (const Fill* fill : order) source_.emit_fill(*fill);
  matched_.clear();
}

void Backfill::ask_log_later(std::uint64_t delay_ms) {
  if (log_timer_ || asking_) return;
  log_timer_ = true;
  source_.later(delay_ms, [this, generation = generation_] {
    if (generation != generation_) return;
    log_timer_ = false;
    ask_log();
  });
}

/// One look into the log for everything that waits from `since_ms` on, in windows that the venue allows.
void Backfill::ask_log(std::int64_t since_ms) {
  if (asking_) return;
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max(), newest = since_ms;
  for (const auto& [id, fill] : waiting_) {
    if (fill.time_ms < since_ms) continue;
    oldest = std::min(oldest, fill.time_ms);
    newest = std::max(newest, fill.time_ms);
  }
  if (oldest > newest) return log_asked();
  asking_ = true;
  const std::int64_t to = std::min(newest, oldest + kWindowMs);
  source_.pages(kLog, log_query(oldest - kLogMarginMs, to + kLogMarginMs),
                [this](const json::View& list) { source_.offer_log_rows(list, category_); },
                [this, to, generation = generation_](const std::string& failure) {
                  if (generation != generation_) return;
                  if (!failure.empty()) source_.complain(kLog, failure);
                  asking_ = false;
                  ask_log(to + 1);
                });
}

/// The look is complete: emit what it brought, ask again for the rest.
void Backfill::log_asked() {
  emit_matched();
  sweep_.advance();
  if (waiting_.empty()) return;
  std::uint64_t delay = kLogWaitsMs.back();
  for (auto& [id, fill] : waiting_) {
    if (fill.asked < kLogWaitsMs.size()) delay = std::min(delay, kLogWaitsMs[fill.asked]);
    else source_.alarm("the transaction log has no row for the closing fill " + id + " of " + fill.symbol +
                        ": its pnl is unknown, the close waits");
    ++fill.asked;
  }
  ask_log_later(delay);
}

}  // namespace anduin::bybit
