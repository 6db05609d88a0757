// Kraken is two venues behind one name: spot and futures share a port here, and nothing else.
#include <algorithm>

#include "sim/kraken_futures.hpp"
#include "sim/kraken_spot.hpp"
#include "sim/venue.hpp"

namespace anduin::sim {
namespace {

bool is_spot_path(const std::string& path) { return path.starts_with("/0/"); }

/// Odd accounts serve futures, even ones spot margin; keys are not interchangeable.
std::vector<SimAccount> make_accounts(const World& world) {
  std::vector<SimAccount> accounts;
  for (int i = 0; i < world.options.accounts; ++i) {
    SimAccount a;
    const bool futures = i % 2 == 0;
    a.market = futures ? "futures" : "spot";
    a.name = "kraken-" + std::to_string(i + 1);
    a.key = base64_encode(sha256(uuid(world.random)));
    a.secret = base64_encode(sha256(uuid(world.random)) + sha256(uuid(world.random)));
    a.uid = futures ? uuid(world.random)
                    : "AA" + std::to_string(10 + i % 90) + "N84G" +
                          fixed_text(i, 0).insert(0, i < 10    ? "W00"
                                                     : i < 100 ? "W0"
                                                               : "W") +
                          "NMOI";
    if (i == 0 && !world.options.key.empty()) a.key = world.options.key;
    if (i == 0 && !world.options.secret.empty()) a.secret = world.options.secret;
    accounts.push_back(std::move(a));
  }
  return accounts;
}

class KrakenSim final : public SimVenue {
 public:
  explicit KrakenSim(VenueContext context)
      : accounts_(make_accounts(context.world)), spot_(context, accounts_), futures_(context, accounts_) {}

  [[nodiscard]] std::string name() const override { return "kraken"; }
  [[nodiscard]] std::vector<Endpoint> endpoints() const override {
    return {{"spot.public", "/v2"},
            {"spot.public.v1", "/"},
            {"spot.private", "/v2?auth=1"},
            {"spot.private.v1", "/?auth=1"},
            {"spot.rest", ""},
            {"futures.public", "/ws/v1"},
            {"futures.private", "/ws/v1?auth=1"},
            {"futures.rest", ""}};
  }
  [[nodiscard]] const std::vector<SimAccount>& accounts() const override { return accounts_; }
  [[nodiscard]] std::vector<SimAccount>& accounts() override { return accounts_; }

  [[nodiscard]] const SymbolSpec* find_symbol(std::string_view name, std::string_view market) const override {
    const SymbolSpec* futures = market == "spot" ? nullptr : futures_.find_symbol(name);
    return futures != nullptr || market == "futures" ? futures : spot_.find_symbol(name);
  }

  Response on_http(const Request& request) override {
    return is_spot_path(request.path) ? spot_.on_http(request) : futures_.on_http(request);
  }
  [[nodiscard]] Response error_response(const std::string& code, const std::string& path) const override {
    return is_spot_path(path) ? spot_.error_response(code) : futures_.error_response(code, path);
  }
  std::optional<Response> on_open(ConnId conn, const std::string& path, const std::string& query) override {
    if (path == "/ws/v1") return futures_.on_open(conn, query);
    if (path == "/v2" || path == "/") return spot_.on_open(conn, path, query);
    return Response{404, "not found"};
  }
  void on_message(ConnId conn, std::string_view text) override {
    if (futures_.topics(conn))
      futures_.on_message(conn, text);
    else
      spot_.on_message(conn, text);
  }
  void on_ping(ConnId conn) override { futures_.on_ping(conn); }
  void on_closed(ConnId conn) override {
    if (!futures_.on_closed(conn)) spot_.on_closed(conn);
  }
  void tick() override {
    spot_.tick();
    futures_.tick();
  }

  std::optional<std::string> close_position(const CloseOrder& order, std::vector<CloseLog>& log) override {
    const bool futures = accounts_[order.account].market == "futures";
    return futures ? futures_.close_position(order, log) : spot_.close_position(order, log);
  }
  void rotate_tokens() override { spot_.rotate_tokens(); }

  std::optional<Json> control(std::string_view command, const Json& arguments) override {
    auto spot = spot_.control(command, arguments);
    auto futures = futures_.control(command, arguments);
    return futures ? futures : spot;
  }
  [[nodiscard]] std::vector<std::string> topics(ConnId conn) const override {
    const auto futures = futures_.topics(conn);
    return futures ? *futures : spot_.topics(conn).value_or(std::vector<std::string>{});
  }
  [[nodiscard]] std::string endpoint_of(ConnId conn) const override {
    return futures_.topics(conn) ? futures_.endpoint_of(conn) : spot_.endpoint_of(conn);
  }

 private:
  std::vector<SimAccount> accounts_;
  KrakenSpot spot_;
  KrakenFutures futures_;
};

}  // namespace

std::unique_ptr<SimVenue> make_kraken(VenueContext context) { return std::make_unique<KrakenSim>(context); }

}  // namespace anduin::sim
