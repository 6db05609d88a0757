#include "settle/ledger_schema.hpp"

#include <array>

#include "settle/audit.hpp"

namespace anduin::settle {
namespace {

// 256-bit numbers and money are decimal TEXT, hashes and addresses BLOB, times INTEGER ms since the epoch
// UTC.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE account(
  name TEXT PRIMARY KEY, venue TEXT NOT NULL, uid TEXT NOT NULL, user_addr BLOB NOT NULL,
  chain_id INTEGER NOT NULL, vault BLOB NOT NULL, live INTEGER NOT NULL,
  settle_from_ms INTEGER NOT NULL, registered_ms INTEGER NOT NULL,
  cursor BLOB, cursor_version INTEGER, cursor_ms INTEGER) STRICT;

CREATE TABLE settlement(
  id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, vault BLOB NOT NULL,
  ref_id BLOB NOT NULL CHECK(length(ref_id) = 32),
  venue TEXT NOT NULL, position_id TEXT NOT NULL, account TEXT NOT NULL REFERENCES account(name),
  user_addr BLOB NOT NULL CHECK(length(user_addr) = 20), action TEXT, units TEXT,
  symbol TEXT NOT NULL, native_symbol TEXT NOT NULL, market TEXT NOT NULL, side TEXT NOT NULL,
  entry_price TEXT, exit_price TEXT, size TEXT,
  pnl TEXT NOT NULL, pnl_text TEXT NOT NULL, currency TEXT NOT NULL,
  fee TEXT NOT NULL, fee_text TEXT NOT NULL, fee_currency TEXT NOT NULL,
  usd TEXT NOT NULL, rate TEXT, rate_source TEXT, rate_ms INTEGER,
  fee_rate TEXT, fee_rate_source TEXT, fee_rate_ms INTEGER,
  closed_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, origin TEXT NOT NULL, evidence TEXT NOT NULL,
  digest BLOB NOT NULL, verified TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
  slots_used INTEGER NOT NULL DEFAULT 0, onchain_units TEXT, duplicates INTEGER NOT NULL DEFAULT 0,
  UNIQUE(chain_id, vault, ref_id), UNIQUE(venue, position_id, chain_id, vault)) STRICT;
CREATE INDEX settlement_queued ON settlement(chain_id, vault, closed_ms, id) WHERE state = 'QUEUED';
CREATE INDEX settlement_blocked ON settlement(chain_id, vault, closed_ms, id) WHERE state = 'BLOCKED';
CREATE INDEX settlement_ref ON settlement(ref_id);

CREATE TABLE report(
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK(kind IN ('CONFLICT','REJECTED')),
  chain_id INTEGER NOT NULL, vault BLOB NOT NULL, ref_id BLOB,
  venue TEXT NOT NULL, position_id TEXT NOT NULL, account TEXT NOT NULL, user_addr BLOB NOT NULL,
  action TEXT, units TEXT, pnl TEXT NOT NULL, currency TEXT NOT NULL, fee TEXT NOT NULL, fee_currency TEXT NOT NULL,
  closed_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, origin TEXT NOT NULL, evidence TEXT NOT NULL,
  reason TEXT NOT NULL, digest BLOB NOT NULL, seen INTEGER NOT NULL DEFAULT 1,
  UNIQUE(kind, digest)) STRICT;

CREATE TABLE signer(
  chain_id INTEGER NOT NULL, address BLOB NOT NULL, next_nonce INTEGER, epoch INTEGER NOT NULL,
  PRIMARY KEY(chain_id, address)) STRICT;
CREATE TABLE slot(
  id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, signer BLOB NOT NULL, nonce INTEGER NOT NULL,
  vault BLOB NOT NULL, calldata BLOB NOT NULL, gas_limit INTEGER NOT NULL, state TEXT NOT NULL,
  win_hash BLOB, block_hash BLOB, block_number INTEGER, created_ms INTEGER NOT NULL, ended_ms INTEGER,
  UNIQUE(chain_id, signer, nonce),
  FOREIGN KEY(chain_id, signer) REFERENCES signer(chain_id, address)) STRICT;
CREATE INDEX slot_open ON slot(chain_id, signer, nonce) WHERE state NOT IN ('FINAL','LOST');
CREATE TABLE slot_item(
  slot_id INTEGER NOT NULL REFERENCES slot(id), seq INTEGER NOT NULL, ref_id BLOB NOT NULL,
  settlement_id INTEGER NOT NULL REFERENCES settlement(id),
  PRIMARY KEY(slot_id, seq), UNIQUE(slot_id, ref_id)) STRICT;
CREATE INDEX slot_item_settlement ON slot_item(settlement_id);
CREATE TABLE attempt(
  hash BLOB PRIMARY KEY, slot_id INTEGER NOT NULL REFERENCES slot(id), seq INTEGER NOT NULL,
  noop INTEGER NOT NULL, raw BLOB NOT NULL, max_fee TEXT NOT NULL, tip TEXT NOT NULL, gas_limit INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, first_sent_ms INTEGER, last_sent_ms INTEGER, sends INTEGER NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '', UNIQUE(slot_id, seq)) STRICT;

CREATE TABLE audit(
  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL,
  settlement_id INTEGER, slot_id INTEGER, from_state TEXT NOT NULL, to_state TEXT NOT NULL, detail TEXT NOT NULL,
  prev BLOB NOT NULL, digest BLOB NOT NULL) STRICT;
CREATE INDEX audit_settlement ON audit(settlement_id) WHERE settlement_id IS NOT NULL;

CREATE TABLE coverage_gap(
  id INTEGER PRIMARY KEY, account TEXT NOT NULL REFERENCES account(name), from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL CHECK(to_ms > from_ms), state TEXT NOT NULL CHECK(state IN ('open','proven','accepted')),
  opened_ms INTEGER NOT NULL, actor TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE nonce_block(scope TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;

CREATE TRIGGER settlement_identity BEFORE UPDATE OF
  chain_id, vault, ref_id, venue, position_id, account, closed_ms, digest ON settlement
  BEGIN SELECT RAISE(ABORT, 'a settlement''s identity never changes'); END;
CREATE TRIGGER settlement_frozen BEFORE UPDATE OF units, action, user_addr ON settlement
  WHEN OLD.state <> 'QUARANTINED' AND
    (NEW.units IS NOT OLD.units OR NEW.action IS NOT OLD.action OR NEW.user_addr IS NOT OLD.user_addr)
  BEGIN SELECT RAISE(ABORT, 'units, action and user are frozen from QUEUED on'); END;
CREATE TRIGGER settlement_amount BEFORE UPDATE OF state ON settlement
  WHEN NEW.state = 'QUEUED' AND (NEW.units IS NULL OR NEW.action IS NULL)
  BEGIN SELECT RAISE(ABORT, 'only a settlement with an amount can be queued'); END;
CREATE TRIGGER settlement_terminal BEFORE UPDATE OF state ON settlement
  WHEN OLD.state IN ('NO_ACTION','REJECTED','BEFORE_ACTIVATION','DRY_RUN','SETTLED','ALREADY_SETTLED')
    AND NEW.state <> OLD.state
  BEGIN SELECT RAISE(ABORT, 'a terminal settlement never moves'); END;
CREATE TRIGGER settlement_delete BEFORE DELETE ON settlement
  BEGIN SELECT RAISE(ABORT, 'settlements are never deleted'); END;
CREATE TRIGGER report_delete BEFORE DELETE ON report
  BEGIN SELECT RAISE(ABORT, 'reports are never deleted'); END;
CREATE TRIGGER slot_payload BEFORE UPDATE OF chain_id, signer, nonce, vault, calldata, gas_limit ON slot
  BEGIN SELECT RAISE(ABORT, 'a slot is bound to its payload'); END;
CREATE TRIGGER slot_over BEFORE UPDATE OF state ON slot WHEN OLD.state IN ('FINAL','LOST')
  BEGIN SELECT RAISE(ABORT, 'a closed slot never moves'); END;
CREATE TRIGGER slot_delete BEFORE DELETE ON slot BEGIN SELECT RAISE(ABORT, 'slots are never deleted'); END;
CREATE TRIGGER slot_item_update BEFORE UPDATE ON slot_item
  BEGIN SELECT RAISE(ABORT, 'a slot''s items never change'); END;
CREATE TRIGGER slot_item_delete BEFORE DELETE ON slot_item
  BEGIN SELECT RAISE(ABORT, 'a slot''s items never change'); END;
CREATE TRIGGER attempt_bytes BEFORE UPDATE OF hash, slot_id, seq, noop, raw, max_fee, tip, gas_limit ON attempt
  BEGIN SELECT RAISE(ABORT, 'signed bytes never change'); END;
CREATE TRIGGER attempt_delete BEFORE DELETE ON attempt BEGIN SELECT RAISE(ABORT, 'attempts are never deleted'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
)sql";

// Inbound closes: what an account was credited lately, and the bodies as they came.
constexpr const char* kVersion2 = R"sql(
CREATE INDEX settlement_credit ON settlement(account, received_ms) WHERE action = 'credit';
CREATE TABLE inbound_body(
  evidence TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account(name), received_ms INTEGER NOT NULL,
  body TEXT NOT NULL) STRICT;
CREATE TRIGGER inbound_body_update BEFORE UPDATE ON inbound_body
  BEGIN SELECT RAISE(ABORT, 'an inbound body never changes'); END;
CREATE TRIGGER inbound_body_delete BEFORE DELETE ON inbound_body
  BEGIN SELECT RAISE(ABORT, 'inbound bodies are never deleted'); END;
)sql";

// Whom a slot's transaction calls: the vault itself, or what executes the call for it (a Safe).
constexpr const char* kVersion3 = R"sql(
ALTER TABLE slot ADD COLUMN to_addr BLOB CHECK(to_addr IS NULL OR length(to_addr) = 20);
UPDATE slot SET to_addr = vault;
CREATE TRIGGER slot_target BEFORE INSERT ON slot WHEN NEW.to_addr IS NULL
  BEGIN SELECT RAISE(ABORT, 'a slot calls somebody'); END;
DROP TRIGGER slot_payload;
CREATE TRIGGER slot_payload BEFORE UPDATE OF chain_id, signer, nonce, vault, to_addr, calldata, gas_limit ON slot
  BEGIN SELECT RAISE(ABORT, 'a slot is bound to its payload'); END;
)sql";

// The trail anchors its rows: each audit row carries the digest of the row that it speaks of.
constexpr const char* kVersion4 = R"sql(
ALTER TABLE audit ADD COLUMN report_id INTEGER;
ALTER TABLE audit ADD COLUMN row_digest BLOB;
)sql";
constexpr std::int64_t kRowDigestsFrom = 4;  ///< the version that brings them

// A ledger that is a copy knows it, and what the chain did that no row here tells of.
constexpr const char* kVersion5 = R"sql(
CREATE TABLE copy_mark(
  id INTEGER PRIMARY KEY CHECK(id = 1), copied_ms INTEGER NOT NULL, audit_rows INTEGER NOT NULL,
  audit_digest BLOB NOT NULL, adopted_ms INTEGER) STRICT;
ALTER TABLE signer ADD COLUMN restored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE signer ADD COLUMN fence_until INTEGER;
CREATE TABLE vault_scan(
  chain_id INTEGER NOT NULL, vault BLOB NOT NULL, next_block INTEGER NOT NULL, PRIMARY KEY(chain_id, vault)) STRICT;
CREATE TABLE foreign_event(
  id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, vault BLOB NOT NULL, ref_id BLOB NOT NULL CHECK(length(ref_id) = 32),
  credit INTEGER NOT NULL, user_addr BLOB NOT NULL, requested TEXT NOT NULL, moved TEXT NOT NULL,
  block_number INTEGER NOT NULL, block_hash BLOB NOT NULL, transaction_hash BLOB NOT NULL, seen_ms INTEGER NOT NULL,
  UNIQUE(chain_id, vault, ref_id, transaction_hash)) STRICT;
CREATE TRIGGER foreign_event_update BEFORE UPDATE ON foreign_event
  BEGIN SELECT RAISE(ABORT, 'what the chain showed never changes'); END;
CREATE TRIGGER foreign_event_delete BEFORE DELETE ON foreign_event
  BEGIN SELECT RAISE(ABORT, 'what the chain showed is never deleted'); END;
)sql";

// What owners of a Safe were asked to approve, and their approvals.
constexpr const char* kVersion6 = R"sql(
CREATE TABLE safe_tx(
  hash BLOB PRIMARY KEY CHECK(length(hash) = 32), chain_id INTEGER NOT NULL, safe BLOB NOT NULL CHECK(length(safe) = 20),
  nonce INTEGER NOT NULL, to_addr BLOB NOT NULL, calldata BLOB NOT NULL, operation INTEGER NOT NULL,
  safe_tx_gas INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;
CREATE TABLE safe_signature(
  hash BLOB NOT NULL REFERENCES safe_tx(hash), owner BLOB NOT NULL CHECK(length(owner) = 20),
  signature BLOB NOT NULL CHECK(length(signature) = 65), created_ms INTEGER NOT NULL,
  PRIMARY KEY(hash, owner)) STRICT;
CREATE TRIGGER safe_tx_update BEFORE UPDATE ON safe_tx BEGIN SELECT RAISE(ABORT, 'a SafeTx never changes'); END;
CREATE TRIGGER safe_tx_delete BEFORE DELETE ON safe_tx BEGIN SELECT RAISE(ABORT, 'a SafeTx is never deleted'); END;
CREATE TRIGGER safe_signature_update BEFORE UPDATE ON safe_signature
  BEGIN SELECT RAISE(ABORT, 'an approval never changes'); END;
CREATE TRIGGER safe_signature_delete BEFORE DELETE ON safe_signature
  BEGIN SELECT RAISE(ABORT, 'an approval is never deleted'); END;
)sql";

// Limits and breakers; signed decisions; what became of a conflicting report.
constexpr const char* kVersion7 = R"sql(
CREATE INDEX settlement_received ON settlement(received_ms);
CREATE TABLE breaker(
  id INTEGER PRIMARY KEY, scope TEXT NOT NULL, opened_ms INTEGER NOT NULL, opened_by TEXT NOT NULL,
  reason TEXT NOT NULL, closed_ms INTEGER, closed_by TEXT NOT NULL DEFAULT '', close_reason TEXT NOT NULL DEFAULT '',
  closed_row INTEGER) STRICT;
CREATE UNIQUE INDEX breaker_open ON breaker(scope) WHERE closed_ms IS NULL;
CREATE TRIGGER breaker_closed BEFORE UPDATE ON breaker WHEN OLD.closed_ms IS NOT NULL
  BEGIN SELECT RAISE(ABORT, 'a closed breaker never changes'); END;
CREATE TRIGGER breaker_delete BEFORE DELETE ON breaker
  BEGIN SELECT RAISE(ABORT, 'breakers are never deleted'); END;
CREATE TABLE approval(
  digest BLOB PRIMARY KEY, settlement_id INTEGER NOT NULL REFERENCES settlement(id), episode INTEGER NOT NULL,
  verdict TEXT NOT NULL CHECK(verdict IN ('approve','reject')), approver BLOB NOT NULL, who TEXT NOT NULL,
  reason TEXT NOT NULL, received_ms INTEGER NOT NULL, signed_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  text TEXT NOT NULL, signature BLOB NOT NULL, UNIQUE(settlement_id, episode, verdict, approver)) STRICT;
CREATE TRIGGER approval_update BEFORE UPDATE ON approval
  BEGIN SELECT RAISE(ABORT, 'a signed decision never changes'); END;
CREATE TRIGGER approval_delete BEFORE DELETE ON approval
  BEGIN SELECT RAISE(ABORT, 'signed decisions are never deleted'); END;
CREATE TABLE resolution(
  report_id INTEGER PRIMARY KEY REFERENCES report(id), at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  reason TEXT NOT NULL) STRICT;
CREATE TRIGGER resolution_update BEFORE UPDATE ON resolution
  BEGIN SELECT RAISE(ABORT, 'what became of a report never changes'); END;
CREATE TRIGGER resolution_delete BEFORE DELETE ON resolution
  BEGIN SELECT RAISE(ABORT, 'what became of a report is never deleted'); END;
)sql";

// After a reorg below the settled block an operator reopens what was closed. A closed slot or a terminal settlement
// moves only with a row here that names the very next audit row, and that audit row must speak of it.
constexpr const char* kVersion8 = R"sql(
CREATE TABLE reopening(
  audit_id INTEGER PRIMARY KEY, slot_id INTEGER NOT NULL REFERENCES slot(id),
  settlement_id INTEGER REFERENCES settlement(id), block_hash BLOB) STRICT;
CREATE INDEX reopening_slot ON reopening(slot_id);
CREATE TRIGGER reopening_next BEFORE INSERT ON reopening
  WHEN NEW.audit_id <> (SELECT coalesce(max(id), 0) + 1 FROM audit)
  BEGIN SELECT RAISE(ABORT, 'a reopening goes with its own audit row'); END;
CREATE TRIGGER reopening_update BEFORE UPDATE ON reopening
  BEGIN SELECT RAISE(ABORT, 'reopenings never change'); END;
CREATE TRIGGER reopening_delete BEFORE DELETE ON reopening
  BEGIN SELECT RAISE(ABORT, 'reopenings are never deleted'); END;
CREATE TRIGGER reopening_audited BEFORE INSERT ON audit
  WHEN EXISTS (SELECT 1 FROM reopening r WHERE r.audit_id = NEW.id AND
    NOT (NEW.slot_id IS r.slot_id AND NEW.settlement_id IS r.settlement_id))
  BEGIN SELECT RAISE(ABORT, 'somebody reopened a slot without its audit row: see ledger verify'); END;
DROP TRIGGER slot_over;
CREATE TRIGGER slot_over BEFORE UPDATE OF state ON slot WHEN OLD.state IN ('FINAL','LOST') AND NOT (
    NEW.state = 'SENT' AND EXISTS (SELECT 1 FROM reopening r WHERE r.audit_id > (SELECT coalesce(max(id), 0) FROM audit)
      AND r.slot_id = OLD.id AND r.settlement_id IS NULL AND r.block_hash IS OLD.block_hash))
  BEGIN SELECT RAISE(ABORT, 'a closed slot never moves'); END;
DROP TRIGGER settlement_terminal;
CREATE TRIGGER settlement_terminal BEFORE UPDATE OF state ON settlement
  WHEN OLD.state IN ('NO_ACTION','REJECTED','BEFORE_ACTIVATION','DRY_RUN','SETTLED','ALREADY_SETTLED')
    AND NEW.state <> OLD.state AND NOT (
      OLD.state IN ('SETTLED','ALREADY_SETTLED') AND NEW.state = 'ASSIGNED' AND EXISTS (SELECT 1 FROM reopening r
        WHERE r.audit_id > (SELECT coalesce(max(id), 0) FROM audit) AND r.settlement_id = OLD.id))
  BEGIN SELECT RAISE(ABORT, 'a terminal settlement never moves'); END;
)sql";

// One index of refIds instead of two: random keys make each index dear in a large ledger. A refId or a close's id alone
// is looked for in every vault, or venue, that there are rows of; these views step from one to the next by the indexes.
constexpr const char* kVersion9 = R"sql(
DROP INDEX settlement_ref;
CREATE VIEW settlement_vault(chain_id, vault) AS WITH RECURSIVE step(chain_id, vault) AS (
    SELECT * FROM (SELECT chain_id, vault FROM settlement ORDER BY chain_id, vault LIMIT 1)
  UNION ALL
    SELECT n.chain_id, n.vault FROM step JOIN settlement n ON n.id = (SELECT s.id FROM settlement s
      WHERE (s.chain_id, s.vault) > (step.chain_id, step.vault) ORDER BY s.chain_id, s.vault LIMIT 1))
  SELECT chain_id, vault FROM step;
CREATE VIEW settlement_venue(venue) AS WITH RECURSIVE step(venue) AS (
    SELECT * FROM (SELECT venue FROM settlement ORDER BY venue LIMIT 1)
  UNION ALL
    SELECT n.venue FROM step JOIN settlement n ON n.id = (SELECT s.id FROM settlement s
      WHERE s.venue > step.venue ORDER BY s.venue LIMIT 1))
  SELECT venue FROM step;
)sql";

constexpr std::array<const char*, 9> kSteps{kVersion1, kVersion2, kVersion3, kVersion4, kVersion5,
                                            kVersion6, kVersion7, kVersion8, kVersion9};

std::int64_t pragma(Database& db, std::string_view sql) {
  Query q(db, sql);
  return q.step() ? q.integer(0) : 0;
}

Error refuse(Database& db, const std::string& text) { return {ErrorKind::kFatal, db.path(), text}; }

Error newer(Database& db, std::int64_t version, std::size_t newest) {
  return refuse(db, "the ledger has schema version " + std::to_string(version) +
                        ", this program knows up to " + std::to_string(newest) +
                        ": install the newer anduin that wrote it");
}

}  // namespace

std::span<const char* const> schema_steps() { return kSteps; }

Result<std::int64_t> schema_version(Database& db) {
  try {
    return pragma(db, "PRAGMA application_id") == kApplicationId ? pragma(db, "PRAGMA user_version") : 0;
  } catch (const ErrorException& e) {
    return e.error;
  }
}

Result<void> migrate(Database& db, std::span<const char* const> steps, std::int64_t now_ms) {
  try {
    Transaction tx(db);
    const std::int64_t id = pragma(db, "PRAGMA application_id");
    const std::int64_t version = pragma(db, "PRAGMA user_version");
    if (id == 0 && version == 0) {
      if (pragma(db, "SELECT count(*) FROM sqlite_schema") != 0) {
        return refuse(db, "this SQLite file is not an anduin ledger; choose another path");
      }
      db.exec(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str());
    } else if (id != kApplicationId) {
      return refuse(db, "this SQLite file is not an anduin ledger; choose another path");
    }
    const auto newest = static_cast<std::int64_t>(steps.size());
    if (version > newest) return newer(db, version, steps.size());
    for (auto v = version; v < newest; ++v) db.exec(steps[static_cast<std::size_t>(v)]);
    if (version != 0 && version < kRowDigestsFrom && newest >= kRowDigestsFrom) anchor_rows(db, now_ms);
    if (version != newest) db.exec(("PRAGMA user_version=" + std::to_string(newest)).c_str());
    tx.commit();
    return {};
  } catch (const ErrorException& e) {
    return e.error;
  }
}

Result<void> check_version(Database& db, std::size_t newest) {
  try {
    if (pragma(db, "PRAGMA application_id") != kApplicationId) {
      return refuse(db, "this file is not an anduin ledger");
    }
    const std::int64_t version = pragma(db, "PRAGMA user_version");
    if (version > static_cast<std::int64_t>(newest)) return newer(db, version, newest);
    if (version < static_cast<std::int64_t>(newest)) {
      return refuse(db, "the ledger has the older schema version " + std::to_string(version) +
                            ": start the host once, it migrates the file");
    }
    return {};
  } catch (const ErrorException& e) {
    return e.error;
  }
}

}  // namespace anduin::settle
