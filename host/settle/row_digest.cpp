#include "settle/row_digest.hpp"

#include <algorithm>

#include "settle/ref_id.hpp"

namespace anduin::settle {
namespace {

/// Raised when a column list below grows; the older lists stay for the digests made by them.
constexpr std::uint8_t kVersion = 1;

// Frozen lists: old digests must keep verifying.
#define ANDUIN_SETTLEMENT_V1 \
  "id, chain_id, vault, ref_id, venue, position_id, account, user_addr, action, units, symbol, native_symbol, " \
  "market, side, entry_price, exit_price, size, pnl, pnl_text, currency, fee, fee_text, fee_currency, usd, rate, " \
  "rate_source, rate_ms, fee_rate, fee_rate_source, fee_rate_ms, closed_ms, received_ms, origin, evidence, digest, " \
  "verified, state, reason, onchain_units"
constexpr int kSettlementColumns = 39;
#define ANDUIN_REPORT_V1 \
  "id, kind, chain_id, vault, ref_id, venue, position_id, account, user_addr, action, units, pnl, currency, fee, " \
  "fee_currency, closed_ms, received_ms, origin, evidence, reason, digest"
constexpr int kReportColumns = 21;
constexpr int kSlotColumns = 14, kAttemptColumns = 7;

void append_row(const Query& q, int columns, std::string& out) {
  for (int i = 0; i < columns; ++i) q.append_to(out, i);
}

RowDigest finish(const std::string& bytes) {
  const chain::Hash h = sha256(bytes);
  RowDigest out(1 + h.bytes.size(), kVersion);
  std::copy(h.bytes.begin(), h.bytes.end(), out.begin() + 1);
  return out;
}

RowDigest one_row(Query& q, std::int64_t id, int columns) {
  q.bind(id);
  if (!q.step()) return {};
  std::string bytes;
  append_row(q, columns, bytes);
  return finish(bytes);
}

}  // namespace

RowDigest settlement_digest(Database& db, std::int64_t id) {
  Query q(db, "SELECT " ANDUIN_SETTLEMENT_V1 " FROM settlement WHERE id = ?");
  return one_row(q, id, kSettlementColumns);
}

RowDigest report_digest(Database& db, std::int64_t id) {
  Query q(db, "SELECT " ANDUIN_REPORT_V1 " FROM report WHERE id = ?");
  return one_row(q, id, kReportColumns);
}

RowDigest slot_digest(Database& db, std::int64_t id) {
  std::string bytes;
  {
    Query q(db,
            "SELECT id, chain_id, signer, nonce, vault, to_addr, calldata, gas_limit, state, win_hash, block_hash, block_number, "
            "created_ms, ended_ms FROM slot WHERE id = ?");
    q.bind(id);
    if (!q.step()) return {};
    append_row(q, kSlotColumns, bytes);
  }
  Query q(db, "SELECT hash, seq, noop, max_fee, tip, gas_limit, created_ms FROM attempt WHERE slot_id = ? ORDER BY seq");
  q.bind(id);
  while (q.step()) append_row(q, kAttemptColumns, bytes);
  return finish(bytes);
}

DigestScan::DigestScan(Database& db, Table table)
    : query_(db, table == Table::kSettlement ? "SELECT " ANDUIN_SETTLEMENT_V1 " FROM settlement ORDER BY id"
                                             : "SELECT " ANDUIN_REPORT_V1 " FROM report ORDER BY id"),
      columns_(table == Table::kSettlement ? kSettlementColumns : kReportColumns) {}

bool DigestScan::step() { return query_.step(); }

RowDigest DigestScan::digest() const {
  std::string bytes;
  bytes.reserve(1024);
  append_row(query_, columns_, bytes);
  return finish(bytes);
}

}  // namespace anduin::settle
