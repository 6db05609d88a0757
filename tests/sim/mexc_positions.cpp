#include <algorithm>

#include "sim/mexc.hpp"

namespace anduin::sim {
namespace {

constexpr int kPriceDecimals = 8;
constexpr std::int64_t kDelayMinMs = 1'000, kDelayMaxMs = 5'000;
constexpr std::int64_t kIdStep = 14;     ///< other users open positions too
constexpr std::int64_t kTwiceEvery = 2;  ///< so often the last frame of a position comes twice
const Decimal kOpeningFee(18, -4);       ///< why realised is never zero while a position is open

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 19 && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

/// The life that this order ends: the one that is open, or one that was opened a while ago.
MexcPosition& MexcSim::opened(const CloseOrder& order, const MexcContract& contract, std::vector<MexcPosition>& ended) {
  const std::int64_t now = order.closed_ms != 0 ? order.closed_ms : world_.wall_ms();
  const Key key{order.account, contract.spec.native, order.is_long},
      other{order.account, contract.spec.native, !order.is_long};
  if (const auto it = open_.find(key); it != open_.end()) return it->second;
  if (const auto it = open_.find(other); it != open_.end() && !order.hedge) {
    // One-way mode holds one position: what a flip has left open ends first, at the price it began with.
    MexcPosition left = it->second;
    left.exit = left.entry;
    left.realised = left.realised - left.fee;
    left.updated_ms = now;
    ended.push_back(std::move(left));
    open_.erase(it);
  }
  MexcPosition p;
  p.id = std::to_string(next_id_ += kIdStep);
  p.contract = &contract;
  p.is_long = order.is_long;
  p.cross = ++lives_ % 2 == 0;
  p.opened_ms = p.updated_ms = now - age_ms_ - lives_ % 997;
  p.entry = order.entry ? *order.entry : world_.market.price(contract.spec, now);
  p.held = std::max<std::int64_t>(1, std::stoll(Decimal::divide(order.size, contract.size, 0).to_string()));
  if (!order.silent && !order.drop) {
    MexcPosition told = p;
    told.realised = -kOpeningFee;
    told.fee = kOpeningFee;
    push_personal(order.account, "position", position_row(told, false));
  }
  return open_[key] = std::move(p);
}

/// What the row will say: realised is the order's figure, the prices fit what it is before fees.
void MexcSim::complete(MexcPosition& p, const CloseOrder& order) {
  p.realised = p.realised + order.pnl;  // what partial reduces have earned already
  p.fee = p.fee + order.fee;
  p.closed += p.held;
  p.held = 0;
  p.updated_ms = order.closed_ms != 0 ? order.closed_ms : world_.wall_ms();
  ++p.version;
  p.liquidated = order.liquidation;
  p.exit = order.exit ? *order.exit : world_.market.price(p.contract->spec, world_.wall_ms());
  if (order.entry) {
    p.entry = *order.entry;
    return;
  }
  const Decimal gross = p.realised + p.fee, earned = p.is_long ? gross : -gross;
  const Decimal size = p.contract->size * Decimal(p.closed, 0);
  const bool inverse = p.contract->spec.product == Product::kInverse;
  const Decimal above = inverse ? p.exit * size : p.exit * size - earned;
  const Decimal below = inverse ? size + earned * p.exit : size;
  p.entry = above.sign() > 0 && below.sign() > 0 ? Decimal::divide(above, below, kPriceDecimals) : p.exit;
}

void MexcSim::end(MexcPosition& p, const CloseOrder& order) {
  p.state = 3;
  std::int64_t delay = world_.scaled(history_ms_);
  if (random_delay_)
    delay = world_.scaled(kDelayMinMs + static_cast<std::int64_t>(world_.random.below(kDelayMaxMs - kDelayMinMs)));
  p.visible_ms = history_ms_ == 0 && !random_delay_ ? 0 : world_.wall_ms() + delay;
  remember(order.account, p, order.rewrite);
}

void MexcSim::remember(std::size_t account, const MexcPosition& p, bool rewrite) {
  std::deque<MexcPosition>& rows = history_[account];
  const auto known = std::find_if(rows.begin(), rows.end(), [&](const MexcPosition& old) { return old.id == p.id; });
  if (known == rows.end()) {
    Decimal& cash = wallets_[account][p.contract->spec.settle];
    cash = cash + p.realised;
    rows.push_back(p);
  } else if (rewrite) {
    *known = p;
  }
}

void MexcSim::reduce(const CloseOrder& order, MexcPosition& p) {
  const std::int64_t part = p.held > 1 ? p.held / 2 : 0;
  p.realised = p.realised + order.pnl;
  p.fee = p.fee + order.fee;
  p.held -= part;
  p.closed += part;
  p.updated_ms = world_.wall_ms();
  ++p.version;
  if (!order.silent && !order.drop) push_personal(order.account, "position", position_row(p, false));
}

/// The frames of an end: taken over first if it is a liquidation, the last one now and then twice.
void MexcSim::say_close(const CloseOrder& order, MexcPosition& p) {
  push_personal(order.account, "order", order_row(p));
  if (p.liquidated) {
    MexcPosition taken = p;
    taken.state = 2;
    taken.held = p.closed;
    taken.closed = 0;
    taken.realised = -kOpeningFee;
    --taken.version;
    push_personal(order.account, "position", position_row(taken, false));
  }
  const std::string last = position_row(p, false);
  push_personal(order.account, "position", last);
  if (lives_ % kTwiceEvery == 0) push_personal(order.account, "position", last);
  push_personal(order.account, "asset", pushed_asset(order.account, p.contract->spec.settle));
}

std::optional<std::string> MexcSim::close_position(const CloseOrder& order, std::vector<CloseLog>& log) {
  const SymbolSpec* s = find_symbol(order.symbol, "");
  if (s == nullptr) return "no contract '" + order.symbol + "'";
  if (!order.id.empty() && !is_number(order.id)) return "a positionId is a number";
  const MexcContract& contract = *contract_of(s->native);
  const SimAccount& account = accounts_[order.account];
  const auto logged = [&](const MexcPosition& p, bool is_close) {
    // History has whole seconds, and history is the record.
    log.push_back({p.id, account.uid, account.name, s->canonical, p.is_long ? "long" : "short", s->settle, p.realised,
                   Decimal(), contract.size * Decimal(p.closed, 0), (p.updated_ms + 500) / 1000 * 1000, is_close});
  };
  std::vector<MexcPosition> ended;
  MexcPosition& open = opened(order, contract, ended);
  if (!order.id.empty()) open.id = order.id;
  if (order.partial) {
    reduce(order, open);
    logged(open, false);
    return std::nullopt;
  }
  MexcPosition p = open;
  open_.erase({order.account, s->native, order.is_long});
  complete(p, order);
  end(p, order);
  logged(p, true);
  for (MexcPosition& left : ended) {
    left.closed += left.held;
    left.held = 0;
    ++left.version;
    end(left, order);
    logged(left, true);
  }
  const bool quiet = order.silent || order.drop;
  if (!quiet) say_close(order, p);
  for (MexcPosition& left : ended)
    if (!quiet) say_close(order, left);
  if (!order.flip) return std::nullopt;
  CloseOrder next = order;
  next.is_long = !order.is_long;
  next.entry.reset();
  std::vector<MexcPosition> none;
  const std::int64_t age = std::exchange(age_ms_, 0);
  opened(next, contract, none);
  age_ms_ = age;
  return std::nullopt;
}

}  // namespace anduin::sim
