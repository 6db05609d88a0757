// HTX USDT-margined swaps as a simulated venue: public market data, private V5 socket, signed REST, the key probe of
// the spot host, quirks. Sans-I/O; one thread. Facts: venues/htx.md and venues/keys.md; what is unproven there is
// answered strictly.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

/// A count of contracts as a decimal.
inline Decimal count(std::int64_t contracts) { return {Decimal::Mantissa(contracts), 0}; }

struct HtxContract {
  SymbolSpec spec;
  Decimal size;        ///< coin a contract
  int status = 1;      ///< 1 trading, 3 suspended
  bool dated = false;  ///< a delivery future: only listed with business_type=all
};

struct HtxExecution {
  std::string id, trade_id;
  Decimal price, profit, fee;
  std::int64_t contracts = 0;
};

/// One order, the source of its pushes and of its rows.
struct HtxOrder {
  const HtxContract* contract = nullptr;
  std::string order_id, query_id, side, position_side, state, source, margin_mode, order_type = "1";
  Decimal price, profit, fee;
  std::int64_t volume = 0, filled = 0, canceled = 0;
  std::int64_t created_ms = 0, updated_ms = 0;
  std::int64_t order_visible_ms = 0, details_visible_ms = 0;  ///< venue wall time from which REST shows it
  bool reduce_only = false, listed = true;                    ///< not listed: `order/details` alone knows it
  bool says_canceled = false, empty_times = false;
  std::vector<HtxExecution> executions;
};

struct HtxPosition {
  std::string direction, margin_mode = "cross";
  std::int64_t contracts = 0, updated_ms = 0, version = 0;
  Decimal average;
};

class HtxSim final : public SimVenue {
 public:
  explicit HtxSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "htx"; }
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
  [[nodiscard]] bool packs_frames(ConnId conn) const override { return !plain_ && conns_.count(conn) != 0; }

 private:
  struct Conn {
    bool is_private = false;
    std::set<std::string> topics;  ///< public: channels; private: "topic contract"
    int account = -1;              ///< authenticated as
    std::int64_t next_ping_ms = 0, unanswered = 0, pings = 0;
    std::vector<std::string> owed;  ///< the values of the last two pings, as written
  };
  struct Feed {  ///< one channel that somebody listens to
    const HtxContract* contract = nullptr;
    enum class Kind : std::uint8_t { kBbo, kSnapshots, kChanges } kind = Kind::kBbo;
    std::size_t depth = 1;
    Ladder last;
    std::int64_t version = 0, pushes = 0, credit = 0, last_tick_ms = 0, last_push_ms = 0;
    std::string frame, frame_before;
  };
  struct Limit {
    std::int64_t window_start_ms = 0, used = 0;
  };
  struct Shape {  ///< how the next orders look: control "orders"
    bool numeric_ids = false, empty_times = false, liquidation_in_details_only = false;
    std::string cancel;  ///< "said" or "unsaid": closes end partially canceled, with or without cancel_volume
    std::string margin_mode = "cross";
    std::int64_t age_ms = 15;  ///< from creation to the fill
  };
  using Key = std::pair<std::string, std::string>;  ///< contract, position side

  // htx.cpp
  void make_accounts();
  void make_contracts();
  [[nodiscard]] const HtxContract* find_contract(std::string_view name) const;
  HtxOrder make_order(const CloseOrder& order, const HtxContract& contract, std::int64_t contracts);
  void remember(std::size_t account, const HtxOrder& order, bool rewrite);
  void open_before(const CloseOrder& close, const HtxOrder& order, std::int64_t contracts);
  void push_fills(std::size_t account, const HtxOrder& order);
  void push_after(const CloseOrder& close, const HtxOrder& order, std::int64_t contracts);
  // htx_feed.cpp
  [[nodiscard]] std::optional<Feed> make_feed(const std::string& channel) const;
  void push_feed(const std::string& channel, Feed& feed);
  [[nodiscard]] std::string bbo_frame(const std::string& channel, const Feed& feed, const Ladder& top,
                                      int missing) const;
  [[nodiscard]] std::string book_frame(const std::string& channel, const Feed& feed, const Ladder& book,
                                       const char* event) const;
  void first_frame(ConnId id, const std::string& channel);
  // htx_ws.cpp
  void on_public(ConnId id, Conn& conn, const Json& message);
  void on_private(ConnId id, Conn& conn, const Json& message);
  void on_auth(ConnId id, Conn& conn, const Json& message);
  void on_subscribe(ConnId id, Conn& conn, const Json& message, bool add);
  void on_pong(Conn& conn, std::string_view value) const;
  void refuse_op(ConnId id, const Json& message, std::int64_t code, const std::string& text);
  void send_ping(ConnId id, Conn& conn);
  void notify(std::size_t account, const std::string& topic, const std::string& contract, const std::string& event,
              const std::string& data);
  // htx_rest.cpp
  [[nodiscard]] Response reply(const std::string& data) const;
  [[nodiscard]] Response refusal(std::int64_t code, const std::string& text) const;
  [[nodiscard]] Response old_refusal(std::int64_t code, const std::string& text) const;
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account) const;
  std::optional<Response> spend(std::size_t account, Response& limits);
  Response private_call(std::size_t account, const Request& request, const Params& query);
  [[nodiscard]] std::optional<Response> public_call(const Request& request, const Params& query) const;
  [[nodiscard]] Response order_info(std::size_t account, const Params& query) const;
  [[nodiscard]] Response order_history(std::size_t account, const Params& query) const;
  [[nodiscard]] Response order_details(std::size_t account, const Params& query) const;
  [[nodiscard]] Response key_rows(std::size_t account, const Params& query) const;
  // htx_rows.cpp
  [[nodiscard]] std::string order_row(const HtxOrder& order, bool with_query_id) const;
  [[nodiscard]] std::string execution_row(const HtxOrder& order, const HtxExecution& execution) const;
  [[nodiscard]] std::string position_row(const Key& key, const HtxPosition& position) const;
  [[nodiscard]] std::string positions(std::size_t account, const std::string& contract) const;
  [[nodiscard]] std::string balance(std::size_t account) const;
  [[nodiscard]] std::string contract_row(const HtxContract& contract) const;
  [[nodiscard]] std::string id_text(const std::string& digits) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<Decimal> equity_;               ///< per account, USDT
  std::vector<std::deque<HtxOrder>> orders_;  ///< per account, oldest first
  std::vector<std::map<Key, HtxPosition>> positions_;
  std::vector<HtxContract> contracts_;
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Feed> feeds_;  ///< by channel
  std::map<std::size_t, Limit> limits_;
  Shape shape_;
  bool plain_ = false, multi_asset_ = false;
  std::int64_t next_number_ = 0, closes_ = 0, subscriptions_ = 0, settling_until_ms_ = 0;
  std::int64_t order_delay_ms_ = 0, details_delay_ms_ = 0, read_limit_ = 72;
  bool random_delays_ = false;
};

}  // namespace anduin::sim
