// A host in memory for one plugin instance, through the C table: it copies every record, keeps time by hand, and is
// told what the venue answers. Thread: one.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anduin/decimal.hpp"
#include "plugin/library.hpp"

namespace anduin::test {

struct SeenRequest {
  std::uint32_t id;
  std::string endpoint, method, target, body, headers, sign, rate;
  std::uint32_t cost;
};
struct SeenSend {
  std::uint32_t connection;
  std::string payload, sign, args, rate;
};
struct SeenPrice {
  std::string symbol;
  Decimal bid, ask, bid_size, ask_size;
  std::int64_t venue_ms;
  bool withdrawn, time_unusable;
};
struct SeenClose {
  std::string id, symbol, market, currency, pnl_raw, hold;
  bool is_long;
  std::uint32_t origin, flags;
  std::int64_t closed_ms;
  std::string entry, exit, size, pnl, fee;  ///< plain text; "" = absent
};
struct SeenAccount {
  std::string uid, detail;
  std::uint32_t can_trade, can_withdraw, can_transfer, ip_bound;
  std::int64_t expires_ms;
};
struct SeenCoverage {
  std::int64_t from_ms, to_ms;
  bool proven;
  std::string reason;
};
struct SeenInstrument {
  std::string native, base, quote, settle, market, aliases;
  std::uint32_t kind, flags;
};

class HostDouble {
 public:
  /// options: the JSON object of the plugin's options, defaults not filled in.
  HostDouble(bool account, const std::string& options, std::int64_t settle_from_ms = 0);
  ~HostDouble();

  // inputs
  std::int32_t start();
  std::int32_t dial_due(std::uint32_t connection = 1);
  std::int32_t opened(std::uint32_t connection = 1);
  std::int32_t closed(std::uint32_t connection = 1);
  std::int32_t frame(const std::string& text, std::uint32_t connection = 1);
  std::int32_t symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed = {});
  std::int32_t answer(const SeenRequest& request, const std::string& body, int status = 200);
  std::int32_t no_answer(const SeenRequest& request);
  std::int32_t query_balance();
  std::int32_t cursor();
  /// Moves time on, firing timers in order.
  void pass(std::int64_t ms);
  /// Answers the oldest open request whose target begins so; fails the test when there is none.
  SeenRequest reply(const std::string& target, const std::string& body, int status = 200);
  /// The oldest open request whose target begins so, taken off the list; id 0 = none.
  SeenRequest take(const std::string& target);
  [[nodiscard]] bool asked(const std::string& target) const;

  std::vector<SeenRequest> requests;  ///< still open, oldest first
  std::vector<SeenSend> sends;
  std::vector<SeenPrice> prices;
  std::vector<SeenClose> closes;
  std::vector<SeenAccount> accounts;
  std::vector<SeenCoverage> coverages;
  std::vector<SeenInstrument> instruments;
  std::vector<std::string> watermarks, errors, statuses, warnings, opens;
  struct Balance {
    std::string currency, total, available;
  };
  std::vector<Balance> balances;
  std::vector<std::uint32_t> dials, redials;
  std::vector<std::pair<std::uint32_t, std::int64_t>> clocks;
  std::string watermark;  ///< given with the next input that carries one
  std::int64_t now_ms = 1'775'041'300'000;
  std::size_t timers() const { return timers_.size(); }

 private:
  static std::int32_t emit(void* ctx, const and_rec* rec);
  void take_record(const and_rec& r);
  std::int32_t step(std::uint16_t kind, std::uint32_t id, std::int32_t code, const std::string& data,
                    const std::string& meta);
  [[nodiscard]] std::string resume_meta() const;

  std::shared_ptr<const plugin::Library> library_;
  and_host_v1 host_{};
  void* instance_ = nullptr;
  std::int64_t settle_from_ms_;
  std::uint64_t seq_ = 0;
  std::map<std::uint32_t, std::string> names_;
  std::map<std::uint32_t, std::int64_t> timers_;  ///< id -> due
};

std::shared_ptr<const plugin::Library> kraken_library();

}  // namespace anduin::test
