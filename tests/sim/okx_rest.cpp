#include <algorithm>

#include "sim/okx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kStampMs = 30'000, kWindowMs = 2'000;
constexpr std::int64_t kHistoryMs = 90LL * 24 * 3'600'000;  ///< three months are kept
constexpr std::int64_t kPageMax = 100;
constexpr std::int64_t kFar = 1LL << 50;

/// `2025-01-01T00:00:00.123Z`, exactly so.
std::optional<std::int64_t> stamp_ms(const std::string& text, std::int64_t near_ms) {
  // The inverse of iso_ms by search would be slow; a time near ours is found by its own text.
  if (text.size() != 24 || text[10] != 'T' || text[19] != '.' || text.back() != 'Z') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t n) {
    std::int64_t v = 0;
    for (std::size_t i = at; i < at + n; ++i) {
      if (text[i] < '0' || text[i] > '9') return std::int64_t{-1};
      v = v * 10 + (text[i] - '0');
    }
    return v;
  };
  const std::int64_t hour = number(11, 2), minute = number(14, 2), second = number(17, 2), ms = number(20, 3);
  if (hour < 0 || minute < 0 || second < 0 || ms < 0) return std::nullopt;
  const std::int64_t of_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
  static constexpr std::int64_t kDayMs = 24LL * 3'600'000;
  for (const std::int64_t day : {near_ms / kDayMs - 1, near_ms / kDayMs, near_ms / kDayMs + 1}) {
    if (iso_ms(day * kDayMs).substr(0, 10) == text.substr(0, 10)) return day * kDayMs + of_day;
  }
  return 0;  // a time, but far from now
}

}  // namespace

Response OkxSim::reply(const std::string& data) const {
  return {200, Obj().str("code", "0").raw("data", data).str("msg", "").text()};
}

Response OkxSim::refusal(int status, const std::string& code, const std::string& text) const {
  return {status, Obj().str("code", code).raw("data", "[]").str("msg", text).text()};
}

Response OkxSim::error_response(const std::string& code, const std::string&) const {
  if (code.size() == 3) return {std::stoi(code), "{}"};
  const bool is_auth = code == "50113" || code == "50102" || code == "50105" || code == "50111" || code == "50101";
  const std::string text = code == "50011" ? "Too Many Requests" : "simulated error";
  return refusal(is_auth ? 401 : code == "50011" ? 429 : 200, code, text);
}

bool OkxSim::spend(const std::string& who, const std::string& path, std::int64_t max) {
  Limit& limit = limits_[who + path];
  const std::int64_t now = world_.mono_ms();
  if (now - limit.window_start_ms >= world_.scaled(kWindowMs)) limit = {now, 0};
  return ++limit.used <= max;
}

Response OkxSim::on_http(const Request& request) {
  const Params query(request.query);
  if (request.path.starts_with("/api/v5/public/") || request.path.starts_with("/api/v5/market/"))
    return public_call(request, query);
  if (!request.path.starts_with("/api/v5/")) return {404, "{}"};
  return private_call(request, query);
}

std::optional<Response> OkxSim::refuse(const Request& request, std::size_t& account) const {
  const std::string key = request.header("OK-ACCESS-KEY"), stamp = request.header("OK-ACCESS-TIMESTAMP"),
                    sign = request.header("OK-ACCESS-SIGN"), passphrase = request.header("OK-ACCESS-PASSPHRASE");
  if (key.empty()) return refusal(401, "50103", "Request header \"OK-ACCESS-KEY\" cannot be empty.");
  if (passphrase.empty()) return refusal(401, "50104", "Request header \"OK-ACCESS-PASSPHRASE\" cannot be empty.");
  if (sign.empty()) return refusal(401, "50106", "Request header \"OK-ACCESS-SIGN\" cannot be empty.");
  if (stamp.empty()) return refusal(401, "50107", "Request header \"OK-ACCESS-TIMESTAMP\" cannot be empty.");
  const std::int64_t now = world_.wall_ms();
  const auto ms = stamp_ms(stamp, now);
  if (!ms) return refusal(401, "50112", "Invalid OK-ACCESS-TIMESTAMP");
  if (std::abs(*ms - now) > kStampMs) return refusal(401, "50102", "Timestamp request expired");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (it == accounts_.end()) return refusal(401, "50111", "Invalid OK-ACCESS-KEY");
  if ((request.header("x-simulated-trading") == "1") != demo_)
    return refusal(401, "50101", "APIKey does not match current environment.");
  if (it->passphrase != passphrase) return refusal(401, "50105", "Request header \"OK-ACCESS-PASSPHRASE\" incorrect.");
  // The raw bytes as sent, the query with its percent signs.
  const std::string target = request.path + (request.query.empty() ? "" : "?" + request.query);
  if (base64_encode(hmac_sha256(it->secret, stamp + request.method + target + request.body)) != sign)
    return refusal(401, "50113", "Invalid Sign");
  if (it->expires_ms != 0 && it->expires_ms < now) return refusal(401, "50111", "Invalid OK-ACCESS-KEY");
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

Response OkxSim::private_call(const Request& request, const Params& query) {
  std::size_t account = 0;
  if (auto refused = refuse(request, account)) return *refused;
  const std::string& path = request.path;
  static constexpr std::int64_t kUserMax = 10, kConfigMax = 5;
  const bool is_history = path == "/api/v5/account/positions-history";
  const std::int64_t max = path == "/api/v5/account/config" ? kConfigMax : is_history ? history_limit_ : kUserMax;
  if (!spend(accounts_[account].uid, path, max)) return refusal(429, "50011", "Too Many Requests");
  if (request.method != "GET") {
    if (!accounts_[account].can_trade)
      return refusal(200, "50120", "This API key doesn't have permission to use this function");
    return refusal(200, "51000", "the simulator takes no orders");
  }
  if (path == "/api/v5/account/config") return reply(config(account));
  if (path == "/api/v5/account/balance") return reply(balance(account, query.get("ccy")));
  if (is_history) return history(account, query);
  if (path == "/api/v5/account/positions") {
    Arr rows;
    for (const auto& [key, p] : state_[account].slots) {
      if (!p.contracts.is_zero()) rows.raw(position_row(p, false));
    }
    return reply(rows.text());
  }
  if (path == "/api/v5/asset/currencies" || path == "/api/v5/trade/orders-pending") return reply("[]");
  return refusal(404, "50000", "not found");
}

Response OkxSim::history(std::size_t account, const Params& query) const {
  const std::string type = query.get("instType"), inst = query.get("instId"), pos = query.get("posId"),
                    mode = query.get("mgnMode"), wanted = query.get("type");
  if (!type.empty() && type != "SWAP" && type != "FUTURES" && type != "MARGIN" && type != "OPTION")
    return refusal(200, "51000", "Parameter instType error");
  const std::int64_t now = world_.wall_ms(), after = query.number("after", kFar, 0, kFar),
                     before = query.number("before", 0, 0, kFar);
  std::vector<const OkxRow*> found;
  for (const auto& [id, states] : state_[account].rows) {
    const OkxRow* shown = nullptr;
    for (const OkxRow& row : states) {
      if (row.visible_ms <= now) shown = &row;
    }
    if (shown == nullptr || shown->updated_ms < now - kHistoryMs || shown->updated_ms >= after ||
        shown->updated_ms <= before)
      continue;
    if ((!type.empty() && type != shown->symbol->spec.market) ||
        (!inst.empty() && inst != shown->symbol->spec.native) || (!pos.empty() && pos != shown->pos_id) ||
        (!mode.empty() && mode != shown->margin_mode) || (!wanted.empty() && wanted != shown->type))
      continue;
    found.push_back(shown);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const OkxRow* a, const OkxRow* b) { return a->updated_ms > b->updated_ms; });
  const auto limit = static_cast<std::size_t>(query.number("limit", kPageMax, 1, kPageMax));
  Arr rows;
  for (std::size_t i = 0; i < found.size(); ++i) {
    // Rows of one uTime stay together, even beyond the limit.
    if (i >= limit && found[i]->updated_ms != found[i - 1]->updated_ms) break;
    rows.raw(history_row(*found[i]));
  }
  return reply(rows.text());
}

Response OkxSim::public_call(const Request& request, const Params& query) {
  const std::string& path = request.path;
  static constexpr std::int64_t kTimeMax = 10, kOtherMax = 20;
  if (!spend("ip", path, path == "/api/v5/public/time" ? kTimeMax : kOtherMax))
    return refusal(429, "50011", "Too Many Requests");
  const std::string inst = query.get("instId"), type = query.get("instType");
  if (path == "/api/v5/public/time")
    return reply(Arr().raw(Obj().str("ts", std::to_string(world_.wall_ms())).text()).text());
  if (path == "/api/v5/market/books") return order_book(query);
  if (path == "/api/v5/public/instruments") {
    if (type != "SPOT" && type != "SWAP" && type != "FUTURES" && type != "OPTION" && type != "MARGIN")
      return refusal(400, "51000", "Parameter instType error");
    Arr rows;
    for (const OkxSymbol& s : symbols_) {
      if (s.spec.market == type && (inst.empty() || inst == s.spec.native)) rows.raw(instrument_row(s));
    }
    return reply(rows.text());
  }
  if (path == "/api/v5/market/ticker" || path == "/api/v5/market/tickers") {
    Arr rows;
    for (const OkxSymbol& s : symbols_) {
      if ((inst.empty() || inst == s.spec.native) && (type.empty() || type == s.spec.market))
        rows.raw(ticker_data(s, 0));
    }
    return rows.text() == "[]" ? refusal(200, "51001", "Instrument ID doesn't exist") : reply(rows.text());
  }
  if (path == "/api/v5/public/funding-rate") {
    const OkxSymbol* s = native_symbol(inst);
    if (s == nullptr || s->spec.market != "SWAP") return refusal(200, "51001", "Instrument ID doesn't exist");
    return reply(Arr().raw(funding_data(*s)).text());
  }
  return refusal(404, "50000", "not found");
}

Response OkxSim::order_book(const Params& query) const {
  const OkxSymbol* s = native_symbol(query.get("instId"));
  if (s == nullptr) return refusal(200, "51001", "Instrument ID doesn't exist");
  Feed feed;
  feed.symbol = s;
  feed.channel = "bbo-tbt";
  const Ladder book =
      world_.market.ladder(s->spec, world_.wall_ms(), static_cast<std::size_t>(query.number("sz", 1, 1, 400)));
  return reply(Arr().raw(book_data(feed, book, -1)).text());
}

}  // namespace anduin::sim
