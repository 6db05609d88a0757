#include "sim/bitget.hpp"

namespace anduin::sim {
namespace {

std::string ms_text(std::int64_t ms) { return std::to_string(ms); }
std::string side_of(bool is_long) { return is_long ? "long" : "short"; }
std::string mode_of(bool hedge) { return hedge ? "hedge_mode" : "one_way_mode"; }

/// The coins that a product is margined in.
std::vector<std::string> coins_of(const std::string& product) {
  if (product == "USDT-FUTURES") return {"USDT"};
  if (product == "USDC-FUTURES") return {"USDC"};
  return {"BTC", "ETH"};
}

}  // namespace

std::string BitgetSim::instrument_row(const BitgetSymbol& symbol) const {
  const SymbolSpec& s = symbol.spec;
  Obj row;
  row.str("symbol", s.native).str("category", symbol.product).str("baseCoin", s.base).str("quoteCoin", s.quote);
  row.str("pricePrecision", std::to_string(s.price_decimals)).str("quantityPrecision", std::to_string(s.qty_decimals));
  row.str("status", "online").str("minOrderQty", fixed_text(s.qty_units, s.qty_decimals)).str("maintainTime", "");
  if (s.product == Product::kSpot) return row.str("quotePrecision", "6").str("areaSymbol", "no").text();
  return row.str("isRwa", "NO")
      .str("priceMultiplier", fixed_text(s.tick_units, s.price_decimals))
      .str("quantityMultiplier", fixed_text(s.qty_units, s.qty_decimals))
      .str("type", s.contract_type)  // as a client reads it that is used live; the page's sample says symbolType
      .str("deliveryTime", symbol.dated ? "1806048000000" : "")
      .str("fundInterval", "8")
      .text();
}

std::string BitgetSim::contract_row(const BitgetSymbol& symbol) const {
  const SymbolSpec& s = symbol.spec;
  return Obj()
      .str("symbol", s.native)
      .str("baseCoin", s.base)
      .str("quoteCoin", s.quote)
      .str("buyLimitPriceRatio", "0.01")
      .str("sellLimitPriceRatio", "0.01")
      .str("feeRateUpRatio", "0.005")
      .str("makerFeeRate", "0.0002")
      .str("takerFeeRate", "0.0006")
      .str("openCostUpRatio", "0.01")
      .raw("supportMarginCoins", Arr().str(s.settle).text())
      .str("minTradeNum", fixed_text(s.qty_units, s.qty_decimals))
      .str("priceEndStep", std::to_string(s.tick_units))
      .str("volumePlace", std::to_string(s.qty_decimals))
      .str("pricePlace", std::to_string(s.price_decimals))
      .str("sizeMultiplier", fixed_text(s.qty_units, s.qty_decimals))
      .str("symbolType", s.contract_type)
      .str("minTradeUSDT", "5")
      .str("symbolStatus", "normal")
      .str("offTime", "-1")
      .str("limitOpenTime", "-1")
      .str("deliveryTime", symbol.dated ? "1806048000000" : "")
      .str("fundInterval", "8")
      .str("minLever", "1")
      .str("maxLever", "125")
      .text();
}

/// The venue writes ctime and utime, whatever its pages say.
std::string BitgetSim::v2_history_row(const BitgetRow& r) const {
  return Obj()
      .str("closeAvgPrice", r.exit.to_string())
      .str("closeFee", r.close_fee.to_string())
      .str("closeTotalPos", r.size.to_string())
      .str("ctime", ms_text(r.opened_ms))
      .str("holdSide", side_of(r.is_long))
      .str("marginCoin", r.symbol->spec.settle)
      .str("marginMode", "isolated")
      .str("netProfit", r.net.to_string())
      .str("openAvgPrice", r.entry.to_string())
      .str("openFee", r.open_fee.to_string())
      .str("openTotalPos", r.size.to_string())
      .str("pnl", r.gross.to_string())
      .str("posMode", mode_of(r.hedge))
      .str("positionId", r.id)
      .str("symbol", r.symbol->spec.native)
      .str("totalFunding", r.funding.to_string())
      .str("utime", ms_text(r.closed_ms))
      .text();
}

std::string BitgetSim::v3_history_row(const BitgetRow& r) const {
  return Obj()
      .str("positionId", r.id)
      .str("category", r.symbol->product)
      .str("symbol", r.symbol->spec.native)
      .str("marginCoin", r.symbol->spec.settle)
      .str("holdMode", mode_of(r.hedge))
      .str("posSide", side_of(r.is_long))
      .str("marginMode", "crossed")
      .str("openPriceAvg", r.entry.to_string())
      .str("closePriceAvg", r.exit.to_string())
      .str("openTotalPos", r.size.to_string())
      .str("closeTotalPos", r.size.to_string())
      .str("cumRealisedPnl", r.gross.to_string())
      .str("netProfit", r.net.to_string())
      .str("totalFunding", r.funding.to_string())
      .str("openFeeTotal", r.open_fee.to_string())
      .str("closeFeeTotal", r.close_fee.to_string())
      .str("createdTime", ms_text(r.opened_ms))
      .str("updatedTime", ms_text(r.closed_ms))
      .text();
}

/// `fixed` is isolated here.
std::string BitgetSim::pushed_close(const BitgetRow& r) const {
  return Obj()
      .str("posId", r.id)
      .str("instId", r.symbol->spec.native)
      .str("marginCoin", r.symbol->spec.settle)
      .str("marginMode", "fixed")
      .str("holdSide", side_of(r.is_long))
      .str("posMode", mode_of(r.hedge))
      .str("openPriceAvg", r.entry.to_string())
      .str("closePriceAvg", r.exit.to_string())
      .str("openSize", r.size.to_string())
      .str("closeSize", r.size.to_string())
      .str("achievedProfits", r.pushed_gross.to_string())
      .str("settleFee", r.funding.to_string())
      .str("openFee", r.open_fee.to_string())
      .str("closeFee", r.close_fee.to_string())
      .str("cTime", ms_text(r.opened_ms))
      .str("uTime", ms_text(r.closed_ms))
      .text();
}

/// No id, and no fees.
std::string BitgetSim::v3_position(const BitgetPosition& p, bool ended) const {
  const std::string size = ended ? "0" : p.size.to_string();
  return Obj()
      .str("symbol", p.symbol->spec.native)
      .str("leverage", "20")
      .str("openFeeTotal", "")
      .str("mmr", "")
      .str("breakEvenPrice", "")
      .str("available", size)
      .str("liqPrice", "")
      .str("marginMode", "crossed")
      .str("unrealisedPnl", "0")
      .str("markPrice", world_.market.price(p.symbol->spec, world_.wall_ms()).to_string())
      .str("createdTime", ms_text(p.opened_ms))
      .str("avgPrice", ended ? "0" : p.entry.to_string())
      .str("totalFundingFee", "0")
      .str("updatedTime", ms_text(p.updated_ms))
      .str("marginCoin", p.symbol->spec.settle)
      .str("frozen", "0")
      .str("profitRate", "")
      .str("closeFeeTotal", "")
      .str("marginSize", "0")
      .str("curRealisedPnl", "0")
      .str("size", size)
      .str("positionStatus", ended ? "ended" : "normal")
      .str("posSide", side_of(p.is_long))
      .str("holdMode", mode_of(p.hedge))
      .text();
}

std::string BitgetSim::v2_position(const BitgetPosition& p, bool pushed) const {
  return Obj()
      .str("posId", p.id)
      .str(pushed ? "instId" : "symbol", p.symbol->spec.native)
      .str("marginCoin", p.symbol->spec.settle)
      .str("marginSize", "9.5")
      .str("marginMode", "isolated")
      .str("holdSide", side_of(p.is_long))
      .str("posMode", mode_of(p.hedge))
      .str("total", p.size.to_string())
      .str("available", p.size.to_string())
      .str("frozen", "0")
      .str("openPriceAvg", p.entry.to_string())
      .num("leverage", 20)
      .str("achievedProfits", "0")
      .str("unrealizedPL", "0")
      .str("liquidationPrice", "1")
      .str("cTime", ms_text(p.opened_ms))
      .str("uTime", ms_text(p.updated_ms))
      .text();
}

/// Coins without money are left out.
std::string BitgetSim::assets(std::size_t account, bool pushed) const {
  Arr list;
  for (const auto& [coin, amount] : state_[account].cash) {
    if (amount.is_zero()) continue;
    const std::string text = amount.to_string();
    list.raw(Obj()
                 .str("coin", coin)
                 .str("equity", text)
                 .str("usdValue", text)
                 .str("balance", text)
                 .str("available", text)
                 .str(pushed ? "debts" : "debt", "0")
                 .str("locked", "0")
                 .text());
  }
  if (pushed)
    return Obj().str("unrealisedPnL", "0").str("totalEquity", "1").str("mmr", "0").raw("coin", list.text()).text();
  return Obj()
      .str("accountEquity", "1")
      .str("usdtEquity", "1")
      .str("unrealisedPnl", "0")
      .raw("assets", list.text())
      .text();
}

std::string BitgetSim::classic_balance(std::size_t account, const std::string& product, bool pushed) const {
  Arr list;
  for (const std::string& coin : coins_of(product)) {
    const std::string text = state_[account].cash.at(coin).to_string();
    Obj row;
    row.str("marginCoin", coin)
        .str(pushed ? "frozen" : "locked", "0")
        .str("available", text)
        .str("maxTransferOut", text);
    row.str(pushed ? "equity" : "accountEquity", text).str("usdtEquity", text);
    list.raw(pushed ? row.text() : row.str("unrealizedPL", "").str("coupon", "0").text());
  }
  return list.text();
}

std::string BitgetSim::key_info(std::size_t account, bool v3) const {
  const SimAccount& a = accounts_[account];
  const std::string ips = a.ip_bound ? "127.0.0.1" : "";
  Arr rights;
  if (!v3) {
    rights.str("coor").str("cpor").str("stor");
    if (a.can_trade) rights.str("coow");
    if (a.can_transfer) rights.str("wtow");
    if (a.can_withdraw) rights.str("wwow");
    return Obj()
        .str("userId", a.uid)
        .str("inviterId", "2345678901")
        .str("ips", ips)
        .raw("authorities", rights.text())
        .num("parentId", 1)
        .str("traderType", "not_trader")
        .str("regisTime", "1246566789345")
        .text();
  }
  rights.str("uta_mgt").str("uta_trade");
  if (a.can_withdraw) rights.str("withdraw");
  return Obj()
      .str("userId", a.uid)
      .str("inviterId", "987654321")
      .str("parentId", "")
      .str("ips", ips)
      .str("permType", a.can_trade || a.can_transfer ? "read-and-write" : "read-only")
      .raw("permissions", rights.text())
      .str("regisTime", "1704067200000")
      .text();
}

}  // namespace anduin::sim
