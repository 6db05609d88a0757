#include "ops/ledger_commands.hpp"

#include <charconv>

#include "base/log.hpp"

namespace anduin::ops {
namespace {

using nlohmann::json;

/// The JSON result of a Result<json>: a JSON value converts to anything, also to an Error.
Result<json> good(json value) { return Result<json>(boost::system::in_place_value, std::move(value)); }

json decided_json(const settle::Decided& d) {
  return {{"row", d.row}, {"ref", d.ref_id.to_string()}, {"venue", d.venue}, {"id", d.position_id},
          {"from", settle::to_string(d.from)}, {"to", settle::to_string(d.to)}};
}

json breaker_json(const settle::Breaker& b) {
  return {{"scope", b.scope}, {"openedAt", b.opened_ms}, {"openedBy", b.opened_by}, {"reason", b.reason},
          {"closedAt", b.closed_ms ? json(*b.closed_ms) : json()}, {"closedBy", b.closed_by}, {"closeReason", b.close_reason}};
}

std::int64_t number_argument(const json& args, const char* name) {
  const std::string text = text_argument(args, name);
  std::int64_t out = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (fault != std::errc{} || end != text.data() + text.size())
    throw ErrorException(Error{ErrorKind::kBadRequest, name, "'" + text + "' is no number"});
  return out;
}

}  // namespace

void add_ledger_commands(Control& control, settle::Ledger& ledger, std::function<void()> wake) {
  const auto decide = [&ledger, wake](bool approve, const json& args, const Caller& caller) {
    const std::string ref = text_argument(args, "ref"), reason = text_argument(args, "reason");
    const auto done = approve ? ledger.approve(ref, caller.actor(), reason) : ledger.reject(ref, caller.actor(), reason);
    if (!done) return Result<json>(done.error());
    spdlog::warn("[control] {} {} {} {}: {}", caller.user, approve ? "approved" : "rejected", done->venue,
                 done->position_id, reason);
    if (done->to == settle::State::kQueued) wake();
    return good(decided_json(*done));
  };
  control.add("approve", [decide](const json& args, const Caller& caller) { return decide(true, args, caller); });
  control.add("reject", [decide](const json& args, const Caller& caller) { return decide(false, args, caller); });
  control.add("draft", [&ledger](const json& args, const Caller& caller) -> Result<json> {
    const auto verdict = settle::parse_verdict(text_argument(args, "decision"));
    if (!verdict) return Error{ErrorKind::kBadRequest, "decision", "is neither approve nor reject"};
    const std::string who = args.value("who", caller.user);
    const auto draft = ledger.draft_decision(text_argument(args, "ref"), *verdict, who, text_argument(args, "reason"),
                                             number_argument(args, "valid_ms"));
    if (!draft) return draft.error();
    return good({{"file", settle::decision_json(*draft)}});
  });
  control.add("decide", [&ledger, wake](const json& args, const Caller& caller) -> Result<json> {
    const auto decision = settle::parse_decision(text_argument(args, "file"));
    if (!decision) return decision.error();
    const auto done = ledger.decide(*decision);
    if (!done) return done.error();
    spdlog::warn("[control] {} brought a decision of {}: {} {}, {} of {} signatures", caller.user, done->approver.to_string(),
                 settle::to_string(decision->verdict), decision->ref_id.to_string(), done->have, done->needed);
    if (done->row.to == settle::State::kQueued) wake();
    json out = decided_json(done->row);
    out["approver"] = done->approver.to_string();
    out["signatures"] = done->have;
    out["needed"] = done->needed;
    return good(out);
  });
  control.add("breakers", [&ledger](const json& args, const Caller&) -> Result<json> {
    const auto rows = ledger.breakers(!args.value("all", false));
    if (!rows) return rows.error();
    json out = json::array();
    for (const auto& b : *rows) out.push_back(breaker_json(b));
    return good(out);
  });
  const auto breaker = [&ledger](bool open, const json& args, const Caller& caller) -> Result<json> {
    const std::string scope = text_argument(args, "scope"), reason = text_argument(args, "reason");
    const auto done = open ? ledger.open_breaker(scope, caller.actor(), reason) : ledger.close_breaker(scope, caller.actor(), reason);
    if (!done) return done.error();
    spdlog::warn("[control] {} {} the breaker {}: {}", caller.user, open ? "opened" : "closed", scope, reason);
    return good({{"scope", scope}, {"state", open ? "open" : "closed"}});
  };
  control.add("open-breaker", [breaker](const json& args, const Caller& caller) { return breaker(true, args, caller); });
  control.add("close-breaker", [breaker](const json& args, const Caller& caller) { return breaker(false, args, caller); });
  control.add("accept-gap", [&ledger](const json& args, const Caller& caller) -> Result<json> {
    const std::int64_t id = number_argument(args, "id");
    const std::string reason = text_argument(args, "reason");
    if (auto ok = ledger.accept_unproven(id, caller.actor(), reason); !ok) return ok.error();
    spdlog::warn("[control] {} accepted the unproven range {}: {}", caller.user, id, reason);
    return good({{"id", id}, {"state", "accepted"}});
  });
}

}  // namespace anduin::ops
