// The runner with the real Bybit plugin on a scripted transport: what keeps a connection alive, what brings it back,
// what never leaves. Time stands still until a test moves it.
#include "venue/runner.hpp"

#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "plugin/config_schema.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::venue;

namespace {

struct Script final : Transport {
  struct Pending {
    std::int64_t due_ms;
    std::function<void()> fn;
  };
  struct Handle final : TimerHandle {
    std::shared_ptr<Pending> pending;
    ~Handle() override { pending->fn = nullptr; }
  };
  explicit Script(ManualClock& c) : clock(c) {}

  void open(SocketRequest r) override { opened.push_back(std::move(r)); }
  bool send(std::uint32_t, std::string_view text, bool) override {
    sent.emplace_back(text);
    return true;
  }
  void ping(std::uint32_t) override {}
  void close(std::uint32_t connection) override { closed.push_back(connection); }
  void request(HttpCall c) override { requests.push_back(std::move(c)); }
  void post(std::function<void()> fn) override { posted.push_back(std::move(fn)); }
  std::unique_ptr<TimerHandle> after(std::int64_t ms, std::function<void()> fn) override {
    auto handle = std::make_unique<Handle>();
    handle->pending = std::make_shared<Pending>(Pending{clock.wall_ms() + ms, std::move(fn)});
    timers.push_back(handle->pending);
    return handle;
  }
  void drain() {
    while (!posted.empty()) {
      const auto fn = std::move(posted.front());
      posted.pop_front();
      fn();
    }
  }
  /// Moves time in steps and runs what becomes due.
  void pass(std::int64_t ms) {
    for (const std::int64_t until = clock.wall_ms() + ms; clock.wall_ms() < until;) {
      clock.advance_ms(50);
      for (std::size_t i = 0; i < timers.size(); ++i) {
        const auto t = timers[i];
        if (!t->fn || t->due_ms > clock.wall_ms()) continue;
        const auto fn = std::move(t->fn);
        t->fn = nullptr;
        fn();
        drain();
      }
      std::erase_if(timers, [](const auto& t) { return !t->fn; });
      drain();
    }
  }

  ManualClock& clock;
  std::vector<SocketRequest> opened;
  std::vector<std::string> sent;
  std::vector<std::uint32_t> closed;
  std::vector<HttpCall> requests;
  std::deque<std::function<void()>> posted;
  std::vector<std::shared_ptr<Pending>> timers;
};

struct Events final : RunnerEvents {
  std::size_t prices = 0, withdrawn = 0, lost = 0, steps = 0;
  std::vector<std::string> errors, reasons;
  void on_price(const PriceReport&) override { ++prices; }
  void on_withdrawn(std::uint32_t, bool) override { ++withdrawn; }
  void on_step_end() override { ++steps; }
  void on_error(const Error& e, bool) override { errors.push_back(e.to_string()); }
  void on_connection(std::uint32_t, bool open, std::string_view why) override {
    if (open) return;
    ++lost;
    reasons.emplace_back(why);
  }
};

struct Bench {
  explicit Bench(bool account = false, std::shared_ptr<HostBudgets> budgets = nullptr) {
    auto library = plugin::Library::load(std::string(PLUGIN_DIR) + "/anduin-bybit.so");
    REQUIRE(library);
    RunnerOptions o;
    o.label = "bybit";
    o.feeds = {"prices", "instruments"};
    o.outbound.budgets = std::move(budgets);
    o.options = plugin::complete_options((*library)->manifest(), {{"market", "linear"}}).value();
    if (account) {
      o.account = "alice";
      o.outbound.account = true;
      o.outbound.credentials = std::make_shared<Credentials>(std::map<std::string, std::string>{{"key", "key-of-alice"}, {"secret", "secret-of-alice"}});
    }
    auto made = Runner::start(*library, std::move(o), transport, clock, random, events);
    REQUIRE(made);
    runner = std::move(*made);
    transport.drain();
  }
  ~Bench() { runner.reset(); }

  void open_last() {
    runner->on_open(transport.opened.back().connection, transport.opened.back().generation);
    transport.drain();
  }
  void frame(std::string text, std::uint64_t generation = 0) {
    const std::size_t size = text.size();
    text.append(64, '\0');
    const FrameBytes f{reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(text.size())};
    const auto& s = transport.opened.back();
    runner->on_frames(s.connection, generation == 0 ? s.generation : generation, {&f, 1});
    transport.drain();
  }
  void price() {
    frame(R"({"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{"s":"BTCUSDT","b":[["100.1","1"]],"a":[["100.2","1"]],"u":1,"seq":1},"cts":1})");
  }

  ManualClock clock;
  SeededRandom random{1};
  Script transport{clock};
  Events events;
  std::unique_ptr<Runner> runner;
};

}  // namespace

TEST_CASE("runner: pongs do not keep a silent connection alive, prices do (lessons 27, 28)") {
  Bench b;
  b.runner->set_symbols({"BTCUSDT"}, {});
  REQUIRE(b.transport.opened.size() == 1);
  b.open_last();
  b.price();
  CHECK(b.events.prices == 1);
  for (int i = 0; i < 30; ++i) {  // data every second: it stays
    b.transport.pass(1'000);
    b.price();
  }
  CHECK(b.events.lost == 0);
  for (int i = 0; i < 60 && b.events.lost == 0; ++i) {  // half-open: only pongs come
    b.transport.pass(1'000);
    if (b.events.lost == 0) b.frame(R"({"success":true,"ret_msg":"pong","op":"ping"})");
  }
  REQUIRE(b.events.lost == 1);
  CHECK(b.events.reasons.back().find("silent") != std::string::npos);
  CHECK(b.events.withdrawn >= 1);  // its price left the aggregate at once
  CHECK(b.transport.closed.size() == 1);
}

TEST_CASE("runner: a lost connection is dialled again for ever, with growing capped pauses, and subscribes again") {
  Bench b;
  b.runner->set_symbols({"BTCUSDT"}, {});
  b.open_last();
  const auto subscriptions = [&] {
    return std::count_if(b.transport.sent.begin(), b.transport.sent.end(), [](const std::string& s) { return s.find("orderbook.1.BTCUSDT") != std::string::npos; });
  };
  CHECK(subscriptions() == 1);
  std::size_t dials = 1;
  for (int i = 0; i < 25; ++i) {  // far more than any list of attempts
    const auto s = b.transport.opened.back();
    b.runner->on_closed(s.connection, s.generation, 1006, "cut");
    b.transport.drain();
    b.transport.pass(31'000);
    REQUIRE(b.transport.opened.size() == dials + 1);
    ++dials;
  }
  b.open_last();
  CHECK(subscriptions() == 2);
  b.price();
  CHECK(b.events.prices == 1);
}

TEST_CASE("runner: what an old socket still says is not heard") {
  Bench b;
  b.runner->set_symbols({"BTCUSDT"}, {});
  b.open_last();
  const std::uint64_t old = b.transport.opened.back().generation;
  const auto s = b.transport.opened.back();
  b.runner->on_closed(s.connection, s.generation, 1006, "cut");
  b.transport.drain();
  b.transport.pass(31'000);
  b.open_last();
  b.frame(R"({"topic":"orderbook.1.BTCUSDT","ts":1,"type":"snapshot","data":{"s":"BTCUSDT","b":[["1","1"]],"a":[["2","1"]],"u":1,"seq":1},"cts":1})", old);
  CHECK(b.events.prices == 0);
  b.runner->on_closed(s.connection, old, 1006, "again");
  CHECK(b.events.lost == 1);
}

TEST_CASE("runner: an account's socket waits for the verdict on its key, and closes when it is withdrawn") {
  Bench b(true);
  b.transport.pass(5'000);
  CHECK(b.transport.opened.empty());
  b.runner->set_account_verdict(true, "");
  b.transport.drain();
  REQUIRE(b.transport.opened.size() == 1);
  b.open_last();
  // The login carries a time: the plugin waits a moment for the venue's clock, which nobody answers here.
  for (int i = 0; i < 40 && b.transport.sent.empty(); ++i) b.transport.pass(500);
  REQUIRE_FALSE(b.transport.sent.empty());
  CHECK(b.transport.sent.front().find("\"auth\"") != std::string::npos);
  CHECK(b.transport.sent.front().find("key-of-alice") != std::string::npos);
  CHECK(b.transport.sent.front().find("secret-of-alice") == std::string::npos);
  b.runner->set_account_verdict(false, "the key can withdraw");
  CHECK(b.transport.closed.size() == 1);
  b.transport.pass(120'000);
  CHECK(b.transport.opened.size() == 1);  // not dialled again
}

TEST_CASE("runner: a malformed frame is reported, the next one is a price (lessons 38)") {
  Bench b;
  b.runner->set_symbols({"BTCUSDT"}, {});
  b.open_last();
  b.frame(R"({"topic":"orderbook.1.BTCUSDT","type":"snapshot","data":{"s":"BTCUSDT","b":[["100.1)");
  CHECK(b.events.errors.size() == 1);
  b.price();
  CHECK(b.events.prices == 1);
  CHECK_FALSE(b.runner->poisoned());
}

TEST_CASE("runner: connecting keeps to the budget of the address, and the plugin is asked anew when there is room") {
  const auto budgets = std::make_shared<HostBudgets>();
  ManualClock clock;
  const auto now = static_cast<std::int64_t>(clock.mono_ns() / 1'000'000);
  REQUIRE(budgets->take("bybit/connect", 500, 300'000, 500, now).ready);  // other accounts of this host
  Bench b(false, budgets);
  CHECK(b.transport.opened.empty());
  b.transport.pass(299'000);
  CHECK(b.transport.opened.empty());
  b.transport.pass(2'000);
  CHECK(b.transport.opened.size() == 1);
}

TEST_CASE("lessons 37: calls with nonces leave one at a time, in the order of their nonces") {
  auto library = plugin::Library::load(std::string(PLUGIN_DIR) + "/anduin-kraken.so");
  REQUIRE(library);
  ManualClock clock;
  SeededRandom random{1};
  Script transport{clock};
  Events events;
  RunnerOptions o;
  o.label = "kraken/alice";
  o.account = "alice";
  o.feeds = {"positions", "balance"};
  o.options = plugin::complete_options((*library)->manifest(), {{"market", "spot"}}).value();
  o.outbound.account = true;
  o.outbound.credentials = std::make_shared<Credentials>(std::map<std::string, std::string>{{"key", "key-of-alice"}, {"secret", "c2VjcmV0LW9mLWFsaWNl"}});
  std::uint64_t nonce = 1'000;
  o.outbound.next_nonce = [&nonce]() -> Result<std::string> { return std::to_string(++nonce); };
  auto runner = Runner::start(*library, std::move(o), transport, clock, random, events);
  REQUIRE(runner);
  transport.drain();
  for (int i = 0; i < 100; ++i) (*runner)->query_balance();  // on top of what the account asks at its start
  std::uint64_t last = 0;
  std::size_t with_nonce = 0;
  for (std::size_t at = 0; at < transport.requests.size() && with_nonce < 5; ++at) {
    const HttpCall call = transport.requests[at];
    const std::size_t found = call.body.find("nonce=");
    if (found != std::string::npos) {
      const std::uint64_t n = std::stoull(call.body.substr(found + 6));
      CHECK(n > last);
      last = n;
      ++with_nonce;
      const auto later = std::count_if(transport.requests.begin() + static_cast<std::ptrdiff_t>(at) + 1, transport.requests.end(),
                                       [](const HttpCall& c) { return c.body.find("nonce=") != std::string::npos; });
      CHECK(later == 0);  // the next one waits for this answer
    }
    HttpAnswer answer;
    answer.status = 200;
    answer.body = R"({"error":["EService:Busy"]})";
    (*runner)->on_answer(call.request, answer);
    transport.drain();
    transport.pass(2'000);
  }
  CHECK(with_nonce == 5);
}
