#include <algorithm>
#include <array>

#include "sim/kucoin.hpp"

namespace anduin::sim {
namespace {

constexpr std::size_t kTopicsPerFrame = 100, kTopicsMax = 300, kSessionsMax = 50;
constexpr std::int64_t kFramesMax = 100, kFramesMs = 10'000;
constexpr std::int64_t kFirstSequence = 1'713'516'609'293;
constexpr std::array<std::string_view, 5> kChannels{"tickerV2", "ticker", "level2", "level2Depth5", "level2Depth50"};
constexpr std::string_view kMarket = "/contractMarket/",
                           kPosition = "/contract/position:", kAll = "/contract/positionAll",
                           kWallet = "/contractAccount/wallet";

}  // namespace

std::optional<Response> KucoinSim::on_open(ConnId id, const std::string& path, const std::string& query) {
  if (path != "/" && path != "/endpoint") return Response{404, "not found"};
  const Params params(query);
  const std::string connect_id = params.get("connectId");
  const auto it = tokens_.find(params.get("token"));
  const bool expired = it != tokens_.end() && it->second.expires_ms <= world_.mono_ms();
  if (it == tokens_.end() || expired) {
    const std::string text = expired ? "token is expired" : "token is invalid";
    if (refuse_by_http_) return Response{401, text};
    refuse(id, connect_id, 401, text);
    sink_.close(id, 1000, "Bye");
    return std::nullopt;
  }
  Conn conn;
  conn.account = it->second.account;
  conn.connect_id = connect_id;
  conn.opened_ms = conn.last_in_ms = conn.window_ms = world_.mono_ms();
  conn.welcome_ms = conn.opened_ms + welcome_delay_ms_;
  const auto sessions = static_cast<std::size_t>(std::count_if(conns_.begin(), conns_.end(), [&](const auto& c) {
    return conn.account != kPublic && c.second.account == conn.account;
  }));
  if (sessions >= kSessionsMax) {
    refuse(id, connect_id, 509, "exceed max session count 50");
    sink_.close(id, 1000, "Bye");
    return std::nullopt;
  }
  Conn& placed = conns_[id] = std::move(conn);
  if (welcome_delay_ms_ == 0) welcome(id, placed);
  return std::nullopt;
}

void KucoinSim::welcome(ConnId id, Conn& conn) {
  conn.welcomed = true;
  sink_.send(id, Obj().str("id", conn.connect_id).str("type", "welcome").text());
  for (const std::string& text : std::exchange(conn.early, {})) take(id, conn, text);
}

void KucoinSim::refuse(ConnId id, const std::string& message_id, int code, const std::string& text) {
  sink_.send(id, Obj().str("id", message_id).str("type", "error").num("code", code).str("data", text).text());
}

void KucoinSim::on_message(ConnId id, std::string_view text) {
  const auto it = conns_.find(id);
  if (it == conns_.end()) return;
  Conn& conn = it->second;
  const std::int64_t now = world_.mono_ms();
  conn.last_in_ms = now;
  if (now - conn.window_ms >= world_.scaled(kFramesMs)) {
    conn.window_ms = now;
    conn.frames = 0;
  }
  if (++conn.frames > kFramesMax) return refuse(id, "", 509, "exceed permits per second");
  if (!conn.welcomed) {
    if (early_is_acked_) return conn.early.emplace_back(text), void();
    return refuse(id, "", 400, "said before the welcome");
  }
  take(id, conn, text);
}

void KucoinSim::take(ConnId id, Conn& conn, std::string_view text) {
  const auto message = parse_exact(text);
  if (!message || !message->is_object()) return refuse(id, "", 400, "message is invalid");
  const std::string message_id = text_at(*message, "id"), type = text_at(*message, "type");
  if (type == "ping") {
    const std::int64_t us = world_.wall_ms() * 1000 + 506;
    sink_.send(id, Obj().str("id", message_id).str("type", "pong").num("timestamp", us).text());
  } else if (type == "subscribe" || type == "unsubscribe") {
    subscribe(id, conn, *message, message_id, type == "subscribe");
  } else {
    refuse(id, message_id, 400, "type is invalid");
  }
}

/// The topics behind one text, a symbol each; or code and words of the refusal.
std::optional<std::pair<int, std::string>> KucoinSim::split(const Conn& conn, const std::string& topic,
                                                            std::vector<std::string>& out) const {
  const bool is_private = topic == kAll || topic == kWallet || topic.starts_with(kPosition);
  if (is_private && conn.account == kPublic) return std::pair{403, "login is required"};
  if (topic == kAll || topic == kWallet) {
    out.push_back(topic);
    return std::nullopt;
  }
  const std::size_t colon = topic.find(':');
  if (colon == std::string::npos || colon + 1 == topic.size()) return std::pair{404, "topic does not exist"};
  const std::string head = topic.substr(0, colon + 1);
  if (!is_private) {
    const bool known =
        topic.starts_with(kMarket) &&
        std::find(kChannels.begin(), kChannels.end(),
                  std::string_view(topic).substr(kMarket.size(), colon - kMarket.size())) != kChannels.end();
    if (!known) return std::pair{404, "topic does not exist"};
  }
  std::string rest = topic.substr(colon + 1);
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (comma > 0) out.push_back(head + rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  if (out.size() > kTopicsPerFrame) return std::pair{509, "exceed max subscription count limitation of 100 per time"};
  return std::nullopt;
}

void KucoinSim::subscribe(ConnId id, Conn& conn, const Json& message, const std::string& message_id, bool add) {
  std::vector<std::string> topics;
  if (const auto refusal = split(conn, text_at(message, "topic"), topics)) {
    return refuse(id, message_id, refusal->first, refusal->second);
  }
  if (add && conn.topics.size() + topics.size() > kTopicsMax)
    return refuse(id, message_id, 509, "exceed max subscription count limitation of 300 per session");
  for (const std::string& topic : topics) {
    if (!add) {
      conn.topics.erase(topic);
      continue;
    }
    conn.topics.insert(topic);
    if (!topic.starts_with(kMarket)) continue;
    const std::size_t colon = topic.find(':');
    const SymbolSpec* spec = find_symbol(topic.substr(colon + 1), "");
    // A symbol that does not exist is acknowledged like any other and never heard of.
    if (spec == nullptr || spec->native != topic.substr(colon + 1)) continue;
    auto [it, fresh] = feeds_.try_emplace(topic);
    if (!fresh) continue;
    it->second.spec = spec;
    it->second.channel = topic.substr(kMarket.size(), colon - kMarket.size());
    it->second.sequence = kFirstSequence;
    if (it->second.channel == "level2") it->second.last = world_.market.ladder(*spec, world_.wall_ms(), 20);
  }
  if (flag_at(message, "response")) sink_.send(id, Obj().str("id", message_id).str("type", "ack").text());
}

void KucoinSim::push_private(std::size_t account, const std::string& topic, const std::string& subject,
                             const std::string& data) {
  const Json parsed = *parse_exact(data);
  const std::string symbol = text_at(parsed, "symbol");
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(account)) continue;
    for (const std::string& name : {topic, std::string(kPosition) + symbol}) {
      if (conn.topics.count(name) == 0 || (name != topic && topic != kAll)) continue;
      sink_.send(id, Obj()
                         .str("topic", name)
                         .str("type", "message")
                         .raw("data", data)
                         .str("subject", subject)
                         .str("userId", user_id(account))
                         .str("channelType", "private")
                         .text());
    }
  }
}

}  // namespace anduin::sim
