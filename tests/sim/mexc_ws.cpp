#include <algorithm>
#include <array>

#include "sim/mexc.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kClockMs = 10'000;  ///< how far a stamp may be off, either way
constexpr std::int64_t kTwoPongsEvery = 3;
constexpr std::int64_t kFirstVersion = 37'723'308'980;
constexpr std::array<std::string_view, 9> kFilters{"order",      "order.deal", "position",
                                                   "plan.order", "stop.order", "stop.planorder",
                                                   "risk.limit", "adl.level",  "asset"};

bool is_stamp(const std::string& s) {
  return !s.empty() && s.size() < 16 && s.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::optional<Response> MexcSim::on_open(ConnId id, const std::string& path, const std::string&) {
  if (path != "/edge" && path != "/ws") return Response{404, "not found"};
  Conn conn;
  conn.path = path;
  conn.last_ping_ms = world_.mono_ms();
  conns_[id] = std::move(conn);
  return std::nullopt;
}

void MexcSim::say(ConnId id, const std::string& channel, const std::string& text) {
  sink_.send(id, Obj().str("channel", channel).str("data", text).num("ts", world_.wall_ms()).text());
}

void MexcSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) return say(id, "rs.error", "invalid message");
  const std::string method = text_at(*message, "method");
  const Json param = message->contains("param") ? (*message)["param"] : Json::object();
  if (method == "ping") {
    conn.last_ping_ms = world_.mono_ms();
    const std::string pong =
        Obj().str("channel", "pong").num("data", world_.wall_ms()).num("ts", world_.wall_ms()).text();
    sink_.send(id, pong);
    if (++conn.pings % kTwoPongsEvery == 0) sink_.send(id, pong);
  } else if (method == "login") {
    login(id, conn, *message);
  } else if (method == "personal.filter") {
    filter(id, conn, param);
  } else if (method.starts_with("sub.")) {
    subscribe(id, conn, method.substr(4), param);
  } else if (method.starts_with("unsub.")) {
    unsubscribe(id, conn, method.substr(6), param);
  } else if (method.starts_with("usub.")) {  // as old documents print it
    unsubscribe(id, conn, method.substr(5), param);
  }
  // An unknown method is not answered at all.
}

void MexcSim::login(ConnId id, Conn& conn, const Json& message) {
  const Json param = message.contains("param") ? message["param"] : Json::object();
  const std::string time = text_at(param, "reqTime");
  std::size_t account = 0;
  if (const auto refusal = refuse(text_at(param, "apiKey"), time, "", text_at(param, "signature"), account))
    return say(id, "rs.error", refusal->text);
  conn.account = static_cast<int>(account);
  conn.pushes = !message.contains("subscribe") || flag_at(message, "subscribe");
  conn.filters.clear();
  // The time is a text here, and a number everywhere else.
  sink_.send(
      id, Obj().str("channel", "rs.login").str("data", "success").str("ts", std::to_string(world_.wall_ms())).text());
  // What ended last is told again to who comes back.
  if (conn.pushes && !history_[account].empty())
    sink_.send(id, Obj()
                       .str("channel", "push.personal.position")
                       .raw("data", position_row(history_[account].back(), false))
                       .num("ts", world_.wall_ms())
                       .text());
}

void MexcSim::filter(ConnId id, Conn& conn, const Json& param) {
  if (conn.account == kNobody) return say(id, "rs.error", "not login");
  std::set<std::string> wanted;
  for (const Json& one : param.contains("filters") ? param["filters"] : Json::array()) {
    const std::string key = text_at(one, "filter");
    if (std::find(kFilters.begin(), kFilters.end(), key) == kFilters.end())
      return say(id, "rs.error", "invalid filter " + key);
    wanted.insert(key);
  }
  conn.filters = std::move(wanted);  // it replaces the one before
  conn.pushes = true;
  say(id, "rs.personal.filter", "success");
}

void MexcSim::subscribe(ConnId id, Conn& conn, const std::string& channel, const Json& param) {
  if (channel != "depth.full" && channel != "ticker" && channel != "depth") return;  // unknown here: silence
  const std::string symbol = text_at(param, "symbol");
  const std::int64_t limit = int_at(param, "limit", 20);
  if (channel == "depth.full" && limit != 5 && limit != 10 && limit != 20 && limit != 50)
    return say(id, "rs.error", "Not support limit");
  std::string upper = symbol;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const MexcContract* contract = contract_of(symbol);
  const bool misspelt = contract == nullptr && contract_of(upper) != nullptr;  // acknowledged, and never heard of
  if ((contract == nullptr && !misspelt) || (contract != nullptr && !contract->listed))
    return say(id, "rs.error", "Contract [" + symbol + "] not exists");
  say(id, "rs.sub." + channel, "success");
  if (misspelt) return;
  const bool every = channel == "depth" && param.contains("compress") && !flag_at(param, "compress");
  const std::string key = channel +
                          (every                     ? " every "
                           : channel == "depth.full" ? " " + std::to_string(limit) + " "
                                                     : " ") +
                          symbol;
  conn.feeds.insert(key);  // a second one is acknowledged, and adds nothing
  auto [it, fresh] = feeds_.try_emplace(key);
  if (!fresh) return;
  Feed& feed = it->second;
  feed.contract = contract;
  feed.channel = channel;
  feed.every_change = every;
  feed.depth = channel == "depth.full" ? static_cast<std::size_t>(limit) : 20;
  feed.version = kFirstVersion;
  if (channel == "depth") feed.last = world_.market.ladder(contract->spec, world_.wall_ms(), feed.depth);
}

/// Not acknowledged, but for the ticker.
void MexcSim::unsubscribe(ConnId id, Conn& conn, const std::string& channel, const Json& param) {
  const std::string symbol = " " + text_at(param, "symbol");
  std::erase_if(conn.feeds,
                [&](const std::string& key) { return key.starts_with(channel + " ") && key.ends_with(symbol); });
  if (channel == "ticker") say(id, "rs.unsub.ticker", "success");
}

void MexcSim::push_personal(std::size_t account, const std::string& kind, const std::string& data) {
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account) || !conn.pushes ||
        (!conn.filters.empty() && conn.filters.count(kind) == 0))
      continue;
    sink_.send(id, Obj().str("channel", "push.personal." + kind).raw("data", data).num("ts", world_.wall_ms()).text());
  }
}

/// The one signature of the contract API: key, time, and what a request adds.
std::optional<MexcSim::Refusal> MexcSim::refuse(const std::string& key, const std::string& time,
                                                const std::string& signed_tail, const std::string& signature,
                                                std::size_t& account) const {
  const std::int64_t now = world_.wall_ms();
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (key.empty() || it == accounts_.end()) return Refusal{401, "Not logged in or login has expired"};
  if (it->expires_ms != 0 && it->expires_ms < now) return Refusal{402, "API Key expired"};
  if (!is_stamp(time) || std::abs(std::stoll(time) - now) > kClockMs) return Refusal{513, "Invalid request time"};
  if (signature != hmac_sha256_hex(it->secret, key + time + signed_tail))
    return Refusal{602, "Signature verification failed!"};
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

}  // namespace anduin::sim
