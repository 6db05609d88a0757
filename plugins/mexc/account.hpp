// One MEXC account: the socket only tells that a position has reached its end, history has the record. So a close
// always comes from history, at once after a frame and by looking again and again; its currency comes from the
// catalogue. Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/account_venue.hpp"
#include "balance.hpp"
#include "contracts.hpp"
#include "rows.hpp"

namespace anduin::mexc {

class Account : public AccountVenue {
 public:
  explicit Account(const venue::Options& options);

 private:
  /// A position that has ended and whose row has not shown yet.
  struct Waiting {
    std::string symbol;
    std::int64_t opened_ms = 0, closed_ms = 0;  ///< of the frame; opened 0 = not said
    std::int64_t since_ms = 0;                  ///< when we heard of it
  };
  using Rows = std::vector<Position>;

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

  void ask_uid(const Answer& rights);
  void take_error(Session& s, const std::string& text);
  void refused(Session& s, const std::string& text);
  void take_pushed_position(const json::View& data, std::int64_t push_ms);
  void take_pushed_asset(const json::View& data);
  void ask_history_of(const std::string& id);
  void give_up_waiting(const std::string& id);
  bool take_page(HistorySweep* sweep, const Answer& answer, std::int64_t from_ms, Rows& out);
  void with_currencies(std::shared_ptr<Rows> rows, std::function<void()> then);
  void emit_rows(Rows& rows);

  std::vector<std::string_view> markets_;
  Contracts contracts_;
  std::map<std::string, Waiting> waiting_;      ///< by positionId
  std::map<std::string, AssetBalance> pushed_;  ///< balances of the socket, while REST is asked for better ones
  RecentIds figures_;                           ///< id and pnl of rows emitted
  std::int64_t position_ms_;                    ///< how long a position may have been open, see position_days
  std::int64_t deep_again_ms_ = 0;              ///< when history is next read from so long before
  std::uint64_t catch_ups_ = 0;                 ///< counts them: one that has begun since is still owed
  bool signs_well_ = false;                     ///< MEXC has accepted a signature of this key
  bool assets_soon_ = false, other_market_noted_ = false, funding_noted_ = false;
};

}  // namespace anduin::mexc
