#include "sim/kraken_futures.hpp"

#include <algorithm>
#include <cctype>

namespace anduin::sim {
namespace {

constexpr std::int64_t kIdleMs = 60'000;  ///< without a ping or a message
constexpr int kEntryDecimals = 10;
constexpr std::int64_t kSecondRowMs = 300;     ///< so late the second row of a pair comes, now and then
constexpr std::int64_t kOpenedBeforeMs = 500;  ///< the opening execution written before a close

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

SymbolSpec contract(std::string native, std::string canonical, std::string base, bool inverse, int decimals,
                    std::int64_t tick, int qty_decimals) {
  SymbolSpec s;
  s.native = std::move(native);
  s.canonical = std::move(canonical);
  s.base = std::move(base);
  s.quote = "USD";
  s.settle = inverse ? s.base : "USD";
  s.product = inverse ? Product::kInverse : Product::kLinear;
  s.contract_type = inverse ? "futures_inverse" : "flexible_futures";
  s.price_decimals = decimals;
  s.tick_units = tick;
  s.qty_decimals = qty_decimals;
  s.market = "futures";
  return s;
}

}  // namespace

KrakenFutures::KrakenFutures(VenueContext context, std::vector<SimAccount>& accounts)
    : world_(context.world), sink_(context.sink), accounts_(accounts), ledgers_(accounts.size()) {
  for (Ledger& ledger : ledgers_)
    ledger.cash = {{"usd", Decimal(10000)}, {"xbt", Decimal(1)}, {"eth", Decimal(5)}};
  make_symbols();
}

void KrakenFutures::make_symbols() {
  symbols_ = {contract("PF_XBTUSD", "BTCUSD", "BTC", false, 0, 1, 4),
              contract("PF_ETHUSD", "ETHUSD", "ETH", false, 1, 1, 3),
              contract("PF_SOLUSD", "SOLUSD", "SOL", false, 2, 1, 2),
              contract("PF_XRPUSD", "XRPUSD", "XRP", false, 4, 1, 0),
              contract("PF_AAPLxUSD", "", "AAPLx", false, 2, 1, 2),
              contract("PI_XBTUSD", "", "BTC", true, 1, 5, 0),
              contract("PI_ETHUSD", "", "ETH", true, 2, 5, 0),
              contract("PI_XRPUSD", "", "XRP", true, 4, 1, 0),
              contract("PI_LTCUSD", "", "LTC", true, 2, 1, 0),
              contract("FI_XBTUSD_271231", "", "BTC", true, 1, 5, 0)};
  for (const std::string& wanted : world_.options.symbols) {
    if (find_symbol(wanted) != nullptr || !wanted.ends_with("USD")) continue;
    const std::string base = wanted.substr(0, wanted.size() - 3);
    symbols_.push_back(contract("PF_" + base + "USD", wanted, base, false, 4, 1, 1));
  }
}

const SymbolSpec* KrakenFutures::find_symbol(std::string_view name) const {
  const std::string wanted = lower(std::string(name));
  for (const SymbolSpec& s : symbols_) {
    if (lower(s.native) == wanted || (!s.canonical.empty() && lower(s.canonical) == wanted)) return &s;
  }
  return nullptr;
}

std::optional<std::vector<std::string>> KrakenFutures::topics(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return std::nullopt;
  return std::vector<std::string>(it->second.topics.begin(), it->second.topics.end());
}

std::string KrakenFutures::endpoint_of(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end()) return "";
  return it->second.is_private || it->second.account >= 0 ? "futures.private" : "futures.public";
}

void KrakenFutures::tick() {
  for (auto& [product, book] : books_) push_book(book);
  const std::int64_t now = world_.mono_ms();
  while (!pending_.empty() && pending_.front().due_ms <= now) {
    const Pending next = std::move(pending_.front());
    pending_.pop_front();
    push(next.account, next.feed, next.frame);
  }
  if (now - last_second_ms_ >=
      world_.scaled(1000)) {  // ticker and ticker_lite are throttled to one per second
    last_second_ms_ = now;
    for (const auto& [id, conn] : conns_) {
      for (const std::string& topic : conn.topics) {
        const std::size_t colon = topic.find(':');
        const SymbolSpec* spec = colon == std::string::npos ? nullptr : find_symbol(topic.substr(colon + 1));
        if (topic == "heartbeat")
          sink_.send(id, Obj().str("feed", "heartbeat").num("time", world_.wall_ms()).text());
        else if (spec != nullptr && topic.starts_with("ticker"))
          sink_.send(id, ticker(*spec, topic.starts_with("ticker_lite")));
      }
    }
  }
  std::vector<ConnId> idle;
  for (const auto& [id, conn] : conns_) {
    if (now - conn.last_active_ms > world_.scaled(kIdleMs) && conn.topics.count("heartbeat") == 0)
      idle.push_back(id);
  }
  for (const ConnId id : idle) {
    conns_.erase(id);
    sink_.close(id, 1000, "no ping for 60 s");
  }
}

void KrakenFutures::add_funding(std::size_t account, const SymbolSpec& spec, std::int64_t date_ms,
                                bool stream) {
  Ledger& ledger = ledgers_[account];
  const std::string currency =
      spec.product == Product::kInverse ? (spec.base == "BTC" ? "xbt" : lower(spec.base)) : "usd";
  Row row;
  row.id = ledger.next_id++;
  row.date_ms = date_ms;
  row.asset = currency;
  row.info = "funding rate change";
  row.booking_uid = uuid(world_.random);
  row.margin_account = spec.product == Product::kInverse ? "f-" + currency + ":usd" : "flex";
  row.collateral = currency;
  row.contract = lower(spec.native);
  row.cash = true;
  row.funding = Decimal(-1234, -8);
  row.old_balance = ledger.cash[currency];
  row.new_balance = row.old_balance + row.funding;
  ledger.cash[currency] = row.new_balance;
  ledger.rows.push_back(row);
  if (stream)
    push(account, "account_log",
         Obj().str("feed", "account_log").raw("new_entry", row_json(row, true)).text());
}

void KrakenFutures::book_execution(std::size_t account, const SymbolSpec& spec, Execution e,
                                   const CloseOrder& order, bool stream) {
  Ledger& ledger = ledgers_[account];
  const bool inverse = spec.product == Product::kInverse;
  const std::string currency = inverse ? (spec.base == "BTC" ? "xbt" : lower(spec.base)) : "usd";
  Row cash, position;
  cash.execution = position.execution = e.uid;
  cash.info = position.info = e.trade_type == "liquidation" ? "futures liquidation"
                              : e.trade_type == "unwind"    ? "futures unwind counterparty"
                                                            : "futures trade";
  cash.date_ms = position.date_ms = e.time_ms;
  cash.margin_account = position.margin_account = inverse ? "f-" + currency + ":usd" : "flex";
  cash.collateral = position.collateral = currency;
  cash.contract = position.contract = lower(spec.native);
  cash.trade_price = position.trade_price = e.price;
  cash.trade = position.trade = true;
  cash.cash = true;
  cash.asset = currency;
  cash.pnl = e.pnl;
  cash.fee = e.fee;
  cash.liquidation_fee = e.liquidation_fee;
  cash.old_balance = ledger.cash[currency];
  cash.new_balance = cash.old_balance + cash.pnl - cash.fee - cash.liquidation_fee;
  ledger.cash[currency] = cash.new_balance;
  position.asset = lower(spec.native);
  position.old_balance = e.old_position;
  position.new_balance = e.new_position;
  position.old_entry = e.old_entry;
  position.new_entry = e.new_entry;
  for (Row* row : {&cash, &position}) {
    row->booking_uid = uuid(world_.random);
    if (row == &cash && order.missing_cash) continue;
    row->id = ledger.next_id++;
    ledger.rows.push_back(*row);
  }
  e.fee = e.fee + e.liquidation_fee;  // as the other sources of it show one fee
  ledger.executions.push_back(e);
  if (!stream) return;
  const auto frame = [&](const Row& row) {
    return Obj().str("feed", "account_log").raw("new_entry", row_json(row, true)).text();
  };
  // Both orders occur, and the second row can be late.
  const bool cash_first = closes_ % 2 == 0, hidden = order.missing_cash || order.missing_cash_stream;
  const std::int64_t late = closes_ % 3 == 0 ? world_.scaled(kSecondRowMs) : 0;
  if (cash_first && !hidden) push(account, "account_log", frame(cash));
  push(account, "account_log", frame(position), cash_first ? late : 0);
  if (!cash_first && !hidden) push(account, "account_log", frame(cash), late);
  push(account, "fills",
       Obj()
           .str("feed", "fills")
           .str("username", accounts_[account].uid)
           .raw("fills", Arr().raw(fill_json(e, true, ++private_seq_)).text())
           .text());
  push(account, "balances", balances_frame(account, "balances"));
}

/// Entry price from pnl where none was given; nothing when no entry price could give that pnl.
std::optional<Decimal> KrakenFutures::entry_price(const CloseOrder& order, bool inverse,
                                                  const Decimal& exit) const {
  if (order.entry) return order.entry->sign() > 0 ? order.entry : std::nullopt;
  const Decimal sign(order.is_long ? 1 : -1);
  Decimal entry;
  if (inverse) {
    const Decimal reciprocal =
        Decimal::divide(Decimal(1), exit, 18) + sign * Decimal::divide(order.pnl, order.size, 18);
    if (reciprocal.sign() <= 0) return std::nullopt;
    entry = Decimal::divide(Decimal(1), reciprocal, kEntryDecimals);
  } else {
    entry = exit - sign * Decimal::divide(order.pnl, order.size, kEntryDecimals);
  }
  if (entry.sign() <= 0) return std::nullopt;
  return entry;
}

KrakenFutures::Execution KrakenFutures::closing_execution(const CloseOrder& order, const SymbolSpec& spec,
                                                          const Decimal& entry, const Decimal& exit) {
  static constexpr std::string_view kPrefix = "kf:";
  const Decimal size = order.is_long ? order.size : -order.size;
  Execution e;
  e.uid = order.id.starts_with(kPrefix) ? order.id.substr(kPrefix.size()) : order.id;
  if (e.uid.empty()) e.uid = uuid(world_.random);
  e.order_id = uuid(world_.random);
  e.tradeable = spec.native;
  e.currency = spec.product == Product::kInverse ? spec.base : "USD";
  e.time_ms = order.closed_ms != 0 ? order.closed_ms : world_.wall_ms();
  e.price = exit;
  e.pnl = order.pnl;
  e.buy = !order.is_long;
  e.old_entry = entry;
  e.old_position = order.partial ? size * Decimal(2) : size;
  e.new_position = order.flip ? -size : e.old_position - size;
  e.new_entry = order.flip ? exit : order.partial ? entry : Decimal();
  e.size = order.flip ? order.size * Decimal(2) : order.size;
  e.change = order.flip ? "reverse" : order.partial ? "decrease" : "close";
  e.trade_type = order.liquidation ? "liquidation" : order.adl ? "unwind" : "userExecution";
  // A flip pays the fee for both halves; a liquidation splits it into fee and liquidation fee.
  e.fee = order.flip ? order.fee * Decimal(2) : order.fee;
  e.liquidation_fee = order.liquidation ? Decimal::divide(e.fee, Decimal(2), 10) : Decimal();
  e.fee = e.fee - e.liquidation_fee;
  return e;
}

void KrakenFutures::repeat(std::size_t account, const Execution& e, bool rewrite) {
  for (Row& stored : ledgers_[account].rows) {
    if (stored.execution != e.uid) continue;
    Row row = stored;
    if (row.cash) {
      row.pnl = e.pnl;
      row.fee = e.fee;
      row.liquidation_fee = e.liquidation_fee;
      row.new_balance = row.old_balance + row.pnl - row.fee - row.liquidation_fee;
    }
    if (rewrite) stored = row;
    push(account, "account_log",
         Obj().str("feed", "account_log").raw("new_entry", row_json(row, true)).text());
  }
  for (Execution& stored : ledgers_[account].executions) {
    if (stored.uid != e.uid || !rewrite) continue;
    stored.pnl = e.pnl;
    stored.fee = e.fee;
  }
}

std::optional<std::string> KrakenFutures::close_position(const CloseOrder& order,
                                                         std::vector<CloseLog>& log) {
  const SymbolSpec* spec = find_symbol(order.symbol);
  if (spec == nullptr) return "no contract '" + order.symbol + "'";
  const Decimal exit = order.exit ? *order.exit : world_.market.price(*spec, world_.wall_ms());
  const auto entry = entry_price(order, spec->product == Product::kInverse, exit);
  if (!entry) return "this pnl is impossible for that size and price";
  const Execution e = closing_execution(order, *spec, *entry, exit);
  const SimAccount& account = accounts_[order.account];
  log.push_back({"kf:" + e.uid, account.uid, account.name,
                 spec->canonical.empty() ? spec->native : spec->canonical, order.is_long ? "long" : "short",
                 e.currency, order.pnl, order.fee, order.size, e.time_ms});
  const auto& executions = ledgers_[order.account].executions;
  const bool known = std::any_of(executions.begin(), executions.end(),
                                 [&](const Execution& old) { return old.uid == e.uid; });
  if (known) {  // told again: the same rows with these figures
    repeat(order.account, e, order.rewrite);
    return std::nullopt;
  }
  ++closes_;
  // What stands between closes in a real log: the opening execution, and funding.
  Execution opening = e;
  opening.uid = uuid(world_.random);
  opening.time_ms = e.time_ms - kOpenedBeforeMs;
  opening.price = *entry;
  opening.pnl = opening.fee = opening.liquidation_fee = Decimal();
  opening.buy = order.is_long;
  opening.old_position = opening.old_entry = Decimal();
  opening.new_position = e.old_position;
  opening.new_entry = *entry;
  opening.size = e.old_position.abs();
  opening.change = "open";
  opening.trade_type = "userExecution";
  const bool stream = !order.silent && !order.drop;
  CloseOrder opened;
  opened.missing_cash = closes_ % 5 == 3;  // paid with fee credits: no cash row at all
  book_execution(order.account, *spec, opening, opened, stream);
  if (closes_ % 4 == 1) add_funding(order.account, *spec, e.time_ms - 1, stream);
  book_execution(order.account, *spec, e, order, stream);
  return std::nullopt;
}

std::optional<Json> KrakenFutures::control(std::string_view command, const Json& a) {
  if (command == "gap") {
    const SymbolSpec* spec = find_symbol(text_at(a, "symbol", "BTCUSD"));
    if (spec == nullptr) return Json{{"ok", false}, {"error", "no such contract"}};
    const auto it = books_.find(spec->native);
    if (it == books_.end()) return Json{{"ok", false}, {"error", "nobody listens to that book"}};
    it->second.gap = true;
  } else if (command == "limits") {
    cost_max_ = int_at(a, "cost", cost_max_);
    pool_max_ = int_at(a, "pool", pool_max_);
  } else if (command == "visibility") {
    log_delay_ms_ = int_at(a, "log_ms", 0);
  } else {
    return std::nullopt;
  }
  return Json{{"ok", true}};
}

}  // namespace anduin::sim
