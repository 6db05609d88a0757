#include "settle/ledger_export.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "settle/ledger_json.hpp"
#include "settle/reconcile.hpp"

namespace anduin::settle {
namespace {

using nlohmann::json;

/// Settlements of one page: bounds memory, whatever the book's size.
constexpr const char* kPage = "SELECT " ANDUIN_SETTLEMENT_COLUMNS " FROM settlement WHERE id > ? ORDER BY id LIMIT 500";

bool person(const std::string& actor) { return actor != "host" && actor != "submitter"; }

/// What the rules said when the close came, and what persons said afterwards.
json policy_json(const json& row, const json& trail) {
  json out{{"verdict", json()}, {"reason", ""}, {"verified", row.at("verified")}, {"decisions", json::array()}};
  for (const auto& t : trail) {
    if (t.at("kind") != "settlement") continue;
    if (out["verdict"].is_null()) {
      out["verdict"] = t.at("to");
      out["reason"] = t.at("detail");
    }
    if (person(t.at("actor").get<std::string>()))
      out["decisions"].push_back({{"by", t.at("actor")}, {"at", t.at("at")}, {"from", t.at("from")}, {"to", t.at("to")}, {"reason", t.at("detail")}});
  }
  const auto& decisions = out["decisions"];
  const json last = decisions.empty() ? json{{"by", ""}, {"at", json()}, {"to", ""}, {"reason", ""}} : decisions.back();
  out["decidedBy"] = last.at("by");
  out["decidedAt"] = last.at("at");
  out["decision"] = last.at("to");
  out["decisionReason"] = last.at("reason");
  return out;
}

bool over(const std::string& state) { return state == "SETTLED" || state == "ALREADY_SETTLED"; }

/// The event that another transaction left, where the reading of the vault met it.
json foreign_outcome(Database& db, const json& row) {
  Query q(db,
          "SELECT transaction_hash, block_number, block_hash FROM foreign_event WHERE chain_id = ? AND ref_id = ? ORDER BY id LIMIT 1");
  q.bind(row.at("chainId").get<std::int64_t>(), chain::Hash::parse(row.at("ref").get<std::string>()));
  if (!q.step()) return {{"transaction", json()}, {"signer", json()}, {"nonce", json()}, {"blockNumber", json()}, {"blockHash", json()}};
  return {{"transaction", q.hash(0).to_string()}, {"signer", json()}, {"nonce", json()}, {"blockNumber", q.integer(1)},
          {"blockHash", q.hash(2).to_string()}};
}

/// How it ended: the transaction and block that did it, what was moved, what was not, and when that was known.
json outcome_json(Database& db, const json& row, const json& trail) {
  const std::string state = row.at("state");
  json out{{"transaction", json()}, {"signer", json()}, {"nonce", json()}, {"blockNumber", json()}, {"blockHash", json()}};
  if (state == "ALREADY_SETTLED") out = foreign_outcome(db, row);
  if (state == "SETTLED" && !row.at("slots").empty()) {
    const json& slot = row.at("slots").back();
    for (const char* field : {"transaction", "signer", "nonce", "blockNumber", "blockHash"}) out[field] = slot.at(field);
  }
  out["at"] = over(state) && !trail.empty() ? trail.back().at("at") : json();
  out["moved"] = row.at("onchainUnits");
  out["notSeized"] = json();
  if (row.at("units").is_string() && row.at("onchainUnits").is_string())
    out["notSeized"] = chain::U256(U256(row.at("units").get<std::string>()) - U256(row.at("onchainUnits").get<std::string>())).str();
  return out;
}

void complete(Database& db, json& row, unsigned decimals) {
  const auto id = row.at("row").get<std::int64_t>();
  row["record"] = "settlement";
  row["slots"] = slots_json(db, id);
  row["trail"] = trail_json(db, id);
  row["policy"] = policy_json(row, row["trail"]);
  row["outcome"] = outcome_json(db, row, row["trail"]);
  row["dust"] = row.at("units").is_string()
                    ? json(dust_of(row.at("usd").get<std::string>(), row.at("units").get<std::string>(), decimals).to_string())
                    : json();
  json hashes = json::array();
  for (const auto& slot : row["slots"])
    for (const auto& attempt : slot.at("attempts")) hashes.push_back(attempt.at("transaction"));
  row["transactions"] = std::move(hashes);
}

void settlements(Database& db, unsigned decimals, const std::function<void(const json&)>& row) {
  std::int64_t last = 0;
  for (;;) {
    std::vector<json> page;
    {
      Query q(db, kPage);
      q.bind(last);
      while (q.step()) page.push_back(settlement_json(q));
    }
    if (page.empty()) return;
    last = page.back().at("row").get<std::int64_t>();
    for (json& object : page) {
      complete(db, object, decimals);
      row(object);
    }
  }
}

void reports(Database& db, const std::function<void(const json&)>& row) {
  Query q(db, "SELECT " ANDUIN_REPORT_COLUMNS " FROM report ORDER BY id");
  while (q.step()) {
    json object = report_json(q);
    object["record"] = "report";
    row(object);
  }
}

void foreign_events(Database& db, const std::function<void(const json&)>& row) {
  Query q(db,
          "SELECT chain_id, vault, ref_id, credit, user_addr, requested, moved, block_number, block_hash, transaction_hash, "
          "seen_ms FROM foreign_event f WHERE NOT EXISTS (SELECT 1 FROM settlement s WHERE s.chain_id = f.chain_id AND "
          "s.vault = f.vault AND s.ref_id = f.ref_id) ORDER BY id");
  while (q.step()) {
    row({{"record", "foreign_event"}, {"chainId", q.integer(0)}, {"vault", q.address(1).to_string()}, {"ref", q.hash(2).to_string()},
         {"action", q.integer(3) != 0 ? "credit" : "seize"}, {"user", q.address(4).to_string()}, {"units", q.text(5)},
         {"onchainUnits", q.text(6)}, {"receivedAt", q.integer(10)},
         {"outcome", {{"blockNumber", q.integer(7)}, {"blockHash", q.hash(8).to_string()}, {"transaction", q.hash(9).to_string()},
                      {"moved", q.text(6)}}}});
  }
}

struct Column {
  const char* name;
  const char* at;  ///< JSON pointer into a row
};

constexpr std::array<Column, 58> kColumns{{
    {"record", "/record"}, {"row", "/row"}, {"ref", "/ref"}, {"chain_id", "/chainId"}, {"vault", "/vault"},
    {"state", "/state"}, {"reason", "/reason"}, {"venue", "/venue"}, {"account", "/account"}, {"user", "/user"},
    {"close_id", "/id"}, {"symbol", "/symbol"}, {"native_symbol", "/nativeSymbol"}, {"market", "/market"}, {"side", "/side"},
    {"entry_price", "/entryPrice"}, {"exit_price", "/exitPrice"}, {"size", "/size"}, {"closed_at", "/closedAt"},
    {"received_at", "/receivedAt"}, {"origin", "/origin"}, {"frame_sha256", "/evidence"}, {"pnl_text", "/pnlText"},
    {"pnl", "/pnl"}, {"currency", "/currency"}, {"fee_text", "/feeText"}, {"fee", "/fee"}, {"fee_currency", "/feeCurrency"},
    {"rate_usd", "/rate/usd"}, {"rate_source", "/rate/source"}, {"rate_at", "/rate/at"}, {"fee_rate_usd", "/feeRate/usd"},
    {"fee_rate_source", "/feeRate/source"}, {"fee_rate_at", "/feeRate/at"}, {"usd", "/usd"}, {"action", "/action"},
    {"units", "/units"}, {"dust_usd", "/dust"}, {"policy_verdict", "/policy/verdict"}, {"policy_reason", "/policy/reason"},
    {"verified", "/policy/verified"}, {"decided_by", "/policy/decidedBy"}, {"decided_at", "/policy/decidedAt"},
    {"decision", "/policy/decision"}, {"decision_reason", "/policy/decisionReason"}, {"slots_used", "/slotsUsed"},
    {"transactions", "/transactions"}, {"transaction", "/outcome/transaction"}, {"signer", "/outcome/signer"},
    {"nonce", "/outcome/nonce"}, {"block_number", "/outcome/blockNumber"}, {"block_hash", "/outcome/blockHash"},
    {"moved_units", "/outcome/moved"}, {"not_seized_units", "/outcome/notSeized"}, {"settled_at", "/outcome/at"},
    {"duplicates", "/duplicates"}, {"seen", "/seen"}, {"report", "/report"},
}};

std::string csv_quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string cell(const json& row, const char* at) {
  const json::json_pointer where(at);
  if (!row.contains(where)) return {};
  const json& value = row.at(where);
  if (value.is_null()) return {};
  if (value.is_string()) return csv_quoted(value.get<std::string>());
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto& part : value) out += (out.empty() ? "" : " ") + part.get<std::string>();
  return csv_quoted(out);
}

}  // namespace

Result<void> export_book(LedgerReader& reader, unsigned token_decimals, const std::function<void(const json&)>& row) {
  Database& db = reader.database();
  const bool held = db.in_transaction();
  if (!held)
    if (auto ok = reader.hold(); !ok) return ok;
  Result<void> out;
  try {
    settlements(db, token_decimals, row);
    reports(db, row);
    foreign_events(db, row);
  } catch (const ErrorException& e) {
    out = e.error;
  } catch (const std::exception& e) {  // an amount edited by hand may be no number
    out = Error{ErrorKind::kProtocol, db.path(), std::string("a row cannot be read: ") + e.what() + "; see ledger verify"};
  }
  if (!held) reader.release();
  return out;
}

std::string csv_header() {
  std::string out;
  for (const auto& c : kColumns) out += (out.empty() ? "" : ",") + std::string(c.name);
  return out;
}

std::string csv_line(const json& row) {
  std::string out;
  bool first = true;
  for (const auto& c : kColumns) {
    if (!first) out += ',';
    first = false;
    out += cell(row, c.at);
  }
  return out;
}

}  // namespace anduin::settle
