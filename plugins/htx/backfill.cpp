#include "backfill.hpp"

#include <algorithm>

#include "anduin/query.hpp"

namespace anduin::htx {
namespace {

constexpr std::string_view kTwoModes[] = {"cross", "isolated"};

}  // namespace

std::string order_query(const std::string& contract, const std::string& margin_mode, const std::string& id) {
  return "contract_code=" + escape_query(contract) +
         "&margin_mode=" + escape_query(margin_mode.empty() ? "cross" : margin_mode) + "&order_id=" + id;
}

json::View order_in(const Answer& answer) {
  const json::View data = answer.result["data"];
  const json::View order = data.is_array() ? data[0] : data;
  return order["order_id"] ? order : json::View();
}

std::int64_t envelope_ms(const Answer& answer) { return answer.result["ts"].i64_or_none().value_or(0); }

void Backfill::read(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  auto w = std::make_shared<Window>();
  w->sweep = &sweep;
  w->done = std::move(done);
  const std::int64_t details_from = source_.time_ms() - kDetailsMs + kDetailsMarginMs;
  // Order history goes by the time an order was placed: the first window of a run reaches back for old orders. Orders
  // placed in it are shown as they are now, so that the windows after it need not.
  const std::int64_t placed_from =
      std::max<std::int64_t>(from_ms == read_to_ms_ ? from_ms : from_ms - order_age_ms_, source_.time_ms() - kKeptMs);
  read_to_ms_ = to_ms;
  for (const std::string& contract : source_.contracts()) {
    if (to_ms > details_from)
      w->questions.push_back({kDetailsPath, contract, "", "", std::max(from_ms, details_from), to_ms});
    if (from_ms >= details_from) continue;
    for (std::int64_t at = placed_from; at < to_ms; at += kWindowMs)
      for (const std::string_view mode : kTwoModes)
        w->questions.push_back({kHistoryPath, contract, std::string(mode), "", at, std::min(at + kWindowMs, to_ms)});
  }
  go_on(w);
}

std::string Backfill::query_of(const Question& q) {
  if (!q.id.empty()) return order_query(q.contract, q.margin_mode, q.id);
  // Sorted by name: so it is signed.
  std::string out = "contract_code=" + escape_query(q.contract) + "&end_time=" + std::to_string(q.to_ms) +
                    "&limit=" + std::to_string(kRowsMax);
  if (!q.margin_mode.empty()) out += "&margin_mode=" + q.margin_mode;
  out += "&start_time=" + std::to_string(std::max<std::int64_t>(q.from_ms, 0));
  if (q.path == kHistoryPath) out += "&state=filled%2Cpartially_canceled%2Ccanceled";
  return out;
}

void Backfill::go_on(const std::shared_ptr<Window>& w) {
  while (w->under_way < kAtOnceMax && !w->questions.empty()) {
    const Question q = std::move(w->questions.back());
    w->questions.pop_back();
    ++w->under_way;
    source_.ask(q.path, query_of(q), [this, w, q](const Answer& answer) {
      take_answer(w, q, answer);  // BadFrame: it is asked again
      --w->under_way;
      go_on(w);
    });
  }
  if (w->under_way > 0 || !w->questions.empty()) return;
  if (!w->orders_asked) {
    w->orders_asked = true;
    ask_orders(*w);
    return go_on(w);
  }
  finish(w);
}

void Backfill::take_answer(const std::shared_ptr<Window>& w, const Question& q, const Answer& answer) {
  if (!q.id.empty()) {
    if (!answer.ok()) return;  // not known: the executions are all there is
    const json::View row = order_in(answer);
    if (row.absent()) return;
    try {
      Order o = parse_order(row, envelope_ms(answer), AND_ORIGIN_HISTORY);
      w->orders.insert_or_assign(q.id, std::move(o));
    } catch (const std::exception& e) {
      source_.complain(q.path, e.what());
      w->sweep->unreadable(e.what());
    }
    return;
  }
  if (!answer.ok()) {
    // A contract that is no more, say: what it closed is not proven, and costs the others nothing.
    const std::string why = std::string(q.path) + " " + q.contract + ": " + answer.text;
    source_.complain(q.path, why);
    w->sweep->unreadable(why);
    source_.contract_refused(q.contract);
    return;
  }
  take_rows(*w, q, answer);
}

void Backfill::take_rows(Window& w, const Question& q, const Answer& answer) {
  const json::View list = answer.result["data"];
  if (!list.is_array()) throw BadFrame("an answer without a list");
  if (list.size() >= kRowsMax) {
    if (q.to_ms > q.from_ms) {
      const std::int64_t middle = q.from_ms + (q.to_ms - q.from_ms) / 2;
      Question half = q;
      half.to_ms = middle;
      w.questions.push_back(half);
      half.from_ms = middle + 1;
      half.to_ms = q.to_ms;
      w.questions.push_back(half);
      return;
    }
    w.sweep->unreadable("more rows of " + q.contract + " in one millisecond than HTX shows", q.to_ms);
  }
  for (const json::View row : list) {
    try {
      if (q.path == kHistoryPath) {
        Order o = parse_order(row, envelope_ms(answer), AND_ORIGIN_HISTORY);
        std::string id = o.id;
        w.orders.insert_or_assign(std::move(id), std::move(o));
        continue;
      }
      Execution e = parse_execution(row);
      auto& of_order = w.executions[e.order_id];
      const bool twice =
          std::any_of(of_order.begin(), of_order.end(), [&](const Execution& x) { return x.id == e.id; });
      if (!twice) of_order.push_back(std::move(e));
    } catch (const std::exception& e) {
      source_.complain(q.path, e.what());
      std::int64_t time_ms = 0;
      try {
        time_ms = row["updated_time"].i64_or_none().value_or(0);
      } catch (const BadFrame&) {
      }
      w.sweep->unreadable(e.what(), time_ms);
    }
  }
}

void Backfill::ask_orders(Window& w) {
  for (const auto& [id, executions] : w.executions) {
    if (source_.knows(id) || w.orders.contains(id)) continue;
    const bool closes =
        std::any_of(executions.begin(), executions.end(), [](const Execution& e) { return e.closes(); });
    if (closes)
      w.questions.push_back({kOrderPath, executions.front().contract, executions.front().margin_mode, id, 0, 0});
  }
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Backfill::finish(const std::shared_ptr<Window>& w) {
  static const std::vector<Execution> kNone;
  for (const auto& [id, executions] : w->executions) {
    if (w->orders.contains(id) || source_.knows(id)) continue;
    if (std::none_of(executions.begin(), executions.end(), [](const Execution& e) { return e.closes(); })) continue;
    Order whole = sum_of(executions);
    // HTX shows an order seconds after its executions; liquidations it may not show as orders at all.
    if (source_.time_ms() - whole.closed_ms < kShowsMs)
      source_.wait_for(id, executions);
    else
      w->orders.emplace(id, std::move(whole));
  }
  std::vector<const Order*> sorted;
  for (const auto& [id, order] : w->orders) sorted.push_back(&order);
  std::sort(sorted.begin(), sorted.end(), [](const Order* a, const Order* b) {
    return a->closed_ms != b->closed_ms ? a->closed_ms < b->closed_ms : a->id < b->id;
  });
  for (const Order* order : sorted) {
    const auto of_order = w->executions.find(order->id);
    source_.take_order(*order, of_order == w->executions.end() ? kNone : of_order->second);
  }
  w->done("");
}

}  // namespace anduin::htx
