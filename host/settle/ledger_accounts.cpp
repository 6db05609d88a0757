// Accounts, watermarks' owner rows, and what is proven of each account's history.
#include <algorithm>

#include "settle/ledger_impl.hpp"

namespace anduin::settle {
namespace {

struct StoredAccount {
  std::string venue;
  bool live = false;
  std::int64_t settle_from_ms = 0, registered_ms = 0;
  std::optional<Watermark> watermark;
};

std::optional<StoredAccount> load(Database& db, const std::string& name) {
  Query q(db,
          "SELECT venue, live, settle_from_ms, registered_ms, cursor, cursor_version FROM account WHERE "
          "name = ?");
  q.bind(name);
  if (!q.step()) return std::nullopt;
  StoredAccount out{q.text(0), q.integer(1) != 0, q.integer(2), q.integer(3), {}};
  if (!q.null(4)) out.watermark = Watermark{q.blob(4), static_cast<std::uint32_t>(q.integer(5))};
  return out;
}

void insert(Database& db, const AccountTerms& t, std::int64_t settle_from_ms, std::int64_t now_ms) {
  Query q(db,
          "INSERT INTO account(name, venue, uid, user_addr, chain_id, vault, live, settle_from_ms, "
          "registered_ms) "
          "VALUES(?,?,?,?,?,?,?,?,?)");
  q.bind(t.name, t.venue, t.uid, t.user, static_cast<std::int64_t>(t.vault.chain_id), t.vault.address,
         std::int64_t{t.vault.live}, settle_from_ms, now_ms);
  q.run();
}

void update(Database& db, const AccountTerms& t, std::int64_t settle_from_ms) {
  Query q(db,
          "UPDATE account SET uid = CASE WHEN ?1 = '' THEN uid ELSE ?1 END, user_addr = ?2, chain_id = ?3, "
          "vault = ?4, "
          "live = ?5, settle_from_ms = ?6 WHERE name = ?7");
  q.bind(t.uid, t.user, static_cast<std::int64_t>(t.vault.chain_id), t.vault.address,
         std::int64_t{t.vault.live}, settle_from_ms, t.name);
  q.run();
}

std::string describe(const AccountTerms& t, std::int64_t settle_from_ms) {
  return "user " + t.user.to_string() + ", chain " + std::to_string(t.vault.chain_id) + ", vault " +
         t.vault.address.to_string() + (t.vault.live ? ", live" : ", dry-run") + ", settle_from " +
         std::to_string(settle_from_ms);
}

}  // namespace

Result<AccountInfo> Ledger::register_account(const AccountTerms& terms) {
  auto registered = impl_->write("account", [&] {
    auto& db = *impl_->db;
    const std::int64_t now = impl_->clock.wall_ms();
    for (const auto& [name, other] : impl_->accounts) {
      if (name != terms.name && other.terms.venue == terms.venue && !terms.uid.empty() &&
          other.terms.uid == terms.uid) {
        impl_->refuse(ErrorKind::kBadRequest,
                      "accounts '" + name + "' and '" + terms.name + "' are the same user " + terms.uid +
                          " of " + terms.venue + ": each close would be reported twice; remove one");
      }
    }
    const auto stored = load(db, terms.name);
    if (!stored) {
      const std::int64_t from = terms.settle_from_ms.value_or(now);
      insert(db, terms, from, now);
      impl_->audit(
          {"host", "account", {}, {}, "", "registered", terms.name + ": " + describe(terms, from)});
      return AccountInfo{terms.name, from, now, {}, false};
    }
    if (stored->venue != terms.venue) {
      impl_->refuse(ErrorKind::kBadRequest, "account '" + terms.name + "' belongs to " + stored->venue +
                                                " in this ledger; give the one on " + terms.venue +
                                                " another name");
    }
    // Going live settles from now on: what was only recorded in dry-run stays so.
    const bool goes_live = terms.vault.live && !stored->live;
    const std::int64_t from =
        goes_live ? std::max(now, terms.settle_from_ms.value_or(now)) : stored->settle_from_ms;
    update(db, terms, from);
    if (goes_live) {
      impl_->audit(
          {"host", "account", {}, {}, "dry-run", "live", terms.name + ": " + describe(terms, from)});
    }
    const bool differs = terms.settle_from_ms && *terms.settle_from_ms != from;
    return AccountInfo{terms.name, from, stored->registered_ms, stored->watermark, differs};
  });
  if (registered) {
    const std::lock_guard lock(impl_->mutex);
    impl_->accounts[terms.name] = {terms, registered->settle_from_ms};
  }
  return registered;
}

Result<void> Ledger::set_account_uid(const std::string& account, const std::string& uid) {
  AccountTerms terms;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto it = impl_->accounts.find(account);
    if (it == impl_->accounts.end()) {
      return Error{ErrorKind::kBadRequest, account, "this account is not registered"};
    }
    terms = it->second.terms;
  }
  terms.uid = uid;
  if (auto registered = register_account(terms); !registered) return registered.error();
  return {};
}

Result<AccountInfo> Ledger::account(const std::string& name) {
  return impl_->read([&] {
    const auto stored = load(*impl_->db, name);
    if (!stored) impl_->refuse(ErrorKind::kBadRequest, "account '" + name + "' is not registered");
    return AccountInfo{name, stored->settle_from_ms, stored->registered_ms, stored->watermark, false};
  });
}

// A proven stretch is cut out of every open gap; what is left of a gap stays open.
void Ledger::Impl::apply_coverage(const std::string& account, const Coverage& c, std::int64_t now_ms) {
  if (c.to_ms <= c.from_ms) return;
  struct Gap {
    std::int64_t id, from, to;
  };
  std::vector<Gap> gaps;
  {
    Query q(*db,
            "SELECT id, from_ms, to_ms FROM coverage_gap WHERE account = ? AND state = 'open' AND from_ms "
            "< ? AND "
            "to_ms > ? ORDER BY id");
    q.bind(account, c.to_ms, c.from_ms);
    while (q.step()) gaps.push_back({q.integer(0), q.integer(1), q.integer(2)});
  }
  const auto open = [&](std::int64_t from, std::int64_t to) {
    Query q(*db,
            "INSERT INTO coverage_gap(account, from_ms, to_ms, state, opened_ms) VALUES(?,?,?,'open',?)");
    q.bind(account, from, to, now_ms);
    q.run();
    audit({"host",
           "coverage",
           {},
           {},
           "",
           "open",
           account + " " + std::to_string(from) + ".." + std::to_string(to)});
  };
  if (!c.proven) {
    const bool known = std::any_of(gaps.begin(), gaps.end(),
                                   [&](const Gap& g) { return g.from <= c.from_ms && g.to >= c.to_ms; });
    if (!known) open(c.from_ms, c.to_ms);
    return;
  }
  for (const Gap& g : gaps) {
    Query q(*db, "UPDATE coverage_gap SET state = 'proven', from_ms = ?, to_ms = ? WHERE id = ?");
    q.bind(std::max(g.from, c.from_ms), std::min(g.to, c.to_ms), g.id);
    q.run();
    audit({"host", "coverage", {}, {}, "open", "proven", account + " gap " + std::to_string(g.id)});
    if (g.from < c.from_ms) open(g.from, c.from_ms);
    if (g.to > c.to_ms) open(c.to_ms, g.to);
  }
}

Result<std::vector<UnprovenRange>> Ledger::unproven(const std::string& account, bool open_only) {
  return impl_->read([&] {
    std::vector<UnprovenRange> out;
    Query q(*impl_->db,
            "SELECT id, account, from_ms, to_ms, state, actor, reason FROM coverage_gap "
            "WHERE (?1 = '' OR account = ?1) AND (?2 = 0 OR state = 'open') ORDER BY id");
    q.bind(account, std::int64_t{open_only});
    while (q.step()) {
      out.push_back({q.integer(0), q.text(1), q.integer(2), q.integer(3), q.text(4), q.text(5), q.text(6)});
    }
    return out;
  });
}

Result<void> Ledger::accept_unproven(std::int64_t id, const std::string& actor, const std::string& reason) {
  return impl_->write("coverage", [&] {
    Query q(*impl_->db,
            "UPDATE coverage_gap SET state = 'accepted', actor = ?, reason = ? WHERE id = ? AND state = "
            "'open'");
    q.bind(actor, reason, id);
    if (q.run() != 1) {
      impl_->refuse(ErrorKind::kBadRequest, "there is no open unproven range " + std::to_string(id));
    }
    impl_->audit(
        {actor, "coverage", {}, {}, "open", "accepted", "gap " + std::to_string(id) + ": " + reason});
  });
}

}  // namespace anduin::settle
