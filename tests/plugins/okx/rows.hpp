// Rows, answers and frames as OKX writes them, for the tests of the plugin.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace anduin::test {

using Rows = std::vector<nlohmann::json>;

inline constexpr const char* kHistory = "/api/v5/account/positions-history";
inline constexpr const char* kConfig = "/api/v5/account/config";
inline constexpr const char* kBalance = "/api/v5/account/balance";
inline constexpr const char* kTime = "/api/v5/public/time";
inline constexpr const char* kInstruments = "/api/v5/public/instruments";
inline constexpr std::uint32_t kConn = 1;

inline std::string ms(std::int64_t t) { return std::to_string(t); }
inline std::string page(const Rows& rows) { return nlohmann::json{{"code", "0"}, {"data", rows}, {"msg", ""}}.dump(); }
inline std::string refusal(int code, const std::string& text = "no") {
  return nlohmann::json{{"code", std::to_string(code)}, {"data", nlohmann::json::array()}, {"msg", text}}.dump();
}
/// A final row of positions-history: 10 contracts, long, net 0.5.
inline nlohmann::json closed_row(const std::string& position, std::int64_t opened_ms, std::int64_t closed_ms) {
  return {{"posId", position},
          {"cTime", ms(opened_ms)},
          {"uTime", ms(closed_ms)},
          {"instId", "BTC-USDT-SWAP"},
          {"instType", "SWAP"},
          {"direction", "long"},
          {"type", "2"},
          {"openAvgPx", "90000"},
          {"closeAvgPx", "90100"},
          {"closeTotalPos", "10"},
          {"openMaxPos", "10"},
          {"pnl", "10"},
          {"fee", "-9"},
          {"fundingFee", "-0.5"},
          {"liqPenalty", "0"},
          {"settledPnl", ""},
          {"realizedPnl", "0.5"},
          {"ccy", "USDT"},
          {"mgnMode", "cross"},
          {"triggerPx", ""}};
}
inline nlohmann::json with(nlohmann::json row, const std::string& member, const nlohmann::json& value) {
  row[member] = value;
  return row;
}
inline nlohmann::json without(nlohmann::json row, const std::string& member) {
  row.erase(member);
  return row;
}
/// A row of the channel positions.
inline nlohmann::json position(const std::string& id, std::int64_t opened_ms, const std::string& pos) {
  return {{"instType", "SWAP"},
          {"instId", "BTC-USDT-SWAP"},
          {"mgnMode", "cross"},
          {"posId", id},
          {"posSide", "net"},
          {"pos", pos},
          {"avgPx", ""},
          {"ccy", "USDT"},
          {"cTime", ms(opened_ms)},
          {"uTime", ms(opened_ms)},
          {"realizedPnl", ""},
          {"pnl", ""}};
}
inline std::string pushed(const Rows& rows) {
  return nlohmann::json{{"arg", {{"channel", "positions"}, {"instType", "SWAP"}, {"uid", "77982378738415879"}}},
                        {"data", rows}}
      .dump();
}
inline constexpr const char* kLoggedIn = R"({"event":"login","code":"0","msg":"","connId":"a4d3ae55"})";
inline constexpr const char* kSubscribed =
    R"({"id":"positions","event":"subscribe","arg":{"channel":"positions","instType":"SWAP"},"connId":"a4d3ae55"})";
inline std::string failure(int code, const std::string& text, const std::string& id = "") {
  nlohmann::json j{{"event", "error"}, {"code", std::to_string(code)}, {"msg", text}, {"connId", "a4d3ae55"}};
  if (!id.empty()) j["id"] = id;
  return j.dump();
}

}  // namespace anduin::test
