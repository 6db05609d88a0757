#include "sim/kucoin.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

constexpr std::int64_t kPingMs = 60'000;             ///< without a client's frame the socket is closed
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;  ///< a socket lives no longer
constexpr std::int64_t kDelayMinMs = 500, kDelayMaxMs = 5'000;
constexpr std::int64_t kFirstCloseId = 26'800'000, kAccountIds = 100'000'000, kShardIds = 100'000'000'000'000'000;
constexpr int kPriceDecimals = 8;
constexpr int kSettlementEvery = 3;  ///< so often a funding settlement follows a close

SymbolSpec spec(std::string native, std::string canonical, std::string base, std::string quote, std::string settle,
                int price_decimals, std::int64_t tick) {
  SymbolSpec s;
  s.product = settle == quote ? Product::kLinear : Product::kInverse;
  s.contract_type = canonical.empty() && native.starts_with("XBTM") ? "FFICSX" : "FFWCSX";
  s.native = std::move(native);
  s.canonical = std::move(canonical);
  s.base = std::move(base);
  s.quote = std::move(quote);
  s.settle = std::move(settle);
  s.market = s.product == Product::kInverse ? "inverse" : "linear";
  s.price_decimals = price_decimals;
  s.tick_units = tick;
  s.qty_decimals = 0;  // lots
  return s;
}

}  // namespace

std::unique_ptr<SimVenue> make_kucoin(VenueContext context) { return std::make_unique<KucoinSim>(context); }

KucoinSim::KucoinSim(VenueContext context) : world_(context.world), sink_(context.sink) {
  make_symbols();
  make_accounts();
}

void KucoinSim::make_symbols() {
  const auto add = [&](const char* lot, SymbolSpec s) {
    multipliers_[s.native] = lot;
    symbols_.push_back(std::move(s));
  };
  add("0.001", spec("XBTUSDTM", "BTCUSDT", "BTC", "USDT", "USDT", 1, 1));
  add("0.01", spec("ETHUSDTM", "ETHUSDT", "ETH", "USDT", "USDT", 2, 1));
  add("0.1", spec("SOLUSDTM", "SOLUSDT", "SOL", "USDT", "USDT", 3, 1));
  add("10", spec("XRPUSDTM", "XRPUSDT", "XRP", "USDT", "USDT", 4, 1));
  add("1", spec("1000BONKUSDTM", "1000BONKUSDT", "1000BONK", "USDT", "USDT", 6, 1));
  add("0.001", spec("XBTUSDCM", "BTCUSDC", "BTC", "USDC", "USDC", 1, 1));
  add("-1.0", spec("XBTUSDM", "BTCUSD", "BTC", "USD", "XBT", 1, 1));
  add("-1.0", spec("ETHUSDM", "ETHUSD", "ETH", "USD", "ETH", 2, 5));
  add("-1.0", spec("XBTMZ26", "", "BTC", "USD", "XBT", 1, 1));
  for (const std::string& wanted : world_.options.symbols) {
    static constexpr std::string_view kQuote = "USDT";
    if (find_symbol(wanted, "") != nullptr || !wanted.ends_with(kQuote)) continue;
    const std::string base = wanted.substr(0, wanted.size() - kQuote.size());
    add("0.1", spec(wanted + "M", wanted, base, "USDT", "USDT", 4, 1));
  }
}

void KucoinSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 165'111'215;
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "kucoin-" + std::to_string(i + 1);
    account.key = "65f" + uuid(world_.random).substr(0, 8) + std::to_string(1'000'000'000'000 + i);
    account.secret = uuid(world_.random);
    account.passphrase = "pass" + uuid(world_.random).substr(0, 8);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "linear";  // one key serves both
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    if (i == 0 && !world_.options.passphrase.empty()) account.passphrase = world_.options.passphrase;
    accounts_.push_back(std::move(account));
    wallets_.push_back({{"USDT", Decimal(10000)}, {"USDC", Decimal(500)}, {"XBT", Decimal(1)}, {"ETH", Decimal(5)}});
  }
  history_.resize(accounts_.size());
  futures_pools_.resize(accounts_.size());
  spot_pools_.resize(accounts_.size());
}

std::vector<SimVenue::Endpoint> KucoinSim::endpoints() const {
  return {{"public", "/"}, {"private", "/"}, {"rest", ""}, {"spot.rest", ""}};
}

const SymbolSpec* KucoinSim::find_symbol(std::string_view name, std::string_view market) const {
  for (const SymbolSpec& s : symbols_) {
    if ((s.native == name || (!s.canonical.empty() && s.canonical == name)) && (market.empty() || s.market == market))
      return &s;
  }
  return nullptr;
}

std::string KucoinSim::multiplier(const SymbolSpec& spec) const { return multipliers_.at(spec.native); }

std::vector<std::string> KucoinSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return {};
  return {it->second.topics.begin(), it->second.topics.end()};
}

std::string KucoinSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return it->second.account == kPublic ? "public" : "private";
}

void KucoinSim::tick() {
  const std::int64_t now = world_.mono_ms();
  std::vector<std::pair<ConnId, bool>> gone;  // with the words "ping timeout", or without
  for (auto& [id, conn] : conns_) {
    if (!conn.welcomed && conn.welcome_ms <= now) welcome(id, conn);
    if (now - conn.last_in_ms >= world_.scaled(kPingMs)) gone.emplace_back(id, true);
    else if (now - conn.opened_ms >= world_.scaled(kDayMs)) gone.emplace_back(id, false);
  }
  for (const auto& [id, no_ping] : gone) {
    if (no_ping) sink_.send(id, R"({"type":"error","code":400,"data":"ping timeout"})");
    conns_.erase(id);
    sink_.close(id, 1000, "Bye");
  }
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    const bool wanted =
        std::any_of(conns_.begin(), conns_.end(), [&](const auto& c) { return c.second.topics.count(it->first) != 0; });
    if (!wanted) {
      it = feeds_.erase(it);
      continue;
    }
    push_feed(it->first, it->second);
    ++it;
  }
}

/// Allotted when a position opens. The cycles end in another order, so that ids and closing times differ in theirs.
std::string KucoinSim::next_close_id(std::size_t account) {
  const std::int64_t shard = 5 - static_cast<std::int64_t>(account % 3);
  const std::int64_t number = kFirstCloseId + static_cast<std::int64_t>(account) * kAccountIds + (cycles_ ^ 1) * 7;
  return std::to_string(shard * kShardIds + number);
}

/// The cycle that this order ends: the one that is open, or one that was opened a while ago without being told.
KucoinCycle& KucoinSim::opened(const CloseOrder& order, const SymbolSpec& spec, std::vector<KucoinCycle>& ended) {
  const std::string side = !order.hedge ? "BOTH" : order.is_long ? "LONG" : "SHORT";
  const PositionKey key{order.account, spec.native, side};
  const std::int64_t now = order.closed_ms != 0 ? order.closed_ms : world_.wall_ms();
  if (const auto it = open_.find(key); it != open_.end()) {
    if (it->second.is_long == order.is_long) return it->second;
    // One-way mode holds one position: what a flip or a partial close has left open ends first.
    KucoinCycle left = it->second;
    left.close_ms = now;
    if (!left.bare) fit_prices(left, Decimal(std::abs(left.lots), 0) * Decimal::of(multiplier(spec)).abs(), {}, {}, spec);
    left.type = left.is_long ? "CLOSE_LONG" : "CLOSE_SHORT";
    ended.push_back(std::move(left));
    open_.erase(it);
  }
  KucoinCycle c;
  c.close_id = next_close_id(order.account);
  c.open_ms = now - (cycles_ % 2 == 0 ? 60'000 : 120'000) - cycles_ % 997;
  c.symbol = spec.native;
  c.settle = spec.settle;
  c.position_side = side;
  c.margin_mode = cycles_ % 2 == 0 ? "CROSS" : "ISOLATED";
  c.is_long = order.is_long;
  ++cycles_;
  const Decimal lots = Decimal::divide(order.size, Decimal::of(multiplier(spec)).abs(), 0);
  c.lots = std::max<std::int64_t>(1, std::stoll(lots.to_string())) * (order.is_long ? 1 : -1);
  if (!order.silent && !order.drop)
    push_private(order.account, "/contract/positionAll", "position.change", position(c, c.lots, true));
  return open_[key] = std::move(c);
}

/// Prices that fit the gross result; those that were asked for as they are.
void KucoinSim::fit_prices(KucoinCycle& c, const Decimal& size, const std::optional<Decimal>& exit_price,
                           const std::optional<Decimal>& entry_price, const SymbolSpec& spec) const {
  const Decimal exit = exit_price ? *exit_price : world_.market.price(spec, world_.wall_ms());
  const Decimal gross = c.pnl + c.fee - c.funding + c.tax, earned = c.is_long ? gross : -gross;
  const bool inverse = spec.product == Product::kInverse;
  const Decimal above = inverse ? exit * size : exit * size - earned;
  const Decimal below = inverse ? size + earned * exit : size;
  const bool sane = above.sign() > 0 && below.sign() > 0;
  c.close_price = exit;
  c.open_price = entry_price ? *entry_price : sane ? Decimal::divide(above, below, kPriceDecimals) : exit;
}

/// What the row will say: pnl is net, prices fit the gross result.
void KucoinSim::complete(KucoinCycle& c, const CloseOrder& order, const SymbolSpec& spec) {
  c.pnl = c.pnl + order.pnl;  // what partial reduces have earned already
  c.fee = c.fee + order.fee;
  c.size = order.size;
  c.close_ms = order.closed_ms != 0 ? order.closed_ms : world_.wall_ms();
  const char* const tail = c.is_long ? "_LONG" : "_SHORT";
  c.type = (order.liquidation ? "LIQUID" : order.adl ? "ADL" : "CLOSE") + std::string(tail);
  // Old rows and liquidations say less.
  c.bare = order.liquidation && cycles_ % 2 == 0;
  if (!c.bare) fit_prices(c, order.size, order.exit, order.entry, spec);
  std::int64_t delay = world_.scaled(history_ms_);
  if (random_delay_)
    delay = world_.scaled(kDelayMinMs + static_cast<std::int64_t>(world_.random.below(kDelayMaxMs - kDelayMinMs)));
  c.visible_ms = history_ms_ == 0 && !random_delay_ ? 0 : world_.wall_ms() + delay;
}

void KucoinSim::remember(std::size_t account, const KucoinCycle& cycle, bool rewrite) {
  std::deque<KucoinCycle>& rows = history_[account];
  const auto known =
      std::find_if(rows.begin(), rows.end(), [&](const KucoinCycle& old) { return old.close_id == cycle.close_id; });
  if (known == rows.end()) {
    Decimal& cash = wallets_[account][cycle.settle];
    cash = cash + cycle.pnl;
    rows.push_back(cycle);
  } else if (rewrite) {
    *known = cycle;
  }
}

/// The frames of the end of a cycle, between others that share the topic and end nothing.
void KucoinSim::say_close(const CloseOrder& order, const KucoinCycle& cycle) {
  static constexpr const char* kAll = "/contract/positionAll";
  push_private(order.account, kAll, "position.change",
               Obj()
                   .raw("markPrice", "7947.83")
                   .raw("markValue", "0.0025164")
                   .raw("maintMargin", "2.52044E-3")
                   .raw("realLeverage", "10.06")
                   .raw("unrealisedPnl", "-1.4735E-4")
                   .num("currentTimestamp", cycle.close_ms)
                   .str("settleCurrency", cycle.settle)
                   .str("changeReason", "markPriceChange")
                   .text());
  if (order.flip) {
    // One frame: the sign turns, the opening time moves, and nothing says that anything was closed.
    KucoinCycle next = cycle;
    next.close_id = next_close_id(order.account);
    ++cycles_;
    next.is_long = !cycle.is_long;
    next.lots = -cycle.lots;
    next.open_ms = cycle.close_ms;
    next.pnl = next.fee = Decimal();
    push_private(order.account, kAll, "position.change", position(next, next.lots, true));
    open_[{order.account, cycle.symbol, cycle.position_side}] = std::move(next);
  } else {
    push_private(order.account, kAll, "position.change", position(cycle, 0, false));
  }
  if (cycles_ % kSettlementEvery == 0) {
    push_private(order.account, kAll, "position.settlement",
                 Obj()
                     .num("fundingTime", cycle.close_ms)
                     .num("qty", 100)
                     .raw("markPrice", "3610.85")
                     .raw("fundingRate", "-0.002966")
                     .num("fundingFee", -296)
                     .raw("ts", std::to_string(cycle.close_ms) + "004923")
                     .str("settleCurrency", cycle.settle)
                     .text());
  }
  push_private(order.account, "/contractAccount/wallet", "walletBalance.change", wallet(order.account, cycle.settle));
}

std::optional<std::string> KucoinSim::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const SymbolSpec* s = find_symbol(order.symbol, "");
  if (s == nullptr) return "no contract '" + order.symbol + "'";
  const SimAccount& account = accounts_[order.account];
  const auto logged = [&](const KucoinCycle& c, bool is_close) {
    log.push_back({c.close_id, account.uid, account.name, s->canonical.empty() ? s->native : s->canonical,
                   c.is_long ? "long" : "short", c.settle, c.pnl, Decimal(), c.size, c.close_ms, is_close});
  };
  std::vector<KucoinCycle> ended;
  KucoinCycle cycle = opened(order, *s, ended);
  if (!order.id.empty()) cycle.close_id = order.id;
  const PositionKey key{order.account, s->native, cycle.position_side};
  if (order.partial) {  // no row: it belongs to the cycle's, which comes when the position is flat
    cycle.pnl = cycle.pnl + order.pnl;
    cycle.fee = cycle.fee + order.fee;
    cycle.close_ms = world_.wall_ms();
    const std::int64_t rest = std::max<std::int64_t>(1, std::abs(cycle.lots) / 2) * (cycle.is_long ? 1 : -1);
    if (!order.silent && !order.drop)
      push_private(order.account, "/contract/positionAll", "position.change", position(cycle, rest, true));
    open_[key] = cycle;
    logged(cycle, false);
    return std::nullopt;
  }
  complete(cycle, order, *s);
  open_.erase(key);
  logged(cycle, true);
  for (const KucoinCycle& left : ended) {
    remember(order.account, left, false);
    logged(left, true);
  }
  remember(order.account, cycle, order.rewrite);
  if (!order.silent && !order.drop) say_close(order, cycle);
  return std::nullopt;
}

void KucoinSim::rotate_tokens() {
  tokens_.clear();
  socket_path_ = socket_path_ == "/" ? "/endpoint" : "/";
}

std::optional<Json> KucoinSim::control(std::string_view command, const Json& a) {
  if (command == "visibility") {  // when history shows a row: a fixed delay, or the venue's own lag
    random_delay_ = flag_at(a, "random");
    history_ms_ = int_at(a, "history_ms", 0);
  } else if (command == "limits") {
    futures_limit_ = int_at(a, "futures", futures_limit_);
    public_limit_ = int_at(a, "public", public_limit_);
    span_max_ms_ = int_at(a, "span_ms", span_max_ms_);
  } else if (command == "welcome") {
    welcome_delay_ms_ = int_at(a, "delay_ms", 0);
    early_is_acked_ = text_at(a, "early") == "ack";
  } else if (command == "refusal") {  // how a dead token is refused: a frame, or the upgrade itself
    refuse_by_http_ = text_at(a, "by") == "http";
  } else if (command == "permissions") {  // whether reading futures needs the right to trade them
    strict_permissions_ = flag_at(a, "strict");
  } else if (command == "quiet") {
    const SymbolSpec* s = find_symbol(text_at(a, "symbol"), "");
    if (s == nullptr) return Json{{"ok", false}, {"error", "no such symbol"}};
    if (flag_at(a, "off")) quiet_.erase(s->native);
    else quiet_.insert(s->native);
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim
