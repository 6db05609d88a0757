// Windows of history: where a sweep begins, what it proves, what holds it back, how it fails.
#include "anduin/history.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

using anduin::HistorySweep;

namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;

struct Account final : HistorySweep::Reader {
  struct Window {
    std::int64_t from, to;
    HistorySweep::Done done;
  };
  struct Covered {
    std::int64_t from, to;
    bool proven;
    std::string why_not;
  };
  std::int64_t now = 100 * kDay, waiting = 0;
  std::vector<Window> windows;
  std::vector<Covered> covered;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> timers;
  std::vector<std::string> failures;
  int moved = 0;

  void read_window(HistorySweep&, std::int64_t from, std::int64_t to, HistorySweep::Done done) override {
    windows.push_back({from, to, std::move(done)});
  }
  std::int64_t oldest_waiting_ms(const HistorySweep&) const override { return waiting; }
  void sweep_later(std::uint64_t delay, std::function<void()> fn) override { timers.emplace_back(delay, std::move(fn)); }
  std::int64_t sweep_now() const override { return now; }
  void sweep_failed(const HistorySweep&, const std::string& why) override { failures.push_back(why); }
  void sweep_covered(std::int64_t from, std::int64_t to, bool proven, const std::string& why_not) override {
    covered.push_back({from, to, proven, why_not});
  }
  void sweep_moved() override { ++moved; }

  /// Answers the newest window.
  void done(const std::string& failure = "") {
    const auto fn = windows.back().done;
    fn(failure);
  }
};

}  // namespace

TEST_CASE("lessons 2: windows are contiguous, and none is longer than the venue allows") {
  Account a;
  HistorySweep h(a, "linear", {.window_ms = 7 * kDay});
  h.resume(0, a.now - 60 * kDay);
  h.sweep();
  std::int64_t reached = a.now - 60 * kDay;
  while (h.busy()) {
    const auto w = a.windows.back();
    CHECK(w.from == reached);
    CHECK(w.to - w.from <= 7 * kDay);
    reached = w.to;
    a.done();
  }
  CHECK(reached == a.now);
  CHECK(a.windows.size() == 9);
  CHECK(h.proven_ms() == a.now);
  CHECK(a.moved == 9);
}

TEST_CASE("a sweep begins a little before the cursor, and never before the settlement begins") {
  Account a;
  HistorySweep h(a, "x", {.overlap_ms = 10 * kMinute});
  h.resume(a.now - kHour, a.now - kDay);
  h.sweep();
  CHECK(a.windows.back().from == a.now - kHour - 10 * kMinute);
  h.resume(a.now - kHour, a.now - kHour - kMinute);
  h.sweep();
  CHECK(a.windows.back().from == a.now - kHour - kMinute);
}

TEST_CASE("lessons 16: what the venue no longer shows is an unproven range, said once") {
  Account a;
  HistorySweep h(a, "x", {.kept_ms = 3 * kDay, .kept_text = "three days"});
  h.resume(a.now - 10 * kDay, a.now - 20 * kDay);
  h.sweep();
  REQUIRE(a.covered.size() == 1);
  CHECK_FALSE(a.covered[0].proven);
  CHECK(a.covered[0].to == a.now - 3 * kDay);
  CHECK(a.covered[0].why_not == "three days");
  a.done();
  h.sweep();
  a.done();
  CHECK(std::count_if(a.covered.begin(), a.covered.end(), [](const auto& c) { return !c.proven; }) == 1);
}

TEST_CASE("a close that waits holds the cursor, an unreadable row what is proven") {
  Account a;
  HistorySweep h(a, "x", {});
  h.resume(a.now - kDay, 0);
  h.sweep();
  a.waiting = a.now - kHour;
  a.done();
  CHECK(h.proven_ms() == a.now - kHour - 1);
  a.waiting = 0;
  h.unreadable("no symbol", a.now + 1);
  h.advance();
  CHECK(h.proven_ms() == a.now);
  CHECK_FALSE(a.covered.back().proven);
  CHECK(a.covered.back().why_not == "no symbol");
  h.unreadable("old news", a.now - kDay);  // of the overlap: judged when it was new
  a.now += kMinute;
  h.sweep();
  a.done();
  CHECK(a.covered.back().proven);
}

TEST_CASE("a failed window is read again, later and later, one with too many rows in halves") {
  Account a;
  HistorySweep h(a, "x", {});
  h.resume(a.now - 8 * kHour, 0);
  h.sweep();
  a.done("busy");
  a.timers.back().second();
  a.done("busy");
  CHECK(a.timers[1].first == 2 * a.timers[0].first);
  CHECK(a.failures.size() == 2);
  a.timers.back().second();
  const auto whole = a.windows.back();
  a.done(std::string(HistorySweep::kTooMany));
  CHECK(a.windows.back().from == whole.from);
  CHECK(a.windows.back().to == whole.from + (whole.to - whole.from) / 2);
  const std::size_t asked = a.windows.size();
  whole.done("");  // late: of the window that was given up
  CHECK(a.windows.size() == asked);
  CHECK(h.busy());
  while (h.busy()) a.done();
  CHECK(h.proven_ms() == a.now);
}

TEST_CASE("asked while it runs, a sweep follows, a resume voids what is under way") {
  Account a;
  HistorySweep h(a, "x", {});
  h.resume(a.now - kHour, 0);
  h.sweep();
  h.sweep();
  CHECK(a.windows.size() == 1);
  a.now += kMinute;
  a.done();
  CHECK(a.windows.size() == 2);
  const auto old = a.windows.back();
  h.resume(a.now - kHour, 0);
  old.done("");
  CHECK(h.proven_ms() == a.now - kHour);
  CHECK_FALSE(h.busy());
}
