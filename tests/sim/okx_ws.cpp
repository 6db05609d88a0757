#include <algorithm>

#include "sim/okx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleMs = 30'000;                           ///< without a word of the client: close 4004
constexpr std::int64_t kOperationsMax = 480, kHourMs = 3'600'000;  ///< login, subscribe, unsubscribe of one connection
constexpr std::int64_t kConnectsMax = 3, kConnectWindowMs = 1'000;
constexpr std::int64_t kStampMs = 30'000;
constexpr std::size_t kMessageMax = 64 * 1024;
constexpr int kChannelConnsMax = 30;  ///< of one private channel and account
constexpr const char* kPrivate[] = {"positions", "account", "balance_and_position", "orders"};

bool is_private(const std::string& channel) {
  return std::find_if(std::begin(kPrivate), std::end(kPrivate), [&](const char* p) { return channel == p; }) !=
         std::end(kPrivate);
}
bool is_vip(const std::string& channel) { return channel == "books50-l2-tbt" || channel == "books-l2-tbt"; }

/// The members of one subscription, in order, without the braces: it comes back in every push.
std::string members(const Json& arg) {
  const std::string text = arg.dump();
  return text.substr(1, text.size() - 2);
}

Obj with_id(const std::string& id_text) {
  Obj o;
  if (!id_text.empty()) o.raw("id", id_text);
  return o;
}

}  // namespace

std::optional<Response> OkxSim::on_open(ConnId id, const std::string& path, const std::string&) {
  const std::int64_t now = world_.mono_ms();
  static constexpr std::string_view kRoot = "/ws/v5/";
  const std::string kind = path.starts_with(kRoot) ? path.substr(kRoot.size()) : "";
  if (kind != "public" && kind != "private" && kind != "business") return Response{404, "not found"};
  if (now - connects_.window_start_ms >= world_.scaled(kConnectWindowMs)) connects_ = {now, 0};
  if (++connects_.used > kConnectsMax) return Response{429, "too many connections"};
  Conn conn;
  conn.kind = kind;
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::int64_t v = next_conn_++, i = 0; i < 8; ++i, v /= 16)
    conn.conn_id.insert(conn.conn_id.begin(), kHex[v % 16]);
  conn.last_heard_ms = conn.operations_since_ms = now;
  conns_[id] = std::move(conn);
  return std::nullopt;
}

void OkxSim::send_error(ConnId id, const Conn& conn, const std::string& id_text, const char* code,
                        const std::string& text) {
  sink_.send(
      id, with_id(id_text).str("event", "error").str("code", code).str("msg", text).str("connId", conn.conn_id).text());
}

bool OkxSim::over_limit(Conn& conn) {
  const std::int64_t now = world_.mono_ms();
  if (now - conn.operations_since_ms >= world_.scaled(kHourMs)) {
    conn.operations_since_ms = now;
    conn.operations = 0;
  }
  return ++conn.operations > kOperationsMax;
}

void OkxSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  conn.last_heard_ms = world_.mono_ms();
  if (text == "ping") return sink_.send(id, "pong");
  const auto message = parse_exact(text);
  if (!message || !message->is_object())
    return send_error(id, conn, "", "60012", "Invalid request: " + std::string(text.substr(0, 200)));
  const std::string id_text = message->contains("id") ? (*message)["id"].dump() : "";
  const std::string op = text_at(*message, "op");
  if (text.size() > kMessageMax) return send_error(id, conn, id_text, "60012", "Invalid request: too long");
  if (op == "login") return on_login(id, conn, *message);
  if (op != "subscribe" && op != "unsubscribe")
    return send_error(id, conn, id_text, "60012", "Invalid request: " + std::string(text.substr(0, 200)));
  if (over_limit(conn)) return send_error(id, conn, id_text, "60014", "Requests too frequent");
  on_subscribe(id, conn, *message, op == "subscribe");
}

void OkxSim::on_login(ConnId id, Conn& conn, const Json& message) {
  const auto refuse = [&](const char* code, const std::string& text) {
    send_error(id, conn, "", code, text);
    sink_.close(id, 4001, "Login failed");
  };
  if (over_limit(conn)) return send_error(id, conn, "", "60014", "Requests too frequent");
  const Json args = message.contains("args") ? message["args"] : Json();
  if (!args.is_array() || args.size() != 1 || !args[0].is_object()) return refuse("60009", "Login failed.");
  const Json& arg = args[0];
  const std::string stamp = text_at(arg, "timestamp");
  if (stamp.empty() || stamp.size() > 10 || stamp.find_first_not_of("0123456789") != std::string::npos)
    return refuse("60004", "Invalid timestamp");
  if (std::abs(std::stoll(stamp) * 1000 - world_.wall_ms()) > kStampMs + 999)
    return refuse("60006", "Timestamp request expired");
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (accounts_[i].key != text_at(arg, "apiKey")) continue;
    if (accounts_[i].passphrase != text_at(arg, "passphrase")) return refuse("60024", "Wrong passphrase");
    if (base64_encode(hmac_sha256(accounts_[i].secret, stamp + "GET/users/self/verify")) != text_at(arg, "sign"))
      return refuse("60007", "Invalid sign");
    conn.account = static_cast<int>(i);
    return sink_.send(id,
                      Obj().str("event", "login").str("code", "0").str("msg", "").str("connId", conn.conn_id).text());
  }
  refuse("60005", "Invalid apiKey");
}

void OkxSim::on_subscribe(ConnId id, Conn& conn, const Json& message, bool add) {
  const std::string id_text = message.contains("id") ? message["id"].dump() : "";
  const Json args = message.contains("args") ? message["args"] : Json();
  if (!args.is_array() || args.empty())
    return send_error(id, conn, id_text, "60012", "Invalid request: " + message.dump());
  for (const Json& arg : args) {
    if (!arg.is_object() || text_at(arg, "channel").empty()) {
      send_error(id, conn, id_text, "60013", "Invalid args");
      continue;
    }
    if (add) {
      subscribe_one(id, conn, arg, id_text);
      continue;
    }
    const std::string place = text_at(arg, "instId", text_at(arg, "instType", text_at(arg, "ccy")));
    conn.topics.erase(text_at(arg, "channel") + "." + place);
    sink_.send(id,
               with_id(id_text).str("event", "unsubscribe").raw("arg", arg.dump()).str("connId", conn.conn_id).text());
  }
}

void OkxSim::subscribe_one(ConnId id, Conn& conn, const Json& arg, const std::string& id_text) {
  Topic topic;
  topic.channel = text_at(arg, "channel");
  topic.arg = members(arg);
  topic.inst_id = text_at(arg, "instId");
  topic.inst_type = text_at(arg, "instType");
  topic.currency = text_at(arg, "ccy");
  topic.events_only = text_at(arg, "extraParams").find("\"updateInterval\": \"0\"") != std::string::npos ||
                      text_at(arg, "extraParams").find("\"updateInterval\":\"0\"") != std::string::npos;
  const bool is_mine = is_private(topic.channel);
  const std::string unknown =
      "Wrong URL or channel:" + topic.channel + ",instId:" + topic.inst_id +
      " doesn't exist. Please use the correct URL, channel and parameters referring to API document.";
  if ((is_mine || is_vip(topic.channel)) && conn.account < 0)
    return send_error(id, conn, id_text, "60011", "Please log in");
  if (is_vip(topic.channel))
    return send_error(id, conn, id_text, "64003", "Your trading fee tier doesn't meet the requirement");
  if (is_mine != (conn.kind == "private")) return send_error(id, conn, id_text, "60018", unknown);
  std::optional<Feed> feed;
  if (!is_mine && !(feed = make_feed(topic.channel, topic.inst_id)))
    return send_error(id, conn, id_text, "60018", unknown);
  if ((topic.channel == "positions" || topic.channel == "orders") && topic.inst_type.empty())
    return send_error(id, conn, id_text, "60013", "Invalid args");
  const std::string place = !topic.inst_id.empty()     ? topic.inst_id
                            : !topic.inst_type.empty() ? topic.inst_type
                                                       : topic.currency;
  const std::string name = topic.channel + "." + place;
  sink_.send(id, with_id(id_text).str("event", "subscribe").raw("arg", arg.dump()).str("connId", conn.conn_id).text());
  static constexpr std::int64_t kRegularMs = 5'000;
  topic.next_regular_ms = world_.mono_ms() + world_.scaled(kRegularMs);
  conn.topics[name] = topic;
  if (is_mine) {
    count_connections(id, conn, topic.channel);
    if (conn.topics.count(name) != 0) push_snapshot(id, conn, topic);
    return;
  }
  const auto [it, fresh] = feeds_.try_emplace(name);
  if (fresh) it->second = *feed;
  sink_.send(id, first_frame(it->second, topic));
}

/// Private channels say how many connections share them; one too many is acknowledged and then ended.
void OkxSim::count_connections(ConnId id, Conn& conn, const std::string& channel) {
  int count = 0;
  for (const auto& [other, c] : conns_) {
    if (c.account == conn.account)
      count +=
          std::any_of(c.topics.begin(), c.topics.end(), [&](const auto& t) { return t.second.channel == channel; });
  }
  const bool over = count > kChannelConnsMax;
  sink_.send(id, Obj()
                     .str("event", over ? "channel-conn-count-error" : "channel-conn-count")
                     .str("channel", channel)
                     .str("connCount", std::to_string(std::min(count, kChannelConnsMax)))
                     .str("connId", conn.conn_id)
                     .text());
  if (over) std::erase_if(conn.topics, [&](const auto& t) { return t.second.channel == channel; });
}

void OkxSim::scan_connections() {
  const std::int64_t now = world_.mono_ms();
  std::vector<std::pair<ConnId, bool>> gone;
  for (const auto& [id, conn] : conns_) {
    if (now - conn.last_heard_ms >= world_.scaled(kIdleMs))
      gone.emplace_back(id, true);
    else if (conn.notice_close_ms != 0 && now >= conn.notice_close_ms)
      gone.emplace_back(id, false);
  }
  for (const auto& [id, idle] : gone) {
    conns_.erase(id);
    sink_.close(id, idle ? 4004 : 1001, idle ? "No data received in 30s." : "service upgrade");
  }
}

}  // namespace anduin::sim
