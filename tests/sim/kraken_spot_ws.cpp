#include <algorithm>

#include "sim/kraken_spot.hpp"

namespace anduin::sim {
namespace {

constexpr int kDepths[] = {10, 25, 100, 500, 1000};
constexpr std::size_t kSnapshotTrades = 50;

bool is_depth(std::int64_t depth) {
  return std::find(std::begin(kDepths), std::end(kDepths), depth) != std::end(kDepths);
}

}  // namespace

void KrakenSpot::send(ConnId id, Conn& conn, std::string text) {
  conn.last_out_ms = world_.mono_ms();
  sink_.send(id, std::move(text));
}

std::optional<Response> KrakenSpot::on_open(ConnId id, const std::string& path, const std::string& query) {
  Conn conn;
  conn.v1 = path != "/v2";
  conn.is_private = Params(query).find("auth").has_value();
  conn.opened_ms = conn.last_in_ms = world_.mono_ms();
  Conn& placed = conns_[id] = std::move(conn);
  // Both numbers exceed 2^53: they are no doubles.
  if (placed.v1) {
    send(id, placed,
         Obj()
             .raw("connectionID", "8628615390848610000")
             .str("event", "systemStatus")
             .str("status", status_)
             .str("version", "1.9.1")
             .text());
  } else {
    const std::string data = Obj()
                                 .str("api_version", "v2")
                                 .raw("connection_id", "13834774380200032777")
                                 .str("system", status_)
                                 .str("version", "2.0.0")
                                 .text();
    send(id, placed,
         Obj().str("channel", "status").raw("data", Arr().raw(data).text()).str("type", "update").text());
  }
  return std::nullopt;
}

void KrakenSpot::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  it->second.last_in_ms = world_.mono_ms();
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) {
    send(id, it->second,
         it->second.v1 ? R"({"errorMessage":"Malformed request","event":"error"})"
                       : R"({"error":"Malformed request","success":false})");
    return;
  }
  if (it->second.v1)
    on_v1(id, it->second, *message);
  else
    on_v2(id, it->second, *message);
}

std::string KrakenSpot::ack(const Json& message, const std::string& method, const std::string& result,
                            const std::string& error, const std::string& symbol) const {
  const std::string now = iso_us(world_.wall_ms() * 1000 + 599),
                    later = iso_us(world_.wall_ms() * 1000 + 648);
  Obj answer;
  if (!error.empty()) answer.str("error", error);
  answer.str("method", method);
  if (error.empty()) answer.raw("result", result);
  answer.flag("success", error.empty());
  if (!error.empty() && !symbol.empty()) answer.str("symbol", symbol);
  answer.str("time_in", now).str("time_out", later);
  if (message.contains("req_id")) answer.raw("req_id", message["req_id"].dump());
  return answer.text();
}

void KrakenSpot::on_v2(ConnId id, Conn& conn, const Json& message) {
  const std::string method = text_at(message, "method");
  if (method == "ping") {
    Obj pong;
    pong.str("method", "pong");
    if (message.contains("req_id")) pong.raw("req_id", message["req_id"].dump());
    const std::int64_t us = world_.wall_ms() * 1000;
    send(id, conn, pong.str("time_in", iso_us(us + 685)).str("time_out", iso_us(us + 703)).text());
  } else if (method == "subscribe" || method == "unsubscribe") {
    subscribe_v2(id, conn, message, method == "subscribe");
  } else {
    send(id, conn, ack(message, method, "", "Unsupported method", ""));
  }
}

std::optional<std::size_t> KrakenSpot::token_owner(const std::string& token) const {
  const auto it = tokens_.find(token);
  if (it == tokens_.end() || it->second.expires_ms <= world_.mono_ms()) return std::nullopt;
  return it->second.account;
}

void KrakenSpot::subscribe_v2(ConnId id, Conn& conn, const Json& message, bool add) {
  const std::string method = add ? "subscribe" : "unsubscribe";
  const Json params = message.contains("params") ? message["params"] : Json::object();
  const std::string channel = text_at(params, "channel");
  if (channel == "executions" || channel == "balances")
    return subscribe_v2_private(id, conn, message, channel, add);
  if (channel != "ticker" && channel != "book" && channel != "trade") {
    return send(id, conn, ack(message, method, "", "Unsupported channel", ""));
  }
  if (conn.is_private)
    return send(id, conn, ack(message, method, "", "Channel not available on this endpoint", ""));
  const std::int64_t depth = int_at(params, "depth", 10);
  if (channel == "book" && !is_depth(depth))
    return send(id, conn, ack(message, method, "", "Subscription depth not supported", ""));
  const Json symbols =
      params.contains("symbol") && params["symbol"].is_array() ? params["symbol"] : Json::array();
  for (const Json& one : symbols) {
    const std::string symbol = one.is_string() ? one.get<std::string>() : one.dump();
    const auto pair =
        std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& p) { return p.spec.native == symbol; });
    if (pair == pairs_.end()) {
      send(id, conn, ack(message, method, "", "Currency pair not supported " + symbol, symbol));
      continue;
    }
    const std::string name = channel + ":" + symbol;
    if (add && conn.subs.count(name) != 0) {
      send(id, conn, ack(message, method, "", "Already subscribed", symbol));
      continue;
    }
    Obj result;
    result.str("channel", channel).str("symbol", symbol);
    if (channel == "book") result.num("depth", depth);
    const std::string trigger = text_at(params, "event_trigger", "trades");
    if (channel == "ticker" && params.contains("event_trigger")) result.str("event_trigger", trigger);
    if (add) result.flag("snapshot", !params.contains("snapshot") || flag_at(params, "snapshot"));
    send(id, conn, ack(message, method, result.text(), "", ""));
    if (!add) {
      conn.subs.erase(name);
      continue;
    }
    conn.subscribed_once = true;
    Sub& sub = conn.subs[name];
    sub.pair = &*pair;
    sub.channel = channel;
    sub.bbo = trigger == "bbo";
    sub.depth = static_cast<std::size_t>(depth);
    push_sub(id, conn, sub, true);
  }
}

void KrakenSpot::subscribe_v2_private(ConnId id, Conn& conn, const Json& message, const std::string& channel,
                                      bool add) {
  const std::string method = add ? "subscribe" : "unsubscribe";
  const Json& params = message["params"];
  const auto owner = token_owner(text_at(params, "token"));
  if (!owner) return send(id, conn, ack(message, method, "", "ESession:Invalid session", ""));
  conn.account = static_cast<int>(*owner);
  conn.is_private = true;
  if (!add)
    conn.own_topics.erase(channel);
  else
    conn.own_topics.insert(channel);
  conn.subscribed_once = true;
  Obj result;
  result.str("channel", channel);
  const bool snap_trades = flag_at(params, "snap_trades");
  const bool snap_orders = !params.contains("snap_orders") || flag_at(params, "snap_orders");
  if (channel == "executions")
    result.num("maxratecount", 125).flag("snap_orders", snap_orders).flag("snap_trades", snap_trades);
  else
    result.flag("snapshot", true);
  send(id, conn, ack(message, method, result.text(), "", ""));
  if (!add) return;
  if (channel == "balances") {
    send(id, conn,
         Obj()
             .str("channel", "balances")
             .raw("data", balances_snapshot(*owner))
             .str("type", "snapshot")
             .num("sequence", conn.sequences[channel] = 1)
             .text());
    return;
  }
  Arr list;  // old trades again: nothing new
  const std::vector<Trade>& trades = books_[*owner].trades;
  if (snap_trades) {
    for (std::size_t i = trades.size() > kSnapshotTrades ? trades.size() - kSnapshotTrades : 0;
         i < trades.size(); ++i) {
      const Trade& t = trades[i];
      list.raw(Obj()
                   .str("order_id", t.order_id)
                   .str("exec_id", t.id)
                   .str("exec_type", "trade")
                   .num("trade_id", t.trade_id)
                   .str("symbol", t.pair->spec.native)
                   .str("side", t.type)
                   .raw("last_qty", double_text(t.volume))
                   .raw("last_price", double_text(t.price))
                   .raw("cost", double_text(t.cost))
                   .str("order_type", "market")
                   .str("order_status", "filled")
                   .str("timestamp", iso_us(t.time_us))
                   .flag("margin", true)
                   .text());
    }
  }
  send(id, conn,
       Obj()
           .str("channel", "executions")
           .str("type", "snapshot")
           .raw("data", list.text())
           .num("sequence", conn.sequences[channel] = 1)
           .text());
}

std::string KrakenSpot::balances_snapshot(std::size_t account) const {
  Arr list;
  for (const auto& [asset, amount] : books_[account].balances) {
    std::string code = asset;
    for (const Pair& p : pairs_) {
      if (p.base_asset == asset) code = p.spec.base;
      if (p.quote_asset == asset) code = p.spec.quote;
    }
    const std::string text = double_text(amount);
    list.raw(
        Obj()
            .str("asset", code)
            .str("asset_class", "currency")
            .raw("balance", text)
            .raw("wallets",
                 Arr().raw(Obj().str("type", "spot").str("id", "main").raw("balance", text).text()).text())
            .text());
  }
  return list.text();
}

void KrakenSpot::push_private(std::size_t account, const std::string& topic, const std::string& body) {
  for (auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account) || conn.own_topics.count(topic) == 0) continue;
    const std::int64_t sequence = ++conn.sequences[topic];
    if (conn.v1) {
      send(id, conn,
           Arr().raw(Arr().raw(body).text()).str(topic).raw(Obj().num("sequence", sequence).text()).text());
    } else {
      send(id, conn,
           Obj()
               .str("channel", topic)
               .str("type", "update")
               .raw("data", Arr().raw(body).text())
               .num("sequence", sequence)
               .text());
    }
  }
}

void KrakenSpot::on_v1(ConnId id, Conn& conn, const Json& message) {
  const std::string event = text_at(message, "event");
  if (event == "ping") {
    Obj pong;
    pong.str("event", "pong");
    if (message.contains("reqid")) pong.raw("reqid", message["reqid"].dump());
    send(id, conn, pong.text());
  } else if (event == "subscribe" || event == "unsubscribe") {
    subscribe_v1(id, conn, message, event == "subscribe");
  } else {
    send(id, conn, R"({"errorMessage":"Event(s) not found","event":"error"})");
  }
}

void KrakenSpot::status_v1(ConnId id, Conn& conn, const Json& message, const std::string& pair,
                           const std::string& error) {
  const Json subscription = message.contains("subscription") ? message["subscription"] : Json::object();
  const std::string name = text_at(subscription, "name");
  const std::int64_t depth = int_at(subscription, "depth", 10);
  const std::string done = text_at(message, "event") == "unsubscribe" ? "unsubscribed" : "subscribed";
  Obj answer;
  if (!error.empty()) answer.str("errorMessage", error);
  if (error.empty() && !pair.empty())
    answer.num("channelID", name == "spread" ? 341 : name == "ticker" ? 340 : 336);
  if (error.empty()) answer.str("channelName", name == "book" ? "book-" + std::to_string(depth) : name);
  answer.str("event", "subscriptionStatus");
  if (!pair.empty()) answer.str("pair", pair);
  if (message.contains("reqid")) answer.raw("reqid", message["reqid"].dump());
  answer.str("status", error.empty() ? done : "error");
  Obj what;
  if (name == "book") what.num("depth", depth);
  send(id, conn, answer.raw("subscription", what.str("name", name).text()).text());
}

void KrakenSpot::subscribe_v1_private(ConnId id, Conn& conn, const Json& message, bool add) {
  const Json& subscription = message["subscription"];
  const std::string name = text_at(subscription, "name"), token = text_at(subscription, "token");
  const auto owner = token_owner(token);
  if (!owner) {
    return status_v1(id, conn, message, "", tokens_.count(token) != 0 ? "Token is expired" : "Invalid token");
  }
  conn.account = static_cast<int>(*owner);
  conn.is_private = true;
  conn.subscribed_once = true;
  if (!add) conn.own_topics.erase(name);
  status_v1(id, conn, message, "", "");
  if (!add) return;
  conn.own_topics.insert(name);
  Arr list;  // old trades again: nothing new
  const std::vector<Trade>& trades = books_[*owner].trades;
  if (name == "ownTrades") {
    const std::size_t first = trades.size() > kSnapshotTrades ? trades.size() - kSnapshotTrades : 0;
    for (std::size_t i = first; i < trades.size(); ++i) {
      list.raw(Obj().raw(trades[i].id, trade_json(trades[i], true)).text());
    }
  }
  const std::string sequence = Obj().num("sequence", conn.sequences[name] = 1).text();
  send(id, conn, Arr().raw(list.text()).str(name).raw(sequence).text());
}

void KrakenSpot::subscribe_v1(ConnId id, Conn& conn, const Json& message, bool add) {
  const Json subscription = message.contains("subscription") ? message["subscription"] : Json::object();
  const std::string name = text_at(subscription, "name");
  const std::int64_t depth = int_at(subscription, "depth", 10);
  if (name == "ownTrades" || name == "openOrders") return subscribe_v1_private(id, conn, message, add);
  if (name != "spread" && name != "ticker" && name != "book" && name != "trade") {
    return status_v1(id, conn, message, "", "Subscription name invalid");
  }
  if (conn.is_private)
    return status_v1(id, conn, message, "", "Public data is not available on this endpoint");
  const Json pairs = message.contains("pair") && message["pair"].is_array() ? message["pair"] : Json::array();
  for (const Json& one : pairs) {
    const std::string wsname = one.is_string() ? one.get<std::string>() : one.dump();
    const auto pair =
        std::find_if(pairs_.begin(), pairs_.end(), [&](const Pair& p) { return p.wsname == wsname; });
    if (pair == pairs_.end()) {
      status_v1(id, conn, message, wsname, "Currency pair not supported " + wsname);
      continue;
    }
    if (name == "book" && !is_depth(depth)) {
      status_v1(id, conn, message, wsname, "Subscription depth not supported");
      continue;
    }
    status_v1(id, conn, message, wsname, "");
    if (!add) {
      conn.subs.erase(name + ":" + wsname);
      continue;
    }
    conn.subscribed_once = true;
    Sub& sub = conn.subs[name + ":" + wsname];
    sub.pair = &*pair;
    sub.channel = name;
    sub.depth = static_cast<std::size_t>(depth);
    push_sub(id, conn, sub, true);
  }
}

}  // namespace anduin::sim
