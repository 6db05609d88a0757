// anduin-venue-sim: one simulated venue on one port, REST and WebSocket, over TLS with a throw-away CA.
// stdout carries exactly one line, when ready; everything else goes to stderr.
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "base/log.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "sim/simulator.hpp"

namespace anduin::sim {
namespace {

volatile std::sig_atomic_t stop_asked = 0;

/// Above this many updates per second the clockwork runs finer.
constexpr int kCoarseRateMax = 100;
constexpr std::int64_t kCoarseTickMs = 5, kFineTickMs = 1;

struct Settings {
  std::string venue, listen = "127.0.0.1:0", tls_dir, time_scale = "1", speed = "1", symbols,
                     log_level = "info";
  bool plain = false, die_with_parent = false;
  int certificate_days = net::ThrowawayCaOptions{}.valid_days;
  std::vector<std::string> playback;
  SimOptions sim;
};

/// A positive decimal as thousandths; 0 when it is none.
std::int64_t permille(const std::string& text) {
  const auto d = Decimal::parse(text);
  return d && d->sign() > 0 ? std::stoll((*d * Decimal(1000)).truncated(0).to_string()) : 0;
}

/// The sockets' side: frames out, and what the sockets report in.
class Shell final : public FrameSink {
 public:
  explicit Shell(net::EventLoop& loop) : loop_(loop) {}
  void attach(Simulator& simulator) { simulator_ = &simulator; }

  void send(ConnId conn, std::string text) override {
    if (const auto it = sessions_.find(conn); it != sessions_.end()) (void)it->second->send_text(text);
  }
  void send_binary(ConnId conn, std::string bytes) override {
    const auto it = sessions_.find(conn);
    if (it == sessions_.end()) return;
    (void)it->second->send_binary({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  void close(ConnId conn, std::uint16_t code, std::string reason) override {
    const auto it = sessions_.find(conn);
    if (it == sessions_.end()) return;
    const std::shared_ptr<net::WsSession> session = it->second;
    sessions_.erase(it);
    if (code == 0)
      session->cut();
    else
      session->close(code, reason);
    // Told later: the engine is in the middle of something.
    loop_.post([this, conn, session] { simulator_->ws_closed(conn); });
  }
  void freeze(ConnId conn) override {
    if (const auto it = sessions_.find(conn); it != sessions_.end()) it->second->mute();
  }

  std::optional<net::HttpResponse> upgrade(const net::ServerRequest& request,
                                           const std::shared_ptr<net::WsSession>& session) {
    const ConnId conn = session->id();
    sessions_[conn] = session;
    auto refusal = simulator_->ws_open(conn, std::string(request.path()), std::string(request.query()));
    if (refusal) {
      sessions_.erase(conn);
      return answer(*refusal);
    }
    session->on_message = [this, conn](const net::WsFrame& frame) {
      simulator_->ws_message(conn, frame.text());
    };
    session->on_ping = [this, conn](std::string_view) { simulator_->ws_ping(conn); };
    session->on_close = [this, conn](const net::WsClosed&) {
      sessions_.erase(conn);
      simulator_->ws_closed(conn);
    };
    return std::nullopt;
  }

  net::HttpResponse http(net::ServerRequest request) {
    Request in{request.method, std::string(request.path()), std::string(request.query()),
               std::move(request.headers), std::move(request.body)};
    return answer(simulator_->http(in));
  }

 private:
  static net::HttpResponse answer(const Response& response) {
    net::HttpResponse out{response.status, response.headers, response.body};
    out.headers.emplace_back("Content-Type", "application/json");
    return out;
  }

  net::EventLoop& loop_;
  Simulator* simulator_ = nullptr;
  std::map<ConnId, std::shared_ptr<net::WsSession>> sessions_;
};

int fail(const std::string& text, int status) {
  std::fprintf(stderr, "anduin-venue-sim: %s\n", text.c_str());
  return status;
}

int serve(const Settings& settings) {
  const std::size_t colon = settings.listen.rfind(':');
  net::HttpServerOptions options;
  options.address = settings.listen.substr(0, colon);
  options.port = static_cast<std::uint16_t>(std::stoul(settings.listen.substr(colon + 1)));
  std::string ca;
  if (!settings.plain) {
    const std::string directory =
        settings.tls_dir.empty()
            ? (std::filesystem::temp_directory_path() / ("anduin-venue-sim-" + std::to_string(getpid())))
                  .string()
            : settings.tls_dir;
    net::ThrowawayCaOptions certificate;
    certificate.valid_days = settings.certificate_days;
    auto made = net::make_throwaway_ca(directory, certificate);
    if (!made) return fail(made.error().to_string(), 1);
    auto context = net::TlsContext::server(made->certificate_file, made->key_file);
    if (!context) return fail(context.error().to_string(), 1);
    options.tls = *context;
    ca = std::filesystem::absolute(made->ca_file).string();
  }

  SystemClock clock;
  SeededRandom random(settings.sim.seed);
  net::EventLoop loop("venue-sim");
  Shell shell(loop);
  Simulator simulator(settings.venue, clock, random, settings.sim, shell);
  if (!simulator.ok()) return fail("no simulator for venue '" + settings.venue + "': bybit, htx, kraken, kucoin, mexc, okx", 2);
  if (auto problem = simulator.play(settings.playback, permille(settings.speed))) return fail(*problem, 2);
  shell.attach(simulator);

  net::HttpHandlers handlers;
  handlers.on_request = [&](net::ServerRequest request, net::Responder respond) {
    respond(shell.http(std::move(request)));
  };
  handlers.on_upgrade = [&](const net::ServerRequest& request,
                            const std::shared_ptr<net::WsSession>& session) {
    return shell.upgrade(request, session);
  };
  auto server = net::HttpServer::listen(loop, options, handlers);
  if (!server) return fail(server.error().to_string(), 1);

  const std::string authority = options.address + ":" + std::to_string((*server)->port());
  simulator.world().authority = authority;
  std::printf("%s\n", simulator.ready_line(authority, !settings.plain, ca).dump().c_str());
  std::fflush(stdout);

  const std::int64_t tick_ms = settings.sim.rate > kCoarseRateMax ? kFineTickMs : kCoarseTickMs;
  net::Timer timer;
  std::function<void()> tick = [&] {
    if (stop_asked != 0) {
      loop.stop();
      return;
    }
    simulator.tick();
    timer = loop.post_after(tick_ms, tick);
  };
  timer = loop.post_after(tick_ms, tick);
  loop.run();
  spdlog::info("stopped");
  return 0;
}

int run(int argc, char** argv) {
  Settings s;
  CLI::App app{"A simulated exchange: REST, WebSocket and POST /sim/... control on one port.",
               "anduin-venue-sim"};
  app.add_option("--venue", s.venue, "bybit, htx, kraken, kucoin, mexc or okx")->required();
  app.add_option("--listen", s.listen, "address:port, port 0 = any free one")->capture_default_str();
  auto* tls = app.add_option("--tls-dir", s.tls_dir, "where the throw-away CA is written");
  app.add_flag("--plain", s.plain, "no TLS")->excludes(tls);
  app.add_option("--certificate-days", s.certificate_days, "negative: it ended that many days ago")
      ->capture_default_str();
  app.add_option("--key", s.sim.key, "API key of the first account");
  app.add_option("--secret", s.sim.secret, "its secret");
  app.add_option("--passphrase", s.sim.passphrase, "its passphrase, where the venue has one");
  app.add_option("--accounts", s.sim.accounts, "how many accounts")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--symbols", s.symbols, "canonical symbols besides the usual ones, comma separated");
  app.add_option("--rate", s.sim.rate, "price updates per second and symbol")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--seed", s.sim.seed, "of every random choice; equal seeds agree on prices")
      ->capture_default_str();
  app.add_option("--time-scale", s.time_scale, "limits and timeouts pass so many times faster")
      ->capture_default_str();
  app.add_option("--playback", s.playback, "recordings (.jsonl, .gz) that answer what they match");
  app.add_option("--speed", s.speed, "pace of the playback")->capture_default_str();
  app.add_flag("--die-with-parent", s.die_with_parent, "end when the process that started this one ends");
  app.add_option("--log", s.log_level, "trace, debug, info, warn, error, off")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  log::init(s.log_level);
  if (s.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == 1) return 0;  // it was gone before we asked
  }
  const std::size_t colon = s.listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : s.listen.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(port) > 65535) {
    return fail("--listen wants ADDRESS:PORT", 2);
  }
  s.sim.tls = !s.plain;
  s.sim.time_scale_permille = permille(s.time_scale);
  if (s.sim.time_scale_permille == 0 || permille(s.speed) == 0)
    return fail("--time-scale and --speed want a number above 0", 2);
  for (std::size_t at = 0; at < s.symbols.size();) {
    const std::size_t comma = std::min(s.symbols.find(',', at), s.symbols.size());
    if (comma > at) s.sim.symbols.push_back(s.symbols.substr(at, comma - at));
    at = comma + 1;
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  return serve(s);
}

}  // namespace
}  // namespace anduin::sim

int main(int argc, char** argv) {
  // MetaTrader's terminals are a program of their own beside this one: what runs in them waits for its answers.
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) != "--venue" || std::string_view(argv[i + 1]) != "metatrader") continue;
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "anduin-ea-sim";
    execv(program.c_str(), argv);
    std::perror(program.c_str());
    return 1;
  }
  return anduin::sim::run(argc, argv);
}
