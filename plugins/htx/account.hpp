// One HTX account over V5: login, the orders of the private link, history behind them, positions for what an order
// turned, balance, and whose key it is. A close is emitted from whichever way shows it first; the cursor moves by
// history alone, and never past an order that has begun to close something and is not over.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anduin/account_venue.hpp"
#include "backfill.hpp"
#include "key_info.hpp"
#include "positions.hpp"

namespace anduin::htx {

class Account : public AccountVenue, private OrderSource {
 public:
  explicit Account(const venue::Options& options);

 private:
  struct Contract {
    std::optional<Decimal> size;  ///< coins; none: it was never listed
    bool listed = false;          ///< by the last list
  };
  struct Waiting {  ///< an order that has begun to close something
    std::string contract, margin_mode;
    std::int64_t since_ms = 0;
    std::optional<Decimal> filled;  ///< of the last look, while it is being confirmed
    unsigned looks = 0;
    bool confirming = false;
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  [[nodiscard]] SignedGet signed_get(std::string_view path, const std::string& query) override;
  [[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) override;
  [[nodiscard]] std::int64_t clock_of(const Answer& answer) override;
  [[nodiscard]] bool is_optional(std::string_view path) const override;
  void on_start() override;
  void on_close(ConnId c, int code, std::string_view reason) override;
  void dial_session(Session& s) override;
  void log_in(Session& s) override;
  void subscribe(Session& s) override;
  void take_private(Session& s, const venue::Frame& frame) override;
  void ask_key() override;
  void ask_balance() override;
  void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) override;
  [[nodiscard]] std::int64_t oldest_waiting_ms(const HistorySweep& sweep) const override;
  void forget_waiting() override;

  void answer_ping(Session& s, const json::View& stamp);
  void take_login(Session& s, const json::View& frame);
  void take_subscription(Session& s, const json::View& frame);
  void take_push(const json::View& frame);
  void take_orders(const json::View& data, std::int64_t pushed_ms);
  void take_balance(const json::View& data, std::string_view where);

  void ask_spot(std::string target, std::function<void(const Answer&)> done);
  void key_unknown(const std::string& why);
  void tell_account();
  void ask_contracts(unsigned failures);
  void ask_mode();

  void settle(const Order& order, const Closed& closed);
  void confirm(const Order& order);
  void look_again(const std::string& id, std::uint64_t delay_ms);
  void take_look(const std::string& id, const Answer& answer);

  void ask(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) override;
  [[nodiscard]] std::vector<std::string> contracts() const override;
  [[nodiscard]] bool knows(const std::string& order_id) const override;
  void take_order(const Order& order, const std::vector<Execution>& executions) override;
  void wait_for(const std::string& order_id, const std::vector<Execution>& executions) override;
  void contract_refused(const std::string& contract) override;
  void complain(std::string_view where, const std::string& text) override;
  [[nodiscard]] std::int64_t time_ms() const override;

  std::string instruments_path_;
  bool probes_key_;
  Backfill backfill_;
  Positions positions_;
  std::map<std::string, Waiting> waiting_;
  std::map<std::string, Contract> contracts_;  ///< by native name: listed ones, and traded ones
  bool contracts_known_ = false;
  std::vector<std::function<void()>> after_contracts_;  ///< windows that wait for the list
  std::string uid_, probe_uid_;
  KeyInfo key_;
  bool key_told_ = false;
};

}  // namespace anduin::htx
