#include "settle/bridge.hpp"

#include "settle/plausibility.hpp"

namespace anduin::settle {
namespace {

std::string raw(const chain::Hash& h) {
  return {reinterpret_cast<const char*>(h.bytes.data()), h.bytes.size()};
}

}  // namespace

Result<Assessment> assess(const ClosedPosition& close, const BridgeOptions& options, bool capped,
                          const RateSource* rates, std::int64_t now_ms) {
  const auto id = ref_id(close.venue, close.id, options.ref_id);
  if (!id) return id.error();
  Assessment out;
  out.ref_id = *id;
  out.value = value_close(close, options.pnl, rates, options.token_decimals, now_ms);
  if (capped && out.value.amount.action == chain::Action::kSeize) {
    out.value.amount.action = chain::Action::kSeizeCapped;
  }
  if (options.check_plausibility) {
    const Plausibility p = check_pnl(close);
    out.verified = p.verified;
    out.hold = p.reason;
    const bool circular = close.entry_derived || close.size_derived || !close.entry_price;
    if (out.hold.empty() && circular && rates != nullptr) {
      out.hold = check_exit_price(close, *rates);
    }
  }
  if (options.item_limit_usd && out.value.usd.abs() > *options.item_limit_usd) {
    out.hold = "limit: " + out.value.usd.to_string() + " USD is above the limit of one item, " +
               options.item_limit_usd->to_string();
  }
  if (!out.value.hold.empty()) out.hold = out.value.hold;
  if (!close.hold_reason.empty()) out.hold = close.hold_reason;
  return out;
}

SettlementBridge::SettlementBridge(BridgeOptions options, const RateSource* rates, Known known)
    : options_(std::move(options)), rates_(rates), known_(std::move(known)) {}

Result<std::optional<SettlementAction>> SettlementBridge::map_position_to_settlement(
    const ClosedPosition& position, const chain::Address& user, std::optional<bool> capped_seizure) {
  const bool capped = capped_seizure.value_or(options_.capped_seizure);
  auto assessed = assess(position, options_, capped, rates_, position.closed_ms);
  if (!assessed) return assessed.error();
  if (is_processed(position.venue, position.id)) return std::optional<SettlementAction>{};
  // A held close is not remembered: it is mapped once what it waits for is there.
  if (!assessed->hold.empty()) return std::optional<SettlementAction>{};
  processed_.insert(raw(assessed->ref_id));
  const Amount& amount = assessed->value.amount;
  if (!amount.action) return std::optional<SettlementAction>{};
  return std::optional<SettlementAction>{SettlementAction{*amount.action, user, assessed->value.usd.abs(),
                                                          amount.units, assessed->ref_id, position}};
}

Result<std::vector<SettlementAction>> SettlementBridge::batch_map_positions(
    const std::vector<ClosedPosition>& positions, const chain::Address& user,
    std::optional<bool> capped_seizure) {
  for (const auto& p : positions) {
    if (const auto id = ref_id(p.venue, p.id, options_.ref_id); !id) return id.error();
  }
  std::vector<SettlementAction> out;
  for (const auto& p : positions) {
    auto action = map_position_to_settlement(p, user, capped_seizure);
    if (!action) return action.error();
    if (*action) out.push_back(std::move(**action));
  }
  return out;
}

bool SettlementBridge::is_processed(std::string_view venue, std::string_view position_id) const {
  const auto id = ref_id(venue, position_id, options_.ref_id);
  if (!id) return false;
  return processed_.contains(raw(*id)) || (known_ && known_(*id));
}

}  // namespace anduin::settle
