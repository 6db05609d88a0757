// Which topics one public connection should have, and what became of each: requests of at most ten topics, their
// acknowledgements by req_id, a refused batch taken apart so that only the bad topic is lost, silence asked again.
// Pure state: it returns the frames to send. Thread: one instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace anduin::bybit {

class Subscriptions {
 public:
  static constexpr std::size_t kTopicsPerRequest = 10;       ///< spot refuses more; kept everywhere
  static constexpr std::size_t kCharactersMax = 21'000;      ///< of all topics of one connection
  static constexpr std::int64_t kAnswerMs = 10'000;          ///< an acknowledgement comes within milliseconds
  static constexpr std::int64_t kAskAgainMs = 60'000;        ///< for a topic that was asked twice and never answered

  struct Problem {
    std::string topic, text;
  };
  struct Todo {
    std::vector<std::string> frames;
    std::vector<Problem> problems;
  };

  /// Topics beyond the connection's limit come back as problems and are not wanted.
  Todo add(const std::vector<std::string>& topics, std::int64_t now_ms);
  Todo remove(const std::vector<std::string>& topics);
  /// Unsubscribes and subscribes one topic, for a new snapshot. Nothing for a topic that is not wanted.
  Todo refresh(const std::string& topic, std::int64_t now_ms);

  Todo open(std::int64_t now_ms);
  void close();
  /// An acknowledgement. Some answers carry an empty req_id: then the oldest open request is meant.
  Todo answer(std::string_view req_id, bool success, std::string_view text, std::int64_t now_ms);
  /// Looks for requests without an answer; a topic with data is subscribed whatever was said.
  Todo tick(std::int64_t now_ms, const std::function<bool(const std::string&)>& has_data);

  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool empty() const { return wanted_.empty(); }
  [[nodiscard]] bool wants(const std::string& topic) const { return wanted_.contains(topic); }
  /// Every request was answered.
  [[nodiscard]] bool settled() const { return pending_.empty(); }

 private:
  struct Request {
    std::string id;
    std::vector<std::string> topics;
    std::int64_t deadline_ms;
    int asked;  ///< how often these topics were asked, this time included
  };

  void ask(const std::vector<std::string>& topics, std::size_t per_request, int asked, std::int64_t now_ms, Todo& todo);
  static std::string frame(std::string_view op, std::string_view id, const std::vector<std::string>& topics);

  std::map<std::string, bool> wanted_;  ///< topic -> acknowledged
  std::deque<Request> pending_;
  std::size_t characters_ = 0;
  std::uint64_t next_ = 0;
  bool open_ = false;
};

}  // namespace anduin::bybit
