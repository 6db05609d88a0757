#include "account.hpp"

#include <algorithm>

#include "anduin/query.hpp"
#include "errors.hpp"
#include "instruments.hpp"
#include "key_info.hpp"

namespace anduin::mexc {
namespace {

constexpr std::string_view kPing = "/api/v1/contract/ping", kAssets = "/api/v1/private/account/assets",
                           kHistory = "/api/v1/private/position/list/history_positions",
                           kKeyPath = "/api/v3/apiKeyInfo", kUidPath = "/api/v3/uid";
constexpr std::string_view kHeaders =
    "ApiKey: {{key}}\nRequest-Time: {{ts_ms}}\nSignature: {{sig}}\nContent-Type: application/json\n";
constexpr std::string_view kSpotHeaders = "X-MEXC-APIKEY: {{key}}\n";
/// The spot API forgives a slow clock five seconds and a fast one a second: a little slow is safest.
constexpr std::string_view kSpotStamp = "timestamp={{ts_ms-100}}&recvWindow=5000";
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kHistoryMs = 90 * kDayMs - 10 * 60'000;  // what is older is refused; not at the last moment
constexpr std::int64_t kWindowMs = 30 * kDayMs;
constexpr std::int64_t kOverlapMs = 3600'000;
constexpr std::size_t kPageMax = 100;
constexpr std::int64_t kAroundMs = 60'000;      // a row's times have whole seconds, a frame's have ms
constexpr std::int64_t kUnsaidMs = 7 * kDayMs;  // where a frame does not say when the position was opened
constexpr std::int64_t kGiveUpMs = 3600'000;    // a row that has not shown for so long holds nothing back any more
constexpr std::int64_t kDeepAgainMs = 3600'000;
constexpr std::uint64_t kAssetsSoonMs = 2'000;  // a close pushes several assets
constexpr std::int64_t kNowMs = 60'000;         // a window that ends so near to now is the last one

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.rest_rate = "private";
  p.stream = options.text("ws_path") == "/ws" ? "private.ws" : "private";
  p.clock_path = kPing;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  return p;
}

constexpr HistorySweep::Policy kSweep{.window_ms = kWindowMs,
                                      .kept_ms = kHistoryMs,
                                      .kept_text = "MEXC shows 90 days of closed positions",
                                      .overlap_ms = kOverlapMs};

/// Names in the order of the dictionary, which the signature wants.
std::string history_query(std::int64_t from_ms, std::int64_t to_ms, std::size_t page, std::string_view symbol = {}) {
  std::string q = "end_time=" + std::to_string(to_ms) + "&page_num=" + std::to_string(page) +
                  "&page_size=" + std::to_string(kPageMax) + "&start_time=" + std::to_string(from_ms);
  if (!symbol.empty()) q += "&symbol=" + escape_query(symbol);
  return q;
}

/// What must not change any more once it is told.
std::string figures_of(const Position& p) { return p.id + "=" + p.pnl_text; }

/// A bare list in every sample, a page of one by the documents.
json::View rows_of(const json::View& data) { return data.is_array() ? data : data["resultList"]; }

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      markets_(wanted_markets(options)),
      position_ms_(options.integer("position_days") * kDayMs) {
  add_history("positions", kSweep);
}

// -- requests -------------------------------------------------------------------------------------------------------

/// A signature that is called wrong although others of this key were good says nothing of the key.
Answer Account::judge(const venue::Reply& reply) {
  Answer answer = mexc::judge(reply);
  if (answer.code == kBadSignature && answer.verdict == Verdict::kAuth && signs_well_)
    answer.verdict = Verdict::kRequest;
  return answer;
}

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  const std::string target = query.empty() ? std::string(path) : std::string(path) + "?" + query;
  if (path == kDetail) return {.target = target, .headers = {}, .sign = {}, .args = {}, .rate = "public"};
  if (path == kKeyPath || path == kUidPath)
    return {.target = target + "&signature={{sig}}",
            .headers = std::string(kSpotHeaders),
            .sign = "spot",
            .args = {},
            .rate = "private"};
  return {.target = target, .headers = std::string(kHeaders), .sign = "rest", .args = {}, .rate = "private"};
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return mexc::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) { return answer.result.i64(); }
bool Account::is_optional(std::string_view path) const { return path != kHistory; }
bool Account::is_missing_right(std::int64_t code) const { return mexc::is_missing_right(code); }

/// The contract API has no probe: the spot API answers for the same key, if it may.
void Account::ask_key() {
  get(kKeyPath, "accessKey={{key|pct}}&" + std::string(kSpotStamp), [this](const Answer& answer) {
    if (!answer.ok()) report(kKeyPath, answer.text);
    ask_uid(answer);
  });
}

void Account::ask_uid(const Answer& rights) {
  const KeyInfo k =
      rights.ok() ? key_info(rights.result, now_ms()) : KeyInfo{.detail = "the key may not ask about itself"};
  get(kUidPath, std::string(kSpotStamp), [this, k](const Answer& answer) {
    if (!answer.ok()) report(kUidPath, answer.text);
    account({.uid = answer.ok() ? answer.result["uid"].text() : std::string(),
             .detail = k.detail,
             .can_trade = k.can_trade,
             .can_withdraw = k.can_withdraw,
             .can_transfer = k.can_transfer,
             .ip_bound = k.ip_bound,
             .expires_ms = k.expires_ms});
  });
}

void Account::ask_balance() {
  get(kAssets, "", [this](const Answer& answer) {
    if (answer.ok()) {
      for (const AssetBalance& b : asset_balances(answer.result)) balance(b.currency, b.total, b.available);
    } else {  // what the socket told, without unrealised profit, is better than nothing
      for (const auto& [currency, b] : pushed_) balance(b.currency, b.total, b.available);
    }
    pushed_.clear();
    balance_answered(answer.ok() ? "" : answer.text);
  });
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::log_in(Session& s) {
  send(s.connection,
       R"({"method":"login","param":{"apiKey":"{{key|json}}","signature":"{{sig}}","reqTime":"{{ts_ms}}"}})",
       {.sign = "ws", .rate = "ws"});
  expect(s, "login");
}

/// A login that is accepted has everything pushed. The filter only leaves out what is not needed.
void Account::subscribe(Session& s) {
  send(s.connection, R"({"method":"personal.filter","param":{"filters":[{"filter":"position"},{"filter":"asset"}]}})",
       {.rate = "ws"});
  ++catch_ups_;
  deep_again_ms_ = 0;  // what was closed while nobody listened may have been opened long before
  streaming(s);
}

void Account::take_private(Session& s, const venue::Frame& frame) {
  if (frame.binary) return;
  const auto [channel, data, ts] = frame.json().get<"channel", "data", "ts">();
  if (channel == "push.personal.position") {
    // A frame that cannot be read may have been the end of a position.
    try {
      take_pushed_position(data, ts.i64_or_none().value_or(0));
    } catch (const std::exception& e) {
      report("push.personal.position", e.what());
      sweep_soon("a frame about a position could not be read");
    }
  } else if (channel == "push.personal.asset") {
    take_pushed_asset(data);
  } else if (channel == "rs.login") {
    if (s.awaited != "login") return;
    if (data != "success") return refused(s, data.text());
    signs_well_ = true;
    login_accepted(s);
  } else if (channel == "rs.error") {
    take_error(s, data.text());
  }
  // Pongs, the filter's acknowledgement and other personal channels need nothing.
}

void Account::take_error(Session& s, const std::string& text) {
  if (s.awaited == "login") return refused(s, text);
  report("private", text);
}

/// A socket names no code: what its words do not tell, the signed requests will.
void Account::refused(Session& s, const std::string& text) {
  const Verdict verdict = verdict_of_login(text);
  report("login", text);
  login_refused(s, signs_well_ && verdict == Verdict::kAuth ? Verdict::kServer : verdict, 0, text);
}

void Account::take_pushed_asset(const json::View& data) {
  const AssetBalance b = pushed_balance(data);
  pushed_.insert_or_assign(b.currency, b);
  if (assets_soon_) return;
  assets_soon_ = true;
  after(kAssetsSoonMs, [this] {
    assets_soon_ = false;
    on_balance_query();
  });
}

// -- closes ---------------------------------------------------------------------------------------------------------

void Account::take_pushed_position(const json::View& data, std::int64_t push_ms) {
  const Position p = parse_position(data);
  if (!p.is_closed || is_emitted(p.id)) return;
  const std::int64_t now = now_ms(), said = p.updated_ms != 0 ? p.updated_ms : push_ms;
  const bool sane = said > now - kHistoryMs && said < now + kDayMs;
  if (!waiting_.emplace(p.id, Waiting{p.symbol, p.opened_ms, sane ? said : now, now}).second) return;
  after(static_cast<std::uint64_t>(kGiveUpMs), [this, id = p.id] { give_up_waiting(id); });
  chase(p.id, [this, id = p.id] { ask_history_of(id); });
}

/// History may be filtered by the time of opening or of closing: both are inside.
void Account::ask_history_of(const std::string& id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  const Waiting& w = it->second;
  const bool said = w.opened_ms > 0 && w.opened_ms <= w.closed_ms;
  const std::int64_t opened = said ? w.opened_ms : w.closed_ms - kUnsaidMs;
  const std::int64_t from = std::max(opened - kAroundMs, now_ms() - kHistoryMs);
  get(kHistory, history_query(from, std::max(now_ms(), w.closed_ms) + kAroundMs, 1, w.symbol),
      [this](const Answer& answer) {
        if (!answer.ok()) return;  // the sweep will tell
        auto rows = std::make_shared<Rows>();
        (void)take_page(nullptr, answer, 0, *rows);
        with_currencies(rows, [this, rows] { emit_rows(*rows); });
      });
}

/// Whatever the frame meant, it must not hold the cursor back for ever.
void Account::give_up_waiting(const std::string& id) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end() || now_ms() - it->second.since_ms < kGiveUpMs) return;
  waiting_.erase(it);
  caught(id);
  warn("no history row for the position " + id + " within an hour: was it closed? Look at MEXC's own list");
  histories().front().unreadable("no history row for the position " + id);
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep&) const {
  std::int64_t oldest = 0;
  for (const auto& [id, w] : waiting_)
    if (oldest == 0 || w.closed_ms < oldest) oldest = w.closed_ms;
  return oldest;
}

void Account::forget_waiting() {
  for (const auto& [id, w] : waiting_) caught(id);
  waiting_.clear();
  figures_ = RecentIds();
  deep_again_ms_ = 0;
}

/// Asks the catalogue for contracts that are not known yet, one after the other.
void Account::with_currencies(std::shared_ptr<Rows> rows, std::function<void()> then) {
  const auto unknown =
      std::find_if(rows->begin(), rows->end(), [&](const Position& p) { return !contracts_.is_asked(p.symbol); });
  if (unknown == rows->end()) return then();
  const std::string symbol = unknown->symbol;
  get(kDetail, "symbol=" + escape_query(symbol), [this, symbol, rows, then = std::move(then)](const Answer& answer) {
    if (answer.ok() && !(answer.result.is_array() && answer.result.size() == 0))
      contracts_.take(symbol, answer.result);
    else
      contracts_.not_listed(symbol);
    with_currencies(rows, then);
  });
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Account::emit_rows(Rows& rows) {
  std::sort(rows.begin(), rows.end(), [](const Position& a, const Position& b) {
    if (a.updated_ms != b.updated_ms) return a.updated_ms < b.updated_ms;
    return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;
  });
  for (const Position& p : rows) {
    waiting_.erase(p.id);
    if (!figures_.add(figures_of(p))) continue;  // on another page, or answered to another question meanwhile
    std::string_view currency = contracts_.settle_coin(p.symbol), hold;
    if (currency.empty()) {
      currency = likely_settle_coin(p.symbol);
      hold = "MEXC's catalogue no longer has this contract: its currency is only guessed from its name";
    }
    if (std::find(markets_.begin(), markets_.end(), market_of(p.symbol, currency)) == markets_.end()) {
      // The account's `market` leaves it out, and yet the key closes there: nobody else will settle that.
      caught(p.id);
      if (!std::exchange(other_market_noted_, true))
        warn("closes like that of " + p.symbol + " are not settled: the account's market leaves them out");
      continue;
    }
    if (p.leaves_funding_out && !std::exchange(funding_noted_, true))
      warn("position " + p.id + ": its funding (holdFee) is no part of `realised`, which was believed to contain it");
    const venue::ClosedPosition c = position_of(p, currency, hold);
    if (is_emitted(p.id))
      emit_again(c);  // the venue has changed its mind: the host sees the difference
    else
      emit_close(c);
  }
  contracts_.forget_missing();
}

/// Whether there may be another page. Rows that cannot be read spoil the proof, not the others.
bool Account::take_page(HistorySweep* sweep, const Answer& answer, std::int64_t from_ms, Rows& out) {
  const json::View rows = rows_of(answer.result);
  if (!rows.is_array()) throw BadFrame("an answer without rows");
  signs_well_ = true;
  std::size_t count = 0;
  for (const json::View row : rows) {
    ++count;
    std::string why;
    std::int64_t time_ms = 0;
    try {
      Position p = parse_position(row);
      if (!p.is_closed) continue;  // taken over for liquidation: its end will come under the same id
      if (p.updated_ms <= 0) throw BadFrame("position " + p.id + ": member 'updateTime' is missing");
      if (figures_.contains(figures_of(p))) {  // told already, or not this account's to tell
        waiting_.erase(p.id);
        caught(p.id);
        continue;
      }
      if (p.updated_ms >= from_ms - kOverlapMs) out.push_back(std::move(p));
      continue;
    } catch (const std::exception& e) {
      why = e.what();
    }
    report(kHistory, why);
    try {
      time_ms = row["updateTime"].i64_or_none().value_or(0);
    } catch (const BadFrame&) {  // then its time is not known
    }
    if (sweep) sweep->unreadable(why, time_ms);
  }
  const auto page = answer.result["currentPage"].i64_or_none(), pages = answer.result["totalPage"].i64_or_none();
  return page && pages ? *page < *pages : count >= kPageMax;
}

void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  // Only catching up must look for positions that were opened long before; while the socket tells of every end, a frame
  // leads to its row by itself.
  const std::int64_t now = now_ms();
  const bool last = to_ms + kNowMs >= now, deep = !last || now >= deep_again_ms_;
  const std::int64_t begin = std::max(from_ms - (deep ? position_ms_ : 0), std::min(from_ms, now - kHistoryMs));
  auto rows = std::make_shared<Rows>();
  auto page = std::make_shared<std::size_t>(1);
  read_pages(
      kHistory, history_query(begin, to_ms, 1),
      [this, &sweep, rows, page, begin, from_ms, to_ms](const Answer& answer) {
        // A row that becomes visible meanwhile pushes others to the next page: they come twice, none is missed.
        const bool more = take_page(&sweep, answer, from_ms, *rows);
        return more ? history_query(begin, to_ms, ++*page) : std::string();
      },
      [this, rows, ends = last && deep, catch_up = catch_ups_, done = std::move(done)](const std::string& failure) {
        if (!failure.empty()) return done(failure);
        with_currencies(rows, [this, rows, ends, catch_up, done] {
          emit_rows(*rows);
          if (ends && catch_up == catch_ups_) deep_again_ms_ = now_ms() + kDeepAgainMs;
          done("");
        });
      });
}

}  // namespace anduin::mexc
