// A Kraken Futures account: challenge login, account_log stream, history by ascending row id, balances.
// The stream reports early; only a completed read of the history moves the watermark.
// Thread and lifetime: those of the Account instance.
#pragma once
#include <map>
#include <set>
#include <string>

#include "account.hpp"
#include "errors.hpp"
#include "futures_rows.hpp"

namespace anduin::kraken {

class FuturesAccount final : public AccountSide {
 public:
  explicit FuturesAccount(Account& host) : AccountSide(host) {}
  void start() override;
  void dial_due() override;
  void opened() override;
  void closed() override;
  void frame(const venue::Frame& frame) override;
  void balance_query() override;
  void cursor() override;

 private:
  /// How far the history is proven: the last paired row and the moment of the read. Text: "kf1/<id>/<ms>".
  struct Cursor {
    std::int64_t id = 0, proven_ms = 0;
  };
  /// One read of the history, from the cursor to its end.
  struct Run {
    bool active = false;
    std::uint64_t generation = 0;  ///< answers of an abandoned read are dropped
    bool again = false;   ///< asked for while active
    Cursor from;
    std::int64_t next_id = 0;  ///< 0: by time
    std::int64_t last_id = 0;
    std::int64_t sent_ms = 0;
    std::int64_t hold_at = 0;  ///< the row before a fresh gap in the ids; 0 = none
    int rechecks = 0;
    std::size_t events_open = 0;  ///< position events asked for
    std::string unproven;         ///< why this read proves less than it covers
    std::vector<std::pair<std::int64_t, std::string>> holes;  ///< moments it could not prove, and why
  };

  // login
  void login();
  void challenged(const std::string& challenge);
  void login_failed(const std::string& why);
  void probe_key();
  void probe_clock();
  void check_uid(const std::string& uid);

  // stream
  void stream_rows(const json::View& rows);
  void stream_row(const json::View& row);
  void stream_add(LogRow row);
  void fills(const json::View& rows);
  void push_balance(const json::View& frame);

  // history
  [[nodiscard]] Cursor durable() const;
  void run_soon(std::uint64_t delay_ms);
  void run_now();
  void request_page();
  void take_page(const json::View& answer);
  void page_row(const json::View& v);
  void move_watermark(bool to_end);
  void finish_run();
  void ask_events();
  void take_events(const std::string& execution, const Pairing::Half& half, const json::View& answer);
  void end_run();
  void second_source();
  void take_second_source(const json::View& answer);
  void report(const FuturesClose& close, std::uint32_t origin);

  std::string uid_;
  std::int64_t probed_ms_ = 0;
  TimerId probe_timer_ = 0;
  bool ready_ = false;
  int login_failures_ = 0;
  TimerId login_timer_ = 0;

  Pairing stream_, history_;
  std::int64_t stream_id_ = 0;           ///< highest row id seen on the stream
  std::set<std::int64_t> stream_missing_;
  std::set<std::string> stream_executions_;  ///< fills that the log has not shown yet

  Run run_;
  Cursor moved_;                   ///< where the last watermark of ours stands
  TimerId soon_ = 0;
  std::int64_t soon_due_ms_ = 0, last_run_ms_ = 0;
  bool log_answered_ = false, sweeping_ = false;
  std::int64_t audit_from_ms_ = 0;
  std::map<std::string, Decimal> seen_pnl_;  ///< ids of this instance, for the second source
};

}  // namespace anduin::kraken
