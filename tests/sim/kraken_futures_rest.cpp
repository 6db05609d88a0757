#include <algorithm>
#include <cctype>

#include "sim/kraken_futures.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kCostWindowMs = 10'000;   ///< /derivatives: 500 cost per 10 s
constexpr std::int64_t kPoolRefillMs = 600'000;  ///< history: the whole pool comes back in 10 min
constexpr std::size_t kFillsMax = 100;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::int64_t log_cost(std::int64_t count) {
  return count <= 25 ? 1 : count <= 50 ? 2 : count <= 1000 ? 3 : count <= 5000 ? 6 : 10;
}

}  // namespace

Response KrakenFutures::success(const std::string& name, const std::string& value) const {
  return {200,
          Obj().str("result", "success").raw(name, value).str("serverTime", iso_ms(world_.wall_ms())).text()};
}

Response KrakenFutures::failed(const std::string& path, const std::string& error) const {
  const bool authentication = error == "authenticationError";
  if (path.starts_with("/api/auth/") && authentication) {
    return {401, Obj()
                     .str("error", "unauthorized")
                     .str("message", "the key or its signature is wrong")
                     .null("suberror")
                     .text()};
  }
  if (path.starts_with("/api/history/") && authentication) return {401, R"({"status":"unauthorized"})"};
  const std::string body =
      Obj().str("result", "error").str("error", error).str("serverTime", iso_ms(world_.wall_ms())).text();
  return {path.starts_with("/api/history/") && error == "apiLimitExceeded" ? 429 : 200, body};
}

Response KrakenFutures::error_response(const std::string& code, const std::string& path) const {
  if (code.size() == 3 && code.find_first_not_of("0123456789") == std::string::npos)
    return {std::stoi(code), "{}"};
  return failed(path, code);
}

std::optional<Response> KrakenFutures::refuse(const Request& request, std::size_t& account) {
  const std::string key = request.header("APIKey"), authent = request.header("Authent"),
                    nonce = request.header("Nonce");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(),
                               [&](const SimAccount& a) { return a.market == "futures" && a.key == key; });
  if (key.empty() || it == accounts_.end()) return failed(request.path, "authenticationError");
  static constexpr std::string_view kPrefix = "/derivatives";
  const std::string endpoint =
      request.path.starts_with(kPrefix) ? request.path.substr(kPrefix.size()) : request.path;
  // Query and body exactly as sent, percent signs and all.
  const std::string signature = base64_encode(hmac_sha512(
      base64_decode(it->secret).value_or(""), sha256(request.query + request.body + nonce + endpoint)));
  if (signature != authent) return failed(request.path, "authenticationError");
  account = static_cast<std::size_t>(it - accounts_.begin());
  if (!nonce.empty()) {
    if (nonce.size() > 18 || nonce.find_first_not_of("0123456789") != std::string::npos)
      return failed(request.path, "nonceBelowThreshold");
    const std::int64_t value = std::stoll(nonce);
    std::int64_t& last = ledgers_[account].last_nonce;
    if (value == last) return failed(request.path, "nonceDuplicate");
    if (value < last) return failed(request.path, "nonceBelowThreshold");
    last = value;
  }
  return std::nullopt;
}

bool KrakenFutures::spend(std::size_t account, std::int64_t cost) {
  Ledger& ledger = ledgers_[account];
  const std::int64_t now = world_.mono_ms();
  if (now - ledger.window_start_ms >= world_.scaled(kCostWindowMs)) {
    ledger.window_start_ms = now;
    ledger.spent = 0;
  }
  ledger.spent += cost;
  return ledger.spent <= cost_max_;
}

bool KrakenFutures::spend_history(std::size_t account, std::int64_t cost) {
  Ledger& ledger = ledgers_[account];
  const std::int64_t now = world_.mono_ms();
  const std::int64_t back = (now - ledger.pool_updated_ms) * pool_max_ * 1000 / world_.scaled(kPoolRefillMs);
  if (back > 0) {  // otherwise the fraction waits for the next call
    ledger.pool_used_permille = std::max<std::int64_t>(0, ledger.pool_used_permille - back);
    ledger.pool_updated_ms = now;
  }
  if (ledger.pool_used_permille + cost * 1000 > pool_max_ * 1000) return false;
  ledger.pool_used_permille += cost * 1000;
  return true;
}

std::string KrakenFutures::order_book(const SymbolSpec& s) const {
  const Ladder book = world_.market.ladder(s, world_.wall_ms(), 25);
  const auto side = [&](const std::vector<Level>& levels) {
    Arr rows;
    for (const Level& l : levels) {
      rows.raw(Arr()
                   .raw(double_text(Decimal(l.price, -s.price_decimals)))
                   .raw(double_text(Decimal(l.qty, -s.qty_decimals)))
                   .text());
    }
    return rows.text();
  };
  return Obj().raw("bids", side(book.bids)).raw("asks", side(book.asks)).text();
}

std::optional<Response> KrakenFutures::public_call(const std::string& call, const Params& query) const {
  Arr list;
  if (call == "instruments") {
    for (const SymbolSpec& s : symbols_) list.raw(instrument(s));
    return success("instruments", list.text());
  }
  if (call == "orderbook") {
    const SymbolSpec* spec = find_symbol(query.get("symbol"));
    return spec != nullptr ? success("orderBook", order_book(*spec)) : failed("", "invalidArgument");
  }
  if (call != "tickers") return std::nullopt;
  for (const SymbolSpec& s : symbols_) {
    const Ladder top = world_.market.ladder(s, world_.wall_ms(), 1);
    if (top.bids.empty() || top.asks.empty()) continue;
    const auto price = [&](const Level& level) {
      return double_text(Decimal(level.price, -s.price_decimals));
    };
    list.raw(Obj()
                 .str("symbol", s.native)
                 .raw("last", price(top.bids[0]))
                 .str("tag", "perpetual")
                 .str("pair", (s.base == "BTC" ? "XBT" : s.base) + ":USD")
                 .raw("markPrice", price(top.bids[0]))
                 .raw("bid", price(top.bids[0]))
                 .raw("ask", price(top.asks[0]))
                 .raw("vol24h", "21118140.0")
                 .flag("suspended", false)
                 .text());
  }
  return success("tickers", list.text());
}

Response KrakenFutures::on_http(const Request& request) {
  const std::string& path = request.path;
  const Params query(request.query);
  static constexpr std::string_view kApi = "/derivatives/api/v3/";
  const std::string call = path.starts_with(kApi) ? path.substr(kApi.size()) : "";
  if (auto answer = public_call(call, query)) return *answer;
  std::size_t account = 0;
  if (auto refused = refuse(request, account)) return *refused;
  if (path == "/api/auth/v1/api-keys/v3/check") {
    const SimAccount& a = accounts_[account];
    const std::string cidr = a.ip_bound ? "127.0.0.0/8" : "0.0.0.0/0";
    return {200, Obj()
                     .str("apiKey", a.key)
                     .str("accountUid", a.uid)
                     .null("iiban")
                     .str("createdAt", "2025-08-24T14:15:22Z")
                     .raw("permissions",
                          Obj()
                              .str("general", a.can_trade ? "FULL_ACCESS" : "READ_ONLY")
                              .str("transfer", a.can_withdraw || a.can_transfer ? "FULL_ACCESS" : "NO_ACCESS")
                              .text())
                     .str("allowedCidrBlock", cidr)
                     .raw("allowedCidrBlocks", Arr().str(cidr).text())
                     .text()};
  }
  if (path == "/api/history/v3/account-log" || path == "/api/history/v2/account-log")
    return account_log(account, query);
  if (path == "/api/history/v3/positions") return positions(account, query);
  if (call.empty()) return {404, "{}"};
  const std::int64_t cost = call == "fills" && query.find("lastFillTime") ? 25 : 2;
  if (!spend(account, cost)) return failed(path, "apiLimitExceeded");
  if (call == "accounts") return success("accounts", wallets(account));
  if (call == "openpositions") return success("openPositions", "[]");
  if (call == "openorders") return success("openOrders", "[]");
  if (call == "fills") return fills(account, query);
  if (request.method != "GET")
    return failed(path, accounts_[account].can_trade ? "invalidArgument" : "authenticationError");
  return {404, "{}"};
}

Response KrakenFutures::account_log(std::size_t account, const Params& query) {
  const std::int64_t count = query.number("count", 500, 1, 100'000);
  if (!spend_history(account, log_cost(count))) return failed("/api/history/", "apiLimitExceeded");
  const std::int64_t from = query.number("from", 0, 0, 1LL << 60),
                     to = query.number("to", 1LL << 60, 0, 1LL << 60);
  const std::int64_t since = query.number("since", 0, 0, 1LL << 60),
                     before = query.number("before", 1LL << 60, 0, 1LL << 60);
  const std::string info = query.get("info");
  std::vector<const Row*> found;
  for (const Row& row : ledgers_[account].rows) {  // ids ascend; both bounds are inclusive
    if (row.id >= from && row.id <= to && row.date_ms >= since && row.date_ms <= before &&
        (info.empty() || row.info == info) && row.date_ms + log_delay_ms_ <= world_.wall_ms()) {
      found.push_back(&row);
    }
  }
  if (query.get("sort", "desc") != "asc") std::reverse(found.begin(), found.end());
  if (found.size() > static_cast<std::size_t>(count)) found.resize(static_cast<std::size_t>(count));
  Arr logs;
  for (const Row* row : found) logs.raw(row_json(*row, false));
  return {200, Obj().str("accountUid", accounts_[account].uid).raw("logs", logs.text()).text()};
}

Response KrakenFutures::positions(std::size_t account, const Params& query) {
  const std::int64_t count = query.number("count", 500, 1, 1000);
  if (!spend_history(account, log_cost(count))) return failed("/api/history/", "apiLimitExceeded");
  const std::int64_t since = query.number("since", 0, 0, 1LL << 60),
                     before = query.number("before", 1LL << 60, 0, 1LL << 60);
  const std::string tradeable = lower(query.get("tradeable"));
  static constexpr std::pair<const char*, const char*> kFilters[] = {{"opened", "open"},
                                                                     {"closed", "close"},
                                                                     {"increased", "increase"},
                                                                     {"decreased", "decrease"},
                                                                     {"reversed", "reverse"}};
  std::vector<std::string> wanted;
  for (const auto& [name, change] : kFilters) {
    if (query.get(name) == "true") wanted.emplace_back(change);
  }
  std::vector<const Execution*> found;
  for (const Execution& e : ledgers_[account].executions) {
    if (e.time_ms < since || e.time_ms > before || (!tradeable.empty() && lower(e.tradeable) != tradeable))
      continue;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), e.change) == wanted.end()) continue;
    found.push_back(&e);
  }
  if (query.get("sort", "desc") != "asc") std::reverse(found.begin(), found.end());
  // The token is opaque to clients: it is the place where the next page starts.
  const std::string token = query.get("continuation_token", query.get("continuationToken"));
  std::size_t at = 0;
  if (const auto plain = base64_decode(token); !token.empty() && plain)
    at = static_cast<std::size_t>(Params("at=" + *plain).number("at", 0, 0, 1 << 30));
  Arr elements;
  std::int64_t shown = 0;
  for (; at < found.size() && shown < count; ++at, ++shown) {
    const Execution& e = *found[at];
    const std::string update = Obj()
                                   .str("accountUid", accounts_[account].uid)
                                   .str("tradeable", e.tradeable)
                                   .str("oldPosition", e.old_position.to_string())
                                   .str("oldAverageEntryPrice", e.old_entry.to_string())
                                   .str("newPosition", e.new_position.to_string())
                                   .str("newAverageEntryPrice", e.new_entry.to_string())
                                   .num("fillTime", e.time_ms)
                                   .str("fee", e.fee.to_string())
                                   .str("feeCurrency", e.currency)
                                   .str("realizedPnL", e.pnl.to_string())
                                   .str("positionChange", e.change)
                                   .str("executionUid", e.uid)
                                   .str("executionPrice", e.price.to_string())
                                   .str("executionSize", e.size.to_string())
                                   .str("tradeType", e.trade_type)
                                   .num("timestamp", e.time_ms)
                                   .str("updateReason", "trade")
                                   .text();
    elements.raw(Obj()
                     .str("uid", e.order_id)
                     .num("timestamp", e.time_ms)
                     .raw("event", Obj().raw("PositionUpdate", update).text())
                     .text());
  }
  Obj body;
  body.str("accountUid", accounts_[account].uid)
      .num("len", shown)
      .str("serverTime", iso_ms(world_.wall_ms()))
      .raw("elements", elements.text());
  if (at < found.size()) body.str("continuationToken", base64_encode(std::to_string(at)));
  return {200, body.text()};
}

Response KrakenFutures::fills(std::size_t account, const Params& query) {
  const std::string before = query.get("lastFillTime");
  Arr list;
  std::size_t count = 0;
  const auto& executions = ledgers_[account].executions;
  for (auto e = executions.rbegin(); e != executions.rend() && count < kFillsMax; ++e) {
    if (!before.empty() && iso_ms(e->time_ms) >= before) continue;
    list.raw(fill_json(*e, false, 0));
    ++count;
  }
  return success("fills", list.text());
}

}  // namespace anduin::sim
