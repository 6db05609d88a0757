// One Bybit account: login, the closing fills of the topic `execution`, history behind them, wallet, and whose key
// it is. A close is emitted from whichever way shows it first; the cursor moves by history alone.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <deque>
#include <functional>
#include <string>

#include "anduin/account_venue.hpp"
#include "backfill.hpp"
#include "category.hpp"

namespace anduin::bybit {

class Account : public AccountVenue, private FillSource {
 public:
  explicit Account(const venue::Options& options);

 private:
  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  [[nodiscard]] SignedGet signed_get(std::string_view path, const std::string& query) override;
  [[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) override;
  [[nodiscard]] std::int64_t clock_of(const Answer& answer) override;
  [[nodiscard]] bool is_optional(std::string_view path) const override;
  [[nodiscard]] bool is_missing_right(std::int64_t code) const override;
  void log_in(Session& s) override;
  void subscribe(Session& s) override;
  void take_private(Session& s, const venue::Frame& frame) override;
  void ask_key() override;
  void ask_balance() override;
  void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) override;
  [[nodiscard]] std::int64_t oldest_waiting_ms(const HistorySweep& sweep) const override;
  void forget_waiting() override;

  void take_login(Session& s, bool accepted, std::int64_t code, const std::string& text);
  void take_subscription(Session& s, std::string_view req_id, bool accepted, const std::string& text);
  void take_executions(const json::View& data, std::string_view topic, std::int64_t created_ms);
  void note_other_market(const Fill& fill);
  void take_wallet(const json::View& list);

  void pages(std::string_view path, const std::string& query, std::function<void(const json::View& list)> rows,
             HistorySweep::Done done) override;
  void later(std::uint64_t delay_ms, std::function<void()> fn) override;
  void emit_fill(const Fill& fill) override;
  [[nodiscard]] bool knows_fill(const std::string& id) const override;
  void complain(std::string_view where, const std::string& text) override;
  void alarm(const std::string& text) override;
  void offer_log_rows(const json::View& list, Category asked_by) override;

  std::string sign_args_;
  std::deque<Backfill> backfills_;  ///< one a category, in Bybit's order
  bool other_market_noted_ = false;
};

}  // namespace anduin::bybit
