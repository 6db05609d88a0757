// Runs one plugin instance: gives it inputs, carries out its records, keeps its connections alive for ever.
// Sans-I/O: sockets, requests and timers come through Transport, time through Clock. Replay and live use this code.
// Thread: everything on one loop. Lifetime: transport, clock, random and events outlive the runner; it is destroyed on
// its loop.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "plugin/instance.hpp"
#include "venue/backoff.hpp"
#include "venue/clock_skew.hpp"
#include "venue/inflate.hpp"
#include "venue/outbound.hpp"
#include "venue/runner_events.hpp"
#include "venue/transport.hpp"

namespace anduin::venue {

struct RunnerOptions {
  std::string label;              ///< for logs: "bybit", "bybit/alice"
  std::string account;            ///< the pipeline's account name; empty = public instance
  std::vector<std::string> feeds; ///< told to the plugin
  nlohmann::json options = nlohmann::json::object();  ///< checked, defaults filled in
  OutboundOptions outbound;
  std::int64_t settle_from_ms = 0;
  std::string watermark;          ///< last durable cursor
  bool live = true;               ///< false in replay: no liveness, no pings, no back-off, no account gate
};

class Runner final : private plugin::RecordSink {
 public:
  /// Starts the instance: START is its first input. Errors: the plugin refuses its options.
  static Result<std::unique_ptr<Runner>> start(std::shared_ptr<const plugin::Library> library, RunnerOptions options,
                                               Transport& transport, Clock& clock, Random& random,
                                               RunnerEvents& events);
  ~Runner() override;

  /// Native names to subscribe and unsubscribe.
  void set_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed);
  void query_balance();
  /// The durable watermark after a commit; `failed` says that the plugin must emit again from it.
  void set_watermark(std::string watermark, bool failed);
  /// What the host decided about the key; private connections wait for it in live mode.
  void set_account_verdict(bool allowed, const std::string& why);

  /// A verified request of the manifest's `inbound` endpoint; on_reply answers it, now or after close_result().
  void inbound(std::uint32_t id, std::string_view body, const std::string& path, const std::string& identity);
  /// The ledger's word on a close that came from an inbound request.
  void close_result(const CloseResult& result);

  // -- called by the transport's owner ----------------------------------------------------------------------------
  void on_open(std::uint32_t connection, std::uint64_t generation);
  /// Frames of one socket read, in order: one step.
  void on_frames(std::uint32_t connection, std::uint64_t generation, std::span<const FrameBytes> frames);
  void on_closed(std::uint32_t connection, std::uint64_t generation, int code, const std::string& reason);
  void on_pong(std::uint32_t connection);
  void on_answer(std::uint32_t request, const HttpAnswer& answer);

  [[nodiscard]] const plugin::Manifest& manifest() const { return library_->manifest(); }
  [[nodiscard]] bool poisoned() const { return !instance_ || instance_->poisoned(); }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] const ClockSkew& skew() const { return skew_; }

  struct ConnectionView {
    std::uint32_t id;
    std::string url;
    bool open;
    std::uint64_t last_alive_mono_ns;
    std::uint64_t losses;
  };
  [[nodiscard]] std::vector<ConnectionView> connections() const;

 private:
  struct Connection {
    Connection(Clock& clock, Random& random) : backoff(clock, random) {}
    const plugin::Endpoint* endpoint = nullptr;  ///< of the manifest, once opened
    std::string url;
    std::uint64_t generation = 0;
    enum class State : std::uint8_t { kIdle, kAsked, kDialing, kOpen } state = State::kIdle;
    Backoff backoff;
    std::uint64_t opened_mono_ns = 0, last_alive_mono_ns = 0, losses = 0;
    std::unique_ptr<TimerHandle> redial, watchdog, pinger;
    std::shared_ptr<Inflate> inflate;  ///< of compressed frames, where the plugin asked for it
  };
  struct Pending {  ///< a SEND or HTTP record waiting for its rate class
    bool is_http = false;
    std::vector<std::uint64_t> record;  ///< the bytes, aligned
    std::uint64_t generation = 0;       ///< of the connection, for sends
  };
  struct InFlight {
    std::string rate_class;
    std::uint64_t sent_mono_ns = 0, received_mono_ns = 0;
  };

  Runner(std::shared_ptr<const plugin::Library> library, RunnerOptions options, Transport& transport,
         Clock& clock, Random& random, RunnerEvents& events);

  Result<void> create();
  void restart_later(const std::string& why);
  and_in input(std::uint16_t kind, std::uint32_t id, std::int32_t code) const;
  void feed(and_in in, std::string_view data, const nlohmann::json& meta);
  void step(std::span<const and_in* const> inputs);
  [[nodiscard]] nlohmann::json resume_meta() const;
  void clear_connections(const std::string& why);

  void on_record(const and_rec& record) override;
  void on_price(const and_rec_price& r);
  void on_instrument(const and_rec_instrument& r);
  void on_close_pos(const and_rec_close_pos& r);
  void on_account(const and_rec_account& r);
  void on_clock(const and_rec_clock& r);
  void on_funding(const and_rec_funding& r);
  void on_timer_record(const and_rec_timer& r);
  void on_dial(std::uint32_t id);
  void on_open_record(const and_rec_open& r);
  void on_close_record(const and_rec_close& r);
  void enqueue(bool is_http, const and_rec& r, std::string_view rate_class);
  void drain(const std::string& rate_class);
  void send_now(const and_rec_send& r);
  void request_now(const and_rec_http& r);
  void refuse_request(std::uint32_t id, const Error& why);

  std::span<const FrameBytes> decompressed(Connection& c, std::span<const FrameBytes> frames);
  void ask_dial(std::uint32_t id);
  bool may_connect(std::uint32_t id, Connection& c);
  void lost(std::uint32_t id, int code, const std::string& reason, bool tell);
  void watch(std::uint32_t id);
  void start_ping(std::uint32_t id);
  void withdraw_prices(std::uint32_t connection);
  [[nodiscard]] const and_in* input_of(std::uint64_t seq) const;
  [[nodiscard]] std::string evidence_of(std::uint64_t seq) const;
  void later(std::function<void()> fn);

  std::shared_ptr<const plugin::Library> library_;
  RunnerOptions options_;
  Transport& transport_;
  Clock& clock_;
  Random& random_;
  RunnerEvents& events_;
  std::unique_ptr<Outbound> outbound_;
  ClockSkew skew_;
  std::unique_ptr<plugin::Instance> instance_;
  Backoff restart_backoff_;
  std::unique_ptr<TimerHandle> restart_;

  std::uint64_t seq_ = 0, generation_ = 0, frames_ = 0;
  std::uint64_t wall_read_mono_ns_ = 0;  ///< when wall_ms_ was read: the hot path reads it at most every 0.2 ms
  std::int64_t wall_ms_ = 0;
  std::map<std::uint32_t, Connection> connections_;
  std::uint64_t connections_forgotten_ = 0;  ///< as long as it stands still, a reference into the map is good
  std::unordered_map<std::uint32_t, std::unique_ptr<TimerHandle>> timers_;
  std::unordered_map<std::uint32_t, InFlight> requests_;
  std::unordered_map<std::string, std::deque<Pending>> waiting_;
  std::unordered_map<std::string, std::unique_ptr<TimerHandle>> wake_;
  std::vector<std::uint32_t> instrument_connection_;  ///< by instrument id: who quoted it last
  std::vector<std::string> wanted_;

  // The step under way.
  std::span<const and_in* const> inputs_;
  std::uint32_t current_connection_ = 0;
  bool data_seen_ = false;
  std::vector<and_in> batch_;
  std::vector<const and_in*> batch_pointers_;
  bool account_allowed_ = false, account_refused_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< posted calls hold it weakly
};

}  // namespace anduin::venue
