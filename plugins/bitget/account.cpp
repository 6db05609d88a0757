#include "account.hpp"

#include <algorithm>

#include "balance.hpp"
#include "key_info.hpp"

namespace anduin::bitget {
namespace {

constexpr std::string_view kTimePath = "/api/v2/public/time", kAssetsPath = "/api/v3/account/assets",
                           kUnifiedKeyPath = "/api/v3/account/info", kClassicKeyPath = "/api/v2/spot/account/info",
                           kClassicBalancePath = "/api/v2/mix/account/accounts",
                           kUnifiedHistoryPath = "/api/v3/position/history-position",
                           kClassicHistoryPath = "/api/v2/mix/position/history-position";
constexpr std::string_view kHeaders =
    "ACCESS-KEY: {{key}}\nACCESS-SIGN: {{sig}}\nACCESS-TIMESTAMP: {{ts_ms}}\nACCESS-PASSPHRASE: {{passphrase}}\n"
    "Content-Type: application/json\nlocale: en-US\n";
constexpr std::string_view kGeneration = "the generation of the account", kCloses = "positions-history",
                           kPosition = "position", kAccount = "account";
constexpr std::int64_t kDayMs = 24LL * 3'600'000;
constexpr std::uint64_t kRotateMs = 23ULL * 3'600'000;  // a connection lives for a day
constexpr std::uint64_t kDetectAgainMs = 30'000;

AccountVenue::Policy policy(const venue::Options& options) {
  AccountVenue::Policy p;
  p.stream = "private.v3";  // or private.v2: dial_session knows
  p.clock_path = kTimePath;
  p.sweep_ms = static_cast<std::uint64_t>(options.integer("sweep_s")) * 1000;
  p.rotate_ms = kRotateMs;
  p.ban_ms = kBanMs;
  return p;
}

HistorySweep::Policy history_policy() {
  HistorySweep::Policy p;
  p.window_ms = 30 * kDayMs - 3'600'000;  // a range of v3 has at most 30 days
  p.kept_ms = 89 * kDayMs;                // 90 days are shown; a day less is asked
  p.kept_text = "Bitget shows 90 days of closed positions";
  return p;
}

std::string_view rate_of(std::string_view path) {
  if (path == kUnifiedHistoryPath || path == kClassicHistoryPath) return "history";
  return path == kUnifiedKeyPath || path == kClassicKeyPath ? "key" : "balance";
}

}  // namespace

Account::Account(const venue::Options& options)
    : AccountVenue(policy(options)),
      products_(chosen_products(options)),
      headers_(std::string(kHeaders) + std::string(demo_header(options))) {
  const std::string dialect = options.text("private_dialect");
  generation_ = dialect == "uta"       ? Generation::kUnified
                : dialect == "classic" ? Generation::kClassic
                                       : Generation::kUnknown;
  pinned_ = generation_ != Generation::kUnknown;
  for (const Product* p : products_) {
    if (p->market == kSpot) throw BadOption("/market", "spot has prices only: an account is linear, inverse or both");
    add_history(std::string(p->name), history_policy());
  }
}

// -- requests -------------------------------------------------------------------------------------------------------

Answer Account::judge(const venue::Reply& reply) {
  Answer answer = strikes_.count(bitget::judge(reply));
  return is_other_generation(answer.code) ? other_generation(std::move(answer)) : answer;
}

AccountVenue::SignedGet Account::signed_get(std::string_view path, const std::string& query) {
  return {.target = query.empty() ? std::string(path) : std::string(path) + "?" + query,
          .headers = headers_,
          .sign = "rest",
          .args = "",
          .rate = std::string(rate_of(path))};
}

std::string Account::advice(std::int64_t code, std::string_view venue_text, std::string_view path) {
  return bitget::advice(code, venue_text, path);
}

std::int64_t Account::clock_of(const Answer& answer) { return answer.result["serverTime"].i64_or_none().value_or(0); }

/// Nobody waits for an answer of the other generation any more.
bool Account::is_optional(std::string_view path) const { return !is_of_generation(path) || rate_of(path) != "history"; }
bool Account::is_missing_right(std::int64_t code) const { return bitget::is_missing_right(code); }

// -- the generation -------------------------------------------------------------------------------------------------

bool Account::is_of_generation(std::string_view path) const {
  if (generation_ == Generation::kUnknown) return true;
  return path.starts_with("/api/v3/") == is_unified();
}

void Account::when_known(std::function<void()> fn) {
  if (generation_ != Generation::kUnknown) return fn();
  when_known_.push_back(std::move(fn));
  detect();
}

/// The balance of a unified account is refused to a classic one, by a code that says so.
void Account::detect() {
  if (detecting_) return;
  detecting_ = true;
  get(kAssetsPath, "", [this](const Answer& answer) {
    detecting_ = false;
    if (generation_ != Generation::kUnknown) return;
    if (answer.ok()) return learn(Generation::kUnified);
    if (answer.code == kClassicAccount) return learn(Generation::kClassic);
    const std::string why =
        "Bitget does not say whether the account is unified or classic (set private_dialect): " + answer.text + " (" +
        std::to_string(answer.code) + ")";
    report(kAssetsPath, why);
    struggle(kGeneration, why);
    after(kDetectAgainMs, [this] { detect(); });
  });
}

void Account::learn(Generation generation) {
  generation_ = generation;
  recovered(kGeneration);
  log(AND_LOG_INFO, std::string("the account is ") + (is_unified() ? "unified (v3)" : "classic (v2)"));
  const auto waiting = std::exchange(when_known_, {});
  for (const auto& fn : waiting) fn();
}

/// Bitget's refusal of a request of the wrong generation: once it is followed, then a person has to look.
Answer Account::other_generation(Answer answer) {
  if (generation_ == Generation::kUnknown) return answer;  // detect() reads it
  Generation told = is_unified() ? Generation::kClassic : Generation::kUnified;
  if (answer.code == kUnifiedAccount) told = Generation::kUnified;
  if (answer.code == kClassicAccount) told = Generation::kClassic;
  if (told == generation_) return answer;  // to a request from before the change
  if (pinned_ || switched_)
    answer.verdict = Verdict::kAuth;
  else
    switch_to(told, answer.text);
  return answer;
}

void Account::switch_to(Generation generation, const std::string& why) {
  generation_ = generation;
  switched_ = true;
  warn(std::string("the account has become ") + (is_unified() ? "unified" : "classic") + ": " + why);
  for (const std::string_view path : {kUnifiedHistoryPath, kClassicHistoryPath, kAssetsPath, kClassicBalancePath})
    recovered(path);
  for (const Product* p : products_) recovered(std::string(kCloses) + " " + std::string(p->rest));
  lifetimes_.clear();
  read_.clear();
  for (const auto& [key, awaited] : awaited_) caught(key);  // the sweeps find them
  awaited_.clear();
  for (HistorySweep& h : histories())
    h.unreadable("the account changed its generation: whether closes from before that are shown is not known");
  after(0, [this] {
    if (session().open) redial(session().connection, "the account has changed its generation");
    ask_key();
    sweep_all();
  });
}

// -- whose key, and the balance -------------------------------------------------------------------------------------

void Account::ask_key() {
  when_known([this] {
    const bool unified = is_unified();
    const std::string_view path = unified ? kUnifiedKeyPath : kClassicKeyPath;
    get(path, "", [this, unified, path](const Answer& answer) {
      if (is_other_generation(answer.code)) return;  // asked again after the change
      if (!answer.ok()) {
        report(path, answer.text);
        // A key that may not ask about itself: its rights stay unknown.
        if (is_missing_right(answer.code)) account({.detail = "the key may not ask about itself"});
        return;
      }
      if (!answer.result.is_object()) throw BadFrame("an answer without the account");
      switched_ = false;
      const KeyInfo k = unified ? unified_key_info(answer.result) : classic_key_info(answer.result);
      if (!k.complaint.empty()) report(path, k.complaint);
      account({.uid = k.uid,
               .detail = k.detail,
               .can_trade = k.can_trade,
               .can_withdraw = k.can_withdraw,
               .can_transfer = k.can_transfer,
               .ip_bound = k.ip_bound,
               .sub_account = k.sub_account});
    });
  });
}

void Account::ask_balance() {
  when_known([this] { ask_balance_of(0); });
}

/// A unified account has one list of coins, a classic one a list for each product.
void Account::ask_balance_of(std::size_t which) {
  if (which == (is_unified() ? 1 : products_.size())) return balance_answered("");
  const std::string query = is_unified() ? "" : "productType=" + std::string(products_[which]->rest);
  get(is_unified() ? kAssetsPath : kClassicBalancePath, query, [this, which](const Answer& answer) {
    if (!answer.ok()) return balance_answered(answer.text);
    const json::View assets = answer.result["assets"];
    take_balances(assets.absent() ? answer.result : assets);
    ask_balance_of(which + 1);
  });
}

void Account::take_balances(const json::View& data) {
  std::string missing;
  for (const CoinBalance& b : balances(data, missing)) balance(b.currency, b.total, b.available);
  if (!missing.empty()) report(kAccount, "no equity, so no balance, for " + missing);
}

// -- the socket -----------------------------------------------------------------------------------------------------

void Account::dial_session(Session& s) {
  if (generation_ != Generation::kUnknown) return open(s.connection, is_unified() ? "private.v3" : "private.v2");
  if (!dial_when_known_.insert(s.connection).second) return;
  when_known([this, c = s.connection] {
    dial_when_known_.erase(c);
    open(c, is_unified() ? "private.v3" : "private.v2");
  });
}

void Account::log_in(Session& s) {
  // Seconds here, milliseconds in requests.
  send(s.connection,
       R"({"op":"login","args":[{"apiKey":"{{key|json}}","passphrase":"{{passphrase|json}}","timestamp":"{{ts_s}}",)"
       R"("sign":"{{sig}}"}]})",
       {.sign = "ws", .rate = "ws"});
  expect(s, "login");
}

void Account::subscribe(Session& s) {
  auto& unanswered = unanswered_[s.connection];
  unanswered.clear();
  std::string args;
  if (is_unified()) {
    lifetimes_.clear();
    unanswered.emplace(kPosition);
    args = R"({"instType":"UTA","topic":"position"},{"instType":"UTA","topic":"account"})";
  } else {
    for (const Product* p : products_) {
      const std::string type(p->rest);
      unanswered.insert(std::string(kCloses) + " " + type);
      args += (args.empty() ? "" : ",") +
              (R"({"instType":")" + type + R"(","channel":"positions-history","instId":"default"},)") +
              R"({"instType":")" + type + R"(","channel":"account","coin":"default"})";
    }
  }
  send(s.connection, R"({"op":"subscribe","args":[)" + args + "]}", {.rate = "ws"});
  expect(s, "subscription");
}

void Account::take_private(Session& s, const venue::Frame& frame) {
  if (frame.binary || frame.text == "pong") return;
  const json::View whole = frame.json();
  const auto [event, arg, data, code, text] = whole.get<"event", "arg", "data", "code", "msg">();
  if (event.absent()) {
    const auto [topic, channel, type] = arg.get<"topic", "channel", "instType">();
    if (channel == kCloses) {
      for (const Product* p : products_)
        if (type == p->rest) return take_closed(data, *p);
      throw BadFrame("closed positions of '" + type.text() + "', which was not subscribed");
    }
    if (topic == kPosition) return take_positions(data);
    if (channel == kAccount) return take_balances(data);
    if (topic == kAccount)
      for (const json::View row : data) take_balances(row["coin"]);
  } else if (event == "login") {
    const auto number = code.i64_or_none();
    if (number && *number != 0) return take_error(s, arg, *number, text.text());
    if (!s.logged_in) login_accepted(s);
  } else if (event == "subscribe") {
    take_acknowledgement(s, arg);
  } else if (event == "error") {
    take_error(s, arg, code.i64_or_none().value_or(0), text.text());
  }
  // Events that we do not know need nothing.
}

void Account::take_acknowledgement(Session& s, const json::View& arg) {
  const auto [topic, channel, type] = arg.get<"topic", "channel", "instType">();
  if (topic == kPosition) return topic_settled(s, std::string(kPosition));
  if (!(channel == kCloses)) return;
  const std::string name = std::string(kCloses) + " " + type.text();
  recovered(name);
  topic_settled(s, name);
}

void Account::take_error(Session& s, const json::View& arg, std::int64_t code, const std::string& text) {
  if (!s.logged_in) {
    Verdict verdict = verdict_of(code);
    if (verdict == Verdict::kOk || verdict == Verdict::kRequest) verdict = Verdict::kAuth;
    return login_refused(s, verdict, code, text);
  }
  const std::string what = text + " (" + std::to_string(code) + ")";
  const auto [topic, channel, type] = arg.get<"topic", "channel", "instType">();
  report("the private stream", what);
  if (channel == kAccount || topic == kAccount) return;              // the balance is asked for, too
  if (channel == kCloses && unanswered_[s.connection].size() > 1) {  // one product less
    const std::string name = std::string(kCloses) + " " + type.text();
    struggle(name, "only history is read: Bitget refuses " + name + ": " + what);
    return topic_settled(s, name);
  }
  if (s.streams) return;
  expect(s, "");
  resync("positions", "only history is read: Bitget refuses the subscription: " + what);
  redial(s.connection, "the subscription was refused: " + what);
}

void Account::topic_settled(Session& s, const std::string& topic) {
  auto& unanswered = unanswered_[s.connection];
  unanswered.erase(topic);
  if (unanswered.empty()) streaming(s);
}

}  // namespace anduin::bitget
