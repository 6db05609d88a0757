// C1: a close becomes a row, once. First the rule (bridge), then what the ledger already knows, then the
// insert.
#include <array>

#include "settle/ledger_impl.hpp"
#include "settle/plausibility.hpp"

namespace anduin::settle {
namespace {

/// Closes dated before this are a unit error (seconds read as milliseconds), not history: 2015-01-01.
constexpr std::int64_t kClosedMsMin = 1'420'070'400'000;
/// A close from the future by more than a day is a unit error; less is clock skew.
constexpr std::int64_t kFutureMsMax = 86'400'000;

const char* to_text(Verified v) {
  return v == Verified::kOk ? "ok" : v == Verified::kFailed ? "failed" : "unverified";
}

std::optional<std::string> text_of(const std::optional<Decimal>& d) {
  return d ? std::optional<std::string>(d->to_string()) : std::nullopt;
}

/// What makes two reports of one id the same report: the figures that money comes from, and whose they are.
Hash digest_of(const ClosedPosition& c, const std::string& account) {
  std::string text = account + '\n' + c.pnl.to_string() + '\n' + canonical_currency(c.currency) + '\n' +
                     c.fee.to_string() + '\n' + (c.fee.is_zero() ? "" : canonical_currency(c.fee_currency));
  if (!is_dollar(canonical_currency(c.currency)) && c.exit_price) text += '\n' + c.exit_price->to_string();
  return sha256(text);
}

/// The rates that an earlier report was settled with, so that a second look does not depend on today's
/// market.
class StoredRates final : public RateSource {
 public:
  StoredRates(std::string pnl_currency, std::optional<Rate> pnl, std::string fee_currency,
              std::optional<Rate> fee)
      : pnl_currency_(std::move(pnl_currency)),
        fee_currency_(std::move(fee_currency)),
        pnl_(std::move(pnl)),
        fee_(std::move(fee)) {}
  std::optional<Rate> usd_price(std::string_view currency, std::int64_t) const override {
    if (pnl_ && currency == pnl_currency_) return pnl_;
    if (fee_ && currency == fee_currency_) return fee_;
    return std::nullopt;
  }

 private:
  std::string pnl_currency_, fee_currency_;
  std::optional<Rate> pnl_, fee_;
};

struct Known {
  std::int64_t id = 0;
  std::string account, state;
  Hash digest, ref_id;
  bool has_amount = false;
  std::optional<std::string> action;
  U256 units;
  // What an inbound repeat is compared with besides the money.
  std::string symbol, side;
  std::optional<Decimal> entry, exit, size;
  std::int64_t closed_ms = 0;
  StoredRates rates{{}, {}, {}, {}};
};

std::optional<Decimal> decimal_at(const Query& q, int column) {
  if (q.null(column)) return std::nullopt;
  return Decimal::of(q.text(column));
}

std::optional<Rate> rate_at(const Query& q, int column) {
  if (q.null(column)) return std::nullopt;
  return Rate{Decimal::of(q.text(column)), q.integer(column + 2), q.text(column + 1)};
}

/// The row of this venue and id, whatever vault or hash it was made for: an id settles once.
std::optional<Known> find(Database& db, const ClosedPosition& c) {
  Query q(
      db,
      "SELECT id, account, digest, ref_id, action, units, currency, fee_currency, rate, rate_source, "
      "rate_ms, "
      "fee_rate, fee_rate_source, fee_rate_ms, state, symbol, side, entry_price, exit_price, size, closed_ms "
      "FROM settlement WHERE venue = ? AND position_id = ?");
  q.bind(c.venue, c.id);
  if (!q.step()) return std::nullopt;
  Known k;
  k.id = q.integer(0);
  k.account = q.text(1);
  k.digest = q.hash(2);
  k.ref_id = q.hash(3);
  if (!q.null(4)) k.action = q.text(4);
  k.has_amount = !q.null(5);
  if (k.has_amount) k.units = q.number(5);
  k.state = q.text(14);
  k.symbol = q.text(15);
  k.side = q.text(16);
  k.entry = decimal_at(q, 17);
  k.exit = decimal_at(q, 18);
  k.size = decimal_at(q, 19);
  k.closed_ms = q.integer(20);
  k.rates = StoredRates(canonical_currency(q.text(6)), rate_at(q, 8), canonical_currency(q.text(7)),
                        rate_at(q, 11));
  return k;
}

std::optional<std::string> action_text(const Amount& a) {
  return a.action ? std::optional<std::string>(chain::to_string(*a.action)) : std::nullopt;
}

/// What a repeat that came in from outside says differently, "" = nothing. A sender repeats the same bytes; another
/// content under a known id is another close, whatever its money.
std::string other_content(const Known& known, const ClosedPosition& c) {
  const std::array<std::pair<const char*, bool>, 6> differs{{
      {"symbol", known.symbol != c.symbol}, {"side", known.side != to_string(c.side)},
      {"entryPrice", known.entry != c.entry_price}, {"exitPrice", known.exit != c.exit_price},
      {"size", known.size != c.size}, {"closedAt", known.closed_ms != c.closed_ms},
  }};
  for (const auto& [name, other] : differs)
    if (other) return name;
  return {};
}

/// Credit or seizure; capped and uncapped are the same direction.
bool same_direction(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return a == b;
  return (*a == "credit") == (*b == "credit");
}

struct Writer {
  Ledger::Impl& impl;
  const AccountTerms& account;
  std::int64_t settle_from_ms;
  std::int64_t now_ms;
  Database& db = *impl.db;

  std::int64_t chain() const { return static_cast<std::int64_t>(account.vault.chain_id); }

  void report(const char* kind, const ClosedPosition& c, const std::optional<Hash>& ref,
              const Amount& amount, const std::string& reason) const {
    const Hash digest = sha256(c.venue + '\n' + c.id + '\n' + digest_of(c, account.name).to_string());
    {
      Query again(db, "UPDATE report SET seen = seen + 1 WHERE kind = ? AND digest = ?");
      again.bind(kind, digest);
      if (again.run() != 0) return;
    }
    Query q(db,
            "INSERT INTO report(kind, chain_id, vault, ref_id, venue, position_id, account, user_addr, "
            "action, units, "
            "pnl, currency, fee, fee_currency, closed_ms, received_ms, origin, evidence, reason, digest) "
            "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    q.bind(kind, chain(), account.vault.address, ref, c.venue, c.id, account.name, account.user,
           action_text(amount), amount.units, c.pnl.to_string(), c.currency, c.fee.to_string(),
           c.fee_currency, c.closed_ms, now_ms, to_string(c.origin), c.evidence, reason, digest);
    q.run();
    const std::int64_t row = db.last_id();
    keep_body(c);
    impl.audit({"host", "report", {}, {}, "", kind, c.venue + ":" + c.id + " " + reason, row});
  }

  CloseOutcome compare(const Known& known, const ClosedPosition& c, const Assessment& a) const {
    const auto conflict = [&](const std::string& reason) {
      report("CONFLICT", c, a.ref_id, a.value.amount, reason);
      return CloseOutcome{Outcome::kConflict, known.ref_id, reason};
    };
    if (known.account != account.name) {
      return conflict("account: first reported by '" + known.account + "', now by '" + account.name + "'");
    }
    if (c.origin == Origin::kInbound) {
      if (const std::string what = other_content(known, c); !what.empty())
        return conflict("content: another " + what + " than first reported");
    }
    if (known.digest == digest_of(c, account.name)) return duplicate(known);
    // The text differs (another fee currency, a price with more digits): does the money?
    const Valuation value = value_close(c, impl.options.bridge.pnl, &known.rates,
                                        impl.options.bridge.token_decimals, c.closed_ms);
    if (known.has_amount && value.hold.empty() && value.amount.units == known.units &&
        same_direction(action_text(value.amount), known.action)) {
      return duplicate(known);
    }
    return conflict("amount: first " +
                    (known.has_amount ? known.units.str() + " units" : "without amount") + ", now " +
                    (value.hold.empty() ? value.amount.units.str() + " units" : value.hold));
  }

  CloseOutcome duplicate(const Known& known) const {
    Query q(db, "UPDATE settlement SET duplicates = duplicates + 1 WHERE id = ?");
    q.bind(known.id);
    q.run();
    return {Outcome::kDuplicate, known.ref_id, {}};
  }

  struct Placement {
    State state;
    Outcome outcome;
    std::string reason;
  };

  Placement place(const ClosedPosition& c, const Assessment& a) const {
    const bool bad_time = c.closed_ms < kClosedMsMin || c.closed_ms > now_ms + kFutureMsMax;
    const std::string hold =
        bad_time ? "closed_at: " + std::to_string(c.closed_ms) + " ms is no plausible time" : a.hold;
    if (!bad_time && c.closed_ms < settle_from_ms) {
      return {State::kBeforeActivation, Outcome::kBeforeActivation, {}};
    }
    const bool zero = a.value.hold.empty() && !a.value.amount.action;
    if (zero && hold.empty()) return {State::kNoAction, Outcome::kNoAction, {}};
    if (!account.vault.live)
      return {State::kDryRun, Outcome::kDryRun, hold.empty() ? "" : "would be held: " + hold};
    if (!hold.empty()) return {State::kQuarantined, Outcome::kHeld, hold};
    return {State::kQueued, Outcome::kAccepted, {}};
  }

  /// What this account was credited within the window, held and refused ones left out. US dollars, exact.
  Decimal credited() const {
    Query q(db,
            "SELECT usd FROM settlement WHERE account = ? AND action = 'credit' AND received_ms > ? AND state NOT IN "
            "('QUARANTINED','REJECTED','BEFORE_ACTIVATION','NO_ACTION') AND (state <> 'DRY_RUN' OR reason = '')");
    q.bind(account.name, now_ms - kCreditWindowMs);
    Decimal sum;
    while (q.step()) sum = sum + Decimal::of(q.text(0));
    return sum;
  }

  /// The account's own limits, where nothing else holds the close.
  void apply_credit_policy(const ClosedPosition& c, Assessment& a) const {
    if (account.credit.trusted || !a.hold.empty() || a.value.amount.action != chain::Action::kCredit) return;
    a.hold = hold_credit(c, a.value.usd, credited(), account.credit, impl.options.rates);
  }

  /// Breakers and limits. What they hold for another reason already counts all the same: a venue that runs wild is seen
  /// by what it asks for.
  void apply_limits(const ClosedPosition& c, Assessment& a) const {
    const State state = place(c, a).state;
    const bool dry_run = state == State::kDryRun;
    if (!a.value.amount.action || (!dry_run && state != State::kQueued && state != State::kQuarantined)) return;
    const FlowItem item{account.name, account.venue, account.user.to_string(),
                        *a.value.amount.action == chain::Action::kCredit, dry_run, a.value.usd.abs()};
    if (const auto open = dry_run ? std::nullopt : breaker_over(db, item.account, item.user, item.venue);
        open && a.hold.empty())
      a.hold = "breaker: " + open->scope + " is open: " + open->reason;
    const Policy& policy = impl.options.policy;
    if (!policy.credits.any() && !policy.seizures.any()) return;
    try {
      const LimitVerdict verdict = check_limits(impl.flows, db, policy, item, now_ms);
      if (a.hold.empty()) a.hold = verdict.hold;
      for (const Opening& o : verdict.open)
        if (!dry_run) open_breaker(db, o.scope, "host", o.reason, now_ms);
      impl.flows.add(item, a.hold.empty(), now_ms);
    } catch (const DecimalError&) {
      impl.flows.forget();
      a.hold = "limit: its figures are too long to be added exactly";
    }
  }

  /// What came in from outside is kept whole: the sender's copy may be gone when a question comes.
  void keep_body(const ClosedPosition& c) const {
    if (c.body.empty()) return;
    Query q(db, "INSERT OR IGNORE INTO inbound_body(evidence, account, received_ms, body) VALUES(?,?,?,?)");
    q.bind(c.evidence, account.name, now_ms, c.body);
    q.run();
  }

  CloseOutcome insert(const ClosedPosition& c, const Assessment& a) const {
    const Placement p = place(c, a);
    const Valuation& v = a.value;
    const bool has_amount = v.hold.empty();
    Query q(
        db,
        "INSERT INTO settlement(chain_id, vault, ref_id, venue, position_id, account, user_addr, action, "
        "units, "
        "symbol, native_symbol, market, side, entry_price, exit_price, size, pnl, pnl_text, currency, fee, "
        "fee_text, "
        "fee_currency, usd, rate, rate_source, rate_ms, fee_rate, fee_rate_source, fee_rate_ms, closed_ms, "
        "received_ms, origin, evidence, digest, verified, state, reason) "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    q.bind(chain(), account.vault.address, a.ref_id, c.venue, c.id, account.name, account.user,
           action_text(v.amount), has_amount ? std::optional<U256>(v.amount.units) : std::nullopt);
    q.bind(c.symbol, c.native_symbol, c.market, to_string(c.side), text_of(c.entry_price),
           text_of(c.exit_price), text_of(c.size), c.pnl.to_string(), c.pnl_text, c.currency,
           c.fee.to_string(), c.fee_text, c.fee_currency, v.usd.to_string());
    bind_rate(q, v.pnl_rate);
    bind_rate(q, v.fee_rate);
    q.bind(c.closed_ms, now_ms, to_string(c.origin), c.evidence, digest_of(c, account.name),
           to_text(a.verified), to_string(p.state), p.reason);
    q.run();
    const std::int64_t row = db.last_id();
    keep_body(c);
    impl.audit({"host", "settlement", row, {}, "", to_string(p.state), p.reason});
    return {p.outcome, a.ref_id, p.reason};
  }

  static void bind_rate(Query& q, const std::optional<Rate>& rate) {
    if (rate)
      q.bind(rate->usd.to_string(), rate->source, rate->at_ms);
    else
      q.bind(nullptr, nullptr, nullptr);
  }

  CloseOutcome commit(const ClosedPosition& c) const {
    if (c.venue != account.venue) {
      const std::string reason = "a close of " + c.venue + " for an account of " + account.venue;
      report("REJECTED", c, {}, {}, reason);
      return {Outcome::kRejected, {}, reason};
    }
    auto assessed =
        assess(c, impl.options.bridge, account.capped_seizure, impl.options.rates, now_ms);
    if (!assessed) {
      report("REJECTED", c, {}, {}, assessed.error().text);
      return {Outcome::kRejected, {}, assessed.error().text};
    }
    if (const auto known = find(db, c)) return compare(*known, c, *assessed);
    if (impl.options.policy.hold_unverified && assessed->hold.empty() && assessed->verified == Verified::kUnverified)
      assessed->hold = "unverified: its pnl cannot be computed again from figures of the venue's own";
    apply_credit_policy(c, *assessed);
    apply_limits(c, *assessed);
    return insert(c, *assessed);
  }
};

}  // namespace

std::vector<CloseOutcome> Ledger::Impl::commit_one(const AccountBatch& batch, std::int64_t now_ms) {
  const Account& account = accounts.at(batch.account);
  const Writer writer{*this, account.terms, account.settle_from_ms, now_ms};
  std::vector<CloseOutcome> out;
  out.reserve(batch.closes.size());
  for (const auto& close : batch.closes) out.push_back(writer.commit(close));
  for (const auto& c : batch.coverage) apply_coverage(batch.account, c, now_ms);
  if (batch.watermark) {
    Query q(*db, "UPDATE account SET cursor = ?, cursor_version = ?, cursor_ms = ? WHERE name = ?");
    q.bind(batch.watermark->cursor, std::int64_t{batch.watermark->version}, now_ms, batch.account);
    q.run();
  }
  return out;
}

Result<std::vector<CloseOutcome>> Ledger::commit_batch(const AccountBatch& batch) {
  auto group = commit_group({&batch, 1});
  if (!group) return group.error();
  return std::move(group->front());
}

Result<std::vector<Ledger::BatchResult>> Ledger::commit_group(std::span<const AccountBatch> batches) {
  return impl_->write("closes", [&] {
    std::vector<BatchResult> out;
    out.reserve(batches.size());
    const std::int64_t now = impl_->clock.wall_ms();
    for (const auto& batch : batches) {
      if (impl_->accounts.contains(batch.account)) {
        out.emplace_back(impl_->commit_one(batch, now));
      } else {
        out.emplace_back(Error{ErrorKind::kBadRequest, batch.account, "this account is not registered"});
      }
    }
    return out;
  });
}

}  // namespace anduin::settle
