#include "sim/okx.hpp"

namespace anduin::sim {
namespace {

std::string ms_text(std::int64_t ms) { return std::to_string(ms); }

}  // namespace

std::string OkxSim::instrument_row(const OkxSymbol& symbol) const {
  const SymbolSpec& s = symbol.spec;
  const bool spot = s.product == Product::kSpot;
  const std::string family = s.base + "-" + s.quote;
  const std::string lot = fixed_text(s.qty_units, s.qty_decimals);
  return Obj()
      .str("alias", "")
      .str("auctionEndTime", "")
      .str("baseCcy", spot ? s.base : "")
      .str("category", "1")
      .str("ctMult", spot ? "" : "1")
      .str("ctType", s.contract_type)
      .str("ctVal", spot ? "" : symbol.contract.to_string())
      .str("ctValCcy", spot                             ? ""
                       : s.product == Product::kInverse ? "USD"
                                                        : s.base)
      .str("expTime", s.market == "FUTURES" ? "1830240000000" : "")
      .str("instFamily", spot ? "" : family)
      .str("instId", s.native)
      .str("instType", s.market)
      .str("lever", spot ? "10" : "100")
      .str("listTime", "1611916828000")
      .str("lotSz", lot)
      .str("maxLmtSz", "100000000")
      .str("maxMktSz", "12000")
      .str("minSz", lot)
      .str("optType", "")
      .str("quoteCcy", spot ? s.quote : "")
      .str("ruleType", "normal")
      .str("settleCcy", s.settle)
      .str("state", "live")
      .str("stk", "")
      .str("tickSz", fixed_text(s.tick_units, s.price_decimals))
      .str("uly", spot ? "" : family)
      .text();
}

/// `blank`: an isolated position right after a margin transfer. The fields of a push with pos 0 are empty.
std::string OkxSim::position_row(const OkxPosition& p, bool blank) const {
  const bool flat = blank || p.contracts.is_zero();
  const bool minus = p.side == "net" && !p.is_long;
  const auto or_empty = [&](const std::string& value) { return flat ? std::string() : value; };
  return Obj()
      .str("instType", "SWAP")
      .str("instId", p.symbol->spec.native)
      .str("mgnMode", p.margin_mode)
      .str("posId", p.pos_id)
      .str("posSide", p.side)
      .str("pos", flat ? "0" : (minus ? -p.contracts : p.contracts).to_string())
      .str("availPos", or_empty(p.contracts.to_string()))
      .str("avgPx", or_empty(p.entry.to_string()))
      .str("upl", or_empty("0"))
      .str("lever", "10")
      .str("liqPx", "")
      .str("ccy", p.symbol->spec.settle)
      .str("cTime", ms_text(p.opened_ms))
      .str("uTime", ms_text(p.updated_ms))
      .str("pTime", ms_text(world_.wall_ms()))
      .str("tradeId", std::to_string(p.trade_id))
      .str("realizedPnl", or_empty("-4.5"))
      .str("pnl", or_empty("0"))
      .str("fee", or_empty("-4.5"))
      .str("fundingFee", or_empty("0"))
      .str("liqPenalty", or_empty("0"))
      .text();
}

std::string OkxSim::history_row(const OkxRow& r) const {
  Obj row;
  row.str("cTime", ms_text(r.opened_ms))
      .str("ccy", r.symbol->spec.settle)
      .str("closeAvgPx", r.exit.to_string())
      .str("closeTotalPos", r.contracts.to_string())
      .str("direction", r.is_long ? "long" : "short")
      .str("fee", r.fee.to_string())
      .str("fundingFee", r.funding.to_string())
      .str("instId", r.symbol->spec.native)
      .str("instType", r.symbol->spec.market)
      .str("lever", "10.0")
      .str("liqPenalty", r.penalty.to_string())
      .str("mgnMode", r.margin_mode)
      .str("nonSettleAvgPx", "")
      .str("openAvgPx", r.entry.to_string())
      .str("openMaxPos", r.contracts_max.to_string())
      .str("pnl", r.gross.to_string())
      .str("pnlRatio", "0.01")
      .str("posId", r.pos_id);
  if (r.side != "net") row.str("posSide", r.side);  // the field may be absent
  return row.str("realizedPnl", r.net.to_string())
      .str("settledPnl", "")
      .str("triggerPx", r.type == "3" ? r.exit.to_string() : "")
      .str("type", r.type)
      .str("uTime", ms_text(r.updated_ms))
      .str("uly", r.symbol->spec.base + "-" + r.symbol->spec.quote)
      .text();
}

/// A currency without money is not in the list; what does not apply is "".
std::string OkxSim::balance(std::size_t account, const std::string& currencies) const {
  Decimal total;
  Arr details;
  for (const auto& [coin, amount] : state_[account].cash) {
    const Decimal price(world_.market.mid_e8(coin, world_.wall_ms()), -8);
    const Decimal usd = (amount * price).rounded(8);
    total = total + usd;
    if (amount.is_zero() ||
        (!currencies.empty() && ("," + currencies + ",").find("," + coin + ",") == std::string::npos))
      continue;
    details.raw(Obj()
                    .str("availBal", amount.to_string())
                    .str("availEq", coin == "BTC" ? "" : amount.to_string())
                    .str("cashBal", amount.to_string())
                    .str("ccy", coin)
                    .str("disEq", "0")
                    .str("eq", amount.to_string())
                    .str("eqUsd", usd.to_string())
                    .str("frozenBal", "0")
                    .str("imr", "")
                    .str("interest", "")
                    .str("isoEq", "0")
                    .str("liab", "")
                    .str("mgnRatio", "")
                    .str("ordFrozen", "0")
                    .str("stgyEq", "0")
                    .str("uTime", ms_text(world_.wall_ms()))
                    .str("upl", "0")
                    .text());
  }
  return Arr()
      .raw(Obj()
               .str("adjEq", "")
               .raw("details", details.text())
               .str("imr", "")
               .str("isoEq", "0")
               .str("mgnRatio", "")
               .str("mmr", "")
               .str("notionalUsd", "")
               .str("ordFroz", "")
               .str("totalEq", total.to_string())
               .str("uTime", ms_text(world_.wall_ms()))
               .str("upl", "")
               .text())
      .text();
}

std::string OkxSim::config(std::size_t account) const {
  const SimAccount& a = accounts_[account];
  std::string rights = "read_only";
  if (a.can_trade || a.can_transfer) rights += ",trade";  // moving funds is part of `trade`
  if (a.can_withdraw) rights += ",withdraw";
  return Arr()
      .raw(Obj()
               .str("acctLv", "2")
               .flag("autoLoan", false)
               .str("ctIsoMode", "automatic")
               .str("greeksType", "PA")
               .str("ip", a.ip_bound ? "127.0.0.1" : "")
               .str("kycLv", "3")
               .str("label", "simulated")
               .str("level", "Lv1")
               .str("levelTmp", "")
               .str("mainUid", a.uid)
               .str("mgnIsoMode", "automatic")
               .str("opAuth", "0")
               .str("perm", rights)
               .str("posMode", "net_mode")
               .str("roleType", "0")
               .raw("traderInsts", "[]")
               .str("type", "0")
               .str("uid", a.uid)
               .text())
      .text();
}

}  // namespace anduin::sim
