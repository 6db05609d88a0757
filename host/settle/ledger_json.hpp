// Rows of the ledger as the JSON that `ledger list`, `show` and `export` give out. Internal to host/settle.
// Thread: as the Database.
#pragma once
#include <nlohmann/json.hpp>

#include "settle/db.hpp"

namespace anduin::settle {

// Columns in the order of settlement_json() and report_json().
#define ANDUIN_SETTLEMENT_COLUMNS \
  "id, ref_id, state, reason, venue, account, user_addr, position_id, symbol, native_symbol, market, side, " \
  "entry_price, exit_price, size, pnl, pnl_text, currency, fee, fee_text, fee_currency, usd, rate, " \
  "rate_source, rate_ms, action, units, onchain_units, closed_ms, received_ms, origin, evidence, verified, " \
  "duplicates, chain_id, vault, fee_rate, fee_rate_source, fee_rate_ms, slots_used, " \
  "(SELECT max(at_ms) FROM audit WHERE settlement_id = settlement.id)"
#define ANDUIN_REPORT_COLUMNS \
  "id, kind, ref_id, venue, account, user_addr, position_id, action, units, pnl, currency, fee, closed_ms, " \
  "received_ms, origin, evidence, reason, seen, " \
  "(SELECT at_ms FROM resolution WHERE report_id = report.id), " \
  "(SELECT actor FROM resolution WHERE report_id = report.id), " \
  "(SELECT reason FROM resolution WHERE report_id = report.id)"

nlohmann::json settlement_json(const Query& q);
nlohmann::json report_json(const Query& q);
/// Every nonce that a settlement was bound to, oldest first, each with its attempts.
nlohmann::json slots_json(Database& db, std::int64_t settlement);
/// The audit rows of a settlement alone, in order.
nlohmann::json trail_json(Database& db, std::int64_t settlement);

}  // namespace anduin::settle
