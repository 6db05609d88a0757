// One Bybit account: login, the closing fills of the topic `execution`, history behind them, wallet, and whose key
// it is. A close is emitted from whichever way shows it first; the cursor moves by history alone.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "backfill.hpp"
#include "category.hpp"
#include "errors.hpp"

namespace anduin::bybit {

class Account : public Venue, private History {
 public:
  explicit Account(const venue::Options& options);

 private:
  void on_start() override;
  void on_dial(ConnId c) override;
  void on_open(ConnId c) override;
  void on_close(ConnId c, int code, std::string_view reason) override;
  void on_frame(const venue::Frame& frame) override;
  void on_balance_query() override;
  void on_cursor() override;

  // -- the socket
  void log_in();
  void take_login(bool accepted, std::int64_t code, const std::string& text);
  void take_subscription(std::string_view req_id, bool accepted, const std::string& text);
  void take_executions(const json::View& data, std::string_view topic, std::int64_t created_ms);
  void note_other_market(const Fill& fill);
  void take_wallet(const json::View& list);
  void expect_answer(std::string_view what);

  // -- requests
  void probe_clock(unsigned reads);
  void ask_key();
  void ask_key_every();
  void call(std::string_view path, const std::string& query, std::function<void(const Answer&)> done, unsigned attempt);
  void call_again(std::string_view path, const std::string& query, std::function<void(const Answer&)> done,
                  unsigned attempt, std::uint64_t delay_ms);
  [[noreturn]] void refuse(std::int64_t code, const std::string& text, std::string_view path);
  void struggle(std::string_view path, const std::string& why);
  void recovered(std::string_view path);

  // -- history
  void restore_cursor();
  void sweep_all();
  void sweep_soon(std::string_view why);
  void sweep_every();

  void get(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) override;
  void later(std::uint64_t delay_ms, std::function<void()> fn) override;
  [[nodiscard]] std::int64_t now() const override { return now_ms(); }
  void emit_close(const Fill& fill) override;
  [[nodiscard]] bool is_emitted(const std::string& id) const override;
  void report(std::string_view where, const std::string& text) override;
  void alarm(const std::string& text) override;
  void covered(std::int64_t from_ms, std::int64_t to_ms, bool proven, const std::string& why_not) override;
  void save_cursor() override;
  void offer_log_rows(const json::View& list, Category asked_by) override;

  std::string sign_args_;
  std::uint64_t sweep_ms_;
  std::deque<Backfill> histories_;  ///< one a category, in Bybit's order

  std::int64_t refused_until_ms_ = 0;  ///< the credentials: no request before then
  bool open_ = false, logged_in_ = false, streams_ = false;
  bool clock_known_ = false, clock_asked_ = false, login_waits_ = false;
  unsigned clock_refusals_ = 0;
  bool sweep_soon_ = false, balance_asked_ = false, other_market_noted_ = false;
  std::set<std::string_view> struggling_;  ///< paths that the venue does not answer
  std::uint64_t session_ = 0;  ///< of the socket: answers of an older one are not awaited
  std::string awaited_;        ///< what the socket owes us

  /// Ids of the last closes, so that sweeps need no log row for what the stream has brought. Two halves: when one is
  /// full the older is forgotten, which costs requests and no correctness.
  static constexpr std::size_t kEmittedMax = 8'192;
  std::unordered_set<std::string> emitted_, emitted_before_;
};

}  // namespace anduin::bybit
