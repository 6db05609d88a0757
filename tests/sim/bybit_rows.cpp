#include "sim/bybit.hpp"

namespace anduin::sim {
namespace {

/// fee / value, what the venue prints as feeRate; "0" where it would not be a number.
std::string rate_text(const Decimal& fee, const Decimal& value) {
  return value.is_zero() ? "0" : Decimal::divide(fee, value, 8).to_string();
}

std::string list_of(std::initializer_list<const char*> words) {
  Arr list;
  for (const char* word : words) list.str(word);
  return list.text();
}

}  // namespace

std::string BybitSim::fill_row(const BybitFill& f, bool stream, bool hide_pnl) const {
  const Decimal value = f.category == "inverse" ? Decimal::divide(f.qty, f.price, 8) : f.qty * f.price;
  Obj row;
  if (stream) row.str("category", f.category);
  row.str("symbol", f.symbol)
      .str("closedSize", f.spot ? "" : f.closed.to_string())
      .str("execFee", f.fee.to_string())
      .str("execId", f.exec_id)
      .str("execPrice", f.price.to_string())
      .str("execQty", f.qty.to_string())
      .str("execType", f.exec_type)
      .str("execValue", value.to_string())
      .str("feeRate", rate_text(f.fee, value))
      .str("tradeIv", "")
      .str("markIv", "")
      .str("blockTradeId", "")
      .str("markPrice", f.spot ? "" : f.price.to_string())
      .str("indexPrice", "")
      .str("underlyingPrice", "")
      .str("leavesQty", f.leaves.to_string())
      .str("orderId", f.order_id)
      .str("orderLinkId", "")
      .str("orderPrice", f.price.to_string())
      .str("orderQty", (f.qty + f.leaves).to_string())
      .str("orderType", f.exec_type == "Funding" ? "UNKNOWN" : "Market")
      .str("stopOrderType", f.spot ? "" : "UNKNOWN")
      .str("side", f.side)
      .str("execTime", std::to_string(f.exec_ms))
      .str("isLeverage", "0")
      .flag("isMaker", false)
      .num("seq", f.seq);
  // execPnl exists on the stream only, and older frames had none.
  if (stream && !f.spot) {
    row.str("marketUnit", "");
    if (!hide_pnl && !f.pnl_absent) row.str("execPnl", f.pnl.to_string());
    row.str("createType", f.exec_type == "Funding" ? "" : "CreateByUser");
  }
  if (!f.spot) row.raw("extraFees", "[]").str("feeCurrency", f.fee_currency);
  return row.text();
}

std::string BybitSim::log_row(std::size_t account, const BybitFill& f) const {
  const bool funding = f.exec_type == "Funding";
  const Decimal change = funding ? -f.fee : f.pnl - f.fee;
  return Obj()
      .str("transSubType", "")
      .str("id", accounts_[account].uid + "_" + f.symbol + "_" + std::to_string(f.seq))
      .str("symbol", f.symbol)
      .str("side", f.side)
      .str("funding", funding ? (-f.fee).to_string() : "")
      .str("orderLinkId", "")
      .str("orderId", f.order_id)
      .str("fee", funding ? "0" : f.fee.to_string())
      .str("change", change.to_string())
      .str("cashFlow", funding ? "0" : f.pnl.to_string())
      .str("transactionTime", std::to_string(f.exec_ms))
      .str("type", f.log_type)
      .str("feeRate", "0.00055")
      .str("bonusChange", "")
      .str("size", (f.qty - f.closed).to_string())
      .str("qty", f.qty.to_string())
      .str("cashBalance", f.cash_balance.to_string())
      .str("currency", f.fee_currency)
      .str("category", f.category)
      .str("tradePrice", f.price.to_string())
      .str("tradeId", f.exec_id)
      .str("extraFees", "")
      .text();
}

std::string BybitSim::wallet(std::size_t account) const {
  Decimal total;
  Arr coins;
  for (const auto& [coin, amount] : wallets_[account].coins) {
    const Decimal price(world_.market.mid_e8(coin, world_.wall_ms()), -8);
    const Decimal usd = (amount * price).rounded(8);
    total = total + usd;
    coins.raw(Obj()
                  .str("coin", coin)
                  .str("equity", amount.to_string())
                  .str("usdValue", usd.to_string())
                  .str("walletBalance", amount.to_string())
                  .str("availableToWithdraw", "")
                  .str("availableToBorrow", "")
                  .str("borrowAmount", "0")
                  .str("accruedInterest", "0")
                  .str("totalOrderIM", "0")
                  .str("totalPositionIM", "0")
                  .str("totalPositionMM", "0")
                  .str("unrealisedPnl", "0")
                  .str("cumRealisedPnl", "0")
                  .str("bonus", "0")
                  .flag("collateralSwitch", true)
                  .flag("marginCollateral", true)
                  .str("locked", "0")
                  .str("spotHedgingQty", "0")
                  .str("spotBorrow", "0")
                  .text());
  }
  const std::string sum = total.to_string();
  return Arr()
      .raw(Obj()
               .str("accountIMRate", "0")
               .str("accountIMRateByMp", "0")
               .str("accountMMRate", "0")
               .str("accountMMRateByMp", "0")
               .str("totalEquity", sum)
               .str("totalWalletBalance", sum)
               .str("totalMarginBalance", sum)
               .str("totalAvailableBalance", sum)
               .str("totalPerpUPL", "0")
               .str("totalInitialMargin", "0")
               .str("totalInitialMarginByMp", "0")
               .str("totalMaintenanceMargin", "0")
               .str("totalMaintenanceMarginByMp", "0")
               .raw("coin", coins.text())
               .str("accountLTV", "0")
               .str("accountType", "UNIFIED")
               .text())
      .text();
}

std::string BybitSim::key_info(std::size_t account) const {
  const SimAccount& a = accounts_[account];
  const bool writes = a.can_trade || a.can_withdraw || a.can_transfer;
  std::string wallet_rights = "[]";
  if (a.can_withdraw)
    wallet_rights = list_of({"AccountTransfer", "Withdraw"});
  else if (a.can_transfer)
    wallet_rights = list_of({"AccountTransfer", "SubMemberTransfer"});
  // A read-only key shows its scopes all the same: readOnly alone decides.
  const std::string trade = a.can_trade || !writes ? list_of({"Order", "Position"}) : "[]";
  return Obj()
      .str("id", "2208369")
      .str("note", "simulated")
      .str("apiKey", a.key)
      .num("readOnly", writes ? 0 : 1)
      .str("secret", "")
      .raw("permissions", Obj()
                              .raw("ContractTrade", trade)
                              .raw("Spot", "[]")
                              .raw("Wallet", wallet_rights)
                              .raw("Options", "[]")
                              .raw("Derivatives", "[]")
                              .raw("Exchange", "[]")
                              .raw("Earn", "[]")
                              .text())
      .raw("ips", a.ip_bound ? list_of({"127.0.0.1"}) : list_of({"*"}))
      .num("type", 1)
      .num("deadlineDay", a.expires_ms == 0 ? -2 : (a.expires_ms - world_.wall_ms()) / 86'400'000)
      .str("expiredAt", iso_ms(a.expires_ms).substr(0, 19) + "Z")
      .str("createdAt", "2025-10-13T03:20:45Z")
      .num("unified", 0)
      .num("uta", 1)
      .raw("userID", a.uid)
      .num("inviterID", 0)
      .str("vipLevel", "No VIP")
      .str("mktMakerLevel", "0")
      .num("affiliateID", 0)
      .str("rsaPublicKey", "")
      .flag("isMaster", true)
      .str("parentUid", "0")
      .str("kycLevel", "LEVEL_DEFAULT")
      .str("kycRegion", "")
      .text();
}

std::string BybitSim::instrument_row(const SymbolSpec& s) const {
  const std::string tick = fixed_text(s.tick_units, s.price_decimals);
  const std::string step = fixed_text(s.qty_units, s.qty_decimals);
  Obj row;
  row.str("symbol", s.native);
  if (s.product != Product::kSpot) {
    row.str("contractType", s.contract_type);
  }
  row.str("status", "Trading").str("baseCoin", s.base).str("quoteCoin", s.quote);
  if (s.product == Product::kSpot) {
    return row.str("innovation", "0")
        .str("marginTrading", "utaOnly")
        .raw("lotSizeFilter", Obj()
                                  .str("basePrecision", step)
                                  .str("quotePrecision", "0.00000001")
                                  .str("minOrderQty", step)
                                  .str("maxOrderQty", "1000000")
                                  .str("minOrderAmt", "5")
                                  .str("maxOrderAmt", "8000000")
                                  .text())
        .raw("priceFilter", Obj().str("tickSize", tick).text())
        .text();
  }
  return row.str("launchTime", "1585526400000")
      .str("deliveryTime", "0")
      .str("deliveryFeeRate", "")
      .str("priceScale", std::to_string(s.price_decimals))
      .raw("leverageFilter",
           Obj().str("minLeverage", "1").str("maxLeverage", "100").str("leverageStep", "0.01").text())
      .raw("priceFilter",
           Obj().str("minPrice", tick).str("maxPrice", "1999999.80").str("tickSize", tick).text())
      .raw("lotSizeFilter", Obj()
                                .str("maxOrderQty", "1190.000")
                                .str("minOrderQty", step)
                                .str("qtyStep", step)
                                .str("postOnlyMaxOrderQty", "1190.000")
                                .str("maxMktOrderQty", "500.000")
                                .str("minNotionalValue", "5")
                                .text())
      .flag("unifiedMarginTrade", true)
      .num("fundingInterval", 480)
      .str("settleCoin", s.settle)
      .str("copyTrading", "none")
      .text();
}

std::string BybitSim::market_row(const SymbolSpec& s) const {
  const Ladder top = world_.market.ladder(s, world_.wall_ms(), 1);
  const auto price = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].price, s.price_decimals);
  };
  const auto size = [&](const std::vector<Level>& side) {
    return side.empty() ? std::string() : fixed_text(side[0].qty, s.qty_decimals);
  };
  return Obj()
      .str("symbol", s.native)
      .str("lastPrice", price(top.bids))
      .str("bid1Price", price(top.bids))
      .str("bid1Size", size(top.bids))
      .str("ask1Price", price(top.asks))
      .str("ask1Size", size(top.asks))
      .str("highPrice24h", price(top.asks))
      .str("lowPrice24h", price(top.bids))
      .str("prevPrice24h", price(top.bids))
      .str("price24hPcnt", "0")
      .str("volume24h", "1000")
      .str("turnover24h", "1000000")
      .text();
}

}  // namespace anduin::sim
