#include "subscriptions.hpp"

#include <algorithm>

#include "anduin/json.hpp"

namespace anduin::bybit {

std::string Subscriptions::frame(std::string_view op, std::string_view id, const std::vector<std::string>& topics) {
  std::string out = R"({"req_id":")" + std::string(id) + R"(","op":")" + std::string(op) + R"(","args":[)";
  for (const std::string& topic : topics) {
    if (&topic != &topics.front()) out += ',';
    out += json::quoted(topic);
  }
  return out + "]}";
}

void Subscriptions::ask(const std::vector<std::string>& topics, std::size_t per_request, int asked,
                        std::int64_t now_ms, Todo& todo) {
  for (std::size_t at = 0; at < topics.size(); at += per_request) {
    const auto first = topics.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = topics.begin() + static_cast<std::ptrdiff_t>(std::min(at + per_request, topics.size()));
    Request request{"s" + std::to_string(++next_), {first, last}, now_ms + kAnswerMs, asked};
    todo.frames.push_back(frame("subscribe", request.id, request.topics));
    pending_.push_back(std::move(request));
  }
}

Subscriptions::Todo Subscriptions::add(const std::vector<std::string>& topics, std::int64_t now_ms) {
  Todo todo;
  std::vector<std::string> fresh;
  for (const std::string& topic : topics) {
    if (wanted_.contains(topic)) continue;
    if (characters_ + topic.size() > kCharactersMax) {
      todo.problems.push_back({topic, "not subscribed: one connection takes topics of 21000 characters together"});
      continue;
    }
    characters_ += topic.size();
    wanted_.emplace(topic, false);
    fresh.push_back(topic);
  }
  if (open_) ask(fresh, kTopicsPerRequest, 1, now_ms, todo);
  return todo;
}

Subscriptions::Todo Subscriptions::remove(const std::vector<std::string>& topics) {
  Todo todo;
  std::vector<std::string> gone;
  for (const std::string& topic : topics) {
    if (wanted_.erase(topic) == 0) continue;
    characters_ -= topic.size();
    gone.push_back(topic);
    for (Request& r : pending_) std::erase(r.topics, topic);
  }
  std::erase_if(pending_, [](const Request& r) { return r.topics.empty(); });
  if (!open_) return todo;
  for (std::size_t at = 0; at < gone.size(); at += kTopicsPerRequest) {
    const auto first = gone.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = gone.begin() + static_cast<std::ptrdiff_t>(std::min(at + kTopicsPerRequest, gone.size()));
    todo.frames.push_back(frame("unsubscribe", "u" + std::to_string(++next_), {first, last}));
  }
  return todo;
}

Subscriptions::Todo Subscriptions::refresh(const std::string& topic, std::int64_t now_ms) {
  Todo todo;
  if (!open_ || !wanted_.contains(topic)) return todo;
  todo.frames.push_back(frame("unsubscribe", "u" + std::to_string(++next_), {topic}));
  ask({topic}, 1, 1, now_ms, todo);
  return todo;
}

Subscriptions::Todo Subscriptions::open(std::int64_t now_ms) {
  Todo todo;
  open_ = true;
  pending_.clear();
  std::vector<std::string> all;
  for (auto& [topic, acknowledged] : wanted_) {
    acknowledged = false;
    all.push_back(topic);
  }
  ask(all, kTopicsPerRequest, 1, now_ms, todo);
  return todo;
}

void Subscriptions::close() {
  open_ = false;
  pending_.clear();
}

Subscriptions::Todo Subscriptions::answer(std::string_view req_id, bool success, std::string_view text,
                                          std::int64_t now_ms) {
  Todo todo;
  const auto it = req_id.empty() ? pending_.begin()
                                 : std::find_if(pending_.begin(), pending_.end(),
                                                [&](const Request& r) { return r.id == req_id; });
  if (it == pending_.end()) return todo;  // of an unsubscribe, or of a request that was given up
  const Request request = std::move(*it);
  pending_.erase(it);
  // A topic that is subscribed already fails the whole request like an unknown one, but is what we want.
  const bool there = success || (request.topics.size() == 1 && text.find("already") != std::string_view::npos);
  if (there) {
    for (const std::string& topic : request.topics) wanted_[topic] = true;
  } else if (request.topics.size() == 1) {
    todo.problems.push_back({request.topics.front(), "Bybit refuses the subscription: " + std::string(text)});
  } else {
    ask(request.topics, 1, request.asked, now_ms, todo);
  }
  return todo;
}

Subscriptions::Todo Subscriptions::tick(std::int64_t now_ms, const std::function<bool(const std::string&)>& has_data) {
  Todo todo;
  std::vector<Request> silent;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (it->deadline_ms > now_ms) {
      ++it;
      continue;
    }
    silent.push_back(std::move(*it));
    it = pending_.erase(it);
  }
  for (Request& request : silent) {
    std::erase_if(request.topics, [&](const std::string& t) { return has_data(t); });
    if (request.topics.empty()) continue;
    ask(request.topics, 1, request.asked + 1, now_ms, todo);
    if (request.asked < 2) continue;
    for (const std::string& topic : request.topics) {
      todo.problems.push_back({topic, "Bybit does not answer the subscription, asked " +
                                          std::to_string(request.asked) + " times"});
    }
    for (std::size_t i = pending_.size() - request.topics.size(); i < pending_.size(); ++i)
      pending_[i].deadline_ms = now_ms + kAskAgainMs;
  }
  return todo;
}

}  // namespace anduin::bybit
