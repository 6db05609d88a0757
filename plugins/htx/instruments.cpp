#include "instruments.hpp"

#include <algorithm>
#include <cctype>

#include "anduin/names.hpp"

namespace anduin::htx {
namespace {

constexpr std::string_view kQuote = "USDT";

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

}  // namespace

std::optional<std::string> swap_base(std::string_view contract) {
  const std::size_t dash = contract.find('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  if (upper(contract.substr(dash + 1)) != kQuote) return std::nullopt;
  return upper(contract.substr(0, dash));
}

InstrumentRow::InstrumentRow(const json::View& row) {
  const auto [code, size, tick] = row.get<"contract_code", "contract_size", "price_tick">();
  if (code.str().empty()) throw BadFrame("member 'contract_code' is missing");
  const auto coin = swap_base(code.str());
  if (!coin) return;
  contract_size = size.dec();
  if (contract_size.sign() <= 0) throw BadFrame("member 'contract_size' is not above zero: " + size.text());
  is_swap = true;
  native = upper(code.str());
  base = *coin;
  info.native = native;
  info.base = base;
  info.quote = info.settle = kQuote;
  info.market = kMarket;
  info.kind = AND_KIND_LINEAR_PERPETUAL;
  info.contract_size = contract_size;
  info.tick = tick.dec_or_none();
  if (info.tick && info.tick->sign() <= 0) info.tick.reset();
  if (is_scaled(base)) info.flags |= AND_INSTRUMENT_NO_CANONICAL;
}

}  // namespace anduin::htx
