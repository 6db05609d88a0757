#include "plugins/support/venue_world.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "plugin/library.hpp"

namespace anduin::test {
namespace {

constexpr std::int64_t kStepMs = 20;
constexpr std::uint64_t kNsPerMs = 1'000'000;
sim::ConnId last_conn = 10'000;

std::shared_ptr<const plugin::Library> library_of(const std::string& venue) {
  static std::map<std::string, std::shared_ptr<const plugin::Library>> loaded;
  auto& library = loaded[venue];
  if (!library) {
    auto made = plugin::Library::load(ANDUIN_BINARY_DIR "/plugins/anduin-" + venue + ".so");
    if (!made) throw std::runtime_error(made.error().to_string());
    library = *made;
  }
  return library;
}

/// "https://host/path?query" in its parts.
struct Parts {
  std::string host, path, query;
};
Parts parts_of(const std::string& url) {
  const std::size_t host = url.find("://") + 3, path = std::min(url.find('/', host), url.size());
  const std::size_t mark = std::min(url.find('?', path), url.size());
  return {url.substr(host, path - host), url.substr(path, mark - path), mark < url.size() ? url.substr(mark + 1) : ""};
}

}  // namespace

std::string close_text(const std::string& id, const std::string& side, const Decimal& pnl, const Decimal& fee,
                       std::int64_t closed_ms) {
  return id + " " + side + " " + pnl.to_string() + " " + fee.to_string() + " " + std::to_string(closed_ms);
}

VenueWorld::VenueWorld(const std::string& venue_, int accounts, const std::string& authority)
    : venue_name(venue_), sim(venue_, sim::bench_options("", "", accounts)) {
  sim.clock.set_wall_ms(1'790'000'000'000);
  if (!authority.empty()) sim.simulator.world().authority = authority;
}

std::unique_ptr<VenueWorld::Live> VenueWorld::start(LiveOptions options) {
  auto live = std::make_unique<Live>(*this, std::move(options));
  pump();
  return live;
}

void VenueWorld::pump() {
  for (bool moved = true; moved;) {
    moved = false;
    for (Live* live : live_) moved = live->pump() || moved;
  }
}

void VenueWorld::advance(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
    sim.clock.advance_ms(kStepMs);
    sim.simulator.tick();
    pump();
  }
}

sim::Json VenueWorld::control(const std::string& command, const std::string& arguments) {
  sim::Json answer = sim.control(command, arguments);
  INFO(command << " " << arguments << ": " << answer.dump());
  REQUIRE(sim::flag_at(answer, "ok"));
  pump();
  return answer;
}

std::string VenueWorld::close(const std::string& arguments) {
  sim::Json order{{"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.005"}, {"pnl", "0.502"}, {"fee", "0.18"}};
  order.update(*sim::parse_exact(arguments));
  return sim::text_at(control("close", order.dump()), "id");
}

std::vector<std::string> VenueWorld::given() {
  std::vector<std::string> out;
  const sim::Json log = control("log");
  for (const sim::Json& c : log["closes"])
    out.push_back(close_text(sim::text_at(c, "id"), sim::text_at(c, "side"), *sim::decimal_at(c, "pnl"),
                             *sim::decimal_at(c, "fee"), sim::int_at(c, "closedAt", 0)));
  std::sort(out.begin(), out.end());
  return out;
}

// -- one instance ---------------------------------------------------------------------------------------------------

VenueWorld::Live::Live(VenueWorld& world, LiveOptions options) : world_(world), options_(std::move(options)) {
  const sim::SimAccount& who = world.sim.simulator.venue().accounts()[options_.who];
  venue::RunnerOptions o;
  o.label = world.venue_name;
  o.options = options_.options;
  for (const auto& [name, schema] : library_of(world.venue_name)->manifest().json.at("config").at("properties").items())
    if (!o.options.contains(name)) o.options[name] = schema.at("default");
  o.feeds = {"prices", "instruments"};
  if (options_.account) {
    o.account = "a";
    o.feeds = {"positions", "balance"};
    o.outbound.account = true;
    o.outbound.credentials = std::make_shared<venue::Credentials>(
        std::map<std::string, std::string>{{"key", who.key}, {"secret", who.secret}, {"passphrase", who.passphrase}});
  }
  o.outbound.next_nonce = [&world]() -> Result<std::string> { return std::to_string(world.next_nonce()); };
  o.settle_from_ms = options_.settle_from_ms != 0 ? options_.settle_from_ms : world.sim.clock.wall_ms() - 3'600'000;
  o.watermark = watermark = options_.watermark;
  auto made = venue::Runner::start(library_of(world.venue_name), std::move(o), *this, world.sim.clock, world.random_, *this);
  if (!made) throw std::runtime_error(made.error().to_string());
  runner_ = std::move(*made);
  world.live_.push_back(this);
}

VenueWorld::Live::~Live() {
  std::erase(world_.live_, this);
  runner_.reset();
  for (const auto& [connection, socket] : sockets_) world_.sim.simulator.ws_closed(socket.conn);
}

std::vector<std::string> VenueWorld::Live::told() const {
  std::vector<std::string> out;
  for (const auto& [id, c] : closes) {
    const ClosedPosition& p = c.position;
    out.push_back(close_text(id, p.side == Side::kLong ? "long" : "short", p.pnl, p.fee, p.closed_ms));
  }
  std::sort(out.begin(), out.end());
  return out;
}

void VenueWorld::Live::on_price(const venue::PriceReport& p) {
  ++prices;
  tops[names_[p.instrument]] = {p.bid.to_string(), p.ask.to_string()};
}

void VenueWorld::Live::on_close(venue::CloseReport c) {
  ++emissions;
  const ClosedPosition& p = c.position;
  const auto [it, fresh] = closes.try_emplace(p.id, c);
  if (fresh) order.push_back(p.id);
  else if (it->second.position.pnl != p.pnl || it->second.position.fee != p.fee ||
           it->second.position.closed_ms != p.closed_ms)
    conflicts.push_back(p.id);
}

void VenueWorld::Live::on_status(std::string_view feed, venue::FeedState state, std::string_view detail) {
  const bool is_ready = state == venue::FeedState::kReady;
  if (feed == "positions" || feed == "prices") ready = is_ready;
  if (!is_ready) statuses.push_back(std::string(feed) + ": " + std::string(detail));
}

void VenueWorld::Live::on_coverage(std::int64_t from_ms, std::int64_t to_ms, bool is_proven, std::string_view) {
  (is_proven ? proven : unproven).emplace_back(from_ms, to_ms);
}

void VenueWorld::Live::on_account(const venue::AccountReport& r) {
  accounts.push_back(r);
  post([this] { runner_->set_account_verdict(true, ""); });
}

/// Durable at once; the runner is told as the host tells it.
void VenueWorld::Live::on_step_end() {
  if (pending_.empty()) return;
  watermark = std::exchange(pending_, {});
  post([this] { runner_->set_watermark(watermark, false); });
}

void VenueWorld::Live::open(venue::SocketRequest request) {
  post([this, request] {
    const Parts url = parts_of(request.url);
    const sim::ConnId conn = ++last_conn;
    if (!options_.sockets || world_.sim.simulator.ws_open(conn, url.path, url.query).has_value())
      return runner_->on_closed(request.connection, request.generation, 0, "refused");
    sockets_[request.connection] = {conn, request.generation};
    runner_->on_open(request.connection, request.generation);
  });
}

bool VenueWorld::Live::send(std::uint32_t connection, std::string_view payload, bool) {
  if (!sockets_.contains(connection)) return false;
  post([this, connection, text = std::string(payload)] {
    if (const auto it = sockets_.find(connection); it != sockets_.end())
      world_.sim.simulator.ws_message(it->second.conn, text);
  });
  return true;
}

void VenueWorld::Live::close(std::uint32_t connection) {
  const auto it = sockets_.find(connection);
  if (it == sockets_.end()) return;
  world_.sim.simulator.ws_closed(it->second.conn);
  sockets_.erase(it);
}

void VenueWorld::Live::request(venue::HttpCall call) {
  post([this, call] {
    const Parts url = parts_of(call.url);
    sim::Request q{call.method, url.path, url.query, call.headers, call.body};
    q.headers.emplace_back("Host", url.host);
    const sim::Response r = world_.sim.simulator.http(q);
    venue::HttpAnswer answer;
    answer.status = r.status;
    answer.body = r.body;
    answer.headers = r.headers;
    runner_->on_answer(call.request, answer);
  });
}

std::unique_ptr<venue::TimerHandle> VenueWorld::Live::after(std::int64_t ms, std::function<void()> fn) {
  auto on = std::make_shared<bool>(true);
  const std::uint64_t now = world_.sim.clock.mono_ns() / kNsPerMs;
  timers_.emplace(now + static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0)), Due{std::move(fn), on});
  return std::make_unique<Timer>(on);
}

bool VenueWorld::Live::pump() {
  bool moved = false;
  while (!posted_.empty()) {
    const auto fn = std::move(posted_.front());
    posted_.pop_front();
    fn();
    moved = true;
  }
  const std::uint64_t now = world_.sim.clock.mono_ns() / kNsPerMs;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Due due = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    if (*due.on) due.fn();
    moved = true;
  }
  for (const auto& [connection, socket] : std::map(sockets_)) {
    for (const std::string& frame : world_.sim.take(socket.conn)) {
      moved = true;
      if (!sockets_.contains(connection) || sockets_.at(connection).conn != socket.conn) break;
      const std::string padded = frame + std::string(64, '\0');
      const auto size = static_cast<std::uint32_t>(frame.size());
      const venue::FrameBytes bytes{reinterpret_cast<const std::uint8_t*>(padded.data()), size, size + 64,
                                    frame.starts_with("\x1f\x8b")};
      runner_->on_frames(connection, socket.generation, {&bytes, 1});
    }
    const auto closed = world_.sim.sink.closed.find(socket.conn);
    if (closed == world_.sim.sink.closed.end()) continue;
    moved = true;
    const int code = closed->second;
    world_.sim.sink.closed.erase(closed);
    world_.sim.simulator.ws_closed(socket.conn);
    if (!sockets_.contains(connection) || sockets_.at(connection).conn != socket.conn) continue;
    sockets_.erase(connection);
    runner_->on_closed(connection, socket.generation, code, "cut");
  }
  return moved;
}

}  // namespace anduin::test
