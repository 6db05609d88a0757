#include "closes.hpp"

namespace anduin::bitget {
namespace {

const Decimal kSumPrecision{10'000};  // a sum that is further off has a part that nobody has explained
const Decimal kRounding(1, -4);       // sums of old rows were off by 1.5e-5, those of today by 2e-8

/// The members that every spelling has, each under a name of its own.
struct Members {
  json::View id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, opened, closed;
};

CloseRow parse(const Members& m, const Product& product, const json::View* net) {
  CloseRow out;
  out.id = m.id.text();
  if (out.id.empty() || out.id.find_first_not_of("0123456789") != std::string::npos || out.id == "0")
    throw BadFrame("a closed position of " + m.symbol.text() +
                   " without an id: it is not settled under an invented one");
  const auto bad = [&](const std::string& what) { throw BadFrame("closed position " + out.id + ": " + what); };
  if (m.symbol.str().empty()) bad("the symbol is missing");
  if (m.currency.str().empty()) bad("marginCoin is missing");
  if (m.side != "long" && m.side != "short") bad("the side '" + m.side.text() + "' is neither long nor short");
  out.symbol = m.symbol.text();
  out.currency = m.currency.text();
  out.product = &product;
  out.is_long = m.side == "long";
  out.opened_ms = m.opened.i64();
  out.closed_ms = m.closed.i64();
  out.entry = m.entry.dec_or_none();
  out.exit = m.exit.dec_or_none();
  out.size = m.size.dec_or_none();
  out.gross = m.gross.dec_or_none();
  const auto funding = m.funding.dec_or_none(), opening = m.open_fee.dec_or_none(), closing = m.close_fee.dec_or_none();
  if (!net) {  // a push: the result is the sum of its parts, so each must be there
    if (!out.gross || !funding || !opening || !closing) bad("a part of the result is missing");
    out.net = *out.gross + *funding + *opening + *closing;
    out.net_text = out.net.to_string();
    return out;
  }
  out.net = net->dec();
  out.net_text = net->text();
  if (out.gross && funding && opening && closing) {
    const Decimal sum = *out.gross + *funding + *opening + *closing;
    const Decimal all = out.gross->abs() + funding->abs() + opening->abs() + closing->abs();
    const Decimal off = (sum - out.net).abs();
    if (off > kRounding && off * kSumPrecision > all)
      out.hold = "netProfit " + out.net_text + " is not the sum of its parts, " + sum.to_string();
  }
  return out;
}

/// The page writes cTime, the venue ctime.
json::View either(const json::View& one, const json::View& other) { return one.absent() ? other : one; }

}  // namespace

CloseRow parse_classic_row(const json::View& row, const Product& product) {
  const auto [id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, ctime, utime, ctime2,
              utime2, net] =
      row.get<"positionId", "symbol", "holdSide", "openAvgPrice", "closeAvgPrice", "closeTotalPos", "pnl",
              "totalFunding", "openFee", "closeFee", "marginCoin", "ctime", "utime", "cTime", "uTime", "netProfit">();
  return parse({id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency,
                either(ctime, ctime2), either(utime, utime2)},
               product, &net);
}

CloseRow parse_unified_row(const json::View& row, const Product& product) {
  const auto [id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, opened, closed, net] =
      row.get<"positionId", "symbol", "posSide", "openPriceAvg", "closePriceAvg", "closeTotalPos", "cumRealisedPnl",
              "totalFunding", "openFeeTotal", "closeFeeTotal", "marginCoin", "createdTime", "updatedTime",
              "netProfit">();
  return parse({id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, opened, closed},
               product, &net);
}

CloseRow parse_classic_push(const json::View& row, const Product& product) {
  const auto [id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, opened, closed] =
      row.get<"posId", "instId", "holdSide", "openPriceAvg", "closePriceAvg", "closeSize", "achievedProfits",
              "settleFee", "openFee", "closeFee", "marginCoin", "cTime", "uTime">();
  return parse({id, symbol, side, entry, exit, size, gross, funding, open_fee, close_fee, currency, opened, closed},
               product, nullptr);
}

bool differs(const CloseRow& told, const CloseRow& row) {
  return told.closed_ms != row.closed_ms || (told.net - row.net).abs() > kRounding;
}

venue::ClosedPosition position_of(const CloseRow& row, std::uint32_t origin) {
  venue::ClosedPosition p;
  p.id = row.id;
  p.symbol = row.symbol;
  p.market = row.product->market;
  p.currency = p.fee_currency = row.currency;
  p.pnl_raw = row.net_text;
  p.hold = row.hold;
  p.is_long = row.is_long;
  p.origin = origin;
  p.closed_ms = row.closed_ms;
  p.entry = row.entry;
  p.exit = row.exit;
  p.size = row.size;
  p.fee = Decimal();  // nothing is left out of pnl
  if (row.gross) p.funding = row.net - *row.gross;
  p.pnl = row.net;
  if (row.product->market == kInverse && row.size && row.entry) {
    // Bitget shows coins. The contract is worth US dollars, which the price of the opening makes of them; nobody has
    // proven that, so the figure must not be what the result is checked against.
    p.size = *row.size * *row.entry;
    p.flags = AND_CLOSE_SIZE_DERIVED;
  }
  return p;
}

}  // namespace anduin::bitget
