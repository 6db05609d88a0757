// One endpoint of the pool: its node, its health, and, when there are several, a thread that asks it.
// Internal to the pool. Thread: everything but the node itself from any. Lifetime: the destructor waits for
// the question under way; the clock outlives it.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "chain/rpc_pool.hpp"

namespace anduin::chain {

class RpcEndpoint {
 public:
  /// Questions waiting for one endpoint: a hanging one must not collect them for ever; the sends of a full
  /// pipeline fit. Beyond it a question counts as unanswered.
  static constexpr std::size_t kQueueMax = 64;

  RpcEndpoint(RpcPool::Member member, std::uint64_t chain_id, Clock& clock, bool threaded);
  ~RpcEndpoint();

  /// Runs `job` on the endpoint's thread, or here and now without one. False: the queue is full.
  bool post(std::function<void()> job);
  [[nodiscard]] bool busy() const;

  /// Within a job: chain id first, then the question; both count for the health.
  template <class T>
  Result<T> ask(const std::function<Result<T>(Node&)>& question) {
    if (auto same = check_chain(); !same) return same.error();
    return measured<T>(question);
  }
  /// Within a job: the chain id once more.
  Result<bool> check_again();
  /// Within a job: the endpoint's head is at least `height` (asks when it is not known to be). kRetryable
  /// otherwise.
  Result<void> reach(std::uint64_t height);
  /// Within a job, by hash where the endpoint offers EIP-1898, else by its number, whose hash is compared.
  template <class T>
  Result<T> ask_at(const BlockId& at, std::optional<std::uint64_t> number,
                   const std::function<Result<T>(Node&, const BlockId&)>& question) {
    const auto* hash = std::get_if<Hash>(&at);
    const bool by_hash = hash != nullptr && !without_eip1898_;
    if (by_hash || hash == nullptr) {
      const Result<T> answer = ask<T>([&](Node& n) { return question(n, at); });
      const bool shape = !answer && (answer.error().kind == ErrorKind::kBadRequest ||
                                     answer.error().kind == ErrorKind::kProtocol);
      if (!by_hash || !shape) return answer;
    }
    if (!number) return Error{ErrorKind::kRetryable, name_, "cannot ask by block hash, and the number is not known"};
    Result<T> answer = ask<T>([&](Node& n) { return question(n, *number); });
    if (!answer) return answer;
    const auto same = ask<std::optional<Block>>([&](Node& n) { return n.block(*number); });
    if (!same) return same.error();
    if (!*same || (*same)->hash != *hash)
      return Error{ErrorKind::kRetryable, name_, "block " + std::to_string(*number) + " is another one here"};
    without_eip1898_ = true;
    return answer;
  }

  [[nodiscard]] EndpointStatus status() const;
  void compare(const EndpointHealth::Others& others);
  void untrue(const std::string& what);
  void truthful();
  void note_head(std::uint64_t number);
  void note_finalized(std::uint64_t number);
  /// Sends one chain id question when a pause or a ban is over; does not wait.
  void probe_if_due(bool now);
  [[nodiscard]] bool usable() const;  ///< neither paused nor banned
  [[nodiscard]] EndpointState state() const;
  [[nodiscard]] std::uint64_t head() const;
  [[nodiscard]] std::uint64_t finalized() const;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  template <class T>
  Result<T> measured(const std::function<Result<T>(Node&)>& question) {
    const std::uint64_t start = clock_.mono_ns();
    Result<T> answer = question(*node_);
    record(start, answer ? std::nullopt : std::optional<Error>(answer.error()));
    return answer;
  }
  Result<void> check_chain();
  void record(std::uint64_t start_ns, const std::optional<Error>& error);
  void run();

  const std::string name_;
  const std::unique_ptr<RpcTransport> transport_;
  const std::unique_ptr<Node> node_;
  const std::uint64_t chain_id_;
  Clock& clock_;
  bool without_eip1898_ = false;  ///< of the asking thread
  std::uint64_t chain_checked_ns_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  EndpointHealth health_;
  std::deque<std::function<void()>> jobs_;
  bool running_ = false, stopping_ = false, probing_ = false;
  std::thread thread_;
};

}  // namespace anduin::chain
