// The history of one category of an account: windows of the execution list, joined with the transaction log that holds
// their pnl. A window counts only when all its pages were read; a fill without its log row holds the cursor back.
// Thread: one instance's. Lifetime: the History outlives it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "errors.hpp"
#include "fills.hpp"

namespace anduin::bybit {

/// What a backfill needs from its account.
class History {
 public:
  /// Asks until the venue answers: `done` sees kOk or kRequest only.
  virtual void get(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) = 0;
  virtual void later(std::uint64_t delay_ms, std::function<void()> fn) = 0;
  [[nodiscard]] virtual std::int64_t now() const = 0;
  virtual void emit_close(const Fill& fill) = 0;
  /// This instance has emitted it already.
  [[nodiscard]] virtual bool is_emitted(const std::string& id) const = 0;
  virtual void report(std::string_view where, const std::string& text) = 0;
  virtual void alarm(const std::string& text) = 0;
  virtual void covered(std::int64_t from_ms, std::int64_t to_ms, bool proven, const std::string& why_not) = 0;
  /// The cursor of a category has moved.
  virtual void save_cursor() = 0;
  /// Log rows of any request, offered to every category: a row completes whoever waits for it.
  virtual void offer_log_rows(const json::View& list, Category asked_by) = 0;

 protected:
  ~History() = default;
};

class Backfill {
 public:
  static constexpr std::int64_t kWindowMs = 6LL * 24 * 3600 * 1000;      ///< the venue allows 7 days, both ends given
  static constexpr std::int64_t kWindowMinMs = 60'000;
  static constexpr std::int64_t kOverlapMs = 10 * 60 * 1000;             ///< REST may show a fill late
  static constexpr std::int64_t kHistoryMs = 729LL * 24 * 3600 * 1000;   ///< two years are kept; a day less is asked
  static constexpr std::int64_t kLogMarginMs = 60'000;                   ///< a row's time is its fill's, or a little later
  static constexpr unsigned kPagesMax = 500;                             ///< beyond that the window is halved

  Backfill(History& history, Category category) : history_(history), category_(category) {}

  /// `proven_ms`: everything up to then is known and durable; 0 = nothing yet, begin at `from_ms`.
  void resume(std::int64_t proven_ms, std::int64_t from_ms);
  /// Looks from the cursor to now; during a look another one is noted and follows.
  void sweep();
  /// A fill of the stream that lacks its pnl.
  void wait_for(Fill fill);
  /// True when the row belonged to a waiting fill.
  void match(const LogRow& row);
  void emit_matched();

  [[nodiscard]] Category category() const { return category_; }
  [[nodiscard]] std::int64_t proven_ms() const { return proven_ms_; }
  [[nodiscard]] bool busy() const { return running_; }
  [[nodiscard]] bool waits() const { return !waiting_.empty(); }

 private:
  using Rows = std::function<void(const json::View& list)>;
  /// Pages of one list, from the first to the one without a cursor.
  struct Pages {
    std::string_view path;
    std::string query;
    Rows rows;
    std::function<void()> complete;
    std::function<void(const std::string& why)> failed;
    std::unordered_set<std::string> cursors;
  };

  void read_pages(std::shared_ptr<Pages> pages, const std::string& cursor);
  void open_window();
  void take_executions(const json::View& list);
  void join_window();
  void close_window();
  void window_failed(const std::string& why);
  void advance();
  void ask_log_later(std::uint64_t delay_ms);
  void ask_log(std::int64_t since_ms = 0);
  void log_asked();
  [[nodiscard]] std::string log_query(std::int64_t from_ms, std::int64_t to_ms) const;
  [[nodiscard]] std::int64_t oldest_waiting_ms() const;

  History& history_;
  Category category_;
  unsigned generation_ = 0;        ///< resume() makes what is under way void
  std::int64_t proven_ms_ = 0, from_ms_ = 0, reached_ms_ = 0;
  std::int64_t to_ms_ = 0, window_from_ms_ = 0, window_to_ms_ = 0, window_ms_ = kWindowMs;
  std::string unreadable_;         ///< what could not be read since the cursor last moved
  std::vector<Fill> found_;        ///< of the window under way
  unsigned failures_ = 0;
  bool running_ = false, again_ = false, asking_ = false, log_timer_ = false;
  std::unordered_map<std::string, Fill> waiting_;  ///< for their log row
  std::unordered_map<std::string, Fill> matched_;  ///< complete, not yet emitted
};

}  // namespace anduin::bybit
