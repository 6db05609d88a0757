#include "futures_rows.hpp"

#include <algorithm>
#include <array>

#include "anduin/time.hpp"
#include "instruments.hpp"

namespace anduin::kraken {
namespace {

/// Executions remembered so that a repeated row is not reported again: several snapshots' worth.
constexpr std::size_t kFinishedMax = 8'192;
/// The log prints JSON doubles: digits beyond are noise, and differ between the two sources.
constexpr int kDecimals = 10;

constexpr std::array<std::string_view, 8> kClosingInfos{
    "futures trade",     "futures liquidation",           "futures assignor",         "futures assignee",
    "settlement",        "futures unwind counterparty",   "futures unwind bankrupt",  "covered liquidation"};
constexpr std::array<std::string_view, 4> kNeverInfos{"funding rate change", "conversion", "interest payment",
                                                      "kfee applied"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Decimal or_zero(const std::optional<Decimal>& d) { return d.value_or(Decimal()); }

std::optional<Decimal> if_positive(const std::optional<Decimal>& d) {
  return d && d->sign() > 0 ? d : std::nullopt;
}

/// How much of the position an execution closed, of how much it traded.
struct Reduction {
  Decimal closed, traded;
  bool is_long = true;
};
Reduction reduction_of(const Decimal& old_size, const Decimal& new_size) {
  const bool flipped = old_size.sign() * new_size.sign() <= 0;
  return {(flipped ? old_size.abs() : old_size.abs() - new_size.abs()).rounded(kDecimals),
          (old_size - new_size).abs().rounded(kDecimals), old_size.sign() > 0};
}

/// A flip pays only for the part that closed.
Decimal share_of_fee(const Decimal& fee, const Reduction& r) {
  if (r.closed == r.traded || r.traded.is_zero()) return fee.rounded(kDecimals);
  return Decimal::divide(fee * r.closed, r.traded, kDecimals);
}

void set_pnl(FuturesClose& c, const Decimal& pnl, const std::string& raw) {
  c.pnl = pnl.rounded(kDecimals);
  c.pnl_raw = c.pnl == pnl ? raw : c.pnl.to_string();
}

/// new - old == pnl + funding - fee - liquidation fee, within the noise of doubles; a row that does not add up holds
/// something that we do not know.
bool adds_up(const LogRow& cash) {
  if (!cash.old_balance || !cash.new_balance) return true;
  const Decimal moved = *cash.new_balance - *cash.old_balance;
  const Decimal said = or_zero(cash.pnl) + or_zero(cash.funding) - or_zero(cash.fee) - or_zero(cash.liquidation_fee);
  const Decimal scale = std::max(cash.new_balance->abs(), Decimal(1));
  return (moved - said).abs() <= (scale * Decimal(1, -6)).rounded(kDecimals);
}

/// A text, or nothing for null and absent. Anything else is not what we think it is.
std::string text_or_empty(const json::View& v, const char* name) {
  if (v && !v.is_string()) throw BadFrame("account log: member '" + std::string(name) + "' is no text");
  return v.text();
}

FuturesClose close_of(const LogRow& position, const LogRow& cash) {
  const Reduction r = reduction_of(*position.old_balance, *position.new_balance);
  FuturesClose c;
  c.id = "kf:" + position.execution;
  c.symbol = position.asset;
  std::transform(c.symbol.begin(), c.symbol.end(), c.symbol.begin(),
                 [](char ch) { return ch >= 'a' && ch <= 'z' ? static_cast<char>(ch - 'a' + 'A') : ch; });
  c.currency = currency_code(cash.asset);
  c.is_long = r.is_long;
  c.closed_ms = position.date_ms;
  c.entry = if_positive(position.old_entry);
  c.exit = if_positive(position.trade_price);
  c.size = r.closed;
  set_pnl(c, *cash.pnl, cash.pnl_raw);
  c.fee = share_of_fee(or_zero(cash.fee) + or_zero(cash.liquidation_fee), r);
  if (!is_one_of(kClosingInfos, position.info))
    c.hold = "the account log calls it '" + position.info + "', which is unknown";
  else if (!adds_up(cash))
    c.hold = "the cash row does not add up: balance change against pnl, funding and fees";
  return c;
}

}  // namespace

bool LogRow::reduces() const {
  if (!old_balance || !new_balance || old_balance->is_zero()) return false;
  if (old_balance->sign() * new_balance->sign() < 0) return true;
  return new_balance->abs() < old_balance->abs();
}

LogRow read_log_row(const json::View& row) {
  const auto [id, date, asset, info, execution, old_balance, new_balance, old_entry, price, pnl, fee, liquidation,
              funding] = row.get<"id", "date", "asset", "info", "execution", "old_balance", "new_balance",
                                 "old_average_entry_price", "trade_price", "realized_pnl", "fee", "liquidation_fee",
                                 "realized_funding">();
  LogRow r;
  r.id = id.i64();
  const auto ms = parse_iso_ms(date.str());
  if (!ms) throw BadFrame("account log row " + std::to_string(r.id) + ": date '" + date.text() + "'");
  r.date_ms = *ms;
  r.asset = lower_case(text_or_empty(asset, "asset"));
  if (r.asset.empty()) throw BadFrame("account log row " + std::to_string(r.id) + ": no asset");
  r.info = text_or_empty(info, "info");
  r.execution = text_or_empty(execution, "execution");
  r.old_balance = old_balance.dec_or_none();
  r.new_balance = new_balance.dec_or_none();
  if (r.is_position() && (!r.old_balance || !r.new_balance))
    throw BadFrame("account log row " + std::to_string(r.id) + ": a position without its sizes");
  r.old_entry = old_entry.dec_or_none();
  r.trade_price = price.dec_or_none();
  r.pnl = pnl.dec_or_none();
  r.pnl_raw = pnl.str();
  r.fee = fee.dec_or_none();
  r.liquidation_fee = liquidation.dec_or_none();
  r.funding = funding.dec_or_none();
  return r;
}

venue::ClosedPosition FuturesClose::record(std::uint32_t origin) const {
  venue::ClosedPosition p;
  p.id = id;
  p.symbol = symbol;
  p.market = "futures";
  p.currency = p.fee_currency = currency;
  p.pnl_raw = pnl_raw;
  p.hold = hold;
  p.is_long = is_long;
  p.origin = origin;
  p.closed_ms = closed_ms;
  p.entry = entry;
  p.exit = exit;
  p.size = size;
  p.fee = fee;
  p.pnl = pnl;
  return p;
}

std::optional<FuturesClose> close_of_event(const json::View& element) {
  const json::View event = element["event"]["PositionUpdate"];
  const auto [tradeable, execution, old_size, new_size, old_entry, price, pnl, fee, currency, fill_time, reason, type] =
      event.get<"tradeable", "executionUid", "oldPosition", "newPosition", "oldAverageEntryPrice", "executionPrice",
                "realizedPnL", "fee", "feeCurrency", "fillTime", "updateReason", "tradeType">();
  LogRow sizes;
  sizes.old_balance = old_size.dec_or_none();
  sizes.new_balance = new_size.dec_or_none();
  if (!sizes.reduces() || reason == "fundingRealisation") return std::nullopt;
  const std::string uid = execution.text();
  const auto result = pnl.dec_or_none();
  const auto at_ms = fill_time ? fill_time.i64_or_none() : element["timestamp"].i64_or_none();
  if (uid.empty() || !result || !at_ms || !tradeable)
    throw BadFrame("a closing position event without executionUid, realizedPnL, time or tradeable");
  const Reduction r = reduction_of(*sizes.old_balance, *sizes.new_balance);
  FuturesClose c;
  c.id = "kf:" + uid;
  c.symbol = tradeable.text();
  c.currency = currency_code(currency.text());
  c.is_long = r.is_long;
  c.closed_ms = *at_ms;
  c.entry = if_positive(old_entry.dec_or_none());
  c.exit = if_positive(price.dec_or_none());
  c.size = r.closed;
  set_pnl(c, *result, std::string(pnl.str()));
  c.fee = share_of_fee(or_zero(fee.dec_or_none()), r);
  if (c.currency.empty()) c.hold = "the position event names no currency";
  else if (type == "liquidation") c.hold = "a position event does not say whether its fee holds the liquidation fee";
  return c;
}

Pairing::Outcome Pairing::add(LogRow row, std::int64_t now_ms) {
  const bool reduction = row.is_position() && row.reduces();
  if (is_one_of(kNeverInfos, row.info)) return {};
  if (row.execution.empty()) {
    // Transfers, deposits: rows of a currency. A contract that shrinks without an execution has no id to settle under.
    if (!reduction) return {};
    return {std::nullopt, "row " + std::to_string(row.id) + " (" + row.info + ") reduces " + row.asset +
                              " but names no execution: there is no id to settle it under"};
  }
  const std::string execution = row.execution;
  if (finished_.contains(execution)) return {};
  if (row.is_position() && !reduction) {
    finish(execution);  // an opening: its cash row holds a fee only
    return {};
  }
  Half& half = halves_[execution];
  if (half.since_ms == 0) half.since_ms = now_ms;
  if (row.is_position()) half.position = std::move(row);
  else if (row.pnl) half.cash = std::move(row);  // without a figure it is as good as missing
  if (!half.position && !half.cash) {
    halves_.erase(execution);
    return {};
  }
  if (!half.position || !half.cash) return {};
  Outcome out{close_of(*half.position, *half.cash), ""};
  finish(execution);
  return out;
}

void Pairing::finish(const std::string& execution) {
  halves_.erase(execution);
  if (!finished_.insert(execution).second) return;
  finished_order_.push_back(execution);
  if (finished_order_.size() <= kFinishedMax) return;
  finished_.erase(finished_order_.front());
  finished_order_.pop_front();
}

std::optional<std::int64_t> Pairing::oldest_waiting() const {
  std::optional<std::int64_t> oldest;
  for (const auto& [execution, half] : halves_) {
    if (!oldest || half.id() < *oldest) oldest = half.id();
  }
  return oldest;
}

void Pairing::clear() {
  halves_.clear();
  finished_.clear();
  finished_order_.clear();
}

}  // namespace anduin::kraken
