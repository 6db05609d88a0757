#include "sim/bybit.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleScanMs = 30'000;  ///< the venue looks for idle sockets that often
constexpr std::int64_t kListDelayMaxMs = 3'000, kLogDelayMaxMs = 60'000;
constexpr int kEntryDecimals = 8;

SymbolSpec spec(std::string native, std::string canonical, std::string base, std::string quote,
                std::string settle, std::string market, int price_decimals, std::int64_t tick,
                int qty_decimals) {
  SymbolSpec s;
  s.product = market == "spot" ? Product::kSpot : market == "inverse" ? Product::kInverse : Product::kLinear;
  s.contract_type = market == "inverse" ? "InversePerpetual" : "LinearPerpetual";
  s.native = std::move(native);
  s.canonical = std::move(canonical);
  s.base = std::move(base);
  s.quote = std::move(quote);
  s.settle = std::move(settle);
  s.market = std::move(market);
  s.price_decimals = price_decimals;
  s.tick_units = tick;
  s.qty_decimals = qty_decimals;
  return s;
}

}  // namespace

std::unique_ptr<SimVenue> make_bybit(VenueContext context) { return std::make_unique<BybitSim>(context); }

BybitSim::BybitSim(VenueContext context) : world_(context.world), sink_(context.sink) {
  make_symbols();
  make_accounts();
}

void BybitSim::make_symbols() {
  symbols_ = {
      spec("BTCUSDT", "BTCUSDT", "BTC", "USDT", "USDT", "linear", 2, 10, 3),
      spec("ETHUSDT", "ETHUSDT", "ETH", "USDT", "USDT", "linear", 2, 1, 2),
      spec("SOLUSDT", "SOLUSDT", "SOL", "USDT", "USDT", "linear", 3, 10, 1),
      spec("XRPUSDT", "XRPUSDT", "XRP", "USDT", "USDT", "linear", 4, 1, 0),
      spec("1000PEPEUSDT", "", "1000PEPE", "USDT", "USDT", "linear", 7, 1, 0),
      spec("BTCPERP", "BTCUSDC", "BTC", "USDC", "USDC", "linear", 1, 1, 3),
      spec("BTCUSD", "BTCUSD", "BTC", "USD", "BTC", "inverse", 2, 10, 0),
      spec("ETHUSD", "ETHUSD", "ETH", "USD", "ETH", "inverse", 2, 1, 0),
      spec("BTCUSDT", "BTCUSDT", "BTC", "USDT", "", "spot", 2, 1, 6),
      spec("ETHUSDT", "ETHUSDT", "ETH", "USDT", "", "spot", 2, 1, 5),
      spec("USDCUSDT", "USDCUSDT", "USDC", "USDT", "", "spot", 4, 1, 2),
  };
  for (const std::string& wanted : world_.options.symbols) {
    static constexpr std::string_view kQuote = "USDT";
    if (find_symbol(wanted, "") != nullptr || !wanted.ends_with(kQuote)) continue;
    const std::string base = wanted.substr(0, wanted.size() - kQuote.size());
    symbols_.push_back(spec(wanted, wanted, base, "USDT", "USDT", "linear", 4, 1, 1));
    symbols_.push_back(spec(wanted, wanted, base, "USDT", "", "spot", 4, 1, 2));
  }
}

void BybitSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 1'448'939;
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "bybit-" + std::to_string(i + 1);
    account.key = "simKey" + std::to_string(i + 1) + uuid(world_.random).substr(0, 8);
    account.secret = uuid(world_.random) + uuid(world_.random);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "linear";
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    accounts_.push_back(std::move(account));
    wallets_.push_back(
        {{{"USDT", Decimal(10000)}, {"USDC", Decimal(500)}, {"BTC", Decimal(1)}, {"ETH", Decimal(5)}}});
  }
  fills_.resize(accounts_.size());
}

std::vector<SimVenue::Endpoint> BybitSim::endpoints() const {
  return {{"public.linear", "/v5/public/linear"},
          {"public.inverse", "/v5/public/inverse"},
          {"public.spot", "/v5/public/spot"},
          {"private", "/v5/private"},
          {"rest", ""}};
}

const SymbolSpec* BybitSim::find_symbol(std::string_view name, std::string_view market) const {
  for (const SymbolSpec& s : symbols_) {
    if ((s.native == name || (!s.canonical.empty() && s.canonical == name)) &&
        (market.empty() || s.market == market))
      return &s;
  }
  return nullptr;
}

std::vector<std::string> BybitSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return {};
  return {it->second.topics.begin(), it->second.topics.end()};
}

std::string BybitSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return it->second.kind == "private" ? "private" : "public." + it->second.kind;
}

void BybitSim::tick() {
  for (auto it = feeds_.begin(); it != feeds_.end();) {
    const auto& [category, topic] = it->first;
    const bool wanted = std::any_of(conns_.begin(), conns_.end(), [&](const auto& c) {
      return c.second.kind == category && c.second.topics.count(topic) != 0;
    });
    if (!wanted) {
      it = feeds_.erase(it);
      continue;
    }
    push_feed(category, topic, it->second);
    ++it;
  }
  const std::int64_t now = world_.mono_ms(), scan = world_.scaled(kIdleScanMs);
  std::vector<ConnId> idle;
  for (const auto& [id, conn] : conns_) {
    // The scan runs on a grid: an idle socket lives up to one scan longer than its limit.
    if (now / scan * scan - conn.last_ping_ms > conn.idle_max_ms) idle.push_back(id);
  }
  for (const ConnId id : idle) {
    conns_.erase(id);
    sink_.close(id, 1000, "idle");
  }
}

void BybitSim::queue_noise(std::size_t account, const BybitFill& close) {
  // What shares the stream with closes and is none: a funding report and a spot trade.
  if (closes_ % 5 == 2 && !close.spot) {
    BybitFill funding = close;
    funding.order_id = std::to_string(close.exec_ms / 1000) + "-8-592324-1-2";
    funding.exec_id = uuid(world_.random);
    funding.exec_type = "Funding";
    funding.log_type = "SETTLEMENT";
    funding.closed = funding.pnl = funding.leaves = Decimal();
    funding.fee = Decimal(479, -2);
    funding.pnl_absent = false;
    funding.seq = ++next_seq_;
    fills_[account].push_back(funding);
    push_fills(account, {funding}, false);
  }
  if (closes_ % 7 == 3) {
    BybitFill spot = close;
    spot.category = "spot";
    spot.symbol = "BTCUSDT";
    spot.spot = true;
    spot.order_id = std::to_string(1'552'132'392'821'724'672 + closes_);
    spot.exec_id = std::to_string(2'100'000'000'047'469'164 + closes_);
    spot.exec_type = "Trade";
    spot.log_type = "TRADE";
    spot.qty = Decimal(306, -6);
    spot.pnl = spot.closed = Decimal();
    spot.seq = ++next_seq_;
    fills_[account].push_back(spot);
    push_fills(account, {spot}, false);
  }
}

BybitFill BybitSim::make_fill(const CloseOrder& order, const SymbolSpec& spec, const Decimal& fee,
                              const Decimal& closed, const Decimal& pnl) {
  const std::int64_t now = world_.wall_ms();
  BybitFill f;
  f.category = spec.market;
  f.symbol = spec.native;
  f.exec_id = uuid(world_.random);
  f.side = order.is_long ? "Sell" : "Buy";
  f.exec_type = order.liquidation ? "BustTrade" : order.adl ? "AdlTrade" : "Trade";
  f.log_type = order.liquidation ? "LIQUIDATION" : order.adl ? "ADL" : "TRADE";
  f.fee_currency = spec.product == Product::kInverse ? spec.base : spec.settle;
  f.closed = closed;
  f.pnl = pnl;
  // A flip closes the old position and opens the other way in one fill: the fee covers both halves.
  f.qty = order.flip ? closed * Decimal(2) : closed;
  f.fee = order.flip ? fee * Decimal(2) : fee;
  f.exec_ms = order.closed_ms != 0 ? order.closed_ms : now;
  f.seq = ++next_seq_;
  const auto visible = [&](std::int64_t fixed_ms, std::int64_t max_ms) {
    if (!random_delays_) return now + fixed_ms;
    return now +
           world_.scaled(static_cast<std::int64_t>(world_.random.below(static_cast<std::uint64_t>(max_ms))));
  };
  f.list_visible_ms = visible(list_delay_ms_, kListDelayMaxMs);
  f.log_visible_ms = visible(log_delay_ms_, kLogDelayMaxMs);
  Decimal& cash = wallets_[order.account].coins[f.fee_currency];
  cash = cash + f.pnl - f.fee;
  f.cash_balance = cash;
  return f;
}

void BybitSim::remember(std::size_t account, const BybitFill& fill, bool rewrite) {
  std::deque<BybitFill>& rows = fills_[account];
  const auto known = std::find_if(rows.begin(), rows.end(), [&](const BybitFill& old) {
    return old.order_id == fill.order_id && old.exec_id == fill.exec_id;
  });
  if (known == rows.end()) rows.push_back(fill);
  if (known != rows.end() && rewrite) *known = fill;
}

std::optional<std::string> BybitSim::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const SymbolSpec* s = find_symbol(order.symbol, "linear");
  if (s == nullptr) s = find_symbol(order.symbol, "inverse");
  if (s == nullptr) return "no contract '" + order.symbol + "'";
  const Decimal exit = order.exit ? *order.exit : world_.market.price(*s, world_.wall_ms());
  const std::size_t colon = order.id.find(':');
  const std::string order_id = order.id.empty() ? uuid(world_.random) : order.id.substr(0, colon);
  const SimAccount& account = accounts_[order.account];
  const Decimal count(order.fills);
  const Decimal share = Decimal::divide(order.size, count, s->qty_decimals);
  if (order.fills > 1 && (share.sign() <= 0 || share * (count - Decimal(1)) >= order.size)) {
    return "size is too small for so many fills";
  }
  ++closes_;
  std::vector<BybitFill> fills;
  Decimal size_left = order.size, pnl_left = order.pnl, fee_left = order.fee;
  for (int i = 0; i < order.fills; ++i) {
    const bool last = i + 1 == order.fills;  // the last fill takes what division left over
    const Decimal closed = last ? size_left : share;
    const Decimal pnl = last ? pnl_left : Decimal::divide(order.pnl, count, kEntryDecimals);
    const Decimal fee = last ? fee_left : Decimal::divide(order.fee, count, kEntryDecimals);
    size_left = size_left - closed;
    pnl_left = pnl_left - pnl;
    fee_left = fee_left - fee;
    BybitFill f = make_fill(order, *s, fee, closed, pnl);
    f.price = exit;
    f.order_id = order_id;
    if (!order.id.empty() && i == 0)
      f.exec_id = colon == std::string::npos ? order.id : order.id.substr(colon + 1);
    f.leaves = size_left;
    log.push_back({f.order_id + ":" + f.exec_id, account.uid, account.name,
                   s->canonical.empty() ? s->native : s->canonical, order.is_long ? "long" : "short",
                   f.fee_currency, pnl, fee, closed, f.exec_ms});
    fills.push_back(std::move(f));
  }
  for (const BybitFill& f : fills) remember(order.account, f, order.rewrite);
  if (order.silent || order.drop) return std::nullopt;
  push_fills(order.account, fills, order.missing_pnl);
  push_private(order.account, "wallet", "", wallet(order.account));
  queue_noise(order.account, fills.front());
  return std::nullopt;
}

std::optional<Json> BybitSim::control(std::string_view command, const Json& a) {
  if (command == "restart") {  // the service restarts: the next books start again at u = 1
    for (auto& [key, feed] : feeds_) feed.restart = true;
  } else if (command == "visibility") {  // when REST shows a fill: fixed delays, or the venue's own lag
    random_delays_ = flag_at(a, "random");
    list_delay_ms_ = int_at(a, "executions_ms", 0);
    log_delay_ms_ = int_at(a, "log_ms", 0);
  } else if (command == "limits") {
    per_uid_limit_ = int_at(a, "per_uid", per_uid_limit_);
    log_limit_ = int_at(a, "log", log_limit_);
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim
