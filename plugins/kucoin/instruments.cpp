#include "instruments.hpp"

#include <algorithm>

namespace anduin::kucoin {
namespace {

constexpr std::string_view kPerpetual = "FFWCSX", kDated = "FFICSX";

std::string_view needed(const json::View& v, const char* name) {
  const std::string_view s = v.str();
  if (s.empty()) throw BadFrame(std::string("member '") + name + "' is missing");
  return s;
}

}  // namespace

bool is_linear(std::string_view native, std::string_view settle) {
  if (settle.empty() || !native.ends_with('M')) return false;
  native.remove_suffix(1);
  return native.size() > settle.size() && native.ends_with(settle);
}

bool looks_inverse(std::string_view native) { return native.ends_with("USDM") && native != "USDM"; }

std::vector<std::string_view> wanted_markets(const venue::Options& options) {
  const std::vector<std::string> wanted = options.list("market");
  std::vector<std::string_view> out;
  for (const std::string& name : wanted)
    if (name != kLinear && name != kInverse) throw BadOption("/market", "'" + name + "' is neither linear nor inverse");
  for (const std::string_view market : {kLinear, kInverse})
    if (std::find(wanted.begin(), wanted.end(), market) != wanted.end()) out.push_back(market);
  if (out.empty()) throw BadOption("/market", "name linear, inverse or both");
  return out;
}

venue::InstrumentInfo instrument_of(const json::View& row) {
  const auto [symbol, type, base, quote, settle, multiplier, tick, inverse] =
      row.get<"symbol", "type", "baseCurrency", "quoteCurrency", "settleCurrency", "multiplier", "tickSize",
              "isInverse">();
  venue::InstrumentInfo info;
  info.native = needed(symbol, "symbol");
  info.base = needed(base, "baseCurrency");
  info.quote = needed(quote, "quoteCurrency");
  info.settle = needed(settle, "settleCurrency");
  if (inverse != "true" && inverse != "false") throw BadFrame("member 'isInverse' is neither true nor false");
  const bool is_inverse = inverse == "true";
  info.market = is_inverse ? kInverse : kLinear;
  // By the type and not by expireDate: a perpetual that will be delisted has a date too.
  if (type == kPerpetual) info.kind = is_inverse ? AND_KIND_INVERSE_PERPETUAL : AND_KIND_LINEAR_PERPETUAL;
  else if (type == kDated) info.kind = is_inverse ? AND_KIND_INVERSE_DATED : AND_KIND_LINEAR_DATED;
  else throw BadFrame("member 'type' of " + std::string(info.native) + " is '" + type.text() + "', which is not known");
  if (type == kDated) info.flags |= AND_INSTRUMENT_NO_CANONICAL;
  // A lot is so many of the base coin; -1 stands for one dollar a lot. `lotSize` is only the step of orders.
  const Decimal lot = multiplier.dec();
  if (lot.is_zero() || (!is_inverse && lot.sign() < 0))
    throw BadFrame("member 'multiplier' of " + std::string(info.native) + " is " + lot.to_string());
  info.contract_size = lot.abs();
  info.tick = tick.dec_or_none();
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  return info;
}

}  // namespace anduin::kucoin
