#include <algorithm>

#include "sim/mexc.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000, kKeptMs = 90 * kDayMs, kDefaultMs = 7 * kDayMs;
constexpr std::int64_t kLimitMs = 2'000, kPingLimit = 20;
constexpr std::int64_t kPageDefault = 20, kPageMax = 100;
constexpr std::int64_t kSpotFastMs = 1'000, kSpotWindowMs = 5'000, kSpotWindowMaxMs = 60'000;
constexpr std::string_view kPrivate = "/api/v1/private/", kPublic = "/api/v1/contract/", kSpot = "/api/v3/";

/// The query as the venue signs it: names in the order of the dictionary, values encoded anew.
std::string sorted_query(std::string_view raw) {
  std::vector<std::pair<std::string, std::string>> items;
  while (!raw.empty()) {
    const std::string_view item = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(item.size() + 1, raw.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    items.emplace_back(pct_decode(item.substr(0, equals)), pct_decode(item.substr(std::min(equals + 1, item.size()))));
  }
  std::sort(items.begin(), items.end());
  std::string out;
  for (const auto& [name, value] : items) out += (out.empty() ? "" : "&") + pct_encode(name) + "=" + pct_encode(value);
  return out;
}

std::int64_t whole_seconds(std::int64_t ms) { return (ms + 500) / 1000 * 1000; }

}  // namespace

Response MexcSim::reply(const std::string& data) const {
  return {200, Obj().flag("success", true).num("code", 0).raw("data", data).text()};
}

Response MexcSim::failure(std::int64_t code, const std::string& text) const {
  return {200, Obj().flag("success", false).num("code", code).str("message", text).text()};
}

Response MexcSim::spot_failure(std::int64_t code, const std::string& text) const {
  return {400, Obj().num("code", code).str("msg", text).text()};
}

/// The codes of the contract API look like HTTP statuses: only those that it does not know are meant as such.
Response MexcSim::error_response(const std::string& code, const std::string& path) const {
  for (const char* status : {"403", "418", "429", "502", "503", "504"})
    if (code == status) return {std::stoi(code), "<html></html>"};
  if (path.starts_with(kSpot)) return spot_failure(std::stoll(code), "simulated error");
  return failure(std::stoll(code), "simulated error");
}

std::optional<Response> MexcSim::over_limit(const std::string& who, const std::string& path, std::int64_t max) {
  Window& w = windows_[who + " " + path];
  const std::int64_t now = world_.mono_ms();
  if (now - w.start_ms >= world_.scaled(kLimitMs)) w = {now, 0};
  if (++w.used <= max) return std::nullopt;
  return failure(510, "Requests are too frequent, please try again later");
}

Response MexcSim::on_http(const Request& request) {
  const std::string& path = request.path;
  const Params query(request.query);
  if (path.starts_with(kSpot)) return spot_call(request, query);
  if (path.starts_with(kPublic)) {
    const bool ping = path.ends_with("/ping");
    if (auto over = over_limit("", path, ping ? kPingLimit : public_limit_)) return *over;
    return public_call(request, query);
  }
  if (!path.starts_with(kPrivate)) return {404, "<html>not found</html>"};
  std::size_t account = 0;
  const std::string tail = request.method == "POST" ? request.body : sorted_query(request.query);
  if (const auto refusal =
          refuse(request.header("ApiKey"), request.header("Request-Time"), tail, request.header("Signature"), account))
    return failure(refusal->code, refusal->text);
  if (auto over = over_limit(std::to_string(account), path, private_limit_)) return *over;
  return private_call(request, query, account);
}

Response MexcSim::public_call(const Request& request, const Params& query) {
  const std::string name = request.path.substr(kPublic.size());
  if (name == "ping") return reply(std::to_string(world_.wall_ms()));
  if (name.starts_with("depth/")) return order_book(name.substr(6));
  if (name != "detail") return {404, "<html>not found</html>"};
  const std::string symbol = query.get("symbol");
  if (!symbol.empty()) {  // one is an object, not a list
    const MexcContract* c = contract_of(symbol);
    return c != nullptr && c->listed ? reply(detail(*c)) : failure(1001, "Contract does not exist!");
  }
  Arr rows;
  for (const MexcContract& c : contracts_)
    if (c.listed) rows.raw(detail(c));
  return reply(rows.text());
}

/// A delisted contract's book still answers: empty, under the time of its end.
Response MexcSim::order_book(const std::string& symbol) const {
  const MexcContract* c = contract_of(symbol);
  if (c == nullptr) return failure(1001, "Contract does not exist!");
  const auto feed = feeds_.find("depth " + symbol);
  Ladder book;
  if (c->listed) book = feed != feeds_.end() ? feed->second.last : world_.market.ladder(c->spec, world_.wall_ms(), 20);
  const auto side = [&](const std::vector<Level>& levels) {
    Arr list;
    for (const Level& l : levels)
      list.raw(Arr().raw(fixed_text(l.price, c->spec.price_decimals)).raw(std::to_string(l.qty)).raw("1").text());
    return list.text();
  };
  return reply(Obj()
                   .raw("asks", side(book.asks))
                   .raw("bids", side(book.bids))
                   .num("version", feed != feeds_.end() ? feed->second.version : 5'216'820'883)
                   .num("timestamp", c->listed ? world_.wall_ms() : c->delisted_ms)
                   .text());
}

Response MexcSim::private_call(const Request& request, const Params& query, std::size_t account) {
  static constexpr std::string_view kAsset = "account/asset/";
  const std::string name = request.path.substr(kPrivate.size());
  if (request.method != "GET")
    return accounts_[account].can_trade ? failure(2001, "the simulator takes no orders")
                                        : failure(701, "Require trade write permission!");
  if (name == "position/list/history_positions") return history(account, query);
  if (name == "account/assets") {
    Arr rows;
    for (const auto& [currency, amount] : wallets_[account]) rows.raw(asset(account, currency));
    return reply(rows.text());
  }
  if (name.starts_with(kAsset)) return reply(asset(account, name.substr(kAsset.size())));
  if (name == "position/open_positions") {
    Arr rows;
    for (const auto& [key, p] : open_)
      if (std::get<0>(key) == account) rows.raw(position_row(p, true));
    return reply(rows.text());
  }
  if (name == "order/batch_query") return reply("[]");
  return {404, "<html>not found</html>"};
}

Response MexcSim::history(std::size_t account, const Params& query) const {
  const std::int64_t now = world_.wall_ms();
  const std::string symbol = query.get("symbol");
  if (!symbol.empty() && contract_of(symbol) == nullptr) return failure(1001, "Contract does not exist!");
  const std::int64_t to = query.number("end_time", now, 0, 1LL << 50),
                     from = query.number("start_time", to - kDefaultMs, 0, 1LL << 50);
  const std::int64_t size = query.number("page_size", kPageDefault, 0, 1'000'000),
                     page = query.number("page_num", 1, 0, 1'000'000);
  if (size < 1 || size > kPageMax || page < 1) return failure(600, "Parameter error");
  if (from > to || to - from > kKeptMs) return failure(6003, "The time range is invalid");
  if (from < now - kKeptMs) return failure(400, "The start time cannot be earlier than 90 days");
  std::vector<MexcPosition> found;
  for (const MexcPosition& p : history_[account]) {
    // Which of the two times is compared is not documented.
    const std::int64_t time = whole_seconds(filters_by_opening_ ? p.opened_ms : p.updated_ms);
    const bool shown = p.visible_ms <= now;
    if ((!shown && !p.liquidated) || time < from || time > to || (!symbol.empty() && p.contract->spec.native != symbol))
      continue;
    found.push_back(p);
    if (!shown) found.back().state = 2;  // taken over, not closed yet
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const MexcPosition& a, const MexcPosition& b) { return a.updated_ms > b.updated_ms; });
  Arr rows;
  const auto begin = static_cast<std::size_t>((page - 1) * size);
  for (std::size_t i = begin; i < std::min(found.size(), begin + static_cast<std::size_t>(size)); ++i)
    rows.raw(position_row(found[i], true));
  if (!history_is_object_) return reply(rows.text());
  const auto total = static_cast<std::int64_t>(found.size());
  return reply(Obj()
                   .num("pageSize", size)
                   .num("totalCount", total)
                   .num("totalPage", (total + size - 1) / size)
                   .num("currentPage", page)
                   .raw("resultList", rows.text())
                   .text());
}

/// The spot API: another signature, other errors, the same key.
Response MexcSim::spot_call(const Request& request, const Params& query) {
  static constexpr std::string_view kSignature = "&signature=";
  const std::string name = request.path.substr(kSpot.size());
  const std::int64_t now = world_.wall_ms();
  if (name == "time") return {200, Obj().num("serverTime", now).text()};
  if (name == "exchangeInfo") return {200, R"({"timezone":"CST","symbols":[]})"};
  const std::string key = request.header("X-MEXC-APIKEY");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& a) { return a.key == key; });
  if (key.empty()) return spot_failure(700001, "API-key format invalid.");
  if (it == accounts_.end()) return spot_failure(10072, "Api key info invalid");
  const std::int64_t window = query.number("recvWindow", kSpotWindowMs, 0, kSpotWindowMaxMs),
                     stamp = query.number("timestamp", 0, 0, 1LL << 50);
  if (stamp < now - window || stamp >= now + kSpotFastMs)
    return spot_failure(700003, "Timestamp for this request is outside of the recvWindow.");
  const std::size_t at = request.query.rfind(kSignature);
  const std::string signed_part = request.query.substr(0, at);
  if (at == std::string::npos || query.get("signature") != hmac_sha256_hex(it->secret, signed_part))
    return spot_failure(700002, "Signature for this request is not valid.");
  // On this path a POST would change the key's list of addresses.
  if (request.method != "GET") return spot_failure(700007, "No permission to access the endpoint.");
  const auto account = static_cast<std::size_t>(it - accounts_.begin());
  if (name == "uid") return {200, Obj().str("uid", it->uid).text()};
  if (name == "capital/config/getall") return {200, "[]"};
  if (name != "apiKeyInfo") return {404, "<html>not found</html>"};
  if (query.get("accessKey") != key) return spot_failure(10072, "Api key info invalid");
  return {200, key_info(account)};
}

}  // namespace anduin::sim
