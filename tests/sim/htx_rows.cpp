#include "sim/htx.hpp"

namespace anduin::sim {

std::string HtxSim::id_text(const std::string& digits) const {
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
  return shape_.numeric_ids && number ? digits : sim::quoted(digits);
}

std::string HtxSim::order_row(const HtxOrder& o, bool with_query_id) const {
  const Decimal turnover = o.price * count(o.filled) * o.contract->size;
  Obj row;
  row.str("side", o.side)
      .str("type", o.canceled > 0 ? "limit" : "market")
      .str("price", o.canceled > 0 ? o.price.to_string() : "0")
      .str("volume", std::to_string(o.volume))
      .str("state", o.state)
      .str("profit", o.profit.to_string())
      .str("contract_code", o.contract->spec.native)
      .str("position_side", o.position_side)
      .null("price_match")
      .raw("order_id", id_text(o.order_id))
      .raw("client_order_id", id_text(o.order_id))
      .str("margin_mode", o.margin_mode)
      .num("lever_rate", 10)
      .str("order_source", o.source)
      .flag("reduce_only", o.reduce_only)
      .str("time_in_force", "gtc");
  if (o.filled == 0)
    row.null("trade_avg_price");
  else
    row.str("trade_avg_price", o.price.to_string());
  row.str("trade_volume", std::to_string(o.filled))
      .str("trade_turnover", turnover.to_string())
      .str("fee_currency", "USDT")
      .str("fee", (-o.fee).to_string())  // what it cost is below zero here, and above in the executions
      .str("contract_type", "swap")
      .str("cancel_reason", "");
  // Times are texts or numbers, and the later one may be missing.
  row.str("created_time", std::to_string(o.created_ms));
  if (o.empty_times)
    row.str("updated_time", "");
  else if (shape_.numeric_ids)
    row.num("updated_time", o.updated_ms);
  else
    row.str("updated_time", std::to_string(o.updated_ms));
  row.str("self_match_prevent", "cancel_taker");
  if (o.says_canceled) row.str("cancel_volume", std::to_string(o.canceled));
  if (with_query_id) row.str("id", o.query_id).flag("price_protect", false);
  return row.text();
}

std::string HtxSim::execution_row(const HtxOrder& o, const HtxExecution& e) const {
  return Obj()
      .str("id", e.id)
      .str("contract_code", o.contract->spec.native)
      .raw("order_id", id_text(o.order_id))
      .str("trade_id", e.trade_id)
      .str("side", o.side)
      .str("position_side", o.position_side)
      .str("order_type", o.order_type)
      .str("margin_mode", o.margin_mode)
      .str("type", o.canceled > 0 ? "limit" : "market")
      .str("role", "TAKER")
      .str("trade_price", e.price.to_string())
      .str("trade_volume", std::to_string(e.contracts))
      .str("trade_turnover", (e.price * count(e.contracts) * o.contract->size).to_string())
      .str("created_time", std::to_string(o.updated_ms))
      .str("updated_time", std::to_string(o.updated_ms))
      .str("order_source", o.source)
      .str("fee_currency", "USDT")
      .str("trade_fee", e.fee.to_string())
      .str("deduction_price", "")
      .str("profit", e.profit.to_string())
      .str("contract_type", "swap")
      .text();
}

std::string HtxSim::position_row(const Key& key, const HtxPosition& p) const {
  return Obj()
      .str("contract_code", key.first)
      .str("symbol", key.first.substr(0, key.first.find('-')))
      .str("position_mode", key.second == "both" ? "single_side" : "dual_side")
      .str("position_side", key.second)
      .str("direction", p.direction)
      .str("margin_mode", p.margin_mode)
      .str("open_avg_price", p.average.to_string())
      .str("volume", std::to_string(p.contracts))
      .str("available", std::to_string(p.contracts))
      .str("fee", "0")
      .num("lever_rate", 10)
      .null("adl_risk_percent")
      .str("profit_unreal", "0")
      .str("profit", "0")
      .str("state", "normal")
      .str("contract_type", "swap")
      .num("version", p.version)
      .num("created_time", p.updated_ms)
      .num("updated_time", p.updated_ms)
      .text();
}

/// All positions of an account, or those of one contract.
std::string HtxSim::positions(std::size_t account, const std::string& contract) const {
  Arr rows;
  for (const auto& [key, position] : positions_[account])
    if (contract.empty() || key.first == contract) rows.raw(position_row(key, position));
  return rows.text();
}

std::string HtxSim::balance(std::size_t account) const {
  const std::string all = equity_[account].to_string(), now = std::to_string(world_.wall_ms());
  const std::string top = multi_asset_ ? all : "0";  // a single-asset account has its figures in the rows alone
  return Obj()
      .str("state", "normal")
      .str("equity", top)
      .str("initial_margin", "0")
      .str("maintenance_margin", "0")
      .str("maintenance_margin_rate", "0")
      .str("profit_unreal", "0")
      .str("available_margin", top)
      .str("voucher_value", "0")
      .raw("details", Arr()
                          .raw(Obj()
                                   .str("currency", "USDT")
                                   .str("equity", all)
                                   .str("isolated_equity", "0")
                                   .str("available", all)
                                   .str("profit_unreal", "0")
                                   .str("isolated_profit_unreal", "0")
                                   .str("initial_margin", "0")
                                   .str("maintenance_margin", "0")
                                   .str("maintenance_margin_rate", "0")
                                   .str("initial_margin_rate", "0")
                                   .str("available_margin", all)
                                   .str("voucher", "0")
                                   .str("voucher_value", "0")
                                   .str("withdraw_available", all)
                                   .str("created_time", "1789000002932")
                                   .str("updated_time", now)
                                   .text())
                          .text())
      .str("created_time", "1789000000881")
      .str("updated_time", now)
      .num("version", 1 + closes_)
      .text();
}

std::string HtxSim::contract_row(const HtxContract& c) const {
  const SymbolSpec& s = c.spec;
  // Numbers as the venue prints them: trailing zeros, and an exponent for what is small.
  const Decimal tick = *Decimal::parse(fixed_text(s.tick_units, s.price_decimals));
  std::string size = c.size.to_string();
  if (size.find('.') == std::string::npos) size += ".";
  size += "000000000000000000";
  const bool small = s.price_decimals > 6;
  const std::string tick_text = small ? "1.0000000000E-" + std::to_string(s.price_decimals)
                                      : tick.to_string() + (s.price_decimals == 0 ? "" : "0");
  return Obj()
      .str("symbol", s.base)
      .str("contract_code", s.native)
      .raw("contract_size", size)
      .raw("price_tick", tick_text)
      .str("delivery_date", c.dated ? "20351228" : "")
      .str("delivery_time", c.dated ? "2082355200000" : "")
      .str("create_date", "20201021")
      .num("contract_status", c.status)
      .str("settlement_date", "1895000000000")
      .str("support_margin_mode", "all")
      .str("business_type", c.dated ? "futures" : "swap")
      .str("pair", s.base + "-USDT")
      .str("contract_type", s.contract_type)
      .str("trade_partition", "USDT")
      .text();
}

}  // namespace anduin::sim
