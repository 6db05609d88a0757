#include "net/event_loop.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "net/scratch.hpp"

namespace anduin::net {

namespace asio = boost::asio;

struct Timer::State {
  explicit State(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  std::function<void()> fn;
  bool pending = true;
};

Timer::Timer() noexcept = default;
Timer::Timer(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
Timer::~Timer() { cancel(); }
Timer::Timer(Timer&&) noexcept = default;

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Timer::cancel() noexcept {
  const auto state = std::exchange(state_, nullptr);
  if (!state || !state->pending) return;
  state->pending = false;
  state->fn = nullptr;  // what it captured goes now, not when the timer would have fired
  state->timer.cancel();
}

bool Timer::pending() const noexcept { return state_ && state_->pending; }

struct EventLoop::Impl {
  std::string name;
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
  std::atomic<std::thread::id> runner{};
  std::unique_ptr<Scratch> scratch;

  /// Marks the calling thread as the loop's while it lives.
  struct Running {
    explicit Running(Impl& i) : impl(i), before(i.runner.exchange(std::this_thread::get_id())) {}
    ~Running() { impl.runner = before; }
    Impl& impl;
    std::thread::id before;
  };
};

EventLoop::EventLoop(std::string name) : impl_(std::make_unique<Impl>()) { impl_->name = std::move(name); }

EventLoop::~EventLoop() { stop(); }

void EventLoop::start() {
  std::promise<void> running;
  impl_->thread = std::thread([this, &running] {
    pthread_setname_np(pthread_self(), impl_->name.substr(0, 15).c_str());
    const Impl::Running mark(*impl_);
    running.set_value();
    impl_->context.run();
  });
  running.get_future().wait();
}

void EventLoop::run() {
  const Impl::Running mark(*impl_);
  impl_->context.run();
}

void EventLoop::stop() {
  impl_->context.stop();
  if (impl_->thread.joinable() && !on_loop_thread()) impl_->thread.join();
}

void EventLoop::run_for(std::int64_t ms) {
  run_until([] { return false; }, ms);
}

bool EventLoop::run_until(const std::function<bool()>& done, std::int64_t ms_max) {
  const Impl::Running mark(*impl_);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms_max);
  if (impl_->context.stopped()) impl_->context.restart();
  while (!done()) {
    if (impl_->context.run_one_until(end) == 0) return done();
  }
  return true;
}

void EventLoop::post(std::function<void()> fn) { asio::post(impl_->context, std::move(fn)); }

void EventLoop::call(const std::function<void()>& fn) {
  if (on_loop_thread() || impl_->runner.load() == std::thread::id{}) return fn();
  const auto done = std::make_shared<std::promise<void>>();
  auto finished = done->get_future();
  // By value: after a stop() in between, a late run must not touch this frame.
  post([fn, done] {
    fn();
    done->set_value();
  });
  while (finished.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready)
    if (impl_->runner.load() == std::thread::id{}) return;
}

Timer EventLoop::post_after(std::int64_t ms, std::function<void()> fn) {
  auto state = std::make_shared<Timer::State>(impl_->context);
  state->fn = std::move(fn);
  state->timer.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(ms, 0)));
  state->timer.async_wait([state](const boost::system::error_code&) {
    if (!state->pending) return;
    state->pending = false;
    const auto run = std::move(state->fn);
    run();
  });
  return Timer(std::move(state));
}

bool EventLoop::on_loop_thread() const noexcept { return impl_->runner.load() == std::this_thread::get_id(); }

asio::io_context& EventLoop::context() noexcept { return impl_->context; }

EventLoop::Scratch& EventLoop::scratch() {
  if (!impl_->scratch) impl_->scratch = std::make_unique<Scratch>();
  return *impl_->scratch;
}

}  // namespace anduin::net
