// The recording host with the KuCoin plugin in it, past its tokens and welcomes. Thread: one.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "plugins/support/plugin_bench.hpp"

namespace anduin::test {

inline constexpr const char* kPublicToken = "/api/v1/bullet-public";
inline constexpr const char* kPrivateToken = "/api/v1/bullet-private";
inline constexpr const char* kContracts = "/api/v1/contracts/active";
inline constexpr const char* kTime = "/api/v1/timestamp";
inline constexpr const char* kHistory = "/api/v1/history-positions";
inline constexpr const char* kOverview = "/api/v1/account-overview";
inline constexpr const char* kKey = "/api/v1/user/api-key";

inline std::string reply(const nlohmann::json& data) {
  return nlohmann::json{{"code", "200000"}, {"data", data}}.dump();
}
inline std::string refusal(const std::string& code, const std::string& text = "no") {
  return nlohmann::json{{"code", code}, {"msg", text}}.dump();
}
inline std::string token_answer(const std::string& token = "T",
                                const std::string& endpoint = "wss://ws-api-futures.kucoin.com/") {
  return reply({{"token", token},
                {"instanceServers",
                 {{{"endpoint", endpoint},
                   {"encrypt", true},
                   {"protocol", "websocket"},
                   {"pingInterval", 18000},
                   {"pingTimeout", 10000}}}}});
}

using Rows = std::vector<nlohmann::json>;
/// A history row as KuCoin writes it: a cycle of XBTUSDTM that earned `pnl`.
inline nlohmann::json closed_row(const std::string& id, std::int64_t close_ms, const std::string& pnl = "5",
                                 std::int64_t open_ms = 0) {
  return {{"closeId", id},
          {"userId", "633559791e1cbc0001f319bc"},
          {"symbol", "XBTUSDTM"},
          {"settleCurrency", "USDT"},
          {"leverage", "1.0"},
          {"type", "CLOSE_LONG"},
          {"pnl", pnl},
          {"openTime", open_ms != 0 ? open_ms : close_ms - 60'000},
          {"closeTime", close_ms},
          {"openPrice", "90000"},
          {"closePrice", "90500"},
          {"marginMode", "CROSS"},
          {"side", "LONG"}};
}
inline nlohmann::json with(nlohmann::json row, const std::string& member, const nlohmann::json& value) {
  row[member] = value;
  return row;
}
inline std::string page(const Rows& rows, int current = 1, int total = 1) {
  return reply(
      {{"currentPage", current}, {"pageSize", 200}, {"totalNum", rows.size()}, {"totalPage", total}, {"items", rows}});
}
inline std::string position_frame(std::int64_t opening_ms, std::int64_t now_ms, int lots, bool open,
                                  const std::string& side = "BOTH", const std::string& symbol = "XBTUSDTM") {
  return nlohmann::json{{"topic", "/contract/positionAll"},
                        {"type", "message"},
                        {"subject", "position.change"},
                        {"channelType", "private"},
                        {"data",
                         {{"symbol", symbol},
                          {"openingTimestamp", opening_ms},
                          {"currentTimestamp", now_ms},
                          {"currentQty", lots},
                          {"isOpen", open},
                          {"changeReason", "positionChange"},
                          {"marginMode", "CROSS"},
                          {"positionSide", side},
                          {"settleCurrency", "USDT"}}}}
      .dump();
}

struct Bench : PluginBench {
  explicit Bench(bool account, nlohmann::json options = nlohmann::json::object(), std::int64_t start = kStartMs)
      : PluginBench("kucoin", account, std::move(options), start), token_path(account ? kPrivateToken : kPublicToken) {}
  static const nlohmann::json& manifest() { return PluginBench::manifest("kucoin"); }

  /// Token, socket, welcome of everything that was dialled.
  void go(const std::string& token = "T") {
    connect();
    for (const SentRequest& r : open_requests(token_path)) greet(r, token);
  }
  void greet(const SentRequest& request, const std::string& token = "T") {
    const std::size_t before = opens.size();
    answer(request, token_answer(token));
    if (opens.size() == before) return;
    const std::uint32_t c = opens.back().connection;
    opened(c);
    frame(c, R"({"id":"x","type":"welcome"})");
  }
  /// An account that streams, its clock and first sweep answered.
  void live(std::int64_t settle_from_ms = kStartMs - 3'600'000, const std::string& watermark = {}) {
    start(settle_from_ms, watermark);
    for (int i = 0; i < 3; ++i) answer(kTime, reply(now_ms));
    go();
    frame(1, R"({"id":"positions","type":"ack"})");
    frame(1, R"({"id":"wallet","type":"ack"})");
    settle_history();
  }
  /// Answers every open look into the history with nothing, until none is open.
  void settle_history() {
    while (!open_requests(kHistory).empty()) answer(kHistory, page({}));
  }
  [[nodiscard]] std::vector<std::string> ids() const {
    std::vector<std::string> out;
    for (const SeenClose& c : closes) out.push_back(c.id);
    return out;
  }
  std::string token_path;
};

}  // namespace anduin::test
