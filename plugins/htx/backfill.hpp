// One window of an account's history: executions of the last three days, order history before that, contract by
// contract, and each closing order asked for once. HTX pages badly, so a full answer is asked for again in halves.
// Thread: one instance's. Lifetime: the source outlives it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "anduin/history.hpp"
#include "anduin/rest.hpp"
#include "orders.hpp"

namespace anduin::htx {

inline constexpr std::string_view kOrderPath = "/v5/trade/order", kDetailsPath = "/v5/trade/order/details",
                                  kHistoryPath = "/v5/trade/order/history";

/// The query of `kOrderPath`, sorted as it is signed.
[[nodiscard]] std::string order_query(const std::string& contract, const std::string& margin_mode,
                                      const std::string& id);
/// The order of an answer about one: an object, or a list of one. Absent: HTX does not know it.
[[nodiscard]] json::View order_in(const Answer& answer);
[[nodiscard]] std::int64_t envelope_ms(const Answer& answer);

/// What a backfill needs from its account.
class OrderSource {
 public:
  /// `done` sees an answer, or that this request cannot succeed.
  virtual void ask(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) = 0;
  /// Native names of every contract whose history is read.
  [[nodiscard]] virtual std::vector<std::string> contracts() const = 0;
  /// This instance has emitted it already.
  [[nodiscard]] virtual bool knows(const std::string& order_id) const = 0;
  /// An order with closing trades: to be emitted, or to be waited for. `executions`: those of it that were read.
  virtual void take_order(const Order& order, const std::vector<Execution>& executions) = 0;
  /// Executions are there, and HTX shows neither the order nor enough time has passed for it to show.
  virtual void wait_for(const std::string& order_id, const std::vector<Execution>& executions) = 0;
  /// HTX refuses questions about this contract.
  virtual void contract_refused(const std::string& contract) = 0;
  virtual void complain(std::string_view where, const std::string& text) = 0;
  [[nodiscard]] virtual std::int64_t time_ms() const = 0;

 protected:
  ~OrderSource() = default;
};

class Backfill {
 public:
  static constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;
  static constexpr std::int64_t kDetailsMs = 3 * kDayMs;          ///< executions are shown for three days
  static constexpr std::int64_t kWindowMs = 2 * kDayMs;           ///< of one question to order history
  static constexpr std::int64_t kKeptMs = 90 * kDayMs - kHourMs;  ///< orders are kept for ninety days
  static constexpr HistorySweep::Policy kPolicy{
      .window_ms = kWindowMs, .kept_ms = kKeptMs, .kept_text = "HTX shows orders of ninety days"};

  /// `order_age_ms`: how long before its fill an order may have been placed.
  Backfill(OrderSource& source, std::int64_t order_age_ms) : source_(source), order_age_ms_(order_age_ms) {}
  void read(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done);

 private:
  static constexpr std::size_t kRowsMax = 100;      ///< of one answer
  static constexpr std::size_t kAtOnceMax = 8;      ///< requests under way: the rate limit is shared with people
  static constexpr std::int64_t kShowsMs = 10'000;  ///< REST may not know an order for so long
  static constexpr std::int64_t kDetailsMarginMs = 60'000;

  struct Question {
    std::string_view path;
    std::string contract, margin_mode, id;  ///< id: of one order
    std::int64_t from_ms = 0, to_ms = 0;
  };
  struct Window {
    HistorySweep* sweep = nullptr;
    HistorySweep::Done done;
    std::vector<Question> questions;  ///< still to be asked
    std::size_t under_way = 0;
    bool orders_asked = false;
    std::map<std::string, std::vector<Execution>> executions;  ///< by order
    std::map<std::string, Order> orders;
  };

  void go_on(const std::shared_ptr<Window>& w);
  void take_answer(const std::shared_ptr<Window>& w, const Question& q, const Answer& answer);
  void take_rows(Window& w, const Question& q, const Answer& answer);
  void ask_orders(Window& w);
  void finish(const std::shared_ptr<Window>& w);
  [[nodiscard]] static std::string query_of(const Question& q);

  OrderSource& source_;
  std::int64_t order_age_ms_;
  std::int64_t read_to_ms_ = 0;  ///< where the window before ended
};

}  // namespace anduin::htx
