#include "sim/kraken_spot.hpp"

#include <algorithm>

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleMs = 60'000, kHeartbeatMs = 1'000;
constexpr std::int64_t kLateMs =
    300;  ///< the second of ledger row and execution comes that much later, now and then

}  // namespace

std::string kraken_asset(const std::string& code) {
  static constexpr std::pair<std::string_view, std::string_view> kLegacy[] = {
      {"BTC", "XXBT"}, {"ETH", "XETH"}, {"XRP", "XXRP"}, {"DOGE", "XXDG"},
      {"LTC", "XLTC"}, {"USD", "ZUSD"}, {"EUR", "ZEUR"}};
  for (const auto& [canonical, asset] : kLegacy) {
    if (code == canonical) return std::string(asset);
  }
  return code;
}

std::uint32_t kraken_checksum(const Ladder& book, std::int64_t price_factor) {
  static constexpr std::size_t kLevels = 10;
  std::string digits;  // an integer count of units has neither point nor leading zeros
  for (const std::vector<Level>* side : {&book.asks, &book.bids}) {
    for (std::size_t i = 0; i < std::min(kLevels, side->size()); ++i) {
      digits += std::to_string((*side)[i].price * price_factor) + std::to_string((*side)[i].qty);
    }
  }
  return crc32(digits);
}

KrakenSpot::KrakenSpot(VenueContext context, std::vector<SimAccount>& accounts)
    : world_(context.world), sink_(context.sink), accounts_(accounts), books_(accounts.size()) {
  for (Book& book : books_) {
    book.balances = {
        {"ZUSD", Decimal(10000)}, {"XXBT", Decimal(1)}, {"XETH", Decimal(5)}, {"USDT", Decimal(2000)}};
  }
  make_pairs();
}

void KrakenSpot::make_pairs() {
  const auto add = [this](const std::string& base, const std::string& quote, int decimals,
                          std::int64_t qty_step) {
    Pair pair;
    SymbolSpec& s = pair.spec;
    s.native = base + "/" + quote;
    s.canonical = base + quote;
    s.base = base;
    s.quote = quote;
    s.product = Product::kSpot;
    s.price_decimals = decimals;
    s.qty_decimals = 8;
    s.qty_units = qty_step;
    s.market = "spot";
    const auto old_code = [](const std::string& code) {
      return code == "BTC" ? "XBT" : code == "DOGE" ? "XDG" : code;
    };
    pair.wsname = old_code(base) + "/" + old_code(quote);
    pair.altname = old_code(base) + old_code(quote);
    pair.base_asset = kraken_asset(base);
    pair.quote_asset = kraken_asset(quote);
    // Old pairs have prefixed keys where both halves are old codes; USDT/USD is a known oddity.
    const bool old = pair.base_asset != base && pair.quote_asset != quote && base != "DOGE";
    pair.key = old ? pair.base_asset + pair.quote_asset : base == "USDT" ? "USDTZUSD" : pair.altname;
    pairs_.push_back(std::move(pair));
  };
  add("BTC", "USD", 1, 100'000);
  add("ETH", "USD", 2, 1'000'000);
  add("BTC", "USDT", 1, 100'000);
  add("ETH", "USDT", 2, 1'000'000);
  add("SOL", "USD", 2, 10'000'000);
  add("XRP", "USD", 5, 100'000'000);
  add("DOGE", "USD", 7, 100'000'000);
  add("ADA", "USD", 6, 100'000'000);
  add("USDT", "USD", 5, 100'000'000);
  add("USDC", "USD", 4, 100'000'000);
  add("BTC", "EUR", 1, 100'000);
  add("ETH", "EUR", 2, 1'000'000);
  for (const std::string& wanted : world_.options.symbols) {
    for (const std::string quote : {"USDT", "USDC", "USD", "EUR"}) {
      if (find_symbol(wanted) != nullptr || !wanted.ends_with(quote) || wanted.size() == quote.size())
        continue;
      add(wanted.substr(0, wanted.size() - quote.size()), quote, 4, 10'000'000);
    }
  }
}

const KrakenSpot::Pair* KrakenSpot::find_pair(std::string_view any_name) const {
  for (const Pair& p : pairs_) {
    if (p.key == any_name || p.altname == any_name || p.wsname == any_name || p.spec.native == any_name ||
        p.spec.canonical == any_name)
      return &p;
  }
  return nullptr;
}

const SymbolSpec* KrakenSpot::find_symbol(std::string_view name) const {
  const Pair* pair = find_pair(name);
  return pair == nullptr ? nullptr : &pair->spec;
}

std::optional<std::vector<std::string>> KrakenSpot::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return std::nullopt;
  std::vector<std::string> list(it->second.own_topics.begin(), it->second.own_topics.end());
  for (const auto& [name, sub] : it->second.subs) list.push_back(name);
  return list;
}

std::string KrakenSpot::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return std::string("spot.") + (it->second.is_private ? "private" : "public") + (it->second.v1 ? ".v1" : "");
}

void KrakenSpot::tick() {
  const std::int64_t now = world_.mono_ms();
  while (!pending_.empty() && pending_.front().due_ms <= now) {
    const Pending next = std::move(pending_.front());
    pending_.pop_front();
    push_private(next.account, next.topic, next.body);
  }
  std::vector<ConnId> dead;
  for (auto& [id, conn] : conns_) {
    for (auto& [name, sub] : conn.subs) push_sub(id, conn, sub, false);
    const std::int64_t idle = world_.scaled(kIdleMs);
    const bool useless = conn.is_private ? conn.own_topics.empty() && now - conn.opened_ms > idle
                                         : conn.subs.empty() && now - conn.last_in_ms > idle;
    if (useless)
      dead.push_back(id);
    else if (conn.subscribed_once && now - conn.last_out_ms >= world_.scaled(kHeartbeatMs)) {
      send(id, conn, conn.v1 ? R"({"event":"heartbeat"})" : R"({"channel":"heartbeat"})");
    }
  }
  for (const ConnId id : dead) {
    conns_.erase(id);
    sink_.close(id, 1000, "idle");
  }
}

KrakenSpot::LedgerRow KrakenSpot::make_row(std::size_t account, const std::string& type,
                                           const std::string& category, const std::string& asset,
                                           const Decimal& amount, const Decimal& fee,
                                           const std::string& refid, std::int64_t time_us) {
  LedgerRow row;
  row.id = grouped_id(world_.random, 'L', {6, 5, 6});
  row.refid = refid;
  row.type = type;
  row.category = category;
  row.asset = asset;
  row.amount = amount;
  row.fee = fee;
  row.time_us = time_us;
  Decimal& balance = books_[account].balances[asset];
  balance = balance + amount - fee;
  row.balance = balance;
  return row;
}

void KrakenSpot::push_ledger(std::size_t account, const LedgerRow& row, std::int64_t delay_ms) {
  std::string asset = row.asset;
  for (const Pair& p : pairs_) {
    if (p.base_asset == row.asset) asset = p.spec.base;
    if (p.quote_asset == row.asset) asset = p.spec.quote;
  }
  const std::string body = Obj()
                               .str("ledger_id", row.id)
                               .str("ref_id", row.refid)
                               .str("timestamp", iso_us(row.time_us))
                               .str("type", row.type)
                               .str("asset", asset)
                               .str("asset_class", "currency")
                               .str("category", row.category)
                               .str("wallet_type", "spot")
                               .str("wallet_id", "main")
                               .raw("amount", double_text(row.amount))
                               .raw("fee", double_text(row.fee))
                               .raw("balance", double_text(row.balance))
                               .text();
  if (delay_ms > 0)
    pending_.push_back({world_.mono_ms() + delay_ms, account, "balances", body});
  else
    push_private(account, "balances", body);
}

void KrakenSpot::push_trade(std::size_t account, const Trade& t, std::int64_t delay_ms) {
  const std::string v2 =
      Obj()
          .str("order_id", t.order_id)
          .str("exec_id", t.id)
          .str("exec_type", "trade")
          .num("trade_id", t.trade_id)
          .str("symbol", t.pair->spec.native)
          .str("side", t.type)
          .raw("last_qty", double_text(t.volume))
          .raw("last_price", double_text(t.price))
          .str("liquidity_ind", "t")
          .raw("cost", double_text(t.cost))
          .str("order_type", "market")
          .str("timestamp", iso_us(t.time_us))
          .str("order_status", "filled")
          .raw("cum_qty", double_text(t.volume))
          .raw("cum_cost", double_text(t.cost))
          .raw("avg_price", double_text(t.price))
          .raw("fee_usd_equiv", double_text(t.fee))
          .flag("margin", true)
          .flag("margin_borrow", true)
          .str("position_status", t.closing ? "closed" : "opened")
          .raw("fees",
               Arr().raw(Obj().str("asset", t.pair->spec.quote).raw("qty", double_text(t.fee)).text()).text())
          .text();
  const std::string v1 = Obj().raw(t.id, trade_json(t, true)).text();
  for (const auto& [topic, body] : {std::pair{"executions", v2}, std::pair{"ownTrades", v1}}) {
    if (delay_ms > 0)
      pending_.push_back({world_.mono_ms() + delay_ms, account, topic, body});
    else
      push_private(account, topic, body);
  }
}

KrakenSpot::Trade KrakenSpot::closing_trade(const CloseOrder& order, const Pair& pair, std::int64_t when_us) {
  Trade trade;
  trade.id = grouped_id(world_.random, 'T', {6, 5, 6});
  trade.order_id = grouped_id(world_.random, 'O', {6, 5, 6});
  trade.position_id = grouped_id(world_.random, 'T', {6, 5, 6});
  trade.pair = &pair;
  trade.type = order.is_long ? "sell" : "buy";
  trade.misc = "closing";
  trade.closing = true;
  trade.price = order.exit ? *order.exit : world_.market.price(pair.spec, world_.wall_ms());
  trade.volume = order.size;
  trade.cost = trade.price * trade.volume;
  trade.fee = order.fee;
  trade.time_us = when_us - 57;  // the trade is a little older than its ledger row
  trade.trade_id = ++next_trade_;
  return trade;
}

/// What stands between closes in a real ledger: the opening row (a fee, amount 0) and financing.
std::vector<KrakenSpot::LedgerRow> KrakenSpot::rows_before(const CloseOrder& order, const Trade& closing,
                                                           const std::string& asset) {
  std::vector<LedgerRow> rows;
  const std::int64_t when_us = closing.time_us;
  if (closes_ % 2 == 0) {
    Trade opening = closing;
    opening.id = closing.position_id;
    opening.order_id = grouped_id(world_.random, 'O', {6, 5, 6});
    opening.type = order.is_long ? "buy" : "sell";
    opening.misc = "";
    opening.closing = false;
    opening.time_us = when_us - 1'000'000;
    opening.fee = Decimal(1, -1);
    opening.trade_id = ++next_trade_;
    books_[order.account].trades.push_back(opening);
    rows.push_back(make_row(order.account, "margin", "margin-trade", asset, Decimal(), opening.fee,
                            opening.id, opening.time_us));
    if (!order.silent && !order.drop) push_trade(order.account, opening, 0);
  }
  if (closes_ % 3 == 0) {
    rows.push_back(make_row(order.account, "rollover", "marginrollover", asset, Decimal(), Decimal(2, -1),
                            closing.position_id, when_us - 500'000));
  }
  return rows;
}

std::optional<std::string> KrakenSpot::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const Pair* pair = find_pair(order.symbol);
  if (pair == nullptr) return "no pair '" + order.symbol + "'";
  static constexpr std::string_view kPrefix = "km:";
  const std::string wanted = order.id.starts_with(kPrefix) ? order.id.substr(kPrefix.size()) : order.id;
  const std::int64_t when_us = (order.closed_ms != 0 ? order.closed_ms : world_.wall_ms()) * 1000 + 456;
  const std::string currency = order.currency.empty() ? pair->spec.quote : order.currency;
  const std::string asset = kraken_asset(currency);
  const SimAccount& account = accounts_[order.account];
  Book& book = books_[order.account];
  const auto note = [&](const LedgerRow& row, const std::string& code) {
    log.push_back({"km:" + row.id, account.uid, account.name, pair->spec.canonical,
                   order.is_long ? "long" : "short", code, row.amount, row.fee, order.size,
                   row.time_us / 1000, !row.amount.is_zero()});
  };

  const auto known = std::find_if(book.ledger.begin(), book.ledger.end(),
                                  [&](const LedgerRow& row) { return !wanted.empty() && row.id == wanted; });
  Trade trade = closing_trade(order, *pair, when_us);
  std::vector<LedgerRow> rows;
  ++closes_;
  if (known != book.ledger.end()) {  // told again: the stream repeats the row with these figures
    LedgerRow row = *known;
    row.amount = order.pnl;
    row.fee = order.fee;
    trade.id = row.refid;
    if (order.rewrite) *known = row;
    rows.push_back(row);
    note(row, currency);
  } else {
    rows = rows_before(order, trade, asset);
    rows.push_back(
        make_row(order.account, "margin", "margin-trade", asset, order.pnl, order.fee, trade.id, when_us));
    if (!wanted.empty()) rows.back().id = wanted;
    note(rows.back(), currency);
    if (order.liquidation) {  // a second currency under the same refid: a close of its own
      rows.push_back(make_row(order.account, "margin", "margin-trade", pair->base_asset, Decimal(-1, -5),
                              Decimal(), trade.id, when_us + 1));
      note(rows.back(), pair->spec.base);
    }
    book.trades.push_back(trade);
    book.ledger.insert(book.ledger.end(), rows.begin(), rows.end());
  }
  stream_close(order, trade, rows);
  return std::nullopt;
}

void KrakenSpot::stream_close(const CloseOrder& order, const Trade& trade,
                              const std::vector<LedgerRow>& rows) {
  if (order.silent || order.drop) {  // what was lost on the way leaves a gap in the sequence
    for (auto& [id, conn] : conns_) {
      const bool listens =
          conn.account == static_cast<int>(order.account) && conn.own_topics.count("balances") != 0;
      if (listens) ++conn.sequences["balances"];
    }
    return;
  }
  // Both orders occur, and the second frame can be late.
  const bool row_first = closes_ % 2 == 1;
  const std::int64_t late = closes_ % 3 == 0 ? world_.scaled(kLateMs) : 0;
  if (!row_first) push_trade(order.account, trade, 0);
  for (const LedgerRow& one : rows) push_ledger(order.account, one, row_first ? 0 : late);
  if (row_first) push_trade(order.account, trade, late);
}

std::optional<Json> KrakenSpot::control(std::string_view command, const Json& a) {
  if (command == "status") {  // maintenance, cancel_only, post_only, online
    status_ = text_at(a, "system", "online");
    for (auto& [id, conn] : conns_) {
      send(id, conn,
           conn.v1 ? Obj()
                         .raw("connectionID", "8628615390848610000")
                         .str("event", "systemStatus")
                         .str("status", status_)
                         .str("version", "1.9.1")
                         .text()
                   : Obj()
                         .str("channel", "status")
                         .str("type", "update")
                         .raw("data", Arr()
                                          .raw(Obj()
                                                   .str("api_version", "v2")
                                                   .raw("connection_id", "13834774380200032777")
                                                   .str("system", status_)
                                                   .str("version", "2.0.0")
                                                   .text())
                                          .text())
                         .text());
    }
  } else if (command == "limits") {
    counter_max_ = int_at(a, "counter", counter_max_);
  } else if (command == "visibility") {
    ledger_delay_ms_ = int_at(a, "ledger_ms", 0);
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim
