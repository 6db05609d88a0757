#include "account.hpp"

#include <algorithm>
#include <limits>

#include "balance.hpp"
#include "errors.hpp"
#include "key_info.hpp"

namespace anduin::okx {
namespace {

constexpr std::string_view kTimePath = "/api/v5/public/time", kKeyPath = "/api/v5/account/config",
                           kHistoryPath = "/api/v5/account/positions-history", kBalancePath = "/api/v5/account/balance";
constexpr std::string_view kHeaders =
    "OK-ACCESS-KEY: {{key}}\nOK-ACCESS-PASSPHRASE: {{passphrase}}\nOK-ACCESS-TIMESTAMP: {{ts_iso}}\n"
    "OK-ACCESS-SIGN: {{sig}}\n";
constexpr std::string_view kPositions = "positions", kAccount = "account";
constexpr std::string_view kNewest = "instType=SWAP&limit=100";
constexpr std::int64_t kDayMs = 24LL * 3'600'000;
constexpr std::int64_t kPushMarginMs = 60'000;  // a push and its row agree on the time better than this
constexpr std::int64_t kHoldMs = 3'600'000;     // so long a close without a row holds the cursor: then it is none
constexpr std::int64_t kNowMs = 5'000;          // a window that ends so near to now is read without an end
constexpr std::uint64_t kSilenceLookMs = 5'000;
constexpr std::int64_t kVagueRefusal = 60009;  // "Login failed." and nothing else
constexpr unsigned kVagueRefusalsMax = 3;

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.clock_path = kTimePath;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  return p;
}

HistorySweep::Policy history_policy() {
  HistorySweep::Policy p;
  p.kept_ms = 89 * kDayMs;  // three months are shown; a day less is asked
  p.kept_text = "OKX shows three months of closed positions";
  return p;
}

std::string_view rate_of(std::string_view path) {
  if (path == kHistoryPath) return "history";
  return path == kKeyPath ? "config" : "balance";
}

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      markets_(chosen_markets(options)),
      headers_(std::string(kHeaders) + std::string(demo_header(options))) {
  if (markets_.spot) throw BadOption("/market", "spot has prices only: an account is linear, inverse or both");
  add_history("swap", history_policy());
}

// -- requests -------------------------------------------------------------------------------------------------------

Answer Account::judge(const venue::Reply& reply) { return okx::judge(reply); }

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  return {.target = query.empty() ? std::string(path) : std::string(path) + "?" + query,
          .headers = headers_,
          .sign = "rest",
          .args = "",
          .rate = std::string(rate_of(path))};
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return okx::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) { return answer.result[0]["ts"].i64_or_none().value_or(0); }
bool Account::is_optional(std::string_view path) const { return path == kKeyPath || path == kBalancePath; }
bool Account::is_missing_right(std::int64_t code) const { return okx::is_missing_right(code); }

void Account::ask_key() {
  get(kKeyPath, "", [this](const Answer& answer) {
    if (!answer.ok()) {
      report(kKeyPath, answer.text);
      // A key that may not ask about itself: its rights stay unknown.
      if (is_missing_right(answer.code)) account({.detail = "the key may not ask about itself"});
      return;
    }
    const json::View row = answer.result[0];
    if (!row.is_object()) throw BadFrame("an answer without the account");
    const KeyInfo k = key_info(row);
    uid_ = k.uid;
    account({.uid = k.uid,
             .detail = k.detail,
             .can_trade = k.can_trade,
             .can_withdraw = k.can_withdraw,
             .can_transfer = k.can_transfer,
             .ip_bound = k.ip_bound,
             .sub_account = k.sub_account});
  });
}

void Account::ask_balance() {
  get(kBalancePath, "", [this](const Answer& answer) {
    balance_answered(answer.ok() ? "" : answer.text);
    if (answer.ok()) take_balances(answer.result);
  });
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::log_in(Session& s) {
  send(s.connection,
       R"({"op":"login","args":[{"apiKey":"{{key|json}}","passphrase":"{{passphrase|json}}","timestamp":"{{ts_s}}",)"
       R"("sign":"{{sig}}"}]})",
       {.sign = "ws", .rate = "ws"});
  expect(s, "login");
}

void Account::subscribe(Session& s) {
  lifetimes_.start_over(now_ms());
  // Apart, so that a refused channel does not cost the other. Of the balance only changes are wanted.
  send(s.connection, R"({"id":"positions","op":"subscribe","args":[{"channel":"positions","instType":"SWAP"}]})",
       {.rate = "ws"});
  send(s.connection,
       R"({"id":"account","op":"subscribe","args":[{"channel":"account","extraParams":"{\"updateInterval\":\"0\"}"}]})",
       {.rate = "ws"});
  expect(s, "subscription");
}

void Account::take_private(Session& s, const venue::Frame& frame) {
  if (frame.binary || frame.text == "pong") return;
  const auto [event, arg, data, code, text, id] = frame.json().get<"event", "arg", "data", "code", "msg", "id">();
  const json::View channel = event ? frame.json()["channel"] : arg["channel"];
  if (!event) {  // by channel: arg holds more than was sent
    check_owner(arg["uid"].str());
    if (channel == kPositions)
      take_positions(data);
    else if (channel == kAccount)
      take_balances(data);
  } else if (event == "login") {
    vague_refusals_ = 0;
    if (!s.logged_in) login_accepted(s);
  } else if (event == "subscribe") {
    if (!(arg["channel"] == kPositions) || s.streams) return;
    streaming(s);
    watch_silence(s);
  } else if (event == "error") {
    take_error(s, code.i64_or_none().value_or(0), text.text(), id.str());
  } else if (event == "notice") {
    replace_stream(text.text());
  } else if (event == "channel-conn-count-error" && channel == kPositions) {
    // Acknowledged, and ended at once: 30 connections of this account have the channel already.
    resync("positions", "only history is read: too many connections of this account have the channel positions");
    redial(s.connection, "too many connections have the channel positions");
  }
  // channel-conn-count, and events that we do not know, need nothing.
}

/// Pushes name the account they are about: another's would be settled for the wrong user.
void Account::check_owner(std::string_view uid) {
  if (uid.empty() || uid_.empty() || uid == uid_ || other_owner_noted_) return;
  other_owner_noted_ = true;
  warn("pushes are of the account " + std::string(uid) + ", the key is of " + uid_);
}

void Account::take_error(Session& s, std::int64_t code, const std::string& text, std::string_view id) {
  if (!s.logged_in) {
    Verdict verdict = verdict_of(code);
    if (code == kVagueRefusal && ++vague_refusals_ > kVagueRefusalsMax) verdict = Verdict::kAuth;
    if (verdict == Verdict::kOk || verdict == Verdict::kRequest) verdict = Verdict::kAuth;
    return login_refused(s, verdict, code, text);
  }
  const std::string what = text + " (" + std::to_string(code) + ")";
  report(id.empty() ? "the private stream" : id, what);
  if (id != kPositions || s.streams) return;
  expect(s, "");
  resync("positions", "only history is read: OKX refuses the channel positions: " + what);
  redial(s.connection, "the channel positions was refused: " + what);
}

void Account::take_positions(const json::View& data) {
  const std::string complaint = each_row(data, kPositions, "posId", [&](const json::View& row) {
    const Lifetimes::News news = lifetimes_.take(row, now_ms());
    for (const Lifetimes::Ended& lifetime : news.ended) ended(lifetime);
    if (!news.alive) return;
    awaited_.erase(news.alive->id());  // pos 0 was a transfer of margin
    caught(news.alive->id());
  });
  if (!complaint.empty()) sweep_soon("a push of positions could not be read");
}

/// A push may be lost: what is open and no longer told is looked for in the history.
void Account::watch_silence(const Session& s) {
  after(kSilenceLookMs, [this, &s, number = s.number] {
    if (s.number != number || !s.streams) return;
    if (!lifetimes_.silent(now_ms()).empty()) sweep_soon("an open position is no longer told");
    watch_silence(s);
  });
}

void Account::take_balances(const json::View& data) {
  std::string missing;
  for (const CoinBalance& b : balances(data, missing)) balance(b.currency, b.total, b.available);
  if (!missing.empty()) report(kAccount, "no equity, so no balance, for " + missing);
}

// -- closes ---------------------------------------------------------------------------------------------------------

void Account::ended(const Lifetimes::Ended& lifetime) {
  const std::string id = lifetime.id();
  if (is_emitted(id)) return;
  awaited_.try_emplace(id, Awaited{lifetime.position, now_ms()});
  chase(id, [this] { look(); });
}

/// One request looks for everything that is awaited: that position alone, or the newest page of all.
void Account::look() {
  if (looking_) {
    look_again_ = true;
    return;
  }
  std::string position, query(kNewest);
  bool several = false;
  std::int64_t since = now_ms();
  for (const auto& [id, awaited] : awaited_) {
    if (!is_chased(id)) continue;
    several = several || (!position.empty() && position != awaited.position);
    position = awaited.position;
    since = std::min(since, awaited.since_ms);
  }
  if (position.empty()) return;
  if (!several) query += "&posId=" + position;
  looking_ = true;
  look_again_ = false;
  read_pages(
      kHistoryPath, query,
      [this, since, query, several](const Answer& answer) {
        const std::string next = take_page(answer.result, query, since - kPushMarginMs, nullptr);
        const bool more =
            several && std::any_of(awaited_.begin(), awaited_.end(), [&](const auto& a) { return is_chased(a.first); });
        return more ? next : std::string();
      },
      [this](const std::string& failure) {
        if (!failure.empty()) report(kHistoryPath, failure);
        looked();
      });
}

void Account::looked() {
  looking_ = false;
  if (look_again_) look();
}

/// A row that was read is emitted at once: it is true, whatever becomes of the pages behind it.
std::string Account::take_page(const json::View& data, std::string_view query, std::int64_t from_ms,
                               HistorySweep* sweep) {
  std::int64_t oldest_ms = std::numeric_limits<std::int64_t>::max();
  std::vector<CloseRow> found;
  for (const json::View row : data) {
    std::int64_t time_ms = 0;
    try {
      time_ms = row["uTime"].i64();
      oldest_ms = std::min(oldest_ms, time_ms);
      if (time_ms < resume().settle_from_ms) continue;  // it shares the page: nobody settles it
      if (state_of(row) == RowState::kFinal) found.push_back(parse_close(row));
    } catch (const std::exception& e) {  // one bad row must not cost the others
      report(std::string(kHistoryPath) + " " + std::string(row["posId"].str()), e.what());
      if (sweep) sweep->unreadable(e.what(), time_ms);
    }
  }
  emit_all(found);
  // Only an empty page is the end: a short one may be a page of a venue that shows less at once than it says.
  const bool enough = oldest_ms < from_ms || oldest_ms == std::numeric_limits<std::int64_t>::max();
  return enough ? std::string() : std::string(query) + "&after=" + std::to_string(oldest_ms);
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Account::emit_all(std::vector<CloseRow>& found) {
  std::sort(found.begin(), found.end(), [](const CloseRow& a, const CloseRow& b) {
    return a.closed_ms != b.closed_ms ? a.closed_ms < b.closed_ms : a.id < b.id;
  });
  for (const CloseRow& row : found) {
    const bool announced = awaited_.erase(row.id) > 0;
    if (!markets_.has(market_of(row.symbol))) {
      caught(row.id);
      note_other_market(row);
      continue;
    }
    (void)emit_close(position_of(row, announced ? AND_ORIGIN_STREAM : AND_ORIGIN_HISTORY));
  }
}

/// The account's `market` leaves a product out, and yet the key closes there: nobody else will settle that.
void Account::note_other_market(const CloseRow& row) {
  if (other_market_noted_) return;
  other_market_noted_ = true;
  warn("closes of " + std::string(market_of(row.symbol)) + " swaps (" + row.symbol +
       ") are not settled: the account's market leaves them out");
}

// -- history --------------------------------------------------------------------------------------------------------

/// Newest first, back to `from_ms`. `before` is no cursor here; `after` goes on behind the oldest row seen. A row that
/// changes meanwhile moves to the new end and is found by the next look.
void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  std::erase_if(awaited_, [&](const auto& a) { return now_ms() - a.second.since_ms > kHoldMs; });
  std::string query(kNewest);
  if (now_ms() - to_ms > kNowMs) query += "&after=" + std::to_string(to_ms + 1);
  read_pages(
      kHistoryPath, query,
      [this, &sweep, from_ms](const Answer& answer) { return take_page(answer.result, kNewest, from_ms, &sweep); },
      std::move(done));
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep&) const {
  std::int64_t oldest = 0;
  for (const auto& [id, awaited] : awaited_) {
    const std::int64_t since = awaited.since_ms - kPushMarginMs;
    if (oldest == 0 || since < oldest) oldest = since;
  }
  return oldest;
}

void Account::forget_waiting() {
  awaited_.clear();
  look_again_ = false;
}

}  // namespace anduin::okx
