// What waits for a person, and what the person says: who and why are durable before anything moves (C10).
#include <algorithm>

#include "settle/ledger_impl.hpp"
#include "settle/ledger_schema.hpp"

namespace anduin::settle {
namespace {

/// Names a row of `report` where a settlement's id is meant otherwise.
constexpr std::string_view kReportPrefix = "report:";

bool waits_for_a_person(State s) {
  return s == State::kQuarantined || s == State::kBlocked || s == State::kConflict;
}

Error refusal(const std::string& ref, std::string text) { return {ErrorKind::kBadRequest, ref, std::move(text)}; }

/// The one settlement with this refId or close id.
Decided find_settlement(Database& db, const std::string& ref) {
  Query q(db,
          "SELECT id, ref_id, venue, position_id, state FROM settlement WHERE id IN (" ANDUIN_SETTLEMENT_IDS ") LIMIT 2");
  q.bind(Hash::parse(ref), ref);
  if (!q.step()) throw ErrorException(refusal(ref, "no settlement has this refId or close id"));
  Decided out{q.integer(0), q.hash(1), q.text(2), q.text(3), parse_state(q.text(4)).value_or(State::kRejected), {}};
  if (q.step())
    throw ErrorException(refusal(ref, Hash::parse(ref) ? "several vaults have this refId; settle it by hand"
                                                       : "several settlements have this close id: give the refId"));
  return out;
}

void check_reason(const std::string& ref, const std::string& reason) {
  const std::string why = check_line(reason, kDecisionTextMax);
  if (why == "is empty")
    throw ErrorException(refusal(ref, "a decision needs a reason; it stands in the audit trail for ever"));
  if (!why.empty()) throw ErrorException(refusal(ref, "the reason " + why));
}

/// The state allows this verdict, and an approval has an amount to send.
void check_verdict(Database& db, const std::string& ref, const Decided& row, Verdict verdict) {
  const bool approve = verdict == Verdict::kApprove;
  if (approve ? row.from != State::kQuarantined && row.from != State::kBlocked : !waits_for_a_person(row.from))
    throw ErrorException(refusal(ref, std::string("is ") + to_string(row.from) +
                                          (approve ? "; only QUARANTINED and BLOCKED can be approved"
                                                   : "; only what waits for a person can be rejected")));
  Query q(db, "SELECT units IS NULL OR action IS NULL FROM settlement WHERE id = ?");
  q.bind(row.row);
  if (approve && q.step() && q.integer(0) != 0)
    throw ErrorException(refusal(ref, "has no amount (no rate was known): reject it and pay it outside of Anduin"));
}

/// A large one is no matter of who is logged in at the host.
void check_unsigned(Database& db, const Policy& policy, const std::string& ref, const Decided& row) {
  if (!policy.signed_above_usd) return;
  Query q(db, "SELECT usd, units IS NULL FROM settlement WHERE id = ?");
  q.bind(row.row);
  if (!q.step() || (q.integer(1) == 0 && Decimal::of(q.text(0)).abs() <= *policy.signed_above_usd)) return;
  throw ErrorException(refusal(ref, "its " + (q.integer(1) != 0 ? "unknown amount" : Decimal::of(q.text(0)).abs().to_string() + " USD") +
                                        " is above policy.signed_above_usd, " + policy.signed_above_usd->to_string() +
                                        ": it takes a signed decision (anduin ctl draft, then anduin ctl decide)"));
}

/// The row as an approver signs it.
Decision facts_of(Database& db, std::int64_t row) {
  Query q(db, "SELECT ref_id, chain_id, vault, user_addr, action, units FROM settlement WHERE id = ?");
  q.bind(row);
  if (!q.step()) throw ErrorException(refusal(std::to_string(row), "is no row"));
  Decision d;
  d.ref_id = q.hash(0);
  d.chain_id = static_cast<std::uint64_t>(q.integer(1));
  d.vault = q.address(2);
  d.user = q.address(3);
  const bool amount = !q.null(4) && !q.null(5);
  d.action = amount ? q.text(4) : "none";
  d.units = amount ? q.text(5) : "none";
  return d;
}

/// An approver's, of this time, about this row as it stands.
Decided check_signed(Database& db, const SignedDecision& d, std::int64_t now_ms) {
  const std::string ref = d.ref_id.to_string();
  if (d.signed_ms > now_ms + kDecisionSkewMs) throw ErrorException(refusal(ref, "the decision is dated in the future"));
  if (d.expires_ms <= now_ms) throw ErrorException(refusal(ref, "the decision has expired; sign it anew"));
  if (d.expires_ms - d.signed_ms > kDecisionValidMsMax)
    throw ErrorException(refusal(ref, "the decision is valid for over 30 days; sign one for a shorter time"));
  Decided row;
  {
    Query q(db, "SELECT id, venue, position_id, state FROM settlement WHERE chain_id = ? AND vault = ? AND ref_id = ?");
    q.bind(static_cast<std::int64_t>(d.chain_id), d.vault, d.ref_id);
    if (!q.step()) throw ErrorException(refusal(ref, "no settlement of this chain and vault has this refId"));
    row = {q.integer(0), d.ref_id, q.text(1), q.text(2), parse_state(q.text(3)).value_or(State::kRejected), {}};
  }
  const Decision facts = facts_of(db, row.row);
  if (facts.user != d.user || facts.action != d.action || facts.units != d.units)
    throw ErrorException(refusal(ref, "the decision is about " + d.action + " " + d.units + " of " + d.user.to_string() +
                                          ", the ledger holds " + facts.action + " " + facts.units + " of " + facts.user.to_string()));
  return row;
}

/// The stay in its state that a signature belongs to: one that was given before a row was sent back counts no more.
std::int64_t episode_of(Database& db, std::int64_t row) {
  Query q(db, "SELECT max(id) FROM audit WHERE settlement_id = ? AND kind = 'settlement'");
  q.bind(row);
  return q.step() ? q.integer(0) : 0;
}

Bytes bytes_of(const chain::Signature& s) {
  Bytes out(65);
  std::copy(s.r.begin(), s.r.end(), out.begin());
  std::copy(s.s.begin(), s.s.end(), out.begin() + 32);
  out.back() = static_cast<std::uint8_t>(27 + s.y_parity);
  return out;
}

/// Keeps the signature, in its table and in the trail. One approver is one voice.
void keep_approval(Ledger::Impl& impl, const SignedDecision& d, const Address& approver, const Decided& row, std::int64_t episode) {
  Database& db = *impl.db;
  const std::string ref = d.ref_id.to_string();
  {
    Query twice(db, "SELECT 1 FROM approval WHERE settlement_id = ? AND episode = ? AND verdict = ? AND approver = ?");
    twice.bind(row.row, episode, to_string(d.verdict), approver);
    if (twice.step()) throw ErrorException(refusal(ref, approver.to_string() + " has signed this already"));
  }
  Query q(db,
          "INSERT INTO approval(digest, settlement_id, episode, verdict, approver, who, reason, received_ms, signed_ms, "
          "expires_ms, text, signature) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
  q.bind(decision_digest(d), row.row, episode, to_string(d.verdict), approver, d.who, d.reason, impl.clock.wall_ms(),
         d.signed_ms, d.expires_ms, decision_text(d), bytes_of(d.signature));
  q.run();
  impl.audit({"approver " + approver.to_string(), "approval", row.row, {}, to_string(row.from), to_string(d.verdict),
              decision_text(d) + "\nsignature: " + to_hex(bytes_of(d.signature))});
}

/// Those who signed this verdict and still stand by it: only names that the pipeline file has today.
std::vector<Address> signers_of(Database& db, const Policy& policy, std::int64_t row, std::int64_t episode, Verdict verdict,
                                std::int64_t now_ms) {
  std::vector<Address> out;
  Query q(db, "SELECT approver FROM approval WHERE settlement_id = ? AND episode = ? AND verdict = ? AND expires_ms > ?");
  q.bind(row, episode, to_string(verdict), now_ms);
  while (q.step())
    if (std::find(policy.approvers.begin(), policy.approvers.end(), q.address(0)) != policy.approvers.end())
      out.push_back(q.address(0));
  return out;
}

/// A conflicting report moves no money; a person says that it was seen to.
Decided resolve_report(Ledger::Impl& impl, const std::string& ref, const std::string& actor, const std::string& reason) {
  Decided out;
  out.from = State::kConflict;
  out.to = State::kRejected;
  {
    Query q(*impl.db,
            "SELECT id, venue, position_id, ref_id FROM report WHERE id = ? AND kind = 'CONFLICT' AND "
            "id NOT IN (SELECT report_id FROM resolution)");
    q.bind(static_cast<std::int64_t>(std::strtoll(ref.c_str() + kReportPrefix.size(), nullptr, 10)));
    if (!q.step()) throw ErrorException(refusal(ref, "no open conflict report has this number"));
    out.row = q.integer(0);
    out.venue = q.text(1);
    out.position_id = q.text(2);
    if (!q.null(3)) out.ref_id = q.hash(3);
  }
  Query q(*impl.db, "INSERT INTO resolution(report_id, at_ms, actor, reason) VALUES(?,?,?,?)");
  q.bind(out.row, impl.clock.wall_ms(), actor, reason);
  q.run();
  impl.audit({actor, "report", {}, {}, "CONFLICT", "resolved", "report " + std::to_string(out.row) + " " + out.venue + ":" +
              out.position_id + " " + reason, out.row});
  return out;
}

Decided decide_locally(Ledger::Impl& impl, const std::string& ref, Verdict verdict, const std::string& actor,
                       const std::string& reason) {
  check_reason(ref, reason);
  if (verdict == Verdict::kReject && ref.starts_with(kReportPrefix)) return resolve_report(impl, ref, actor, reason);
  Decided row = find_settlement(*impl.db, ref);
  check_verdict(*impl.db, ref, row, verdict);
  check_unsigned(*impl.db, impl.options.policy, ref, row);
  row.to = verdict == Verdict::kApprove ? State::kQueued : State::kRejected;
  impl.move_settlement(row.row, row.from, row.to, actor, reason, {}, {});
  impl.flows.forget();  // what it counted as has changed
  return row;
}

}  // namespace

Result<Decided> Ledger::approve(const std::string& ref, const std::string& actor, const std::string& reason) {
  return impl_->write("approve", [&] { return decide_locally(*impl_, ref, Verdict::kApprove, actor, reason); });
}

Result<Decided> Ledger::reject(const std::string& ref, const std::string& actor, const std::string& reason) {
  return impl_->write("reject", [&] { return decide_locally(*impl_, ref, Verdict::kReject, actor, reason); });
}

Result<Decision> Ledger::draft_decision(const std::string& ref, Verdict verdict, const std::string& who,
                                        const std::string& reason, std::int64_t valid_ms) {
  return impl_->read([&] {
    check_reason(ref, reason);
    if (const std::string why = check_line(who, kDecisionTextMax); !why.empty()) throw ErrorException(refusal(ref, "who " + why));
    if (valid_ms < 1'000 || valid_ms > kDecisionValidMsMax)
      throw ErrorException(refusal(ref, "a decision is valid for a second to 30 days"));
    const Decided row = find_settlement(*impl_->db, ref);
    check_verdict(*impl_->db, ref, row, verdict);
    Decision d = facts_of(*impl_->db, row.row);
    d.verdict = verdict;
    d.reason = reason;
    d.who = who;
    d.signed_ms = impl_->clock.wall_ms() / 1'000 * 1'000;
    d.expires_ms = d.signed_ms + valid_ms / 1'000 * 1'000;
    return d;
  });
}

Result<SignedOutcome> Ledger::decide(const SignedDecision& d) {
  const std::string ref = d.ref_id.to_string();
  const Policy& policy = impl_->options.policy;
  const auto approver = decision_signer(d);
  if (!approver) return approver.error();
  if (std::find(policy.approvers.begin(), policy.approvers.end(), *approver) == policy.approvers.end())
    return refusal(ref, "signed by " + approver->to_string() + ", who is not among policy.approvers; or the file was altered");
  return impl_->write("decide", [&] {
    const std::int64_t now = impl_->clock.wall_ms();
    SignedOutcome out{check_signed(*impl_->db, d, now), *approver, 0, policy.approvals_needed};
    Decided& row = out.row;
    row.to = row.from;
    const std::int64_t episode = episode_of(*impl_->db, row.row);
    {
      Query used(*impl_->db, "SELECT 1 FROM approval WHERE digest = ?");
      used.bind(decision_digest(d));
      if (used.step()) throw ErrorException(refusal(ref, "this decision was used already"));
    }
    check_verdict(*impl_->db, ref, row, d.verdict);
    keep_approval(*impl_, d, *approver, row, episode);
    const auto signers = signers_of(*impl_->db, policy, row.row, episode, d.verdict, now);
    out.have = static_cast<std::uint32_t>(signers.size());
    if (out.have < out.needed) return out;
    std::string actor = "approvers";
    for (const Address& a : signers) actor += " " + a.to_string();
    row.to = d.verdict == Verdict::kApprove ? State::kQueued : State::kRejected;
    impl_->move_settlement(row.row, row.from, row.to, actor, d.who + ": " + d.reason, {}, {});
    impl_->flows.forget();
    return out;
  });
}

Result<std::vector<Breaker>> Ledger::breakers(bool open_only) {
  return impl_->read([&] { return list_breakers(*impl_->db, open_only); });
}

Result<void> Ledger::open_breaker(const std::string& scope, const std::string& actor, const std::string& reason) {
  return impl_->write("breaker", [&] {
    check_reason(scope, reason);
    if (!settle::open_breaker(*impl_->db, parse_scope(scope).value(), actor, reason, impl_->clock.wall_ms()))
      throw ErrorException(refusal(scope, "is open already"));
  });
}

Result<void> Ledger::close_breaker(const std::string& scope, const std::string& actor, const std::string& reason) {
  return impl_->write("breaker", [&] {
    check_reason(scope, reason);
    if (!settle::close_breaker(*impl_->db, parse_scope(scope).value(), actor, reason, impl_->clock.wall_ms()))
      throw ErrorException(refusal(scope, "no breaker of this scope is open"));
    impl_->flows.forget();
  });
}

}  // namespace anduin::settle
