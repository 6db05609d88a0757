#include "instruments.hpp"

#include <algorithm>
#include <utility>

namespace anduin::mexc {
namespace {

std::string_view needed(const json::View& v, const char* name) {
  const std::string_view s = v.str();
  if (s.empty()) throw BadFrame(std::string("member '") + name + "' is missing");
  return s;
}

/// The two names of BASE_QUOTE; empty for anything else.
std::pair<std::string_view, std::string_view> halves(std::string_view symbol) {
  const std::size_t line = symbol.find('_');
  if (line == std::string_view::npos || line == 0 || line + 1 == symbol.size() ||
      symbol.find('_', line + 1) != std::string_view::npos)
    return {};
  return {symbol.substr(0, line), symbol.substr(line + 1)};
}

}  // namespace

std::string_view likely_settle_coin(std::string_view symbol) {
  const auto [base, quote] = halves(symbol);
  return quote == "USD" ? base : quote;
}

std::string_view market_of(std::string_view symbol, std::string_view settle_coin) {
  return halves(symbol).second == settle_coin ? kLinear : kInverse;
}

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
  const auto [symbol, base, quote, settle, size, tick, type] =
      row.get<"symbol", "baseCoin", "quoteCoin", "settleCoin", "contractSize", "priceUnit", "futureType">();
  venue::InstrumentInfo info;
  info.native = needed(symbol, "symbol");
  const auto [head, tail] = halves(info.native);
  if (head.empty()) throw BadFrame("'" + std::string(info.native) + "' is not spelled BASE_QUOTE");
  info.base = head;  // baseCoin may be another name of the coin; the canonical name follows the symbol
  info.quote = tail;
  info.settle = needed(settle, "settleCoin");
  if (needed(quote, "quoteCoin") != tail)
    throw BadFrame("member 'quoteCoin' of " + std::string(info.native) + " is " + quote.text());
  if (!type.absent() && type != "1")
    throw BadFrame("member 'futureType' of " + std::string(info.native) + " is " + type.text() +
                   ", which is not known");
  if (info.settle == tail)
    info.kind = AND_KIND_LINEAR_PERPETUAL;
  else if (info.settle == head || info.settle == base.str())
    info.kind = AND_KIND_INVERSE_PERPETUAL;
  else
    throw BadFrame(std::string(info.native) + " settles in " + std::string(info.settle) +
                   ", which is neither of its coins");
  info.market = info.kind == AND_KIND_LINEAR_PERPETUAL ? kLinear : kInverse;
  info.contract_size = size.dec();
  if (info.contract_size->sign() <= 0)
    throw BadFrame("member 'contractSize' of " + std::string(info.native) + " is " + size.text());
  info.tick = tick.dec_or_none();
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  return info;
}

}  // namespace anduin::mexc
