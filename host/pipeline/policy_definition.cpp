#include "pipeline/policy_definition.hpp"

namespace anduin::pipeline {
namespace {

using settle::FlowLimits;
using settle::Limit;
using settle::Policy;

/// More than a ledger will ever hold: no limit is meant by it.
constexpr std::int64_t kCountMax = 1'000'000'000;

/// Hard below soft would open a breaker before anything is held.
void check_order(Context& c, Place place, const Limit& l) {
  if (l.soft_usd && l.hard_usd && *l.hard_usd < *l.soft_usd)
    c.error(place, "hard_usd is below soft_usd; the breaker would open before a close is held");
  if (l.soft_count && l.hard_count && *l.hard_count < *l.soft_count)
    c.error(place, "hard_count is below soft_count; the breaker would open before a close is held");
}

Def<Limit> limit(bool counts) {
  Object<Limit> object("a limit");
  object
      .optional("soft_usd", &Limit::soft_usd, positive_decimal("US dollars"),
                "Beyond this sum, with the close itself, it is held. Default: none.")
      .optional("hard_usd", &Limit::hard_usd, positive_decimal("US dollars"),
                "Beyond this sum, held closes included, a breaker opens and holds all of the scope. Default: none.");
  if (counts)
    object
        .optional("soft_count", &Limit::soft_count, integer_as<std::uint64_t>(1, kCountMax, "closes"),
                  "The same as soft_usd, of the number of closes. Default: none.")
        .optional("hard_count", &Limit::hard_count, integer_as<std::uint64_t>(1, kCountMax, "closes"),
                  "The same as hard_usd, of the number of closes. Default: none.");
  auto def = object.done();
  return {def.schema, [read = def.read](Context& c, const YAML::Node& n, Limit& out) {
            read(c, n, out);
            check_order(c, place_of(n), out);
          }};
}

Def<FlowLimits> flow() {
  return Object<FlowLimits>("limits of a direction")
      .member("item", &FlowLimits::item, limit(false), "One close. Beyond hard_usd the breaker of its account opens.")
      .member("user_day", &FlowLimits::user_day, limit(true),
              "All closes of one user in the last 24 hours, over all venues. Breaker: user:0x...")
      .member("venue_hour", &FlowLimits::venue_hour, limit(true),
              "All closes of one venue in the last hour. Breaker: venue:NAME.")
      .member("global_hour", &FlowLimits::global_hour, limit(true), "All closes in the last hour. Breaker: global.")
      .done();
}

}  // namespace

Def<Policy> policy_definition() {
  const auto one = address();
  const Def<chain::Address> approver{one.schema, [read = one.read](Context& c, const YAML::Node& n, chain::Address& out) {
                                       std::string text;
                                       read(c, n, text);
                                       if (const auto parsed = chain::Address::parse(text)) out = *parsed;
                                     }};
  auto def = Object<Policy>("policy")
                 .member("credits", &Policy::credits, flow(), "Limits of what is paid to users.")
                 .member("seizures", &Policy::seizures, flow(), "Limits of what is taken from users.")
                 .with<bool>("unverified", choice<bool>({{"settle", false}, {"hold", true}}),
                             "A close whose pnl cannot be recomputed from figures of the venue's own: settle it when "
                             "nothing else speaks against it, or hold each.",
                             [](Context&, Place, Policy& p, bool hold) { p.hold_unverified = hold; }, "settle")
                 .member("approvers", &Policy::approvers, list(approver, "addresses", 1, true),
                         "Addresses whose signature under a decision counts (anduin ctl decide). Default: none.")
                 .member("approvals_needed", &Policy::approvals_needed, integer_as<std::uint32_t>(1, 32, "signatures"),
                         "So many of the approvers must sign the same decision.", 1)
                 .optional("signed_above_usd", &Policy::signed_above_usd, positive_decimal("US dollars"),
                           "A larger close is decided by signed decisions only, not by anduin ctl approve or reject. "
                           "Default: none, the control socket decides all.")
                 .done();
  return {def.schema, [read = def.read](Context& c, const YAML::Node& n, Policy& out) {
            read(c, n, out);
            if (out.approvals_needed > 1 && out.approvals_needed > out.approvers.size())
              c.error(place_of(n), "approvals_needed is " + std::to_string(out.approvals_needed) + " of " +
                                       std::to_string(out.approvers.size()) + " approvers; name more, or need fewer");
            if (out.signed_above_usd && out.approvers.empty())
              c.error(place_of(n), "signed_above_usd needs approvers; nobody could decide what is above it");
          }};
}

}  // namespace anduin::pipeline
