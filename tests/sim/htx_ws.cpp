#include <algorithm>
#include <cctype>

#include "anduin/time.hpp"
#include "sim/htx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kFirstPingMs = 1'000;
constexpr std::int64_t kStampMs = 300'000;   ///< a login stamp is good for so long, both ways
constexpr std::size_t kPingsRemembered = 2;  ///< answering one of the last two is enough
constexpr std::size_t kRepeatedOrders = 3;   ///< a fresh subscription may repeat what was already reported

const std::set<std::string> kPrivateTopics{"orders",       "positions",   "trade",  "trade_detail",
                                           "match_orders", "algo_orders", "account"};

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// A member as it is written: the quotes of a text are part of it.
std::string written(const Json& value) {
  return value.is_string() ? sim::quoted(value.get<std::string>()) : value.dump();
}

}  // namespace

std::optional<Response> HtxSim::on_open(ConnId conn, const std::string& path, const std::string&) {
  const bool is_private = path == "/ws/v5/notification";
  // The generation before V5 ended in July 2026, and order entry is none of ours.
  if (path == "/linear-swap-notification") return Response{410, "this API has been discontinued"};
  if (!is_private && path != "/linear-swap-ws") return Response{404, ""};
  Conn& c = conns_[conn];
  c = {};
  c.is_private = is_private;
  c.next_ping_ms = world_.mono_ms() + world_.scaled(kFirstPingMs);
  return std::nullopt;
}

void HtxSim::send_ping(ConnId id, Conn& conn) {
  const std::string stamp = std::to_string(world_.wall_ms());
  // The private link writes the stamp as text and, now and then, as a number: the answer has to look the same.
  const std::string value = conn.is_private && conn.pings % 2 == 0 ? sim::quoted(stamp) : stamp;
  ++conn.pings;
  ++conn.unanswered;
  conn.owed.push_back(value);
  if (conn.owed.size() > kPingsRemembered) conn.owed.erase(conn.owed.begin());
  sink_.send(id, conn.is_private ? Obj().str("op", "ping").raw("ts", value).text() : Obj().raw("ping", value).text());
}

void HtxSim::on_pong(Conn& conn, std::string_view value) const {
  if (std::find(conn.owed.begin(), conn.owed.end(), value) != conn.owed.end()) conn.unanswered = 0;
}

void HtxSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) {
    sink_.send(id, it->second.is_private ? Obj().str("op", "error").num("ts", world_.wall_ms()).text()
                                         : Obj()
                                               .num("ts", world_.wall_ms())
                                               .str("status", "error")
                                               .str("err-code", "bad-request")
                                               .str("err-msg", "invalid JSON")
                                               .text());
    return;
  }
  if (it->second.is_private)
    on_private(id, it->second, *message);
  else
    on_public(id, it->second, *message);
}

// -- public ---------------------------------------------------------------------------------------------------------

void HtxSim::on_public(ConnId id, Conn& conn, const Json& m) {
  const std::int64_t now = world_.wall_ms();
  if (m.contains("pong")) return on_pong(conn, written(m["pong"]));
  if (m.contains("ping")) {
    sink_.send(id, Obj().raw("pong", written(m["ping"])).text());
    return;
  }
  const std::string sub = text_at(m, "sub"), unsub = text_at(m, "unsub"), request = text_at(m, "id");
  const std::string& channel = sub.empty() ? unsub : sub;
  const bool changes = channel.ends_with(".high_freq");
  const bool typed =
      !changes || unsub == channel || text_at(m, "data_type") == "incremental" || text_at(m, "data_type") == "snapshot";
  if (channel.empty() || !typed || !make_feed(channel)) {
    sink_.send(id, Obj()
                       .num("ts", now)
                       .str("status", "error")
                       .str("err-code", "bad-request")
                       .str("err-msg", "invalid topic " + channel)
                       .str("id", request)
                       .text());
    return;
  }
  const std::string ack = Obj()
                              .str("id", request)
                              .str("status", "ok")
                              .str(sub.empty() ? "unsubbed" : "subbed", channel)
                              .num("ts", now)
                              .text();
  if (sub.empty()) {
    conn.topics.erase(channel);
    sink_.send(id, ack);
    return;
  }
  conn.topics.insert(channel);
  const bool data_first = ++subscriptions_ % 2 == 0;
  if (!data_first) sink_.send(id, ack);
  first_frame(id, channel);
  if (data_first) sink_.send(id, ack);
}

// -- private --------------------------------------------------------------------------------------------------------

void HtxSim::on_private(ConnId id, Conn& conn, const Json& m) {
  const std::string op = text_at(m, "op");
  if (op == "pong") return on_pong(conn, m.contains("ts") ? written(m["ts"]) : "");
  if (op == "auth") return on_auth(id, conn, m);
  if (op == "sub" || op == "unsub") return on_subscribe(id, conn, m, op == "sub");
  sink_.send(id, Obj().str("op", "error").num("ts", world_.wall_ms()).text());
}

void HtxSim::refuse_op(ConnId id, const Json& m, std::int64_t code, const std::string& text) {
  Obj answer;
  answer.str("op", text_at(m, "op"));
  if (m.contains("type")) answer.str("type", text_at(m, "type"));
  if (m.contains("cid")) answer.raw("cid", written(m["cid"]));
  if (m.contains("topic")) answer.str("topic", text_at(m, "topic"));
  sink_.send(id, answer.num("err-code", code).str("err-msg", text).num("ts", world_.wall_ms()).text());
}

void HtxSim::on_auth(ConnId id, Conn& conn, const Json& m) {
  const auto refuse = [&](const std::string& text) {
    refuse_op(id, m, 2003, text);
    sink_.send(id, Obj().str("op", "close").num("ts", world_.wall_ms()).text());
    conns_.erase(id);
    sink_.close(id, 1000, "authentication failed");
  };
  if (conn.account >= 0) return refuse_op(id, m, 2005, "Already authenticated.");
  const std::string key = text_at(m, "AccessKeyId"), stamp = text_at(m, "Timestamp");
  const auto account =
      std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (text_at(m, "type") != "api" || account == accounts_.end()) return refuse("Authentication failed.");
  const auto time = stamp.size() == 19 ? parse_iso_ms(stamp + "Z") : std::nullopt;
  if (!time || std::abs(*time - world_.wall_ms()) > kStampMs) return refuse("Invalid submission time.");
  const std::string method = text_at(m, "SignatureMethod"), version = text_at(m, "SignatureVersion");
  const std::string wanted = "GET\n" + world_.authority + "\n/ws/v5/notification\nAccessKeyId=" + pct_encode(key) +
                             "&SignatureMethod=" + pct_encode(method) + "&SignatureVersion=" + pct_encode(version) +
                             "&Timestamp=" + pct_encode(stamp);
  if (method != "HmacSHA256" || version != "2" ||
      base64_encode(hmac_sha256(account->secret, wanted)) != text_at(m, "Signature"))
    return refuse("Authentication failed.");
  if (account->expires_ms != 0 && account->expires_ms < world_.wall_ms())
    return refuse("Authentication failed: the key has expired.");
  conn.account = static_cast<int>(account - accounts_.begin());
  Obj answer;
  answer.str("op", "auth");
  if (m.contains("cid")) answer.raw("cid", written(m["cid"]));
  sink_.send(id, answer.str("type", "api")
                     .num("err-code", 0)
                     .num("ts", world_.wall_ms())
                     .raw("data", Obj().str("user-id", account->uid).text())
                     .text());
}

void HtxSim::on_subscribe(ConnId id, Conn& conn, const Json& m, bool add) {
  const std::string topic = text_at(m, "topic"), contract = upper(text_at(m, "contract_code"));
  if (conn.account < 0) return refuse_op(id, m, 2002, "Authentication required.");
  if (kPrivateTopics.count(topic) == 0) return refuse_op(id, m, 2010, "Topic error.");
  const bool has_contract = topic != "account";
  if (has_contract && contract != "*" && find_contract(contract) == nullptr)
    return refuse_op(id, m, 2011, "Contract doesn't exist.");
  const std::string name = has_contract ? topic + " " + contract : topic;
  if (add && conn.topics.count(name) != 0) return refuse_op(id, m, 2014, "Repeated subscription.");
  // What was subscribed with * goes as a whole or not at all.
  if (!add && conn.topics.erase(name) == 0) return refuse_op(id, m, 2012, "Not subscribed.");
  if (add) conn.topics.insert(name);
  Obj answer;
  answer.str("op", add ? "sub" : "unsub");
  if (m.contains("cid")) answer.raw("cid", written(m["cid"]));
  answer.str("topic", topic).num("ts", world_.wall_ms()).num("err-code", 0);
  if (has_contract) answer.str("contract_code", text_at(m, "contract_code"));
  sink_.send(id, answer.text());
  if (!add) return;
  const auto account = static_cast<std::size_t>(conn.account);
  const auto snapshot = [&](const std::string& code, const std::string& data) {
    Obj push;
    push.str("op", "notify").str("topic", topic).str("contract_code", code).num("ts", world_.wall_ms());
    sink_.send(id, push.str("uid", accounts_[account].uid).str("event", "snapshot").raw("data", data).text());
  };
  if (topic == "positions") snapshot(contract, positions(account, contract == "*" ? "" : contract));
  if (topic == "account") snapshot("", balance(account));
  if (topic != "orders") return;
  const std::deque<HtxOrder>& all = orders_[account];
  for (std::size_t i = all.size() > kRepeatedOrders ? all.size() - kRepeatedOrders : 0; i < all.size(); ++i) {
    const HtxOrder& o = all[i];
    if (!o.listed || o.order_visible_ms > world_.wall_ms()) continue;
    Obj push;
    push.str("op", "notify")
        .str("topic", topic)
        .str("contract_code", o.contract->spec.native)
        .num("ts", world_.wall_ms());
    sink_.send(id, push.str("uid", accounts_[account].uid).raw("data", order_row(o, false)).text());
  }
}

void HtxSim::notify(std::size_t account, const std::string& topic, const std::string& contract,
                    const std::string& event, const std::string& data) {
  Obj push;
  push.str("op", "notify").str("topic", topic).str("contract_code", contract).num("ts", world_.wall_ms());
  push.str("uid", accounts_[account].uid);
  if (!event.empty()) push.str("event", event);
  const std::string frame = push.raw("data", data).text();
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account)) continue;
    if (conn.topics.count(topic) + conn.topics.count(topic + " *") + conn.topics.count(topic + " " + contract) > 0)
      sink_.send(id, frame);
  }
}

}  // namespace anduin::sim
