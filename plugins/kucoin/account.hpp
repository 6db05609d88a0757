// One KuCoin account: the topic of positions only tells that one has ended, history has the record, with its id and its
// result. So a close always comes from history, at once after a trigger and by looking again and again.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/account_venue.hpp"
#include "positions.hpp"
#include "rows.hpp"

namespace anduin::kucoin {

class Account : public AccountVenue {
 public:
  explicit Account(const venue::Options& options);

 private:
  struct Waiting {
    Trigger trigger;
    std::int64_t since_ms = 0;  ///< when we heard of it
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  [[nodiscard]] SignedGet signed_get(std::string_view path, const std::string& query) override;
  [[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) override;
  [[nodiscard]] std::int64_t clock_of(const Answer& answer) override;
  [[nodiscard]] bool is_optional(std::string_view path) const override;
  [[nodiscard]] bool is_missing_right(std::int64_t code) const override;
  void dial_session(Session& s) override;
  void log_in(Session& s) override;
  void subscribe(Session& s) override;
  void take_private(Session& s, const venue::Frame& frame) override;
  void ask_key() override;
  void ask_balance() override;
  void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) override;
  [[nodiscard]] std::int64_t oldest_waiting_ms(const HistorySweep& sweep) const override;
  void forget_waiting() override;

  void take_token(Session& s, std::uint64_t number, const venue::Reply& reply);
  void take_error(Session& s, std::string_view id, std::int64_t code, const std::string& text);
  void take_wallet(const json::View& data);
  void take_trigger(const Trigger& trigger);
  void ask_balance_of(std::size_t which);
  void ask_history_of(const std::string& key);
  void give_up_waiting(const std::string& key);
  std::string take_page(HistorySweep* sweep, const Answer& answer, std::vector<ClosedCycle>& out);
  void emit_cycles(std::vector<ClosedCycle>& cycles);
  void match(const ClosedCycle& cycle);

  std::string headers_;
  std::vector<std::string_view> markets_;
  std::vector<std::string> currencies_;    ///< whose balance is asked
  std::map<ConnId, std::uint64_t> dials_;  ///< numbers the requests for tokens: only the last one's answer opens
  ConnId welcomed_ = 0;                    ///< the connection that was greeted before we logged in; 0 = none
  Positions positions_;
  std::map<std::string, Waiting> waiting_;  ///< triggers whose row has not shown yet
  RecentIds ended_;                         ///< symbol and opening time of rows seen: their triggers are late
  RecentIds figures_;                       ///< id and pnl of rows emitted
  std::map<std::string, std::int64_t> wallet_versions_;
  bool other_market_noted_ = false;
  std::string user_id_;  ///< of the rows; another one is not this account's
};

}  // namespace anduin::kucoin
