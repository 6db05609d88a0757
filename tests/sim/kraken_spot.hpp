// Kraken spot as a simulated venue: WebSocket v2 and v1, public and private, REST under /0/. Margin closes
// are ledger rows. Sans-I/O; one thread. Facts: venues/kraken.md, venues/keys.md.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

class KrakenSpot {
 public:
  KrakenSpot(VenueContext context, std::vector<SimAccount>& accounts);

  [[nodiscard]] const SymbolSpec* find_symbol(std::string_view name) const;
  Response on_http(const Request& request);
  [[nodiscard]] Response error_response(const std::string& code) const;
  std::optional<Response> on_open(ConnId conn, const std::string& path, const std::string& query);
  void on_message(ConnId conn, std::string_view text);
  bool on_closed(ConnId conn) { return conns_.erase(conn) != 0; }
  void tick();
  std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log);
  void rotate_tokens() { tokens_.clear(); }
  std::optional<Json> control(std::string_view command, const Json& arguments);
  [[nodiscard]] std::optional<std::vector<std::string>> topics(ConnId conn) const;
  [[nodiscard]] std::string endpoint_of(ConnId conn) const;

 private:
  /// What the venue calls one pair in its four spellings.
  struct Pair {
    SymbolSpec spec;                      ///< native: the readable name of v2, "BTC/USD"
    std::string wsname;                   ///< "XBT/USD"
    std::string key;                      ///< "XXBTZUSD"
    std::string altname;                  ///< "XBTUSD"
    std::string base_asset, quote_asset;  ///< "XXBT", "ZUSD"
  };
  struct Sub {
    const Pair* pair = nullptr;
    std::string channel;  ///< ticker, book, spread, trade
    bool bbo = false;     ///< v2 ticker: on every best bid and offer change, not on trades only
    std::size_t depth = 10;
    Ladder last;
    std::int64_t credit = 0, last_tick_ms = 0, pushes = 0, last_trade_ms = 0;
  };
  struct Conn {
    bool v1 = false, is_private = false;
    std::map<std::string, Sub> subs;   ///< "ticker:BTC/USD"
    std::set<std::string> own_topics;  ///< executions, balances, ownTrades, openOrders
    std::int64_t opened_ms = 0, last_in_ms = 0, last_out_ms = 0;
    std::map<std::string, std::int64_t> sequences;  ///< of each private channel
    bool subscribed_once = false;
    int account = -1;
  };
  struct LedgerRow {
    std::string id, refid, type, subtype, category, asset;
    Decimal amount, fee, balance;
    std::int64_t time_us = 0;
  };
  struct Trade {
    std::string id, order_id, position_id, type, misc;
    const Pair* pair = nullptr;
    Decimal price, volume, fee, cost;
    std::int64_t time_us = 0, trade_id = 0;
    bool closing = false;
  };
  struct Book {
    std::vector<LedgerRow> ledger;
    std::vector<Trade> trades;
    std::map<std::string, Decimal> balances;
    std::uint64_t last_nonce = 0;
    std::int64_t counter_permille = 0, counter_updated_ms = 0;
  };
  struct Token {
    std::size_t account;
    std::int64_t expires_ms;
  };
  struct Pending {
    std::int64_t due_ms;
    std::size_t account;
    std::string topic, body;
  };

  void make_pairs();
  [[nodiscard]] const Pair* find_pair(std::string_view any_name) const;
  // kraken_spot_ws.cpp
  void on_v2(ConnId id, Conn& conn, const Json& message);
  void on_v1(ConnId id, Conn& conn, const Json& message);
  void subscribe_v2(ConnId id, Conn& conn, const Json& message, bool add);
  void subscribe_v2_private(ConnId id, Conn& conn, const Json& message, const std::string& channel, bool add);
  void status_v1(ConnId id, Conn& conn, const Json& message, const std::string& pair,
                 const std::string& error);
  void subscribe_v1_private(ConnId id, Conn& conn, const Json& message, bool add);
  void subscribe_v1(ConnId id, Conn& conn, const Json& message, bool add);
  void send(ConnId id, Conn& conn, std::string text);
  [[nodiscard]] std::optional<std::size_t> token_owner(const std::string& token) const;
  void push_private(std::size_t account, const std::string& topic, const std::string& body);
  [[nodiscard]] std::string balances_snapshot(std::size_t account) const;
  [[nodiscard]] std::string ack(const Json& message, const std::string& method, const std::string& result,
                                const std::string& error, const std::string& symbol) const;
  // kraken_spot_feed.cpp
  void push_sub(ConnId id, Conn& conn, Sub& sub, bool first);
  [[nodiscard]] std::string v2_ticker(const Sub& sub, const Ladder& top, bool first) const;
  [[nodiscard]] std::string v2_book(const Sub& sub, const Ladder& changes, const Ladder& full,
                                    bool first) const;
  [[nodiscard]] std::string v1_frame(Sub& sub, const Ladder& now, bool first) const;
  // kraken_spot_rest.cpp
  Response result(const std::string& json) const;
  Response error(const std::string& text) const;
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account, Params& form);
  [[nodiscard]] bool spend(std::size_t account, std::int64_t cost);
  Response public_call(const std::string& call, const Params& query) const;
  Response private_call(const std::string& call, std::size_t account, const Params& form);
  Response ledgers(std::size_t account, const Params& form) const;
  Response query_ids(std::size_t account, const std::string& ids, bool of_trades) const;
  Response trades_history(std::size_t account, const Params& form) const;
  // kraken_spot_rows.cpp
  [[nodiscard]] std::string ledger_json(const LedgerRow& row) const;
  [[nodiscard]] std::string trade_json(const Trade& trade, bool stream) const;
  [[nodiscard]] std::string pair_json(const Pair& pair) const;
  /// The pair in Depth, or its row in Ticker.
  [[nodiscard]] std::string book_json(const Pair& pair, bool depth) const;
  [[nodiscard]] std::string key_info(std::size_t account) const;
  // kraken_spot.cpp
  Trade closing_trade(const CloseOrder& order, const Pair& pair, std::int64_t when_us);
  std::vector<LedgerRow> rows_before(const CloseOrder& order, const Trade& closing, const std::string& asset);
  void stream_close(const CloseOrder& order, const Trade& trade, const std::vector<LedgerRow>& rows);
  void push_ledger(std::size_t account, const LedgerRow& row, std::int64_t delay_ms);
  void push_trade(std::size_t account, const Trade& trade, std::int64_t delay_ms);
  LedgerRow make_row(std::size_t account, const std::string& type, const std::string& category,
                     const std::string& asset, const Decimal& amount, const Decimal& fee,
                     const std::string& refid, std::int64_t time_us);

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount>& accounts_;
  std::vector<Book> books_;
  std::vector<Pair> pairs_;
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Token> tokens_;
  std::deque<Pending> pending_;
  std::int64_t closes_ = 0, next_trade_ = 62'887'576, ledger_delay_ms_ = 0;
  std::int64_t counter_max_ = 20;
  std::string status_ = "online";
};

/// The venue's asset code for a canonical one and back ("BTC" <-> "XXBT", "USD" <-> "ZUSD").
std::string kraken_asset(const std::string& code);
/// CRC32 over the digits of the ten best asks, then bids. v1 prints prices with more decimals:
/// `price_factor`.
std::uint32_t kraken_checksum(const Ladder& book, std::int64_t price_factor = 1);

}  // namespace anduin::sim
