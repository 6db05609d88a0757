#include "sim/htx.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

constexpr std::int64_t kPingMs = 5'000, kStrikesMax = 5, kDelayMaxMs = 5'000;
constexpr std::int64_t kFirstId = 1'600'000'000'000'000'123, kIdStep = 1'000;  // beyond 2^53, like the venue's own
constexpr int kPnlDecimals = 8, kPriceDecimals = 8;

HtxContract contract(const std::string& base, const Decimal& size, int decimals, std::int64_t tick) {
  HtxContract c;
  c.spec.native = base + "-USDT";
  c.spec.canonical = base + "USDT";
  c.spec.base = base;
  c.spec.quote = c.spec.settle = "USDT";
  c.spec.price_decimals = decimals;
  c.spec.tick_units = tick;
  c.spec.qty_decimals = 0;
  c.spec.market = "linear";
  c.spec.contract_type = "swap";
  c.size = size;
  return c;
}

std::int64_t whole(const Decimal& d) { return std::stoll(d.truncated(0).to_string()); }

}  // namespace

std::unique_ptr<SimVenue> make_htx(VenueContext context) { return std::make_unique<HtxSim>(context); }

HtxSim::HtxSim(VenueContext context) : world_(context.world), sink_(context.sink) {
  make_contracts();
  make_accounts();
}

void HtxSim::make_contracts() {
  contracts_ = {contract("BTC", Decimal(1, -3), 1, 1), contract("ETH", Decimal(1, -2), 2, 1),
                contract("SOL", Decimal(1, -1), 4, 1), contract("XRP", Decimal(10), 5, 1),
                contract("SHIB", Decimal(1000), 9, 1)};
  HtxContract suspended = contract("LUNA", Decimal(1), 4, 1);
  suspended.status = 3;
  contracts_.push_back(suspended);
  HtxContract dated = contract("BTC", Decimal(1, -3), 1, 1);
  dated.spec.native = "BTC-USDT-351228";
  dated.spec.canonical = "";
  dated.spec.contract_type = "quarter";
  dated.dated = true;
  contracts_.push_back(dated);
  static constexpr std::string_view kQuote = "USDT";
  for (const std::string& wanted : world_.options.symbols) {
    if (find_symbol(wanted, "") != nullptr || !wanted.ends_with(kQuote)) continue;
    contracts_.push_back(contract(wanted.substr(0, wanted.size() - kQuote.size()), Decimal(1, -1), 4, 1));
  }
}

void HtxSim::make_accounts() {
  static constexpr std::int64_t kFirstUid = 41'312'018;
  for (int i = 0; i < world_.options.accounts; ++i) {
    SimAccount account;
    account.name = "htx-" + std::to_string(i + 1);
    account.key = uuid(world_.random).substr(0, 27) + std::to_string(i + 1);
    account.secret = uuid(world_.random).substr(0, 32);
    account.uid = std::to_string(kFirstUid + 1000 * i);
    account.market = "linear";
    if (i == 0 && !world_.options.key.empty()) account.key = world_.options.key;
    if (i == 0 && !world_.options.secret.empty()) account.secret = world_.options.secret;
    accounts_.push_back(std::move(account));
    equity_.emplace_back(10'000);
  }
  orders_.resize(accounts_.size());
  positions_.resize(accounts_.size());
}

std::vector<SimVenue::Endpoint> HtxSim::endpoints() const {
  return {{"public", "/linear-swap-ws"}, {"private", "/ws/v5/notification"}, {"rest", ""}, {"spot", ""}};
}

const HtxContract* HtxSim::find_contract(std::string_view name) const {
  for (const HtxContract& c : contracts_)
    if (c.spec.native == name || (!c.spec.canonical.empty() && c.spec.canonical == name)) return &c;
  return nullptr;
}

const SymbolSpec* HtxSim::find_symbol(std::string_view name, std::string_view) const {
  const HtxContract* c = find_contract(name);
  return c == nullptr ? nullptr : &c->spec;
}

std::vector<std::string> HtxSim::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return {};
  return {it->second.topics.begin(), it->second.topics.end()};
}

std::string HtxSim::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  return it == conns_.end() ? "" : it->second.is_private ? "private" : "public";
}

void HtxSim::tick() {
  std::erase_if(feeds_, [&](const auto& feed) {
    return std::none_of(conns_.begin(), conns_.end(),
                        [&](const auto& c) { return !c.second.is_private && c.second.topics.count(feed.first) != 0; });
  });
  for (auto& [channel, feed] : feeds_) push_feed(channel, feed);
  const std::int64_t now = world_.mono_ms();
  std::vector<ConnId> dead;
  for (auto& [id, conn] : conns_) {
    if (now < conn.next_ping_ms) continue;
    if (conn.unanswered >= kStrikesMax) {
      dead.push_back(id);
      continue;
    }
    conn.next_ping_ms = now + world_.scaled(kPingMs);
    send_ping(id, conn);
  }
  for (const ConnId id : dead) {
    conns_.erase(id);
    sink_.close(id, 1000, "no pong");
  }
}

HtxOrder HtxSim::make_order(const CloseOrder& c, const HtxContract& contract, std::int64_t contracts) {
  const std::int64_t now = world_.wall_ms();
  HtxOrder o;
  o.contract = &contract;
  o.order_id = c.id.empty() ? std::to_string(kFirstId + kIdStep * ++next_number_) : c.id;
  o.query_id = std::to_string(kFirstId + kIdStep * ++next_number_ + 654);
  o.side = c.is_long ? "sell" : "buy";
  o.position_side = c.hedge ? (c.is_long ? "long" : "short") : "both";
  o.source = c.liquidation ? "risk" : c.adl ? "ADL" : "web";
  o.order_type = c.liquidation ? "3" : c.adl ? "22" : "1";
  o.margin_mode = shape_.margin_mode;
  o.reduce_only = !c.flip;
  o.price = c.exit ? *c.exit : world_.market.price(contract.spec, now);
  o.profit = c.pnl;
  o.fee = c.fee;
  // A flip closes the old position and opens the other way with one order.
  o.filled = c.flip ? contracts * 2 : contracts;
  o.canceled = shape_.cancel.empty() ? 0 : contracts;
  o.says_canceled = shape_.cancel == "said";
  o.volume = o.filled + o.canceled;
  o.state = o.canceled > 0 ? "partially_canceled" : "filled";
  o.updated_ms = c.closed_ms != 0 ? c.closed_ms : now;
  o.created_ms = o.updated_ms - shape_.age_ms;
  o.empty_times = shape_.empty_times;
  o.listed = !(c.liquidation && shape_.liquidation_in_details_only);
  const auto visible = [&](std::int64_t fixed_ms) {
    const auto lag = static_cast<std::int64_t>(world_.random.below(static_cast<std::uint64_t>(kDelayMaxMs)));
    return now + (random_delays_ ? world_.scaled(lag) : fixed_ms);
  };
  o.order_visible_ms = visible(order_delay_ms_);
  o.details_visible_ms = visible(details_delay_ms_);
  // The closing part in two executions where that is possible; what a flip opens is an execution without profit.
  const std::int64_t first = contracts > 1 ? contracts / 2 : contracts;
  Decimal profit_left = o.profit, fee_left = o.fee;
  const auto execution = [&](std::int64_t n, bool closing, bool last_closing, bool last) {
    HtxExecution e;
    e.id = std::to_string(90'000'000'000'000'001 + ++next_number_);
    e.trade_id = std::to_string(155'300'000 + closes_);  // several executions share one
    e.price = o.price;
    e.contracts = n;
    if (closing)
      e.profit = last_closing ? profit_left : Decimal::divide(o.profit * count(n), count(contracts), kPnlDecimals);
    e.fee = last ? fee_left : Decimal::divide(o.fee * count(n), count(o.filled), kPnlDecimals);
    profit_left = profit_left - e.profit;
    fee_left = fee_left - e.fee;
    o.executions.push_back(std::move(e));
  };
  execution(first, true, first == contracts, first == contracts && !c.flip);
  if (first < contracts) execution(contracts - first, true, true, !c.flip);
  if (c.flip) execution(contracts, false, false, true);
  return o;
}

void HtxSim::remember(std::size_t account, const HtxOrder& order, bool rewrite) {
  std::deque<HtxOrder>& rows = orders_[account];
  const auto known =
      std::find_if(rows.begin(), rows.end(), [&](const HtxOrder& old) { return old.order_id == order.order_id; });
  if (known == rows.end())
    rows.push_back(order);
  else if (rewrite)
    *known = order;
}

/// The position that the close reduces: opened long ago, as far as anybody can tell.
void HtxSim::open_before(const CloseOrder& c, const HtxOrder& o, std::int64_t contracts) {
  HtxPosition& p = positions_[c.account][{o.contract->spec.native, o.position_side}];
  const std::string direction = c.is_long ? "buy" : "sell";
  const std::int64_t rest = c.partial ? contracts : 0;
  const Decimal coins = count(contracts) * o.contract->size;
  const Decimal move = Decimal::divide(c.pnl, coins, kPriceDecimals);
  p.average = c.entry ? *c.entry : c.is_long ? o.price - move : o.price + move;
  p.direction = direction;
  p.contracts = contracts + rest;
  p.margin_mode = o.margin_mode;
  p.updated_ms = o.created_ms - 1'000;
  ++p.version;
}

/// What one match with several counterparties looks like: several pushes, early ones that say "filled", repeats.
void HtxSim::push_fills(std::size_t account, const HtxOrder& order) {
  const auto push = [&](const HtxOrder& o) {
    notify(account, "orders", o.contract->spec.native, "", order_row(o, false));
  };
  const auto at = [&](std::int64_t filled, const char* state) {
    HtxOrder o = order;
    o.filled = filled;
    o.canceled = 0;
    o.state = state;
    o.says_canceled = false;
    o.profit =
        filled == 0 ? Decimal() : Decimal::divide(order.profit * count(filled), count(order.filled), kPnlDecimals);
    o.fee = filled == 0 ? Decimal() : Decimal::divide(order.fee * count(filled), count(order.filled), kPnlDecimals);
    return o;
  };
  push(at(0, "new"));
  const std::int64_t some = order.filled / 2;
  if (some > 0) {
    push(at(some, "partially_filled"));
    push(at(some, order.state.c_str()));  // says that it is over, and is not
  }
  push(order);
  if (closes_ % 2 == 0) push(order);
  if (some > 0 && closes_ % 3 == 0) push(at(some, "partially_filled"));  // overtaken
  for (const HtxExecution& e : order.executions)
    notify(account, "trade", order.contract->spec.native, "",
           Arr()
               .raw(Obj()
                        .str("direction", order.side)
                        .str("position_side", order.position_side)
                        .str("id", e.trade_id + "-" + order.order_id + "-" + e.id)
                        .str("contract_code", order.contract->spec.native)
                        .str("contract_type", "swap")
                        .raw("order_id", id_text(order.order_id))
                        .str("trade_id", e.trade_id)
                        .str("trade_volume", std::to_string(e.contracts))
                        .str("trade_price", e.price.to_string())
                        .str("trade_turnover", (e.price * count(e.contracts) * order.contract->size).to_string())
                        .str("role", "taker")
                        .num("created_time", order.updated_ms)
                        .num("updated_time", order.updated_ms)
                        .text())
               .text());
}

void HtxSim::push_after(const CloseOrder& c, const HtxOrder& o, std::int64_t contracts) {
  const std::string& native = o.contract->spec.native;
  HtxPosition& p = positions_[c.account][{native, o.position_side}];
  p.contracts -= contracts;
  if (c.flip) {
    p.direction = o.side;
    p.contracts = contracts;
    p.average = o.price;
  }
  p.updated_ms = o.updated_ms;
  ++p.version;
  const std::string event = c.liquidation ? "liquidation" : c.adl ? "adl" : "filled";
  notify(c.account, "positions", native, event, positions(c.account, native));
  if (p.contracts == 0) positions_[c.account].erase({native, o.position_side});
  notify(c.account, "account", "", "filled", balance(c.account));
}

std::optional<std::string> HtxSim::close_position(const CloseOrder& c, std::vector<CloseLog>& log) {
  const HtxContract* contract = find_contract(c.symbol);
  if (contract == nullptr || contract->dated) return "no swap '" + c.symbol + "'";
  // The command's size is in coins, as everywhere; contracts are whole.
  const std::int64_t contracts = std::max<std::int64_t>(1, whole(Decimal::divide(c.size, contract->size, 0)));
  ++closes_;
  const HtxOrder order = make_order(c, *contract, contracts);
  const SimAccount& account = accounts_[c.account];
  CloseLog row{
      order.order_id, account.uid, account.name, contract->spec.canonical,          c.is_long ? "long" : "short",
      "USDT",         c.pnl,       c.fee,        count(contracts) * contract->size, order.updated_ms};
  // One-way, not reduce-only and exactly even: no field says that this closed something.
  row.is_close = !(c.flip && c.pnl.is_zero());
  log.push_back(row);
  equity_[c.account] = equity_[c.account] + c.pnl - c.fee;
  remember(c.account, order, c.rewrite);
  if (c.silent || c.drop) return std::nullopt;
  open_before(c, order, contracts);
  notify(c.account, "positions", contract->spec.native, "filled", positions(c.account, contract->spec.native));
  if (order.listed) push_fills(c.account, order);
  push_after(c, order, contracts);
  return std::nullopt;
}

std::optional<Json> HtxSim::control(std::string_view command, const Json& a) {
  if (command == "orders") {
    shape_ = {};
    shape_.numeric_ids = flag_at(a, "numeric_ids");
    shape_.empty_times = flag_at(a, "empty_times");
    shape_.liquidation_in_details_only = text_at(a, "liquidation") == "details";
    shape_.cancel = text_at(a, "cancel");
    shape_.margin_mode = text_at(a, "margin_mode", "cross");
    shape_.age_ms = int_at(a, "age_ms", shape_.age_ms);
  } else if (command == "visibility") {
    random_delays_ = flag_at(a, "random");
    order_delay_ms_ = int_at(a, "order_ms", 0);
    details_delay_ms_ = int_at(a, "details_ms", 0);
  } else if (command == "settlement") {  // orders and funds cannot be read for so long
    settling_until_ms_ = world_.mono_ms() + int_at(a, "ms", 60'000);
  } else if (command == "limits") {
    read_limit_ = int_at(a, "read", read_limit_);
  } else if (command == "asset-mode") {
    multi_asset_ = flag_at(a, "multi");
  } else if (command == "plain") {
    plain_ = !flag_at(a, "off");
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim
