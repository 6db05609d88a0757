#include "backfill.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "query.hpp"

namespace anduin::bybit {
namespace {

constexpr std::string_view kExecutions = "/v5/execution/list", kLog = "/v5/account/transaction-log";
/// The log may lag behind the fills when markets move; after these waits it is asked every minute, with an alarm.
constexpr std::array<std::uint64_t, 4> kLogWaitsMs{2'000, 5'000, 15'000, 60'000};
constexpr std::uint64_t kWindowRetryMs = 5'000, kWindowRetryMaxMs = 600'000;

}  // namespace

void Backfill::resume(std::int64_t proven_ms, std::int64_t from_ms) {
  ++generation_;
  proven_ms_ = proven_ms;
  from_ms_ = proven_ms > 0 ? std::max(proven_ms - kOverlapMs, from_ms) : from_ms;
  reached_ms_ = proven_ms;
  running_ = again_ = asking_ = log_timer_ = false;
  waiting_.clear();
  matched_.clear();
  found_.clear();
  unreadable_.clear();
}

void Backfill::sweep() {
  if (running_) {
    again_ = true;
    return;
  }
  running_ = true;
  again_ = false;
  const std::int64_t now = history_.now();
  std::int64_t from = proven_ms_ > 0 ? std::max(proven_ms_ - kOverlapMs, from_ms_) : from_ms_;
  if (from < now - kHistoryMs) {
    // Asked once only: the cursor moves on, the host remembers the range.
    if (proven_ms_ < now - kHistoryMs)
      history_.covered(std::max(from, proven_ms_), now - kHistoryMs, false, "Bybit shows two years of history");
    from = now - kHistoryMs;
  }
  if (proven_ms_ < from) proven_ms_ = reached_ms_ = from;
  to_ms_ = std::max(now, from + 1);
  window_from_ms_ = from;
  window_ms_ = kWindowMs;
  open_window();
}

// -- pages ----------------------------------------------------------------------------------------------------------

void Backfill::read_pages(std::shared_ptr<Pages> pages, const std::string& cursor) {
  const std::string query = cursor.empty() ? pages->query : pages->query + "&cursor=" + escape_query(cursor);
  history_.get(pages->path, query, [this, pages, generation = generation_](const Answer& answer) {
    if (generation != generation_) return;
    // A failed page is never "no rows": the whole window is read again.
    if (answer.verdict != Verdict::kOk) return pages->failed(answer.text);
    const auto [list, next] = answer.result.get<"list", "nextPageCursor">();
    pages->rows(list);
    const std::string following = next.text();
    if (following.empty()) return pages->complete();
    if (!pages->cursors.insert(following).second) return pages->failed("the page cursor repeats");
    if (pages->cursors.size() >= kPagesMax && window_ms_ > kWindowMinMs && pages->path == kExecutions) {
      window_ms_ /= 2;
      return open_window();
    }
    read_pages(pages, following);
  });
}

// -- windows --------------------------------------------------------------------------------------------------------

void Backfill::open_window() {
  window_to_ms_ = std::min(window_from_ms_ + window_ms_, to_ms_);
  found_.clear();
  auto pages = std::make_shared<Pages>();
  pages->path = kExecutions;
  pages->query = "category=" + std::string(text(category_)) + "&startTime=" + std::to_string(window_from_ms_) +
                 "&endTime=" + std::to_string(window_to_ms_) + "&limit=100";
  pages->rows = [this](const json::View& list) { take_executions(list); };
  pages->complete = [this] { join_window(); };
  pages->failed = [this](const std::string& why) { window_failed(why); };
  read_pages(std::move(pages), "");
}

void Backfill::take_executions(const json::View& list) {
  for (const json::View row : list) {
    try {
      if (auto fill = parse_fill(row, category_, AND_ORIGIN_HISTORY)) found_.push_back(std::move(*fill));
    } catch (const std::exception& e) {
      history_.report(kExecutions, e.what());
      // Rows of the overlap were judged when they were new.
      std::int64_t time_ms = std::numeric_limits<std::int64_t>::max();
      try {
        time_ms = row["execTime"].i64();
      } catch (const BadFrame&) {
      }
      if (time_ms > reached_ms_) unreadable_ = e.what();
    }
  }
}

/// All executions of the window are here; what they lack is in the log.
void Backfill::join_window() {
  for (Fill& fill : found_) {
    if (history_.is_emitted(fill.id) || waiting_.contains(fill.id)) continue;
    std::string id = fill.id;
    auto& into = fill.complete() ? matched_ : waiting_;
    into.emplace(std::move(id), std::move(fill));
  }
  found_.clear();
  if (waiting_.empty()) return close_window();
  auto pages = std::make_shared<Pages>();
  pages->path = kLog;
  pages->query = log_query(window_from_ms_ - kLogMarginMs, window_to_ms_ + kLogMarginMs);
  pages->rows = [this](const json::View& list) { history_.offer_log_rows(list, category_); };
  pages->complete = [this] { close_window(); };
  pages->failed = [this](const std::string& why) { window_failed(why); };
  read_pages(std::move(pages), "");
}

void Backfill::close_window() {
  failures_ = 0;
  emit_matched();
  reached_ms_ = std::max(reached_ms_, window_to_ms_);
  advance();
  for (auto& [id, fill] : waiting_) fill.asked = std::max(fill.asked, 1U);  // the window has asked
  if (!waiting_.empty()) ask_log_later(kLogWaitsMs.front());
  if (window_to_ms_ < to_ms_) {
    window_from_ms_ = window_to_ms_;
    return open_window();
  }
  running_ = false;
  if (again_) sweep();
}

void Backfill::window_failed(const std::string& why) {
  history_.report(kExecutions, std::string(text(category_)) + ": the window is read again: " + why);
  const std::uint64_t delay = std::min(kWindowRetryMs << std::min(failures_, 7U), kWindowRetryMaxMs);
  ++failures_;
  history_.later(delay, [this, generation = generation_] {
    if (generation == generation_) open_window();
  });
}

/// Moves the cursor to what is proven: the windows read, but not beyond a fill that still waits.
void Backfill::advance() {
  const std::int64_t limit = waiting_.empty() ? reached_ms_ : std::min(reached_ms_, oldest_waiting_ms() - 1);
  if (limit <= proven_ms_) return;
  history_.covered(proven_ms_, limit, unreadable_.empty(), unreadable_);
  unreadable_.clear();
  proven_ms_ = limit;
  history_.save_cursor();
}

std::int64_t Backfill::oldest_waiting_ms() const {
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  for (const auto& [id, fill] : waiting_) oldest = std::min(oldest, fill.time_ms);
  return oldest;
}

// -- the transaction log --------------------------------------------------------------------------------------------

std::string Backfill::log_query(std::int64_t from_ms, std::int64_t to_ms) const {
  return "accountType=UNIFIED&category=" + std::string(text(category_)) +
         "&startTime=" + std::to_string(std::max<std::int64_t>(from_ms, 0)) + "&endTime=" + std::to_string(to_ms) +
         "&limit=50";
}

void Backfill::wait_for(Fill fill) {
  if (waiting_.contains(fill.id) || history_.is_emitted(fill.id)) return;
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
    history_.report(kLog, "row of type " + row.type + " for the closing fill " + row.id + ": not taken as its result");
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
  for (const Fill* fill : order) history_.emit_close(*fill);
  matched_.clear();
}

void Backfill::ask_log_later(std::uint64_t delay_ms) {
  if (log_timer_ || asking_) return;
  log_timer_ = true;
  history_.later(delay_ms, [this, generation = generation_] {
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
  auto pages = std::make_shared<Pages>();
  pages->path = kLog;
  pages->query = log_query(oldest - kLogMarginMs, to + kLogMarginMs);
  pages->rows = [this](const json::View& list) { history_.offer_log_rows(list, category_); };
  pages->complete = [this, to] {
    asking_ = false;
    ask_log(to + 1);
  };
  pages->failed = [this, to](const std::string& why) {
    history_.report(kLog, why);
    asking_ = false;
    ask_log(to + 1);
  };
  read_pages(std::move(pages), "");
}

/// The look is complete: emit what it brought, ask again for the rest.
void Backfill::log_asked() {
  emit_matched();
  advance();
  if (waiting_.empty()) return;
  std::uint64_t delay = kLogWaitsMs.back();
  for (auto& [id, fill] : waiting_) {
    if (fill.asked < kLogWaitsMs.size()) delay = std::min(delay, kLogWaitsMs[fill.asked]);
    else history_.alarm("the transaction log has no row for the closing fill " + id + " of " + fill.symbol +
                        ": its pnl is unknown, the close waits");
    ++fill.asked;
  }
  ask_log_later(delay);
}

}  // namespace anduin::bybit
