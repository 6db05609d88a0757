#include "plugins/metatrader/desk.hpp"

#include <chrono>

#include "net/http_client.hpp"
#include "net/tls.hpp"
#include "plugins/metatrader/script.hpp"

namespace anduin::test {
namespace {

std::int64_t wall_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

net::HttpClientOptions client_options(const std::string& ca_file) {
  auto tls = net::TlsContext::client({ca_file});
  if (!tls) throw std::runtime_error(tls.error().to_string());
  net::HttpClientOptions o;
  o.tls = *tls;
  return o;
}

}  // namespace

struct LiveDesk::Impl {
  explicit Impl(DeskOptions o) : options(std::move(o)), desk(options.files), client(client_options(options.ca_file)) {
    desk.url = options.url;
    desk.key = options.key;
    desk.secret = options.secret;
    desk.ref = options.ref;
    desk.login = options.login;
    desk.prices_of = options.symbols;
    desk.last_ticket = static_cast<mql::ulong>(wall_ms());  // a server's counter: it never goes back
    desk.web = [this](Desk::Web& w) { request(w); };
  }

  /// What WebRequest does: an HTTP status, or -1 and an error of MQL5.
  void request(Desk::Web& w) {
    ++requests;
    if (cuts > 0) {
      --cuts;
      ++failed;
      w.error = 5201;
      return;
    }
    net::HttpRequest q;
    q.method = "POST";
    auto url = net::Url::parse(w.url);
    if (!url) {
      w.error = 5200;
      return;
    }
    q.url = *url;
    for (std::size_t at = 0; at < w.headers.size();) {
      const std::size_t end = w.headers.find("\r\n", at), colon = w.headers.find(": ", at);
      q.headers.emplace_back(w.headers.substr(at, colon - at), w.headers.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
    q.body = w.body;
    q.timeout_ms = w.timeout_ms;
    auto answer = client.send(std::move(q));
    if (!answer) {
      ++failed;
      w.error = answer.error().text.find("connection") != std::string::npos ? 5201 : 5203;
      return;
    }
    if (answer->status != 200) ++failed;
    w.status = answer->status;
    w.answer = answer->body;
  }

  bool start() {
    desk.now_ms = wall_ms();
    const int code = desk.start();
    mql::Ea& ea = *desk.ea;
    ea.server = options.server;
    ea.currency = options.currency;
    ea.utc_ms = [] { return wall_ms(); };
    ea.mono_ms = [] { return steady_ms(); };
    ea.clock_error_s = clock_error_s;
    for (const auto& [name, tick] : ticks) ea.symbols[name].tick = tick;
    return code == mql::INIT_SUCCEEDED;
  }

  DeskOptions options;
  Desk desk;
  net::BlockingHttpClient client;
  std::map<std::string, mql::MqlTick> ticks;
  std::uint64_t requests = 0, failed = 0;
  int cuts = 0;
  long clock_error_s = 0;
};

LiveDesk::LiveDesk(DeskOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
LiveDesk::~LiveDesk() = default;
bool LiveDesk::start() { return impl_->start(); }
void LiveDesk::kill() { impl_->desk.kill(); }

void LiveDesk::tick() {
  impl_->desk.now_ms = wall_ms();
  if (impl_->desk.ea) impl_->desk.ea->OnTimer();
}

std::vector<std::uint64_t> LiveDesk::trade(const DeskTrade& t) {
  Desk& d = impl_->desk;
  d.now_ms = wall_ms();
  const auto side = [&](bool buy) { return buy ? mql::DEAL_TYPE_BUY : mql::DEAL_TYPE_SELL; };
  const long position = static_cast<long>(++d.last_ticket);
  auto live = t.silent ? std::move(d.ea) : nullptr;  // deal() tells a terminal that is there
  d.deal({.ticket = static_cast<mql::ulong>(position), .position = position, .symbol = t.symbol, .type = side(t.is_long),
          .volume = t.lots * t.parts, .price = t.entry});
  std::vector<std::uint64_t> tickets;
  for (int i = 0; i < t.parts; ++i) {
    d.deal({.position = position, .symbol = t.symbol, .type = side(!t.is_long), .entry = mql::DEAL_ENTRY_OUT,
            .volume = t.lots, .price = t.exit, .profit = t.profit, .swap = t.swap, .commission = t.commission});
    tickets.push_back(d.last_ticket);
  }
  if (live) {
    live->history = d.history;
    d.ea = std::move(live);
  }
  return tickets;
}

void LiveDesk::quote(const std::string& symbol, double bid, double ask) {
  mql::MqlTick& tick = impl_->ticks[symbol];
  tick = {bid, ask, wall_ms() + 7'200'000};
  if (impl_->desk.ea) impl_->desk.ea->symbols[symbol].tick = tick;
}

void LiveDesk::set_url(const std::string& url) {
  impl_->desk.url = url;
  if (impl_->desk.ea) impl_->desk.ea->InpUrl = url;
}
void LiveDesk::set_clock_error_s(long seconds) {
  impl_->clock_error_s = seconds;
  if (impl_->desk.ea) impl_->desk.ea->clock_error_s = seconds;
}
void LiveDesk::cut(int requests) { impl_->cuts = requests; }

LiveDesk::Counts LiveDesk::counts() const {
  const Desk& d = impl_->desk;
  return {d.files_in("out"), d.files_in("done"), d.files_in("dead"), impl_->requests, impl_->failed};
}
bool LiveDesk::active() const { return std::filesystem::exists(impl_->desk.box("state.json")); }
std::vector<std::string> LiveDesk::alerts() const {
  return impl_->desk.ea ? impl_->desk.ea->alerts : std::vector<std::string>();
}

}  // namespace anduin::test
