// How the pool asks: one endpoint, several at once, until two agree. Internal to the pool.
// Thread: the pool's caller; the answers come from the endpoints' threads.
#pragma once
#include <algorithm>

#include "chain/rpc_endpoint.hpp"
#include "chain/rpc_pool.hpp"

namespace anduin::chain {

/// Endpoints that must agree before a negative fact counts (settlement.md section 11).
inline constexpr std::size_t kAgreeMin = 2;

inline Error no_endpoint() {
  return {ErrorKind::kRetryable, "rpc", "no endpoint can be used now: all are paused, stale or banned"};
}

/// One question to several endpoints at once. Shared with their threads: an answer may come after the asker
/// has stopped waiting.
template <class T>
class RpcPool::Round {
 public:
  using Answers = std::vector<std::optional<Result<T>>>;
  using Question = std::function<Result<T>(RpcEndpoint&)>;

  /// `enough` is called with the answers so far, under the round's lock; waits for all when it stays false.
  static Answers ask(const Endpoints& whom, const Question& question,
                     const std::function<bool(const Answers&)>& enough = {}) {
    auto round = std::make_shared<Round>();
    round->answers_.resize(whom.size());
    for (std::size_t i = 0; i < whom.size(); ++i) {
      RpcEndpoint* endpoint = whom[i];
      const bool posted = endpoint->post([round, i, endpoint, question] { round->put(i, question(*endpoint)); });
      if (!posted)
        round->put(i, Error{ErrorKind::kRetryable, endpoint->name(), "too many questions are waiting for it"});
    }
    std::unique_lock lock(round->mutex_);
    round->changed_.wait(lock, [&] {
      return round->count_ == whom.size() || (enough && enough(round->answers_));
    });
    return round->answers_;
  }

 private:
  void put(std::size_t i, Result<T> answer) {
    {
      const std::lock_guard lock(mutex_);
      answers_[i] = std::move(answer);
      ++count_;
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  Answers answers_;
  std::size_t count_ = 0;
};

/// The first that answers, in order of preference.
template <class T, class Question>
Result<T> RpcPool::any(Question question) {
  Error last = no_endpoint();
  for (RpcEndpoint* endpoint : usable()) {
    const auto answers = Round<T>::ask({endpoint}, [question](RpcEndpoint& e) {
      return e.ask<T>([&](Node& n) { return question(n); });
    });
    if (*answers.front()) return **answers.front();
    last = answers.front()->error();
  }
  return last;
}

/// `question` is of an endpoint that has reached `height`. An endpoint that does not offer the question
/// (kBadRequest) is not counted.
template <class T, class Question, class Same>
Result<T> RpcPool::agreed(const char* what, std::optional<std::uint64_t> height, Question question, Same same) {
  const Endpoints whom = usable();
  if (whom.empty()) return no_endpoint();
  const std::size_t need = std::min(kAgreeMin, whom.size());
  std::vector<std::pair<T, std::size_t>> groups;
  std::size_t next = 0, unable = 0, best = 0;
  Error last = no_endpoint();
  const auto required = [&] { return std::max<std::size_t>(1, std::min(need, whom.size() - unable)); };
  while (next < whom.size() && best < required()) {
    const std::size_t count = std::min(required() - best, whom.size() - next);
    const Endpoints part(whom.begin() + static_cast<std::ptrdiff_t>(next),
                         whom.begin() + static_cast<std::ptrdiff_t>(next + count));
    next += count;
    auto answers = Round<T>::ask(part, [question, height](RpcEndpoint& e) -> Result<T> {
      if (height) {
        if (auto there = e.reach(*height); !there) return there.error();
      }
      return question(e);
    });
    for (auto& answer : answers) {
      if (!*answer) {
        last = answer->error();
        unable += last.kind == ErrorKind::kBadRequest ? 1 : 0;
        continue;
      }
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& g) { return same(g.first, **answer); });
      if (group == groups.end()) group = groups.insert(groups.end(), {std::move(**answer), 0});
      best = std::max(best, ++group->second);
    }
  }
  if (unable == whom.size()) return last;
  for (auto& [answer, votes] : groups) {
    if (votes >= required()) return std::move(answer);
  }
  if (groups.size() > 1) return Error{ErrorKind::kRetryable, "rpc", std::string("the endpoints disagree about ") + what};
  return Error{ErrorKind::kRetryable, "rpc",
               std::string("needs two endpoints for ") + what + "; " + last.to_string()};
}

/// A reading that decides something: agreed, at that very block.
template <class T, class Question>
Result<T> RpcPool::decided_at(const char* what, const BlockId& at, Question question) {
  const auto number = height_of(at);
  return agreed<T>(
      what, number,
      [at, number, question](RpcEndpoint& e) { return e.ask_at<T>(at, number, question); },
      [](const T& a, const T& b) { return a == b; });
}

}  // namespace anduin::chain
