#include "settle/ledger_json.hpp"

namespace anduin::settle {
namespace {

using nlohmann::json;

json text_or_null(const Query& q, int column) { return q.null(column) ? json() : json(q.text(column)); }

json hex_or_null(const Query& q, int column) {
  return q.null(column) ? json() : json(q.hash(column).to_string());
}

json rate_json(const Query& q, int column) {
  if (q.null(column)) return {};
  return {{"usd", q.text(column)}, {"source", q.text(column + 1)}, {"at", q.integer(column + 2)}};
}

json integer_or_null(const Query& q, int column) { return q.null(column) ? json() : json(q.integer(column)); }

json attempts_json(Database& db, std::int64_t slot) {
  json out = json::array();
  Query q(db,
          "SELECT hash, noop, max_fee, tip, created_ms, first_sent_ms, last_sent_ms, sends, last_error FROM attempt "
          "WHERE slot_id = ? ORDER BY seq");
  q.bind(slot);
  while (q.step()) {
    out.push_back({{"transaction", q.hash(0).to_string()}, {"noop", q.integer(1) != 0}, {"maxFee", q.text(2)},
                   {"tip", q.text(3)}, {"createdAt", q.integer(4)}, {"firstSentAt", integer_or_null(q, 5)},
                   {"lastSentAt", integer_or_null(q, 6)}, {"sends", q.integer(7)}, {"lastError", q.text(8)}});
  }
  return out;
}

}  // namespace

nlohmann::json settlement_json(const Query& q) {
  return {{"row", q.integer(0)}, {"ref", q.hash(1).to_string()}, {"state", q.text(2)}, {"reason", q.text(3)},
          {"venue", q.text(4)}, {"account", q.text(5)}, {"user", q.address(6).to_string()}, {"id", q.text(7)},
          {"symbol", q.text(8)}, {"nativeSymbol", q.text(9)}, {"market", q.text(10)}, {"side", q.text(11)},
          {"entryPrice", text_or_null(q, 12)}, {"exitPrice", text_or_null(q, 13)}, {"size", text_or_null(q, 14)},
          {"pnl", q.text(15)}, {"pnlText", q.text(16)}, {"currency", q.text(17)},
          {"fee", q.text(18)}, {"feeText", q.text(19)}, {"feeCurrency", q.text(20)}, {"usd", q.text(21)},
          {"rate", rate_json(q, 22)}, {"feeRate", rate_json(q, 36)},
          {"action", text_or_null(q, 25)}, {"units", text_or_null(q, 26)}, {"onchainUnits", text_or_null(q, 27)},
          {"closedAt", q.integer(28)}, {"receivedAt", q.integer(29)}, {"origin", q.text(30)},
          {"evidence", q.text(31)}, {"verified", q.text(32)}, {"duplicates", q.integer(33)},
          {"chainId", q.integer(34)}, {"vault", q.address(35).to_string()}, {"slotsUsed", q.integer(39)},
          {"since", q.null(40) ? json() : json(q.integer(40))}};
}

nlohmann::json report_json(const Query& q) {
  return {{"report", q.integer(0)}, {"state", q.text(1)}, {"ref", hex_or_null(q, 2)},
          {"venue", q.text(3)}, {"account", q.text(4)}, {"user", q.address(5).to_string()}, {"id", q.text(6)},
          {"action", text_or_null(q, 7)}, {"units", text_or_null(q, 8)}, {"pnl", q.text(9)}, {"currency", q.text(10)},
          {"fee", q.text(11)}, {"closedAt", q.integer(12)}, {"receivedAt", q.integer(13)}, {"origin", q.text(14)},
          {"evidence", q.text(15)}, {"reason", q.text(16)}, {"seen", q.integer(17)},
          {"resolvedAt", q.null(18) ? json() : json(q.integer(18))}, {"resolvedBy", text_or_null(q, 19)},
          {"resolution", text_or_null(q, 20)}};
}

json slots_json(Database& db, std::int64_t settlement) {
  json out = json::array();
  std::vector<std::int64_t> ids;
  {
    Query q(db,
            "SELECT s.id, s.nonce, s.signer, s.state, s.win_hash, s.block_hash, s.block_number, s.created_ms, "
            "s.ended_ms, s.gas_limit FROM slot_item i JOIN slot s ON s.id = i.slot_id WHERE i.settlement_id = ? "
            "ORDER BY s.id");
    q.bind(settlement);
    while (q.step()) {
      ids.push_back(q.integer(0));
      out.push_back({{"slot", q.integer(0)}, {"nonce", q.integer(1)}, {"signer", q.address(2).to_string()},
                     {"state", q.text(3)}, {"transaction", hex_or_null(q, 4)}, {"blockHash", hex_or_null(q, 5)},
                     {"blockNumber", integer_or_null(q, 6)}, {"reservedAt", q.integer(7)},
                     {"endedAt", integer_or_null(q, 8)}, {"gasLimit", q.integer(9)}});
    }
  }
  for (std::size_t i = 0; i < ids.size(); ++i) out[i]["attempts"] = attempts_json(db, ids[i]);
  return out;
}

json trail_json(Database& db, std::int64_t settlement) {
  json out = json::array();
  Query q(db, "SELECT id, at_ms, actor, kind, slot_id, from_state, to_state, detail FROM audit WHERE settlement_id = ? ORDER BY id");
  q.bind(settlement);
  while (q.step()) {
    out.push_back({{"n", q.integer(0)}, {"at", q.integer(1)}, {"actor", q.text(2)}, {"kind", q.text(3)},
                   {"slot", integer_or_null(q, 4)}, {"from", q.text(5)}, {"to", q.text(6)}, {"detail", q.text(7)}});
  }
  return out;
}

}  // namespace anduin::settle
