// A small recording host for one plugin instance: inputs by hand, records kept, time that only the test moves.
// Templates are not filled; what the plugin wants to send is kept as it wrote it. Thread: one.
#pragma once
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "anduin/decimal.hpp"
#include "anduin/plugin.h"

namespace anduin::test {

struct SentRequest {
  std::uint32_t id;
  std::string endpoint, method, target, headers, body, sign, args, rate;
  std::uint32_t cost;
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
  /// The value of a query parameter, as it is written.
  [[nodiscard]] std::string query(const std::string& name) const;
};
struct SentFrame {
  std::uint32_t connection;
  std::string text, sign, args, rate;
};
struct SeenPrice {
  std::uint32_t instrument;
  std::string symbol, bid, ask, bid_size, ask_size;
  std::int64_t venue_ms;
  bool withdrawn, time_unusable;
};
struct SeenInstrument {
  std::uint32_t id, kind, flags;
  std::string native, base, quote, settle, market, aliases, tick, contract_size;
};
struct SeenClose {
  std::string id, symbol, market, side, currency, fee_currency, pnl_raw, fee_raw, hold, origin;
  std::optional<std::string> entry, exit, size, pnl, fee, funding;
  std::int64_t closed_ms;
  std::uint32_t flags;
};
struct SeenFunding {
  std::string symbol, rate;
  std::optional<std::string> next_rate;
  std::int64_t due_ms, venue_ms;
};
struct SeenStatus {
  std::string feed, state, detail;
};
struct SeenCoverage {
  std::int64_t from_ms, to_ms;
  bool proven;
  std::string reason;
};
struct SeenAccount {
  std::string uid, detail;
  std::uint32_t can_trade, can_withdraw, can_transfer, ip_bound, sub_account;
  std::int64_t expires_ms;
};

class PluginBench {
 public:
  static constexpr std::int64_t kStartMs = 1'746'270'500'000;  ///< 2025-05-03, for tests without a time of their own

  /// Loads anduin-<venue>.so of this build. `account`: an account instance. Options are completed by the manifest.
  PluginBench(const std::string& venue, bool account, nlohmann::json options = nlohmann::json::object(),
              std::int64_t start_ms = kStartMs);
  /// A table compiled into the test; options as they are.
  PluginBench(const and_plugin_v1& table, bool account, const nlohmann::json& options, std::int64_t start_ms = kStartMs);
  ~PluginBench();
  PluginBench(const PluginBench&) = delete;
  PluginBench& operator=(const PluginBench&) = delete;

  /// The manifest inside anduin-<venue>.so.
  static const nlohmann::json& manifest(const std::string& venue);

  int start(std::int64_t settle_from_ms = kStartMs - 3'600'000, const std::string& watermark = {});
  /// DIAL_DUE of everything that was dialled, then OPENED of what the plugin opened.
  void connect();
  int opened(std::uint32_t connection);
  int frame(std::uint32_t connection, const std::string& text);
  int closed(std::uint32_t connection, const std::string& reason = "test");
  int symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed = {});
  int query_balance();
  int cursor(const std::string& watermark);

  /// Answers the oldest open request of that path (and, if given, with that text in its target).
  int answer(const std::string& path, const std::string& body, int status = 200, const std::string& containing = {},
             const nlohmann::json& headers = nlohmann::json::object());
  int answer(const SentRequest& request, const std::string& body, int status = 200,
             const nlohmann::json& headers = nlohmann::json::object());
  [[nodiscard]] std::vector<SentRequest> open_requests(const std::string& path) const;
  /// Moves time; timers run in their order.
  void advance(std::int64_t ms);

  std::vector<SentRequest> open;       ///< unanswered
  std::vector<SentRequest> requests;   ///< all
  std::vector<SentFrame> frames;
  std::vector<SeenPrice> prices;
  std::vector<SeenFunding> fundings;
  std::vector<SeenInstrument> instruments;
  std::vector<SeenClose> closes;
  std::vector<std::string> watermarks;
  std::vector<SeenStatus> statuses;
  std::vector<SeenCoverage> coverage;
  std::vector<SeenAccount> accounts;
  struct Balance {
    std::string currency, total, available;
  };
  std::vector<Balance> balances;
  std::vector<std::pair<std::uint32_t, std::int64_t>> clocks;  ///< request, venue ms
  std::vector<std::string> warnings, errors;                   ///< LOG of level warn; ERROR "where: text"
  std::vector<std::uint32_t> dialled, redialled, dropped;      ///< DIAL; CLOSE with redial; CLOSE for good
  struct Opened {
    std::uint32_t connection;
    std::string endpoint, url, target, headers;
    std::uint32_t decode;
  };
  std::vector<Opened> opens;                                   ///< every OPEN
  std::map<std::uint32_t, std::string> endpoints;              ///< connection -> endpoint of its last OPEN
  std::vector<std::string> order;                              ///< kinds of what was emitted, in order
  std::int64_t now_ms;
  int create_code = 0;

 private:
  void create(bool account, const nlohmann::json& options);
  static std::int32_t emit(void* ctx, const and_rec* rec);
  void take(const and_rec& rec);
  int step(std::uint16_t kind, std::uint32_t id, std::int32_t code, const std::string& data, const std::string& meta);

  const and_plugin_v1* table_ = nullptr;
  and_host_v1 host_{};
  void* instance_ = nullptr;
  std::uint64_t seq_ = 0;
  std::int64_t settle_from_ms_ = 0;
  std::string watermark_;
  std::map<std::uint32_t, std::string> names_;
  std::multimap<std::int64_t, std::uint32_t> timers_;
};

}  // namespace anduin::test
