// A breaker holds everything of its scope until a person closes it: durable, audited, one row each time it opens.
// Thread: as the Database. Called inside the transaction of what opens or closes it; throws ErrorException.
#pragma once
#include <string>
#include <vector>

#include "settle/db.hpp"

namespace anduin::settle {

struct Breaker {
  std::int64_t id = 0;
  std::string scope;  ///< "account:alice", "user:0x...", "venue:Bybit", "global"
  std::int64_t opened_ms = 0;
  std::string opened_by, reason;
  std::optional<std::int64_t> closed_ms;
  std::string closed_by, close_reason;
};

/// The scope as it is stored; kBadRequest for what is none.
Result<std::string> parse_scope(const std::string& text);

/// The oldest open breaker that holds a close of these; nothing when there is none.
std::optional<Breaker> breaker_over(Database& db, const std::string& account, const std::string& user, const std::string& venue);
/// False when it is open already.
bool open_breaker(Database& db, const std::string& scope, const std::string& actor, const std::string& reason, std::int64_t now_ms);
/// False when it is not open. From here on the scope's hard limits count anew.
bool close_breaker(Database& db, const std::string& scope, const std::string& actor, const std::string& reason, std::int64_t now_ms);
std::vector<Breaker> list_breakers(Database& db, bool open_only);

}  // namespace anduin::settle
