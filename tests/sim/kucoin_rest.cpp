#include <algorithm>

#include "sim/kucoin.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kClockMs = 5'000;  ///< how far a stamp may be off, either way
constexpr std::int64_t kPoolMs = 30'000, kSpotLimit = 2'000;
constexpr std::int64_t kTokenMs = 24LL * 3600 * 1000;
constexpr std::int64_t kPageDefault = 10, kPageMax = 200;

std::string hmac_base64(const std::string& secret, const std::string& text) {
  return base64_encode(hmac_sha256(secret, text));
}

std::int64_t weight_of(const std::string& path) {
  if (path.ends_with("bullet-public") || path.ends_with("bullet-private")) return 10;
  if (path == "/api/v1/account-overview") return 5;
  if (path == "/api/v1/contracts/active" || path.starts_with("/api/v1/level2/")) return 3;
  if (path == "/api/v1/user/api-key") return 20;
  return 2;
}

bool of_spot_host(const std::string& path) {
  return path == "/api/v1/user/api-key" || path.find("/margin/") != std::string::npos ||
         path.find("/isolated/") != std::string::npos || path.find("/hf/") != std::string::npos;
}

/// 2neA...=.gJE...==: the alphabet of real ones, which must be percent-encoded in a URL.
std::string make_token(Random& random) {
  const std::string a = uuid(random) + "_" + uuid(random), b = uuid(random);
  return "2neAiuYv" + a + "=." + b.substr(0, 22) + "==";
}

}  // namespace

Response KucoinSim::reply(const std::string& data) const {
  return {200, Obj().str("code", "200000").raw("data", data).text()};
}

Response KucoinSim::failure(int status, const std::string& code, const std::string& text) const {
  return {status, Obj().str("code", code).str("msg", text).text()};
}

Response KucoinSim::error_response(const std::string& code, const std::string&) const {
  if (code.size() == 3) return {std::stoi(code), "{}"};
  if (code == "1015") return {429, "<html>error code: 1015</html>"};  // the network in front, no JSON
  if (code == "overload") return failure(429, "429000", "Too Many Requests");
  if (code == "429000") {
    Response r = failure(429, code, "Too Many Requests");
    r.headers = {{"gw-ratelimit-limit", std::to_string(futures_limit_)},
                 {"gw-ratelimit-remaining", "0"},
                 {"gw-ratelimit-reset", std::to_string(world_.scaled(1000))}};
    return r;
  }
  const bool auth = code == "411100" || (code >= "400001" && code <= "400006" && code.size() == 6);
  if (code == "500000") return failure(500, code, "Internal Server Error");
  return failure(auth ? 401 : code == "400007" ? 400 : 200, code, "simulated error");
}

std::optional<Response> KucoinSim::refuse(const Request& request, std::size_t& account) const {
  const std::string key = request.header("KC-API-KEY"), sign = request.header("KC-API-SIGN"),
                    stamp = request.header("KC-API-TIMESTAMP"), passphrase = request.header("KC-API-PASSPHRASE"),
                    version = request.header("KC-API-KEY-VERSION");
  if (key.empty() || sign.empty() || stamp.empty() || passphrase.empty() || version.empty())
    return failure(401, "400001",
                   "Please check the header of your request for KC-API-KEY, KC-API-SIGN, "
                   "KC-API-TIMESTAMP, KC-API-PASSPHRASE");
  if (version == "1") return failure(401, "400008", "The API key version is too old");
  if (version != "2" && version != "3") return failure(401, "400009", "KC-API-KEY-VERSION is invalid");
  const std::int64_t now = world_.wall_ms();
  const bool number = stamp.size() < 16 && stamp.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::abs(std::stoll(stamp) - now) > kClockMs)
    return failure(401, "400002", "Invalid KC-API-TIMESTAMP");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (it == accounts_.end() || (it->expires_ms != 0 && it->expires_ms < now))
    return failure(401, "400003", "KC-API-KEY not exists");
  if (passphrase != hmac_base64(it->secret, it->passphrase)) return failure(401, "400004", "Invalid KC-API-PASSPHRASE");
  // The bytes as sent: nothing is decoded or sorted first.
  const std::string target = request.query.empty() ? request.path : request.path + "?" + request.query;
  if (sign != hmac_base64(it->secret, stamp + request.method + target + request.body))
    return failure(401, "400005", "Invalid KC-API-SIGN");
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

std::optional<Response> KucoinSim::spend(Pool& pool, std::int64_t max, std::int64_t weight, Response& limits) {
  const std::int64_t now = world_.mono_ms(), window = world_.scaled(kPoolMs);
  if (now - pool.window_ms >= window) pool = {now, 0};  // it begins with the first request
  const bool over = pool.used + weight > max;
  if (!over) pool.used += weight;
  limits.headers = {{"gw-ratelimit-limit", std::to_string(max)},
                    {"gw-ratelimit-remaining", std::to_string(max - pool.used)},
                    {"gw-ratelimit-reset", std::to_string(pool.window_ms + window - now)}};
  if (!over) return std::nullopt;
  Response refused = failure(429, "429000", "Too Many Requests");
  refused.headers = limits.headers;
  return refused;
}

Response KucoinSim::on_http(const Request& request) {
  const std::string& path = request.path;
  const Params query(request.query);
  if (path == "/api/v1/timestamp") return reply(std::to_string(world_.wall_ms()));  // no limit headers here
  const bool is_public = path == "/api/v1/bullet-public" || path.starts_with("/api/v1/contracts/") ||
                         path.starts_with("/api/v1/level2/") || path.ends_with("/currencies");
  Response limits;
  std::size_t account = 0;
  if (!is_public) {
    if (auto refused = refuse(request, account)) return *refused;
  }
  Pool& pool = is_public ? public_pool_ : of_spot_host(path) ? spot_pools_[account] : futures_pools_[account];
  const std::int64_t max = is_public ? public_limit_ : of_spot_host(path) ? kSpotLimit : futures_limit_;
  if (auto refused = spend(pool, max, weight_of(path), limits)) return *refused;
  Response response = is_public ? public_call(request, query) : private_call(request, query, account);
  response.headers = limits.headers;
  return response;
}

Response KucoinSim::public_call(const Request& request, const Params& query) {
  const std::string& path = request.path;
  if (path == "/api/v1/bullet-public") return bullet(request, kPublic);
  if (path == "/api/v1/contracts/active") {
    Arr rows;
    for (const SymbolSpec& s : symbols_) rows.raw(contract(s));
    return reply(rows.text());
  }
  if (path == "/api/v1/level2/snapshot") return order_book(query, 20);
  if (path == "/api/v1/level2/depth20") return order_book(query, 20);
  if (path.ends_with("/currencies")) {
    Arr rows;
    for (const char* coin : {"USDT", "USDC", "XBT", "ETH", "SOL", "XRP"})
      rows.raw(Obj()
                   .str("currency", coin)
                   .str("name", coin)
                   .str("fullName", coin)
                   .num("precision", 8)
                   .raw("chains", "[]")
                   .text());
    return reply(rows.text());
  }
  return failure(404, "404000", "Url Not Found");
}

Response KucoinSim::bullet(const Request& request, int account) {
  if (request.method != "POST") return failure(200, "400100", "Method Not Allowed");
  const std::string token = make_token(world_.random);
  tokens_[token] = {account, world_.mono_ms() + world_.scaled(kTokenMs)};
  const std::string scheme = world_.options.tls ? "wss://" : "ws://";
  const std::string server = Obj()
                                 .str("endpoint", scheme + world_.authority + socket_path_)
                                 .flag("encrypt", true)
                                 .str("protocol", "websocket")
                                 .num("pingInterval", 18'000)
                                 .num("pingTimeout", 10'000)
                                 .text();
  return reply(Obj().str("token", token).raw("instanceServers", Arr().raw(server).text()).text());
}

Response KucoinSim::private_call(const Request& request, const Params& query, std::size_t account) {
  const std::string& path = request.path;
  if (path == "/api/v1/bullet-private") return bullet(request, static_cast<int>(account));
  if (request.method != "GET")
    return accounts_[account].can_trade ? failure(200, "100001", "the simulator takes no orders")
                                        : failure(400, "400007", "Access denied, require more permission.");
  if (path == "/api/v1/user/api-key") return reply(key_info(account));
  if (path.ends_with("/hf/accounts/opened")) return reply("true");
  if (path.ends_with("/margin/symbols"))
    return reply(Obj().num("timestamp", world_.wall_ms()).raw("items", "[]").text());
  if (path.ends_with("/isolated/symbols")) return reply("[]");
  if (strict_permissions_ && !accounts_[account].can_trade)
    return failure(400, "400007", "Access denied, require more permission.");
  if (path == "/api/v1/history-positions") return history(account, query);
  if (path == "/api/v1/account-overview") return reply(overview(account, query.get("currency", "XBT")));
  if (path == "/api/v1/positions") return reply("[]");
  return failure(404, "404000", "Url Not Found");
}

Response KucoinSim::history(std::size_t account, const Params& query) const {
  const std::string symbol = query.get("symbol");
  if (!symbol.empty() && find_symbol(symbol, "") == nullptr) return failure(200, "400100", "symbol not exists");
  const std::int64_t from = query.number("from", 0, 0, 1LL << 50), to = query.number("to", 1LL << 50, 0, 1LL << 50);
  const std::int64_t limit = query.number("limit", kPageDefault, 0, 1'000'000),
                     page = query.number("pageId", 1, 1, 1'000'000);
  if (limit < 1 || limit > kPageMax) return failure(200, "400100", "limit is invalid");
  if (span_max_ms_ > 0 && to - from > span_max_ms_) return failure(200, "400100", "the time range is too wide");
  std::vector<const KucoinCycle*> found;
  for (const KucoinCycle& c : history_[account]) {
    if (c.visible_ms <= world_.wall_ms() && c.close_ms >= from && c.close_ms <= to &&
        (symbol.empty() || c.symbol == symbol))
      found.push_back(&c);
  }
  // The latest first; those of one millisecond in the order they came.
  std::stable_sort(found.begin(), found.end(),
                   [](const KucoinCycle* a, const KucoinCycle* b) { return a->close_ms > b->close_ms; });
  Arr rows;
  const auto begin = static_cast<std::size_t>((page - 1) * limit);
  for (std::size_t i = begin; i < std::min(found.size(), begin + static_cast<std::size_t>(limit)); ++i)
    rows.raw(history_row(account, *found[i]));
  const auto total = static_cast<std::int64_t>(found.size());
  return reply(Obj()
                   .num("currentPage", page)
                   .num("pageSize", limit)
                   .num("totalNum", total)
                   .num("totalPage", (total + limit - 1) / limit)
                   .raw("items", rows.text())
                   .text());
}

Response KucoinSim::order_book(const Params& query, std::size_t depth) const {
  const SymbolSpec* spec = find_symbol(query.get("symbol"), "");
  if (spec == nullptr) return failure(200, "400100", "symbol not exists");
  const auto feed = feeds_.find("/contractMarket/level2:" + spec->native);
  const Ladder book = feed != feeds_.end() ? feed->second.last : world_.market.ladder(*spec, world_.wall_ms(), depth);
  const auto side = [&](const std::vector<Level>& levels) {
    Arr list;
    for (const Level& l : levels)
      list.raw(Arr().raw(fixed_text(l.price, spec->price_decimals)).raw(std::to_string(l.qty)).text());
    return list.text();
  };
  const std::int64_t sequence = feed != feeds_.end() ? feed->second.sequence : 1'713'516'609'293;
  return reply(Obj()
                   .str("symbol", spec->native)
                   .num("sequence", sequence)
                   .raw("asks", side(book.asks))
                   .raw("bids", side(book.bids))
                   .raw("ts", std::to_string(world_.wall_ms()) + "000000")
                   .text());
}

}  // namespace anduin::sim
