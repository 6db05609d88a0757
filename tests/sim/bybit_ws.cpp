#include <algorithm>
#include <charconv>

#include "sim/bybit.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleDefaultMs = 600'000,
                       kIdleMinMs = 30'000;     ///< max_active_time: default 10 min, 30 s to 10 min
constexpr std::size_t kTopicCharsMax = 21'000;  ///< all args text of one public connection
constexpr std::size_t kSpotArgsMax = 10;        ///< args in one subscribe frame on spot
constexpr std::int64_t kConnectsMax = 500, kConnectWindowMs = 300'000;
constexpr std::size_t kRepeatedFills = 2;  ///< fills that a new private subscription sees again

/// "60s", "1m"; nothing outside 30 s .. 600 s.
std::optional<std::int64_t> active_time_ms(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > 600) return std::nullopt;
  const std::string unit(end, text.data() + text.size());
  const std::int64_t ms = unit == "s" ? value * 1000 : unit == "m" ? value * 60'000 : 0;
  if (ms < kIdleMinMs || ms > kIdleDefaultMs) return std::nullopt;
  return ms;
}

bool is_private_topic(const std::string& topic) {
  static const char* const kTopics[] = {
      "execution",      "execution.linear",      "execution.inverse",      "execution.spot",
      "order",          "order.linear",          "order.inverse",          "order.spot",
      "position",       "position.linear",       "position.inverse",       "wallet",
      "execution.fast", "execution.fast.linear", "execution.fast.inverse", "greeks"};
  return std::find(std::begin(kTopics), std::end(kTopics), topic) != std::end(kTopics);
}

/// req_id comes back as it came: text or integer.
void echo_req_id(Obj& answer, const Json& message) {
  if (message.contains("req_id")) answer.raw("req_id", message["req_id"].dump());
}

}  // namespace

std::optional<Response> BybitSim::on_open(ConnId id, const std::string& path, const std::string& query) {
  const std::int64_t now = world_.mono_ms();
  if (now - connect_limit_.window_start_ms > world_.scaled(kConnectWindowMs)) connect_limit_ = {now, 0};
  if (++connect_limit_.used > kConnectsMax) return Response{403, "too many connects"};
  Conn conn;
  static constexpr std::string_view kPublic = "/v5/public/";
  if (path == "/v5/private") {
    conn.kind = "private";
  } else if (path.starts_with(kPublic)) {
    conn.kind = path.substr(kPublic.size());
    if (conn.kind != "linear" && conn.kind != "inverse" && conn.kind != "spot")
      return Response{404, "not found"};
  } else {
    return Response{404, "not found"};
  }
  conn.idle_max_ms = world_.scaled(kIdleDefaultMs);
  if (const auto wanted = Params(query).find("max_active_time")) {
    if (const auto ms = active_time_ms(*wanted)) conn.idle_max_ms = world_.scaled(*ms);
  }
  conn.last_ping_ms = now;
  conn.conn_id = uuid(world_.random) + "-" + std::to_string(next_conn_++);
  conns_[id] = std::move(conn);
  return std::nullopt;
}

void BybitSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) {
    sink_.send(id, Obj()
                       .flag("success", false)
                       .str("ret_msg", "Params Error")
                       .str("conn_id", conn.conn_id)
                       .str("req_id", "")
                       .str("op", "")
                       .text());
    return;
  }
  const std::string op = text_at(*message, "op");
  if (op == "ping") {
    conn.last_ping_ms = world_.mono_ms();
    Obj pong;
    if (conn.kind == "private") {
      echo_req_id(pong, *message);
      pong.str("op", "pong").raw("args", Arr().str(std::to_string(world_.wall_ms())).text());
      sink_.send(id, pong.str("conn_id", conn.conn_id).text());
    } else {
      pong.flag("success", true).str("ret_msg", "pong").str("conn_id", conn.conn_id);
      if (conn.kind == "spot" || message->contains("req_id"))
        echo_req_id(pong, *message);
      else
        pong.str("req_id", "");
      sink_.send(id, pong.str("op", "ping").text());
    }
  } else if (op == "auth") {
    on_auth(id, conn, *message);
  } else if (op == "subscribe" || op == "unsubscribe") {
    on_subscribe(id, conn, *message, op == "subscribe");
  } else {
    Obj answer;
    answer.flag("success", false).str("ret_msg", "Invalid op: " + op).str("conn_id", conn.conn_id);
    echo_req_id(answer, *message);
    sink_.send(id, answer.str("op", op).text());
  }
}

void BybitSim::on_auth(ConnId id, Conn& conn, const Json& message) {
  const auto refuse = [&](std::int64_t code, const std::string& text) {
    sink_.send(id, Obj()
                       .str("op", "auth")
                       .flag("success", false)
                       .num("retCode", code)
                       .str("retMsg", text)
                       .str("connId", conn.conn_id)
                       .text());
  };
  if (conn.kind != "private") return refuse(10005, "auth is for the private stream");
  const Json args = message.contains("args") ? message["args"] : Json::array();
  if (!args.is_array() || args.size() != 3 || !args[0].is_string() || !args[2].is_string()) {
    return refuse(10001, "Params Error");
  }
  const std::string expires = args[1].is_string() ? args[1].get<std::string>() : args[1].dump();
  if (expires.empty() || expires.size() > 15 ||
      expires.find_first_not_of("0123456789") != std::string::npos) {
    return refuse(10001, "Params Error");
  }
  if (std::stoll(expires) <= world_.wall_ms()) return refuse(10002, "expires is in the past");
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (accounts_[i].key != args[0].get<std::string>()) continue;
    if (hmac_sha256_hex(accounts_[i].secret, "GET/realtime" + expires) != args[2].get<std::string>()) {
      return refuse(10004, "Error sign");
    }
    if (accounts_[i].expires_ms != 0 && accounts_[i].expires_ms < world_.wall_ms()) {
      return refuse(33004, "Your api key has expired.");
    }
    conn.account = static_cast<int>(i);
    Obj answer;
    answer.flag("success", true).str("ret_msg", "").str("op", "auth");
    echo_req_id(answer, message);
    sink_.send(id, answer.str("conn_id", conn.conn_id).text());
    return;
  }
  refuse(10003, "Invalid apikey");
}

std::string BybitSim::subscribe_problem(const Conn& conn, const Json& args) const {
  if (conn.kind == "spot" && args.size() > kSpotArgsMax) return "error:args size >10";
  std::set<std::string> seen;
  std::size_t chars = conn.topic_chars;
  bool all_in_one = false, categorised = false;
  for (const Json& arg : args) {
    if (!arg.is_string()) return "Params Error";
    const std::string topic = arg.get<std::string>();
    chars += topic.size();
    // One topic that is wrong, or there already, fails the whole frame.
    if (!seen.insert(topic).second || conn.topics.count(topic) != 0)
      return "error:already subscribed,topic:" + topic;
    const bool known =
        conn.kind == "private" ? is_private_topic(topic) : make_feed(conn.kind, topic).has_value();
    if (!known) return "error:handler not found,topic:" + topic;
    (topic.find('.') == std::string::npos ? all_in_one : categorised) = true;
  }
  if (conn.kind == "private" && all_in_one && categorised) {
    return "error:all-in-one and categorised topics in one request";
  }
  return chars > kTopicCharsMax ? "error:args too long" : "";
}

void BybitSim::on_subscribe(ConnId id, Conn& conn, const Json& message, bool add) {
  const Json args = message.contains("args") && message["args"].is_array() ? message["args"] : Json::array();
  const std::string op = add ? "subscribe" : "unsubscribe";
  std::string problem;
  if (conn.kind == "private" && conn.account < 0)
    problem = "Request not authorized";
  else if (args.empty())
    problem = "Params Error";
  else if (add)
    problem = subscribe_problem(conn, args);
  Obj answer;
  answer.flag("success", problem.empty());
  answer.str("ret_msg", !problem.empty() ? problem : conn.kind == "spot" ? op : "");
  answer.str("conn_id", conn.conn_id);
  if (message.contains("req_id"))
    echo_req_id(answer, message);
  else if (conn.kind != "spot")
    answer.str("req_id", "");
  sink_.send(id, answer.str("op", op).text());
  if (!problem.empty()) return;

  for (const Json& arg : args) {
    const std::string topic = arg.is_string() ? arg.get<std::string>() : "";
    if (!add) {
      if (conn.topics.erase(topic) != 0) conn.topic_chars -= topic.size();
      continue;
    }
    conn.topics.insert(topic);
    conn.topic_chars += topic.size();
    if (conn.kind == "private") {
      // After a reconnect the stream may repeat what was already reported.
      const auto& fills = fills_[static_cast<std::size_t>(conn.account)];
      if (topic != "execution" || fills.empty()) continue;
      Arr items;
      for (std::size_t i = fills.size() > kRepeatedFills ? fills.size() - kRepeatedFills : 0;
           i < fills.size(); ++i) {
        if (fills[i].list_visible_ms <= world_.wall_ms()) items.raw(fill_row(fills[i], true, false));
      }
      if (items.text() != "[]") {
        sink_.send(id, Obj()
                           .str("topic", topic)
                           .str("id", uuid(world_.random))
                           .num("creationTime", world_.wall_ms())
                           .raw("data", items.text())
                           .text());
      }
      continue;
    }
    auto [it, fresh] = feeds_.try_emplace({conn.kind, topic});
    Feed& feed = it->second;
    if (fresh) feed = *make_feed(conn.kind, topic);
    if (fresh && feed.depth > 0) {
      feed.last = world_.market.ladder(*feed.spec, world_.wall_ms(), static_cast<std::size_t>(feed.depth));
      feed.last_push_ms = world_.mono_ms();
    }
    sink_.send(id, feed.depth == 0 ? ticker_frame(topic, feed, true)
                                   : book_frame(topic, feed, "snapshot", feed.last));
    if (fresh && feed.depth == 1) feed.last_frame = book_frame(topic, feed, "snapshot", feed.last);
  }
}

void BybitSim::push_private(std::size_t account, const std::string& topic, const std::string& category,
                            const std::string& items) {
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account)) continue;
    for (const std::string& name : {topic, topic + "." + category}) {
      if (conn.topics.count(name) == 0) continue;
      sink_.send(id, Obj()
                         .str("topic", name)
                         .str("id", uuid(world_.random))
                         .num("creationTime", world_.wall_ms())
                         .raw("data", items)
                         .text());
    }
  }
}

void BybitSim::push_fills(std::size_t account, const std::vector<BybitFill>& fills, bool hide_pnl) {
  Arr items;
  // Newest first or last inside a frame: both occur.
  const bool backward = closes_ % 2 == 0;
  for (std::size_t i = 0; i < fills.size(); ++i) {
    items.raw(fill_row(fills[backward ? fills.size() - 1 - i : i], true, hide_pnl));
  }
  push_private(account, "execution", fills.front().category, items.text());
}

}  // namespace anduin::sim
