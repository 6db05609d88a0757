// The outside world of a replay: time that follows the recording, sockets that exist because frames name them,
// requests that recorded answers match. Internal to replay. Thread: one.
#pragma once
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "venue/recording.hpp"
#include "venue/runner.hpp"
#include "venue/transport.hpp"

namespace anduin::venue {

/// scheme://host/path?query in parts; the scheme is dropped.
struct UrlParts {
  std::string host, path, query;
};
UrlParts split_url(std::string_view url);

class ReplayWorld {
 public:
  [[nodiscard]] ManualClock& clock() { return clock_; }

  /// Moves time forward to the line's (never back) and runs the timers that became due. `before_timer` runs before
  /// the first of them.
  void advance(std::optional<double> ts_ms, const std::function<void()>& before_timer);
  /// Runs what was posted, until nothing is.
  void drain();
  void post(std::function<void()> fn) { posted_.push_back(std::move(fn)); }
  std::unique_ptr<TimerHandle> after(std::int64_t ms, std::function<void()> fn);

  /// A runner asks; a waiting answer comes at once (posted).
  void request(Runner*& runner, HttpCall call);
  /// A recorded answer: to the oldest fitting request, or kept until the first such request.
  void answer(const RecordingLine& line);
  void forget(Runner*& runner);

  [[nodiscard]] std::vector<std::string> outstanding() const;
  [[nodiscard]] std::vector<std::string> unused_answers() const;

 private:
  struct Question {
    Runner** runner;
    std::uint32_t id;
    std::string method, url;
    UrlParts parts;
  };
  struct Answer {
    UrlParts parts;
    std::string url;
    HttpAnswer answer;
  };
  void deliver(const Question& q, HttpAnswer answer);

  ManualClock clock_{1'700'000'000'000};  // where the recording says nothing of time
  bool time_seen_ = false;
  std::deque<std::function<void()>> posted_;
  std::multimap<std::int64_t, std::shared_ptr<std::function<void()>>> timers_;  ///< by due wall ms
  std::list<Question> questions_;
  std::list<Answer> answers_;
};

/// The Transport of one runner in the world. `sockets` false: an instance whose connections never open.
class ReplayTransport final : public Transport {
 public:
  ReplayTransport(ReplayWorld& world, bool sockets) : world_(world), sockets_(sockets) {}
  ~ReplayTransport() override { world_.forget(runner_); }
  void attach(Runner* runner) { runner_ = runner; }

  void open(SocketRequest request) override;
  bool send(std::uint32_t, std::string_view, bool) override { return true; }
  void ping(std::uint32_t) override {}
  void close(std::uint32_t connection) override { sockets_open_.erase(connection); }
  void request(HttpCall call) override { world_.request(runner_, std::move(call)); }
  void post(std::function<void()> fn) override { world_.post(std::move(fn)); }
  [[nodiscard]] std::unique_ptr<TimerHandle> after(std::int64_t ms, std::function<void()> fn) override {
    return world_.after(ms, std::move(fn));
  }

  /// The connections a frame of this URL goes to, opened if they were not. `foreign` is set when no connection has
  /// that URL and all of them get it.
  std::vector<std::uint32_t> route(const std::string& url, bool& foreign);
  [[nodiscard]] std::uint64_t generation(std::uint32_t connection) const;

 private:
  struct Socket {
    std::uint64_t generation = 0;
    std::string url;
    bool open = false;
  };
  void ensure_open(std::uint32_t connection);

  ReplayWorld& world_;
  bool sockets_;
  Runner* runner_ = nullptr;
  std::map<std::uint32_t, Socket> sockets_open_;
};

}  // namespace anduin::venue
