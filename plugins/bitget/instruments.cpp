#include "instruments.hpp"

#include "anduin/names.hpp"

namespace anduin::bitget {
namespace {

std::string_view needed(const json::View& v, const char* name) {
  const std::string_view s = v.str();
  if (s.empty()) throw BadFrame(std::string("member '") + name + "' is missing");
  return s;
}

/// Base, quote and nothing behind it: BTCUSDT, BTCUSD, BTCPERP. A month and a year behind it is a dated contract.
bool is_dated_name(std::string_view symbol, std::string_view base, std::string_view quote) {
  if (!symbol.starts_with(base)) return false;
  const std::string_view tail = symbol.substr(base.size());
  return tail.starts_with(quote) && tail.size() == quote.size() + 3;
}

}  // namespace

std::string instrument_key(const Product& product, std::string_view symbol) {
  return product.market == kSpot ? "spot/" + std::string(symbol) : std::string(symbol);
}

InstrumentRow::InstrumentRow(const json::View& row, const Product& product) {
  const auto [symbol, category, base, quote, type, old_type, step, digits, real_world] =
      row.get<"symbol", "category", "baseCoin", "quoteCoin", "symbolType", "type", "priceMultiplier", "pricePrecision",
              "isRwa">();
  info.native = needed(symbol, "symbol");
  info.base = needed(base, "baseCoin");
  info.quote = needed(quote, "quoteCoin");
  if (!category.absent() && !(category == product.rest))
    throw BadFrame("member 'category' is '" + category.text() + "', which was not asked for");
  info.market = product.market;
  bool canonical = !is_scaled(info.base) && !(real_world == "YES");
  if (product.market == kSpot) {
    info.kind = AND_KIND_SPOT;
    info.settle = info.quote;
    if (const auto n = digits.i64_or_none(); n && *n >= 0 && *n <= 18) info.tick = Decimal(1, static_cast<int>(-*n));
  } else {
    const bool inverse = product.market == kInverse;
    const std::string_view kind =
        type.absent() ? old_type.str() : type.str();  // the page's table and its sample differ
    const bool dated = kind == "delivery" || is_dated_name(info.native, info.base, info.quote);
    if (kind != "perpetual" && kind != "delivery")
      throw BadFrame("member 'symbolType' is '" + std::string(kind) + "', which is not known");
    if (inverse)
      info.kind = dated ? AND_KIND_INVERSE_DATED : AND_KIND_INVERSE_PERPETUAL;
    else
      info.kind = dated ? AND_KIND_LINEAR_DATED : AND_KIND_LINEAR_PERPETUAL;
    info.settle = inverse ? info.base : info.quote;
    // Bitget counts coins, and quantityMultiplier is the step of that. Inverse sizes go out in US dollars, see closes.
    info.contract_size = Decimal(1);
    info.tick = step.dec_or_none();
    canonical = canonical && !dated;
  }
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  if (!canonical) info.flags |= AND_INSTRUMENT_NO_CANONICAL;
  alias = std::string(info.native) + std::string(product.old_tail);
  info.aliases = alias;
  key = instrument_key(product, info.native);
  info.key = key;
}

}  // namespace anduin::bitget
