#include "sim/simulator.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace anduin::sim {
namespace {

/// A mute without a length lasts until it is taken back.
constexpr std::int64_t kForeverMs = 1'000'000'000'000;

bool equal_any_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
         });
}

Json failure(std::string text) { return Json{{"ok", false}, {"error", std::move(text)}}; }

std::int64_t price_e8(const Decimal& price) {
  return std::stoll((price * Decimal(1, 8)).truncated(0).to_string());
}

/// Numbers of the control answers are exact decimal text.
Json close_json(const CloseLog& row) {
  return Json{{"id", row.id},
              {"uid", row.uid},
              {"account", row.account},
              {"symbol", row.symbol},
              {"side", row.side},
              {"size", row.size.to_string()},
              {"pnl", row.pnl.to_string()},
              {"fee", row.fee.to_string()},
              {"currency", row.currency},
              {"closedAt", row.closed_ms}};
}

}  // namespace

std::string Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_any_case(key, name)) return value;
  }
  return {};
}

std::optional<Json> SimVenue::control(std::string_view, const Json&) { return std::nullopt; }

std::unique_ptr<SimVenue> make_venue(const std::string& name, VenueContext context) {
  if (name == "bitget") return make_bitget(context);
  if (name == "bybit") return make_bybit(context);
  if (name == "htx") return make_htx(context);
  if (name == "kraken") return make_kraken(context);
  if (name == "kucoin") return make_kucoin(context);
  if (name == "mexc") return make_mexc(context);
  if (name == "okx") return make_okx(context);
  return nullptr;
}

Simulator::Simulator(const std::string& venue, const Clock& clock, Random& random, SimOptions options,
                     FrameSink& sink)
    : market_(options.seed, venue),
      world_{clock, random, market_, std::move(options)},
      out_(sink),
      faults_(sink, world_),
      venue_(make_venue(venue, {world_, faults_})),
      playback_(world_, faults_) {
  if (venue_) faults_.packed = [this](ConnId conn) { return venue_->packs_frames(conn); };
}

Simulator::~Simulator() = default;

Response Simulator::http(const Request& request) {
  static constexpr std::string_view kControl = "/sim/";
  if (request.path.starts_with(kControl)) {
    const auto arguments =
        request.body.empty() ? std::optional<Json>(Json::object()) : parse_exact(request.body);
    if (!arguments || !arguments->is_object()) return {400, failure("the body is no JSON object").dump()};
    Json answer;
    try {
      answer = control(request.path.substr(kControl.size()), *arguments);
    } catch (const std::exception& e) {  // a number that fits nowhere
      answer = failure(e.what());
    }
    return {flag_at(answer, "ok") ? 200 : 400, answer.dump()};
  }
  ++requests_;
  for (auto it = errors_.begin(); it != errors_.end(); ++it) {
    if (request.path.find(it->path) == std::string::npos) continue;
    const std::string code = it->code;
    if (--it->count <= 0) errors_.erase(it);
    ++failed_;
    return venue_->error_response(code, request.path);
  }
  if (auto recorded = playback_.http(request)) return *recorded;
  return venue_->on_http(request);
}

std::optional<std::string> Simulator::play(const std::vector<std::string>& files,
                                           std::int64_t speed_permille) {
  for (const std::string& file : files) {
    if (auto problem = playback_.load(file)) return problem;
  }
  playback_.set_speed(speed_permille);
  return std::nullopt;
}

std::optional<Response> Simulator::ws_open(ConnId conn, const std::string& path, const std::string& query) {
  auto refusal = playback_.open(conn, path, query) ? std::nullopt : venue_->on_open(conn, path, query);
  if (!refusal) {
    ++opened_;
    open_[conn] = query.empty() ? path : path + "?" + query;
  }
  return refusal;
}

void Simulator::ws_message(ConnId conn, std::string_view text) {
  if (!faults_.muted(conn) && !playback_.owns(conn)) venue_->on_message(conn, text);
}

void Simulator::ws_ping(ConnId conn) {
  if (!faults_.muted(conn) && !playback_.owns(conn)) venue_->on_ping(conn);
}

void Simulator::ws_closed(ConnId conn) {
  if (open_.erase(conn) == 0) return;
  faults_.forget(conn);
  if (!playback_.closed(conn)) venue_->on_closed(conn);
}

void Simulator::tick() {
  venue_->tick();
  playback_.tick();
  faults_.tick();
}

std::vector<ConnId> Simulator::matching(const Json& arguments) const {
  // "part" is an endpoint id or the start of one ("public" cuts every public socket), "path" a piece of the
  // URL.
  const std::string part = text_at(arguments, "part", text_at(arguments, "endpoint"));
  const std::string path = text_at(arguments, "path");
  std::vector<ConnId> found;
  for (const auto& [conn, target] : open_) {
    // A recording stands for a public stream.
    const std::string id = playback_.owns(conn) ? "playback.public" : venue_->endpoint_of(conn);
    const bool part_fits = part.empty() || id.starts_with(part) || id.find("." + part) != std::string::npos;
    if (part_fits && target.find(path) != std::string::npos) found.push_back(conn);
  }
  return found;
}

Json Simulator::do_close(const Json& a) {
  CloseOrder order;
  const std::string account = text_at(a, "account");
  const std::string symbol = text_at(a, "symbol");
  std::vector<SimAccount>& accounts = venue_->accounts();
  const auto it = std::find_if(accounts.begin(), accounts.end(), [&](const SimAccount& one) {
    return account.empty() || one.name == account || one.uid == account || one.key == account;
  });
  if (it == accounts.end()) return failure("no account '" + account + "'");
  order.account = static_cast<std::size_t>(it - accounts.begin());
  const std::string side = text_at(a, "side");
  if (side != "long" && side != "short") return failure("side must be long or short");
  const auto size = decimal_at(a, "size"), pnl = decimal_at(a, "pnl");
  if (!size || size->sign() <= 0) return failure("size must be a number above 0");
  if (!pnl) return failure("pnl must be a number");
  order.id = text_at(a, "id");
  order.symbol = symbol.empty() ? "BTCUSDT" : symbol;
  order.is_long = side == "long";
  order.size = *size;
  order.pnl = *pnl;
  order.fee = decimal_at(a, "fee").value_or(Decimal());
  order.entry = decimal_at(a, "entryPrice");
  order.exit = decimal_at(a, "exitPrice");
  order.currency = text_at(a, "currency");
  order.closed_ms = int_at(a, "closedAt", 0);
  order.flip = flag_at(a, "flip");
  order.liquidation = flag_at(a, "liquidation");
  order.adl = flag_at(a, "adl");
  order.partial = flag_at(a, "partial");
  order.silent = flag_at(a, "silent");
  order.hedge = flag_at(a, "hedge");
  order.drop = flag_at(a, "drop");
  order.rewrite = flag_at(a, "rewrite");
  order.missing_pnl = flag_at(a, "missingPnl");
  order.missing_cash = flag_at(a, "missingCash");
  order.missing_cash_stream = text_at(a, "missingCash") == "stream";
  order.fills = static_cast<int>(std::clamp<std::int64_t>(int_at(a, "fills", 1), 1, 50));
  if (order.drop) {
    for (const ConnId conn : matching(Json{{"part", "private"}})) out_.close(conn, 0, "");
  }
  std::vector<CloseLog> made;
  try {
    if (auto problem = venue_->close_position(order, made)) return failure(*problem);
  } catch (const DecimalError& e) {
    return failure(e.what());
  }
  Json ids = Json::array();
  for (CloseLog& row : made) {
    ids.push_back(row.id);
    const bool known = std::any_of(log_.begin(), log_.end(), [&](const CloseLog& old) {
      return old.id == row.id && old.uid == row.uid;
    });
    if (!known && row.is_close) log_.push_back(row);
  }
  Json answer = close_json(made.front());
  answer["ids"] = std::move(ids);
  answer["close"] = made.front().is_close;
  answer["ok"] = true;
  return answer;
}

Json Simulator::do_price(const Json& a) {
  const std::string symbol = text_at(a, "symbol", "BTCUSDT");
  const SymbolSpec* spec = venue_->find_symbol(symbol, text_at(a, "market"));
  if (spec == nullptr) return failure("no symbol '" + symbol + "'");
  if (flag_at(a, "release")) {
    market_.unpin(spec->native);
    return Json{{"ok", true}};
  }
  const auto mid = decimal_at(a, "mid").has_value() ? decimal_at(a, "mid") : decimal_at(a, "price");
  if (mid) {
    if (mid->sign() <= 0) return failure("mid must be above 0");
    market_.unpin(spec->native);
    market_.set_mid(spec->base, price_e8(*mid), world_.wall_ms());
    return Json{{"ok", true}};
  }
  const auto bid = decimal_at(a, "bid"), ask = decimal_at(a, "ask");
  if (!bid && !ask)
    return failure("give mid, or bid and ask (one of them 0 or absent: that side is empty), or release");
  market_.pin(spec->native, {bid, ask});
  return Json{{"ok", true}};
}

Json Simulator::do_mute(const Json& a) {
  if (flag_at(a, "off")) {
    faults_.unmute();
    return Json{{"ok", true}};
  }
  const std::int64_t until = world_.mono_ms() + int_at(a, "ms", kForeverMs);
  const std::string text = text_at(a, "symbol", text_at(a, "text"));
  const std::vector<ConnId> conns = matching(a);
  for (const ConnId conn : conns) {
    faults_.mute(conn, until, text);
    // With neither an end nor a filter the socket itself goes dead: not even a pong comes back.
    if (text.empty() && !a.contains("ms")) out_.freeze(conn);
  }
  return Json{{"ok", true}, {"muted", conns.size()}};
}

Json Simulator::do_drop(const Json& a) {
  const std::vector<ConnId> conns = matching(a);
  dropped_ += conns.size();
  for (const ConnId conn : conns) {
    out_.close(conn, static_cast<std::uint16_t>(int_at(a, "code", 0)), text_at(a, "reason"));
  }
  return Json{{"ok", true}, {"dropped", conns.size()}};
}

Json Simulator::do_keys(const Json& a) {
  const std::string account = text_at(a, "account");
  for (SimAccount& one : venue_->accounts()) {
    if (!account.empty() && one.name != account && one.key != account && one.uid != account) continue;
    if (a.contains("can_trade")) one.can_trade = flag_at(a, "can_trade");
    if (a.contains("can_withdraw")) one.can_withdraw = flag_at(a, "can_withdraw");
    if (a.contains("can_transfer")) one.can_transfer = flag_at(a, "can_transfer");
    if (a.contains("ip_bound")) one.ip_bound = flag_at(a, "ip_bound");
    one.expires_ms = int_at(a, "expires", one.expires_ms);
    return Json{{"ok", true}, {"account", one.name}};
  }
  return failure("no account '" + account + "'");
}

Json Simulator::control(std::string_view command, const Json& a) {
  if (command == "close") return do_close(a);
  if (command == "price") return do_price(a);
  if (command == "drop") return do_drop(a);
  if (command == "mute") return do_mute(a);
  if (command == "keys") return do_keys(a);
  if (command == "stats") return stats();
  if (command == "log") return log();
  if (command == "duplicate") {
    faults_.duplicate = int_at(a, "count", 1);
  } else if (command == "reorder") {
    faults_.reorder = int_at(a, "count", 1);
  } else if (command == "delay") {
    faults_.delay_ms = int_at(a, "ms", 0);
  } else if (command == "skew") {
    world_.skew_ms = int_at(a, "ms", 0);
  } else if (command == "rotate-token") {
    venue_->rotate_tokens();
  } else if (command == "error") {
    const std::string code = text_at(a, "code");
    const auto count = int_at(a, "count", 1);
    if (code.empty() && count != 0) return failure("code is missing");
    if (count == 0)
      errors_.clear();
    else
      errors_.push_back({code, text_at(a, "path"), count});
  } else {
    auto answer = venue_->control(command, a);
    return answer ? *answer : failure("no command '" + std::string(command) + "'");
  }
  return Json{{"ok", true}};
}

Json Simulator::stats() const {
  Json conns = Json::array();
  for (const auto& [conn, target] : open_) {
    const bool recorded = playback_.owns(conn);
    conns.push_back({{"endpoint", recorded ? "playback" : venue_->endpoint_of(conn)},
                     {"url", target},
                     {"topics", recorded ? std::vector<std::string>{} : venue_->topics(conn)}});
    if (recorded) conns.back()["recorded_ms"] = playback_.recorded_ms(conn);
  }
  return Json{{"ok", true},
              {"venue", venue_->name()},
              {"connections", open_.size()},
              {"opened", opened_},
              {"dropped", dropped_},
              {"frames", faults_.frames},
              {"requests", requests_},
              {"failed", failed_},
              {"closes", log_.size()},
              {"sockets", std::move(conns)}};
}

Json Simulator::log() const {
  Json rows = Json::array();
  for (const CloseLog& row : log_) rows.push_back(close_json(row));
  return Json{{"ok", true}, {"closes", std::move(rows)}};
}

Json Simulator::ready_line(const std::string& authority, bool tls, const std::string& ca) const {
  Json endpoints = Json::object();
  for (const auto& [id, path] : venue_->endpoints()) {
    endpoints[id] =
        (path.empty() ? (tls ? "https://" : "http://") : (tls ? "wss://" : "ws://")) + authority + path;
  }
  Json accounts = Json::array();
  for (const SimAccount& one : venue_->accounts()) {
    accounts.push_back({{"name", one.name},
                        {"key", one.key},
                        {"secret", one.secret},
                        {"passphrase", one.passphrase},
                        {"uid", one.uid},
                        {"market", one.market}});
  }
  return Json{{"endpoints", std::move(endpoints)}, {"ca", ca}, {"accounts", std::move(accounts)}};
}

}  // namespace anduin::sim
