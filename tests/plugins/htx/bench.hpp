// The recording host with the HTX plugin in it, and answers as HTX writes them. Thread: one.
#pragma once
#include "plugins/support/plugin_bench.hpp"

namespace anduin::test {

inline constexpr const char* kContracts = "/linear-swap-api/v1/swap_contract_info";
inline constexpr const char* kOrder = "/v5/trade/order";
inline constexpr const char* kDetails = "/v5/trade/order/details";
inline constexpr const char* kHistory = "/v5/trade/order/history";
inline constexpr const char* kBalance = "/v5/account/balance";
inline constexpr const char* kTime = "/api/v1/timestamp";
inline constexpr const char* kUid = "/v2/user/uid";
inline constexpr const char* kKey = "/v2/user/api-key";

inline nlohmann::json contract(const std::string& code, const std::string& size) {
  return {{"symbol", code.substr(0, code.find('-'))},
          {"contract_code", code},
          {"contract_size", size},
          {"price_tick", "0.1"},
          {"contract_status", 1},
          {"business_type", "swap"}};
}
inline std::string contracts(const std::vector<nlohmann::json>& rows = {contract("BTC-USDT", "0.001")}) {
  return nlohmann::json{{"status", "ok"}, {"data", rows}, {"ts", 1}}.dump();
}
inline std::string page(const std::vector<nlohmann::json>& rows, std::int64_t ts_ms = 1) {
  return nlohmann::json{{"code", 200}, {"message", "Success"}, {"data", rows}, {"ts", ts_ms}}.dump();
}
inline std::string refusal(int code, const std::string& text = "no") {
  return nlohmann::json{{"code", code}, {"message", text}}.dump();
}

/// An order as it is pushed and listed: five contracts of a long position, closed in full.
inline nlohmann::json order(const std::string& id, std::int64_t time_ms, const std::string& profit = "0.502") {
  return {{"order_id", id},
          {"contract_code", "BTC-USDT"},
          {"margin_mode", "cross"},
          {"side", "sell"},
          {"position_side", "long"},
          {"state", "filled"},
          {"volume", "5"},
          {"trade_volume", "5"},
          {"trade_avg_price", "60100.4"},
          {"profit", profit},
          {"fee", "-0.1803012"},
          {"fee_currency", "USDT"},
          {"reduce_only", true},
          {"order_source", "web"},
          {"created_time", std::to_string(time_ms - 10)},
          {"updated_time", std::to_string(time_ms)}};
}
inline nlohmann::json execution(const std::string& id, const std::string& order_id, std::int64_t time_ms,
                                const std::string& volume = "5", const std::string& profit = "0.502") {
  return {{"id", id},
          {"order_id", order_id},
          {"contract_code", "BTC-USDT"},
          {"margin_mode", "cross"},
          {"side", "sell"},
          {"position_side", "long"},
          {"order_type", "1"},
          {"trade_volume", volume},
          {"trade_price", "60100.4"},
          {"profit", profit},
          {"trade_fee", "0.1"},
          {"fee_currency", "USDT"},
          {"created_time", std::to_string(time_ms)},
          {"updated_time", std::to_string(time_ms)}};
}
inline nlohmann::json with(nlohmann::json row, const std::string& member, const nlohmann::json& value) {
  row[member] = value;
  return row;
}
inline std::string pushed(const std::string& topic, const nlohmann::json& data, std::int64_t ts_ms = 1,
                          const std::string& event = "") {
  nlohmann::json frame{{"op", "notify"}, {"topic", topic}, {"ts", ts_ms}, {"uid", "1"}, {"data", data}};
  if (!event.empty()) frame["event"] = event;
  return frame.dump();
}

struct Bench final : PluginBench {
  explicit Bench(bool account, nlohmann::json options = nlohmann::json::object(), std::int64_t start_ms = kStartMs)
      : PluginBench("htx", account, std::move(options), start_ms) {}
  static const nlohmann::json& manifest() { return PluginBench::manifest("htx"); }

  /// To the point where the account streams, with these contracts listed.
  void log_in(const std::vector<nlohmann::json>& listed = {contract("BTC-USDT", "0.001")},
              std::int64_t settle_from_ms = kStartMs - 3'600'000, const std::string& watermark = {}) {
    start(settle_from_ms, watermark);
    know(listed);
    connect();
    frame(1, R"({"op":"auth","type":"api","err-code":0,"ts":1,"data":{"user-id":"41312018"}})");
    frame(1, R"({"op":"sub","cid":"positions","topic":"positions","err-code":0,"ts":1})");
    frame(1, R"({"op":"sub","cid":"orders","topic":"orders","err-code":0,"ts":1})");
  }
  void know(const std::vector<nlohmann::json>& listed) {
    answer(kContracts, contracts(listed));
    for (int i = 0; i < 3; ++i) answer(kTime, R"({"status":"ok","ts":)" + std::to_string(now_ms) + "}");
  }
  /// Answers every history request with no rows, until none is open.
  void empty_history() {
    for (bool more = true; more;) {
      more = false;
      for (const char* path : {kDetails, kHistory})
        for (const SentRequest& r : open_requests(path)) {
          answer(r, page({}));
          more = true;
        }
    }
  }
};

}  // namespace anduin::test
