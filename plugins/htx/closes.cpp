// What becomes of an order that closes something: emitted when it is over, waited for while it is not, looked at again
// when it was canceled without saying how much.
#include <algorithm>

#include "account.hpp"

namespace anduin::htx {
namespace {

constexpr std::uint64_t kFirstLookMs = 2'000, kNextLookMs = 5'000;  // at an order that was canceled after trades
constexpr unsigned kLooksMax = 20;
constexpr std::int64_t kRestsMs = 30'000;  // an order that traded longer ago and is not over may rest for days

}  // namespace

void Account::take_order(const Order& order, const std::vector<Execution>& executions) {
  switch (order.progress) {
    case Progress::kNothing:
      waiting_.erase(order.id);
      return;
    case Progress::kOpen: {
      if (is_emitted(order.id)) return;  // a push that was overtaken
      const bool fresh =
          waiting_.try_emplace(order.id, Waiting{order.contract, order.margin_mode, order.closed_ms, {}, 0, false})
              .second;
      if (!executions.empty())
        for (const Execution& e : executions)
          waiting_[order.id].since_ms = std::min(waiting_[order.id].since_ms, e.time_ms);
      if (fresh && order.origin == AND_ORIGIN_HISTORY && now_ms() - order.closed_ms < kRestsMs)
        sweep_soon("an order is not over yet");
      return;
    }
    case Progress::kUncertain:
      if (!is_emitted(order.id)) confirm(order);
      return;
    case Progress::kDone:
      return settle(order, order.origin == AND_ORIGIN_STREAM || executions.empty() ? positions_.closed_by(order)
                                                                                   : closed_of(order, executions));
  }
}

void Account::settle(const Order& order, const Closed& closed) {
  waiting_.erase(order.id);
  const auto known = contracts_.find(order.contract);
  const venue::ClosedPosition p =
      position_of(order, closed, known == contracts_.end() ? std::nullopt : known->second.size);
  // The stream repeats itself: figures that differ are the host's to see.
  if (order.origin == AND_ORIGIN_STREAM)
    emit_again(p);
  else
    emit_close(p);
}

/// Canceled after trades, without a word on how much was canceled: two looks that agree make it certain.
void Account::confirm(const Order& order) {
  Waiting& w = waiting_.try_emplace(order.id, Waiting{order.contract, order.margin_mode, order.closed_ms, {}, 0, false})
                   .first->second;
  if (w.confirming) return;
  w.confirming = true;
  w.filled.reset();
  w.looks = 0;
  look_again(order.id, kFirstLookMs);
}

void Account::look_again(const std::string& id, std::uint64_t delay_ms) {
  after(delay_ms, [this, id] {
    const auto it = waiting_.find(id);
    if (it == waiting_.end()) return;
    get(kOrderPath, order_query(it->second.contract, it->second.margin_mode, id),
        [this, id](const Answer& answer) { take_look(id, answer); });
  });
}

void Account::take_look(const std::string& id, const Answer& answer) {
  const auto it = waiting_.find(id);
  if (it == waiting_.end()) return;
  Waiting& w = it->second;
  const json::View row = answer.ok() ? order_in(answer) : json::View();
  if (!row.absent()) {
    Order order = parse_order(row, envelope_ms(answer), AND_ORIGIN_HISTORY);
    const bool agrees = order.progress == Progress::kUncertain && w.filled && *w.filled == order.filled;
    if (agrees && order.pnl) order.progress = Progress::kDone;
    if (order.progress == Progress::kDone) return settle(order, positions_.closed_by(order));
    if (order.progress == Progress::kNothing) return void(waiting_.erase(it));
    w.filled = order.filled;
  }
  if (++w.looks < kLooksMax) return look_again(id, kNextLookMs);
  w.confirming = false;
  warn("order " + id + " was canceled after trades and its figures do not come to rest: history is looked at again");
  sweep_soon("an order could not be confirmed");
}

void Account::wait_for(const std::string& order_id, const std::vector<Execution>& executions) {
  Waiting& w = waiting_
                   .try_emplace(order_id, Waiting{executions.front().contract,
                                                  executions.front().margin_mode,
                                                  executions.front().time_ms,
                                                  {},
                                                  0,
                                                  false})
                   .first->second;
  for (const Execution& e : executions) w.since_ms = std::min(w.since_ms, e.time_ms);
  sweep_soon("an execution's order does not show yet");
}

}  // namespace anduin::htx
