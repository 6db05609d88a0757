// The book for auditors: one row tells of a close from its frame to its block, in JSON and in CSV alike.
#include "settle/ledger_export.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "settle/chain_support.hpp"

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;
using nlohmann::json;

namespace {

std::vector<json> rows_of(Bench& b) {
  std::vector<json> out;
  auto r = reader(b.dir);
  const auto done = export_book(*r, 6, [&](const json& row) { out.push_back(row); });
  if (!done) FAIL(done.error().to_string());
  return out;
}

const json& row_of(const std::vector<json>& rows, const std::string& id) {
  for (const auto& r : rows)
    if (r.value("id", "") == id && r["record"] == "settlement") return r;
  FAIL("no row " << id);
  return rows.front();
}

/// RFC 4180, one record.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out{""};
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') out.back() += line[++i];
    else if (line[i] == '"') quoted = !quoted;
    else if (line[i] == ',' && !quoted) out.emplace_back();
    else out.back() += line[i];
  }
  return out;
}

}  // namespace

TEST_CASE("export: an operator's day stands in the rows: frame, rate, policy, decision, transactions, block, dust", "[export]") {
  spdlog::set_level(spdlog::level::off);
  Bench b;
  FixedRates rates;
  rates.prices["ETH"] = {Decimal::of("2000.5"), kNow + 900, "aggregate"};
  b.close_down();
  b.ledger_options.rates = &rates;
  b.open();
  auto held = close_of("held, \"wrong\"", "0.01234567891");
  held.currency = "ETH";
  held.fee_currency = "ETH";
  held.evidence = std::string(64, 'e');
  held.hold_reason = "plausibility: look at it";
  commit(*b.ledger, held);
  commit(*b.ledger, close_of("capped", "-800", "bob"));
  commit(*b.ledger, close_of("zero", "0"));
  const auto before = rows_of(b);
  CHECK(row_of(before, "held, \"wrong\"")["outcome"]["transaction"].is_null());
  CHECK(row_of(before, "held, \"wrong\"")["policy"]["decidedBy"] == "");
  REQUIRE(b.ledger->approve(ref_id("Bybit", "held, \"wrong\"")->to_string(), "carol", "statement of the venue, ticket 42"));
  b.run(8);
  b.chain.rival(address_of(0x77), *b.vault.settle_call({chain::Action::kCredit, terms("alice").user, U256(5), *ref_id("Bybit", "theirs")}));
  b.run(8);
  commit(*b.ledger, close_of("capped", "-801", "bob"));  // a conflict
  b.clock.advance_ms(120'000);
  b.run(1);

  const auto rows = rows_of(b);
  REQUIRE(rows.size() == 5);
  const json& r = row_of(rows, "held, \"wrong\"");
  CHECK(r["state"] == "SETTLED");
  CHECK(r["evidence"] == std::string(64, 'e'));
  CHECK(r["rate"]["usd"] == "2000.5");
  CHECK(r["rate"]["source"] == "aggregate");
  CHECK(r["rate"]["at"] == kNow + 900);
  CHECK(r["usd"] == "24.697530659455");
  CHECK(r["units"] == "24697530");
  CHECK(r["dust"] == "0.000000659455");
  CHECK(r["policy"]["verdict"] == "QUARANTINED");
  CHECK(r["policy"]["reason"].get<std::string>().find("look at it") != std::string::npos);
  CHECK(r["policy"]["decidedBy"] == "carol");
  CHECK(r["policy"]["decision"] == "QUEUED");
  CHECK(r["policy"]["decisionReason"] == "statement of the venue, ticket 42");
  CHECK(r["policy"]["decisions"].size() == 1);
  REQUIRE(r["transactions"].size() == 1);
  CHECK(r["outcome"]["transaction"] == r["transactions"][0]);
  const auto event = [&](const char* id) {
    for (const auto& e : b.events())
      if (e.ref_id == *ref_id("Bybit", id)) return e;
    FAIL("no event");
    return chain::VaultEvent{};
  };
  CHECK(r["outcome"]["blockNumber"] == event("held, \"wrong\"").block_number);
  CHECK(r["outcome"]["blockHash"] == event("held, \"wrong\"").block_hash.to_string());
  CHECK(r["outcome"]["moved"] == "24697530");
  CHECK(r["trail"].size() == 6);  // held, approved, assigned, included, safe, settled
  CHECK(row_of(rows, "capped")["outcome"]["notSeized"] == "100000000");
  CHECK(row_of(rows, "zero")["policy"]["verdict"] == "NO_ACTION");
  CHECK(rows[3]["record"] == "report");
  CHECK(rows[4]["record"] == "foreign_event");
  CHECK(rows[4]["ref"] == ref_id("Bybit", "theirs")->to_string());

  // The CSV says the same, column by column.
  const auto names = cells(csv_header());
  const auto line = cells(csv_line(r));
  REQUIRE(names.size() == line.size());
  std::map<std::string, std::string> by_name;
  for (std::size_t i = 0; i < names.size(); ++i) by_name[names[i]] = line[i];
  CHECK(by_name.size() == names.size());
  CHECK(by_name["close_id"] == "held, \"wrong\"");
  CHECK(by_name["dust_usd"] == "0.000000659455");
  CHECK(by_name["decided_by"] == "carol");
  CHECK(by_name["block_hash"] == event("held, \"wrong\"").block_hash.to_string());
  CHECK(by_name["transactions"] == r["transactions"][0].get<std::string>());
  for (const auto& row : rows) CHECK(cells(csv_line(row)).size() == names.size());
}
