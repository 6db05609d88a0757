// The history of one category of an account: windows of the execution list, joined with the transaction log that holds
// their pnl. A window counts only when all its pages were read; a fill without its log row holds the cursor back.
// Thread: one instance's. Lifetime: account and sweep outlive it.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "anduin/history.hpp"
#include "anduin/rest.hpp"
#include "fills.hpp"

namespace anduin::bybit {

/// What a backfill needs from its account.
class FillSource {
 public:
  virtual void pages(std::string_view path, const std::string& query, std::function<void(const json::View& list)> rows,
                     HistorySweep::Done done) = 0;
  virtual void later(std::uint64_t delay_ms, std::function<void()> fn) = 0;
  virtual void emit_fill(const Fill& fill) = 0;
  /// This instance has emitted it already.
  [[nodiscard]] virtual bool knows_fill(const std::string& id) const = 0;
  virtual void complain(std::string_view where, const std::string& text) = 0;
  virtual void alarm(const std::string& text) = 0;
  /// Log rows of any request, offered to every category: a row completes whoever waits for it.
  virtual void offer_log_rows(const json::View& list, Category asked_by) = 0;

 protected:
  ~FillSource() = default;
};

class Backfill {
 public:
  static constexpr std::int64_t kWindowMs = 6LL * 24 * 3600 * 1000;     ///< the venue allows 7 days, both ends given
  static constexpr std::int64_t kHistoryMs = 729LL * 24 * 3600 * 1000;  ///< two years are kept; a day less is asked

  static constexpr HistorySweep::Policy kPolicy{
      .window_ms = kWindowMs, .kept_ms = kHistoryMs, .kept_text = "Bybit shows two years of history"};

  Backfill(FillSource& source, Category category, HistorySweep& sweep)
      : source_(source), category_(category), sweep_(sweep) {}

  /// Executions of [from, to] and the log rows they lack.
  void read_window(std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done);
  /// A fill of the stream that lacks its pnl.
  void wait_for(Fill fill);
  /// Completes the waiting fill of that id, if there is one.
  void match(const LogRow& row);
  void emit_matched();
  /// What was under way is void: all is read again.
  void forget();

  [[nodiscard]] Category category() const { return category_; }
  [[nodiscard]] const HistorySweep& sweep() const { return sweep_; }
  [[nodiscard]] std::int64_t oldest_waiting_ms() const;  ///< 0 = none waits

 private:
  void take_executions(const json::View& list);
  void join_window(std::int64_t from_ms, std::int64_t to_ms, const HistorySweep::Done& done);
  void window_joined(const HistorySweep::Done& done);
  void ask_log_later(std::uint64_t delay_ms);
  void ask_log(std::int64_t since_ms = 0);
  void log_asked();
  [[nodiscard]] std::string log_query(std::int64_t from_ms, std::int64_t to_ms) const;

  FillSource& source_;
  Category category_;
  HistorySweep& sweep_;
  unsigned generation_ = 0;
  std::vector<Fill> found_;  ///< of the window under way
  bool asking_ = false, log_timer_ = false;
  std::unordered_map<std::string, Fill> waiting_;  ///< for their log row
  std::unordered_map<std::string, Fill> matched_;  ///< complete, not yet emitted
};

}  // namespace anduin::bybit
