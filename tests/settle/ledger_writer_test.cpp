// The writer thread: durable before reported, groups, nothing dropped at the bound or at the end, and how
// fast.
#include "settle/ledger_writer.hpp"

#include <algorithm>
#include <cstdio>
#include <future>
#include <nlohmann/json.hpp>

#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

AccountBatch batch_of(int n) { return {"alice", {close_of("w-" + std::to_string(n), "1.5")}, {}, {}}; }

}  // namespace

TEST_CASE("writer: reports after the row is there, and wakes the submitter for queued rows only",
          "[writer]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = open_ledger(dir, clock);
  REQUIRE(ledger->register_account(terms("alice")));
  std::atomic<int> wakes{0};
  LedgerWriter writer(*ledger, [&] { ++wakes; });
  std::promise<std::size_t> seen;
  REQUIRE(writer.post(batch_of(1), [&](Result<std::vector<CloseOutcome>> r) {
    seen.set_value(r && r->front().outcome == Outcome::kAccepted ? reader(dir)->list({})->size() : 0);
  }));
  CHECK(seen.get_future().get() == 1);
  CHECK(wakes == 1);
  std::promise<Outcome> again;
  REQUIRE(writer.post(batch_of(1),
                      [&](Result<std::vector<CloseOutcome>> r) { again.set_value(r->front().outcome); }));
  CHECK(again.get_future().get() == Outcome::kDuplicate);
  CHECK(wakes == 1);
  std::promise<bool> unknown;
  REQUIRE(writer.post({"nobody", {}, {}, {}},
                      [&](Result<std::vector<CloseOutcome>> r) { unknown.set_value(!r); }));
  CHECK(unknown.get_future().get());
}

TEST_CASE("writer: several posters, every batch answered once, also those posted right before the end",
          "[writer]") {
  TempDir dir;
  ManualClock clock(kNow);
  LedgerOptions options;
  options.synchronous = false;
  auto ledger = open_ledger(dir, clock, options);
  REQUIRE(ledger->register_account(terms("alice")));
  std::atomic<int> accepted{0};
  {
    LedgerWriter writer(*ledger);
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&, t] {
        for (int i = 0; i < 250; ++i) {
          writer.post(batch_of(t * 250 + i), [&](Result<std::vector<CloseOutcome>> r) {
            if (r && r->front().outcome == Outcome::kAccepted) ++accepted;
          });
        }
      });
    }
    for (auto& p : posters) p.join();
    writer.stop();
    CHECK_FALSE(writer.post(batch_of(9'999), {}));
  }
  CHECK(accepted == 1'000);
  CHECK(reader(dir)->sums()->waiting == 1'000);
  CHECK(reader(dir)->verify_audit()->ok);
}

TEST_CASE("writer: at its bound it refuses or waits, and drops nothing", "[writer]") {
  TempDir dir;
  ManualClock clock(kNow);
  LedgerOptions options;
  options.synchronous = false;
  auto ledger = open_ledger(dir, clock, options);
  REQUIRE(ledger->register_account(terms("alice")));
  std::promise<void> gate;
  auto opened = gate.get_future().share();
  std::atomic<std::size_t> answered{0};
  LedgerWriter writer(*ledger);
  // The first answer holds the writer's thread, so that the queue fills.
  writer.post(batch_of(0), [&, opened](Result<std::vector<CloseOutcome>>) {
    opened.wait();
    ++answered;
  });
  const auto count = [&](Result<std::vector<CloseOutcome>>) { ++answered; };
  std::size_t posted = 1;
  while (true) {
    AccountBatch b{"alice", {}, {}, {}};
    LedgerWriter::Done done = count;
    if (!writer.try_post(b, done)) {
      CHECK(b.account == "alice");  // still the caller's
      break;
    }
    ++posted;
  }
  CHECK(posted >= LedgerWriter::kQueueMax);
  std::thread blocked([&] { writer.post({"alice", {}, {}, {}}, count); });
  gate.set_value();
  blocked.join();
  writer.stop();
  CHECK(answered == posted + 1);
}

TEST_CASE("writer: time from post to durable", "[writer][latency]") {
  TempDir dir;
  ManualClock clock(kNow);
  auto ledger = open_ledger(dir, clock);
  REQUIRE(ledger->register_account(terms("alice")));
  LedgerWriter writer(*ledger);
  SystemClock time;
  std::vector<std::uint64_t> ns;
  for (int i = 0; i < 400; ++i) {
    std::promise<void> done;
    const auto start = time.mono_ns();
    writer.post(batch_of(i), [&](Result<std::vector<CloseOutcome>>) { done.set_value(); });
    done.get_future().wait();
    ns.push_back(time.mono_ns() - start);
  }
  std::sort(ns.begin(), ns.end());
  std::printf("single-row commits with fsync: p50 %llu us, p99 %llu us, max %llu us\n",
              static_cast<unsigned long long>(ns[200] / 1000),
              static_cast<unsigned long long>(ns[396] / 1000),
              static_cast<unsigned long long>(ns.back() / 1000));
  // The goal of 10 ms stands in the benchmark; here only what no loaded test machine excuses.
  CHECK(ns[200] < 100'000'000);
}
