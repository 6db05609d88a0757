#include "instruments.hpp"

#include "anduin/names.hpp"

namespace anduin::bybit {
namespace {

constexpr std::string_view kMonthLetters = "FGHJKMNQUVXZ";  // of dated inverse contracts: BTCUSDH26

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The coin of BTCUSD or BTCUSDH26; empty for every other spelling.
std::string_view inverse_coin(std::string_view symbol) {
  const std::size_t n = symbol.size();
  if (n > 3 && is_digit(symbol[n - 1]) && is_digit(symbol[n - 2]) && kMonthLetters.find(symbol[n - 3]) != std::string_view::npos)
    symbol.remove_suffix(3);
  if (symbol.size() <= 3 || !symbol.ends_with("USD")) return {};
  return symbol.substr(0, symbol.size() - 3);
}

std::uint32_t kind_of(Category category, std::string_view contract_type, std::string_view symbol) {
  if (category == Category::kSpot) return AND_KIND_SPOT;
  if (contract_type == "LinearPerpetual") return AND_KIND_LINEAR_PERPETUAL;
  if (contract_type == "InversePerpetual") return AND_KIND_INVERSE_PERPETUAL;
  if (contract_type == "LinearFutures") return AND_KIND_LINEAR_DATED;
  if (contract_type == "InverseFutures") return AND_KIND_INVERSE_DATED;
  throw BadFrame("member 'contractType' of " + std::string(symbol) + " is '" + std::string(contract_type) +
                 "', which is not known");
}

std::string_view needed(const json::View& v, const char* name) {
  const std::string_view s = v.str();
  if (s.empty()) throw BadFrame(std::string("member '") + name + "' is missing");
  return s;
}

}  // namespace

std::string instrument_key(Category category, std::string_view symbol) {
  return category == Category::kSpot ? "spot/" + std::string(symbol) : std::string(symbol);
}

std::string_view settle_coin(Category category, std::string_view symbol) {
  if (category == Category::kInverse) return inverse_coin(symbol);
  const std::size_t dash = symbol.find('-');
  const std::string_view head = symbol.substr(0, dash);
  if (head.ends_with("USDT")) return "USDT";
  if (head.ends_with("PERP") || head.ends_with("USDC") || dash != std::string_view::npos) return "USDC";
  return {};
}

bool looks_inverse(std::string_view symbol) { return !inverse_coin(symbol).empty(); }

InstrumentRow::InstrumentRow(const json::View& row, Category category) {
  const auto [symbol, type, base, quote, settle, price_filter, symbol_type, display] =
      row.get<"symbol", "contractType", "baseCoin", "quoteCoin", "settleCoin", "priceFilter", "symbolType",
              "displayName">();
  info.native = needed(symbol, "symbol");
  info.base = needed(base, "baseCoin");
  info.quote = needed(quote, "quoteCoin");
  info.settle = category == Category::kSpot ? info.quote : needed(settle, "settleCoin");
  info.market = text(category);
  info.kind = kind_of(category, type.str(), info.native);
  info.tick = price_filter["tickSize"].dec_or_none();
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  // Linear: one unit of the base coin; inverse: one US dollar.
  if (category != Category::kSpot) info.contract_size = Decimal(1);
  // Not by deliveryTime: a perpetual that will be delisted has one too.
  const bool dated = info.kind == AND_KIND_LINEAR_DATED || info.kind == AND_KIND_INVERSE_DATED;
  if (dated || is_scaled(info.base) || symbol_type == "xstocks") info.flags |= AND_INSTRUMENT_NO_CANONICAL;
  // USDC contracts pay their result every eight hours, so that a fill shows only the part since then.
  if (category == Category::kLinear && info.settle == "USDC") info.flags |= AND_INSTRUMENT_PNL_SPLIT;
  if (!display.str().empty() && display.str() != info.native) info.aliases = display.str();
  key = instrument_key(category, info.native);
  info.key = key;
}

}  // namespace anduin::bybit
