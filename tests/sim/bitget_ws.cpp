#include <algorithm>

#include "sim/bitget.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kPingMs = 120'000;          ///< without a ping of the client the socket is closed
constexpr std::int64_t kDayMs = 24LL * 3'600'000;  ///< a socket lives no longer
constexpr std::int64_t kMessagesMax = 10, kSubscribesMax = 240, kHourMs = 3'600'000;
constexpr std::int64_t kConnectsMax = 300, kConnectWindowMs = 300'000;
constexpr std::size_t kConnectionsMax = 100, kMessageMax = 4'096, kTopicsMax = 1'000;
constexpr std::int64_t kStampS = 30, kRepeatMs = 5'000;
constexpr const char* kProducts[] = {"USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"};

bool is_product(const std::string& type) {
  return std::any_of(std::begin(kProducts), std::end(kProducts), [&](const char* p) { return type == p; });
}

}  // namespace

std::optional<Response> BitgetSim::on_open(ConnId id, const std::string& path, const std::string&) {
  const std::int64_t now = world_.mono_ms();
  Conn conn;
  conn.v3 = path.starts_with("/v3/ws/");
  conn.is_private = path.ends_with("/private");
  if (path != (conn.v3 ? "/v3/ws/" : "/v2/ws/") + std::string(conn.is_private ? "private" : "public"))
    return Response{404, "not found"};  // v1, too
  if (now - connects_.window_start_ms >= world_.scaled(kConnectWindowMs)) connects_ = {now, 0};
  if (++connects_.used > kConnectsMax || conns_.size() >= kConnectionsMax) return Response{429, "too many connections"};
  conn.opened_ms = conn.pinged_ms = conn.second_ms = conn.hour_ms = conn.repeat_ms = now;
  conns_[id] = std::move(conn);
  return std::nullopt;
}

/// v2 writes codes as numbers, v3 as text; `arg` is not always there.
void BitgetSim::send_error(ConnId id, const Conn& conn, std::int64_t code, const std::string& text, const Json* arg) {
  Obj o;
  o.str("event", "error");
  if (arg != nullptr && ++errors_sent_ % 2 == 1) o.raw("arg", arg->dump());
  if (conn.v3)
    o.str("code", std::to_string(code));
  else
    o.num("code", code);
  sink_.send(id, o.str("msg", text).text());
}

bool BitgetSim::over_limit(ConnId id, Conn& conn, bool subscribes) {
  const std::int64_t now = world_.mono_ms();
  if (now - conn.second_ms >= world_.scaled(1'000)) conn.second_ms = now, conn.messages = 0;
  if (now - conn.hour_ms >= world_.scaled(kHourMs)) conn.hour_ms = now, conn.subscribes = 0;
  const bool fast = ++conn.messages > kMessagesMax, often = subscribes && ++conn.subscribes > kSubscribesMax;
  if (!fast && !often) return false;
  send_error(id, conn, fast ? 30006 : 30007, fast ? "request too many" : "request over limit,connection close");
  conns_.erase(id);
  sink_.close(id, 1008, "too many messages");
  return true;
}

void BitgetSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  if (text == "ping") {
    if (over_limit(id, conn, false)) return;
    conn.pinged_ms = world_.mono_ms();
    return sink_.send(id, "pong");
  }
  const auto message = parse_exact(text);
  const std::string op = message && message->is_object() ? text_at(*message, "op") : "";
  if (over_limit(id, conn, op == "subscribe")) return;
  if (op.empty()) return send_error(id, conn, 30003, "Invalid request");
  if (text.size() > kMessageMax) return send_error(id, conn, 30003, "The message is longer than 4096 bytes");
  if (op == "login") return on_login(id, conn, *message);
  if (op != "subscribe" && op != "unsubscribe") return send_error(id, conn, 30003, "Invalid op");
  on_subscribe(id, conn, *message, op == "subscribe");
}

void BitgetSim::on_login(ConnId id, Conn& conn, const Json& message) {
  const auto refuse = [&](std::int64_t code, const std::string& text) {
    send_error(id, conn, code, text);
    conns_.erase(id);
    sink_.close(id, 1000, "login failed");
  };
  const Json args = message.contains("args") ? message["args"] : Json();
  if (!conn.is_private || !args.is_array() || args.size() != 1 || !args[0].is_object()) return refuse(30005, "error");
  const Json& arg = args[0];
  const std::string stamp = text_at(arg, "timestamp");
  // Seconds; milliseconds have three digits more.
  if (stamp.empty() || stamp.size() > 13 || stamp.find_first_not_of("0123456789") != std::string::npos)
    return refuse(30013, "Invalid ACCESS_TIMESTAMP");
  if (std::abs(std::stoll(stamp) - world_.wall_ms() / 1000) > kStampS)
    return refuse(30014, "Request timestamp expired");
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    if (accounts_[i].key != text_at(arg, "apiKey")) continue;
    if (accounts_[i].passphrase != text_at(arg, "passphrase")) return refuse(30012, "Invalid ACCESS_PASSPHRASE");
    if (base64_encode(hmac_sha256(accounts_[i].secret, stamp + "GET/user/verify")) != text_at(arg, "sign"))
      return refuse(30015, "Invalid sign");
    conn.account = static_cast<int>(i);
    return sink_.send(id,
                      conn.v3 ? R"({"event":"login","code":"0","msg":""})" : R"({"event":"login","code":0,"msg":""})");
  }
  refuse(30011, "Invalid ACCESS_KEY");
}

void BitgetSim::on_subscribe(ConnId id, Conn& conn, const Json& message, bool add) {
  const Json args = message.contains("args") ? message["args"] : Json();
  if (!args.is_array() || args.empty()) return send_error(id, conn, 30016, "Param error");
  for (const Json& arg : args) {
    // The names of the other dialect are not understood.
    const std::string channel = arg.is_object() ? text_at(arg, conn.v3 ? "topic" : "channel") : "";
    if (channel.empty()) {
      send_error(id, conn, 30016, "Param error");
      continue;
    }
    if (add) {
      subscribe_one(id, conn, arg);
      continue;
    }
    const std::string place = text_at(arg, conn.v3 ? "symbol" : "instId", text_at(arg, "coin"));
    conn.topics.erase(channel + " " + text_at(arg, "instType") + " " + place);
    sink_.send(id, Obj().str("event", "unsubscribe").raw("arg", arg.dump()).text());
  }
}

void BitgetSim::subscribe_one(ConnId id, Conn& conn, const Json& arg) {
  const std::string channel = text_at(arg, conn.v3 ? "topic" : "channel"), type = text_at(arg, "instType");
  if (conn.topics.size() >= kTopicsMax) return send_error(id, conn, 30007, "too many channels", &arg);
  if (conn.is_private) {
    if (conn.account < 0) return send_error(id, conn, 30004, "User needs to log in", &arg);
    if (subscribe_private(id, conn, arg, channel, type)) return;
  } else {
    const std::string inst = text_at(arg, conn.v3 ? "symbol" : "instId");
    const auto feed = make_feed(conn.v3, channel, type, inst);
    if (feed) {
      const std::string name = channel + " " + type + " " + inst;
      conn.topics[name] = arg.dump();
      sink_.send(id, Obj().str("event", "subscribe").raw("arg", arg.dump()).text());
      const auto [it, fresh] = feeds_.try_emplace((conn.v3 ? "v3 " : "v2 ") + name);
      if (fresh) it->second = *feed;
      return sink_.send(id, frame("snapshot", arg.dump(), first_data(it->second)));
    }
  }
  const std::string place = text_at(arg, conn.v3 ? "symbol" : "instId");
  const std::string text = conn.v3 ? "instType:" + type + ",topic:" + channel + ",symbol:" + place + " doesn't exist"
                                   : "instType:" + type + ",channel:" + channel + ",instId:" + place + " doesn't exist";
  send_error(id, conn, 30001, text, &arg);
}

bool BitgetSim::subscribe_private(ConnId id, Conn& conn, const Json& arg, const std::string& channel,
                                  const std::string& type) {
  const bool unified = state_[static_cast<std::size_t>(conn.account)].unified;
  static const std::set<std::string> kV3{"position", "account", "fill", "order"},
      kV2{"positions", "positions-history", "account", "fill", "orders"};
  if (conn.v3 != unified || !(conn.v3 ? kV3 : kV2).contains(channel)) return false;
  if (conn.v3 ? type != "UTA" : !is_product(type)) return false;
  std::string place;
  if (!conn.v3) {
    place = text_at(arg, channel == "account" ? "coin" : "instId");
    if (place != "default") return false;
  }
  conn.topics[channel + " " + type + " " + place] = arg.dump();
  sink_.send(id, Obj().str("event", "subscribe").raw("arg", arg.dump()).text());
  push_snapshot(id, conn, channel, arg.dump());
  return true;
}

/// What a new subscriber sees first. positions-history says nothing then.
void BitgetSim::push_snapshot(ConnId id, const Conn& conn, const std::string& channel, const std::string& arg) {
  const auto index = static_cast<std::size_t>(conn.account);
  if (channel == "account" && conn.v3) return sink_.send(id, frame("snapshot", arg, assets(index, true)));
  const std::string product = text_at(*parse_exact(arg), "instType");
  std::string rows;
  if (channel == "account") {
    const std::string list = classic_balance(index, product, true);
    rows = list.substr(1, list.size() - 2);
  } else if (channel == "position" || channel == "positions") {
    for (const auto& [key, p] : state_[index].open) {
      if (!conn.v3 && p.symbol->product != product) continue;
      rows += (rows.empty() ? "" : ",") + (conn.v3 ? v3_position(p, false) : v2_position(p, true));
    }
    if (rows.empty() && conn.v3) return;
  } else {
    return;
  }
  sink_.send(id, frame("snapshot", arg, rows));
}

/// To each of the account's sockets that has the channel; `product` empty: whatever its instType.
void BitgetSim::push_private(std::size_t account, const std::string& channel, const std::string& product,
                             const std::string& action, const std::string& data) {
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account)) continue;
    for (const auto& [name, arg] : conn.topics) {
      if (!name.starts_with(channel + " ") || (!product.empty() && !name.starts_with(channel + " " + product + " ")))
        continue;
      sink_.send(id, frame(action, arg, data));
    }
  }
}

void BitgetSim::push_balance(std::size_t account) {
  if (state_[account].unified) return push_private(account, "account", "UTA", "snapshot", assets(account, true));
  for (const char* product : kProducts) {
    const std::string list = classic_balance(account, product, true);
    push_private(account, "account", product, "snapshot", list.substr(1, list.size() - 2));
  }
}

void BitgetSim::push_position(std::size_t account, const BitgetPosition& p, bool ended) {
  if (!state_[account].unified)
    return push_private(account, "positions", p.symbol->product, "snapshot", ended ? "" : v2_position(p, true));
  const std::string row = v3_position(p, ended);
  push_private(account, "position", "UTA", "snapshot", row);
  if (!ended) return;
  for (auto& [id, conn] : conns_) {
    if (conn.account == static_cast<int>(account) && conn.v3) conn.ended.push_back(row);
  }
}

void BitgetSim::scan_connections() {
  const std::int64_t now = world_.mono_ms();
  std::vector<std::pair<ConnId, bool>> gone;
  for (auto& [id, conn] : conns_) {
    if (now - conn.pinged_ms >= world_.scaled(kPingMs))
      gone.emplace_back(id, true);
    else if (now - conn.opened_ms >= world_.scaled(kDayMs))
      gone.emplace_back(id, false);
    if (!conn.v3 || conn.account < 0 || now - conn.repeat_ms < world_.scaled(kRepeatMs)) continue;
    conn.repeat_ms = now;  // every five seconds all is told again, what has ended once
    const auto topic = conn.topics.find("position UTA ");
    if (topic == conn.topics.end()) continue;
    for (const auto& [key, p] : state_[static_cast<std::size_t>(conn.account)].open)
      sink_.send(id, frame("snapshot", topic->second, v3_position(p, false)));
    for (const std::string& row : std::exchange(conn.ended, {})) sink_.send(id, frame("snapshot", topic->second, row));
  }
  for (const auto& [id, idle] : gone) {
    conns_.erase(id);
    sink_.close(id, 1001, idle ? "no ping for two minutes" : "a day is over");
  }
}

}  // namespace anduin::sim
