// Bitget as a simulated venue: public and private sockets of v3 and v2, the REST calls of unified and classic accounts,
// limits, quirks. Sans-I/O; one thread. Facts: venues/bitget.md and venues/keys.md; what is unproven there is answered
// strictly. The retired v1 is refused, but for recordings.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

struct BitgetSymbol {
  SymbolSpec spec;
  std::string product;  ///< "USDT-FUTURES"; v3 streams write it in lower case
  bool dated = false;
};

/// A position while it is open.
struct BitgetPosition {
  std::string id;
  const BitgetSymbol* symbol = nullptr;
  bool is_long = true, hedge = false;
  Decimal size, entry;  ///< coins
  std::int64_t opened_ms = 0, updated_ms = 0;
};

/// A closed position: a row of history, shown from `visible_ms` on, and the push of it.
struct BitgetRow {
  std::string id;
  std::int64_t end_id = 0;  ///< made when it was closed: pages go by it
  const BitgetSymbol* symbol = nullptr;
  bool is_long = true, hedge = false;
  Decimal entry, exit, size, gross, funding, open_fee, close_fee, net;
  Decimal pushed_gross;  ///< as the push writes it: rounded elsewhere
  std::int64_t opened_ms = 0, closed_ms = 0, visible_ms = 0;
};

class BitgetSim final : public SimVenue {
 public:
  explicit BitgetSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "bitget"; }
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
  struct Conn {
    bool v3 = true, is_private = false;
    int account = -1;
    std::map<std::string, std::string> topics;  ///< "channel instType place" -> the JSON of its arg
    std::int64_t opened_ms = 0, pinged_ms = 0, second_ms = 0, messages = 0, hour_ms = 0, subscribes = 0;
    std::int64_t repeat_ms = 0;      ///< v3: when open positions are told again
    std::vector<std::string> ended;  ///< rows of ended positions, told once more
  };
  struct Feed {  ///< one public topic that somebody listens to
    bool v3 = true;
    const BitgetSymbol* symbol = nullptr;
    std::string channel;
    std::size_t depth = 1;
    Ladder last;
    std::int64_t sequence = 0, pushes = 0, credit = 0, last_tick_ms = 0, last_push_ms = 0;
    bool restart = false, lose = false;
  };
  struct Account {
    bool unified = false;
    std::map<std::string, BitgetPosition> open;  ///< by id
    std::map<std::string, BitgetRow> rows;       ///< by id
    std::map<std::string, Decimal> cash;
  };
  struct Later {  ///< the second half of a partial close
    std::int64_t due_ms;
    std::string id;
    CloseOrder order;
  };
  struct Limit {
    std::int64_t window_start_ms = 0, used = 0;
  };

  // bitget.cpp
  void make_symbols();
  void make_accounts();
  [[nodiscard]] const BitgetSymbol* native_symbol(std::string_view name, std::string_view product) const;
  [[nodiscard]] Account* account_of(const Json& arguments);
  [[nodiscard]] std::string mint(std::int64_t ms);
  // bitget_feed.cpp
  [[nodiscard]] std::optional<Feed> make_feed(bool v3, const std::string& channel, const std::string& product,
                                              const std::string& inst) const;
  void push_feed(const std::string& name, Feed& feed);
  void push_book(const std::string& name, Feed& feed, Ladder now);
  void broadcast(const std::string& name, bool v3, const std::string& action, const std::string& data);
  [[nodiscard]] std::string frame(const std::string& action, const std::string& arg, const std::string& data) const;
  [[nodiscard]] std::string book_data(const Feed& feed, const Ladder& levels, std::int64_t previous) const;
  [[nodiscard]] std::string ticker_data(bool v3, const BitgetSymbol& symbol, std::int64_t pulse) const;
  [[nodiscard]] std::string first_data(Feed& feed);
  // bitget_ws.cpp
  void on_login(ConnId id, Conn& conn, const Json& message);
  void on_subscribe(ConnId id, Conn& conn, const Json& message, bool add);
  void subscribe_one(ConnId id, Conn& conn, const Json& arg);
  bool subscribe_private(ConnId id, Conn& conn, const Json& arg, const std::string& channel, const std::string& type);
  void send_error(ConnId id, const Conn& conn, std::int64_t code, const std::string& text, const Json* arg = nullptr);
  [[nodiscard]] bool over_limit(ConnId id, Conn& conn, bool subscribes);
  void push_snapshot(ConnId id, const Conn& conn, const std::string& channel, const std::string& arg);
  void push_private(std::size_t account, const std::string& channel, const std::string& product,
                    const std::string& action, const std::string& data);
  void push_balance(std::size_t account);
  void push_position(std::size_t account, const BitgetPosition& position, bool ended);
  void scan_connections();
  // bitget_closes.cpp
  BitgetPosition& open_position(std::size_t account, const CloseOrder& order, const BitgetSymbol& symbol,
                                std::int64_t opened_ms, const std::string& id);
  [[nodiscard]] BitgetRow make_row(const BitgetPosition& position, const CloseOrder& order) const;
  BitgetRow& finish(std::size_t account, const std::string& id, const CloseOrder& order);
  void push_closed(std::size_t account, const BitgetRow& row);
  [[nodiscard]] std::int64_t visible_ms();
  Json open_command(const Json& arguments);
  // bitget_rest.cpp
  [[nodiscard]] Response reply(const std::string& data) const;
  [[nodiscard]] Response refusal(int status, const std::string& code, const std::string& text) const;
  bool spend(const std::string& who, std::int64_t max, std::int64_t window_ms);
  Response public_call(const Request& request, const Params& query);
  Response private_call(const Request& request, const Params& query);
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account) const;
  [[nodiscard]] Response history(std::size_t account, const Params& query, bool v3) const;
  [[nodiscard]] Response v3_call(std::size_t account, const std::string& path, const Params& query) const;
  [[nodiscard]] Response v2_call(std::size_t account, const std::string& path, const Params& query) const;
  // bitget_rows.cpp
  [[nodiscard]] std::string instrument_row(const BitgetSymbol& symbol) const;
  [[nodiscard]] std::string contract_row(const BitgetSymbol& symbol) const;
  [[nodiscard]] std::string v2_history_row(const BitgetRow& row) const;
  [[nodiscard]] std::string v3_history_row(const BitgetRow& row) const;
  [[nodiscard]] std::string pushed_close(const BitgetRow& row) const;
  [[nodiscard]] std::string v3_position(const BitgetPosition& position, bool ended) const;
  [[nodiscard]] std::string v2_position(const BitgetPosition& position, bool pushed) const;
  [[nodiscard]] std::string assets(std::size_t account, bool pushed) const;
  [[nodiscard]] std::string classic_balance(std::size_t account, const std::string& product, bool pushed) const;
  [[nodiscard]] std::string key_info(std::size_t account, bool v3) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<Account> state_;
  std::deque<BitgetSymbol> symbols_;  ///< a deque: positions point into it
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Feed> feeds_;  ///< "v3 channel instType symbol"
  std::map<std::string, Limit> limits_;
  std::deque<Later> later_;
  Limit connects_;
  std::int64_t banned_until_ms_ = 0, minute_limit_ = 6'000, history_delay_ms_ = 0;
  std::int64_t minted_ = 0, closes_ = 0, errors_sent_ = 0;
  bool random_delay_ = false, demo_ = false, checksum_ = true, filter_by_opening_ = false;
};

}  // namespace anduin::sim
