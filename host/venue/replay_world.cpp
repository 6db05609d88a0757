#include "venue/replay_world.hpp"

#include <algorithm>
#include <cmath>

namespace anduin::venue {
namespace {

class ReplayTimer final : public TimerHandle {
 public:
  explicit ReplayTimer(std::shared_ptr<std::function<void()>> fn) : fn_(std::move(fn)) {}
  ~ReplayTimer() override { *fn_ = nullptr; }

 private:
  std::shared_ptr<std::function<void()>> fn_;
};

std::string without_query(const std::string& url) { return url.substr(0, url.find('?')); }

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

UrlParts split_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  UrlParts parts;
  const std::size_t slash = std::min(url.find('/'), url.size());
  parts.host = url.substr(0, slash);
  url.remove_prefix(slash);
  const std::size_t mark = std::min(url.find('?'), url.size());
  parts.path = url.substr(0, mark);
  if (mark < url.size()) parts.query = url.substr(mark + 1);
  return parts;
}

void ReplayWorld::advance(std::optional<double> ts_ms, const std::function<void()>& before_timer) {
  if (!ts_ms) return;
  const auto to = static_cast<std::int64_t>(std::floor(*ts_ms));
  if (!time_seen_) {
    // The recording's first time is where the replay begins: nothing that was armed before has waited.
    time_seen_ = true;
    const std::int64_t shift = to - clock_.wall_ms();
    decltype(timers_) moved;
    for (auto& [due, fn] : timers_) moved.emplace(due + shift, std::move(fn));
    timers_ = std::move(moved);
    clock_.set_wall_ms(to);
    return;
  }
  bool told = false;
  while (!timers_.empty() && timers_.begin()->first <= to) {
    const auto it = timers_.begin();
    const std::int64_t due = it->first;
    const auto fn = it->second;
    timers_.erase(it);
    if (!*fn) continue;
    if (!told) {
      before_timer();  // frames that came before the timer are dealt with before it, whatever the batch size
      told = true;
      if (!*fn) continue;
    }
    if (due > clock_.wall_ms()) clock_.advance_ms(due - clock_.wall_ms());
    const auto call = std::move(*fn);
    *fn = nullptr;
    call();
    drain();
  }
  if (to > clock_.wall_ms()) clock_.advance_ms(to - clock_.wall_ms());
}

void ReplayWorld::drain() {
  while (!posted_.empty()) {
    const auto fn = std::move(posted_.front());
    posted_.pop_front();
    fn();
  }
}

std::unique_ptr<TimerHandle> ReplayWorld::after(std::int64_t ms, std::function<void()> fn) {
  auto shared = std::make_shared<std::function<void()>>(std::move(fn));
  timers_.emplace(clock_.wall_ms() + std::max<std::int64_t>(ms, 0), shared);
  return std::make_unique<ReplayTimer>(std::move(shared));
}

void ReplayWorld::deliver(const Question& q, HttpAnswer answer) {
  post([runner = q.runner, id = q.id, answer = std::move(answer)] {
    if (*runner) (*runner)->on_answer(id, answer);
  });
}

void ReplayWorld::request(Runner*& runner, HttpCall call) {
  Question q{&runner, call.request, std::move(call.method), call.url, split_url(call.url)};
  const auto fits = [&](const Answer& a, bool same_query) {
    return a.parts.host == q.parts.host && a.parts.path == q.parts.path && (!same_query || a.parts.query == q.parts.query);
  };
  for (const bool same_query : {true, false}) {
    const auto it = std::find_if(answers_.begin(), answers_.end(), [&](const Answer& a) { return fits(a, same_query); });
    if (it == answers_.end()) continue;
    deliver(q, std::move(it->answer));
    answers_.erase(it);
    return;
  }
  questions_.push_back(std::move(q));
}

void ReplayWorld::answer(const RecordingLine& line) {
  Answer a;
  a.parts = split_url(line.url);
  a.url = line.url;
  a.answer.status = line.status;
  a.answer.body = line.payload;
  for (const auto& [name, value] : line.headers) a.answer.headers.emplace_back(name, value);
  for (const bool same_query : {true, false}) {
    const auto it = std::find_if(questions_.begin(), questions_.end(), [&](const Question& q) {
      return a.parts.host == q.parts.host && a.parts.path == q.parts.path && (!same_query || a.parts.query == q.parts.query) &&
             (line.method.empty() || line.method == q.method);
    });
    if (it == questions_.end()) continue;
    deliver(*it, std::move(a.answer));
    questions_.erase(it);
    return;
  }
  answers_.push_back(std::move(a));
}

void ReplayWorld::forget(Runner*& runner) {
  questions_.remove_if([&](const Question& q) { return q.runner == &runner; });
  runner = nullptr;
}

std::vector<std::string> ReplayWorld::outstanding() const {
  std::vector<std::string> out;
  for (const Question& q : questions_) out.push_back(q.method + " " + q.url);
  return out;
}
std::vector<std::string> ReplayWorld::unused_answers() const {
  std::vector<std::string> out;
  for (const Answer& a : answers_) out.push_back(a.url);
  return out;
}

void ReplayTransport::open(SocketRequest request) {
  if (!sockets_) return;
  sockets_open_[request.connection] = {request.generation, std::move(request.url), false};
}

void ReplayTransport::ensure_open(std::uint32_t connection) {
  Socket& s = sockets_open_.at(connection);
  if (s.open) return;
  s.open = true;
  runner_->on_open(connection, s.generation);
  world_.drain();
}

std::vector<std::uint32_t> ReplayTransport::route(const std::string& url, bool& foreign) {
  foreign = false;
  std::vector<std::uint32_t> ids;
  if (!sockets_ || !runner_) return ids;
  const std::string plain = without_slash(without_query(url));
  for (const auto& [id, s] : sockets_open_)
    if (s.url == url) ids.push_back(id);
  if (ids.empty())
    for (const auto& [id, s] : sockets_open_)
      if (without_slash(without_query(s.url)) == plain) ids.push_back(id);
  if (ids.empty()) {
    foreign = true;
    for (const auto& [id, s] : sockets_open_) ids.push_back(id);
    // A connection that still waits for a token nobody recorded is there all the same.
    for (const auto& view : runner_->connections())
      if (!sockets_open_.contains(view.id)) ids.push_back(view.id);
  }
  for (const std::uint32_t id : ids)
    if (sockets_open_.contains(id)) ensure_open(id);
  return ids;
}

std::uint64_t ReplayTransport::generation(std::uint32_t connection) const {
  const auto it = sockets_open_.find(connection);
  return it == sockets_open_.end() ? 0 : it->second.generation;
}

}  // namespace anduin::venue
