// Kraken Futures as a simulated venue: one socket for public and private feeds, REST under /derivatives,
// /api/history and /api/auth. Sans-I/O; one thread. Facts: venues/kraken.md, venues/keys.md.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

class KrakenFutures {
 public:
  KrakenFutures(VenueContext context, std::vector<SimAccount>& accounts);

  [[nodiscard]] const SymbolSpec* find_symbol(std::string_view name) const;
  Response on_http(const Request& request);
  [[nodiscard]] Response error_response(const std::string& code, const std::string& path) const;
  std::optional<Response> on_open(ConnId conn, const std::string& query);
  void on_message(ConnId conn, std::string_view text);
  void on_ping(ConnId conn);
  bool on_closed(ConnId conn) { return conns_.erase(conn) != 0; }
  void tick();
  std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log);
  std::optional<Json> control(std::string_view command, const Json& arguments);
  [[nodiscard]] std::optional<std::vector<std::string>> topics(ConnId conn) const;
  [[nodiscard]] std::string endpoint_of(ConnId conn) const;

 private:
  struct Conn {
    bool is_private = false;                        ///< opened as the private endpoint
    std::set<std::string> topics;                   ///< "book:PF_XBTUSD", "account_log"
    std::map<std::string, std::string> challenges;  ///< API key -> the challenge issued here
    std::int64_t last_active_ms = 0;
    int account = -1;
  };
  struct Book {
    const SymbolSpec* spec = nullptr;
    Ladder last;
    std::int64_t seq = 0, credit = 0, last_tick_ms = 0;
    bool gap = false;
  };
  /// One account-log row; a close is a cash and a position row with one execution.
  struct Row {
    std::int64_t id = 0, date_ms = 0;
    std::string asset, info, booking_uid, margin_account, execution, collateral, contract;
    Decimal old_balance, new_balance, old_entry, new_entry, trade_price, pnl, fee, funding, liquidation_fee;
    bool cash = false, trade = false;
  };
  struct Execution {  ///< what positions history and fills know of it
    std::string uid, tradeable, change, trade_type, currency, order_id;
    Decimal old_position, new_position, old_entry, new_entry, price, size, pnl, fee, liquidation_fee;
    std::int64_t time_ms = 0;
    bool buy = false;
  };
  struct Ledger {
    std::vector<Row> rows;
    std::vector<Execution> executions;
    std::map<std::string, Decimal> cash;
    std::int64_t next_id = 1;
    std::int64_t last_nonce = -1;
    std::int64_t spent = 0, window_start_ms = 0;               ///< /derivatives cost
    std::int64_t pool_used_permille = 0, pool_updated_ms = 0;  ///< history tokens used, in thousandths
  };
  struct Pending {
    std::int64_t due_ms;
    std::size_t account;
    std::string frame;
    std::string feed;
  };

  void make_symbols();
  // kraken_futures_ws.cpp
  void on_subscribe(ConnId id, Conn& conn, const Json& message, bool add);
  void subscribe_private(ConnId id, Conn& conn, const Json& message, const std::string& feed, bool add);
  void subscribe_public(ConnId id, Conn& conn, const Json& message, const std::string& feed, bool add);
  void send_snapshot(ConnId id, const std::string& feed, std::size_t account);
  void push(std::size_t account, const std::string& feed, const std::string& frame,
            std::int64_t delay_ms = 0);
  void push_book(Book& book);
  [[nodiscard]] std::string book_snapshot(const Book& book) const;
  [[nodiscard]] std::string ticker(const SymbolSpec& spec, bool lite) const;
  // kraken_futures_rest.cpp
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account);
  [[nodiscard]] Response failed(const std::string& path, const std::string& error) const;
  [[nodiscard]] bool spend(std::size_t account, std::int64_t cost);
  [[nodiscard]] bool spend_history(std::size_t account, std::int64_t cost);
  [[nodiscard]] Response success(const std::string& name, const std::string& value) const;
  [[nodiscard]] std::optional<Response> public_call(const std::string& call, const Params& query) const;
  [[nodiscard]] std::string order_book(const SymbolSpec& spec) const;
  Response account_log(std::size_t account, const Params& query);
  Response positions(std::size_t account, const Params& query);
  Response fills(std::size_t account, const Params& query);
  // kraken_futures_rows.cpp
  [[nodiscard]] std::string instrument(const SymbolSpec& spec) const;
  [[nodiscard]] std::string wallets(std::size_t account) const;
  [[nodiscard]] std::string row_json(const Row& row, bool stream) const;
  [[nodiscard]] std::string balances_frame(std::size_t account, const std::string& feed) const;
  [[nodiscard]] std::string fill_json(const Execution& e, bool stream, std::int64_t seq) const;
  // kraken_futures.cpp
  void book_execution(std::size_t account, const SymbolSpec& spec, Execution execution,
                      const CloseOrder& order, bool stream);
  void repeat(std::size_t account, const Execution& execution, bool rewrite);
  [[nodiscard]] std::optional<Decimal> entry_price(const CloseOrder& order, bool inverse,
                                                   const Decimal& exit) const;
  Execution closing_execution(const CloseOrder& order, const SymbolSpec& spec, const Decimal& entry,
                              const Decimal& exit);
  void add_funding(std::size_t account, const SymbolSpec& spec, std::int64_t date_ms, bool stream);

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount>& accounts_;
  std::vector<Ledger> ledgers_;
  std::vector<SymbolSpec> symbols_;
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Book> books_;
  std::deque<Pending> pending_;
  std::int64_t closes_ = 0, last_second_ms_ = 0, private_seq_ = 0, log_delay_ms_ = 0;
  std::int64_t cost_max_ = 500, pool_max_ = 100;
};

}  // namespace anduin::sim
