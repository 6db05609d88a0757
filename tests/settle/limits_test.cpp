// Limits in rolling windows and the breakers they open: what each holds, what goes on, and that a restart, a roll-back
// and a decision change nothing of the sums.
#include "settle/limits.hpp"

#include "base/random.hpp"
#include "settle/support.hpp"
#include "support/seed.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

constexpr std::int64_t kMinute = 60'000;

struct Book {
  explicit Book(Policy p) : policy(std::move(p)) {
    open();
    for (const auto& [name, venue, user] : std::vector<std::tuple<const char*, const char*, std::uint8_t>>{
             {"alice", "Bybit", 0xa1}, {"alice-k", "Kraken", 0xa1}, {"bob", "Bybit", 0xb0}, {"carol", "Kraken", 0xca}}) {
      auto t = terms(name, venue);
      t.user = address_of(user);
      t.settle_from_ms = kNow;
      accounts.push_back(t);
    }
    enrol();
  }
  void open() {
    LedgerOptions o;
    o.policy = policy;
    o.synchronous = false;
    ledger = open_ledger(dir, clock, o);
  }
  void enrol() {
    for (const auto& t : accounts) REQUIRE(ledger->register_account(t));
  }
  void restart() {
    ledger.reset();
    open();
    enrol();
  }
  CloseOutcome close(const std::string& account, const std::string& pnl) {
    auto c = close_of("c" + std::to_string(++last), pnl, account);
    c.venue = account == "alice" || account == "bob" ? "Bybit" : "Kraken";
    auto out = ledger->commit_batch({account, {c}, {}, {}});
    if (!out) FAIL(out.error().to_string());
    return out->front();
  }
  bool paid(const std::string& account, const std::string& pnl) { return close(account, pnl).outcome == Outcome::kAccepted; }
  std::string id() const { return "c" + std::to_string(last); }

  Policy policy;
  TempDir dir;
  ManualClock clock{kNow + 2'000};
  std::vector<AccountTerms> accounts;
  std::unique_ptr<Ledger> ledger;
  int last = 0;
};

Limit usd(const char* soft, const char* hard = nullptr) {
  Limit l;
  if (soft) l.soft_usd = Decimal::of(soft);
  if (hard) l.hard_usd = Decimal::of(hard);
  return l;
}

Limit count(std::uint64_t soft, std::uint64_t hard = 0) {
  Limit l;
  l.soft_count = soft;
  if (hard) l.hard_count = hard;
  return l;
}

bool begins(const std::string& text, const std::string& with) { return text.find(with) == 0; }

}  // namespace

TEST_CASE("limits: each scope holds beyond its soft limit, in its direction, and names limit and figure", "[limits]") {
  Policy p;
  SECTION("one close") {
    p.credits.item = usd("100");
    Book b(p);
    CHECK(b.paid("alice", "100"));
    CHECK(b.close("alice", "100.01").reason ==
          "limit: policy.credits.item.soft_usd: 100.01 USD of one close with this one, the limit is 100");
    CHECK(b.paid("alice", "-1000"));
  }
  SECTION("a user, over venues and accounts") {
    p.seizures.user_day = usd("100");
    Book b(p);
    CHECK(b.paid("alice", "-60"));
    CHECK(b.paid("alice-k", "-40"));
    const auto held = b.close("alice", "-0.01");
    CHECK(begins(held.reason, "limit: policy.seizures.user_day.soft_usd: 100.01 USD of user:0x"));
    CHECK(b.paid("bob", "-60"));      // another user
    CHECK(b.paid("alice", "5000"));   // another direction
  }
  SECTION("a venue, by count") {
    p.credits.venue_hour = count(2);
    Book b(p);
    CHECK(b.paid("alice", "1"));
    CHECK(b.paid("bob", "1"));
    CHECK(begins(b.close("alice", "1").reason, "limit: policy.credits.venue_hour.soft_count: 3 closes of venue:Bybit in an hour"));
    CHECK(b.paid("carol", "1"));  // Kraken
    CHECK(b.paid("bob", "-1"));
  }
  SECTION("everything") {
    p.credits.global_hour = usd("10");
    Book b(p);
    CHECK(b.paid("alice", "4"));
    CHECK(b.paid("carol", "6"));
    CHECK(begins(b.close("bob", "0.1").reason, "limit: policy.credits.global_hour.soft_usd: 10.1 USD of all venues"));
  }
}

TEST_CASE("limits: what is held uses up nothing, zero and early closes count nothing", "[limits]") {
  Policy p;
  p.credits.venue_hour = usd("100");
  Book b(p);
  CHECK_FALSE(b.paid("alice", "500"));
  CHECK_FALSE(b.paid("alice", "101"));
  CHECK(b.paid("alice", "60"));
  CHECK(b.close("alice", "0").outcome == Outcome::kNoAction);
  CHECK(b.paid("alice", "40"));
  CHECK_FALSE(b.paid("alice", "1"));
}

TEST_CASE("limits: windows roll by the minute", "[limits]") {
  Policy p;
  p.credits.venue_hour = usd("100");
  p.credits.user_day = usd("250");
  Book b(p);
  CHECK(b.paid("alice", "60"));
  b.clock.advance_ms(30 * kMinute);
  CHECK(b.paid("alice", "40"));
  CHECK_FALSE(b.paid("bob", "1"));
  b.clock.advance_ms(30 * kMinute);
  CHECK_FALSE(b.paid("bob", "1"));  // its minute is not over
  b.clock.advance_ms(kMinute);
  CHECK(b.paid("bob", "60"));
  CHECK_FALSE(b.paid("alice", "1"));
  b.clock.advance_ms(2 * 60 * kMinute);
  CHECK(b.paid("alice", "100"));
  b.clock.advance_ms(2 * 60 * kMinute);
  CHECK(b.paid("alice", "50"));
  CHECK(begins(b.close("alice", "1").reason, "limit: policy.credits.user_day.soft_usd: 251 USD"));
  b.clock.advance_ms(24 * 60 * kMinute);
  CHECK(b.paid("alice", "1"));
}

TEST_CASE("limits: a hard limit opens the scope's breaker, others go on, a person closes it", "[limits][breaker]") {
  Policy p;
  p.credits.venue_hour = usd("100", "300");
  Book b(p);
  CHECK(b.paid("alice", "100"));
  CHECK_FALSE(b.paid("alice", "150"));  // seen: 250
  CHECK(b.ledger->breakers()->empty());
  const auto last = b.close("bob", "51");  // seen: 301
  CHECK(last.reason == "limit: policy.credits.venue_hour.hard_usd: 301 USD of venue:Bybit in an hour with this one, the limit is 300");
  const auto open = *b.ledger->breakers();
  REQUIRE(open.size() == 1);
  CHECK(open.front().scope == "venue:Bybit");
  CHECK(open.front().opened_by == "host");

  // Both directions of the venue, also after the hour and a restart; the other venue goes on.
  CHECK(begins(b.close("bob", "-1").reason, "breaker: venue:Bybit is open: limit: policy.credits.venue_hour.hard_usd"));
  b.clock.advance_ms(3 * 60 * kMinute);
  b.restart();
  CHECK(begins(b.close("alice", "1").reason, "breaker: venue:Bybit"));
  CHECK(b.paid("carol", "99"));

  CHECK_FALSE(b.ledger->close_breaker("venue:Bybit", "operator eve", " "));
  CHECK_FALSE(b.ledger->close_breaker("venue:Kraken", "operator eve", "wrong one"));
  CHECK_FALSE(b.ledger->close_breaker("Bybit", "operator eve", "no scope"));
  REQUIRE(b.ledger->close_breaker("venue:Bybit", "operator eve", "adapter fixed, ticket 9"));
  CHECK(b.ledger->breakers()->empty());
  CHECK(b.ledger->breakers(false)->front().close_reason == "adapter fixed, ticket 9");
  CHECK_FALSE(b.ledger->close_breaker("venue:Bybit", "operator eve", "twice"));
  CHECK(b.paid("alice", "1"));
  CHECK(reader(b.dir)->verify_audit()->ok);
}

TEST_CASE("limits: a breaker that was closed does not open again for what opened it", "[limits][breaker]") {
  Policy p;
  p.credits.venue_hour = usd("100", "300");
  Book b(p);
  CHECK_FALSE(b.paid("alice", "301"));
  REQUIRE(b.ledger->breakers()->size() == 1);
  REQUIRE(b.ledger->close_breaker("venue:Bybit", "operator eve", "seen"));
  const bool restarted = GENERATE(false, true);
  if (restarted) b.restart();
  CHECK(b.paid("alice", "90"));
  CHECK(b.ledger->breakers()->empty());
  CHECK_FALSE(b.paid("alice", "220"));  // seen since: 310
  CHECK(b.ledger->breakers()->size() == 1);
}

TEST_CASE("limits: one absurd close opens the breaker of its account, and closes implausible for another reason count",
          "[limits][breaker]") {
  Policy p;
  p.seizures.item = usd("100", "1000");
  p.credits.venue_hour = count(10, 3);
  p.credits.venue_hour.soft_count = 2;
  Book b(p);
  CHECK_FALSE(b.paid("alice", "-1000.5"));
  CHECK(b.ledger->breakers()->front().scope == "account:alice");
  CHECK_FALSE(b.paid("alice", "1"));
  CHECK(b.paid("bob", "-99"));
  for (int i = 0; i < 3; ++i) {
    auto c = close_of("odd" + std::to_string(i), "5", "bob");
    c.hold_reason = "split: paid in parts";
    CHECK(commit(*b.ledger, c) == Outcome::kHeld);
  }
  CHECK(b.ledger->breakers()->back().scope == "venue:Bybit");
}

TEST_CASE("limits: an operator can stop a scope by hand", "[limits][breaker]") {
  Book b({});
  CHECK_FALSE(b.ledger->open_breaker("everything", "operator eve", "x"));
  REQUIRE(b.ledger->open_breaker("global", "operator eve", "chain incident"));
  CHECK_FALSE(b.ledger->open_breaker("global", "operator eve", "again"));
  CHECK(b.close("carol", "-1").reason == "breaker: global is open: chain incident");
  REQUIRE(b.ledger->open_breaker("user:0xb0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0", "operator eve", "him"));
  REQUIRE(b.ledger->close_breaker("global", "operator eve", "over"));
  CHECK(b.paid("carol", "-1"));
  CHECK_FALSE(b.paid("bob", "1"));
  CHECK(b.paid("alice", "1"));
}

TEST_CASE("limits: approving adds to what was paid, rejecting takes away", "[limits]") {
  Policy p;
  p.credits.venue_hour = usd("100", "1000");
  Book b(p);
  CHECK_FALSE(b.paid("alice", "101"));
  const std::string held = b.id();
  CHECK(b.paid("alice", "10"));
  REQUIRE(b.ledger->approve(held, "operator eve", "fine"));
  CHECK_FALSE(b.paid("alice", "1"));
  CHECK_FALSE(b.paid("alice", "880"));  // seen: 992
  REQUIRE(b.ledger->reject(b.id(), "operator eve", "nonsense"));
  CHECK_FALSE(b.paid("alice", "880"));
  CHECK(b.ledger->breakers()->empty());
}

TEST_CASE("limits: dry-run says what would be held and opens nothing", "[limits]") {
  Policy p;
  p.credits.venue_hour = usd("100", "200");
  Book b(p);
  auto t = terms("dry");
  t.vault.live = false;
  t.settle_from_ms = kNow;
  REQUIRE(b.ledger->register_account(t));
  const auto close = [&](const char* id, const char* pnl) {
    auto out = b.ledger->commit_batch({"dry", {close_of(id, pnl, "dry")}, {}, {}});
    REQUIRE(out);
    return out->front().reason;
  };
  CHECK(close("d1", "100").empty());
  CHECK(begins(close("d2", "150"), "would be held: limit: policy.credits.venue_hour.hard_usd"));
  CHECK(b.ledger->breakers()->empty());
  CHECK(b.paid("alice", "100"));  // dry-run uses up nothing of what may be paid
}

TEST_CASE("limits: a write that fails leaves nothing in the sums", "[limits]") {
  struct Full final : WriteHook {
    bool fail = false;
    void before_commit(const char*) override {
      if (fail) throw ErrorException(Error{ErrorKind::kFatal, "disk", "full"});
    }
    void after_commit(const char*) override {}
  } hook;
  Policy p;
  p.credits.venue_hour = usd("100");
  TempDir dir;
  ManualClock clock(kNow + 2'000);
  LedgerOptions o;
  o.policy = p;
  o.hook = &hook;
  auto ledger = open_ledger(dir, clock, o);
  auto t = terms("alice");
  t.settle_from_ms = kNow;
  REQUIRE(ledger->register_account(t));
  REQUIRE(commit(*ledger, close_of("1", "50")) == Outcome::kAccepted);
  hook.fail = true;
  CHECK_FALSE(ledger->commit_batch({"alice", {close_of("2", "50")}, {}, {}}));
  hook.fail = false;
  CHECK(commit(*ledger, close_of("3", "50")) == Outcome::kAccepted);
  CHECK(commit(*ledger, close_of("4", "1")) == Outcome::kHeld);
}

TEST_CASE("limits: a restart at any moment changes no decision", "[limits]") {
  const std::uint64_t seed = anduin::test::fresh_seed();
  INFO("ANDUIN_SEED=" << seed);
  SeededRandom dice(seed);
  Policy p;
  p.credits.item = usd("90", "99");
  p.credits.user_day = usd("900", "3000");
  p.credits.venue_hour = usd("300", "800");
  p.seizures.venue_hour = count(8, 20);
  p.seizures.global_hour = usd("600", "1500");
  Book steady(p), broken(p);
  const char* names[] = {"alice", "alice-k", "bob", "carol"};
  for (int i = 0; i < 600; ++i) {
    const auto ms = static_cast<std::int64_t>(dice.below(4 * kMinute));
    steady.clock.advance_ms(ms), broken.clock.advance_ms(ms);
    const char* name = names[dice.below(4)];
    const std::string pnl = (dice.below(2) ? "-" : "") + std::to_string(1 + dice.below(100));
    if (dice.below(5) == 0) broken.restart();
    const auto a = steady.close(name, pnl), b = broken.close(name, pnl);
    CAPTURE(i, name, pnl);
    REQUIRE(a.reason == b.reason);
    if (dice.below(10) == 0) {
      for (Book* book : {&steady, &broken})
        for (const auto& open : *book->ledger->breakers()) REQUIRE(book->ledger->close_breaker(open.scope, "operator", "seen"));
    }
  }
}
