#include "settle/reconcile.hpp"

#include <algorithm>
#include <unordered_map>

#include "settle/db.hpp"

namespace anduin::settle {
namespace {

using boost::multiprecision::cpp_int;

bool settled(const std::string& state) { return state == "SETTLED" || state == "ALREADY_SETTLED"; }
bool moves_on(const std::string& state) {
  return state == "QUEUED" || state == "ASSIGNED" || state == "INCLUDED" || state == "SAFE";
}

struct Row {
  std::int64_t id = 0;
  std::string state, name;
  Address user;
  std::string action;
  U256 units;
  std::optional<U256> moved;
};

/// Empty when the event is what the settled row says.
std::string difference(const Row& row, const chain::VaultEvent& e) {
  if (row.user != e.user) return "the chain has user " + e.user.to_string();
  if ((row.action == "credit") != e.credit) return "the chain has the other direction";
  if (row.units != e.requested) return "the chain has " + e.requested.str() + " units";
  if (row.moved && *row.moved != e.moved) return "the chain moved " + e.moved.str() + " units";
  return {};
}

struct Book {
  Database& db;
  Reconciliation& out;
  Address vault;
  std::int64_t chain_id;
  std::unordered_map<std::int64_t, std::uint32_t> hits;  ///< events by settlement row
  std::map<Hash, std::uint32_t> foreign;
  cpp_int sum = 0;

  std::optional<Row> find(const Hash& ref) const {
    Query q(db,
            "SELECT id, state, venue || ' ' || position_id, user_addr, coalesce(action, ''), coalesce(units, '0'), "
            "onchain_units FROM settlement WHERE chain_id = ? AND vault = ? AND ref_id = ?");
    q.bind(chain_id, vault, ref);
    if (!q.step()) return std::nullopt;
    Row found{q.integer(0), q.text(1), q.text(2), q.address(3), q.text(4), q.number(5), {}};
    if (!q.null(6)) found.moved = q.number(6);
    return found;
  }

  void problem(const Hash& ref, const std::string& name, const std::string& text) const {
    out.problems.push_back({ref.to_string(), name + " (" + ref.to_string() + ") " + text});
  }

  void event(const chain::VaultEvent& e) {
    ++out.onchain;
    const cpp_int moved(e.moved);
    UserSums& user = out.users[e.user];
    (e.credit ? user.chain_credited : user.chain_seized) += moved;
    const cpp_int change = e.credit ? moved : cpp_int(-moved);
    sum += change;
    const auto row = find(e.ref_id);
    if (!row) {
      ++out.foreign;
      user.unbooked += change;
      if (++foreign[e.ref_id] > 1) ++out.duplicate;
      return;
    }
    if (++hits[row->id] > 1) {
      ++out.duplicate;
      user.unbooked += change;
      problem(e.ref_id, row->name, "took effect " + std::to_string(hits[row->id]) + " times");
      return;
    }
    if (!settled(row->state)) {
      user.unbooked += change;
      if (moves_on(row->state)) ++out.pending;
      else if (row->state != "CONFLICT")  // a conflict is known and waits for a person already
        problem(e.ref_id, row->name, "is " + row->state + ", and the chain has an event of it");
    } else if (const auto d = difference(*row, e); !d.empty()) {
      problem(e.ref_id, row->name, d + ", the ledger " + row->units.str() + " for " + row->user.to_string());
    } else {
      ++out.matched;
    }
  }

  /// The book's own sums, and settled rows that the chain does not know.
  void rows(unsigned decimals) {
    Query q(db,
            "SELECT id, ref_id, venue || ' ' || position_id, state, user_addr, action, units, onchain_units, usd FROM "
            "settlement WHERE chain_id = ? AND vault = ? AND state IN ('SETTLED','ALREADY_SETTLED')");
    q.bind(chain_id, vault);
    while (q.step()) {
      if (!hits.contains(q.integer(0))) problem(q.hash(1), q.text(2), "is " + q.text(3) + ", and the chain has no event of it");
      UserSums& user = out.users[q.address(4)];
      const cpp_int units(q.number(6)), moved(q.null(7) ? q.number(6) : q.number(7));
      if (q.text(5) == "credit") {
        user.credited += moved;
      } else {
        user.seized += moved;
        user.not_seized += units - moved;
      }
      user.dust = user.dust + dust_of(q.text(8), q.text(6), decimals);
    }
  }

  /// A user's sums must differ by nothing but what is named above.
  void sums() const {
    if (!out.problems.empty()) return;
    for (const auto& [who, u] : out.users) {
      const cpp_int gap = u.chain_credited - u.chain_seized - (u.credited - u.seized) - u.unbooked;
      if (gap != 0) out.problems.push_back({"", "user " + who.to_string() + ": the chain has " + gap.str() + " units more than the book"});
    }
  }
};

}  // namespace

Decimal dust_of(const std::string& usd, const std::string& units, unsigned decimals) {
  const auto exact = Decimal::parse(usd), whole = Decimal::parse(units + "e-" + std::to_string(decimals));
  if (!exact || !whole) return {};
  return (exact->abs() - *whole).truncated(kDustDecimals);
}

Result<Reconciliation> reconcile(LedgerReader& reader, const chain::Vault& vault, chain::Node& node,
                                 std::uint64_t chain_id, std::uint64_t from_block, std::uint64_t to_block,
                                 std::uint64_t window, unsigned token_decimals) {
  Reconciliation out;
  Book book{reader.database(), out, vault.address(), static_cast<std::int64_t>(chain_id), {}, {}};
  try {
    const std::uint64_t step = std::max<std::uint64_t>(window, 1);
    for (std::uint64_t low = from_block; low <= to_block; low += step) {
      const auto part = vault.events(node, low, std::min(to_block, low + step - 1));
      if (!part) return part.error();
      for (const auto& e : *part) book.event(e);
    }
    book.rows(token_decimals);
    book.sums();
  } catch (const ErrorException& e) {
    return e.error;
  } catch (const std::exception& e) {  // an edited amount may be no number
    return Error{ErrorKind::kProtocol, "ledger", std::string("an amount of the book cannot be read: ") + e.what()};
  }
  out.onchain_sum = book.sum.str();
  return out;
}

}  // namespace anduin::settle
