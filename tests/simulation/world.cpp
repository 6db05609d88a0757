#include "simulation/world.hpp"

#include <unistd.h>

#include <array>

#include "simulation/books.hpp"
#include "simulation/judge.hpp"
#include "simulation/venue.hpp"

namespace anduin::simulation {
namespace {

using settle::Ledger;
using settle::State;
using settle::Submitter;

/// The most that a quiet chain may need afterwards.
constexpr std::uint64_t kQuietRoundsMax = 160;
/// Quiet rounds with one key, where keys are rotated.
constexpr std::uint64_t kTurn = 25;
/// Somebody uses our key for something else: a few times in a run, or nothing of ours gets through.
constexpr std::uint64_t kForeignMax = 4;

struct Hook final : settle::WriteHook {
  Hook(SeededRandom& d, unsigned per_mille) : dice(d), rate(per_mille) {}
  SeededRandom& dice;
  unsigned rate;
  void strike() const {
    if (rate != 0 && dice.below(2000) < rate) throw Crash{};  // half of the rate on each side of the write
  }
  void before_commit(const char*) override { strike(); }
  void after_commit(const char*) override { strike(); }
};

std::filesystem::path fresh_path() {
  static std::uint64_t counter = 0;
  std::filesystem::path dir = "/dev/shm";
  if (!std::filesystem::is_directory(dir)) dir = std::filesystem::temp_directory_path();
  return dir / ("anduin-simulation-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".db");
}

/// True while this object lives.
class Flag {
 public:
  explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
  ~Flag() { flag_ = false; }

 private:
  bool& flag_;
};

std::vector<Address> users_of(Outside& outside) {
  std::vector<Address> out;
  for (std::size_t i = 0; i < std::size(kAccounts); ++i) out.push_back(outside.user(i));
  return out;
}

class World {
 public:
  explicit World(const WorldOptions& options)
      : options_(options),
        dice_(options.seed),
        outside_(options.outside(options.duplicate_check, dice_, rates_)),
        venue_(options.seed, dice_, clock_.wall_ms(), users_of(*outside_)),
        hook_(dice_, rates_.crash_at_write),
        path_(fresh_path()),
        rotates_(dice_.below(3) == 0),
        batch_max_(std::array<std::size_t, 3>{1, 3, 100}[dice_.below(3)]),
        batch_window_ms_(dice_.below(2) == 0 ? 0 : 250) {
    outside_->node().meanwhile = [this] { meanwhile(); };
    counts().rotating = rotates_ ? 1 : 0;
    counts().closes = venue_.closes().size();
    for (const Expected& e : venue_.closes()) {
      counts().held += e.held ? 1U : 0U;
      if (!kAccounts[e.account].poor || e.item.action == chain::Action::kCredit || e.item.amount == 0) continue;
      outside_->poison(e.item);
      ++counts().poison;
    }
  }
  ~World() {
    stop();
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(path_.string() + suffix);
  }

  Verdict run() {
    for (; rounds() < options_.storm_rounds && verdict_.failure.empty(); ++rounds()) round();
    storm_ = false;
    outside_->calm();
    hook_.rate = 0;
    const std::uint64_t end = rounds() + kQuietRoundsMax;
    while (verdict_.failure.empty() && rounds()++ < end && !drained()) round();
    if (verdict_.failure.empty()) verdict_.failure = judge(venue_.closes(), outside_->events(), path_);
    if (verdict_.failure.empty() && !drained()) verdict_.failure = "not drained: a settlement is stuck";
    count();
    return verdict_;
  }

 private:
  Counts& counts() { return verdict_.counts; }
  std::uint64_t& rounds() { return verdict_.counts.rounds; }

  settle::AccountTerms terms(std::size_t i) {
    settle::AccountTerms t;
    t.name = kAccounts[i].name;
    t.venue = "Bybit";
    t.uid = std::string("uid-") + kAccounts[i].name;
    t.user = outside_->user(i);
    t.vault = {"main", FakeChain::kChainId, outside_->vault().address(), true};
    t.capped_seizure = kAccounts[i].capped;
    t.settle_from_ms = clock_.wall_ms() - 3'600'000;
    return t;
  }

  std::unique_ptr<Submitter> make_submitter(std::size_t signer) {
    settle::SubmitterOptions so;
    so.vault_name = "main";
    so.chain_id = FakeChain::kChainId;
    so.in_flight_max = 4;
    so.batch_max = batch_max_;
    so.batch_window_ms = batch_window_ms_;
    so.probe_blocked_ms = 12'000;  // a storm is minutes long, not hours
    return options_.mutation.make(
        {so, *ledger_, outside_->vault(), outside_->node(), outside_->signer(signer), clock_});
  }

  void start() {
    settle::LedgerOptions lo;
    lo.path = path_;
    lo.hook = &hook_;
    lo.synchronous = false;
    auto opened = Ledger::open(lo, clock_);
    if (!opened) throw std::runtime_error("ledger: " + opened.error().to_string());
    ledger_ = std::move(*opened);
    if (options_.mutation.on_open) options_.mutation.on_open(path_);
    for (std::size_t i = 0; i < std::size(kAccounts); ++i) {
      const auto info = ledger_->register_account(terms(i));
      if (!info) throw std::runtime_error("account: " + info.error().to_string());
      // Where the venue's history goes on is only what the ledger says.
      read_to_[i] = ScriptedVenue::position(info->watermark);
    }
    // Whoever starts the host again may have given it another key; what the earlier one left is followed to its end.
    if (rotates_) key_ = storm_ ? dice_.below(2) : 1 - key_;
    submitter_ = make_submitter(key_);
  }

  void stop() {
    if (submitter_ != nullptr) gather(*submitter_);
    submitter_.reset();
    ledger_.reset();
  }

  void gather(const Submitter& s) {
    counts().lost_slots += s.status().lost_slots;
    counts().bumps += s.status().bumps;
  }

  bool commit(const settle::AccountBatch& batch) {
    if (options_.mutation.commit) return options_.mutation.commit(*ledger_, batch);
    return static_cast<bool>(ledger_->commit_batch(batch));
  }

  /// A close happens; who listens hears of it at once, without a watermark: the stream proves nothing.
  void happen() {
    const auto i = venue_.happen();
    if (!i || !ledger_ || dice_.below(3) == 0) return;
    const Expected& e = venue_.closes()[*i];
    commit({e.close.account, {e.close}, {}, {}});
  }

  /// The next page of an account's history, and its watermark with it.
  void sweep() {
    const std::size_t i = dice_.below(std::size(kAccounts));
    auto page = venue_.history(i, read_to_[i]);
    if (page.empty()) return;
    const std::size_t to = read_to_[i] + page.size();
    if (commit({kAccounts[i].name, std::move(page), ScriptedVenue::watermark(to), {}})) read_to_[i] = to;
  }

  /// The venue says it again, from either source, sometimes with another amount.
  void redeliver() {
    const Expected* e = venue_.any(dice_);
    if (e == nullptr) return;
    const Book book = read_book(path_);
    const bool known = book.contains(e->item.ref_id);
    ClosedPosition again = e->close;
    again.origin = dice_.below(2) == 0 ? Origin::kHistory : Origin::kStream;
    const bool other = known && dice_.below(3) == 0;
    if (other) again.pnl = again.pnl + Decimal(1 + static_cast<std::int64_t>(dice_.below(500)), -2);
    ++(other ? counts().corrections : counts().duplicates);
    const auto out = ledger_->commit_batch({again.account, {again}, {}, {}});
    if (!out) return;
    using settle::Outcome;
    if (known && out->front().outcome != (other ? Outcome::kConflict : Outcome::kDuplicate)) {
      verdict_.failure = "a known close was taken as a new one";
    }
    if (other && options_.mutation.on_correction) options_.mutation.on_correction(path_, again);
  }

  /// A person looks at what is held and decides.
  void operate() {
    for (const auto& [ref, row] : read_book(path_)) {
      const bool held = row.state == State::kQuarantined;
      if (!held && !(row.state == State::kBlocked && row.slots_used >= settle::kSlotsPerItemMax)) continue;
      ++counts().decisions;
      const Expected& e = close_of(ref);
      const auto done = held && !e.approve ? ledger_->reject(ref, "operator", "not ours")
                                           : ledger_->approve(ref, "operator", "seen at the venue");
      if (!done) verdict_.failure = "operator: " + done.error().to_string();
      return;
    }
  }

  Expected& close_of(const Hash& ref) {
    for (Expected& e : venue_.closes()) {
      if (e.item.ref_id == ref) return e;
    }
    throw std::runtime_error("a settlement that the venue does not know");
  }

  /// While a submitter waits for the network, the rest of the world goes on.
  void meanwhile() {
    if (!storm_ || nested_ || dice_.below(100) >= 4) return;
    const Flag nested(nested_);
    ++counts().meanwhile;
    switch (dice_.below(6)) {
      case 0: reorg(); break;
      case 1: happen(); break;
      case 2: sweep(); break;
      case 3: operate(); break;
      default: outside_->mine();
    }
  }

  void reorg() {
    ++counts().reorgs;
    outside_->reorg(1 + dice_.below(Outside::kReorgMax));
  }

  /// What the outside does in this round.
  void weather() {
    const auto roll = dice_.below(100);
    if (roll < 45) outside_->mine();
    else if (roll < 55) reorg();
    else if (roll < 60) {
      ++counts().drops;
      outside_->drop_one();
    } else if (roll < 62 && counts().foreign < kForeignMax) {
      ++counts().foreign;
      outside_->use_key();
    } else if (roll < 66 && options_.duplicate_check) rival();
    else if (roll < 67 || paused_) {
      paused_ = !paused_;
      counts().pauses += paused_ ? 1U : 0U;
      outside_->set_paused(paused_);
    }
    clock_.advance_ms(static_cast<std::int64_t>(dice_.below(4'000)));
  }

  /// Another host settles the same close, now and then with another amount.
  void rival() {
    Expected& e = venue_.closes()[dice_.below(venue_.closes().size())];
    if (e.item.amount == 0 || (e.held && !e.approve)) return;
    chain::VaultItem item = e.item;
    if (dice_.below(6) == 0) {
      item.amount += 1 + dice_.below(1'000);
      e.wrong.push_back(item.amount);
      ++counts().wrong_rivals;
    }
    ++counts().rivals;
    outside_->rival(item);
  }

  void tick() {
    const auto ticked = submitter_->tick();
    if (ticked) return;
    if (options_.mutation.restarts) throw Crash{};
    verdict_.failure = "fatal: " + ticked.error().to_string();
  }

  void round() {
    try {
      if (!ledger_) start();
      if (!storm_ || dice_.below(5) == 0) happen();
      if (!storm_ || dice_.below(4) == 0) sweep();
      if (storm_ && dice_.below(8) == 0) redeliver();
      if (dice_.below(6) == 0) operate();
      if (storm_ && dice_.below(150) == 0) throw Crash{};
      for (int i = 0; i < 2 && verdict_.failure.empty(); ++i) tick();
    } catch (const Crash&) {
      ++counts().crashes;
      stop();
    }
    if (storm_) {
      weather();
    } else {
      outside_->mine();
      clock_.advance_ms(2'000);
      // A slot that an earlier key never signed waits for a run with that key.
      if (rotates_ && rounds() % kTurn == 0) stop();
    }
  }

  void count() {
    stop();
    const FaultyNode& node = outside_->node();
    counts().rpc_errors = node.rpc_errors;
    counts().lost_replies = node.lost_replies;
    counts().stale_receipts = node.stale_receipts;
    const SlotCounts slots = count_slots(path_);
    counts().slots = slots.slots;
    counts().batches = slots.batches;
  }

  bool drained() {
    if (!ledger_ || !venue_.all_happened()) return false;
    for (std::size_t i = 0; i < std::size(kAccounts); ++i) {
      if (!venue_.history(i, read_to_[i]).empty()) return false;
    }
    for (const auto& [ref, row] : read_book(path_)) {
      if (!is_over(row.state)) return false;
    }
    return true;
  }

  WorldOptions options_;
  SeededRandom dice_;
  FaultRates rates_;
  ManualClock clock_;
  std::unique_ptr<Outside> outside_;
  ScriptedVenue venue_;
  Hook hook_;
  std::filesystem::path path_;
  const bool rotates_;
  const std::size_t batch_max_;
  const std::int64_t batch_window_ms_;
  std::size_t key_ = 0;
  bool storm_ = true, nested_ = false, paused_ = false;
  std::size_t read_to_[std::size(kAccounts)] = {};
  Verdict verdict_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Submitter> submitter_;
};

}  // namespace

std::unique_ptr<Submitter> real_submitter(const Parts& p) {
  return std::make_unique<Submitter>(p.options, p.ledger, p.vault, p.node, p.signer, p.clock);
}

Verdict run_world(const WorldOptions& options) { return World(options).run(); }

}  // namespace anduin::simulation
