#include "account.hpp"

#include <algorithm>

#include "anduin/query.hpp"
#include "balance.hpp"
#include "errors.hpp"
#include "key_info.hpp"

namespace anduin::bybit {
namespace {

constexpr std::string_view kTimePath = "/v5/market/time", kKeyPath = "/v5/user/query-api",
                           kWalletPath = "/v5/account/wallet-balance";
constexpr std::string_view kHeaders =
    "X-BAPI-API-KEY: {{key}}\nX-BAPI-TIMESTAMP: {{ts_ms}}\nX-BAPI-RECV-WINDOW: {{arg.recv_window}}\n"
    "X-BAPI-SIGN: {{sig}}\n";
constexpr std::string_view kExecutionTopic = "execution", kWalletTopic = "wallet";
constexpr std::int64_t kNoPermission = 10005;
constexpr std::int64_t kLagMs = 30'000;  // a fill so late on the stream: look what else is missing

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.clock_path = kTimePath;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  p.ban_ms = kBanMs;
  return p;
}

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      sign_args_(R"({"recv_window":)" + std::to_string(options.integer("recv_window_ms")) + "}") {
  for (const Category c : categories_of(options)) {
    if (c == Category::kSpot) throw BadOption("/market", "spot has prices only: an account is linear, inverse or both");
    HistorySweep& sweep = add_history(std::string(text(c)), Backfill::kPolicy);
    backfills_.emplace_back(static_cast<FillSource&>(*this), c, sweep);
  }
}

// -- requests -------------------------------------------------------------------------------------------------------

Answer Account::judge(const venue::Reply& reply) { return bybit::judge(reply); }

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  return {.target = query.empty() ? std::string(path) : std::string(path) + "?" + query,
          .headers = std::string(kHeaders), .sign = "rest", .args = sign_args_};
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return bybit::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) {
  return answer.result["timeNano"].i64_or_none().value_or(0) / 1'000'000;
}

bool Account::is_optional(std::string_view path) const { return path == kKeyPath || path == kWalletPath; }
bool Account::is_missing_right(std::int64_t code) const { return code == kNoPermission; }

void Account::ask_key() {
  get(kKeyPath, "", [this](const Answer& answer) {
    if (!answer.ok()) {
      report(kKeyPath, answer.text);
      // A key that may not ask about itself: its rights stay unknown.
      if (answer.code == kNoPermission) account({.detail = "the key may not ask about itself"});
      return;
    }
    const KeyInfo k = key_info(answer.result);
    if (!k.unified) warn("the account is no unified account (uta 0): its history may stay empty");
    account({.uid = k.uid, .detail = k.detail, .can_trade = k.can_trade, .can_withdraw = k.can_withdraw,
             .can_transfer = k.can_transfer, .ip_bound = k.ip_bound, .sub_account = k.sub_account,
             .expires_ms = k.expires_ms});
  });
}

void Account::ask_balance() {
  get(kWalletPath, "accountType=UNIFIED", [this](const Answer& answer) {
    balance_answered(answer.ok() ? "" : answer.text);
    if (!answer.ok()) return;
    const json::View list = answer.result["list"];
    if (!list.is_array()) throw BadFrame("an answer without a list");
    take_wallet(list);
  });
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::log_in(Session& s) {
  send(s.connection, R"({"op":"auth","args":["{{key|json}}","{{ts_ms+10000}}","{{sig}}"]})",
       {.sign = "ws", .rate = "ws"});
  expect(s, "login");
}

void Account::take_login(Session& s, bool accepted, std::int64_t code, const std::string& text) {
  if (accepted) return login_accepted(s);
  // A stamp that has expired on arrival is a matter of clocks; an expired key has a code of its own.
  const bool stamp = code == 0 && text.find("xpire") != std::string::npos;
  Verdict verdict = stamp ? Verdict::kClock : verdict_of(code);
  if (verdict == Verdict::kOk) verdict = Verdict::kAuth;
  login_refused(s, verdict, code, text);
}

void Account::subscribe(Session& s) {
  // Apart, so that one refused topic does not cost the other.
  send(s.connection, R"({"req_id":"execution","op":"subscribe","args":["execution"]})", {.rate = "ws"});
  send(s.connection, R"({"req_id":"wallet","op":"subscribe","args":["wallet"]})", {.rate = "ws"});
  expect(s, "subscription");
}

void Account::take_subscription(Session& s, std::string_view req_id, bool accepted, const std::string& text) {
  if (req_id == kWalletTopic) {
    if (!accepted) report(kWalletTopic, "Bybit refuses the subscription: " + text);
    return;
  }
  if (s.streams || !s.logged_in) return;
  if (accepted || text.find("already") != std::string::npos) return streaming(s);
  expect(s, "");
  report(kExecutionTopic, "Bybit refuses the subscription: " + text);
  resync("positions", "only history is read: Bybit refuses the topic execution: " + text);
  redial(s.connection, "the topic execution was refused: " + text);
}

void Account::take_private(Session& s, const venue::Frame& frame) {
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
  if (op == "auth") take_login(s, accepted, code.i64_or_none().value_or(0), message);
  else if (op == "subscribe") take_subscription(s, id.str(), accepted, message);
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
      const auto backfill = std::find_if(backfills_.begin(), backfills_.end(),
                                         [&](const Backfill& b) { return b.category() == fill->category; });
      if (backfill == backfills_.end()) {
        note_other_market(*fill);
        continue;
      }
      closing = true;
      if (fill->complete()) emit_fill(*fill);
      else backfill->wait_for(std::move(*fill));
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
  warn("closes of " + std::string(text(fill.category)) + " contracts (" + fill.symbol +
       ") are not settled: the account's market leaves them out");
}

void Account::take_wallet(const json::View& list) {
  std::string missing;
  for (const json::View wallet : list)
    for (const WalletBalance& b : wallet_balances(wallet, missing)) balance(b.currency, b.total, b.available);
  if (!missing.empty()) report(kWalletTopic, "no margin figures, so no balance, for " + missing);
}

// -- history --------------------------------------------------------------------------------------------------------

void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  for (Backfill& b : backfills_)
    if (&b.sweep() == &sweep) b.read_window(from_ms, to_ms, std::move(done));
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep& sweep) const {
  for (const Backfill& b : backfills_)
    if (&b.sweep() == &sweep) return b.oldest_waiting_ms();
  return 0;
}

void Account::forget_waiting() {
  for (Backfill& b : backfills_) b.forget();
}

void Account::pages(std::string_view path, const std::string& query,
                    std::function<void(const json::View& list)> rows, HistorySweep::Done done) {
  read_pages(path, query, [query, rows = std::move(rows)](const Answer& answer) -> std::string {
    const auto [list, next] = answer.result.get<"list", "nextPageCursor">();
    if (!list.is_array()) throw BadFrame("an answer without a list");
    rows(list);
    const std::string cursor = next.text();
    return cursor.empty() ? "" : query + "&cursor=" + escape_query(cursor);
  }, std::move(done));
}

void Account::later(std::uint64_t delay_ms, std::function<void()> fn) { after(delay_ms, std::move(fn)); }

/// Of a second stream record too: figures that differ are the host's to see.
void Account::emit_fill(const Fill& fill) { emit_again(position_of(fill)); }

bool Account::knows_fill(const std::string& id) const { return is_emitted(id); }
void Account::complain(std::string_view where, const std::string& text) { report(where, text); }
void Account::alarm(const std::string& text) { warn(text); }

void Account::offer_log_rows(const json::View& list, Category asked_by) {
  for (const json::View row : list) {
    try {
      const LogRow parsed = parse_log_row(row);
      if (parsed.id.empty()) continue;
      for (Backfill& b : backfills_) b.match(parsed);
    } catch (const std::exception& e) {
      report("/v5/account/transaction-log", e.what());
    }
  }
  for (Backfill& b : backfills_)
    if (b.category() != asked_by) b.emit_matched();
}

}  // namespace anduin::bybit
