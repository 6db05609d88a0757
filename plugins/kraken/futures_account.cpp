#include "futures_account.hpp"

#include <algorithm>

#include "anduin/time.hpp"
#include "instruments.hpp"
#include "key_probe.hpp"

namespace anduin::kraken {
namespace {

constexpr std::uint64_t kChallengeWaitMs = 10'000;
/// A refused login is tried once more with a new challenge, then it is the key.
constexpr int kLoginFailuresMax = 2;
/// After a login once more, for what the history shows late.
constexpr std::uint64_t kSecondLookMs = 20'000;
constexpr std::int64_t kProbeEveryMs = 24 * 3'600'000;
constexpr std::int64_t kProbeAgeMsMax = 3'600'000;
constexpr std::uint64_t kProbeRetryMs = 300'000;
/// Rows of one execution come as frames of their own; so long they may be apart.
constexpr std::uint64_t kPairWaitMs = 5'000;
/// Missing ids remembered: a wider gap is a gap anyway.
constexpr std::int64_t kGapMax = 256;
constexpr std::size_t kFillsMax = 1'024;

}  // namespace

void FuturesAccount::start() {
  probe_key();
  probe_clock();
  run_now();
  second_source();
  host_.dial(kPrivate);
}

void FuturesAccount::dial_due() { host_.open(kPrivate, "futures.private"); }

// -- whose key this is ----------------------------------------------------------------------------------------------

void FuturesAccount::probe_key() {
  probed_ms_ = host_.now_ms();
  Call call = futures_call("/api/auth/v1/api-keys/v3/check", "", "futures.api", 1);
  call.done = [this](RequestId, const venue::Reply& reply) {
    const KeyFacts facts = read_futures_key(reply.json());
    uid_ = facts.uid;
    host_.account(facts.info());
    for (const std::string& w : facts.warnings) host_.warn(w);
    if (probe_timer_ != 0) host_.cancel(probe_timer_);
    probe_timer_ = host_.after(kProbeEveryMs, [this] { probe_key(); });
  };
  call.failed = [this](const Judgement& j, int) {
    if (j.verdict == Verdict::kFatal) host_.after(kProbeRetryMs, [this] { probe_key(); });
    if (j.verdict != Verdict::kDenied) return false;
    host_.account({.detail = j.text});  // nothing known: a warning, not a verdict
    return true;
  };
  send_call(host_, std::move(call));
}

// There is no clock endpoint; every answer of the trading API carries the venue's time.
void FuturesAccount::probe_clock() {
  Call call = futures_call("/derivatives/api/v3/accounts", "", "futures.api", 2);
  call.done = [this](RequestId id, const venue::Reply& reply) {
    if (const auto ms = parse_iso_ms(reply.json()["serverTime"].str())) host_.clock(id, *ms, 1);
  };
  call.failed = [](const Judgement& j, int tries) { return j.verdict == Verdict::kDenied || tries >= 3; };
  send_call(host_, std::move(call));
}

void FuturesAccount::check_uid(const std::string& uid) {
  if (uid.empty() || uid_.empty() || uid == uid_) return;
  host_.warn("the account log belongs to " + uid + ", the key to " + uid_ + ": the key's is used in ids");
  uid_ = uid;  // said once
}

// -- login ----------------------------------------------------------------------------------------------------------

void FuturesAccount::opened() {
  ready_ = false;
  if (host_.now_ms() - probed_ms_ > kProbeAgeMsMax) probe_key();
  login();
  run_soon(0);
  host_.after(kSecondLookMs, [this] { run_soon(0); });
}

void FuturesAccount::closed() {
  ready_ = false;
  stream_id_ = 0;
  stream_missing_.clear();
  if (login_timer_ != 0) host_.cancel(login_timer_);
  login_timer_ = 0;
}

// A challenge belongs to one connection and is asked for anew on each.
void FuturesAccount::login() {
  host_.send(kPrivate, R"({"event":"challenge","api_key":"{{key}}"})", {.rate = "futures.ws"});
  if (login_timer_ != 0) host_.cancel(login_timer_);
  login_timer_ = host_.after(kChallengeWaitMs, [this] {
    login_timer_ = 0;
    if (!ready_) host_.redial(kPrivate, "no answer to the login");
  });
}

void FuturesAccount::challenged(const std::string& challenge) {
  const std::string args = R"({"challenge":)" + json::quoted(challenge) + "}";
  for (const std::string_view feed : {"account_log", "fills", "balances"}) {
    host_.send(kPrivate,
               R"({"event":"subscribe","feed":")" + std::string(feed) +
                   R"(","api_key":"{{key}}","original_challenge":"{{arg.challenge}}","signed_challenge":"{{sig}}"})",
               {.sign = "challenge", .args = args, .rate = "futures.ws"});
  }
  // So that a silent account is not taken for a dead socket.
  host_.send(kPrivate, R"({"event":"subscribe","feed":"heartbeat"})", {.rate = "futures.ws"});
}

void FuturesAccount::login_failed(const std::string& why) {
  if (++login_failures_ >= kLoginFailuresMax) {
    login_failures_ = 0;
    refuse_key(host_, false, why);
  }
  host_.error(AND_E_PROTOCOL, "futures.private", why + "; trying again with a new challenge");
  login();
}

// -- frames ---------------------------------------------------------------------------------------------------------

void FuturesAccount::frame(const venue::Frame& frame) {
  const auto [event, feed, message] = frame.json().get<"event", "feed", "message">();
  if (event) {
    if (event == "challenge") {
      challenged(message.text());
    } else if (event == "subscribed" && feed == "account_log") {
      login_failures_ = 0;
      ready_ = true;
      host_.ready("positions", "account_log");
    } else if (event == "subscribed_failed" || (event == "alert" && !ready_) || (event == "error" && !ready_)) {
      login_failed(message ? message.text() : "subscription of " + feed.text() + " refused");
    } else if (event == "error" || event == "alert") {
      host_.error(AND_E_PROTOCOL, "futures.private", message.text());
    }
    return;
  }
  if (feed == "account_log") stream_row(frame.json()["new_entry"]);
  else if (feed == "account_log_snapshot") stream_rows(frame.json()["logs"]);
  else if (feed == "fills") fills(frame.json()["fills"]);
  else if (feed == "balances" || feed == "balances_snapshot") push_balance(frame.json());
}

// -- stream ---------------------------------------------------------------------------------------------------------

void FuturesAccount::stream_rows(const json::View& rows) {
  std::vector<LogRow> all;
  for (const json::View v : rows) {
    try {
      all.push_back(read_log_row(v));
    } catch (const BadFrame& e) {
      host_.error(AND_E_PROTOCOL, "account_log_snapshot", e.what());
      run_soon(kPairWaitMs);
    }
  }
  std::sort(all.begin(), all.end(), [](const LogRow& a, const LogRow& b) { return a.id < b.id; });
  if (!all.empty()) stream_id_ = std::max(stream_id_, all.back().id);
  for (LogRow& row : all) stream_add(std::move(row));
}

void FuturesAccount::stream_row(const json::View& v) {
  LogRow row;
  try {
    row = read_log_row(v);
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "account_log", e.what());
    return run_soon(kPairWaitMs);  // the history has it in another spelling
  }
  stream_missing_.erase(row.id);
  if (stream_id_ != 0 && row.id > stream_id_ + 1) {
    for (std::int64_t id = std::max(stream_id_ + 1, row.id - kGapMax); id < row.id; ++id) stream_missing_.insert(id);
    // The two rows of an execution may swap places: only what stays away is a gap.
    host_.after(kPairWaitMs, [this] {
      if (stream_missing_.empty()) return;
      host_.resync("positions", "rows are missing on the stream");
      stream_missing_.clear();
      run_soon(0);
    });
  }
  stream_id_ = std::max(stream_id_, row.id);
  stream_add(std::move(row));
}

void FuturesAccount::stream_add(LogRow row) {
  const std::string execution = row.execution;
  stream_executions_.erase(execution);
  const Pairing::Outcome out = stream_.add(std::move(row), host_.now_ms());
  if (!out.problem.empty()) run_soon(0);  // the history read decides, and says so
  if (out.close) return report(*out.close, AND_ORIGIN_STREAM);
  if (!stream_.halves().contains(execution)) return;
  host_.after(kPairWaitMs, [this, execution] {
    if (!stream_.halves().contains(execution)) return;
    stream_.finish(execution);  // the history read reports it
    run_soon(0);
  });
}

// A fill carries no pnl; one that the log does not show within the wait says that a row was lost.
void FuturesAccount::fills(const json::View& rows) {
  bool fresh = false;
  for (const json::View v : rows) {
    const std::string id = v["fill_id"].text();
    if (id.empty() || stream_.knows(id) || stream_executions_.size() >= kFillsMax) continue;
    fresh = stream_executions_.insert(id).second || fresh;
  }
  if (!fresh) return;
  host_.after(kPairWaitMs, [this] {
    if (stream_executions_.empty()) return;
    stream_executions_.clear();
    run_soon(0);
  });
}

void FuturesAccount::report(const FuturesClose& close, std::uint32_t origin) {
  host_.closed(close.record(origin));
  if (seen_pnl_.size() < kFillsMax * 8) seen_pnl_.insert_or_assign(close.id, close.pnl);
}

// -- balance --------------------------------------------------------------------------------------------------------

void FuturesAccount::push_balance(const json::View& frame) {
  const json::View flex = frame["flex_futures"];
  const auto [total, available] = flex.get<"portfolio_value", "available_margin">();
  if (!total) return;
  try {
    host_.balance("USD", total.dec(), available.dec_or_none().value_or(total.dec()));
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "balances", e.what());
  }
}

void FuturesAccount::balance_query() {
  Call call = futures_call("/derivatives/api/v3/accounts", "", "futures.api", 2);
  call.done = [this](RequestId, const venue::Reply& reply) {
    const auto [total, available] = reply.json()["accounts"]["flex"].get<"portfolioValue", "availableMargin">();
    if (!total) return host_.failed("balance", "the account has no multi-collateral (flex) wallet");
    host_.balance("USD", total.dec(), available.dec_or_none().value_or(total.dec()));
  };
  call.failed = [this](const Judgement& j, int tries) {
    if (tries < 3 && j.verdict == Verdict::kRetry) return false;
    host_.failed("balance", j.text);
    return j.verdict != Verdict::kFatal;
  };
  send_call(host_, std::move(call));
}

}  // namespace anduin::kraken
