// KuCoin classic futures as a simulated venue: tokens, public and private sockets, the REST calls that clients
// make, limits, quirks. Sans-I/O; one thread. Facts: venues/kucoin.md and venues/keys.md; what is unproven there
// is answered strictly, or by a switch.
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

/// One cycle of a position, from the first contract to flat: the source of its frames and of its history row.
struct KucoinCycle {
  std::string close_id, symbol, settle, type, position_side, margin_mode;
  bool is_long = true;
  std::int64_t open_ms = 0, close_ms = 0, lots = 0;
  std::int64_t visible_ms = 0;  ///< venue wall time from which history shows it
  Decimal pnl, fee, funding, tax, size;
  std::optional<Decimal> open_price, close_price;  ///< absent as on old and liquidation rows
  bool bare = false;                               ///< a row without side, prices and tax, as they were once
};

class KucoinSim final : public SimVenue {
 public:
  explicit KucoinSim(VenueContext context);

  [[nodiscard]] std::string name() const override { return "kucoin"; }
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
  /// Every token ends, and the next ones lead to the other socket path. Open sockets stay.
  void rotate_tokens() override;
  std::optional<Json> control(std::string_view command, const Json& arguments) override;
  [[nodiscard]] std::vector<std::string> topics(ConnId conn) const override;
  [[nodiscard]] std::string endpoint_of(ConnId conn) const override;

 private:
  static constexpr int kPublic = -1;  ///< stands for an account where a token has none
  struct Token {
    int account = kPublic;
    std::int64_t expires_ms = 0;
  };
  struct Conn {
    int account = kPublic;
    std::string connect_id;
    std::set<std::string> topics;  ///< one symbol each
    std::int64_t opened_ms = 0, last_in_ms = 0, welcome_ms = 0, window_ms = 0, frames = 0;
    bool welcomed = false;
    std::vector<std::string> early;  ///< said before the welcome
  };
  struct Feed {  ///< one topic that somebody listens to
    const SymbolSpec* spec = nullptr;
    std::string channel;
    Ladder last;
    std::int64_t sequence = 0, pushes = 0, credit = 0, last_tick_ms = 0;
    std::string last_frame;
  };
  struct Pool {
    std::int64_t window_ms = 0, used = 0;
  };
  using PositionKey = std::tuple<std::size_t, std::string, std::string>;  ///< account, symbol, position side

  // kucoin.cpp
  void make_accounts();
  void make_symbols();
  [[nodiscard]] std::string multiplier(const SymbolSpec& spec) const;
  [[nodiscard]] std::string next_close_id(std::size_t account);
  KucoinCycle& opened(const CloseOrder& order, const SymbolSpec& spec, std::vector<KucoinCycle>& ended);
  void fit_prices(KucoinCycle& c, const Decimal& size, const std::optional<Decimal>& exit_price,
                  const std::optional<Decimal>& entry_price, const SymbolSpec& spec) const;
  void complete(KucoinCycle& cycle, const CloseOrder& order, const SymbolSpec& spec);
  void remember(std::size_t account, const KucoinCycle& cycle, bool rewrite);
  void say_close(const CloseOrder& order, const KucoinCycle& cycle);
  // kucoin_feed.cpp
  void push_feed(const std::string& topic, Feed& feed);
  [[nodiscard]] std::string ticker_frame(const std::string& topic, Feed& feed, const Ladder& top) const;
  [[nodiscard]] std::string depth_frame(const std::string& topic, const Feed& feed, const Ladder& levels) const;
  void push_levels(const std::string& topic, Feed& feed, const Ladder& now);
  void broadcast(const std::string& topic, const std::string& frame);
  // kucoin_ws.cpp
  void welcome(ConnId id, Conn& conn);
  void take(ConnId id, Conn& conn, std::string_view text);
  void subscribe(ConnId id, Conn& conn, const Json& message, const std::string& message_id, bool add);
  [[nodiscard]] std::optional<std::pair<int, std::string>> split(const Conn& conn, const std::string& topic,
                                                                 std::vector<std::string>& out) const;
  void refuse(ConnId id, const std::string& message_id, int code, const std::string& text);
  void push_private(std::size_t account, const std::string& topic, const std::string& subject, const std::string& data);
  // kucoin_rest.cpp
  [[nodiscard]] Response reply(const std::string& data) const;
  [[nodiscard]] Response failure(int status, const std::string& code, const std::string& text) const;
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::size_t& account) const;
  std::optional<Response> spend(Pool& pool, std::int64_t max, std::int64_t weight, Response& limits);
  Response public_call(const Request& request, const Params& query);
  Response private_call(const Request& request, const Params& query, std::size_t account);
  Response bullet(const Request& request, int account);
  [[nodiscard]] Response history(std::size_t account, const Params& query) const;
  [[nodiscard]] Response order_book(const Params& query, std::size_t depth) const;
  // kucoin_rows.cpp
  [[nodiscard]] std::string history_row(std::size_t account, const KucoinCycle& cycle) const;
  [[nodiscard]] std::string position(const KucoinCycle& cycle, std::int64_t lots, bool open) const;
  [[nodiscard]] std::string contract(const SymbolSpec& spec) const;
  [[nodiscard]] std::string overview(std::size_t account, const std::string& currency) const;
  [[nodiscard]] std::string wallet(std::size_t account, const std::string& currency);
  [[nodiscard]] std::string key_info(std::size_t account) const;
  [[nodiscard]] std::string user_id(std::size_t account) const;

  World& world_;
  FrameSink& sink_;
  std::vector<SimAccount> accounts_;
  std::vector<std::map<std::string, Decimal>> wallets_;
  std::vector<SymbolSpec> symbols_;
  std::map<std::string, std::string> multipliers_;
  std::map<PositionKey, KucoinCycle> open_;
  std::vector<std::deque<KucoinCycle>> history_;  ///< per account
  std::map<ConnId, Conn> conns_;
  std::map<std::string, Feed> feeds_;
  std::map<std::string, Token> tokens_;
  std::vector<Pool> futures_pools_, spot_pools_;
  Pool public_pool_;
  std::set<std::string> quiet_;  ///< native names that say nothing
  std::string socket_path_ = "/";
  std::int64_t cycles_ = 0, wallet_version_ = 1'337;
  std::int64_t history_ms_ = 500, welcome_delay_ms_ = 0, futures_limit_ = 2'000, public_limit_ = 2'000;
  std::int64_t span_max_ms_ = 0;  ///< of from..to; 0 = any
  bool random_delay_ = false, early_is_acked_ = false, refuse_by_http_ = false, strict_permissions_ = false;
};

}  // namespace anduin::sim
