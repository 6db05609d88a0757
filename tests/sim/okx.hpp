// OKX v5 as a simulated venue: public and private sockets, the REST calls that clients make, limits, quirks.
// Sans-I/O; one thread. Facts: venues/okx.md and venues/keys.md; what is unproven there is answered strictly.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

/// An instrument with its contract size; 0 for spot and what has none.
struct OkxSymbol {
  SymbolSpec spec;
  Decimal contract;  ///< ctVal, in base coin (linear) or USD (inverse)
};

/// One position slot: its posId stays while lifetimes come and go.
struct OkxPosition {
  std::string pos_id, margin_mode, side;  ///< side: posSide, "net", "long" or "short"
  const OkxSymbol* symbol = nullptr;
  bool is_long = true;
  Decimal contracts, entry;  ///< contracts 0 = flat
  std::int64_t opened_ms = 0, updated_ms = 0, trade_id = 0;
  bool closing = false;  ///< half of it is closed, the rest follows
  bool blank = false;    ///< the next push shows pos 0 though it is open: an isolated margin transfer
};

/// One state of a history row: rows change in place, each state is shown from `visible_ms` on.
struct OkxRow {
  std::string pos_id, margin_mode, side, type;
  const OkxSymbol* symbol = nullptr;
  bool is_long = true;
  Decimal entry, exit, contracts, contracts_max, gross, fee, funding, penalty, net;
  std::int64_t opened_ms = 0, updated_ms = 0, visible_ms = 0;
  [[nodiscard]] std::string id() const { return pos_id + "-" + std::to_string(opened_ms); }
};

class OkxSim final : public SimVenue {
 public:
  explicit OkxSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "okx"; }
  [[nodiscard]] std::vector<Endpoint> endpoints() const override;
  [[nodiscard]] const std::vector<SimAccount>& accounts() const override { return accounts_; }
  [[nodiscard]] std::vector<SimAccount>& accounts() override { return accounts_; }
  [[nodiscard]] const SymbolSpec* find_symbol(std::string_view name, std::string_view market) const override;
  Response on_http(const Request& request) override;
  [[nodiscard]] Response error_response(const std::string& code, const std::string& path) const override;
  std::optional<Response> on_open(ConnId conn, const std::string& path, const std::string& query) override;
  void on_message(ConnId conn, std::string_view text) override;
  void on_closed(ConnId conn) override;
  void tick() override;
  std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log) override;
  std::optional<Json> control(std::string_view command, const Json& arguments) override;
  [[nodiscard]] std::vector<std::string> topics(ConnId conn) const override;
  [[nodiscard]] std::string endpoint_of(ConnId conn) const override;

 private:
  struct Topic {
    std::string channel, arg;  ///< arg: the JSON of the subscription, without the braces
    std::string inst_id, inst_type, currency;
    bool events_only = false;  ///< extraParams updateInterval 0: no regular pushes
    std::int64_t next_regular_ms = 0;
  };
  struct Conn {
    std::string kind;  ///< "public", "private" or "business"
    std::string conn_id;
    std::map<std::string, Topic> topics;  ///< "channel.instId"
    std::int64_t last_heard_ms = 0, operations_since_ms = 0, operations = 0;
    std::int64_t notice_close_ms = 0;  ///< the service upgrade cuts it then; 0 = none
    int account = -1;
  };
  struct Feed {  ///< one public topic that somebody listens to
    const OkxSymbol* symbol = nullptr;
    std::string channel;
    std::size_t depth = 1;
    Ladder last;
    std::int64_t sequence = 123'456, pushes = 0, credit = 0, last_tick_ms = 0, last_push_ms = 0;
    std::string last_data;  ///< of the last bbo frame, for the idle repeat
    bool restart = false, lose = false;
  };
  struct Limit {
    std::int64_t window_start_ms = 0, used = 0;
  };
  struct Account {
    std::map<std::string, OkxPosition> slots;         ///< by instrument, margin mode, side, number
    std::map<std::string, std::vector<OkxRow>> rows;  ///< id -> its states, oldest first
    std::map<std::string, std::int64_t> dirty;        ///< slot -> when its push is due (monotonic)
    std::map<std::string, Decimal> cash;
  };
  struct Later {  ///< the second half of a partial close
    std::int64_t due_ms;
    CloseOrder order;
    std::string slot;
  };

  // okx.cpp
  void make_accounts();
  void make_symbols();
  void set_demo(bool demo);
  [[nodiscard]] const OkxSymbol* native_symbol(std::string_view name) const;
  // okx_feed.cpp
  [[nodiscard]] std::optional<Feed> make_feed(const std::string& channel, const std::string& inst_id) const;
  void push_feed(const std::string& topic, Feed& feed);
  void push_books(const std::string& topic, Feed& feed, Ladder now);
  void push_tops(const std::string& topic, Feed& feed, Ladder now);
  void broadcast(const std::string& topic, const std::string& rest);
  [[nodiscard]] std::string first_frame(Feed& feed, const Topic& topic);
  [[nodiscard]] std::string book_data(const Feed& feed, const Ladder& levels, std::int64_t previous) const;
  [[nodiscard]] std::string ticker_data(const OkxSymbol& symbol, std::int64_t pulse) const;
  [[nodiscard]] std::string funding_data(const OkxSymbol& symbol) const;
  // okx_ws.cpp
  void on_login(ConnId id, Conn& conn, const Json& message);
  void on_subscribe(ConnId id, Conn& conn, const Json& message, bool add);
  void subscribe_one(ConnId id, Conn& conn, const Json& arg, const std::string& id_text);
  void send_error(ConnId id, const Conn& conn, const std::string& id_text, const char* code, const std::string& text);
  [[nodiscard]] bool over_limit(Conn& conn);
  void count_connections(ConnId id, Conn& conn, const std::string& channel);
  void scan_connections();
  // okx_positions.cpp
  OkxPosition& slot_for(Account& account, const CloseOrder& order, const OkxSymbol& symbol, bool isolated,
                        std::string& key);
  void open_slot(Account& account, OkxPosition& slot, const CloseOrder& order, const Decimal& contracts,
                 std::int64_t opened_ms);
  void finish(std::size_t account, const std::string& slot, const CloseOrder& order, const Decimal& contracts,
              bool is_partial);
  OkxRow make_row(const OkxPosition& slot, const CloseOrder& order, const Decimal& contracts) const;
  [[nodiscard]] std::int64_t visible_ms();
  void push_positions(std::size_t account, const std::vector<std::string>& slots);
  void push_snapshot(ConnId id, const Conn& conn, const Topic& topic);
  void push_regular(std::int64_t now);
  Json open_command(const Json& arguments);
  Json reduce_command(const Json& arguments);
  Json transfer_command(const Json& arguments);
  [[nodiscard]] std::optional<CloseOrder> order_of(const Json& arguments, std::string& problem) const;
  // okx_rest.cpp
  Response reply(const std::string& data) const;
  Response refusal(int status, const std::string& code, const std::string& text) const;
  Response public_call(const Request& request, const Params& query);
  Response private_call(const Request& request, const Params& query);
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account) const;
  bool spend(const std::string& who, const std::string& path, std::int64_t max);
  Response history(std::size_t account, const Params& query) const;
  Response order_book(const Params& query) const;
  // okx_rows.cpp
  [[nodiscard]] std::string instrument_row(const OkxSymbol& symbol) const;
  [[nodiscard]] std::string position_row(const OkxPosition& p, bool blank) const;
  [[nodiscard]] std::string history_row(const OkxRow& row) const;
  [[nodiscard]] std::string balance(std::size_t account, const std::string& currencies) const;
  [[nodiscard]] std::string config(std::size_t account) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<Account> state_;
  std::deque<OkxSymbol> symbols_;  ///< a deque: positions point into it
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Feed> feeds_;  ///< "channel.instId"
  std::map<std::string, Limit> limits_;
  std::deque<Later> later_;
  Limit connects_;
  std::int64_t next_pos_ = 2'155'643'638'909'198'336, next_trade_ = 100, next_conn_ = 0xa4d3ae55, closes_ = 0;
  std::int64_t history_delay_ms_ = 0, history_limit_ = 10;
  bool random_delay_ = false, demo_ = false, checksum_ = false;
};

}  // namespace anduin::sim
