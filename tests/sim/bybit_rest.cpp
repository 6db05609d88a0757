#include <algorithm>

#include "sim/bybit.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs, kWeekMs = 7 * kDayMs;
constexpr std::int64_t kFastClockMs = 1'000;  ///< a timestamp may be ahead by less than this
constexpr std::int64_t kIpMax = 600, kIpWindowMs = 5'000, kIpBanMs = 600'000;

std::string page_cursor(const BybitFill& f) {
  return pct_encode(std::to_string(f.exec_ms) + ":" + std::to_string(f.seq));
}

/// (execTime, seq) of the last row of the page before. Clients send the cursor once or twice encoded.
std::optional<std::pair<std::int64_t, std::int64_t>> read_cursor(std::string text) {
  if (text.find('%') != std::string::npos) text = pct_decode(text);
  const std::size_t colon = text.find(':');
  const auto digits = [](const std::string& s) {
    return !s.empty() && s.size() < 19 && s.find_first_not_of("0123456789") == std::string::npos;
  };
  if (colon == std::string::npos) return std::nullopt;
  const std::string time = text.substr(0, colon), seq = text.substr(colon + 1);
  if (!digits(time) || !digits(seq)) return std::nullopt;
  return std::pair{std::stoll(time), std::stoll(seq)};
}

/// The half-open meaning of startTime and endTime with their defaults; nothing when wider than seven days.
std::optional<std::pair<std::int64_t, std::int64_t>> window(const Params& query, std::int64_t now,
                                                            std::int64_t span_ms) {
  const std::int64_t start = query.number("startTime", -1, 0, 1LL << 50),
                     end = query.number("endTime", -1, 0, 1LL << 50);
  std::pair<std::int64_t, std::int64_t> w{start, end};
  if (start < 0 && end < 0)
    w = {now - span_ms, now};
  else if (start < 0)
    w.first = end - span_ms;
  else if (end < 0)
    w.second = start + span_ms;
  if (w.second - w.first > kWeekMs || w.first > w.second) return std::nullopt;
  return w;
}

}  // namespace

Response BybitSim::reply(std::int64_t code, const std::string& message, const std::string& result) const {
  return {200, Obj()
                   .num("retCode", code)
                   .str("retMsg", message)
                   .raw("result", result)
                   .raw("retExtInfo", "{}")
                   .num("time", world_.wall_ms())
                   .text()};
}

Response BybitSim::error_response(const std::string& code, const std::string&) const {
  const auto number = Decimal::parse(code);
  const std::int64_t value = number ? std::stoll(number->truncated(0).to_string()) : 10016;
  if (value >= 400 && value < 600) return {static_cast<int>(value), "{}"};
  Response response = reply(value, value == 10006 ? "Too many visits!" : "simulated error", "{}");
  if (value == 10006) {
    response.headers = {
        {"X-Bapi-Limit", std::to_string(per_uid_limit_)},
        {"X-Bapi-Limit-Status", "0"},
        {"X-Bapi-Limit-Reset-Timestamp", std::to_string(world_.wall_ms() + world_.scaled(1000))}};
  }
  return response;
}

Response BybitSim::on_http(const Request& request) {
  const std::int64_t now = world_.mono_ms();
  if (now < ip_banned_until_ms_) return {403, "access too frequent"};
  if (now - ip_limit_.window_start_ms >= world_.scaled(kIpWindowMs)) ip_limit_ = {now, 0};
  if (++ip_limit_.used > kIpMax) {
    ip_banned_until_ms_ = now + world_.scaled(kIpBanMs);
    return {403, "access too frequent"};
  }
  if (request.method == "GET" && !request.body.empty()) return {403, "a GET has no body"};
  const Params query(request.query);
  if (request.path.starts_with("/v5/market/")) return public_call(request, query);
  if (!request.path.starts_with("/v5/")) return {404, "{}"};
  return private_call(request, query);
}

std::optional<Response> BybitSim::refuse(const Request& request, std::size_t& account) const {
  const std::string key = request.header("X-BAPI-API-KEY"), stamp = request.header("X-BAPI-TIMESTAMP");
  const std::string given_window = request.header("X-BAPI-RECV-WINDOW"), sign = request.header("X-BAPI-SIGN");
  if (key.empty() || stamp.empty() || sign.empty())
    return reply(10001, "empty value: apiTimestamp, apiKey or apiSignature", "{}");
  const auto number = [](const std::string& s) {
    return !s.empty() && s.size() < 16 && s.find_first_not_of("0123456789") == std::string::npos;
  };
  const std::string recv_window = given_window.empty() ? "5000" : given_window;
  if (!number(stamp) || !number(recv_window))
    return reply(10001, "timestamp or recv_window is no number", "{}");
  const std::int64_t now = world_.wall_ms(), ts = std::stoll(stamp);
  if (ts < now - std::stoll(recv_window) || ts >= now + kFastClockMs) {
    return reply(10002,
                 "invalid request, please check your server timestamp or recv_window param. req_timestamp[" +
                     stamp + "],server_timestamp[" + std::to_string(now) + "],recv_window[" + recv_window +
                     "]",
                 "{}");
  }
  const auto it =
      std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (it == accounts_.end()) return reply(10003, "API key is invalid.", "{}");
  // The raw bytes as sent: nothing is decoded or sorted first.
  const std::string payload =
      stamp + key + given_window + (request.method == "GET" ? request.query : request.body);
  if (hmac_sha256_hex(it->secret, payload) != sign) return reply(10004, "error sign!", "{}");
  if (it->expires_ms != 0 && it->expires_ms < now) return reply(33004, "Your api key has expired.", "{}");
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

std::optional<Response> BybitSim::spend(std::size_t account, const std::string& path, Response& limits) {
  const std::int64_t max = path == "/v5/account/transaction-log" ? log_limit_ : per_uid_limit_;
  const std::int64_t now = world_.mono_ms(), second = world_.scaled(1000);
  Limit& limit = limits_[{account, path}];
  if (now - limit.window_start_ms >= second) limit = {now, 0};
  const bool over = ++limit.used > max;
  limits.headers = {
      {"X-Bapi-Limit", std::to_string(max)},
      {"X-Bapi-Limit-Status", std::to_string(std::max<std::int64_t>(0, max - limit.used))},
      {"X-Bapi-Limit-Reset-Timestamp",
       std::to_string(over ? world_.wall_ms() + limit.window_start_ms + second - now : world_.wall_ms())}};
  if (!over) return std::nullopt;
  Response refused = reply(10006, "Too many visits. Exceeded the API Rate Limit.", "{}");
  refused.headers = limits.headers;
  return refused;
}

Response BybitSim::private_call(const Request& request, const Params& query) {
  std::size_t account = 0;
  if (auto refused = refuse(request, account)) return *refused;
  Response limits;
  if (auto refused = spend(account, request.path, limits)) return *refused;
  const std::string& path = request.path;
  Response response;
  if (request.method != "GET") {
    response = accounts_[account].can_trade
                   ? reply(110017, "the simulator takes no orders", "{}")
                   : reply(10005, "Permission denied, please check your API key permissions.", "{}");
  } else if (path == "/v5/user/query-api") {
    response = reply(0, "", key_info(account));
  } else if (path == "/v5/account/wallet-balance") {
    const std::string type = query.get("accountType");
    response = type == "UNIFIED" ? reply(0, "OK", Obj().raw("list", wallet(account)).text())
                                 : reply(10001, "accountType only support UNIFIED.", "{}");
  } else if (path == "/v5/account/info") {
    response = reply(0, "OK",
                     Obj()
                         .str("marginMode", "REGULAR_MARGIN")
                         .str("updatedTime", "1697078946000")
                         .num("unifiedMarginStatus", 5)
                         .str("dcpStatus", "OFF")
                         .num("timeWindow", 10)
                         .num("smpGroup", 0)
                         .flag("isMasterTrader", false)
                         .str("spotHedgingStatus", "OFF")
                         .text());
  } else if (path == "/v5/execution/list") {
    response = executions(account, query);
  } else if (path == "/v5/account/transaction-log") {
    response = transaction_log(account, query);
  } else if (path == "/v5/position/closed-pnl") {
    response = closed_pnl(account, query);
  } else if (path == "/v5/position/list" || path == "/v5/order/realtime") {
    response = reply(
        0, "OK",
        Obj().str("nextPageCursor", "").str("category", query.get("category")).raw("list", "[]").text());
  } else if (path == "/v5/asset/coin/query-info") {
    Arr rows;
    for (const auto& [coin, amount] : wallets_[account].coins) {
      rows.raw(Obj()
                   .str("name", coin)
                   .str("coin", coin)
                   .str("remainAmount", amount.to_string())
                   .raw("chains", "[]")
                   .text());
    }
    response = reply(0, "", Obj().raw("rows", rows.text()).text());
  } else {
    response = Response{404, "{}"};
  }
  response.headers = limits.headers;
  return response;
}

Response BybitSim::public_call(const Request& request, const Params& query) {
  if (request.path == "/v5/market/time") {
    const std::int64_t now = world_.wall_ms();
    return reply(0, "OK",
                 Obj()
                     .str("timeSecond", std::to_string(now / 1000))
                     .str("timeNano", std::to_string(now) + "000000")
                     .text());
  }
  if (request.path == "/v5/market/instruments-info") return instruments(query);
  if (request.path == "/v5/market/tickers") return market_tickers(query);
  if (request.path == "/v5/market/orderbook") return order_book(query);
  return {404, "{}"};
}

Response BybitSim::instruments(const Params& query) const {
  const std::string category = query.get("category"), symbol = query.get("symbol"),
                    base = query.get("baseCoin");
  if (category != "linear" && category != "inverse" && category != "spot" && category != "option") {
    return reply(10001, "params error: category invalid", "{}");
  }
  const std::int64_t limit = query.number("limit", 500, 1, 1000);
  // The cursor is the name of the last symbol of the page before.
  const std::string cursor = pct_decode(query.get("cursor"));
  Arr rows;
  std::int64_t count = 0;
  bool passed = cursor.empty();
  std::string next, last;
  for (const SymbolSpec& s : symbols_) {
    if (s.market != category || (!symbol.empty() && s.native != symbol) || (!base.empty() && s.base != base))
      continue;
    if (!passed) {
      passed = s.native == cursor;
      continue;
    }
    if (count == limit) {
      next = last;
      break;
    }
    rows.raw(instrument_row(s));
    last = s.native;
    ++count;
  }
  Obj result;
  result.str("category", category).raw("list", rows.text());
  if (category != "spot") result.str("nextPageCursor", next);
  return reply(0, "OK", result.text());
}

Response BybitSim::market_tickers(const Params& query) const {
  const std::string category = query.get("category"), symbol = query.get("symbol");
  Arr rows;
  for (const SymbolSpec& s : symbols_) {
    if (s.market == category && (symbol.empty() || s.native == symbol)) rows.raw(market_row(s));
  }
  return reply(0, "OK", Obj().str("category", category).raw("list", rows.text()).text());
}

Response BybitSim::order_book(const Params& query) const {
  const SymbolSpec* spec = nullptr;
  for (const SymbolSpec& s : symbols_) {
    if (s.market == query.get("category") && s.native == query.get("symbol")) spec = &s;
  }
  if (spec == nullptr) return reply(10001, "params error: symbol invalid", "{}");
  const std::int64_t now = world_.wall_ms();
  const Ladder book =
      world_.market.ladder(*spec, now, static_cast<std::size_t>(query.number("limit", 25, 1, 500)));
  const auto side = [&](const std::vector<Level>& levels) {
    Arr list;
    for (const Level& l : levels) {
      list.raw(Arr()
                   .str(fixed_text(l.price, spec->price_decimals))
                   .str(fixed_text(l.qty, spec->qty_decimals))
                   .text());
    }
    return list.text();
  };
  return reply(0, "OK",
               Obj()
                   .str("s", spec->native)
                   .raw("b", side(book.bids))
                   .raw("a", side(book.asks))
                   .num("ts", now)
                   .num("u", 873'489)
                   .num("seq", 1'253'141'792)
                   .num("cts", now)
                   .text());
}

Response BybitSim::executions(std::size_t account, const Params& query) const {
  const std::string category = query.get("category");
  if (category.empty()) return reply(10001, "params error: category is empty", "{}");
  const auto range = window(query, world_.wall_ms(), kWeekMs);
  if (!range) return reply(10001, "The time range between startTime and endTime cannot exceed 7 days", "{}");
  const std::string symbol = query.get("symbol"), order_id = query.get("orderId"),
                    cursor_text = query.get("cursor");
  const auto cursor = read_cursor(cursor_text);
  if (!cursor_text.empty() && !cursor) return reply(10001, "params error: cursor invalid", "{}");
  std::vector<const BybitFill*> found;
  for (const BybitFill& f : fills_[account]) {
    if (f.category == category && f.list_visible_ms <= world_.wall_ms() && f.exec_ms >= range->first &&
        f.exec_ms <= range->second && (symbol.empty() || f.symbol == symbol) &&
        (order_id.empty() || f.order_id == order_id) && (!cursor || std::pair{f.exec_ms, f.seq} < *cursor)) {
      found.push_back(&f);
    }
  }
  std::sort(found.begin(), found.end(), [](const BybitFill* a, const BybitFill* b) {
    return std::pair{a->exec_ms, a->seq} > std::pair{b->exec_ms, b->seq};
  });
  const auto limit = static_cast<std::size_t>(query.number("limit", 50, 1, 100));
  Arr rows;
  for (std::size_t i = 0; i < std::min(limit, found.size()); ++i) rows.raw(fill_row(*found[i], false, false));
  const std::string next = found.size() > limit ? page_cursor(*found[limit - 1]) : "";
  return reply(0, "OK",
               Obj().str("nextPageCursor", next).str("category", category).raw("list", rows.text()).text());
}

Response BybitSim::transaction_log(std::size_t account, const Params& query) const {
  const auto range = window(query, world_.wall_ms(), kDayMs);
  if (!range) return reply(10001, "The time range between startTime and endTime cannot exceed 7 days", "{}");
  const std::string category = query.get("category"), currency = query.get("currency"),
                    type = query.get("type");
  const std::string cursor_text = query.get("cursor");
  const auto cursor = read_cursor(cursor_text);
  if (!cursor_text.empty() && !cursor) return reply(10001, "params error: cursor invalid", "{}");
  std::vector<const BybitFill*> found;
  for (const BybitFill& f : fills_[account]) {
    if ((category.empty() || f.category == category) && (currency.empty() || f.fee_currency == currency) &&
        (type.empty() || f.log_type == type) && f.log_visible_ms <= world_.wall_ms() &&
        f.exec_ms >= range->first && f.exec_ms <= range->second &&
        (!cursor || std::pair{f.exec_ms, f.seq} < *cursor)) {
      found.push_back(&f);
    }
  }
  std::sort(found.begin(), found.end(), [](const BybitFill* a, const BybitFill* b) {
    return std::pair{a->exec_ms, a->seq} > std::pair{b->exec_ms, b->seq};
  });
  const auto limit = static_cast<std::size_t>(query.number("limit", 20, 1, 50));
  Arr rows;
  for (std::size_t i = 0; i < std::min(limit, found.size()); ++i) rows.raw(log_row(account, *found[i]));
  const std::string next = found.size() > limit ? page_cursor(*found[limit - 1]) : "";
  return reply(0, "OK", Obj().str("nextPageCursor", next).raw("list", rows.text()).text());
}

Response BybitSim::closed_pnl(std::size_t account, const Params& query) const {
  const auto range = window(query, world_.wall_ms(), kWeekMs);
  if (!range) return reply(10001, "The time range between startTime and endTime cannot exceed 7 days", "{}");
  // One row for each closing order: its fills added up, opening fees taken as equal to the closing ones.
  struct Sum {
    const BybitFill* last = nullptr;
    Decimal size, pnl, fee, exit_value;
    int fills = 0;
  };
  std::vector<std::pair<std::string, Sum>> orders;
  for (const BybitFill& f : fills_[account]) {
    if (f.category != query.get("category", "linear") || f.closed.sign() <= 0 ||
        f.list_visible_ms > world_.wall_ms() || f.exec_ms < range->first || f.exec_ms > range->second) {
      continue;
    }
    auto it =
        std::find_if(orders.begin(), orders.end(), [&](const auto& o) { return o.first == f.order_id; });
    if (it == orders.end()) it = orders.insert(orders.end(), {f.order_id, {}});
    Sum& sum = it->second;
    sum.last = &f;
    sum.size = sum.size + f.closed;
    sum.pnl = sum.pnl + f.pnl;
    sum.fee = sum.fee + f.fee;
    sum.exit_value = sum.exit_value +
                     (f.category == "inverse" ? Decimal::divide(f.closed, f.price, 8) : f.closed * f.price);
    ++sum.fills;
  }
  Arr rows;
  for (auto it = orders.rbegin(); it != orders.rend(); ++it) {
    const Sum& sum = it->second;
    const BybitFill& f = *sum.last;
    const bool sold = f.side == "Sell";
    const Decimal entry_value = sold ? sum.exit_value - sum.pnl : sum.exit_value + sum.pnl;
    rows.raw(Obj()
                 .str("symbol", f.symbol)
                 .str("orderType", "Market")
                 .str("leverage", "3")
                 .str("updatedTime", std::to_string(f.exec_ms))
                 .str("side", f.side)
                 .str("orderId", f.order_id)
                 .str("closedPnl", (sum.pnl - sum.fee * Decimal(2)).to_string())
                 .str("avgEntryPrice", Decimal::divide(entry_value, sum.size, 8).to_string())
                 .str("qty", sum.size.to_string())
                 .str("cumEntryValue", entry_value.to_string())
                 .str("createdTime", std::to_string(f.exec_ms))
                 .str("orderPrice", f.price.to_string())
                 .str("closedSize", sum.size.to_string())
                 .str("avgExitPrice", Decimal::divide(sum.exit_value, sum.size, 8).to_string())
                 .str("execType", f.exec_type)
                 .str("fillCount", std::to_string(sum.fills))
                 .str("cumExitValue", sum.exit_value.to_string())
                 .text());
  }
  return reply(0, "OK",
               Obj()
                   .str("nextPageCursor", "")
                   .str("category", query.get("category", "linear"))
                   .raw("list", rows.text())
                   .text());
}

}  // namespace anduin::sim
