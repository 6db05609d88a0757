#include "sim/kucoin.hpp"

namespace anduin::sim {
namespace {

/// XBT is what KuCoin calls BTC.
std::string native_coin(const std::string& coin) { return coin == "BTC" ? "XBT" : coin; }

}  // namespace

/// The hexadecimal id of rows and pushes, which is not the uid.
std::string KucoinSim::user_id(std::size_t account) const {
  return "633559791e1cbc0001f3" + std::to_string(1000 + account);
}

std::string KucoinSim::history_row(std::size_t account, const KucoinCycle& c) const {
  const Decimal cost = -(c.pnl + c.fee - c.funding + c.tax);  // the opposite sign of profit
  Obj row;
  row.str("closeId", c.close_id)
      .str("userId", user_id(account))
      .str("symbol", c.symbol)
      .str("settleCurrency", c.settle)
      .str("leverage", c.bare ? "0.0" : "3.0")
      .str("type", c.type)
      .str("pnl", c.pnl.to_string())
      .str("realisedGrossCost", cost.to_string());
  if (!c.bare) row.str("realisedGrossCostNew", cost.to_string());
  row.str("withdrawPnl", "0.0")
      .str("tradeFee", c.fee.to_string())
      .str("fundingFee", double_text(c.funding))
      .num("openTime", c.open_ms)
      .num("closeTime", c.close_ms);
  if (c.bare) return row.null("side").null("closeSize").null("roe").null("openPrice").null("closePrice").text();
  return row.str("openPrice", double_text(*c.open_price))
      .str("closePrice", double_text(*c.close_price))
      .str("marginMode", c.margin_mode)
      .str("tax", double_text(c.tax))
      .null("roe")
      .null("liquidAmount")
      .null("liquidPrice")
      .str("side", c.is_long ? "LONG" : "SHORT")
      .text();
}

/// `data` of a position frame. A cross position lacks what only an isolated one has.
std::string KucoinSim::position(const KucoinCycle& c, std::int64_t lots, bool open) const {
  const bool cross = c.margin_mode == "CROSS";
  Obj row;
  row.str("symbol", c.symbol).raw("maintMarginReq", "0.004").flag("crossMode", cross).num("delevPercentage", 0);
  if (!cross) {
    row.raw("riskLimit", "500000")
        .raw("realLeverage", "4.9685590767")
        .flag("autoDeposit", true)
        .raw("posCross", "1.2e-7")
        .raw("posLoss", "0e-8")
        .raw("posComm", "0.06602004")
        .raw("posMargin", "18.40492004");
  }
  row.num("openingTimestamp", c.open_ms)
      .num("currentTimestamp", open ? (c.close_ms != 0 ? c.close_ms : c.open_ms) : c.close_ms)
      .num("currentQty", lots)
      .raw("currentCost", "-2.0E-4")
      .raw("currentComm", c.fee.to_string())
      .raw("realisedCost", (-c.pnl).to_string())
      .flag("isOpen", open)
      .raw("markPrice", "115672.14")
      .raw("avgEntryPrice", c.open_price ? c.open_price->to_string() : "115549.8")
      .str("settleCurrency", c.settle)
      .str("changeReason", "positionChange")
      .raw("realisedGrossPnl", (c.pnl + c.fee - c.funding + c.tax).to_string())
      .raw("realisedPnl", c.pnl.to_string())
      .raw("unrealisedPnl", "-4.069805E-4")
      .str("marginMode", c.margin_mode)
      .str("positionSide", c.position_side);
  return row.text();
}

std::string KucoinSim::contract(const SymbolSpec& s) const {
  const Ladder top = world_.market.ladder(s, world_.wall_ms(), 1);
  const std::string price = top.bids.empty() ? "1" : fixed_text(top.bids[0].price, s.price_decimals);
  const bool dated = s.contract_type == "FFICSX";
  Obj row;
  row.str("symbol", s.native)
      .str("rootSymbol", s.settle)
      .str("type", s.contract_type)
      .num("firstOpenDate", 1'585'555'200'000);
  if (dated) row.num("expireDate", 1'798'185'600'000).num("settleDate", 1'798'185'600'000);
  else row.null("expireDate").null("settleDate");
  row.str("baseCurrency", native_coin(s.base))
      .str("quoteCurrency", s.quote)
      .str("settleCurrency", s.settle)
      .num("maxOrderQty", 1'000'000)
      .raw("maxPrice", "1000000.0000000000")
      .num("lotSize", 1)
      .raw("tickSize", fixed_text(s.tick_units, s.price_decimals))
      .raw("multiplier", multiplier(s))
      .raw("makerFeeRate", "0.00020")
      .raw("takerFeeRate", "0.00060")
      .flag("isDeleverage", true)
      .flag("isQuanto", s.product == Product::kLinear)
      .flag("isInverse", s.product == Product::kInverse)
      .str("markMethod", "FairPrice")
      .str("status", "Open")
      .raw("markPrice", price)
      .raw("lastTradePrice", price);
  if (!dated) row.num("nextFundingRateTime", 25'242'841);
  return row.num("maxLeverage", 100).text();
}

std::string KucoinSim::overview(std::size_t account, const std::string& currency) const {
  const auto it = wallets_[account].find(currency);
  const std::string amount = it == wallets_[account].end() ? "0.0" : double_text(it->second);
  return Obj()
      .raw("accountEquity", amount)
      .raw("unrealisedPNL", "0.0")
      .raw("marginBalance", amount)
      .raw("positionMargin", "0.0")
      .raw("orderMargin", "0.0")
      .raw("frozenFunds", "0.0")
      .raw("availableBalance", amount)
      .str("currency", currency)
      .raw("riskRatio", "0.0")
      .raw("maxWithdrawAmount", amount)
      .text();
}

std::string KucoinSim::wallet(std::size_t account, const std::string& currency) {
  const std::string amount = wallets_[account][currency].to_string();
  return Obj()
      .str("crossPosMargin", "0")
      .str("isolatedOrderMargin", "0")
      .str("holdBalance", "0")
      .str("equity", amount)
      .str("version", std::to_string(++wallet_version_))
      .str("availableBalance", amount)
      .str("isolatedPosMargin", "0")
      .str("walletBalance", amount)
      .str("currency", currency)
      .str("timestamp", std::to_string(world_.wall_ms()))
      .text();
}

std::string KucoinSim::key_info(std::size_t account) const {
  const SimAccount& a = accounts_[account];
  std::string permission = "General";
  if (a.can_trade) permission += ",Futures";
  if (a.can_transfer) permission += ",InnerTransfer";
  if (a.can_withdraw) permission += ",Transfer";
  Obj row;
  row.str("remark", a.name).str("apiKey", a.key).num("apiVersion", 3).str("permission", permission);
  if (a.ip_bound) row.str("ipWhitelist", "203.**.154,103.**.34");
  row.num("createdAt", 1'728'443'843'000).raw("uid", a.uid).flag("isMaster", true);
  if (a.expires_ms != 0) row.num("expiredAt", a.expires_ms);
  return row.text();
}

}  // namespace anduin::sim
