#include "simulation/world.hpp"

#include <unistd.h>

#include <filesystem>

#include "settle/ledger_query.hpp"

namespace anduin::simulation {
namespace {

using settle::Ledger;
using settle::Submitter;

/// Rounds with faults, and the most that a quiet chain may need afterwards.
constexpr std::uint64_t kStormRounds = 120, kQuietRoundsMax = 120;
constexpr const char* kVaultAddress = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512";
/// Publicly known development key, of no value anywhere.
constexpr const char* kKey = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

struct Hook final : settle::WriteHook {
  Hook(SeededRandom& d, unsigned per_mille) : dice(d), rate(per_mille) {}
  SeededRandom& dice;
  unsigned rate;
  void strike() const {
    if (dice.below(2000) < rate) throw Crash{};  // half of the rate on each side of the write
  }
  void before_commit(const char*) override { strike(); }
  void after_commit(const char*) override { strike(); }
};

/// A close as the venue has it, and what the vault must show for it.
struct Expected {
  ClosedPosition close;
  Hash ref_id;
  bool credit = false, capped = false;
  U256 units;
};

std::filesystem::path fresh_path() {
  static std::uint64_t counter = 0;
  std::filesystem::path dir = "/dev/shm";
  if (!std::filesystem::is_directory(dir)) dir = std::filesystem::temp_directory_path();
  return dir /
         ("anduin-simulation-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".db");
}

class World {
 public:
  explicit World(const WorldOptions& options)
      : options_(options),
        dice_(options.seed),
        vault_(*chain::Vault::create(*Address::parse(kVaultAddress))),
        chain_(vault_.address(), options.duplicate_check, dice_),
        node_(chain_, dice_, rates_),
        signer_(*chain::LocalSigner::from_hex_key(kKey, dice_)),
        hook_(dice_, rates_.crash_at_write),
        path_(fresh_path()) {
    rival_.bytes.fill(0x77);
    make_closes();
  }
  ~World() {
    stop();
    for (const char* suffix : {"", "-wal", "-shm", ".lock"})
      std::filesystem::remove(path_.string() + suffix);
  }

  Verdict run() {
    for (; verdict_.rounds < kStormRounds; ++verdict_.rounds) round(true);
    node_.set_calm();
    chain_.set_calm();
    hook_.rate = 0;
    const std::uint64_t end = verdict_.rounds + kQuietRoundsMax;
    while (verdict_.failure.empty() && verdict_.rounds++ < end &&
           !(drained() && delivered_ == closes_.size()))
      round(false);
    if (verdict_.failure.empty()) judge();
    verdict_.closes = closes_.size();
    return verdict_;
  }

 private:
  void make_closes() {
    const std::size_t count = 6 + dice_.below(8);
    for (std::size_t i = 0; i < count; ++i) {
      Expected e;
      const bool first = dice_.below(2) == 0;
      e.close.venue = "Bybit";
      e.close.account = first ? "alice" : "bob";
      e.close.id = "close-" + std::to_string(options_.seed) + "-" + std::to_string(i);
      e.close.symbol = e.close.native_symbol = "BTCUSDT";
      e.close.currency = e.close.fee_currency = "USDT";
      // In cents, never the same twice: a wrong amount must not look right by chance.
      const auto cents = static_cast<std::int64_t>(1 + i * 20'000 + dice_.below(10'000));
      e.credit = dice_.below(2) == 0;
      e.capped = !e.credit && !first;
      e.units = U256(static_cast<std::uint64_t>(cents)) * 10'000;
      e.close.pnl = Decimal(e.credit ? cents : -cents, -2);
      e.close.closed_ms = clock_.wall_ms() + static_cast<std::int64_t>(dice_.below(1000));
      e.ref_id = *settle::ref_id(e.close.venue, e.close.id);
      closes_.push_back(std::move(e));
    }
  }

  settle::AccountTerms terms(const std::string& name) {
    settle::AccountTerms t;
    t.name = name;
    t.venue = "Bybit";
    t.uid = "uid-" + name;
    t.user.bytes.fill(name == "alice" ? 0xa1 : 0xb0);
    t.vault = {"main", FakeChain::kChainId, vault_.address(), true};
    t.capped_seizure = name == "bob";
    t.settle_from_ms = clock_.wall_ms() - 3'600'000;
    return t;
  }

  void start() {
    settle::LedgerOptions lo;
    lo.path = path_;
    lo.hook = &hook_;
    lo.synchronous = false;
    auto opened = Ledger::open(lo, clock_);
    if (!opened) throw std::runtime_error("ledger: " + opened.error().to_string());
    ledger_ = std::move(*opened);
    for (const char* name : {"alice", "bob"}) {
      const auto info = ledger_->register_account(terms(name));
      if (!info) throw std::runtime_error("account: " + info.error().to_string());
      // Where the venue's history goes on is only what the ledger says.
      if (std::string(name) == "alice") delivered_ = info->watermark ? info->watermark->cursor.at(0) : 0;
    }
    settle::SubmitterOptions so;
    so.vault_name = "main";
    so.chain_id = FakeChain::kChainId;
    so.in_flight_max = 4;
    submitter_ = options_.make({so, *ledger_, vault_, node_, *signer_, clock_});
  }

  void stop() {
    submitter_.reset();
    ledger_.reset();
  }

  void deliver() {
    if (delivered_ >= closes_.size()) return;
    const Expected& e = closes_[delivered_];
    // alice's row carries the cursor over both accounts' closes; bob's closes go out before it moves.
    settle::AccountBatch batch{e.close.account, {e.close}, {}, {}};
    if (!ledger_->commit_batch(batch)) return;
    settle::AccountBatch cursor{
        "alice", {}, settle::Watermark{{static_cast<std::uint8_t>(delivered_ + 1)}, 1}, {}};
    if (ledger_->commit_batch(cursor)) ++delivered_;
  }

  void redeliver() {
    if (delivered_ == 0) return;
    ++verdict_.duplicates;
    ClosedPosition again = closes_[dice_.below(delivered_)].close;
    again.origin = Origin::kHistory;
    const auto out = ledger_->commit_batch({again.account, {again}, {}, {}});
    if (out && out->front().outcome != settle::Outcome::kDuplicate) {
      verdict_.failure = "a repeated close was not a duplicate";
    }
  }

  /// What the outside does in this round.
  void weather() {
    const auto roll = dice_.below(100);
    if (roll < 45)
      chain_.mine();
    else if (roll < 55) {
      ++verdict_.reorgs;
      chain_.reorg(1 + dice_.below(FakeChain::kReorgMax));
    } else if (roll < 60) {
      ++verdict_.drops;
      chain_.drop_one();
    } else if (roll < 62 && verdict_.foreign < 4) {
      ++verdict_.foreign;
      chain_.use_key(signer_->address());
    } else if (roll < 66 && options_.duplicate_check)
      rival();
    clock_.advance_ms(static_cast<std::int64_t>(dice_.below(4'000)));
  }

  void rival() {
    const Expected& e = closes_[dice_.below(closes_.size())];
    const auto action = e.credit   ? chain::Action::kCredit
                        : e.capped ? chain::Action::kSeizeCapped
                                   : chain::Action::kSeize;
    ++verdict_.rivals;
    chain_.rival(rival_, *vault_.settle_call({action, terms(e.close.account).user, e.units, e.ref_id}));
  }

  void round(bool storm) {
    try {
      if (!ledger_) start();
      if (storm ? dice_.below(4) == 0 : true) deliver();
      if (storm && dice_.below(8) == 0) redeliver();
      if (storm && dice_.below(150) == 0) throw Crash{};
      for (int i = 0; i < 2; ++i) {
        const auto ticked = submitter_->tick();
        if (!ticked) {
          verdict_.failure = "fatal: " + ticked.error().to_string();
          return;
        }
      }
    } catch (const Crash&) {
      count();
      ++verdict_.crashes;
      stop();
    }
    if (storm) {
      weather();
    } else {
      chain_.mine();
      clock_.advance_ms(2'000);
    }
  }

  void count() {
    if (!submitter_) return;
    verdict_.lost_slots += submitter_->status().lost_slots;
    verdict_.bumps += submitter_->status().bumps;
  }

  bool drained() {
    if (!ledger_) return false;
    auto reader = settle::LedgerReader::open(path_);
    const auto sums = (*reader)->sums();
    return sums->settled == delivered_ && sums->waiting == 0 && chain_.height() > 0;
  }

  void judge() {
    std::map<Hash, std::vector<chain::VaultEvent>> effects;
    for (const auto& block : chain_.blocks()) {
      for (const auto& tx : block.transactions) {
        for (const auto& log : block.receipts.at(tx.decoded.hash).logs) {
          const auto event = vault_.parse_event(log);
          if (event && *event) effects[(*event)->ref_id].push_back(**event);
        }
      }
    }
    for (const auto& e : closes_) {
      const auto& seen = effects[e.ref_id];
      if (seen.size() != 1) {
        verdict_.failure = e.close.id + ": " +
                           (seen.empty() ? "lost" : "settled " + std::to_string(seen.size()) + " times");
        return;
      }
      const auto& event = seen.front();
      if (event.credit != e.credit || event.requested != e.units ||
          event.user != terms(e.close.account).user) {
        verdict_.failure = e.close.id + ": settled with another amount or user";
        return;
      }
    }
    if (!drained()) verdict_.failure = "not drained: a settlement is stuck";
    count();
    check_books(effects);
  }

  void check_books(const std::map<Hash, std::vector<chain::VaultEvent>>& effects) {
    if (!verdict_.failure.empty()) return;
    boost::multiprecision::cpp_int sum = 0;
    for (const auto& [ref, events] : effects) {
      for (const auto& e : events) {
        if (e.credit)
          sum += boost::multiprecision::cpp_int(e.moved);
        else
          sum -= boost::multiprecision::cpp_int(e.moved);
      }
    }
    auto reader = settle::LedgerReader::open(path_);
    if (const auto books = (*reader)->sums(); books->ledger_sum != sum.str()) {
      verdict_.failure = "books: ledger " + books->ledger_sum + ", chain " + sum.str();
    }
    if (const auto audit = (*reader)->verify_audit(); !audit->ok)
      verdict_.failure = "audit: " + audit->text;
  }

  WorldOptions options_;
  SeededRandom dice_;
  FaultRates rates_;
  ManualClock clock_;
  chain::Vault vault_;
  FakeChain chain_;
  FakeNode node_;
  std::unique_ptr<chain::LocalSigner> signer_;
  Hook hook_;
  std::filesystem::path path_;
  Address rival_;
  std::vector<Expected> closes_;
  std::size_t delivered_ = 0;
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
