// Positions and their ends: what a close does to the history, to the balance and to the private channels.
#include <algorithm>

#include "sim/bitget.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kPartialMs = 400;     ///< a partial close: the rest follows
constexpr std::int64_t kLifetimeMs = 1'000;  ///< an invented position was opened so long before
constexpr std::int64_t kVisibleMaxMs = 5'000;
constexpr int kPriceDecimals = 16, kMoneyDecimals = 8;
constexpr std::int64_t kFundedEvery = 3, kRoundedEvery = 4;

/// The entry that makes the price result come out; nothing where no price above zero does.
std::optional<Decimal> entry_for(const BitgetSymbol& s, bool is_long, const Decimal& exit, const Decimal& size,
                                 const Decimal& gross) {
  const Decimal earned = is_long ? gross : -gross;
  // Linear: size * (exit - entry). Inverse: dollars * (1/entry - 1/exit), with dollars = size * entry.
  const Decimal above = s.spec.product == Product::kInverse ? exit * (size - earned) : exit * size - earned;
  if (above.sign() <= 0) return std::nullopt;
  return Decimal::divide(above, size, kPriceDecimals);
}

}  // namespace

std::int64_t BitgetSim::visible_ms() {
  if (!random_delay_) return world_.wall_ms() + history_delay_ms_;
  return world_.wall_ms() + world_.scaled(static_cast<std::int64_t>(world_.random.below(kVisibleMaxMs)));
}

BitgetPosition& BitgetSim::open_position(std::size_t account, const CloseOrder& order, const BitgetSymbol& symbol,
                                         std::int64_t opened_ms, const std::string& id) {
  BitgetPosition p;
  p.id = id.empty() ? mint(opened_ms) : id;
  p.symbol = &symbol;
  p.is_long = order.is_long;
  p.hedge = order.hedge;
  p.size = order.size;
  p.entry = order.entry ? *order.entry : world_.market.price(symbol.spec, world_.wall_ms());
  p.opened_ms = p.updated_ms = opened_ms;
  return state_[account].open[p.id] = p;
}

/// The row of a close over all of the order. Its pnl is the net result; what it does not say is made up.
BitgetRow BitgetSim::make_row(const BitgetPosition& p, const CloseOrder& order) const {
  BitgetRow row;
  row.id = p.id;
  row.symbol = p.symbol;
  row.is_long = p.is_long;
  row.hedge = p.hedge;
  row.opened_ms = p.opened_ms;
  row.size = order.size;
  row.net = order.pnl;
  row.open_fee = -Decimal::divide(order.fee, Decimal(2), kMoneyDecimals);
  row.close_fee = -order.fee - row.open_fee;
  row.funding = closes_ % kFundedEvery == 2 ? Decimal(-5, -3) : Decimal();
  row.gross = row.net - row.funding - row.open_fee - row.close_fee;
  // The push rounds elsewhere: its parts give another sum in the eighth digit.
  row.pushed_gross = closes_ % kRoundedEvery == 3 ? row.gross + Decimal(1, -8) : row.gross;
  row.exit = order.exit ? *order.exit : world_.market.price(p.symbol->spec, world_.wall_ms());
  const auto entry = entry_for(*p.symbol, p.is_long, row.exit, row.size, row.gross);
  row.entry = order.entry ? *order.entry : entry.value_or(row.exit);
  return row;
}

BitgetRow& BitgetSim::finish(std::size_t index, const std::string& id, const CloseOrder& order) {
  Account& account = state_[index];
  const BitgetPosition position = account.open.at(id);
  account.open.erase(id);
  BitgetRow row = make_row(position, order);
  row.closed_ms = order.closed_ms != 0 ? order.closed_ms : std::max(world_.wall_ms(), row.opened_ms);
  row.visible_ms = visible_ms();
  row.end_id = std::stoll(mint(row.closed_ms));
  Decimal& cash = account.cash[position.symbol->spec.settle];
  cash = cash + row.net;
  BitgetRow& kept = account.rows[id] = row;
  if (order.flip && !order.hedge) {  // the other side begins with an id of its own
    CloseOrder other = order;
    other.is_long = !order.is_long;
    other.entry.reset();
    (void)open_position(index, other, *position.symbol, row.closed_ms, "");
  }
  return kept;
}

/// A classic account's push has the figures, a unified one's only says that it ended.
void BitgetSim::push_closed(std::size_t index, const BitgetRow& row) {
  if (!state_[index].unified) {
    push_private(index, "positions-history", row.symbol->product, "update", pushed_close(row));
  } else {
    BitgetPosition p;
    p.id = row.id;
    p.symbol = row.symbol;
    p.is_long = row.is_long;
    p.hedge = row.hedge;
    p.opened_ms = row.opened_ms;
    p.updated_ms = row.closed_ms;
    push_position(index, p, true);
  }
  for (const auto& [id, p] : state_[index].open) push_position(index, p, false);
  push_balance(index);
}

std::optional<std::string> BitgetSim::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const SymbolSpec* spec = find_symbol(order.symbol, "");
  if (spec == nullptr || spec->product == Product::kSpot) return "no contract '" + order.symbol + "'";
  const auto it =
      std::find_if(symbols_.begin(), symbols_.end(), [&](const BitgetSymbol& s) { return &s.spec == spec; });
  Account& account = state_[order.account];
  const SimAccount& owner = accounts_[order.account];
  ++closes_;
  const auto note = [&](const BitgetRow& row) {
    log.push_back({row.id, owner.uid, owner.name, spec->canonical, row.is_long ? "long" : "short", spec->settle,
                   row.net, Decimal(), row.size, row.closed_ms});
  };
  if (!order.id.empty() && order.id.find_first_not_of("0123456789") != std::string::npos)
    return "an id of Bitget is a number";
  if (const auto known = account.rows.find(order.id); known != account.rows.end()) {
    // Told again, with these figures; the row changes only if that is asked for.
    BitgetPosition as_it_was;
    as_it_was.id = order.id;
    as_it_was.symbol = known->second.symbol;
    as_it_was.is_long = known->second.is_long;
    as_it_was.hedge = known->second.hedge;
    as_it_was.opened_ms = known->second.opened_ms;
    BitgetRow again = make_row(as_it_was, order);
    again.closed_ms = known->second.closed_ms;
    again.visible_ms = known->second.visible_ms;
    again.end_id = known->second.end_id;
    if (order.rewrite) known->second = again;
    if (!order.silent && !order.drop) push_closed(order.account, again);
    note(known->second);
    return std::nullopt;
  }
  const std::int64_t now = world_.wall_ms(), closed = order.closed_ms != 0 ? order.closed_ms : now;
  // A position that `open` or a flip has left, or one that was opened a second ago.
  std::string id = order.id;
  const auto ends_already = [&](const std::string& key) {
    return std::any_of(later_.begin(), later_.end(), [&](const Later& later) { return later.id == key; });
  };
  for (const auto& [key, p] : account.open) {
    if (id.empty() && p.symbol == &*it && p.is_long == order.is_long && p.hedge == order.hedge && !ends_already(key))
      id = key;
  }
  if (!account.open.contains(id)) {
    const BitgetPosition& p = open_position(order.account, order, *it, closed - kLifetimeMs, order.id);
    id = p.id;
    if (!order.silent && !order.drop) push_position(order.account, p, false);
  }
  if (order.partial) {  // nothing is told of it but a smaller position; the rest follows
    BitgetPosition& p = account.open.at(id);
    p.size = Decimal::divide(order.size, Decimal(2), kMoneyDecimals);
    p.updated_ms = now;
    if (!order.silent && !order.drop) push_position(order.account, p, false);
    CloseOrder rest = order;
    if (rest.closed_ms == 0) rest.closed_ms = now + world_.scaled(kPartialMs);
    later_.push_back({world_.mono_ms() + world_.scaled(kPartialMs), id, rest});
    BitgetRow whole = make_row(p, order);
    whole.closed_ms = rest.closed_ms;
    note(whole);
    return std::nullopt;
  }
  const BitgetRow& row = finish(order.account, id, order);
  if (!order.silent && !order.drop) push_closed(order.account, row);
  note(row);
  return std::nullopt;
}

Json BitgetSim::open_command(const Json& a) {
  const std::string name = text_at(a, "account"), symbol = text_at(a, "symbol", "BTCUSDT");
  const auto owner = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& one) {
    return name.empty() || one.name == name || one.uid == name;
  });
  const SymbolSpec* spec = find_symbol(symbol, "");
  CloseOrder order;
  order.is_long = text_at(a, "side", "long") != "short";
  order.size = decimal_at(a, "size").value_or(Decimal(1));
  order.hedge = flag_at(a, "hedge");
  if (owner == accounts_.end() || spec == nullptr || spec->product == Product::kSpot || order.size.sign() <= 0)
    return Json{{"ok", false}, {"error", "give account, symbol of a contract, side, size above 0"}};
  const auto it =
      std::find_if(symbols_.begin(), symbols_.end(), [&](const BitgetSymbol& s) { return &s.spec == spec; });
  const auto index = static_cast<std::size_t>(owner - accounts_.begin());
  const BitgetPosition& p = open_position(index, order, *it, world_.wall_ms(), text_at(a, "id"));
  if (!flag_at(a, "silent")) push_position(index, p, false);
  return Json{{"ok", true}, {"id", p.id}};
}

}  // namespace anduin::sim
