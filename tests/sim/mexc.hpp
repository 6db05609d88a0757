// MEXC contracts as a simulated venue: one socket for market data and personal pushes, the REST calls that clients
// make, the key probe of its spot API, limits, quirks. Sans-I/O; one thread. Facts: venues/mexc.md and venues/keys.md;
// what is unproven there is answered strictly, or by a switch.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

struct MexcContract {
  SymbolSpec spec;
  Decimal size;  ///< base coin a contract; of inverse ones US dollars
  int amount_decimals = 4;
  bool listed = true;
  std::int64_t delisted_ms = 0;
};

/// One life of a position: the source of its frames and of its history row.
struct MexcPosition {
  std::string id;
  const MexcContract* contract = nullptr;
  bool is_long = true, cross = true, liquidated = false;
  int state = 1;                               ///< 1 holding, 2 taken over, 3 closed
  std::int64_t held = 0, closed = 0;           ///< contracts
  std::int64_t opened_ms = 0, updated_ms = 0;  ///< ms, which only the socket shows
  std::int64_t visible_ms = 0;                 ///< venue wall time from which history shows its end
  std::int64_t version = 1;
  Decimal entry, exit, realised, fee;  ///< realised is net of fee, which is what was paid
};

class MexcSim final : public SimVenue {
 public:
  explicit MexcSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "mexc"; }
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
  static constexpr int kNobody = -1;  ///< stands for an account before the login
  struct Conn {
    std::string path;
    int account = kNobody;
    bool pushes = false;  ///< personal channels, those of `filters`; none named = all
    std::set<std::string> filters;
    std::set<std::string> feeds;  ///< keys of feeds_
    std::int64_t last_ping_ms = 0, pings = 0;
  };
  struct Feed {  ///< one channel of one contract that somebody listens to
    const MexcContract* contract = nullptr;
    std::string channel;  ///< depth.full, ticker, depth
    std::size_t depth = 20;
    bool every_change = false;  ///< of depth: one level a frame, unmerged
    Ladder last;
    std::int64_t version = 0, pushes = 0, last_ms = 0;
    std::string frame;  ///< the one before
  };
  struct Window {
    std::int64_t start_ms = 0, used = 0;
  };
  struct Refusal {
    std::int64_t code;
    std::string text;
  };
  using Key = std::tuple<std::size_t, std::string, bool>;  ///< account, symbol, long

  // mexc.cpp
  void make_accounts();
  void make_contracts();
  [[nodiscard]] const MexcContract* contract_of(std::string_view native) const;
  // mexc_positions.cpp
  MexcPosition& opened(const CloseOrder& order, const MexcContract& contract, std::vector<MexcPosition>& ended);
  void complete(MexcPosition& position, const CloseOrder& order);
  void end(MexcPosition& position, const CloseOrder& order);
  void remember(std::size_t account, const MexcPosition& position, bool rewrite);
  void say_close(const CloseOrder& order, MexcPosition& position);
  void reduce(const CloseOrder& order, MexcPosition& position);
  // mexc_feed.cpp
  void push_feed(const std::string& key, Feed& feed);
  void push_changes(const std::string& key, Feed& feed, const Ladder& now);
  void broadcast(const std::string& key, const std::string& frame);
  [[nodiscard]] std::string push(const Feed& feed, const std::string& data) const;
  [[nodiscard]] std::string full_book(const Feed& feed, const Ladder& book) const;
  [[nodiscard]] std::string ticker(const Feed& feed, const Ladder& top) const;
  // mexc_ws.cpp
  void login(ConnId id, Conn& conn, const Json& message);
  void filter(ConnId id, Conn& conn, const Json& message);
  void subscribe(ConnId id, Conn& conn, const std::string& channel, const Json& param);
  void unsubscribe(ConnId id, Conn& conn, const std::string& channel, const Json& param);
  void say(ConnId id, const std::string& channel, const std::string& text);
  void push_personal(std::size_t account, const std::string& kind, const std::string& data);
  // mexc_rest.cpp
  [[nodiscard]] Response reply(const std::string& data) const;
  [[nodiscard]] Response failure(std::int64_t code, const std::string& text) const;
  [[nodiscard]] Response spot_failure(std::int64_t code, const std::string& text) const;
  [[nodiscard]] std::optional<Refusal> refuse(const std::string& key, const std::string& time,
                                              const std::string& signed_tail, const std::string& signature,
                                              std::size_t& account) const;
  [[nodiscard]] std::optional<Response> over_limit(const std::string& who, const std::string& path, std::int64_t max);
  Response public_call(const Request& request, const Params& query);
  Response private_call(const Request& request, const Params& query, std::size_t account);
  Response spot_call(const Request& request, const Params& query);
  [[nodiscard]] Response history(std::size_t account, const Params& query) const;
  [[nodiscard]] Response order_book(const std::string& symbol) const;
  // mexc_rows.cpp
  [[nodiscard]] std::string position_row(const MexcPosition& position, bool whole_seconds) const;
  [[nodiscard]] std::string detail(const MexcContract& contract) const;
  [[nodiscard]] std::string asset(std::size_t account, const std::string& currency) const;
  [[nodiscard]] std::string pushed_asset(std::size_t account, const std::string& currency) const;
  [[nodiscard]] std::string order_row(const MexcPosition& position) const;
  [[nodiscard]] std::string key_info(std::size_t account) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<std::map<std::string, Decimal>> wallets_;
  std::deque<MexcContract> contracts_;
  std::map<Key, MexcPosition> open_;
  std::vector<std::deque<MexcPosition>> history_;  ///< per account, in the order of their ends
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Feed> feeds_;
  std::map<std::string, Window> windows_;      ///< of rate limits
  std::map<std::string, std::int64_t> quiet_;  ///< native name -> monotonic ms until which it says nothing
  std::int64_t next_id_ = 0, lives_ = 0, private_limit_ = 20, public_limit_ = 10;
  std::int64_t history_ms_ = 1'000, age_ms_ = 60'000;
  bool random_delay_ = false, history_is_object_ = false, fee_is_positive_ = false, filters_by_opening_ = false;
};

}  // namespace anduin::sim
