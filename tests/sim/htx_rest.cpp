#include <algorithm>

#include "anduin/time.hpp"
#include "sim/htx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kDayMs = 86'400'000, kDetailsMs = 3 * kDayMs, kHistoryMs = 90 * kDayMs, kWindowMs = 2 * kDayMs;
constexpr std::int64_t kStampMs = 300'000, kReadWindowMs = 3'000;
constexpr std::int64_t kPageDefault = 10, kPageMax = 100;

std::string milliseconds_of(const std::string& iso) {
  const auto time = iso.size() == 19 ? parse_iso_ms(iso + "Z") : std::nullopt;
  return time ? std::to_string(*time) : "";
}

/// What has to be signed: every parameter but the signature, decoded, sorted by the bytes of the names, encoded anew.
std::string canonical(const std::string& query, std::string& signature, bool& repeated) {
  std::map<std::string, std::string> sorted;
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t amp = std::min(query.find('&', at), query.size());
    const std::string item = query.substr(at, amp - at);
    at = amp + 1;
    const std::size_t eq = std::min(item.find('='), item.size());
    const std::string name = pct_decode(item.substr(0, eq), true);
    const std::string value = eq < item.size() ? pct_decode(item.substr(eq + 1), true) : "";
    if (name == "Signature")
      signature = value;
    else if (!sorted.emplace(name, value).second)
      repeated = true;
  }
  std::string out;
  for (const auto& [name, value] : sorted) out += (out.empty() ? "" : "&") + pct_encode(name) + "=" + pct_encode(value);
  return out;
}

}  // namespace

Response HtxSim::reply(const std::string& data) const {
  return {200, Obj().num("code", 200).str("message", "Success").raw("data", data).num("ts", world_.wall_ms()).text()};
}

Response HtxSim::refusal(std::int64_t code, const std::string& text) const {
  return {200, Obj().num("code", code).str("message", text).num("ts", world_.wall_ms()).text()};
}

Response HtxSim::old_refusal(std::int64_t code, const std::string& text) const {
  return {200,
          Obj().str("status", "error").num("err_code", code).str("err_msg", text).num("ts", world_.wall_ms()).text()};
}

Response HtxSim::error_response(const std::string& code, const std::string&) const {
  const auto number = Decimal::parse(code);
  const std::int64_t value = number ? std::stoll(number->truncated(0).to_string()) : 1000;
  // 403 is a code of the venue's own here, and comes with HTTP 200.
  if (value >= 400 && value < 600 && value != 403) return {static_cast<int>(value), "{}"};
  if (value == 403) return old_refusal(403, "Incorrect Access key [simulated]");
  if (value != 1032) return refusal(value, "simulated error");
  Response limited = old_refusal(1032, "Maximum number of access attempts exceeded.");
  limited.headers = {{"ratelimit-limit", std::to_string(read_limit_)},
                     {"ratelimit-interval", std::to_string(world_.scaled(kReadWindowMs))},
                     {"ratelimit-remaining", "0"},
                     {"ratelimit-reset", std::to_string(world_.scaled(kReadWindowMs))}};
  return limited;
}

Response HtxSim::on_http(const Request& request) {
  const Params query(request.query);
  if (auto answer = public_call(request, query)) return *answer;
  std::size_t account = 0;
  if (auto refused = refuse(request, account)) return *refused;
  Response limits;
  if (auto refused = spend(account, limits)) return *refused;
  Response response = private_call(account, request, query);
  response.headers.insert(response.headers.end(), limits.headers.begin(), limits.headers.end());
  return response;
}

std::optional<Response> HtxSim::refuse(const Request& request, std::size_t& account) const {
  std::string signature;
  bool repeated = false;
  const std::string parameters = canonical(request.query, signature, repeated);
  const Params auth(request.query, true);
  const std::string key = auth.get("AccessKeyId"), host = request.header("Host");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (key.empty() || it == accounts_.end()) return old_refusal(403, "Incorrect Access key");
  if (auth.get("SignatureMethod") != "HmacSHA256") return old_refusal(12'003, "Incorrect signature method");
  if (auth.get("SignatureVersion") != "2") return old_refusal(12'002, "Incorrect signature version");
  const std::string stamp = milliseconds_of(auth.get("Timestamp"));
  if (stamp.empty() || std::abs(std::stoll(stamp) - world_.wall_ms()) > kStampMs)
    return old_refusal(12'001, "Invalid submission time");
  const std::string wanted =
      request.method + "\n" + (host.empty() ? world_.authority : host) + "\n" + request.path + "\n" + parameters;
  if (repeated || base64_encode(hmac_sha256(it->secret, wanted)) != signature)
    return refusal(1003, "invalid signature");
  if (it->expires_ms != 0 && it->expires_ms < world_.wall_ms())
    return old_refusal(12'007, "The access key has expired");
  account = static_cast<std::size_t>(it - accounts_.begin());
  return std::nullopt;
}

std::optional<Response> HtxSim::spend(std::size_t account, Response& limits) {
  const std::int64_t now = world_.mono_ms(), window = world_.scaled(kReadWindowMs);
  Limit& limit = limits_[account];
  if (now - limit.window_start_ms >= window) limit = {now, 0};
  const bool over = ++limit.used > read_limit_;
  limits.headers = {{"ratelimit-limit", std::to_string(read_limit_)},
                    {"ratelimit-interval", std::to_string(window)},
                    {"ratelimit-remaining", std::to_string(std::max<std::int64_t>(0, read_limit_ - limit.used))},
                    {"ratelimit-reset", std::to_string(limit.window_start_ms + window - now)}};
  if (!over) return std::nullopt;
  Response refused = old_refusal(1032, "Maximum number of access attempts exceeded.");
  refused.headers = limits.headers;
  return refused;
}

Response HtxSim::private_call(std::size_t account, const Request& request, const Params& query) {
  const std::string& path = request.path;
  if (request.method != "GET") return refusal(1050, "the simulator takes no orders");
  if (path == "/v2/user/uid") return {200, Obj().num("code", 200).raw("data", accounts_[account].uid).text()};
  if (path == "/v2/user/api-key") return key_rows(account, query);
  if (world_.mono_ms() < settling_until_ms_) return refusal(1079, "In settlement.");
  if (path == "/v5/account/balance") return reply(balance(account));
  if (path == "/v5/account/asset_mode") return reply(Obj().num("asset_mode", multi_asset_ ? 1 : 0).text());
  if (path == "/v5/position/mode") return reply(Obj().str("position_mode", "single_side").text());
  if (path == "/v5/trade/position/opens") return reply(positions(account, query.get("contract_code")));
  if (path == "/v5/trade/order/opens") return reply("[]");
  if (path == "/v5/trade/order") return order_info(account, query);
  if (path == "/v5/trade/order/history") return order_history(account, query);
  if (path == "/v5/trade/order/details") return order_details(account, query);
  return {404, "{}"};
}

std::optional<Response> HtxSim::public_call(const Request& request, const Params& query) const {
  const std::int64_t now = world_.wall_ms();
  const std::string& path = request.path;
  if (path == "/api/v1/timestamp") return Response{200, Obj().str("status", "ok").num("ts", now).text()};
  if (path == "/heartbeat/")
    return Response{
        200, Obj().str("status", "ok").raw("data", Obj().num("linear_swap_heartbeat", 1).text()).num("ts", now).text()};
  if (path == "/linear-swap-api/v1/swap_contract_info") {
    const std::string wanted = query.get("contract_code");
    const bool all = query.get("business_type") == "all";
    Arr rows;
    for (const HtxContract& c : contracts_)
      if ((wanted.empty() || c.spec.native == wanted) && (!c.dated || all)) rows.raw(contract_row(c));
    return Response{200, Obj().str("status", "ok").raw("data", rows.text()).num("ts", now).text()};
  }
  if (path == "/linear-swap-ex/market/bbo") {
    Arr ticks;
    for (const HtxContract& c : contracts_) {
      if (c.dated || c.status != 1 ||
          (query.get("contract_code") != c.spec.native && !query.get("contract_code").empty()))
        continue;
      const Ladder top = world_.market.ladder(c.spec, now, 1);
      const auto side = [&](const std::vector<Level>& levels) {
        return levels.empty() ? std::string("null")
                              : Arr()
                                    .raw(fixed_text(levels[0].price, c.spec.price_decimals))
                                    .raw(std::to_string(levels[0].qty))
                                    .text();
      };
      ticks.raw(Obj()
                    .str("contract_code", c.spec.native)
                    .num("mrid", now)
                    .raw("ask", side(top.asks))
                    .raw("bid", side(top.bids))
                    .num("ts", now)
                    .text());
    }
    return Response{200, Obj().str("status", "ok").raw("ticks", ticks.text()).num("ts", now).text()};
  }
  return std::nullopt;
}

Response HtxSim::order_info(std::size_t account, const Params& query) const {
  const std::string id = query.get("order_id"), contract = query.get("contract_code");
  if (id.empty() || find_contract(contract) == nullptr)
    return refusal(1030, "Abnormal service. Please try again later: parameters");
  for (const HtxOrder& o : orders_[account])
    if (o.order_id == id && o.contract->spec.native == contract && o.listed && o.order_visible_ms <= world_.wall_ms())
      return reply(order_row(o, true));
  return refusal(1061, "This order doesnt exist.");
}

Response HtxSim::order_history(std::size_t account, const Params& query) const {
  const std::int64_t now = world_.wall_ms();
  const std::string contract = query.get("contract_code"), mode = query.get("margin_mode"), states = query.get("state");
  const HtxContract* const known = find_contract(contract);
  if (known == nullptr || known->spec.native != contract) return refusal(1014, "This contract doesnt exist.");
  if (mode != "cross" && mode != "isolated") return refusal(1030, "margin_mode is required");
  std::int64_t from = query.number("start_time", -1, 0, 1LL << 50), to = query.number("end_time", -1, 0, 1LL << 50);
  if (to < 0) to = from < 0 ? now : from + kWindowMs;
  if (from < 0) from = to - kWindowMs;
  if (from > to || to - from > kWindowMs) return refusal(1030, "the window is longer than 48 hours");
  if (from < now - kHistoryMs) return refusal(1030, "orders of 90 days are kept");
  std::vector<const HtxOrder*> rows;
  for (const HtxOrder& o : orders_[account]) {
    const bool wanted = states.empty() || ("," + states + ",").find("," + o.state + ",") != std::string::npos;
    if (o.contract == known && o.listed && o.margin_mode == mode && wanted && o.order_visible_ms <= now &&
        o.created_ms >= from && o.created_ms <= to)
      rows.push_back(&o);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const HtxOrder* a, const HtxOrder* b) { return a->created_ms > b->created_ms; });
  const auto limit = static_cast<std::size_t>(query.number("limit", kPageDefault, 1, kPageMax));
  Arr list;
  for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) list.raw(order_row(*rows[i], true));
  return reply(list.text());
}

Response HtxSim::order_details(std::size_t account, const Params& query) const {
  const std::int64_t now = world_.wall_ms();
  const std::string contract = query.get("contract_code"), id = query.get("order_id");
  if (find_contract(contract) == nullptr) return refusal(1014, "This contract doesnt exist.");
  // Older executions are left out without a word.
  const std::int64_t from = std::max(query.number("start_time", 0, 0, 1LL << 50), now - kDetailsMs);
  const std::int64_t to = query.number("end_time", now, 0, 1LL << 50);
  std::vector<std::pair<const HtxOrder*, const HtxExecution*>> rows;
  for (const HtxOrder& o : orders_[account]) {
    if (o.contract->spec.native != contract || (!id.empty() && o.order_id != id) || o.details_visible_ms > now ||
        o.updated_ms < from || o.updated_ms > to)
      continue;
    for (const HtxExecution& e : o.executions) rows.emplace_back(&o, &e);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first->updated_ms > b.first->updated_ms; });
  const auto limit = static_cast<std::size_t>(query.number("limit", kPageDefault, 1, kPageMax));
  Arr list;
  for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i)
    list.raw(execution_row(*rows[i].first, *rows[i].second));
  return reply(list.text());
}

/// The spot host's word on a key: without `accessKey` it lists all keys of the user.
Response HtxSim::key_rows(std::size_t account, const Params& query) const {
  const SimAccount& a = accounts_[account];
  const std::string wanted = query.get("accessKey");
  if (query.get("uid") != a.uid)
    return {200, Obj().num("code", 2002).str("message", "invalid field value in `uid`").text()};
  std::string permission = "readOnly";
  if (a.can_trade || a.can_transfer) permission += ",trade";  // trade includes transfers between accounts
  if (a.can_withdraw) permission += ",withdraw";
  const auto row = [&](const std::string& key, const std::string& rights) {
    return Obj()
        .str("accessKey", key)
        .str("status", a.expires_ms != 0 && a.expires_ms < world_.wall_ms() ? "expired" : "normal")
        .str("note", "simulated")
        .str("permission", rights)
        .str("ipAddresses", a.ip_bound ? "127.0.0.1" : "")
        .num("validDays", a.expires_ms == 0 ? -1 : (a.expires_ms - world_.wall_ms()) / kDayMs)
        .num("createTime", 1'615'192'704'000)
        .num("updateTime", 1'623'030'338'000)
        .text();
  };
  Arr rows;
  if (wanted.empty() || wanted == a.key) rows.raw(row(a.key, permission));
  if (wanted.empty()) rows.raw(row("another-key-of-the-same-user", "readOnly,trade,withdraw"));
  return {200, Obj().num("code", 200).str("message", "success").raw("data", rows.text()).flag("ok", true).text()};
}

}  // namespace anduin::sim
