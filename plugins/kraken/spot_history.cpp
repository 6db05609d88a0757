// The history and balance side of a Kraken spot account: pages of the margin ledger, the trades of its rows,
// watermark and coverage; BalanceEx and TradeBalance.
#include <algorithm>
#include <charconv>

#include "instruments.hpp"
#include "spot_account.hpp"

namespace anduin::kraken {
namespace {

constexpr std::int64_t kSweepMs = 300'000;
constexpr std::int64_t kSweepV1Ms = 60'000;
/// Reads that something triggered are not closer together: a key's counter sinks by a third of a point a second.
constexpr std::int64_t kRunSpacingMs = 12'000;
/// Rows may be booked late and `start` is exclusive: read again so far back; ids drop what is known.
constexpr std::int64_t kOverlapMs = 600'000;
constexpr std::size_t kPageSize = 50;
/// 100,000 rows: an account with more since its cursor is reported as unproven and goes on with the rest.
constexpr std::size_t kPagesMax = 2'000;
/// QueryTrades takes at most so many ids.
constexpr std::size_t kTradesPerQuery = 20;
constexpr int kTradeTriesMax = 4;
constexpr std::uint64_t kTradeRetryMs = 5'000;
constexpr std::uint32_t kLedgerCost = 2;

/// Wallets of earn programmes and tokenised balances: XBT.M, USD.F. Not tradeable, not added.
bool is_program_balance(std::string_view asset) {
  const std::size_t dot = asset.find_last_of('.');
  return dot != std::string_view::npos && asset.size() == dot + 2;
}

std::optional<Decimal> number(const json::View& v) { return v.dec_or_none(); }

}  // namespace

std::int64_t SpotAccount::durable_ms() const {
  std::string_view text = host_.resume().watermark;
  if (!text.starts_with("km1/")) return 0;
  text.remove_prefix(4);
  std::int64_t ms = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), ms);
  return ec == std::errc() && ms > 0 ? ms : 0;
}

void SpotAccount::cursor() {
  reported_.clear();
  reported_order_.clear();
  moved_ms_ = 0;
  run_.active = false;  // what it has reported since the durable cursor is read again
  run_now();
}

void SpotAccount::run_soon(std::int64_t delay_ms) {
  if (run_.active) {
    run_.again = true;
    return;
  }
  const std::int64_t due = std::max(host_.now_ms() + delay_ms, last_run_ms_ + kRunSpacingMs);
  if (soon_ != 0 && soon_due_ms_ <= due) return;
  if (soon_ != 0) host_.cancel(soon_);
  soon_due_ms_ = due;
  soon_ = host_.after(static_cast<std::uint64_t>(std::max<std::int64_t>(due - host_.now_ms(), 0)), [this] {
    soon_ = 0;
    run_now();
  });
}

void SpotAccount::run_now() {
  if (run_.active) return;
  last_run_ms_ = host_.now_ms();
  const std::uint64_t generation = run_.generation + 1;
  run_ = Run{};
  run_.active = true;
  run_.generation = generation;
  run_.from_ms = std::max(std::max(durable_ms(), moved_ms_), host_.resume().settle_from_ms);
  run_.sent_ms = host_.now_ms();
  request_page();
}

// Newest first: a row booked while we read shifts the pages, which repeats rows and loses none.
void SpotAccount::request_page() {
  std::string args = "type=margin";
  const std::int64_t start_ms = run_.from_ms - kOverlapMs;
  if (start_ms > 0) args += "&start=" + std::to_string(start_ms / 1000);
  args += "&ofs=" + std::to_string(run_.offset);
  Call call = spot_call("/0/private/Ledgers", args, kLedgerCost);
  call.done = [this, generation = run_.generation](RequestId, const venue::Reply& reply) {
    if (generation != run_.generation) return;
    take_page(reply.json()["result"]);
  };
  call.failed = [this, generation = run_.generation](const Judgement& j, int) {
    if (generation != run_.generation) return true;
    if (j.verdict == Verdict::kFatal || j.verdict == Verdict::kDenied) run_.active = false;
    return false;
  };
  send_call(host_, std::move(call));
}

void SpotAccount::take_page(const json::View& result) {
  const auto [ledger, count] = result.get<"ledger", "count">();
  if (!ledger.is_object()) throw BadFrame("a ledger without rows");
  std::size_t rows = 0;
  ledger.members([&](std::string_view id, const json::View& v) {
    ++rows;
    try {
      if (auto row = rest_ledger_row(id, v)) run_.rows.insert_or_assign(std::string(id), std::move(*row));
    } catch (const BadFrame& e) {
      host_.error(AND_E_PROTOCOL, "Ledgers " + std::string(id), e.what());
      run_.unproven = "ledger row " + std::string(id) + " could not be read";
    }
  });
  run_.offset += rows;
  const std::int64_t total = count.i64_or_none().value_or(0);
  const bool more = rows > 0 && (rows >= kPageSize || static_cast<std::int64_t>(run_.offset) < total);
  if (more && run_.offset < kPagesMax * kPageSize) return request_page();
  if (more) run_.unproven = "the ledger has more rows than are read at once";
  for (const auto& [id, row] : run_.rows) {
    if (!trades_.contains(row.trade_id) &&
        std::find(run_.unknown.begin(), run_.unknown.end(), row.trade_id) == run_.unknown.end())
      run_.unknown.push_back(row.trade_id);
  }
  ask_trades();
}

void SpotAccount::ask_trades() {
  if (run_.unknown.empty()) return end_run();
  const std::size_t n = std::min(kTradesPerQuery, run_.unknown.size());
  const std::vector<std::string> asked(run_.unknown.begin(), run_.unknown.begin() + static_cast<std::ptrdiff_t>(n));
  std::string ids;
  for (const std::string& id : asked) ids += (ids.empty() ? "" : "%2C") + id;
  Call call = spot_call("/0/private/QueryTrades", "txid=" + ids + "&trades=true", kLedgerCost);
  call.done = [this, asked, generation = run_.generation](RequestId, const venue::Reply& reply) {
    if (generation != run_.generation) return;
    take_trades(reply.json()["result"], asked);
  };
  call.failed = [this, generation = run_.generation](const Judgement& j, int tries) {
    if (generation != run_.generation) return true;
    if (j.verdict == Verdict::kFatal || j.verdict == Verdict::kDenied) run_.active = false;
    if (j.verdict != Verdict::kRetry || tries < kTradeTriesMax) return false;
    end_run();  // what has its trade is reported; the rest holds the watermark
    return true;
  };
  send_call(host_, std::move(call));
}

void SpotAccount::take_trades(const json::View& result, const std::vector<std::string>& asked) {
  result.members([&](std::string_view id, const json::View& v) {
    try {
      remember(std::string(id), rest_trade(v));
    } catch (const BadFrame& e) {
      host_.error(AND_E_PROTOCOL, "QueryTrades " + std::string(id), e.what());
    }
  });
  const auto known = [this](const std::string& id) { return trades_.contains(id); };
  const bool progress = std::any_of(asked.begin(), asked.end(), known);
  std::erase_if(run_.unknown, known);
  if (run_.unknown.empty() || (!progress && ++run_.trade_tries >= kTradeTriesMax)) return end_run();
  if (progress) return ask_trades();
  // The ledger can be ahead of the trade history for a moment.
  const auto rest = run_.unknown.begin() + static_cast<std::ptrdiff_t>(asked.size());
  std::rotate(run_.unknown.begin(), rest, run_.unknown.end());
  host_.after(kTradeRetryMs, [this, generation = run_.generation] {
    if (generation == run_.generation) ask_trades();
  });
}

void SpotAccount::end_run() {
  std::vector<const LedgerRow*> rows;
  for (const auto& [id, row] : run_.rows) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const LedgerRow* a, const LedgerRow* b) {
    return a->time_ms != b->time_ms ? a->time_ms < b->time_ms : a->id < b->id;
  });
  std::int64_t proven_ms = run_.sent_ms;
  for (const LedgerRow* row : rows) {
    const auto trade = trades_.find(row->trade_id);
    if (trade != trades_.end()) {
      report(*row, trade->second, AND_ORIGIN_HISTORY);
      continue;
    }
    run_.unproven = "ledger row " + row->id + " names trade " + row->trade_id + ", which the venue does not show";
    host_.error(AND_E_PROTOCOL, "QueryTrades", run_.unproven + ": its close waits");
    proven_ms = std::min(proven_ms, row->time_ms - 1);
  }
  if (history_from_ms_ > run_.from_ms || (history_to_ms_ != 0 && history_to_ms_ < run_.sent_ms))
    run_.unproven = "the key may see a part of the history only (query from/to)";
  host_.coverage(run_.from_ms, run_.sent_ms, run_.unproven.empty(), run_.unproven);
  if (proven_ms > std::max(moved_ms_, durable_ms())) {
    moved_ms_ = proven_ms;
    host_.watermark("km1/" + std::to_string(proven_ms));
  }
  const bool again = run_.again;
  run_.active = false;
  run_.rows.clear();
  if (again) run_soon(0);
  if (sweeping_) return;
  sweeping_ = true;
  host_.after(static_cast<std::uint64_t>(dialect_ == Dialect::kV1 ? kSweepV1Ms : kSweepMs), [this] {
    sweeping_ = false;
    if (!run_.active) run_now();
  });
}

// -- balance --------------------------------------------------------------------------------------------------------

void SpotAccount::push_snapshot(const json::View& row) {
  const auto [asset, balance, wallets] = row.get<"asset", "balance", "wallets">();
  if (!asset || is_program_balance(asset.str())) return;
  const Decimal total = balance.dec();
  Decimal available;
  bool main_only = true;
  for (const json::View w : wallets) {
    const auto [type, id, amount] = w.get<"type", "id", "balance">();
    if (type == "spot" && id == "main") available = amount.dec();
    else main_only = false;
  }
  if (main_only) other_wallets_.erase(asset.text());
  else other_wallets_.insert(asset.text());
  host_.balance(currency_code(asset.text()), total, wallets.size() == 0 ? total : available);
}

void SpotAccount::balance_query() {
  if (balance_ != "margin") ask_cash();
  if (balance_ != "cash") ask_margin();
}

void SpotAccount::failed_balance(Call& call) {
  call.failed = [this](const Judgement& j, int tries) {
    if (tries < 3 && (j.verdict == Verdict::kRetry || j.verdict == Verdict::kNonce)) return false;
    host_.failed("balance", j.text);
    return j.verdict != Verdict::kFatal;
  };
}

// BalanceEx: objects with balance, credit, credit_used, hold_trade; the plain Balance answer has values.
void SpotAccount::ask_cash() {
  Call call = spot_call("/0/private/BalanceEx", "", 1);
  call.done = [this](RequestId, const venue::Reply& reply) {
    reply.json()["result"].members([&](std::string_view asset, const json::View& v) {
      if (is_program_balance(asset)) return;
      try {
        if (!v.is_object()) return host_.balance(currency_code(asset), v.dec(), v.dec());
        const auto [balance, credit, used, hold] = v.get<"balance", "credit", "credit_used", "hold_trade">();
        const Decimal none;
        host_.balance(currency_code(asset), balance.dec(),
                      balance.dec() + number(credit).value_or(none) - number(used).value_or(none) -
                          number(hold).value_or(none));
      } catch (const BadFrame& e) {
        host_.error(AND_E_PROTOCOL, "BalanceEx " + std::string(asset), e.what());
      }
    });
  };
  failed_balance(call);
  send_call(host_, std::move(call));
}

// Equity and free margin in USD; in `auto` only where margin is in use, since it counts every asset.
void SpotAccount::ask_margin() {
  Call call = spot_call("/0/private/TradeBalance", "", 1);
  call.done = [this](RequestId, const venue::Reply& reply) {
    const auto [equity, free, used] = reply.json()["result"].get<"e", "mf", "m">();
    const bool in_use = number(used).value_or(Decimal()).sign() != 0;
    if (equity && (in_use || balance_ == "margin")) host_.balance("USD", equity.dec(), free.dec());
  };
  failed_balance(call);
  send_call(host_, std::move(call));
}

}  // namespace anduin::kraken
