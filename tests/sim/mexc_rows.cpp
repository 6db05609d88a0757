#include "sim/mexc.hpp"

namespace anduin::sim {
namespace {

constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

}  // namespace

/// A row of history, or `data` of a push. History knows whole seconds, rounded.
std::string MexcSim::position_row(const MexcPosition& p, bool whole_seconds) const {
  const auto time = [&](std::int64_t ms) { return whole_seconds ? (ms + 500) / 1000 * 1000 : ms; };
  const bool taken = p.state == 2;
  const std::string entry = p.entry.to_string(), exit = p.exit.to_string();
  const Decimal fee = fee_is_positive_ ? p.fee : -p.fee;
  Obj row;
  row.raw("positionId", p.id)
      .str("symbol", p.contract->spec.native)
      .num("positionType", p.is_long ? 1 : 2)
      .num("openType", p.cross ? 2 : 1)
      .num("state", p.state)
      .num("holdVol", taken && p.held == 0 ? p.closed : p.held)
      .num("frozenVol", 0)
      .num("closeVol", taken ? 0 : p.closed)
      .raw("holdAvgPrice", entry)
      .str("holdAvgPriceFullyScale", entry)
      .raw("openAvgPrice", entry)
      .str("openAvgPriceFullyScale", entry)
      .raw("closeAvgPrice", exit)
      .raw("liquidatePrice", "0")
      .num("oim", 0)
      .num("im", 0)
      .num("holdFee", 0)
      .raw("realised", p.realised.to_string())
      .num("leverage", 16)
      .num("createTime", time(p.opened_ms))
      .num("updateTime", time(p.updated_ms))
      .flag("autoAddIm", false)
      .num("version", p.version)
      .raw("profitRatio", "0.0191")
      .raw("newOpenAvgPrice", entry)
      .raw("newCloseAvgPrice", exit)
      .raw("closeProfitLoss", (p.realised + p.fee).to_string())
      .raw("fee", fee.to_string());
  if (whole_seconds) row.str("positionShowStatus", p.state == 3 ? "CLOSED" : "HOLDING");
  return row.raw("deductFeeList", "[]").raw("totalFee", p.fee.to_string()).text();
}

/// What an order's push says: its id is a text, unlike the position's.
std::string MexcSim::order_row(const MexcPosition& p) const {
  return Obj()
      .str("orderId", "7438291536" + p.id)
      .str("symbol", p.contract->spec.native)
      .raw("positionId", p.id)
      .raw("price", p.exit.to_string())
      .num("vol", p.closed)
      .num("category", p.liquidated ? 2 : 1)
      .num("side", p.is_long ? 4 : 2)
      .num("state", 3)
      .num("updateTime", p.updated_ms)
      .text();
}

std::string MexcSim::detail(const MexcContract& c) const {
  const SymbolSpec& s = c.spec;
  return Obj()
      .str("symbol", s.native)
      .str("displayName", s.native + " PERPETUAL")
      .str("displayNameEn", s.native + " PERPETUAL")
      .num("positionOpenType", 3)
      .str("baseCoin", s.base)
      .str("quoteCoin", s.quote)
      .str("baseCoinName", s.base)
      .str("quoteCoinName", s.quote)
      .num("futureType", 1)
      .str("settleCoin", s.settle)
      .raw("contractSize", c.size.to_string())
      .num("minLeverage", 1)
      .num("maxLeverage", 200)
      .num("priceScale", s.price_decimals)
      .num("volScale", 0)
      .num("amountScale", c.amount_decimals)
      .raw("priceUnit", fixed_text(s.tick_units, s.price_decimals))
      .num("volUnit", 1)
      .num("minVol", 1)
      .num("maxVol", 1'000'000)
      .raw("takerFeeRate", "0.0002")
      .raw("makerFeeRate", "0")
      .num("state", 0)
      .num("type", 1)
      .text();
}

std::string MexcSim::asset(std::size_t account, const std::string& currency) const {
  const auto it = wallets_[account].find(currency);
  const std::string amount = it == wallets_[account].end() ? "0" : it->second.to_string();
  return Obj()
      .str("currency", currency)
      .num("positionMargin", 0)
      .raw("availableBalance", amount)
      .raw("cashBalance", amount)
      .num("frozenBalance", 0)
      .raw("equity", amount)
      .num("unrealized", 0)
      .num("bonus", 0)
      .raw("availableCash", amount)
      .raw("availableOpen", amount)
      .num("debtAmount", 0)
      .text();
}

std::string MexcSim::pushed_asset(std::size_t account, const std::string& currency) const {
  return Obj()
      .str("currency", currency)
      .raw("positionMargin", "0.0")
      .raw("frozenBalance", "0.0")
      .raw("availableBalance", wallets_[account].at(currency).to_string())
      .raw("bonus", "0.0")
      .text();
}

std::string MexcSim::key_info(std::size_t account) const {
  const SimAccount& a = accounts_[account];
  std::string rights = "CONTRACT_ACCOUNT_READ,CONTRACT_DEAL_READ,SPOT_ACCOUNT_READ";
  if (a.can_trade) rights += ",SPOT_DEAL_WRITE";
  if (a.can_transfer) rights += ",SPOT_TRANSFER_WRITE";
  if (a.can_withdraw) rights += ",SPOT_WITHDRAW_WRITE";
  Obj row;
  row.str("note", a.name)
      .str("accessKey", a.key)
      .str("createTime", "2026-09-14T18:53:36.000+00:00")
      .str("permissions", rights);
  if (a.expires_ms != 0) row.num("remainingValidity", (a.expires_ms - world_.wall_ms()) / kDayMs);
  return row.str("ipWhiteList", a.ip_bound ? "203.0.113.7" : "").str("status", "VALID").text();
}

}  // namespace anduin::sim
