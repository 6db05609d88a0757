// Which topics one connection should have, and what became of each: requests of at most so many topics, their
// acknowledgements by request id or by topic, a refused batch taken apart so that only the bad topic is lost, silence
// asked again. Pure state: it returns the requests to send. Thread: one instance's.
#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace anduin {

class Subscriptions {
 public:
  struct Policy {
    std::string_view venue;                ///< for texts: "OKX"
    std::size_t topics_per_request = 10;
    std::size_t topics_max = 0;            ///< of one connection; 0 = no limit known
    std::size_t characters_max = 0;        ///< of all topics of one connection together; 0 = no limit
    std::int64_t answer_ms = 10'000;       ///< an acknowledgement comes within milliseconds
    std::int64_t ask_again_ms = 60'000;    ///< for a topic that was asked twice and never answered
  };
  struct Request {
    bool subscribe;
    std::string id;  ///< letters and digits, unique on the connection
    std::vector<std::string> topics;
  };
  struct Problem {
    std::string topic, text;
  };
  struct Todo {
    std::vector<Request> requests;
    std::vector<Problem> problems;
  };

  explicit Subscriptions(Policy policy) : policy_(policy) {}

  /// Topics beyond the connection's limit come back as problems and are not wanted.
  Todo add(const std::vector<std::string>& topics, std::int64_t now_ms) {
    Todo todo;
    std::vector<std::string> fresh;
    for (const std::string& topic : topics) {
      if (wanted_.contains(topic)) continue;
      if (policy_.characters_max != 0 && characters_ + topic.size() > policy_.characters_max) {
        todo.problems.push_back({topic, "not subscribed: one connection takes topics of " +
                                            std::to_string(policy_.characters_max) + " characters together"});
        continue;
      }
      if (policy_.topics_max != 0 && wanted_.size() >= policy_.topics_max) {
        todo.problems.push_back({topic, "not subscribed: one connection takes " + std::to_string(policy_.topics_max) +
                                            " topics"});
        continue;
      }
      characters_ += topic.size();
      wanted_.emplace(topic, false);
      fresh.push_back(topic);
    }
    if (open_) ask(fresh, policy_.topics_per_request, 1, now_ms, todo);
    return todo;
  }

  Todo remove(const std::vector<std::string>& topics) {
    Todo todo;
    std::vector<std::string> gone;
    for (const std::string& topic : topics) {
      if (wanted_.erase(topic) == 0) continue;
      characters_ -= topic.size();
      gone.push_back(topic);
      for (Pending& p : pending_) std::erase(p.topics, topic);
    }
    std::erase_if(pending_, [](const Pending& p) { return p.topics.empty(); });
    if (open_)
      each_batch(gone, policy_.topics_per_request, [&](std::vector<std::string> batch) {
        todo.requests.push_back({false, "u" + std::to_string(++next_), std::move(batch)});
      });
    return todo;
  }

  /// Unsubscribes and subscribes one topic, for a new snapshot. Nothing for a topic that is not wanted.
  Todo refresh(const std::string& topic, std::int64_t now_ms) {
    Todo todo;
    if (!open_ || !wanted_.contains(topic)) return todo;
    todo.requests.push_back({false, "u" + std::to_string(++next_), {topic}});
    ask({topic}, 1, 1, now_ms, todo);
    return todo;
  }

  Todo open(std::int64_t now_ms) {
    Todo todo;
    open_ = true;
    pending_.clear();
    std::vector<std::string> all;
    for (auto& [topic, acknowledged] : wanted_) {
      acknowledged = false;
      all.push_back(topic);
    }
    ask(all, policy_.topics_per_request, 1, now_ms, todo);
    return todo;
  }
  void close() {
    open_ = false;
    pending_.clear();
  }

  /// The answer to a whole request. An empty id: the oldest open request is meant.
  Todo answer(std::string_view id, bool success, std::string_view text, std::int64_t now_ms) {
    Todo todo;
    const auto it = id.empty() ? pending_.begin()
                               : std::find_if(pending_.begin(), pending_.end(),
                                              [&](const Pending& p) { return p.id == id; });
    if (it == pending_.end()) return todo;  // of an unsubscribe, or of a request that was given up
    const Pending p = std::move(*it);
    pending_.erase(it);
    if (success || (p.topics.size() == 1 && is_subscribed_already(text))) {
      for (const std::string& topic : p.topics) wanted_[topic] = true;
    } else if (p.topics.size() == 1) {
      todo.problems.push_back({p.topics.front(), refusal(text)});
    } else {
      ask(p.topics, 1, p.asked, now_ms, todo);
    }
    return todo;
  }
  /// The answer about one topic, where the venue acknowledges topics and not requests.
  Todo answer_topic(const std::string& topic, bool success, std::string_view text) {
    Todo todo;
    for (Pending& p : pending_) std::erase(p.topics, topic);
    std::erase_if(pending_, [](const Pending& p) { return p.topics.empty(); });
    const auto it = wanted_.find(topic);
    if (it == wanted_.end()) return todo;
    it->second = success || is_subscribed_already(text);
    if (!it->second) todo.problems.push_back({topic, refusal(text)});
    return todo;
  }

  /// Looks for requests without an answer. `has_data(topic)`: it flows, so it is subscribed whatever was said.
  template <class HasData>
  Todo tick(std::int64_t now_ms, HasData&& has_data) {
    Todo todo;
    std::vector<Pending> silent;
    for (auto it = pending_.begin(); it != pending_.end();) {
      if (it->deadline_ms > now_ms) {
        ++it;
        continue;
      }
      silent.push_back(std::move(*it));
      it = pending_.erase(it);
    }
    for (Pending& p : silent) {
      std::erase_if(p.topics, [&](const std::string& t) {
        const bool flows = has_data(t);
        if (flows) wanted_[t] = true;
        return flows;
      });
      if (p.topics.empty()) continue;
      ask(p.topics, 1, p.asked + 1, now_ms, todo);
      if (p.asked < 2) continue;
      for (const std::string& topic : p.topics) {
        todo.problems.push_back({topic, std::string(policy_.venue) + " does not answer the subscription, asked " +
                                            std::to_string(p.asked) + " times"});
      }
      for (std::size_t i = pending_.size() - p.topics.size(); i < pending_.size(); ++i)
        pending_[i].deadline_ms = now_ms + policy_.ask_again_ms;
    }
    return todo;
  }

  /// Asks once more for what was refused: a contract may have been listed, or opened, since.
  Todo ask_refused(std::int64_t now_ms) {
    Todo todo;
    std::vector<std::string> refused;
    for (const auto& [topic, acknowledged] : wanted_) {
      const bool asked = std::any_of(pending_.begin(), pending_.end(), [&](const Pending& p) {
        return std::find(p.topics.begin(), p.topics.end(), topic) != p.topics.end();
      });
      if (!acknowledged && !asked) refused.push_back(topic);
    }
    if (open_) ask(refused, 1, 1, now_ms, todo);
    return todo;
  }

  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool empty() const { return wanted_.empty(); }
  [[nodiscard]] bool wants(const std::string& topic) const { return wanted_.contains(topic); }
  /// Every request was answered.
  [[nodiscard]] bool settled() const { return pending_.empty(); }
  [[nodiscard]] std::vector<std::string> topics() const {
    std::vector<std::string> out;
    for (const auto& [topic, acknowledged] : wanted_) out.push_back(topic);
    return out;
  }
  [[nodiscard]] std::int64_t answer_ms() const { return policy_.answer_ms; }

 private:
  struct Pending {
    std::string id;
    std::vector<std::string> topics;
    std::int64_t deadline_ms;
    int asked;  ///< how often these topics were asked, this time included
  };

  template <class Fn>
  static void each_batch(const std::vector<std::string>& topics, std::size_t size, Fn&& fn) {
    for (std::size_t at = 0; at < topics.size(); at += size) {
      const auto first = topics.begin() + static_cast<std::ptrdiff_t>(at);
      fn(std::vector<std::string>(first, topics.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, topics.size()))));
    }
  }
  void ask(const std::vector<std::string>& topics, std::size_t per_request, int asked, std::int64_t now_ms, Todo& todo) {
    each_batch(topics, per_request, [&](std::vector<std::string> batch) {
      const std::string id = "s" + std::to_string(++next_);
      todo.requests.push_back({true, id, batch});
      pending_.push_back({id, std::move(batch), now_ms + policy_.answer_ms, asked});
    });
  }
  /// Being there already fails a request like an unknown topic does, but is what we want.
  static bool is_subscribed_already(std::string_view text) {
    return text.find("already") != std::string_view::npos || text.find("Already") != std::string_view::npos;
  }
  [[nodiscard]] std::string refusal(std::string_view text) const {
    return std::string(policy_.venue) + " refuses the subscription: " + std::string(text);
  }

  Policy policy_;
  std::map<std::string, bool> wanted_;  ///< topic -> acknowledged
  std::deque<Pending> pending_;
  std::size_t characters_ = 0;
  std::uint64_t next_ = 0;
  bool open_ = false;
};

}  // namespace anduin
