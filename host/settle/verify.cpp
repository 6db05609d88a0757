#include "settle/verify.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "chain/transaction.hpp"
#include "settle/ledger_impl.hpp"
#include "settle/ref_id.hpp"
#include "settle/row_digest.hpp"
#include "settle/types.hpp"

namespace anduin::settle {
namespace {

constexpr std::size_t kDigestBytes = 33;

/// Of a slot_item `i` with its settlement `s`: its slot was reopened after a reorg below the settled block, and the
/// settlement is not that slot's any more: in a later one, or rejected.
#define ANDUIN_MOVED_ON                                                                                    \
  "(EXISTS (SELECT 1 FROM reopening r WHERE r.slot_id = i.slot_id AND r.settlement_id IS NULL) AND "      \
  "(s.state = 'REJECTED' OR EXISTS (SELECT 1 FROM slot_item later WHERE later.settlement_id = "            \
  "i.settlement_id AND later.slot_id > i.slot_id)))"

/// What the trail says of one row: where its last transition left it. Kept small: one for every row of the book.
struct Last {
  const std::string* state = nullptr;  ///< of `Check::names`; null = no transition was seen
  std::int64_t audit = 0;              ///< number of the last audit row that speaks of it
  std::array<std::uint8_t, kDigestBytes> digest{};
  bool has_digest = false;
  bool seen = false;  ///< the row is there

  [[nodiscard]] bool fits(const RowDigest& now) const {
    return has_digest && std::equal(now.begin(), now.end(), digest.begin(), digest.end());
  }
};
using Lasts = std::unordered_map<std::int64_t, Last>;

/// What was assigned where: (slot, settlement), and whether slot_item has it.
struct Assigned {
  std::int64_t slot = 0, settlement = 0;
  bool found = false;
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> key() const { return {slot, settlement}; }
};

/// An edited text may be no number at all.
U256 number(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 78 && text.find_first_not_of("0123456789") == std::string::npos;
  try {
    return digits ? U256(text) : U256(0);
  } catch (const std::exception&) {
    return 0;  // above 256 bits
  }
}

bool open(const std::string& slot_state) { return slot_state != "FINAL" && slot_state != "LOST"; }
bool in_slot(const std::string& state) { return state == "ASSIGNED" || state == "INCLUDED" || state == "SAFE"; }

struct Check {
  Database& db;
  VerifyReport& out;
  Lasts settlements, slots, reports;
  std::vector<Assigned> assigned;  ///< as the trail has it; sorted when it was read whole
  std::set<std::string> names;     ///< of states
  /// Nonces that a signer was raised to.
  std::map<std::string, std::vector<std::uint64_t>> raised;

  void trail(const std::optional<Checkpoint>& since) {
    AuditScan scan(db);
    bool met = !since || since->rows == 0;
    while (scan.step()) {
      const AuditEntry& e = scan.entry();
      if (!e.broken.empty()) out.add({"", "audit row " + std::to_string(e.id), e.broken});
      out.checkpoint = {static_cast<std::uint64_t>(e.id), e.digest};
      if (since && out.checkpoint.rows == since->rows) {
        met = true;
        if (out.checkpoint.digest != since->digest)
          out.add({"", "audit row " + std::to_string(e.id), "is not the one of the checkpoint: the trail was written anew"});
      }
      take(e);
    }
    std::sort(assigned.begin(), assigned.end(), [](const Assigned& a, const Assigned& b) { return a.key() < b.key(); });
    if (!met) {
      out.add({"", "audit",
               "ends at row " + std::to_string(out.checkpoint.rows) + ", the checkpoint names row " +
                   std::to_string(since->rows) + ": rows were cut off, or this is an older copy"});
    }
  }

  void take(const AuditEntry& e) {
    const AuditRow& row = e.row;
    if (row.settlement_id) {
      Last& last = settlements[*row.settlement_id];
      if (row.kind == "settlement") move(last, e, "settlement " + std::to_string(*row.settlement_id));
      remember(last, e);
      if (row.slot_id && row.to_state == "ASSIGNED" && row.from_state == "QUEUED" &&
          !row.detail.starts_with(kReopened))
        assigned.push_back({*row.slot_id, *row.settlement_id});
    } else if (row.slot_id) {
      Last& last = slots[*row.slot_id];
      if (row.kind == "slot") move(last, e, "slot " + std::to_string(*row.slot_id));
      remember(last, e);
    } else if (row.report_id) {
      remember(reports[*row.report_id], e);
    } else if (row.kind == "signer") {
      const std::string who = row.detail.substr(0, row.detail.find(' '));
      raised[who].push_back(std::strtoull(row.to_state.c_str(), nullptr, 10));
    }
  }

  static void remember(Last& last, const AuditEntry& e) {
    last.audit = e.id;
    if (e.row_digest.size() != kDigestBytes) return;
    std::copy(e.row_digest.begin(), e.row_digest.end(), last.digest.begin());
    last.has_digest = true;
  }

  /// I7: each transition begins where the one before it ended.
  void move(Last& last, const AuditEntry& e, const std::string& what) {
    const std::string before = last.state != nullptr ? *last.state : "";
    if (e.row.from_state != before) {
      out.add({"", what,
               "audit row " + std::to_string(e.id) + " moves it from '" + e.row.from_state + "', it was '" + before +
                   "': a transition without its audit row"});
    }
    last.state = &*names.insert(e.row.to_state).first;
  }

  /// A row must be as its last transition left it. Empty when it is.
  static std::string defect(Lasts& lasts, std::int64_t id, const RowDigest& now) {
    const auto it = lasts.find(id);
    if (it == lasts.end()) return "the audit trail does not know this row: it was put in by hand";
    it->second.seen = true;
    if (it->second.fits(now)) return {};
    if (!it->second.has_digest) return "has no digest in the audit trail";
    return "is not as audit row " + std::to_string(it->second.audit) + " left it: it was changed by hand";
  }

  void missing(const Lasts& lasts, const char* table) {
    for (const auto& [id, last] : lasts) {
      if (!last.seen) out.add({"", std::string(table) + " " + std::to_string(id), "is gone; the audit trail knows it"});
    }
  }

  void settlement_rows() {
    DigestScan scan(db, DigestScan::Table::kSettlement);
    while (scan.step()) {
      ++out.settlements;
      if (const auto what = defect(settlements, scan.id(), scan.digest()); !what.empty()) settlement_problem(scan.id(), what);
    }
    missing(settlements, "settlement");
  }

  std::pair<std::string, std::string> name_of(std::int64_t id) {
    Query q(db, "SELECT ref_id, venue, position_id FROM settlement WHERE id = ?");
    q.bind(id);
    if (!q.step()) return {"", "settlement " + std::to_string(id)};
    return {q.hash(0).to_string(), "settlement " + std::to_string(id) + " (" + q.text(1) + " " + q.text(2) + ")"};
  }

  void settlement_problem(std::int64_t id, const std::string& text) {
    const auto [ref, name] = name_of(id);
    out.add({ref, name, text});
  }

  void report_rows() {
    DigestScan scan(db, DigestScan::Table::kReport);
    while (scan.step()) {
      ++out.reports;
      if (const auto what = defect(reports, scan.id(), scan.digest()); !what.empty())
        out.add({"", "report " + std::to_string(scan.id()), what});
    }
    missing(reports, "report");
  }

  struct SlotHead {
    std::int64_t id = 0;
    std::string state;
    Bytes calldata;
    std::uint64_t nonce = 0;
    Address signer, to;
    std::uint64_t chain_id = 0;
  };

  void slot_rows() {
    std::vector<std::int64_t> ids;
    {
      Query q(db, "SELECT id FROM slot ORDER BY id");
      while (q.step()) ids.push_back(q.integer(0));
    }
    for (const auto id : ids) {
      ++out.slots;
      const std::string where = "slot " + std::to_string(id);
      if (const auto what = defect(slots, id, slot_digest(db, id)); !what.empty()) out.add({"", where, what});
      const SlotHead head = slot_head(id);
      attempt_rows(head, where);
      item_rows(head, where);
    }
    missing(slots, "slot");
    for (const auto& a : assigned) {
      if (!a.found)
        settlement_problem(a.settlement, "the audit trail puts it into slot " + std::to_string(a.slot) + ", where it is not");
    }
  }

  bool was_assigned(std::int64_t slot, std::int64_t settlement) {
    const auto it = std::lower_bound(assigned.begin(), assigned.end(), std::pair(slot, settlement),
                                     [](const Assigned& a, const auto& key) { return a.key() < key; });
    if (it == assigned.end() || it->key() != std::pair(slot, settlement)) return false;
    return !std::exchange(it->found, true);
  }

  SlotHead slot_head(std::int64_t id) {
    Query q(db, "SELECT state, calldata, nonce, signer, to_addr, chain_id FROM slot WHERE id = ?");
    q.bind(id);
    q.step();
    return {id, q.text(0), q.blob(1), static_cast<std::uint64_t>(q.integer(2)), q.address(3), q.address(4),
            static_cast<std::uint64_t>(q.integer(5))};
  }

  /// Signed bytes prove themselves: hash, sender, nonce and payload are in them.
  void attempt_rows(const SlotHead& slot, const std::string& where) {
    Query q(db, "SELECT hash, noop, raw FROM attempt WHERE slot_id = ? ORDER BY seq");
    q.bind(slot.id);
    while (q.step()) {
      ++out.attempts;
      const std::string name = where + ", attempt " + q.hash(0).to_string();
      const Bytes raw = q.blob(2);
      if (chain::keccak256(raw) != q.hash(0)) {
        out.add({"", name, "its signed bytes do not have this hash"});
        continue;
      }
      const auto tx = chain::decode_transaction(raw);
      if (!tx) {
        out.add({"", name, "its bytes are no transaction: " + tx.error().text});
        continue;
      }
      const bool noop = q.integer(1) != 0;
      const auto& t = tx->transaction;
      const bool fits = t.nonce == slot.nonce && t.chain_id == slot.chain_id && tx->sender == slot.signer &&
                        (noop ? t.data.empty() && t.to == slot.signer : t.data == slot.calldata && t.to == slot.to);
      if (!fits) out.add({"", name, "signs something else than its slot says"});
    }
  }

  /// Ref, user and units of every item stand beside each other in the calldata, whatever the vault's ABI and
  /// whoever wraps the call. Items stand in order: `from` moves along, the search is linear.
  static bool in_calldata(const Bytes& calldata, std::size_t& from, const chain::Hash& ref, const Address& user, const U256& units) {
    const auto search = [&](std::size_t low, std::size_t high, const auto& bytes) {
      const auto end = calldata.begin() + static_cast<std::ptrdiff_t>(std::min(high, calldata.size()));
      const auto at = std::search(calldata.begin() + static_cast<std::ptrdiff_t>(std::min(low, calldata.size())), end, bytes.begin(), bytes.end());
      return at == end ? std::nullopt : std::optional(static_cast<std::size_t>(at - calldata.begin()));
    };
    auto at = search(from, calldata.size(), ref.bytes);
    if (!at) at = search(0, calldata.size(), ref.bytes);
    if (!at) return false;
    from = *at + ref.bytes.size();
    const std::size_t low = *at > kItemBytes ? *at - kItemBytes : 0, high = *at + kItemBytes;
    return search(low, high, user.bytes) && search(low, high, chain::to_word(units));
  }
  static constexpr std::size_t kItemBytes = 4 * 32;  ///< action, user, units, refId: a word each, in some order

  void item_rows(const SlotHead& slot, const std::string& where) {
    std::size_t from = 0;
    Query q(db,
            "SELECT i.settlement_id, i.ref_id, s.ref_id, s.units, s.user_addr, s.state, " ANDUIN_MOVED_ON
            " FROM slot_item i LEFT JOIN settlement s ON s.id = i.settlement_id WHERE i.slot_id = ? ORDER BY i.seq");
    q.bind(slot.id);
    while (q.step()) {
      const std::int64_t id = q.integer(0);
      if (!was_assigned(slot.id, id))
        settlement_problem(id, "stands in " + where + " without an audit row that put it there");
      if (q.hash(1) != q.hash(2) || !in_calldata(slot.calldata, from, q.hash(1), q.address(4), number(q.text(3)))) {
        settlement_problem(id, "its refId, user or units are not those of the calldata of " + where);
      }
      if (open(slot.state) && !in_slot(q.text(5)) && q.integer(6) == 0)
        settlement_problem(id, "is " + q.text(5) + ", and " + where + " that holds it is " + slot.state);
    }
  }

  /// States and the trail's last transition; I3: one open slot for what is in a slot, none for what is not.
  void states() {
    Query q(db,
            "SELECT s.id, s.state, s.slots_used, s.onchain_units IS NULL, (SELECT count(*) FROM slot_item i WHERE "
            "i.settlement_id = s.id), (SELECT count(*) FROM slot_item i JOIN slot t ON t.id = i.slot_id WHERE "
            "i.settlement_id = s.id AND t.state NOT IN ('FINAL','LOST') AND NOT " ANDUIN_MOVED_ON "), (SELECT count(*) FROM slot_item i JOIN slot t "
            "ON t.id = i.slot_id WHERE i.settlement_id = s.id AND t.state = 'FINAL' AND t.win_hash IS NOT NULL AND "
            "t.block_hash IS NOT NULL) FROM settlement s ORDER BY s.id");
    while (q.step()) {
      const std::int64_t id = q.integer(0);
      const std::string state = q.text(1);
      if (const auto it = settlements.find(id); it != settlements.end() && it->second.state != nullptr && *it->second.state != state)
        settlement_problem(id, "is " + state + "; its last transition, audit row " + std::to_string(it->second.audit) +
                                   ", made it " + *it->second.state);
      if (!parse_state(state)) settlement_problem(id, "has the unknown state '" + state + "'");
      if (q.integer(2) != q.integer(4)) settlement_problem(id, "was in " + std::to_string(q.integer(4)) + " slots and counts " + std::to_string(q.integer(2)));
      const std::int64_t wanted = in_slot(state) ? 1 : 0;
      if (q.integer(5) != wanted) settlement_problem(id, "is " + state + " and in " + std::to_string(q.integer(5)) + " open slots");
      if (state == "SETTLED" && (q.integer(6) == 0 || q.integer(3) != 0))
        settlement_problem(id, "is SETTLED without a final transaction or without an amount from the chain");
    }
  }

  /// I4: a signer's nonces follow each other; a hole is where it was raised to what the chain had used.
  void nonces() {
    struct Signer {
      std::int64_t chain_id;
      Address address;
      std::optional<std::uint64_t> next;
    };
    std::vector<Signer> signers;
    {
      Query q(db, "SELECT chain_id, address, next_nonce FROM signer ORDER BY chain_id, address");
      while (q.step())
        signers.push_back({q.integer(0), q.address(1), q.null(2) ? std::nullopt : std::optional(static_cast<std::uint64_t>(q.integer(2)))});
    }
    for (const auto& s : signers) {
      const std::string who = s.address.to_string();
      const auto& jumps = raised[who];
      const auto jumped = [&jumps](std::uint64_t nonce) { return std::find(jumps.begin(), jumps.end(), nonce) != jumps.end(); };
      std::optional<std::uint64_t> expected;
      Query q(db, "SELECT nonce FROM slot WHERE chain_id = ? AND signer = ? ORDER BY nonce");
      q.bind(s.chain_id, s.address);
      while (q.step()) {
        const auto nonce = static_cast<std::uint64_t>(q.integer(0));
        if (nonce != expected.value_or(nonce + 1) && !jumped(nonce))
          out.add({"", "signer " + who, "has a slot with nonce " + std::to_string(nonce) + " that does not follow"});
        expected = nonce + 1;
      }
      if (s.next && *s.next != expected.value_or(*s.next + 1) && !jumped(*s.next))
        out.add({"", "signer " + who, "its next nonce " + std::to_string(*s.next) + " does not follow"});
    }
  }

  /// The file's own pages and indexes: rows may be whole while what finds them is not.
  void pages() {
    Query q(db, "PRAGMA integrity_check(20)");
    while (q.step()) {
      if (q.text(0) != "ok") out.add({"", "file", q.text(0)});
    }
  }

  /// What came in from outside is kept under its own hash.
  void bodies() {
    Query q(db, "SELECT evidence, body FROM inbound_body");
    while (q.step()) {
      const std::string evidence = q.text(0);
      const std::string hash = sha256(q.text(1)).to_string();  // 0x...
      if (evidence.size() == 64 && hash.substr(2) != evidence)
        out.add({"", "inbound body " + evidence, "is not the body that was received"});
    }
  }
};

}  // namespace

void VerifyReport::add(VerifyProblem problem) {
  ++problem_count;
  if (problems.size() < kProblemsMax) problems.push_back(std::move(problem));
}

VerifyReport verify_book(Database& db, const std::optional<Checkpoint>& since) {
  VerifyReport out;
  Check check{db, out, {}, {}, {}, {}, {}, {}};
  check.pages();
  check.trail(since);
  check.settlement_rows();
  check.report_rows();
  check.slot_rows();
  check.states();
  check.nonces();
  check.bodies();
  return out;
}

}  // namespace anduin::settle
