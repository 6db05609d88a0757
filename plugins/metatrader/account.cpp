#include "account.hpp"

#include <algorithm>

#include "body.hpp"
#include "close.hpp"
#include "strict_json.hpp"

namespace anduin::metatrader {
namespace {

/// Three heartbeats: then the terminal is down.
constexpr std::uint64_t kSilenceMs = 90'000;
/// Requests whose closes are with the ledger; the host lets fewer in at a time.
constexpr std::size_t kPendingMax = 64;
/// After a failed commit the terminal posts the closes of the last hour again; it repeats unanswered ones anyway.
constexpr std::int64_t kRescanAfterLossS = 3'600;

std::string first_word(const std::string& reason) { return reason.substr(0, reason.find(':')); }

}  // namespace

void Account::on_start() { resync("positions", "waiting for the terminal's first heartbeat"); }

void Account::on_inbound(const venue::Inbound& request) {
  try {
    if (const std::string fault = json_object_fault(request.body); !fault.empty()) throw Refused{400, "bad_json", fault};
    const json::View body = request.json();
    const json::View kind = body["type"];
    const std::string type = kind.absent() ? "close" : kind.is_string() ? kind.text() : "";
    if (type != "close" && type != "prices" && type != "heartbeat" && type != "balance")
      throw Refused{400, "bad_type", "type must be close, prices, heartbeat or balance", "type"};
    check_login(body);
    if (type == "close") take_close(request, body);
    else if (type == "prices") take_prices(request, body);
    else if (type == "heartbeat") take_heartbeat(request, body);
    else take_balance(request, body);
  } catch (const Refused& r) {
    reply(request.id, r.status, refusal_body(r, now_ms()));
  } catch (const BadFrame& e) {
    reply(request.id, 400, refusal_body({400, "bad_field", e.what()}, now_ms()));
  } catch (const DecimalError& e) {
    reply(request.id, 400, refusal_body({400, "bad_field", e.what()}, now_ms()));
  }
}

/// The terminal may have been switched to another account under the same key.
void Account::check_login(const json::View& body) const {
  const std::string login = maybe_text(body, "login");
  if (!login.empty() && !settings_.login.empty() && login != settings_.login)
    throw Refused{403, "login_mismatch", "this key belongs to another login", "login"};
}

void Account::take_close(const venue::Inbound& request, const json::View& body) {
  const Close c = read_close(body, settings_, now_ms());
  venue::ClosedPosition p;
  p.id = c.id;
  p.symbol = c.symbol;
  p.currency = c.currency;
  p.pnl_raw = c.pnl_raw;
  p.hold = c.hold;
  p.is_long = c.is_long;
  p.origin = AND_ORIGIN_INBOUND;
  p.closed_ms = c.closed_ms;
  p.entry = c.entry;
  p.exit = c.exit;
  p.size = c.size;
  p.pnl = c.pnl;
  p.flags = AND_CLOSE_SIZE_IN_BASE;
  if (pending_.size() >= kPendingMax) pending_.erase(pending_.begin());
  pending_[request.seq] = {request.id, c.id};
  closed(p);
}

void Account::on_close_result(const venue::CloseResult& r) {
  const auto it = pending_.find(r.seq);
  if (it == pending_.end()) return;
  const Pending p = std::move(it->second);
  pending_.erase(it);
  if (r.outcome == "conflict") {
    const Refused conflict{409, "conflict", "this id was reported before with other content: " + r.reason, "positionId"};
    return reply(p.request, conflict.status, refusal_body(conflict, now_ms()));
  }
  if (r.outcome == "refused") {
    const Refused refused{422, r.reason == "before_activation" ? r.reason : "rejected", "the close is not taken: " + r.reason};
    return reply(p.request, refused.status, refusal_body(refused, now_ms()));
  }
  std::string body = "{\"status\":" + json::quoted(r.outcome) + ",\"positionId\":" + json::quoted(p.id) +
                     ",\"refId\":" + json::quoted(r.ref_id);
  if (r.outcome == "held") body += ",\"reason\":" + json::quoted(first_word(r.reason)) + ",\"detail\":" + json::quoted(r.reason);
  reply(p.request, 200, body + "}");
}

/// A commit failed: the host has told the senders to come again; what it lost before that is asked for.
void Account::on_cursor() {
  pending_.clear();
  settings_.rescan_s = std::max(settings_.rescan_s, kRescanAfterLossS);
  rescan_due_ = true;
}

void Account::take_prices(const venue::Inbound& request, const json::View& body) {
  std::size_t taken = 0;
  const auto ignored = quotes_.read(body, settings_.symbols, now_ms(),
                                    [&](const std::string& canonical, const Decimal& bid, const Decimal& ask, std::int64_t at_ms) {
                                      price(instrument(canonical), bid, ask, 0, 0, at_ms);
                                      ++taken;
                                    });
  std::string names;
  for (const std::string& name : ignored) names += (names.empty() ? "" : ",") + json::quoted(name);
  reply(request.id, 200, "{\"status\":\"ok\",\"accepted\":" + std::to_string(taken) + ",\"ignored\":[" + names + "]}");
}

void Account::take_heartbeat(const venue::Inbound& request, const json::View& body) {
  static_cast<void>(need_integer(body, "timestamp"));
  bind_login(body);
  if (const std::string anomaly = maybe_text(body, "anomaly"); anomaly != anomaly_) {
    anomaly_ = anomaly;
    if (!anomaly.empty()) error(AND_E_PROTOCOL, "heartbeat", "the terminal reports: " + anomaly + "; a person must look");
  }
  const bool connected = body["connected"].absent() || body["connected"].truthy();
  if (!connected) {
    if (alive_) resync("positions", "the terminal has no connection to its trade server");
    alive_ = false;
  } else if (!alive_) {
    ready("positions", "login " + settings_.login);
    alive_ = true;
  }
  watch();
  std::string answer = "{\"status\":\"ok\"";
  if (rescan_due_ && settings_.rescan_s > 0) answer += ",\"rescanSec\":" + std::to_string(settings_.rescan_s);
  rescan_due_ = false;
  reply(request.id, 200, answer + "}");
}

/// Login and server as the terminal says them: the host refuses a second account that resolves to the same.
void Account::bind_login(const json::View& body) {
  const std::string login = maybe_text(body, "login"), server = maybe_text(body, "server");
  if (login.empty() || server.empty()) return;
  if (!settings_.server.empty() && server != settings_.server && server + "/" + login != bound_)
    warn("the terminal is on server " + server + ", the account is configured for " + settings_.server);
  const std::string uid = server + "/" + login;
  if (uid == bound_) return;
  bound_ = uid;
  account({.uid = uid, .can_trade = AND_TRI_NO, .can_withdraw = AND_TRI_NO, .can_transfer = AND_TRI_NO});
}

void Account::watch() {
  if (silence_ != 0) cancel(silence_);
  silence_ = after(kSilenceMs, [this] {
    silence_ = 0;
    alive_ = false;
    resync("positions", "no heartbeat for 90 s: the terminal is off or cut off");
  });
}

void Account::take_balance(const venue::Inbound& request, const json::View& body) {
  static_cast<void>(need_integer(body, "timestamp"));
  std::string currency = maybe_currency(body, "currency");
  if (currency.empty()) currency = settings_.currency;
  funds_ = Funds{deposit_currency(currency), deposit_amount(need_decimal(body, "total"), currency),
                 deposit_amount(need_decimal(body, "available"), currency)};
  balance(funds_->currency, funds_->total, funds_->available);
  reply(request.id, 200, "{\"status\":\"ok\"}");
}

/// Nobody can be asked: the terminal says it every minute.
void Account::on_balance_query() {
  if (funds_) return balance(funds_->currency, funds_->total, funds_->available);
  failed("balance", "the terminal has not reported a balance yet; it does once a minute");
}

}  // namespace anduin::metatrader
