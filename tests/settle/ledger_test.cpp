// The ledger's promises to the venue side: one row per close, conflicts beside it, terms, watermarks,
// coverage.
#include "settle/ledger.hpp"

#include <nlohmann/json.hpp>

#include "settle/ledger_schema.hpp"
#include "settle/support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

struct Fixture {
  TempDir dir;
  ManualClock clock{kNow};
  FixedRates rates;
  LedgerOptions options;
  std::unique_ptr<Ledger> ledger;
  Fixture() {
    options.rates = &rates;
    open();
  }
  void open() {
    ledger = open_ledger(dir, clock, options);
    REQUIRE(ledger->register_account(terms("alice")));
    clock.advance_ms(60'000);
  }
  void restart() {
    ledger.reset();
    open();
  }
  std::vector<nlohmann::json> rows(const std::string& state = {}) {
    ListFilter f;
    f.state = state;
    return *reader(dir)->list(f);
  }
};

}  // namespace

TEST_CASE("ledger: live, history, restart, two connections: one row", "[ledger]") {
  Fixture f;
  auto close = close_of("exec-1", "12.5");
  CHECK(commit(*f.ledger, close) == Outcome::kAccepted);
  CHECK(commit(*f.ledger, close) == Outcome::kDuplicate);  // the other connection
  close.origin = Origin::kHistory;
  close.evidence = "another frame";
  close.pnl_text = "12.50";
  close.pnl = Decimal::of("12.50");
  CHECK(commit(*f.ledger, close) == Outcome::kDuplicate);
  f.restart();
  CHECK(commit(*f.ledger, close) == Outcome::kDuplicate);
  const auto both =
      f.ledger->commit_batch({"alice", {close_of("exec-2", "1"), close_of("exec-2", "1")}, {}, {}});
  CHECK((*both)[0].outcome == Outcome::kAccepted);
  CHECK((*both)[1].outcome == Outcome::kDuplicate);
  CHECK(f.rows().size() == 2);
  const auto row = *reader(f.dir)->show("exec-1");
  CHECK(row["units"] == "12500000");
  CHECK(row["state"] == "QUEUED");
  CHECK(row["duplicates"] == 3);
  CHECK(row["pnlText"] == "12.5");
  CHECK(f.ledger->is_processed(*ref_id("Bybit", "exec-1")).value());
}

TEST_CASE("ledger: another amount or another account is a conflict that settles nothing more", "[ledger]") {
  Fixture f;
  REQUIRE(f.ledger->register_account(terms("bob")));
  CHECK(commit(*f.ledger, close_of("1", "10")) == Outcome::kAccepted);
  CHECK(commit(*f.ledger, close_of("1", "11")) == Outcome::kConflict);
  CHECK(commit(*f.ledger, close_of("1", "-10")) == Outcome::kConflict);
  CHECK(commit(*f.ledger, close_of("1", "10", "bob")) == Outcome::kConflict);
  CHECK(commit(*f.ledger, close_of("1", "11")) == Outcome::kConflict);  // the same report again
  CHECK(commit(*f.ledger, close_of("1", "10")) == Outcome::kDuplicate);
  const auto row = *reader(f.dir)->show("1");
  CHECK(row["units"] == "10000000");
  CHECK(row["state"] == "QUEUED");
  REQUIRE(row["reports"].size() == 3);
  CHECK(row["reports"][0]["seen"] == 2);
  CHECK(row["reports"][0]["reason"].get<std::string>().find("amount:") == 0);
  CHECK(row["reports"][2]["reason"].get<std::string>().find("account:") == 0);
  CHECK(f.rows("CONFLICT").size() == 3);
  CHECK(f.ledger->queued(31337, terms("alice").vault.address, 10)->size() == 1);
  CHECK(reader(f.dir)->sums()->conflict_reports == 3);
}

TEST_CASE("ledger: below a token unit, or in another fee currency, is the same money", "[ledger]") {
  Fixture f;
  CHECK(commit(*f.ledger, close_of("1", "10.0000001")) == Outcome::kAccepted);
  CHECK(commit(*f.ledger, close_of("1", "10.0000002")) == Outcome::kDuplicate);
  CHECK(commit(*f.ledger, close_of("1", "10.000001")) == Outcome::kConflict);
}

TEST_CASE("ledger: a rate is stored and never asked again", "[ledger]") {
  Fixture f;
  auto c = close_of("1", "2");
  c.currency = c.fee_currency = "SOL";
  c.exit_price = Decimal::of("150.1");
  f.rates.prices["SOL"] = {Decimal(150), c.closed_ms - 1, "aggregate SOLUSDT bid"};
  CHECK(commit(*f.ledger, c) == Outcome::kAccepted);
  f.rates.prices["SOL"] = {Decimal(999), c.closed_ms - 1, "aggregate SOLUSDT bid"};
  CHECK(commit(*f.ledger, c) == Outcome::kDuplicate);
  c.exit_price = Decimal::of("150.10001");  // other digits, same money at the stored rate
  CHECK(commit(*f.ledger, c) == Outcome::kDuplicate);
  const auto row = *reader(f.dir)->show("1");
  CHECK(row["units"] == "300000000");
  CHECK(row["rate"]["usd"] == "150");
  CHECK(row["rate"]["source"] == "aggregate SOLUSDT bid");
}

TEST_CASE("ledger: holds have a reason and wait for a person", "[ledger]") {
  Fixture f;
  auto split = close_of("split", "1");
  split.hold_reason = "split over time: USDC perpetual";
  auto coin = close_of("coin", "1");
  coin.currency = coin.fee_currency = "SOL";
  auto odd = close_of("odd", "500");
  odd.kind = InstrumentKind::kLinearPerpetual;
  odd.entry_price = Decimal(1);
  odd.exit_price = Decimal(2);
  odd.size = Decimal(1);
  for (const auto& c : {split, coin, odd}) CHECK(commit(*f.ledger, c) == Outcome::kHeld);
  f.rates.prices["USDT"] = {Decimal::of("0.95"), kNow, "aggregate"};
  CHECK(commit(*f.ledger, close_of("depeg", "1")) == Outcome::kHeld);
  const auto held = f.rows("QUARANTINED");
  REQUIRE(held.size() == 4);
  CHECK(held[0]["reason"] == "split over time: USDC perpetual");
  CHECK(held[1]["reason"].get<std::string>().find("no_rate:") == 0);
  CHECK(held[1]["units"].is_null());
  CHECK(held[2]["reason"].get<std::string>().find("plausibility:") == 0);
  CHECK(held[2]["verified"] == "failed");
  CHECK(held[3]["reason"].get<std::string>().find("depeg:") == 0);
  CHECK(f.ledger->queued(31337, terms("alice").vault.address, 10)->empty());

  const auto ref = [](const char* id) { return *ref_id("Bybit", id); };
  CHECK(f.ledger->approve(ref("odd"), "carol", "checked with the venue"));
  CHECK(f.ledger->reject(ref("split"), "carol", "paid by hand"));
  CHECK_FALSE(f.ledger->approve(ref("coin"), "carol", "no amount"));
  CHECK_FALSE(f.ledger->approve(ref("odd"), "carol", "twice"));
  CHECK_FALSE(f.ledger->approve(ref("unknown"), "carol", "?"));
  const auto row = *reader(f.dir)->show("odd");
  CHECK(row["state"] == "QUEUED");
  CHECK(row["audit"].back()["actor"] == "carol");
  CHECK(row["audit"].back()["detail"] == "checked with the venue");
}

TEST_CASE("ledger: zero, rejected, and badly dated closes", "[ledger]") {
  Fixture f;
  CHECK(commit(*f.ledger, close_of("zero", "0")) == Outcome::kNoAction);
  CHECK(commit(*f.ledger, close_of("dust", "0.0000004")) == Outcome::kNoAction);
  CHECK(commit(*f.ledger, close_of("dust", "0.0000004")) == Outcome::kDuplicate);
  CHECK(commit(*f.ledger, close_of(" padded", "1")) == Outcome::kRejected);
  auto foreign = close_of("kraken-1", "1");
  foreign.venue = "Kraken";
  CHECK(commit(*f.ledger, foreign) == Outcome::kRejected);
  auto seconds = close_of("seconds", "1");
  seconds.closed_ms /= 1000;  // must not pass for a close of 1970 and be dropped silently
  CHECK(commit(*f.ledger, seconds) == Outcome::kHeld);
  auto future = close_of("future", "1");
  future.closed_ms *= 1000;
  CHECK(commit(*f.ledger, future) == Outcome::kHeld);
  CHECK(f.rows("REJECTED").size() == 2);
  const auto sums = *reader(f.dir)->sums();
  CHECK(sums.no_action == 4);
  CHECK(sums.held == 2);
  CHECK(sums.settled == 0);
  CHECK(reader(f.dir)->close_ids()->size() == 6);
}

TEST_CASE("ledger: closes before settle_from are remembered and never settled", "[ledger]") {
  Fixture f;
  const auto info = *f.ledger->account("alice");
  CHECK(info.settle_from_ms == kNow);
  CHECK(info.registered_ms == kNow);
  auto early = close_of("early", "100"), edge = close_of("edge", "100");
  early.closed_ms = kNow - 1;
  edge.closed_ms = kNow;
  CHECK(commit(*f.ledger, early) == Outcome::kBeforeActivation);
  CHECK(commit(*f.ledger, edge) == Outcome::kAccepted);
  f.clock.advance_ms(1'000'000);
  auto later = terms("alice");
  later.settle_from_ms = kNow - 1'000'000;  // a changed pipeline does not move what is durable
  const auto again = f.ledger->register_account(later);
  CHECK(again->settle_from_ms == kNow);
  CHECK(again->settle_from_differs);
  CHECK(commit(*f.ledger, early) == Outcome::kDuplicate);
  auto explicit_from = terms("dora");
  explicit_from.settle_from_ms = kNow + 5'000;
  CHECK(f.ledger->register_account(explicit_from)->settle_from_ms == kNow + 5'000);
  CHECK(commit(*f.ledger, close_of("d1", "1", "dora")) == Outcome::kBeforeActivation);
}

TEST_CASE("ledger: dry-run is terminal, and going live starts anew", "[ledger]") {
  Fixture f;
  auto t = terms("dora");
  t.vault.live = false;
  REQUIRE(f.ledger->register_account(t));
  auto c = close_of("d1", "5", "dora");
  c.closed_ms = f.clock.wall_ms();
  CHECK(commit(*f.ledger, c) == Outcome::kDryRun);
  f.clock.advance_ms(10'000);
  t.vault.live = true;
  const auto info = f.ledger->register_account(t);
  CHECK(info->settle_from_ms == f.clock.wall_ms());
  CHECK(commit(*f.ledger, c) == Outcome::kDuplicate);
  c.id = "d2";  // closed while it was dry-run, seen only now
  CHECK(commit(*f.ledger, c) == Outcome::kBeforeActivation);
  c.id = "d3";
  c.closed_ms = f.clock.wall_ms() + 1;
  CHECK(commit(*f.ledger, c) == Outcome::kAccepted);
  CHECK(f.ledger->queued(31337, t.vault.address, 10)->size() == 1);
}

TEST_CASE("ledger: one uid, one account, one name, one venue", "[ledger]") {
  Fixture f;
  auto twin = terms("twin");
  twin.uid = "uid-alice";
  const auto refused = f.ledger->register_account(twin);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kBadRequest);
  CHECK(refused.error().text.find("uid-alice") != std::string::npos);
  twin.uid.clear();
  CHECK(f.ledger->register_account(twin));
  CHECK_FALSE(f.ledger->set_account_uid("twin", "uid-alice"));
  CHECK(f.ledger->set_account_uid("twin", "uid-twin"));
  CHECK_FALSE(f.ledger->register_account(terms("alice", "Kraken")));
  auto other_venue = terms("kate", "Kraken");
  other_venue.uid = "uid-alice";  // another venue's numbers
  CHECK(f.ledger->register_account(other_venue));
  const auto unknown = f.ledger->commit_batch({"nobody", {close_of("1", "1", "nobody")}, {}, {}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::kBadRequest);
}

TEST_CASE("ledger: an account that moves to another vault settles no close twice", "[ledger]") {
  Fixture f;
  CHECK(commit(*f.ledger, close_of("1", "10")) == Outcome::kAccepted);
  auto moved = terms("alice");
  moved.vault.address = address_of(0x77);
  REQUIRE(f.ledger->register_account(moved));
  CHECK(commit(*f.ledger, close_of("1", "10")) == Outcome::kDuplicate);
  CHECK(commit(*f.ledger, close_of("2", "10")) == Outcome::kAccepted);
  CHECK(f.ledger->queued(31337, moved.vault.address, 10)->size() == 1);
}

TEST_CASE("ledger: the watermark moves with its closes", "[ledger]") {
  Fixture f;
  CHECK_FALSE(f.ledger->account("alice")->watermark);
  const Watermark mark{{1, 2, 3}, 7};
  REQUIRE(f.ledger->commit_batch({"alice", {close_of("1", "1")}, mark, {}}));
  f.restart();
  CHECK(f.ledger->account("alice")->watermark == mark);
  CHECK(f.ledger->register_account(terms("alice"))->watermark == mark);
  // A batch that fails leaves both behind.
  const AccountBatch good{"alice", {close_of("2", "1")}, Watermark{{9}, 7}, {}}, bad{"nobody", {}, {}, {}};
  const std::vector<AccountBatch> both{good, bad};
  const auto results = f.ledger->commit_group(both);
  REQUIRE(results);
  CHECK((*results)[0]);
  CHECK_FALSE((*results)[1]);
  CHECK(f.ledger->account("alice")->watermark->cursor == Bytes{9});
}

TEST_CASE("ledger: unproven ranges stay open until proven or accepted", "[ledger]") {
  Fixture f;
  const auto cover = [&](std::int64_t from, std::int64_t to, bool proven) {
    REQUIRE(f.ledger->commit_batch({"alice", {}, {}, {{from, to, proven}}}));
  };
  cover(1'000, 5'000, false);
  cover(1'000, 5'000, false);  // told twice
  REQUIRE(f.ledger->unproven()->size() == 1);
  cover(2'000, 3'000, true);
  auto open = *f.ledger->unproven("alice");
  REQUIRE(open.size() == 2);
  CHECK((open[0].from_ms == 1'000 && open[0].to_ms == 2'000));
  CHECK((open[1].from_ms == 3'000 && open[1].to_ms == 5'000));
  cover(0, 2'500, true);
  f.restart();
  open = *f.ledger->unproven();
  REQUIRE(open.size() == 1);
  CHECK(reader(f.dir)->unproven()->size() == 1);
  CHECK(f.ledger->accept_unproven(open[0].id, "carol", "no trades then"));
  CHECK_FALSE(f.ledger->accept_unproven(open[0].id, "carol", "again"));
  CHECK(f.ledger->unproven()->empty());
  const auto all = *f.ledger->unproven({}, false);
  CHECK(all.size() == 3);
  CHECK(f.ledger->unproven("bob")->empty());
}

TEST_CASE("ledger: nonces grow over restarts and never repeat", "[ledger]") {
  Fixture f;
  CHECK(f.ledger->reserve_nonces("kraken/key1", 1'000, 100).value() == 1'000);
  CHECK(f.ledger->reserve_nonces("kraken/key1", 500, 100).value() == 1'100);
  CHECK(f.ledger->reserve_nonces("kraken/key2", 500, 100).value() == 500);
  f.restart();
  CHECK(f.ledger->reserve_nonces("kraken/key1", 1'150, 1).value() == 1'200);
  CHECK(f.ledger->reserve_nonces("kraken/key1", 1'700'000'000'000'000, 1).value() == 1'700'000'000'000'000);
}

TEST_CASE("ledger: a close is found by refId or id in any vault and venue, and never by reading the table", "[ledger]") {
  Fixture f;
  auto other = terms("bob");
  other.vault.address = address_of(0x77);
  REQUIRE(f.ledger->register_account(other));
  auto third = terms("carol");
  third.venue = "Kraken";
  third.vault.chain_id = 1;
  REQUIRE(f.ledger->register_account(third));
  for (int i = 0; i < 20; ++i) {
    commit(*f.ledger, close_of("a" + std::to_string(i), "1"));
    commit(*f.ledger, close_of("b" + std::to_string(i), "1", "bob"));
    auto close = close_of("c" + std::to_string(i), "1", "carol");
    close.venue = "Kraken";
    commit(*f.ledger, close);  // from before its activation: a row all the same
  }
  for (const char* id : {"a7", "b7", "c7"}) {
    const auto by_id = *reader(f.dir)->show(id);
    CHECK(by_id["id"] == id);
    CHECK(*reader(f.dir)->show(by_id["ref"].get<std::string>()) == by_id);
    CHECK(f.ledger->is_processed(*Hash::parse(by_id["ref"].get<std::string>())).value());
  }
  CHECK_FALSE(f.ledger->is_processed(Hash{}).value());
  auto db = Database::open(f.dir.ledger(), Database::Mode::kReadOnly);
  REQUIRE(db);
  Query plan(**db, "EXPLAIN QUERY PLAN SELECT id FROM settlement WHERE id IN (" ANDUIN_SETTLEMENT_IDS ")");
  int scans = 0;
  while (plan.step()) {
    INFO(plan.text(3));
    if (plan.text(3).starts_with("SCAN s") && plan.text(3).find("USING COVERING INDEX") == std::string::npos && plan.text(3) != "SCAN step") {
      ++scans;
      CHECK(plan.text(3) == "");
    }
  }
  CHECK(scans == 0);
}
