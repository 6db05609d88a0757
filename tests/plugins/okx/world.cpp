#include "plugins/okx/world.hpp"

#include <algorithm>

namespace anduin::test {
namespace {

constexpr std::int64_t kStepMs = 50, kPingMs = 15'000;

void replace(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

World::World(int accounts) : sim("okx", sim::bench_options("", "", accounts)) { last_ping_ms_ = now_ms(); }

World::Live::Live(World& world, const nlohmann::json& options, std::int64_t settle_from_ms,
                  const std::string& watermark, std::size_t account_)
    : bench(true, options, world.now_ms()), account(account_), world_(world) {
  world.live_.push_back(this);
  bench.start(settle_from_ms, watermark);
  world.connect(*this);
}
World::Live::~Live() {
  std::erase(world_.live_, this);
  for (const auto& [mine, conn] : conns) world_.sim.simulator.ws_closed(conn);
}

void World::connect(Live& live) {
  const std::size_t before = live.bench.frames.size();
  for (const std::uint32_t c : live.bench.dialled) {
    if (live.conns.contains(c)) continue;
    live.conns[c] = sim.open("/ws/v5/private");
  }
  live.frames_sent = before;
  live.bench.connect();
  pump();
}

std::string World::rendered(const std::string& text, const std::string& sign, std::size_t account) const {
  const sim::SimAccount& a = const_cast<World*>(this)->sim.simulator.venue().accounts()[account];
  const std::string seconds = std::to_string(now_ms() / 1000);
  std::string out = text;
  replace(out, "{{key|json}}", a.key);
  replace(out, "{{passphrase|json}}", a.passphrase);
  replace(out, "{{ts_s}}", seconds);
  if (sign == "ws")
    replace(out, "{{sig}}", sim::base64_encode(sim::hmac_sha256(a.secret, seconds + "GET/users/self/verify")));
  return out;
}

sim::Request World::signed_request(const SentRequest& r, std::size_t account) const {
  const sim::SimAccount& a = const_cast<World*>(this)->sim.simulator.venue().accounts()[account];
  const std::size_t mark = r.target.find('?');
  sim::Request out{r.method, r.path(), mark == std::string::npos ? "" : r.target.substr(mark + 1)};
  if (r.sign.empty()) return out;
  const std::string stamp = sim::iso_ms(now_ms());
  out.headers = {{"OK-ACCESS-KEY", a.key},
                 {"OK-ACCESS-PASSPHRASE", a.passphrase},
                 {"OK-ACCESS-TIMESTAMP", stamp},
                 {"OK-ACCESS-SIGN", sim::base64_encode(sim::hmac_sha256(a.secret, stamp + r.method + r.target))}};
  return out;
}

bool World::pump(Live& live) {
  bool moved = false;
  while (!live.bench.open.empty()) {
    const SentRequest r = live.bench.open.front();
    const sim::Response answer = sim.simulator.http(signed_request(r, live.account));
    live.bench.answer(r, answer.body, answer.status);
    moved = true;
  }
  for (; live.frames_sent < live.bench.frames.size(); ++live.frames_sent, moved = true) {
    const SentFrame f = live.bench.frames[live.frames_sent];
    if (const auto c = live.conns.find(f.connection); c != live.conns.end())
      sim.simulator.ws_message(c->second, rendered(f.text, f.sign, live.account));
  }
  for (; live.redials_seen < live.bench.redialled.size(); ++live.redials_seen, moved = true) {
    const std::uint32_t c = live.bench.redialled[live.redials_seen];
    if (const auto it = live.conns.find(c); it != live.conns.end()) sim.sink.close(it->second, 0, "");
  }
  for (auto it = live.conns.begin(); it != live.conns.end();) {
    const auto [mine, conn] = *it;
    for (const std::string& frame : sim.take(conn)) {
      live.bench.frame(mine, frame);
      moved = true;
    }
    if (!sim.sink.closed.contains(conn)) {
      ++it;
      continue;
    }
    it = live.conns.erase(it);
    sim.simulator.ws_closed(conn);
    live.bench.closed(mine, "cut");
    moved = true;
  }
  return moved;
}

void World::pump() {
  for (bool moved = true; moved;) {
    moved = false;
    for (Live* live : live_) moved = pump(*live) || moved;
  }
}

void World::advance(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
    sim.clock.advance_ms(kStepMs);
    sim.simulator.tick();
    for (Live* live : live_) live->bench.advance(kStepMs);
    if (now_ms() - last_ping_ms_ >= kPingMs) {
      last_ping_ms_ = now_ms();
      for (Live* live : live_)
        for (const auto& [mine, conn] : live->conns) sim.simulator.ws_message(conn, "ping");
    }
    pump();
  }
}

sim::Json World::control(const std::string& command, const nlohmann::json& arguments) {
  sim::Json answer = sim.control(command, arguments.dump());
  REQUIRE(sim::flag_at(answer, "ok"));
  pump();
  return answer;
}

sim::Json World::close(nlohmann::json arguments) {
  const nlohmann::json usual{{"symbol", "BTCUSDT"}, {"side", "long"}, {"size", "0.1"}, {"pnl", "5"}, {"fee", "1"}};
  for (const auto& [name, value] : usual.items())
    if (!arguments.contains(name)) arguments[name] = value;
  return control("close", arguments);
}

std::map<std::string, sim::Json> World::log() {
  std::map<std::string, sim::Json> out;
  const sim::Json answer = sim.control("log");
  for (const sim::Json& row : answer["closes"]) out[sim::text_at(row, "id")] = row;
  return out;
}

}  // namespace anduin::test
