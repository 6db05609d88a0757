#include "settle/ledger_query.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <nlohmann/json.hpp>

#include "settle/audit.hpp"
#include "settle/ledger_json.hpp"
#include "settle/ledger_schema.hpp"

namespace anduin::settle {
namespace {

using nlohmann::json;

json integer_or_null(const Query& q, int column) { return q.null(column) ? json() : json(q.integer(column)); }

json audit_json(Database& db, std::int64_t settlement) {
  json out = json::array();
  Query q(db,
          "SELECT id, at_ms, actor, kind, slot_id, from_state, to_state, detail, digest FROM audit "
          "WHERE settlement_id = ?1 OR slot_id IN (SELECT slot_id FROM slot_item WHERE settlement_id = ?1) ORDER BY id");
  q.bind(settlement);
  while (q.step()) {
    out.push_back({{"n", q.integer(0)}, {"at", q.integer(1)}, {"actor", q.text(2)}, {"kind", q.text(3)},
                   {"slot", integer_or_null(q, 4)}, {"from", q.text(5)}, {"to", q.text(6)}, {"detail", q.text(7)},
                   {"digest", q.hash(8).to_string()}});
  }
  return out;
}

/// Runs a reader's body and turns a thrown failure into the result's error.
template <class F>
auto guarded(F&& body) -> Result<std::invoke_result_t<F>> {
  using T = std::invoke_result_t<F>;
  try {
    // In place: a JSON value converts to anything, also to an Error.
    return Result<T>(boost::system::in_place_value, body());
  } catch (const ErrorException& e) {
    return e.error;
  }
}

/// The body of the request that an inbound close came with, as it was sent.
void add_body(Database& db, json& row) {
  Query q(db, "SELECT body FROM inbound_body WHERE evidence = ?");
  q.bind(row["evidence"].get<std::string>());
  if (q.step()) row["body"] = q.text(0);
}

}  // namespace

LedgerReader::LedgerReader(std::unique_ptr<Database> db) : db_(std::move(db)) {}
LedgerReader::~LedgerReader() = default;

Result<std::unique_ptr<LedgerReader>> LedgerReader::open(const std::filesystem::path& path) {
  auto db = Database::open(path, Database::Mode::kReadOnly);
  if (!db) return db.error();
  if (auto ok = check_version(**db, schema_steps().size()); !ok) return ok.error();
  return std::unique_ptr<LedgerReader>(new LedgerReader(std::move(*db)));
}

Result<std::vector<json>> LedgerReader::list(const ListFilter& f) {
  return guarded([&] {
    std::vector<json> out;
    Bytes user;
    if (!f.user.empty()) user = from_hex(f.user).value_or(Bytes{0});
    Query q(*db_, "SELECT " ANDUIN_SETTLEMENT_COLUMNS
                  " FROM settlement WHERE id > ?1 AND (?2 = '' OR state = ?2) AND (?3 = '' OR venue = ?3) AND "
                  "(?4 = '' OR account = ?4) AND (length(?5) = 0 OR user_addr = ?5) ORDER BY id LIMIT ?6");
    q.bind(f.after_id, f.state, f.venue, f.account, user, static_cast<std::int64_t>(f.limit));
    while (q.step()) out.push_back(settlement_json(q));
    // Reports have no row number of their own kind to page by: they follow the last page.
    const bool asked = f.state.empty() || f.state == "CONFLICT" || f.state == "REJECTED";
    if (asked && f.after_id == 0 && out.size() < f.limit) {
      Query r(*db_, "SELECT " ANDUIN_REPORT_COLUMNS
                    " FROM report WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR venue = ?2) AND (?3 = '' OR account = ?3) "
                    "AND (length(?4) = 0 OR user_addr = ?4) ORDER BY id LIMIT ?5");
      r.bind(f.state, f.venue, f.account, user, static_cast<std::int64_t>(f.limit - out.size()));
      while (r.step()) out.push_back(report_json(r));
    }
    return out;
  });
}

Result<json> LedgerReader::show(const std::string& ref) {
  return guarded([&] {
    json out;
    const auto hash = Hash::parse(ref);
    {
      Query q(*db_, "SELECT " ANDUIN_SETTLEMENT_COLUMNS " FROM settlement WHERE id IN (" ANDUIN_SETTLEMENT_IDS ") LIMIT 2");
      if (hash) q.bind(*hash); else q.bind(nullptr);
      q.bind(ref);
      if (q.step()) out = settlement_json(q);
      if (q.step()) {
        throw ErrorException(Error{ErrorKind::kBadRequest, ref, "several settlements have this id: give the refId"});
      }
    }
    json reports = json::array();
    {
      Query r(*db_, "SELECT " ANDUIN_REPORT_COLUMNS
                    " FROM report WHERE ref_id = ?1 OR position_id = ?2 ORDER BY id");
      if (hash) r.bind(*hash); else if (out.is_object()) r.bind(*Hash::parse(out["ref"].get<std::string>()));
      else r.bind(nullptr);
      r.bind(ref);
      while (r.step()) reports.push_back(report_json(r));
    }
    if (out.is_null() && reports.empty()) {
      throw ErrorException(Error{ErrorKind::kBadRequest, ref, "no settlement has this refId or close id"});
    }
    if (out.is_object()) {
      const std::int64_t row = out["row"].get<std::int64_t>();
      out["slots"] = slots_json(*db_, row);
      out["audit"] = audit_json(*db_, row);
      add_body(*db_, out);
    }
    for (json& report : reports) add_body(*db_, report);
    out["reports"] = std::move(reports);
    return out;
  });
}

Result<Sums> LedgerReader::sums() {
  return guarded([&] {
    Sums out;
    Query q(*db_, "SELECT state, count(*) FROM settlement GROUP BY state");
    while (q.step()) {
      const auto count = static_cast<std::uint64_t>(q.integer(1));
      switch (parse_state(q.text(0)).value_or(State::kConflict)) {
        case State::kSettled:
        case State::kAlreadySettled: out.settled += count; break;
        case State::kNoAction:
        case State::kRejected:
        case State::kBeforeActivation:
        case State::kDryRun: out.no_action += count; break;
        case State::kQueued:
        case State::kAssigned:
        case State::kIncluded:
        case State::kSafe: out.waiting += count; [[fallthrough]];
        case State::kQuarantined:
        case State::kConflict:
        case State::kBlocked: out.held += count; break;
      }
    }
    boost::multiprecision::cpp_int sum = 0;
    Query amounts(*db_,
                  "SELECT action, coalesce(onchain_units, units) FROM settlement "
                  "WHERE state IN ('SETTLED','ALREADY_SETTLED')");
    while (amounts.step()) {
      const boost::multiprecision::cpp_int units(amounts.text(1));
      if (amounts.text(0) == "credit") sum += units;
      else sum -= units;
    }
    out.ledger_sum = sum.str();
    Query rejected(*db_,
                   "SELECT count(*) FROM (SELECT DISTINCT venue, position_id FROM report r WHERE kind = 'REJECTED' AND NOT "
                   "EXISTS (SELECT 1 FROM settlement s WHERE s.venue = r.venue AND s.position_id = r.position_id))");
    if (rejected.step()) out.no_action += static_cast<std::uint64_t>(rejected.integer(0));
    Query conflicts(*db_, "SELECT count(*) FROM report WHERE kind = 'CONFLICT'");
    if (conflicts.step()) out.conflict_reports = static_cast<std::uint64_t>(conflicts.integer(0));
    return out;
  });
}

Result<AuditCheck> LedgerReader::verify_audit() {
  return guarded([&] {
    const VerifyReport r = verify_book(*db_);
    const auto text = r.good() ? "" : r.problems.front().where + ": " + r.problems.front().text;
    return AuditCheck{r.good(), r.checkpoint.rows, text};
  });
}

Result<VerifyReport> LedgerReader::verify(const std::optional<Checkpoint>& since) {
  const bool held = db_->in_transaction();
  if (!held)
    if (auto ok = hold(); !ok) return ok.error();
  auto out = guarded([&] { return verify_book(*db_, since); });
  if (!held) release();
  return out;
}

Result<void> LedgerReader::hold() {
  try {
    db_->exec("BEGIN");
    db_->exec("SELECT 1 FROM audit LIMIT 1");  // a snapshot begins with the first read
    return {};
  } catch (const ErrorException& e) {
    return e.error;
  }
}

void LedgerReader::release() { sqlite3_exec(db_->handle(), "ROLLBACK", nullptr, nullptr, nullptr); }

Result<std::vector<std::string>> LedgerReader::close_ids() {
  return guarded([&] {
    std::vector<std::string> out;
    Query q(*db_,
            "SELECT venue || ':' || position_id FROM settlement UNION SELECT venue || ':' || position_id FROM report");
    while (q.step()) out.push_back(q.text(0));
    return out;
  });
}

Result<std::vector<LedgerReader::VaultKey>> LedgerReader::vaults() {
  return guarded([&] {
    std::vector<VaultKey> out;
    Query q(*db_, "SELECT DISTINCT chain_id, vault FROM settlement ORDER BY chain_id, vault");
    while (q.step()) out.push_back({static_cast<std::uint64_t>(q.integer(0)), q.address(1)});
    return out;
  });
}

Result<std::vector<UnprovenRange>> LedgerReader::unproven(bool open_only) {
  return guarded([&] {
    std::vector<UnprovenRange> out;
    Query q(*db_,
            "SELECT id, account, from_ms, to_ms, state, actor, reason FROM coverage_gap WHERE (? = 0 OR state = 'open') "
            "ORDER BY id");
    q.bind(std::int64_t{open_only});
    while (q.step()) {
      out.push_back({q.integer(0), q.text(1), q.integer(2), q.integer(3), q.text(4), q.text(5), q.text(6)});
    }
    return out;
  });
}

}  // namespace anduin::settle
