#include "spot_account.hpp"

#include <algorithm>

#include "instruments.hpp"
#include "key_probe.hpp"

namespace anduin::kraken {
namespace {

/// After a login once more, for what the ledger shows late.
constexpr std::uint64_t kSecondLookMs = 30'000;
constexpr std::int64_t kProbeEveryMs = 24 * 3'600'000;
constexpr std::int64_t kProbeAgeMsMax = 3'600'000;
constexpr std::uint64_t kProbeRetryMs = 300'000;
/// A refused token is fetched anew so often, then it is the key.
constexpr int kSubscriptionFailuresMax = 3;
/// A ledger row and its execution come on two channels; so long they may be apart.
constexpr std::int64_t kPairWaitMs = 5'000;
/// In v1 the ledger row follows its trade; read a little later.
constexpr std::int64_t kLedgerLagMs = 2'000;
/// The venue acknowledges within milliseconds.
constexpr std::uint64_t kLoginWaitMs = 10'000;
constexpr std::size_t kTradesMax = 4'096;
constexpr std::size_t kReportedMax = 8'192;

}  // namespace

void SpotAccount::start() {
  probe_key();
  probe_clock();
  run_now();
  host_.dial(kPrivate);
}

// -- whose key this is ----------------------------------------------------------------------------------------------

void SpotAccount::probe_key() {
  probed_ms_ = host_.now_ms();
  Call call = spot_call("/0/private/GetApiKeyInfo", "", 1);
  call.done = [this](RequestId, const venue::Reply& reply) {
    const KeyFacts facts = read_spot_key(reply.json()["result"]);
    host_.account(facts.info());
    history_from_ms_ = facts.history_from_ms;
    history_to_ms_ = facts.history_to_ms;
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

// Nothing of Kraken spot is signed with a time; the clock serves ages and windows.
void SpotAccount::probe_clock() {
  const auto id = std::make_shared<RequestId>(0);
  *id = host_.http({.endpoint = "spot.rest", .target = "/0/public/Time", .rate = "spot.public"},
                   [this, id](const venue::Reply& reply) {
    if (!reply.ok()) return;
    if (const auto s = reply.json()["result"]["unixtime"].i64_or_none()) host_.clock(*id, *s * 1000, 1000);
  });
}

// -- login ----------------------------------------------------------------------------------------------------------

// Tokens do not outlive venue upgrades and reconnects: a fresh one for each connection.
void SpotAccount::dial_due() {
  Call call = spot_call("/0/private/GetWebSocketsToken", "", 1);
  call.done = [this](RequestId, const venue::Reply& reply) {
    token_ = reply.json()["result"]["token"].text();
    if (token_.empty())
      refuse_key(host_, true, "no socket token was given; the key needs the permission 'WebSocket interface'");
    host_.open(kPrivate, dialect_ == Dialect::kV1 ? "spot.private.v1" : "spot.private");
  };
  // The host asks again after its back-off: one try a dial, so that a token never belongs to an older one.
  call.failed = [](const Judgement& j, int) {
    return j.verdict == Verdict::kRetry || j.verdict == Verdict::kRateLimit || j.verdict == Verdict::kLockout;
  };
  send_call(host_, std::move(call));
}

void SpotAccount::opened() {
  subscribed_.clear();
  sequences_.clear();
  if (host_.now_ms() - probed_ms_ > kProbeAgeMsMax) probe_key();
  subscribe();
  if (login_timer_ != 0) host_.cancel(login_timer_);
  login_timer_ = host_.after(kLoginWaitMs, [this] {
    login_timer_ = 0;
    host_.redial(kPrivate, "no answer to the private subscription");
  });
  run_soon(0);
  host_.after(kSecondLookMs, [this] { run_soon(0); });
}

void SpotAccount::closed() {
  subscribed_.clear();
  sequences_.clear();
  token_.clear();
  if (login_timer_ != 0) host_.cancel(login_timer_);
  login_timer_ = 0;
}

void SpotAccount::subscribe() {
  const std::string token = json::quoted(token_);
  if (dialect_ == Dialect::kV1) {
    host_.send(kPrivate, R"({"event":"subscribe","subscription":{"name":"ownTrades","token":)" + token + "}}",
               {.rate = "spot.ws"});
    return;
  }
  host_.send(kPrivate,
             R"({"method":"subscribe","params":{"channel":"executions","snap_orders":false,"snap_trades":true,)"
             R"("token":)" + token + R"(},"req_id":1})",
             {.rate = "spot.ws"});
  host_.send(kPrivate,
             R"({"method":"subscribe","params":{"channel":"balances","snapshot":true,"token":)" + token +
                 R"(},"req_id":2})",
             {.rate = "spot.ws"});
}

void SpotAccount::subscribed(std::string_view what) {
  subscribed_.emplace(what);
  const std::size_t wanted = dialect_ == Dialect::kV1 ? 1 : 2;
  if (subscribed_.size() < wanted) return;
  subscription_failures_ = 0;
  if (login_timer_ != 0) host_.cancel(login_timer_);
  login_timer_ = 0;
  host_.ready("positions", dialect_ == Dialect::kV1 ? "ownTrades, ledger" : "balances, executions");
}

void SpotAccount::subscription_failed(const std::string& why) {
  if (++subscription_failures_ >= kSubscriptionFailuresMax) {
    subscription_failures_ = 0;
    refuse_key(host_, true, "the private subscription was refused: " + why);
  }
  host_.error(AND_E_PROTOCOL, "spot.private", why + "; trying again with a new token");
  host_.redial(kPrivate, "a new token is needed");
}

// -- frames ---------------------------------------------------------------------------------------------------------

void SpotAccount::frame(const venue::Frame& frame) {
  const json::View v = frame.json();
  if (v.is_array() || !v["event"].absent()) v1_frame(v);
  else v2_frame(v);
}

void SpotAccount::v2_frame(const json::View& frame) {
  const auto [channel, type, data, number, method, success, result, error] =
      frame.get<"channel", "type", "data", "sequence", "method", "success", "result", "error">();
  if (channel == "balances" || channel == "executions") {
    const bool snapshot = type == "snapshot";
    sequence(channel.str(), number, snapshot);
    if (channel == "balances") balance_rows(data, snapshot);
    else execution_rows(data);
  } else if (method == "subscribe") {
    if (success.truthy()) subscribed(result["channel"].str());
    else subscription_failed(error.text());
  } else if (channel == "status") {
    for (const json::View row : data) {
      const json::View system = row["system"];
      if (system && system != "online") host_.warn("Kraken spot is in " + system.text());
    }
  } else if (error) {
    host_.error(AND_E_PROTOCOL, "spot.private", error.text());
  }
}

void SpotAccount::v1_frame(const json::View& frame) {
  if (frame.is_array()) return v1_trades(frame);
  const auto [event, status, error, subscription] = frame.get<"event", "status", "errorMessage", "subscription">();
  if (event == "subscriptionStatus") {
    if (status == "subscribed") subscribed(subscription["name"].str());
    else if (status == "error") subscription_failed(error.text());
  } else if (event == "systemStatus") {
    if (status != "online") host_.warn("Kraken spot is in " + status.text());
  } else if (event == "error") {
    host_.error(AND_E_PROTOCOL, "spot.private.v1", error.text());
  }
}

// [[{TRADE:{..}}..],"ownTrades",{"sequence":n}]: no pnl here, so it only says that the ledger has news.
void SpotAccount::v1_trades(const json::View& frame) {
  if (frame[1] != "ownTrades") return;
  sequence("ownTrades", frame[2]["sequence"], false);
  run_soon(kLedgerLagMs);
}

/// A gap means that rows were lost: the ledger has them.
void SpotAccount::sequence(std::string_view channel, const json::View& number, bool snapshot) {
  std::int64_t n = 0;
  try {
    const auto said = number.i64_or_none();
    if (!said) return;
    n = *said;
  } catch (const BadFrame&) {
    return;
  }
  const auto it = sequences_.find(channel);
  if (it == sequences_.end()) {
    sequences_.emplace(channel, n);
    return;
  }
  if (!snapshot && n != it->second + 1) {
    host_.resync("positions", std::string(channel) + ": frames are missing on the stream");
    run_soon(0);
  }
  it->second = n;
}

// -- stream ---------------------------------------------------------------------------------------------------------

void SpotAccount::balance_rows(const json::View& rows, bool snapshot) {
  for (const json::View row : rows) {
    try {
      if (snapshot) push_snapshot(row);
      else ledger_row(row);
    } catch (const BadFrame& e) {
      host_.error(AND_E_PROTOCOL, "balances", e.what());
      if (!snapshot) run_soon(kPairWaitMs);
    }
  }
}

void SpotAccount::ledger_row(const json::View& v) {
  const auto [asset, wallet, wallet_id, total] = v.get<"asset", "wallet_type", "wallet_id", "balance">();
  if (wallet == "spot" && wallet_id == "main" && total && !other_wallets_.contains(asset.text()))
    host_.balance(currency_code(asset.text()), total.dec(), total.dec());
  const auto row = socket_ledger_row(v);
  if (!row || reported_.contains(row->id)) return;
  const auto trade = trades_.find(row->trade_id);
  if (trade != trades_.end()) return report(*row, trade->second, AND_ORIGIN_STREAM);
  waiting_.insert_or_assign(row->id, *row);
  host_.after(static_cast<std::uint64_t>(kPairWaitMs), [this, id = row->id] {
    if (waiting_.erase(id) > 0) run_soon(0);  // the history read asks for the trade
  });
}

void SpotAccount::execution_rows(const json::View& rows) {
  for (const json::View row : rows) {
    try {
      const auto trade = socket_trade(row);
      if (!trade) continue;
      remember(trade->first, trade->second);
      for (auto it = waiting_.begin(); it != waiting_.end();) {
        if (it->second.trade_id != trade->first) {
          ++it;
          continue;
        }
        report(it->second, trade->second, AND_ORIGIN_STREAM);
        it = waiting_.erase(it);
      }
    } catch (const BadFrame& e) {
      host_.error(AND_E_PROTOCOL, "executions", e.what());
    }
  }
}

void SpotAccount::remember(const std::string& trade_id, const Trade& trade) {
  if (!trades_.insert_or_assign(trade_id, trade).second) return;
  trades_order_.push_back(trade_id);
  if (trades_order_.size() <= kTradesMax) return;
  trades_.erase(trades_order_.front());
  trades_order_.pop_front();
}

void SpotAccount::report(const LedgerRow& row, const Trade& trade, std::uint32_t origin) {
  host_.closed(margin_close(row, trade).record(origin));
  if (origin != AND_ORIGIN_STREAM || !reported_.insert(row.id).second) return;
  reported_order_.push_back(row.id);
  if (reported_order_.size() <= kReportedMax) return;
  reported_.erase(reported_order_.front());
  reported_order_.pop_front();
}

}  // namespace anduin::kraken
