#include "settle/breaker.hpp"

#include "settle/audit.hpp"

namespace anduin::settle {
namespace {

#define ANDUIN_BREAKER_COLUMNS "id, scope, opened_ms, opened_by, reason, closed_ms, closed_by, close_reason"

Breaker breaker_at(const Query& q) {
  Breaker out{q.integer(0), q.text(1), q.integer(2), q.text(3), q.text(4), {}, q.text(6), q.text(7)};
  if (!q.null(5)) out.closed_ms = q.integer(5);
  return out;
}

}  // namespace

Result<std::string> parse_scope(const std::string& text) {
  if (text == "global") return text;
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon), name = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (!name.empty() && (kind == "account" || kind == "venue")) return text;
  if (kind == "user")
    if (const auto user = chain::Address::parse(name)) return "user:" + user->to_string();
  return Error{ErrorKind::kBadRequest, text, "is no scope; write global, venue:NAME, account:NAME or user:0x..."};
}

std::optional<Breaker> breaker_over(Database& db, const std::string& account, const std::string& user,
                                    const std::string& venue) {
  Query q(db, "SELECT " ANDUIN_BREAKER_COLUMNS
              " FROM breaker WHERE closed_ms IS NULL AND scope IN ('global', ?, ?, ?) ORDER BY id LIMIT 1");
  q.bind("account:" + account, "user:" + user, "venue:" + venue);
  if (!q.step()) return std::nullopt;
  return breaker_at(q);
}

bool open_breaker(Database& db, const std::string& scope, const std::string& actor, const std::string& reason,
                  std::int64_t now_ms) {
  {
    Query q(db, "INSERT OR IGNORE INTO breaker(scope, opened_ms, opened_by, reason) VALUES(?,?,?,?)");
    q.bind(scope, now_ms, actor, reason);
    if (q.run() != 1) return false;
  }
  append_audit(db, now_ms, {actor, "breaker", {}, {}, "", "open", scope + " " + reason});
  return true;
}

bool close_breaker(Database& db, const std::string& scope, const std::string& actor, const std::string& reason,
                   std::int64_t now_ms) {
  {
    Query q(db,
            "UPDATE breaker SET closed_ms = ?, closed_by = ?, close_reason = ?, "
            "closed_row = (SELECT coalesce(max(id), 0) FROM settlement) WHERE scope = ? AND closed_ms IS NULL");
    q.bind(now_ms, actor, reason, scope);
    if (q.run() != 1) return false;
  }
  append_audit(db, now_ms, {actor, "breaker", {}, {}, "open", "closed", scope + " " + reason});
  return true;
}

std::vector<Breaker> list_breakers(Database& db, bool open_only) {
  std::vector<Breaker> out;
  Query q(db, "SELECT " ANDUIN_BREAKER_COLUMNS " FROM breaker WHERE (? = 0 OR closed_ms IS NULL) ORDER BY id");
  q.bind(std::int64_t{open_only});
  while (q.step()) out.push_back(breaker_at(q));
  return out;
}

}  // namespace anduin::settle
