#include "e2e/kill_books.hpp"

#include <cstdio>
#include <map>

#include "anduin/decimal.hpp"
#include "e2e/stage.hpp"
#include "settle/ledger_query.hpp"
#include "settle/reconcile.hpp"

namespace anduin::e2e {
namespace {

using nlohmann::json;
using Integer = boost::multiprecision::cpp_int;
constexpr std::size_t kRowsMax = 1'000'000;  // many times a round

std::unique_ptr<settle::LedgerReader> open(Stage& stage) {
  auto reader = settle::LedgerReader::open(stage.ledger_file());
  if (!reader) throw std::runtime_error(reader.error().to_string());
  return std::move(*reader);
}

std::map<chain::Hash, json> rows_by_ref(settle::LedgerReader& reader, KillBooks& out) {
  std::map<chain::Hash, json> rows;
  settle::ListFilter all;
  all.limit = kRowsMax;
  const auto list = reader.list(all);
  if (!list) throw std::runtime_error(list.error().to_string());
  for (const json& row : *list) rows[*chain::Hash::parse(row.at("ref").get<std::string>())] = row;
  const auto sums = reader.sums();
  if (sums && sums->conflict_reports != 0) out.problems.push_back("a report of a conflict");
  return rows;
}

/// What one close must have moved, in millionths; the sign is the direction.
Integer units_of(const json& close) {
  const Decimal value = Decimal::of(close.at("pnl").get<std::string>()) - Decimal::of(close.at("fee").get<std::string>());
  const std::string text = (value * Decimal(1'000'000)).truncated(0).to_string();
  return Integer(text);
}

using Events = std::map<chain::Hash, std::vector<chain::VaultEvent>>;

/// Empty, or what is wrong with one close.
std::string compare(const json& close, const std::map<chain::Hash, json>& rows, const Events& events,
                    const chain::Hash& ref, KillBooks& out) {
  const Integer units = units_of(close);
  const auto row = rows.find(ref);
  const auto seen = events.find(ref);
  const std::size_t effects = seen == events.end() ? 0 : seen->second.size();
  if (effects > 1) out.duplicate += effects - 1;
  if (row == rows.end()) {
    ++out.lost;
    return "is not in the ledger";
  }
  const std::string state = row->second.at("state");
  if (units == 0) {
    ++out.no_action;
    return state == "NO_ACTION" && effects == 0 ? "" : "moves nothing, and is " + state;
  }
  if (effects == 0) {
    ++out.lost;
    return "has no event in the vault; the ledger says " + state;
  }
  if (effects > 1) return "took effect " + std::to_string(effects) + " times";
  if (state != "SETTLED" && state != "ALREADY_SETTLED") return "is in the vault, the ledger says " + state;
  ++out.settled;
  const chain::VaultEvent& event = seen->second.front();
  const Integer moved = event.credit ? Integer(event.moved) : -Integer(event.moved);
  if (moved != units) return "moved " + moved.str() + " units instead of " + units.str();
  if (event.user.to_string() != row->second.at("user") || row->second.at("account") != close.at("account"))
    return "went to another user or account";
  return {};
}

/// `anduin ledger verify`, the program itself.
void run_verify(Stage& stage, KillBooks& out) {
  const auto file = stage.ledger_file().parent_path() / "verify.out";
  Process verify({stage.program().string(), "ledger", "verify", "--ledger", "sqlite:" + stage.ledger_file().string()},
                 file, file);
  const auto status = verify.wait(30'000);
  if (!status || *status != 0) out.problems.push_back("ledger verify: " + read_file(file));
}

}  // namespace

std::string KillBooks::line() const {
  const auto n = [](std::uint64_t v) { return std::to_string(v); };
  char took[32];
  std::snprintf(took, sizeof(took), "%.1f s", seconds);
  return n(injected) + " closes, " + n(settled) + " settled, " + n(no_action) + " without action, " + n(events) +
         " events, " + units + " units, " + n(lost) + " lost, " + n(duplicate) + " duplicate, " +
         n(problems.size()) + " problems, " + n(audit_rows) + " audit rows; " + n(kills) + " kills, " + n(reorgs) +
         " reorgs, " + n(blocks) + " blocks, " + took;
}

void KillBooks::add(const KillBooks& o) {
  static constexpr std::uint64_t KillBooks::* kAll[] = {
      &KillBooks::injected, &KillBooks::settled, &KillBooks::no_action, &KillBooks::events, &KillBooks::lost,
      &KillBooks::duplicate, &KillBooks::audit_rows, &KillBooks::kills, &KillBooks::reorgs, &KillBooks::blocks};
  for (const auto member : kAll) this->*member += o.*member;
  units = Integer(Integer(units) + Integer(o.units)).str();
  seconds += o.seconds;
  problems.insert(problems.end(), o.problems.begin(), o.problems.end());
}

bool is_drained(Stage& stage, std::uint64_t closes) {
  const auto sums = open(stage)->sums();
  if (!sums) throw std::runtime_error(sums.error().to_string());
  return sums->settled + sums->held + sums->no_action >= closes && sums->waiting == 0;
}

KillBooks read_kill_books(Stage& stage) {
  KillBooks out;
  const auto reader = open(stage);
  const auto rows = rows_by_ref(*reader, out);
  Events events;
  Integer sum = 0;
  for (const auto& e : stage.vault().events()) {
    ++out.events;
    events[e.ref_id].push_back(e);
    sum += e.credit ? Integer(e.moved) : -Integer(e.moved);
  }
  out.units = sum.str();
  const json log = stage.bybit().control("log");
  for (const json& close : log.at("closes")) {
    ++out.injected;
    const std::string id = close.at("id");
    const chain::Hash ref = chain::keccak256("Bybit:" + id);
    if (auto wrong = compare(close, rows, events, ref, out); !wrong.empty()) out.problems.push_back(id + " " + wrong);
    events.erase(ref);
  }
  for (const auto& [ref, list] : events) out.problems.push_back("the vault settled an unknown " + ref.to_string());
  const auto sums = reader->sums();
  if (!sums || sums->ledger_sum != out.units) out.problems.push_back("the sums of ledger and vault differ");
  if (rows.size() != out.injected) out.problems.push_back(std::to_string(rows.size()) + " rows in the ledger");
  const auto book = settle::reconcile(*reader, stage.vault().vault(), stage.chain().node(), 31337, 0,
                                      stage.chain().height());
  if (!book) throw std::runtime_error(book.error().to_string());
  for (const auto& problem : book->problems) out.problems.push_back(problem.text);
  const auto audit = reader->verify_audit();
  if (!audit || !audit->ok) out.problems.push_back("audit: " + (audit ? audit->text : audit.error().to_string()));
  else out.audit_rows = audit->rows;
  run_verify(stage, out);
  return out;
}

}  // namespace anduin::e2e
