// Rows and answers as Bybit writes them, for the tests of accounts.
#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace anduin::test {

/// An item of `execution` and of the execution list (which has no execPnl).
inline nlohmann::json execution(const std::string& id, std::int64_t time_ms, const std::string& pnl = "5") {
  return {{"category", "linear"}, {"symbol", "BTCUSDT"},   {"side", "Sell"},          {"orderId", "o" + id},
          {"execId", "e" + id},   {"execType", "Trade"},   {"closedSize", "0.5"},     {"execQty", "0.5"},
          {"execPrice", "100"},   {"execFee", "0.03"},     {"feeCurrency", "USDT"},   {"execPnl", pnl},
          {"execTime", std::to_string(time_ms)}};
}
inline nlohmann::json without(nlohmann::json row, const std::string& member) {
  row.erase(member);
  return row;
}
inline nlohmann::json with(nlohmann::json row, const std::string& member, const nlohmann::json& value) {
  row[member] = value;
  return row;
}
inline nlohmann::json listed(const std::string& id, std::int64_t time_ms) { return without(execution(id, time_ms), "execPnl"); }
inline nlohmann::json log_row(const std::string& id, const std::string& cash_flow, const std::string& type = "TRADE") {
  return {{"orderId", "o" + id}, {"tradeId", "e" + id}, {"type", type},        {"cashFlow", cash_flow}, {"fee", "0.03"},
          {"qty", "0.5"},        {"tradePrice", "100"}, {"symbol", "BTCUSDT"}, {"currency", "USDT"}};
}
using Rows = std::vector<nlohmann::json>;
inline std::string page(const Rows& rows, const std::string& next = "") {
  return nlohmann::json{{"retCode", 0}, {"retMsg", "OK"}, {"result", {{"list", rows}, {"nextPageCursor", next}}}}.dump();
}
inline std::string refusal(int code, const std::string& text = "no") {
  return nlohmann::json{{"retCode", code}, {"retMsg", text}, {"result", nlohmann::json::object()}}.dump();
}
inline std::string pushed(const Rows& items, std::int64_t created_ms = 0) {
  return nlohmann::json{{"topic", "execution"}, {"creationTime", created_ms}, {"data", items}}.dump();
}
inline std::string time_answer(std::int64_t ms) {
  return R"({"retCode":0,"retMsg":"OK","result":{"timeSecond":"1","timeNano":")" + std::to_string(ms) +
         R"(000000"},"time":1})";
}

inline constexpr const char* kExecutions = "/v5/execution/list";
inline constexpr const char* kLog = "/v5/account/transaction-log";
inline constexpr const char* kKey = "/v5/user/query-api";
inline constexpr const char* kTime = "/v5/market/time";
inline constexpr const char* kWallet = "/v5/account/wallet-balance";

}  // namespace anduin::test
