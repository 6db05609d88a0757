#include "instruments.hpp"

namespace anduin::okx {
namespace {

std::string_view needed(const json::View& v, const char* name) {
  const std::string_view s = v.str();
  if (s.empty()) throw BadFrame(std::string("member '") + name + "' is missing");
  return s;
}

Decimal positive(const json::View& v, const char* name) {
  const auto d = v.dec_or_none();
  if (!d || d->sign() <= 0) throw BadFrame(std::string("member '") + name + "' is not above zero");
  return *d;
}

}  // namespace

InstrumentRow::InstrumentRow(const json::View& row) {
  const auto [id, type, contract_type, value, multiplier, settle, tick, base_coin, quote_coin] =
      row.get<"instId", "instType", "ctType", "ctVal", "ctMult", "settleCcy", "tickSz", "baseCcy", "quoteCcy">();
  info.native = needed(id, "instId");
  info.tick = tick.dec_or_none();
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  if (type == "SPOT") {
    base = needed(base_coin, "baseCcy");
    quote = needed(quote_coin, "quoteCcy");
    info.settle = quote;
    info.market = kSpot;
    info.kind = AND_KIND_SPOT;
  } else if (type == "SWAP") {
    // Swaps have no baseCcy: their name says it, BASE-QUOTE-SWAP.
    const std::size_t first = info.native.find('-'), last = info.native.rfind('-');
    if (first == 0 || first == std::string_view::npos || first + 1 >= last || !is_swap(info.native))
      throw BadFrame("'" + std::string(info.native) + "' is not spelled BASE-QUOTE-SWAP");
    base = info.native.substr(0, first);
    quote = info.native.substr(first + 1, last - first - 1);
    info.settle = needed(settle, "settleCcy");
    if (contract_type == "linear")
      info.kind = AND_KIND_LINEAR_PERPETUAL, info.market = kLinear;
    else if (contract_type == "inverse")
      info.kind = AND_KIND_INVERSE_PERPETUAL, info.market = kInverse;
    else
      throw BadFrame("member 'ctType' is '" + contract_type.text() + "', which is not known");
    // Base coin a contract if linear, US dollars if inverse.
    info.contract_size = positive(value, "ctVal") * positive(multiplier, "ctMult");
  } else {
    throw BadFrame("member 'instType' is '" + type.text() + "', which was not asked for");
  }
  info.base = base;
  info.quote = quote;
}

}  // namespace anduin::okx
