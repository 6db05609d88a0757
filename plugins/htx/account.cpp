#include "account.hpp"

#include <algorithm>

#include "balance.hpp"
#include "errors.hpp"
#include "instruments.hpp"
#include "ping.hpp"

namespace anduin::htx {
namespace {

constexpr std::string_view kTimePath = "/api/v1/timestamp", kBalancePath = "/v5/account/balance",
                           kModePath = "/v5/account/asset_mode", kUidPath = "/v2/user/uid",
                           kKeyPath = "/v2/user/api-key";
constexpr std::string_view kOrders = "orders", kPositions = "positions", kAccount = "account";
// The names of the signature begin with capitals: sorted by bytes they stand before every other one.
constexpr std::string_view kSignature =
    "AccessKeyId={{key|pct}}&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={{ts_iso_s|pct}}";
constexpr std::uint64_t kProbeWaitMs = 15'000;  // the private link waits for a verdict on the key, and not for ever
constexpr std::uint64_t kTakenOverMs = 10'000;  // REST shows a liquidation seconds after it happened
constexpr std::uint64_t kListRetryMs = 1'000, kListAgainMs = 60 * 60'000;

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.rest_rate = "read";
  p.clock_path = kTimePath;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  return p;
}

std::string signed_target(std::string_view path, const std::string& query) {
  return std::string(path) + "?" + std::string(kSignature) + (query.empty() ? "" : "&" + query) +
         "&Signature={{sig|pct}}";
}

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      instruments_path_(options.text("instruments_path")),
      probes_key_(options.text("key_probe") != "none"),
      backfill_(static_cast<OrderSource&>(*this), options.integer("order_age_h") * Backfill::kHourMs) {
  add_history("orders", Backfill::kPolicy);
}

// -- requests -------------------------------------------------------------------------------------------------------

Answer Account::judge(const venue::Reply& reply) { return htx::judge(reply, now_ms()); }

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  return {.target = signed_target(path, query), .headers = "", .sign = "rest", .args = "", .rate = "read"};
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return htx::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) { return envelope_ms(answer); }

/// Every request concerns one contract, one order or the balance: a wrong one costs no other.
bool Account::is_optional(std::string_view) const { return true; }

void Account::on_start() {
  ask_contracts(0);
  AccountVenue::on_start();
  ask_mode();
}

/// An account of the generation before V5 answers with empty lists: this question it refuses.
void Account::ask_mode() {
  get(kModePath, "", [this](const Answer& answer) {
    if (!answer.ok())
      warn("HTX does not say the account's asset mode: if it was never moved to V5, its history stays empty (" +
           answer.text + ")");
  });
}

void Account::ask_contracts(unsigned failures) {
  http({.endpoint = "rest", .target = instruments_path_, .rate = "public", .timeout_ms = 30'000},
       [this, failures](const venue::Reply& reply) {
         const Answer answer = judge(reply);
         json::View rows;
         try {
           if (answer.ok()) rows = answer.result["data"];
         } catch (const BadFrame& e) {
           report(instruments_path_, e.what());
         }
         if (!rows.is_array()) {
           report(instruments_path_, answer.ok() ? "an answer without a list" : answer.text);
           if (failures >= 3 && !contracts_known_)
             struggle(instruments_path_, "the list of contracts does not come: " + answer.text);
           after(kListRetryMs << std::min(failures, 6U), [this, failures] { ask_contracts(failures + 1); });
           return;
         }
         for (auto& [name, known] : contracts_) known.listed = false;
         each_row(rows, instruments_path_, "contract_code", [&](const json::View& row) {
           const InstrumentRow instrument(row);
           if (instrument.is_swap) contracts_[instrument.native] = {instrument.contract_size, true};
         });
         contracts_known_ = true;
         recovered(instruments_path_);
         for (const auto& window : std::exchange(after_contracts_, {})) window();
         after(kListAgainMs, [this] { ask_contracts(0); });
       });
}

// -- whose key it is ------------------------------------------------------------------------------------------------

/// Of the spot host, which may be out of reach or refuse a sub-account's key: then the rights stay unknown.
void Account::ask_spot(std::string target, std::function<void(const Answer&)> done) {
  http({.endpoint = "spot", .target = target, .sign = "rest", .rate = "spot"},
       [this, done = std::move(done)](const venue::Reply& reply) {
         const Answer answer = judge(reply);
         if (!answer.ok()) return key_unknown("the spot host does not say what the key may do: " + answer.text);
         try {
           done(answer);
         } catch (const BadFrame& e) {
           key_unknown(std::string("the spot host's answer about the key: ") + e.what());
         }
       });
}

void Account::ask_key() {
  if (!probes_key_) return key_unknown("not asked, as the option key_probe says");
  ask_spot(signed_target(kUidPath, ""), [this](const Answer& of_uid) {
    probe_uid_ = of_uid.result["data"].text();
    if (probe_uid_.empty() || probe_uid_.find_first_not_of("0123456789") != std::string::npos)
      throw BadFrame("a user id that is no number");
    if (!uid_.empty() && uid_ != probe_uid_)
      warn("HTX names user " + uid_ + " at the login and " + probe_uid_ + " at the spot host: the login's counts");
    // Without accessKey HTX would list every key of the user.
    ask_spot(signed_target(kKeyPath, "accessKey={{key|pct}}&uid=" + probe_uid_), [this](const Answer& answer) {
      const json::View rows = answer.result["data"];
      if (!rows.is_array()) throw BadFrame("an answer without a list");
      key_ = key_info(rows, now_ms());
      tell_account();
    });
  });
  if (key_told_) return;
  after(kProbeWaitMs, [this] {
    if (!key_told_) key_unknown("the spot host does not answer");
  });
}

void Account::key_unknown(const std::string& why) {
  report(kKeyPath, why);
  if (key_told_ && key_.can_trade != AND_TRI_UNKNOWN) return;  // what was once known stands until it is told anew
  key_ = {};
  key_.detail = why;
  tell_account();
}

/// The uid is the login's alone: a second source could spell one user in two ways.
void Account::tell_account() {
  key_told_ = true;
  account({.uid = uid_,
           .detail = key_.detail,
           .can_trade = key_.can_trade,
           .can_withdraw = key_.can_withdraw,
           .can_transfer = key_.can_transfer,
           .ip_bound = key_.ip_bound,
           .expires_ms = key_.expires_ms});
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::dial_session(Session& s) { open(s.connection, "private", {.decode = AND_DECODE_GZIP}); }

void Account::on_close(ConnId c, int code, std::string_view reason) {
  positions_.clear();
  AccountVenue::on_close(c, code, reason);
}

void Account::log_in(Session& s) {
  send(
      s.connection,
      R"({"op":"auth","type":"api","AccessKeyId":"{{key|json}}","SignatureMethod":"HmacSHA256","SignatureVersion":"2",)"
      R"("Timestamp":"{{ts_iso_s}}","Signature":"{{sig}}"})",
      {.sign = "ws", .rate = "ws"});
  expect(s, "login");
}

void Account::subscribe(Session& s) {
  // Positions first: they say what the orders that follow meet.
  send(s.connection, R"({"op":"sub","cid":"positions","topic":"positions","contract_code":"*"})", {.rate = "ws"});
  send(s.connection, R"({"op":"sub","cid":"orders","topic":"orders","contract_code":"*"})", {.rate = "ws"});
  send(s.connection, R"({"op":"sub","cid":"account","topic":"account"})", {.rate = "ws"});
  expect(s, "subscription");
}

void Account::take_private(Session& s, const venue::Frame& frame) {
  if (frame.binary) return report("private", "a binary frame that is not compressed as HTX does it");
  const json::View whole = frame.json();
  const auto [op, stamp] = whole.get<"op", "ts">();
  if (op == "notify")
    take_push(whole);
  else if (op == "ping")
    answer_ping(s, stamp);
  else if (op == "auth")
    take_login(s, whole);
  else if (op == "sub")
    take_subscription(s, whole);
  else if (op == "close")
    redial(s.connection, "HTX closes the link");
  else if (op == "error")
    report("private", "HTX does not understand a frame of ours");
  // Answers to unsubscribing need nothing.
}

void Account::answer_ping(Session& s, const json::View& stamp) {
  const std::string_view same = echo_of(stamp);
  if (same.empty()) return report("ping", "a stamp that is no number: " + std::string(stamp.raw().substr(0, 64)));
  send(s.connection, R"({"op":"pong","ts":)" + std::string(same) + "}");
}

void Account::take_login(Session& s, const json::View& frame) {
  const auto [code, text, data] = frame.get<"err-code", "err-msg", "data">();
  const std::int64_t number = code.i64();
  const Verdict verdict = login_verdict_of(number, text.text());
  if (verdict != Verdict::kOk) return login_refused(s, verdict, number, text.text());
  if (const std::string uid = data["user-id"].text(); !uid.empty()) {
    uid_ = uid;
    if (!probe_uid_.empty() && probe_uid_ != uid_)
      warn("HTX names user " + uid_ + " at the login and " + probe_uid_ + " at the spot host: the login's counts");
    tell_account();
  } else if (uid_.empty()) {
    warn("the login does not say whose account it is: closes wait");
  }
  login_accepted(s);
}

void Account::take_subscription(Session& s, const json::View& frame) {
  const auto [topic, code, message] = frame.get<"topic", "err-code", "err-msg">();
  const std::int64_t number = code.i64();
  const std::string text = message.text() + " (" + std::to_string(number) + ")";
  const bool accepted = number == 0 || number == 2014;  // 2014: it is subscribed already
  if (number == 2002) return redial(s.connection, "the login is not known: " + text);
  if (!(topic == kOrders)) {
    if (accepted) return;
    report(topic.text(), "HTX refuses the subscription: " + text);
    if (topic == kPositions)
      warn("liquidations are seen by history alone, and turned positions without their size: " + text);
    return;
  }
  if (s.streams || !s.logged_in) return;
  if (accepted) return streaming(s);
  expect(s, "");
  report(kOrders, "HTX refuses the subscription: " + text);
  resync("positions", "only history is read: HTX refuses the topic orders: " + text);
  redial(s.connection, "the topic orders was refused: " + text);
}

void Account::take_push(const json::View& frame) {
  const auto [topic, event, stamp, data] = frame.get<"topic", "event", "ts", "data">();
  const std::int64_t pushed_ms = stamp.i64_or_none().value_or(0);
  if (topic == kOrders) return take_orders(data, pushed_ms);
  if (topic == kAccount) return take_balance(data, kAccount);
  if (!(topic == kPositions)) return;  // executions carry no result
  positions_.take(data, event == "snapshot", pushed_ms);
  if (event == "liquidation" || event == "adl") {
    // Whether the venue's own orders are pushed as orders is not known: history tells.
    log(AND_LOG_INFO, "looking into the history: a position was taken over by HTX");
    sweep_all();
    after(kTakenOverMs, [this] { sweep_all(); });
  }
}

void Account::take_orders(const json::View& data, std::int64_t pushed_ms) {
  const auto take = [&](const json::View& row) {
    try {
      Order order = parse_order(row, pushed_ms, AND_ORIGIN_STREAM);
      if (order.progress == Progress::kNothing) return;
      contracts_.try_emplace(order.contract);  // not listed, and yet traded: its history is read too
      positions_.note(order);
      take_order(order, {});
    } catch (const std::exception& e) {
      report(kOrders, e.what());
      sweep_soon("an order of the stream could not be read");
    }
  };
  if (data.is_object()) return take(data);
  for (const json::View row : data) take(row);
}

// -- balance --------------------------------------------------------------------------------------------------------

void Account::ask_balance() {
  get(kBalancePath, "", [this](const Answer& answer) {
    balance_answered(answer.ok() ? "" : answer.text);
    if (answer.ok()) take_balance(answer.result["data"], kBalancePath);
  });
}

void Account::take_balance(const json::View& data, std::string_view where) {
  if (!data.is_object()) throw BadFrame("a balance without data");
  if (const auto money = money_of(data))
    balance("USDT", money->total, money->available);
  else
    report(where, "no figures for USDT");
}

// -- history --------------------------------------------------------------------------------------------------------

void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  if (!contracts_known_) {
    after_contracts_.emplace_back(
        [this, &sweep, from_ms, to_ms, done] { backfill_.read(sweep, from_ms, to_ms, done); });
    return;
  }
  backfill_.read(sweep, from_ms, to_ms, std::move(done));
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep&) const {
  std::int64_t oldest = 0;
  for (const auto& [id, w] : waiting_)
    if (oldest == 0 || w.since_ms < oldest) oldest = w.since_ms;
  return oldest;
}

void Account::forget_waiting() {
  waiting_.clear();
  after_contracts_.clear();
}

void Account::ask(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) {
  get(path, query, std::move(done));
}

std::vector<std::string> Account::contracts() const {
  std::vector<std::string> out;
  for (const auto& [name, known] : contracts_) out.push_back(name);
  return out;
}

/// What is in no list any more and refused is not asked for again: it was said once that this is not proven.
void Account::contract_refused(const std::string& contract) {
  const auto it = contracts_.find(contract);
  if (it != contracts_.end() && !it->second.listed) contracts_.erase(it);
}

bool Account::knows(const std::string& order_id) const { return is_emitted(order_id); }
void Account::complain(std::string_view where, const std::string& text) { report(where, text); }
std::int64_t Account::time_ms() const { return now_ms(); }

}  // namespace anduin::htx
