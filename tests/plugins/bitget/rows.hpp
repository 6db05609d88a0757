// Rows, answers and frames as Bitget writes them, for the tests of the plugin.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace anduin::test {

using Rows = std::vector<nlohmann::json>;

inline constexpr const char* kTime = "/api/v2/public/time";
inline constexpr const char* kInstruments = "/api/v3/market/instruments";
inline constexpr const char* kAssets = "/api/v3/account/assets";
inline constexpr const char* kClassicBalance = "/api/v2/mix/account/accounts";
inline constexpr const char* kV3Key = "/api/v3/account/info";
inline constexpr const char* kV2Key = "/api/v2/spot/account/info";
inline constexpr const char* kV3History = "/api/v3/position/history-position";
inline constexpr const char* kV2History = "/api/v2/mix/position/history-position";
inline constexpr std::uint32_t kConn = 1;

inline const nlohmann::json kClassic{{"private_dialect", "classic"}, {"market", nlohmann::json::array({"linear"})}};
inline const nlohmann::json kUnified{{"private_dialect", "uta"}, {"market", nlohmann::json::array({"linear"})}};

inline std::string ms(std::int64_t t) { return std::to_string(t); }
inline std::string good(const nlohmann::json& data) {
  return nlohmann::json{{"code", "00000"}, {"msg", "success"}, {"requestTime", 1}, {"data", data}}.dump();
}
inline std::string refusal(const std::string& code, const std::string& text = "no") {
  return nlohmann::json{{"code", code}, {"msg", text}, {"requestTime", 1}, {"data", nullptr}}.dump();
}
inline std::string v2_page(const Rows& rows, const std::string& end = "") {
  return good({{"list", rows}, {"endId", end.empty() ? nlohmann::json() : nlohmann::json(end)}});
}
inline std::string v3_page(const Rows& rows, const std::string& cursor = "") {
  return good({{"list", rows.empty() ? nlohmann::json() : nlohmann::json(rows)},
               {"cursor", cursor.empty() ? nlohmann::json() : nlohmann::json(cursor)}});
}
/// Closed, long, net 4.995.
inline nlohmann::json v2_row(const std::string& id, std::int64_t closed_ms, std::int64_t opened_ms = 0) {
  return {{"positionId", id},
          {"symbol", "BTCUSDT"},
          {"marginCoin", "USDT"},
          {"holdSide", "long"},
          {"openAvgPrice", "90000"},
          {"closeAvgPrice", "90100"},
          {"marginMode", "isolated"},
          {"openTotalPos", "0.06"},
          {"closeTotalPos", "0.06"},
          {"pnl", "6"},
          {"netProfit", "4.995"},
          {"totalFunding", "-0.005"},
          {"openFee", "-0.5"},
          {"closeFee", "-0.5"},
          {"ctime", ms(opened_ms == 0 ? closed_ms - 1'000 : opened_ms)},
          {"utime", ms(closed_ms)}};
}
inline nlohmann::json v3_row(const std::string& id, std::int64_t closed_ms, std::int64_t opened_ms = 0) {
  return {{"positionId", id},
          {"category", "USDT-FUTURES"},
          {"symbol", "BTCUSDT"},
          {"marginCoin", "USDT"},
          {"holdMode", "one_way_mode"},
          {"posSide", "long"},
          {"marginMode", "crossed"},
          {"openPriceAvg", "90000"},
          {"closePriceAvg", "90100"},
          {"openTotalPos", "0.06"},
          {"closeTotalPos", "0.06"},
          {"cumRealisedPnl", "6"},
          {"netProfit", "4.995"},
          {"totalFunding", "-0.005"},
          {"openFeeTotal", "-0.5"},
          {"closeFeeTotal", "-0.5"},
          {"createdTime", ms(opened_ms == 0 ? closed_ms - 1'000 : opened_ms)},
          {"updatedTime", ms(closed_ms)}};
}
/// The push of the same close as v2_row.
inline nlohmann::json v2_push(const std::string& id, std::int64_t closed_ms, const std::string& gross = "6") {
  return {{"posId", id},        {"instId", "BTCUSDT"},     {"marginCoin", "USDT"},           {"marginMode", "fixed"},
          {"holdSide", "long"}, {"posMode", "hedge_mode"}, {"openPriceAvg", "90000"},        {"closePriceAvg", "90100"},
          {"openSize", "0.06"}, {"closeSize", "0.06"},     {"achievedProfits", gross},       {"settleFee", "-0.005"},
          {"openFee", "-0.5"},  {"closeFee", "-0.5"},      {"cTime", ms(closed_ms - 1'000)}, {"uTime", ms(closed_ms)}};
}
inline nlohmann::json v3_position(std::int64_t opened_ms, const std::string& size, const std::string& side = "long",
                                  const std::string& mode = "one_way_mode") {
  return {{"symbol", "BTCUSDT"},
          {"openFeeTotal", ""},
          {"avgPrice", "0"},
          {"createdTime", ms(opened_ms)},
          {"updatedTime", ms(opened_ms)},
          {"marginCoin", "USDT"},
          {"curRealisedPnl", "0"},
          {"size", size},
          {"positionStatus", size == "0" ? "ended" : "normal"},
          {"posSide", side},
          {"holdMode", mode}};
}
inline nlohmann::json with(nlohmann::json row, const std::string& member, const nlohmann::json& value) {
  row[member] = value;
  return row;
}
inline nlohmann::json without(nlohmann::json row, const std::string& member) {
  row.erase(member);
  return row;
}
inline std::string pushed_closes(const Rows& rows, const std::string& type = "USDT-FUTURES") {
  return nlohmann::json{{"action", "update"},
                        {"arg", {{"instType", type}, {"channel", "positions-history"}, {"instId", "default"}}},
                        {"data", rows},
                        {"ts", 1}}
      .dump();
}
inline std::string pushed_positions(const Rows& rows) {
  return nlohmann::json{
      {"data", rows}, {"arg", {{"instType", "UTA"}, {"topic", "position"}}}, {"action", "snapshot"}, {"ts", 1}}
      .dump();
}
inline std::string v2_ack(const std::string& type, const std::string& channel = "positions-history") {
  return nlohmann::json{{"event", "subscribe"},
                        {"arg", {{"instType", type}, {"channel", channel}, {"instId", "default"}}}}
      .dump();
}
inline constexpr const char* kV3Ack = R"({"event":"subscribe","arg":{"instType":"UTA","topic":"position"}})";
inline constexpr const char* kLoggedIn = R"({"event":"login","code":0,"msg":""})";

}  // namespace anduin::test
