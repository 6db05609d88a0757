// What waits for a person, and what the person says: who and why are durable before anything moves (C10).
#include <algorithm>

#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

/// Enough for a sentence and a link to the ticket; more belongs there.
constexpr std::size_t kReasonBytesMax = 1'000;

bool waits_for_a_person(State s) {
  return s == State::kQuarantined || s == State::kBlocked || s == State::kConflict;
}

Error refusal(const std::string& ref, std::string text) { return {ErrorKind::kBadRequest, ref, std::move(text)}; }

/// The one settlement with this refId or close id.
Decided find_settlement(Database& db, const std::string& ref) {
  Query q(db,
          "SELECT id, ref_id, venue, position_id, state FROM settlement WHERE ref_id = ?1 UNION "
          "SELECT id, ref_id, venue, position_id, state FROM settlement WHERE position_id = ?2 LIMIT 2");
  q.bind(Hash::parse(ref), ref);
  if (!q.step()) throw ErrorException(refusal(ref, "no settlement has this refId or close id"));
  Decided out{q.integer(0), q.hash(1), q.text(2), q.text(3), parse_state(q.text(4)).value_or(State::kRejected), {}};
  if (q.step())
    throw ErrorException(refusal(ref, Hash::parse(ref) ? "several vaults have this refId; settle it by hand"
                                                       : "several settlements have this close id: give the refId"));
  return out;
}

void check_reason(const std::string& ref, const std::string& reason) {
  const bool blank = reason.find_first_not_of(" \t") == std::string::npos;
  if (blank) throw ErrorException(refusal(ref, "a decision needs a reason; it stands in the audit trail for ever"));
  if (reason.size() > kReasonBytesMax)
    throw ErrorException(refusal(ref, "the reason is over " + std::to_string(kReasonBytesMax) + " bytes"));
  // Logs and lists show it in one line.
  if (std::any_of(reason.begin(), reason.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    throw ErrorException(refusal(ref, "the reason has a line break or a control character; write one line"));
}

}  // namespace

Result<Decided> Ledger::approve(const std::string& ref, const std::string& actor, const std::string& reason) {
  return impl_->write("approve", [&] {
    check_reason(ref, reason);
    Decided row = find_settlement(*impl_->db, ref);
    if (row.from != State::kQuarantined && row.from != State::kBlocked)
      throw ErrorException(refusal(ref, std::string("is ") + to_string(row.from) +
                                            "; only QUARANTINED and BLOCKED can be approved"));
    {
      Query q(*impl_->db, "SELECT units IS NULL OR action IS NULL FROM settlement WHERE id = ?");
      q.bind(row.row);
      if (q.step() && q.integer(0) != 0)
        throw ErrorException(refusal(ref, "has no amount (no rate was known): reject it and pay it outside of Anduin"));
    }
    row.to = State::kQueued;
    impl_->move_settlement(row.row, row.from, row.to, actor, reason, {}, {});
    impl_->flows.forget();  // what it counted as has changed
    return row;
  });
}

Result<Decided> Ledger::reject(const std::string& ref, const std::string& actor, const std::string& reason) {
  return impl_->write("reject", [&] {
    check_reason(ref, reason);
    Decided row = find_settlement(*impl_->db, ref);
    if (!waits_for_a_person(row.from))
      throw ErrorException(refusal(ref, std::string("is ") + to_string(row.from) +
                                            "; only what waits for a person can be rejected"));
    row.to = State::kRejected;
    impl_->move_settlement(row.row, row.from, row.to, actor, reason, {}, {});
    impl_->flows.forget();  // what it counted as has changed
    return row;
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
