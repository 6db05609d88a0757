// The plugin against the simulated venue, without sockets: what one wants to send the other gets, on one clock that the
// test moves. Thread: one; one object per test case.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugins/kucoin/bench.hpp"
#include "sim/sim_bench.hpp"

namespace anduin::test {

class SimBridge {
 public:
  SimBridge() : sim("kucoin", sim::bench_options("", "")) {
    sim.clock.set_wall_ms(Bench::kStartMs);
    sim.simulator.world().authority = "ws-api-futures.kucoin.com";
  }

  /// A fresh instance of the account, as after a restart of the host.
  Bench& restart(const std::string& watermark = {}, std::int64_t settle_from_ms = Bench::kStartMs - 3'600'000) {
    cut();
    plugin = std::make_unique<Bench>(true);
    plugin->now_ms = sim.clock.wall_ms();
    taken_ = {};
    plugin->start(settle_from_ms, watermark);
    pump();
    return *plugin;
  }
  /// Cuts the socket; the next advance() dials again unless `hold_back`.
  void cut() {
    const auto conns = std::exchange(conns_, {});
    for (const auto& [plugin_conn, sim_conn] : conns) {
      sim.simulator.ws_closed(sim_conn);
      plugin->closed(plugin_conn);
    }
    connected_ = false;
  }
  void advance(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
      sim.advance(kStepMs);
      if (sim.clock.wall_ms() % kPingMs == 0)
        for (const auto& [plugin_conn, sim_conn] : conns_)
          sim.simulator.ws_message(sim_conn, R"({"id":"ping","type":"ping"})");
      if (plugin) plugin->advance(kStepMs);
      pump();
    }
  }
  std::string close(const std::string& arguments) {
    const sim::Json made = sim.control("close", arguments);
    REQUIRE(sim::flag_at(made, "ok"));
    return sim::text_at(made, "id");
  }
  /// Every close the venue gave out, as "id pnl time side", in order of their ids.
  std::vector<std::string> given() {
    std::vector<std::string> out;
    const sim::Json log = sim.control("log");
    for (const sim::Json& c : log["closes"])
      out.push_back(sim::text_at(c, "id") + " " + sim::text_at(c, "pnl") + " " + sim::text_at(c, "closedAt") + " " +
                    sim::text_at(c, "side"));
    std::sort(out.begin(), out.end());
    return out;
  }
  /// The same of what the plugin has emitted, repeats included.
  [[nodiscard]] std::vector<std::string> emitted() const {
    std::vector<std::string> out;
    for (const SeenClose& c : plugin->closes)
      out.push_back(c.id + " " + c.pnl.value_or("?") + " " + std::to_string(c.closed_ms) + " " + c.side);
    std::sort(out.begin(), out.end());
    return out;
  }

  sim::SimBench sim;
  std::unique_ptr<Bench> plugin;
  bool hold_back = false;  ///< no new socket

 private:
  static constexpr std::int64_t kStepMs = 100, kPingMs = 15'000;  ///< the pings are the host's
  struct Taken {
    std::size_t opens = 0, frames = 0;
  };

  void pump() {
    for (bool more = true; more;) {
      more = false;
      if (!connected_ && !hold_back) {
        connected_ = more = true;
        plugin->endpoints.clear();
        plugin->connect();
      }
      while (!plugin->open.empty()) {
        more = true;
        ask(SentRequest(plugin->open.front()));
      }
      for (; taken_.opens < plugin->opens.size(); ++taken_.opens, more = true) open(plugin->opens[taken_.opens]);
      for (; taken_.frames < plugin->frames.size(); ++taken_.frames, more = true) {
        const SentFrame f = plugin->frames[taken_.frames];
        if (const auto it = conns_.find(f.connection); it != conns_.end()) sim.simulator.ws_message(it->second, f.text);
      }
      for (const auto& [plugin_conn, sim_conn] : std::map(conns_)) {
        for (const std::string& text : sim.take(sim_conn)) {
          more = true;
          plugin->frame(plugin_conn, text);
        }
      }
    }
  }
  void ask(const SentRequest& r) {
    const sim::SimAccount& a = sim.simulator.venue().accounts()[0];
    const std::string stamp = std::to_string(sim.clock.wall_ms()), target = r.target;
    const std::size_t mark = target.find('?');
    sim::Request q{r.method, r.path(), mark == std::string::npos ? "" : target.substr(mark + 1)};
    q.headers = {{"KC-API-KEY", a.key},
                 {"KC-API-TIMESTAMP", stamp},
                 {"KC-API-SIGN", sim::base64_encode(sim::hmac_sha256(a.secret, stamp + r.method + target))},
                 {"KC-API-PASSPHRASE", sim::base64_encode(sim::hmac_sha256(a.secret, a.passphrase))},
                 {"KC-API-KEY-VERSION", "3"}};
    const sim::Response answer = sim.simulator.http(q);
    nlohmann::json headers = nlohmann::json::object();
    for (const auto& [name, value] : answer.headers) headers[name] = value;
    plugin->answer(r, answer.body, answer.status, headers);
  }
  void open(const PluginBench::Opened& o) {
    const std::size_t path = o.url.find('/', 6), mark = o.url.find('?');
    const sim::ConnId conn = ++last_conn_;
    const auto refused = sim.simulator.ws_open(conn, o.url.substr(path, mark - path), o.url.substr(mark + 1));
    REQUIRE_FALSE(refused.has_value());
    conns_[o.connection] = conn;
    plugin->opened(o.connection);
  }

  std::map<std::uint32_t, sim::ConnId> conns_;
  Taken taken_;
  bool connected_ = false;
  sim::ConnId last_conn_ = 1'000;
};

}  // namespace anduin::test
