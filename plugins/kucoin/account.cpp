#include "account.hpp"

#include <algorithm>

#include "anduin/query.hpp"
#include "balance.hpp"
#include "errors.hpp"
#include "instruments.hpp"
#include "key_info.hpp"
#include "times.hpp"
#include "token.hpp"

namespace anduin::kucoin {
namespace {

constexpr std::string_view kTimePath = "/api/v1/timestamp", kBullet = "/api/v1/bullet-private",
                           kHistory = "/api/v1/history-positions", kOverview = "/api/v1/account-overview",
                           kKeyPath = "/api/v1/user/api-key";
constexpr std::string_view kPositionsTopic = "/contract/positionAll", kWalletTopic = "/contractAccount/wallet";
constexpr std::string_view kPositionsId = "positions", kWalletId = "wallet";
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr std::int64_t kWindowMs = 7 * kDayMs;   // which span one call may have is not documented
constexpr std::int64_t kPageMax = 200;           // rows; without a limit KuCoin gives ten
constexpr std::size_t kRowsMax = 8'000;          // of a window, emitted in one step: half of what the manifest allows
constexpr std::int64_t kAroundMs = 60'000;       // a row's closing time and its frame's are so near
constexpr std::int64_t kGiveUpMs = 3600 * 1000;  // a row that has not shown for so long holds nothing back any more
constexpr std::int64_t kPingMs = 15'000;         // of the manifest

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.rest_rate = "futures";
  p.clock_path = kTimePath;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  p.ban_ms = kBanMs;
  p.rotate_ms = kRotateMs;
  return p;
}

HistorySweep::Policy history_policy(const venue::Options& options) {
  HistorySweep::Policy p;
  p.window_ms = kWindowMs;
  p.kept_ms = options.integer("history_days") * kDayMs;
  p.kept_text = "how long KuCoin shows closed positions is not documented: history_days says what is believed";
  return p;
}

std::string cycle_key(std::string_view symbol, std::int64_t opening_ms) {
  return std::string(symbol) + ":" + std::to_string(opening_ms);
}

std::string history_query(std::string_view symbol, std::int64_t from_ms, std::int64_t to_ms, std::int64_t page) {
  std::string q = symbol.empty() ? "" : "symbol=" + escape_query(symbol) + "&";
  q += "from=" + std::to_string(from_ms);
  if (to_ms > 0) q += "&to=" + std::to_string(to_ms);
  return q + "&limit=" + std::to_string(kPageMax) + "&pageId=" + std::to_string(page);
}

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      headers_(
          "KC-API-KEY: {{key}}\nKC-API-TIMESTAMP: {{ts_ms}}\nKC-API-SIGN: {{sig}}\n"
          "KC-API-PASSPHRASE: {{sig.passphrase}}\nKC-API-KEY-VERSION: " +
          options.text("key_version") + "\n"),
      markets_(wanted_markets(options)),
      currencies_(options.list("balance")) {
  if (currencies_.empty()) throw BadOption("/balance", "name at least one settlement currency, such as USDT");
  add_history("futures", history_policy(options));
}

// -- requests -------------------------------------------------------------------------------------------------------

Answer Account::judge(const venue::Reply& reply) { return kucoin::judge(reply, now_ms()); }

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  SignedGet g{.target = query.empty() ? std::string(path) : std::string(path) + "?" + query,
              .headers = headers_,
              .sign = "rest",
              .args = {},
              .rate = "futures"};
  if (path == kKeyPath) g.endpoint = "spot.rest", g.rate = "management", g.cost = 20;
  else g.cost = path == kOverview ? 5 : 2;
  return g;
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return kucoin::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) { return answer.result.i64(); }
bool Account::is_optional(std::string_view path) const { return path == kKeyPath || path == kOverview; }
bool Account::is_missing_right(std::int64_t code) const { return code == kNoPermission; }

void Account::ask_key() {
  get(kKeyPath, "", [this](const Answer& answer) {
    if (!answer.ok()) {
      report(kKeyPath, answer.text);
      // A key that may not ask about itself: its rights, and whose it is, stay unknown.
      if (answer.code != kNoPermission) return;
      warn("the key may not ask about itself: without the account's uid its closes wait");
      account({.detail = "the key may not ask about itself"});
      return;
    }
    const KeyInfo k = key_info(answer.result);
    account({.uid = k.uid,
             .detail = k.detail,
             .can_trade = k.can_trade,
             .can_withdraw = k.can_withdraw,
             .can_transfer = k.can_transfer,
             .ip_bound = k.ip_bound,
             .sub_account = k.sub_account,
             .expires_ms = k.expires_ms});
  });
}

void Account::ask_balance() { ask_balance_of(0); }

/// One currency a call: without one KuCoin answers for another than is meant.
void Account::ask_balance_of(std::size_t which) {
  if (which == currencies_.size()) return balance_answered("");
  get(kOverview, "currency=" + escape_query(currencies_[which]), [this, which](const Answer& answer) {
    if (!answer.ok()) return balance_answered(answer.text);
    const WalletBalance b = overview_balance(answer.result);
    balance(b.currency, b.total, b.available);
    ask_balance_of(which + 1);
  });
}

// -- the socket -----------------------------------------------------------------------------------------------------

/// The token is the credential; each connection gets its own.
void Account::dial_session(Session& s) {
  http(
      {.endpoint = "rest", .target = kBullet, .method = "POST", .headers = headers_, .sign = "rest", .rate = "connect"},
      [this, &s, number = ++dials_[s.connection]](const venue::Reply& reply) { take_token(s, number, reply); });
}

void Account::take_token(Session& s, std::uint64_t number, const venue::Reply& reply) {
  if (number != dials_[s.connection]) return;  // the host has asked again meanwhile
  const Answer answer = judge(reply);
  if (answer.verdict == Verdict::kRequest) {
    report(kBullet, answer.text);
    return redial(s.connection, "no token: " + answer.text);
  }
  if (!answer.ok()) return login_refused(s, answer.verdict, answer.code, answer.text);
  try {
    const SocketAddress address =
        socket_address(answer.result, "anduin-" + std::to_string(s.connection) + "-" + std::to_string(number));
    if (address.ping_interval_ms > 0 && address.ping_interval_ms < kPingMs)
      warn("KuCoin wants a ping every " + std::to_string(address.ping_interval_ms) + " ms, more often than ours");
    if (welcomed_ == s.connection) welcomed_ = 0;
    open(s.connection, "private", {.url = address.url});
  } catch (const BadFrame& e) {
    report(kBullet, e.what());
    redial(s.connection, std::string("no token: ") + e.what());
  }
}

/// There is no login: the token was one. KuCoin greets, and listens from then on.
void Account::log_in(Session& s) {
  if (welcomed_ == s.connection) return login_accepted(s);
  expect(s, "welcome");
}

void Account::subscribe(Session& s) {
  welcomed_ = 0;
  // Apart, so that one refused topic does not cost the other.
  for (const auto& [id, topic] : {std::pair{kPositionsId, kPositionsTopic}, std::pair{kWalletId, kWalletTopic}}) {
    send(s.connection,
         R"({"id":")" + std::string(id) + R"(","type":"subscribe","topic":")" + std::string(topic) +
             R"(","privateChannel":true,"response":true})",
         {.rate = "ws"});
  }
  expect(s, "subscription");
}

void Account::take_private(Session& s, const venue::Frame& frame) {
  const auto [type, topic, subject, id, code, data] =
      frame.json().get<"type", "topic", "subject", "id", "code", "data">();
  if (type == "welcome") {
    if (s.logged_in) return;
    if (s.awaited == "welcome") login_accepted(s);
    else welcomed_ = s.connection;  // the clock is asked for still
  } else if (type == "ack") {
    if (id == kPositionsId && s.logged_in) streaming(s);
  } else if (type == "error") {
    take_error(s, id.str(), code.i64_or_none().value_or(0), data.text());
  } else if (topic && subject == "position.change") {
    // A frame that cannot be read may have been the end of a position.
    try {
      if (const auto trigger = positions_.take(data)) take_trigger(*trigger);
    } catch (const BadFrame& e) {
      report(kPositionsTopic, e.what());
      sweep_soon("a frame about a position could not be read");
    }
  } else if (topic && subject == "walletBalance.change") {
    take_wallet(data);
  }
  // Pongs, funding settlements, risk limits and older subjects of the wallet need nothing.
}

void Account::take_error(Session& s, std::string_view id, std::int64_t code, const std::string& text) {
  const std::string what = text + " (" + std::to_string(code) + ")";
  if (id == kWalletId) return report(kWalletTopic, "KuCoin refuses the subscription: " + what);
  if (id == kPositionsId) {
    expect(s, "");
    report(kPositionsTopic, "KuCoin refuses the subscription: " + what);
    resync("positions", "only history is read: KuCoin refuses the topic of positions: " + what);
    return redial(s.connection, "the topic of positions was refused: " + what);
  }
  report("private", what);
  if (code == 401 || code == 509) redial(s.connection, what);  // the next dial asks for a new token
}

void Account::take_wallet(const json::View& data) {
  const WalletBalance b = wallet_balance(data);
  const std::int64_t version = data["version"].i64_or_none().value_or(0);
  std::int64_t& last = wallet_versions_[b.currency];
  if (version != 0 && version < last) return;  // overtaken
  last = version;
  balance(b.currency, b.total, b.available);
}

// -- closes ---------------------------------------------------------------------------------------------------------

void Account::take_trigger(const Trigger& t) {
  if (t.opening_ms != 0 && ended_.contains(cycle_key(t.symbol, t.opening_ms))) return;
  const std::string key = t.symbol + " " + t.position_side + " opened at " + std::to_string(t.opening_ms) +
                          (t.opening_ms == 0 ? " closed at " + std::to_string(t.closed_ms) : std::string());
  if (!waiting_.emplace(key, Waiting{t, now_ms()}).second) return;
  after(static_cast<std::uint64_t>(kGiveUpMs), [this, key] { give_up_waiting(key); });
  chase(key, [this, key] { ask_history_of(key); });
}

void Account::ask_history_of(const std::string& key) {
  const auto it = waiting_.find(key);
  if (it == waiting_.end()) return;
  const Trigger& t = it->second.trigger;
  const std::int64_t closed_ms = t.closed_ms > 0 ? t.closed_ms : it->second.since_ms;
  get(kHistory, history_query(t.symbol, closed_ms - kAroundMs, 0, 1), [this](const Answer& answer) {
    if (!answer.ok()) return;  // the sweep will tell
    std::vector<ClosedCycle> cycles;
    (void)take_page(nullptr, answer, cycles);
    emit_cycles(cycles);
  });
}

/// Whatever the frame meant, it must not hold the cursor back for ever.
void Account::give_up_waiting(const std::string& key) {
  const auto it = waiting_.find(key);
  if (it == waiting_.end() || now_ms() - it->second.since_ms < kGiveUpMs) return;
  waiting_.erase(it);
  caught(key);
  warn("no history row for " + key + " within an hour: was it closed? Look at KuCoin's own list");
  histories().front().unreadable("no history row for " + key);
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep&) const {
  std::int64_t oldest = 0;
  for (const auto& [key, w] : waiting_) {
    const std::int64_t ms = w.trigger.closed_ms > 0 ? w.trigger.closed_ms : w.since_ms;
    if (oldest == 0 || ms < oldest) oldest = ms;
  }
  return oldest;
}

void Account::forget_waiting() {
  for (const auto& [key, w] : waiting_) caught(key);
  waiting_.clear();
  ended_.clear();
  figures_.clear();
}

/// The row belongs to the trigger of the same cycle. That openTime is the socket's openingTimestamp was never proven: a
/// new row that closed at that moment will do, unless it is another trigger's.
void Account::match(const ClosedCycle& c) {
  (void)ended_.add(cycle_key(c.symbol, c.open_ms));
  auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) {
    return w.second.trigger.symbol == c.symbol && w.second.trigger.opening_ms == c.open_ms && c.open_ms != 0;
  });
  if (found == waiting_.end() && !is_emitted(c.id))
    found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& w) {
      const Trigger& t = w.second.trigger;
      return t.symbol == c.symbol && t.closed_ms != 0 && std::abs(t.closed_ms - c.close_ms) <= kAroundMs;
    });
  if (found == waiting_.end()) return;
  if (found->second.trigger.opening_ms != 0 && found->second.trigger.opening_ms != c.open_ms)
    warn("close " + c.id + ": openTime " + std::to_string(c.open_ms) + " is not the socket's openingTimestamp " +
         std::to_string(found->second.trigger.opening_ms));
  caught(found->first);
  waiting_.erase(found);
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Account::emit_cycles(std::vector<ClosedCycle>& cycles) {
  std::sort(cycles.begin(), cycles.end(), [](const ClosedCycle& a, const ClosedCycle& b) {
    return a.close_ms != b.close_ms ? a.close_ms < b.close_ms : a.id < b.id;
  });
  for (ClosedCycle& c : cycles) {
    if (user_id_.empty()) user_id_ = c.user_id;
    if (c.hold.empty() && !c.user_id.empty() && c.user_id != user_id_)
      c.hold = "userId " + c.user_id + " is not " + user_id_ + " of the rows before: whose position was it?";
    match(c);
    if (std::find(markets_.begin(), markets_.end(), is_linear(c.symbol, c.currency) ? kLinear : kInverse) ==
        markets_.end()) {
      // The account's `market` leaves it out, and yet the key closes there: nobody else will settle that.
      if (!std::exchange(other_market_noted_, true))
        warn("closes like that of " + c.symbol + " are not settled: the account's market leaves them out");
      continue;
    }
    const venue::ClosedPosition p = position_of(c, positions_.lots(c.symbol, c.open_ms));
    const bool same = !figures_.add(c.id + "=" + c.pnl_text);
    if (is_emitted(c.id) && !same) emit_again(p);  // the venue has changed its mind: the host sees the difference
    else emit_close(p);
  }
}

/// The number of the next page, "" after the last. A row that cannot be read spoils the proof, not the other rows.
std::string Account::take_page(HistorySweep* sweep, const Answer& answer, std::vector<ClosedCycle>& out) {
  const auto [items, page, pages] = answer.result.get<"items", "currentPage", "totalPage">();
  if (!items.is_array()) throw BadFrame("an answer without items");
  const std::int64_t current = page.i64(), last = pages.i64();
  for (const json::View row : items) {
    std::string why;
    try {
      out.push_back(parse_row(row));
      continue;
    } catch (const BadFrame& e) {
      why = e.what();
    } catch (const DecimalError& e) {
      why = e.what();
    }
    report(kHistory, why);
    std::int64_t time_ms = 0;
    try {
      time_ms = row["closeTime"].i64_or_none().value_or(0);
    } catch (const BadFrame&) {
    }
    if (sweep) sweep->unreadable(why, time_ms);
  }
  return current < last ? std::to_string(current + 1) : "";
}

void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  // A row that becomes visible meanwhile pushes others to the next page: they come twice, none is missed.
  struct Window {
    std::vector<ClosedCycle> cycles;
    bool too_many = false;
  };
  auto window = std::make_shared<Window>();
  read_pages(
      kHistory, history_query("", from_ms, to_ms, 1),
      [this, &sweep, window, from_ms, to_ms](const Answer& answer) {
        std::vector<ClosedCycle> rows;
        const std::string next = take_page(&sweep, answer, rows);
        auto& all = window->cycles;
        all.insert(all.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
        window->too_many = all.size() > kRowsMax;
        return next.empty() || window->too_many ? "" : history_query("", from_ms, to_ms, std::stoll(next));
      },
      [this, window, done = std::move(done)](const std::string& failure) {
        if (window->too_many) return done(std::string(HistorySweep::kTooMany));
        if (failure.empty()) emit_cycles(window->cycles);
        done(failure);
      });
}

}  // namespace anduin::kucoin
