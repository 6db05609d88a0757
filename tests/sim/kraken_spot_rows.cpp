#include "sim/kraken_spot.hpp"

namespace anduin::sim {
namespace {

std::string money(const Decimal& value, int decimals_min) {
  std::string text = value.to_string();
  const std::size_t point = text.find('.');
  std::size_t after = point == std::string::npos ? 0 : text.size() - point - 1;
  if (point == std::string::npos) text += '.';
  for (; after < static_cast<std::size_t>(decimals_min); ++after) text += '0';
  return text;
}

/// "iban" as the page prints it: groups of four.
std::string spaced(const std::string& uid) {
  std::string out;
  for (std::size_t i = 0; i < uid.size(); ++i) {
    if (i != 0 && i % 4 == 0) out += ' ';
    out += uid[i];
  }
  return out;
}

}  // namespace

std::string KrakenSpot::ledger_json(const LedgerRow& row) const {
  return Obj()
      .str("aclass", "currency")
      .str("amount", money(row.amount, 4))
      .str("asset", row.asset)
      .str("balance", money(row.balance, 4))
      .str("fee", money(row.fee, 4))
      .str("refid", row.refid)
      .raw("time", seconds_us(row.time_us))
      .str("type", row.type)
      .str("subtype", "")
      .text();
}

std::string KrakenSpot::trade_json(const Trade& t, bool stream) const {
  Obj row;
  row.str("ordertxid", t.order_id)
      .str("postxid", t.position_id)
      .str("pair", stream ? t.pair->wsname : t.pair->key);
  if (stream)
    row.str("time", seconds_us(t.time_us));
  else
    row.raw("time", seconds_us(t.time_us));
  row.str("type", t.type)
      .str("ordertype", "market")
      .str("price", money(t.price, 5))
      .str("cost", money(t.cost, 5))
      .str("fee", money(t.fee, 5))
      .str("vol", money(t.volume, 8))
      .str("margin", money(Decimal::divide(t.cost, Decimal(5), 5), 5));
  if (!stream) {
    row.str("leverage", "5").str("misc", t.misc).num("trade_id", t.trade_id).flag("maker", false);
    // The row that opened a position says what became of it.
    if (!t.closing) row.str("posstatus", "closed");
  }
  return row.text();
}

std::string KrakenSpot::pair_json(const Pair& p) const {
  return Obj()
      .str("altname", p.altname)
      .str("wsname", p.wsname)
      .str("aclass_base", "currency")
      .str("base", p.base_asset)
      .str("aclass_quote", "currency")
      .str("quote", p.quote_asset)
      .str("lot", "unit")
      .num("cost_decimals", 5)
      .num("pair_decimals", p.spec.price_decimals)
      .num("lot_decimals", p.spec.qty_decimals)
      .num("lot_multiplier", 1)
      .raw("leverage_buy", "[2,3,4,5]")
      .raw("leverage_sell", "[2,3,4,5]")
      .raw("fees", "[[0,0.4],[10000,0.35]]")
      .raw("fees_maker", "[[0,0.25],[10000,0.2]]")
      .str("fee_volume_currency", "ZUSD")
      .num("margin_call", 80)
      .num("margin_stop", 40)
      .str("ordermin", fixed_text(p.spec.qty_units, p.spec.qty_decimals))
      .str("costmin", "0.5")
      .str("tick_size", fixed_text(p.spec.tick_units, p.spec.price_decimals))
      .str("status", "online")
      .text();
}

std::string KrakenSpot::book_json(const Pair& p, bool depth) const {
  const Ladder book = world_.market.ladder(p.spec, world_.wall_ms(), 10);
  const std::string now = std::to_string(world_.wall_ms() / 1000);
  const auto side = [&](const std::vector<Level>& levels, std::size_t count) {
    Arr rows;
    for (std::size_t i = 0; i < count && i < levels.size(); ++i) {
      Arr row;
      row.str(fixed_text(levels[i].price, p.spec.price_decimals))
          .str(fixed_text(levels[i].qty, p.spec.qty_decimals));
      if (depth) row.raw(now);
      rows.raw(row.text());
    }
    return rows.text();
  };
  if (depth) return Obj().raw("asks", side(book.asks, 10)).raw("bids", side(book.bids, 10)).text();
  const std::string price = Decimal(world_.market.price(p.spec, world_.wall_ms())).to_string();
  const std::string day = Arr().str(price).str(price).text();
  const auto best = [&](const std::vector<Level>& levels) {
    const std::string one = side(levels, 1);
    return one == "[]" ? one : one.substr(1, one.size() - 2);
  };
  return Obj()
      .raw("a", best(book.asks))
      .raw("b", best(book.bids))
      .raw("c", day)
      .raw("v", day)
      .raw("p", day)
      .raw("t", "[1,2]")
      .raw("l", day)
      .raw("h", day)
      .str("o", price)
      .text();
}

std::string KrakenSpot::key_info(std::size_t account) const {
  const SimAccount& a = accounts_[account];
  Arr rights;
  for (const char* right :
       {"query-funds", "query-open-trades", "query-closed-trades", "query-ledger", "create-ws-token"})
    rights.str(right);
  if (a.can_trade) rights.str("modify-trades").str("close-trades");
  if (a.can_withdraw) rights.str("withdraw-funds");
  if (a.can_transfer) rights.str("add-funds");
  return Obj()
      .str("apiKeyName", a.name)
      .str("apiKey", a.key)
      .str("nonce", std::to_string(books_[account].last_nonce))
      .num("nonceWindow", 0)
      .raw("permissions", rights.text())
      .str("iban", spaced(a.uid))
      .str("validUntil", std::to_string(a.expires_ms / 1000))
      .str("queryFrom", "0")
      .str("queryTo", "0")
      .str("createdTime", "1772542900")
      .str("modifiedTime", "1772543095")
      .raw("ipAllowlist", a.ip_bound ? Arr().str("127.0.0.1").text() : "[]")
      .str("lastUsed", std::to_string(world_.wall_ms() / 1000))
      .text();
}

}  // namespace anduin::sim
