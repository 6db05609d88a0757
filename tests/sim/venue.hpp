// What a simulated venue is: a sans-I/O engine that is told about requests, frames and the passing of time,
// and answers through a FrameSink. One thread. The engine outlives no reference given to it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "sim/market.hpp"
#include "sim/wire.hpp"

namespace anduin::sim {

using ConnId = std::uint64_t;

struct Request {
  std::string method, path, query;  ///< query raw, without '?'
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  [[nodiscard]] std::string header(std::string_view name) const;  ///< any case; "" when absent
};

struct Response {
  int status = 200;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void send(ConnId conn, std::string text) = 0;
  virtual void send_binary(ConnId conn, std::string bytes) = 0;
  /// A close frame with that code; 0 resets the connection without one.
  virtual void close(ConnId conn, std::uint16_t code, std::string reason) = 0;
  /// Half-open from now on: neither reads nor writes, the socket stays.
  virtual void freeze(ConnId conn) = 0;
};

struct SimOptions {
  std::string key = {}, secret = {}, passphrase = {};  ///< of the first account; empty = made up
  int accounts = 1;
  std::vector<std::string> symbols = {};  ///< canonical, besides the venue's defaults
  int rate = 20;                          ///< price updates per second and symbol
  std::uint64_t seed = 1;
  bool tls = true;                        ///< for venues that hand out the URL of a socket
  std::int64_t time_scale_permille = 1000;  ///< 1000 = real time; limits and timeouts are divided by it
};

struct SimAccount {
  std::string name, key, secret, passphrase, uid, market;
  bool can_trade = false, can_withdraw = false, can_transfer = false, ip_bound = true;
  std::int64_t expires_ms = 0;  ///< 0 = never
};

/// Time and chance of one simulator. `wall_ms` is the venue's clock, which faults may skew.
struct World {
  const Clock& clock;
  Random& random;
  Market& market;
  SimOptions options;
  std::int64_t skew_ms = 0;
  std::string authority = {};  ///< host:port that clients connect to, for venues that sign it
  [[nodiscard]] std::int64_t wall_ms() const { return clock.wall_ms() + skew_ms; }
  [[nodiscard]] std::int64_t mono_ms() const {
    return static_cast<std::int64_t>(clock.mono_ns() / 1'000'000U);
  }
  /// A venue's duration as it passes here.
  [[nodiscard]] std::int64_t scaled(std::int64_t ms) const {
    const std::int64_t s = ms * 1000 / options.time_scale_permille;
    return s > 0 ? s : 1;
  }
};

/// A position close to be made up: the control command, checked and completed by the venue.
struct CloseOrder {
  std::size_t account = 0;
  std::string id, symbol;
  bool is_long = true;
  Decimal size, pnl, fee;
  std::optional<Decimal> entry, exit;
  std::string currency;
  std::int64_t closed_ms = 0;  ///< 0 = now
  bool flip = false, liquidation = false, adl = false, partial = false, silent = false, hedge = false;
  bool missing_pnl = false, missing_cash = false, missing_cash_stream = false, drop = false, rewrite = false;
  int fills = 1;  ///< > 1: one order, that many closes in one frame
};

/// One close id that was given out.
struct CloseLog {
  std::string id, uid, account, symbol, side, currency;
  Decimal pnl, fee, size;
  std::int64_t closed_ms = 0;
  bool is_close = true;  ///< false: the row exists, but nobody could tell that it closed something
};

class SimVenue {
 public:
  virtual ~SimVenue() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// Endpoint id of the plugin's manifest and its URL path ("" for REST), in the order of the ready line.
  struct Endpoint {
    std::string id, path;
  };
  [[nodiscard]] virtual std::vector<Endpoint> endpoints() const = 0;
  [[nodiscard]] virtual const std::vector<SimAccount>& accounts() const = 0;
  [[nodiscard]] virtual std::vector<SimAccount>& accounts() = 0;
  /// Every instrument that a close or a price command may name, by canonical or native name.
  [[nodiscard]] virtual const SymbolSpec* find_symbol(std::string_view name,
                                                      std::string_view market) const = 0;

  virtual Response on_http(const Request& request) = 0;
  /// The refusal that this venue would send for a code of its own, or an HTTP status.
  [[nodiscard]] virtual Response error_response(const std::string& code, const std::string& path) const = 0;
  /// Nothing accepts; a response refuses the upgrade.
  virtual std::optional<Response> on_open(ConnId conn, const std::string& path, const std::string& query) = 0;
  virtual void on_message(ConnId conn, std::string_view text) = 0;
  virtual void on_ping(ConnId) {}
  virtual void on_closed(ConnId conn) = 0;
  virtual void tick() = 0;

  /// Makes the rows and frames. Appends one CloseLog for each distinct id; the error text is for the caller.
  virtual std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log) = 0;
  virtual void rotate_tokens() {}
  /// Commands of one venue only ("gap", "restart", "limits", "visibility"); nothing when unknown.
  virtual std::optional<Json> control(std::string_view command, const Json& arguments);
  /// What is subscribed on a connection, for /sim/stats.
  [[nodiscard]] virtual std::vector<std::string> topics(ConnId conn) const = 0;
  [[nodiscard]] virtual std::string endpoint_of(ConnId conn) const = 0;
  /// True: what leaves on this connection is packed into gzip members, one a frame.
  [[nodiscard]] virtual bool packs_frames(ConnId) const { return false; }
};

struct VenueContext {
  World& world;
  FrameSink& sink;
};
std::unique_ptr<SimVenue> make_bitget(VenueContext context);
std::unique_ptr<SimVenue> make_bybit(VenueContext context);
std::unique_ptr<SimVenue> make_htx(VenueContext context);
std::unique_ptr<SimVenue> make_kraken(VenueContext context);
std::unique_ptr<SimVenue> make_kucoin(VenueContext context);
std::unique_ptr<SimVenue> make_mexc(VenueContext context);
std::unique_ptr<SimVenue> make_okx(VenueContext context);
/// By pipeline name; null for a venue without a simulator.
std::unique_ptr<SimVenue> make_venue(const std::string& name, VenueContext context);

}  // namespace anduin::sim
