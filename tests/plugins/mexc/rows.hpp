// Rows and answers as MEXC writes them, for the tests of accounts.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugins/mexc/bench.hpp"

namespace anduin::test {

inline constexpr std::uint32_t kConn = 1;
inline constexpr const char* kHistory = "/api/v1/private/position/list/history_positions";
inline constexpr const char* kAssets = "/api/v1/private/account/assets";
inline constexpr const char* kDetail = "/api/v1/contract/detail";
inline constexpr const char* kPing = "/api/v1/contract/ping";
inline constexpr const char* kKeyInfo = "/api/v3/apiKeyInfo";
inline constexpr const char* kUid = "/api/v3/uid";
inline constexpr const char* kLoggedIn = R"({"channel":"rs.login","data":"success","ts":"1587442022003"})";
using Rows = std::vector<nlohmann::json>;

/// A row of history; its times are whole seconds.
inline nlohmann::json row(std::int64_t id, std::int64_t closed_ms, const std::string& symbol = "BTC_USDT") {
  return {{"positionId", id},
          {"symbol", symbol},
          {"positionType", 1},
          {"openType", 1},
          {"state", 3},
          {"holdVol", 0},
          {"closeVol", 2},
          {"openAvgPrice", 100},
          {"closeAvgPrice", 110},
          {"holdFee", 0},
          {"realised", 0.25},
          {"closeProfitLoss", 0.5},
          {"fee", -0.25},
          {"totalFee", 0.25},
          {"createTime", closed_ms - 60'000},
          {"updateTime", closed_ms},
          {"newOpenAvgPrice", 100},
          {"newCloseAvgPrice", 110},
          {"version", 3}};
}
inline nlohmann::json with(nlohmann::json r, const std::string& member, const nlohmann::json& value) {
  r[member] = value;
  return r;
}
inline nlohmann::json without(nlohmann::json r, const std::string& member) {
  r.erase(member);
  return r;
}
inline std::string ok(const nlohmann::json& data) {
  return nlohmann::json{{"success", true}, {"code", 0}, {"data", data}}.dump();
}
inline std::string failure(int code, const std::string& text = "no") {
  return nlohmann::json{{"success", false}, {"code", code}, {"message", text}}.dump();
}
inline std::string pushed(const nlohmann::json& data, std::int64_t ts = 0) {
  return nlohmann::json{{"channel", "push.personal.position"}, {"data", data}, {"ts", ts}}.dump();
}
inline nlohmann::json contract(const std::string& symbol, const std::string& settle,
                               const std::string& size = "0.0001") {
  const std::size_t line = symbol.find('_');
  const std::string base = symbol.substr(0, line), quote = symbol.substr(line + 1);
  return {{"symbol", symbol},
          {"baseCoin", base},
          {"quoteCoin", quote},
          {"settleCoin", settle},
          {"contractSize", nlohmann::json::parse(size)},
          {"priceUnit", 0.1},
          {"futureType", 1},
          {"state", 0},
          {"type", 1}};
}

/// Answers every open question about a contract, in the currency that its name says.
inline void answer_contracts(PluginBench& b) {
  for (auto asked = b.open_requests(kDetail); !asked.empty(); asked = b.open_requests(kDetail)) {
    const std::string symbol = asked[0].query("symbol");
    const std::string quote = symbol.substr(symbol.find('_') + 1);
    b.answer(asked[0], ok(contract(symbol, quote == "USD" ? symbol.substr(0, symbol.find('_')) : quote)));
  }
}
inline void know_clock(PluginBench& b) {
  for (int i = 0; i < 3; ++i) b.answer(kPing, ok(b.now_ms));
}
/// To the point where the socket streams; the first looks into history wait for their answers.
inline void log_in(PluginBench& b) {
  know_clock(b);
  b.connect();
  b.frame(kConn, kLoggedIn);
}

}  // namespace anduin::test
