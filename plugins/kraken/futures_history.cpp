// The history side of a Kraken Futures account: pages of the account log in ascending id, the missing half of an
// execution from the position history, watermark and coverage.
#include <algorithm>
#include <charconv>

#include "futures_account.hpp"

namespace anduin::kraken {
namespace {

constexpr std::uint64_t kSweepMs = 300'000;
constexpr std::uint64_t kPairWaitMs = 5'000;
/// Reads that something triggered are not closer together: the pool is 100 tokens per ten minutes.
constexpr std::int64_t kRunSpacingMs = 10'000;
/// A short page costs 1 token and mostly suffices; a long one costs 3.
constexpr std::size_t kPageShort = 25;
constexpr std::size_t kPageLong = 500;
/// A first read by time asks a little earlier than activation: the host decides what settles.
constexpr std::int64_t kOverlapMs = 60'000;
constexpr std::uint32_t kEventsCost = 3;
/// A missing id among older rows is taken as never given out.
constexpr std::int64_t kGapAgeMs = 120'000;
constexpr std::uint64_t kGapRetryMs = 20'000;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t n = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return n;
}

}  // namespace

FuturesAccount::Cursor FuturesAccount::durable() const {
  std::string_view text = host_.resume().watermark;
  if (!text.starts_with("kf1/")) return {};
  text.remove_prefix(4);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto id = number(text.substr(0, slash)), ms = number(text.substr(slash + 1));
  return id && ms ? Cursor{*id, *ms} : Cursor{};
}

void FuturesAccount::cursor() {
  stream_.clear();
  moved_ = {};
  run_.active = false;  // what it has reported since the durable cursor is read again
  run_now();
}

void FuturesAccount::run_soon(std::uint64_t delay_ms) {
  if (run_.active) {
    run_.again = true;
    return;
  }
  const std::int64_t due = std::max(host_.now_ms() + static_cast<std::int64_t>(delay_ms), last_run_ms_ + kRunSpacingMs);
  if (soon_ != 0 && soon_due_ms_ <= due) return;
  if (soon_ != 0) host_.cancel(soon_);
  soon_due_ms_ = due;
  const std::int64_t wait = due - host_.now_ms();
  soon_ = host_.after(wait > 0 ? static_cast<std::uint64_t>(wait) : 0, [this] {
    soon_ = 0;
    run_now();
  });
}

void FuturesAccount::run_now() {
  if (run_.active) return;
  last_run_ms_ = host_.now_ms();
  Cursor from = durable();
  if (moved_.id > from.id) from = moved_;  // on its way into the ledger
  const std::uint64_t generation = run_.generation + 1;
  run_ = Run{};
  run_.generation = generation;
  run_.active = true;
  run_.from = from;
  run_.next_id = from.id > 0 ? from.id + 1 : 0;
  run_.last_id = from.id;
  history_.clear();
  request_page();
}

void FuturesAccount::request_page() {
  const bool long_page = run_.from.id == 0 || run_.last_id > run_.from.id || !log_answered_;
  const std::size_t count = long_page ? kPageLong : kPageShort;
  std::string query;
  const std::int64_t since = host_.resume().settle_from_ms - kOverlapMs;
  if (run_.next_id > 0) query = "from=" + std::to_string(run_.next_id);
  else query = since > 0 ? "since=" + std::to_string(since) : "from=1";
  Call call = futures_call("/api/history/v3/account-log", query + "&sort=asc&count=" + std::to_string(count),
                           "futures.history", long_page ? 3 : 1);
  run_.sent_ms = host_.now_ms();
  call.done = [this, count, generation = run_.generation](RequestId, const venue::Reply& reply) {
    if (generation != run_.generation) return;
    const json::View answer = reply.json();
    if (!answer["logs"].is_array())
      throw BadFrame("an account log without rows: " + std::string(reply.body.substr(0, 120)));
    log_answered_ = true;
    const std::int64_t before = run_.last_id;
    take_page(answer);
    move_watermark(false);
    if (answer["logs"].size() >= count) {
      if (run_.last_id > before) {
        run_.next_id = run_.last_id + 1;
        return request_page();
      }
      run_.unproven = "the account log repeats its rows";
    }
    finish_run();
  };
  call.failed = [this, generation = run_.generation](const Judgement& j, int) {
    if (generation != run_.generation) return true;
    if (j.verdict == Verdict::kFatal || j.verdict == Verdict::kDenied) run_.active = false;
    return false;
  };
  send_call(host_, std::move(call));
}

void FuturesAccount::take_page(const json::View& answer) {
  check_uid(answer["accountUid"].text());
  for (const json::View v : answer["logs"]) page_row(v);
}

void FuturesAccount::page_row(const json::View& v) {
  LogRow row;
  try {
    row = read_log_row(v);
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "account-log", e.what());
    run_.unproven = e.what();
    const auto id = number(v["id"].str());
    if (id) run_.last_id = std::max(run_.last_id, *id);
    return;
  }
  // Ids are consecutive. One that is missing among young rows may only be late: it is asked for again.
  const bool gap = run_.last_id != 0 && row.id > run_.last_id + 1;
  if (gap && run_.hold_at == 0 && host_.now_ms() - row.date_ms < kGapAgeMs) run_.hold_at = run_.last_id;
  run_.last_id = std::max(run_.last_id, row.id);
  const Pairing::Outcome out = history_.add(std::move(row), host_.now_ms());
  if (!out.problem.empty()) {
    host_.error(AND_E_PROTOCOL, "account-log", out.problem);
    run_.unproven = out.problem;
  }
  if (out.close) report(*out.close, AND_ORIGIN_HISTORY);
}

// A row whose other half is missing holds the watermark back.
void FuturesAccount::move_watermark(bool to_end) {
  const auto waiting = history_.oldest_waiting();
  Cursor to{waiting ? *waiting - 1 : run_.last_id, run_.from.proven_ms};
  if (run_.hold_at != 0) to.id = std::min(to.id, run_.hold_at);
  if (to_end && !waiting && run_.hold_at == 0) to.proven_ms = run_.sent_ms;
  if (to.id < run_.from.id || (to.id <= moved_.id && to.proven_ms <= moved_.proven_ms)) return;
  if (to.id <= 0) return;
  moved_ = to;
  host_.watermark("kf1/" + std::to_string(to.id) + "/" + std::to_string(to.proven_ms));
}

void FuturesAccount::finish_run() {
  if (history_.halves().empty()) return end_run();
  if (run_.rechecks++ > 0) return ask_events();
  host_.after(kPairWaitMs, [this, generation = run_.generation] {
    if (generation != run_.generation) return;
    const auto waiting = history_.oldest_waiting();
    if (!waiting) return end_run();
    run_.next_id = *waiting;  // inclusive: rows known already change nothing
    request_page();
  });
}

// The log keeps one half to itself (a fee paid with credits can leave the cash row out): the position history has it.
void FuturesAccount::ask_events() {
  const auto halves = history_.halves();  // answers take from it
  run_.events_open = halves.size();
  for (const auto& [execution, half] : halves) {
    Call call = futures_call("/api/history/v3/positions",
                             "since=" + std::to_string(half.date_ms() - 1000) + "&before=" +
                                 std::to_string(half.date_ms() + 1000) + "&closed=true&decreased=true&reversed=true",
                             "futures.history", kEventsCost);
    call.done = [this, execution = execution, half = half, generation = run_.generation](RequestId,
                                                                                        const venue::Reply& reply) {
      if (generation != run_.generation) return;
      take_events(execution, half, reply.json());
    };
    call.failed = [this, generation = run_.generation](const Judgement& j, int) {
      if (generation != run_.generation) return true;
      if (j.verdict == Verdict::kFatal || j.verdict == Verdict::kDenied) run_.active = false;
      return false;
    };
    send_call(host_, std::move(call));
  }
}

void FuturesAccount::take_events(const std::string& execution, const Pairing::Half& half, const json::View& answer) {
  std::optional<FuturesClose> found;
  for (const json::View e : answer["elements"]) {
    try {
      auto close = close_of_event(e);
      if (close && close->id == "kf:" + execution) found = std::move(close);
    } catch (const BadFrame& bad) {
      host_.error(AND_E_PROTOCOL, "position history", bad.what());
    }
  }
  if (found) {
    report(*found, AND_ORIGIN_HISTORY);
  } else if (half.position || !half.cash->pnl->is_zero()) {
    const std::string& asset = half.position ? half.position->asset : half.cash->asset;
    const std::string why = "execution " + execution + " of " + asset + " has no " +
                            (half.position ? "cash" : "position") + " row and no position event: it is not settled";
    host_.error(AND_E_PROTOCOL, "account-log", why);
    run_.holes.emplace_back(half.date_ms(), why);
  }  // else: an opening fill whose position row is elsewhere, and no money
  history_.finish(execution);
  if (--run_.events_open == 0) end_run();
}

void FuturesAccount::end_run() {
  move_watermark(true);
  const std::int64_t from = run_.from.proven_ms > 0 ? run_.from.proven_ms : host_.resume().settle_from_ms;
  if (run_.hold_at != 0 && run_.unproven.empty()) run_.unproven = "row " + std::to_string(run_.hold_at + 1) + " is missing";
  host_.coverage(from, run_.sent_ms, run_.unproven.empty(), run_.unproven);
  for (const auto& [at_ms, why] : run_.holes) host_.coverage(at_ms, at_ms, false, why);
  const bool again = run_.again;
  run_.active = false;
  if (again) run_soon(0);
  else if (run_.hold_at != 0) run_soon(kGapRetryMs);
  if (!sweeping_) {
    sweeping_ = true;
    host_.after(kSweepMs, [this] {
      sweeping_ = false;
      if (run_.active) return;
      run_now();
    });
  }
}

// -- position history as second source ------------------------------------------------------------------------------

// Once per start. It stands behind the log in the same serial rate class: when it is answered first, the log did not
// answer, and the events are reported themselves; else they are held against what the log gave.
void FuturesAccount::second_source() {
  const Cursor at = durable();
  audit_from_ms_ = std::max(at.proven_ms, host_.resume().settle_from_ms);
  std::string query = "closed=true&decreased=true&reversed=true";
  if (audit_from_ms_ > 0) query = "since=" + std::to_string(audit_from_ms_) + "&" + query;
  Call call = futures_call("/api/history/v3/positions", query, "futures.history", kEventsCost);
  call.done = [this](RequestId, const venue::Reply& reply) { take_second_source(reply.json()); };
  call.failed = [](const Judgement& j, int tries) { return j.verdict != Verdict::kFatal || tries >= 3; };
  send_call(host_, std::move(call));
}

void FuturesAccount::take_second_source(const json::View& answer) {
  std::vector<FuturesClose> closes;
  for (const json::View e : answer["elements"]) {
    try {
      if (auto close = close_of_event(e)) closes.push_back(std::move(*close));
    } catch (const BadFrame& bad) {
      host_.error(AND_E_PROTOCOL, "position history", bad.what());
    }
  }
  std::stable_sort(closes.begin(), closes.end(),
                   [](const FuturesClose& a, const FuturesClose& b) { return a.closed_ms < b.closed_ms; });
  for (const FuturesClose& c : closes) {
    if (!log_answered_) {
      report(c, AND_ORIGIN_HISTORY);
      continue;
    }
    const auto seen = seen_pnl_.find(c.id);
    if (seen != seen_pnl_.end() && seen->second != c.pnl)
      host_.error(AND_E_PROTOCOL, "position history",
                  c.id + ": pnl " + c.pnl.to_string() + " here, " + seen->second.to_string() + " in the account log");
  }
}

}  // namespace anduin::kraken
