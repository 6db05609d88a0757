#include <algorithm>
#include <limits>

#include "sim/bitget.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kStampMs = 30'000, kSecondMs = 1'000, kMinuteMs = 60'000, kBanMs = 300'000;
constexpr std::int64_t kDayMs = 24LL * 3'600'000;
constexpr std::int64_t kKeptMs = 90 * kDayMs, kRangeMaxMs = 30 * kDayMs;
constexpr std::int64_t kPageMax = 100, kV2Page = 20, kPerSecond = 20;

/// The query as it is signed: names in order, nothing percent-encoded.
std::string signed_query(const std::string& query) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    parts.push_back(pct_decode(query.substr(at, end - at)));
    at = end + 1;
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "?" : "&") + part;
  return out;
}

bool is_product(const std::string& text) {
  return text == "USDT-FUTURES" || text == "USDC-FUTURES" || text == "COIN-FUTURES";
}

}  // namespace

Response BitgetSim::reply(const std::string& data) const {
  return {
      200,
      Obj().str("code", "00000").str("msg", "success").num("requestTime", world_.wall_ms()).raw("data", data).text()};
}

Response BitgetSim::refusal(int status, const std::string& code, const std::string& text) const {
  return {status,
          Obj().str("code", code).str("msg", text).num("requestTime", world_.wall_ms()).raw("data", "null").text()};
}

Response BitgetSim::error_response(const std::string& code, const std::string&) const {
  if (code.size() == 3 && code != "429") return {std::stoi(code), "{}"};
  return refusal(code == "429" ? 429 : 400, code, code == "429" ? "Too Many Requests" : "simulated error");
}

bool BitgetSim::spend(const std::string& who, std::int64_t max, std::int64_t window_ms) {
  Limit& limit = limits_[who];
  const std::int64_t now = world_.mono_ms();
  if (now - limit.window_start_ms >= world_.scaled(window_ms)) limit = {now, 0};
  return ++limit.used <= max;
}

Response BitgetSim::on_http(const Request& request) {
  const Params query(request.query);
  const std::int64_t now = world_.mono_ms();
  if (!spend("ip", minute_limit_, kMinuteMs))
    banned_until_ms_ = std::max(banned_until_ms_, now + world_.scaled(kBanMs));
  if (banned_until_ms_ > now) return refusal(429, "429", "Too Many Requests");
  const std::string& path = request.path;
  const bool open = path == "/api/v2/public/time" || path.starts_with("/api/v3/market/") ||
                    path.starts_with("/api/v2/mix/market/") || path.starts_with("/api/v2/spot/public/") ||
                    path == "/api/v2/margin/currencies";
  if (!path.starts_with("/api/v2/") && !path.starts_with("/api/v3/"))
    return refusal(404, "40404", "Request URL NOT FOUND");
  Response r = open ? public_call(request, query) : private_call(request, query);
  const Limit& used = limits_["ip"];
  r.headers.emplace_back("x-mbx-used-remain-limit",
                         std::to_string(std::max<std::int64_t>(kPerSecond - used.used % kPerSecond, 1)));
  return r;
}

std::optional<Response> BitgetSim::refuse(const Request& request, std::size_t& account) const {
  const std::string key = request.header("ACCESS-KEY"), stamp = request.header("ACCESS-TIMESTAMP"),
                    sign = request.header("ACCESS-SIGN"), passphrase = request.header("ACCESS-PASSPHRASE");
  if (key.empty()) return refusal(400, "40001", "The request header \"ACCESS_KEY\" cannot be empty");
  if (sign.empty()) return refusal(400, "40002", "The request header \"ACCESS_SIGN\" cannot be empty");
  if (stamp.empty()) return refusal(400, "40003", "The request header \"ACCESS_TIMESTAMP\" cannot be empty");
  if (passphrase.empty()) return refusal(400, "40011", "The request header \"ACCESS_PASSPHRASE\" cannot be empty");
  if (stamp.size() > 14 || stamp.find_first_not_of("0123456789") != std::string::npos)
    return refusal(400, "40005", "Invalid ACCESS_TIMESTAMP");
  if (std::abs(std::stoll(stamp) - world_.wall_ms()) > kStampMs)
    return refusal(400, "40008", "Request timestamp expired");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (it == accounts_.end()) return refusal(400, "40037", "Apikey does not exist");
  if ((request.header("paptrading") == "1") != demo_) return refusal(400, "40099", "exchange environment is incorrect");
  if (it->passphrase != passphrase) return refusal(400, "40012", "apikey/password is incorrect");
  const std::string text = stamp + request.method + request.path + signed_query(request.query) + request.body;
  if (base64_encode(hmac_sha256(it->secret, text)) != sign) return refusal(400, "40009", "sign signature error");
  if (it->expires_ms != 0 && it->expires_ms < world_.wall_ms())
    return refusal(400, "40041", "User's ApiKey has expired");
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

Response BitgetSim::private_call(const Request& request, const Params& query) {
  std::size_t account = 0;
  if (auto refused = refuse(request, account)) return *refused;
  const std::string& path = request.path;
  const bool v3 = path.starts_with("/api/v3/");
  static constexpr std::int64_t kBalancePerSecond = 10, kInfoPerSecond = 1, kV3InfoPerSecond = 5;
  std::int64_t max = kPerSecond;
  if (path == "/api/v2/spot/account/info")
    max = kInfoPerSecond;
  else if (path == "/api/v3/account/info")
    max = kV3InfoPerSecond;
  else if (path.starts_with("/api/v2/mix/account/"))
    max = kBalancePerSecond;
  if (!spend(accounts_[account].uid + path, max, kSecondMs)) return refusal(429, "429", "Too Many Requests");
  if (v3 && !state_[account].unified) return refusal(400, "40084", "Classic Account mode");
  if (!v3 && state_[account].unified)
    return refusal(400, "40085",
                   "You are in Unified Account mode, and the Classic Account API is not supported at this time");
  if (request.method != "GET") {
    if (!accounts_[account].can_trade)
      return refusal(400, "40014", "Incorrect permissions, need order write permissions");
    return refusal(400, "40034", "the simulator takes no orders");
  }
  return v3 ? v3_call(account, path, query) : v2_call(account, path, query);
}

Response BitgetSim::v3_call(std::size_t account, const std::string& path, const Params& query) const {
  if (path == "/api/v3/position/history-position") return history(account, query, true);
  if (path == "/api/v3/account/assets") return reply(assets(account, false));
  if (path == "/api/v3/account/info") return reply(key_info(account, true));
  if (path == "/api/v3/account/settings")
    return reply(Obj()
                     .str("uid", accounts_[account].uid)
                     .str("accountMode", "unified")
                     .str("assetMode", "single")
                     .str("holdMode", "one_way_mode")
                     .text());
  if (path != "/api/v3/position/current-position") return refusal(404, "40404", "Request URL NOT FOUND");
  Arr rows;
  for (const auto& [id, p] : state_[account].open)
    if (p.symbol->product == query.get("category")) rows.raw(v3_position(p, false));
  return reply(Obj().raw("list", rows.text()).text());
}

Response BitgetSim::v2_call(std::size_t account, const std::string& path, const Params& query) const {
  const std::string product = query.get("productType");
  if (path == "/api/v2/spot/account/info") return reply(key_info(account, false));
  if (!path.starts_with("/api/v2/mix/")) return refusal(404, "40404", "Request URL NOT FOUND");
  if (path == "/api/v2/mix/position/history-position") return history(account, query, false);
  if (!is_product(product)) return refusal(400, "40019", "Parameter productType cannot be empty");
  if (path == "/api/v2/mix/account/accounts") return reply(classic_balance(account, product, false));
  if (path == "/api/v2/mix/account/account") {
    const auto list = parse_exact(classic_balance(account, product, false));
    for (const Json& row : *list)
      if (text_at(row, "marginCoin") == query.get("marginCoin")) return reply(row.dump());
    return refusal(400, "40019", "Parameter marginCoin cannot be empty");
  }
  if (path != "/api/v2/mix/position/all-position") return refusal(404, "40404", "Request URL NOT FOUND");
  Arr rows;
  for (const auto& [id, p] : state_[account].open)
    if (p.symbol->product == product) rows.raw(v2_position(p, false));
  return reply(rows.text());
}

/// The last close first. Pages go by the id that the close was given.
Response BitgetSim::history(std::size_t account, const Params& query, bool v3) const {
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  const std::string product = v3 ? query.get("category") : query.get("productType", "USDT-FUTURES"),
                    symbol = query.get("symbol");
  if (!is_product(product)) return refusal(400, "40019", "Parameter category cannot be empty");
  const std::int64_t now = world_.wall_ms(), from = query.number("startTime", 0, 0, kNever),
                     to = query.number("endTime", 0, 0, kNever);
  if (v3 && from != 0 && (to == 0 ? now : to) - from > kRangeMaxMs)
    return refusal(400, "40705", "The start and end time cannot exceed 30 days");
  const std::string end = query.get(v3 ? "cursor" : "idLessThan");  // 19 digits
  if (end.size() > 19 || end.find_first_not_of("0123456789") != std::string::npos)
    return refusal(400, "40017", "Parameter verification failed");
  const std::int64_t below = end.empty() ? kNever : std::stoll(end);
  std::vector<const BitgetRow*> found;
  for (const auto& [id, row] : state_[account].rows) {
    const std::int64_t time = filter_by_opening_ ? row.opened_ms : row.closed_ms;
    if (row.symbol->product != product || row.visible_ms > now || row.closed_ms < now - kKeptMs || row.end_id >= below)
      continue;
    if ((!symbol.empty() && symbol != row.symbol->spec.native) || (from != 0 && time < from) || (to != 0 && time > to))
      continue;
    found.push_back(&row);
  }
  std::sort(found.begin(), found.end(), [](const BitgetRow* a, const BitgetRow* b) { return a->end_id > b->end_id; });
  const auto limit = static_cast<std::size_t>(query.number("limit", v3 ? kPageMax : kV2Page, 1, kPageMax));
  if (found.size() > limit) found.resize(limit);
  Arr rows;
  for (const BitgetRow* row : found) rows.raw(v3 ? v3_history_row(*row) : v2_history_row(*row));
  const std::string last = found.empty() ? std::string("null") : "\"" + std::to_string(found.back()->end_id) + "\"";
  return reply(Obj().raw("list", v3 && found.empty() ? "null" : rows.text()).raw(v3 ? "cursor" : "endId", last).text());
}

Response BitgetSim::public_call(const Request& request, const Params& query) {
  const std::string& path = request.path;
  if (!spend("ip" + path, kPerSecond, kSecondMs)) return refusal(429, "429", "Too Many Requests");
  if (path == "/api/v2/public/time") return reply(Obj().str("serverTime", std::to_string(world_.wall_ms())).text());
  Arr rows;
  const std::string product = query.get(path.starts_with("/api/v3/") ? "category" : "productType");
  if (path == "/api/v3/market/instruments" || path == "/api/v2/mix/market/contracts") {
    const bool v3 = path.starts_with("/api/v3/");
    if (product.empty()) return refusal(400, "40019", "Parameter category cannot be empty");
    for (const BitgetSymbol& s : symbols_)
      if (s.product == product) rows.raw(v3 ? instrument_row(s) : contract_row(s));
    return reply(rows.text());
  }
  if (path == "/api/v3/market/tickers" || path == "/api/v2/mix/market/ticker") {
    const BitgetSymbol* s = native_symbol(query.get("symbol"), product);
    if (s == nullptr) return refusal(400, "40034", "Parameter symbol does not exist");
    return reply(Arr().raw(ticker_data(path.starts_with("/api/v3/"), *s, 0)).text());
  }
  if (path.starts_with("/api/v2/spot/public/") || path == "/api/v2/margin/currencies") return reply("[]");
  return refusal(404, "40404", "Request URL NOT FOUND");
}

}  // namespace anduin::sim
