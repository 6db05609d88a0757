#include "account.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include "balance.hpp"
#include "instruments.hpp"
#include "key_info.hpp"

namespace anduin::bybit {
namespace {

constexpr ConnId kPrivate = 1;
constexpr std::string_view kTimePath = "/v5/market/time", kKeyPath = "/v5/user/query-api",
                           kWalletPath = "/v5/account/wallet-balance";
constexpr std::string_view kHeaders =
    "X-BAPI-API-KEY: {{key}}\nX-BAPI-TIMESTAMP: {{ts_ms}}\nX-BAPI-RECV-WINDOW: {{arg.recv_window}}\n"
    "X-BAPI-SIGN: {{sig}}\n";
constexpr std::string_view kExecutionTopic = "execution", kWalletTopic = "wallet";
constexpr unsigned kClockReads = 3;                      // the one with the shortest round trip counts
constexpr std::uint64_t kClockAgainMs = 10 * 60 * 1000;  // clocks drift; Bybit forgives one second at most
constexpr std::uint64_t kClockWaitMs = 5'000;            // a login does not wait longer for the venue's time
constexpr std::uint64_t kKeyAgainMs = 24ULL * 3600 * 1000;  // rights can be widened while we run
constexpr std::uint64_t kAnswerMs = 10'000;              // login and subscription
constexpr std::uint64_t kRetryMs = 1'000, kRetryMaxMs = 60'000, kRateRetryMs = 1'000;
constexpr unsigned kStruggleAfter = 3;                   // failed attempts in a row before the feed is called late
constexpr std::uint64_t kRefusedMs = 300'000;           // a person has to act: look again, do not hammer
constexpr std::int64_t kNoPermission = 10005;
constexpr std::uint64_t kSweepSoonMs = 2'000;
constexpr std::uint64_t kLateRowsMs = 10'000;            // REST shows a fill seconds after it happened
constexpr std::int64_t kLagMs = 30'000;                  // a fill so late on the stream: look what else is missing
constexpr std::string_view kCursorVersion = "v1";

}  // namespace

Account::Account(const venue::Options& options)
    : sign_args_(R"({"recv_window":)" + std::to_string(options.integer("recv_window_ms")) + "}"),
      sweep_ms_(static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000) {
  for (const Category c : categories_of(options)) {
    if (c == Category::kSpot) throw BadOption("/market", "spot has prices only: an account is linear, inverse or both");
    histories_.emplace_back(static_cast<History&>(*this), c);
  }
}

void Account::on_start() {
  restore_cursor();
  probe_clock(kClockReads);
  ask_key();
  dial(kPrivate);
  sweep_all();
  sweep_every();
  ask_key_every();
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::on_dial(ConnId c) {
  refused_until_ms_ = 0;  // the host has waited, or a person has changed the key
  open(c, "private");
}

void Account::on_open(ConnId) {
  open_ = true;
  logged_in_ = streams_ = false;
  ++session_;
  // The login carries a time: with a wrong one the venue would refuse a good key.
  if (clock_known_ || !clock_asked_) return log_in();
  login_waits_ = true;
  after(kClockWaitMs, [this, session = session_] {
    if (session == session_ && login_waits_) log_in();
  });
}

void Account::on_close(ConnId, int, std::string_view reason) {
  if (streams_) resync("positions", "the private stream is closed: " + std::string(reason));
  open_ = logged_in_ = streams_ = login_waits_ = false;
  ++session_;
}

void Account::expect_answer(std::string_view what) {
  awaited_ = what;
  after(kAnswerMs, [this, session = session_, what = std::string(what)] {
    if (session == session_ && awaited_ == what) redial(kPrivate, "no answer to the " + what);
  });
}

void Account::log_in() {
  login_waits_ = false;
  if (!open_) return;
  send(kPrivate, R"({"op":"auth","args":["{{key|json}}","{{ts_ms+10000}}","{{sig}}"]})", {.sign = "ws", .rate = "ws"});
  expect_answer("login");
}

void Account::take_login(bool accepted, std::int64_t code, const std::string& text) {
  awaited_.clear();
  if (accepted) {
    logged_in_ = true;
    clock_refusals_ = 0;
    // Apart, so that one refused topic does not cost the other.
    send(kPrivate, R"({"req_id":"execution","op":"subscribe","args":["execution"]})", {.rate = "ws"});
    send(kPrivate, R"({"req_id":"wallet","op":"subscribe","args":["wallet"]})", {.rate = "ws"});
    expect_answer("subscription");
    ask_key();
    return;
  }
  const Verdict verdict = verdict_of(code);
  if (verdict == Verdict::kServer || verdict == Verdict::kRate) return redial(kPrivate, "login: " + text);
  // A stamp that has expired on arrival is a matter of clocks, once; an expired key has a code of its own.
  const bool stamp = verdict == Verdict::kClock || (code == 0 && text.find("xpire") != std::string::npos);
  if (stamp && ++clock_refusals_ < 2) {
    probe_clock(kClockReads);
    return redial(kPrivate, "login: " + text);
  }
  refuse(code, text, "the private stream");
}

void Account::take_subscription(std::string_view req_id, bool accepted, const std::string& text) {
  if (req_id == kWalletTopic) {
    if (!accepted) report(kWalletTopic, "Bybit refuses the subscription: " + text);
    return;
  }
  if (streams_ || !logged_in_) return;
  awaited_.clear();
  if (!accepted && text.find("already") == std::string::npos) {
    report(kExecutionTopic, "Bybit refuses the subscription: " + text);
    resync("positions", "only history is read: Bybit refuses the topic execution: " + text);
    return redial(kPrivate, "the topic execution was refused: " + text);
  }
  streams_ = true;
  if (struggling_.empty()) ready("positions");
  sweep_all();  // what was closed while nobody listened
  after(kLateRowsMs, [this] { sweep_all(); });
}

void Account::on_frame(const venue::Frame& frame) {
  const auto [topic, op, success, code, old_text, text, id, created, data] =
      frame.json().get<"topic", "op", "success", "retCode", "ret_msg", "retMsg", "req_id", "creationTime", "data">();
  if (topic) {
    // execution.fast has no closedSize and no pnl; the categorised topics carry the same items.
    const std::string_view name = topic.str();
    if (name == kExecutionTopic || name == "execution.linear" || name == "execution.inverse")
      take_executions(data, name, created.i64_or_none().value_or(0));
    else if (name == kWalletTopic) take_wallet(data);
    return;
  }
  const bool accepted = success.truthy() || code == "0";
  const std::string message = text ? text.text() : old_text.text();
  if (op == "auth") take_login(accepted, code.i64_or_none().value_or(0), message);
  else if (op == "subscribe") take_subscription(id.str(), accepted, message);
  // Pongs need nothing.
}

void Account::take_executions(const json::View& data, std::string_view topic, std::int64_t created_ms) {
  const std::size_t dot = topic.find('.');
  const auto category = dot == std::string_view::npos ? std::nullopt : category_of(topic.substr(dot + 1));
  bool closing = false;
  for (const json::View item : data) {
    try {
      auto fill = parse_fill(item, category, AND_ORIGIN_STREAM);
      if (!fill) continue;
      const auto history = std::find_if(histories_.begin(), histories_.end(),
                                        [&](const Backfill& b) { return b.category() == fill->category; });
      if (history == histories_.end()) {
        note_other_market(*fill);
        continue;
      }
      closing = true;
      if (fill->complete()) emit_close(*fill);
      else history->wait_for(std::move(*fill));
    } catch (const std::exception& e) {
      report(kExecutionTopic, e.what());
      sweep_soon("a closing fill of the stream could not be read");
    }
  }
  if (closing && created_ms > 0 && now_ms() - created_ms > kLagMs) sweep_soon("the stream is late");
}

/// The account's `market` leaves a category out, and yet the key closes there: nobody else will settle that.
void Account::note_other_market(const Fill& fill) {
  if (other_market_noted_) return;
  other_market_noted_ = true;
  alarm("closes of " + std::string(text(fill.category)) + " contracts (" + fill.symbol +
        ") are not settled: the account's market leaves them out");
}

void Account::take_wallet(const json::View& list) {
  std::string missing;
  for (const json::View wallet : list)
    for (const WalletBalance& b : wallet_balances(wallet, missing)) balance(b.currency, b.total, b.available);
  if (!missing.empty()) report(kWalletTopic, "no margin figures, so no balance, for " + missing);
}

// -- requests -------------------------------------------------------------------------------------------------------

void Account::probe_clock(unsigned reads) {
  if (clock_asked_) return;
  clock_asked_ = true;
  // `*id` is the request's own number, which CLOCK names: it is known before the answer can come.
  const auto id = std::make_shared<RequestId>(0);
  *id = http({.endpoint = "rest", .target = kTimePath, .rate = "rest"}, [this, reads, id](const venue::Reply& reply) {
    clock_asked_ = false;
    const Answer answer = judge(reply);
    std::int64_t nanos = 0;
    try {
      if (answer.verdict == Verdict::kOk) nanos = answer.result["timeNano"].i64_or_none().value_or(0);
    } catch (const BadFrame& e) {
      report(kTimePath, e.what());
    }
    if (nanos > 0) {
      clock(*id, nanos / 1'000'000, 1);
      clock_known_ = true;
    }
    if (reads > 1) return probe_clock(reads - 1);
    after(kClockAgainMs, [this] { probe_clock(1); });
    if (login_waits_) log_in();
  });
}

void Account::ask_key_every() {
  after(kKeyAgainMs, [this] {
    ask_key();
    ask_key_every();
  });
}

void Account::ask_key() {
  get(kKeyPath, "", [this](const Answer& answer) {
    if (answer.verdict != Verdict::kOk) {
      report(kKeyPath, answer.text);
      // A key that may not ask about itself: its rights stay unknown.
      if (answer.code == kNoPermission) account({.detail = "the key may not ask about itself"});
      return;
    }
    const KeyInfo k = key_info(answer.result);
    if (!k.unified) alarm("the account is no unified account (uta 0): its history may stay empty");
    account({.uid = k.uid, .detail = k.detail, .can_trade = k.can_trade, .can_withdraw = k.can_withdraw,
             .can_transfer = k.can_transfer, .ip_bound = k.ip_bound, .sub_account = k.sub_account,
             .expires_ms = k.expires_ms});
  });
}

void Account::get(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) {
  call(path, query, std::move(done), 0);
}

void Account::call_again(std::string_view path, const std::string& query, std::function<void(const Answer&)> done,
                         unsigned attempt, std::uint64_t delay_ms) {
  after(delay_ms, [this, path, query, done = std::move(done), attempt] { call(path, query, done, attempt); });
}

/// `path` is one of the constants: it outlives the request.
void Account::call(std::string_view path, const std::string& query, std::function<void(const Answer&)> done,
                   unsigned attempt) {
  if (refused_until_ms_ > now_ms()) return call_again(path, query, std::move(done), attempt, kRetryMaxMs);
  const std::string target = query.empty() ? std::string(path) : std::string(path) + "?" + query;
  const auto take = [this, path, query, done = std::move(done), attempt](const venue::Reply& reply) {
    Answer answer = judge(reply);
    if (answer.verdict == Verdict::kOk && path != kKeyPath && !answer.result["list"].is_array()) {
      answer.verdict = Verdict::kServer;  // an answer without a list is an error, never "nothing there"
      answer.text = "an answer without a list";
    }
    const std::string why = std::string(path) + ": " + answer.text + " (" + std::to_string(answer.code) + ")";
    const std::uint64_t growing = std::min(kRetryMs << std::min(attempt, 6U), kRetryMaxMs);
    switch (answer.verdict) {
      case Verdict::kOk: recovered(path); return done(answer);
      case Verdict::kRequest:
        if (path != kWalletPath && path != kKeyPath) struggle(path, why);
        return done(answer);
      case Verdict::kAuth:
        if (answer.code == kNoPermission && (path == kKeyPath || path == kWalletPath)) {
          answer.text = advice(answer.code, answer.text, path);  // the closes do not need it
          return done(answer);
        }
        call_again(path, query, done, attempt, kRefusedMs);
        if (refused_until_ms_ > now_ms()) return;  // said already, for another request
        refuse(answer.code, answer.text, path);
      case Verdict::kClock:
        // Once at once with the venue's time; then it is load, as 10002 may be.
        probe_clock(kClockReads);
        if (attempt > 0) struggle(path, why);
        return call_again(path, query, done, attempt + 1, attempt == 0 ? kRetryMs : growing);
      case Verdict::kRate: {
        const std::int64_t wait = answer.retry_at_ms - now_ms();
        const auto delay = wait > 0 ? static_cast<std::uint64_t>(wait) + 50 : std::max(kRateRetryMs, growing);
        return call_again(path, query, done, attempt + 1, std::min(delay, kRetryMaxMs));
      }
      case Verdict::kBanned:
        rate_limit("rest", 0, now_ms() + static_cast<std::int64_t>(kBanMs));
        alarm(why);
        struggle(path, why);
        return call_again(path, query, done, attempt + 1, kBanMs);
      case Verdict::kServer:
        if (attempt >= kStruggleAfter) struggle(path, why);
        return call_again(path, query, done, attempt + 1, growing);
    }
  };
  http({.endpoint = "rest", .target = target, .headers = kHeaders, .sign = "rest", .args = sign_args_, .rate = "rest"},
       take);
}

void Account::refuse(std::int64_t code, const std::string& text, std::string_view path) {
  refused_until_ms_ = now_ms() + static_cast<std::int64_t>(kRefusedMs) - 1;
  const std::string sentence = advice(code, text, path);
  failed("positions", sentence);
  throw AuthRefused(sentence);
}

void Account::struggle(std::string_view path, const std::string& why) {
  if (struggling_.insert(path).second && struggling_.size() == 1) resync("positions", why);
}

void Account::recovered(std::string_view path) {
  if (struggling_.erase(path) > 0 && struggling_.empty() && streams_) ready("positions");
}

void Account::on_balance_query() {
  if (balance_asked_) return;
  balance_asked_ = true;
  get(kWalletPath, "accountType=UNIFIED", [this](const Answer& answer) {
    balance_asked_ = false;
    if (answer.verdict != Verdict::kOk) return failed("balance", answer.text);
    take_wallet(answer.result["list"]);
  });
}

// -- history --------------------------------------------------------------------------------------------------------

/// The cursor: "v1 linear=1746270400353 inverse=0", the time up to which each category is proven.
void Account::restore_cursor() {
  const std::string cursor(resume().watermark);
  const bool known = cursor.starts_with(kCursorVersion);
  if (!known && !cursor.empty()) alarm("the stored cursor '" + cursor + "' is of another version: history is read again");
  for (Backfill& b : histories_) {
    std::int64_t proven = 0;
    const std::string name = " " + std::string(text(b.category())) + "=";
    if (const std::size_t at = cursor.find(name); known && at != std::string::npos)
      std::from_chars(cursor.data() + at + name.size(), cursor.data() + cursor.size(), proven);
    b.resume(proven, resume().settle_from_ms);
  }
}

void Account::save_cursor() {
  std::string cursor(kCursorVersion);
  for (const Backfill& b : histories_)
    cursor += " " + std::string(text(b.category())) + "=" + std::to_string(b.proven_ms());
  watermark(cursor);
}

void Account::on_cursor() {
  emitted_.clear();
  emitted_before_.clear();
  restore_cursor();
  sweep_all();
}

void Account::sweep_all() {
  for (Backfill& b : histories_) b.sweep();
}

void Account::sweep_soon(std::string_view why) {
  if (sweep_soon_) return;
  sweep_soon_ = true;
  log(AND_LOG_INFO, "looking into the history: " + std::string(why));
  after(kSweepSoonMs, [this] {
    sweep_soon_ = false;
    sweep_all();
  });
}

void Account::sweep_every() {
  after(sweep_ms_, [this] {
    sweep_all();
    sweep_every();
  });
}

void Account::later(std::uint64_t delay_ms, std::function<void()> fn) { after(delay_ms, std::move(fn)); }

void Account::emit_close(const Fill& fill) {
  closed(position_of(fill));
  if (emitted_.size() >= kEmittedMax) {
    emitted_before_ = std::move(emitted_);
    emitted_.clear();
  }
  emitted_.insert(fill.id);
}

bool Account::is_emitted(const std::string& id) const { return emitted_.contains(id) || emitted_before_.contains(id); }

void Account::report(std::string_view where, const std::string& text) { error(AND_E_PROTOCOL, where, text); }

void Account::alarm(const std::string& text) { warn(text); }

void Account::covered(std::int64_t from_ms, std::int64_t to_ms, bool proven, const std::string& why_not) {
  coverage(from_ms, to_ms, proven, why_not);
}

void Account::offer_log_rows(const json::View& list, Category asked_by) {
  for (const json::View row : list) {
    try {
      const LogRow parsed = parse_log_row(row);
      if (parsed.id.empty()) continue;
      for (Backfill& b : histories_) b.match(parsed);
    } catch (const std::exception& e) {
      report("/v5/account/transaction-log", e.what());
    }
  }
  for (Backfill& b : histories_)
    if (b.category() != asked_by) b.emit_matched();
}

}  // namespace anduin::bybit
