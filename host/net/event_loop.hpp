// One I/O thread: an Asio context, its thread, timers. Everything made on a loop belongs to its thread.
// Thread: post, call, stop and on_loop_thread from anywhere; the rest on the loop thread, or while no thread
// runs it. Lifetime: objects made on a loop are destroyed before it, on its thread or after stop().
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace anduin::net {

/// A pending call of EventLoop::post_after. Destroying or assigning over it cancels the call.
class Timer {
 public:
  Timer() noexcept;
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  /// The function will not run after this returns. Harmless when it ran already.
  void cancel() noexcept;
  /// True until the function has started or was cancelled.
  [[nodiscard]] bool pending() const noexcept;

 private:
  friend class EventLoop;
  struct State;
  explicit Timer(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

class EventLoop {
 public:
  /// The name is the thread's (first 15 characters), for top and gdb.
  explicit EventLoop(std::string name = "anduin-io");
  ~EventLoop();  ///< stop() included
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs the loop on a thread of its own. Once.
  void start();
  /// Ends run() or the thread and, called from elsewhere, joins it. What is still posted never runs.
  void stop();
  /// Runs the loop on the calling thread until stop().
  void run();
  /// Runs the loop on the calling thread for that long. For tests and blocking clients.
  void run_for(std::int64_t ms);
  /// As run_for, but returns true as soon as `done` holds (asked after every handler).
  bool run_until(const std::function<bool()>& done, std::int64_t ms_max);

  /// Queues a call. Never runs it inside post().
  void post(std::function<void()> fn);
  /// Runs it on the loop thread and returns when it has run; directly when already there or nothing runs the
  /// loop.
  void call(const std::function<void()>& fn);
  /// Calls once, `ms` from now (negative = 0).
  [[nodiscard]] Timer post_after(std::int64_t ms, std::function<void()> fn);
  [[nodiscard]] bool on_loop_thread() const noexcept;

  // For the rest of net only.
  struct Scratch;
  [[nodiscard]] boost::asio::io_context& context() noexcept;
  [[nodiscard]] Scratch& scratch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::net
