// Is the model's ledger the real one? Method: random histories of the model are replayed against a real ledger file,
// write by write; after each step states, slots and nonces must be the model's, every move must have left one audit row
// in the same write, and what a dead or superseded host tries must be refused. A crash closes and opens the file.
#include <catch2/catch.hpp>
#include <cstdio>

#include "base/random.hpp"
#include "model/rules.hpp"
#include "settle/db.hpp"
#include "settle/support.hpp"

namespace {

using namespace anduin;
using namespace anduin::model;
using settle::ItemMove;
using settle::test::close_of;
using settle::test::kNow;
using settle::test::TempDir;

constexpr int kHistories = 60, kStepsMax = 120;
constexpr std::uint64_t kChain = 31337;

/// A real ledger that is told what the model has just done.
class Shadow {
 public:
  explicit Shadow(const World& first) {
    signer_.bytes.fill(0x51);
    open();
    for (std::size_t i = 0; i < kItems; ++i) {
      auto close = close_of("item-" + std::to_string(i), "10");
      if (first.items[i].state == State::kQuarantined) close.hold_reason = "held by the venue's own words";
      const auto out = ledger_->commit_batch({"alice", {close}, {}, {}});
      REQUIRE(out);
      refs_[i] = out->front().ref_id;
    }
    REQUIRE(ledger_->raise_nonce(key_, 0, "first use"));
  }

  void follow(const World& before, const World& after, const std::string& step) {
    const auto audit = audit_rows();
    expected_audit_ = 0;
    if (step == "crash") {
      ledger_.reset();
      open();
    }
    for (std::size_t s = 0; s < kSlots; ++s) slot(before, after, s, step);
    items(before, after, step);
    if (step == "raise the nonce") {
      REQUIRE(ledger_->raise_nonce(key_, after.next_nonce, "used elsewhere"));
      ++expected_audit_;
    }
    CHECK(audit_rows() - audit == expected_audit_);
    compare(after);
  }

  /// I8: an older epoch writes nothing.
  void superseded() {
    const settle::SignerKey old = key_;
    key_ = *ledger_->acquire_signer(kChain, signer_, vault());
    const auto refused = ledger_->raise_nonce(old, 1'000, "by a host whose time is over");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kFatal);
  }

  /// I3: what is in a slot enters no other one, and nothing enters a slot twice.
  void reserve_is_refused(const World& w) {
    auto queued = *ledger_->queued(kChain, vault(), 10);
    if (!queued.empty()) {
      queued.push_back(queued.front());
      CHECK_FALSE(ledger_->reserve(key_, vault(), queued, call(), 100'000));
    }
    for (std::size_t i = 0; i < kItems; ++i) {
      if (w.items[i].state == State::kQueued) continue;
      settle::QueuedItem stale;
      stale.id = row_id(i);
      stale.ref_id = refs_[i];
      CHECK_FALSE(ledger_->reserve(key_, vault(), {stale}, call(), 100'000));
    }
    compare(w);
  }

 private:
  static chain::Address vault() { return settle::test::address_of(0x5e); }
  static settle::Call call() { return {vault(), Bytes{1, 2, 3, 4}}; }

  void open() {
    settle::LedgerOptions o;
    o.path = dir_.ledger();
    o.synchronous = false;
    ledger_ = std::move(*settle::Ledger::open(o, clock_));
    auto terms = settle::test::terms("alice");
    terms.settle_from_ms = kNow;
    REQUIRE(ledger_->register_account(terms));
    key_ = *ledger_->acquire_signer(kChain, signer_, vault());
    db_.reset();
    db_ = std::move(*settle::Database::open(dir_.ledger(), settle::Database::Mode::kReadOnly));
  }

  std::int64_t number(std::string_view sql, std::int64_t argument) {
    settle::Query q(*db_, sql);
    q.bind(argument);
    return q.step() ? q.integer(0) : -1;
  }
  std::int64_t audit_rows() { return number("SELECT count(*) FROM audit WHERE id > ?", 0); }
  std::int64_t row_id(std::size_t i) {
    settle::Query q(*db_, "SELECT id FROM settlement WHERE ref_id = ?");
    q.bind(refs_[i]);
    return q.step() ? q.integer(0) : -1;
  }
  std::int64_t slot_id(std::uint8_t nonce) { return number("SELECT id FROM slot WHERE nonce = ?", nonce); }

  std::vector<ItemMove> moves(const World& before, const World& after, std::size_t s, bool all) {
    std::vector<ItemMove> out;
    for (std::size_t i = 0; i < kItems; ++i) {
      if ((before.slots[s].items >> i & 1U) == 0) continue;
      const State from = before.items[i].state, to = after.items[i].state;
      if (all || from != to) out.push_back({refs_[i], from, to, "as the model says", {}});
    }
    expected_audit_ += static_cast<std::int64_t>(out.size());
    return out;
  }

  void sign(const Slot& slot, std::size_t attempt, bool noop) {
    settle::AttemptRow row;
    row.hash = chain::keccak256("attempt " + std::to_string(slot.nonce) + " " + std::to_string(attempt));
    row.noop = noop;
    row.raw = {1};
    REQUIRE(ledger_->add_attempt(key_, slot_id(slot.nonce), row));
    ++expected_audit_;
  }

  void slot(const World& before, const World& after, std::size_t s, const std::string& step) {
    const Slot &from = before.slots[s], &to = after.slots[s];
    if (from.used == 0 && to.used != 0) return reserve(before, to);
    if (to.used == 0) return;
    const std::int64_t id = slot_id(to.nonce);
    const chain::Hash attempt = chain::keccak256("attempt " + std::to_string(to.nonce) + " 0");
    if (from.attempts == 0 && to.attempts != 0) sign(to, 0, false);
    if (from.state == SlotState::kSigned && to.state == SlotState::kSent) {
      REQUIRE(ledger_->mark_sent(key_, id, attempt, ""));
      ++expected_audit_;
    }
    if (from.attempts == 1 && to.attempts == 2) sign(to, 1, to.noop != 0);
    const bool over = to.state == SlotState::kFinal || to.state == SlotState::kLost;
    if (over && from.state != to.state) {
      REQUIRE(ledger_->close_slot(key_, id, to.state, moves(before, after, s, true), "as the model says"));
      ++expected_audit_;
    } else if (step == "mined" && (from.state != to.state || from.recorded != to.recorded)) {
      REQUIRE(ledger_->mark_mined(key_, id, attempt, chain::keccak256("block"), 7, moves(before, after, s, false)));
      ++expected_audit_;
    } else if (from.state == SlotState::kMined && to.state == SlotState::kSent) {
      REQUIRE(ledger_->mark_unmined(key_, id, moves(before, after, s, false), "as the model says"));
      ++expected_audit_;
    }
  }

  void reserve(const World& before, const Slot& to) {
    std::vector<settle::QueuedItem> chosen;
    for (auto& item : *ledger_->queued(kChain, vault(), 10)) {
      for (std::size_t i = 0; i < kItems; ++i) {
        if ((to.items >> i & 1U) != 0 && item.ref_id == refs_[i]) chosen.push_back(item);
      }
    }
    const auto row = ledger_->reserve(key_, vault(), chosen, call(), 100'000);
    REQUIRE(row);
    CHECK(row->nonce == before.next_nonce);
    expected_audit_ += 1 + static_cast<std::int64_t>(chosen.size());
  }

  void items(const World& before, const World& after, const std::string& step) {
    for (std::size_t i = 0; i < kItems; ++i) {
      const State from = before.items[i].state, to = after.items[i].state;
      if (from == to) continue;
      if (step == "approve") REQUIRE(ledger_->approve(refs_[i], "operator", "seen"));
      else if (step == "reject") REQUIRE(ledger_->reject(refs_[i], "operator", "not ours"));
      else if (step == "probe" || step == "already used")
        REQUIRE(ledger_->move_item(key_, vault(), {refs_[i], from, to, "as the model says", {}}));
      else continue;
      ++expected_audit_;
    }
  }

  void compare(const World& w) {
    for (std::size_t i = 0; i < kItems; ++i) {
      settle::Query q(*db_, "SELECT state, slots_used FROM settlement WHERE ref_id = ?");
      q.bind(refs_[i]);
      REQUIRE(q.step());
      CHECK(q.text(0) == settle::to_string(w.items[i].state));
      CHECK(q.integer(1) == w.items[i].slots_used);
    }
    std::int64_t slots = 0;
    for (const Slot& s : w.slots) {
      if (s.used == 0) continue;
      ++slots;
      settle::Query q(*db_, "SELECT state FROM slot WHERE nonce = ?");
      q.bind(std::int64_t{s.nonce});
      REQUIRE(q.step());
      CHECK(q.text(0) == settle::to_string(s.state));
    }
    CHECK(number("SELECT count(*) FROM slot WHERE id > ?", 0) == slots);
    CHECK(**ledger_->next_nonce(key_) == w.next_nonce);
  }

  TempDir dir_;
  ManualClock clock_{kNow};
  chain::Address signer_;
  std::unique_ptr<settle::Ledger> ledger_;
  std::unique_ptr<settle::Database> db_;
  settle::SignerKey key_;
  chain::Hash refs_[kItems];
  std::int64_t expected_audit_ = 0;
};

/// One random history. Returns how many of its steps the ledger had to follow.
int history(std::uint64_t seed, bool duplicate_check) {
  SeededRandom dice(seed);
  Rules rules;
  rules.duplicate_check = duplicate_check;
  World w = first_world(dice.below(2) == 0, rules, {});
  Shadow shadow(w);
  int steps = 0;
  for (; steps < kStepsMax; ++steps) {
    std::vector<std::pair<World, std::string>> next;
    successors(w, rules, [&](const World& to, const char* step) {
      if (bytes_of(to) != bytes_of(w) || std::string(step) == "crash") next.emplace_back(to, step);
    });
    const auto& [to, step] = next[dice.below(next.size())];
    INFO("seed " << seed << ", step " << steps << ": " << step << "\n" << to_string(w) << "\n" << to_string(to));
    shadow.follow(w, to, step);
    w = to;
    REQUIRE(broken(w) == "");
    if (dice.below(16) == 0) shadow.superseded();
    if (dice.below(16) == 0) shadow.reserve_is_refused(w);
  }
  return steps;
}

}  // namespace

TEST_CASE("the real ledger follows the model: every write allowed, audited once, and nothing else") {
  int steps = 0;
  for (int i = 0; i < kHistories; ++i) steps += history(static_cast<std::uint64_t>(i) + 1, i % 2 == 0);
  std::printf("%d histories, %d steps: the ledger's states are the model's\n", kHistories, steps);
  CHECK(steps == kHistories * kStepsMax);
}
