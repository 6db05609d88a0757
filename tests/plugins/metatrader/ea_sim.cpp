// anduin-ea-sim: MetaTrader terminals with the Expert Advisor on them, as a program. It posts to a host's webhook and is
// controlled as the venue simulators are: POST /sim/<command>, one JSON line on stdout when ready. `anduin-venue-sim
// --venue metatrader` becomes this program. Commands: tests/plugins/metatrader/README.md.
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "anduin/decimal.hpp"
#include "base/log.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "plugins/metatrader/desk.hpp"
#include "sim/market.hpp"

namespace anduin::test {
namespace {

using nlohmann::json;

volatile std::sig_atomic_t stop_asked = 0;

constexpr int kTickMs = 50;            // commands are looked at that often, the program's timer every fifth time
constexpr int kTimerEvery = 5;
constexpr std::int64_t kPriceMs = 500;
constexpr std::int64_t kSpreadPpm = 20;

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct Settings {
  std::string venue = "metatrader", listen = "127.0.0.1:0", tls_dir, url, symbols = "BTCUSDT,ETHUSDT,XAUUSD.m", log_level = "info", rate;
  std::string key, secret;
  int accounts = 1;
  std::uint64_t seed = 1;
  bool die_with_parent = false, no_prices = false;
};

/// What a broker calls a canonical symbol here, and how its contract is.
struct Listed {
  const char* native;
  const char* base;
  double contract;
};
const Listed* listed(const std::string& name) {
  static constexpr Listed kAll[] = {{"XAUUSD.m", "XAU", 100}, {"EURUSD.m", "EUR", 100'000}, {"BTCUSDT", "BTC", 1}, {"ETHUSDT", "ETH", 1}};
  for (const Listed& l : kAll)
    if (name == l.native || name + ".m" == l.native) return &l;
  return nullptr;
}

double number(const json& args, const char* name, double otherwise) {
  if (!args.contains(name)) return otherwise;
  const json& v = args.at(name);
  return v.is_string() ? std::strtod(v.get_ref<const std::string&>().c_str(), nullptr) : v.get<double>();
}

class Terminals {
 public:
  Terminals(const Settings& s, std::filesystem::path dir, std::string ca) : market_(s.seed, "metatrader") {
    market_.set_mid("XAU", 2'075'00000000, wall_ms());
    market_.set_mid("EUR", 1'08000000, wall_ms());
    for (int i = 1; i <= s.accounts; ++i) {
      DeskOptions o;
      o.ref = "sim" + std::to_string(i);
      o.key = i == 1 && !s.key.empty() ? s.key : "ea_" + o.ref;
      o.secret = i == 1 && !s.secret.empty() ? s.secret : secret_of(s.seed, i);
      o.files = dir / o.ref;
      o.url = s.url;
      o.login = 5'000'000 + i;
      o.symbols = s.no_prices || i > 1 ? "" : s.symbols;  // one terminal speaks for the broker's prices
      o.ca_file = ca;
      accounts_.push_back({"metatrader-" + std::to_string(i), o, std::make_unique<LiveDesk>(o), 0});
    }
  }

  json accounts() const {
    json out = json::array();
    for (const Account& a : accounts_)
      out.push_back({{"name", a.name}, {"key", a.options.key}, {"secret", a.options.secret}, {"passphrase", ""}, {"market", ""},
                     {"uid", a.options.server + "/" + std::to_string(a.options.login)}, {"ref", a.options.ref},
                     {"login", std::to_string(a.options.login)}, {"server", a.options.server}});
    return out;
  }

  void tick(bool timer) {
    const std::int64_t now = wall_ms();
    if (now >= quote_at_) {
      quote_at_ = now + kPriceMs;
      for (const char* name : {"XAUUSD.m", "EURUSD.m", "BTCUSDT", "ETHUSDT"}) quote(name, mid(*listed(name)));
    }
    if (!timer) return;
    for (Account& a : accounts_) {
      if (a.options.url.empty()) continue;
      if (a.start_at != 0 && now >= a.start_at) {
        a.start_at = 0;
        a.running = a.desk->start();
      }
      if (a.running) a.desk->tick();
    }
  }

  json control(const std::string& command, const json& args) {
    if (command == "connect") return connect(args);
    if (command == "close") return close(args);
    if (command == "price") return price(args);
    if (command == "drop") return each(args, [&](Account& a) { a.desk->cut(static_cast<int>(number(args, "count", 3))); });
    if (command == "skew") return each(args, [&](Account& a) { a.desk->set_clock_error_s(static_cast<long>(number(args, "ms", 0)) / 1'000); });
    if (command == "kill")
      return each(args, [&](Account& a) {
        a.desk->kill();
        a.running = false;
        a.start_at = wall_ms() + static_cast<std::int64_t>(number(args, "ms", 1'000));
      });
    if (command == "log") return {{"ok", true}, {"closes", log_}};
    if (command == "stats") return stats();
    return {{"ok", false}, {"error", "no such command: connect, close, price, drop, skew, kill, log, stats"}};
  }

 private:
  struct Account {
    std::string name;
    DeskOptions options;
    std::unique_ptr<LiveDesk> desk;
    std::int64_t start_at;  ///< 0 = is as it should be
    bool running = false;
  };

  static std::string secret_of(std::uint64_t seed, int account) {
    std::uint64_t x = seed * 0x9E3779B97F4A7C15U + static_cast<std::uint64_t>(account);
    std::string out;
    for (int i = 0; i < 64; ++i) {
      x ^= x << 13U, x ^= x >> 7U, x ^= x << 17U;
      out += "0123456789abcdef"[x & 15U];
    }
    return out;
  }

  double mid(const Listed& l) const { return static_cast<double>(market_.mid_e8(l.base, wall_ms())) / 1e8; }
  void quote(const std::string& native, double mid) {
    const double half = mid * static_cast<double>(kSpreadPpm) / 2e6;
    for (Account& a : accounts_) a.desk->quote(native, mid - half, mid + half);
  }

  template <class Fn>
  json each(const json& args, Fn fn) {
    const std::string name = args.value("account", "");
    for (Account& a : accounts_)
      if (name.empty() || name == a.name) fn(a);
    return {{"ok", true}};
  }

  json connect(const json& args) {
    return each(args, [&](Account& a) {
      a.options.url = args.at("url").get<std::string>();
      a.desk->set_url(a.options.url);
      if (!a.running && a.start_at == 0) a.start_at = wall_ms();
    });
  }

  json price(const json& args) {
    const Listed* l = listed(args.value("symbol", "XAUUSD"));
    if (!l) return {{"ok", false}, {"error", "no such symbol"}};
    const double mid = number(args, "mid", (number(args, "bid", 0) + number(args, "ask", 0)) / 2);
    if (mid <= 0) return {{"ok", false}, {"error", "mid, or bid and ask, must be above zero"}};
    market_.set_mid(l->base, static_cast<std::int64_t>(mid * 1e8), wall_ms());
    quote_at_ = 0;
    return {{"ok", true}};
  }

  /// side, size (base units), pnl; fee is a commission on top of it; parts: so many closing deals of that size each.
  json close(const json& args) {
    const std::string name = args.value("account", accounts_.front().name);
    Account* account = nullptr;
    for (Account& a : accounts_)
      if (a.name == name) account = &a;
    const Listed* l = listed(args.value("symbol", "XAUUSD"));
    if (!account || !l) return {{"ok", false}, {"error", "no such account or symbol"}};
    if (!account->desk->active())
      return {{"ok", false}, {"error", "this terminal has not started yet: connect it, and wait until stats says active"}};
    DeskTrade t;
    t.symbol = l->native;
    t.is_long = args.value("side", "long") == "long";
    t.lots = std::round(number(args, "size", 1) / l->contract * 1e8) / 1e8;
    t.profit = std::round(number(args, "pnl", 0) * 100) / 100;  // the deposit currency has cents
    t.commission = -std::round(number(args, "fee", 0) * 100) / 100;
    t.parts = static_cast<int>(number(args, "parts", 1));
    t.silent = args.value("silent", false);
    const double size = t.lots * l->contract, move = size > 0 ? t.profit / size : 0;
    t.exit = number(args, "exitPrice", mid(*l));
    t.entry = number(args, "entryPrice", t.is_long ? t.exit - move : t.exit + move);
    if (t.entry <= 0 || t.exit <= 0 || size <= 0) return {{"ok", false}, {"error", "prices and size must be above zero"}};
    json ids = json::array();
    const long cents = std::lround((t.profit + t.commission) * 100);
    const Decimal pnl(Decimal::Mantissa{cents}, -2);
    for (const std::uint64_t ticket : account->desk->trade(t)) {
      const std::string id = "MT5-" + account->options.ref + "-" + std::to_string(ticket);
      ids.push_back(id);
      log_.push_back({{"id", id}, {"uid", ""}, {"account", name}, {"symbol", l->native}, {"side", t.is_long ? "long" : "short"},
                      {"pnl", pnl.to_string()}, {"fee", "0"}, {"currency", account->options.currency}, {"closedAt", wall_ms()}});
    }
    return {{"ok", true}, {"id", ids.front()}, {"ids", ids}, {"uid", ""}, {"pnl", pnl.to_string()}};
  }

  json stats() const {
    json out = json::array();
    for (const Account& a : accounts_) {
      const auto c = a.desk->counts();
      out.push_back({{"account", a.name}, {"running", a.running}, {"active", a.desk->active()}, {"out", c.out}, {"done", c.done}, {"dead", c.dead},
                     {"requests", c.requests}, {"failed", c.failed}, {"alerts", a.desk->alerts()}});
    }
    return {{"ok", true}, {"terminals", out}};
  }

  sim::Market market_;
  std::vector<Account> accounts_;
  json log_ = json::array();
  std::int64_t quote_at_ = 0;
};

/// Commands wait here for the terminals' thread, which may be inside a request.
struct Queue {
  struct Command {
    std::string name;
    json args;
    net::Responder respond;
  };
  std::mutex mutex;
  std::deque<Command> commands;
};

void respond_json(const net::Responder& respond, int status, const json& body) {
  respond({.status = status, .headers = {{"Content-Type", "application/json"}}, .body = body.dump()});
}

void work(Terminals& terminals, Queue& queue) {
  for (int n = 0; stop_asked == 0; ++n) {
    std::deque<Queue::Command> commands;
    {
      const std::lock_guard lock(queue.mutex);
      commands.swap(queue.commands);
    }
    for (const Queue::Command& c : commands) {
      try {
        respond_json(c.respond, 200, terminals.control(c.name, c.args));
      } catch (const std::exception& e) {
        respond_json(c.respond, 400, {{"ok", false}, {"error", e.what()}});
      }
    }
    terminals.tick(n % kTimerEvery == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(kTickMs));
  }
}

int serve(const Settings& s) {
  const std::filesystem::path dir = s.tls_dir.empty()
      ? std::filesystem::temp_directory_path() / ("anduin-ea-sim-" + std::to_string(getpid())) : std::filesystem::path(s.tls_dir);
  auto made = net::make_throwaway_ca(dir);
  if (!made) return std::fprintf(stderr, "anduin-ea-sim: %s\n", made.error().to_string().c_str()), 1;
  auto tls = net::TlsContext::server(made->certificate_file, made->key_file);
  if (!tls) return std::fprintf(stderr, "anduin-ea-sim: %s\n", tls.error().to_string().c_str()), 1;
  const auto absolute = [](const std::string& f) { return std::filesystem::absolute(f).string(); };

  Terminals terminals(s, dir / "terminals", absolute(made->ca_file));
  Queue queue;
  net::HttpServerOptions o;
  const std::size_t colon = s.listen.rfind(':');
  o.address = s.listen.substr(0, colon);
  o.port = static_cast<std::uint16_t>(std::stoul(s.listen.substr(colon + 1)));
  o.tls = *tls;
  net::EventLoop loop("ea-sim");
  net::HttpHandlers handlers;
  handlers.on_request = [&](net::ServerRequest r, net::Responder respond) {
    json args = json::parse(r.body.empty() ? "{}" : r.body, nullptr, false);
    if (!r.path().starts_with("/sim/") || !args.is_object()) return respond_json(respond, 404, {{"ok", false}});
    const std::lock_guard lock(queue.mutex);
    queue.commands.push_back({std::string(r.path().substr(5)), std::move(args), std::move(respond)});
  };
  auto server = net::HttpServer::listen(loop, o, handlers);
  if (!server) return std::fprintf(stderr, "anduin-ea-sim: %s\n", server.error().to_string().c_str()), 1;
  // The host's webhook may listen with this certificate: the terminals trust the authority behind it.
  const json ready{{"endpoints", {{"control", "https://" + o.address + ":" + std::to_string((*server)->port())}}},
                   {"ca", absolute(made->ca_file)},
                   {"accounts", terminals.accounts()},
                   {"webhook", {{"certificate", absolute(made->certificate_file)}, {"key", absolute(made->key_file)}}}};
  std::printf("%s\n", ready.dump().c_str());
  std::fflush(stdout);
  loop.start();
  if (!s.url.empty()) terminals.control("connect", {{"url", s.url}});
  work(terminals, queue);
  loop.call([&] { server->reset(); });
  loop.stop();
  return 0;
}

int run(int argc, char** argv) {
  Settings s;
  std::string ignored;
  CLI::App app{"MetaTrader terminals with the Expert Advisor on them, and POST /sim/... control.", "anduin-ea-sim"};
  app.add_option("--venue", s.venue, "metatrader");
  app.add_option("--listen", s.listen, "address:port of the control, port 0 = any free one")->capture_default_str();
  app.add_option("--tls-dir", s.tls_dir, "where the throw-away CA and the terminals' disks are written");
  app.add_option("--url", s.url, "https://host:port of the webhook; later by the command connect");
  app.add_option("--key", s.key, "key id of the first account");
  app.add_option("--secret", s.secret, "its secret, 64 hex digits");
  app.add_option("--accounts", s.accounts, "how many terminals")->check(CLI::Range(1, 100))->capture_default_str();
  app.add_option("--symbols", s.symbols, "the first terminal posts prices of these")->capture_default_str();
  app.add_flag("--no-prices", s.no_prices, "no prices");
  app.add_option("--seed", s.seed, "of the market and the secrets")->capture_default_str();
  app.add_flag("--die-with-parent", s.die_with_parent, "end when the process that started this one ends");
  app.add_option("--rate", s.rate, "accepted for likeness with the other simulators");
  app.add_option("--log", s.log_level, "trace, debug, info, warn, error, off")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  log::init(s.log_level);
  if (s.die_with_parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == 1) return 0;
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return serve(s);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "anduin-ea-sim: %s\n", e.what());
    return 1;
  }
}

}  // namespace
}  // namespace anduin::test

int main(int argc, char** argv) { return anduin::test::run(argc, argv); }
