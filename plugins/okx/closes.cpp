#include "closes.hpp"

namespace anduin::okx {
namespace {

const Decimal kSumPrecision{10'000};  // rows seen agree to the last digit; rounding by the venue must not hold a close

}  // namespace

RowState state_of(const json::View& row) {
  const json::View type = row["type"];
  if (type == "2" || type == "3" || type == "6") return RowState::kFinal;
  // 5 meant every auto-deleveraging until 2025; no row of that time is shown any more.
  if (type == "1" || type == "4" || type == "5") return RowState::kOpen;
  throw BadFrame("type '" + type.text() + "' is not known: the row is not settled");
}

std::string id_of(const json::View& row) {
  const auto [position, opened] = row.get<"posId", "cTime">();
  if (position.str().empty() || opened.str().empty()) throw BadFrame("posId or cTime is missing");
  return position.text() + "-" + opened.text();
}

CloseRow parse_close(const json::View& row) {
  const auto [inst, direction, opened, closed, entry, exit, total, net, gross, fee, funding, penalty, settled,
              currency] = row.get<"instId", "direction", "cTime", "uTime", "openAvgPx", "closeAvgPx", "closeTotalPos",
                                  "realizedPnl", "pnl", "fee", "fundingFee", "liqPenalty", "settledPnl", "ccy">();
  CloseRow out;
  out.id = id_of(row);
  const auto bad = [&](const std::string& what) { throw BadFrame("closed position " + out.id + ": " + what); };
  if (inst.str().empty()) bad("instId is missing");
  if (currency.str().empty()) bad("ccy is missing");
  if (direction != "long" && direction != "short") bad("direction is neither long nor short");
  out.symbol = inst.text();
  out.currency = currency.text();
  out.is_long = direction == "long";
  out.opened_ms = opened.i64();
  out.closed_ms = closed.i64();
  out.entry = entry.dec_or_none();
  out.exit = exit.dec_or_none();
  out.contracts = total.dec_or_none();
  out.net = net.dec();
  out.net_text = net.text();
  out.gross = gross.dec_or_none();
  // realizedPnl is the sum of its parts. Where it is not, there is a part that nobody has explained.
  const auto fees = fee.dec_or_none(), paid = funding.dec_or_none(), fined = penalty.dec_or_none();
  const Decimal before = settled.dec_or_none().value_or(Decimal());
  if (out.gross && fees && paid && fined) {
    const Decimal sum = *out.gross + *fees + *paid + *fined + before;
    const Decimal all = out.gross->abs() + fees->abs() + paid->abs() + fined->abs() + before.abs();
    if ((sum - out.net).abs() * kSumPrecision > all)
      out.hold =
          "realizedPnl " + out.net_text + " is not the sum of pnl, fee, fundingFee and liqPenalty, " + sum.to_string();
  }
  return out;
}

venue::ClosedPosition position_of(const CloseRow& row, std::uint32_t origin) {
  venue::ClosedPosition p;
  p.id = row.id;
  p.symbol = row.symbol;
  p.market = market_of(row.symbol);
  p.currency = p.fee_currency = row.currency;
  p.pnl_raw = row.net_text;
  p.hold = row.hold;
  p.is_long = row.is_long;
  p.origin = origin;
  p.closed_ms = row.closed_ms;
  p.entry = row.entry;
  p.exit = row.exit;
  p.size = row.contracts;
  p.fee = Decimal();  // nothing is left out of pnl
  if (row.gross) p.funding = row.net - *row.gross;
  p.pnl = row.net;
  return p;
}

}  // namespace anduin::okx
