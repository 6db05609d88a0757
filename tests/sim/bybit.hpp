// Bybit V5 as a simulated venue: public and private sockets, the REST calls that clients make, limits,
// quirks. Sans-I/O; one thread. Facts: venues/bybit.md and venues/keys.md; what is unproven there is answered
// strictly.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

/// One fill, the source of its frame, its execution row and its log row.
struct BybitFill {
  std::string category, symbol, order_id, exec_id, side, exec_type, log_type, fee_currency;
  Decimal price, qty, closed, fee, pnl, leaves;
  Decimal cash_balance;
  std::int64_t exec_ms = 0;
  std::int64_t seq = 0;
  std::int64_t list_visible_ms = 0, log_visible_ms = 0;  ///< venue wall time from which REST shows it
  bool spot = false, pnl_absent = false;
};

class BybitSim final : public SimVenue {
 public:
  explicit BybitSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "bybit"; }
  [[nodiscard]] std::vector<Endpoint> endpoints() const override;
  [[nodiscard]] const std::vector<SimAccount>& accounts() const override { return accounts_; }
  [[nodiscard]] std::vector<SimAccount>& accounts() override { return accounts_; }
  [[nodiscard]] const SymbolSpec* find_symbol(std::string_view name, std::string_view market) const override;
  Response on_http(const Request& request) override;
  [[nodiscard]] Response error_response(const std::string& code, const std::string& path) const override;
  std::optional<Response> on_open(ConnId conn, const std::string& path, const std::string& query) override;
  void on_message(ConnId conn, std::string_view text) override;
  void on_closed(ConnId conn) override { conns_.erase(conn); }
  void tick() override;
  std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log) override;
  std::optional<Json> control(std::string_view command, const Json& arguments) override;
  [[nodiscard]] std::vector<std::string> topics(ConnId conn) const override;
  [[nodiscard]] std::string endpoint_of(ConnId conn) const override;

 private:
  struct Conn {
    std::string kind;  ///< "linear", "inverse", "spot" or "private"
    std::string conn_id;
    std::set<std::string> topics;
    std::size_t topic_chars = 0;
    std::int64_t last_ping_ms = 0, idle_max_ms = 0;
    int account = -1;  ///< authenticated as
  };
  struct Feed {  ///< one topic of one category that somebody listens to
    const SymbolSpec* spec = nullptr;
    int depth = 1;  ///< 0 = tickers
    Ladder last;
    std::int64_t u = 0, seq = 0, last_push_ms = 0, pushes = 0, credit = 0, last_tick_ms = 0;
    std::string last_frame;
    bool restart = false;
  };
  struct Limit {
    std::int64_t window_start_ms = 0, used = 0;
  };
  struct Wallet {
    std::map<std::string, Decimal> coins;
  };

  // bybit.cpp
  void make_accounts();
  void make_symbols();
  BybitFill make_fill(const CloseOrder& order, const SymbolSpec& spec, const Decimal& fee,
                      const Decimal& closed, const Decimal& pnl);
  void remember(std::size_t account, const BybitFill& fill, bool rewrite);
  void queue_noise(std::size_t account, const BybitFill& close);
  // bybit_feed.cpp
  void push_feed(const std::string& category, const std::string& topic, Feed& feed);
  [[nodiscard]] std::string book_frame(const std::string& topic, Feed& feed, const std::string& type,
                                       const Ladder& levels) const;
  [[nodiscard]] std::string ticker_frame(const std::string& topic, Feed& feed, bool full) const;
  [[nodiscard]] std::optional<Feed> make_feed(const std::string& category, const std::string& topic) const;
  void broadcast(const std::string& category, const std::string& topic, const std::string& frame);
  // bybit_ws.cpp
  void on_auth(ConnId id, Conn& conn, const Json& message);
  void on_subscribe(ConnId id, Conn& conn, const Json& message, bool add);
  [[nodiscard]] std::string subscribe_problem(const Conn& conn, const Json& args) const;
  void push_private(std::size_t account, const std::string& topic, const std::string& category,
                    const std::string& items);
  void push_fills(std::size_t account, const std::vector<BybitFill>& fills, bool hide_pnl);
  // bybit_rest.cpp
  Response reply(std::int64_t code, const std::string& message, const std::string& result) const;
  Response public_call(const Request& request, const Params& query);
  Response private_call(const Request& request, const Params& query);
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account) const;
  std::optional<Response> spend(std::size_t account, const std::string& path, Response& limits);
  Response instruments(const Params& query) const;
  Response market_tickers(const Params& query) const;
  Response order_book(const Params& query) const;
  Response executions(std::size_t account, const Params& query) const;
  Response transaction_log(std::size_t account, const Params& query) const;
  Response closed_pnl(std::size_t account, const Params& query) const;
  // bybit_rows.cpp
  [[nodiscard]] std::string fill_row(const BybitFill& fill, bool stream, bool hide_pnl) const;
  [[nodiscard]] std::string log_row(std::size_t account, const BybitFill& fill) const;
  [[nodiscard]] std::string wallet(std::size_t account) const;
  [[nodiscard]] std::string key_info(std::size_t account) const;
  [[nodiscard]] std::string instrument_row(const SymbolSpec& spec) const;
  [[nodiscard]] std::string market_row(const SymbolSpec& spec) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<Wallet> wallets_;
  std::vector<std::deque<BybitFill>> fills_;  ///< per account, oldest first
  std::vector<SymbolSpec> symbols_;
  std::map<ConnId, Conn> conns_;
  std::map<std::pair<std::string, std::string>, Feed> feeds_;  ///< (category, topic)
  std::map<std::pair<std::size_t, std::string>, Limit> limits_;
  Limit ip_limit_, connect_limit_;
  std::int64_t ip_banned_until_ms_ = 0;
  std::int64_t next_seq_ = 140'612'148'849'382, next_conn_ = 1, closes_ = 0;
  std::int64_t list_delay_ms_ = 0, log_delay_ms_ = 0;  ///< 0: chosen per fill, 0-3 s and 0-60 s scaled
  bool random_delays_ = false;
  std::int64_t per_uid_limit_ = 50, log_limit_ = 25;
};

}  // namespace anduin::sim
