// Positions and their lifetimes: what a close does to the slot, to the history and to the private channels.
#include <algorithm>

#include "sim/okx.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kAggregateMs = 50;    ///< pushes of `positions` are gathered that long
constexpr std::int64_t kRegularMs = 5'000;   ///< what is open is told again
constexpr std::int64_t kPartialMs = 400;     ///< a partial close: the rest follows
constexpr std::int64_t kLifetimeMs = 1'000;  ///< an invented position was opened so long before
constexpr std::int64_t kVisibleMaxMs = 5'000;
constexpr int kContractDecimals = 8, kPriceDecimals = 16;

/// The entry that makes the gross result come out; nothing where no price above zero does.
std::optional<Decimal> entry_for(const OkxSymbol& s, bool is_long, const Decimal& exit, const Decimal& contracts,
                                 const Decimal& gross) {
  const Decimal size = contracts * s.contract, earned = is_long ? gross : -gross;
  const bool inverse = s.spec.product == Product::kInverse;
  const Decimal above = inverse ? size * exit : exit * size - earned;
  const Decimal below = inverse ? size + earned * exit : size;
  if (above.sign() <= 0 || below.sign() <= 0) return std::nullopt;
  return Decimal::divide(above, below, kPriceDecimals);
}

}  // namespace

std::int64_t OkxSim::visible_ms() {
  if (!random_delay_) return world_.wall_ms() + history_delay_ms_;
  return world_.wall_ms() + world_.scaled(static_cast<std::int64_t>(world_.random.below(kVisibleMaxMs)));
}

/// A flat slot, or one whose open position is what the order closes. posId belongs to the slot, not to the lifetime.
OkxPosition& OkxSim::slot_for(Account& account, const CloseOrder& order, const OkxSymbol& s, bool isolated,
                              std::string& key) {
  const std::string mode = isolated ? "isolated" : "cross", side = !order.hedge    ? "net"
                                                                   : order.is_long ? "long"
                                                                                   : "short";
  for (int n = 0;; ++n) {
    key = s.spec.native + "|" + mode + "|" + side + "|" + std::to_string(n);
    const auto [it, fresh] = account.slots.try_emplace(key);
    OkxPosition& slot = it->second;
    if (fresh) {
      slot.pos_id = std::to_string(next_pos_);
      next_pos_ += 4096;
      slot.margin_mode = mode;
      slot.side = side;
      slot.symbol = &s;
    }
    if (!slot.closing && (slot.contracts.is_zero() || slot.is_long == order.is_long)) return slot;
  }
}

void OkxSim::open_slot(Account& account, OkxPosition& slot, const CloseOrder& order, const Decimal& contracts,
                       std::int64_t opened_ms) {
  if (order.closed_ms == 0) opened_ms = std::max(opened_ms, slot.opened_ms + 1);
  while (account.rows.contains(slot.pos_id + "-" + std::to_string(opened_ms))) ++opened_ms;
  slot.opened_ms = slot.updated_ms = opened_ms;
  slot.is_long = order.is_long;
  slot.contracts = contracts;
  slot.entry = order.entry ? *order.entry : world_.market.price(slot.symbol->spec, world_.wall_ms());
  slot.trade_id = ++next_trade_;
}

/// The row of a close over all of the order. The order's pnl is the net result; what it does not say is made up.
OkxRow OkxSim::make_row(const OkxPosition& slot, const CloseOrder& order, const Decimal& contracts) const {
  OkxRow row;
  row.pos_id = slot.pos_id;
  row.margin_mode = slot.margin_mode;
  row.side = slot.side;
  row.symbol = slot.symbol;
  row.is_long = order.is_long;
  row.opened_ms = slot.opened_ms;
  row.contracts = row.contracts_max = contracts;
  row.type = order.liquidation ? "3" : order.adl ? "6" : "2";
  row.fee = -order.fee;
  row.funding = closes_ % 3 == 2 ? Decimal(-5, -3) : Decimal();
  row.penalty = order.liquidation ? Decimal(-25, -2) : Decimal();
  row.net = order.pnl;
  row.gross = row.net - row.fee - row.funding - row.penalty;
  row.exit = order.exit ? *order.exit : world_.market.price(slot.symbol->spec, world_.wall_ms());
  const auto entry = entry_for(*slot.symbol, order.is_long, row.exit, contracts, row.gross);
  row.entry = order.entry ? *order.entry : entry.value_or(row.exit);
  return row;
}

/// Closes `contracts` of the slot: all that is open, or (is_partial) half of it.
void OkxSim::finish(std::size_t index, const std::string& key, const CloseOrder& order, const Decimal& contracts,
                    bool is_partial) {
  Account& account = state_[index];
  OkxPosition& slot = account.slots.at(key);
  OkxRow row = make_row(slot, order, contracts);
  row.updated_ms = order.closed_ms != 0 ? order.closed_ms : std::max(world_.wall_ms(), row.opened_ms);
  row.visible_ms = visible_ms();
  auto& states = account.rows[row.id()];
  if (is_partial) {
    row.type = "1";
    row.updated_ms = world_.wall_ms();
    row.contracts = Decimal::divide(contracts, Decimal(2), kContractDecimals);
    for (Decimal* part : {&row.net, &row.gross, &row.fee, &row.funding, &row.penalty})
      *part = Decimal::divide(*part, Decimal(2), kPriceDecimals);
    slot.contracts = contracts - row.contracts;
  } else {
    if (!states.empty()) {  // the same row in another state: it covers both halves
      row.contracts =
          order.size.is_zero() ? contracts : Decimal::divide(order.size, slot.symbol->contract, kContractDecimals);
      row.contracts_max = row.contracts;
      row.entry = order.entry
                      ? *order.entry
                      : entry_for(*slot.symbol, order.is_long, row.exit, row.contracts, row.gross).value_or(row.exit);
    }
    Decimal& cash = account.cash[slot.symbol->spec.settle];
    cash = cash + row.net;
    slot.contracts = Decimal();
    slot.closing = false;
  }
  slot.updated_ms = row.updated_ms;
  slot.trade_id = order.liquidation || order.adl ? -++next_trade_ : ++next_trade_;
  states.push_back(row);
  if (!is_partial && order.flip && slot.side == "net") {
    // The old lifetime ends and the new one begins with the same posId; no push need show zero in between.
    CloseOrder other;
    other.is_long = !order.is_long;
    open_slot(account, slot, other, contracts, row.updated_ms);
  }
  if (!order.silent && !order.drop) account.dirty.try_emplace(key, world_.mono_ms() + world_.scaled(kAggregateMs));
}

std::optional<std::string> OkxSim::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const SymbolSpec* spec = find_symbol(order.symbol, "SWAP");
  if (spec == nullptr) return "no swap '" + order.symbol + "'";
  const OkxSymbol& s = *native_symbol(spec->native);
  const Decimal contracts = Decimal::divide(order.size, s.contract, kContractDecimals);
  if (contracts.sign() <= 0) return "size is less than the smallest contract part";
  Account& account = state_[order.account];
  const SimAccount& owner = accounts_[order.account];
  ++closes_;
  const auto note = [&](const OkxRow& row) {
    log.push_back({row.id(), owner.uid, owner.name, spec->canonical, row.is_long ? "long" : "short", spec->settle,
                   row.net, Decimal(), row.contracts * s.contract, row.updated_ms});
  };
  if (const auto known = account.rows.find(order.id); known != account.rows.end()) {
    // Told again: the stream repeats its trigger; the row changes only if that is asked for.
    OkxRow& row = known->second.back();
    if (order.rewrite) {
      OkxPosition as_it_was;
      as_it_was.pos_id = row.pos_id;
      as_it_was.margin_mode = row.margin_mode;
      as_it_was.side = row.side;
      as_it_was.symbol = row.symbol;
      as_it_was.opened_ms = row.opened_ms;
      OkxRow changed = make_row(as_it_was, order, contracts);
      changed.updated_ms = row.updated_ms;
      changed.visible_ms = row.visible_ms;
      row = changed;
    }
    note(row);
    for (auto& [key, slot] : account.slots) {
      if (slot.pos_id == row.pos_id && slot.contracts.is_zero() && !order.silent)
        account.dirty.try_emplace(key, world_.mono_ms() + world_.scaled(kAggregateMs));
    }
    return std::nullopt;
  }
  std::string key;
  OkxPosition* slot = &slot_for(account, order, s, false, key);
  const std::int64_t now = world_.wall_ms(), closed = order.closed_ms != 0 ? order.closed_ms : now;
  if (slot->contracts.is_zero()) {
    std::int64_t opened = closed - kLifetimeMs;
    if (!order.id.empty()) {  // a made-up id must have the venue's form
      const std::size_t dash = order.id.find('-');
      const std::string time = dash == std::string::npos ? "" : order.id.substr(dash + 1);
      if (dash == 0 || time.empty() || time.size() > 13 || time.find_first_not_of("0123456789") != std::string::npos)
        return "an id of OKX is posId-cTime";
      slot->pos_id = order.id.substr(0, dash);
      slot->opened_ms = 0;
      opened = std::stoll(time);
    }
    open_slot(account, *slot, order, contracts, opened);
    if (!order.silent && !order.drop) push_positions(order.account, {key});
  }
  CloseOrder rest = order;
  if (order.partial) {
    finish(order.account, key, order, contracts, true);
    slot->closing = true;
    if (rest.closed_ms == 0) rest.closed_ms = now + world_.scaled(kPartialMs);
    later_.push_back({world_.mono_ms() + world_.scaled(kPartialMs), rest, key});
    OkxRow whole = make_row(*slot, order, contracts);
    whole.updated_ms = rest.closed_ms;
    note(whole);
    return std::nullopt;
  }
  const std::string id = slot->pos_id + "-" + std::to_string(slot->opened_ms);
  finish(order.account, key, order, contracts, false);
  note(account.rows.at(id).back());
  return std::nullopt;
}

// -- pushes ---------------------------------------------------------------------------------------------------------

void OkxSim::push_positions(std::size_t index, const std::vector<std::string>& slots) {
  Account& account = state_[index];
  for (const auto& [id, conn] : conns_) {
    if (conn.account != static_cast<int>(index)) continue;
    for (const auto& [name, topic] : conn.topics) {
      const std::string head = "{\"arg\":{" + topic.arg + ",\"uid\":\"" + accounts_[index].uid + "\"},\"data\":";
      if (topic.channel == "account") sink_.send(id, head + balance(index, topic.currency) + "}");
      if (topic.channel != "positions") continue;
      Arr rows;
      for (const std::string& key : slots) {
        const OkxPosition& p = account.slots.at(key);
        if (topic.inst_id.empty() || topic.inst_id == p.symbol->spec.native) rows.raw(position_row(p, p.blank));
      }
      if (rows.text() != "[]") sink_.send(id, head + rows.text() + "}");
    }
  }
  for (const std::string& key : slots) account.slots.at(key).blank = false;
}

/// What a new subscriber sees first: positions that are open (perhaps none), the balance.
void OkxSim::push_snapshot(ConnId id, const Conn& conn, const Topic& topic) {
  const auto index = static_cast<std::size_t>(conn.account);
  const std::string head = "{\"arg\":{" + topic.arg + ",\"uid\":\"" + accounts_[index].uid + "\"},\"data\":";
  if (topic.channel == "account") return sink_.send(id, head + balance(index, topic.currency) + "}");
  if (topic.channel != "positions") return;
  Arr rows;
  for (const auto& [key, p] : state_[index].slots) {
    if (!p.contracts.is_zero() && (topic.inst_id.empty() || topic.inst_id == p.symbol->spec.native))
      rows.raw(position_row(p, false));
  }
  sink_.send(id, head + rows.text() + "}");
}

void OkxSim::push_regular(std::int64_t now) {
  for (auto& [id, conn] : conns_) {
    for (auto& [name, topic] : conn.topics) {
      if (conn.account < 0 || topic.events_only || now < topic.next_regular_ms) continue;
      topic.next_regular_ms = now + world_.scaled(kRegularMs);
      const auto& slots = state_[static_cast<std::size_t>(conn.account)].slots;
      const bool any =
          std::any_of(slots.begin(), slots.end(), [](const auto& s) { return !s.second.contracts.is_zero(); });
      if (any || topic.channel == "account") push_snapshot(id, conn, topic);
    }
  }
}

// -- commands -------------------------------------------------------------------------------------------------------

std::optional<CloseOrder> OkxSim::order_of(const Json& a, std::string& problem) const {
  CloseOrder order;
  const std::string name = text_at(a, "account");
  const auto it = std::find_if(accounts_.begin(), accounts_.end(), [&](const SimAccount& one) {
    return name.empty() || one.name == name || one.uid == name;
  });
  order.symbol = text_at(a, "symbol", "BTCUSDT");
  order.is_long = text_at(a, "side", "long") != "short";
  order.size = decimal_at(a, "size").value_or(Decimal(1));
  order.pnl = decimal_at(a, "pnl").value_or(Decimal());
  order.fee = decimal_at(a, "fee").value_or(Decimal());
  order.hedge = flag_at(a, "hedge");
  order.silent = flag_at(a, "silent");
  if (it == accounts_.end())
    problem = "no account '" + name + "'";
  else if (find_symbol(order.symbol, "SWAP") == nullptr)
    problem = "no swap '" + order.symbol + "'";
  else if (order.size.sign() <= 0)
    problem = "size must be above 0";
  if (!problem.empty()) return std::nullopt;
  order.account = static_cast<std::size_t>(it - accounts_.begin());
  return order;
}

Json OkxSim::open_command(const Json& a) {
  std::string problem, key;
  const auto order = order_of(a, problem);
  if (!order) return Json{{"ok", false}, {"error", problem}};
  const OkxSymbol& s = *native_symbol(find_symbol(order->symbol, "SWAP")->native);
  Account& account = state_[order->account];
  OkxPosition& slot = slot_for(account, *order, s, flag_at(a, "isolated"), key);
  if (slot.contracts.is_zero())
    open_slot(account, slot, *order, Decimal::divide(order->size, s.contract, kContractDecimals), world_.wall_ms());
  if (!order->silent) push_positions(order->account, {key});
  return Json{{"ok", true}, {"id", slot.pos_id + "-" + std::to_string(slot.opened_ms)}, {"posId", slot.pos_id}};
}

/// Half of a position is closed and it stays open: a row of type 1, which is no close.
Json OkxSim::reduce_command(const Json& a) {
  std::string problem, key;
  const auto order = order_of(a, problem);
  if (!order) return Json{{"ok", false}, {"error", problem}};
  const OkxSymbol& s = *native_symbol(find_symbol(order->symbol, "SWAP")->native);
  Account& account = state_[order->account];
  OkxPosition& slot = slot_for(account, *order, s, false, key);
  const Decimal contracts = Decimal::divide(order->size, s.contract, kContractDecimals);
  if (slot.contracts.is_zero()) {
    open_slot(account, slot, *order, contracts, world_.wall_ms() - kLifetimeMs);
    if (!order->silent) push_positions(order->account, {key});
  }
  finish(order->account, key, *order, slot.contracts, true);
  return Json{{"ok", true}, {"id", slot.pos_id + "-" + std::to_string(slot.opened_ms)}};
}

/// Margin moved by hand on an isolated position: a push shows 0, and nothing was closed.
Json OkxSim::transfer_command(const Json& a) {
  std::string problem, key;
  const auto order = order_of(a, problem);
  if (!order) return Json{{"ok", false}, {"error", problem}};
  const OkxSymbol& s = *native_symbol(find_symbol(order->symbol, "SWAP")->native);
  Account& account = state_[order->account];
  OkxPosition& slot = slot_for(account, *order, s, true, key);
  if (slot.contracts.is_zero())
    open_slot(account, slot, *order, Decimal::divide(order->size, s.contract, kContractDecimals), world_.wall_ms());
  slot.blank = true;
  push_positions(order->account, {key});
  return Json{{"ok", true}, {"id", slot.pos_id + "-" + std::to_string(slot.opened_ms)}};
}

}  // namespace anduin::sim
