// A Kraken spot account with margin: a fresh socket token per connection, ledger rows joined with their trades,
// history by time with an overlap. With private dialect v1 the socket only says when to read the ledger.
// Thread and lifetime: those of the Account instance.
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "account.hpp"
#include "errors.hpp"
#include "spot_rows.hpp"

namespace anduin::kraken {

class SpotAccount final : public AccountSide {
 public:
  SpotAccount(Account& host, Dialect dialect, std::string balance)
      : AccountSide(host), dialect_(dialect), balance_(std::move(balance)) {}
  void start() override;
  void dial_due() override;
  void opened() override;
  void closed() override;
  void frame(const venue::Frame& frame) override;
  void balance_query() override;
  void cursor() override;

 private:
  /// One read of the ledger, newest page first, from the cursor's overlap to now. Cursor text: "km1/<ms>".
  struct Run {
    bool active = false, again = false;
    std::uint64_t generation = 0;
    std::int64_t from_ms = 0, sent_ms = 0;
    std::size_t offset = 0;
    std::map<std::string, LedgerRow> rows;  ///< by ledger id
    std::vector<std::string> unknown;       ///< trades still to be asked for
    int trade_tries = 0;
    std::string unproven;
  };

  // login
  void probe_key();
  void probe_clock();
  void subscribe();
  void subscribed(std::string_view what);
  void subscription_failed(const std::string& why);

  // stream
  void v2_frame(const json::View& frame);
  void v1_frame(const json::View& frame);
  void v1_trades(const json::View& frame);
  void balance_rows(const json::View& rows, bool snapshot);
  void push_snapshot(const json::View& row);
  void ledger_row(const json::View& v);
  void execution_rows(const json::View& rows);
  void remember(const std::string& trade_id, const Trade& trade);
  void sequence(std::string_view channel, const json::View& number, bool snapshot);
  void report(const LedgerRow& row, const Trade& trade, std::uint32_t origin);

  // history
  [[nodiscard]] std::int64_t durable_ms() const;
  void run_soon(std::int64_t delay_ms);
  void run_now();
  void request_page();
  void take_page(const json::View& result);
  void ask_trades();
  void take_trades(const json::View& result, const std::vector<std::string>& asked);
  void end_run();

  // balance
  void ask_cash();
  void ask_margin();
  void failed_balance(Call& call);

  const Dialect dialect_;
  const std::string balance_;
  std::string token_;
  std::int64_t probed_ms_ = 0;
  TimerId probe_timer_ = 0;
  TimerId login_timer_ = 0;
  std::int64_t history_from_ms_ = 0, history_to_ms_ = 0;  ///< what the key may see; 0 = no bound
  int subscription_failures_ = 0;
  std::set<std::string, std::less<>> subscribed_;

  std::unordered_map<std::string, Trade> trades_;
  std::deque<std::string> trades_order_;
  std::map<std::string, LedgerRow> waiting_;  ///< stream rows without their trade, by ledger id
  std::unordered_set<std::string> reported_;  ///< from the stream
  std::deque<std::string> reported_order_;
  std::map<std::string, std::int64_t, std::less<>> sequences_;
  std::set<std::string> other_wallets_;       ///< assets that also lie in wallets other than spot/main

  Run run_;
  std::int64_t moved_ms_ = 0;
  TimerId soon_ = 0;
  std::int64_t soon_due_ms_ = 0, last_run_ms_ = 0;
  bool sweeping_ = false;
};

}  // namespace anduin::kraken
