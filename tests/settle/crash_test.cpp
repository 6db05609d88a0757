// The process ends before or after each durable write and around each send of a fixed story
// (settlement.md 5.4, C1 to C9), on a vault with and without the duplicate check; every close takes effect
// once.
#include <spdlog/spdlog.h>

#include <set>

#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using anduin::simulation::Crash;

namespace {

/// Counts the points where the process can end, and ends it at one of them.
struct CrashAt final : WriteHook {
  int at = -1;  ///< -1 = never
  int passed = 0;
  std::set<std::string> seen;
  void point(const std::string& name) {
    seen.insert(name);
    if (passed++ == at) throw Crash{};
  }
  void before_commit(const char* write) override { point(std::string("before ") + write); }
  void after_commit(const char* write) override { point(std::string("after ") + write); }
};

struct Story {
  bool duplicate_check = true;
  bool foreign_use = false;  ///< somebody takes our nonce, so that a slot is lost (C9)
  int passed = 0;
  std::set<std::string> seen;
  std::string failure;

  void run(int crash_at) {
    spdlog::set_level(spdlog::level::off);
    CrashAt hook;
    Bench b(duplicate_check);
    b.close_down();
    b.ledger_options.hook = &hook;
    hook.at = crash_at;
    const std::vector<ClosedPosition> closes{close_of("1", "10"), close_of("2", "-800", "bob"),
                                             close_of("3", "0")};
    bool sabotaged = false;
    b.node.on_send = [&](const Bytes& raw) -> std::optional<chain::SendResult> {
      hook.point("before send");
      const auto answer = b.fake.send_raw(raw);
      hook.point("after send");
      return *answer;
    };
    bool delivered = false;
    for (int round = 0; round < 40; ++round) {
      try {
        if (!b.ledger) open(b);
        // Not acknowledged, so the venue's history brings all of it again.
        if (!delivered) delivered = deliver(b, closes);
        if (const auto ticked = b.submitter->tick(); !ticked) failure = ticked.error().to_string();
      } catch (const Crash&) {
        b.close_down();
      }
      if (foreign_use && !sabotaged && !b.node.sent.empty()) {
        b.chain.use_key(b.key->address());
        sabotaged = true;
      }
      b.chain.mine();
      b.clock.advance_ms(2'000);
    }
    passed = hook.passed;
    seen = hook.seen;
    judge(b);
  }

  static void open(Bench& b) {
    auto opened = Ledger::open(
        [&] {
          LedgerOptions o = b.ledger_options;
          o.path = b.dir.ledger();
          return o;
        }(),
        b.clock);
    if (!opened) throw std::runtime_error(opened.error().to_string());
    b.ledger = std::move(*opened);
    auto alice = terms("alice"), bob = terms("bob");
    alice.settle_from_ms = bob.settle_from_ms = kNow - 1;
    bob.user = address_of(0xb0);
    bob.capped_seizure = true;
    if (!b.ledger->register_account(alice) || !b.ledger->register_account(bob))
      throw std::runtime_error("account");
    b.submitter = std::make_unique<Submitter>(b.options, *b.ledger, b.vault, b.node, b.signer, b.clock);
  }

  static bool deliver(Bench& b, const std::vector<ClosedPosition>& closes) {
    for (const auto& c : closes) {
      if (!b.ledger->commit_batch({c.account, {c}, Watermark{{1}, 1}, {}})) return false;
    }
    return true;
  }

  void judge(Bench& b) {
    const auto events = b.events();
    if (events.size() != 2) failure = std::to_string(events.size()) + " effects instead of 2";
    for (const auto& e : events) {
      const bool credit = e.credit && e.requested == 10'000'000 && e.user == address_of(0xa1);
      const bool seizure = !e.credit && e.requested == 800'000'000 && e.moved == 700'000'000;
      if (!credit && !seizure) failure = "an effect with another amount";
    }
    b.close_down();
    auto r = reader(b.dir);
    const auto sums = *r->sums();
    if (sums.settled != 2 || sums.no_action != 1 || sums.waiting != 0) failure = "not drained";
    if (sums.ledger_sum != "-690000000") failure = "books: " + sums.ledger_sum;
    if (!r->verify_audit()->ok) failure = "audit";
  }
};

void every_point(bool duplicate_check, bool foreign_use) {
  Story undisturbed{duplicate_check, foreign_use};
  undisturbed.run(-1);
  REQUIRE(undisturbed.failure == "");
  const int points = undisturbed.passed;
  CHECK(points > 30);
  for (const char* write : {"account", "closes", "reserve", "attempt", "sent", "mined", "final"}) {
    CHECK(undisturbed.seen.contains(std::string("before ") + write));
    CHECK(undisturbed.seen.contains(std::string("after ") + write));
  }
  if (foreign_use) CHECK(undisturbed.seen.contains("before lost"));
  for (int at = 0; at < points; ++at) {
    Story s{duplicate_check, foreign_use};
    s.run(at);
    CAPTURE(at, duplicate_check, foreign_use);
    CHECK(s.failure == "");
  }
}

}  // namespace

TEST_CASE("crash at every write and send, vault with the duplicate check", "[crash]") {
  every_point(true, false);
}
TEST_CASE("crash at every write and send, vault without the duplicate check", "[crash]") {
  every_point(false, false);
}
TEST_CASE("crash at every write and send while the key is used elsewhere", "[crash]") {
  every_point(false, true);
}
