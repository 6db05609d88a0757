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

void SubmitterThread::run() {
  std::int64_t wait_ms = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return woken_ || stopping_; });
      if (stopping_) return;
      woken_ = false;
    }
    const auto more = submitter_.tick();
    wait_ms = !more ? kFatalPauseMs : *more ? 0 : submitter_.pause_ms(poll_ms_);
    if (!more && on_fatal_) on_fatal_(more.error());
    const std::lock_guard lock(mutex_);
    status_ = submitter_.status();
  }
}

}  // namespace anduin::settle
