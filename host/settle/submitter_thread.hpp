// The thread that ticks a submitter: at once after wake(), else every poll interval.
// Thread: wake(), status() and reopen() from any thread; stop() (and the destructor) wait for the tick in progress.
// The submitter outlives it and is touched by nobody else while it runs.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "settle/submitter.hpp"

namespace anduin::settle {

class SubmitterThread {
 public:
  /// `on_fatal` runs on the thread when the ledger fails; nothing is sent until a later round succeeds.
  explicit SubmitterThread(Submitter& submitter, std::int64_t poll_ms = 500,
                           std::function<void(const Error&)> on_fatal = {});
  ~SubmitterThread();

  /// New rows are durable: plan them now.
  void wake();
  void stop();
  [[nodiscard]] SubmitterStatus status() const;
  /// Submitter::reopen between two rounds; waits for it. kRetryable when the thread ends first.
  Result<std::size_t> reopen(const std::string& actor, const std::string& reason);

  /// After a fatal error: long enough not to fill the log, short enough to go on soon after a disk was
  /// cleared.
  static constexpr std::int64_t kFatalPauseMs = 5'000;

 private:
  void run();
  Submitter& submitter_;
  std::int64_t poll_ms_;
  std::function<void(const Error&)> on_fatal_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = true, stopping_ = false;
  std::deque<std::packaged_task<Result<std::size_t>()>> asked_;
  SubmitterStatus status_;
  std::thread thread_;
};

}  // namespace anduin::settle
