#include "settle/submitter_thread.hpp"

#include <chrono>

namespace anduin::settle {

SubmitterThread::SubmitterThread(Submitter& submitter, std::int64_t poll_ms,
                                 std::function<void(const Error&)> on_fatal)
    : submitter_(submitter),
      poll_ms_(poll_ms),
      on_fatal_(std::move(on_fatal)),
      thread_([this] { run(); }) {}

SubmitterThread::~SubmitterThread() { stop(); }

void SubmitterThread::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_one();
}

void SubmitterThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

SubmitterStatus SubmitterThread::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Result<std::size_t> SubmitterThread::reopen(const std::string& actor, const std::string& reason) {
  std::packaged_task<Result<std::size_t>()> task([this, actor, reason] { return submitter_.reopen(actor, reason); });
  auto done = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error{ErrorKind::kRetryable, "submitter", "it is being stopped"};
    asked_.push_back(std::move(task));
    woken_ = true;
  }
  changed_.notify_one();
  try {
    return done.get();
  } catch (const std::future_error&) {  // dropped: the thread ended before its turn
    return Error{ErrorKind::kRetryable, "submitter", "it was stopped"};
  }
}

void SubmitterThread::run() {
  std::int64_t wait_ms = 0;
  decltype(asked_) asked;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return woken_ || stopping_; });
      if (stopping_) {
        asked_.clear();
        return;
      }
      woken_ = false;
      asked.swap(asked_);
    }
    for (auto& task : asked) task();
    asked.clear();
    const auto more = submitter_.tick();
    wait_ms = !more ? kFatalPauseMs : *more ? 0 : submitter_.pause_ms(poll_ms_);
    if (!more && on_fatal_) on_fatal_(more.error());
    const std::lock_guard lock(mutex_);
    status_ = submitter_.status();
  }
}

}  // namespace anduin::settle
