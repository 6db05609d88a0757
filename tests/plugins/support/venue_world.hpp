// A plugin under the real runner against its simulated venue: templates are filled, signatures made, frames unpacked
// and limits kept by the host's own code. No sockets; one clock that only the test moves. Thread: one.
// Lifetime: a Live ends before its VenueWorld.
#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_bench.hpp"
#include "venue/runner.hpp"

namespace anduin::test {

class VenueWorld {
 public:
  /// `authority`: the host that clients mean to connect to, where it is signed.
  explicit VenueWorld(const std::string& venue, int accounts = 1, const std::string& authority = {});

  struct LiveOptions {
    bool account = true;
    std::string watermark = {};
    std::int64_t settle_from_ms = 0;  ///< 0: an hour before now
    bool sockets = true;              ///< false: nothing connects, history alone is read
    std::size_t who = 0;
    nlohmann::json options = nlohmann::json::object();
  };
  class Live;
  std::unique_ptr<Live> start(LiveOptions options);
  std::unique_ptr<Live> start() { return start(LiveOptions{}); }

  /// Moves time for everything.
  void advance(std::int64_t ms);
  sim::Json control(const std::string& command, const std::string& arguments = "{}");
  /// A close by the simulator; missing figures are filled in. Its id.
  std::string close(const std::string& arguments);
  /// Grows over all instances, as the host's durable nonces do: microseconds of the first moment and on.
  std::uint64_t next_nonce() { return nonce_ = std::max(nonce_ + 1, static_cast<std::uint64_t>(sim.clock.wall_ms()) * 1'000); }
  /// Every close the venue gave out: "id side pnl fee time", sorted.
  std::vector<std::string> given();

  const std::string venue_name;
  sim::SimBench sim;

 private:
  friend class Live;
  void pump();
  std::vector<Live*> live_;
  SeededRandom random_{7};
  std::uint64_t nonce_ = 0;
};

/// One instance, and what it told.
class VenueWorld::Live final : public venue::RunnerEvents, private venue::Transport {
 public:
  Live(VenueWorld& world, LiveOptions options);
  ~Live() override;

  /// What was emitted, each once, as VenueWorld::given() writes it. A second emission that differs is in `conflicts`.
  [[nodiscard]] std::vector<std::string> told() const;
  void subscribe(const std::vector<std::string>& native) { runner_->set_symbols(native, {}); }
  void query_balance() { runner_->query_balance(); }

  std::map<std::string, venue::CloseReport> closes;  ///< by id, the first of each
  std::vector<std::string> order;                    ///< their ids, as they came
  std::vector<std::string> conflicts, errors, statuses;
  std::vector<Balance> balances;
  std::vector<venue::AccountReport> accounts;
  std::vector<std::pair<std::int64_t, std::int64_t>> proven, unproven;
  std::map<std::string, std::pair<std::string, std::string>> tops;  ///< native -> bid, ask
  std::string watermark;                                             ///< the durable one
  std::size_t prices = 0, emissions = 0;
  bool ready = false;

 private:
  friend class VenueWorld;
  struct Socket {
    sim::ConnId conn;
    std::uint64_t generation;
  };
  struct Timer final : venue::TimerHandle {
    explicit Timer(std::weak_ptr<bool> alive_) : alive(std::move(alive_)) {}
    ~Timer() override {
      if (const auto on = alive.lock()) *on = false;
    }
    std::weak_ptr<bool> alive;
  };
  struct Due {
    std::function<void()> fn;
    std::shared_ptr<bool> on;
  };

  void on_instrument(const venue::InstrumentReport& r) override { names_[r.id] = r.instrument.native; }
  void on_price(const venue::PriceReport& p) override;
  void on_close(venue::CloseReport c) override;
  void on_watermark(std::string cursor, std::uint32_t) override { pending_ = std::move(cursor); }
  void on_balance(const Balance& b) override { balances.push_back(b); }
  void on_status(std::string_view feed, venue::FeedState state, std::string_view detail) override;
  void on_coverage(std::int64_t from_ms, std::int64_t to_ms, bool is_proven, std::string_view reason) override;
  void on_account(const venue::AccountReport& r) override;
  void on_step_end() override;
  void on_error(const Error& e, bool) override { errors.push_back(e.to_string()); }

  void open(venue::SocketRequest request) override;
  bool send(std::uint32_t connection, std::string_view payload, bool binary) override;
  void ping(std::uint32_t) override {}
  void close(std::uint32_t connection) override;
  void request(venue::HttpCall call) override;
  void post(std::function<void()> fn) override { posted_.push_back(std::move(fn)); }
  [[nodiscard]] std::unique_ptr<venue::TimerHandle> after(std::int64_t ms, std::function<void()> fn) override;
  bool pump();

  VenueWorld& world_;
  LiveOptions options_;
  std::map<std::uint32_t, Socket> sockets_;
  std::deque<std::function<void()>> posted_;
  std::multimap<std::uint64_t, Due> timers_;  ///< by monotonic ms
  std::map<std::uint32_t, std::string> names_;
  std::string pending_;
  std::unique_ptr<venue::Runner> runner_;
};

/// "id side pnl fee time" of a close, amounts as plain decimals.
std::string close_text(const std::string& id, const std::string& side, const Decimal& pnl, const Decimal& fee,
                       std::int64_t closed_ms);

}  // namespace anduin::test
