// One MetaTrader account instance on the host's own runner, a real ledger behind it, time that only the test moves.
// Thread: one.
#pragma once
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/account_feed.hpp"
#include "plugin/config_schema.hpp"
#include "settle/ledger.hpp"
#include "support/result.hpp"
#include "venue/runner.hpp"

namespace anduin::test {

class MetaTraderBench final : public venue::RunnerEvents, public venue::Transport {
 public:
  struct Reply {
    int status = 0;
    nlohmann::json body;
  };

  MetaTraderBench(nlohmann::json account_options, std::int64_t now_ms, std::int64_t settle_from_ms = 1'420'070'400'000)
      : clock(now_ms) {
    std::string pattern = (std::filesystem::temp_directory_path() / "anduin-mt-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    dir_ = pattern;
    auto library = plugin::Library::load(std::string(ANDUIN_BINARY_DIR) + "/plugins/anduin-metatrader.so");
    if (!library) FAIL(library.error().to_string());
    const auto problems = plugin::check_account_options((*library)->manifest(), account_options);
    if (!problems.empty()) FAIL(problems.front().name + " " + problems.front().text);
    nlohmann::json options = plugin::complete_options((*library)->manifest(), nlohmann::json::object()).value();
    options.update(account_options);
    settle::LedgerOptions ledger_options;
    ledger_options.path = dir_ / "anduin.db";
    ledger_options.synchronous = false;
    auto opened = settle::Ledger::open(ledger_options, clock);
    if (!opened) FAIL(opened.error().to_string());
    ledger = std::move(*opened);
    settle::AccountTerms terms;
    terms.name = "mt";
    terms.venue = "MetaTrader";
    terms.vault = {"main", 31337, {}, true};
    terms.settle_from_ms = settle_from_ms;
    REQUIRE(ledger->register_account(terms));
    venue::RunnerOptions o;
    o.label = "metatrader/mt";
    o.account = "mt";
    o.feeds = {"positions", "balance"};
    o.options = options;
    o.outbound.account = true;
    o.settle_from_ms = settle_from_ms;
    auto made = venue::Runner::start(*library, std::move(o), *this, clock, random_, *this);
    if (!made) FAIL(made.error().to_string());
    runner = std::move(*made);
    drain();
  }
  ~MetaTraderBench() override {
    runner.reset();
    ledger.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  /// Posts a verified body and commits what it reports, as the host does. status 0: no answer.
  Reply post(const std::string& body) {
    reply_ = {};
    closes.clear();
    prices.clear();
    runner->inbound(++last_id_, body, "/webhook/metatrader", "ea_ic01");
    drain();
    if (commits) commit();
    return reply_;
  }
  Reply post(const nlohmann::json& body) { return post(body.dump()); }
  void commit() {
    for (const venue::CloseReport& c : closes) {
      auto out = ledger->commit_batch({"mt", {c.position}, {}, {}});
      if (!out) FAIL(out.error().to_string());
      runner->close_result(pipeline::close_result(c.ref_seq, c.position.id, out->front()));
      drain();
    }
  }
  void advance(std::int64_t ms) {
    for (const std::int64_t until = clock.wall_ms() + ms; clock.wall_ms() < until;) {
      clock.advance_ms(std::min<std::int64_t>(500, until - clock.wall_ms()));
      for (std::size_t i = 0; i < timers_.size(); ++i) {
        const auto t = timers_[i];
        if (!t->fn || t->due_ms > clock.wall_ms()) continue;
        const auto fn = std::move(t->fn);
        t->fn = nullptr;
        fn();
        drain();
      }
      std::erase_if(timers_, [](const auto& t) { return !t->fn; });
    }
  }

  ManualClock clock;
  std::unique_ptr<settle::Ledger> ledger;
  std::unique_ptr<venue::Runner> runner;
  bool commits = true;
  std::vector<venue::CloseReport> closes;  ///< of the last post
  struct Price {
    std::string symbol, bid, ask;
    std::int64_t at_ms;
  };
  std::vector<Price> prices;
  std::vector<Balance> balances;
  std::vector<std::string> statuses, errors, uids;  ///< "ready", "resync: why"

 private:
  struct Timer {
    std::int64_t due_ms;
    std::function<void()> fn;
  };
  struct Handle final : venue::TimerHandle {
    std::shared_ptr<Timer> timer;
    ~Handle() override { timer->fn = nullptr; }
  };

  void drain() {
    while (!posted_.empty()) {
      const auto fn = std::move(posted_.front());
      posted_.pop_front();
      fn();
    }
  }
  // Transport: nothing is dialled.
  void open(venue::SocketRequest) override { FAIL("the plugin dials"); }
  bool send(std::uint32_t, std::string_view, bool) override { return false; }
  void ping(std::uint32_t) override {}
  void close(std::uint32_t) override {}
  void request(venue::HttpCall) override { FAIL("the plugin sends a request"); }
  void post(std::function<void()> fn) override { posted_.push_back(std::move(fn)); }
  std::unique_ptr<venue::TimerHandle> after(std::int64_t ms, std::function<void()> fn) override {
    auto handle = std::make_unique<Handle>();
    handle->timer = std::make_shared<Timer>(Timer{clock.wall_ms() + ms, std::move(fn)});
    timers_.push_back(handle->timer);
    return handle;
  }
  // RunnerEvents
  void on_reply(std::uint32_t id, int status, std::string_view, std::string_view body) override {
    if (id == last_id_) reply_ = {status, nlohmann::json::parse(body, nullptr, false)};
  }
  void on_close(venue::CloseReport c) override { closes.push_back(std::move(c)); }
  void on_instrument(const venue::InstrumentReport& r) override { natives_[r.id] = r.instrument.native; }
  void on_price(const venue::PriceReport& p) override {
    prices.push_back({natives_[p.instrument], p.bid.to_string(), p.ask.to_string(), p.venue_ms});
  }
  void on_balance(const Balance& b) override { balances.push_back(b); }
  void on_status(std::string_view, venue::FeedState state, std::string_view detail) override {
    statuses.push_back(state == venue::FeedState::kReady ? "ready" : "resync: " + std::string(detail));
  }
  void on_error(const Error& e, bool) override { errors.push_back(e.to_string()); }
  void on_account(const venue::AccountReport& r) override { uids.push_back(r.uid); }

  std::filesystem::path dir_;
  SeededRandom random_{1};
  std::deque<std::function<void()>> posted_;
  std::vector<std::shared_ptr<Timer>> timers_;
  std::map<std::uint32_t, std::string> natives_;
  std::uint32_t last_id_ = 0;
  Reply reply_;
};

}  // namespace anduin::test
