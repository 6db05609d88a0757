#include <cctype>

#include "sim/kraken_futures.hpp"

namespace anduin::sim {
namespace {

std::string number_or_null(const Decimal& value, bool stream, bool meaningful) {
  if (meaningful) return double_text(value);
  return stream ? "0.0" : "null";
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string KrakenFutures::row_json(const Row& row, bool stream) const {
  // REST has null, the stream 0.0 and "", where a row has nothing to say; and only REST names the contract.
  const bool cash_trade = row.cash && row.trade;
  const auto text = [&](const std::string& value) {
    return value.empty() && !stream ? std::string("null") : sim::quoted(value);
  };
  if (stream) {
    return Obj()
        .num("id", row.id)
        .str("date", iso_ms(row.date_ms))
        .str("asset", row.asset)
        .str("info", row.info)
        .str("booking_uid", row.booking_uid)
        .str("margin_account", row.margin_account)
        .raw("old_balance", double_text(row.old_balance))
        .raw("new_balance", double_text(row.new_balance))
        .raw("old_average_entry_price", number_or_null(row.old_entry, true, !row.cash))
        .raw("new_average_entry_price", number_or_null(row.new_entry, true, !row.cash))
        .raw("trade_price", number_or_null(row.trade_price, true, row.trade))
        .raw("mark_price", number_or_null(row.trade_price, true, row.trade))
        .raw("realized_pnl", number_or_null(row.pnl, true, cash_trade))
        .raw("fee", number_or_null(row.fee, true, cash_trade))
        .str("execution", row.execution)
        .str("collateral", row.collateral)
        .raw("funding_rate", "0.0")
        .raw("realized_funding", number_or_null(row.funding, true, !row.funding.is_zero()))
        .raw("conversion_spread_percentage", "0.0")
        .raw("liquidation_fee", number_or_null(row.liquidation_fee, true, cash_trade))
        .text();
  }
  return Obj()
      .str("asset", row.asset)
      .str("booking_uid", row.booking_uid)
      .null("collateral")
      .raw("contract", text(row.contract))
      .null("conversion_spread_percentage")
      .str("date", iso_ms(row.date_ms))
      .raw("execution", text(row.execution))
      .raw("fee", number_or_null(row.fee, false, cash_trade))
      .null("funding_rate")
      .num("id", row.id)
      .str("info", row.info)
      .raw("liquidation_fee",
           number_or_null(row.liquidation_fee, false, cash_trade && !row.liquidation_fee.is_zero()))
      .str("margin_account", row.margin_account)
      .raw("mark_price", number_or_null(row.trade_price, false, row.trade))
      .raw("new_average_entry_price",
           number_or_null(row.new_entry, false, !row.cash && !row.new_entry.is_zero()))
      .raw("new_balance", double_text(row.new_balance))
      .raw("old_average_entry_price",
           number_or_null(row.old_entry, false, !row.cash && !row.old_entry.is_zero()))
      .raw("old_balance", double_text(row.old_balance))
      .raw("realized_funding", number_or_null(row.funding, false, !row.funding.is_zero()))
      .raw("realized_pnl", number_or_null(row.pnl, false, cash_trade))
      .raw("trade_price", number_or_null(row.trade_price, false, row.trade))
      .text();
}

std::string KrakenFutures::fill_json(const Execution& e, bool stream, std::int64_t seq) const {
  if (stream) {  // no pnl on the socket
    return Obj()
        .str("instrument", e.tradeable)
        .num("time", e.time_ms)
        .raw("price", double_text(e.price))
        .num("seq", seq)
        .flag("buy", e.buy)
        .raw("qty", double_text(e.size))
        .raw("remaining_order_qty", "0.0")
        .str("order_id", e.order_id)
        .str("fill_id", e.uid)
        .str("fill_type", e.trade_type == "liquidation" ? "liquidation" : "taker")
        .raw("fee_paid", double_text(e.fee))
        .str("fee_currency", e.currency)
        .str("taker_order_type", "market")
        .str("order_type", "market")
        .text();
  }
  return Obj()
      .str("fill_id", e.uid)
      .str("symbol", e.tradeable)
      .str("side", e.buy ? "buy" : "sell")
      .str("order_id", e.order_id)
      .str("fillTime", iso_ms(e.time_ms))
      .raw("size", double_text(e.size))
      .raw("price", double_text(e.price))
      .str("fillType", e.trade_type == "liquidation" ? "liquidation" : "taker")
      .raw("realized_pnl", double_text(e.pnl))
      .text();
}

std::string KrakenFutures::instrument(const SymbolSpec& s) const {
  const bool inverse = s.product == Product::kInverse;
  Obj row;
  row.str("symbol", s.native).str("type", s.contract_type);
  if (inverse) row.str("underlying", "rr_" + std::string(s.base == "BTC" ? "xbt" : lower(s.base)) + "usd");
  if (s.native.starts_with("FI_")) row.str("lastTradingTime", "2027-12-31T16:00:00.000Z");
  const std::string size_name = inverse ? "contracts" : "numNonContractUnits";
  return row.raw("tickSize", Decimal(s.tick_units, -s.price_decimals).to_string())
      .num("contractSize", 1)
      .flag("tradeable", true)
      .raw("impactMidSize", "1000.0")
      .raw("maxPositionSize", "75000000.0")
      .str("openingDate", "2022-03-22T13:18:45Z")
      .raw("marginLevels", Arr()
                               .raw(Obj()
                                        .raw(size_name, "0")
                                        .raw("initialMargin", "0.02")
                                        .raw("maintenanceMargin", "0.01")
                                        .text())
                               .text())
      .num("fundingRateCoefficient", 24)
      .raw("maxRelativeFundingRate", "0.0025")
      .num("contractValueTradePrecision", s.qty_decimals)
      .flag("postOnly", false)
      .str("feeScheduleUid", "a6cbc326-9477-4a6c-911a-d4cb3ed7481e")
      .flag("mtf", true)
      .str("base", s.base)
      .str("quote", s.quote)
      .str("pair", s.base + ":" + s.quote)
      .text();
}

std::string KrakenFutures::wallets(std::size_t account) const {
  const Ledger& ledger = ledgers_[account];
  const std::string usd = double_text(ledger.cash.at("usd"));
  Obj cash;
  for (const auto& [currency, amount] : ledger.cash) cash.raw(currency, double_text(amount));
  return Obj()
      .raw("cash", Obj().raw("balances", cash.text()).str("type", "cashAccount").text())
      .raw("flex", Obj()
                       .raw("currencies", Obj()
                                              .raw("USD", Obj()
                                                              .raw("quantity", usd)
                                                              .raw("value", usd)
                                                              .raw("collateral", usd)
                                                              .raw("available", usd)
                                                              .text())
                                              .text())
                       .raw("initialMargin", "0.0")
                       .raw("initialMarginWithOrders", "0.0")
                       .raw("maintenanceMargin", "0.0")
                       .raw("balanceValue", usd)
                       .raw("portfolioValue", usd)
                       .raw("collateralValue", usd)
                       .raw("pnl", "0.0")
                       .raw("unrealizedFunding", "0.0")
                       .raw("totalUnrealized", "0.0")
                       .raw("totalUnrealizedAsMargin", "0.0")
                       .raw("availableMargin", usd)
                       .raw("marginEquity", usd)
                       .str("type", "multiCollateralMarginAccount")
                       .text())
      .text();
}

std::string KrakenFutures::balances_frame(std::size_t account, const std::string& feed) const {
  const std::string usd = double_text(ledgers_[account].cash.at("usd"));
  const std::string coin = Obj()
                               .raw("quantity", usd)
                               .raw("value", usd)
                               .raw("collateral_value", usd)
                               .raw("available", usd)
                               .raw("haircut", "0.0")
                               .raw("conversion_spread", "0.0")
                               .text();
  Obj frame;
  frame.str("feed", feed).str("account", accounts_[account].uid);
  if (feed == "balances_snapshot") {  // a later frame names only the wallet that changed
    Obj holding;
    for (const auto& [currency, amount] : ledgers_[account].cash)
      holding.raw(upper(currency), double_text(amount));
    frame.raw("holding", holding.text()).raw("futures", "{}");
  }
  return frame
      .raw("flex_futures", Obj()
                               .raw("currencies", Obj().raw("USD", coin).text())
                               .raw("balance_value", usd)
                               .raw("portfolio_value", usd)
                               .raw("collateral_value", usd)
                               .raw("initial_margin", "0.0")
                               .raw("initial_margin_without_orders", "0.0")
                               .raw("maintenance_margin", "0.0")
                               .raw("pnl", "0.0")
                               .raw("unrealized_funding", "0.0")
                               .raw("total_unrealized", "0.0")
                               .raw("total_unrealized_as_margin", "0.0")
                               .raw("margin_equity", usd)
                               .raw("available_margin", usd)
                               .raw("isolated", "{}")
                               .raw("cross", "{}")
                               .text())
      .num("timestamp", world_.wall_ms())
      .num("seq", private_seq_)
      .text();
}

}  // namespace anduin::sim
