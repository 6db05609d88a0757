#include "net/event_loop.hpp"

#include <atomic>
#include <thread>

#include "net/harness.hpp"

using namespace anduin::net;

TEST_CASE("posted calls run in order, never inside post") {
  EventLoop loop;
  std::string seen;
  loop.post([&] {
    loop.post([&] { seen += "c"; });
    seen += "a";
  });
  loop.post([&] { seen += "b"; });
  CHECK(seen.empty());
  test::wait_for(loop, [&] { return seen.size() == 3; });
  CHECK(seen == "abc");
}

TEST_CASE("timers fire in order of time, once, and not after cancel or destruction") {
  EventLoop loop;
  std::string seen;
  Timer late = loop.post_after(30, [&] { seen += "2"; });
  Timer soon = loop.post_after(5, [&] { seen += "1"; });
  Timer cancelled = loop.post_after(10, [&] { seen += "x"; });
  {
    const Timer destroyed = loop.post_after(10, [&] { seen += "y"; });
  }
  Timer replaced = loop.post_after(10, [&] { seen += "z"; });
  replaced = loop.post_after(60, [&] { seen += "3"; });
  CHECK(cancelled.pending());
  cancelled.cancel();
  CHECK_FALSE(cancelled.pending());
  test::wait_for(loop, [&] { return seen.size() == 3; });
  CHECK(seen == "123");
  CHECK_FALSE(late.pending());
}

TEST_CASE("a timer may be cancelled between its expiry and its turn") {
  EventLoop loop;
  bool ran = false;
  Timer victim;
  Timer killer = loop.post_after(1, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // both are due now
    victim.cancel();
  });
  victim = loop.post_after(2, [&] { ran = true; });
  loop.run_for(50);
  CHECK_FALSE(ran);
}

TEST_CASE("a timer's function may destroy the timer") {
  EventLoop loop;
  auto timer = std::make_unique<Timer>();
  bool ran = false;
  *timer = loop.post_after(1, [&] {
    timer.reset();
    ran = true;
  });
  test::wait_for(loop, [&] { return ran; });
  CHECK_FALSE(timer);
}

TEST_CASE("a loop with its own thread takes calls from others") {
  EventLoop loop("anduin-test-loop");
  loop.start();
  CHECK_FALSE(loop.on_loop_thread());
  bool inside = false;
  loop.call([&] { inside = loop.on_loop_thread(); });
  CHECK(inside);
  std::atomic<int> sum{0};
  for (int i = 0; i < 1000; ++i) loop.post([&] { ++sum; });
  loop.call([] {});
  CHECK(sum == 1000);
  loop.stop();
  bool direct = false;
  loop.call([&] { direct = true; });  // nothing runs the loop any more
  CHECK(direct);
}

TEST_CASE("stop from inside the loop ends run()") {
  EventLoop loop;
  loop.post([&] { loop.stop(); });
  loop.run();
  SUCCEED();
}
